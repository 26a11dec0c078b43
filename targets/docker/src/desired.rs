//! One service as the engine's container: the desired state, and the body of the call that makes it.
//!
//! Given: a release and a service. Gives: a [`DesiredContainer`], which goes into plans, and from it the create call's body.
//! Deliberately absent: secret values; they are handed to [`DesiredContainer::body`] by the writer and kept nowhere.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType,
    MountVolumeOptions, NetworkingConfig, PortBinding, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};
use dashdeploy_contract::{
    ContainerSpec, EnvValue, ErrorKind, Name, Probe, Release, Requirement, Service, TargetError,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::{SECRETS_LABEL, Stack, compose};
use crate::error::ours;

/// A container as it shall be, whole: the payload of a plan's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DesiredContainer {
    /// The container's name.
    pub(crate) name: String,
    /// The stack's name.
    pub(crate) stack: String,
    /// The network's name.
    pub(crate) network: String,
    /// The image by content.
    pub(crate) image_id: String,
    /// Everything that targets and Compose files agree on.
    pub(crate) spec: ContainerSpec,
    /// The engine's names of the volumes mounted.
    pub(crate) volumes: BTreeMap<Name, String>,
    /// The fingerprints of the secrets that have a value.
    pub(crate) secrets: BTreeMap<String, String>,
    /// The project's folder.
    pub(crate) project_dir: String,
}

impl DesiredContainer {
    /// The container of a service in a release.
    ///
    /// # Errors
    /// `Invalid` for a variable that cannot be filled in or passed on, a required secret without a value, no image.
    pub(crate) fn of(release: &Release, stack: &Stack, service: &Service) -> Result<Self, TargetError> {
        let name = stack.container(&service.name);
        let invalid = |message: String| ours(ErrorKind::Invalid, format!("plan container {name}"), message);
        let spec = ContainerSpec::of(&release.bound, service, &release.wiring)
            .map_err(|error| invalid(error.to_string()).hint("correct the variable in dashdeploy.yaml"))?;
        let image = release.images.get(&service.name).ok_or_else(|| {
            invalid(format!("the release has no image of service `{}`", service.name))
                .hint("run `dashdeploy build`")
        })?;
        let known = release.secrets.get(&service.name);
        let secrets: BTreeMap<String, String> =
            known.into_iter().flatten().map(|(name, print)| (name.clone(), print.clone())).collect();
        for (variable, value) in &spec.env {
            check_variable(variable, value, &secrets)
                .map_err(|(message, hint)| invalid(message).hint(hint))?;
        }
        Ok(Self {
            network: stack.network(),
            stack: stack.name.clone(),
            image_id: image.id.0.clone(),
            volumes: spec.mounts.iter().map(|m| (m.volume.clone(), stack.volume(&m.volume))).collect(),
            spec: ContainerSpec { image: image.reference.clone(), ..spec },
            secrets,
            project_dir: release.project_dir.clone(),
            name,
        })
    }

    /// Tells containers apart that were made of different content; a label of the container.
    pub(crate) fn hash(&self) -> String {
        // Strings, numbers and maps with string keys: nothing that JSON could refuse.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The names by which other containers find it, as Compose gives them.
    pub(crate) fn aliases(&self) -> Vec<String> {
        vec![self.spec.service.to_string(), self.name.clone()]
    }

    /// The body of the create call. `env` is `NAME=value`, secrets included; `image` what the engine looks the image up by;
    /// `carried` are unnamed volumes (name, path) of the container that is replaced; `aliases` the names by which it is found
    /// from the start.
    pub(crate) fn body(
        &self,
        env: Vec<String>,
        image: &str,
        carried: &[(String, String)],
        aliases: Vec<String>,
    ) -> ContainerCreateBody {
        let spec = &self.spec;
        let endpoint = EndpointSettings { aliases: Some(aliases), ..Default::default() };
        ContainerCreateBody {
            image: Some(image.to_owned()),
            env: Some(env),
            cmd: spec.command.clone(),
            user: spec.user.clone(),
            labels: Some(self.labels().into_iter().collect()),
            healthcheck: spec.probe.as_ref().map(health),
            exposed_ports: spec.expose.map(|port| vec![format!("{port}/tcp")]),
            stop_timeout: Some(i64::from(spec.stop_grace_seconds)),
            host_config: Some(self.host(carried)),
            networking_config: Some(NetworkingConfig {
                endpoints_config: Some(HashMap::from([(self.network.clone(), endpoint)])),
            }),
            ..Default::default()
        }
    }

    fn host(&self, carried: &[(String, String)]) -> HostConfig {
        let spec = &self.spec;
        let named = spec.mounts.iter().filter_map(|m| Some((self.volumes.get(&m.volume)?, &m.path)));
        let carried = carried.iter().map(|(volume, path)| (volume, path));
        HostConfig {
            mounts: Some(named.chain(carried).map(|(volume, path)| mount(volume, path)).collect()),
            tmpfs: Some(spec.tmpfs.iter().map(|t| (t.path.clone(), tmpfs_options(t.size))).collect()),
            port_bindings: Some(self.ports()),
            network_mode: Some(self.network.clone()),
            readonly_rootfs: Some(spec.read_only),
            cap_drop: spec.drop_capabilities.then(|| vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
            pids_limit: Some(i64::from(spec.limits.pids)),
            memory: Some(i64::try_from(spec.limits.memory).unwrap_or(i64::MAX)),
            nano_cpus: Some(i64::from(spec.limits.cpu_millis) * 1_000_000),
            ulimits: Some(vec![ResourcesUlimits {
                name: Some("nofile".to_owned()),
                soft: Some(i64::from(spec.limits.open_files)),
                hard: Some(i64::from(spec.limits.open_files)),
            }]),
            init: Some(true),
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
                maximum_retry_count: None,
            }),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(HashMap::from([
                    ("max-size".to_owned(), format!("{}m", spec.log.max_size_mb)),
                    ("max-file".to_owned(), spec.log.max_files.to_string()),
                ])),
            }),
            ..Default::default()
        }
    }

    fn ports(&self) -> HashMap<String, Option<Vec<PortBinding>>> {
        let binding = |port: &dashdeploy_contract::PortBinding| PortBinding {
            host_ip: Some(port.address.to_string()),
            host_port: Some(port.host.to_string()),
        };
        let mut ports: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
        for port in &self.spec.ports {
            let bound = ports.entry(format!("{}/tcp", port.container)).or_default();
            bound.get_or_insert_default().push(binding(port));
        }
        ports
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let spec = &self.spec;
        let depends = |name: &Name| format!("{name}:service_healthy:false");
        let depends_on: Vec<String> = spec.depends_on.iter().map(depends).collect();
        let compose_file = format!("{}/docker-compose.yml", self.project_dir.trim_end_matches('/'));
        let mut labels: BTreeMap<String, String> = spec.labels.clone().into_iter().collect();
        let own = [
            (compose::PROJECT, self.stack.clone()),
            (compose::SERVICE, spec.service.to_string()),
            (compose::NUMBER, "1".to_owned()),
            (compose::ONE_OFF, "False".to_owned()),
            (compose::CONFIG_HASH, self.hash()),
            (compose::VERSION, compose::SCHEME.to_owned()),
            (compose::WORKING_DIR, self.project_dir.clone()),
            (compose::CONFIG_FILES, compose_file),
            (compose::DEPENDS_ON, depends_on.join(",")),
            (compose::IMAGE, self.image_id.clone()),
        ];
        labels.extend(own.map(|(label, value)| (label.to_owned(), value)));
        if !self.secrets.is_empty() {
            let names: Vec<&str> = self.secrets.keys().map(String::as_str).collect();
            labels.insert(SECRETS_LABEL.to_owned(), names.join(","));
        }
        labels
    }
}

// A NUL is taken at create and fails at start, so it is refused before any call.
fn check_variable(
    variable: &str,
    value: &EnvValue,
    secrets: &BTreeMap<String, String>,
) -> Result<(), (String, String)> {
    match value {
        EnvValue::Plain(text) if text.contains('\0') => Err((
            format!("the value of `{variable}` holds a NUL"),
            "remove the NUL from the value".to_owned(),
        )),
        EnvValue::Secret(Requirement::Required) if !secrets.contains_key(variable) => Err((
            format!("the secret `{variable}` is required and has no value"),
            format!("set the variable `{variable}`, or put it into a file for `--secrets-file`"),
        )),
        _ => Ok(()),
    }
}

// `NoCopy: false`: the engine seeds an empty volume with what the image has at that path.
fn mount(volume: &str, path: &str) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.to_owned()),
        target: Some(path.to_owned()),
        read_only: Some(false),
        volume_options: Some(MountVolumeOptions { no_copy: Some(false), ..Default::default() }),
        ..Default::default()
    }
}

fn tmpfs_options(size: u64) -> String {
    format!("rw,noexec,nosuid,nodev,size={size},mode=1777")
}

fn health(probe: &Probe) -> HealthConfig {
    let nanos = |seconds: u32| Some(i64::from(seconds) * 1_000_000_000);
    HealthConfig {
        test: Some(probe.test.clone()),
        interval: nanos(probe.interval_seconds),
        timeout: nanos(probe.timeout_seconds),
        retries: Some(i64::from(probe.retries)),
        start_period: nanos(probe.start_period_seconds),
        start_interval: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TARGET;
    use dashdeploy_contract::conformance::sample;

    fn desired(service: &str) -> DesiredContainer {
        let release = sample(TARGET);
        let stack = Stack::of(&release.bound);
        DesiredContainer::of(&release, &stack, &release.bound.services[service]).unwrap()
    }

    #[test]
    fn the_secure_defaults_are_in_the_call() {
        let body = desired("api").body(Vec::new(), "shop-api:latest", &[], Vec::new());
        let host = body.host_config.unwrap();
        assert_eq!(host.readonly_rootfs, Some(true));
        assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!(host.security_opt, Some(vec!["no-new-privileges:true".to_owned()]));
        assert_eq!(host.init, Some(true));
        assert_eq!(host.pids_limit, Some(256));
        assert_eq!(host.privileged, None);
        assert_eq!(host.tmpfs.unwrap()["/tmp"], "rw,noexec,nosuid,nodev,size=67108864,mode=1777");
        assert_eq!(body.user.as_deref(), Some("10001:10001"));
        assert_eq!(host.mounts.unwrap()[0].source.as_deref(), Some("shop_data"));
        let ports = host.port_bindings.unwrap();
        assert_eq!(ports["8000/tcp"].as_ref().unwrap()[0].host_ip.as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn compose_finds_the_container_by_its_labels() {
        let labels = desired("web").labels();
        for (label, value) in [
            (compose::PROJECT, "shop"),
            (compose::SERVICE, "web"),
            (compose::NUMBER, "1"),
            (compose::ONE_OFF, "False"),
            (compose::DEPENDS_ON, "api:service_healthy:false"),
            (compose::WORKING_DIR, "/srv/shop"),
        ] {
            assert_eq!(labels.get(label).map(String::as_str), Some(value), "{label}");
        }
    }

    #[test]
    fn what_the_engine_would_trip_over_is_refused_before_any_call() {
        let mut release = sample(TARGET);
        release.bound.services["api"]
            .env
            .insert("BAD".to_owned(), dashdeploy_contract::Text::literal("a\0b"));
        let stack = Stack::of(&release.bound);
        let error = DesiredContainer::of(&release, &stack, &release.bound.services["api"]).unwrap_err();
        assert!(error.message.contains("BAD"), "{error}");

        let mut release = sample(TARGET);
        release.secrets.clear();
        let stack = Stack::of(&release.bound);
        let error = DesiredContainer::of(&release, &stack, &release.bound.services["api"]).unwrap_err();
        assert!(error.message.contains("API_KEY") && error.hint.is_some(), "{error}");
    }

    #[test]
    fn the_hash_tells_content_apart() {
        let (one, mut other) = (desired("api"), desired("api"));
        assert_eq!(one.hash(), other.hash());
        other.secrets.insert("API_KEY".to_owned(), "00000000".to_owned());
        assert_ne!(one.hash(), other.hash());
    }
}
