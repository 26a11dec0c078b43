//! Platforms that host pages and nothing else: what Netlify and Vercel have in common.
//!
//! Given: what such a platform calls things, and a bound project. Gives: names, addresses, which paths it can hand on,
//! findings. Deliberately absent: whether a name is still free, which only the platform knows, and any file.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::{
    Bound, Build, Descriptor, Desk, Finding, Name, Service, ServiceAddress, ServiceKind, derived_name,
};

/// The longest name of a page: it is a label of a host name (RFC 1035, section 2.3.4).
const LONGEST: usize = 63;

/// A platform that hosts pages and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct PageHost {
    /// The word under `target:`.
    pub target: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The domain below which each page has an address: `netlify.app`.
    pub domain: &'static str,
    /// What it calls a page, which is the option that names one too: `site`.
    pub unit: &'static str,
    /// The file that it reads in a page's folder.
    pub file: &'static str,
    /// Text that no name may hold besides what a label of a host name may not.
    pub forbidden: Option<&'static str>,
}

impl PageHost {
    /// The pages of an environment that are on it, each with how it is built.
    pub fn pages<'a>(&self, bound: &'a Bound) -> Vec<(&'a Service, &'a Build)> {
        let target = self.target;
        let here = bound.services.values().filter(move |service| bound.is_on(service, target));
        let pages = here.filter(|service| service.kind() == ServiceKind::Static);
        pages.filter_map(|service| Some((service, service.build()?))).collect()
    }

    /// The name of a page there: the option, else a name that says whose it is. Names are shared by all of the platform.
    pub fn name(&self, descriptor: &Descriptor, bound: &Bound, service: &Service) -> String {
        if let Some(name) = descriptor.option(bound, service, self.unit).filter(|name| self.takes(name)) {
            return name.to_owned();
        }
        let (project, environment) = (bound.project.as_str(), bound.environment.as_str());
        if environment == "production" {
            derived_name(&[project, service.name.as_str()], LONGEST)
        } else {
            derived_name(&[project, environment, service.name.as_str()], LONGEST)
        }
    }

    fn takes(&self, name: &str) -> bool {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (1..=LONGEST).contains(&name.len())
            && name.chars().all(allowed)
            && !name.starts_with('-')
            && !name.ends_with('-')
            && self.forbidden.is_none_or(|text| !name.contains(text))
    }

    /// The pages' addresses, known beforehand. A page has no other one for other services.
    pub fn addresses(&self, descriptor: &Descriptor, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        let address = |(service, _): (&Service, &Build)| {
            let host = format!("{}.{}", self.name(descriptor, bound, service), self.domain);
            let address =
                ServiceAddress { url: Some(format!("https://{host}")), host: Some(host), port: Some(443) };
            (service.name.clone(), address)
        };
        self.pages(bound).into_iter().map(address).collect()
    }

    /// The public address of the service that a path is handed on to, where it is known and can be reached from outside.
    pub fn upstream<'a>(desk: &Desk<'a>, service: &Name) -> Option<&'a str> {
        let url = desk.wiring.services.get(service)?.url.as_deref()?;
        url.starts_with("https://").then_some(url)
    }

    /// True where every path that a page hands on leads to a known address.
    pub fn routes(desk: &Desk, service: &Service) -> bool {
        service.proxy.values().all(|named| Self::upstream(desk, named).is_some())
    }

    /// What it cannot take, each with the mend.
    pub fn check(&self, descriptor: &Descriptor, bound: &Bound) -> Vec<Finding> {
        let here = bound.services_on(self.target);
        let mut findings: Vec<Finding> = here.filter_map(|service| self.not_hosted(bound, service)).collect();
        let mut names: BTreeMap<String, &Name> = BTreeMap::new();
        let mut folders: BTreeMap<&str, &Name> = BTreeMap::new();
        for (service, build) in self.pages(bound) {
            findings.extend(self.unfit_name(descriptor, bound, service));
            if let Some(other) = names.insert(self.name(descriptor, bound, service), &service.name) {
                findings.push(self.same_name(bound, other, service));
            }
            if let Some(other) = folders.insert(&build.context, &service.name) {
                findings.push(self.same_folder(other, service));
            }
        }
        findings
    }

    fn not_hosted(&self, bound: &Bound, service: &Service) -> Option<Finding> {
        if service.kind() == ServiceKind::Static {
            return None;
        }
        let key = format!("environments.{}.services.{}.target", bound.environment, service.name);
        let title = self.title;
        let message =
            format!("{title} serves files and runs no containers: `{}` cannot be there", service.name);
        let hint = format!(
            "give it a target that runs containers, such as `fly` or `render`, and keep the pages on `{}`",
            self.target
        );
        Some(Finding::error("not-hosted", key, message).hint(hint))
    }

    fn unfit_name(&self, descriptor: &Descriptor, bound: &Bound, service: &Service) -> Option<Finding> {
        let written = descriptor.option(bound, service, self.unit).filter(|name| !self.takes(name))?;
        let message = format!("`{}` is no name of a {} of {}", written.escape_debug(), self.unit, self.title);
        let besides = self.forbidden.map_or_else(String::new, |text| format!(", no {text}"));
        let hint = format!("a-z, 0-9 and - are allowed, {LONGEST} at most, no - at either end{besides}");
        Some(Finding::error("invalid-option", bound.option_key(service, self.unit), message).hint(hint))
    }

    fn same_name(&self, bound: &Bound, other: &Name, service: &Service) -> Finding {
        let message =
            format!("`{other}` and `{}` would be one {} of {}", service.name, self.unit, self.title);
        let hint = format!("give each a name of its own with the option `{}`", self.unit);
        Finding::error("same-name", bound.option_key(service, self.unit), message).hint(hint)
    }

    fn same_folder(&self, other: &Name, service: &Service) -> Finding {
        let message = format!("`{other}` and `{}` would have one {}", service.name, self.file);
        let key = format!("services.{}.build.context", service.name);
        let hint = format!(
            "{} reads one file in a folder: give each page a folder of its own, or another target",
            self.title
        );
        Finding::error("same-folder", key, message).hint(hint)
    }
}
