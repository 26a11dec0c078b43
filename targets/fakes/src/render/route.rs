//! From a method and a path to what answers.
//!
//! Given: a request that was admitted. Gives: its answer. Deliberately absent: what each answer is made of.

use super::Render;
use super::fault::{Answer, Fault};
use crate::Call;

/// The vendor's paths that are not played here, by what stands first in them.
const UNPLAYED: &[&str] = &[
    "blueprints",
    "cron-jobs",
    "environments",
    "env-groups",
    "events",
    "key-value",
    "maintenance",
    "metrics",
    "metrics-stream",
    "notification-settings",
    "organizations",
    "postgres",
    "projects",
    "redis",
    "task-runs",
    "tasks",
    "users",
    "webhooks",
    "workflows",
    "workflowversions",
];

impl Render {
    /// Answers a request that was admitted.
    pub(super) fn route(&mut self, call: &Call) -> Answer {
        let parts = call.parts();
        let Some(("v1", parts)) = parts.split_first().map(|(first, rest)| (*first, rest)) else {
            return Err(Fault::missing(&call.path));
        };
        match (call.method.as_str(), parts) {
            ("GET", ["users"]) => self.user(call),
            ("GET", ["owners"]) => self.owners(call),
            ("GET", ["owners", id]) => self.one_owner(call, id),
            ("GET", ["logs"]) => self.logs(call),
            (_, ["registrycredentials", rest @ ..]) => self.credential_route(call, rest),
            (_, ["disks", rest @ ..]) => self.disk_route(call, rest),
            ("GET", ["services"]) => self.list_services(call),
            ("POST", ["services"]) => self.create_service(call),
            (_, ["services", id]) => self.service_route(call, id),
            (_, ["services", id, "deploys" | "rollback", ..]) => self.deploy_route(call, id, &parts[2..]),
            (_, ["services", id, "custom-domains", rest @ ..]) => self.domain_route(call, id, rest),
            (_, ["services", id, "env-vars" | "secret-files", ..]) => {
                self.setting_route(call, id, &parts[2..])
            }
            (_, ["services", id, "routes" | "headers" | "cache", ..]) => {
                self.page_route(call, id, &parts[2..])
            }
            (_, ["services", id, what]) => self.run_route(call, id, what),
            (_, [first, ..]) if UNPLAYED.contains(first) => Err(Fault::unplayed(&call.path)),
            _ => Err(strange(call)),
        }
    }
}

/// A request that nothing answers: the vendor has it and it is not played here, or nobody has it.
pub(super) fn strange(call: &Call) -> Fault {
    const PARTS: &[&str] = &[
        "jobs",
        "events",
        "preview",
        "autoscaling",
        "restart",
        "snapshots",
        "subscribe",
        "values",
        "streams",
        "members",
        "audit-logs",
    ];
    if call.parts().iter().any(|part| PARTS.contains(part)) {
        Fault::unplayed(&call.path)
    } else {
        Fault::new(404, "404 page not found")
    }
}
