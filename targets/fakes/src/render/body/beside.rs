//! What requests about things that belong to a service bear: variables, files, disks, deploys, domains, rules.
//!
//! Given: JSON. Gives: the same, typed. Deliberately absent: rules between fields; those are where they are obeyed.

use serde::{Deserialize, Serialize};

use super::choices::{ClearCache, DeployMode, Registry, RouteKind};

/// A variable that is set: with a value, or one that the platform makes up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct EnvVarPut {
    pub(in crate::render) key: String,
    pub(in crate::render) value: Option<String>,
    pub(in crate::render) generate_value: Option<bool>,
}

/// `PUT /services/{id}/env-vars/{key}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct EnvVarOne {
    pub(in crate::render) value: Option<String>,
    pub(in crate::render) generate_value: Option<bool>,
}

/// A file below `/etc/secrets`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct SecretFile {
    pub(in crate::render) name: String,
    pub(in crate::render) content: String,
}

/// `PUT /services/{id}/secret-files/{name}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct SecretFileOne {
    #[serde(default)]
    pub(in crate::render) content: String,
}

/// A disk that is made with its service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct DiskPut {
    pub(in crate::render) name: String,
    #[serde(rename = "mountPath")]
    pub(in crate::render) mount_path: String,
    #[serde(rename = "sizeGB")]
    pub(in crate::render) size_gb: Option<u32>,
}

/// `POST /disks`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct DiskPost {
    pub(in crate::render) name: String,
    #[serde(rename = "mountPath")]
    pub(in crate::render) mount_path: String,
    #[serde(rename = "sizeGB")]
    pub(in crate::render) size_gb: u32,
    #[serde(rename = "serviceId")]
    pub(in crate::render) service_id: String,
}

/// `PATCH /disks/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct DiskPatch {
    pub(in crate::render) name: Option<String>,
    #[serde(rename = "mountPath")]
    pub(in crate::render) mount_path: Option<String>,
    #[serde(rename = "sizeGB")]
    pub(in crate::render) size_gb: Option<u32>,
}

/// A rule of a static site's router.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct RoutePut {
    pub(in crate::render) r#type: RouteKind,
    pub(in crate::render) source: String,
    pub(in crate::render) destination: String,
    pub(in crate::render) priority: Option<i64>,
}

/// A header of a static site's answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct HeaderPut {
    pub(in crate::render) path: String,
    pub(in crate::render) name: String,
    pub(in crate::render) value: String,
}

/// `POST /services/{id}/deploys`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct DeployPost {
    pub(in crate::render) clear_cache: Option<ClearCache>,
    pub(in crate::render) commit_id: Option<String>,
    pub(in crate::render) image_url: Option<String>,
    pub(in crate::render) deploy_mode: Option<DeployMode>,
}

/// `POST /services/{id}/rollback`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct RollbackPost {
    pub(in crate::render) deploy_id: String,
}

/// `POST /services/{id}/scale`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct ScalePost {
    pub(in crate::render) num_instances: u32,
}

/// `POST /services/{id}/custom-domains`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct DomainPost {
    pub(in crate::render) name: String,
}

/// `POST /registrycredentials` and `PATCH …/{id}`, which has no owner.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct CredentialPut {
    pub(in crate::render) registry: Registry,
    pub(in crate::render) name: String,
    pub(in crate::render) username: String,
    pub(in crate::render) auth_token: String,
    pub(in crate::render) owner_id: Option<String>,
}
