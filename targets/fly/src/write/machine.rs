//! One machine: made, changed under a lease, waited for, taken in and out of the proxy, taken away.

use std::time::Duration;

use dashdeploy_contract::{ErrorKind, Health, TargetError};
use serde_json::{Value, json};

use super::holdings::unseen;
use super::{ATTEMPTS, Hand, LAG, LOOKS, is_unsure};
use crate::api::{Send, decoded};
use crate::error::{is_taken, ours, refused, unanswered};
use crate::health;
use crate::marks;
use crate::wire::{Lease, LeaseAnswer, Machine};

/// Seconds for which a machine may start, and for which its checks may take to pass; flyctl waits as long.
const PATIENCE: i64 = 300;
/// Seconds of one wait for a state, after which it is looked whether the program ends again and again; Fly.io holds the answer
/// back for 60 at most.
const WAIT: u64 = 10;
/// Seconds after which a lease ends by itself, so that a run that was killed is in nobody's way for long; it is held for one call
/// (flyctl, which holds one for a whole deploy, takes 13 and renews it).
const LEASE: u64 = 15;
/// How what a lease of ours says of itself begins; the rest is the run's own.
pub(super) const HOLDER: &str = "dashdeploy";
/// Seconds that a machine may take to stop before it is taken away all the same: its `stop_config` allows 30.
const STOPS: u64 = 40;

/// A machine to be made.
pub(super) struct New<'a> {
    pub(super) app: &'a str,
    pub(super) name: &'a str,
    pub(super) region: &'a str,
    pub(super) config: Value,
    /// False where Fly's proxy is not to know it yet.
    pub(super) registered: bool,
}

impl Hand {
    /// Makes a machine, or finds the one that was made under its name: a machine's name is unique in its app.
    pub(super) async fn make(&self, new: &New<'_>) -> Result<Machine, TargetError> {
        let operation = format!("create machine {} of {}", new.name, new.app);
        let path = format!("/apps/{}/machines", new.app);
        let mut body = json!({
            "name": new.name, "region": new.region, "config": new.config,
            "skip_service_registration": !new.registered,
        });
        if let Some(version) = self.version(new.app) {
            body["min_secrets_version"] = json!(version);
        }
        for _ in 0..ATTEMPTS {
            let sent = self.api.send(&Send::create(&operation, &path, body.clone())).await;
            let taken = matches!(&sent, Ok(answer) if is_taken(answer));
            if !taken && !is_unsure(&sent) {
                let answer = sent.map_err(|error| unanswered(error, &operation))?;
                match decoded(&answer, &operation) {
                    // It was made, whatever became of the words about it.
                    Err(_) if answer.is_success() => {
                        return self.made(new).await?.ok_or_else(|| unseen(operation));
                    }
                    decoded => return decoded,
                }
            }
            if let Some(found) = self.made(new).await? {
                return Ok(found);
            }
            if let (true, Ok(answer)) = (taken, &sent) {
                return Err(refused(answer, &operation).hint("`fly machine list` shows what has the name"));
            }
        }
        Err(unseen(operation))
    }

    /// The machine that was made under a name, once lists have it.
    async fn made(&self, new: &New<'_>) -> Result<Option<Machine>, TargetError> {
        for look in 0..LOOKS {
            if look > 0 {
                self.sleep(LAG).await;
            }
            let all = self.api.machines(new.app).await?.unwrap_or_default();
            let Some(found) = all.into_iter().find(|machine| machine.name == new.name) else { continue };
            let same = |mark: &str| {
                found.mark(mark) == new.config.pointer(&format!("/metadata/{mark}")).and_then(Value::as_str)
            };
            if [marks::PROJECT, marks::ENVIRONMENT, marks::SERVICE, marks::GENERATION]
                .iter()
                .all(|mark| same(mark))
            {
                return Ok(Some(found));
            }
            let message = format!("a machine `{}` is there, and this deploy did not make it", new.name);
            return Err(ours(ErrorKind::Conflict, format!("create machine {}", new.name), message)
                .hint(format!("`fly machine status {} --app {}` shows what it is", found.id, new.app)));
        }
        Ok(None)
    }

    /// Gives a machine another configuration, whole: its program starts anew in its place.
    pub(super) async fn put(
        &self,
        app: &str,
        machine: &Machine,
        config: &Value,
    ) -> Result<Machine, TargetError> {
        let operation = format!("update machine {} of {app}", machine.name);
        if !machine.is_reachable() {
            let message = "its host does not answer, so that its configuration cannot be changed safely";
            return Err(ours(ErrorKind::Unavailable, operation, message)
                .hint("wait until Fly.io has mended the host (https://status.flyio.net)"));
        }
        let mut body = json!({ "config": config, "region": machine.region });
        if let Some(version) = self.version(app) {
            body["min_secrets_version"] = json!(version);
        }
        for _ in 0..ATTEMPTS {
            // A lease for each attempt: it may have ended while no answer came.
            let nonce = self.lease(app, machine).await?;
            let path = format!("/apps/{app}/machines/{}", machine.id);
            let update = Send { nonce: Some(&nonce), ..Send::create(&operation, &path, body.clone()) };
            let sent = self.api.send(&update).await;
            self.release(app, machine, &nonce).await;
            if !is_unsure(&sent) {
                let answer = sent.map_err(|error| unanswered(error, &operation))?;
                match decoded(&answer, &operation) {
                    Err(_) if answer.is_success() => {}
                    decoded => return decoded,
                }
            }
            if let Some(found) = self.changed(app, machine, &body).await? {
                return Ok(found);
            }
        }
        Err(unseen(operation))
    }

    /// The machine where it has the configuration already that it was to get: it is of another version, and bears its marks.
    async fn changed(
        &self,
        app: &str,
        machine: &Machine,
        body: &Value,
    ) -> Result<Option<Machine>, TargetError> {
        for _ in 0..LOOKS {
            self.sleep(LAG).await;
            let Some(found) = self.api.machine(app, &machine.id).await? else { continue };
            let metadata = found.known_config().and_then(|config| config.get("metadata"));
            if found.instance_id != machine.instance_id && metadata == body.pointer("/config/metadata") {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Takes the lease of a machine, so that nobody else changes it: its nonce. One that a run of ours left is waited for; one that
    /// this run got without an answer is looked up (flyctl's `machine leases clear` reads the nonce so).
    async fn lease(&self, app: &str, machine: &Machine) -> Result<String, TargetError> {
        let operation = format!("take the lease of machine {}", machine.name);
        let path = format!("/apps/{app}/machines/{}/lease", machine.id);
        let body = json!({ "ttl": LEASE, "description": self.holder });
        let mut waited = 0;
        loop {
            let sent = self.api.send(&Send::create(&operation, &path, body.clone())).await;
            let held = matches!(&sent, Ok(answer) if answer.status == 409);
            if !held && !is_unsure(&sent) {
                let answer = sent.map_err(|error| unanswered(error, &operation))?;
                return Ok(decoded::<LeaseAnswer>(&answer, &operation)?.lease().nonce);
            }
            let holder = self.api.lease(app, &machine.id).await?;
            let this_run = |lease: &&Lease| lease.description == self.holder && !lease.nonce.is_empty();
            if let Some(lease) = holder.as_ref().filter(this_run) {
                return Ok(lease.nonce.clone());
            }
            let ours_or_none = holder.as_ref().is_none_or(|lease| lease.description.starts_with(HOLDER));
            if !ours_or_none || waited > LEASE + 10 {
                return Err(held_by(&operation, holder.as_ref()));
            }
            self.sleep(Duration::from_secs(2)).await;
            waited += 2;
        }
    }

    async fn release(&self, app: &str, machine: &Machine, nonce: &str) {
        let operation = format!("give back the lease of machine {}", machine.name);
        let path = format!("/apps/{app}/machines/{}/lease", machine.id);
        let release = Send { nonce: Some(nonce), ..Send::delete(&operation, &path) };
        // Where this fails, the lease ends by itself.
        let _ = self.api.send(&release).await;
    }

    /// Waits until a machine is started.
    pub(super) async fn started(&self, app: &str, machine: &Machine) -> Result<(), TargetError> {
        let until = self.api.clock.now() + PATIENCE;
        for _ in 0..PATIENCE {
            match self.api.wait(app, machine, "started", WAIT).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.kind == ErrorKind::Invalid => {
                    let seen = self.api.machine(app, &machine.id).await?;
                    return Err(seen.map_or(error, |seen| failed(&seen, self.api.clock.now())));
                }
                Err(error) => return Err(error),
            }
            if let Some(seen) = self.api.machine(app, &machine.id).await?
                && health::ended(&seen, self.api.clock.now()).is_some()
            {
                return Err(failed(&seen, self.api.clock.now()));
            }
            if self.api.clock.now() >= until {
                break;
            }
            self.sleep(LAG).await;
        }
        let message = format!("it did not start within {PATIENCE} s");
        Err(ours(ErrorKind::Unavailable, format!("start machine {}", machine.name), message)
            .hint("`dashdeploy logs` shows what it prints")
            .unhealthy())
    }

    /// Waits until a machine's checks pass; one without a check only has to run.
    pub(super) async fn passing(&self, app: &str, machine: &Machine) -> Result<(), TargetError> {
        let operation = format!("wait until machine {} is healthy", machine.name);
        let until = self.api.clock.now() + PATIENCE;
        for _ in 0..PATIENCE {
            let seen = self.api.machine(app, &machine.id).await?;
            let seen = seen.ok_or_else(|| ours(ErrorKind::NotFound, operation.clone(), "it is gone"))?;
            match health::one(&seen, self.api.clock.now()) {
                Health::Healthy | Health::Running => return Ok(()),
                Health::Exited { .. } => return Err(failed(&seen, self.api.clock.now())),
                Health::Unhealthy { detail } => {
                    let message = format!("its health check fails: {}", detail.trim());
                    return Err(ours(ErrorKind::Unavailable, operation, message).hint(LOGS).unhealthy());
                }
                Health::Starting | Health::Absent => {}
            }
            if self.api.clock.now() >= until {
                break;
            }
            self.sleep(LAG).await;
        }
        let message = format!("its health check did not pass within {PATIENCE} s");
        Err(ours(ErrorKind::Unavailable, operation, message).hint(LOGS).unhealthy())
    }

    /// Says of a machine which part it has in an exchange.
    pub(super) async fn stage(&self, app: &str, machine: &str, stage: &str) -> Result<(), TargetError> {
        self.mark(app, machine, marks::STAGE, stage).await
    }

    /// Says of machines that the app has what it should have.
    pub(super) async fn mark_set_up(
        &self,
        app: &str,
        machines: &[String],
        setup: &str,
    ) -> Result<(), TargetError> {
        for machine in machines {
            self.mark(app, machine, marks::SETUP, setup).await?;
        }
        Ok(())
    }

    async fn mark(&self, app: &str, machine: &str, mark: &str, value: &str) -> Result<(), TargetError> {
        let operation = format!("mark machine {machine} of {app}: {mark}={value}");
        let path = format!("/apps/{app}/machines/{machine}/metadata/{mark}");
        self.api.change(&Send::mark(&operation, &path, value)).await.map(|_| ())
    }

    /// Takes a machine into Fly's proxy (`uncordon`), out of it (`cordon`), or starts it (`start`). All may be repeated.
    pub(super) async fn order(&self, app: &str, machine: &str, word: &str) -> Result<(), TargetError> {
        let operation = format!("{word} machine {machine} of {app}");
        let path = format!("/apps/{app}/machines/{machine}/{word}");
        self.api.change(&Send::bare(&operation, &path)).await.map(|_| ())
    }

    /// Starts a machine's program anew.
    pub(super) async fn restart(&self, app: &str, id: &str) -> Result<(), TargetError> {
        let Some(machine) = self.api.machine(app, id).await? else { return Ok(()) };
        let nonce = self.lease(app, &machine).await?;
        let (operation, path) =
            (format!("restart machine {}", machine.name), format!("/apps/{app}/machines/{id}/restart"));
        let restart = Send { nonce: Some(&nonce), ..Send::bare(&operation, &path) };
        let done = self.api.change(&restart).await;
        self.release(app, &machine, &nonce).await;
        done?;
        self.started(app, &machine).await
    }

    /// Takes a machine away; its program gets the time to end that its configuration allows, where it is asked to.
    pub(super) async fn remove(&self, app: &str, machine: &Machine, gently: bool) -> Result<(), TargetError> {
        if gently && machine.is_reachable() && machine.state == "started" {
            // A machine that cannot be stopped is taken away all the same.
            if self.order(app, &machine.id, "stop").await.is_ok() {
                let _ = self.api.wait(app, machine, "stopped", STOPS).await;
            }
        }
        self.destroy(app, &machine.id).await
    }

    /// Takes a machine away at once; one that is gone is as good.
    pub(super) async fn destroy(&self, app: &str, machine: &str) -> Result<(), TargetError> {
        let operation = format!("destroy machine {machine} of {app}");
        let path = format!("/apps/{app}/machines/{machine}?force=true");
        self.api.take_away(&Send::delete(&operation, &path)).await
    }

    /// Takes machines away.
    pub(super) async fn remove_machines(&self, app: &str, machines: &[String]) -> Result<(), TargetError> {
        let there = self.api.machines(app).await?.unwrap_or_default();
        for id in machines {
            match there.iter().find(|machine| machine.id == *id) {
                Some(machine) => self.remove(app, machine, true).await?,
                // Lists may lag behind: what is not in them may be there all the same.
                None => self.destroy(app, id).await?,
            }
        }
        Ok(())
    }
}

const LOGS: &str = "`dashdeploy logs` shows what it prints; try the image with `dashdeploy up`";

/// Why a machine does not start, by what happened to it.
fn failed(machine: &Machine, now: i64) -> TargetError {
    let what = match health::ended(machine, now) {
        Some(Health::Exited { code, detail }) if detail.is_empty() => {
            format!("its program ended with code {code}")
        }
        Some(Health::Exited { code, detail }) => format!("its program ended with code {code}: {detail}"),
        _ => format!("it is {}", machine.state),
    };
    let last = machine.last_event().map(|event| format!(" (last event: {event})")).unwrap_or_default();
    ours(ErrorKind::Unavailable, format!("start machine {}", machine.name), format!("{what}{last}"))
        .hint(LOGS)
        .unhealthy()
}

fn held_by(operation: &str, holder: Option<&Lease>) -> TargetError {
    let who = match holder {
        Some(lease) if lease.description.is_empty() => lease.owner.clone(),
        Some(lease) => format!("{} ({})", lease.owner, lease.description),
        None => "somebody".to_owned(),
    };
    ours(ErrorKind::Conflict, operation, format!("{who} is changing it"))
        .hint("`fly machine leases view` shows the lease: repeat the command when it has ended")
}
