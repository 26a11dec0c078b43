//! Changes carried out, taken back, settled.
//!
//! Given: one change of a plan. Gives: Fly.io in the state the change describes. Every step looks first whether it was done already, by
//! names and marks, so that a run killed anywhere and repeated converges; a lost answer to a call that makes something is followed by a
//! look, never by a second one.

mod machines;
mod strategy;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use dashdeploy_contract::{Change as Planned, ErrorKind, Name, Supplies, TargetError};
use serde_json::{Map, Value, json};

use crate::api::{Api, Change, decoded};
use crate::desired::{Desired, DesiredVolume, OWNER};
use crate::error::{is_open, ours, refused, unanswered};
use crate::payload::Task;
use crate::wire;

/// How often, and how far apart, a new app is looked for: it is not seen everywhere at once.
const LOOKS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// Carries out changes.
pub(crate) struct Hand {
    pub(crate) api: Api,
    /// The version of an app's secrets that machines must have at least, where this run set any.
    pub(crate) versions: Mutex<BTreeMap<String, u64>>,
}

impl Hand {
    /// Carries out a change.
    pub(crate) async fn apply(&self, change: &Planned, supplies: &Supplies) -> Result<(), TargetError> {
        match Task::of(change)? {
            Task::App { desired, .. } => self.app(&desired).await,
            Task::Ips { app, public, private } => self.ips(&app, public, private).await,
            Task::Volume { desired } => self.volume(&desired).await,
            Task::Secrets { app, set, unset } => {
                self.secrets(&app, change.service.as_ref(), &set, &unset, supplies).await
            }
            Task::Machines { desired, former } => self.machines(&desired, &former, supplies).await,
            Task::Certificate { app, host } => self.certificate(&app, &host).await,
            Task::RemoveMachines { app, machines } => self.remove_machines(&app, &machines).await,
            Task::RemoveVolumes { app, volumes } => self.remove_volumes(&app, &volumes).await,
            Task::RemoveApp { app } => self.remove_app(&app).await,
        }
    }

    /// Takes back what [`Hand::apply`] did. Data stays, and what holds it.
    pub(crate) async fn revert(&self, change: &Planned) -> Result<(), TargetError> {
        match Task::of(change)? {
            // Made by this run: it goes, unless it holds a volume, which may have data by now.
            Task::App { desired, adopt: false } => match self.api.volumes(&desired.app).await?.is_empty() {
                true => self.remove_app(&desired.app).await,
                false => Ok(()),
            },
            Task::Machines { desired, former } => self.restore(&desired, &former).await,
            // Addresses go with the app; a volume may hold data; the former values of secrets nobody knows, and machines that were not
            // started anew still have them.
            _ => Ok(()),
        }
    }

    /// Drops what was kept for [`Hand::revert`].
    pub(crate) async fn settle(&self, change: &Planned) -> Result<(), TargetError> {
        match Task::of(change)? {
            Task::Machines { desired, former } => self.drop_former(&desired, &former).await,
            _ => Ok(()),
        }
    }

    /// Makes the app where it is not there, waits until it is seen, and marks it.
    async fn app(&self, desired: &Desired) -> Result<(), TargetError> {
        let app = &desired.app;
        if self.api.app(app).await?.is_none() {
            self.make_app(desired).await?;
        }
        let operation = format!("mark app {app}");
        let path = format!("/apps/{app}/secrets");
        let body = json!({ "values": { &desired.owner: "made by dashdeploy" } });
        // A new app may be unknown to the part that keeps secrets for a moment.
        let mut look = 0;
        loop {
            match self.api.change(Change::post(&operation, &path, body.clone())).await {
                Err(error)
                    if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Denied) && look < LOOKS =>
                {
                    look += 1;
                    self.api.clock.sleep(PAUSE).await;
                }
                done => return done.map(|_| ()),
            }
        }
    }

    async fn make_app(&self, desired: &Desired) -> Result<(), TargetError> {
        let app = &desired.app;
        let operation = format!("make app {app}");
        let body = json!({ "name": app, "org_slug": self.organisation(desired).await? });
        let sent = self.api.send(Change::create(&operation, "/apps", body)).await;
        let lost = match &sent {
            Ok(answer) if answer.is_success() => false,
            Ok(answer) if is_open(answer) || answer.status == 422 || answer.status == 400 => true,
            Ok(answer) => return Err(refused(answer, &operation)),
            Err(error) if error.may_have_happened => true,
            Err(_) => false,
        };
        for _ in 0..LOOKS {
            match self.api.app(app).await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                // Not everything knows the new app, or that it is ours, at once.
                Err(error) if error.kind == ErrorKind::Denied && !lost => {}
                Err(error) => return Err(error),
            }
            if lost {
                break;
            }
            self.api.clock.sleep(PAUSE).await;
        }
        match sent {
            Ok(answer) if answer.is_success() => {
                Err(ours(ErrorKind::Unavailable, operation, "it was made and is not seen yet")
                    .hint("run the command again: it goes on from what is there"))
            }
            Ok(answer) => Err(refused(&answer, &operation)
                .hint("choose another name with the option `app`: names are unique among all users")),
            Err(error) => Err(unanswered(error, &operation)),
        }
    }

    /// The organisation: the one named, else the only one that the token is for.
    async fn organisation(&self, desired: &Desired) -> Result<String, TargetError> {
        if let Some(org) = &desired.org {
            return Ok(org.clone());
        }
        let found = self.api.organisations().await?;
        match found.as_slice() {
            [only] => Ok(only.clone()),
            several => {
                let message =
                    format!("the token is for {} organisations: {}", several.len(), several.join(", "));
                Err(ours(ErrorKind::Invalid, format!("make app {}", desired.app), message)
                    .hint("name one: `options: { org: … }` of the environment"))
            }
        }
    }

    /// Gives the app the addresses that it does not have.
    async fn ips(&self, app: &str, public: bool, private: bool) -> Result<(), TargetError> {
        let there = self.api.ips(app).await?;
        let is_private = |ip: &wire::Ip| !ip.shared && ip.ip.to_ascii_lowercase().starts_with("fd");
        let has = |wanted: &str| match wanted {
            "private_v6" => there.iter().any(is_private),
            "v6" => there.iter().any(|ip| ip.ip.contains(':') && !is_private(ip)),
            _ => there.iter().any(|ip| !ip.ip.contains(':')),
        };
        let wanted = [("v6", public), ("shared_v4", public), ("private_v6", private)];
        for (kind, _) in wanted.into_iter().filter(|(kind, wanted)| *wanted && !has(kind)) {
            let operation = format!("give app {app} an address ({kind})");
            let path = format!("/apps/{app}/ip_assignments");
            self.api.change(Change::post(&operation, &path, json!({ "type": kind }))).await?;
        }
        Ok(())
    }

    /// Makes the volume where there is none of its name, or makes it larger.
    async fn volume(&self, desired: &Desired) -> Result<(), TargetError> {
        let Some(volume) = &desired.volume else { return Ok(()) };
        match self.find_volume(desired, volume).await? {
            None => self.make_volume(desired, volume).await,
            Some(found) if found.size_gb < volume.size => {
                let operation = format!("make volume {} of {} larger", volume.name, desired.app);
                let path = format!("/apps/{}/volumes/{}/extend", desired.app, found.id);
                let body = json!({ "size_gb": volume.size });
                let change = Change {
                    method: dashdeploy_contract::Method::Put,
                    ..Change::post(&operation, &path, body)
                };
                self.api.change(change).await.map(|_| ())
            }
            Some(_) => Ok(()),
        }
    }

    /// The volume of the name in the region; the one in use first, since several may share a name.
    pub(crate) async fn find_volume(
        &self,
        desired: &Desired,
        volume: &DesiredVolume,
    ) -> Result<Option<wire::Volume>, TargetError> {
        let mut all = self.api.volumes(&desired.app).await?;
        all.retain(|found| found.name == volume.name && found.region == desired.region);
        all.sort_by_key(|found| (found.attached_machine_id.is_none(), found.id.clone()));
        Ok(all.into_iter().next())
    }

    async fn make_volume(&self, desired: &Desired, volume: &DesiredVolume) -> Result<(), TargetError> {
        let operation = format!("make volume {} of {}", volume.name, desired.app);
        let path = format!("/apps/{}/volumes", desired.app);
        let body = json!({
            "name": volume.name, "region": desired.region, "size_gb": volume.size, "encrypted": true,
            "snapshot_retention": volume.snapshots, "compute": desired.config.get("guest"),
        });
        let sent = self.api.send(Change::create(&operation, &path, body)).await;
        let open = match &sent {
            Ok(answer) if answer.is_success() => return Ok(()),
            Ok(answer) => is_open(answer),
            Err(error) => error.may_have_happened,
        };
        if open && self.seen_soon(|| async { Ok(self.find_volume(desired, volume).await?.is_some()) }).await?
        {
            return Ok(());
        }
        match sent {
            Ok(answer) => Err(refused(&answer, &operation)),
            Err(error) => Err(unanswered(error, &operation)),
        }
    }

    /// Looks a few times for what a call with a lost answer may have made: lists lag behind.
    pub(crate) async fn seen_soon<F, Fut>(&self, look: F) -> Result<bool, TargetError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<bool, TargetError>>,
    {
        for _ in 0..6 {
            if look().await? {
                return Ok(true);
            }
            self.api.clock.sleep(PAUSE).await;
        }
        Ok(false)
    }

    /// Sets the secrets whose value is at hand and takes others away, in one call that starts no machine.
    async fn secrets(
        &self,
        app: &str,
        service: Option<&Name>,
        set: &[String],
        unset: &[String],
        supplies: &Supplies,
    ) -> Result<(), TargetError> {
        let mut values = Map::new();
        for name in set {
            let value = service.and_then(|service| supplies.secrets.expose(service, name));
            let value = value.ok_or_else(|| {
                ours(
                    ErrorKind::Invalid,
                    format!("set secrets of {app}"),
                    format!("the value of `{name}` is not at hand"),
                )
                .hint("give it where the deploy runs, in the environment or by --secrets-file")
            })?;
            values.insert(name.clone(), Value::String(value.to_owned()));
        }
        values.extend(
            unset.iter().filter(|name| !name.starts_with(OWNER)).map(|name| (name.clone(), Value::Null)),
        );
        let operation = format!("set secrets of {app}");
        let path = format!("/apps/{app}/secrets");
        let answer = self.api.change(Change::post(&operation, &path, json!({ "values": values }))).await?;
        let secrets: wire::Secrets = decoded(&answer, &operation)?;
        if let (Some(version), Ok(mut versions)) = (secrets.version, self.versions.lock()) {
            versions.insert(app.to_owned(), version);
        }
        Ok(())
    }

    async fn certificate(&self, app: &str, host: &str) -> Result<(), TargetError> {
        if self.api.certificate(app, host).await?.is_some() {
            return Ok(());
        }
        let operation = format!("ask for a certificate for {host}");
        let path = format!("/apps/{app}/certificates/acme");
        self.api.change(Change::post(&operation, &path, json!({ "hostname": host }))).await.map(|_| ())
    }

    pub(crate) async fn remove_machines(&self, app: &str, machines: &[String]) -> Result<(), TargetError> {
        for id in machines {
            self.gone(
                &format!("remove machine {id} of {app}"),
                &format!("/apps/{app}/machines/{id}?force=true"),
            )
            .await?;
        }
        Ok(())
    }

    async fn remove_volumes(&self, app: &str, volumes: &[String]) -> Result<(), TargetError> {
        for id in volumes {
            self.gone(&format!("remove volume {id} of {app}"), &format!("/apps/{app}/volumes/{id}")).await?;
        }
        Ok(())
    }

    /// Takes an app away and waits until it is gone, so that its name is free.
    async fn remove_app(&self, app: &str) -> Result<(), TargetError> {
        self.gone(&format!("remove app {app}"), &format!("/apps/{app}")).await?;
        for _ in 0..LOOKS {
            if self.api.app(app).await?.is_none() {
                return Ok(());
            }
            self.api.clock.sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Deletes; what is gone already is as good.
    async fn gone(&self, operation: &str, path: &str) -> Result<(), TargetError> {
        match self.api.change(Change::delete(operation, path)).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            done => done.map(|_| ()),
        }
    }
}
