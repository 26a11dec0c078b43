//! One machine: made, updated, waited for.

use dashdeploy_contract::{ErrorKind, Supplies, TargetError};
use serde_json::{Map, Value, json};

use super::Hand;
use crate::api::{Change, decoded};
use crate::desired::{Desired, OWNER};
use crate::error::{is_open, ours, refused, unanswered};
use crate::health;
use crate::observe::word;
use crate::wire::{self, Machine};
use dashdeploy_contract::Health;

/// Seconds that a machine may take to start, as flyctl has it.
const START: u64 = 300;
/// Seconds of one wait; the platform allows 60.
const WAIT: u64 = 20;
/// Looks at a machine's checks, a second apart, before the next machine's turn.
const CHECKS: u32 = 300;

/// What a machine is made or updated with.
pub(super) struct Form {
    pub(super) config: Value,
    pub(super) version: Option<u64>,
}

impl Hand {
    /// What all machines of a change are made with. The digests of secrets are read now: the machine starts with these.
    pub(super) async fn form(
        &self,
        desired: &Desired,
        supplies: &Supplies,
        live: bool,
    ) -> Result<Form, TargetError> {
        let image = supplies.image(&desired.service).ok_or_else(|| {
            ours(
                ErrorKind::Invalid,
                format!("start {}", desired.app),
                "its image was not put at the registry".to_owned(),
            )
            .hint("run `dashdeploy deploy`, which puts it there")
        })?;
        let secrets = self.api.secrets(&desired.app).await?.unwrap_or_default();
        let started: Map<String, Value> = secrets
            .secrets
            .iter()
            .filter(|secret| !secret.name.starts_with(OWNER))
            .filter_map(|secret| {
                Some((secret.name.clone(), json!([desired.secrets.get(&secret.name)?, secret.digest])))
            })
            .collect();
        let mut metadata = Map::new();
        metadata.extend(desired.marks.iter().map(|(mark, value)| (mark.clone(), json!(value))));
        let marks = [
            ("dashdeploy_image", desired.image.clone()),
            ("dashdeploy_config", desired.config_hash()),
            ("dashdeploy_generation", desired.generation()),
            ("dashdeploy_secrets", Value::Object(started).to_string()),
            ("dashdeploy_at", self.api.clock.now().to_string()),
            ("dashdeploy_live", word(live).to_owned()),
            ("dashdeploy_public", word(desired.public).to_owned()),
            ("dashdeploy_private", word(desired.private).to_owned()),
            // By these flyctl takes the machine for one of its own, so that it can be used beside.
            ("fly_platform_version", "v2".to_owned()),
            ("fly_process_group", "app".to_owned()),
        ];
        metadata.extend(marks.into_iter().map(|(mark, value)| (mark.to_owned(), Value::String(value))));
        if let Some(number) = desired.release {
            metadata.insert("dashdeploy_release".to_owned(), json!(format!("r{number}")));
        }
        if let Some(volume) = &desired.volume {
            metadata.insert("dashdeploy_volume_gb".to_owned(), json!(volume.size.to_string()));
        }
        let mut config = desired.config.clone();
        config["image"] = json!(image);
        config["metadata"] = Value::Object(metadata);
        let known = self.versions.lock().ok().and_then(|versions| versions.get(&desired.app).copied());
        Ok(Form { config, version: known.or(secrets.version) })
    }

    /// The machine of a name, made where it is not there.
    pub(super) async fn make(
        &self,
        desired: &Desired,
        form: &Form,
        name: &str,
        registered: bool,
    ) -> Result<Machine, TargetError> {
        if let Some(found) = self.by_name(desired, name).await? {
            return Ok(found);
        }
        let operation = format!("make machine {name}");
        let mut config = form.config.clone();
        if let Some(volume) = &desired.volume {
            let found =
                self.find_volume(desired, volume).await?.filter(|found| found.attached_machine_id.is_none());
            let found = found.ok_or_else(|| {
                let message = format!("there is no free volume `{}` in {}", volume.name, desired.region);
                ours(ErrorKind::Conflict, operation.clone(), message)
                    .hint("`fly volumes list` shows which machine has it")
            })?;
            config["mounts"] = json!([{ "volume": found.id, "path": volume.path, "name": volume.name }]);
        }
        let mut body = json!({ "name": name, "region": desired.region, "config": config });
        if let Some(version) = form.version {
            body["min_secrets_version"] = json!(version);
        }
        if !registered {
            body["skip_service_registration"] = json!(true);
        }
        let path = format!("/apps/{}/machines", desired.app);
        let sent = self.api.send(Change::create(&operation, &path, body)).await;
        let open = match &sent {
            Ok(answer) if answer.is_success() => return decoded(answer, &operation),
            Ok(answer) => is_open(answer) || answer.status == 409 || answer.status == 422,
            Err(error) => error.may_have_happened,
        };
        if open {
            // Whether it was made is seen by its name, which no two machines of an app share.
            let found = self.seen_soon(|| async { Ok(self.by_name(desired, name).await?.is_some()) }).await?;
            if found && let Some(machine) = self.by_name(desired, name).await? {
                return Ok(machine);
            }
        }
        match sent {
            Ok(answer) => Err(refused(&answer, &operation)),
            Err(error) => Err(unanswered(error, &operation)),
        }
    }

    /// Our machine of a name.
    async fn by_name(&self, desired: &Desired, name: &str) -> Result<Option<Machine>, TargetError> {
        let machines = self.there(desired).await?;
        Ok(machines.into_iter().find(|machine| machine.name == name))
    }

    /// The app's machines that are there.
    pub(super) async fn there(&self, desired: &Desired) -> Result<Vec<Machine>, TargetError> {
        let machines = self.api.machines(&desired.app).await?.unwrap_or_default();
        Ok(machines.into_iter().filter(Machine::is_there).collect())
    }

    /// Gives a machine another configuration, under a lease; it is started anew in its place and keeps its volume.
    pub(super) async fn update(
        &self,
        desired: &Desired,
        form: &Form,
        machine: &Machine,
    ) -> Result<Machine, TargetError> {
        let mut config = form.config.clone();
        if let Some(mounts) =
            machine.config.as_ref().and_then(|config| config.get("mounts")).filter(|mounts| !mounts.is_null())
        {
            config["mounts"] = mounts.clone();
            if let Some(volume) = &desired.volume {
                config["mounts"][0]["path"] = json!(volume.path);
            }
        }
        self.put(&desired.app, machine, config, form.version).await
    }

    /// Posts a whole configuration under a lease.
    pub(super) async fn put(
        &self,
        app: &str,
        machine: &Machine,
        config: Value,
        version: Option<u64>,
    ) -> Result<Machine, TargetError> {
        if machine.host_status.as_deref().is_some_and(|status| status != "ok") {
            let message = "its host does not answer, so that its configuration cannot be changed safely";
            return Err(ours(ErrorKind::Unavailable, format!("update machine {}", machine.name), message)
                .hint("wait until Fly.io has the host back, or replace the machine by hand"));
        }
        let operation = format!("update machine {}", machine.name);
        let path = format!("/apps/{app}/machines/{}", machine.id);
        let mut body = json!({ "config": config });
        if let Some(version) = version {
            body["min_secrets_version"] = json!(version);
        }
        let nonce = self.api.lease(app, machine).await?;
        let change = Change { nonce: Some(&nonce), ..Change::post(&operation, &path, body) };
        let answer = self.api.change(change).await;
        self.api.release(app, &machine.id, &nonce).await;
        decoded(&answer?, &operation)
    }

    /// Waits until a machine is started.
    pub(super) async fn started(&self, app: &str, machine: &Machine) -> Result<(), TargetError> {
        let until = self.api.clock.now() + i64::try_from(START).unwrap_or(i64::MAX);
        loop {
            match self.api.wait(app, machine, "started", WAIT).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err(self.why_not(app, machine, error).await),
            }
            if let Some(seen) = self.api.machine(app, &machine.id).await?
                && let Health::Exited { code, detail } = health::one(&seen)
            {
                return Err(ended(machine, code, &detail));
            }
            if self.api.clock.now() >= until {
                let message = format!("it did not start within {START} s");
                return Err(ours(ErrorKind::Unavailable, format!("start machine {}", machine.name), message)
                    .hint("`dashdeploy logs` shows what it prints"));
            }
        }
    }

    /// The reason why a machine will never start, by its own events where they tell.
    async fn why_not(&self, app: &str, machine: &Machine, error: TargetError) -> TargetError {
        match self.api.machine(app, &machine.id).await {
            Ok(Some(seen)) => match health::one(&seen) {
                Health::Exited { code, detail } => ended(machine, code, &detail),
                _ => error,
            },
            _ => error,
        }
    }

    /// Waits until a machine's checks pass, or it is clear that they will not.
    pub(super) async fn healthy(&self, app: &str, machine: &Machine) -> Result<(), TargetError> {
        let operation = format!("wait until machine {} is healthy", machine.name);
        let mut last = String::new();
        for _ in 0..CHECKS {
            let seen = self.api.machine(app, &machine.id).await?;
            let seen = seen.ok_or_else(|| ours(ErrorKind::NotFound, operation.clone(), "it is gone"))?;
            match health::one(&seen) {
                Health::Healthy | Health::Running => return Ok(()),
                Health::Exited { code, detail } => return Err(ended(machine, code, &detail)),
                Health::Unhealthy { detail } => last = detail,
                _ => last = outputs(&seen),
            }
            self.api.clock.sleep(std::time::Duration::from_secs(1)).await;
        }
        let message = format!("its checks did not pass within {CHECKS} s: {last}");
        Err(ours(ErrorKind::Unavailable, operation, message).hint("`dashdeploy logs` shows what it prints"))
    }

    /// Takes machines into Fly's proxy (`uncordon`) or out of it (`cordon`); both may be repeated.
    pub(super) async fn proxied(&self, app: &str, machine: &str, into: bool) -> Result<(), TargetError> {
        let word = if into { "uncordon" } else { "cordon" };
        let operation = format!("{word} machine {machine}");
        let path = format!("/apps/{app}/machines/{machine}/{word}");
        match self.api.change(Change::post(&operation, &path, json!({}))).await {
            Err(error) if error.kind == ErrorKind::NotFound && !into => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Writes that a machine takes traffic.
    pub(super) async fn mark_live(&self, app: &str, machine: &str) -> Result<(), TargetError> {
        let operation = format!("mark machine {machine}");
        let path = format!("/apps/{app}/machines/{machine}/metadata/dashdeploy_live");
        self.api.change(Change::post(&operation, &path, json!({ "value": word(true) }))).await.map(|_| ())
    }
}

fn ended(machine: &wire::Machine, code: i64, detail: &str) -> TargetError {
    let message = format!("its program ended with code {code}: {detail}");
    ours(ErrorKind::Unavailable, format!("start machine {}", machine.name), message)
        .hint("its last log lines are shown by `dashdeploy logs`; try the image with `dashdeploy up`")
}

fn outputs(machine: &Machine) -> String {
    let failing = machine.checks.iter().filter(|check| check.status != "passing");
    let words: Vec<String> = failing
        .map(|check| check.output.clone().unwrap_or_else(|| check.status.clone()))
        .map(|text| text.chars().filter(|c| !c.is_control()).take(200).collect())
        .collect();
    if words.is_empty() { "no check has run yet".to_owned() } else { words.join("; ") }
}
