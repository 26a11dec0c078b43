//! A plan in a file: reviewed now, carried out later, and refused where it would no longer be what was reviewed.
//!
//! Given: a proposal, its plan and release, what was observed. Gives: text, and what was written back from it, unless it
//! was edited, belongs to something else, or is of another version. A fingerprint tells whether the platforms moved
//! meanwhile. The checksum finds mistakes and edits; it is no signature, so who may write the file may deploy by it.
//! Deliberately absent: reading and writing the file.

use dashdeploy_contract::{Name, Observed, Plan, Release, Resource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::proposal::Proposal;

/// The version of the file's form. Raised whenever proposal, plan or release change theirs.
pub const SAVED_PLAN_VERSION: u32 = 1;

/// What the first key of the file says, so that another JSON file is not taken for a plan.
const KIND: &str = "dashdeploy plan";

/// A plan with everything that carrying it out takes, except secrets' values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// [`SAVED_PLAN_VERSION`].
    pub version: u32,
    /// What was shown.
    pub proposal: Proposal,
    /// The changes.
    pub plan: Plan,
    /// What they lead to.
    pub release: Release,
    /// [`fingerprint`] of what was there.
    pub observed_fingerprint: String,
}

/// Why a file is not taken for a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanError {
    /// It is none.
    #[error("it is no plan of dashdeploy: {0}")]
    NoPlan(String),
    /// It is of another version.
    #[error("its form has version {found}, and this dashdeploy reads version {SAVED_PLAN_VERSION}")]
    Version {
        /// The version that it says.
        found: u64,
    },
    /// It is not what was written.
    #[error("it was changed after it was written: its checksum does not fit its content")]
    Edited,
    /// It is a plan of something else.
    #[error("it is a plan for {found}, not for {asked}")]
    Other {
        /// `project in environment` of the file.
        found: String,
        /// What was asked for.
        asked: String,
    },
    /// It cannot be written as JSON.
    #[error("the plan cannot be written as JSON: {0}")]
    Unwritable(String),
}

impl SavedPlanError {
    /// The mend.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoPlan(_) => "give the file that `dashdeploy plan --out FILE` wrote",
            Self::Other { .. } => "choose the environment with -e, or make a plan of this one",
            _ => "make it anew with `dashdeploy plan --out FILE`",
        }
    }
}

impl SavedPlan {
    /// A plan to be saved.
    pub fn new(proposal: Proposal, plan: Plan, release: Release, observed: &Observed) -> Self {
        let observed_fingerprint = fingerprint(observed);
        Self { version: SAVED_PLAN_VERSION, proposal, plan, release, observed_fingerprint }
    }

    /// The file's text: JSON with a checksum over its content.
    ///
    /// # Errors
    /// [`SavedPlanError::Unwritable`], which no plan of ours is.
    pub fn text(&self) -> Result<String, SavedPlanError> {
        let unwritable = |error: serde_json::Error| SavedPlanError::Unwritable(error.to_string());
        let content = serde_json::to_value(self).map_err(unwritable)?;
        let file = serde_json::json!({ "kind": KIND, "checksum": checksum(&content), "content": content });
        serde_json::to_string_pretty(&file).map(|text| text + "\n").map_err(unwritable)
    }

    /// Reads a file's text for a project in an environment.
    ///
    /// # Errors
    /// [`SavedPlanError`] says why it is refused; nothing of it is used then.
    pub fn read(text: &str, project: &Name, environment: &Name) -> Result<Self, SavedPlanError> {
        let no_plan = |why: &dyn ToString| SavedPlanError::NoPlan(why.to_string());
        let file: Value = serde_json::from_str(text).map_err(|error| no_plan(&error))?;
        if file.get("kind").and_then(Value::as_str) != Some(KIND) {
            return Err(no_plan(&format!("its `kind` is not `{KIND}`")));
        }
        let content = file.get("content").ok_or_else(|| no_plan(&"it has no `content`"))?;
        let found = content.get("version").and_then(Value::as_u64);
        match found.ok_or_else(|| no_plan(&"it has no `version`"))? {
            version if version == u64::from(SAVED_PLAN_VERSION) => {}
            found => return Err(SavedPlanError::Version { found }),
        }
        if file.get("checksum").and_then(Value::as_str) != Some(&checksum(content)) {
            return Err(SavedPlanError::Edited);
        }
        let saved: Self = serde_json::from_value(content.clone()).map_err(|error| no_plan(&error))?;
        let (bound, asked) = (&saved.release.bound, (project, environment));
        if (&bound.project, &bound.environment) != asked {
            return Err(SavedPlanError::Other {
                found: format!("{} in {}", bound.project, bound.environment),
                asked: format!("{project} in {environment}"),
            });
        }
        Ok(saved)
    }

    /// True where the platforms are as they were when the plan was made.
    pub fn fits(&self, observed: &Observed) -> bool {
        self.observed_fingerprint == fingerprint(observed)
    }
}

/// The checksum of a file's content, whatever its blanks and line ends. The order of keys counts: that of services and
/// variables means something.
fn checksum(content: &Value) -> String {
    let digest = Sha256::digest(content.to_string().as_bytes());
    format!("sha256:{}", hex(&digest))
}

/// What tells whether a plan made of one observation still fits another: the things' addresses, ids, owners, and what
/// plans compare. Facts to show, health and the order of things are left out, since they change by themselves.
pub fn fingerprint(observed: &Observed) -> String {
    let mut resources: Vec<&Resource> = observed.resources.iter().collect();
    resources.sort_by(|one, other| (&one.address, &one.id).cmp(&(&other.address, &other.id)));
    let mut hash = Sha256::new();
    hash.update(b"dashdeploy observed v1");
    for resource in resources {
        let service = resource.service.as_ref().map_or("", Name::as_str);
        for part in [resource.address.as_str(), &resource.id, service] {
            put(&mut hash, b's', part.as_bytes());
        }
        hash.update([u8::from(resource.owned), u8::from(resource.adoptable)]);
        put_value(&mut hash, &resource.payload);
    }
    hex(&hash.finalize())
}

/// A value by its content: keys of objects in alphabetical order, every part with its kind and length before it, so that no
/// two values give the same bytes.
fn put_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => put(hash, b'0', b""),
        Value::Bool(truth) => put(hash, b'b', &[u8::from(*truth)]),
        Value::Number(number) => put(hash, b'n', number.to_string().as_bytes()),
        Value::String(text) => put(hash, b's', text.as_bytes()),
        Value::Array(items) => {
            put(hash, b'a', &length(items.len()));
            items.iter().for_each(|item| put_value(hash, item));
        }
        Value::Object(entries) => {
            put(hash, b'o', &length(entries.len()));
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            for (key, value) in entries {
                put(hash, b's', key.as_bytes());
                put_value(hash, value);
            }
        }
    }
}

fn put(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update(length(bytes.len()));
    hash.update(bytes);
}

fn length(length: usize) -> [u8; 8] {
    (length as u64).to_be_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "saved_tests.rs"]
mod tests;
