//! Machines: made, changed, looked at, destroyed.
//!
//! Given: requests. Gives: answers. Deliberately absent: how they boot and end; that is `life`.

use serde_json::{Value, json};

use super::body::{Config, Guest, PutMachine};
use super::fault::{Answer, Fault};
use super::route::done;
use super::state::{App, Hidden, Image, Lease, Machine, Phase};
use super::{Fly, Stage};
use crate::{Call, Moment, Reply};

/// What a request wants a machine to be, checked.
struct Wanted {
    put: PutMachine,
    raw: Value,
    config: Config,
    image: Image,
}

impl Fly {
    /// Without those that are gone, unless `include_deleted` asks for them.
    pub(super) fn list_machines(&mut self, call: &Call, app: &str) -> Answer {
        let (app, stage) = self.staged(app)?;
        let deleted = call.asked("include_deleted") == Some("true");
        let mut shown = Vec::new();
        for machine in &mut app.machines {
            let wanted = (deleted || machine.phase != Phase::Destroyed)
                && call.asked("region").is_none_or(|region| region == machine.region)
                && call.asked("state").is_none_or(|states| {
                    states.split(',').any(|state| state == machine.state(stage.now, stage.options.boot))
                });
            if machine.hidden.listed(stage.now) && wanted {
                shown.push(stage.show_machine(machine));
            }
        }
        Ok(Reply::json(200, &Value::Array(shown)))
    }

    pub(super) fn one_machine(&self, app: &str, id: &str) -> Answer {
        Ok(Reply::json(200, &self.stage.show_machine(self.app(app)?.machine(id)?)))
    }

    /// How many machines run or boot.
    pub(super) fn running(&self) -> usize {
        let machines = self.apps.iter().flat_map(|app| &app.machines);
        let runs =
            |phase| matches!(phase, Phase::Booting { .. } | Phase::Started { .. } | Phase::Restarting { .. });
        machines.filter(|machine| runs(machine.phase)).count()
    }

    pub(super) fn create_machine(&mut self, call: &Call, app: &str) -> Answer {
        let full = self.running() >= self.stage.options.capacity;
        let (app, stage) = self.staged(app)?;
        let wanted = stage.wanted(app, call)?;
        if full && wanted.put.skip_launch != Some(true) {
            return Err(
                Fault::invalid("insufficient resources to create new machine").word("insufficient_capacity")
            );
        }
        let id = stage.ids.machine();
        let name = wanted.put.name.clone().unwrap_or_else(|| format!("machine-{}", &id[..6]));
        if let Some(same) = app.machines.iter().find(|machine| machine.is_there() && machine.name == name) {
            return Err(Fault::new(
                409,
                format!("unique machine name violation: machine {} has the name {name}", same.id),
            ));
        }
        let first = stage.options.regions.first().map(|(code, _)| code.clone()).unwrap_or_default();
        let region = wanted.put.region.clone().unwrap_or(first);
        stage.known_region(&region)?;
        stage.attach(app, &wanted.config, &region, &id)?;
        let machine = stage.machine(wanted, id, name, region);
        let launch = machine.phase != Phase::Created;
        app.machines.push(machine);
        let at = app.machines.len() - 1;
        stage.happened(&mut app.machines[at], "launch", "created", "user", json!({}));
        if launch {
            stage.boot(app, at, true);
        }
        stage.settle(app);
        Ok(stage.answered(&app.machines[at]))
    }

    /// The whole configuration is replaced; region, name and volume stay.
    pub(super) fn update_machine(&mut self, call: &Call, app: &str, id: &str) -> Answer {
        let (app, stage) = self.staged(app)?;
        let at = app.machine_at(id)?;
        stage.may_change(&app.machines[at], call)?;
        let wanted = stage.wanted(app, call)?;
        stage.same(&app.machines[at], &wanted)?;
        let job = app.machines[at].job();
        stage.options.runner.stop(&job, stage.now);
        let machine = &mut app.machines[at];
        machine.former.push((machine.instance.clone(), std::mem::take(&mut machine.raw)));
        machine.instance = stage.ids.ulid();
        (machine.raw, machine.config, machine.image) = (wanted.raw, wanted.config, wanted.image);
        machine.min_secrets = wanted.put.min_secrets_version.unwrap_or_default();
        machine.skip_secrets = wanted.put.skip_secrets == Some(true);
        // What becomes of a cordon that was asked for before is not documented: it stays.
        machine.cordoned |= wanted.put.skip_service_registration == Some(true);
        machine.updated = stage.now;
        machine.restarts = 0;
        machine.checks.clear();
        if let Some(ttl) = wanted.put.lease_ttl.filter(|ttl| *ttl > 0) {
            machine.lease = Some(stage.lease_for(ttl, String::new()));
        }
        machine.phase = Phase::Stopped;
        stage.happened(&mut app.machines[at], "update", "replaced", "user", json!({}));
        if wanted.put.skip_launch != Some(true) {
            stage.boot(app, at, false);
        }
        stage.settle(app);
        Ok(stage.answered(&app.machines[at]))
    }

    /// One that runs only with `force`, as the vendor's document has it; its Go client sends `kill` for the same.
    pub(super) fn delete_machine(&mut self, call: &Call, app: &str, id: &str) -> Answer {
        let (app, stage) = self.staged(app)?;
        let at = app.machine_at(id)?;
        stage.may_change(&app.machines[at], call)?;
        let force = call.asked("force") == Some("true") || call.asked("kill") == Some("true");
        let machine = &mut app.machines[at];
        if !force && !matches!(machine.phase, Phase::Stopped | Phase::Created) {
            return Err(Fault::new(412, "failed_precondition: the machine is not stopped"));
        }
        stage.options.runner.stop(&machine.job(), stage.now);
        machine.phase = Phase::Destroying { until: stage.now + stage.options.stop };
        machine.checks.clear();
        stage.happened(machine, "destroy", "destroying", "user", json!({}));
        stage.settle(app);
        Ok(done())
    }

    pub(super) fn machine_versions(&self, app: &str, id: &str) -> Answer {
        let machine = self.app(app)?.machine(id)?;
        let newest = [(&machine.instance, &machine.raw)];
        let former = machine.former.iter().rev().map(|(version, raw)| (version, raw));
        let shown: Vec<Value> = newest
            .into_iter()
            .chain(former)
            .map(|(version, raw)| json!({ "version": version, "user_config": raw }))
            .collect();
        Ok(Reply::json(200, &Value::Array(shown)))
    }

    /// The newest first; 20, at most 50.
    pub(super) fn machine_events(&self, call: &Call, app: &str, id: &str) -> Answer {
        let limit: usize = match call.asked("limit").map(str::parse) {
            None => 20,
            Some(Ok(limit)) if (1..=50).contains(&limit) => limit,
            Some(_) => return Err(Fault::bad("limit is 1 to 50")),
        };
        let mut events = self.stage.show_events(self.app(app)?.machine(id)?);
        events.truncate(limit);
        Ok(Reply::json(200, &Value::Array(events)))
    }
}

impl Stage {
    /// Reads and checks what a machine is to be.
    fn wanted(&self, app: &App, call: &Call) -> Result<Wanted, Fault> {
        let mut put: PutMachine = call.json().map_err(Fault::bad)?;
        let raw = put.config.take().ok_or_else(|| Fault::bad("config is required"))?;
        let config: Config =
            serde_json::from_value(raw.clone()).map_err(|error| Fault::bad(format!("config: {error}")))?;
        let name = config.image.as_deref().ok_or_else(|| Fault::bad("config.image is required"))?;
        let mut image = Image::find(name, self.options.images.as_deref())?;
        if let Some((_, digest)) = self.options.swapped.iter().find(|(part, _)| name.contains(part.as_str()))
        {
            image.digest.clone_from(digest);
        }
        if let Some(guest) = &config.guest {
            sized(guest)?;
        }
        let asked = put.min_secrets_version.unwrap_or_default();
        if asked > app.secrets_version() {
            return Err(Fault::bad(format!("there is no version {asked} of the secrets")));
        }
        self.files(app, &config)?;
        Ok(Wanted { put, raw, config, image })
    }

    fn machine(&mut self, wanted: Wanted, id: String, name: String, region: String) -> Machine {
        let Wanted { put, raw, config, image } = wanted;
        let (groups, _) = self.ids.address();
        Machine {
            id,
            name,
            region,
            private_ip: format!("fdaa:0:1:a7b:{groups}:2"),
            created: self.now,
            updated: self.now,
            hidden: Hidden::new(self.options.list_lag, self.now),
            phase: if put.skip_launch == Some(true) {
                Phase::Created
            } else {
                Phase::Booting { since: self.now, first: true }
            },
            instance: self.ids.ulid(),
            raw,
            config,
            image,
            former: Vec::new(),
            min_secrets: put.min_secrets_version.unwrap_or_default(),
            skip_secrets: put.skip_secrets == Some(true),
            cordoned: put.skip_service_registration == Some(true),
            lease: put.lease_ttl.filter(|ttl| *ttl > 0).map(|ttl| self.lease_for(ttl, String::new())),
            restarts: 0,
            events: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// A volume is one machine's, in one region; a machine has one (<https://fly.io/docs/volumes/overview/>).
    fn attach(&self, app: &mut App, config: &Config, region: &str, machine: &str) -> Result<(), Fault> {
        let mounts = config.mounts.as_deref().unwrap_or_default();
        if mounts.len() > 1 {
            return Err(Fault::bad("a machine has one mount at most"));
        }
        let Some(mount) = mounts.first() else { return Ok(()) };
        let (Some(id), Some(_)) = (mount.volume.as_deref(), mount.path.as_deref()) else {
            return Err(Fault::bad("a mount has a volume and a path"));
        };
        let volume = app.volumes.iter_mut().find(|volume| volume.id == id && !volume.removed);
        let volume = volume.ok_or_else(|| Fault::missing(&format!("volume {id}")))?;
        if volume.region != region {
            return Err(Fault::bad(format!("volume {id} is in region {}, not in {region}", volume.region)));
        }
        if let Some(other) = &volume.machine {
            return Err(Fault::new(412, format!("volume {id} is attached to machine {other}")));
        }
        volume.machine = Some(machine.to_owned());
        Ok(())
    }

    /// What cannot be changed is as it was.
    fn same(&self, machine: &Machine, wanted: &Wanted) -> Result<(), Fault> {
        let differs = |asked: &Option<String>, is: &str| asked.as_deref().is_some_and(|asked| asked != is);
        if differs(&wanted.put.region, &machine.region) {
            return Err(Fault::bad("the region of a machine cannot be changed"));
        }
        if differs(&wanted.put.name, &machine.name) {
            return Err(Fault::bad("the name of a machine cannot be changed"));
        }
        // What the field does is not documented; by its name it guards against a change in between.
        if differs(&wanted.put.current_version, &machine.instance) {
            return Err(Fault::new(412, format!("the machine is at version {}", machine.instance)));
        }
        let volumes = |config: &Config| -> Vec<Option<String>> {
            config.mounts.iter().flatten().map(|mount| mount.volume.clone()).collect()
        };
        if volumes(&machine.config) != volumes(&wanted.config) {
            return Err(Fault::bad(
                "the volume of a machine cannot be changed: the machine must be replaced",
            ));
        }
        Ok(())
    }

    /// Nobody else holds its lease, and it is there.
    pub(super) fn may_change(&self, machine: &Machine, call: &Call) -> Result<(), Fault> {
        if !machine.is_there() {
            return Err(Fault::missing(&format!("machine {}", machine.id)));
        }
        let nonce = call.header("fly-machine-lease-nonce").unwrap_or_default();
        match self.held(machine) {
            Some(lease) if lease.nonce != nonce => {
                Err(Fault::new(409, "machine lease currently held by someone else"))
            }
            _ => Ok(()),
        }
    }

    /// Its lease, where it has not run out.
    pub(super) fn held<'a>(&self, machine: &'a Machine) -> Option<&'a Lease> {
        machine.lease.as_ref().filter(|lease| self.now < lease.ends)
    }

    pub(super) fn lease_for(&mut self, ttl: u64, description: String) -> Lease {
        Lease {
            nonce: self.ids.ulid().to_lowercase(),
            ends: self.now.saturating_add(Moment::from_secs(ttl)),
            description,
        }
    }

    /// What was made or changed; the lease's nonce is told this once.
    fn answered(&self, machine: &Machine) -> Reply {
        let mut shown = self.show_machine(machine);
        if let Some(lease) = self.held(machine) {
            shown["nonce"] = json!(lease.nonce);
        }
        Reply::json(200, &shown)
    }
}

/// The memory that goes with CPUs (<https://fly.io/docs/machines/guides-examples/machine-sizing/>).
fn sized(guest: &Guest) -> Result<(), Fault> {
    let cpus = guest.cpus.unwrap_or(1);
    let (least, most, step) = match guest.cpu_kind.as_deref().unwrap_or("shared") {
        "shared" => (256, 2048, 256),
        "performance" => (2048, 8192, 1024),
        other => return Err(Fault::bad(format!("no such cpu_kind: {other}"))),
    };
    if ![1, 2, 4, 6, 8, 10, 12, 14, 16].contains(&cpus) {
        return Err(Fault::bad(format!("no machine has {cpus} CPUs")));
    }
    let memory = guest.memory_mb.unwrap_or(least * cpus);
    if !memory.is_multiple_of(step) || !(least * cpus..=most * cpus).contains(&memory) {
        return Err(Fault::bad(format!("{memory} MB of memory do not go with {cpus} CPUs of this kind")));
    }
    Ok(())
}
