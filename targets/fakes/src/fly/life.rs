//! How machines go their way: they boot, are checked, end, are started again, stop, are gone.
//!
//! Given: the moment, and what the runner says. Gives: machines as they are then. Deliberately absent: requests.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Stage;
use super::body::{Config, Policy};
use super::fault::Fault;
use super::ids;
use super::state::{App, CheckResult, Event, Line, Machine, Phase, Volume};
use crate::Moment;
use crate::workload::{Job, Look};

/// How often a machine is started again at most (`max_retries` of the restart policy).
const RETRIES: u32 = 10;
/// What may follow one another at one moment: a machine that ends at once is not started again for ever in one look at it.
const STEPS: usize = 8;

impl Stage {
    pub(super) fn date(&self, moment: Moment) -> String {
        ids::date(self.options.started, moment)
    }

    /// Lets the machines of an app go their way until now.
    pub(super) fn settle(&mut self, app: &mut App) {
        for at in 0..app.machines.len() {
            for _ in 0..STEPS {
                if !self.step(app, at) {
                    break;
                }
            }
            self.check(&mut app.machines[at]);
        }
    }

    /// Starts a machine's program anew.
    pub(super) fn boot(&mut self, app: &mut App, at: usize, first: bool) {
        let machine = &app.machines[at];
        let job = self.job(app, machine);
        self.options.runner.start(job, self.now);
        let machine = &mut app.machines[at];
        machine.checks.clear();
        machine.phase = Phase::Booting { since: self.now, first };
    }

    fn job(&self, app: &App, machine: &Machine) -> Job {
        let config = &machine.config;
        let mut env = config.env.clone().unwrap_or_default();
        if !machine.skip_secrets {
            env.extend(self.secrets_for(app, machine.min_secrets));
        }
        env.extend(
            [("FLY_APP_NAME", &app.name), ("FLY_MACHINE_ID", &machine.id), ("FLY_REGION", &machine.region)]
                .map(|(name, value)| (name.to_owned(), value.clone())),
        );
        let services = config.services.as_deref().unwrap_or_default();
        let mut checks = services.iter().flat_map(|service| service.checks.iter().flatten());
        let mut own = config.checks.iter().flatten().map(|(_, check)| check);
        let mounts = config.mounts.iter().flatten();
        Job {
            id: machine.job(),
            image: machine.image.pinned(),
            labels: machine.image.labels.clone(),
            env,
            port: services.first().and_then(|service| service.internal_port),
            // They were read when the machine was made: what fails now is a secret that is gone.
            files: self.files(app, config).unwrap_or_default(),
            mounts: mounts.filter_map(|mount| Some((mount.volume.clone()?, mount.path.clone()?))).collect(),
            health: checks
                .find_map(|check| check.path.clone())
                .or_else(|| own.find_map(|check| check.path.clone())),
        }
    }

    /// The files that a machine is given, each with a path and a value or the name of a secret, in Base64
    /// (<https://fly.io/docs/machines/api/machines-resource/>, `files`).
    pub(super) fn files(&self, app: &App, config: &Config) -> Result<BTreeMap<String, Vec<u8>>, Fault> {
        let newest = app.secret_versions.last().map(|(_, values)| values);
        let mut files = BTreeMap::new();
        for file in config.files.iter().flatten() {
            let path = file.guest_path.as_deref().filter(|path| path.starts_with('/'));
            let path = path.ok_or_else(|| Fault::bad("a file has a guest_path that begins with /"))?;
            let secret = file.secret_name.as_ref().and_then(|name| newest?.get(name));
            let text = file.raw_value.as_ref().or(secret).ok_or_else(|| {
                Fault::bad(format!(
                    "file {path} has neither a raw_value nor a secret_name of a secret that is there"
                ))
            })?;
            let bytes =
                STANDARD.decode(text).map_err(|_| Fault::bad(format!("file {path} is not in Base64")))?;
            files.insert(path.to_owned(), bytes);
        }
        Ok(files)
    }

    /// One step on a machine's way; false where there is none to take now.
    fn step(&mut self, app: &mut App, at: usize) -> bool {
        let (now, boot) = (self.now, self.options.boot);
        let machine = &mut app.machines[at];
        match machine.phase {
            Phase::Booting { since, .. } if now >= since + boot => self.begun(machine, since + boot),
            Phase::Started { .. } => {
                self.write_lines(app, at);
                let machine = &mut app.machines[at];
                let Look::Exited { code } = self.options.runner.look(&machine.job(), now) else {
                    return false;
                };
                self.ended(machine, code);
                let (id, region) = (machine.id.clone(), machine.region.clone());
                let message = format!("machine exited with exit code {code}");
                app.logs.push(Line { at: now, machine: id, region, message });
                true
            }
            Phase::Restarting { at: then } if now >= then => {
                self.boot(app, at, false);
                true
            }
            Phase::Stopping { until } if now >= until => {
                self.stopped(machine);
                true
            }
            Phase::Destroying { until } if now >= until => {
                machine.phase = Phase::Destroyed;
                machine.lease = None;
                let id = machine.id.clone();
                let attached = |volume: &&mut Volume| volume.machine.as_deref() == Some(id.as_str());
                app.volumes.iter_mut().filter(attached).for_each(|volume| volume.machine = None);
                true
            }
            _ => false,
        }
    }

    /// It is started, where its program has begun to run: at the moment that it could at the earliest, where nobody looked then.
    fn begun(&mut self, machine: &mut Machine, earliest: Moment) -> bool {
        let runs = |at| self.options.runner.look(&machine.job(), at) != Look::Booting;
        if !runs(self.now) {
            return false;
        }
        machine.phase = Phase::Started { since: if runs(earliest) { earliest } else { self.now } };
        self.happened(machine, "start", "started", "flyd", json!({}));
        true
    }

    /// It has come to rest, as somebody asked.
    fn stopped(&mut self, machine: &mut Machine) {
        self.options.runner.stop(&machine.job(), self.now);
        machine.phase = Phase::Stopped;
        let exit =
            json!({ "exit_code": 0, "requested_stop": true, "restarting": false, "oom_killed": false });
        self.happened(machine, "exit", "stopped", "flyd", json!({ "exit_event": exit, "restart_count": 0 }));
    }

    /// Its program ended, and nobody asked for it.
    fn ended(&mut self, machine: &mut Machine, code: i32) {
        let restart = machine.config.restart.clone().unwrap_or_default();
        let again = match restart.policy.unwrap_or(Policy::OnFailure) {
            Policy::Always => true,
            Policy::No | Policy::SpotPrice => false,
            Policy::OnFailure => code != 0 && machine.restarts < restart.max_retries.unwrap_or(RETRIES),
        };
        machine.restarts += u32::from(again);
        machine.phase =
            if again { Phase::Restarting { at: self.now + self.options.restart } } else { Phase::Stopped };
        machine.checks.clear();
        let exit = json!({
            "exit_code": code, "guest_exit_code": code, "guest_signal": -1, "signal": -1, "oom_killed": code == 137,
            "requested_stop": false, "restarting": again, "exited_at": self.date(self.now),
        });
        let request = json!({ "exit_event": exit, "restart_count": machine.restarts });
        self.happened(machine, "exit", "stopped", "flyd", request);
    }

    /// What the checks of a machine say: nothing at first.
    fn check(&self, machine: &mut Machine) {
        let Phase::Started { since } = machine.phase else { return };
        if self.now < since + self.options.first_check {
            return;
        }
        let passing = self.options.runner.healthy(&machine.job(), self.now) == Some(true);
        let names = machine.check_names();
        if machine.checks.len() != names.len() || machine.checks.iter().any(|check| check.passing != passing)
        {
            let result = |name| CheckResult { name, passing, at: self.now };
            machine.checks = names.into_iter().map(result).collect();
        }
    }

    fn write_lines(&self, app: &mut App, at: usize) {
        let machine = &app.machines[at];
        for message in self.options.runner.lines(&machine.job(), self.now) {
            let (machine, region) = (machine.id.clone(), machine.region.clone());
            app.logs.push(Line { at: self.now, machine, region, message });
        }
    }

    /// Takes down what happened to a machine.
    pub(super) fn happened(
        &mut self,
        machine: &mut Machine,
        kind: &'static str,
        status: &'static str,
        source: &'static str,
        request: Value,
    ) {
        machine.updated = self.now;
        machine.events.push(Event { id: self.ids.ulid(), kind, status, source, at: self.now, request });
    }
}
