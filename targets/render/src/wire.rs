//! What Render answers, as far as it is read. Unknown fields are passed over, missing ones are nothing.

use serde::Deserialize;

use crate::mark::digest_of;

/// One item of a list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Item<T> {
    #[serde(
        alias = "service",
        alias = "owner",
        alias = "deploy",
        alias = "envVar",
        alias = "customDomain",
        alias = "registryCredential",
        alias = "route",
        alias = "header"
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
    /// Its host name inside, and the label of the public one.
    pub(crate) slug: String,
    pub(crate) owner_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) suspended: String,
    /// Who suspended it: `user`, `billing`, `admin` and others.
    pub(crate) suspenders: Vec<String>,
    pub(crate) auto_deploy: String,
    pub(crate) image_path: Option<String>,
    pub(crate) registry_credential: Option<Credential>,
    pub(crate) dashboard_url: String,
    pub(crate) repo: Option<String>,
    pub(crate) branch: Option<String>,
    pub(crate) root_dir: Option<String>,
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
    pub(crate) runtime: Option<String>,
    pub(crate) autoscaling: Option<Autoscaling>,
    pub(crate) build_command: Option<String>,
    pub(crate) publish_path: Option<String>,
}

/// Whether the platform itself decides how many instances there are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Autoscaling {
    pub(crate) enabled: bool,
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
        sha.or_else(|| digest_of(self.image.reference.as_deref()?))
    }

    /// Its image by digest, so that the very same can be deployed again.
    pub(crate) fn pinned(&self) -> Option<String> {
        let reference = self.image.reference.as_deref()?;
        let Some(digest) = self.digest() else { return Some(reference.to_owned()) };
        let name = reference.split('@').next().unwrap_or(reference);
        let last = name.rfind('/').map_or(0, |at| at + 1);
        let repository = name[last..].find(':').map_or(name, |colon| &name[..last + colon]);
        Some(format!("{repository}@{digest}"))
    }

    /// True where it is of this image or commit.
    pub(crate) fn is_of(&self, content: &str) -> bool {
        let image = self.image.reference.as_deref();
        let digest = digest_of(content);
        image == Some(content)
            || self.commit.id.as_deref() == Some(content)
            || (digest.is_some() && digest == self.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_pinned_by_what_it_was_resolved_to() {
        let of = |reference: &str, sha: &str| Deploy {
            image: DeployImage { reference: Some(reference.to_owned()), sha: Some(sha.to_owned()) },
            ..Deploy::default()
        };
        let pinned = |reference: &str| of(reference, "sha256:1").pinned();
        assert_eq!(pinned("localhost:5000/a/b:1").as_deref(), Some("localhost:5000/a/b@sha256:1"));
        assert_eq!(pinned("a/b@sha256:1").as_deref(), Some("a/b@sha256:1"));
        assert_eq!(pinned("nginx").as_deref(), Some("nginx@sha256:1"));
        assert_eq!(of("a/b:1", "").pinned().as_deref(), Some("a/b:1"));
        assert!(of("a/b:1", "sha256:1").is_of("a/b@sha256:1") && !of("a/b:1", "").is_of("a/b@sha256:1"));
    }
}
