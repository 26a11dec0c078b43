//! Health: single samples, and the watch that delivers them as they change.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Name, TargetError};

/// What a platform says of a service at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Health {
    /// Nothing runs.
    Absent,
    /// It runs; its health check has not passed yet.
    Starting,
    /// It runs and has no health check: alive is all that can be said.
    Running,
    /// Its health check passes.
    Healthy,
    /// Its health check fails.
    Unhealthy {
        /// The check's last output, as the platform gives it.
        detail: String,
    },
    /// It ended.
    Exited {
        /// The exit code.
        code: i64,
        /// What else the platform says, such as `out of memory`.
        detail: String,
    },
}

/// A service's health at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthSample {
    /// The service.
    pub service: Name,
    /// How it is.
    pub health: Health,
}

/// What a service really runs, as its platform tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Served {
    /// For each copy that runs, the content of its image: the digest of a manifest, or the engine's id. Empty where nothing
    /// runs, or the platform does not tell.
    pub images: Vec<String>,
    /// The address from outside that the platform gave it.
    pub url: Option<String>,
    /// The state of the certificate of the user's own host name, where it has one: `active`, or what is still missing.
    pub certificate: Option<String>,
    /// What the last health check that failed said, where the platform keeps it and nothing better has come since.
    pub probe: Option<String>,
}

/// A subscription to health changes, opened before anything is started, so that no change is missed.
#[async_trait]
pub trait HealthWatch: Send {
    /// Waits for the next change of any service. Reconnects by itself when the connection breaks, without losing changes.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked any more.
    async fn next(&mut self) -> Result<HealthSample, TargetError>;
}

impl Health {
    /// The word shown to people.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Healthy => "healthy",
            Self::Unhealthy { .. } => "unhealthy",
            Self::Exited { .. } => "exited",
        }
    }

    /// True where the service serves: healthy, or alive without a check.
    pub fn is_serving(&self) -> bool {
        matches!(self, Self::Healthy | Self::Running)
    }
}
