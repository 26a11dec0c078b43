//! What is planned for what is seen: what cannot be changed, what was cut off, what somebody else did, static sites by commit.

use std::sync::Arc;
use std::time::Duration;

use dashdeploy_contract::{
    Action, ErrorKind, Health, ImageId, Plan, Release, Source, Target, TargetError, Text,
};
use dashdeploy_fakes::render::RenderOptions;
use serde_json::json;

use super::lab::{Cut, End, Lab, changes, deploy, image, name, now, option, release, run, site, supplies};

fn settled() -> (Arc<Lab>, Release) {
    let (lab, release) = (Lab::new(), release());
    deploy(&lab, &release);
    (lab, release)
}

#[track_caller]
fn refused(lab: &Arc<Lab>, release: &Release, words: &str) -> TargetError {
    let error = crate::target().plan(release, &lab.observe(release)).unwrap_err();
    assert!(error.message.contains(words) && error.hint.is_some(), "{error:?}");
    error
}

fn id(lab: &Lab, service: &str) -> String {
    let objects = lab.objects();
    let services = objects["services"].as_object().unwrap();
    services.iter().find(|(_, found)| found["name"] == format!("shop-local-{service}")).unwrap().0.clone()
}

#[test]
fn what_cannot_be_changed_is_refused_with_the_mend() {
    let (lab, release) = settled();
    let mut elsewhere = release.clone();
    elsewhere.bound.region = Some("frankfurt".to_owned());
    refused(&lab, &elsewhere, "is in oregon");
    let mut private = release.clone();
    option(&mut private, "api", "exposure", "private");
    refused(&lab, &private, "is a web_service, and a private_service was asked for");
    let mut larger = release.clone();
    larger.bound.volumes.get_mut("data").unwrap().size = Some(3 << 30);
    deploy(&lab, &larger);
    refused(&lab, &release, "cannot be made smaller");
}

#[test]
fn what_render_would_build_is_refused() {
    let lab = Lab::new();
    let mut unregistered = release();
    unregistered.bound.registry = None;
    assert!(refused(&lab, &unregistered, "by its Dockerfile").hint.unwrap().contains("registry:"));
    let mut python = release();
    option(&mut python, "api", "runtime", "python");
    assert_eq!(refused(&lab, &python, "its own Python").kind, ErrorKind::Unsupported);
}

#[test]
fn an_image_of_somebody_else_is_deployed_as_it_is() {
    let (lab, mut release) = (Lab::new(), release());
    let web = release.bound.services.get_mut("web").unwrap();
    web.source = Source::Image("docker.io/library/nginx:1.27".to_owned());
    release.images[&name("web")].reference = "docker.io/library/nginx:1.27".to_owned();
    let supplies = supplies(&release);
    let other = dashdeploy_contract::Supplies::of(supplies.secrets.clone());
    other.put_image(&name("api"), supplies.image(&name("api")).unwrap());
    assert!(matches!(run(&lab, &release, &other), End::Done(_)));
    assert_eq!(lab.objects()["services"][id(&lab, "web")]["imagePath"], "docker.io/library/nginx:1.27");
    assert!(lab.plan(&release).is_empty());
}

#[test]
fn a_run_that_was_cut_off_is_gone_on_with() {
    let reasons = [(1, "not deployed yet"), (2, "image changed"), (3, "not deployed yet")];
    for (writes, reason) in reasons {
        let (lab, mut release) = settled();
        let api = release.bound.services.get_mut("api").unwrap();
        api.env.insert("ADDED".to_owned(), Text::literal("1"));
        if writes > 1 {
            image(&mut release, "api", "7");
        }
        // Variables, then the image, the mark, the deploy.
        lab.cut(writes, Cut::KilledAfter);
        assert!(matches!(run(&lab, &release, &supplies(&release)), End::Failed(_)));
        assert!(lab.mend());
        let plan = lab.plan(&release);
        assert_eq!(changes(&plan), ["render/deploy/api"]);
        assert!(plan.changes[0].reason.contains(reason), "{writes}: {}", plan.changes[0].reason);
        deploy(&lab, &release);
        assert!(lab.plan(&release).is_empty());
        assert_eq!(lab.objects()["deploys"].as_object().unwrap().len(), 3);
    }
}

#[test]
fn a_deploy_that_failed_or_was_somebody_elses_is_made_again() {
    let (lab, release) = settled();
    let api = id(&lab, "api");
    let deploys = format!("services/{api}/deploys");
    lab.ask(
        "POST",
        &deploys,
        Some(json!({ "imageUrl": format!("registry.example.com/shop/api@sha256:{}", "f".repeat(64)) })),
    );
    lab.pass(Duration::from_secs(60));
    let health = now(lab.reader().health(&release.bound, &name("api"))).unwrap();
    assert!(matches!(health, Health::Unhealthy { .. }), "{health:?}");
    assert_eq!(lab.plan(&release).changes[0].reason, "its last deploy ended as update_failed");
    deploy(&lab, &release);

    lab.ask(
        "POST",
        &deploys,
        Some(json!({ "imageUrl": format!("registry.example.com/shop/api@sha256:{}", "9".repeat(64)) })),
    );
    lab.pass(Duration::from_secs(60));
    let plan = deploy(&lab, &release);
    assert_eq!(
        (changes(&plan), plan.changes[0].fields[0].field.as_str()),
        (vec!["render/deploy/api"], "image")
    );
    assert!(lab.plan(&release).is_empty());

    lab.ask("POST", &format!("services/{api}/suspend"), None);
    let health = now(lab.reader().health(&release.bound, &name("api"))).unwrap();
    assert!(matches!(health, Health::Unhealthy { detail } if detail.contains("suspended")));
    assert_eq!(lab.plan(&release).changes[0].reason, "it is suspended");
    deploy(&lab, &release);
    assert!(lab.plan(&release).is_empty());
}

#[test]
fn variables_that_are_ours_no_more_go_and_those_of_others_stay() {
    let (lab, mut release) = settled();
    let api = release.bound.services.get_mut("api").unwrap();
    api.env.clear();
    let secrets = std::mem::take(&mut api.secrets);
    for variable in secrets.keys() {
        api.env.insert(variable.clone(), Text::literal("public"));
    }
    release.secrets.clear();
    let plan = deploy(&lab, &release);
    let fields: Vec<&str> = plan.changes[0].fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["env.API_KEY", "env.LOG_LEVEL"]);
    let env = lab.objects()["services"][id(&lab, "api")]["env"].clone();
    assert!(env["LOG_LEVEL"].is_null() && env["API_KEY"].is_string());
    assert!(lab.plan(&release).is_empty());
}

#[test]
fn a_host_name_comes_with_its_service_or_after_it() {
    let (lab, mut release) = (Lab::new(), release());
    release.bound.domains.insert(name("web"), "shop.example.com".to_owned());
    let plan = deploy(&lab, &release);
    let domain = plan.changes.iter().find(|change| change.address.kind() == "domain").unwrap();
    assert_eq!(domain.needs, [crate::plan::address("service", &name("web"))]);
    let served = now(lab.reader().served(&release.bound, &name("web"))).unwrap();
    assert!(served.certificate.unwrap().contains("CNAME record to shop-local-web.onrender.com"));
    release.bound.domains.insert(name("api"), "api.example.com".to_owned());
    assert_eq!(changes(&deploy(&lab, &release)), ["render/domain/api"]);
    assert!(lab.plan(&release).is_empty());
}

#[test]
fn a_static_site_is_built_from_the_commit() {
    let lab = Lab::new();
    let mut dirty = site("a");
    dirty.git.as_mut().unwrap().dirty = true;
    refused(&lab, &dirty, "files here differ");
    let mut homeless = site("a");
    homeless.git.as_mut().unwrap().remote = None;
    refused(&lab, &homeless, "remote `origin`");

    let first = site("a");
    deploy(&lab, &first);
    let live = || now(lab.reader().served(&first.bound, &name("web"))).unwrap();
    assert!(live().images.is_empty() && live().url.is_some());
    assert!(lab.plan(&first).is_empty(), "{:?}", lab.plan(&first));
    let second = site("b");
    let plan = deploy(&lab, &second);
    assert_eq!((changes(&plan), plan.changes[0].takes_image), (vec!["render/deploy/web"], false));
    assert!(lab.plan(&second).is_empty());
    let objects = lab.objects();
    let commit = |deploy: &serde_json::Value| deploy["commit"]["id"].as_str().map(str::to_owned);
    let live: Vec<_> = objects["deploys"]
        .as_object()
        .unwrap()
        .values()
        .filter(|deploy| deploy["status"] == "live")
        .collect();
    assert!(live.iter().any(|deploy| commit(deploy) == Some("b".repeat(40))), "{live:?}");
    assert_eq!(objects["services"][id(&lab, "web")]["autoDeploy"], "no");
    lab.made();
}

#[test]
fn a_static_site_that_is_taken_back_has_its_former_rules_and_commit() {
    let (lab, first, mut second) = (Lab::new(), site("a"), site("b"));
    deploy(&lab, &first);
    let before = lab.objects()["services"][id(&lab, "web")].clone();
    second.bound.services.get_mut("web").unwrap().headers.insert("X-Added".to_owned(), "1".to_owned());
    let plan = lab.plan(&second);
    let writer = lab.writer();
    now(writer.apply(&second.bound, &plan.changes[0], &supplies(&second))).unwrap();
    let headers = |found: &serde_json::Value| found["headers"].as_array().unwrap().len();
    let between = lab.objects()["services"][id(&lab, "web")].clone();
    assert_eq!(headers(&between), headers(&before) + 1);
    now(writer.revert(&second.bound, &plan.changes[0])).unwrap();
    lab.pass(Duration::from_secs(60));
    let after = lab.objects()["services"][id(&lab, "web")].clone();
    assert_eq!((headers(&after), &after["env"]), (headers(&before), &before["env"]));
    assert!(lab.plan(&first).is_empty());
    lab.made();
}

#[test]
fn deploys_that_wait_behind_others_are_found() {
    let lab = Lab::with(RenderOptions { queue: true, ..RenderOptions::default() });
    let mut release = release();
    deploy(&lab, &release);
    let api = id(&lab, "api");
    lab.ask("POST", &format!("services/{api}/deploys"), Some(json!({})));
    image(&mut release, "api", "7");
    // Answered with 202 and nothing.
    deploy(&lab, &release);
    let plan: Plan = lab.plan(&release);
    assert!(plan.is_empty() || plan.changes[0].action == Action::Run, "{plan:?}");
    let served = now(lab.reader().served(&release.bound, &name("api"))).unwrap();
    assert_eq!(served.images, [ImageId(format!("sha256:{}", "7".repeat(64))).0]);
}
