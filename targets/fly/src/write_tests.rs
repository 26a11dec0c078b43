//! The writer against Fly.io played in memory: first deploys, each strategy, lost answers, kills at every call.

use dashdeploy_contract::conformance::{CANARY, canaries, sample};
use dashdeploy_contract::{
    Bound, Health, ImageId, Name, Observed, Plan, Reader, Release, ReleaseImage, Removal, SecretEdit,
    Supplies, Target as _, TargetError, Writer, image_reference,
};
use serde_json::Value;

use crate::played::{Fault, Played, World};

/// A project on Fly.io and the platform it is put on.
struct Lab {
    played: Played,
    target: crate::FlyTarget,
    release: Release,
    runtime: tokio::runtime::Runtime,
}

fn digit(number: u32) -> String {
    format!("sha256:{}", number.to_string().repeat(64).chars().take(64).collect::<String>())
}

impl Lab {
    fn new(change: impl FnOnce(&mut Bound)) -> Self {
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
    fn free(strategy: &str, replicas: u32) -> Self {
        Self::new(|bound| {
            bound.services.shift_remove("web");
            bound.services["api"].volumes.clear();
            bound.services["api"].replicas = replicas;
            let api = Name::from_any("api", "api");
            bound.options.entry(api).or_default().insert("strategy".to_owned(), strategy.to_owned());
        })
    }

    fn image(&mut self, number: u32) {
        for service in self.release.bound.services.values() {
            let reference = image_reference(&self.release.bound, service);
            let image = ReleaseImage::new(reference, ImageId(digit(number)));
            self.release.images.insert(service.name.clone(), image);
        }
    }

    fn supplies(&self) -> Supplies {
        let supplies = Supplies::of(canaries(&self.release.bound));
        for (service, image) in &self.release.images {
            supplies.put_image(service, format!("registry.fly.io/shop-{service}@{}", image.id.0));
        }
        supplies
    }

    fn reader(&self) -> Box<dyn Reader> {
        self.runtime.block_on(self.target.connect_reader(&self.played.access())).unwrap()
    }

    fn writer(&self) -> Box<dyn Writer> {
        let writes = std::sync::Arc::new(self.played.clone());
        self.runtime.block_on(self.target.connect_writer(&self.played.access(), writes)).unwrap()
    }

    fn observe(&self) -> Observed {
        self.runtime.block_on(self.reader().observe(&self.release.bound)).unwrap()
    }

    fn plan(&self) -> Plan {
        self.target.plan(&self.release, &self.observe()).unwrap()
    }

    fn apply(&self, plan: &Plan) -> Result<(), TargetError> {
        let (writer, supplies) = (self.writer(), self.supplies());
        for change in &plan.changes {
            self.runtime.block_on(writer.apply(&self.release.bound, change, &supplies))?;
        }
        Ok(())
    }

    fn settle(&self, plan: &Plan) -> Result<(), TargetError> {
        let writer = self.writer();
        plan.changes
            .iter()
            .try_for_each(|change| self.runtime.block_on(writer.settle(&self.release.bound, change)))
    }

    fn revert(&self, plan: &Plan) -> Result<(), TargetError> {
        let writer = self.writer();
        let mut changes = plan.changes.iter().rev();
        changes.try_for_each(|change| self.runtime.block_on(writer.revert(&self.release.bound, change)))
    }

    fn deploy(&self) -> Plan {
        let plan = self.plan();
        self.apply(&plan).unwrap();
        self.settle(&plan).unwrap();
        plan
    }

    fn health(&self, service: &str) -> Health {
        let service = Name::from_any(service, "x");
        self.runtime.block_on(self.reader().health(&self.release.bound, &service)).unwrap()
    }

    fn writes(&self) -> usize {
        self.played.with(|world| world.writes.len())
    }

    /// What is there, without ids, names and versions.
    fn table(&self) -> Vec<String> {
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

    fn machines(&self) -> Vec<Value> {
        self.played.with(|world| world.apps["shop-local-api"].machines.clone())
    }

    /// The machines that take traffic, each by its image.
    fn serving(&self) -> Vec<String> {
        self.played.with(|world| {
            let app = &world.apps["shop-local-api"];
            let serving = app.machines.iter().filter(|m| app.registered.iter().any(|id| m["id"] == *id));
            serving
                .map(|m| m["config"]["metadata"]["dashdeploy_image"].as_str().unwrap().to_owned())
                .collect()
        })
    }
}

#[test]
fn a_first_deploy_makes_everything_and_a_second_nothing() {
    let lab = Lab::new(|bound| {
        bound.domains.insert(Name::from_any("web", "web"), "shop.example.com".to_owned());
    });
    lab.deploy();
    assert!(lab.plan().is_empty(), "{:#?}", lab.plan());
    assert_eq!((lab.health("api"), lab.health("web")), (Health::Starting, Health::Starting));
    lab.played.revive();
    assert_eq!((lab.health("api"), lab.health("web")), (Health::Healthy, Health::Healthy));
    let (writes, reads) = lab.played.with(|world| {
        world.reads.clear();
        (world.writes.len(), world.apps.len())
    });
    assert_eq!(reads, 2);
    lab.deploy();
    assert_eq!(lab.writes(), writes);
    let asked = lab.played.with(|world| world.reads.clone());
    assert_eq!(asked.len(), 4, "two for each service: {asked:#?}");
    let served =
        lab.runtime.block_on(lab.reader().served(&lab.release.bound, &Name::from_any("web", "x"))).unwrap();
    assert_eq!(served.images, [digit(1)]);
    assert!(served.certificate.unwrap().contains("CNAME record x.fly.dev"));
    lab.played.with(|world| {
        let api = &world.apps["shop-local-api"];
        assert_eq!(
            (api.org.as_str(), api.ips.len(), api.volumes.len(), api.machines.len()),
            ("personal", 3, 1, 1)
        );
        assert_eq!(api.machines[0]["config"]["mounts"][0]["path"], "/data");
        assert_eq!(api.machines[0]["config"]["metadata"]["fly_process_group"], "app");
        assert!(!api.machines[0].to_string().contains(CANARY));
        assert_eq!(world.apps["shop-local-web"].certificates, ["shop.example.com"]);
    });
}

#[test]
fn a_rolling_update_changes_the_machine_in_its_place_and_goes_back() {
    let mut lab = Lab::new(|_| {});
    lab.deploy();
    let before = lab.table();
    let id = lab.machines()[0]["id"].clone();
    lab.image(2);
    let plan = lab.plan();
    lab.apply(&plan).unwrap();
    assert_eq!(lab.machines()[0]["id"], id);
    assert_eq!(lab.serving(), [digit(2)]);
    lab.revert(&plan).unwrap();
    assert_eq!(lab.table(), before);
    lab.revert(&plan).unwrap();
    assert_eq!(lab.table(), before);
    lab.deploy();
    assert!(lab.plan().is_empty());
}

#[test]
fn an_exchange_keeps_the_former_machines_until_the_verdict() {
    let mut lab = Lab::free("bluegreen", 2);
    lab.deploy();
    assert!(lab.plan().is_empty());
    lab.image(2);
    let plan = lab.plan();
    lab.apply(&plan).unwrap();
    assert_eq!((lab.machines().len(), lab.serving()), (4, vec![digit(2); 2]));
    lab.played.revive();
    assert_eq!(lab.health("api"), Health::Healthy);
    lab.revert(&plan).unwrap();
    assert_eq!((lab.machines().len(), lab.serving()), (2, vec![digit(1); 2]));
    let again = lab.deploy();
    assert_eq!((lab.machines().len(), lab.serving()), (2, vec![digit(2); 2]));
    lab.settle(&again).unwrap();
    assert!(lab.plan().is_empty(), "{:#?}", lab.plan());
}

#[test]
fn new_machines_that_do_not_become_healthy_go_again() {
    for strategy in ["bluegreen", "canary", "rolling"] {
        for crash in [true, false] {
            let mut lab = Lab::free(strategy, 2);
            lab.deploy();
            let before = lab.table();
            lab.image(2);
            lab.played.with(|world| {
                let bad = Some(digit(2));
                if crash { world.crashing = bad } else { world.sick = bad }
            });
            let error = lab.apply(&lab.plan()).unwrap_err();
            let said = if crash { "ended with code 3" } else { "connection refused" };
            assert!(error.message.contains(said) && error.hint.is_some(), "{strategy}: {error}");
            assert_eq!(lab.table(), before, "{strategy} {crash}");
        }
    }
}

#[test]
fn machines_come_and_go_with_replicas() {
    let mut lab = Lab::free("rolling", 1);
    lab.deploy();
    lab.release.bound.services["api"].replicas = 3;
    let up = lab.deploy();
    assert_eq!(up.changes[0].fields[0].field, "machines");
    assert!(up.changes[0].billable.is_some());
    assert_eq!(lab.serving().len(), 3);
    lab.release.bound.services["api"].replicas = 1;
    let plan = lab.plan();
    lab.apply(&plan).unwrap();
    assert_eq!((lab.machines().len(), lab.serving().len()), (3, 1));
    lab.revert(&plan).unwrap();
    assert_eq!(lab.serving().len(), 3);
    lab.deploy();
    assert_eq!(lab.machines().len(), 1);
    assert!(lab.plan().is_empty());
}

#[test]
fn every_other_strategy_puts_the_release_on_every_machine() {
    for strategy in ["rolling", "immediate", "canary"] {
        let mut lab = Lab::free(strategy, 3);
        lab.deploy();
        lab.image(2);
        lab.deploy();
        assert_eq!((lab.machines().len(), lab.serving()), (3, vec![digit(2); 3]), "{strategy}");
        assert!(lab.plan().is_empty(), "{strategy}");
    }
}

#[test]
fn another_region_exchanges_machines() {
    let mut lab = Lab::free("rolling", 1);
    lab.deploy();
    lab.release.bound.region = Some("fra".to_owned());
    lab.deploy();
    assert_eq!(lab.machines().len(), 1);
    assert_eq!(lab.machines()[0]["region"], "fra");
    assert!(lab.plan().is_empty());
}

#[test]
fn a_volume_grows_in_its_place() {
    let mut lab = Lab::new(|_| {});
    lab.deploy();
    let data = lab.release.bound.volumes.keys().next().unwrap().clone();
    lab.release.bound.volumes[&data].size = Some(5 << 30);
    lab.deploy();
    lab.played.with(|world| {
        assert_eq!(world.apps["shop-local-api"].volumes[0]["size_gb"], 5);
        assert!(world.writes.iter().any(|line| line.ends_with("/restart")));
    });
    assert!(lab.plan().is_empty(), "{:#?}", lab.plan());
    lab.release.bound.volumes[&data].size = Some(2 << 30);
    let error = lab.target.plan(&lab.release, &{
        // Something else changed as well, so that the volume is looked at.
        lab.observe()
    });
    assert!(error.unwrap_err().hint.unwrap().contains("size: 5Gi"));
}

#[test]
fn a_lease_of_others_is_named_and_one_of_ours_waited_for() {
    let mut lab = Lab::new(|_| {});
    lab.deploy();
    lab.image(2);
    let plan = lab.plan();
    lab.played.with(|world| world.leased_by = Some("fly deploy".to_owned()));
    let error = lab.apply(&plan).unwrap_err();
    assert!(error.message.contains("you@example.com (fly deploy)"), "{error}");
    lab.played.with(|world| world.leased_by = Some("dashdeploy".to_owned()));
    let (before, now) = (lab.played.with(|world| world.writes.len()), lab.played.access().clock.now());
    assert!(lab.apply(&plan).is_err());
    assert!(lab.played.access().clock.now() - now > 60 && lab.writes() > before + 10);
    lab.played.with(|world| world.leased_by = None);
    lab.apply(&plan).unwrap();
    assert_eq!(lab.serving(), [digit(2)]);
}

#[test]
fn secrets_are_set_without_touching_machines_and_taken_with_the_next_deploy() {
    let mut lab = Lab::new(|_| {});
    lab.deploy();
    let kept = |lab: &Lab| lab.runtime.block_on(lab.reader().secrets(&lab.release.bound)).unwrap();
    assert!(kept(&lab).iter().all(|secret| secret.in_use && secret.fingerprint.is_some()));
    assert_eq!(kept(&lab).len(), 1, "the mark of the app is none of the user's: {:?}", kept(&lab));
    let api = Name::from_any("api", "api");
    let edit = |variable: &str, print: Option<&str>| SecretEdit {
        service: api.clone(),
        variable: variable.to_owned(),
        fingerprint: print.map(str::to_owned),
    };
    lab.played.with(|world| {
        let app = world.apps.get_mut("shop-local-api").unwrap();
        app.secrets.insert("API_KEY".to_owned(), "set by hand".to_owned());
    });
    assert!(!kept(&lab)[0].in_use && kept(&lab)[0].fingerprint.is_none());
    let edits = [edit("API_KEY", Some("12345678")), edit("GONE", None)];
    let plan = lab.target.plan_secrets(&lab.release.bound, &lab.observe(), &edits).unwrap();
    assert_eq!(plan.changes.len(), 1);
    let before = lab.machines();
    lab.apply(&plan).unwrap();
    assert_eq!(lab.machines(), before);
    // The value is what the machines were started with again.
    assert!(lab.plan().is_empty());
    lab.release.secrets["api"].insert("API_KEY".to_owned(), "00000000".to_owned());
    let plan = lab.deploy();
    assert!(plan.changes.iter().any(|change| change.address.kind() == "machines"));
}

#[test]
fn a_secret_that_is_named_no_more_goes_when_the_machines_serve() {
    let mut lab = Lab::new(|_| {});
    lab.deploy();
    lab.release.bound.services["api"].secrets.clear();
    lab.release.secrets.clear();
    let plan = lab.plan();
    lab.apply(&plan).unwrap();
    let has =
        |lab: &Lab| lab.played.with(|world| world.apps["shop-local-api"].secrets.contains_key("API_KEY"));
    assert!(has(&lab));
    // Cut off before the end: the next plan still knows it.
    let rest = lab.plan();
    assert_eq!(rest.changes.len(), 1, "{rest:#?}");
    lab.apply(&rest).unwrap();
    lab.settle(&rest).unwrap();
    assert!(!has(&lab) && lab.plan().is_empty());
}

#[test]
fn what_others_have_is_left_alone_unless_it_is_to_be_adopted() {
    let lab = Lab::free("rolling", 1);
    lab.played.with(|world| {
        world.apps.insert(
            "shop-local-api".to_owned(),
            crate::played::App { org: "others".to_owned(), ..Default::default() },
        );
    });
    let refused = lab.target.plan(&lab.release, &lab.observe()).unwrap_err();
    assert!(refused.hint.unwrap().contains("app"), "{}", refused.message);
    lab.played.with(|world| {
        let app = world.apps.get_mut("shop-local-api").unwrap();
        app.org = "personal".to_owned();
        app.machines.push(serde_json::json!({
            "id": "m1", "name": "by-hand", "region": "iad", "state": "started", "instance_id": "i1",
            "config": { "image": "nginx@sha256:0", "env": { "API_KEY": "secret-by-hand", "OTHER": "hidden" } },
        }));
        app.registered.push("m1".to_owned());
    });
    let observed = lab.observe();
    assert!(!serde_json::to_string(&observed).unwrap().contains("secret-by-hand"));
    let refused = lab.target.plan(&lab.release, &observed).unwrap_err();
    assert!(refused.hint.unwrap().contains("--adopt"));
    let plan = lab.target.plan(&lab.release, &observed.adopted()).unwrap();
    assert!(
        !serde_json::to_string(&plan.changes.iter().map(|c| &c.fields).collect::<Vec<_>>())
            .unwrap()
            .contains("hidden")
    );
    lab.apply(&plan).unwrap();
    lab.settle(&plan).unwrap();
    assert_eq!((lab.machines().len(), lab.serving()), (1, vec![digit(1)]));
    assert_eq!(lab.machines()[0]["id"], "m1");
    assert!(lab.plan().is_empty(), "{:#?}", lab.plan());
}

#[test]
fn an_organisation_has_to_be_known() {
    let lab = Lab::free("rolling", 1);
    lab.played.with(|world| world.orgs = vec!["acme", "personal"]);
    let error = lab.apply(&lab.plan()).unwrap_err();
    assert!(error.hint.unwrap().contains("`org`") && error.message.contains("acme, personal"));
    assert_eq!(lab.writes(), 0);
}

#[test]
fn an_image_that_is_nowhere_is_an_error() {
    let lab = Lab::free("rolling", 1);
    let plan = lab.plan();
    let writer = lab.writer();
    let supplies = Supplies::of(canaries(&lab.release.bound));
    let of = |kind: &str| plan.changes.iter().find(|change| change.address.kind() == kind).unwrap();
    for kind in ["app", "secrets"] {
        lab.runtime.block_on(writer.apply(&lab.release.bound, of(kind), &supplies)).unwrap();
    }
    let error =
        lab.runtime.block_on(writer.apply(&lab.release.bound, of("machines"), &supplies)).unwrap_err();
    assert!(error.hint.is_some() && lab.machines().is_empty());
    let nothing = Supplies::default();
    let error = lab.runtime.block_on(writer.apply(&lab.release.bound, of("secrets"), &nothing)).unwrap_err();
    assert!(error.message.contains("API_KEY"));
}

#[test]
fn a_removal_takes_what_is_ours_and_keeps_data_unless_told() {
    let lab = Lab::new(|_| {});
    lab.deploy();
    let remove = |removal| lab.target.plan_removal(&lab.release.bound, &lab.observe(), removal).unwrap();
    lab.apply(&remove(Removal::KeepData)).unwrap();
    lab.played.with(|world| {
        assert_eq!(world.apps.keys().collect::<Vec<_>>(), ["shop-local-api"]);
        let api = &world.apps["shop-local-api"];
        assert_eq!((api.machines.len(), api.volumes.len()), (0, 1));
    });
    assert!(remove(Removal::KeepData).is_empty());
    // The data is taken up again.
    lab.deploy();
    assert_eq!(lab.played.with(|world| world.apps["shop-local-api"].volumes.len()), 1);
    lab.apply(&remove(Removal::DeleteData)).unwrap();
    assert!(lab.played.with(|world| world.apps.is_empty()));
    assert!(remove(Removal::DeleteData).is_empty());
}

#[test]
fn a_first_deploy_that_fails_leaves_nothing_but_data() {
    let lab = Lab::new(|_| {});
    let plan = lab.plan();
    lab.apply(&plan).unwrap();
    lab.revert(&plan).unwrap();
    lab.played.with(|world| {
        assert_eq!(world.apps.keys().collect::<Vec<_>>(), ["shop-local-api"]);
        let api = &world.apps["shop-local-api"];
        assert_eq!((api.machines.len(), api.volumes.len()), (0, 1));
        assert!(!api.secrets.contains_key("API_KEY"));
    });
}

/// Deploys of many kinds: what is there, what is put.
fn scenes() -> Vec<(&'static str, fn() -> Lab, fn(&mut Lab))> {
    let same: fn(&mut Lab) = |_| {};
    vec![
        ("first", || Lab::new(|_| {}), same),
        (
            "data",
            || {
                let lab = Lab::new(|_| {});
                lab.deploy();
                lab
            },
            |lab| lab.image(2),
        ),
        (
            "exchange",
            || {
                let lab = Lab::free("bluegreen", 2);
                lab.deploy();
                lab
            },
            |lab| lab.image(2),
        ),
        (
            "canary",
            || {
                let lab = Lab::free("canary", 2);
                lab.deploy();
                lab
            },
            |lab| lab.image(2),
        ),
        (
            "fewer",
            || {
                let lab = Lab::free("rolling", 3);
                lab.deploy();
                lab
            },
            |lab| {
                lab.release.bound.services["api"].replicas = 1;
            },
        ),
    ]
}

#[test]
fn killed_at_every_call_and_repeated_it_converges() {
    for (scene, there, change) in scenes() {
        let mut whole = there();
        change(&mut whole);
        let from = whole.writes();
        whole.deploy();
        let (expected, calls) = (whole.table(), whole.writes() - from);
        assert!(calls > 3, "{scene}: {calls}");
        for call in 0..calls {
            for fault in [Fault::Killed, Fault::Lost] {
                let mut lab = there();
                change(&mut lab);
                let at = lab.writes() + call;
                lab.played.with(|world| world.fault_at = Some((at, fault)));
                let plan = lab.plan();
                let ended = lab.apply(&plan).and_then(|()| lab.settle(&plan));
                assert!(ended.is_ok() || fault == Fault::Killed, "{scene} {call}: {ended:?}");
                lab.played.revive();
                let rest = lab.plan();
                lab.apply(&rest).unwrap_or_else(|error| panic!("{scene} {call} {fault:?}: {error}"));
                lab.settle(&rest).unwrap();
                assert_eq!(lab.table(), expected, "{scene} {call} {fault:?}");
                assert!(lab.plan().is_empty(), "{scene} {call}: {:#?}", lab.plan());
            }
        }
    }
}

#[test]
fn answers_that_leave_it_open_double_nothing_even_where_lists_lag() {
    for (scene, there, change) in scenes() {
        let mut whole = there();
        change(&mut whole);
        let from = whole.writes();
        whole.deploy();
        let (expected, calls) = (whole.table(), whole.writes() - from);
        for call in 0..calls {
            for (fault, lag) in [(Fault::Done(408), 0), (Fault::Done(502), 2), (Fault::Refused(503), 0)] {
                let mut lab = there();
                change(&mut lab);
                let at = lab.writes() + call;
                lab.played.with(|world| {
                    world.fault_at = Some((at, fault));
                    world.lag = lag;
                });
                let plan = lab.plan();
                // Calls that may be repeated are repeated by the layers behind: here they fail, and the next run goes on.
                let first = lab.apply(&plan).and_then(|()| lab.settle(&plan));
                lab.played.revive();
                if first.is_err() {
                    let rest = lab.plan();
                    lab.apply(&rest).unwrap_or_else(|error| panic!("{scene} {call} {fault:?}: {error}"));
                    lab.settle(&rest).unwrap();
                }
                assert_eq!(lab.table(), expected, "{scene} {call} {fault:?} {lag}");
            }
        }
    }
}

#[test]
fn logs_of_all_apps_come_by_time() {
    let lab = Lab::new(|_| {});
    lab.deploy();
    let line = |id: &str, time: &str, text: &str| {
        serde_json::json!({
            "id": id, "attributes": { "timestamp": time, "message": text, "level": "info", "instance": "m1", "new": 1 }
        })
    };
    let page =
        |lines: &[Value], next: &str| serde_json::json!({ "data": lines, "meta": { "next_token": next } });
    let (a, b) = (line("a", "2026-05-01T10:00:00.5Z", "one"), line("b", "2026-05-01T10:00:01.25Z", "three"));
    let c = line("c", "2026-05-01T10:00:00.75Z", "two");
    lab.played.with(|world| {
        world.logs =
            [page(&[a.clone()], "1"), page(&[a, b], "2"), page(&[], "2"), page(&[c], "1"), page(&[], "1")]
                .into();
    });
    let query = dashdeploy_contract::LogQuery::default();
    let texts = lab.runtime.block_on(async {
        let mut feed = lab
            .target
            .connect_reader(&lab.played.access())
            .await
            .unwrap()
            .logs(&lab.release.bound, &query)
            .await
            .unwrap();
        let mut texts = Vec::new();
        while let Some(line) = feed.next().await.unwrap() {
            texts.push((line.time, line.text));
        }
        texts
    });
    let found: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(found, ["one", "two", "three"]);
    assert_eq!(texts[0].0, "2026-05-01T10:00:00.500000000Z");
}
