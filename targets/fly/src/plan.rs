//! The changes that turn what is there into the release.
//!
//! Given: a release and what was observed. Gives: a [`Plan`], the same bytes for the same input: for each service its app, then
//! what the app has, then its machines. Deliberately absent: any call, and how machines are decided upon (`machines`).

use dashdeploy_contract::{
    Action, Address, Bound, Change, Descriptor, ErrorKind, FieldChange, KEPT, Observed, Plan, Release, Risk,
    SecretEdit, TargetError,
};

use crate::config::{App, TARGET};
use crate::desired::{Desired, DesiredVolume, setup};
use crate::error::ours;
use crate::machines;
use crate::marks;
use crate::payload::{Holdings, Secrets, SeenApp, SeenMachine, Standing, Task};

/// The plan for a release.
pub(crate) fn plan(
    descriptor: &Descriptor,
    release: &Release,
    observed: &Observed,
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for app in ordered(descriptor, &release.bound) {
        let desired = Desired::of(&app, release)?;
        let mut draft = Draft::of(app, observed)?;
        draft.app();
        draft.ips();
        if let Some(volume) = &desired.volume {
            draft.volume(&desired, volume)?;
        }
        draft.certificate();
        let desired = draft.secrets(desired);
        machines::plan(&mut draft, desired)?;
        draft.renew_marks();
        plan.changes.append(&mut draft.plan.changes);
        plan.unchanged.append(&mut draft.plan.unchanged);
    }
    Ok(plan.in_order())
}

/// The changes that set or unset secrets without a deploy; machines get them with the next one.
pub(crate) fn plan_secrets(
    descriptor: &Descriptor,
    bound: &Bound,
    observed: &Observed,
    edits: &[SecretEdit],
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for app in ordered(descriptor, bound) {
        let own: Vec<&SecretEdit> = edits.iter().filter(|edit| edit.service == app.service.name).collect();
        if own.is_empty() {
            continue;
        }
        let mut draft = Draft::of(app, observed)?;
        draft.app();
        draft.edit(&own);
        plan.changes.append(&mut draft.plan.changes);
    }
    Ok(plan.in_order())
}

/// The apps of an environment, each after those that it needs; otherwise in the file's order.
pub(crate) fn ordered<'a>(descriptor: &'a Descriptor, bound: &'a Bound) -> Vec<App<'a>> {
    let mut open = App::all(descriptor, bound);
    let mut sorted: Vec<App> = Vec::new();
    while !open.is_empty() {
        let waits = |app: &App| {
            let needs = bound.dependencies(app.service);
            open.iter().any(|other| needs.contains(&other.service.name))
        };
        // Services that need each other come as they stand.
        let next = open.iter().position(|app| !waits(app)).unwrap_or(0);
        sorted.push(open.remove(next));
    }
    sorted
}

/// What is planned for one service.
pub(crate) struct Draft<'a> {
    pub(crate) app: App<'a>,
    pub(crate) name: String,
    pub(crate) seen: Option<SeenApp>,
    pub(crate) plan: Plan,
}

impl<'a> Draft<'a> {
    /// Nothing planned yet.
    ///
    /// # Errors
    /// `Conflict` where somebody else has the app's name.
    fn of(app: App<'a>, observed: &Observed) -> Result<Self, TargetError> {
        let address = Address::new(TARGET, "app", app.service.name.as_str());
        let resource = observed.get(&address);
        let seen = resource.map(SeenApp::of).transpose()?;
        let name = app.name();
        // Observed under a former name, such as before the option `app` was written.
        let seen = seen.filter(|seen| seen.app == name);
        if let (Some(seen), Some(false)) = (&seen, resource.map(|resource| resource.owned)) {
            return Err(in_the_way(&app, seen));
        }
        Ok(Self { name, seen, app, plan: Plan::default() })
    }

    pub(crate) fn address(&self, kind: &str) -> Address {
        Address::new(TARGET, kind, self.app.service.name.as_str())
    }

    /// True where the app of somebody else is taken over.
    pub(crate) fn adopts(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.standing == Standing::Unmarked)
    }

    fn holdings(&self) -> Option<&Holdings> {
        self.seen.as_ref()?.holdings.as_ref()
    }

    /// True where everything beside machines is known to be as it should be.
    fn is_set_up(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.holdings.is_none())
    }

    pub(crate) fn push(
        &mut self,
        kind: &str,
        action: Action,
        reason: impl Into<String>,
        task: &Task,
    ) -> &mut Change {
        let mut change = Change::new(self.address(kind), action, reason, task.json());
        change.service = Some(self.app.service.name.clone());
        let before = self.plan.changes.iter().map(|change| change.address.clone());
        change.needs = before.filter(|before| kind == "machines" || before.kind() == "app").collect();
        self.plan.changes.push(change);
        let last = self.plan.changes.len() - 1;
        &mut self.plan.changes[last]
    }

    pub(crate) fn keep(&mut self, kind: &str) {
        let address = self.address(kind);
        self.plan.unchanged.push(address);
    }

    fn app(&mut self) {
        let task = Task::App {
            app: self.name.clone(),
            org: self.app.option("org").map(str::to_owned),
            owner: marks::owner(&self.app),
            adopt: self.adopts(),
        };
        match self.seen.as_ref().map(|seen| seen.standing) {
            None => _ = self.push("app", Action::Create, "not there yet", &task),
            Some(Standing::Marked) => self.keep("app"),
            Some(Standing::Unmarked) => {
                _ = self.push("app", Action::Update, "made by somebody else, to be taken over", &task);
            }
            Some(Standing::Empty | Standing::Other | Standing::Elsewhere) => {
                _ = self.push("app", Action::Update, "made by a run that was cut off, to be marked", &task);
            }
        }
    }

    fn ips(&mut self) {
        let (public, private) = (self.app.is_public(), self.app.is_private());
        let task = Task::Ips { app: self.name.clone(), public, private };
        let Some(holdings) = self.holdings() else {
            match (public || private, self.is_set_up()) {
                (false, _) => {}
                (true, true) => self.keep("ips"),
                (true, false) => _ = self.push("ips", Action::Create, "not there yet", &task),
            }
            return;
        };
        let (six, four) = holdings.public;
        let none = six + four == 0 && !holdings.private;
        let lacks = (public && (six == 0 || four == 0)) || (private && !holdings.private);
        if !public && six + four > 0 {
            let change = self.push("ips", Action::Update, "it is not for everyone any more", &task);
            change.risk = Risk::InterruptsTraffic;
            change.fields =
                vec![field("public addresses", Some((six + four).to_string()), Some("0".to_owned()))];
        } else if lacks {
            let action = if none { Action::Create } else { Action::Update };
            let reason = if none { "not there yet" } else { "an address is missing" };
            self.push("ips", action, reason, &task);
        } else if public || private {
            self.keep("ips");
        }
    }

    fn volume(&mut self, desired: &Desired, volume: &DesiredVolume) -> Result<(), TargetError> {
        let guest = desired.config.get("guest").cloned().unwrap_or_default();
        let (app, region) = (self.name.clone(), desired.region.clone());
        let task = Task::Volume { app, region, volume: volume.clone(), guest };
        let all = self.seen.as_ref().map(SeenApp::volumes).unwrap_or_default();
        let named: Vec<_> = all.iter().filter(|found| found.name == volume.name).collect();
        let Some(found) = named.iter().find(|found| found.region == desired.region) else {
            if let Some(elsewhere) = named.first() {
                return Err(self.stays(volume, &elsewhere.region));
            }
            self.refuse_other_data(volume)?;
            self.push("volume", Action::Create, "not there yet", &task).billable = Some(volume.billed());
            return Ok(());
        };
        let grows = found.size.is_some_and(|size| size < volume.size);
        if let Some(size) = found.size.filter(|size| *size > volume.size && volume.sized) {
            let message = format!("the volume `{}` has {size} GB, and volumes only grow", volume.name);
            let hint = format!("write `size: {size}Gi` for the volume, or more");
            return Err(ours(ErrorKind::Invalid, format!("plan app {}", self.name), message).hint(hint));
        }
        let mut fields = Vec::new();
        if grows {
            let gigabytes = |size: u64| Some(format!("{size} GB"));
            fields.push(field("size", found.size.and_then(gigabytes), gigabytes(volume.size)));
        }
        if let Some(days) = found.snapshots.filter(|days| *days != volume.snapshots) {
            let (from, to) = (Some(days.to_string()), Some(volume.snapshots.to_string()));
            fields.push(field("snapshot_days", from, to));
        }
        if fields.is_empty() {
            self.keep("volume");
            return Ok(());
        }
        let change = self.push("volume", Action::Update, "it is to be another", &task);
        change.fields = fields;
        change.billable = grows.then(|| volume.billed());
        if grows {
            // Some hosts let the machine see the new size only after a start.
            change.risk = Risk::InterruptsTraffic;
            change.downtime = Some(machines::DOWNTIME);
        }
        Ok(())
    }

    /// A volume is on one host of one region, and no call moves it.
    fn stays(&self, volume: &DesiredVolume, region: &str) -> TargetError {
        let message = format!("the volume `{}` is in `{region}`, and a volume does not move", volume.name);
        ours(ErrorKind::Invalid, format!("plan app {}", self.name), message).hint(format!(
            "write `region: {region}`; to move, bring the data into an environment of another name there \
             (`dashdeploy data pull`, `dashdeploy data push`)"
        ))
    }

    /// A machine that is taken over keeps its data.
    fn refuse_other_data(&self, volume: &DesiredVolume) -> Result<(), TargetError> {
        let machines = self.seen.iter().flat_map(|seen| &seen.machines);
        let Some((_, other, _)) = machines.filter(|_| self.adopts()).find_map(SeenMachine::mount) else {
            return Ok(());
        };
        let message =
            format!("its machine has the volume `{other}`, and dashdeploy.yaml calls it `{}`", volume.name);
        let hint = format!("call the volume `{other}` in dashdeploy.yaml, so that the data stays");
        Err(ours(ErrorKind::Conflict, format!("take over app {}", self.name), message).hint(hint))
    }

    fn certificate(&mut self) {
        let Some(host) = self.app.bound.domains.get(&self.app.service.name).cloned() else { return };
        let is_there = self.holdings().is_some_and(|holdings| holdings.certificate.is_some());
        if self.is_set_up() || is_there {
            self.keep("certificate");
            return;
        }
        let task = Task::Certificate { app: self.name.clone(), host };
        self.push("certificate", Action::Create, "not there yet", &task);
    }

    /// Plans the secrets; what shall be, with the names that go once the machines serve.
    fn secrets(&mut self, mut desired: Desired) -> Desired {
        let digests = self.seen.as_ref().map(|seen| seen.secrets.clone()).unwrap_or_default();
        let live: Vec<SeenMachine> = machines::live_or_all(self).into_iter().cloned().collect();
        let mut task = Secrets { app: self.name.clone(), ..Secrets::default() };
        let mut fields = Vec::new();
        for (name, print) in desired.secrets.iter().filter(|(_, print)| *print != KEPT) {
            let used = |machine: &SeenMachine| {
                machine
                    .secrets()
                    .get(name)
                    .is_some_and(|(had, digest)| had == print && digests.get(name) == Some(digest))
            };
            if live.is_empty() || !digests.contains_key(name) || !live.iter().all(used) {
                task.set.insert(name.clone(), print.clone());
                task.known.extend(digests.contains_key(name).then(|| name.clone()));
                let from = live.iter().find_map(|machine| Some(machine.secrets().get(name)?.0.clone()));
                fields.push(field(&format!("secrets.{name}"), from, Some(print.clone())));
            }
        }
        let env = desired.config.get("env");
        for name in dropped(&live).into_iter().filter(|name| digests.contains_key(name)) {
            if desired.secrets.contains_key(&name) {
                continue;
            }
            fields.push(field(&format!("secrets.{name}"), Some("set".to_owned()), None));
            // A secret would count before a variable of the same name; any other is there for the way back until all is well.
            let replaced = env.is_some_and(|env| env.get(&name).is_some());
            if replaced { &mut task.unset } else { &mut task.unset_later }.push(name);
        }
        desired.unset.clone_from(&task.unset_later);
        self.change_secrets(task, fields, !desired.secrets.is_empty());
        desired
    }

    fn change_secrets(&mut self, task: Secrets, fields: Vec<FieldChange>, any: bool) {
        if fields.is_empty() {
            if any {
                self.keep("secrets");
            }
            return;
        }
        let anew = task.known.is_empty() && task.unset.is_empty() && task.unset_later.is_empty();
        let (action, reason) = match anew {
            true => (Action::Create, "not there yet"),
            false => (Action::Update, "secrets changed"),
        };
        self.push("secrets", action, reason, &Task::Secrets(task)).fields = fields;
    }

    fn edit(&mut self, edits: &[&SecretEdit]) {
        let digests = self.seen.as_ref().map(|seen| seen.secrets.clone()).unwrap_or_default();
        let mut task = Secrets { app: self.name.clone(), ..Secrets::default() };
        let mut fields = Vec::new();
        for edit in edits {
            let had = digests.contains_key(&edit.variable);
            let from = had.then(|| "set".to_owned());
            match &edit.fingerprint {
                Some(print) => {
                    task.set.insert(edit.variable.clone(), print.clone());
                    task.known.extend(had.then(|| edit.variable.clone()));
                }
                None if had => task.unset.push(edit.variable.clone()),
                None => continue,
            }
            fields.push(field(&format!("secrets.{}", edit.variable), from, edit.fingerprint.clone()));
        }
        self.change_secrets(task, fields, false);
    }

    /// Machines that stay as they are get the mark by which the next observation knows that the app has all it should have.
    fn renew_marks(&mut self) {
        let setup = setup(&self.app);
        let machines = machines::live(self).into_iter();
        let stale = machines.filter(|machine| machine.mark(marks::SETUP) != Some(setup.as_str()));
        let machines: Vec<String> = stale.map(|machine| machine.id.clone()).collect();
        let address = self.address("machines");
        let stay = !self.plan.changes.iter().any(|change| change.address == address);
        if stay && !machines.is_empty() {
            let before: Vec<Address> =
                self.plan.changes.iter().map(|change| change.address.clone()).collect();
            let task = Task::Mark { app: self.name.clone(), machines, setup };
            self.push("marks", Action::Update, "the app has what it should have", &task).needs = before;
        }
    }
}

/// Names of secrets that machines were started with, or that were to go after them.
fn dropped(live: &[SeenMachine]) -> Vec<String> {
    let mut names: Vec<String> = live.iter().flat_map(|machine| machine.secrets().into_keys()).collect();
    let waiting = live.iter().filter_map(|machine| machine.mark(marks::UNSET));
    names.extend(waiting.flat_map(|all| all.split(',')).filter(|name| !name.is_empty()).map(str::to_owned));
    names.sort();
    names.dedup();
    names
}

/// A field that differs.
pub(crate) fn field(name: &str, from: Option<String>, to: Option<String>) -> FieldChange {
    FieldChange { field: name.to_owned(), from, to }
}

fn in_the_way(app: &App, seen: &SeenApp) -> TargetError {
    let operation = format!("plan app {}", seen.app);
    let rename = format!("write another name below `options: {{ app: … }}` of `{}`", app.service.name);
    if seen.standing == Standing::Unmarked {
        let message =
            format!("the app `{}` is there, and dashdeploy did not make it for this environment", seen.app);
        let hint = format!("`dashdeploy deploy --adopt` takes it over with all that it has; or {rename}");
        return ours(ErrorKind::Conflict, operation, message).hint(hint);
    }
    let message = match &seen.org {
        _ if seen.standing == Standing::Other => {
            format!("the app `{}` is of another project or environment of dashdeploy", seen.app)
        }
        Some(org) => format!("the app `{}` is in the organisation `{org}`", seen.app),
        None => format!("the app `{}` is in another organisation, or the token is not for it", seen.app),
    };
    ours(ErrorKind::Conflict, operation, message).hint(rename)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
