//! The targets of one environment as one: each service goes to its own, and every command speaks to all of them.
//!
//! Given: a bound project and the targets that its services name. Gives: one plan, one reader, one writer. Which target a
//! change or a thing belongs to is the first part of its address. Deliberately absent: any target's name.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, Bound, Change, ErrorKind, ExecRequest, ExecSession, Health, HealthWatch, ImageHome, KeptSecret,
    LogFeed, LogQuery, Name, Observed, Plan, Reader, Release, Removal, SecretEdit, Served, Service, Supplies,
    Target, TargetError, Wiring, Writer, Writes,
};
use futures_util::future::{try_join, try_join_all};

use super::merged::Merged;

/// The targets of one environment.
#[derive(Clone)]
pub struct Fleet {
    members: Vec<Arc<dyn Target>>,
}

/// All targets' halves that look.
pub struct FleetReader {
    members: Vec<(String, Box<dyn Reader>)>,
}

/// All targets' halves that do.
pub struct FleetWriter {
    members: Vec<(String, Box<dyn Writer>)>,
}

impl Fleet {
    /// The targets that the environment's services name, in the file's order.
    ///
    /// # Errors
    /// The first name that `find` knows no target for.
    pub fn of(bound: &Bound, find: &dyn Fn(&str) -> Option<Arc<dyn Target>>) -> Result<Self, Name> {
        let mut members: Vec<Arc<dyn Target>> = Vec::new();
        for name in bound.targets.values() {
            if members.iter().all(|target| target.descriptor().name != name.as_str()) {
                members.push(find(name.as_str()).ok_or_else(|| name.clone())?);
            }
        }
        Ok(Self { members })
    }

    /// The targets.
    pub fn targets(&self) -> impl Iterator<Item = &dyn Target> {
        self.members.iter().map(AsRef::as_ref)
    }

    /// The target of a name.
    pub fn target(&self, name: &str) -> Option<&dyn Target> {
        self.targets().find(|target| target.descriptor().name == name)
    }

    /// The target that a service is on.
    pub fn target_of(&self, bound: &Bound, service: &Name) -> Option<&dyn Target> {
        bound.targets.get(service).and_then(|name| self.target(name.as_str()))
    }

    /// The addresses that are known beforehand.
    pub fn wiring(&self, bound: &Bound) -> Wiring {
        Wiring::of(bound, &|name| self.target(name))
    }

    /// True where a service's target gives addresses that may differ from what was predicted. One that publishes on the
    /// machine it runs on knows its own.
    pub fn assigns(&self, bound: &Bound, service: &Name) -> bool {
        self.target_of(bound, service).is_some_and(|target| !target.descriptor().capabilities.local_images)
    }

    /// Where a service's image is taken from.
    pub fn image_home(
        &self,
        accesses: &BTreeMap<String, Access>,
        bound: &Bound,
        service: &Service,
    ) -> Option<ImageHome> {
        let target = self.target_of(bound, &service.name)?;
        let access = accesses.get(&target.descriptor().name)?;
        Some(target.image_home(access, bound, service))
    }

    /// The changes that turn what is there into the release, on all targets.
    ///
    /// # Errors
    /// The first target's that cannot have it.
    pub fn plan(&self, release: &Release, observed: &Observed) -> Result<Plan, TargetError> {
        self.joined(|target| target.plan(release, &observed.on(&target.descriptor().name)))
    }

    /// The changes that take the environment away.
    ///
    /// # Errors
    /// The first target's.
    pub fn plan_removal(
        &self,
        bound: &Bound,
        observed: &Observed,
        removal: Removal,
    ) -> Result<Plan, TargetError> {
        self.joined(|target| target.plan_removal(bound, &observed.on(&target.descriptor().name), removal))
    }

    /// The changes that set or unset secrets where their targets keep them.
    ///
    /// # Errors
    /// The first target's; `Unsupported` where one keeps none.
    pub fn plan_secrets(
        &self,
        bound: &Bound,
        observed: &Observed,
        edits: &[SecretEdit],
    ) -> Result<Plan, TargetError> {
        self.joined(|target| {
            let name = target.descriptor().name.as_str();
            let own = edits
                .iter()
                .filter(|edit| bound.targets.get(&edit.service).is_some_and(|on| on.as_str() == name));
            let own: Vec<SecretEdit> = own.cloned().collect();
            if own.is_empty() {
                Ok(Plan::default())
            } else {
                target.plan_secrets(bound, &observed.on(name), &own)
            }
        })
    }

    fn joined(&self, each: impl Fn(&dyn Target) -> Result<Plan, TargetError>) -> Result<Plan, TargetError> {
        let mut whole = Plan::default();
        for target in self.targets() {
            let Plan { changes, unchanged } = each(target)?;
            whole.changes.extend(changes);
            whole.unchanged.extend(unchanged);
        }
        Ok(whole)
    }

    /// All halves that look, reached at the same time.
    ///
    /// # Errors
    /// The first target's that cannot be reached.
    pub async fn reader(&self, accesses: &BTreeMap<String, Access>) -> Result<FleetReader, TargetError> {
        let nothing = Access::none();
        let connecting = self.members.iter().map(|target| async {
            let name = target.descriptor().name.clone();
            let reader = target.connect_reader(accesses.get(&name).unwrap_or(&nothing)).await?;
            Ok::<_, TargetError>((name, reader))
        });
        Ok(FleetReader { members: try_join_all(connecting).await? })
    }

    /// All halves that do; each is handed the same way to write.
    ///
    /// # Errors
    /// The first target's that cannot be reached.
    pub async fn writer(
        &self,
        accesses: &BTreeMap<String, Access>,
        writes: &Arc<dyn Writes>,
    ) -> Result<FleetWriter, TargetError> {
        let nothing = Access::none();
        let connecting = self.members.iter().map(|target| async {
            let name = target.descriptor().name.clone();
            let access = accesses.get(&name).unwrap_or(&nothing);
            let writer = target.connect_writer(access, Arc::clone(writes)).await?;
            Ok::<_, TargetError>((name, writer))
        });
        Ok(FleetWriter { members: try_join_all(connecting).await? })
    }
}

/// What all targets have, in the order of addresses.
fn together(all: Vec<Observed>) -> Observed {
    let mut resources: Vec<_> = all.into_iter().flat_map(|observed| observed.resources).collect();
    resources.sort_by(|one, other| one.address.cmp(&other.address));
    Observed { resources }
}

fn unknown(name: &str) -> TargetError {
    TargetError::new(
        ErrorKind::Unexpected,
        "deploy",
        "find the target",
        format!("nothing is on `{name}` here"),
    )
}

impl FleetReader {
    /// What is there on all targets, and which secrets they keep: one look at those where one look tells both.
    ///
    /// # Errors
    /// The first target's that cannot be asked.
    pub async fn look(&self, bound: &Bound) -> Result<(Observed, Vec<KeptSecret>), TargetError> {
        let looking = self.members.iter().map(|(_, reader)| async move {
            match reader.look_once(bound).await? {
                Some(both) => Ok(both),
                None => try_join(reader.observe(bound), reader.secrets(bound)).await,
            }
        });
        let all = try_join_all(looking).await?;
        let (observed, kept): (Vec<Observed>, Vec<Vec<KeptSecret>>) = all.into_iter().unzip();
        Ok((together(observed), kept.into_iter().flatten().collect()))
    }

    fn of(&self, bound: &Bound, service: &Name) -> Result<&dyn Reader, TargetError> {
        let name = bound.targets.get(service).map_or("", Name::as_str);
        let found = self.members.iter().find(|(known, _)| known == name);
        found.map(|(_, reader)| reader.as_ref()).ok_or_else(|| unknown(name))
    }
}

#[async_trait]
impl Reader for FleetReader {
    async fn observe(&self, bound: &Bound) -> Result<Observed, TargetError> {
        let all = try_join_all(self.members.iter().map(|(_, reader)| reader.observe(bound))).await?;
        Ok(together(all))
    }

    async fn health(&self, bound: &Bound, service: &Name) -> Result<Health, TargetError> {
        self.of(bound, service)?.health(bound, service).await
    }

    async fn served(&self, bound: &Bound, service: &Name) -> Result<Served, TargetError> {
        self.of(bound, service)?.served(bound, service).await
    }

    async fn secrets(&self, bound: &Bound) -> Result<Vec<KeptSecret>, TargetError> {
        let all = try_join_all(self.members.iter().map(|(_, reader)| reader.secrets(bound))).await?;
        Ok(all.into_iter().flatten().collect())
    }

    /// A subscription only where one target has all services: beside others, all are asked.
    async fn watch(&self, bound: &Bound) -> Result<Option<Box<dyn HealthWatch>>, TargetError> {
        match self.members.as_slice() {
            [(_, only)] => only.watch(bound).await,
            _ => Ok(None),
        }
    }

    async fn logs(&self, bound: &Bound, query: &LogQuery) -> Result<Box<dyn LogFeed>, TargetError> {
        if let [(_, only)] = self.members.as_slice() {
            return only.logs(bound, query).await;
        }
        let mut feeds = Vec::new();
        for (name, reader) in &self.members {
            let asked = |service: &&Name| query.services.is_empty() || query.services.contains(service);
            let here = bound.services_on(name).map(|service| &service.name).filter(asked);
            let services: Vec<Name> = here.cloned().collect();
            if !services.is_empty() {
                feeds.push(reader.logs(bound, &LogQuery { services, ..query.clone() }).await?);
            }
        }
        Ok(Box::new(Merged::of(feeds, query.follow)))
    }
}

impl FleetWriter {
    fn of(&self, name: &str) -> Result<&dyn Writer, TargetError> {
        let found = self.members.iter().find(|(known, _)| known == name);
        found.map(|(_, writer)| writer.as_ref()).ok_or_else(|| unknown(name))
    }
}

#[async_trait]
impl Writer for FleetWriter {
    async fn apply(&self, bound: &Bound, change: &Change, supplies: &Supplies) -> Result<(), TargetError> {
        self.of(change.address.target())?.apply(bound, change, supplies).await
    }

    async fn revert(&self, bound: &Bound, change: &Change) -> Result<(), TargetError> {
        self.of(change.address.target())?.revert(bound, change).await
    }

    async fn settle(&self, bound: &Bound, change: &Change) -> Result<(), TargetError> {
        self.of(change.address.target())?.settle(bound, change).await
    }

    async fn exec(&self, bound: &Bound, request: &ExecRequest) -> Result<ExecSession, TargetError> {
        let target = bound.targets.get(&request.service).map_or("", Name::as_str);
        self.of(target)?.exec(bound, request).await
    }
}
