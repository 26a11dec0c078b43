//! Makes a proposal: what plan, release and platforms say, put together for a reader.
//!
//! Given: [`ProposalInput`]. Gives: [`Proposal`]; the same for the same input. Deliberately absent: any platform's name, and
//! a change's payload, which is copied nowhere.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{
    Action, Address, Bound, Change, ImageId, KeptSecret, Name, Observed, Plan, Release, Risk, Service, Wiring,
};

use super::wired::{public_address, wired};
use super::{
    Billable, Counts, Hook, HookKind, PROPOSAL_VERSION, Proposal, ProposedChange, ProposedSecret,
    ProposedService, SecretState, Way, Wired,
};
use crate::deploy::PUSH;

/// What a proposal is made of.
pub struct ProposalInput<'a> {
    /// The release that would be deployed.
    pub release: &'a Release,
    /// What that would change, with its pushes.
    pub plan: &'a Plan,
    /// What is there.
    pub observed: &'a Observed,
    /// The release that was deployed last, where one was.
    pub former: Option<&'a Release>,
    /// The addresses as the targets predict them; those of the release that are others were assigned.
    pub predicted: &'a Wiring,
    /// The targets' names for people, by name.
    pub titles: &'a BTreeMap<String, String>,
    /// The secrets that platforms keep.
    pub kept: &'a [KeptSecret],
    /// The services whose images or files this deploy builds.
    pub builds: &'a BTreeSet<Name>,
    /// What is probably not meant, found elsewhere.
    pub warnings: &'a [String],
}

impl Proposal {
    /// What a deploy would do.
    pub fn of(input: &ProposalInput) -> Self {
        let (release, bound) = (input.release, &input.release.bound);
        let wiring = wired(release, input.predicted);
        let changes: Vec<ProposedChange> =
            input.plan.changes.iter().map(|change| proposed(change, input.plan, bound)).collect();
        Self {
            version: PROPOSAL_VERSION,
            project: bound.project.clone(),
            environment: bound.environment.clone(),
            release: release.number,
            former: input.former.and_then(|former| former.number),
            commit: release.git.as_ref().map(|git| git.commit.clone()),
            dirty: release.git.as_ref().is_some_and(|git| git.dirty),
            services: bound.services.values().map(|service| service_of(input, service)).collect(),
            counts: Counts::of(input.plan),
            hooks: hooks(input, &wiring),
            billable: billable(input.plan, bound),
            secrets: secrets(input),
            warnings: warnings(input, &changes),
            unchanged: input.plan.unchanged.clone(),
            changes,
            wiring,
        }
    }
}

impl Counts {
    /// The counts of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self {
            create: plan.count(Action::Create),
            update: plan.count(Action::Update),
            replace: plan.count(Action::Replace),
            delete: plan.count(Action::Delete),
            run: plan.count(Action::Run),
            unchanged: plan.unchanged.len(),
        }
    }
}

/// The target that a change is shown under: a push belongs to the target that takes the image.
fn shown_under(address: &Address, service: Option<&Name>, bound: &Bound) -> String {
    let of_service = service.and_then(|service| bound.targets.get(service)).map(ToString::to_string);
    match (address.target(), of_service) {
        (PUSH, Some(target)) => target,
        (target, _) => target.to_owned(),
    }
}

fn proposed(change: &Change, plan: &Plan, bound: &Bound) -> ProposedChange {
    let in_plan = |need: &&Address| plan.changes.iter().any(|other| other.address == **need);
    ProposedChange {
        address: change.address.clone(),
        target: shown_under(&change.address, change.service.as_ref(), bound),
        service: change.service.clone(),
        action: change.action,
        reason: change.reason.clone(),
        fields: change.fields.clone(),
        risk: change.risk,
        downtime: change.downtime,
        needs: change.needs.iter().filter(in_plan).cloned().collect(),
        needs_healthy: change.needs_healthy.clone(),
        gated: change.gated,
    }
}

fn service_of(input: &ProposalInput, service: &Service) -> ProposedService {
    let bound = &input.release.bound;
    let target = bound.targets.get(&service.name).map(ToString::to_string).unwrap_or_default();
    let own = input.plan.changes.iter().filter(|change| change.service.as_ref() == Some(&service.name));
    let downtime = own.filter_map(|change| change.downtime).fold(0, u32::saturating_add);
    ProposedService {
        name: service.name.clone(),
        kind: service.kind(),
        title: input.titles.get(&target).unwrap_or(&target).clone(),
        target,
        region: bound.region_of(service).map(str::to_owned),
        image_before: image_before(input, &service.name),
        image_after: input.release.images.get(&service.name).map(|image| image.id.short().to_owned()),
        address: public_address(input.release, input.predicted, &service.name),
        copies: service.replicas,
        downtime: (downtime > 0).then_some(downtime),
    }
}

/// The image that runs. The former release names it by the same kind of digest as the new one; without that, what the
/// platform says has to do. Where nothing runs there is none, whatever was deployed once.
fn image_before(input: &ProposalInput, service: &Name) -> Option<String> {
    let running = input.observed.of_service(service).next()?;
    let former = input.former.and_then(|former| former.images.get(service));
    if let Some(image) = former {
        return Some(image.id.short().to_owned());
    }
    let facts = ["image_id", "digest", "image"];
    let said = facts.iter().find_map(|fact| running.facts.get(*fact))?;
    Some(match said.split_once("sha256:") {
        Some((_, hex)) => ImageId(hex.to_owned()).short().to_owned(),
        None => said.clone(),
    })
}

fn hooks(input: &ProposalInput, wiring: &[Wired]) -> Vec<Hook> {
    let bound = &input.release.bound;
    let hook = |kind, service: &Name, what: String| Hook { kind, service: Some(service.clone()), what };
    let own = |kind, lines: &[String]| {
        let lines = if input.plan.is_empty() { &[] } else { lines };
        lines.iter().map(move |line| Hook { kind, service: None, what: line.clone() }).collect::<Vec<_>>()
    };
    let built = bound.services.values().filter(|service| input.builds.contains(&service.name));
    let builds = built.filter_map(|service| {
        Some(hook(HookKind::Build, &service.name, format!("by {}", service.build()?.dockerfile)))
    });
    let pushed = input.plan.changes.iter().filter(|change| change.address.target() == PUSH);
    let pushes = pushed
        .filter_map(|change| Some(hook(HookKind::Push, change.service.as_ref()?, change.reason.clone())));
    let smoke = bound.smoke.iter().map(|smoke| {
        let contains = smoke.contains.as_ref().map(|text| format!(", contains {text}")).unwrap_or_default();
        hook(
            HookKind::Smoke,
            &smoke.service,
            format!("GET {} answers {}{contains}", smoke.path, smoke.status),
        )
    });
    let absolute = wiring.iter().filter(|wired| wired.way == Way::Absolute && !wired.told.is_empty());
    let preflights = absolute.map(|wired| {
        let origin =
            wired.page_address.url.clone().unwrap_or_else(|| format!("the origin of {}", wired.page));
        hook(HookKind::Preflight, &wired.service, format!("from {origin}"))
    });
    let (before, after) =
        (own(HookKind::Before, &bound.hooks.before), own(HookKind::After, &bound.hooks.after));
    builds.chain(before).chain(pushes).chain(smoke).chain(preflights).chain(after).collect()
}

fn billable(plan: &Plan, bound: &Bound) -> Vec<Billable> {
    let billed = plan.changes.iter().filter_map(|change| {
        Some(Billable {
            address: change.address.clone(),
            target: shown_under(&change.address, change.service.as_ref(), bound),
            what: change.billable.clone()?,
        })
    });
    billed.collect()
}

/// Every secret of the release, and those that the services want, for which only the platform has a value.
fn secrets(input: &ProposalInput) -> Vec<ProposedSecret> {
    let mut secrets = Vec::new();
    for service in input.release.bound.services.values() {
        let given = input.release.secrets.get(&service.name);
        for variable in service.secrets.keys() {
            let kept =
                input.kept.iter().find(|kept| kept.service == service.name && kept.variable == *variable);
            let (fingerprint, state) = match (given.and_then(|given| given.get(variable)), kept) {
                (Some(print), kept) => {
                    (Some(print.clone()), state_of(print, kept, former_print(input, &service.name, variable)))
                }
                (None, Some(kept)) => (kept.fingerprint.clone(), SecretState::Kept),
                (None, None) => continue,
            };
            let (service, variable) = (service.name.clone(), variable.clone());
            secrets.push(ProposedSecret { service, variable, fingerprint, state });
        }
    }
    secrets
}

fn former_print<'a>(input: &ProposalInput<'a>, service: &Name, variable: &str) -> Option<&'a String> {
    input.former?.secrets.get(service)?.get(variable)
}

/// What the platform can tell counts before what the former release had.
fn state_of(print: &str, kept: Option<&KeptSecret>, former: Option<&String>) -> SecretState {
    let before = kept.and_then(|kept| kept.fingerprint.as_ref()).or(former);
    match before {
        Some(before) if before == print => SecretState::Unchanged,
        Some(_) => SecretState::Changed,
        None => SecretState::Set,
    }
}

fn warnings(input: &ProposalInput, changes: &[ProposedChange]) -> Vec<String> {
    let mut warnings = input.warnings.to_vec();
    let losing = changes.iter().filter(|change| change.risk == Risk::LosesData);
    warnings.extend(losing.map(|change| format!("{} loses data: {}", change.address, change.reason)));
    if let Some(git) = input.release.git.as_ref().filter(|git| git.dirty) {
        let commit: String = git.commit.chars().take(12).collect();
        warnings.push(format!(
            "files differ from commit {commit}, so that nobody can tell later what was deployed"
        ));
    }
    warnings
}
