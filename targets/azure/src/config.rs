//! What the target decides from configuration alone: what hosts each service, names, addresses.
//!
//! Given: a bound project. Gives: a [`Stack`], which every other room asks. Deliberately absent: findings ([`crate::findings`])
//! and files ([`crate::manifests`]).

use dashdeploy_contract::{
    AddressField, Bound, Descriptor, Name, Publish, Reference, Service, ServiceAddress, ServiceKind, Source,
    Writers,
};
use indexmap::IndexMap;

use crate::places::{self, SKUS, Sku};
use crate::words::{compact, dashed, symbol};

/// The word under `target:`.
pub(crate) const TARGET: &str = "azure";

/// What hosts a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hosting {
    /// A Container App.
    App,
    /// A site of an App Service plan.
    Site,
    /// A Static Web App.
    Page,
    /// The static website of a Storage account.
    Bucket,
}

/// How a volume is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Protocol {
    /// NFS 4.1: a POSIX file system whose locks hold.
    Nfs,
    /// SMB: locks are those of Windows, and SQLite fails on them.
    Smb,
}

/// How a container is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// By everybody, by HTTPS.
    Public,
    /// By other containers of the environment.
    Inside,
    /// Not at all: it only works.
    None,
}

/// One environment's things on Azure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stack<'a> {
    pub(crate) bound: &'a Bound,
    pub(crate) descriptor: &'a Descriptor,
}

impl<'a> Stack<'a> {
    pub(crate) fn of(bound: &'a Bound, descriptor: &'a Descriptor) -> Self {
        Self { bound, descriptor }
    }

    /// Its services in the file's order.
    pub(crate) fn services(&self) -> impl Iterator<Item = &'a Service> + use<'a> {
        self.bound.services_on(TARGET)
    }

    /// Its services of one kind of host.
    pub(crate) fn hosted(self, hosting: Hosting) -> impl Iterator<Item = &'a Service> {
        self.services().filter(move |service| self.hosting(service) == hosting)
    }

    pub(crate) fn is_here(&self, name: &Name) -> bool {
        self.bound.services.get(name).is_some_and(|service| self.bound.is_on(service, TARGET))
    }

    pub(crate) fn option(&self, service: &Service, name: &str) -> Option<&'a str> {
        self.descriptor.option(self.bound, service, name)
    }

    pub(crate) fn hosting(&self, service: &Service) -> Hosting {
        match service.kind() {
            ServiceKind::Static if self.option(service, "page_hosting") == Some("storage") => Hosting::Bucket,
            ServiceKind::Static => Hosting::Page,
            ServiceKind::Web if self.option(service, "hosting") == Some("app-service") => Hosting::Site,
            ServiceKind::Web => Hosting::App,
        }
    }

    /// The size of the App Service plan that a site is on.
    pub(crate) fn sku(&self, service: &Service) -> Sku {
        let chosen = self.option(service, "sku").and_then(|name| SKUS.iter().find(|sku| sku.name == name));
        chosen.copied().unwrap_or(SKUS[0])
    }

    /// True where every one of its services keeps to the words of an option.
    pub(crate) fn any(&self, option: &str, value: &str) -> bool {
        let mut containers = self.services().filter(|service| service.kind() == ServiceKind::Web);
        containers.any(|service| self.option(service, option) == Some(value))
    }

    /// The service that a page's `/api` is linked to. A Static Web App routes exactly this prefix, to one backend, on the
    /// Standard plan, and a backend has one page. It needs to reach it from outside.
    /// Source: learn.microsoft.com, "Overview of API support in Azure Static Web Apps", API constraints, and "API support in
    /// Azure Static Web Apps with Azure Container Apps".
    pub(crate) fn backend(&self, page: &Service) -> Option<&'a Service> {
        let upstream = self.linkable(page)?;
        let mut rivals = self.services().filter(|other| {
            other.kind() == ServiceKind::Static
                && self.linkable(other).is_some_and(|theirs| theirs.name == upstream.name)
        });
        rivals.next().is_some_and(|first| first.name == page.name).then_some(upstream)
    }

    fn linkable(&self, page: &Service) -> Option<&'a Service> {
        let mut proxied = page.proxy.iter();
        let (Some((prefix, upstream)), None) = (proxied.next(), proxied.next()) else { return None };
        let upstream = self.bound.services.get(upstream).filter(|upstream| self.is_here(&upstream.name))?;
        let fits = prefix.trim_end_matches('/') == "/api" && upstream.kind() == ServiceKind::Web;
        let hosted = self.hosting(page) == Hosting::Page && self.option(page, "page_sku") != Some("Free");
        (fits && upstream.port.is_some() && hosted).then_some(upstream)
    }

    /// The plan of a Static Web App.
    pub(crate) fn page_sku(&self, page: &Service) -> &'a str {
        let own = if self.backend(page).is_some() { "Standard" } else { "Free" };
        self.option(page, "page_sku").unwrap_or(own)
    }

    pub(crate) fn reach(&self, service: &Service) -> Reach {
        if service.port.is_none() {
            return Reach::None;
        }
        let linked =
            self.hosted(Hosting::Page).any(|page| self.backend(page).is_some_and(|b| b.name == service.name));
        let named = self.bound.services.values().any(|other| names_publicly(other, &service.name));
        let public = service.publish != Publish::No
            || self.bound.domains.contains_key(&service.name)
            || self.hosting(service) == Hosting::Site;
        if public || linked || named { Reach::Public } else { Reach::Inside }
    }

    /// True where another container calls it by its internal host name.
    pub(crate) fn is_called_inside(&self, service: &Service) -> bool {
        self.services().any(|other| {
            other.kind() == ServiceKind::Web && self.bound.dependencies(other).contains(&service.name)
        })
    }

    pub(crate) fn protocol(&self, service: &Service, volume: &Name) -> Protocol {
        match self.option(service, "volume_protocol") {
            _ if self.hosting(service) == Hosting::Site => Protocol::Smb,
            Some("smb") => Protocol::Smb,
            Some(_) => Protocol::Nfs,
            None if self.is_single(volume) => Protocol::Nfs,
            None => Protocol::Smb,
        }
    }

    pub(crate) fn is_single(&self, volume: &Name) -> bool {
        self.bound.volumes.get(volume).is_none_or(|volume| volume.writers == Writers::Single)
    }

    /// The volumes of its containers with the protocol of each, no volume twice.
    pub(crate) fn volumes(&self) -> IndexMap<(Name, Protocol), &'a Service> {
        let mut volumes = IndexMap::new();
        for service in self.services().filter(|service| service.kind() == ServiceKind::Web) {
            for volume in service.volumes.keys() {
                volumes.entry((volume.clone(), self.protocol(service, volume))).or_insert(service);
            }
        }
        volumes
    }

    /// True where it has a registry of its own: an image is built here, and pushed nowhere else.
    pub(crate) fn has_registry(&self) -> bool {
        self.services().any(|service| self.image_is_ours(service))
    }

    /// True for an image that lies in the stack's own registry.
    pub(crate) fn image_is_ours(&self, service: &Service) -> bool {
        let built = matches!(service.source, Source::Build(_)) && service.kind() == ServiceKind::Web;
        built && (self.bound.registry.is_none() || self.acr_of_registry().is_some())
    }

    /// The host of another registry that the image of a service is pulled from, where we push to it.
    pub(crate) fn foreign_registry(&self, service: &Service) -> Option<&'a str> {
        let built = matches!(service.source, Source::Build(_)) && !self.image_is_ours(service);
        self.bound.registry.as_deref().filter(|_| built)?.split('/').next()
    }

    /// The registry's name where `registry:` names one of Azure's.
    fn acr_of_registry(&self) -> Option<&'a str> {
        let host = self.bound.registry.as_deref()?.split('/').next()?;
        host.strip_suffix(".azurecr.io")
    }

    /// The image of a service, without its tag where it is built here.
    pub(crate) fn image(&self, service: &Service) -> String {
        let name = format!("{}-{}", self.bound.project, service.name);
        match (&service.source, &self.bound.registry) {
            (Source::Image(image), _) => image.clone(),
            (Source::Build(_), Some(registry)) => format!("{registry}/{name}"),
            (Source::Build(_), None) => format!("{}.azurecr.io/{name}", self.registry()),
        }
    }

    /// The words of the environment: in `production` the project's name alone.
    fn words(&self) -> Vec<&'a str> {
        let mut words = vec![self.bound.project.as_str()];
        if self.bound.environment.as_str() != "production" {
            words.push(self.bound.environment.as_str());
        }
        words
    }

    /// A name with more words behind those of the environment.
    pub(crate) fn name(&self, more: &[&str], most: usize) -> String {
        let mut words = self.words();
        words.extend(more);
        dashed(&words, most)
    }

    /// The ending of names that are unique in all of Azure.
    fn ending(&self) -> Option<&'a str> {
        self.services().find_map(|service| self.option(service, "name_suffix"))
    }

    /// Resource group: 1 to 90 characters.
    pub(crate) fn group(&self) -> String {
        dashed(&[self.bound.project.as_str(), self.bound.environment.as_str()], 90)
    }

    /// Container registry: 5 to 50 letters and digits, unique in all of Azure.
    pub(crate) fn registry(&self) -> String {
        if let Some(name) = self.acr_of_registry() {
            return name.to_owned();
        }
        let chosen = self.services().find_map(|service| self.option(service, "acr"));
        let own = || compact(&self.words(), &format!("registry{}", self.ending().unwrap_or_default()), 50);
        chosen.map_or_else(own, str::to_owned)
    }

    /// Storage account: 3 to 24 letters and digits, unique in all of Azure.
    pub(crate) fn account(&self, purpose: &str) -> String {
        compact(&self.words(), &format!("{purpose}{}", self.ending().unwrap_or_default()), 24)
    }

    /// The name of what hosts a service.
    pub(crate) fn host(&self, service: &Service) -> String {
        let name = service.name.as_str();
        match self.hosting(service) {
            // 2 to 32 characters, a-z, 0-9 and single hyphens.
            Hosting::App => self.name(&[name], 32),
            // 2 to 60 characters, unique in all of Azure; as a label of a host name at most 63 with a slot behind it.
            Hosting::Site => {
                let mut more = vec![name];
                more.extend(self.ending());
                self.name(&more, 40)
            }
            // 1 to 40 characters.
            Hosting::Page => self.name(&[name], 40),
            Hosting::Bucket => self.account(name),
        }
    }

    /// The region of what is not a Static Web App: that of the first container, else of the first page.
    pub(crate) fn region(&self) -> Option<&'a str> {
        let first = |kind| self.services().find(|service| service.kind() == kind);
        let service = first(ServiceKind::Web).or_else(|| first(ServiceKind::Static))?;
        self.bound.region_of(service)
    }

    /// The region of a Static Web App.
    pub(crate) fn page_region(&self, page: &Service) -> &'static str {
        places::of_page(self.bound.region_of(page).or_else(|| self.region()))
    }

    /// The addresses that are known beforehand. A Container App and a Static Web App get theirs from Azure.
    pub(crate) fn addresses(&self) -> IndexMap<Name, ServiceAddress> {
        self.services().map(|service| (service.name.clone(), self.address(service))).collect()
    }

    fn address(&self, service: &Service) -> ServiceAddress {
        let host = self.host(service);
        match (self.hosting(service), self.reach(service)) {
            (Hosting::Site, Reach::Public) => {
                let host = format!("{host}.azurewebsites.net");
                ServiceAddress { url: Some(format!("https://{host}")), host: Some(host), port: Some(443) }
            }
            (Hosting::App, Reach::Public) => ServiceAddress { url: None, host: Some(host), port: Some(80) },
            (Hosting::App, Reach::Inside) => {
                ServiceAddress { url: None, host: Some(host), port: service.port }
            }
            _ => ServiceAddress::default(),
        }
    }

    /// A service's name in Bicep with a word behind it: `apiApp`.
    pub(crate) fn symbol(service: &Name, word: &str) -> String {
        format!("{}{word}", symbol(service.as_str()))
    }
}

/// True where a service's variables hold the public address of another.
pub(crate) fn names_publicly(service: &Service, named: &Name) -> bool {
    let public = |reference: &Reference| matches!(reference, Reference::Service { service, field: AddressField::Url | AddressField::Origin } if service == named);
    service.name != *named && service.env.values().any(|text| text.references().any(public))
}
