//! The changes that turn what is there into the release.
//!
//! Given: a release and what was observed. Gives: a [`Plan`], the same bytes for the same input. Deliberately absent: any call.

use dashdeploy_contract::{
    Action, Address, Change, Descriptor, ErrorKind, FieldChange, KEPT, Observed, Plan, Release, Risk,
    SecretEdit, TargetError,
};

use crate::config::{App, TARGET};
use crate::desired::Desired;
use crate::differences::{Differences, differences};
use crate::error::ours;
use crate::observe::word;
use crate::payload::{Former, SeenApp, SeenMachine, Task};

/// Seconds for which a machine that is put anew in its place does not answer, as far as can be said beforehand.
const RESTART: u32 = 10;

/// The plan for a release.
pub(crate) fn plan(
    descriptor: &Descriptor,
    release: &Release,
    observed: &Observed,
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for app in App::all(descriptor, &release.bound) {
        let desired = Desired::of(&app, release)?;
        let resource = observed.get(&address("app", &app));
        let seen = resource.map(SeenApp::of).transpose()?;
        if let (Some(resource), Some(seen)) = (resource, &seen)
            && !resource.owned
        {
            return Err(in_the_way(&app, seen, resource.adoptable));
        }
        Draft { app: &app, desired: &desired, seen: seen.as_ref(), plan: &mut plan }.all()?;
    }
    Ok(plan.in_order())
}

/// The address of a thing of a service.
pub(crate) fn address(kind: &str, app: &App) -> Address {
    Address::new(TARGET, kind, app.service.name.as_str())
}

fn in_the_way(app: &App, seen: &SeenApp, adoptable: bool) -> TargetError {
    let name = app.name();
    let operation = format!("plan {}", app.service.name);
    if !adoptable {
        let whose = seen.org.as_deref().unwrap_or("another organisation");
        return ours(
            ErrorKind::Conflict,
            operation,
            format!("the app `{name}` is there and belongs to {whose}"),
        )
        .hint(format!("choose another name: `options: {{ app: … }}` of service `{}`", app.service.name));
    }
    ours(ErrorKind::Conflict, operation, format!("the app `{name}` is there, and dashdeploy did not make it"))
        .hint(format!(
            "take it over with --adopt, or choose another name: `options: {{ app: … }}` of service `{}`",
            app.service.name
        ))
}

struct Draft<'a> {
    app: &'a App<'a>,
    desired: &'a Desired,
    seen: Option<&'a SeenApp>,
    plan: &'a mut Plan,
}

impl Draft<'_> {
    fn all(mut self) -> Result<(), TargetError> {
        self.app();
        self.ips();
        self.volume()?;
        self.secrets();
        self.machines()?;
        self.certificate();
        Ok(())
    }

    fn push(&mut self, kind: &str, action: Action, reason: impl Into<String>, task: &Task) -> &mut Change {
        let here = address(kind, self.app);
        let made = self::address("app", self.app);
        let mut change = Change::new(here, action, reason, task.json());
        change.service = Some(self.app.service.name.clone());
        if kind != "app" && self.changes(&made) {
            change.needs.push(made);
        }
        self.plan.changes.push(change);
        let at = self.plan.changes.len() - 1;
        &mut self.plan.changes[at]
    }

    fn changes(&self, address: &Address) -> bool {
        self.plan.changes.iter().any(|change| change.address == *address)
    }

    fn fine(&mut self, kind: &str) {
        self.plan.unchanged.push(address(kind, self.app));
    }

    fn app(&mut self) {
        let task = |adopt| Task::App { desired: Box::new(self.desired.clone()), adopt };
        let (action, reason, task) = match self.seen {
            Some(seen) if seen.marked => return self.fine("app"),
            None => (Action::Create, "not there yet", task(false)),
            Some(seen) if seen.empty => {
                (Action::Update, "it is empty: left by a run that was cut off, or made by hand", task(false))
            }
            Some(_) => (Action::Update, "made by hand, taken over by --adopt", task(true)),
        };
        self.push("app", action, reason, &task);
    }

    fn ips(&mut self) {
        let (public, private) = (self.desired.public, self.desired.private);
        let missing = match self.seen.map(|seen| seen.ips) {
            // Not looked at: the machines' marks say that they are as they should be.
            Some(None) => false,
            Some(Some((have_public, have_private))) => {
                (public && have_public == 0) || (private && have_private == 0)
            }
            None => public || private,
        };
        if missing {
            let task = Task::Ips { app: self.desired.app.clone(), public, private };
            self.push("ips", Action::Create, "it has no address yet", &task);
        }
    }

    fn volume(&mut self) -> Result<(), TargetError> {
        let Some(volume) = &self.desired.volume else { return Ok(()) };
        let machine =
            self.seen.and_then(|seen| seen.machines.iter().find(|machine| machine.volume().is_some()));
        let listed = self.seen.and_then(|seen| {
            seen.volumes
                .as_ref()?
                .iter()
                .find(|found| found.name == volume.name && found.region == self.desired.region)
        });
        let size =
            listed.map(|found| found.size).or_else(|| machine?.mark("dashdeploy_volume_gb")?.parse().ok());
        let task = Task::Volume { desired: Box::new(self.desired.clone()) };
        let (text, region) = (format!("{} GB in {}", volume.size, self.desired.region), &self.desired.region);
        match size {
            Some(size) if size > volume.size => {
                let message = format!(
                    "the volume `{}` of {} has {size} GB, and cannot be made smaller",
                    volume.name, self.desired.app
                );
                let hint = format!(
                    "write `size: {size}Gi`; a smaller one is made by moving the data to another volume"
                );
                Err(ours(ErrorKind::Invalid, format!("plan {}", self.app.service.name), message).hint(hint))
            }
            Some(size) if size < volume.size => {
                let field = field("size", Some(format!("{size} GB")), Some(format!("{} GB", volume.size)));
                let change = self.push("volume", Action::Update, "it is to be larger", &task);
                change.fields.push(field);
                change.billable = Some(format!("volume of {text}"));
                Ok(())
            }
            Some(_) => {
                self.fine("volume");
                Ok(())
            }
            None if machine.is_some_and(|machine| machine.region == *region) => {
                self.fine("volume");
                Ok(())
            }
            None => {
                let change = self.push("volume", Action::Create, "not there yet", &task);
                change.billable = Some(format!("volume of {text}"));
                Ok(())
            }
        }
    }

    /// Secrets whose value is at hand and another than what the machines were started with, and those that are ours no more.
    fn secrets(&mut self) {
        let kept = self.seen.map(|seen| &seen.secrets);
        let started = self.seen.and_then(SeenApp::started).map(SeenMachine::secrets).unwrap_or_default();
        let wanted = &self.desired.secrets;
        let is_same = |name: &String, print: &String| {
            let digest = kept.and_then(|kept| kept.get(name));
            digest.is_some()
                && (print == KEPT
                    || started.get(name).is_some_and(|(old, at)| old == print && Some(at) == digest))
        };
        let set: Vec<String> = wanted
            .iter()
            .filter(|(name, print)| !is_same(name, print))
            .map(|(name, _)| name.clone())
            .collect();
        let is_there = |name: &&String| kept.is_some_and(|kept| kept.contains_key(*name));
        let unset: Vec<String> =
            started.keys().filter(|name| !wanted.contains_key(*name)).filter(is_there).cloned().collect();
        if set.is_empty() && unset.is_empty() {
            if !wanted.is_empty() {
                self.fine("secrets");
            }
            return;
        }
        let print = |name: &String| started.get(name).map(|(print, _)| print.clone());
        let mut fields: Vec<FieldChange> = set
            .iter()
            .map(|name| field(&format!("secrets.{name}"), print(name), wanted.get(name).cloned()))
            .collect();
        fields.extend(unset.iter().map(|name| field(&format!("secrets.{name}"), print(name), None)));
        let action = if self.seen.is_none() { Action::Create } else { Action::Update };
        let reason = if action == Action::Create { "not there yet" } else { "values changed" };
        let task = Task::Secrets { app: self.desired.app.clone(), set, unset };
        self.push("secrets", action, reason, &task).fields = fields;
    }

    fn machines(&mut self) -> Result<(), TargetError> {
        let machines = self.seen.map(|seen| seen.machines.as_slice()).unwrap_or_default();
        let found = differences(self.desired, self.seen, machines);
        self.no_move_with_volume(machines)?;
        if matches!(found, Differences::None) {
            self.fine("machines");
            return Ok(());
        }
        let former = machines.iter().map(|machine| Former {
            id: machine.id.clone(),
            name: machine.name.clone(),
            config: machine.config.clone(),
            live: !machine.ours || machine.mark("dashdeploy_live") == Some(word(true)),
        });
        let task = Task::Machines { desired: Box::new(self.desired.clone()), former: former.collect() };
        let needs = ["ips", "volume", "secrets"].map(|kind| address(kind, self.app));
        let needs: Vec<Address> = needs.into_iter().filter(|need| self.changes(need)).collect();
        let needs_healthy = self.app.bound.dependencies(self.app.service);
        let (replicas, billed) = (self.desired.replicas, self.desired.billed.clone());
        let interrupts = machines.len() == 1 && self.desired.strategy != "bluegreen"
            || self.desired.strategy == "immediate";
        let first = machines.is_empty();
        let (action, reason, fields) = match found {
            Differences::None | Differences::Absent => {
                (Action::Create, "not there yet".to_owned(), Vec::new())
            }
            Differences::Fields(fields) => (Action::Replace, reason(&fields), fields),
            Differences::State(why) => (Action::Update, why, Vec::new()),
        };
        let change = self.push("machines", action, reason, &task);
        change.fields = fields;
        change.gated = true;
        change.takes_image = true;
        change.needs.extend(needs);
        change.needs_healthy = needs_healthy;
        if first {
            change.billable = Some(format!("{replicas} × {billed}"));
        } else if interrupts {
            change.risk = Risk::InterruptsTraffic;
            change.downtime = Some(RESTART);
        }
        Ok(())
    }

    /// A volume belongs to one host in one region: a machine elsewhere would start without the data.
    fn no_move_with_volume(&self, machines: &[SeenMachine]) -> Result<(), TargetError> {
        let Some(moved) = machines
            .iter()
            .find(|machine| machine.region != self.desired.region && machine.volume().is_some())
        else {
            return Ok(());
        };
        let message = format!(
            "machine {} is in {} with its volume, and {} was asked for: the data would stay behind",
            moved.name, moved.region, self.desired.region
        );
        let hint = format!(
            "write `region: {}`; to move, take the data over to another environment first",
            moved.region
        );
        Err(ours(ErrorKind::Invalid, format!("plan {}", self.app.service.name), message).hint(hint))
    }

    fn certificate(&mut self) {
        let Some(host) = &self.desired.domain else { return };
        let task = Task::Certificate { app: self.desired.app.clone(), host: host.clone() };
        match self.seen.map(|seen| &seen.certificate) {
            Some(Some(_)) => self.fine("certificate"),
            _ => {
                let host = host.clone();
                self.push("certificate", Action::Create, format!("for {host}"), &task);
            }
        }
    }
}

fn reason(fields: &[FieldChange]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).take(3).collect();
    let more = fields.len().saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more} changed", names.join(", "))
}

/// A field that differs.
pub(crate) fn field(name: &str, from: Option<String>, to: Option<String>) -> FieldChange {
    FieldChange { field: name.to_owned(), from, to }
}

/// The changes that set or unset secrets without a deploy.
pub(crate) fn plan_secrets(
    descriptor: &Descriptor,
    bound: &dashdeploy_contract::Bound,
    observed: &Observed,
    edits: &[SecretEdit],
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for app in App::all(descriptor, bound) {
        let own: Vec<&SecretEdit> = edits.iter().filter(|edit| edit.service == app.service.name).collect();
        if own.is_empty() {
            continue;
        }
        let resource = observed.get(&address("app", &app)).filter(|resource| resource.owned);
        if resource.is_none() {
            let message = format!("the app `{}` is not there yet, or not ours", app.name());
            return Err(ours(ErrorKind::NotFound, "set secrets", message)
                .hint("the first `dashdeploy deploy` makes it and sets the secrets that it is given"));
        }
        let names = |set: bool| -> Vec<String> {
            own.iter()
                .filter(|edit| edit.fingerprint.is_some() == set)
                .map(|edit| edit.variable.clone())
                .collect()
        };
        let task = Task::Secrets { app: app.name(), set: names(true), unset: names(false) };
        let mut change = Change::new(address("secrets", &app), Action::Update, "as asked for", task.json());
        change.service = Some(app.service.name.clone());
        change.fields = own
            .iter()
            .map(|edit| field(&format!("secrets.{}", edit.variable), None, edit.fingerprint.clone()))
            .collect();
        plan.changes.push(change);
    }
    Ok(plan)
}
