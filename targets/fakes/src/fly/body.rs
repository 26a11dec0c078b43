//! What requests to Fly.io bear, with the names that the vendor's document has; any other name is refused.
//!
//! Given: JSON. Gives: what is in it, or which field is unknown. Deliberately absent: what the values mean.
//! Source: the schemas of <https://docs.machines.dev/spec/openapi3.json>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Structures in which every field may be missing and no other may stand.
macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name { $(pub(super) $field: Option<$kind>),* }
    )* };
}

bodies! {
    CreateApp { name: String, org_slug: String, network: String, enable_subdomains: bool }
    AssignIp { r#type: String, region: String, network: String, org_slug: String, service_name: String }
    CreateVolume {
        name: String, region: String, size_gb: u32, encrypted: bool, fstype: String, snapshot_retention: u32,
        auto_backup_enabled: bool, require_unique_zone: bool, unique_zone_app_wide: bool, compute: Guest,
        compute_image: String, snapshot_id: String, source_volume_id: String,
    }
    UpdateVolume { auto_backup_enabled: bool, snapshot_retention: u32 }
    ExtendVolume { size_gb: u32 }
    /// Null takes a secret away.
    PutSecrets { values: BTreeMap<String, Option<String>> }
    PutSecret { value: String }
    /// A machine that is made or changed.
    PutMachine {
        name: String, region: String, config: Value, current_version: String, min_secrets_version: u64,
        skip_launch: bool, skip_secrets: bool, skip_service_registration: bool, lease_ttl: u64, lsvd: bool,
    }
    Lease { ttl: u64, description: String }
    Stop { signal: Signal, timeout: String }
    PutMetadata { metadata: BTreeMap<String, String>, machine_version: String, updated_at: String }
    PutMetadatum { value: String, updated_at: String }
    Hostname { hostname: String }
    Placement {
        org_slug: String, region: String, count: u32, compute: Guest, volume_name: String, volume_size_bytes: u64,
        weights: BTreeMap<String, i64>,
    }

    /// What a machine is to be.
    Config {
        image: String, guest: Guest, env: BTreeMap<String, String>, metadata: BTreeMap<String, String>,
        mounts: Vec<Mount>, services: Vec<Service>, checks: BTreeMap<String, Check>, restart: Restart,
        stop_config: Stop, files: Vec<File>, init: Init, processes: Vec<Process>, containers: Vec<Value>,
        statics: Vec<Statics>, metrics: Metrics, dns: Dns, rootfs: Rootfs, cache_drive: CacheDrive,
        auto_destroy: bool, disable_machine_autostart: bool, schedule: String, size: String, standbys: Vec<String>,
    }
    Guest {
        cpu_kind: String, cpus: u32, memory_mb: u32, max_memory_mb: u32, gpu_kind: String, gpus: u32,
        host_dedication_id: String, kernel_args: Vec<String>, persist_rootfs: Persist,
    }
    Mount {
        volume: String, path: String, name: String, encrypted: bool, size_gb: u32, add_size_gb: u32,
        extend_threshold_percent: u32, size_gb_limit: u32,
    }
    Service {
        protocol: String, internal_port: u16, autostart: bool, autostop: Autostop, min_machines_running: u32,
        concurrency: Concurrency, ports: Vec<Port>, checks: Vec<Check>, force_instance_key: String,
        force_instance_description: String,
    }
    Concurrency { r#type: String, soft_limit: u32, hard_limit: u32 }
    Port {
        port: u16, start_port: u16, end_port: u16, handlers: Vec<String>, force_https: bool, http_options: Value,
        proxy_proto_options: Value, tls_options: Value,
    }
    Check {
        r#type: String, method: String, path: String, port: u16, protocol: String, interval: String, timeout: String,
        grace_period: String, headers: Vec<Header>, kind: CheckKind, tls_server_name: String, tls_skip_verify: bool,
    }
    Header { name: String, values: Vec<String> }
    Restart { policy: Policy, max_retries: u32, gpu_bid_price: f64 }
    File { guest_path: String, raw_value: String, secret_name: String, mode: u32, image_config: String }
    Init {
        cmd: Vec<String>, entrypoint: Vec<String>, exec: Vec<String>, kernel_args: Vec<String>, swap_size_mb: u32,
        tty: bool,
    }
    Process {
        cmd: Vec<String>, entrypoint: Vec<String>, exec: Vec<String>, env: BTreeMap<String, String>,
        env_from: Vec<EnvFrom>, secrets: Vec<SecretRef>, ignore_app_secrets: bool, user: String,
    }
    EnvFrom { env_var: String, field_ref: String }
    SecretRef { env_var: String, name: String }
    Statics { guest_path: String, url_prefix: String, index_document: String, tigris_bucket: String }
    Metrics { path: String, port: u16, https: bool }
    Dns {
        skip_registration: bool, hostname: String, hostname_fqdn: String, nameservers: Vec<String>,
        searches: Vec<String>, options: Vec<Value>, dns_forward_rules: Vec<Value>,
    }
    Rootfs { persist: Persist, size_gb: u32 }
    CacheDrive { size_mb: u32 }
}

/// When a machine is started again after its program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Policy {
    No,
    Always,
    OnFailure,
    SpotPrice,
}

/// Whether a machine without visitors is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Autostop {
    Off,
    Stop,
    Suspend,
}

/// Whether a root file system outlives a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Persist {
    Never,
    Always,
    Restart,
}

/// What a check is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CheckKind {
    Informational,
    Readiness,
}

/// What a program is stopped with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Signal {
    #[serde(rename = "SIGHUP")]
    Hangup,
    #[serde(rename = "SIGINT")]
    Interrupt,
    #[serde(rename = "SIGQUIT")]
    Quit,
    #[serde(rename = "SIGKILL")]
    Kill,
    #[serde(rename = "SIGUSR1")]
    User1,
    #[serde(rename = "SIGUSR2")]
    User2,
    #[serde(rename = "SIGTERM")]
    Terminate,
}
