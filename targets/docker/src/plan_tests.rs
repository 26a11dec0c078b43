//! Every state an interrupted run can leave behind leads to the release.

use super::*;
use crate::conformance::{answers, settled};
use crate::observe::{Answers, assemble};
use crate::removal::plan_removal;
use bollard::models::ContainerInspectResponse;
use dashdeploy_contract::conformance::sample;
use dashdeploy_contract::{ErrorKind, ImageId, Removal, Text};
use serde_json::json;

fn engine(release: &Release) -> Answers {
    answers(release, &plan(release, &Observed::default()).unwrap())
}

fn found<'a>(answers: &'a mut Answers, name: &str) -> &'a mut ContainerInspectResponse {
    let name = format!("/{name}");
    answers.containers.iter_mut().find(|found| found.name.as_ref() == Some(&name)).unwrap()
}

fn state(answers: &mut Answers, name: &str, state: serde_json::Value) {
    found(answers, name).state = Some(serde_json::from_value(state).unwrap());
}

fn planned(release: &Release, answers: &Answers) -> Vec<(String, Action, String)> {
    let observed = assemble(&Stack::of(&release.bound), answers);
    let plan = plan(release, &observed).unwrap();
    plan.changes.into_iter().map(|c| (c.address.to_string(), c.action, c.reason)).collect()
}

fn newer() -> Release {
    let mut release = sample(TARGET);
    release.images.get_mut("api").unwrap().id = ImageId(format!("sha256:{}", "7".repeat(64)));
    release
}

#[test]
fn a_changed_image_replaces_that_container_alone_and_says_why() {
    let release = sample(TARGET);
    let observed = settled(&release, &plan(&release, &Observed::default()).unwrap());
    let plan = plan(&newer(), &observed).unwrap();
    assert_eq!(plan.changes.len(), 1);
    let change = &plan.changes[0];
    assert_eq!((change.action, change.reason.as_str()), (Action::Replace, "image changed"));
    // It has data that one container writes, and a port of the host: 10 s to end, 2 s to the first look at its health.
    assert_eq!((change.risk, change.downtime), (Risk::InterruptsTraffic, Some(12)));
    assert_eq!(change.fields[0].to.as_deref(), Some("777777777777"));
    assert_eq!(plan.unchanged.len(), 3);
}

#[test]
fn the_first_plan_waits_for_health_in_order() {
    let plan = plan(&sample(TARGET), &Observed::default()).unwrap();
    let addresses: Vec<_> = plan.changes.iter().map(|change| change.address.as_str()).collect();
    assert_eq!(
        addresses,
        ["docker/network/default", "docker/volume/data", "docker/container/api", "docker/container/web"]
    );
    assert_eq!(plan.changes[3].needs_healthy[0].as_str(), "api");
    assert_eq!(plan.changes[2].needs.len(), 2);
    assert_eq!(plan.changes[3].needs.len(), 1, "web mounts no volume");
}

#[test]
fn what_is_the_same_but_does_not_run_is_started() {
    let release = sample(TARGET);
    for (is, reason) in [
        (json!({ "Status": "exited", "ExitCode": 3 }), "it ended with code 3"),
        (json!({ "Status": "created" }), "it is stopped"),
        (json!({ "Status": "paused", "Running": true }), "it is paused"),
        (json!({ "Status": "running", "Health": { "Status": "unhealthy" } }), "its health check fails"),
        (json!({ "Status": "restarting" }), "it ends again and again"),
        (
            json!({ "Status": "running", "Health": { "Status": "starting" } }),
            "its health check has not passed yet",
        ),
    ] {
        let mut engine = engine(&release);
        state(&mut engine, "shop-api-1", is);
        let expected = [("docker/container/api".to_owned(), Action::Run, reason.to_owned())];
        assert_eq!(planned(&release, &engine), expected);
    }
}

#[test]
fn a_replacement_killed_after_setting_aside_is_taken_back_or_finished() {
    let release = sample(TARGET);
    let mut engine = engine(&release);
    found(&mut engine, "shop-api-1").name = Some("/shop-api-1-former".to_owned());
    state(&mut engine, "shop-api-1-former", json!({ "Status": "exited" }));
    let [(address, action, reason)] = &planned(&release, &engine)[..] else { panic!("not one change") };
    assert_eq!((address.as_str(), *action), ("docker/container/api", Action::Run));
    assert!(reason.contains("interrupted"), "{reason}");

    let [(_, action, reason)] = &planned(&newer(), &engine)[..] else { panic!("not one change") };
    assert_eq!(*action, Action::Replace);
    assert!(reason.starts_with("image changed"), "{reason}");
}

#[test]
fn a_replacement_killed_before_settling_drops_the_former_once_the_new_is_healthy() {
    let (old, new) = (sample(TARGET), newer());
    let mut both = engine(&new);
    let mut former = found(&mut engine(&old), "shop-api-1").clone();
    former.name = Some("/shop-api-1-former".to_owned());
    former.id = Some("old".to_owned());
    former.state = Some(serde_json::from_value(json!({ "Status": "exited" })).unwrap());
    both.containers.push(former);
    let observed = assemble(&Stack::of(&new.bound), &both);
    let plan = plan(&new, &observed).unwrap();
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].action, Action::Delete);
    assert_eq!(plan.changes[0].needs_healthy[0].as_str(), "api");
    let api = "api".to_owned().try_into().unwrap();
    assert_eq!(observed.of_service(&api).count(), 1, "a container set aside is not the service");
}

#[test]
fn of_two_the_one_that_served_is_kept_for_the_way_back() {
    let (old, new) = (sample(TARGET), newer());
    let mut third = sample(TARGET);
    third.images.get_mut("api").unwrap().id = ImageId(format!("sha256:{}", "5".repeat(64)));
    for (health, former_state, kept) in
        [("healthy", "exited", "new"), ("unhealthy", "exited", "old"), ("healthy", "running", "old")]
    {
        let mut both = engine(&new);
        found(&mut both, "shop-api-1").id = Some("new".to_owned());
        state(&mut both, "shop-api-1", json!({ "Status": "running", "Health": { "Status": health } }));
        let mut former = found(&mut engine(&old), "shop-api-1").clone();
        former.name = Some("/shop-api-1-former".to_owned());
        former.id = Some("old".to_owned());
        former.state = Some(serde_json::from_value(json!({ "Status": former_state })).unwrap());
        both.containers.push(former);
        let plan = plan(&third, &assemble(&Stack::of(&third.bound), &both)).unwrap();
        let Task::Replace { former, discard, .. } = Task::of(&plan.changes[0]).unwrap() else {
            panic!("no replace")
        };
        assert_eq!(former, kept);
        assert_eq!(discard.len(), 1);
        assert_eq!(plan.changes.len(), 1);
    }
}

#[test]
fn a_service_that_left_the_project_is_set_aside_before_its_port_is_taken() {
    let release = sample(TARGET);
    let engine = engine(&release);
    let mut renamed = sample(TARGET);
    let mut web = renamed.bound.services.shift_remove("web").unwrap();
    web.name = "site".to_owned().try_into().unwrap();
    let image = renamed.images.shift_remove("web").unwrap();
    renamed.images.insert(web.name.clone(), image);
    renamed.bound.targets.insert(web.name.clone(), TARGET.to_owned().try_into().unwrap());
    renamed.bound.services.insert(web.name.clone(), web);
    let plan = plan(&renamed, &assemble(&Stack::of(&renamed.bound), &engine)).unwrap();
    let changes: Vec<_> = plan.changes.iter().map(|c| (c.address.as_str(), c.action)).collect();
    assert_eq!(
        changes,
        [("docker/container/web", Action::Delete), ("docker/container/site", Action::Create)]
    );
    assert_eq!(plan.changes[1].needs[0].as_str(), "docker/container/web");
    assert!(matches!(Task::of(&plan.changes[0]).unwrap(), Task::SetAside { .. }));
}

#[test]
fn a_port_that_changes_hands_is_freed_first() {
    let engine = engine(&sample(TARGET));
    let mut moved = sample(TARGET);
    let port =
        |port| dashdeploy_contract::Publish::Port { address: std::net::Ipv4Addr::LOCALHOST.into(), port };
    moved.bound.services["web"].publish = port(8000);
    moved.bound.services["api"].publish = port(8001);
    let plan = plan(&moved, &assemble(&Stack::of(&moved.bound), &engine)).unwrap();
    let web = plan.changes.iter().find(|change| change.address.name() == "web").unwrap();
    assert!(web.needs.iter().any(|need| need.name() == "api"), "{web:#?}");
}

#[test]
fn two_networks_of_one_name_become_one() {
    let release = sample(TARGET);
    let mut engine = engine(&release);
    let mut double = engine.networks[0].clone();
    double.id = Some("net2".to_owned());
    engine.networks[0].containers = Some([("x".to_owned(), Default::default())].into());
    engine.networks.push(double);
    let plan = plan(&release, &assemble(&Stack::of(&release.bound), &engine)).unwrap();
    assert_eq!(plan.changes.len(), 1);
    let Task::RemoveNetwork { id, .. } = Task::of(&plan.changes[0]).unwrap() else { panic!("no removal") };
    assert_eq!(id, "net2");
}

#[test]
fn what_belongs_to_others_is_refused_by_name_and_with_the_mend() {
    let release = sample(TARGET);
    let mut engine = engine(&release);
    let labels = found(&mut engine, "shop-web-1").config.as_mut().unwrap().labels.as_mut().unwrap();
    labels.retain(|label, _| !label.starts_with("dev.dashdeploy"));
    labels.insert("com.docker.compose.project.working_dir".to_owned(), "/home/other".to_owned());
    let observed = assemble(&Stack::of(&release.bound), &engine);
    let error = plan(&release, &observed).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("shop-web-1") && error.message.contains("/home/other"), "{error}");
    assert!(error.hint.unwrap().contains("docker compose -p shop down"));

    let mut engine = self::engine(&release);
    engine.volumes[0].labels.clear();
    let error = plan(&release, &assemble(&Stack::of(&release.bound), &engine)).unwrap_err();
    assert!(error.message.contains("shop_data"), "{error}");
}

#[test]
fn a_container_of_the_users_own_compose_project_in_the_same_folder_is_left_alone() {
    let release = sample(TARGET);
    let mut engine = engine(&release);
    let mut extra = found(&mut engine, "shop-web-1").clone();
    extra.name = Some("/shop-adminer-1".to_owned());
    extra.id = Some("extra".to_owned());
    let labels = extra.config.as_mut().unwrap().labels.as_mut().unwrap();
    labels.retain(|label, _| !label.starts_with("dev.dashdeploy"));
    labels.insert("com.docker.compose.service".to_owned(), "adminer".to_owned());
    engine.containers.push(extra);
    assert_eq!(planned(&release, &engine), []);
}

#[test]
fn removal_takes_dependents_first_and_leaves_a_network_that_others_use() {
    let release = sample(TARGET);
    let mut engine = engine(&release);
    let stranger = serde_json::from_value(json!({ "Name": "stranger" })).unwrap();
    engine.networks[0].containers = Some([("x".to_owned(), stranger)].into());
    let observed = assemble(&Stack::of(&release.bound), &engine);
    let plan = plan_removal(&release.bound, &observed, Removal::KeepData).unwrap();
    let changes: Vec<_> = plan.changes.iter().map(|change| change.address.as_str()).collect();
    assert_eq!(changes, ["docker/container/web", "docker/container/api"]);
    assert_eq!(plan.unchanged.len(), 2);
}

#[test]
fn services_of_other_targets_are_none_of_ours() {
    let mut release = sample(TARGET);
    release
        .bound
        .targets
        .insert("web".to_owned().try_into().unwrap(), "netlify".to_owned().try_into().unwrap());
    let plan = plan(&release, &Observed::default()).unwrap();
    assert!(plan.changes.iter().all(|change| change.address.name() != "web"));
}

#[test]
fn a_plain_variable_shows_both_values() {
    let release = sample(TARGET);
    let observed = settled(&release, &plan(&release, &Observed::default()).unwrap());
    let mut changed = sample(TARGET);
    changed.bound.services["api"].env.insert("LOG_LEVEL".to_owned(), Text::literal("debug"));
    let plan = plan(&changed, &observed).unwrap();
    assert_eq!(plan.changes[0].reason, "env.LOG_LEVEL changed");
    let field = &plan.changes[0].fields[0];
    assert_eq!((field.from.as_deref(), field.to.as_deref()), (Some("info"), Some("debug")));
}
