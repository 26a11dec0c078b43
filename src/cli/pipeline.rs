//! The pipeline of a project: whose, and what each environment's targets need.
//!
//! Given: a project. Gives: what `render` writes a pipeline from. The environments come in the file's order, `production`
//! last; `local` is nobody's to deploy.

use dashdeploy_contract::{Bound, Ci, Descriptor, Project, ServiceKind, Wiring};

use crate::registry;
use crate::render::{Access, Pipeline, Stage};

/// Whose pipeline is written instead of the configured one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Provider {
    /// .github/workflows/deploy.yml
    Github,
    /// .gitlab-ci.yml
    Gitlab,
}

/// The pipeline; none where the project wants none and no provider is asked for.
pub fn pipeline(project: &Project, provider: Option<Provider>) -> Option<Pipeline> {
    let provider = match provider {
        Some(Provider::Github) => Ci::Github,
        Some(Provider::Gitlab) => Ci::Gitlab,
        None => project.ci,
    };
    if provider == Ci::None {
        return None;
    }
    let named = project.environments.keys().map(dashdeploy_contract::Name::as_str);
    let (last, first): (Vec<&str>, Vec<&str>) =
        named.filter(|name| *name != "local").partition(|name| *name == "production");
    let stages = first.into_iter().chain(last).filter_map(|name| project.bind(name).ok());
    Some(Pipeline { provider, stages: stages.map(|bound| stage(&bound)).collect() })
}

fn stage(bound: &Bound) -> Stage {
    let all = registry::all();
    let find = |name: &str| all.iter().find(|target| target.descriptor().name == name).map(AsRef::as_ref);
    let wiring = Wiring::of(bound, &find);
    let mut access: Vec<Access> = Vec::new();
    for service in bound.services.values() {
        let Some(target) = bound.targets.get(&service.name).and_then(|name| find(name.as_str())) else {
            continue;
        };
        let descriptor = target.descriptor();
        let region = bound.region_of(service).map(str::to_owned);
        match access.iter_mut().find(|known| known.title == descriptor.title) {
            Some(known) => known.region = known.region.take().or(region),
            None => access.push(Access {
                title: descriptor.title.clone(),
                credentials: told(descriptor, false),
                optional: told(descriptor, true),
                federation: descriptor.federation.clone(),
                region,
            }),
        }
    }
    Stage { environment: bound.environment.clone(), url: url(bound, &wiring), access }
}

/// The variables of a target's credentials: those that it needs, or those that it does without.
fn told(descriptor: &Descriptor, optional: bool) -> Vec<(String, String)> {
    let wanted = descriptor.credentials.iter().filter(|credential| credential.optional == optional);
    wanted.map(|credential| (credential.variable.clone(), credential.purpose.clone())).collect()
}

/// What people open: the first page's address, else the first service's that has one. Not one that only the host itself knows.
fn url(bound: &Bound, wiring: &Wiring) -> Option<String> {
    let named = bound.domains.keys().filter_map(|name| bound.services.get(name));
    let pages = || bound.services.values().filter(|service| service.kind() == ServiceKind::Static);
    let own_name = named.clone().filter(|service| service.kind() == ServiceKind::Static);
    let of = |name| wiring.services.get(name).and_then(|address| address.url.clone());
    let order = own_name.chain(pages()).chain(named).chain(bound.services.values());
    order.filter_map(|service| of(&service.name)).find(|url| url.starts_with("https://"))
}
