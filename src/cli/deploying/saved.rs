//! A saved plan made ready to be carried out: refused where anything moved since it was reviewed.

use std::collections::BTreeMap;
use std::path::Path;

use dashdeploy_contract::{Name, Plan, Release};

use super::super::build::{connected, connecting};
use super::super::stack::Stack;
use super::super::{CliError, CliResult, Context, Exit};
use super::args::ReleaseArgs;
use super::homes::Homes;
use super::prepared::{Past, Prepared, fingerprints, looked};
use super::shown::saved;
use crate::deploy::{FleetReader, PUSH, PendingPush};

/// Reads a plan and holds it against what is there now.
///
/// # Errors
/// Exit code 2 where dashdeploy.yaml or a secret changed; 1 where a platform did, or an image is gone.
pub(crate) async fn prepare_saved(
    context: &Context,
    stack: &mut Stack,
    reader: &FleetReader,
    path: &Path,
    args: &ReleaseArgs,
    past: Past<'_>,
) -> CliResult<Prepared> {
    let plan = saved(context, stack, path)?;
    let (observed, kept) = looked(context, stack, reader).await?;
    stack.learn(&observed);
    if plan.release.bound != stack.bound {
        return Err(moved(path, Exit::Usage, "dashdeploy.yaml changed"));
    }
    if !plan.fits(&observed) {
        return Err(moved(path, Exit::Failed, "what is there changed"));
    }
    let secrets = stack.secrets_beside(context, args.secrets_file.as_deref(), &kept)?;
    if fingerprints(stack, &secrets, &kept) != plan.release.secrets {
        return Err(moved(path, Exit::Usage, "a secret's value changed"));
    }
    let homes = Homes::of(context, stack, &args.registry)?;
    let mut release = plan.release;
    release.number = past.next;
    let pending = pushes(&homes, &plan.plan, &mut release).await?;
    Ok(Prepared {
        homes,
        secrets,
        kept,
        release,
        observed,
        plan: plan.plan,
        pending,
        builds: Default::default(),
    })
}

/// What the plan pushes; the images have to be here.
async fn pushes(homes: &Homes, plan: &Plan, release: &mut Release) -> CliResult<BTreeMap<Name, PendingPush>> {
    let pushes = |name: &Name| {
        let mut addresses = plan.changes.iter().map(|change| &change.address);
        addresses.any(|address| address.target() == PUSH && address.name() == name.as_str())
    };
    if !homes.any(&pushes) {
        return Ok(BTreeMap::new());
    }
    let engine = connected(connecting()).await?;
    for (service, image) in release.images.iter().filter(|(service, _)| pushes(service)) {
        if engine.image(&image.id.0).await?.is_none() {
            let message =
                format!("the image {} of service `{service}` is not on this machine", image.id.short());
            return Err(CliError::new(Exit::Failed, "no-image", message)
                .hint("carry the plan out where it was made, or `dashdeploy push` before it is made"));
        }
    }
    homes.pending(Some(&engine), &mut release.images, &pushes).await
}

fn moved(path: &Path, exit: Exit, what: &str) -> CliError {
    let message = format!("{what} since {} was made; nothing was changed", path.display());
    CliError::new(exit, "plan-moved", message)
        .hint("make the plan anew with `dashdeploy plan --out FILE`, and look at it again")
}
