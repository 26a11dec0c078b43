//! Services that are told each other's addresses: those that Render gives, never a stranger's.

use std::sync::Arc;

use dashdeploy_contract::{Name, Publish, Release, ReleaseImage, Source, Target, Text};
use dashdeploy_fakes::render::RenderOptions;

use super::lab::{Lab, changes, deploy, image, name, option, release};
use crate::plan::address;

/// The sample with one more service, which is told something of the API.
fn with_another(text: &str) -> Release {
    let mut release = release();
    let mut other = release.bound.services[&name("api")].clone();
    other.name = name("other");
    other.volumes.clear();
    other.secrets.clear();
    other.publish = Publish::No;
    other.env = [("API".to_owned(), Text::parse(text).unwrap())].into_iter().collect();
    option(&mut release, "other", "exposure", "public");
    release.bound.services.insert(name("other"), other);
    release.bound.targets.insert(name("other"), name("render"));
    let known: ReleaseImage = release.images[&name("api")].clone();
    release.images.insert(name("other"), known);
    image(&mut release, "other", "5");
    wire(&mut release);
    release
}

fn wire(release: &mut Release) {
    release.wiring.services = crate::target().addresses(&release.bound);
}

/// The variable of a service, as the platform has it.
fn told(lab: &Lab, service: &str, variable: &str) -> String {
    let objects = lab.objects();
    let services = objects["services"].as_object().unwrap();
    let named = |found: &serde_json::Value| found["name"] == format!("shop-local-{service}");
    let id = services.iter().find(|(_, found)| named(found)).unwrap().0.clone();
    let all = lab.ask("GET", &format!("services/{id}/env-vars?limit=100"), None);
    let mut all = all.as_array().unwrap().iter().map(|item| &item["envVar"]);
    all.find(|one| one["key"] == variable).unwrap()["value"].as_str().unwrap().to_owned()
}

/// The release as the engine plans it once it knows which addresses were given.
fn learned(lab: &Arc<Lab>, release: &Release) -> Release {
    let mut learned = release.clone();
    for resource in lab.observe(release).resources {
        let (Some(service), Some(url)) = (resource.service, resource.facts.get("url")) else { continue };
        learned.wiring.services.entry(service).or_default().url = Some(url.clone());
    }
    learned
}

fn taken(labels: &[&str]) -> Arc<Lab> {
    let taken_labels = labels.iter().map(|label| format!("shop-local-{label}")).collect();
    Lab::with(RenderOptions { taken_labels, ..RenderOptions::default() })
}

#[test]
fn a_worker_is_told_the_host_name_of_an_api_that_only_it_reaches() {
    for labels in [&[][..], &["api"][..]] {
        let (lab, mut release) = (taken(labels), with_another("http://${services.api.host}:8000"));
        option(&mut release, "api", "exposure", "private");
        release.bound.services.get_mut(&name("other")).unwrap().port = None;
        release.bound.services.get_mut(&name("web")).unwrap().proxy.clear();
        release.bound.services.get_mut(&name("web")).unwrap().env.clear();
        wire(&mut release);
        let plan = deploy(&lab, &release);
        let made = |service: &str| {
            plan.changes.iter().find(|change| change.service == Some(name(service))).unwrap().clone()
        };
        assert!(made("other").needs_healthy.contains(&name("api")));
        let host = told(&lab, "other", "API");
        assert_eq!(host == "http://shop-local-api:8000", labels.is_empty(), "{host}");
        assert!(host.starts_with("http://shop-local-api") && host.ends_with(":8000"), "{host}");
        assert!(lab.plan(&release).is_empty(), "{:?}", lab.plan(&release));
        lab.made();
    }
}

#[test]
fn an_address_that_somebody_else_has_is_told_to_nobody() {
    let (lab, release) = (taken(&["api"]), with_another("${services.api.url}/v1"));
    let plan = deploy(&lab, &release);
    let other = plan.changes.iter().find(|change| change.service == Some(name("other"))).unwrap();
    assert!(other.needs.contains(&address("service", &name("api"))));
    let url = told(&lab, "other", "API");
    assert!(url.starts_with("https://shop-local-api-") && url.ends_with(".onrender.com/v1"), "{url}");
    // The engine knows the address by then, and has nothing left to do for it.
    let learned = learned(&lab, &release);
    assert!(lab.plan(&learned).is_empty(), "{:?}", changes(&lab.plan(&learned)));
    lab.made();
}

#[test]
fn who_calls_the_other_comes_last_and_the_next_round_tells_the_first() {
    let mut release = with_another("${services.api.url}");
    let origin = Text::parse("${services.other.origin}").unwrap();
    release.bound.services.get_mut(&name("api")).unwrap().env.insert("ORIGIN".to_owned(), origin);
    let lab = taken(&["api", "other"]);
    let plan = deploy(&lab, &release);
    let needs = |service: &str| {
        let made = plan.changes.iter().find(|change| change.service == Some(name(service))).unwrap();
        made.needs.clone()
    };
    assert_eq!(needs("api"), []);
    assert_eq!(needs("other"), [address("service", &name("api"))]);
    assert!(told(&lab, "other", "API").starts_with("https://shop-local-api-"));

    let learned = learned(&lab, &release);
    assert_eq!(changes(&deploy(&lab, &learned)), ["render/variables/api", "render/deploy/api"]);
    assert!(told(&lab, "api", "ORIGIN").starts_with("https://shop-local-other-"));
    assert!(lab.plan(&learned).is_empty());
}

#[test]
fn a_service_that_is_there_is_told_of_one_that_is_made() {
    let (lab, mut release) = (taken(&["api"]), with_another("nothing"));
    let whole = release.clone();
    let api = name("api");
    release.bound.services.shift_remove(&api);
    release.bound.services.get_mut(&name("web")).unwrap().proxy.clear();
    release.bound.services.get_mut(&name("web")).unwrap().env.clear();
    deploy(&lab, &release);
    let mut release = whole;
    let told_of = Text::parse("${services.api.url}").unwrap();
    release.bound.services.get_mut(&name("other")).unwrap().env.insert("API".to_owned(), told_of);
    let plan = deploy(&lab, &release);
    let others: Vec<&Name> = plan.changes.iter().filter_map(|change| change.service.as_ref()).collect();
    assert_eq!(others, [&api, &name("other"), &name("other")], "{:?}", changes(&plan));
    assert!(told(&lab, "other", "API").starts_with("https://shop-local-api-"));
}

#[test]
fn an_image_of_others_needs_no_neighbour() {
    let mut release = with_another("plain");
    let other = release.bound.services.get_mut(&name("other")).unwrap();
    other.source = Source::Image("docker.io/library/nginx:1.27".to_owned());
    let lab = Lab::new();
    let plan = crate::target().plan(&release, &lab.observe(&release)).unwrap();
    let other = plan.changes.iter().find(|change| change.service == Some(name("other"))).unwrap();
    assert!(other.needs.is_empty());
}
