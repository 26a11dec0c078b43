//! The only file that names the targets.

use dashdeploy_contract::Target;

/// Targets that dashdeploy.yaml may name also where this build was made without them.
const KNOWN: [&str; 8] = ["docker", "render", "fly", "aws", "azure", "railway", "netlify", "vercel"];

/// The words that may stand under `target:`.
pub fn known_names() -> Vec<&'static str> {
    let here = TARGETS.iter().map(|(name, _)| *name).filter(|name| !KNOWN.contains(name));
    KNOWN.into_iter().chain(here).collect()
}

/// How a target is made.
type Make = fn() -> Box<dyn Target>;

/// The targets of this build, by name; each is made only when it is asked for.
const TARGETS: &[(&str, Make)] = &[
    #[cfg(feature = "docker")]
    ("docker", || Box::new(dashdeploy_docker::target(docker::connector()))),
    #[cfg(feature = "render")]
    ("render", || Box::new(dashdeploy_render::target())),
    #[cfg(feature = "fly")]
    ("fly", || Box::new(dashdeploy_fly::target())),
    #[cfg(feature = "aws")]
    ("aws", || Box::new(dashdeploy_aws::target())),
    #[cfg(feature = "azure")]
    ("azure", || Box::new(dashdeploy_azure::target())),
    #[cfg(feature = "railway")]
    ("railway", || Box::new(dashdeploy_railway::target())),
    #[cfg(feature = "netlify")]
    ("netlify", || Box::new(dashdeploy_netlify::target())),
    #[cfg(feature = "vercel")]
    ("vercel", || Box::new(dashdeploy_vercel::target())),
];

/// The names of this build's targets.
pub fn names() -> Vec<&'static str> {
    TARGETS.iter().map(|(name, _)| *name).collect()
}

/// The targets of this build.
pub fn all() -> Vec<Box<dyn Target>> {
    TARGETS.iter().map(|(_, make)| make()).collect()
}

/// The target of a name; none where this build has no such target.
pub fn target(name: &str) -> Option<Box<dyn Target>> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, make)| make())
}

/// The target whose addresses the generated Compose files are made with: a Docker host.
pub fn compose_host() -> Option<Box<dyn Target>> {
    target("docker")
}

#[cfg(feature = "docker")]
mod docker {
    //! The way to the engine, as the target `docker` is handed it.

    use std::sync::Arc;

    use dashdeploy_contract::{ErrorKind, TargetError};
    use dashdeploy_docker::Connect;
    use secrecy::ExposeSecret;

    use crate::io::docker::{EngineError, EngineErrorKind, EngineSettings, connect};

    /// Connects by the settings of this process; a `DOCKER_HOST` among the target's credentials counts before them.
    pub(super) fn connector() -> Connect {
        Arc::new(|options| {
            let mut settings = EngineSettings::from_env();
            if let Some(host) = options.credentials.get("DOCKER_HOST") {
                settings.host = Some(host.expose_secret().to_owned());
            }
            Box::pin(async move {
                let engine = connect(&settings).await.map_err(target_error)?;
                Ok(engine.docker)
            })
        })
    }

    fn target_error(error: EngineError) -> TargetError {
        let kind = match error.kind {
            EngineErrorKind::NotRunning => ErrorKind::Unavailable,
            EngineErrorKind::PermissionDenied => ErrorKind::Denied,
            EngineErrorKind::TooOld => ErrorKind::Unsupported,
            EngineErrorKind::BadAddress => ErrorKind::Invalid,
            EngineErrorKind::BadAnswer => ErrorKind::Unexpected,
        };
        TargetError::new(kind, "docker", "connect", error.message).hint(error.hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_is_known_by_the_name_it_gives_itself() {
        for (name, make) in TARGETS {
            assert_eq!(make().descriptor().name, *name);
            assert!(known_names().contains(name));
        }
    }
}
