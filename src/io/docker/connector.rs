//! The way to the engine, as the target `docker` is handed it.

use std::sync::Arc;

use dashdeploy_contract::{ErrorKind, TargetError};
use dashdeploy_docker::Connect;
use secrecy::ExposeSecret;

use super::{EngineError, EngineErrorKind, EngineSettings, connect};

/// Connects by the settings of this process; a `DOCKER_HOST` among the target's credentials counts before them.
pub fn connector() -> Connect {
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
