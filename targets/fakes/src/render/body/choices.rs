//! Words that the vendor lets one choose from.
//!
//! Given: JSON. Gives: the word, typed; another is refused. Deliberately absent: what each word does.

use serde::{Deserialize, Serialize};

/// Kinds of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::render) enum Kind {
    StaticSite,
    WebService,
    PrivateService,
    BackgroundWorker,
    CronJob,
}

/// What a service costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::render) enum Plan {
    Starter,
    StarterPlus,
    Standard,
    StandardPlus,
    Pro,
    ProPlus,
    ProMax,
    ProUltra,
    Free,
    Custom,
}

/// Where a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::render) enum Region {
    Frankfurt,
    Oregon,
    Ohio,
    Singapore,
    Virginia,
}

/// A switch, as the vendor spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::render) enum Switch {
    Yes,
    No,
}

/// Another switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::render) enum Policy {
    Enabled,
    Disabled,
}

/// How previews are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::render) enum Generation {
    Off,
    Manual,
    Automatic,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::render) enum CacheProfile {
    NoCache,
    OriginControlled,
    OriginControlledAll,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::render) enum RouteKind {
    Redirect,
    Rewrite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::render) enum ClearCache {
    Clear,
    DoNotClear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::render) enum DeployMode {
    DeployOnly,
    BuildAndDeploy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::render) enum Registry {
    Github,
    Gitlab,
    Docker,
    GoogleArtifact,
    AwsEcr,
}
