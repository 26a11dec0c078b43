//! Standings: the verdict over each service, and over all of them.

use super::super::sample_tests::{Sample, name, second, settled};
use super::*;

fn served(sample: &Sample) -> BTreeMap<Name, Served> {
    let of = |service: &Name| {
        let images = vec![format!("registry.fly.io/shop@{}", sample.release.images[service].id.0)];
        Served { images, ..Served::default() }
    };
    sample.release.bound.services.keys().map(|service| (service.clone(), of(service))).collect()
}

/// Both services run and are healthy.
fn healthy() -> Sample {
    let mut sample = settled();
    let mut web = sample.observed.resources[0].clone();
    web.address = Address::new("render", "service", "web");
    web.service = Some(name("web"));
    sample.observed.resources.push(web);
    sample
}

static NOTHING_SERVED: BTreeMap<Name, Served> = BTreeMap::new();
static ALL_ASKED: BTreeMap<Name, String> = BTreeMap::new();

fn standing_of<'a>(sample: &'a Sample, edit: impl FnOnce(&mut StandingInput<'a>)) -> Standing {
    let mut input = StandingInput {
        bound: &sample.release.bound,
        release: Some(&sample.release),
        plan: &sample.plan,
        observed: &sample.observed,
        served: &NOTHING_SERVED,
        unknown: &ALL_ASKED,
        titles: &sample.titles,
    };
    edit(&mut input);
    let served = served(sample);
    let input = StandingInput { served: &served, ..input };
    Standing::of(&input)
}

fn verdicts(standing: &Standing) -> (StandingVerdict, Vec<StandingVerdict>) {
    (standing.verdict, standing.services.iter().map(|service| service.verdict).collect())
}

use StandingVerdict::{Absent, Drift as Drifted, Ok as Fine, Unhealthy, Unknown};

#[test]
fn all_is_as_it_should_be() {
    let standing = standing_of(&healthy(), |_| {});
    assert_eq!(verdicts(&standing), (Fine, vec![Fine, Fine]));
    assert!(standing.is_as_desired());
    insta::assert_snapshot!("standing_ok", serde_json::to_string_pretty(&standing).unwrap());
}

#[test]
fn another_image_is_drift_even_where_the_plan_sees_none() {
    let sample = healthy();
    let other = Served { images: vec![format!("sha256:{}", "f".repeat(64))], ..Served::default() };
    let mut told = served(&sample);
    told.insert(name("api"), other);
    let standing = Standing::of(&StandingInput {
        bound: &sample.release.bound,
        release: Some(&sample.release),
        plan: &sample.plan,
        observed: &sample.observed,
        served: &told,
        unknown: &BTreeMap::new(),
        titles: &sample.titles,
    });
    assert_eq!(verdicts(&standing), (Drifted, vec![Fine, Drifted]));
    assert_eq!((standing.services[1].digest, standing.services[1].release), (DigestMatch::Differs, None));
}

#[test]
fn a_manifest_is_the_image_as_well_as_the_engines_id() {
    let mut sample = healthy();
    let manifest = format!("sha256:{}", "e".repeat(64));
    sample.release.images[&name("api")].digest = Some(format!("ghcr.io/acme/shop-api@{manifest}"));
    let mut told = served(&sample);
    told.insert(name("api"), Served { images: vec![manifest.clone()], ..Served::default() });
    let image = sample.release.images.get("api");
    assert_eq!(compared(image, &told["api"].images), DigestMatch::Same);
    assert_eq!(compared(image, &[]), DigestMatch::Unknown);
    assert_eq!(compared(None, std::slice::from_ref(&manifest)), DigestMatch::Unknown);
    assert_eq!(compared(image, &[manifest, "sha256:0".to_owned()]), DigestMatch::Differs);
}

#[test]
fn what_the_plan_would_do_is_drift_and_a_push_is_none() {
    let mut sample = healthy();
    sample.plan = second().plan;
    let standing = standing_of(&sample, |_| {});
    assert_eq!(verdicts(&standing), (Drifted, vec![Drifted, Drifted]));
    assert_eq!(standing.services[1].drift.len(), 2, "the machine and the volume, without the push");
    sample.plan = settled().plan;
    sample.plan.changes = vec![Change {
        service: None,
        ..Change::new(Address::new("fly", "network", "x"), Action::Create, "gone", serde_json::Value::Null)
    }];
    let standing = standing_of(&sample, |_| {});
    assert_eq!(verdicts(&standing), (Drifted, vec![Fine, Fine]));
    assert_eq!(standing.drift.len(), 1);
}

#[test]
fn what_does_not_serve_is_worse_than_drift_and_nothing_at_all_is_absent() {
    let mut sample = healthy();
    sample.observed.resources[0].health = Some(Health::Unhealthy { detail: " 503 ".to_owned() });
    let standing = standing_of(&sample, |_| {});
    assert_eq!(verdicts(&standing), (Unhealthy, vec![Fine, Unhealthy]));
    assert_eq!(standing.services[1].reason.as_deref(), Some("its health check fails: 503"));
    sample.observed.resources[0].health = Some(Health::Exited { code: 3, detail: String::new() });
    let reason = standing_of(&sample, |_| {}).services[1].reason.clone();
    assert_eq!(reason.as_deref(), Some("it ended with code 3"));

    let (sample, nothing) = (settled(), Observed::default());
    assert_eq!(verdicts(&standing_of(&sample, |_| {})), (Drifted, vec![Absent, Fine]));
    let standing = standing_of(&sample, |input| input.observed = &nothing);
    assert_eq!(verdicts(&standing), (Absent, vec![Absent, Absent]));
    assert!(!standing.is_as_desired());
}

#[test]
fn a_former_copy_that_stands_aside_is_not_the_services_health() {
    let mut sample = healthy();
    let mut former = sample.observed.resources[0].clone();
    former.health = Some(Health::Exited { code: 0, detail: String::new() });
    sample.observed.resources.push(former);
    assert_eq!(standing_of(&sample, |_| {}).services[1].verdict, Fine);
    sample.release.bound.services[&name("api")].replicas = 2;
    assert_eq!(standing_of(&sample, |_| {}).services[1].verdict, Unhealthy);
}

#[test]
fn what_cannot_be_told_is_not_called_good() {
    let (sample, plan, unknown) =
        (healthy(), second().plan, BTreeMap::from([(name("api"), "timed out".to_owned())]));
    let standing = standing_of(&sample, |input| input.release = None);
    assert_eq!(verdicts(&standing), (Unknown, vec![Unknown, Unknown]));
    let standing = standing_of(&sample, |input| {
        input.unknown = &unknown;
        input.plan = &plan;
    });
    assert!(standing.services[1].drift.is_empty());
    let standing = standing_of(&sample, |input| input.unknown = &unknown);
    assert_eq!(verdicts(&standing), (Unknown, vec![Fine, Unknown]));
    assert_eq!(standing.services[1].health, None);
    assert_eq!(standing.services[1].reason.as_deref(), Some("its platform could not be asked: timed out"));
}

#[test]
fn the_release_that_runs_is_the_one_its_mark_says() {
    let mut sample = healthy();
    assert_eq!(standing_of(&sample, |_| {}).services[1].release, Some(8));
    sample.observed.resources[0].facts.insert("release".to_owned(), "r6".to_owned());
    assert_eq!(standing_of(&sample, |_| {}).services[1].release, Some(6));
}
