//! What was found, as data for the console.
//!
//! Given: a [`Detection`]. Gives: one entry a service, its facts in the order people read them. Deliberately absent: layout.

use dashdeploy_contract::BuildKind;
use serde::Serialize;

use super::model::{Detection, Fact, Proposal, Rejected, Topic};

/// One service of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceReport {
    /// Its name.
    pub name: String,
    /// Its build kind.
    pub kind: BuildKind,
    /// Its folder.
    pub folder: String,
    /// The conclusions, by topic.
    pub facts: Vec<Fact>,
    /// The candidates not taken.
    pub rejected: Vec<Rejected>,
}

const ORDER: [Topic; 12] = [
    Topic::Kind,
    Topic::Dockerfile,
    Topic::Application,
    Topic::Version,
    Topic::Packages,
    Topic::Output,
    Topic::Port,
    Topic::Health,
    Topic::Data,
    Topic::Wiring,
    Topic::Variable,
    Topic::Secret,
];

/// The services with their conclusions.
pub fn report(detection: &Detection) -> Vec<ServiceReport> {
    detection.services.iter().map(service).collect()
}

fn service(proposal: &Proposal) -> ServiceReport {
    let mut facts = proposal.facts.clone();
    facts.sort_by_key(|fact| ORDER.iter().position(|topic| *topic == fact.topic));
    ServiceReport {
        name: proposal.name.to_string(),
        kind: proposal.build.kind,
        folder: proposal.folder.clone(),
        facts,
        rejected: proposal.rejected.clone(),
    }
}
