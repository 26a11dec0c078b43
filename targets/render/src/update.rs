//! The changes to a service that is there: variables, settings, instances, disk, then one deploy.
//!
//! Given: what was seen of a service, what shall be. Gives: changes, in a plan. What takes effect with a deploy comes before it; what the
//! platform refuses while something else is not done yet needs that. Deliberately absent: deletions: nothing goes here.

use dashdeploy_contract::{Action, Address, FieldChange, KEPT, Plan, Risk, Service, TargetError};

use crate::config::Place;
use crate::desired::{Desired, Disk};
use crate::hosts;
use crate::mark::{Deployed, digest_of, mark};
use crate::payload::{Current, Seen, SeenDisk, Task};
use crate::plan::{address, changed, field, reason};

mod fixed;

/// Seconds for which a service with a disk does not answer: the old instance stops before the new one starts
/// (<https://render.com/docs/disks#disk-limitations-and-considerations>).
const RESTART: u32 = 30;
/// Seconds between the signal to stop and the kill, as in render.yaml.
pub(crate) const SHUTDOWN: u32 = 30;

/// The plan's part for a service.
pub(crate) struct Draft<'a> {
    place: &'a Place<'a>,
    service: &'a Service,
    desired: Desired,
    seen: &'a Seen,
    plan: &'a mut Plan,
    /// What a deploy comes after, because it takes effect with it.
    before: Vec<Address>,
}

impl<'a> Draft<'a> {
    /// A part of a plan. A secret that stays as the platform has it is taken for what it is there.
    pub(crate) fn new(
        place: &'a Place<'a>,
        service: &'a Service,
        mut desired: Desired,
        seen: &'a Seen,
        plan: &'a mut Plan,
    ) -> Self {
        for (name, print) in desired.secrets.iter_mut().filter(|(_, print)| *print == KEPT) {
            if let Some(there) = seen.secrets.get(name) {
                print.clone_from(there);
            }
        }
        Self { place, service, desired, seen, plan, before: Vec::new() }
    }

    /// All changes of the service.
    ///
    /// # Errors
    /// `Invalid` for what cannot be changed once a service is there.
    pub(crate) fn all(mut self) -> Result<(), TargetError> {
        fixed::all(self.service, &self.desired, self.seen)?;
        let mut fields = self.variables();
        let (settings, scale) = (self.settings(), self.scale());
        self.in_turn(&scale);
        fields.extend(settings);
        self.disk();
        self.deploy(fields);
        self.domain();
        Ok(())
    }

    fn boxed(&self) -> Box<Desired> {
        Box::new(self.desired.clone())
    }

    /// Variables that differ, and those that are ours no more.
    fn variables(&mut self) -> Vec<FieldChange> {
        let unset = self.unset();
        let fields = self.differing(&unset);
        if fields.is_empty() {
            self.plan.unchanged.push(address("variables", &self.service.name));
            return fields;
        }
        let task = Task::Variables { id: self.seen.id.clone(), desired: self.boxed(), unset };
        let mut change = changed("variables", self.service, Action::Update, reason(&fields), &task);
        change.fields.clone_from(&fields);
        self.before.push(change.address.clone());
        self.plan.changes.push(change);
        fields
    }

    fn differing(&self, unset: &[String]) -> Vec<FieldChange> {
        let mut fields = Vec::new();
        for (name, value) in self.desired.env.iter().chain(&self.desired.marks) {
            let there = self.seen.env.get(name);
            if there != Some(value) {
                // What was set as a secret is shown by its fingerprint.
                let from = there.or_else(|| self.seen.secrets.get(name)).cloned();
                fields.push(field(&format!("env.{name}"), from, Some(hosts::shown(value))));
            }
        }
        for (name, print) in &self.desired.secrets {
            let there = self.seen.secrets.get(name);
            if there != Some(print) {
                fields.push(field(&format!("secrets.{name}"), there.cloned(), Some(print.clone())));
            }
        }
        for name in unset {
            fields.push(field(
                &format!("env.{name}"),
                Some(self.seen.secrets.get(name).cloned().unwrap_or_else(|| "(set)".to_owned())),
                None,
            ));
        }
        fields
    }

    /// Names of variables that a former deploy of ours set, and that are wanted no more.
    fn unset(&self) -> Vec<String> {
        let wanted =
            |name: &String| self.desired.env.contains_key(name) || self.desired.secrets.contains_key(name);
        let ours = self.seen.secrets.keys().filter(|name| !wanted(name));
        let mut unset: Vec<String> = ours.cloned().collect();
        unset.extend(self.former_env().into_iter().filter(|name| !wanted(name)));
        unset
    }

    /// Names of plain variables that a former deploy of ours set: a mark lists them.
    fn former_env(&self) -> Vec<String> {
        let listed = self.seen.env.get(&mark("VARIABLES")).map(String::as_str).unwrap_or_default();
        let there = |name: &str| {
            self.seen.env.contains_key(name) || self.seen.others.iter().any(|other| other == name)
        };
        listed.split(',').filter(|name| !name.is_empty() && there(name)).map(str::to_owned).collect()
    }

    fn settings(&mut self) -> Vec<FieldChange> {
        let Some(container) = &self.desired.container else { return Vec::new() };
        let shutdown = |seconds: u32| format!("{seconds} s");
        let pairs = [
            ("plan", self.seen.plan.clone(), Some(container.plan.clone())),
            ("health", self.seen.health.clone(), container.health.clone()),
            ("command", self.seen.command.clone(), container.command.clone()),
            ("shutdown", self.seen.shutdown.map(shutdown), self.seen.shutdown.map(|_| shutdown(SHUTDOWN))),
        ];
        let fields: Vec<FieldChange> = pairs
            .into_iter()
            .filter(|(_, from, to)| from != to)
            .map(|(name, from, to)| field(name, from, to))
            .collect();
        if !fields.is_empty() {
            let former = Box::new(self.seen.former());
            let task = Task::Settings { id: self.seen.id.clone(), desired: self.boxed(), former };
            let mut change = changed("settings", self.service, Action::Update, reason(&fields), &task);
            change.billable = (self.seen.plan.as_deref() != Some(container.plan.as_str()))
                .then(|| format!("instance type {}", container.plan));
            change.fields.clone_from(&fields);
            self.before.push(change.address.clone());
            self.plan.changes.push(change);
        }
        fields
    }

    /// The number of instances; how it changes, where it does.
    fn scale(&mut self) -> Option<(u32, u32)> {
        let container = self.desired.container.as_ref()?;
        let (from, to) = (self.seen.instances?, container.instances);
        if from == to {
            return None;
        }
        let task = Task::Scale { id: self.seen.id.clone(), to, from };
        let mut change = changed("scale", self.service, Action::Update, "another number of instances", &task);
        change.fields = vec![field("replicas", Some(from.to_string()), Some(to.to_string()))];
        change.billable = (to > from).then(|| format!("{to} × instance type {}", container.plan));
        self.plan.changes.push(change);
        Some((from, to))
    }

    /// A small instance type has one instance alone: fewer instances come before it, more of them after a larger one.
    fn in_turn(&mut self, scale: &Option<(u32, u32)>) {
        let Some((from, to)) = scale else { return };
        let (first, second) = if to < from { ("scale", "settings") } else { ("settings", "scale") };
        let (first, second) = (self.address(first), self.address(second));
        let has_both = self.plan.changes.iter().any(|change| change.address == first);
        if let Some(change) = self.plan.changes.iter_mut().find(|change| change.address == second && has_both)
        {
            change.needs.push(first);
        }
    }

    fn address(&self, kind: &str) -> Address {
        address(kind, &self.service.name)
    }

    fn disk(&mut self) {
        let wanted = self.desired.container.as_ref().and_then(|container| container.disk.clone());
        let (Some(disk), there) = (wanted, self.seen.disk.as_ref()) else {
            // What is on it would be gone with it, so that it stays.
            if self.seen.disk.is_some() {
                self.plan.unchanged.push(self.address("disk"));
            }
            return;
        };
        let fields = there.map(|there| differences(there, &disk)).unwrap_or_default();
        if there.is_some() && fields.is_empty() {
            self.plan.unchanged.push(self.address("disk"));
            return;
        }
        let (action, why) = match there {
            None => (Action::Create, "not there yet".to_owned()),
            Some(_) => (Action::Update, reason(&fields)),
        };
        let id = there.map(|there| there.id.clone());
        let task = Task::Disk { id: self.seen.id.clone(), disk: id, desired: self.boxed() };
        let mut change = changed("disk", self.service, action, why, &task);
        change.billable = Some(format!("disk of {} GB", disk.size));
        // One instance alone has a disk, and no free one.
        let first = [self.address("scale"), self.address("settings")];
        change.needs.extend(
            first.into_iter().filter(|need| self.plan.changes.iter().any(|change| change.address == *need)),
        );
        let grows_only = there.is_some_and(|there| there.path == disk.path);
        if self.seen.suspended && there.is_some() {
            // A disk grows while its service is active only, which the deploy makes it.
            change.needs.push(self.address("deploy"));
        } else if !grows_only {
            self.before.push(change.address.clone());
        }
        change.fields = fields;
        self.plan.changes.push(change);
    }

    /// What of the content differs.
    fn content(&self, deployed: Option<&Deployed>) -> Vec<FieldChange> {
        let current = self.seen.current.clone().unwrap_or_default();
        let is_site = self.desired.site.is_some();
        let there = if is_site { current.commit.clone() } else { current.image.clone() };
        let before = deployed.map(|mark| mark.content.clone()).or(there);
        let content = self.desired.content();
        let mut own = Vec::new();
        if before.as_deref() != Some(content) {
            let name = if is_site { "commit" } else { "image" };
            own.push(field(name, before, Some(content.to_owned())));
        } else if let Some((from, to)) =
            deployed.and_then(|mark| foreign(mark, &current).or_else(|| unset(mark, self.seen)))
        {
            own.push(field(if is_site { "commit" } else { "image" }, Some(from), Some(to)));
        }
        let credential = self.seen.credential.as_ref().map(|(_, name)| name.clone());
        if self.desired.container.is_some()
            && self.desired.credential.is_some()
            && credential != self.desired.credential
        {
            own.push(field("registry_credential", credential, self.desired.credential.clone()));
        }
        if is_site && self.seen.automatic {
            own.push(field("autoDeploy", Some("yes".to_owned()), Some("no".to_owned())));
        }
        own
    }

    /// Why there is to be a deploy; none where there is no need of one.
    fn cause(&self, deployed: Option<&Deployed>, fields: &[FieldChange]) -> Option<String> {
        let current = self.seen.current.as_ref();
        let status = self.seen.status.as_deref().unwrap_or("none");
        if !fields.is_empty() {
            Some(reason(fields))
        } else if self.seen.suspended {
            Some("it is suspended".to_owned())
        } else if !self.before.is_empty() {
            Some("what was changed takes effect with it".to_owned())
        } else if deployed.is_none_or(|mark| mark.of != self.desired.hash()) {
            let site = self.desired.site.is_some();
            let why =
                if site { "how it is built or served changed" } else { "what is set was not deployed yet" };
            Some(why.to_owned())
        } else if current.is_none() || (ENDED.contains(&status) && !self.serves_what_is_set()) {
            Some(format!("its last deploy ended as {status}"))
        } else if current.is_some_and(|current| !current.is_marked) {
            Some("what is set was not deployed yet".to_owned())
        } else {
            None
        }
    }

    /// True where what serves is what was set, whatever became of later deploys: without a disk it goes on serving.
    fn serves_what_is_set(&self) -> bool {
        self.seen.disk.is_none() && self.seen.current.as_ref().is_some_and(|current| current.is_marked)
    }

    /// One deploy, where anything takes effect with it, the last one did not end well, or it was of something else. One that is
    /// under way already is waited for.
    fn deploy(&mut self, fields: Vec<FieldChange>) {
        let deployed = Deployed::among(&self.seen.env);
        let own = self.content(deployed.as_ref());
        let all: Vec<FieldChange> = own.iter().chain(&fields).cloned().collect();
        let Some(why) = self.cause(deployed.as_ref(), &all) else {
            if self.seen.current.as_ref().is_some_and(|current| current.under_way) {
                self.wait();
            } else {
                self.plan.unchanged.push(self.address("service"));
            }
            return;
        };
        let task = Task::Deploy {
            id: self.seen.id.clone(),
            desired: self.boxed(),
            former: Box::new(self.seen.former()),
            resume: self.seen.suspended,
        };
        let mut change = changed("deploy", self.service, Action::Replace, why, &task);
        change.fields = own;
        (change.gated, change.takes_image) = (true, self.desired.container.is_some());
        change.needs = std::mem::take(&mut self.before);
        change.needs_healthy = self.place.bound.dependencies(self.service);
        if self.seen.disk.is_some()
            || self.desired.container.as_ref().is_some_and(|container| container.disk.is_some())
        {
            (change.risk, change.downtime) = (Risk::InterruptsTraffic, Some(RESTART));
        }
        self.plan.changes.push(change);
    }

    fn wait(&mut self) {
        let task = Task::Wait { id: self.seen.id.clone() };
        let mut change =
            changed("deploy", self.service, Action::Run, "its deploy is under way: it is waited for", &task);
        change.gated = true;
        self.plan.changes.push(change);
    }

    fn domain(&mut self) {
        let Some(host) = &self.desired.domain else { return };
        if self.seen.domain == Some(true) {
            self.plan.unchanged.push(self.address("domain"));
            return;
        }
        let task = Task::Domain { id: Some(self.seen.id.clone()), desired: self.boxed() };
        self.plan.changes.push(changed("domain", self.service, Action::Create, format!("for {host}"), &task));
    }
}

/// How deploys end without success.
const ENDED: [&str; 4] = ["build_failed", "pre_deploy_failed", "update_failed", "canceled"];

fn differences(there: &SeenDisk, wanted: &Disk) -> Vec<FieldChange> {
    let gigabytes = |size: u64| Some(format!("{size} GB"));
    let size = field("size", gigabytes(there.size), gigabytes(wanted.size));
    let path = field("path", Some(there.path.clone()), Some(wanted.path.clone()));
    [size, path].into_iter().filter(|field| field.from != field.to).collect()
}

/// The image that is set where it is not the one that was deployed: a run was cut off, and a restart would take it.
fn unset(mark: &Deployed, seen: &Seen) -> Option<(String, String)> {
    let set = digest_of(seen.set_image.as_deref()?)?;
    Some(set).zip(mark.digest.clone()).filter(|(set, deployed)| set != deployed)
}

/// What somebody else deployed after us, and what it was before.
fn foreign(mark: &Deployed, current: &Current) -> Option<(String, String)> {
    let (there, ours) = match &current.commit {
        Some(commit) => (Some(commit.clone()), Some(mark.content.clone())),
        None => (current.digest.clone(), mark.digest.clone()),
    };
    // A deploy that is older than the mark is no one else's: ours is still to come.
    there.zip(ours).filter(|(there, ours)| there != ours && current.is_marked)
}
