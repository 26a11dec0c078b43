//! Whether a service's next container may run beside the former one, and what follows for those who use the service.
//!
//! Given: the desired container, the one that is kept for a way back, the project. Gives: yes or no, the seconds without
//! answers where it is no, and the change that hands requests over where it is yes. Two containers can run side by side where
//! nothing is theirs alone: no port of the host, no volume that takes one writer. Deliberately absent: any call.

use dashdeploy_contract::{Action, Address, Bound, Change, FieldChange, Service, Writers};

use crate::config::{Stack, TARGET};
use crate::desired::DesiredContainer;
use crate::facts::UNNAMED;
use crate::payload::{HandOver, SeenContainer, Task};
use crate::survey::Found;

/// Seconds that a container without a health check is given to come up.
const START_SECONDS: u32 = 2;

/// True where a container has its service's requests and answers them.
pub(crate) fn has_requests(desired: &DesiredContainer, seen: &SeenContainer) -> bool {
    let named = seen.facts.fields.get(&network_field(desired)).map(String::as_str);
    seen.serves && named == Some(desired.spec.service.as_str())
}

/// True where the desired container may come up while the one that is kept goes on serving.
pub(crate) fn may_overlap(bound: &Bound, desired: &DesiredContainer, kept: &SeenContainer) -> bool {
    has_requests(desired, kept) && can_stand_beside(bound, desired, kept)
}

/// True where the only difference is that the container is not found by its service's name yet, and giving it the name
/// interrupts nobody: it is another one that has the requests, or none.
pub(crate) fn awaits_requests(
    bound: &Bound,
    desired: &DesiredContainer,
    seen: &SeenContainer,
    fields: &[FieldChange],
) -> bool {
    let [field] = fields else { return false };
    field.field == network_field(desired)
        && field.from.as_deref().is_none_or(|is| is == UNNAMED)
        && can_stand_beside(bound, desired, seen)
}

/// Seconds without answers where the container that is kept stops before the next one starts: the time that it may take to
/// end, which a server without open requests does not use up, and the first look at the health of the next.
pub(crate) fn downtime(desired: &DesiredContainer, kept: &SeenContainer) -> Option<u32> {
    desired.spec.expose.filter(|_| kept.runs())?;
    let grace = kept.facts.fields.get("stop_grace").and_then(|grace| grace.strip_suffix('s')?.parse().ok());
    let start = desired.spec.probe.as_ref().map_or(START_SECONDS, |probe| probe.interval_seconds);
    Some(grace.unwrap_or(desired.spec.stop_grace_seconds).saturating_add(start))
}

/// What hands requests over to the container under the service's name; none where it has them, and it alone. `task` is what
/// is done to that container before.
pub(crate) fn hand_over(
    desired: &DesiredContainer,
    task: Option<&Task>,
    current: Option<&Found>,
    former: Option<&Found>,
) -> Option<HandOver> {
    let former = match task {
        Some(Task::Replace { overlaps: true, former, .. }) => Some(former.clone()),
        // The container is as it shall be, and a run ended before it alone had the requests.
        None | Some(Task::Start { .. }) => {
            let current = current?;
            let former = former.filter(|former| former.seen.runs()).map(|former| former.resource.id.clone());
            let is_named = current.seen.facts.fields.get(&network_field(desired)).map(String::as_str)
                == Some(desired.spec.service.as_str());
            if is_named && former.is_none() {
                return None;
            }
            former
        }
        Some(_) => return None,
    };
    Some(HandOver {
        service: desired.spec.service.clone(),
        name: desired.name.clone(),
        network: desired.network.clone(),
        aliases: desired.aliases(),
        former,
    })
}

/// The change for it.
pub(crate) fn change(hand_over: HandOver) -> Change {
    let service = hand_over.service.clone();
    let address = Address::new(TARGET, "traffic", service.as_str());
    let reason = "hands requests over to the new container";
    let mut change = Change::new(address, Action::Run, reason, Task::HandOver(hand_over).json());
    change.needs_healthy = vec![service.clone()];
    change.service = Some(service);
    change
}

/// True where the configuration alone lets the containers of a service overlap.
pub(crate) fn is_possible(bound: &Bound, service: &Service) -> bool {
    let shared = |volume| bound.volumes.get(volume).is_some_and(|volume| volume.writers == Writers::Many);
    let published = service.port.is_some() && service.publish != dashdeploy_contract::Publish::No;
    !published && service.volumes.keys().all(shared)
}

fn network_field(desired: &DesiredContainer) -> String {
    format!("networks.{}", desired.network)
}

// Of what the container that is there mounts, only a volume of ours that takes many writers is known to bear two: neither one
// that the engine named itself, such as a database image has, nor a folder of the host.
fn can_stand_beside(bound: &Bound, desired: &DesiredContainer, seen: &SeenContainer) -> bool {
    let stack = Stack::of(bound);
    let many = bound.volumes.iter().filter(|(_, volume)| volume.writers == Writers::Many);
    let shared: Vec<String> = many.map(|(name, _)| stack.volume(name)).collect();
    let bears_two = |volume: &str| shared.iter().any(|name| name == volume);
    desired.spec.ports.is_empty()
        && seen.host_ports().next().is_none()
        && desired.volumes.values().all(|volume| bears_two(volume))
        && seen.volumes().all(bears_two)
}

#[cfg(test)]
#[path = "overlap_tests.rs"]
mod tests;
