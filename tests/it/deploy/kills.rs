//! A run is killed at each of its calls, in three phases, and repeated: nothing is there twice, nothing is left over, and all of it is as
//! after a run that nobody disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::stage::{Point, Stage};
use crate::support::figure;

/// What is killed.
#[derive(Clone, Copy)]
pub struct Case {
    /// The platform whose truth is compared.
    pub platform: &'static str,
    /// A stage of its own.
    pub stage: fn(&str) -> Stage,
    /// What is replaced in dashdeploy.yaml for an update.
    pub update: (&'static str, &'static str),
}

impl Case {
    /// A stage just before the run that is killed.
    pub fn prepared(&self, name: &str, update: bool) -> Stage {
        let stage = (self.stage)(name);
        if update {
            stage.run(&["deploy", "--yes"]).exits(0);
            stage.project.replace("dashdeploy.yaml", self.update.0, self.update.1);
        }
        stage
    }

    /// How many calls an undisturbed run makes, and what is there after it.
    fn undisturbed(&self, update: bool) -> (u64, Value) {
        let stage = self.prepared("kill", update);
        stage.run(&["deploy", "--yes"]).exits(0);
        (stage.calls(), named(&stage, self.platform))
    }
}

/// The truth, with the project's own name made the same for all.
pub fn named(stage: &Stage, platform: &str) -> Value {
    let text = stage
        .truth(platform)
        .to_string()
        .replace(&stage.project.name, "PROJECT")
        .replace(&stage.registry.host(), "REGISTRY");
    serde_json::from_str(&text).unwrap()
}

/// How many more things there are than there should be, over all kinds: things may lie in others, as machines lie in apps.
pub fn too_many(found: &Value, expected: &Value) -> usize {
    let (mut there, mut wanted) = (BTreeMap::new(), BTreeMap::new());
    things(found, "", &mut there);
    things(expected, "", &mut wanted);
    there.iter().map(|(kind, count)| count.saturating_sub(*wanted.get(kind).unwrap_or(&0))).sum()
}

/// Counts the things of each kind: what a list holds, and what is named in a map of things.
fn things(value: &Value, kind: &str, counted: &mut BTreeMap<String, usize>) {
    match value {
        Value::Array(all) => {
            *counted.entry(kind.to_owned()).or_default() += all.len();
            all.iter().for_each(|one| things(one, kind, counted));
        }
        Value::Object(all) => {
            *counted.entry(kind.to_owned()).or_default() += all.len();
            all.iter().for_each(|(name, one)| {
                // Apps have names of their own, and are all of one kind.
                let name = if kind.ends_with("apps") { "*" } else { name };
                things(one, &format!("{kind}/{name}"), counted);
            });
        }
        _ => {}
    }
}

/// Where two truths differ, with what is there and what should be.
pub fn differences(found: &Value, expected: &Value, at: &str) -> Vec<String> {
    match (found, expected) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            let below = |name: &String| differences(&found[name], &expected[name], &format!("{at}/{name}"));
            names.into_iter().flat_map(below).collect()
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs.flat_map(|(n, (one, other))| differences(one, other, &format!("{at}/{n}"))).collect()
        }
        _ if found == expected => Vec::new(),
        _ => vec![format!("{at}: {found}, and should be {expected}")],
    }
}

/// Kills at every call, in every phase.
pub fn every_kill(case: &Case, update: bool) {
    let (calls, expected) = case.undisturbed(update);
    let phases: [fn(u64) -> Point; 3] = [Point::Sending, Point::Answer, Point::Fsync];
    let points: Vec<Point> = (1..=calls).flat_map(|n| phases.map(|phase| phase(n))).collect();
    let (next, wrong, reached) = (AtomicUsize::new(0), Mutex::new(Vec::new()), AtomicUsize::new(0));
    let (surplus, slowest) = (AtomicUsize::new(0), Mutex::new(Duration::ZERO));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let stage = case.prepared("kill", update);
                    if stage.killed(&["deploy", "--yes"], *point) {
                        reached.fetch_add(1, Ordering::SeqCst);
                    }
                    torn(&stage, *point);
                    let begun = Instant::now();
                    let again = stage.run(&["deploy", "--yes"]);
                    let mut slowest = slowest.lock().unwrap();
                    *slowest = (*slowest).max(begun.elapsed());
                    drop(slowest);
                    if again.code != 0 {
                        wrong.lock().unwrap().push(format!(
                            "{point:?}: exit {}\n{}",
                            again.code,
                            again.all()
                        ));
                        continue;
                    }
                    let found = named(&stage, case.platform);
                    surplus.fetch_add(too_many(&found, &expected), Ordering::SeqCst);
                    if found != expected {
                        let differing = differences(&found, &expected, "").join("\n");
                        wrong.lock().unwrap().push(format!("{point:?}:\n{differing}"));
                    }
                    let last = stage.run(&["plan", "--exit-code"]);
                    if last.code != 0 {
                        wrong.lock().unwrap().push(format!("{point:?}: not done\n{}", last.all()));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    let (all, reached) = (points.len(), reached.into_inner());
    let what = if update { "update" } else { "first deploy" };
    figure(&format!(
        "{}: {what} killed at {calls} calls x 3 phases ({reached} of {all} reached): converged {}/{all}, duplicates or orphans {}, the next run took {:.1?} at most",
        case.platform,
        all - wrong.len(),
        surplus.into_inner(),
        slowest.into_inner().unwrap()
    ));
    assert!(wrong.is_empty(), "{} of {all}: {}", wrong.len(), wrong[..wrong.len().min(3)].join("\n"));
}

/// What a power cut leaves of the journal's last line.
fn torn(stage: &Stage, point: Point) {
    let Point::Fsync(number) = point else { return };
    let folder = stage.project.path().join(".dashdeploy/ledger");
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = file.path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            let bytes = std::fs::read(&path).unwrap();
            let last =
                bytes[..bytes.len().saturating_sub(1)].iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
            let cut = last + 1 + usize::try_from(number).unwrap() * 7 % (bytes.len() - last).max(1);
            // A first line that was cut off is a ledger that was never begun.
            if last > 0 {
                std::fs::write(&path, &bytes[..cut.min(bytes.len())]).unwrap();
            }
        }
    }
}

#[test]
fn things_inside_others_are_counted() {
    let app =
        |machines: Value| serde_json::json!({ "apps": { "a": { "machines": machines, "ips": ["x"] } } });
    let (one, two) = (app(serde_json::json!([{ "name": "m" }])), app(serde_json::json!([{}, {}])));
    assert_eq!((too_many(&one, &one), too_many(&two, &app(serde_json::json!([])))), (0, 2));
    let list = |ids: &[&str]| serde_json::json!({ "services": ids });
    assert_eq!((too_many(&list(&["a", "b"]), &list(&["a"])), too_many(&list(&[]), &list(&["a"]))), (1, 0));
    let other = serde_json::json!({ "apps": { "a": {}, "b": { "machines": [{}] } } });
    assert!(too_many(&other, &serde_json::json!({ "apps": { "a": {} } })) > 0);
}

/// Sends the signals that people and CI systems send, at calls of a first deploy.
pub fn every_signal(case: &Case) {
    let (calls, _) = case.undisturbed(false);
    let points: Vec<(u64, &str)> =
        (1..=calls).map(|n| (n, ["INT", "TERM", "HUP"][usize::try_from(n % 3).unwrap()])).collect();
    let (next, wrong, longest) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(Duration::ZERO));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((number, signal)) = points.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let stage = case.prepared("kill", false);
                    let (sprung, ran, took) =
                        stage.signalled(&["deploy", "--yes"], Point::Sending(*number), signal);
                    let mut longest = longest.lock().unwrap();
                    *longest = (*longest).max(took);
                    drop(longest);
                    let late = took > Duration::from_secs(10);
                    // A run that was through before the signal came is as good.
                    if sprung && (late || ![130, 0].contains(&ran.code)) {
                        wrong.lock().unwrap().push(format!(
                            "{signal} at {number}: exit {} after {took:?}\n{}",
                            ran.code,
                            ran.all()
                        ));
                    }
                    let again = stage.run(&["deploy", "--yes"]);
                    if again.code != 0 {
                        wrong.lock().unwrap().push(format!(
                            "after {signal} at {number}: exit {}\n{}",
                            again.code,
                            again.all()
                        ));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    figure(&format!(
        "{}: signals at {calls} calls: {}/{calls} ended as they should, after {:?} at most",
        case.platform,
        points.len() - wrong.len(),
        longest.into_inner().unwrap()
    ));
    assert!(wrong.is_empty(), "{}", wrong[..wrong.len().min(3)].join("\n"));
}
