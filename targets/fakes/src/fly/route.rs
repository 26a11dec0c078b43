//! From a request to what answers it.
//!
//! Given: requests. Gives: answers, or refusals of what has no token, comes too often, or is nowhere. Deliberately absent: what
//! the answers are.

use serde_json::json;

use super::Fly;
use super::fault::{Answer, Fault};
use super::options::Token;
use crate::{Call, Reply};

/// What the vendor's document has below an app or a machine, and is not played here.
const UNPLAYED: &[&str] =
    &["secretkeys", "deploy_token", "exec", "memory", "ps", "suspend", "signal", "custom"];

impl Fly {
    /// Refuses what the platform does not even look at.
    pub(super) fn admit(&mut self, call: &Call) -> Result<(), Fault> {
        let token = self.token(call)?;
        let (organisation, parts) = (token.organisation.clone(), call.parts());
        if token.read_only && call.method != "GET" {
            return Err(Fault::new(403, "the token may only read"));
        }
        let named = match parts.as_slice() {
            ["v1", "apps", name, ..] | ["api", "v1", "apps", name, ..] => Some(*name),
            _ => None,
        };
        let allowed = |name: &str| token.apps.is_empty() || token.apps.iter().any(|known| known == name);
        // A deploy token is for one app and makes none (fly.io/docs/security/tokens).
        if named.is_some_and(|name| !allowed(name)) || (!token.apps.is_empty() && parts == ["v1", "apps"]) {
            return Err(Fault::new(403, "the token is not for this app"));
        }
        // The name of another organisation's app: flyctl reads 403 as taken.
        let foreign = |name: &str| {
            self.stage.options.others.iter().any(|known| known == name)
                || self.apps.iter().any(|app| app.name == name && app.organisation != organisation)
        };
        if named.is_some_and(foreign) {
            return Err(Fault::new(403, "the app is another organisation's"));
        }
        if self.stage.options.limits && !self.limits.count(call, self.stage.now) {
            return Err(Fault::new(429, "rate limit exceeded"));
        }
        Ok(())
    }

    /// Whose request it is. Both schemes are taken (fly.io/docs/machines/api/working-with-machines-api).
    pub(super) fn token(&self, call: &Call) -> Result<&Token, Fault> {
        let header = call.header("authorization").unwrap_or_default();
        let value =
            ["FlyV1 ", "Bearer "].iter().find_map(|scheme| header.strip_prefix(scheme)).unwrap_or_default();
        let found = self.stage.options.tokens.iter().find(|token| token.value == value.trim());
        found.ok_or_else(|| Fault::new(401, "unauthorized"))
    }

    pub(super) fn route(&mut self, call: &Call) -> Answer {
        let parts = call.parts();
        match (call.method.as_str(), parts.as_slice()) {
            ("GET", ["v1", "tokens", "current"]) => self.current_token(call),
            ("GET", ["v1", "platform", "regions"]) => Ok(self.regions()),
            ("POST", ["v1", "platform", "placements"]) => self.placements(call),
            ("GET", ["v1", "apps"]) => self.list_apps(call),
            ("POST", ["v1", "apps"]) => self.create_app(call),
            ("GET", ["v1", "apps", app]) => self.show_app(app),
            ("DELETE", ["v1", "apps", app]) => self.delete_app(app),
            ("GET", ["api", "v1", "apps", app, "logs"]) => self.read_logs(call, app),
            (_, ["v1", "apps", app, rest @ ..]) => self.app_route(call, app, rest),
            _ => Err(strange(call)),
        }
    }

    /// Below `/v1/apps/{app}`.
    fn app_route(&mut self, call: &Call, app: &str, rest: &[&str]) -> Answer {
        self.app(app)?;
        match rest {
            ["ip_assignments", rest @ ..] => self.ip_route(call, app, rest),
            ["volumes", rest @ ..] => self.volume_route(call, app, rest),
            ["secrets", rest @ ..] => self.secret_route(call, app, rest),
            ["certificates", rest @ ..] => self.certificate_route(call, app, rest),
            ["machines"] => match call.method.as_str() {
                "GET" => self.list_machines(call, app),
                "POST" => self.create_machine(call, app),
                _ => Err(strange(call)),
            },
            ["machines", id, rest @ ..] => self.machine_route(call, app, id, rest),
            _ => Err(strange(call)),
        }
    }

    /// Below `/v1/apps/{app}/machines/{id}`.
    fn machine_route(&mut self, call: &Call, app: &str, id: &str, rest: &[&str]) -> Answer {
        self.app(app)?.machine_at(id)?;
        match (call.method.as_str(), rest) {
            ("GET", []) => self.one_machine(app, id),
            ("POST", []) => self.update_machine(call, app, id),
            ("DELETE", []) => self.delete_machine(call, app, id),
            ("GET", ["wait"]) => self.wait(call, app, id),
            ("GET", ["versions"]) => self.machine_versions(app, id),
            ("GET", ["events"]) => self.machine_events(call, app, id),
            ("POST", ["start" | "stop" | "restart" | "cordon" | "uncordon"]) => {
                self.power(call, app, id, rest[0])
            }
            (_, ["lease"]) => self.lease(call, app, id),
            (_, ["metadata", rest @ ..]) => self.metadata(call, app, id, rest),
            _ => Err(strange(call)),
        }
    }
}

/// What leads nowhere.
pub(super) fn strange(call: &Call) -> Fault {
    let what = format!("{} {}", call.method, call.path);
    if call.parts().iter().any(|part| UNPLAYED.contains(part)) || call.path.starts_with("/graphql") {
        return Fault::unplayed(&what);
    }
    Fault::new(404, format!("no such endpoint: {what}"))
}

/// An answer with nothing to say.
pub(super) fn done() -> Reply {
    Reply::json(200, &json!({ "ok": true }))
}
