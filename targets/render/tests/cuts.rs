//! Every call that changes something is not made, loses its answer, or is the last one of its run: what runs afterwards make of it
//! is what an undisturbed run makes, with nothing doubled.

use std::collections::BTreeMap;
use std::sync::Arc;

use dashdeploy_contract::{Release, Text};
use serde_json::{Map, Value};

use super::lab::{Cut, End, Lab, deploy, image, name, option, release, run, site, supplies};

const CUTS: [Cut; 5] = [Cut::NotMade, Cut::Lost, Cut::Gateway, Cut::KilledBefore, Cut::KilledAfter];
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
            for rules in ["routes", "headers"] {
                let all = plain.get_mut(rules).and_then(Value::as_array_mut).into_iter().flatten();
                all.for_each(|rule| drop(rule.as_object_mut().unwrap().remove("id")));
            }
            if let Some(commit) = plain.get_mut("commit").and_then(Value::as_object_mut) {
                commit.remove("createdAt");
            }
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

/// What is cut, and what must come of it.
struct Case {
    /// What was there before.
    before: Vec<Release>,
    /// What is being deployed when it is cut.
    cut: Release,
    /// What is deployed afterwards.
    then: Release,
    /// What a run that is not cut makes of that.
    whole: Value,
}

impl Case {
    /// The same release again.
    fn again(before: &[Release], release: &Release) -> Self {
        let whole = undisturbed(before, release);
        Self { before: before.to_vec(), cut: release.clone(), then: release.clone(), whole }
    }

    /// Cuts each write in each way; the number of cuts, and of things too many.
    fn everywhere(&self) -> (usize, usize) {
        let (mut cuts, mut doubled, mut turns) = (0, 0, 0);
        for cut in CUTS {
            for nth in 1.. {
                let lab = Lab::new();
                self.before.iter().for_each(|former| drop(deploy(&lab, former)));
                lab.cut(nth, cut);
                let _ = run(&lab, &self.cut, &supplies(&self.cut));
                if !lab.mend() {
                    break;
                }
                cuts += 1;
                turns = turns.max(converge(&lab, &self.then));
                lab.made();
                doubled += self.compare(&table(&lab), cut, &format!("{cut:?} {nth}"));
            }
        }
        println!("{cuts} cuts, {doubled} doubled, at most {turns} runs");
        (cuts, doubled)
    }

    /// Holds what is there against what should be; how many things there are too many.
    fn compare(&self, found: &Value, cut: Cut, at: &str) -> usize {
        let many = |table: &Value, kind: &str| table[kind].as_array().map_or(0, Vec::len);
        let mut doubled = 0;
        for kind in ["services", "disks", "domains"] {
            doubled += many(found, kind).saturating_sub(many(&self.whole, kind));
            assert_eq!(found[kind], self.whole[kind], "{at}: {kind}");
        }
        assert_eq!(live(found), live(&self.whole), "{at}");
        // A run that is not killed takes back what it did, by deploys of its own.
        if matches!(cut, Cut::KilledBefore | Cut::KilledAfter) && self.cut == self.then {
            assert_eq!(found["deploys"], self.whole["deploys"], "{at}");
        }
        doubled
    }
}

#[test]
fn a_first_deploy_that_is_cut_anywhere_comes_to_the_same() {
    let (cuts, doubled) = Case::again(&[], &first()).everywhere();
    assert!(cuts >= 15 && doubled == 0, "{cuts} cuts, {doubled} doubled");
}

#[test]
fn an_update_that_is_cut_anywhere_comes_to_the_same() {
    let (cuts, doubled) = Case::again(&[first()], &second()).everywhere();
    assert!(cuts >= 55 && doubled == 0, "{cuts} cuts, {doubled} doubled");
}

#[test]
fn a_static_site_that_is_cut_anywhere_comes_to_the_same() {
    let (cuts, doubled) = Case::again(&[], &site("a")).everywhere();
    assert!(cuts >= 15 && doubled == 0, "{cuts} cuts, {doubled} doubled");
    let (cuts, doubled) = Case::again(&[site("a")], &site("b")).everywhere();
    assert!(cuts >= 25 && doubled == 0, "{cuts} cuts, {doubled} doubled");
}

#[test]
fn a_bad_update_whose_way_back_is_cut_anywhere_leaves_the_former_release() {
    let (former, mut bad) = (release(), release());
    image(&mut bad, "api", "f");
    option(&mut bad, "api", "plan", "standard");
    let api = bad.bound.services.get_mut("api").unwrap();
    api.env.insert("ADDED".to_owned(), Text::literal("1"));
    let whole = undisturbed(&[], &former);
    let case = Case { before: vec![former.clone()], cut: bad, then: former, whole };
    // Five on the way there, the rest on the way back.
    let (cuts, doubled) = case.everywhere();
    assert!(cuts >= 40 && doubled == 0, "{cuts} cuts, {doubled} doubled");
}
