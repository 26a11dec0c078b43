//! Changes carried out, taken back, settled.
//!
//! Given: one change of a plan. Gives: Fly.io in the state the change describes. Every step looks by name and mark whether it
//! was done already, so that a run killed anywhere and repeated converges; an answer that was lost to a call that makes
//! something is followed by a look for what it made, never by making it again unseen. Deliberately absent: pauses between
//! retries of one call, which the layers behind the API make.

mod app;
mod holdings;
mod machine;
mod restore;
mod strategy;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dashdeploy_contract::{Action, ApiAnswer, CallError, Change, ErrorKind, Supplies, TargetError};
use futures_util::lock::Mutex as Turn;

use crate::api::Api;
use crate::error::{is_open, ours};
use crate::payload::Task;

/// How often a thing is looked for that may have been made: lists may lag behind by some seconds.
const LOOKS: u32 = 5;
/// The pause between two looks.
const LAG: Duration = Duration::from_secs(1);
/// How often a call is made again that surely did nothing.
const ATTEMPTS: u32 = 3;

/// Changes what is at Fly.io.
pub(crate) struct Hand {
    api: Api,
    /// The newest version of each app's secrets that this run made: machines wait for it.
    versions: Mutex<BTreeMap<String, u64>>,
    /// The apps that this run made, as Fly.io said: nothing is in them that this run did not put there, so that nothing need be
    /// looked for.
    made: Mutex<BTreeSet<String>>,
    /// The organisation of new apps, once one of them has asked.
    org: Turn<Option<String>>,
    /// What the leases of this run say of themselves.
    holder: String,
}

impl Hand {
    pub(crate) fn new(api: Api) -> Self {
        let run = RandomState::new().build_hasher().finish();
        let holder = format!("{} {run:016x}", machine::HOLDER);
        Self { api, versions: Mutex::default(), made: Mutex::default(), org: Turn::default(), holder }
    }

    /// Carries out a change.
    pub(crate) async fn apply(&self, change: &Change, supplies: &Supplies) -> Result<(), TargetError> {
        match Task::of(change)? {
            Task::App { app, org, owner, .. } if change.action == Action::Create => {
                self.make_app(&app, org.as_deref(), &owner).await
            }
            Task::App { app, org, owner, adopt } => self.own_app(&app, org.as_deref(), &owner, adopt).await,
            Task::Ips { app, public, private } => self.ips(&app, public, private).await,
            Task::Volume { app, region, volume, guest } => self.volume(&app, &region, &volume, &guest).await,
            Task::Secrets(secrets) => {
                let service = change.service.as_ref().ok_or_else(|| nobody(change))?;
                self.secrets(&secrets, service, supplies).await
            }
            Task::Certificate { app, host } => self.certificate(&app, &host).await,
            Task::Machines { desired, way, former } => self.machines(&desired, way, &former, supplies).await,
            Task::Mark { app, machines, setup } => self.mark_set_up(&app, &machines, &setup).await,
            Task::RemoveMachines { app, machines } => self.remove_machines(&app, &machines).await,
            Task::RemoveVolumes { app, volumes } => self.remove_volumes(&app, &volumes).await,
            Task::RemoveApp { app, keep_data } => self.remove_app(&app, keep_data).await,
        }
    }

    /// Takes back what [`Hand::apply`] did.
    pub(crate) async fn revert(&self, change: &Change) -> Result<(), TargetError> {
        let created = change.action == Action::Create;
        match Task::of(change)? {
            Task::App { app, .. } if created => self.unmake_app(&app).await,
            Task::App { app, owner, adopt: true, .. } => self.unset(&app, &owner).await,
            // A private address more is in nobody's way; public ones that were taken away are given again, others.
            Task::Ips { app, public: false, private } if !created => self.ips(&app, true, private).await,
            Task::Secrets(secrets) => self.take_back(&secrets).await,
            Task::Certificate { app, host } if created => self.drop_certificate(&app, &host).await,
            Task::Machines { desired, way, former } => self.restore(&desired, way, &former).await,
            Task::RemoveVolumes { .. } | Task::RemoveApp { .. } => {
                let message = "what was in it cannot be had again";
                Err(ours(ErrorKind::Unsupported, format!("restore {}", change.address), message))
            }
            // A volume stays, for it may hold data by now; machines left over from other runs are no loss. A mark that does
            // not fit any more only makes the next observation look closer.
            Task::Volume { .. }
            | Task::App { .. }
            | Task::Ips { .. }
            | Task::Certificate { .. }
            | Task::Mark { .. }
            | Task::RemoveMachines { .. } => Ok(()),
        }
    }

    /// Drops what was kept for [`Hand::revert`].
    pub(crate) async fn settle(&self, change: &Change) -> Result<(), TargetError> {
        match Task::of(change)? {
            Task::Machines { former, .. } if former.is_empty() => Ok(()),
            Task::Machines { desired, former, .. } => self.drop_former(&desired.app, &former).await,
            Task::Secrets(secrets) => self.unset_all(&secrets.app, &secrets.unset_later).await,
            _ => Ok(()),
        }
    }

    async fn sleep(&self, duration: Duration) {
        self.api.clock.sleep(duration).await;
    }

    /// True where this run made an app and nobody else can have put anything into it.
    fn is_new(&self, app: &str) -> bool {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).contains(app)
    }

    fn note_new(&self, app: &str) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(app.to_owned());
    }

    fn version(&self, app: &str) -> Option<u64> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).get(app).copied()
    }

    fn note_version(&self, app: &str, version: Option<u64>) {
        let Some(version) = version else { return };
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = versions.entry(app.to_owned()).or_insert(version);
        *known = version.max(*known);
    }
}

/// True where a call may have done what it was to do, although nobody said so.
fn is_unsure(sent: &Result<ApiAnswer, CallError>) -> bool {
    match sent {
        Ok(answer) => is_open(answer),
        Err(error) => error.may_have_happened && !error.interrupted,
    }
}

fn nobody(change: &Change) -> TargetError {
    ours(ErrorKind::Unexpected, format!("apply {}", change.address), "the plan names no service for it")
        .hint("make the plan anew")
}

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod kept_tests;
#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
