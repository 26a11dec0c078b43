//! The whole way, against Render in memory: deploys, what goes wrong with them, and the end.

use std::sync::Arc;
use std::time::Duration;

use dashdeploy_contract::conformance::{CANARY, canaries};
use dashdeploy_contract::{
    Action, ErrorKind, Health, LogQuery, Observed, Release, Removal, SecretEdit, Supplies, Target, Text,
    fingerprint,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::lab::{
    Cut, End, Lab, changes, deploy, image, name, now, option, release, run, supplies, with_secrets,
};

fn health(lab: &Arc<Lab>, release: &Release, service: &str) -> Health {
    now(lab.reader().health(&release.bound, &name(service))).unwrap()
}

fn id(lab: &Lab, service: &str) -> String {
    let objects = lab.objects();
    let services = objects["services"].as_object().unwrap();
    services.iter().find(|(_, found)| found["name"] == format!("shop-local-{service}")).unwrap().0.clone()
}

fn truth(lab: &Lab, service: &str) -> Value {
    lab.objects()["services"][id(lab, service)].clone()
}

/// The image that serves, by the digit of its digest.
fn serving(lab: &Lab, service: &str) -> String {
    let (objects, id) = (lab.objects(), id(lab, service));
    let deploys = objects["deploys"].as_object().unwrap().values();
    let mut live = deploys.filter(|deploy| deploy["service"] == id.as_str() && deploy["status"] == "live");
    let image = live.next().unwrap()["image"]["ref"].as_str().unwrap().to_owned();
    assert!(live.next().is_none());
    image[image.len() - 1..].to_owned()
}

fn deploys(lab: &Lab) -> usize {
    lab.objects()["deploys"].as_object().unwrap().len()
}

#[test]
fn a_second_deploy_of_the_same_release_changes_nothing_and_reads_little() {
    let (lab, release) = (Lab::new(), release());
    let plan = deploy(&lab, &release);
    assert!(plan.changes.iter().all(|change| change.action == Action::Create));
    assert_eq!(
        [health(&lab, &release, "api"), health(&lab, &release, "web")],
        [const { Health::Healthy }; 2]
    );
    assert_eq!(deploys(&lab), 2);
    let api = now(lab.reader().served(&release.bound, &name("api"))).unwrap();
    assert_eq!(api.images, [release.images["api"].id.0.clone()]);
    assert_eq!(api.url.as_deref(), Some("https://shop-local-api.onrender.com"));
    lab.made();

    let again = deploy(&lab, &release);

    assert!(again.is_empty(), "{:?}", changes(&again));
    let made = lab.made();
    assert!(made.iter().all(|call| call.method == "GET"), "{made:?}");
    assert!(made.len() <= 2 * 2 + 1, "{made:?}");
}

#[test]
fn another_image_is_one_deploy_by_digest_and_stays_for_later_restarts() {
    let (lab, mut release) = (Lab::new(), release());
    deploy(&lab, &release);
    image(&mut release, "api", "7");
    let plan = deploy(&lab, &release);
    assert_eq!(changes(&plan), ["render/deploy/api"]);
    assert_eq!((serving(&lab, "api").as_str(), deploys(&lab)), ("7", 3));
    assert!(truth(&lab, "api")["imagePath"].as_str().unwrap().ends_with("7"));
    assert_eq!((plan.changes[0].downtime, plan.changes[0].takes_image), (Some(30), true));
    assert!(deploy(&lab, &release).is_empty());
}

#[test]
fn another_secret_is_set_and_deployed_and_what_others_set_stays() {
    let (lab, mut release) = (Lab::new(), release());
    deploy(&lab, &release);
    let api = id(&lab, "api");
    lab.ask("PUT", &format!("services/{api}/env-vars/THEIRS"), Some(json!({ "value": "1" })));
    let mut store = canaries(&release.bound);
    store.insert(&name("api"), "API_KEY", SecretString::from(format!("{CANARY}-another")));
    release.secrets = Release::fingerprints(&release.bound, &store);
    let End::Done(plan) = run(&lab, &release, &with_secrets(&release, store)) else { panic!() };
    assert_eq!(changes(&plan), ["render/variables/api", "render/deploy/api"]);
    assert_eq!(plan.changes[0].fields[0].field, "secrets.API_KEY");
    assert!(truth(&lab, "api")["env"]["THEIRS"].is_string());
    assert!(deploy(&lab, &release).is_empty());
}

#[test]
fn a_bad_image_is_taken_back_with_variables_and_settings() {
    for (letter, word) in [("f", "update_failed"), ("d", "build_failed")] {
        let (lab, first) = (Lab::new(), release());
        deploy(&lab, &first);
        let before = truth(&lab, "api");
        let mut bad = first.clone();
        image(&mut bad, "api", letter);
        option(&mut bad, "api", "plan", "standard");
        let api = bad.bound.services.get_mut("api").unwrap();
        api.env.insert("ADDED".to_owned(), Text::literal("1"));
        let End::Sick(Health::Unhealthy { detail }) = run(&lab, &bad, &supplies(&bad)) else { panic!() };
        assert!(detail.contains(word), "{detail}");
        lab.pass(Duration::from_secs(120));
        let after = truth(&lab, "api");
        for part in ["env", "imagePath", "serviceDetails"] {
            assert_eq!(after[part], before[part], "{part}");
        }
        assert_eq!(serving(&lab, "api"), serving_of(&first));
        assert_eq!(health(&lab, &first, "api"), Health::Healthy);
        assert!(deploy(&lab, &first).is_empty());
        assert_eq!(
            changes(&lab.plan(&bad)),
            ["render/variables/api", "render/settings/api", "render/deploy/api"]
        );
        lab.made();
    }
}

fn serving_of(release: &Release) -> String {
    let id = &release.images["api"].id.0;
    id[id.len() - 1..].to_owned()
}

#[test]
fn a_first_deploy_that_fails_goes_but_for_what_has_data() {
    let (lab, mut release) = (Lab::new(), release());
    image(&mut release, "web", "f");
    assert!(matches!(run(&lab, &release, &supplies(&release)), End::Sick(_)));
    let services = lab.objects()["services"].clone();
    let names: Vec<&str> =
        services.as_object().unwrap().values().map(|found| found["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["shop-local-api"]);
    let plan = crate::target().plan(&release, &Observed::default()).unwrap();
    let made = plan.changes.iter().find(|change| change.service == Some(name("api"))).unwrap();
    let error = now(lab.writer().revert(&release.bound, made)).unwrap_err();
    assert!(error.message.contains("a disk") && error.hint.is_some(), "{error}");
    image(&mut release, "web", "1");
    assert_eq!(changes(&deploy(&lab, &release)), ["render/service/web"]);
}

#[test]
fn instances_and_a_larger_disk_need_no_deploy() {
    let (lab, mut release) = (Lab::new(), release());
    deploy(&lab, &release);
    release.bound.services.get_mut("web").unwrap().replicas = 3;
    release.bound.volumes.get_mut("data").unwrap().size = Some(4 << 30);
    let plan = deploy(&lab, &release);
    assert_eq!(changes(&plan), ["render/scale/web", "render/disk/api"]);
    assert_eq!(truth(&lab, "web")["serviceDetails"]["numInstances"], 3);
    assert_eq!(truth(&lab, "api")["serviceDetails"]["disk"]["sizeGB"], 4);
    assert!(deploy(&lab, &release).is_empty() && deploys(&lab) == 2);
}

#[test]
fn a_disk_is_added_after_what_it_needs_and_stays_when_nobody_wants_it() {
    let (lab, with_disk) = (Lab::new(), release());
    let mut without = with_disk.clone();
    let api = without.bound.services.get_mut("api").unwrap();
    api.volumes.clear();
    api.replicas = 2;
    deploy(&lab, &without);
    let plan = deploy(&lab, &with_disk);
    assert_eq!(changes(&plan), ["render/scale/api", "render/disk/api", "render/deploy/api"]);
    assert!(lab.objects()["disks"].as_object().unwrap().len() == 1 && deploy(&lab, &with_disk).is_empty());

    let error = crate::target().plan(&without, &lab.observe(&with_disk)).unwrap_err();
    assert!(error.message.contains("one instance") && error.hint.is_some(), "{error}");
    without.bound.services.get_mut("api").unwrap().replicas = 1;
    deploy(&lab, &without);
    assert_eq!(lab.objects()["disks"].as_object().unwrap().len(), 1);
    assert!(deploy(&lab, &without).is_empty());
}

#[test]
fn what_somebody_else_made_is_refused_and_taken_over_when_asked() {
    let (lab, release) = (Lab::new(), release());
    let image = json!({ "ownerId": super::lab::OWNER, "imagePath": "registry.example.com/shop/web:1" });
    let theirs = json!({
        "type": "web_service", "name": "shop-local-web", "ownerId": super::lab::OWNER, "image": image,
        "envVars": [{ "key": "THEIRS", "value": "1" }], "serviceDetails": { "runtime": "image" },
    });
    lab.ask("POST", "services", Some(theirs));
    lab.pass(Duration::from_secs(60));
    let End::Failed(error) = run(&lab, &release, &supplies(&release)) else { panic!() };
    assert!(error.kind == ErrorKind::Conflict && error.hint.unwrap().contains("--adopt"));
    assert!(lab.made().iter().all(|call| call.method == "GET"));

    let plan = crate::target().plan(&release, &lab.observe(&release).adopted()).unwrap();
    let writer = lab.writer();
    for change in &plan.changes {
        now(writer.apply(&release.bound, change, &supplies(&release))).unwrap();
    }
    lab.pass(Duration::from_secs(60));
    assert!(deploy(&lab, &release).is_empty());
    assert!(truth(&lab, "web")["env"]["THEIRS"].is_string());
    assert_eq!(serving(&lab, "web"), "0");
}

#[test]
fn a_name_that_is_taken_between_plan_and_call_is_not_ours() {
    let (lab, release) = (Lab::new(), release());
    let plan = crate::target().plan(&release, &lab.observe(&release)).unwrap();
    let image = json!({ "ownerId": super::lab::OWNER, "imagePath": "nginx" });
    for service in ["shop-local-web", "shop-local-api"] {
        let theirs = json!({ "type": "web_service", "name": service, "ownerId": super::lab::OWNER, "image": image, "serviceDetails": { "runtime": "image" } });
        lab.ask("POST", "services", Some(theirs));
    }
    for change in &plan.changes {
        let error = now(lab.writer().apply(&release.bound, change, &supplies(&release))).unwrap_err();
        assert!(error.kind == ErrorKind::Conflict && error.hint.is_some(), "{error}");
        assert!(now(lab.writer().revert(&release.bound, change)).is_err());
    }
    assert_eq!(lab.objects()["services"].as_object().unwrap().len(), 2);
}

fn remove(lab: &Arc<Lab>, release: &Release, removal: Removal) -> Vec<String> {
    let plan = crate::target().plan_removal(&release.bound, &lab.observe(release), removal).unwrap();
    let writer = lab.writer();
    for change in &plan.changes {
        now(writer.apply(&release.bound, change, &Supplies::default())).unwrap();
    }
    changes(&plan).into_iter().map(str::to_owned).collect()
}

#[test]
fn an_environment_goes_with_or_without_its_data_and_comes_back() {
    let (lab, release) = (Lab::new(), release());
    deploy(&lab, &release);
    assert_eq!(remove(&lab, &release, Removal::KeepData), ["render/service/web", "render/service/api"]);
    let left = lab.objects();
    assert_eq!(
        (left["services"].as_object().unwrap().len(), left["disks"].as_object().unwrap().len()),
        (1, 1)
    );
    assert!(truth(&lab, "api")["suspended"] == "suspended");
    assert!(remove(&lab, &release, Removal::KeepData).is_empty());

    let plan = deploy(&lab, &release);
    assert_eq!(changes(&plan), ["render/service/web", "render/deploy/api"]);
    assert_eq!(plan.changes[1].reason, "it is suspended");
    assert!(deploy(&lab, &release).is_empty());
    // Resuming deploys by itself: there is no second deploy beside that one.
    let objects = lab.objects();
    let triggers: Vec<&Value> =
        objects["deploys"].as_object().unwrap().values().map(|deploy| &deploy["trigger"]).collect();
    assert_eq!(triggers.iter().filter(|trigger| ***trigger == "service_resumed").count(), 1);

    remove(&lab, &release, Removal::DeleteData);
    assert_eq!(lab.objects(), json!({}));
    assert!(remove(&lab, &release, Removal::DeleteData).is_empty());
    lab.made();
}

#[test]
fn secrets_alone_are_set_without_a_deploy_and_told_to_be_not_in_use_yet() {
    let (lab, mut release) = (Lab::new(), release());
    deploy(&lab, &release);
    let print = fingerprint(&release.bound.project, &release.bound.environment, "API_KEY", "new-value");
    let edit = |print: Option<String>| SecretEdit {
        service: name("api"),
        variable: "API_KEY".to_owned(),
        fingerprint: print,
    };
    let mut store = canaries(&release.bound);
    store.insert(&name("api"), "API_KEY", SecretString::from("new-value"));
    let supplies = with_secrets(&release, store.clone());
    let plan = crate::target()
        .plan_secrets(&release.bound, &lab.observe(&release), &[edit(Some(print.clone()))])
        .unwrap();
    assert!(plan.changes[0].fields[0].from.is_some());
    now(lab.writer().apply(&release.bound, &plan.changes[0], &supplies)).unwrap();
    let kept = || now(lab.reader().secrets(&release.bound)).unwrap().remove(0);
    assert_eq!((kept().fingerprint, kept().in_use, deploys(&lab)), (Some(print), false, 2));

    release.secrets = Release::fingerprints(&release.bound, &store);
    let End::Done(plan) = run(&lab, &release, &supplies) else { panic!() };
    assert_eq!(changes(&plan), ["render/deploy/api"]);
    assert!(now(lab.reader().secrets(&release.bound)).unwrap()[0].in_use);
    let plan = crate::target().plan_secrets(&release.bound, &lab.observe(&release), &[edit(None)]).unwrap();
    now(lab.writer().apply(&release.bound, &plan.changes[0], &supplies)).unwrap();
    assert!(truth(&lab, "api")["env"]["API_KEY"].is_null());
}

#[test]
fn logs_come_by_pages_merged_by_time_and_go_on() {
    let (lab, release) = (Lab::new(), release());
    deploy(&lab, &release);
    let all = |query: LogQuery| {
        let mut feed = now(lab.reader().logs(&release.bound, &query)).unwrap();
        let mut lines = Vec::new();
        while let Some(line) = now(feed.next()).unwrap() {
            lines.push(line);
        }
        lines
    };
    let lines = all(LogQuery::default());
    assert!(lines.len() >= 4 && lines.is_sorted_by(|one, other| one.time <= other.time), "{lines:#?}");
    assert_eq!(all(LogQuery { tail: Some(1), ..LogQuery::default() }).len(), 2);
    assert!(all(LogQuery { until: Some(1_000_000), ..LogQuery::default() }).is_empty());

    // Following ends where nothing more is wanted, and never tells what came after that.
    let ended = dashdeploy_contract::Clock::now(&*lab) - 30;
    let early = all(LogQuery { follow: true, until: Some(ended), ..LogQuery::default() });
    assert!(
        early.len() < lines.len() && early == all(LogQuery { until: Some(ended), ..LogQuery::default() })
    );

    let mut feed = now(lab
        .reader()
        .logs(&release.bound, &LogQuery { follow: true, tail: Some(0), ..LogQuery::default() }))
    .unwrap();
    let mut other = release.clone();
    image(&mut other, "web", "7");
    // Opened before the deploy, read after it: only what is new comes, and none of it is missing.
    lab.pass(Duration::from_secs(1));
    for change in &lab.plan(&other).changes {
        now(lab.writer().apply(&other.bound, change, &supplies(&other))).unwrap();
    }
    lab.pass(Duration::from_secs(60));
    let before = lines.last().unwrap().time.clone();
    for word in ["Deploying", "live"] {
        let line = now(feed.next()).unwrap().unwrap();
        assert!(line.time > before && line.text.contains(word), "{line:?}");
    }
}

#[test]
fn a_deploy_that_is_under_way_is_waited_for_and_not_doubled() {
    let (lab, mut release) = (Lab::new(), release());
    deploy(&lab, &release);
    image(&mut release, "api", "7");
    lab.cut(3, Cut::KilledAfter);
    let _ = run(&lab, &release, &supplies(&release));
    lab.mend();
    let plan = lab.plan(&release);
    assert_eq!((changes(&plan), plan.changes[0].action), (vec!["render/deploy/api"], Action::Run));
    lab.made();
    deploy(&lab, &release);
    assert!(lab.made().iter().all(|call| call.method == "GET"));
    assert_eq!((serving(&lab, "api").as_str(), deploys(&lab)), ("7", 3));
}

#[test]
fn no_secret_is_in_anything_that_is_shown() {
    let (lab, release) = (Lab::new(), release());
    let plan = deploy(&lab, &release);
    let mut other = release.clone();
    image(&mut other, "api", "f");
    let sick = run(&lab, &other, &supplies(&other));
    let mut all = vec![format!("{plan:?} {sick:?} {:?}", lab.observe(&release))];
    all.push(serde_json::to_string(&lab.observe(&release)).unwrap());
    all.push(serde_json::to_string(&lab.plan(&other)).unwrap());
    for cut in [Cut::NotMade, Cut::Lost] {
        for nth in 1..=3 {
            lab.cut(nth, cut);
            all.push(format!("{:?}", run(&lab, &other, &supplies(&other))));
            lab.mend();
        }
    }
    all.push(format!("{:?}", now(lab.reader().secrets(&release.bound)).unwrap()));
    let shown = all.join("\n");
    assert!(!shown.contains(CANARY) && shown.contains("broke"), "{shown}");
}
