//! Waiting until a machine has a state: a request that blocks.
//!
//! Given: requests. Gives: 200 once it has, 408 where it has not yet, 400 where it never will. Deliberately absent: the blocking,
//! which the server does by asking again.

use serde_json::json;

use super::Fly;
use super::fault::{Answer, Fault};
use super::state::{Machine, Phase};
use crate::{Call, Moment, Reply};

/// The longest that a request blocks, seconds.
const LONGEST: u64 = 60;

/// What can be waited for.
const STATES: &[&str] = &["started", "stopped", "suspended", "destroyed", "failed", "settled"];

impl Fly {
    pub(super) fn wait(&self, call: &Call, app: &str, id: &str) -> Answer {
        let machine = self.app(app)?.machine(id)?;
        timeout(call)?;
        let state = machine.state(self.stage.now, self.stage.options.boot);
        if self.reached(call, machine)? {
            let event = machine.events.last().map(|event| event.id.clone());
            let shown = json!({ "ok": true, "state": state, "version": machine.instance, "event_id": event });
            return Ok(Reply::json(200, &shown));
        }
        Err(Fault::new(408, format!("timed out: the machine is {state}")))
    }

    /// True where a request need not block any longer.
    pub(super) fn waited(&self, call: &Call, came: Moment) -> bool {
        let parts = call.parts();
        let ("GET", ["v1", "apps", app, "machines", id, "wait"]) = (call.method.as_str(), parts.as_slice())
        else {
            return true;
        };
        let Ok(machine) = self.app(app).and_then(|app| app.machine(id)) else { return true };
        let patient = timeout(call).is_ok_and(|timeout| self.stage.now < came + timeout);
        self.token(call).is_err() || !patient || !matches!(self.reached(call, machine), Ok(false))
    }

    /// # Errors
    /// Where it never will.
    fn reached(&self, call: &Call, machine: &Machine) -> Result<bool, Fault> {
        let asked: Vec<&str> = call.asked_all("state").flat_map(|states| states.split(',')).collect();
        if let Some(strange) = asked.iter().find(|state| !STATES.contains(state)) {
            return Err(Fault::bad(format!("no state to wait for: {strange}")));
        }
        let asked = if asked.is_empty() { vec!["started"] } else { asked };
        let version = call.asked("version").or_else(|| call.asked("instance_id"));
        if version.is_some_and(|version| version != machine.instance) {
            return Err(Fault::bad(format!("the version was replaced by {}", machine.instance)));
        }
        let state = machine.state(self.stage.now, self.stage.options.boot);
        let settled = matches!(
            machine.phase,
            Phase::Created | Phase::Started { .. } | Phase::Stopped | Phase::Destroyed
        );
        let reached = asked.iter().any(|asked| *asked == state || (*asked == "settled" && settled));
        if !reached && !machine.is_there() && !asked.contains(&"destroyed") {
            return Err(Fault::bad(format!("the machine is {state}")));
        }
        Ok(reached)
    }
}

fn timeout(call: &Call) -> Result<Moment, Fault> {
    let Some(text) = call.asked("timeout") else { return Ok(Moment::from_secs(LONGEST)) };
    match text.trim_end_matches('s').parse() {
        Ok(seconds) if seconds <= LONGEST => Ok(Moment::from_secs(seconds)),
        _ => Err(Fault::bad("timeout is a number of seconds, at most 60")),
    }
}
