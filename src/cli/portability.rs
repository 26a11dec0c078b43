//! What the targets of a project say of it: findings of the checks, and the portability report.
//!
//! Given: a loaded project and the targets asked about. Gives: reports with places, findings with places. Nothing is asked of
//! any platform.

use std::collections::HashSet;

use dashdeploy_contract::{
    Bound, Desk, Finding, Name, Portability, Severity, Target, Topic, Verdict, Wiring,
};

use super::load::Loaded;
use super::manifests::{Placed, Wanted, placed};
use crate::console::TargetReport;

/// What was found, and what is carried.
pub struct Said {
    /// Errors and warnings, each once.
    pub findings: Vec<Finding>,
    /// One report for each environment on each target.
    pub reports: Vec<TargetReport>,
}

/// Asks every wanted target. What is impossible on a target that an environment names is an error; on any other target it is
/// a row of its report.
pub fn ask(loaded: &Loaded, wanted: &Wanted) -> Said {
    let mut said = Said { findings: Vec::new(), reports: Vec::new() };
    for one in placed(&loaded.project, wanted) {
        let target = one.target.as_ref();
        let mut rows = target.portability(&one.desk());
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        let places = loaded.places.of_keys(&keys);
        rows.iter_mut().zip(places).for_each(|(row, place)| row.place = Some(place));
        if one.used {
            let found = findings(target, &one.bound, &rows);
            said.findings.extend(found.into_iter().map(|finding| loaded.places.locate(finding)));
        }
        said.reports.push(report(&one, rows));
    }
    let mut known = HashSet::new();
    said.findings.retain(|finding| known.insert((finding.key.clone(), finding.message.clone())));
    said
}

/// What keeps a project from running on a target, or should be known before: its own checks, its options, and what is not
/// carried exactly.
pub fn findings(target: &dyn Target, bound: &Bound, rows: &[Portability]) -> Vec<Finding> {
    let mut findings = target.check(bound);
    findings.extend(target.descriptor().check_options(bound));
    // A check that says more about a key than the report does speaks for both.
    let told: Vec<String> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.key.clone())
        .collect();
    // Where a service cannot be hosted at all, that is all there is to say of it.
    let impossible = rows.iter().filter(|row| row.verdict == Verdict::Impossible);
    let homeless: HashSet<&Name> =
        impossible.filter(|row| row.topic == Topic::Hosting).map(|row| &row.service).collect();
    let rows = rows
        .iter()
        .filter(|row| row.verdict != Verdict::Impossible || !told.contains(&row.key))
        .filter(|row| row.topic == Topic::Hosting || !homeless.contains(&row.service));
    findings.extend(rows.filter_map(|row| row.finding(&target.descriptor().title)));
    findings
}

/// The same for one environment alone, before anything is done with it.
pub fn findings_of(target: &dyn Target, bound: &Bound) -> Vec<Finding> {
    let wiring = Wiring::of(bound, &|name| (name == target.descriptor().name).then_some(target));
    let desk = Desk { bound, wiring: &wiring, suffix: None };
    findings(target, bound, &target.portability(&desk))
}

fn report(one: &Placed, rows: Vec<Portability>) -> TargetReport {
    let descriptor = one.target.descriptor();
    TargetReport {
        target: descriptor.name.clone(),
        title: descriptor.title.clone(),
        environment: one.bound.environment.to_string(),
        used: one.used,
        rows,
    }
}
