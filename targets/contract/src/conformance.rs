//! The suite every target must pass.
//!
//! Given: a [`Target`] and a [`Kit`] that plays its platform: what would be seen once a plan was applied, and what would be
//! seen where someone else holds the names we need. Gives: the promises that were broken, each with the reason. Everything
//! here is pure; what needs the platform itself is in the target's own tests. To be called from those tests only.

use std::collections::BTreeSet;

use crate::{
    Action, ImageId, Name, Observed, Plan, Publish, Release, Removal, Risk, Service, Target, TargetError,
    Text,
};

mod page_host;
mod paper;
mod sample;

pub use page_host::page_host;
pub use paper::{paper, sample_on, wired};
pub use sample::{canaries, sample};

/// Part of every secret's value in the suite: it must never be seen outside a `SecretStore`.
pub const CANARY: &str = "canary-7f3a9c51e0";

/// What plays the target's platform.
pub struct Kit<'a> {
    /// The target.
    pub target: &'a dyn Target,
    /// What is seen after a plan was applied to an empty platform, with the secrets of [`canaries`].
    pub settled: fn(&Release, &Plan) -> Observed,
    /// What is seen where someone else holds the names of the release's things; nothing of it bears our marks.
    pub foreign: fn(&Release) -> Observed,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The promise.
    pub promise: &'static str,
    /// How it was broken.
    pub how: String,
}

type Held = Result<(), Broken>;

/// Runs the whole suite; empty where every promise is kept.
pub fn broken(kit: &Kit) -> Vec<Broken> {
    let suite: [fn(&Kit) -> Held; 11] = [
        descriptor_is_sane,
        samples_have_no_error,
        addresses_are_predicted_as_promised,
        first_plan_only_creates_in_order,
        same_release_changes_nothing,
        plans_are_deterministic,
        plans_survive_json,
        secrets_stay_secret,
        changed_content_is_seen,
        foreign_things_are_never_changed,
        removal_keeps_data_unless_told,
    ];
    suite.iter().filter_map(|check| check(kit).err()).collect()
}

fn expect(holds: bool, promise: &'static str, how: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(Broken { promise, how: how() }) }
}

fn planned<T>(promise: &'static str, outcome: Result<T, TargetError>) -> Result<T, Broken> {
    outcome.map_err(|error| Broken { promise, how: error.to_string() })
}

/// The descriptor names the target in one lower-case word, has a title and documentation, and says each variable once.
///
/// # Errors
/// [`Broken`] where it does not.
pub fn descriptor_is_sane(kit: &Kit) -> Held {
    const PROMISE: &str = "the descriptor is sane";
    let descriptor = kit.target.descriptor();
    expect(Name::parse(&descriptor.name).is_ok(), PROMISE, || format!("`{}` is no name", descriptor.name))?;
    expect(!descriptor.title.is_empty(), PROMISE, || "it has no title".to_owned())?;
    expect(descriptor.docs.starts_with("https://"), PROMISE, || format!("docs: {}", descriptor.docs))?;
    let mut seen = BTreeSet::new();
    for credential in &descriptor.credentials {
        let new = seen.insert(&credential.variable);
        expect(new && !credential.purpose.is_empty(), PROMISE, || {
            format!("`{}` is said twice or has no purpose", credential.variable)
        })?;
    }
    let can = descriptor.capabilities;
    expect(can.containers || can.static_files, PROMISE, || "it can run nothing".to_owned())
}

/// An ordinary project is no problem.
///
/// # Errors
/// [`Broken`] for a finding of severity error, or one without message.
pub fn samples_have_no_error(kit: &Kit) -> Held {
    const PROMISE: &str = "an ordinary project has no error";
    for finding in kit.target.check(&sample_for(kit).bound) {
        let fine = finding.severity != crate::Severity::Error && !finding.message.is_empty();
        expect(fine, PROMISE, || format!("{}: {}", finding.code, finding.message))?;
    }
    Ok(())
}

/// Where addresses are predicted, every published service has one, without a trailing slash.
///
/// # Errors
/// [`Broken`] where one is missing or ends with `/`.
pub fn addresses_are_predicted_as_promised(kit: &Kit) -> Held {
    const PROMISE: &str = "addresses are predicted as the descriptor promises";
    let release = sample_for(kit);
    let addresses = kit.target.addresses(&release.bound);
    for (name, service) in &release.bound.services {
        let address = addresses.get(name);
        let url = address.and_then(|address| address.url.as_deref());
        let wanted =
            kit.target.descriptor().capabilities.predicts_addresses && service.publish != Publish::No;
        expect(!wanted || url.is_some(), PROMISE, || format!("service `{name}` has none"))?;
        let good = url.is_none_or(|url| url.starts_with("http") && !url.ends_with('/'));
        expect(good, PROMISE, || format!("service `{name}` has {url:?}"))?;
    }
    Ok(())
}

/// Nothing is there: the plan only creates, each thing after those it needs, nothing twice.
///
/// # Errors
/// [`Broken`] where it does not.
pub fn first_plan_only_creates_in_order(kit: &Kit) -> Held {
    const PROMISE: &str = "the first plan only creates, in order";
    let release = sample_for(kit);
    let plan = planned(PROMISE, kit.target.plan(&release, &Observed::default()))?;
    expect(!plan.is_empty(), PROMISE, || "it is empty".to_owned())?;
    let mut done = BTreeSet::new();
    for change in &plan.changes {
        expect(change.action == Action::Create, PROMISE, || {
            format!("{:?} {}", change.action, change.address)
        })?;
        expect(!change.reason.is_empty(), PROMISE, || format!("{} has no reason", change.address))?;
        for need in &change.needs {
            expect(done.contains(need), PROMISE, || {
                format!("{} needs {need}, which comes later", change.address)
            })?;
        }
        expect(done.insert(&change.address), PROMISE, || format!("{} comes twice", change.address))?;
    }
    for service in release.bound.services.keys() {
        let gated =
            plan.changes.iter().any(|change| change.gated && change.service.as_ref() == Some(service));
        expect(gated, PROMISE, || format!("no change is gated by the health of `{service}`"))?;
    }
    Ok(())
}

/// A second run of the same release has nothing to do.
///
/// # Errors
/// [`Broken`] names the changes that were planned all the same.
pub fn same_release_changes_nothing(kit: &Kit) -> Held {
    const PROMISE: &str = "the same release changes nothing";
    let (release, observed) = settled(kit, PROMISE)?;
    let plan = planned(PROMISE, kit.target.plan(&release, &observed))?;
    expect(plan.is_empty(), PROMISE, || format!("{:#?}", plan.changes))
}

/// Same input, same bytes.
///
/// # Errors
/// [`Broken`] where two plans differ.
pub fn plans_are_deterministic(kit: &Kit) -> Held {
    const PROMISE: &str = "plans are deterministic";
    let first = || kit.target.plan(&sample_for(kit), &Observed::default());
    let expected = json(&planned(PROMISE, first())?);
    for _ in 0..16 {
        let again = json(&planned(PROMISE, first())?);
        expect(again == expected, PROMISE, || format!("{expected}\n{again}"))?;
    }
    let (_, observed) = settled(kit, PROMISE)?;
    let (_, again) = settled(kit, PROMISE)?;
    expect(observed == again, PROMISE, || "two observations of the same differ".to_owned())
}

/// A plan and an observation that were saved are the same when they are read.
///
/// # Errors
/// [`Broken`] where they are not.
pub fn plans_survive_json(kit: &Kit) -> Held {
    const PROMISE: &str = "plans and observations survive JSON";
    let (release, observed) = settled(kit, PROMISE)?;
    let plan = planned(PROMISE, kit.target.plan(&release, &Observed::default()))?;
    let read: Option<Plan> = serde_json::from_str(&json(&plan)).ok();
    expect(read.as_ref() == Some(&plan), PROMISE, || "the plan changed".to_owned())?;
    let read: Option<Observed> = serde_json::from_str(&json(&observed)).ok();
    expect(read.as_ref() == Some(&observed), PROMISE, || "the observation changed".to_owned())
}

/// No secret's value is in a plan, an observation or an error.
///
/// # Errors
/// [`Broken`] says where it is, without saying it.
pub fn secrets_stay_secret(kit: &Kit) -> Held {
    const PROMISE: &str = "secrets stay secret";
    let (release, observed) = settled(kit, PROMISE)?;
    let hidden = |text: &str, place: &str| {
        expect(!text.contains(CANARY), PROMISE, || format!("a secret's value is in {place}"))
    };
    hidden(&json(&observed), "what was observed")?;
    hidden(&json(&planned(PROMISE, kit.target.plan(&release, &Observed::default()))?), "the first plan")?;
    // What was a secret is none any more, or plain, or gone with its service.
    let without = edited(kit, |service| service.secrets.clear());
    let plain = edited(kit, |service| {
        for (variable, _) in std::mem::take(&mut service.secrets) {
            service.env.insert(variable, Text::literal("public"));
        }
    });
    for changed in [&without, &plain] {
        let plan = planned(PROMISE, kit.target.plan(changed, &observed))?;
        hidden(&json(&plan), "the plan after a secret went")?;
    }
    for outcome in
        [kit.target.plan(&release, &(kit.foreign)(&release)), kit.target.plan(&missing(kit), &observed)]
    {
        if let Err(error) = outcome {
            hidden(&format!("{error} {:?} {error:?}", error.hint), "an error")?;
        }
    }
    Ok(())
}

/// Another image, variable or secret leads to a change of that service alone, which names what differs.
///
/// # Errors
/// [`Broken`] where it does not.
pub fn changed_content_is_seen(kit: &Kit) -> Held {
    const PROMISE: &str = "changed content is seen";
    let (release, observed) = settled(kit, PROMISE)?;
    let mut image = release.clone();
    let mut secret = release.clone();
    if let Some(image) = image.images.get_mut("api") {
        image.id = ImageId(format!("sha256:{}", "9".repeat(64)));
    }
    if let Some(prints) = secret.secrets.get_mut("api") {
        prints.values_mut().for_each(|print| "00000000".clone_into(print));
    }
    let variable = edited(kit, |service| {
        if service.name.as_str() == "api" {
            service.env.insert("ADDED".to_owned(), Text::literal("1"));
        }
    });
    for changed in [image, secret, variable] {
        let plan = planned(PROMISE, kit.target.plan(&changed, &observed))?;
        let services: BTreeSet<_> =
            plan.changes.iter().filter_map(|change| change.service.as_ref()).collect();
        expect(services.iter().any(|name| name.as_str() == "api"), PROMISE, || {
            "`api` is not changed".to_owned()
        })?;
        expect(services.len() == 1, PROMISE, || format!("{services:?} are changed, not `api` alone"))?;
        let named = plan.changes.iter().any(|change| !change.fields.is_empty());
        expect(named, PROMISE, || "no change names the fields that differ".to_owned())?;
    }
    Ok(())
}

/// What someone else made is never changed: planning is refused, or leaves it alone; removing leaves it alone.
///
/// # Errors
/// [`Broken`] where a change touches such a thing, or a refusal names no mend.
pub fn foreign_things_are_never_changed(kit: &Kit) -> Held {
    const PROMISE: &str = "foreign things are never changed";
    let release = sample_for(kit);
    let foreign = (kit.foreign)(&release);
    let none_ours = !foreign.resources.is_empty() && foreign.resources.iter().all(|resource| !resource.owned);
    expect(none_ours, PROMISE, || "the kit's foreign things are none".to_owned())?;
    let untouched = |plan: &Plan| {
        let mut touching = plan.changes.iter().filter(|change| {
            change.action != Action::Create && foreign.resources.iter().any(|r| r.address == change.address)
        });
        let touched = touching.next();
        expect(touched.is_none(), PROMISE, || format!("{touched:?}"))
    };
    match kit.target.plan(&release, &foreign) {
        Ok(plan) => untouched(&plan)?,
        Err(error) => expect(error.hint.is_some(), PROMISE, || format!("`{error}` names no mend"))?,
    }
    for removal in [Removal::KeepData, Removal::DeleteData] {
        untouched(&planned(PROMISE, kit.target.plan_removal(&release.bound, &foreign, removal))?)?;
    }
    Ok(())
}

/// A removal takes everything but data, data too when told, nothing where nothing is; what depends on others goes first.
///
/// # Errors
/// [`Broken`] where it does not.
pub fn removal_keeps_data_unless_told(kit: &Kit) -> Held {
    const PROMISE: &str = "removal keeps data unless told otherwise";
    let (release, observed) = settled(kit, PROMISE)?;
    let remove = |observed: &Observed, removal| {
        planned(PROMISE, kit.target.plan_removal(&release.bound, observed, removal))
    };
    let (keep, all) = (remove(&observed, Removal::KeepData)?, remove(&observed, Removal::DeleteData)?);
    let loses = |plan: &Plan| plan.changes.iter().any(|change| change.risk == Risk::LosesData);
    expect(!loses(&keep), PROMISE, || format!("{keep:#?}"))?;
    let has_data = kit.target.descriptor().capabilities.volumes;
    expect(!has_data || loses(&all), PROMISE, || "data stays although it was to go".to_owned())?;
    for plan in [&keep, &all] {
        let only = plan.changes.iter().all(|change| change.action == Action::Delete) && !plan.is_empty();
        expect(only, PROMISE, || format!("{plan:#?}"))?;
        for (at, change) in plan.changes.iter().enumerate() {
            let later = plan.changes.iter().skip(at).find(|other| change.needs.contains(&other.address));
            expect(later.is_none(), PROMISE, || format!("{} comes too early", change.address))?;
        }
    }
    let gone: BTreeSet<_> = all.changes.iter().map(|change| &change.address).collect();
    let stays = observed.resources.iter().find(|resource| !gone.contains(&resource.address));
    expect(stays.is_none(), PROMISE, || format!("{stays:?} stays"))?;
    let nothing = remove(&Observed::default(), Removal::DeleteData)?;
    expect(nothing.is_empty(), PROMISE, || format!("{nothing:#?}"))
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn settled(kit: &Kit, promise: &'static str) -> Result<(Release, Observed), Broken> {
    let release = sample_for(kit);
    let plan = planned(promise, kit.target.plan(&release, &Observed::default()))?;
    let observed = (kit.settled)(&release, &plan);
    Ok((release, observed))
}

fn sample_for(kit: &Kit) -> Release {
    settled_wiring(kit, sample(&kit.target.descriptor().name))
}

fn settled_wiring(kit: &Kit, mut release: Release) -> Release {
    release.wiring.services = kit.target.addresses(&release.bound);
    if !kit.target.descriptor().capabilities.same_origin {
        release.wiring.same_origin.clear();
    }
    release.secrets = Release::fingerprints(&release.bound, &canaries(&release.bound));
    release
}

fn edited(kit: &Kit, edit: fn(&mut Service)) -> Release {
    let mut release = sample(&kit.target.descriptor().name);
    release.bound.services.values_mut().for_each(edit);
    settled_wiring(kit, release)
}

fn missing(kit: &Kit) -> Release {
    let mut release = sample_for(kit);
    release.secrets.clear();
    release
}
