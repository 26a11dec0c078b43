//! Services as a whole: listed, looked at, stopped, started, scaled, removed.
//!
//! Given: requests about services. Gives: answers. Deliberately absent: how they are made (`create`) and changed (`change`).

use serde_json::{Value, json};

use super::Render;
use super::body::{Kind, Plan, ScalePost};
use super::deploy::Trigger;
use super::details::MAX_INSTANCES;
use super::fault::{Answer, Fault};
use super::list::Asked;
use super::route::strange;
use super::state::{Service, Source};
use crate::{Call, Reply};

/// What `GET /services` can be asked for.
const FILTERS: &[&str] = &[
    "name",
    "type",
    "environmentId",
    "env",
    "region",
    "suspended",
    "createdBefore",
    "createdAfter",
    "updatedBefore",
    "updatedAfter",
    "ownerId",
    "includePreviews",
];

impl Render {
    /// `GET /services`, the newest first. There are no previews here: `includePreviews` is read, and changes nothing.
    pub(super) fn list_services(&self, call: &Call) -> Answer {
        let asked = Asked::new(call, FILTERS)?;
        if let Some(other) = call.asked("includePreviews").filter(|value| !["true", "false"].contains(value))
        {
            return Err(Fault::bad(format!("includePreviews must be true or false: {other}")));
        }
        let mut admitted = Vec::new();
        for service in self.services.iter().rev() {
            let when = asked.within("created", Some(service.created), self.stage.calendar)?
                && asked.within("updated", Some(service.updated), self.stage.calendar)?;
            if when && admits(&asked, service) {
                admitted.push((service.id.clone(), self.shown_service(service)));
            }
        }
        asked.answer("service", admitted)
    }

    /// `/services/{id}`.
    pub(super) fn service_route(&mut self, call: &Call, id: &str) -> Answer {
        match call.method.as_str() {
            "GET" => Ok(Reply::json(200, &self.shown_service(self.service(id)?))),
            "PATCH" => self.change_service(call, id),
            "DELETE" => {
                self.service(id)?;
                self.services.retain(|service| service.id != id);
                Ok(Reply::empty(204))
            }
            _ => Err(strange(call)),
        }
    }

    /// `/services/{id}/suspend`, `resume`, `scale`, `instances`.
    pub(super) fn run_route(&mut self, call: &Call, id: &str, what: &str) -> Answer {
        match (call.method.as_str(), what) {
            ("POST", "suspend") => self.suspend(id),
            ("POST", "resume") => self.resume(id),
            ("POST", "scale") => self.scale(call, id),
            ("GET", "instances") => self.instances(id),
            _ => Err(strange(call)),
        }
    }

    /// Stops everything; what was in progress is canceled.
    fn suspend(&mut self, id: &str) -> Answer {
        let now = self.now;
        let (service, stage) = self.staged(id)?;
        while let Some(index) = service.deploys.iter().rposition(|deploy| deploy.waits() || deploy.moves()) {
            stage.cancel(service, index, now);
        }
        service.running.clear();
        (service.suspended, service.updated) = (true, now);
        Ok(Reply::empty(202))
    }

    /// Deploys what is set, as the trigger `service_resumed` tells.
    fn resume(&mut self, id: &str) -> Answer {
        let now = self.now;
        let (service, stage) = self.staged(id)?;
        if service.suspended {
            (service.suspended, service.updated) = (false, now);
            let artifact = service.artifact(None);
            stage.ask(service, Trigger::ServiceResumed, artifact, now);
        }
        Ok(Reply::empty(202))
    }

    /// Changes the number of instances at once; while autoscaling decides, the number is ignored.
    fn scale(&mut self, call: &Call, id: &str) -> Answer {
        let now = self.now;
        let (service, stage) = self.staged(id)?;
        let many = call.json::<ScalePost>().map_err(Fault::bad)?.num_instances;
        let rules = [
            (service.kind == Kind::StaticSite, "a static site has no instances"),
            (!(1..=MAX_INSTANCES).contains(&many), "numInstances must be between 1 and 100"),
            (many > 1 && service.disk.is_some(), "a service with a disk has one instance"),
            (many > 1 && service.settings.plan == Plan::Free, "a free service has one instance"),
        ];
        if let Some((_, message)) = rules.iter().find(|(broken, _)| *broken) {
            return Err(Fault::bad(*message));
        }
        if service.autoscales() {
            return Ok(Reply::empty(202));
        }
        (service.settings.instances, service.updated) = (many, now);
        let name = service.id.clone();
        for running in service.running.iter_mut().filter(|running| running.until.is_none()) {
            let many = usize::try_from(many).unwrap_or(usize::MAX);
            running.instances.truncate(many);
            running
                .instances
                .extend((running.instances.len()..many).map(|_| format!("{name}-{}", stage.ids.letters(5))));
        }
        Ok(Reply::empty(202))
    }

    /// `GET /services/{id}/instances`: those on their way out among them.
    fn instances(&self, id: &str) -> Answer {
        let running = &self.service(id)?.running;
        let date = |running: &super::state::Running| self.stage.calendar.date(running.since);
        let shown = running.iter().flat_map(|running| {
            running.instances.iter().map(|id| json!({ "id": id, "createdAt": date(running) }))
        });
        Ok(Reply::json(200, &shown.collect::<Value>()))
    }
}

/// True where a service is what the list was asked for.
fn admits(asked: &Asked<'_>, service: &Service) -> bool {
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    // A static site has neither: asked for one, it is not in the list.
    let (env, region) = match service.source {
        Source::Image { .. } => ("image".to_owned(), word(json!(service.settings.region))),
        Source::Repository { .. } => (String::new(), String::new()),
    };
    asked.admits("name", &service.name)
        && asked.admits("type", &word(json!(service.kind)))
        && asked.admits("ownerId", &service.owner)
        && asked.admits("environmentId", service.environment.as_deref().unwrap_or_default())
        && asked.admits("suspended", if service.suspended { "suspended" } else { "not_suspended" })
        && asked.admits("env", &env)
        && asked.admits("region", &region)
}
