//! What is planned for machines and what an app has, from observations written by hand.

use std::collections::BTreeMap;

use dashdeploy_contract::conformance::sample;
use dashdeploy_contract::{
    Action, Address, Change, HealthCheck, KEPT, Name, Observed, Plan, Publish, Release, Risk, Target as _,
};
use serde_json::{Value, json};

use crate::config::App;
use crate::desired::{Desired, setup};
use crate::marks;
use crate::payload::{Holdings, SeenApp, SeenMachine, SeenVolume, Standing};

fn api() -> Name {
    Name::from_any("api", "x")
}

/// One service without data on Fly.io.
fn release(change: impl FnOnce(&mut Release)) -> Release {
    let mut release = sample("fly");
    release.bound.services.shift_remove("web");
    release.bound.services["api"].volumes.clear();
    change(&mut release);
    release.wiring.services = crate::target().addresses(&release.bound);
    release
}

fn option(release: &mut Release, name: &str, value: &str) {
    release.bound.options.entry(api()).or_default().insert(name.to_owned(), value.to_owned());
}

fn digests(release: &Release) -> BTreeMap<String, String> {
    release.secrets["api"].keys().map(|name| (name.clone(), "digest".to_owned())).collect()
}

/// A machine as a deploy of the release leaves it.
fn machine(release: &Release, id: &str) -> SeenMachine {
    let target = crate::target();
    let app = App::of(target.descriptor(), &release.bound, &release.bound.services["api"]);
    let desired = Desired::of(&app, release).unwrap();
    let secrets: BTreeMap<_, _> =
        desired.secrets.iter().map(|(name, print)| (name, (print, "digest"))).collect();
    let mut config = desired.config.clone();
    config["metadata"] = json!(desired.marks);
    for (mark, value) in [
        (marks::IMAGE, desired.image.clone()),
        (marks::CONFIG, desired.config_hash()),
        (marks::GENERATION, desired.generation()),
        (marks::SETUP, setup(&app)),
        (marks::SECRETS, json!(secrets).to_string()),
        (marks::STAGE, marks::LIVE.to_owned()),
    ] {
        config["metadata"][mark] = json!(value);
    }
    if let Some(volume) = &desired.volume {
        config["mounts"] = json!([{ "volume": "vol_1", "name": volume.name, "path": volume.path }]);
    }
    let (state, region) = ("started".to_owned(), desired.region);
    SeenMachine { id: id.to_owned(), name: id.to_owned(), state, region, reachable: true, ours: true, config }
}

fn seen(release: &Release, machines: u32) -> SeenApp {
    let machines = (0..machines).map(|n| machine(release, &format!("m{n}"))).collect();
    SeenApp { app: "shop-local-api".to_owned(), secrets: digests(release), machines, ..SeenApp::default() }
}

fn observed(app: &SeenApp) -> Observed {
    let resource = dashdeploy_contract::Resource {
        address: Address::new("fly", "app", "api"),
        id: app.app.clone(),
        service: None,
        owned: matches!(app.standing, Standing::Marked | Standing::Empty),
        adoptable: app.standing == Standing::Unmarked,
        health: None,
        facts: BTreeMap::new(),
        payload: app.json(),
    };
    Observed { resources: vec![resource] }
}

fn plan(release: &Release, app: &SeenApp) -> Plan {
    super::plan(crate::target().descriptor(), release, &observed(app)).unwrap()
}

fn refusal(release: &Release, app: &SeenApp) -> String {
    let error = super::plan(crate::target().descriptor(), release, &observed(app)).unwrap_err();
    format!("{} | {}", error.message, error.hint.expect("a refusal names the mend"))
}

fn only(plan: &Plan) -> &Change {
    assert_eq!(plan.changes.len(), 1, "{:#?}", plan.changes);
    &plan.changes[0]
}

fn fields(change: &Change) -> Vec<&str> {
    change.fields.iter().map(|field| field.field.as_str()).collect()
}

fn next(before: &Release, change: impl FnOnce(&mut Release)) -> Release {
    let mut next = before.clone();
    change(&mut next);
    next.wiring.services = crate::target().addresses(&next.bound);
    next
}

fn other_image(release: &mut Release) {
    release.images["api"].id = dashdeploy_contract::ImageId("sha256:9".to_owned());
}

#[test]
fn what_a_deploy_left_is_as_it_should_be() {
    let release = release(|_| {});
    let same = plan(&release, &seen(&release, 1));
    assert!(same.is_empty(), "{same:#?}");
    assert!(same.unchanged.iter().any(|address| address.kind() == "ips"));
}

#[test]
fn a_first_deploy_makes_each_thing_after_those_it_needs() {
    let release = release(|release| {
        release.bound.services["api"].volumes.insert(Name::from_any("data", "x"), "/data".to_owned());
        release.bound.domains.insert(api(), "api.example.com".to_owned());
    });
    let plan = super::plan(crate::target().descriptor(), &release, &Observed::default()).unwrap();
    let kinds: Vec<&str> = plan.changes.iter().map(|change| change.address.kind()).collect();
    assert_eq!(kinds, ["app", "ips", "volume", "certificate", "secrets", "machines"]);
    assert!(plan.changes.iter().all(|change| change.risk == Risk::Safe && change.downtime.is_none()));
    let billed: Vec<&str> = plan.changes.iter().filter_map(|change| change.billable.as_deref()).collect();
    assert_eq!(billed, ["a volume of 1 GB", "1 machine shared-cpu-1x with 512 MB"]);
    let machines = plan.changes.last().unwrap();
    assert!(machines.gated && machines.takes_image && machines.needs.len() == 5);
    assert_eq!(plan.changes.iter().filter(|change| change.gated || change.takes_image).count(), 1);
}

#[test]
fn each_strategy_says_what_it_does_to_those_who_use_the_service() {
    for (strategy, replicas, action, way, downtime) in [
        (None, 1, Action::Replace, "exchange", None),
        (Some("bluegreen"), 2, Action::Replace, "exchange", None),
        (Some("rolling"), 1, Action::Update, "rolling", Some(10)),
        (Some("rolling"), 2, Action::Update, "rolling", None),
        (Some("canary"), 1, Action::Update, "canary", Some(10)),
        (Some("canary"), 2, Action::Update, "canary", None),
        (Some("immediate"), 2, Action::Update, "immediate", Some(10)),
    ] {
        let before = release(|release| {
            release.bound.services["api"].replicas = replicas;
            if let Some(strategy) = strategy {
                option(release, "strategy", strategy);
            }
        });
        let changed = plan(&next(&before, other_image), &seen(&before, replicas));
        let change = only(&changed);
        assert_eq!((change.action, change.downtime), (action, downtime), "{strategy:?} {replicas}");
        assert_eq!(change.payload["way"], way, "{strategy:?}");
        let risk = if downtime.is_some() { Risk::InterruptsTraffic } else { Risk::Safe };
        assert_eq!((change.risk, fields(change)), (risk, vec!["image"]));
        assert_eq!(change.reason, "image changed");
        assert!(change.gated && change.takes_image && change.billable.is_none());
    }
}

#[test]
fn fields_that_differ_are_named_one_by_one() {
    let before = release(|release| option(release, "strategy", "rolling"));
    let changed = next(&before, |release| {
        let service = &mut release.bound.services["api"];
        service.env.insert("ADDED".to_owned(), dashdeploy_contract::Text::literal("1"));
        service.env.shift_remove("LOG_LEVEL");
        service.resources.memory = 1 << 30;
        service.health = HealthCheck::Http { path: "/other".to_owned() };
        service.command = Some(vec!["serve".to_owned()]);
        release.secrets["api"].insert("API_KEY".to_owned(), "00000000".to_owned());
    });
    let plan = plan(&changed, &seen(&before, 1));
    assert_eq!(plan.changes[0].address.kind(), "secrets");
    let found = fields(&plan.changes[1]);
    assert_eq!(found, ["env.ADDED", "env.LOG_LEVEL", "guest", "init", "services", "secrets.API_KEY"]);
    assert!(plan.changes[1].billable.as_deref().is_some_and(|text| text.contains("1024 MB")));
    let secret = plan.changes[1].fields.last().unwrap();
    assert_eq!(secret.to.as_deref(), Some("00000000"));
}

#[test]
fn what_a_hand_changed_is_seen() {
    let release = release(|_| {});
    let by_hand = |change: fn(&mut SeenApp)| {
        let mut app = seen(&release, 1);
        change(&mut app);
        let plan = plan(&release, &app);
        plan.changes.last().map(|change| fields(change).join(",")).unwrap_or_default()
    };
    assert_eq!(by_hand(|app| app.machines[0].config["env"]["LOG_LEVEL"] = json!("debug")), "env.LOG_LEVEL");
    assert_eq!(by_hand(|app| app.machines[0].config["guest"]["cpus"] = json!(2)), "guest");
    assert_eq!(
        by_hand(|app| drop(app.secrets.insert("API_KEY".to_owned(), "other".to_owned()))),
        "secrets.API_KEY"
    );
    assert_eq!(by_hand(|app| app.machines[0].config["env"]["FLY_PROCESS_GROUP"] = json!("app")), "");
    assert_eq!(by_hand(|app| app.machines[0].config["services"][0]["added"] = json!(1)), "");
}

#[test]
fn a_secret_nobody_knows_here_stays_as_the_platform_keeps_it() {
    let before = release(|_| {});
    let kept = next(&before, |release| {
        release.secrets["api"].insert("API_KEY".to_owned(), KEPT.to_owned());
    });
    assert!(plan(&kept, &seen(&before, 1)).is_empty());
    let mut set_since = seen(&before, 1);
    set_since.secrets.insert("API_KEY".to_owned(), "another".to_owned());
    let changed = plan(&kept, &set_since);
    assert_eq!(only(&changed).address.kind(), "machines");
    assert_eq!(fields(only(&changed)), ["secrets.API_KEY"]);
}

#[test]
fn the_number_of_machines_is_a_change_of_its_own() {
    let before = release(|_| {});
    let three = next(&before, |release| release.bound.services["api"].replicas = 3);
    let up = plan(&three, &seen(&before, 1));
    assert_eq!((only(&up).action, only(&up).risk), (Action::Update, Risk::Safe));
    assert!(only(&up).billable.is_some() && only(&up).takes_image);
    let down = plan(&before, &seen(&three, 3));
    assert!(only(&down).billable.is_none() && !only(&down).takes_image);
    assert_eq!(only(&down).reason, "number of machines changed");
}

#[test]
fn what_does_not_run_is_started_unless_it_sleeps() {
    let of = |auto_stop: &str, state: &str| {
        let release = release(|release| option(release, "auto_stop", auto_stop));
        let mut app = seen(&release, 1);
        app.machines[0].state = state.to_owned();
        plan(&release, &app)
    };
    for state in ["stopped", "failed", "created", "suspended"] {
        let plan = of("off", state);
        assert_eq!((only(&plan).action, only(&plan).takes_image), (Action::Run, false), "{state}");
    }
    assert!(of("stop", "stopped").is_empty() && of("suspend", "suspended").is_empty());
    assert!(of("off", "starting").is_empty() && of("off", "a word of tomorrow").is_empty());
    assert_eq!(only(&of("stop", "failed")).action, Action::Run);
}

#[test]
fn data_keeps_its_machine_its_region_and_its_size() {
    let with_data = |size: Option<u64>| {
        release(|release| {
            let data = Name::from_any("data", "x");
            release.bound.volumes[&data].size = size.map(|size| size << 30);
            release.bound.services["api"].volumes.insert(data, "/data".to_owned());
        })
    };
    let before = with_data(Some(3));
    let changed = plan(&next(&before, other_image), &seen(&before, 1));
    assert_eq!((only(&changed).action, only(&changed).downtime), (Action::Update, Some(10)));
    let moved = next(&before, |release| release.bound.region = Some("fra".to_owned()));
    assert!(refusal(&moved, &seen(&before, 1)).contains("write `region: iad`"));
    let mut lost = seen(&before, 1);
    lost.machines[0].reachable = false;
    assert!(refusal(&next(&before, other_image), &lost).contains("host"));
    let looked = |size: u64| {
        let mut app = seen(&before, 1);
        let (id, name, region) = ("vol_1".to_owned(), "data".to_owned(), "iad".to_owned());
        let volume = SeenVolume { id, name, region, size: Some(size), snapshots: Some(5) };
        app.holdings =
            Some(Holdings { volumes: vec![volume], private: true, public: (1, 1), certificate: None });
        app
    };
    assert!(refusal(&before, &looked(4)).contains("size: 4Gi"));
    assert!(plan(&before, &looked(3)).is_empty());
    let grown = plan(&before, &looked(1));
    assert_eq!((only(&grown).address.kind(), fields(only(&grown))), ("volume", vec!["size"]));
    assert_eq!(only(&grown).billable.as_deref(), Some("a volume of 3 GB"));
    let unsized_ = with_data(None);
    assert!(plan(&unsized_, &looked(4)).changes.iter().all(|change| change.address.kind() != "volume"));
}

#[test]
fn a_lost_host_without_data_is_left_for_another() {
    let before = release(|release| option(release, "strategy", "rolling"));
    let mut app = seen(&before, 1);
    app.machines[0].reachable = false;
    assert!(plan(&before, &app).is_empty());
    let changed = plan(&next(&before, other_image), &app);
    assert_eq!(only(&changed).payload["way"], "exchange");
}

#[test]
fn public_addresses_go_with_the_public() {
    let before = release(|_| {});
    let closed = next(&before, |release| release.bound.services["api"].publish = Publish::No);
    let mut app = seen(&before, 1);
    app.holdings = Some(Holdings { public: (1, 1), private: true, ..Holdings::default() });
    let plan = plan(&closed, &app);
    let ips = plan.changes.iter().find(|change| change.address.kind() == "ips").unwrap();
    assert_eq!((ips.action, ips.risk), (Action::Update, Risk::InterruptsTraffic));
}

#[test]
fn leftovers_go_when_all_is_well_and_an_exchange_goes_on() {
    let before = release(|_| {});
    let after = next(&before, other_image);
    let stage = |mut machine: SeenMachine, stage: &str| {
        machine.config["metadata"][marks::STAGE] = json!(stage);
        machine
    };
    let mut app = seen(&after, 1);
    app.machines.push(stage(machine(&before, "old"), marks::BLUE));
    let left = plan(&after, &app);
    assert_eq!((only(&left).address.kind(), only(&left).action), ("former", Action::Delete));
    assert_eq!(only(&left).payload["machines"], json!(["old"]));
    // Cut off when the former machines stood aside already and the new ones took no traffic yet by their marks.
    app.machines =
        vec![stage(machine(&before, "old"), marks::BLUE), stage(machine(&after, "new"), marks::GREEN)];
    let rest = plan(&after, &app);
    let former: Vec<&Value> =
        only(&rest).payload["former"].as_array().unwrap().iter().map(|f| &f["id"]).collect();
    assert_eq!((only(&rest).action, former), (Action::Replace, vec![&json!("old")]));
}

#[test]
fn an_app_of_others_is_refused_in_words_that_help() {
    let release = release(|_| {});
    let of = |standing: Standing| {
        let app = SeenApp { standing, ..seen(&release, 0) };
        refusal(&release, &app)
    };
    assert!(of(Standing::Unmarked).contains("--adopt"));
    assert!(
        of(Standing::Elsewhere).contains("another organisation") && of(Standing::Elsewhere).contains("app:")
    );
    assert!(of(Standing::Other).contains("another project"));
    let empty =
        SeenApp { standing: Standing::Empty, holdings: Some(Holdings::default()), ..SeenApp::default() };
    let empty = SeenApp { app: "shop-local-api".to_owned(), ..empty };
    let filled = plan(&release, &empty);
    assert_eq!((filled.changes[0].address.kind(), filled.changes[0].action), ("app", Action::Update));
    let mut groups = SeenApp { standing: Standing::Unmarked, ..seen(&release, 2) };
    groups.machines[1].config["metadata"]["fly_process_group"] = json!("worker");
    let target = crate::target();
    let error = super::plan(target.descriptor(), &release, &observed(&groups).adopted()).unwrap_err();
    assert!(error.message.contains("app, worker"), "{error}");
}

#[test]
fn files_in_a_bucket_are_not_deployed() {
    let mut release = sample("fly");
    release.wiring.services = crate::target().addresses(&release.bound);
    let web = Name::from_any("web", "x");
    release.bound.options.entry(web).or_default().insert("hosting".to_owned(), "statics".to_owned());
    let error = super::plan(crate::target().descriptor(), &release, &Observed::default()).unwrap_err();
    assert!(error.hint.unwrap().contains("hosting: image"));
}
