//! How deploys change a service while time passes.
//!
//! Given: a service and the moment. Gives: the service as it is then: which deploy is live, which instances run, what was logged.
//! Without a disk the new instances are healthy before the former ones are left, which are stopped a minute later; with one the
//! former are stopped first (<https://render.com/docs/deploys#zero-downtime-deploys>, <https://render.com/docs/disks>).
//! Deliberately absent: a task that runs beside; what is due is worked out when somebody looks.

use std::time::Duration;

use super::Stage;
use super::body::Kind;
use super::deploy::{Artifact, Deploy, Status, Trigger, container_steps, site_steps};
use super::state::{Running, Service};
use super::workload::{Container, Outcome};
use crate::Moment;

/// How long former instances stay after the new ones have taken over.
const DRAIN: Duration = Duration::from_secs(60);

impl Stage {
    /// Does what is due until now.
    pub(super) fn settle(&mut self, service: &mut Service, now: Moment) {
        while let Some(index) = service.deploys.iter().position(Deploy::moves) {
            match service.deploys[index].steps.front().copied() {
                Some((at, status)) if at <= now => {
                    service.deploys[index].steps.pop_front();
                    self.step(service, index, status, at);
                }
                _ => break,
            }
        }
        service.running.retain(|running| running.until.is_none_or(|until| until > now));
    }

    /// Asks for a deploy: its id, and true where it waits for another.
    pub(super) fn ask(
        &mut self,
        service: &mut Service,
        trigger: Trigger,
        artifact: Artifact,
        now: Moment,
    ) -> (String, bool) {
        let busy = service.deploys.iter().position(Deploy::moves);
        let waits = busy.is_some() && self.options.queue;
        let id = self.ids.next("dep");
        if let (Some(index), false) = (busy, waits) {
            self.end(service, index, Status::Canceled, now);
        }
        service.deploys.push(Deploy {
            id: id.clone(),
            trigger,
            artifact,
            status: if waits { Status::Queued } else { Status::Created },
            created: now,
            updated: now,
            started: None,
            finished: None,
            container: None,
            files: Default::default(),
            disk: false,
            lines: Vec::new(),
            complaint: None,
            steps: Default::default(),
        });
        if !waits {
            self.begin(service, service.deploys.len() - 1, now);
        }
        (id, waits)
    }

    /// Ends a deploy that moves or waits, without success.
    pub(super) fn cancel(&mut self, service: &mut Service, index: usize, now: Moment) {
        let moved = service.deploys[index].moves();
        self.end(service, index, Status::Canceled, now);
        if moved {
            self.next(service, now);
        }
    }

    /// Takes the settings of the moment and works out what is to come.
    fn begin(&mut self, service: &mut Service, index: usize, at: Moment) {
        let image = match &service.deploys[index].artifact {
            Artifact::Image(path) => Some(path.clone()),
            Artifact::Commit(_) => None,
        };
        let container = image.map(|path| service.container(&path));
        let (steps, lines, complaint) = match &container {
            Some(container) => self.prospect(service, container, at),
            None => (site_steps(&self.options, at), Vec::new(), None),
        };
        let (files, disk) = (service.files.clone(), service.disk.is_some());
        let deploy = &mut service.deploys[index];
        (deploy.container, deploy.files, deploy.disk) = (container, files, disk);
        (deploy.steps, deploy.lines, deploy.complaint) = (steps, lines, complaint);
    }

    /// What is to come of a container.
    fn prospect(&self, service: &Service, container: &Container, at: Moment) -> Prospect {
        let (outcome, lines) = self.workloads.outcome(container);
        // Nobody asks a worker for its health: it is live once it runs.
        let outcome = match outcome {
            Outcome::Unhealthy if service.kind == Kind::BackgroundWorker => {
                Outcome::Healthy { after: self.options.boot }
            }
            Outcome::Healthy { after } if after >= self.options.patience => Outcome::Unhealthy,
            outcome => outcome,
        };
        let steps = container_steps(&self.options, at, !service.settings.prepare.is_empty(), &outcome);
        (steps, lines, complaint(&outcome, service))
    }

    /// Changes a deploy's state, and the service with it.
    fn step(&mut self, service: &mut Service, index: usize, status: Status, at: Moment) {
        match status {
            Status::UpdateInProgress => self.start(service, index, at),
            Status::Live => self.take_over(service, index, at),
            Status::BuildFailed | Status::PreDeployFailed | Status::UpdateFailed => {
                self.end(service, index, status, at);
                self.next(service, at);
            }
            _ => {}
        }
        let deploy = &mut service.deploys[index];
        deploy.status = status;
        deploy.updated = at;
        if status != Status::Queued {
            deploy.started.get_or_insert(at);
        }
    }

    /// Starts a deploy's instances; with a disk the former ones are stopped before.
    fn start(&mut self, service: &mut Service, index: usize, at: Moment) {
        let deploy = &service.deploys[index];
        let many = if service.kind == Kind::StaticSite { 0 } else { service.settings.instances };
        let instances: Vec<String> =
            (0..many).map(|_| format!("{}-{}", service.id, self.ids.letters(5))).collect();
        let first = instances.first().map(String::as_str);
        self.logs.write(at, &service.id, first, "info", &format!("==> Deploying {}", deploy.label()));
        for line in &deploy.lines {
            self.logs.write(at, &service.id, first, "info", line);
        }
        if deploy.disk || service.running.iter().any(|running| running.disk) {
            service.running.clear();
        }
        let (container, files) = (deploy.container.clone(), deploy.files.clone());
        let running = Running {
            deploy: deploy.id.clone(),
            instances,
            since: at,
            ready: None,
            until: None,
            disk: deploy.disk,
            container,
            files,
        };
        service.running.insert(0, running);
    }

    /// Sends requests to a deploy's instances, and none to the former ones.
    fn take_over(&mut self, service: &mut Service, index: usize, at: Moment) {
        let id = service.deploys[index].id.clone();
        for former in service.deploys.iter_mut().filter(|deploy| deploy.status == Status::Live) {
            former.status = Status::Deactivated;
            former.updated = at;
        }
        for running in &mut service.running {
            if running.deploy == id {
                running.ready = Some(at);
            } else {
                running.until.get_or_insert(at + DRAIN);
            }
        }
        service.deploys[index].finished = Some(at);
        self.logs.write(at, &service.id, None, "info", "==> Your service is live");
        self.next(service, at);
    }

    /// Ends a deploy without success: its instances go; where the live one's had to go for it, they are started again.
    fn end(&mut self, service: &mut Service, index: usize, status: Status, at: Moment) {
        let deploy = &mut service.deploys[index];
        deploy.steps.clear();
        deploy.status = status;
        deploy.updated = at;
        deploy.finished = Some(at);
        let complaint = deploy.complaint.take().filter(|_| status != Status::Canceled);
        let id = deploy.id.clone();
        if let Some(complaint) = complaint {
            self.logs.write(at, &service.id, None, "error", &complaint);
        }
        service.running.retain(|running| running.deploy != id);
        if service.running.iter().all(|running| running.until.is_some()) {
            self.revive(service, at);
        }
    }

    /// Starts the live deploy's instances again.
    fn revive(&mut self, service: &mut Service, at: Moment) {
        let Some(index) = service.deploys.iter().position(|deploy| deploy.status == Status::Live) else {
            return;
        };
        self.start(service, index, at);
        let outcome =
            service.deploys[index].container.as_ref().map(|container| self.workloads.outcome(container).0);
        service.running[0].ready = match outcome {
            Some(Outcome::Healthy { after }) => Some(at + after),
            Some(Outcome::Unprepared) | None => Some(at),
            Some(_) => None,
        };
    }

    /// Begins the newest of the deploys that wait; older ones are passed over.
    fn next(&mut self, service: &mut Service, at: Moment) {
        let Some(newest) = service.deploys.iter().rposition(Deploy::waits) else { return };
        for index in 0..newest {
            if service.deploys[index].waits() {
                self.end(service, index, Status::Canceled, at);
            }
        }
        self.begin(service, newest, at);
    }
}

/// What is to come of a deploy: its steps, what its container writes, why it fails where it does.
type Prospect = (std::collections::VecDeque<(Moment, Status)>, Vec<String>, Option<String>);

/// What the platform writes into the log where a deploy fails.
fn complaint(outcome: &Outcome, service: &Service) -> Option<String> {
    match outcome {
        Outcome::Healthy { .. } => None,
        Outcome::Unhealthy => Some(format!(
            "==> Timed out after waiting for internal health check to return a successful response code at: {}:{} {}",
            service.slug,
            service.port(),
            service.settings.health
        )),
        Outcome::Exits { code, .. } => Some(format!("==> Exited with status {code}")),
        Outcome::Unpullable => Some("==> Failed to pull the image".to_owned()),
        Outcome::Unprepared => Some("==> The pre-deploy command failed".to_owned()),
    }
}
