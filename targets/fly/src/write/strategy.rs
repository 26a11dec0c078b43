//! How machines of a release take the place of others (fly.io/docs/reference/configuration, "Picking a deployment strategy"; the
//! platform's API has no deploy of its own, so that the strategies are carried out here).

use std::time::Duration;

use dashdeploy_contract::{Supplies, TargetError};

use super::Hand;
use super::machines::Form;
use crate::desired::Desired;
use crate::payload::Former;
use crate::wire::Machine;

impl Hand {
    /// Brings the machines to what shall be, by the strategy. What takes traffic until then stays until the end.
    pub(super) async fn machines(
        &self,
        desired: &Desired,
        former: &[Former],
        supplies: &Supplies,
    ) -> Result<(), TargetError> {
        if former.is_empty() {
            return self.first(desired, supplies).await;
        }
        match desired.strategy.as_str() {
            "bluegreen" => self.blue_green(desired, former, supplies).await,
            "canary" => {
                self.canary(desired, supplies).await?;
                self.rolling(desired, former, supplies, true).await
            }
            "immediate" => self.rolling(desired, former, supplies, false).await,
            _ => self.rolling(desired, former, supplies, true).await,
        }
    }

    /// The names of the machines that one form has: another form's are others, so that a name tells what was made already.
    fn names(desired: &Desired) -> Vec<String> {
        let generation = desired.generation();
        (1..=desired.replicas).map(|n| format!("{}-{generation}-{n}", desired.app)).collect()
    }

    async fn first(&self, desired: &Desired, supplies: &Supplies) -> Result<(), TargetError> {
        let form = self.form(desired, supplies, true).await?;
        let mut made = Vec::new();
        for name in Self::names(desired) {
            made.push(self.make(desired, &form, &name, true).await?);
        }
        for machine in &made {
            self.started(&desired.app, machine).await?;
        }
        Ok(())
    }

    /// One machine after the other, each in its place; the next when this one is healthy.
    async fn rolling(
        &self,
        desired: &Desired,
        former: &[Former],
        supplies: &Supplies,
        careful: bool,
    ) -> Result<(), TargetError> {
        let form = self.form(desired, supplies, true).await?;
        let there = self.there(desired).await?;
        let kept = usize::try_from(desired.replicas).unwrap_or(1);
        let mut names = Self::names(desired).into_iter();
        let known = former.iter().filter_map(|former| there.iter().find(|machine| machine.id == former.id));
        let known: Vec<&Machine> = known.take(kept).collect();
        for machine in &known {
            let started = if is_of(machine, desired) && machine.state == "started" {
                (*machine).clone()
            } else if is_of(machine, desired) {
                self.start(&desired.app, machine).await?;
                (*machine).clone()
            } else {
                self.update(desired, &form, machine).await?
            };
            if careful {
                self.started(&desired.app, &started).await?;
            }
            if careful && known.len() > 1 {
                self.healthy(&desired.app, &started).await?;
            }
        }
        for _ in known.len()..kept {
            let Some(name) = names.next() else { break };
            let machine = self.make(desired, &form, &name, true).await?;
            self.started(&desired.app, &machine).await?;
        }
        Ok(())
    }

    /// One machine more, out of the proxy, which has to become healthy and goes again.
    async fn canary(&self, desired: &Desired, supplies: &Supplies) -> Result<(), TargetError> {
        let mut form = self.form(desired, supplies, false).await?;
        form.config["metadata"]["fly_canary"] = serde_json::json!("true");
        let name = format!("{}-{}-canary", desired.app, desired.generation());
        let machine = self.make(desired, &form, &name, false).await?;
        let tried = async {
            self.started(&desired.app, &machine).await?;
            self.healthy(&desired.app, &machine).await
        };
        let tried = tried.await;
        self.remove_machines(&desired.app, std::slice::from_ref(&machine.id)).await?;
        tried
    }

    /// New machines beside the old: healthy before the proxy sends anybody to them, then the old ones out of the proxy. These stay
    /// until the verdict.
    async fn blue_green(
        &self,
        desired: &Desired,
        former: &[Former],
        supplies: &Supplies,
    ) -> Result<(), TargetError> {
        let app = &desired.app;
        let form: Form = self.form(desired, supplies, false).await?;
        let mut green = Vec::new();
        for name in Self::names(desired) {
            green.push(self.make(desired, &form, &name, false).await?);
        }
        for machine in &green {
            self.started(app, machine).await?;
        }
        for machine in &green {
            self.healthy(app, machine).await?;
        }
        for machine in &green {
            self.proxied(app, &machine.id, true).await?;
            self.mark_live(app, &machine.id).await?;
        }
        // The proxy learns of new machines, and forgets old ones, within some seconds.
        self.pause(desired).await;
        let there = self.there(desired).await?;
        let is_green = |id: &str| green.iter().any(|machine| machine.id == id);
        for blue in former
            .iter()
            .filter(|blue| !is_green(&blue.id) && there.iter().any(|machine| machine.id == blue.id))
        {
            self.proxied(app, &blue.id, false).await?;
        }
        Ok(())
    }

    async fn pause(&self, desired: &Desired) {
        self.api.clock.sleep(Duration::from_secs(u64::from(desired.drain))).await;
    }

    async fn start(&self, app: &str, machine: &Machine) -> Result<(), TargetError> {
        let operation = format!("start machine {}", machine.name);
        let path = format!("/apps/{app}/machines/{}/start", machine.id);
        self.api.change(crate::api::Change::post(&operation, &path, serde_json::json!({}))).await.map(|_| ())
    }

    /// Brings the machines back that were there before, and takes away those that this change made.
    pub(super) async fn restore(&self, desired: &Desired, former: &[Former]) -> Result<(), TargetError> {
        let there = self.there(desired).await?;
        let mut updated = Vec::new();
        for blue in former {
            let Some(machine) = there.iter().find(|machine| machine.id == blue.id) else { continue };
            if machine.config.as_ref().is_none_or(|config| {
                config.get("image") != blue.config.get("image") || is_of(machine, desired)
            }) {
                updated.push(self.put(&desired.app, machine, blue.config.clone(), None).await?);
            } else if blue.live {
                self.proxied(&desired.app, &blue.id, true).await?;
            }
        }
        for machine in &updated {
            self.started(&desired.app, machine).await?;
        }
        if former.iter().any(|blue| blue.live) && desired.strategy == "bluegreen" {
            self.pause(desired).await;
        }
        let made = there.iter().filter(|machine| {
            !former.iter().any(|former| former.id == machine.id) && is_ours(machine, desired)
        });
        let made: Vec<String> = made.map(|machine| machine.id.clone()).collect();
        self.remove_machines(&desired.app, &made).await
    }

    /// Takes machines of before away that are none of the release's, and those that are too many.
    pub(super) async fn drop_former(&self, desired: &Desired, former: &[Former]) -> Result<(), TargetError> {
        let there = self.there(desired).await?;
        let known = |machine: &Machine| former.iter().any(|former| former.id == machine.id);
        let mut old: Vec<&Machine> =
            there.iter().filter(|machine| known(machine) && !is_of(machine, desired)).collect();
        let wanted = usize::try_from(desired.replicas).unwrap_or(1);
        old.extend(there.iter().filter(|machine| is_of(machine, desired)).skip(wanted));
        if old.is_empty() {
            return Ok(());
        }
        // Requests that came before the proxy forgot the machine come to their end.
        self.pause(desired).await;
        for machine in old {
            let operation = format!("stop machine {}", machine.name);
            let path = format!("/apps/{}/machines/{}/stop", desired.app, machine.id);
            // One that cannot be stopped is removed by force.
            let _ = self.api.change(crate::api::Change::post(&operation, &path, serde_json::json!({}))).await;
            self.remove_machines(&desired.app, std::slice::from_ref(&machine.id)).await?;
        }
        Ok(())
    }
}

fn is_of(machine: &Machine, desired: &Desired) -> bool {
    machine.mark("dashdeploy_generation") == Some(desired.generation().as_str())
}

fn is_ours(machine: &Machine, desired: &Desired) -> bool {
    desired.marks.iter().all(|(mark, value)| machine.mark(mark) == Some(value))
}
