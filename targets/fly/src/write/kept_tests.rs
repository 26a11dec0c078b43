//! The writer against Fly.io played in memory: secrets, things of others, what goes.

use dashdeploy_contract::conformance::canaries;
use dashdeploy_contract::{Name, Removal, SecretEdit, Supplies, Target as _};
use serde_json::Value;

use crate::lab::{Lab, digit};

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
fn an_app_with_a_machine_of_somebody_else_stays() {
    let lab = Lab::free("rolling", 1);
    lab.deploy();
    lab.played.with(|world| {
        let app = world.apps.get_mut("shop-local-api").unwrap();
        app.machines
            .push(serde_json::json!({ "id": "m9", "name": "console", "state": "started", "config": {} }));
    });
    assert!(lab.plan().is_empty(), "{:#?}", lab.plan());
    let plan = lab.target.plan_removal(&lab.release.bound, &lab.observe(), Removal::DeleteData).unwrap();
    lab.apply(&plan).unwrap();
    let names: Vec<_> = lab.machines().iter().map(|machine| machine["name"].clone()).collect();
    assert_eq!(names, ["console"]);
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
        world.logs = [
            page(std::slice::from_ref(&a), "1"),
            page(&[a, b], "2"),
            page(&[], "2"),
            page(&[c], "1"),
            page(&[], "1"),
        ]
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
