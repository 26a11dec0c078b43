//! How machines of a release take the place of others (fly.io/docs/reference/configuration, "Picking a deployment strategy";
//! the platform's API has no deploy of its own, so that the strategies are carried out here).
//!
//! Given: what shall be, the machines of before, the image. Gives: machines that run; the former ones are changed, or stand
//! aside until the verdict. What fails puts back what it changed.

use std::collections::BTreeMap;
use std::time::Duration;

use dashdeploy_contract::{ErrorKind, Supplies, TargetError, derived_name};
use serde_json::{Map, Value, json};

use super::machine::New;
use super::{Hand, LAG, LOOKS};
use crate::compare::differences;
use crate::desired::Desired;
use crate::error::ours;
use crate::marks;
use crate::payload::{Former, SeenMachine, Way};
use crate::wire::Machine;

/// How long Fly's proxy may take to learn of new machines and to forget others; flyctl waits as long.
pub(super) const PROXY: Duration = Duration::from_secs(10);

/// What every machine of a release has.
struct Form<'a> {
    desired: &'a Desired,
    config: Map<String, Value>,
    image: Option<String>,
    digests: BTreeMap<String, String>,
}

impl Form<'_> {
    /// The whole configuration of a machine with a part in an exchange.
    ///
    /// # Errors
    /// `Invalid` where nobody said where the image lies.
    fn config(&self, stage: &str, mounts: Option<Value>) -> Result<Value, TargetError> {
        let image = self.image.as_ref().ok_or_else(|| {
            let message = format!("the image of `{}` is not at Fly.io's registry", self.desired.service);
            ours(ErrorKind::Invalid, format!("update machines of {}", self.desired.app), message)
                .hint("run `dashdeploy deploy`, which brings it there")
        })?;
        let mut config = self.config.clone();
        config.insert("image".to_owned(), json!(image));
        if let Some(Value::Object(metadata)) = config.get_mut("metadata") {
            metadata.insert(marks::STAGE.to_owned(), json!(stage));
        }
        if let Some(mounts) = mounts {
            config.insert("mounts".to_owned(), mounts);
        }
        Ok(Value::Object(config))
    }

    fn is_met(&self, machine: &Machine) -> bool {
        let mut seen = SeenMachine::of(machine);
        seen.ours = is_ours(machine, self.desired);
        seen.ours && differences(self.desired, &seen, &self.digests).is_empty()
    }
}

impl Hand {
    /// Brings the machines to what shall be.
    pub(super) async fn machines(
        &self,
        desired: &Desired,
        way: Way,
        former: &[Former],
        supplies: &Supplies,
    ) -> Result<(), TargetError> {
        let form = self.form(desired, former, supplies).await?;
        let done = match way {
            Way::Exchange => self.exchange(&form, former).await,
            Way::Canary => match self.canary(&form).await {
                Ok(()) => self.in_place(&form, way, former).await,
                failed => return failed,
            },
            Way::Rolling | Way::Immediate => self.in_place(&form, way, former).await,
        };
        let Err(error) = done else { return Ok(()) };
        // A run that was interrupted may not write any more.
        if error.kind == ErrorKind::Interrupted {
            return Err(error);
        }
        match self.restore(desired, way, former).await {
            Ok(()) => Err(error),
            Err(worse) => {
                let message = format!("{}; and putting back what was before failed: {worse}", error.message);
                Err(TargetError { message, unhealthy: false, ..error })
            }
        }
    }

    async fn form<'a>(
        &self,
        desired: &'a Desired,
        former: &[Former],
        supplies: &Supplies,
    ) -> Result<Form<'a>, TargetError> {
        let image = supplies.image(&desired.service);
        // Without secrets, now and before, there are none that a machine has to wait for or to be marked with.
        let digests = if desired.secrets.is_empty() && !former.iter().any(Former::has_secrets) {
            BTreeMap::new()
        } else {
            let found = self.api.secrets(&desired.app, self.version(&desired.app)).await?.unwrap_or_default();
            self.note_version(&desired.app, found.latest());
            found.digests()
        };
        let mut config = desired.config.as_object().cloned().unwrap_or_default();
        config.insert("metadata".to_owned(), metadata(desired, &digests));
        Ok(Form { desired, config, image, digests })
    }

    /// The machines of an app that stand for the service, by marks or because the plan names them.
    async fn there(&self, desired: &Desired, former: &[Former]) -> Result<Vec<Machine>, TargetError> {
        if self.is_new(&desired.app) {
            return Ok(Vec::new());
        }
        let mut all = self.api.machines(&desired.app).await?.unwrap_or_default();
        all.retain(|machine| is_ours(machine, desired) || is_former(machine, former));
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// Machines change in their places, one after the other unless all at once is wanted; some come, some stand aside.
    async fn in_place(&self, form: &Form<'_>, way: Way, former: &[Former]) -> Result<(), TargetError> {
        let desired = form.desired;
        let there = self.there(desired, former).await?;
        let mut live: Vec<&Machine> = there
            .iter()
            .filter(|machine| machine.mark(marks::STAGE).unwrap_or(marks::LIVE) == marks::LIVE)
            .collect();
        // Those that run stay before those that do not.
        live.sort_by_key(|machine| machine.state != "started");
        let wanted = usize::try_from(desired.replicas).unwrap_or(usize::MAX);
        let (kept, surplus) = live.split_at(wanted.min(live.len()));
        // Where it is the only one, its start is the verdict's business.
        let careful = way != Way::Immediate && wanted.max(live.len()) > 1;
        for machine in kept {
            let changed = self.bring(form, machine).await?;
            if let (Some(changed), true) = (changed, careful) {
                self.started(&desired.app, &changed).await?;
                self.passing(&desired.app, &changed).await?;
            }
        }
        let mut made = Vec::new();
        for _ in kept.len()..wanted {
            made.push(self.add(form, marks::LIVE, &there, &made).await?);
        }
        for machine in made.iter().filter(|_| careful) {
            self.started(&desired.app, machine).await?;
        }
        for machine in surplus {
            self.stage(&desired.app, &machine.id, marks::BLUE).await?;
            self.order(&desired.app, &machine.id, "cordon").await?;
        }
        Ok(())
    }

    /// One machine becomes what it shall be; the machine where something was done.
    async fn bring(&self, form: &Form<'_>, machine: &Machine) -> Result<Option<Machine>, TargetError> {
        let app = &form.desired.app;
        if !form.is_met(machine) {
            let config = form.config(marks::LIVE, mounts_of(machine, form.desired))?;
            return self.put(app, machine, &config).await.map(Some);
        }
        if matches!(machine.state.as_str(), "created" | "stopped" | "suspended" | "failed" | "launch_failed")
        {
            self.order(app, &machine.id, "start").await?;
            return Ok(Some(machine.clone()));
        }
        Ok(None)
    }

    /// Makes one more machine, under the first name of this form that no other has. One that an earlier try made is found by it.
    async fn add(
        &self,
        form: &Form<'_>,
        stage: &str,
        there: &[Machine],
        made: &[Machine],
    ) -> Result<Machine, TargetError> {
        let (desired, generation) = (form.desired, form.desired.generation());
        let name = |n: u32| derived_name(&[desired.service.as_str(), &generation, &n.to_string()], 63);
        let is_free = |name: &String| !there.iter().chain(made).any(|machine| machine.name == *name);
        let name = (1..).map(name).find(is_free).unwrap_or_default();
        self.make(&New {
            app: &desired.app,
            name: &name,
            region: &desired.region,
            config: form.config(stage, self.free_volume(desired).await?)?,
            registered: stage == marks::LIVE,
        })
        .await
    }

    /// The mount of a new machine: a volume of the right name that no machine has. One that was made a moment ago may be missing
    /// from lists, and one whose machine was taken away may have it for a while.
    async fn free_volume(&self, desired: &Desired) -> Result<Option<Value>, TargetError> {
        let Some(volume) = &desired.volume else { return Ok(None) };
        for look in 0..LOOKS {
            if look > 0 {
                self.sleep(LAG).await;
            }
            let all = self.api.volumes(&desired.app).await?;
            let found = all.iter().find(|found| {
                let named = found.name == volume.name && found.region == desired.region;
                named && found.attached_machine_id.is_none()
            });
            if let Some(found) = found {
                return Ok(Some(json!([{ "volume": found.id, "name": volume.name, "path": volume.path }])));
            }
        }
        let message = format!("no volume `{}` in `{}` is free", volume.name, desired.region);
        Err(ours(ErrorKind::NotFound, format!("create a machine of {}", desired.app), message)
            .hint("run the command again: the plan makes what is missing"))
    }

    /// One machine more, which nobody asks, has to become healthy and goes again.
    async fn canary(&self, form: &Form<'_>) -> Result<(), TargetError> {
        let desired = form.desired;
        let name = derived_name(&[desired.service.as_str(), &desired.generation(), "canary"], 63);
        let mut config = form.config(marks::CANARY, None)?;
        config["metadata"]["fly_canary"] = json!("true");
        config["dns"] = json!({ "skip_registration": true });
        let (app, region) = (desired.app.as_str(), desired.region.as_str());
        let new = New { app, name: &name, region, config, registered: false };
        let machine = self.make(&new).await?;
        let tried = async {
            self.started(app, &machine).await?;
            self.passing(app, &machine).await
        };
        let tried = tried.await;
        let gone = self.destroy(app, &machine.id).await;
        tried.and(gone)
    }

    /// New machines beside the former ones: healthy before Fly's proxy sends anybody to them, then the former ones stand aside.
    async fn exchange(&self, form: &Form<'_>, former: &[Former]) -> Result<(), TargetError> {
        let (desired, app) = (form.desired, form.desired.app.as_str());
        let generation = desired.generation();
        let there = self.there(desired, former).await?;
        let wanted = usize::try_from(desired.replicas).unwrap_or(usize::MAX);
        let is_green = |machine: &&Machine| {
            !is_former(machine, former)
                && machine.mark(marks::GENERATION) == Some(generation.as_str())
                && machine.mark(marks::STAGE) != Some(marks::CANARY)
        };
        let mut green: Vec<Machine> = there.iter().filter(is_green).cloned().collect();
        for extra in green.split_off(wanted.min(green.len())) {
            self.destroy(app, &extra.id).await?;
        }
        for machine in green.iter().filter(|machine| machine.state != "started") {
            self.order(app, &machine.id, "start").await?;
        }
        for _ in green.len()..wanted {
            let made = self.add(form, marks::GREEN, &there, &green).await?;
            green.push(made);
        }
        for machine in &green {
            self.started(app, machine).await?;
            if desired.is_checked() {
                self.passing(app, machine).await?;
            }
        }
        let blue: Vec<&Machine> = there.iter().filter(|machine| is_former(machine, former)).collect();
        self.hand_over(app, &green, &blue).await
    }

    /// Fly's proxy sends everybody to the new machines; the former ones stand aside.
    async fn hand_over(&self, app: &str, green: &[Machine], blue: &[&Machine]) -> Result<(), TargetError> {
        for machine in green {
            self.order(app, &machine.id, "uncordon").await?;
        }
        if !blue.is_empty() {
            self.sleep(PROXY).await;
        }
        for machine in blue {
            self.stage(app, &machine.id, marks::BLUE).await?;
            self.order(app, &machine.id, "cordon").await?;
        }
        for machine in green {
            self.stage(app, &machine.id, marks::LIVE).await?;
        }
        Ok(())
    }
}

/// The marks of a machine of a release.
fn metadata(desired: &Desired, digests: &BTreeMap<String, String>) -> Value {
    let known = desired.secrets.iter().filter_map(|(name, print)| Some((name, (print, digests.get(name)?))));
    let secrets: BTreeMap<&String, (&String, &String)> = known.collect();
    let own = [
        (marks::IMAGE, desired.image.clone()),
        (marks::CONFIG, desired.config_hash()),
        (marks::GENERATION, desired.generation()),
        (marks::SETUP, desired.setup.clone()),
        (marks::SECRETS, json!(secrets).to_string()),
    ];
    let mut all: BTreeMap<String, String> = desired.marks.clone();
    all.extend(own.map(|(mark, value)| (mark.to_owned(), value)));
    if !desired.unset.is_empty() {
        all.insert(marks::UNSET.to_owned(), desired.unset.join(","));
    }
    if let Some(number) = desired.release {
        all.insert(marks::RELEASE.to_owned(), number.to_string());
    }
    json!(all)
}

/// The mount of a machine that is there: its volume stays, its folder may change.
fn mounts_of(machine: &Machine, desired: &Desired) -> Option<Value> {
    let mut mounts = machine.known_config()?.get("mounts")?.clone();
    let volume = desired.volume.as_ref()?;
    let first = mounts.get_mut(0)?.as_object_mut()?;
    first.insert("path".to_owned(), json!(volume.path));
    first.insert("name".to_owned(), json!(volume.name));
    Some(mounts)
}

pub(super) fn is_ours(machine: &Machine, desired: &Desired) -> bool {
    let own = [marks::PROJECT, marks::ENVIRONMENT, marks::SERVICE];
    own.iter().all(|mark| machine.mark(mark) == desired.marks.get(*mark).map(String::as_str))
}

pub(super) fn is_former(machine: &Machine, former: &[Former]) -> bool {
    former.iter().any(|former| former.id == machine.id)
}
