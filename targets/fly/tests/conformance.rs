//! The contract's suite, and what the report says of a page and a service with data.

use std::sync::Arc;

use dashdeploy_contract::conformance::{Kit, broken, canaries, paper, sample_on, wired};
use dashdeploy_contract::{
    Bound, Desk, HealthCheck, Name, Observed, Plan, Publish, Release, Severity, Supplies, Target, Topic,
    Verdict, Volume, Writers,
};

use crate::played::{App, Played};

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// What is seen after the writer itself has carried the plan out.
fn settled(release: &Release, plan: &Plan) -> Observed {
    let (target, played) = (super::target(), Played::new());
    let supplies = Supplies::of(canaries(&release.bound));
    for (service, image) in &release.images {
        supplies.put_image(service, format!("registry.fly.io/{service}@{}", image.id.0));
    }
    run(async {
        let writer = target.connect_writer(&played.access(), Arc::new(played.clone())).await.unwrap();
        for change in &plan.changes {
            writer.apply(&release.bound, change, &supplies).await.unwrap();
        }
        for change in &plan.changes {
            writer.settle(&release.bound, change).await.unwrap();
        }
        target.connect_reader(&played.access()).await.unwrap().observe(&release.bound).await.unwrap()
    })
}

/// Somebody else has apps under our names, with machines and data.
fn foreign(release: &Release) -> Observed {
    let (target, played) = (super::target(), Played::new());
    for url in target.addresses(&release.bound).into_values().filter_map(|address| address.url) {
        let name = url.trim_start_matches("https://").trim_end_matches(".fly.dev").to_owned();
        let config = serde_json::json!({ "image": "nginx", "mounts": [{ "volume": "vol_1", "name": "data", "path": "/x" }] });
        let machine = serde_json::json!({ "id": "m1", "name": "x", "region": "iad", "state": "started", "config": config });
        let volume = serde_json::json!({ "id": "vol_1", "name": "data", "region": "iad", "size_gb": 1 });
        let (machines, volumes, org) = (vec![machine], vec![volume], "personal".to_owned());
        played.with(|world| world.apps.insert(name, App { org, machines, volumes, ..App::default() }));
    }
    run(async {
        target.connect_reader(&played.access()).await.unwrap().observe(&release.bound).await.unwrap()
    })
}

#[test]
fn every_promise_of_deploying_is_kept() {
    let target = super::target();
    let found = broken(&Kit { target: &target, settled, foreign });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_promise_is_kept() {
    let broken = paper(&super::target());
    assert!(broken.is_empty(), "{broken:#?}");
}

fn sample(change: impl FnOnce(&mut Bound)) -> Bound {
    let mut bound = sample_on(&super::target());
    change(&mut bound);
    bound
}

fn verdict(bound: &Bound, service: &str, topic: Topic) -> (Verdict, String) {
    let target = super::target();
    let wiring = wired(&target, bound);
    let rows = target.portability(&Desk { bound, wiring: &wiring, suffix: None });
    let row = rows.into_iter().find(|row| row.service.as_str() == service && row.topic == topic).unwrap();
    (row.verdict, row.reason)
}

fn codes(bound: &Bound) -> Vec<String> {
    let errors = super::target().check(bound).into_iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| found.code.into_owned()).collect()
}

fn option(bound: &mut Bound, service: &str, name: &str, value: &str) {
    let service = Name::from_any(service, "x");
    bound.options.entry(service).or_default().insert(name.to_owned(), value.to_owned());
}

#[test]
fn a_service_with_data_has_one_machine_and_some_seconds_without_answers() {
    let bound = sample(|_| {});
    assert_eq!(verdict(&bound, "api", Topic::ZeroDowntime).0, Verdict::Approximated);
    assert_eq!(verdict(&bound, "api", Topic::Locks).0, Verdict::Exact);
    assert_eq!(verdict(&bound, "web", Topic::ZeroDowntime).0, Verdict::Exact);
    let copies = sample(|bound| bound.services["api"].replicas = 2);
    assert_eq!(verdict(&copies, "api", Topic::Replicas).0, Verdict::Impossible);
    assert_eq!(codes(&copies), ["replicas-with-volume"]);
    let pages = sample(|bound| {
        bound.services["api"].volumes.clear();
        bound.services["api"].replicas = 2;
    });
    let (verdict, reason) = verdict(&pages, "api", Topic::Replicas);
    assert!(verdict == Verdict::Approximated && reason.contains("fly scale count 2"), "{reason}");
}

#[test]
fn one_volume_is_all_a_machine_has() {
    let more = Name::from_any("more", "more");
    let several = sample(|bound| {
        bound.volumes.insert(more.clone(), Volume { size: None, writers: Writers::Many });
        bound.services["api"].volumes.insert(more.clone(), "/more".to_owned());
    });
    assert_eq!(verdict(&several, "api", Topic::Volumes).0, Verdict::Impossible);
    assert_eq!(codes(&several), ["several-volumes"]);
    let shared = sample(|bound| {
        let mut other = bound.services["api"].clone();
        other.name = more.clone();
        bound.targets.insert(more.clone(), Name::from_any("fly", "fly"));
        bound.services.insert(more.clone(), other);
    });
    assert_eq!(codes(&shared), ["shared-volume", "shared-volume"]);
}

#[test]
fn a_service_that_a_page_asks_says_how_open_it_is() {
    let open = sample(|_| {});
    let (found, reason) = verdict(&open, "api", Topic::Port);
    assert!(found == Verdict::Approximated && reason.contains("port 8000"), "{reason}");
    let closed = sample(|bound| bound.services["api"].publish = Publish::No);
    assert_eq!(verdict(&closed, "api", Topic::Port).0, Verdict::Exact);
    assert_eq!(super::target().addresses(&closed)["api"].url, None);
    assert_eq!(verdict(&closed, "web", Topic::Proxy).0, Verdict::Exact);
    assert!(super::target().routes(
        &Desk { bound: &closed, wiring: &wired(&super::target(), &closed), suffix: None },
        &closed.services["web"]
    ));
    let apart = sample(|bound| {
        bound.targets.insert(Name::from_any("api", "api"), Name::from_any("render", "render"));
    });
    assert_eq!(verdict(&apart, "web", Topic::Proxy).0, Verdict::Approximated);
    let wiring = wired(&super::target(), &apart);
    let desk = Desk { bound: &apart, wiring: &wiring, suffix: None };
    assert!(!super::target().routes(&desk, &apart.services["web"]));
    let server = super::target().page_server(&desk, &apart.services["web"]).unwrap();
    assert!(server.resolver.is_none() && server.upstreams.is_empty(), "{server:?}");
}

#[test]
fn a_public_service_on_a_port_of_the_proxy_has_another_one_for_apps() {
    let bound = sample(|bound| bound.services["api"].port = Some(80));
    assert_eq!(super::target().addresses(&bound)["api"].port, Some(8080));
    assert_eq!(super::target().addresses(&bound)["api"].host.as_deref(), Some("shop-api.flycast"));
}

#[test]
fn what_differs_is_said_and_not_dropped() {
    let bound = sample(|bound| {
        bound.services["api"].health = HealthCheck::Command { test: vec!["true".to_owned()] };
        option(bound, "web", "hosting", "statics");
    });
    for (service, topic) in [
        ("api", Topic::Health),
        ("api", Topic::ReadOnly),
        ("api", Topic::Size),
        ("web", Topic::Hosting),
        ("web", Topic::Headers),
        ("web", Topic::Caching),
        ("web", Topic::Upload),
    ] {
        assert_eq!(verdict(&bound, service, topic).0, Verdict::Approximated, "{service} {topic:?}");
    }
    let mut wrong = sample(|_| {});
    option(&mut wrong, "api", "strategy", "canary");
    assert_eq!(codes(&wrong), ["invalid-option"]);
}
