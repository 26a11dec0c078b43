//! Each rule of Azure is broken once, and says how it is mended.

use dashdeploy_contract::conformance::{sample_on, wired};
use dashdeploy_contract::{
    Bound, Desk, HealthCheck, Name, Publish, Requirement, Target, Text, Topic, Verdict, Volume, Writers,
};

use super::AzureTarget;

fn bound() -> (AzureTarget, Bound) {
    let target = super::target();
    let bound = sample_on(&target);
    (target, bound)
}

fn option(bound: &mut Bound, service: &str, name: &str, value: &str) {
    let options = bound.options.entry(Name::from_any(service, "x")).or_default();
    options.insert(name.to_owned(), value.to_owned());
}

#[track_caller]
fn finds(code: &str, change: impl FnOnce(&mut Bound)) {
    let (target, mut bound) = bound();
    change(&mut bound);
    let found = target.check(&bound);
    let finding = found.iter().find(|finding| finding.code == code);
    let finding = finding.unwrap_or_else(|| panic!("no {code} in {found:#?}"));
    assert!(finding.hint.is_some(), "{finding:?}");
    let known = ["services.", "environments.", "volumes."];
    assert!(known.iter().any(|start| finding.key.starts_with(start)), "{finding:?}");
}

#[test]
fn every_rule_is_found() {
    finds("unknown-region", |bound| bound.region = Some("West Europe".to_owned()));
    finds("unknown-region", |bound| bound.region = Some("oregon".to_owned()));
    finds("several-regions", |bound| {
        let mut second = bound.services["api"].clone();
        second.name = Name::from_any("jobs", "x");
        bound.targets.insert(second.name.clone(), bound.target.clone());
        bound.regions.insert(second.name.clone(), "eastus2".to_owned());
        bound.services.insert(second.name.clone(), second);
    });
    finds("invalid-name", |bound| option(bound, "api", "acr", "My-Registry"));
    finds("invalid-name", |bound| option(bound, "api", "name_suffix", "a-b"));
    finds("too-large", |bound| bound.services["api"].resources.memory = 9 << 30);
    finds("too-many-replicas", |bound| bound.services["api"].replicas = 1001);
    finds("too-many-replicas", |bound| option(bound, "api", "min_replicas", "2"));
    finds("never-started", |bound| {
        bound.services["api"].port = None;
        option(bound, "api", "min_replicas", "0");
    });
    finds("same-name", |bound| {
        bound.services["api"].secrets.insert("api_key".to_owned(), Requirement::Required);
    });
    finds("volume-too-large", |bound| {
        bound.volumes["data"] = Volume { size: Some(200 << 40), writers: Writers::Single };
    });
}

#[test]
fn every_rule_of_app_service_is_found() {
    let site = |bound: &mut Bound| option(bound, "api", "hosting", "app-service");
    finds("too-many-replicas", |bound| {
        site(bound);
        bound.services["api"].replicas = 4;
    });
    finds("mount-not-allowed", |bound| {
        site(bound);
        bound.services["api"].volumes.insert(Name::from_any("data", "x"), "/home/data".to_owned());
    });
    finds("reserved-variable", |bound| {
        site(bound);
        bound.services["api"].env.insert("WEBSITES_PORT".to_owned(), Text::literal("1"));
    });
    finds("value-not-carried", |bound| {
        site(bound);
        let text = Text::literal("@Microsoft.KeyVault(SecretUri=x)");
        bound.services["api"].env.insert("X".to_owned(), text);
    });
    finds("plan-too-small", |bound| {
        site(bound);
        bound.services["api"].resources.memory = 4 << 30;
    });
    finds("https-only", |bound| {
        site(bound);
        let mut jobs = bound.services["api"].clone();
        jobs.name = Name::from_any("jobs", "x");
        bound.targets.insert(jobs.name.clone(), bound.target.clone());
        jobs.env.insert("API".to_owned(), Text::parse("http://${services.api.host}").unwrap());
        bound.services.insert(jobs.name.clone(), jobs);
    });
    finds("not-reachable", |bound| {
        site(bound);
        let mut cache = bound.services["api"].clone();
        cache.name = Name::from_any("cache", "x");
        bound.targets.insert(cache.name.clone(), bound.target.clone());
        bound.services.insert(cache.name.clone(), cache);
        let text = Text::parse("${services.cache.host}").unwrap();
        bound.services["api"].env.insert("CACHE".to_owned(), text);
    });
}

#[track_caller]
fn verdict(topic: Topic, service: &str, wanted: Verdict, change: impl FnOnce(&mut Bound)) {
    let (target, mut bound) = bound();
    change(&mut bound);
    let wiring = wired(&target, &bound);
    let desk = Desk { bound: &bound, wiring: &wiring, suffix: None };
    let rows = target.portability(&desk);
    let row = rows.iter().find(|row| row.topic == topic && row.service.as_str() == service);
    let row = row.unwrap_or_else(|| panic!("no {topic:?} in {rows:#?}"));
    assert_eq!(row.verdict, wanted, "{row:?}");
    assert!(row.verdict != Verdict::Impossible || row.hint.is_some(), "{row:?}");
    assert!(row.page.starts_with("https://learn.microsoft.com/"), "{row:?}");
}

#[test]
fn a_database_is_never_put_on_smb_in_silence() {
    verdict(Topic::Locks, "api", Verdict::Approximated, |_| {});
    verdict(Topic::Locks, "api", Verdict::Impossible, |bound| option(bound, "api", "volume_protocol", "smb"));
    verdict(Topic::Locks, "api", Verdict::Impossible, |bound| option(bound, "api", "hosting", "app-service"));
    verdict(Topic::Locks, "api", Verdict::Approximated, |bound| {
        bound.volumes["data"].writers = Writers::Many;
        option(bound, "api", "hosting", "app-service");
    });
}

#[test]
fn the_report_follows_the_options() {
    verdict(Topic::Proxy, "web", Verdict::Exact, |_| {});
    verdict(Topic::Proxy, "web", Verdict::Approximated, |bound| option(bound, "web", "page_sku", "Free"));
    verdict(Topic::Proxy, "web", Verdict::Impossible, |bound| {
        option(bound, "web", "page_hosting", "storage");
        bound.services["web"].env.clear();
    });
    verdict(Topic::Headers, "web", Verdict::Approximated, |bound| option(bound, "web", "page_sku", "Free"));
    verdict(Topic::Fallback, "web", Verdict::Approximated, |bound| {
        option(bound, "web", "page_hosting", "storage")
    });
    verdict(Topic::Hosting, "api", Verdict::Impossible, |bound| {
        option(bound, "api", "hosting", "app-service");
        bound.services["api"].port = None;
    });
    verdict(Topic::Address, "api", Verdict::Impossible, |bound| {
        option(bound, "api", "hosting", "app-service");
        bound.services["api"].publish = Publish::No;
    });
    verdict(Topic::Health, "api", Verdict::Approximated, |bound| {
        bound.services["api"].health = HealthCheck::Command { test: vec!["true".to_owned()] };
    });
    verdict(Topic::Domain, "web", Verdict::Impossible, |bound| {
        option(bound, "web", "page_hosting", "storage");
        bound.domains.insert(Name::from_any("web", "x"), "www.example.com".to_owned());
    });
    verdict(Topic::ZeroDowntime, "api", Verdict::Exact, |bound| {
        option(bound, "api", "hosting", "app-service");
        option(bound, "api", "sku", "P0v3");
        bound.services["api"].volumes.clear();
    });
    verdict(Topic::Command, "api", Verdict::Impossible, |bound| {
        option(bound, "api", "hosting", "app-service");
        bound.services["api"].command = Some(vec!["say".to_owned(), "a b".to_owned()]);
    });
    verdict(Topic::Region, "web", Verdict::Approximated, |bound| bound.region = Some("uksouth".to_owned()));
}
