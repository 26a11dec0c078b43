//! The changes of a proposal by target and service, as every form of it shows them.

use dashdeploy_contract::Name;

use crate::deploy::{Proposal, ProposedChange, ProposedService};

/// What happens on a target.
pub(super) struct Branch<'a> {
    /// The target's name for people.
    pub(super) title: String,
    /// Its services, and what they share.
    pub(super) groups: Vec<Group<'a>>,
}

/// What happens to a service; without one, to what services share.
pub(super) struct Group<'a> {
    /// The service's name.
    pub(super) name: Option<&'a Name>,
    /// The service, where the release has it.
    pub(super) service: Option<&'a ProposedService>,
    /// Its changes.
    pub(super) changes: Vec<&'a ProposedChange>,
}

impl Group<'_> {
    /// `api  iad  image aaaaaaaaaaaa → 111111111111`.
    pub(super) fn words(&self) -> String {
        match (self.service, self.name) {
            (Some(service), _) => {
                let region = service.region.as_ref().map(|region| format!("  {region}")).unwrap_or_default();
                let nothing = if self.changes.is_empty() { "  unchanged" } else { "" };
                format!("{}{region}{}{nothing}", service.name, image_words(service, "  image "))
            }
            (None, Some(name)) => format!("{name}  (not part of the release)"),
            (None, None) => "shared by the services".to_owned(),
        }
    }
}

/// The image before and after, with `before` before it; nothing where there is none.
pub(super) fn image_words(service: &ProposedService, before: &str) -> String {
    match (&service.image_before, &service.image_after) {
        (Some(was), Some(will)) if was != will => format!("{before}{was} → {will}"),
        (_, Some(will)) => format!("{before}{will}"),
        (Some(was), None) => format!("{before}{was} → none"),
        (None, None) => String::new(),
    }
}

/// The targets in the order of their services, each with its services in the file's order; things that are on a target
/// without belonging to one of its services come last.
pub(super) fn tree(proposal: &Proposal) -> Vec<Branch<'_>> {
    let targets = proposal.services.iter().map(|service| service.target.as_str());
    let targets = targets.chain(proposal.changes.iter().map(|change| change.target.as_str()));
    let mut seen: Vec<&str> = Vec::new();
    for target in targets {
        if !seen.contains(&target) {
            seen.push(target);
        }
    }
    seen.into_iter().map(|target| branch(proposal, target)).collect()
}

fn branch<'a>(proposal: &'a Proposal, target: &'a str) -> Branch<'a> {
    let services = proposal.services.iter().filter(|service| service.target == target);
    let mut groups: Vec<Group> = services
        .map(|service| Group { name: Some(&service.name), service: Some(service), changes: Vec::new() })
        .collect();
    for change in proposal.changes.iter().filter(|change| change.target == target) {
        let name = change.service.as_ref();
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.changes.push(change),
            None => groups.push(Group { name, service: None, changes: vec![change] }),
        }
    }
    Branch { title: proposal.title(target).to_owned(), groups }
}
