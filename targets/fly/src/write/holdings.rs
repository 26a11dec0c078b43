//! What an app has beside machines: addresses, volumes, secrets, certificates.

use std::collections::BTreeMap;

use dashdeploy_contract::{ErrorKind, Name, Supplies, TargetError};
use futures_util::future::try_join3;
use serde_json::{Map, Value, json};

use super::{ATTEMPTS, Hand, LAG, LOOKS, is_unsure};
use crate::api::{Send, decoded};
use crate::desired::DesiredVolume;
use crate::error::{is_taken, ours, refused, unanswered};
use crate::observe::public as counted;
use crate::payload::Secrets;
use crate::wire::{self, Ip, Volume};

/// Whether addresses have what was asked for.
type IsThere = fn(&[Ip]) -> bool;
const HAS_SIX: IsThere = |all| counted(all).0 > 0;
const HAS_FOUR: IsThere = |all| counted(all).1 > 0;
const HAS_PRIVATE: IsThere = |all| all.iter().any(Ip::is_private);

/// Seconds that a volume may stay attached to a machine that is gone.
const DETACHES: u32 = 30;

impl Hand {
    /// Gives an app the addresses that are missing; public ones go where it is not for everyone.
    pub(super) async fn ips(&self, app: &str, public: bool, private: bool) -> Result<(), TargetError> {
        let there = if self.is_new(app) { Vec::new() } else { self.api.ips(app).await? };
        if !public {
            for ip in there.iter().filter(|ip| !ip.is_private()) {
                let operation = format!("take the public address {} from {app}", ip.ip);
                let path = format!("/apps/{app}/ip_assignments/{}", ip.ip);
                self.api.take_away(&Send::delete(&operation, &path)).await?;
            }
        }
        let assign = |wanted: bool, kind, is_there: IsThere| async move {
            if wanted { self.assign(app, kind, is_there).await } else { Ok(()) }
        };
        try_join3(
            assign(public && !HAS_SIX(&there), "v6", HAS_SIX),
            assign(public && !HAS_FOUR(&there), "shared_v4", HAS_FOUR),
            assign(private && !HAS_PRIVATE(&there), "private_v6", HAS_PRIVATE),
        )
        .await
        .map(drop)
    }

    async fn assign(&self, app: &str, kind: &str, is_there: IsThere) -> Result<(), TargetError> {
        let operation = format!("give {app} an address ({kind})");
        let path = format!("/apps/{app}/ip_assignments");
        for _ in 0..ATTEMPTS {
            let sent = self.api.send(&Send::create(&operation, &path, json!({ "type": kind }))).await;
            if !is_unsure(&sent) {
                let answer = sent.map_err(|error| unanswered(error, &operation))?;
                return if answer.is_success() { Ok(()) } else { Err(refused(&answer, &operation)) };
            }
            for _ in 0..LOOKS {
                if is_there(&self.api.ips(app).await?) {
                    return Ok(());
                }
                self.sleep(LAG).await;
            }
        }
        Err(unseen(operation))
    }

    /// Makes a volume, or makes the one that is there as large as wanted.
    pub(super) async fn volume(
        &self,
        app: &str,
        region: &str,
        volume: &DesiredVolume,
        guest: &Value,
    ) -> Result<(), TargetError> {
        let looks = if self.is_new(app) { 0 } else { ATTEMPTS };
        match self.look_for(app, region, &volume.name, looks).await? {
            Some(found) => self.adjust(app, &found, volume).await,
            None => self.make_volume(app, region, volume, guest).await,
        }
    }

    /// Volumes of one name may be many, so that a name is no guard against a second one: it is looked for more than once, in
    /// case that another run made it a moment ago.
    async fn look_for(
        &self,
        app: &str,
        region: &str,
        name: &str,
        looks: u32,
    ) -> Result<Option<Volume>, TargetError> {
        for look in 0..looks {
            if look > 0 {
                self.sleep(LAG).await;
            }
            let all = self.api.volumes(app).await?;
            let found = all.into_iter().find(|found| found.name == name && found.region == region);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    async fn make_volume(
        &self,
        app: &str,
        region: &str,
        volume: &DesiredVolume,
        guest: &Value,
    ) -> Result<(), TargetError> {
        let operation = format!("create volume {} of {app}", volume.name);
        let path = format!("/apps/{app}/volumes");
        // With the machine's size, so that it comes to lie on a host that has room for the machine too.
        let body = json!({
            "name": volume.name, "region": region, "size_gb": volume.size,
            "snapshot_retention": volume.snapshots, "encrypted": true, "compute": guest,
        });
        for _ in 0..ATTEMPTS {
            let sent = self.api.send(&Send::create(&operation, &path, body.clone())).await;
            if !is_unsure(&sent) {
                let answer = sent.map_err(|error| unanswered(error, &operation))?;
                return if answer.is_success() { Ok(()) } else { Err(refused(&answer, &operation)) };
            }
            if self.look_for(app, region, &volume.name, LOOKS).await?.is_some() {
                return Ok(());
            }
        }
        Err(unseen(operation))
    }

    async fn adjust(&self, app: &str, found: &Volume, volume: &DesiredVolume) -> Result<(), TargetError> {
        let path = format!("/apps/{app}/volumes/{}", found.id);
        if found.snapshot_retention.is_some_and(|days| days != volume.snapshots) {
            let operation = format!("keep snapshots of volume {} for {} days", volume.name, volume.snapshots);
            let body = json!({ "snapshot_retention": volume.snapshots });
            self.api.change(&Send::put(&operation, &path, body)).await?;
        }
        if found.size_gb >= volume.size {
            return Ok(());
        }
        let operation = format!("extend volume {} of {app} to {} GB", volume.name, volume.size);
        let extend = format!("{path}/extend");
        let answer =
            self.api.change(&Send::put(&operation, &extend, json!({ "size_gb": volume.size }))).await?;
        let extended: wire::Extended = decoded(&answer, &operation)?;
        match &found.attached_machine_id {
            Some(machine) if extended.needs_restart => self.restart(app, machine).await,
            _ => Ok(()),
        }
    }

    /// Sets secrets by the values at hand, and takes others away. Machines are not touched.
    pub(super) async fn secrets(
        &self,
        secrets: &Secrets,
        service: &Name,
        supplies: &Supplies,
    ) -> Result<(), TargetError> {
        let app = &secrets.app;
        let operation = format!("set secrets of {app}");
        let mut values = Map::new();
        for variable in secrets.set.keys() {
            let value = supplies.secrets.expose(service, variable).ok_or_else(|| {
                let message = format!("no value of the secret `{variable}` is at hand");
                let hint =
                    format!("set the variable `{variable}`, or put it into a file for `--secrets-file`");
                ours(ErrorKind::Invalid, operation.clone(), message).hint(hint)
            })?;
            values.insert(variable.clone(), Value::from(value));
        }
        if !values.is_empty() {
            let path = format!("/apps/{app}/secrets");
            let body = json!({ "values": values });
            let answer = self.api.change(&Send::post(&operation, &path, body)).await?;
            self.note_version(app, decoded::<wire::Secrets>(&answer, &operation)?.latest());
        }
        self.unset_all(app, &secrets.unset).await
    }

    /// Takes secrets away.
    pub(super) async fn unset_all(&self, app: &str, variables: &[String]) -> Result<(), TargetError> {
        for variable in variables {
            self.unset(app, variable).await?;
        }
        Ok(())
    }

    /// Takes a secret away; one that is not there is as good.
    pub(super) async fn unset(&self, app: &str, variable: &str) -> Result<(), TargetError> {
        let operation = format!("unset the secret {variable} of {app}");
        let path = format!("/apps/{app}/secrets/{variable}");
        self.api.take_away(&Send::delete(&operation, &path)).await
    }

    /// Takes new secrets away; values that were there before cannot be read back from anywhere.
    pub(super) async fn take_back(&self, secrets: &Secrets) -> Result<(), TargetError> {
        let new: Vec<String> =
            secrets.set.keys().filter(|name| !secrets.known.contains(name)).cloned().collect();
        self.unset_all(&secrets.app, &new).await?;
        let lost: BTreeMap<&String, ()> =
            secrets.known.iter().chain(&secrets.unset).map(|name| (name, ())).collect();
        if lost.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = lost.into_keys().map(String::as_str).collect();
        let message = format!("Fly.io does not give the former values of {} back", names.join(", "));
        Err(ours(ErrorKind::Unsupported, format!("restore secrets of {}", secrets.app), message)
            .hint("set the former values with `dashdeploy secrets set`, then deploy the former release"))
    }

    /// Asks for the certificate of a host name.
    pub(super) async fn certificate(&self, app: &str, host: &str) -> Result<(), TargetError> {
        if self.api.certificate(app, host).await?.is_some() {
            return Ok(());
        }
        let operation = format!("ask for the certificate of {host}");
        let path = format!("/apps/{app}/certificates/acme");
        let sent = self.api.send(&Send::create(&operation, &path, json!({ "hostname": host }))).await;
        let may_be_there = is_unsure(&sent) || matches!(&sent, Ok(answer) if is_taken(answer));
        for _ in 0..if may_be_there { LOOKS } else { 0 } {
            if self.api.certificate(app, host).await?.is_some() {
                return Ok(());
            }
            self.sleep(LAG).await;
        }
        let answer = sent.map_err(|error| unanswered(error, &operation))?;
        if answer.is_success() {
            return Ok(());
        }
        let error = refused(&answer, &operation);
        Err(if error.hint.is_some() {
            error
        } else {
            error.hint("is the name right, and not with another app? `fly certs list` shows those of an app")
        })
    }

    /// Gives a certificate up.
    pub(super) async fn drop_certificate(&self, app: &str, host: &str) -> Result<(), TargetError> {
        let (operation, path) =
            (format!("give up the certificate of {host}"), format!("/apps/{app}/certificates/{host}"));
        self.api.take_away(&Send::delete(&operation, &path)).await
    }

    /// Takes volumes away, with all that is in them. One whose machine was taken away a moment ago is still attached.
    pub(super) async fn remove_volumes(&self, app: &str, volumes: &[String]) -> Result<(), TargetError> {
        for volume in volumes {
            let operation = format!("delete volume {volume} of {app}");
            let path = format!("/apps/{app}/volumes/{volume}");
            let mut left = DETACHES;
            loop {
                match self.api.take_away(&Send::delete(&operation, &path)).await {
                    Err(error)
                        if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) && left > 0 =>
                    {
                        left -= 1;
                        self.sleep(LAG).await;
                    }
                    done => break done?,
                }
            }
        }
        Ok(())
    }
}

/// It was asked for more than once, and no answer came, nor the thing itself.
pub(super) fn unseen(operation: String) -> TargetError {
    let message = "Fly.io was asked for it more than once and did not answer, and it is not to be seen";
    ours(ErrorKind::Unavailable, operation, message)
        .hint("repeat the command in a minute: it goes on from what is there")
}
