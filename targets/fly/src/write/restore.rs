//! The way back: machines as they were before a change, and the end of what was kept for it.

use dashdeploy_contract::{ErrorKind, TargetError};
use serde_json::Value;

use super::Hand;
use super::strategy::{PROXY, is_former, is_ours};
use crate::desired::Desired;
use crate::error::ours;
use crate::marks;
use crate::payload::{Former, Way};
use crate::wire::Machine;

impl Hand {
    /// Brings the machines back that were there before, and takes away those that a change made. Safe to repeat.
    pub(super) async fn restore(
        &self,
        desired: &Desired,
        way: Way,
        former: &[Former],
    ) -> Result<(), TargetError> {
        let app = desired.app.as_str();
        let there = self.api.machines(app).await?.unwrap_or_default();
        let mut missing = Vec::new();
        let mut changed = Vec::new();
        for before in former.iter().filter(|before| before.stage() == marks::LIVE) {
            let Some(machine) = there.iter().find(|machine| machine.id == before.id) else {
                missing.push(before.id.as_str());
                continue;
            };
            if differs(machine, before) {
                changed.push(self.put(app, machine, &before.config).await?);
            }
            if machine.mark(marks::STAGE).unwrap_or(marks::LIVE) != marks::LIVE {
                self.order(app, &machine.id, "uncordon").await?;
                self.stage(app, &machine.id, marks::LIVE).await?;
            }
        }
        for machine in &changed {
            self.started(app, machine).await?;
        }
        let made: Vec<&Machine> =
            there.iter().filter(|machine| is_ours(machine, desired) && !is_former(machine, former)).collect();
        // Those that took traffic already: the proxy is to know the former ones first.
        let asked = |machine: &&Machine| machine.mark(marks::STAGE) != Some(marks::GREEN);
        if way == Way::Exchange && !former.is_empty() && made.iter().any(asked) {
            self.sleep(PROXY).await;
        }
        for machine in made {
            self.remove(app, machine, !former.is_empty()).await?;
        }
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("machine {} of before is gone", missing.join(", "));
        Err(ours(ErrorKind::NotFound, format!("restore machines of {app}"), message)
            .hint("deploy the former release: `dashdeploy rollback`"))
    }

    /// Takes the machines away that stand aside for the way back.
    pub(super) async fn drop_former(&self, app: &str, former: &[Former]) -> Result<(), TargetError> {
        let there = self.api.machines(app).await?.unwrap_or_default();
        let aside = |machine: &&Machine| {
            is_former(machine, former) && machine.mark(marks::STAGE).is_some_and(|stage| stage != marks::LIVE)
        };
        for machine in there.iter().filter(aside) {
            self.remove(app, machine, true).await?;
        }
        Ok(())
    }
}

/// True where a machine has another configuration than before. Marks tell, and what a hand may have changed beside them.
fn differs(machine: &Machine, before: &Former) -> bool {
    let Some(config) = machine.known_config() else { return false };
    let part = |config: &Value, name: &str| config.get(name).cloned().unwrap_or_default();
    let mark = |config: &Value, name: &str| part(&part(config, "metadata"), name);
    ["image", "env", "guest"].iter().any(|name| part(config, name) != part(&before.config, name))
        || [marks::GENERATION, marks::CONFIG, marks::SECRETS]
            .iter()
            .any(|name| mark(config, name) != mark(&before.config, name))
}
