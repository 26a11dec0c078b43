//! The changes that turn what is there into the release.
//!
//! Given: a release and what was observed. Gives: a [`Plan`], the same bytes for the same input. Creating a service deploys it at once, so
//! that everything goes into that one call; a service that is there gets its variables and settings first, and then one deploy.

use dashdeploy_contract::{
    Action, Address, Change, ErrorKind, FieldChange, KEPT, Name, Observed, Plan, Release, Risk, SecretEdit,
    Service, TargetError,
};

use crate::config::{Place, TARGET};
use crate::desired::{Desired, MARK};
use crate::error::ours;
use crate::payload::{Seen, Task};

/// Seconds for which a service with a disk does not answer: the old instance stops before the new one starts
/// (<https://render.com/docs/disks#disk-limitations-and-considerations>).
const RESTART: u32 = 30;

/// The plan for a release.
pub(crate) fn plan(place: &Place, release: &Release, observed: &Observed) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for service in place.services() {
        let desired = Desired::of(place, release, service)?;
        let resource = observed.get(&address("service", &service.name));
        let Some(resource) = resource else {
            create(place, service, &desired, &mut plan);
            continue;
        };
        let seen = Seen::of(resource)?;
        if !resource.owned {
            return Err(in_the_way(service, &seen, resource.adoptable));
        }
        Draft { place, service, desired: &desired, seen: &seen, plan: &mut plan, before: Vec::new() }
            .all()?;
    }
    Ok(plan.in_order())
}

/// The address of a thing of a service.
pub(crate) fn address(kind: &str, service: &Name) -> Address {
    Address::new(TARGET, kind, service.as_str())
}

fn in_the_way(service: &Service, seen: &Seen, adoptable: bool) -> TargetError {
    let operation = format!("plan {}", service.name);
    let of = |mark: &str| seen.env.get(&format!("{MARK}{mark}")).map_or("?", String::as_str);
    if !adoptable {
        let whose = format!("environment `{}` of project `{}`", of("ENVIRONMENT"), of("PROJECT"));
        return ours(
            ErrorKind::Conflict,
            operation,
            format!("the service `{}` is there and belongs to {whose}", seen.name),
        )
        .hint("give this project or environment another name, or use another workspace");
    }
    ours(
        ErrorKind::Conflict,
        operation,
        format!("the service `{}` is there, and dashdeploy did not make it", seen.name),
    )
    .hint("take it over with --adopt, or give this project or environment another name")
}

fn changed(kind: &str, service: &Service, action: Action, reason: impl Into<String>, task: &Task) -> Change {
    let mut change = Change::new(address(kind, &service.name), action, reason, task.json());
    change.service = Some(service.name.clone());
    change
}

fn create(place: &Place, service: &Service, desired: &Desired, plan: &mut Plan) {
    let task = Task::Service { desired: Box::new(desired.clone()) };
    let mut change = changed("service", service, Action::Create, "not there yet", &task);
    (change.gated, change.takes_image) = (true, desired.container.is_some());
    change.needs_healthy = place.bound.dependencies(service);
    change.billable = desired.container.as_ref().map(|container| {
        let disk = container
            .disk
            .as_ref()
            .map(|disk| format!(" and a disk of {} GB", disk.size))
            .unwrap_or_default();
        format!("{} × instance type {}{disk}", container.instances, container.plan)
    });
    if let Some(site) = &desired.site {
        change.reason = format!(
            "not there yet: built by Render from commit {}",
            &site.commit[..site.commit.len().min(12)]
        );
    }
    let needs = vec![change.address.clone()];
    plan.changes.push(change);
    if let Some(host) = &desired.domain {
        let task = Task::Domain { id: None, desired: Box::new(desired.clone()) };
        let mut change = changed("domain", service, Action::Create, format!("for {host}"), &task);
        change.needs = needs;
        plan.changes.push(change);
    }
}

struct Draft<'a> {
    place: &'a Place<'a>,
    service: &'a Service,
    desired: &'a Desired,
    seen: &'a Seen,
    plan: &'a mut Plan,
    /// What a deploy comes after, because it takes effect with it.
    before: Vec<Address>,
}

impl Draft<'_> {
    fn all(mut self) -> Result<(), TargetError> {
        self.fixed()?;
        let mut fields = self.variables();
        fields.extend(self.settings());
        self.scale();
        self.disk()?;
        self.deploy(fields);
        self.domain();
        Ok(())
    }

    fn boxed(&self) -> Box<Desired> {
        Box::new(self.desired.clone())
    }

    /// What cannot be changed once a service is there (<https://render.com/docs/blueprint-spec>).
    fn fixed(&self) -> Result<(), TargetError> {
        let operation = format!("plan {}", self.service.name);
        if self.seen.kind != self.desired.kind {
            let message = format!(
                "the service `{}` is a {}, and a {} was asked for",
                self.seen.name, self.seen.kind, self.desired.kind
            );
            return Err(ours(ErrorKind::Invalid, operation, message)
                .hint("Render cannot turn one into the other: `dashdeploy destroy` this environment first, or use another one"));
        }
        let wanted = self.desired.container.as_ref().and_then(|container| container.region.clone());
        if let (Some(wanted), Some(there)) = (wanted, &self.seen.region)
            && wanted != *there
        {
            let message =
                format!("the service `{}` is in {there}, and {wanted} was asked for", self.seen.name);
            return Err(ours(ErrorKind::Invalid, operation, message)
                .hint(format!("write `region: {there}`; a service does not move: to have it elsewhere, deploy another environment there")));
        }
        Ok(())
    }

    /// Variables that differ, and those that are ours no more.
    fn variables(&mut self) -> Vec<FieldChange> {
        let mut fields = Vec::new();
        for (name, value) in self.desired.env.iter().chain(&self.desired.marks) {
            let there = self.seen.env.get(name);
            if there != Some(value) {
                // What was set as a secret is shown by its fingerprint.
                let from = there.or_else(|| self.seen.secrets.get(name)).cloned();
                fields.push(field(&format!("env.{name}"), from, Some(value.clone())));
            }
        }
        for (name, print) in &self.desired.secrets {
            let there = self.seen.secrets.get(name);
            if there != Some(print) && !(print == KEPT && there.is_some()) {
                fields.push(field(&format!("secrets.{name}"), there.cloned(), Some(print.clone())));
            }
        }
        let wanted =
            |name: &String| self.desired.env.contains_key(name) || self.desired.secrets.contains_key(name);
        let ours = self.seen.secrets.keys().filter(|name| !wanted(name));
        let mut unset: Vec<String> = ours.cloned().collect();
        unset.extend(self.former_env().into_iter().filter(|name| !wanted(name)));
        for name in &unset {
            fields.push(field(
                &format!("env.{name}"),
                Some(self.seen.secrets.get(name).cloned().unwrap_or_else(|| "(set)".to_owned())),
                None,
            ));
        }
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

    /// Names of plain variables that a former deploy of ours set: a mark lists them.
    fn former_env(&self) -> Vec<String> {
        let listed = self.seen.env.get(&format!("{MARK}VARIABLES")).map(String::as_str).unwrap_or_default();
        let there = |name: &str| {
            self.seen.env.contains_key(name) || self.seen.others.iter().any(|other| other == name)
        };
        listed.split(',').filter(|name| !name.is_empty() && there(name)).map(str::to_owned).collect()
    }

    fn settings(&mut self) -> Vec<FieldChange> {
        let Some(container) = &self.desired.container else { return Vec::new() };
        let pairs = [
            ("plan", &self.seen.plan, Some(container.plan.clone())),
            ("health", &self.seen.health, container.health.clone()),
            ("command", &self.seen.command, container.command.clone()),
        ];
        let fields: Vec<FieldChange> = pairs
            .into_iter()
            .filter(|(_, from, to)| *from != to)
            .map(|(name, from, to)| field(name, from.clone(), to))
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

    fn scale(&mut self) {
        let Some(container) = &self.desired.container else { return };
        let from = self.seen.instances.unwrap_or(container.instances);
        if from == container.instances || container.disk.is_some() {
            return;
        }
        let task = Task::Scale { id: self.seen.id.clone(), to: container.instances, from };
        let mut change = changed("scale", self.service, Action::Update, "another number of instances", &task);
        change.fields =
            vec![field("replicas", Some(from.to_string()), Some(container.instances.to_string()))];
        change.billable = (container.instances > from)
            .then(|| format!("{} × instance type {}", container.instances, container.plan));
        self.plan.changes.push(change);
    }

    fn disk(&mut self) -> Result<(), TargetError> {
        let Some(disk) = self.desired.container.as_ref().and_then(|container| container.disk.clone()) else {
            return Ok(());
        };
        let task = |there: Option<String>| Task::Disk {
            id: self.seen.id.clone(),
            disk: there,
            desired: Box::new(self.desired.clone()),
        };
        let (action, why, fields, task) = match &self.seen.disk {
            None => (Action::Create, "not there yet".to_owned(), Vec::new(), task(None)),
            Some(there) if there.size > disk.size => {
                let message = format!(
                    "the disk of `{}` has {} GB, and cannot be made smaller",
                    self.seen.name, there.size
                );
                return Err(ours(ErrorKind::Invalid, format!("plan {}", self.service.name), message)
                    .hint(format!("write `size: {}Gi`", there.size)));
            }
            Some(there) if there.size == disk.size && there.path == disk.path => {
                self.plan.unchanged.push(address("disk", &self.service.name));
                return Ok(());
            }
            Some(there) => {
                let size =
                    field("size", Some(format!("{} GB", there.size)), Some(format!("{} GB", disk.size)));
                let path = field("path", Some(there.path.clone()), Some(disk.path.clone()));
                let fields: Vec<FieldChange> =
                    [size, path].into_iter().filter(|field| field.from != field.to).collect();
                (Action::Update, reason(&fields), fields, task(Some(there.id.clone())))
            }
        };
        let mut change = changed("disk", self.service, action, why, &task);
        change.fields = fields;
        change.billable = Some(format!("disk of {} GB", disk.size));
        self.before.push(change.address.clone());
        self.plan.changes.push(change);
        Ok(())
    }

    /// What of the content differs, and why there is to be a deploy; none where there is no need of one.
    fn cause(&self, fields: &[FieldChange]) -> (Vec<FieldChange>, Option<String>) {
        let mark = self.seen.env.get(&format!("{MARK}DEPLOYED"));
        let before = mark.and_then(|mark| mark.split_once(' ')).map(|(_, image)| image.to_owned());
        let before = before.or_else(|| self.seen.commit.clone());
        let content = self.desired.content();
        let under_way =
            ["created", "queued", "build_in_progress", "pre_deploy_in_progress", "update_in_progress"];
        let status = self.seen.status.as_deref().unwrap_or("none");
        let mut own = Vec::new();
        if before.as_deref() != Some(content) {
            let name = if self.desired.site.is_some() { "commit" } else { "image" };
            own.push(field(name, before, Some(content.to_owned())));
        }
        let why = if !own.is_empty() || !fields.is_empty() {
            reason(&own.iter().chain(fields).cloned().collect::<Vec<_>>())
        } else if self.seen.suspended {
            "it is suspended".to_owned()
        } else if mark != Some(&self.desired.deployed()) {
            "a run was cut off before it was deployed".to_owned()
        } else if status != "live" && !under_way.contains(&status) {
            format!("its last deploy ended as {status}")
        } else if self.before.is_empty() {
            return (own, None);
        } else {
            "what was changed takes effect with it".to_owned()
        };
        (own, Some(why))
    }

    /// One deploy, where anything takes effect with it, the last one did not end well, or it was of something else.
    fn deploy(&mut self, fields: Vec<FieldChange>) {
        let (own, why) = self.cause(&fields);
        let Some(why) = why else {
            self.plan.unchanged.push(address("service", &self.service.name));
            return;
        };
        let former = Box::new(self.seen.former());
        let task = Task::Deploy {
            id: self.seen.id.clone(),
            desired: self.boxed(),
            former,
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

    fn domain(&mut self) {
        let Some(host) = &self.desired.domain else { return };
        if self.seen.domain == Some(true) {
            self.plan.unchanged.push(address("domain", &self.service.name));
            return;
        }
        let task = Task::Domain { id: Some(self.seen.id.clone()), desired: self.boxed() };
        self.plan.changes.push(changed("domain", self.service, Action::Create, format!("for {host}"), &task));
    }
}

fn reason(fields: &[FieldChange]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).take(3).collect();
    let more = fields.len().saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more} changed", names.join(", "))
}

fn field(name: &str, from: Option<String>, to: Option<String>) -> FieldChange {
    FieldChange { field: name.to_owned(), from, to }
}

/// The changes that set or unset secrets without a deploy.
pub(crate) fn plan_secrets(
    place: &Place,
    observed: &Observed,
    edits: &[SecretEdit],
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for service in place.services() {
        let own: Vec<&SecretEdit> = edits.iter().filter(|edit| edit.service == service.name).collect();
        if own.is_empty() {
            continue;
        }
        let resource = observed.get(&address("service", &service.name)).filter(|resource| resource.owned);
        let resource = resource.ok_or_else(|| {
            let message = format!("the service `{}` is not there yet, or not ours", place.name(service));
            ours(ErrorKind::NotFound, "set secrets", message)
                .hint("the first `dashdeploy deploy` makes it and sets the secrets that it is given")
        })?;
        let names = |set: bool| -> Vec<String> {
            own.iter()
                .filter(|edit| edit.fingerprint.is_some() == set)
                .map(|edit| edit.variable.clone())
                .collect()
        };
        let task = Task::Secrets { id: resource.id.clone(), set: names(true), unset: names(false) };
        let mut change = changed("variables", service, Action::Update, "as asked for", &task);
        change.fields = own
            .iter()
            .map(|edit| field(&format!("secrets.{}", edit.variable), None, edit.fingerprint.clone()))
            .collect();
        plan.changes.push(change);
    }
    Ok(plan)
}
