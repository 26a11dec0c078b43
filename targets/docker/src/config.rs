//! What the target decides from configuration alone: names, labels, addresses, findings.
//!
//! Given: a bound project. Gives: the stack's names as Compose v2 writes them, so that `docker compose ps|logs|down` sees it
//! as its own. Deliberately absent: anything the engine would have to be asked for.

use std::net::IpAddr;

use dashdeploy_contract::{
    Bound, Finding, Name, Publish, Service, ServiceAddress, labels, ownership_marks, stack_name,
};
use indexmap::IndexMap;

/// The word under `target:`.
pub(crate) const TARGET: &str = "docker";

/// The labels by which Compose v2 knows its own.
pub(crate) mod compose {
    pub(crate) const PROJECT: &str = "com.docker.compose.project";
    pub(crate) const SERVICE: &str = "com.docker.compose.service";
    pub(crate) const NUMBER: &str = "com.docker.compose.container-number";
    pub(crate) const ONE_OFF: &str = "com.docker.compose.oneoff";
    pub(crate) const CONFIG_HASH: &str = "com.docker.compose.config-hash";
    pub(crate) const VERSION: &str = "com.docker.compose.version";
    pub(crate) const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
    pub(crate) const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
    pub(crate) const DEPENDS_ON: &str = "com.docker.compose.depends_on";
    pub(crate) const IMAGE: &str = "com.docker.compose.image";
    pub(crate) const NETWORK: &str = "com.docker.compose.network";
    pub(crate) const VOLUME: &str = "com.docker.compose.volume";
    /// The scheme of labels that is kept, as Compose's own version.
    pub(crate) const SCHEME: &str = "2.26.1";
}

/// Names the variables of a container that hold secrets, so that they are never shown, whatever the project says later.
pub(crate) const SECRETS_LABEL: &str = "dev.dashdeploy.secrets";

/// The smallest memory limit the engine takes (moby `daemon/daemon_unix.go`, `linuxMinMemory`).
const LEAST_MEMORY: u64 = 6 << 20;

/// The names of one environment's things on an engine.
#[derive(Debug, Clone)]
pub(crate) struct Stack<'a> {
    pub(crate) bound: &'a Bound,
    pub(crate) name: String,
}

impl<'a> Stack<'a> {
    pub(crate) fn of(bound: &'a Bound) -> Self {
        Self { bound, name: stack_name(bound) }
    }

    /// The container of a service.
    pub(crate) fn container(&self, service: &Name) -> String {
        format!("{}-{service}-1", self.name)
    }

    /// The container that was replaced and is kept until the verdict.
    pub(crate) fn former(&self, service: &Name) -> String {
        former(&self.container(service))
    }

    pub(crate) fn network(&self) -> String {
        format!("{}_default", self.name)
    }

    pub(crate) fn volume(&self, volume: &Name) -> String {
        format!("{}_{volume}", self.name)
    }

    /// The services that this target runs, those depended upon first.
    pub(crate) fn services(&self) -> Vec<&'a Service> {
        let mut sorted = Vec::new();
        for service in self.bound.services.values() {
            self.visit(service, &mut sorted, &mut Vec::new());
        }
        sorted.retain(|service| self.runs(&service.name));
        sorted
    }

    /// True where the service is this target's.
    pub(crate) fn runs(&self, service: &Name) -> bool {
        self.bound.targets.get(service).is_some_and(|target| target.as_str() == TARGET)
    }

    // A cycle is a finding of `config`; here it only must not recurse for ever.
    fn visit(&self, service: &'a Service, sorted: &mut Vec<&'a Service>, path: &mut Vec<&'a Name>) {
        if path.contains(&&service.name) || sorted.iter().any(|done| done.name == service.name) {
            return;
        }
        path.push(&service.name);
        for name in self.bound.dependencies(service) {
            if let Some(dependency) = self.bound.services.get(&name) {
                self.visit(dependency, sorted, path);
            }
        }
        path.pop();
        sorted.push(service);
    }

    /// The marks and Compose's labels of the stack's network.
    pub(crate) fn network_labels(&self) -> IndexMap<String, String> {
        self.labels(compose::NETWORK, "default")
    }

    /// The marks and Compose's labels of a volume.
    pub(crate) fn volume_labels(&self, volume: &Name) -> IndexMap<String, String> {
        self.labels(compose::VOLUME, volume.as_str())
    }

    fn labels(&self, kind: &str, name: &str) -> IndexMap<String, String> {
        let mut labels = ownership_marks(self.bound, None);
        labels.insert(compose::PROJECT.to_owned(), self.name.clone());
        labels.insert(kind.to_owned(), name.to_owned());
        labels.insert(compose::VERSION.to_owned(), compose::SCHEME.to_owned());
        labels
    }

    /// True where labels bear our marks for this project and environment.
    pub(crate) fn marked<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        label(labels::PROJECT) == Some(self.bound.project.as_str())
            && label(labels::ENVIRONMENT) == Some(self.bound.environment.as_str())
    }

    /// True where labels are our marks, or those Compose gives to the same thing of the same stack.
    pub(crate) fn marked_or_composed<'l>(
        &self,
        kind: &str,
        name: &str,
        label: impl Fn(&str) -> Option<&'l str>,
    ) -> bool {
        self.marked(&label)
            || (label(compose::PROJECT) == Some(self.name.as_str()) && label(kind) == Some(name))
    }
}

/// The name of a container that was replaced and is kept until the verdict.
pub(crate) fn former(container: &str) -> String {
    format!("{container}-former")
}

/// The services' addresses, all known beforehand.
pub(crate) fn addresses(bound: &Bound) -> IndexMap<Name, ServiceAddress> {
    let stack = Stack::of(bound);
    let of = |service: &Service| ServiceAddress {
        url: match service.publish {
            Publish::Port { address, port } if service.port.is_some() => Some(url(address, port)),
            _ => None,
        },
        host: Some(service.name.to_string()),
        port: service.port,
    };
    let services = bound.services.values().filter(|service| stack.runs(&service.name));
    services.map(|service| (service.name.clone(), of(service))).collect()
}

/// The address that a browser on this machine opens for a published port.
pub(crate) fn url(address: IpAddr, port: u16) -> String {
    match address {
        IpAddr::V4(v4) if v4.is_unspecified() || v4 == std::net::Ipv4Addr::LOCALHOST => {
            format!("http://localhost:{port}")
        }
        IpAddr::V4(v4) => format!("http://{v4}:{port}"),
        IpAddr::V6(v6) if v6.is_unspecified() => format!("http://localhost:{port}"),
        IpAddr::V6(v6) => format!("http://[{v6}]:{port}"),
    }
}

/// What a Docker host cannot carry of the project.
pub(crate) fn check(bound: &Bound) -> Vec<Finding> {
    let stack = Stack::of(bound);
    let mut findings = Vec::new();
    for service in stack.services() {
        findings.extend(check_service(&stack, service));
    }
    findings
}

fn check_service(stack: &Stack, service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = stack.container(&service.name);
    // Host names in the engine's DNS are DNS labels; the service's own name is one always.
    if name.len() > 63 {
        let text = format!(
            "the container's name `{name}` has more than 63 characters and cannot be looked up by other containers"
        );
        let hint = format!("other services reach it as `{}`; shorten `project:` to have both", service.name);
        findings.push(Finding::info("name-too-long", format!("services.{}", service.name), text).hint(hint));
    }
    if service.resources.memory < LEAST_MEMORY {
        let text = "the Docker Engine takes no memory limit below 6 MiB";
        let key = format!("services.{}.memory", service.name);
        findings.push(Finding::error("memory-too-small", key, text).hint("write at least `memory: 6Mi`"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use dashdeploy_contract::conformance::sample;

    #[test]
    fn addresses_are_those_a_browser_here_can_open() {
        for (address, expected) in [
            ("127.0.0.1", "http://localhost:80"),
            ("0.0.0.0", "http://localhost:80"),
            ("::", "http://localhost:80"),
            ("::1", "http://[::1]:80"),
            ("192.168.1.7", "http://192.168.1.7:80"),
        ] {
            assert_eq!(url(address.parse().unwrap(), 80), expected);
        }
    }

    #[test]
    fn names_are_composes_own_and_dependencies_come_first() {
        let release = sample(TARGET);
        let stack = Stack::of(&release.bound);
        let api = Name::parse("api").unwrap();
        assert_eq!(stack.container(&api), "shop-api-1");
        assert_eq!(stack.network(), "shop_default");
        assert_eq!(stack.volume(&Name::parse("data").unwrap()), "shop_data");
        let order: Vec<_> = stack.services().iter().map(|service| service.name.to_string()).collect();
        assert_eq!(order, ["api", "web"]);
    }

    #[test]
    fn findings_name_key_and_mend() {
        let mut release = sample(TARGET);
        let api = Name::parse("api").unwrap();
        release.bound.services[&api].resources.memory = 1 << 20;
        release.bound.project = Name::parse(&"a".repeat(60)).unwrap();
        let codes: Vec<_> = check(&release.bound).into_iter().map(|finding| finding.code).collect();
        assert!(codes.contains(&"memory-too-small".into()), "{codes:?}");
        assert!(codes.contains(&"name-too-long".into()), "{codes:?}");
    }
}
