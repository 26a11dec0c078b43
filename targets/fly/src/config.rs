//! What follows from dashdeploy.yaml alone: names of apps, addresses, how each service is reached.
//!
//! Given: a bound project. Gives: one [`App`] for each service on Fly.io, and the addresses. Deliberately absent: findings
//! (`findings.rs`) and files (`manifests.rs`).

use dashdeploy_contract::{
    AddressField, Bound, Descriptor, HealthCheck, Name, Publish, Reference, Service, ServiceAddress,
    ServiceKind, derived_name,
};
use indexmap::IndexMap;

/// The word under `target:`.
pub(crate) const TARGET: &str = "fly";
/// A label of a host name (RFC 1035, section 2.3.4): `<app>.fly.dev`.
pub(crate) const LONGEST_NAME: usize = 63;
/// Where machines run when no region is given: Ashburn, which every plan has.
pub(crate) const DEFAULT_REGION: &str = "iad";
/// The region that may be written, with its city (fly.io/docs/reference/regions).
pub(crate) const REGIONS: [(&str, &str); 18] = [
    ("ams", "Amsterdam"),
    ("arn", "Stockholm"),
    ("bom", "Mumbai"),
    ("cdg", "Paris"),
    ("dfw", "Dallas"),
    ("ewr", "Secaucus"),
    ("fra", "Frankfurt"),
    ("gru", "Sao Paulo"),
    ("iad", "Ashburn"),
    ("jnb", "Johannesburg"),
    ("lax", "Los Angeles"),
    ("lhr", "London"),
    ("nrt", "Tokyo"),
    ("ord", "Chicago"),
    ("sin", "Singapore"),
    ("sjc", "San Jose"),
    ("syd", "Sydney"),
    ("yyz", "Toronto"),
];

/// A service of the environment as an app.
#[derive(Debug, Clone, Copy)]
pub(crate) struct App<'a> {
    descriptor: &'a Descriptor,
    /// The project in its environment.
    pub bound: &'a Bound,
    /// The service.
    pub service: &'a Service,
}

impl<'a> App<'a> {
    /// The apps of an environment, in the file's order.
    pub fn all(descriptor: &'a Descriptor, bound: &'a Bound) -> Vec<Self> {
        bound.services_on(TARGET).map(|service| Self { descriptor, bound, service }).collect()
    }

    /// The app of one service, which is on Fly.io.
    pub fn of(descriptor: &'a Descriptor, bound: &'a Bound, service: &'a Service) -> Self {
        Self { descriptor, bound, service }
    }

    /// The app of another service of the environment, where that is on Fly.io.
    pub fn other(&self, name: &Name) -> Option<Self> {
        let service = self.bound.services.get(name)?;
        self.bound.is_on(service, TARGET).then_some(Self { service, ..*self })
    }

    /// The value of an option that counts for it.
    pub fn option(&self, name: &str) -> Option<&'a str> {
        self.descriptor.option(self.bound, self.service, name)
    }

    /// The key at which an option is written, or would be.
    pub fn option_key(&self, name: &str) -> String {
        self.bound.option_key(self.service, name)
    }

    /// The app's name: the option, else made of the project, the environment (production has none) and the service.
    pub fn name(&self) -> String {
        if let Some(name) = self.option("app") {
            return name.to_owned();
        }
        let (project, service) = (self.bound.project.as_str(), self.service.name.as_str());
        match self.bound.environment.as_str() {
            "production" => derived_name(&[project, service], LONGEST_NAME),
            environment => derived_name(&[project, environment, service], LONGEST_NAME),
        }
    }

    /// The region of its machines.
    pub fn region(&self) -> &'a str {
        self.bound.region_of(self.service).unwrap_or(DEFAULT_REGION)
    }

    /// True for a page.
    pub fn is_page(&self) -> bool {
        self.service.kind() == ServiceKind::Static
    }

    /// True for a page whose files come from a bucket.
    pub fn has_bucket(&self) -> bool {
        self.is_page() && self.option("hosting") == Some("statics")
    }

    /// The bucket of its files.
    pub fn bucket(&self) -> String {
        self.option("bucket")
            .map_or_else(|| derived_name(&[&self.name(), "files"], LONGEST_NAME), str::to_owned)
    }

    /// True where the whole world may reach it.
    pub fn is_public(&self) -> bool {
        self.service.port.is_some() && matches!(self.service.publish, Publish::Port { .. })
    }

    /// True where other apps of the organisation reach it by its private address: a page hands paths on to it, a variable
    /// of another service holds its host or port, or there is no other way to it.
    pub fn is_private(&self) -> bool {
        let asks = |other: &Service| {
            let proxied = other.kind() == ServiceKind::Static && other.proxy.values().any(|n| self.is(n));
            proxied || other.env.values().flat_map(|text| text.references()).any(|r| self.is_meant(r))
        };
        let others = self.bound.services_on(TARGET).filter(|other| other.name != self.service.name);
        self.service.port.is_some() && (!self.is_public() || others.into_iter().any(asks))
    }

    fn is(&self, name: &Name) -> bool {
        *name == self.service.name
    }

    /// True for a reference to its private address.
    pub fn is_meant(&self, reference: &Reference) -> bool {
        matches!(reference, Reference::Service { service, field: AddressField::Host | AddressField::Port } if self.is(service))
    }

    /// The port of its private address: its own, unless the public address needs that.
    pub fn private_port(&self) -> Option<u16> {
        let port = self.service.port?;
        Some(if self.is_public() && [80, 443].contains(&port) { 8080 } else { port })
    }

    /// Its private host name. Requests to it go through Fly's proxy, as public ones do: it reaches programs that listen on
    /// 0.0.0.0, which is what servers are told to do, and wakes machines that sleep. `<app>.internal` would do neither: it
    /// names the machines themselves, by IPv6 alone (fly.io/docs/networking/flycast, "Flycast requirements").
    pub fn private_host(&self) -> String {
        format!("{}.flycast", self.name())
    }

    /// How a release takes the place of another: the option, else what the service allows (a volume forbids every strategy
    /// that needs a second machine, and `bluegreen` needs a check).
    pub fn strategy(&self) -> &'a str {
        let checked = self.service.port.is_some() && self.service.health != HealthCheck::None;
        let free = self.service.volumes.is_empty();
        self.option("strategy").unwrap_or(if checked && free { "bluegreen" } else { "rolling" })
    }
}

/// The addresses of the services on Fly.io.
pub(crate) fn addresses(descriptor: &Descriptor, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
    let of = |app: App| {
        let address = ServiceAddress {
            url: app.is_public().then(|| format!("https://{}.fly.dev", app.name())),
            host: app.service.port.map(|_| app.private_host()),
            port: app.private_port(),
        };
        (app.service.name.clone(), address)
    };
    App::all(descriptor, bound).into_iter().map(of).collect()
}
