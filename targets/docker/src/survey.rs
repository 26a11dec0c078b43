//! An observation sorted for the planner, and the check for things of others that are in the way.
//!
//! Given: an [`Observed`]. Gives: containers, networks and volumes with their payloads read; a `Conflict` error where
//! something that is not ours holds a name we need. Deliberately absent: any decision about our own things.

use dashdeploy_contract::{ErrorKind, Name, Observed, Resource, TargetError};

use crate::config::Stack;
use crate::error::ours;
use crate::payload::{Part, Seen, SeenContainer};

/// A container with what was seen of it.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) seen: SeenContainer,
}

/// A network or volume with what was seen of it.
#[derive(Debug, Clone)]
pub(crate) struct Thing<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) name: String,
    pub(crate) others: Vec<String>,
    pub(crate) owner: Option<String>,
}

/// Everything that was seen, by kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Survey<'a> {
    pub(crate) containers: Vec<Found<'a>>,
    pub(crate) networks: Vec<Thing<'a>>,
    pub(crate) volumes: Vec<Thing<'a>>,
}

impl<'a> Survey<'a> {
    pub(crate) fn of(observed: &'a Observed) -> Result<Self, TargetError> {
        let mut survey = Self::default();
        for resource in &observed.resources {
            match Seen::of(resource)? {
                Seen::Container(seen) => survey.containers.push(Found { resource, seen }),
                Seen::Network { name, others, owner } => {
                    survey.networks.push(Thing { resource, name, others, owner });
                }
                Seen::Volume { name, owner } => {
                    survey.volumes.push(Thing { resource, name, others: Vec::new(), owner });
                }
            }
        }
        Ok(survey)
    }

    /// Our container of a service that plays a part.
    pub(crate) fn ours(&self, service: &Name, part: Part) -> Option<&Found<'a>> {
        self.owned().find(|found| found.seen.part == part && found.resource.service.as_ref() == Some(service))
    }

    /// All containers of ours.
    pub(crate) fn owned(&self) -> impl Iterator<Item = &Found<'a>> {
        self.containers.iter().filter(|found| found.resource.owned)
    }

    /// Refuses to go on where something of others holds a name that we need, or shares our Compose project.
    ///
    /// # Errors
    /// `Conflict`, naming the thing, whose it is, and the mend.
    pub(crate) fn nothing_in_the_way(&self, stack: &Stack, project_dir: &str) -> Result<(), TargetError> {
        for found in self.containers.iter().filter(|found| !found.resource.owned) {
            if in_the_way(stack, project_dir, &found.seen) {
                return Err(foreign_container(stack, &found.seen));
            }
        }
        if let Some(network) = self.networks.iter().find(|thing| !thing.resource.owned) {
            let hint = format!(
                "give this project another name (`project:`), or remove the network: `docker network rm {}`",
                network.name
            );
            return Err(foreign("network", network).hint(hint));
        }
        if let Some(volume) = self.volumes.iter().find(|thing| !thing.resource.owned) {
            let hint = format!(
                "give the volume or the project another name; `docker volume inspect {}` shows what it is",
                volume.name
            );
            return Err(foreign("volume", volume).hint(hint));
        }
        Ok(())
    }
}

/// Something else of the user's own Compose project in the same folder is left alone, and leaves us alone.
fn in_the_way(stack: &Stack, project_dir: &str, seen: &SeenContainer) -> bool {
    let services = || stack.services().into_iter().map(|service| &service.name);
    let holds_our_name =
        services().any(|service| seen.name == stack.container(service) || seen.name == stack.former(service));
    let shares_our_project =
        seen.project.as_deref() == Some(stack.name.as_str()) && seen.part != Part::OneOff;
    let ours_by_service = services().any(|service| seen.composed.as_deref() == Some(service.as_str()));
    let elsewhere = seen.folder.as_deref().is_some_and(|folder| folder != project_dir);
    holds_our_name || (shares_our_project && (ours_by_service || elsewhere))
}

fn foreign_container(stack: &Stack, seen: &SeenContainer) -> TargetError {
    let whose = match (&seen.project, &seen.folder) {
        (Some(project), Some(folder)) => format!("the Compose project `{project}` in {folder}"),
        (Some(project), None) => format!("the Compose project `{project}`"),
        (None, _) => "someone else".to_owned(),
    };
    let message = format!("the container `{}` is not dashdeploy's: it belongs to {whose}", seen.name);
    let mend = match &seen.project {
        Some(project) => format!("`docker compose -p {project} down` takes it away and keeps its volumes"),
        None => format!("`docker rm -f {}` takes it away", seen.name),
    };
    let operation = format!("plan {}", stack.name);
    ours(ErrorKind::Conflict, operation, message)
        .hint(format!("{mend}; or give this project another name (`project:` in dashdeploy.yaml)"))
}

fn foreign(kind: &str, thing: &Thing) -> TargetError {
    let whose = thing.owner.as_deref().unwrap_or("someone else");
    let message = format!("the {kind} `{}` is not dashdeploy's: it belongs to {whose}", thing.name);
    ours(ErrorKind::Conflict, format!("plan {kind} {}", thing.name), message)
}
