//! What cannot be changed once a service is there (<https://render.com/docs/blueprint-spec>): refused, never mended by a deletion.

use dashdeploy_contract::{ErrorKind, Service, TargetError};

use crate::desired::Desired;
use crate::error::ours;
use crate::payload::Seen;

/// Refuses what Render itself suspended, another type, runtime or region, a smaller disk, and copies beside a disk.
pub(super) fn all(service: &Service, desired: &Desired, seen: &Seen) -> Result<(), TargetError> {
    let held = held(seen);
    if let Some((message, hint)) = held {
        return Err(ours(ErrorKind::Denied, format!("plan {}", service.name), message).hint(hint));
    }
    let found = kind(desired, seen).or_else(|| region(desired, seen)).or_else(|| disk(desired, seen));
    let Some((message, hint)) = found else { return Ok(()) };
    Err(ours(ErrorKind::Invalid, format!("plan {}", service.name), message).hint(hint))
}

type Refusal = (String, String);

/// What Render itself suspended, nobody but Render resumes.
fn held(seen: &Seen) -> Option<Refusal> {
    let by = seen.suspenders.iter().find(|by| ["billing", "admin"].contains(&by.as_str()))?;
    let message =
        format!("the service `{}` is suspended by Render ({by}), and no deploy resumes it", seen.name);
    let hint = match by.as_str() {
        "billing" => "settle what is open under Billing in Render's dashboard, and run the command again",
        _ => "ask Render's support why, and run the command again once it is resumed",
    };
    seen.suspended.then(|| (message, hint.to_owned()))
}

fn kind(desired: &Desired, seen: &Seen) -> Option<Refusal> {
    const MEND: &str = "Render cannot turn one into the other: `dashdeploy destroy` this environment first, or use another one";
    if seen.kind != desired.kind {
        let message =
            format!("the service `{}` is a {}, and a {} was asked for", seen.name, seen.kind, desired.kind);
        return Some((message, MEND.to_owned()));
    }
    let built =
        seen.runtime.as_deref().filter(|runtime| *runtime != "image" && desired.container.is_some())?;
    let message = format!(
        "the service `{}` is built by Render (runtime {built}), and an image was asked for",
        seen.name
    );
    Some((message, MEND.to_owned()))
}

fn region(desired: &Desired, seen: &Seen) -> Option<Refusal> {
    let wanted = desired.container.as_ref()?.region.as_ref()?;
    let there = seen.region.as_ref().filter(|there| *there != wanted)?;
    let message = format!("the service `{}` is in {there}, and {wanted} was asked for", seen.name);
    let hint = format!(
        "write `region: {there}`; a service does not move: to have it elsewhere, deploy another environment there"
    );
    Some((message, hint))
}

fn disk(desired: &Desired, seen: &Seen) -> Option<Refusal> {
    let (container, there) = (desired.container.as_ref()?, seen.disk.as_ref()?);
    match &container.disk {
        Some(wanted) if wanted.size < there.size => {
            let message =
                format!("the disk of `{}` has {} GB, and cannot be made smaller", seen.name, there.size);
            Some((message, format!("write `size: {}Gi`", there.size)))
        }
        None if container.instances > 1 => {
            let message = format!(
                "the service `{}` still has its disk, and a service with a disk has one instance",
                seen.name
            );
            let hint = "write `replicas: 1`, or delete the disk with what is on it in Render's dashboard";
            Some((message, hint.to_owned()))
        }
        _ => None,
    }
}
