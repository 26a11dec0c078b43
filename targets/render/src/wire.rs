//! What Render answers, as far as it is read. Unknown fields are passed over, missing ones are nothing.

use serde::Deserialize;

/// One item of a list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Item<T> {
    #[serde(
        alias = "service",
        alias = "owner",
        alias = "deploy",
        alias = "envVar",
        alias = "customDomain",
        alias = "registryCredential"
    )]
    pub(crate) thing: T,
    #[serde(default)]
    pub(crate) cursor: String,
}

/// A workspace.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Owner {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A service.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) owner_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) suspended: String,
    pub(crate) image_path: Option<String>,
    pub(crate) dashboard_url: String,
    pub(crate) service_details: Details,
}

/// A service's details; which are there depends on its type.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Details {
    pub(crate) url: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) num_instances: Option<u32>,
    pub(crate) health_check_path: Option<String>,
    pub(crate) max_shutdown_delay_seconds: Option<u32>,
    pub(crate) env_specific_details: EnvSpecific,
    pub(crate) disk: Option<Disk>,
}

/// What depends on the runtime.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EnvSpecific {
    pub(crate) docker_command: Option<String>,
}

/// A disk.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Disk {
    pub(crate) id: String,
    #[serde(rename = "sizeGB")]
    pub(crate) size_gb: u64,
    pub(crate) mount_path: String,
}

/// What a creation answers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Created {
    pub(crate) service: Service,
}

/// A variable, whose value can be read.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Variable {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// A deploy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Deploy {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) image: DeployImage,
    pub(crate) commit: DeployCommit,
}

/// The image of a deploy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeployImage {
    #[serde(rename = "ref")]
    pub(crate) reference: Option<String>,
    pub(crate) sha: Option<String>,
}

/// The commit of a deploy.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeployCommit {
    pub(crate) id: Option<String>,
}

/// A host name of the user's own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Domain {
    pub(crate) name: String,
    pub(crate) verification_status: String,
}

/// A login at a registry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A page of logs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LogPage {
    pub(crate) has_more: bool,
    pub(crate) next_start_time: Option<String>,
    pub(crate) next_end_time: Option<String>,
    pub(crate) logs: Vec<LogEntry>,
}

/// A line.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogEntry {
    pub(crate) timestamp: String,
    pub(crate) message: String,
    pub(crate) labels: Vec<Label>,
}

/// A line's fact.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Deploy {
    /// True while it may still become live.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(
            self.status.as_str(),
            "created" | "queued" | "build_in_progress" | "pre_deploy_in_progress" | "update_in_progress"
        )
    }

    /// The digest of its image.
    pub(crate) fn digest(&self) -> Option<String> {
        let sha = self.image.sha.clone().filter(|sha| sha.starts_with("sha256:"));
        sha.or_else(|| Some(self.image.reference.as_ref()?.rsplit_once('@')?.1.to_owned()))
    }
}
