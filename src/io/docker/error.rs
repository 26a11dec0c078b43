//! Why an engine cannot be used, and what mends it.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use bollard::errors::Error;

/// What kind of obstacle it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineErrorKind {
    /// Nothing answers.
    NotRunning,
    /// It is there, and refuses this user.
    PermissionDenied,
    /// It speaks only an API from before Engine 20.10.
    TooOld,
    /// The address cannot be used.
    BadAddress,
    /// Something answers, and it is no engine, or it is broken.
    BadAnswer,
}

/// Why an engine cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EngineError {
    /// What kind of obstacle it is.
    pub kind: EngineErrorKind,
    /// The address, or what was written in its place.
    pub address: String,
    /// What happened, one sentence without a full stop.
    pub message: String,
    /// What mends it.
    pub hint: String,
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EngineError {}

impl EngineError {
    pub(super) fn bad_address(written: &str, message: String, hint: &str) -> Self {
        let address = written.to_owned();
        Self { kind: EngineErrorKind::BadAddress, address, message, hint: hint.to_owned() }
    }

    pub(super) fn too_old(address: &str, api: &str) -> Self {
        Self {
            kind: EngineErrorKind::TooOld,
            address: address.to_owned(),
            message: format!("the engine at {address} speaks API {api}, and 1.41 is the oldest supported"),
            hint: "update it to Docker Engine 20.10 or later: https://docs.docker.com/engine/install/"
                .to_owned(),
        }
    }

    pub(super) fn silent(address: &str, waited: Duration) -> Self {
        Self {
            kind: EngineErrorKind::NotRunning,
            address: address.to_owned(),
            message: format!("the engine at {address} did not answer within {} s", waited.as_secs()),
            hint: "see whether it still starts (`docker version`); restart it if it hangs".to_owned(),
        }
    }

    /// Tells by the first system error in the chain what kind of obstacle a failed request met.
    pub(super) fn from_bollard(address: &str, error: &Error) -> Self {
        let address = address.to_owned();
        if matches!(error, Error::SocketNotFoundError(_)) {
            return Self::not_running(address);
        }
        match system_error(error).map(io::Error::kind) {
            Some(io::ErrorKind::PermissionDenied) => Self::permission_denied(address),
            Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Self::not_running(address),
            Some(_) => Self {
                message: format!("the engine at {address} cannot be reached: {}", deepest(error)),
                kind: EngineErrorKind::NotRunning,
                hint: "check the address in DOCKER_HOST or `docker context ls`".to_owned(),
                address,
            },
            None => Self {
                message: format!("what answers at {address} is not a Docker Engine: {}", deepest(error)),
                kind: EngineErrorKind::BadAnswer,
                hint: "check the address in DOCKER_HOST or `docker context ls`, and the engine's own log"
                    .to_owned(),
                address,
            },
        }
    }

    fn not_running(address: String) -> Self {
        let hint = if !address.starts_with("unix://") && !address.starts_with("npipe://") {
            "start the engine there, or correct DOCKER_HOST or the docker context"
        } else if cfg!(target_os = "linux") {
            "start it with `sudo systemctl start docker` (or Docker Desktop); to install one: \
             https://docs.docker.com/engine/install/"
        } else {
            "start Docker Desktop; to install it: https://docs.docker.com/get-started/get-docker/"
        };
        Self {
            kind: EngineErrorKind::NotRunning,
            message: format!("no Docker Engine answers at {address}"),
            hint: hint.to_owned(),
            address,
        }
    }

    fn permission_denied(address: String) -> Self {
        Self {
            kind: EngineErrorKind::PermissionDenied,
            message: format!("this user may not use the Docker Engine at {address}"),
            hint: "add the user to the group docker (`sudo usermod -aG docker $USER`, then log in again), \
                   or use a rootless engine: https://docs.docker.com/engine/security/rootless/"
                .to_owned(),
            address,
        }
    }
}

fn system_error(error: &Error) -> Option<&io::Error> {
    let mut current: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found);
        }
        current = error.source();
    }
    None
}

fn deepest(error: &Error) -> String {
    let mut message = error.to_string();
    let mut current = error.source();
    while let Some(error) = current {
        message = error.to_string();
        current = error.source();
    }
    message
}
