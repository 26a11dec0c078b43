//! What came of applying a plan.

use dashdeploy_contract::{Address, LogLine, Name, TargetError};

/// What came of applying a plan.
#[derive(Debug)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// What was applied and still stands.
    pub applied: Vec<Address>,
    /// What was applied and taken back.
    pub reverted: Vec<Address>,
    /// True where something that ran before was brought back.
    pub restored: bool,
    /// What could not be taken back or tidied up, each with the reason: to be done by hand.
    pub left: Vec<(Address, TargetError)>,
}

/// How applying a plan ended.
#[derive(Debug)]
pub enum Verdict {
    /// Everything is as planned, and serves.
    Done,
    /// The user interrupted it.
    Interrupted,
    /// A change could not be carried out.
    ChangeFailed(Box<(Address, TargetError)>),
    /// A service does not serve.
    Unhealthy(Box<Evidence>),
    /// Everything serves, and a look from outside found that it is not what it should be.
    Unverified(Box<Evidence>),
}

/// Why a service counts as failed.
#[derive(Debug)]
pub struct Evidence {
    /// The service.
    pub service: Name,
    /// The reason, as a half sentence: `its health check fails: …`.
    pub reason: String,
    /// The last lines of its log.
    pub log: Vec<LogLine>,
    /// The check from outside that it did not pass; none where its platform says that it does not serve.
    pub check: Option<String>,
    /// The head of what was answered last to that check, where something was: the status, headers that tell, and what it says
    /// where the reason does not have that; safe for a terminal.
    pub answer: Option<String>,
}
