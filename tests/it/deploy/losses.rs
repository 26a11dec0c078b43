//! The answer to a call that changes something is lost, once, in the middle of a run: the same run ends well, and nothing is there twice.
//!
//! Given: a case of `kills`. Gives: a figure. Each write of an undisturbed run is struck in five ways; the platform acts in all of them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashdeploy_fakes::{Calls, Fault, Harm};

use super::kills::{Case, differences, named, too_many};
use super::stage::Stage;
use crate::support::figure;

/// The ways in which an answer is lost: the connection breaks before it or in it, or a proxy answers in its place.
fn harms() -> [Harm; 5] {
    let status = |status, html| Harm::Status { status, retry_after: None, acts: true, html };
    [Harm::CommitThenDrop, Harm::Truncate, status(408, false), status(502, true), status(504, true)]
}

/// A write: its method, its path with `*` for ids, the how manyth of those it is.
type Write = (String, String, u64);

/// The writes of a log.
fn writes(stage: &Stage, from: usize) -> Vec<Write> {
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let log = stage.lab.log();
    let effects = log[from..].iter().filter(|entry| entry.effect);
    let each = effects.map(|entry| {
        let path = pattern(&entry.seen.path).replace(&stage.project.name, "PROJECT");
        let count = counts.entry((entry.seen.method.clone(), path.clone())).or_default();
        *count += 1;
        (entry.seen.method.clone(), path, *count)
    });
    each.collect()
}

/// A path with `*` for what is another in every run.
fn pattern(path: &str) -> String {
    let is_id = |part: &str| {
        let random = part.len() == 14 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        random || ["vol_", "srv-", "dep-", "dsk-", "crt-", "evm-"].iter().any(|start| part.starts_with(start))
    };
    path.split('/').map(|part| if is_id(part) { "*" } else { part }).collect::<Vec<_>>().join("/")
}

/// Loses each answer to a write, in each way.
pub fn every_lost_answer(case: &Case, update: bool) {
    let stage = case.prepared("lost", update);
    let from = stage.lab.log().len();
    stage.run(&["deploy", "--yes"]).exits(0);
    let (writes, expected) = (writes(&stage, from), named(&stage, case.platform));
    let points: Vec<(&Write, Harm)> =
        writes.iter().flat_map(|write| harms().map(|harm| (write, harm))).collect();
    let (next, struck, surplus) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((write, harm)) = points.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let (was_struck, more, trouble) = lost(case, update, write, harm, &expected);
                    struck.fetch_add(usize::from(was_struck), Ordering::SeqCst);
                    surplus.fetch_add(more, Ordering::SeqCst);
                    if let Some(trouble) = trouble {
                        wrong.lock().unwrap().push(format!("{write:?} {harm:?}: {trouble}"));
                    }
                }
            });
        }
    });
    let (wrong, all) = (wrong.into_inner().unwrap(), points.len());
    figure(&format!(
        "{}: {} whose answer to one of {} writes was lost in 5 ways ({} of {all} struck): converged in the same run {}/{all}, duplicates or orphans {}",
        case.platform,
        if update { "update" } else { "first deploy" },
        writes.len(),
        struck.into_inner(),
        all - wrong.len(),
        surplus.into_inner()
    ));
    assert!(wrong.is_empty(), "{} of {all}: {}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}

/// One run: whether the call was struck, how much more there is than should be, and what is wrong.
fn lost(
    case: &Case,
    update: bool,
    (method, path, nth): &Write,
    harm: &Harm,
    expected: &serde_json::Value,
) -> (bool, usize, Option<String>) {
    let stage = case.prepared("lost", update);
    let calls = Calls::first(method, &path.replace("PROJECT", &stage.project.name)).nth(*nth);
    stage.lab.fail(Fault::new(calls, harm.clone()));
    let ran = stage.run(&["deploy", "--yes"]);
    let struck = stage.lab.log().iter().any(|entry| !entry.harm.is_empty());
    let found = named(&stage, case.platform);
    let more = too_many(&found, expected);
    let trouble = if ran.code != 0 {
        Some(format!("exit {}\n{}", ran.code, ran.all()))
    } else if found != *expected {
        Some(differences(&found, expected, "").join("\n"))
    } else {
        let plan = stage.run(&["plan", "--exit-code"]);
        (plan.code != 0).then(|| format!("not done\n{}", plan.all()))
    };
    (struck, more, trouble)
}
