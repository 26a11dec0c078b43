//! What is written into the ledger.

use std::collections::BTreeMap;

use dashdeploy_contract::{Name, Release};
use serde::{Deserialize, Serialize};

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The ledger's first line.
    Header {
        /// The version of its form.
        schema: u32,
        /// What tells this ledger from another one of the same name.
        lineage: String,
    },
    /// A run began.
    Begin(Box<Begin>),
    /// A call or change is about to be made.
    Intent {
        /// The run.
        run: String,
        /// Its number in the run.
        number: u64,
        /// What is done, for people.
        operation: String,
        /// What it is done to: an address of the plan, or of the platform without its query.
        to: String,
    },
    /// What came of it.
    Result {
        /// The run.
        run: String,
        /// The intent's number.
        number: u64,
        /// What came of it.
        #[serde(flatten)]
        done: Done,
    },
    /// A run ended.
    End {
        /// The run.
        run: String,
        /// When, RFC 3339 in UTC.
        at: String,
        /// How.
        #[serde(flatten)]
        ending: Ending,
    },
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// Its id, made once and never again.
    pub run: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// What it does.
    pub kind: Kind,
    /// Who does it.
    pub who: Who,
    /// What it puts; its secrets are fingerprints.
    pub release: Release,
}

/// What a run does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// It puts a release.
    Deploy,
    /// It puts the content of a former one.
    Rollback {
        /// The former one's number.
        of: u32,
    },
    /// It takes the environment away.
    Destroy,
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Who {
    /// `user@host`.
    pub user: String,
    /// The process.
    pub pid: u32,
    /// The run of a CI, by its address.
    pub ci: Option<String>,
    /// The tool's version.
    pub tool: String,
}

/// What came of a call or change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Done {
    /// It was done.
    Ok {
        /// The id that the platform gave to the request or thing.
        id: Option<String>,
    },
    /// It was not.
    Failed {
        /// Why, without any secret.
        message: String,
    },
    /// Nobody knows: its answer was lost.
    Unknown {
        /// Why.
        message: String,
    },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// How.
    pub outcome: RunOutcome,
    /// Why, where it is not as planned.
    pub message: Option<String>,
    /// The build ids of the pages it put.
    #[serde(default)]
    pub pages: BTreeMap<Name, String>,
    /// Milliseconds it took.
    pub millis: u64,
    /// What shows why, without any secret.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// How a run ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// What it put runs and is verified.
    Deployed,
    /// It failed before anything that ran was changed, or everything is as before.
    Failed,
    /// It failed, and what ran before runs again.
    RolledBack,
    /// Something is left to be done.
    Partial,
    /// It was interrupted.
    Interrupted,
    /// What it was to take away is gone.
    Destroyed,
}

impl Ending {
    /// The same for a run that takes away: what went well is not deployed but destroyed.
    pub fn destroyed(&mut self) {
        if self.outcome == RunOutcome::Deployed {
            self.outcome = RunOutcome::Destroyed;
        }
    }
}
