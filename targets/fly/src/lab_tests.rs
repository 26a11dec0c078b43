//! A project, the target and the platform played in memory: what tests of the writer start from.

use std::sync::Arc;

use dashdeploy_contract::conformance::{canaries, sample};
use dashdeploy_contract::{
    Bound, Health, ImageId, Name, Observed, Plan, Reader, Release, ReleaseImage, Supplies, Target as _,
    TargetError, Writer, image_reference,
};
use serde_json::Value;

use crate::played::{Played, World};

/// A project on Fly.io and the platform it is put on.
pub(crate) struct Lab {
    pub(crate) played: Played,
    pub(crate) target: crate::FlyTarget,
    pub(crate) release: Release,
    pub(crate) runtime: tokio::runtime::Runtime,
}

pub(crate) fn digit(number: u32) -> String {
    format!("sha256:{}", number.to_string().repeat(64).chars().take(64).collect::<String>())
}

impl Lab {
    pub(crate) fn new(change: impl FnOnce(&mut Bound)) -> Self {
        let target = crate::target();
        let mut release = sample("fly");
        change(&mut release.bound);
        release.wiring.services = target.addresses(&release.bound);
        release.secrets = Release::fingerprints(&release.bound, &canaries(&release.bound));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut lab = Self { played: Played::new(), target, release, runtime };
        lab.image(1);
        lab
    }

    /// A project without data, so that every strategy is open to it.
    pub(crate) fn free(strategy: &str, replicas: u32) -> Self {
        Self::new(|bound| {
            bound.services.shift_remove("web");
            bound.services["api"].volumes.clear();
            bound.services["api"].replicas = replicas;
            let api = Name::from_any("api", "api");
            bound.options.entry(api).or_default().insert("strategy".to_owned(), strategy.to_owned());
        })
    }

    pub(crate) fn image(&mut self, number: u32) {
        for service in self.release.bound.services.values() {
            let reference = image_reference(&self.release.bound, service);
            let image = ReleaseImage::new(reference, ImageId(digit(number)));
            self.release.images.insert(service.name.clone(), image);
        }
    }

    pub(crate) fn supplies(&self) -> Supplies {
        let supplies = Supplies::of(canaries(&self.release.bound));
        for (service, image) in &self.release.images {
            supplies.put_image(service, format!("registry.fly.io/shop-{service}@{}", image.id.0));
        }
        supplies
    }

    pub(crate) fn reader(&self) -> Box<dyn Reader> {
        self.runtime.block_on(self.target.connect_reader(&self.played.access())).unwrap()
    }

    pub(crate) fn writer(&self) -> Box<dyn Writer> {
        let writes = Arc::new(self.played.clone());
        self.runtime.block_on(self.target.connect_writer(&self.played.access(), writes)).unwrap()
    }

    pub(crate) fn observe(&self) -> Observed {
        self.runtime.block_on(self.reader().observe(&self.release.bound)).unwrap()
    }

    pub(crate) fn plan(&self) -> Plan {
        self.target.plan(&self.release, &self.observe()).unwrap()
    }

    pub(crate) fn apply(&self, plan: &Plan) -> Result<(), TargetError> {
        let (writer, supplies) = (self.writer(), self.supplies());
        for change in &plan.changes {
            self.runtime.block_on(writer.apply(&self.release.bound, change, &supplies))?;
        }
        Ok(())
    }

    pub(crate) fn settle(&self, plan: &Plan) -> Result<(), TargetError> {
        let writer = self.writer();
        plan.changes
            .iter()
            .try_for_each(|change| self.runtime.block_on(writer.settle(&self.release.bound, change)))
    }

    pub(crate) fn revert(&self, plan: &Plan) -> Result<(), TargetError> {
        let writer = self.writer();
        let mut changes = plan.changes.iter().rev();
        changes.try_for_each(|change| self.runtime.block_on(writer.revert(&self.release.bound, change)))
    }

    pub(crate) fn deploy(&self) -> Plan {
        let plan = self.plan();
        self.apply(&plan).unwrap();
        self.settle(&plan).unwrap();
        plan
    }

    pub(crate) fn health(&self, service: &str) -> Health {
        let service = Name::from_any(service, "x");
        self.runtime.block_on(self.reader().health(&self.release.bound, &service)).unwrap()
    }

    pub(crate) fn writes(&self) -> usize {
        self.played.with(|world| world.writes.len())
    }

    /// What is there, without ids, names and versions.
    pub(crate) fn table(&self) -> Vec<String> {
        self.played.with(|world| {
            let of = |world: &World| {
                world
                    .apps
                    .iter()
                    .map(|(name, app)| {
                        let mut machines: Vec<String> = app
                            .machines
                            .iter()
                            .map(|machine| {
                                let registered = app.registered.iter().any(|id| machine["id"] == *id);
                                let mut config = machine["config"].clone();
                                if let Some(mounts) = config.get_mut("mounts") {
                                    mounts[0]["volume"] = Value::Null;
                                }
                                format!("{config} {} {} {registered}", machine["region"], machine["state"])
                            })
                            .collect();
                        machines.sort();
                        let volumes: Vec<String> =
                            app.volumes.iter().map(|v| format!("{} {}", v["name"], v["size_gb"])).collect();
                        format!(
                            "{name} {} {machines:#?} {volumes:?} {:?} {:?} {:?}",
                            app.org, app.secrets, app.ips, app.certificates
                        )
                    })
                    .collect::<Vec<_>>()
            };
            of(world)
        })
    }

    pub(crate) fn machines(&self) -> Vec<Value> {
        self.played.with(|world| world.apps["shop-local-api"].machines.clone())
    }

    /// The machines that take traffic, each by its image.
    pub(crate) fn serving(&self) -> Vec<String> {
        self.played.with(|world| {
            let app = &world.apps["shop-local-api"];
            let serving = app.machines.iter().filter(|m| app.registered.iter().any(|id| m["id"] == *id));
            serving
                .map(|m| m["config"]["metadata"]["dashdeploy_image"].as_str().unwrap().to_owned())
                .collect()
        })
    }
}
