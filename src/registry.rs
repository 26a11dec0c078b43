//! The only file that names the targets.

use dashdeploy_contract::Target;

/// Targets that dashdeploy.yaml may name. Those this build cannot deploy to yet are refused by the commands that would.
const KNOWN: [&str; 8] = ["docker", "render", "fly", "aws", "azure", "railway", "netlify", "vercel"];

/// The words that may stand under `target:`.
pub fn known_names() -> Vec<&'static str> {
    KNOWN.to_vec()
}

/// The targets of this build.
pub fn all() -> Vec<Box<dyn Target>> {
    vec![
        #[cfg(feature = "docker")]
        Box::new(dashdeploy_docker::target(crate::io::docker::connector())),
    ]
}

/// The target of a name; none where this build has no such target.
pub fn target(name: &str) -> Option<Box<dyn Target>> {
    all().into_iter().find(|target| target.descriptor().name == name)
}

/// The target whose addresses the generated Compose files are made with: a Docker host.
pub fn compose_host() -> Option<Box<dyn Target>> {
    target("docker")
}
