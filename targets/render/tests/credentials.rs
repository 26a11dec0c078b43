//! Private images: the registry credential that a run keeps by its login.

use std::sync::Arc;

use dashdeploy_contract::conformance::canaries;
use dashdeploy_contract::{Action, ErrorKind, Plan, Release, Removal, Supplies, Target};
use serde_json::{Value, json};

use super::lab::{Cut, End, Lab, OWNER, changes, image, name, now, option, release, run};
use crate::plan::address;

const TOKEN: &str = "ghp-canary-5d0c1e";
const LOGIN: [(&str, &str); 2] = [("RENDER_REGISTRY_USERNAME", "acme"), ("RENDER_REGISTRY_TOKEN", TOKEN)];
const OURS: &str = "render/credential/dashdeploy-shop-local-github";

fn private() -> Release {
    let mut release = release();
    release.bound.registry = Some("ghcr.io/acme".to_owned());
    release
}

fn supplies(release: &Release) -> Supplies {
    let supplies = Supplies::of(canaries(&release.bound));
    for (service, image) in &release.images {
        supplies.put_image(service, format!("ghcr.io/acme/{service}@{}", image.id.0));
    }
    supplies
}

#[track_caller]
fn deploy(lab: &Arc<Lab>, release: &Release) -> Plan {
    match run(lab, release, &supplies(release)) {
        End::Done(plan) => plan,
        other => panic!("{other:?}"),
    }
}

fn credentials(lab: &Lab) -> Vec<Value> {
    let objects = lab.objects();
    objects["credentials"].as_object().into_iter().flatten().map(|(_, one)| one.clone()).collect()
}

/// The credential that each service pulls by.
fn pulled(lab: &Lab) -> Vec<String> {
    let all = lab.ask("GET", &format!("services?ownerId={OWNER}&limit=100"), None);
    let names = all.as_array().unwrap().iter().map(|item| &item["service"]["registryCredential"]["name"]);
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

#[test]
fn a_credential_is_kept_and_pulled_by_and_gets_each_run_s_token() {
    let (lab, mut release) = (Lab::new(), private());
    lab.ask(
        "POST",
        "registrycredentials",
        Some(json!({
            "registry": "GITHUB", "name": "theirs", "username": "they", "authToken": "t", "ownerId": OWNER,
        })),
    );
    lab.give(&LOGIN);
    let plan = deploy(&lab, &release);
    assert_eq!((changes(&plan)[0], plan.changes[0].action), (OURS, Action::Create));
    assert!(plan.changes[1..].iter().all(|change| change.needs.contains(&plan.changes[0].address)));
    assert_eq!(pulled(&lab), ["dashdeploy-shop-local-github"; 2]);
    let first = credentials(&lab);
    assert!(first.len() == 2 && first.iter().any(|one| one["username"] == "acme"), "{first:?}");
    lab.made();
    assert!(deploy(&lab, &release).is_empty());
    // The services and the credential, then what each service has.
    assert!(lab.made().len() <= 2 + 2 * 2);

    lab.give(&[LOGIN[0], ("RENDER_REGISTRY_TOKEN", "another")]);
    image(&mut release, "web", "7");
    let plan = deploy(&lab, &release);
    assert_eq!(changes(&plan), [OURS, "render/deploy/web"]);
    assert_eq!(plan.changes[0].action, Action::Update);
    let second = credentials(&lab);
    assert!(second.len() == 2 && second != first);
    lab.made();
}

#[test]
fn a_run_without_the_login_pulls_by_what_is_kept() {
    let (lab, mut release) = (Lab::new(), private());
    lab.give(&LOGIN);
    deploy(&lab, &release);
    lab.give(&[]);
    assert!(lab.plan(&release).is_empty());
    image(&mut release, "web", "7");
    assert_eq!(changes(&deploy(&lab, &release)), ["render/deploy/web"]);
    assert_eq!(pulled(&lab), ["dashdeploy-shop-local-github"; 2]);
    assert!(lab.plan(&release).is_empty());
}

#[test]
fn what_ran_without_a_credential_gets_it_with_a_deploy() {
    let (lab, release) = (Lab::new(), private());
    assert_eq!(deploy(&lab, &release).changes.len(), 2);
    assert!(pulled(&lab).is_empty());
    lab.give(&LOGIN);
    let plan = deploy(&lab, &release);
    assert_eq!(changes(&plan)[0], OURS);
    assert!(plan.changes[1..].iter().all(|change| change.fields[0].field == "registry_credential"));
    assert_eq!(pulled(&lab).len(), 2);
    assert!(lab.plan(&release).is_empty());
}

#[test]
fn a_lost_answer_makes_no_second_credential() {
    for cut in [Cut::NotMade, Cut::Lost, Cut::Gateway, Cut::KilledAfter] {
        let (lab, release) = (Lab::new(), private());
        lab.give(&LOGIN);
        lab.cut(1, cut);
        let _ = run(&lab, &release, &supplies(&release));
        assert!(lab.mend());
        deploy(&lab, &release);
        assert_eq!((credentials(&lab).len(), pulled(&lab).len()), (1, 2), "{cut:?}");
    }
}

#[test]
fn a_credential_is_for_one_registry_and_gives_way_to_the_option() {
    let lab = Lab::new();
    lab.give(&LOGIN);
    let plan = |change: fn(&mut Release)| {
        let mut release = private();
        change(&mut release);
        changes(&lab.plan(&release)).contains(&OURS)
    };
    assert!(plan(|_| {}));
    assert!(!plan(|release| release.bound.registry = Some("registry.example.com/shop".to_owned())));
    assert!(!plan(|release| {
        option(release, "api", "registry_credential", "theirs");
        option(release, "web", "registry_credential", "theirs");
    }));
}

#[test]
fn it_goes_with_its_environment_and_stays_for_what_stays() {
    let (lab, release) = (Lab::new(), private());
    lab.give(&LOGIN);
    deploy(&lab, &release);
    lab.give(&[]);
    for (removal, left) in [(Removal::KeepData, 1), (Removal::DeleteData, 0)] {
        let plan = crate::target().plan_removal(&release.bound, &lab.observe(&release), removal).unwrap();
        for change in &plan.changes {
            now(lab.writer().apply(&release.bound, change, &Supplies::default())).unwrap();
        }
        assert_eq!(credentials(&lab).len(), left);
    }
    assert_eq!(lab.objects(), json!({}));
}

#[test]
fn the_token_is_in_nothing_that_is_shown_and_half_a_login_is_none() {
    let (lab, release) = (Lab::new(), private());
    lab.give(&LOGIN);
    let observed = lab.observe(&release);
    let plan = crate::target().plan(&release, &observed).unwrap();
    let mut all = format!("{observed:?} {} {plan:?}", serde_json::to_string(&plan).unwrap());
    lab.cut(1, Cut::NotMade);
    all += &format!("{:?}", run(&lab, &release, &supplies(&release)));
    lab.mend();
    lab.give(&[]);
    let error = now(lab.writer().apply(&release.bound, &plan.changes[0], &supplies(&release))).unwrap_err();
    assert!(error.kind == ErrorKind::Denied && error.hint.is_some());
    all += &format!("{error:?}");
    assert!(all.contains(OURS) && !all.contains(TOKEN));
    for half in LOGIN {
        lab.give(&[half]);
        let error = now(crate::target().connect_reader(&lab.access())).err().unwrap();
        assert!(error.kind == ErrorKind::Invalid && !format!("{error:?}").contains(TOKEN), "{error:?}");
    }
    let made = plan.changes.iter().find(|change| change.address == address("service", &name("api")));
    assert!(made.unwrap().takes_image);
}
