//! A release made and held against what is there: everything that happens before anybody is asked.
//!
//! Given: a [`Stack`], its reader, the flags, the former releases. Gives: the release, the plan with its pushes, and what they
//! are carried out with. Nothing is written anywhere but images by the local engine.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{
    KEPT, KeptSecret, Name, Observed, Plan, Release, ReleaseImage, Requirement, Supplies,
};
use indexmap::IndexMap;

use super::super::build::{connected, connecting};
use super::super::guard::of_images;
use super::super::stack::Stack;
use super::super::{CliError, CliResult, Context, Exit};
use super::args::ReleaseArgs;
use super::homes::Homes;
use super::images::Making;
use super::only::only;
use crate::deploy::{FleetReader, Gathered, PendingPush, with_pushes};
use crate::io::docker::Engine;
use crate::io::git;
use crate::push::{ImageGuard as _, PushImage};

/// What is known of former releases.
#[derive(Clone, Copy, Default)]
pub(crate) struct Past<'a> {
    /// The release that serves.
    pub(crate) serving: Option<&'a Release>,
    /// The number of the next release; none where no ledger counts.
    pub(crate) next: Option<u32>,
}

/// A release and how it would be put.
pub(crate) struct Prepared {
    pub(crate) homes: Homes,
    pub(crate) secrets: Gathered,
    pub(crate) kept: Vec<KeptSecret>,
    pub(crate) release: Release,
    pub(crate) observed: Observed,
    pub(crate) plan: Plan,
    pub(crate) pending: BTreeMap<Name, PendingPush>,
    /// The services that were built for it.
    pub(crate) builds: BTreeSet<Name>,
}

impl Prepared {
    /// What changes are carried out with: values, and the images that lie where they are taken from.
    pub(crate) fn supplies(&self) -> Supplies {
        let supplies = Supplies::of(self.secrets.store.clone());
        for (service, image) in &self.release.images {
            if let Some(digest) = &image.digest {
                supplies.put_image(service, digest.clone());
            }
        }
        supplies
    }
}

/// Makes the release of the working tree and plans it.
///
/// # Errors
/// Whatever keeps it from being made: a build, a missing secret, a guard, a thing of others in the way.
pub(crate) async fn prepare(
    context: &Context,
    stack: &mut Stack,
    reader: &FleetReader,
    args: &ReleaseArgs,
    past: Past<'_>,
    plan_only: bool,
) -> CliResult<Prepared> {
    let chosen = stack.services(&args.services)?;
    for given in &args.images {
        stack.service(&given.service)?;
    }
    let (observed, kept) = looked(context, stack, reader).await?;
    let observed = if args.adopt { observed.adopted() } else { observed };
    stack.learn(&observed);
    let secrets = stack.secrets_beside(context, args.secrets_file.as_deref(), &kept)?;
    let homes = Homes::of(context, stack, &args.registry)?;
    let making = Making {
        stack,
        homes: &homes,
        args,
        chosen: &chosen,
        secrets: &secrets,
        former: past.serving,
        observed: &observed,
        plan_only,
    };
    let images = making.all(context).await?;
    let builds = builds(stack, args, &chosen);
    let release = made(context, stack, &secrets, &kept, images).await;
    let mut prepared = Prepared {
        homes,
        secrets,
        kept,
        release,
        observed,
        plan: Plan::default(),
        pending: BTreeMap::new(),
        builds,
    };
    plan(context, stack, &mut prepared, &chosen, past).await?;
    Ok(prepared)
}

/// What is there, and which secrets the platforms keep.
///
/// # Errors
/// A platform that cannot be asked; an interrupt.
pub(crate) async fn looked(
    context: &Context,
    stack: &Stack,
    reader: &FleetReader,
) -> CliResult<(Observed, Vec<KeptSecret>)> {
    let looking = reader.look(&stack.bound);
    context.interruptible("looking at what is there", "nothing was changed", looking).await
}

/// The services whose images are made from the working tree.
fn builds(stack: &Stack, args: &ReleaseArgs, chosen: &[Name]) -> BTreeSet<Name> {
    let chosen_or_all = |name: &Name| chosen.is_empty() || chosen.contains(name);
    let given = |name: &Name| args.images.iter().any(|given| given.service == name.as_str());
    let built = stack.bound.services.values().filter(|service| service.build().is_some() && !args.no_build);
    built.map(|service| service.name.clone()).filter(|name| chosen_or_all(name) && !given(name)).collect()
}

async fn made(
    context: &Context,
    stack: &Stack,
    secrets: &Gathered,
    kept: &[KeptSecret],
    images: IndexMap<Name, ReleaseImage>,
) -> Release {
    Release {
        bound: stack.bound.clone(),
        images,
        wiring: stack.wiring(context),
        secrets: fingerprints(stack, secrets, kept),
        project_dir: stack.loaded.dir.path().display().to_string(),
        number: None,
        git: git::source(stack.loaded.dir.path()).await,
    }
}

/// The fingerprints of all secrets: of the values at hand, else of those that the platform keeps.
pub(crate) fn fingerprints(
    stack: &Stack,
    secrets: &Gathered,
    kept: &[KeptSecret],
) -> IndexMap<Name, IndexMap<String, String>> {
    let mut all = Release::fingerprints(&stack.bound, &secrets.store);
    for (service, prints) in &mut all {
        let Some(declared) = stack.bound.services.get(service).map(|service| &service.secrets) else {
            continue;
        };
        for kept in
            kept.iter().filter(|kept| kept.service == *service && declared.contains_key(&kept.variable))
        {
            let print = kept.fingerprint.clone().unwrap_or_else(|| KEPT.to_owned());
            prints.entry(kept.variable.clone()).or_insert(print);
        }
    }
    all
}

/// Plans the release: under the number of the one that serves, so that nothing differs that is the same; where something does,
/// under its own.
pub(crate) async fn plan(
    context: &Context,
    stack: &Stack,
    prepared: &mut Prepared,
    chosen: &[Name],
    past: Past<'_>,
) -> CliResult<()> {
    let Prepared { release, observed, .. } = prepared;
    let number = |release: &mut Release, number: Option<u32>| {
        release.number = number;
        release.wiring.release = number.map(|number| format!("r{number}"));
    };
    number(release, past.serving.and_then(put_as).or(past.next));
    let mut found = only(stack.fleet.plan(release, observed)?, chosen);
    if !found.is_empty() {
        number(release, past.next);
        found = only(stack.fleet.plan(release, observed)?, chosen);
    }
    let takes = |name: &Name| {
        found.changes.iter().any(|change| change.takes_image && change.service.as_ref() == Some(name))
    };
    let engine = if prepared.homes.any(&takes) { Some(connected(connecting()).await?) } else { None };
    prepared.pending = prepared.homes.pending(engine.as_ref(), &mut release.images, &takes).await?;
    if let Some(engine) = &engine {
        inspect(context, stack, engine, prepared).await?;
    }
    prepared.plan = with_pushes(found, &prepared.pending);
    Ok(())
}

/// The number under which what serves was put: a later run that had nothing to change verified and noted it under its own.
fn put_as(serving: &Release) -> Option<u32> {
    let told = serving.wiring.release.as_deref().and_then(|word| word.strip_prefix('r')?.parse().ok());
    told.or(serving.number)
}

/// The guard looks at every image that would be sent, before anything is changed for it.
async fn inspect(context: &Context, stack: &Stack, engine: &Engine, prepared: &Prepared) -> CliResult<()> {
    if prepared.pending.is_empty() {
        return Ok(());
    }
    let guard = stack.guard(context, &[&prepared.secrets])?;
    let layers = of_images(context, engine, &guard);
    for service in prepared.pending.keys() {
        let Some(image) = prepared.release.images.get(service) else { continue };
        let image = PushImage { service: service.clone(), name: service.to_string(), id: image.id.clone() };
        layers.inspect(&image).await.map_err(|refusal| {
            let mut error = CliError::new(Exit::Refused, "guard", refusal.message).evidence(refusal.evidence);
            error.report.findings = refusal.findings;
            refusal.hint.into_iter().fold(error, CliError::hint)
        })?;
    }
    context.console.findings(&layers.noted());
    Ok(())
}

/// The required secrets that a release of the past needs and nobody has a value for.
pub(crate) fn without_value<'a>(
    release: &'a Release,
    secrets: &'a Gathered,
    kept: &'a [KeptSecret],
) -> Vec<(&'a Name, &'a str)> {
    let services = release.bound.services.values();
    let required = services.flat_map(|service| {
        let required =
            service.secrets.iter().filter(|(_, requirement)| **requirement == Requirement::Required);
        required.map(|(variable, _)| (&service.name, variable.as_str()))
    });
    let known = |service: &Name, variable: &str| {
        secrets.store.contains(service, variable)
            || kept.iter().any(|kept| kept.service == *service && kept.variable == variable)
    };
    required.filter(|(service, variable)| !known(service, variable)).collect()
}
