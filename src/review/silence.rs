//! Findings that the project silences, each with its reason: `check.silence` in dashdeploy.yaml.

use dashdeploy_contract::{Finding, Project};
use serde::Serialize;

use super::{Found, Review, codes, sort};
use crate::config::Places;

/// A finding that is not told, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Silenced {
    /// The finding.
    pub finding: Finding,
    /// The reason in dashdeploy.yaml.
    pub reason: String,
}

/// Takes out what is silenced, by `CODE` or by `CODE SERVICE`; a silence of nothing is itself a finding.
pub(super) fn apply(found: Vec<Found>, project: &Project, places: &Places) -> Review {
    let mut review = Review::default();
    let mut used = vec![false; project.silence.len()];
    for one in found {
        let by = project.silence.keys().position(|key| covers(key, &one));
        match by.and_then(|at| Some((at, project.silence.get_index(at)?.1))) {
            Some((at, reason)) => {
                used[at] = true;
                review.silenced.push(Silenced { finding: one.finding, reason: reason.clone() });
            }
            None => review.findings.push(one.finding),
        }
    }
    for (key, _) in project.silence.keys().zip(used).filter(|(_, used)| !used) {
        review.findings.push(places.locate(idle(key)));
    }
    sort(&mut review.findings);
    review
}

fn covers(key: &str, one: &Found) -> bool {
    match key.split_once(' ') {
        Some((code, service)) => code == one.finding.code && one.service.as_deref() == Some(service.trim()),
        None => key == one.finding.code,
    }
}

fn idle(key: &str) -> Finding {
    let code = key.split(' ').next().unwrap_or(key);
    let path = format!("check.silence.{key}");
    if codes::explain(code).is_none() {
        let message = format!("`{code}` is no code of a finding about code");
        return Finding::warning("unknown-code", path, message)
            .hint("`dashdeploy check --explain list` names them all");
    }
    let message = format!("nothing is found that `{key}` silences");
    Finding::info("idle-silence", path, message).hint("remove the line")
}
