//! Every call that changes something is not made, loses its answer, or is the last one of its run: what runs afterwards make of it
//! is what an undisturbed run makes, with nothing doubled.

use std::collections::BTreeMap;
use std::sync::Arc;

use dashdeploy_contract::{Release, Text};
use serde_json::{Map, Value};

use super::lab::{Cut, End, Lab, deploy, image, name, option, release, run, supplies};

const CUTS: [Cut; 4] = [Cut::NotMade, Cut::Lost, Cut::KilledBefore, Cut::KilledAfter];
/// Runs after which it must be done.
const RUNS: usize = 6;

/// A first release with everything that a service has.
fn first() -> Release {
    let mut release = release();
    release.bound.domains.insert(name("web"), "shop.example.com".to_owned());
    release
}

/// Another one, which differs in all that can be changed.
fn second() -> Release {
    let mut release = first();
    image(&mut release, "api", "7");
    image(&mut release, "web", "8");
    let api = release.bound.services.get_mut("api").unwrap();
    api.env.insert("LOG_LEVEL".to_owned(), Text::literal("debug"));
    api.env.insert("ADDED".to_owned(), Text::literal("1"));
    api.health = dashdeploy_contract::HealthCheck::Http { path: "/healthz".to_owned() };
    release.bound.services.get_mut("web").unwrap().replicas = 2;
    release.bound.volumes.get_mut("data").unwrap().size = Some(5 << 30);
    release.bound.domains.insert(name("api"), "api.example.com".to_owned());
    option(&mut release, "api", "plan", "standard");
    release
}

/// What is there, by names, without times and ids.
fn table(lab: &Lab) -> Value {
    let objects = lab.objects();
    let kind = |kind: &str| objects[kind].as_object().cloned().unwrap_or_default();
    let services = kind("services");
    let named = |id: &Value| services[id.as_str().unwrap()]["name"].clone();
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (what, things) in objects.as_object().unwrap() {
        for thing in things.as_object().unwrap().values() {
            let mut plain: Map<String, Value> = thing.as_object().unwrap().clone();
            if let Some(service) = plain.get("service").cloned() {
                plain.insert("service".to_owned(), named(&service));
            }
            for passing in ["id", "createdAt", "updatedAt", "startedAt", "finishedAt", "dashboardUrl"] {
                plain.remove(passing);
            }
            plain.remove("running");
            // The mark names a deploy by its id.
            if let Some(env) = plain.get_mut("env").and_then(Value::as_object_mut) {
                assert!(what == "deploys" || env.remove("DASHDEPLOY_DEPLOYED").is_some());
                env.remove("DASHDEPLOY_DEPLOYED");
            }
            if let Some(disk) = plain.get_mut("serviceDetails").and_then(|details| details.get_mut("disk")) {
                disk.as_object_mut().unwrap().remove("id");
            }
            all.entry(what.clone()).or_default().push(Value::Object(plain));
        }
    }
    all.values_mut().for_each(|things| things.sort_by_key(Value::to_string));
    serde_json::to_value(all).unwrap()
}

/// The deploys that serve.
fn live(table: &Value) -> Vec<&Value> {
    table["deploys"].as_array().unwrap().iter().filter(|deploy| deploy["status"] == "live").collect()
}

/// New halves plan and carry out until nothing is left to do; how many runs that takes.
fn converge(lab: &Arc<Lab>, release: &Release) -> usize {
    for turn in 1..=RUNS {
        match run(lab, release, &supplies(release)) {
            End::Done(plan) if plan.is_empty() => return turn,
            End::Done(_) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("{:?}", lab.plan(release));
}

/// What a run that is not cut makes, from a platform.
fn undisturbed(before: &[Release], release: &Release) -> Value {
    let lab = Lab::new();
    before.iter().for_each(|former| drop(deploy(&lab, former)));
    deploy(&lab, release);
    table(&lab)
}

/// Cuts each write in each way; the number of cuts, and of deploys and services too many.
fn cut_everywhere(before: &[Release], release: &Release) -> (usize, usize) {
    let whole = undisturbed(before, release);
    let many = |table: &Value, kind: &str| table[kind].as_array().map_or(0, Vec::len);
    let (mut cuts, mut doubled, mut turns) = (0, 0, 0);
    for cut in CUTS {
        for nth in 1.. {
            let lab = Lab::new();
            before.iter().for_each(|former| drop(deploy(&lab, former)));
            lab.cut(nth, cut);
            let _ = run(&lab, release, &supplies(release));
            if !lab.mend() {
                break;
            }
            cuts += 1;
            turns = turns.max(converge(&lab, release));
            lab.made();
            let found = table(&lab);
            for kind in ["services", "disks", "domains"] {
                doubled += many(&found, kind).saturating_sub(many(&whole, kind));
                assert_eq!(found[kind], whole[kind], "{cut:?} {nth}: {kind}");
            }
            assert_eq!(live(&found), live(&whole), "{cut:?} {nth}");
            // A run that is not killed takes back what it did, by deploys of its own.
            if matches!(cut, Cut::KilledBefore | Cut::KilledAfter) {
                assert_eq!(found["deploys"], whole["deploys"], "{cut:?} {nth}");
            }
        }
    }
    println!("{cuts} cuts, {doubled} doubled, at most {turns} runs");
    (cuts, doubled)
}

#[test]
fn a_first_deploy_that_is_cut_anywhere_comes_to_the_same() {
    let (cuts, doubled) = cut_everywhere(&[], &first());
    assert!(cuts >= 12 && doubled == 0, "{cuts} cuts, {doubled} doubled");
}

#[test]
fn an_update_that_is_cut_anywhere_comes_to_the_same() {
    let (cuts, doubled) = cut_everywhere(&[first()], &second());
    assert!(cuts >= 40 && doubled == 0, "{cuts} cuts, {doubled} doubled");
}
