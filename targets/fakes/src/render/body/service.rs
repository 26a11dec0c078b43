//! What requests about a service itself bear.
//!
//! Given: JSON. Gives: the same, typed. Deliberately absent: rules between fields; those are where they are obeyed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::beside::{DiskPut, EnvVarPut, HeaderPut, RoutePut, SecretFile};
use super::choices::{CacheProfile, Generation, Kind, Plan, Policy, Region, Switch};
use crate::render::fault::Fault;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct Previews {
    pub(in crate::render) generation: Option<Generation>,
}

/// `POST /services`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct ServicePost {
    pub(in crate::render) r#type: Kind,
    pub(in crate::render) name: String,
    pub(in crate::render) owner_id: String,
    pub(in crate::render) repo: Option<String>,
    pub(in crate::render) auto_deploy: Option<Switch>,
    pub(in crate::render) branch: Option<String>,
    pub(in crate::render) image: Option<Image>,
    pub(in crate::render) build_filter: Option<BuildFilter>,
    pub(in crate::render) root_dir: Option<String>,
    #[serde(default)]
    pub(in crate::render) env_vars: Vec<EnvVarPut>,
    #[serde(default)]
    pub(in crate::render) secret_files: Vec<SecretFile>,
    pub(in crate::render) environment_id: Option<String>,
    pub(in crate::render) service_details: Option<Value>,
}

/// `PATCH /services/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct ServicePatch {
    pub(in crate::render) name: Option<String>,
    pub(in crate::render) repo: Option<String>,
    pub(in crate::render) auto_deploy: Option<Switch>,
    pub(in crate::render) branch: Option<String>,
    pub(in crate::render) image: Option<Image>,
    pub(in crate::render) build_filter: Option<BuildFilter>,
    pub(in crate::render) root_dir: Option<String>,
    pub(in crate::render) service_details: Option<Value>,
}

/// An image and what it is pulled with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct Image {
    pub(in crate::render) owner_id: String,
    pub(in crate::render) registry_credential_id: Option<String>,
    pub(in crate::render) image_path: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct BuildFilter {
    pub(in crate::render) paths: Vec<String>,
    pub(in crate::render) ignored_paths: Vec<String>,
}

/// `serviceDetails` of a static site, when it is made and when it is changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct StaticDetails {
    pub(in crate::render) build_command: Option<String>,
    pub(in crate::render) publish_path: Option<String>,
    pub(in crate::render) pull_request_previews_enabled: Option<Switch>,
    pub(in crate::render) previews: Option<Previews>,
    pub(in crate::render) render_subdomain_policy: Option<Policy>,
    pub(in crate::render) ip_allow_list: Option<Vec<Cidr>>,
    pub(in crate::render) routes: Option<Vec<RoutePut>>,
    pub(in crate::render) headers: Option<Vec<HeaderPut>>,
}

/// `serviceDetails` of what runs in a container.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct ContainerDetails {
    pub(in crate::render) autoscaling: Option<Autoscaling>,
    pub(in crate::render) disk: Option<DiskPut>,
    pub(in crate::render) env: Option<String>,
    pub(in crate::render) runtime: Option<String>,
    pub(in crate::render) env_specific_details: Option<DockerDetails>,
    pub(in crate::render) health_check_path: Option<String>,
    pub(in crate::render) maintenance_mode: Option<MaintenanceMode>,
    pub(in crate::render) num_instances: Option<u32>,
    pub(in crate::render) plan: Option<Plan>,
    pub(in crate::render) pre_deploy_command: Option<String>,
    pub(in crate::render) pull_request_previews_enabled: Option<Switch>,
    pub(in crate::render) previews: Option<Previews>,
    pub(in crate::render) region: Option<Region>,
    pub(in crate::render) max_shutdown_delay_seconds: Option<u16>,
    pub(in crate::render) render_subdomain_policy: Option<Policy>,
    pub(in crate::render) ip_allow_list: Option<Vec<Cidr>>,
    pub(in crate::render) cache: Option<Cache>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct DockerDetails {
    pub(in crate::render) docker_command: Option<String>,
    pub(in crate::render) docker_context: Option<String>,
    pub(in crate::render) dockerfile_path: Option<String>,
    pub(in crate::render) registry_credential_id: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct Autoscaling {
    pub(in crate::render) enabled: bool,
    pub(in crate::render) min: u32,
    pub(in crate::render) max: u32,
    pub(in crate::render) criteria: Criteria,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct Criteria {
    pub(in crate::render) cpu: Criterion,
    pub(in crate::render) memory: Criterion,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct Criterion {
    pub(in crate::render) enabled: bool,
    pub(in crate::render) percentage: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct MaintenanceMode {
    pub(in crate::render) enabled: bool,
    pub(in crate::render) uri: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct Cache {
    pub(in crate::render) profile: CacheProfile,
}

/// Addresses that are let in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::render) struct Cidr {
    pub(in crate::render) cidr_block: String,
    pub(in crate::render) description: String,
}

/// A part of a body, where only some of its fields may be set here.
///
/// # Errors
/// 400 for another field, or a value of another form.
pub(in crate::render) fn part<T: DeserializeOwned>(value: &Value, allowed: &[&str]) -> Result<T, Fault> {
    let fields = value.as_object().ok_or_else(|| Fault::bad("serviceDetails must be an object"))?;
    if let Some(name) = fields.keys().find(|name| !allowed.contains(&name.as_str())) {
        return Err(Fault::bad(format!("serviceDetails: unknown field {name}")));
    }
    T::deserialize(value).map_err(|error| Fault::bad(format!("serviceDetails: {error}")))
}
