//! The facts of a container that the engine knows, whoever made it: us, Compose, a user.
//!
//! Given: the answers to `GET /containers/x/json` and `GET /images/x/json`. Gives: [`Facts`] in the same form as the wanted
//! ones. Values of variables that are not known to be public leave here as fingerprints only.

use bollard::models::{ContainerConfig, ContainerInspectResponse, HostConfig, ImageConfig, MountPoint};
use dashdeploy_contract::{Service, labels};

use crate::config::{SECRETS_LABEL, Stack};
use crate::facts::{Facts, NANOS, Salt, UNNAMED, cpus, list, seconds};
use crate::tmpfs;

/// What a container's facts depend on besides itself.
pub(crate) struct Scope<'a> {
    pub(crate) stack: &'a Stack<'a>,
    /// The service whose container it is.
    pub(crate) service: Option<&'a Service>,
    /// The id of the stack's network; none where there is none.
    pub(crate) network: Option<&'a str>,
}

/// The facts of a container. `image` is its image's configuration; none where the image is gone.
pub(crate) fn facts(
    scope: &Scope,
    container: &ContainerInspectResponse,
    image: Option<&ImageConfig>,
) -> Facts {
    let mut facts = Facts::default();
    if let Some(id) = &container.image {
        facts.set("image", id);
    }
    if let Some(config) = &container.config {
        program(&mut facts, config, image);
        variables(&mut facts, scope, config, image);
        health(&mut facts, config, image);
        for label in [labels::PROJECT, labels::ENVIRONMENT, labels::SERVICE] {
            if let Some(value) = config.labels.as_ref().and_then(|labels| labels.get(label)) {
                facts.set(format!("labels.{label}"), value);
            }
        }
        facts.set("stop_grace", format!("{}s", config.stop_timeout.unwrap_or(10)));
    }
    if let Some(host) = &container.host_config {
        ports(&mut facts, host);
        security(&mut facts, host);
        limits(&mut facts, host);
    }
    mounts(&mut facts, container.mounts.as_deref().unwrap_or_default(), image);
    networks(&mut facts, scope, container);
    facts
}

fn program(facts: &mut Facts, config: &ContainerConfig, image: Option<&ImageConfig>) {
    let words =
        |words: Option<&Vec<String>>| words.filter(|words| !words.is_empty()).map(|words| list(words));
    let text = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned();
    let of = |pick: fn(&ImageConfig) -> Option<&Vec<String>>| words(image.and_then(pick));
    facts.set_or_inherit("command", words(config.cmd.as_ref()), of(|image| image.cmd.as_ref()));
    facts.set_or_inherit(
        "entrypoint",
        words(config.entrypoint.as_ref()),
        of(|image| image.entrypoint.as_ref()),
    );
    let user = text(image.and_then(|image| image.user.as_ref()));
    facts.set_or_inherit("user", text(config.user.as_ref()), user);
    let folder = text(image.and_then(|image| image.working_dir.as_ref()));
    facts.set_or_inherit("working_dir", text(config.working_dir.as_ref()), folder);
}

fn variables(facts: &mut Facts, scope: &Scope, config: &ContainerConfig, image: Option<&ImageConfig>) {
    let bound = scope.stack.bound;
    let salt = Salt { project: &bound.project, environment: &bound.environment };
    let marked = config.labels.as_ref().and_then(|labels| labels.get(SECRETS_LABEL));
    let marked: Vec<&str> = marked.map(|names| names.split(',').collect()).unwrap_or_default();
    let public = |name: &str| {
        let known = scope.service.is_some_and(|s| s.env.contains_key(name) && !s.secrets.contains_key(name));
        known && !marked.contains(&name)
    };
    let of_image = image.and_then(|image| image.env.as_deref()).unwrap_or_default();
    for entry in config.env.iter().flatten() {
        // A bare name leaves the variable unset: Compose writes one for an optional variable without a value.
        let Some((name, value)) = entry.split_once('=') else { continue };
        let field = format!("env.{name}");
        if of_image.contains(entry) {
            facts.inherited.insert(field.clone());
        }
        facts.set(field, if public(name) { value.to_owned() } else { salt.hidden(name, value) });
    }
}

fn health(facts: &mut Facts, config: &ContainerConfig, image: Option<&ImageConfig>) {
    let (own, of_image) = (config.healthcheck.as_ref(), image.and_then(|image| image.healthcheck.as_ref()));
    let Some(own) = own.filter(|check| check.test.as_ref().is_some_and(|test| !test.is_empty())) else {
        return;
    };
    let whole = of_image.is_some_and(|image| {
        let same = |pick: fn(&bollard::models::HealthConfig) -> Option<i64>| {
            pick(own).unwrap_or(0) == pick(image).unwrap_or(0)
        };
        own.test == image.test
            && same(|check| check.interval)
            && same(|check| check.timeout)
            && same(|check| check.retries)
            && same(|check| check.start_period)
    });
    let test = own.test.clone().unwrap_or_default();
    // Zero stands for the engine's default (moby `daemon/health.go`): 30 s, 30 s, 3 times, no start period.
    let or = |value: Option<i64>, default: i64| value.filter(|value| *value != 0).unwrap_or(default);
    let fields = [
        ("health.test", list(&test)),
        ("health.interval", seconds(or(own.interval, 30 * NANOS))),
        ("health.timeout", seconds(or(own.timeout, 30 * NANOS))),
        ("health.retries", or(own.retries, 3).to_string()),
        ("health.start_period", seconds(or(own.start_period, 0))),
    ];
    for (field, value) in fields {
        facts.set(field, value);
        if whole {
            facts.inherited.insert(field.to_owned());
        }
    }
}

fn ports(facts: &mut Facts, host: &HostConfig) {
    for (container, bindings) in host.port_bindings.iter().flatten() {
        let mut hosts: Vec<String> = bindings
            .iter()
            .flatten()
            .map(|binding| {
                let address = binding.host_ip.as_deref().filter(|ip| !ip.is_empty()).unwrap_or("0.0.0.0");
                let port = binding.host_port.as_deref().unwrap_or_default();
                if address.contains(':') {
                    format!("[{address}]:{port}")
                } else {
                    format!("{address}:{port}")
                }
            })
            .collect();
        hosts.sort();
        if !hosts.is_empty() {
            facts.set(format!("ports.{container}"), hosts.join(" "));
        }
    }
}

fn security(facts: &mut Facts, host: &HostConfig) {
    facts.set("security.read_only", host.readonly_rootfs.unwrap_or(false));
    if host.privileged == Some(true) {
        facts.set("security.privileged", true);
    }
    for (field, capabilities) in [("security.cap_drop", &host.cap_drop), ("security.cap_add", &host.cap_add)]
    {
        let mut names: Vec<String> = capabilities
            .iter()
            .flatten()
            .map(|name| name.to_uppercase().trim_start_matches("CAP_").to_owned())
            .collect();
        names.sort();
        if !names.is_empty() {
            facts.set(field, names.join(","));
        }
    }
    let mut options: Vec<&str> = host
        .security_opt
        .iter()
        .flatten()
        .map(|option| match option.as_str() {
            "no-new-privileges:true" | "no-new-privileges=true" => "no-new-privileges",
            other => other,
        })
        .collect();
    options.sort_unstable();
    if !options.is_empty() {
        facts.set("security.options", options.join(","));
    }
}

fn limits(facts: &mut Facts, host: &HostConfig) {
    let given = |value: Option<i64>| value.filter(|value| *value > 0);
    if let Some(memory) = given(host.memory) {
        facts.set("limits.memory", memory);
    }
    let quota = || Some(given(host.cpu_quota)? * 1000 / given(host.cpu_period).unwrap_or(100_000));
    let millis = given(host.nano_cpus).map(|nanos| (nanos + 500_000) / 1_000_000).or_else(quota);
    if let Some(millis) = millis {
        facts.set("limits.cpus", cpus(millis));
    }
    if let Some(pids) = given(host.pids_limit) {
        facts.set("limits.pids", pids);
    }
    for limit in host.ulimits.iter().flatten() {
        let (name, soft, hard) = (limit.name.as_deref().unwrap_or_default(), limit.soft, limit.hard);
        let range = format!("{}:{}", soft.unwrap_or(0), hard.unwrap_or(0));
        facts.set(format!("limits.{name}"), range);
    }
    if let Some(init) = host.init {
        facts.set("init", init);
    }
    let restart = host.restart_policy.as_ref().and_then(|policy| policy.name).map(|name| name.to_string());
    if let Some(name) = restart.filter(|name| !name.is_empty() && name != "no") {
        facts.set("restart", name);
    }
    if let Some(log) = &host.log_config {
        let mut words: Vec<String> =
            log.config.iter().flatten().map(|(option, value)| format!("{option}={value}")).collect();
        words.sort();
        words.insert(0, log.typ.clone().unwrap_or_default());
        facts.set("log", words.join(" "));
    }
    for (path, options) in host.tmpfs.iter().flatten() {
        facts.set(format!("tmpfs.{path}"), tmpfs::normal(options));
    }
}

fn mounts(facts: &mut Facts, mounts: &[MountPoint], image: Option<&ImageConfig>) {
    for mount in mounts {
        let path = mount.destination.as_deref().unwrap_or_default();
        let field = format!("mounts.{path}");
        if is_unnamed(mount) && declares(image, path) {
            facts.inherited.insert(field.clone());
        }
        let what = match mount.typ.as_deref() {
            Some("volume") => mount.name.clone().unwrap_or_default(),
            kind => format!("{}:{}", kind.unwrap_or_default(), mount.source.as_deref().unwrap_or_default()),
        };
        let mode = if mount.rw == Some(false) { " (read-only)" } else { "" };
        facts.set(field, format!("{what}{mode}"));
    }
}

/// True for a volume that the engine named itself, with 64 hex digits.
pub(crate) fn is_unnamed(mount: &MountPoint) -> bool {
    let hex = |name: &String| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    mount.typ.as_deref() == Some("volume") && mount.name.as_ref().is_some_and(hex)
}

fn declares(image: Option<&ImageConfig>, path: &str) -> bool {
    let declared = image.and_then(|image| image.volumes.as_deref()).unwrap_or_default();
    declared.iter().any(|volume| volume.trim_end_matches('/') == path.trim_end_matches('/'))
}

fn networks(facts: &mut Facts, scope: &Scope, container: &ContainerInspectResponse) {
    let networks = container.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    for (name, endpoint) in networks.into_iter().flatten() {
        let ours = *name == scope.stack.network();
        // A container keeps the id of its network: it cannot start any more when the network was made anew.
        let id = endpoint.network_id.as_deref().filter(|id| !id.is_empty());
        let stale = ours && id.is_some() && id != scope.network;
        let service = scope.service.map(|service| service.name.as_str());
        let known = endpoint.aliases.iter().flatten().find(|alias| Some(alias.as_str()) == service);
        let value = match (stale, known) {
            (true, _) => "another network of this name",
            (false, Some(alias)) => alias.as_str(),
            (false, None) => UNNAMED,
        };
        facts.set(format!("networks.{name}"), value);
    }
}

#[cfg(test)]
#[path = "inspected_tests.rs"]
mod tests;
