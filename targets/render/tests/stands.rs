//! What is said of services that are there: what serves although a deploy failed, who suspended what.

use std::sync::Arc;
use std::time::Duration;

use dashdeploy_contract::{ErrorKind, Health, Observed, Release, Target};
use serde_json::json;

use super::lab::{Lab, changes, deploy, image, name, now, release};

fn settled() -> (Arc<Lab>, Release) {
    let (lab, release) = (Lab::new(), release());
    deploy(&lab, &release);
    (lab, release)
}

fn id(lab: &Lab, service: &str) -> String {
    let objects = lab.objects();
    let services = objects["services"].as_object().unwrap();
    services.iter().find(|(_, found)| found["name"] == format!("shop-local-{service}")).unwrap().0.clone()
}

/// Somebody's deploy of an image, and some time.
fn somebody_deploys(lab: &Lab, service: &str, letter: &str) {
    let image = format!("registry.example.com/shop/{service}@sha256:{}", letter.repeat(64));
    lab.ask("POST", &format!("services/{}/deploys", id(lab, service)), Some(json!({ "imageUrl": image })));
    lab.pass(Duration::from_secs(60));
}

fn seen(observed: &Observed, service: &str) -> Health {
    observed.of_service(&name(service)).next().unwrap().health.clone().unwrap()
}

#[test]
fn what_serves_although_a_deploy_failed_is_healthy_and_drifts_from_what_is_wanted() {
    let (lab, mut release) = settled();
    somebody_deploys(&lab, "web", "f");
    let observed = lab.observe(&release);
    assert_eq!(seen(&observed, "web"), Health::Healthy);
    // Of the deploy itself nothing good is said: that is what a rollout asks.
    let newest = now(lab.reader().health(&release.bound, &name("web"))).unwrap();
    assert!(matches!(newest, Health::Unhealthy { detail } if detail.contains("update_failed")));
    // The former serves, and is what is wanted.
    assert!(lab.plan(&release).is_empty(), "{:?}", changes(&lab.plan(&release)));
    image(&mut release, "web", "7");
    assert_eq!(changes(&lab.plan(&release)), ["render/deploy/web"]);
}

#[test]
fn a_failed_deploy_of_what_has_a_disk_leaves_nothing_that_counts() {
    let (lab, release) = settled();
    somebody_deploys(&lab, "api", "f");
    assert!(matches!(seen(&lab.observe(&release), "api"), Health::Unhealthy { .. }));
    assert_eq!(lab.plan(&release).changes[0].reason, "its last deploy ended as update_failed");
    deploy(&lab, &release);
    assert_eq!(seen(&lab.observe(&release), "api"), Health::Healthy);
}

#[test]
fn what_render_suspended_is_told_apart_from_what_somebody_did() {
    let (lab, release) = settled();
    lab.ask("POST", &format!("services/{}/suspend", id(&lab, "web")), None);
    let observed = lab.observe(&release);
    assert!(
        matches!(seen(&observed, "web"), Health::Unhealthy { detail } if detail.contains("a deploy resumes it"))
    );
    let by = |who: &str| {
        let mut observed = observed.clone();
        let web = observed.resources.iter_mut().find(|one| one.service == Some(name("web"))).unwrap();
        web.payload["suspenders"] = json!([who]);
        crate::target().plan(&release, &observed)
    };
    assert_eq!(by("user").unwrap().changes[0].reason, "it is suspended");
    for who in ["billing", "admin"] {
        let error = by(who).unwrap_err();
        assert!(error.kind == ErrorKind::Denied && error.message.contains(who) && error.hint.is_some());
        assert!(crate::observe::suspended(&[who.to_owned()]).contains(who));
    }
}
