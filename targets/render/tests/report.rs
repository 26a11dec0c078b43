//! The report: what differs between the ways in which Render can run a thing.

use dashdeploy_contract::conformance::{sample_on, wired};
use dashdeploy_contract::{Bound, Desk, HealthCheck, Name, Target, Topic, Verdict};

use super::target;

fn name(text: &str) -> Name {
    Name::from_any(text, "x")
}

fn verdict(service: &str, topic: Topic, change: impl FnOnce(&mut Bound)) -> Verdict {
    let target = target();
    let mut bound = sample_on(&target);
    change(&mut bound);
    let wiring = wired(&target, &bound);
    let rows = target.portability(&Desk { bound: &bound, wiring: &wiring, suffix: None });
    let row = rows.iter().find(|row| row.service.as_str() == service && row.topic == topic);
    row.unwrap_or_else(|| panic!("{service} has no row about {topic:?}")).verdict
}

fn option(bound: &mut Bound, service: &str, key: &str, value: &str) {
    bound.options.entry(name(service)).or_default().insert(key.to_owned(), value.to_owned());
}

#[test]
fn an_address_is_known_for_certain_where_somebody_says_so() {
    let of = |change: fn(&mut Bound)| verdict("api", Topic::Address, change);
    assert_eq!(of(|_| {}), Verdict::Approximated);
    assert_eq!(of(|bound| option(bound, "api", "subdomain", "shop-api-x1y2")), Verdict::Exact);
    assert_eq!(
        of(|bound| {
            bound.domains.insert(name("api"), "api.example.com".to_owned());
        }),
        Verdict::Exact
    );
}

#[test]
fn the_edge_hands_paths_on_and_the_image_of_a_page_does_not() {
    let proxy = |change: fn(&mut Bound)| verdict("web", Topic::Proxy, change);
    assert_eq!(proxy(|_| {}), Verdict::Approximated);
    assert_eq!(proxy(|bound| option(bound, "web", "hosting", "docker")), Verdict::Approximated);
    let untold = proxy(|bound| {
        option(bound, "web", "hosting", "docker");
        bound.services[&name("web")].env.clear();
    });
    assert_eq!(untold, Verdict::Impossible);
    assert_eq!(proxy(|bound| option(bound, "api", "exposure", "private")), Verdict::Impossible);
    let pushed = |topic| {
        verdict("web", topic, |bound| {
            bound.registry = Some("ghcr.io/acme".to_owned());
            option(bound, "web", "hosting", "docker");
        })
    };
    assert_eq!([pushed(Topic::Upload), pushed(Topic::BuildVariables)], [Verdict::Exact; 2]);
    let headers = |change: fn(&mut Bound)| verdict("web", Topic::Headers, change);
    assert_eq!(headers(|bound| option(bound, "web", "hosting", "docker")), Verdict::Exact);
}

#[test]
fn checks_copies_and_disks_are_told_as_they_are() {
    let api = |topic: Topic, change: fn(&mut Bound)| verdict("api", topic, change);
    assert_eq!(api(Topic::Health, |_| {}), Verdict::Exact);
    assert_eq!(
        api(Topic::Health, |bound| {
            bound.services[&name("api")].health = HealthCheck::Command { test: vec!["true".to_owned()] };
        }),
        Verdict::Approximated
    );
    assert_eq!(api(Topic::ZeroDowntime, |_| {}), Verdict::Approximated);
    assert_eq!(
        api(Topic::ZeroDowntime, |bound| bound.services[&name("api")].volumes.clear()),
        Verdict::Exact
    );
    assert_eq!(api(Topic::Replicas, |bound| bound.services[&name("api")].replicas = 2), Verdict::Impossible);
    assert_eq!(api(Topic::Region, |bound| bound.region = Some("ohio".to_owned())), Verdict::Exact);
    assert_eq!(api(Topic::Region, |bound| bound.region = Some("paris".to_owned())), Verdict::Impossible);
    assert_eq!(
        verdict("web", Topic::Region, |bound| bound.region = Some("ohio".to_owned())),
        Verdict::Approximated
    );
}
