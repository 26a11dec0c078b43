//! What a service is on Render: its type, what it is made from, its name and address.
//!
//! Given: a bound project and the target's options. Gives: facts that follow from dashdeploy.yaml alone. Deliberately absent:
//! findings (`check`) and the file (`manifests`).

use dashdeploy_contract::{
    AddressField, Bound, Descriptor, Desk, Name, PageServer, Publish, Recipe, Reference, Service,
    ServiceAddress, ServiceKind, Source, Writers, derived_name,
};
use indexmap::IndexMap;

/// The target's name.
pub(crate) const TARGET: &str = "render";

/// The regions (<https://render.com/docs/regions>).
pub(crate) const REGIONS: [&str; 5] = ["oregon", "ohio", "virginia", "frankfurt", "singapore"];

/// The longest name given to a service. Its address is a DNS label of 63 characters at most, and Render adds a dash and some
/// letters where that label is taken.
const LONGEST_NAME: usize = 55;

/// The variable in which Render keeps a service's public address (<https://render.com/docs/environment-variables>).
pub(crate) const EXTERNAL_URL: &str = "RENDER_EXTERNAL_URL";

/// What Render calls a service (<https://render.com/docs/service-types>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A static site.
    Site,
    /// A web service: it has a public address.
    Web,
    /// A private service: other services reach it.
    Private,
    /// A background worker: nothing reaches it.
    Worker,
}

/// What a service is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// Its Dockerfile, built by Render.
    Docker,
    /// An image of a registry.
    Image,
    /// Its source, by Render's Python.
    Python,
    /// Its source, into files.
    Static,
}

/// One environment on Render.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) bound: &'a Bound,
}

impl Form {
    /// The word under `type:`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Site | Self::Web => "web",
            Self::Private => "pserv",
            Self::Worker => "worker",
        }
    }

    /// Its name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Site => "static site",
            Self::Web => "web service",
            Self::Private => "private service",
            Self::Worker => "background worker",
        }
    }
}

impl Runtime {
    /// The word under `runtime:`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Image => "image",
            Self::Python => "python",
            Self::Static => "static",
        }
    }
}

impl<'a> Place<'a> {
    /// The services on Render, in the file's order.
    pub(crate) fn services(&self) -> impl Iterator<Item = &'a Service> + use<'a> {
        self.bound.services_on(TARGET)
    }

    /// True where the service is on Render too.
    pub(crate) fn hosts(&self, service: &Name) -> Option<&'a Service> {
        self.bound.services.get(service).filter(|service| self.bound.is_on(service, TARGET))
    }

    /// The value of an option.
    pub(crate) fn option(&self, service: &Service, name: &str) -> Option<&'a str> {
        self.descriptor.option(self.bound, service, name)
    }

    /// What a service is made from. `runtime: python` for a whole environment is for those services that are Python.
    pub(crate) fn runtime(&self, service: &Service) -> Runtime {
        if service.kind() == ServiceKind::Static {
            let image = self.option(service, "hosting") == Some("docker");
            return if image { self.of_images() } else { Runtime::Static };
        }
        if matches!(service.source, Source::Image(_)) {
            return Runtime::Image;
        }
        let is_python = service.build().is_some_and(|build| matches!(build.recipe, Recipe::Python(_)));
        match self.option(service, "runtime") {
            Some("image") => Runtime::Image,
            Some("docker") => Runtime::Docker,
            Some("python") if is_python => Runtime::Python,
            _ => self.of_images(),
        }
    }

    /// Images where there is a registry that they are pushed to, as a deploy does it; else Render builds by the Dockerfile.
    fn of_images(&self) -> Runtime {
        if self.bound.registry.is_some() { Runtime::Image } else { Runtime::Docker }
    }

    /// The page's own image: its nginx knows no name server of Render, and so hands nothing on.
    pub(crate) fn page_server(&self, desk: &Desk, service: &Service) -> Option<PageServer> {
        let own_image = service.kind() == ServiceKind::Static && self.runtime(service) != Runtime::Static;
        own_image.then(|| PageServer::of(TARGET, desk, service, None, IndexMap::new())).flatten()
    }

    /// True for a page whose image comes from the registry: its variables are in it already, and Render builds nothing.
    pub(crate) fn is_built_page(&self, service: &Service) -> bool {
        service.kind() == ServiceKind::Static && self.runtime(service) == Runtime::Image
    }

    /// What Render calls the service.
    pub(crate) fn form(&self, service: &Service) -> Form {
        match (self.runtime(service), service.port) {
            (Runtime::Static, _) => Form::Site,
            (_, None) => Form::Worker,
            _ if self.is_private(service) => Form::Private,
            _ => Form::Web,
        }
    }

    fn is_private(&self, service: &Service) -> bool {
        match self.option(service, "exposure") {
            Some("private") => true,
            Some(_) => false,
            None => service.publish == Publish::No && !self.is_asked_from_outside(service),
        }
    }

    /// True where something in dashdeploy.yaml needs the service's public address.
    fn is_asked_from_outside(&self, service: &Service) -> bool {
        let public = |reference: &Reference| {
            matches!(reference, Reference::Service { service: named, field: AddressField::Url | AddressField::Origin }
                if *named == service.name)
        };
        let asks = |other: &Service| {
            other.proxy.values().any(|upstream| *upstream == service.name)
                || other.env.values().flat_map(|text| text.references()).any(public)
        };
        self.bound.domains.contains_key(&service.name)
            || self.bound.smoke.iter().any(|smoke| smoke.service == service.name)
            || self.bound.services.values().any(asks)
    }

    /// The services whose internal address this one is told.
    pub(crate) fn asks_inside(&self, service: &'a Service) -> impl Iterator<Item = &'a Name> + use<'a> {
        service.env.values().flat_map(|text| text.references()).filter_map(|reference| match reference {
            Reference::Service { service, field: AddressField::Host } => Some(service),
            _ => None,
        })
    }

    /// The service's name: unique in a workspace, so that environments beside production bear theirs.
    pub(crate) fn name(&self, service: &Service) -> String {
        let (project, environment) = (self.bound.project.as_str(), self.bound.environment.as_str());
        let words: &[&str] = match environment {
            "production" => &[project, service.name.as_str()],
            _ => &[project, environment, service.name.as_str()],
        };
        derived_name(words, LONGEST_NAME)
    }

    /// The public address that the service has unless its label is taken; none where it has no public one.
    pub(crate) fn url(&self, service: &Service) -> Option<String> {
        let public = matches!(self.form(service), Form::Site | Form::Web);
        let label =
            self.option(service, "subdomain").map_or_else(|| self.name(service), |label| label.to_owned());
        public.then(|| format!("https://{label}.onrender.com"))
    }

    /// True where the public address is what Render makes of the name, and may turn out to be another.
    pub(crate) fn is_predicted(&self, service: &Service) -> bool {
        let own = self.bound.domains.contains_key(&service.name);
        !own && self.option(service, "subdomain").is_none() && self.url(service).is_some()
    }

    /// The addresses of the services on Render. Internal host names are Render's own: a Blueprint refers to them.
    pub(crate) fn addresses(&self) -> IndexMap<Name, ServiceAddress> {
        let address = |service: &Service| ServiceAddress {
            url: self.url(service),
            host: None,
            port: service.port.filter(|_| matches!(self.form(service), Form::Web | Form::Private)),
        };
        self.services().map(|service| (service.name.clone(), address(service))).collect()
    }

    /// True where every path that the page hands on goes to an address that Render's edge can reach.
    pub(crate) fn routes(&self, desk: &Desk, service: &Service) -> bool {
        let reachable = |upstream: &Name| {
            let url = desk.wiring.services.get(upstream).and_then(|address| address.url.as_deref());
            url.is_some_and(|url| url.starts_with("https://"))
        };
        self.form(service) == Form::Site && service.proxy.values().all(reachable)
    }

    /// The region, where the service has one: static sites are on every edge.
    pub(crate) fn region(&self, service: &Service) -> Option<&'a str> {
        self.bound.region_of(service).filter(|_| self.form(service) != Form::Site)
    }

    /// True where a volume of the service has one writer: one process is all it may have.
    pub(crate) fn writes_alone(&self, service: &Service) -> bool {
        let single = |volume: &Name| {
            self.bound.volumes.get(volume).is_some_and(|volume| volume.writers == Writers::Single)
        };
        service.volumes.keys().any(single)
    }

    /// The processes asked for, where a number is written.
    pub(crate) fn workers(&self, service: &Service) -> Option<u32> {
        self.option(service, "workers").and_then(|workers| workers.parse().ok())
    }
}
