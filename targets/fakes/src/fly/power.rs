//! Machines started, stopped, taken out of and put before the proxy, held by a lease.
//!
//! Given: requests. Gives: answers. Deliberately absent: suspending.

use serde_json::{Value, json};

use super::body::{Lease as Asked, Stop};
use super::fault::{Answer, Fault};
use super::route::{done, strange};
use super::state::{Lease, Phase};
use super::{Fly, Stage};
use crate::{Call, Reply};

impl Fly {
    pub(super) fn power(&mut self, call: &Call, app: &str, id: &str, word: &str) -> Answer {
        let (app, stage) = self.staged(app)?;
        let at = app.machine_at(id)?;
        stage.may_change(&app.machines[at], call)?;
        let machine = &mut app.machines[at];
        let runs =
            matches!(machine.phase, Phase::Booting { .. } | Phase::Started { .. } | Phase::Restarting { .. });
        match word {
            "cordon" => machine.cordoned = true,
            "uncordon" => machine.cordoned = false,
            "stop" => {
                let _: Stop = call.json().map_err(Fault::bad)?;
                if runs {
                    machine.phase = Phase::Stopping { until: stage.now + stage.options.stop };
                    machine.checks.clear();
                    stage.happened(machine, "stop", "stopping", "user", json!({}));
                }
            }
            // One that boots or runs is left alone. Not documented.
            "start" if runs => {}
            "start" if matches!(machine.phase, Phase::Stopping { .. }) => {
                return Err(Fault::new(412, "failed_precondition: the machine is stopping"));
            }
            _ => {
                stage.options.runner.stop(&machine.job(), stage.now);
                machine.restarts = 0;
                stage.happened(machine, "start", "starting", "user", json!({}));
                stage.boot(app, at, false);
            }
        }
        stage.settle(app);
        Ok(done())
    }

    /// Taken, kept for longer, shown, given back.
    pub(super) fn lease(&mut self, call: &Call, app: &str, id: &str) -> Answer {
        let (app, stage) = self.staged(app)?;
        let at = app.machine_at(id)?;
        let machine = &mut app.machines[at];
        match call.method.as_str() {
            "GET" => {
                let lease = stage.held(machine).ok_or_else(|| Fault::missing("lease"))?;
                Ok(Reply::json(200, &stage.show_lease(lease, &machine.instance)))
            }
            "POST" => {
                stage.may_change(machine, call)?;
                let asked: Asked = call.json().map_err(Fault::bad)?;
                let mut lease =
                    stage.lease_for(asked.ttl.unwrap_or(30), asked.description.unwrap_or_default());
                if let Some(known) = stage.held(machine) {
                    lease.nonce.clone_from(&known.nonce);
                }
                machine.lease = Some(lease.clone());
                Ok(Reply::json(201, &stage.show_lease(&lease, &machine.instance)))
            }
            "DELETE" => {
                stage.may_change(machine, call)?;
                machine.lease = None;
                Ok(done())
            }
            _ => Err(strange(call)),
        }
    }
}

impl Stage {
    /// In `data`, where the vendor's Go client looks for it, and flat, as the vendor's document has it.
    fn show_lease(&self, lease: &Lease, version: &str) -> Value {
        let flat = json!({
            "nonce": lease.nonce, "expires_at": self.options.started.saturating_add(lease.ends).as_secs(),
            "owner": "rehearsal@example.com", "description": lease.description, "version": version,
        });
        let mut shown = flat.clone();
        shown["status"] = json!("success");
        shown["data"] = flat;
        shown
    }
}
