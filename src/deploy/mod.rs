//! The deploy engine: release → observe → plan → apply → health → verdict.
//!
//! Given: a bound project, its images, a target. Gives: a plan, or what came of applying it. It asks targets for what they
//! can do and never for their names. Deliberately absent: printing (events go to a sink) and the clock of the platform.

mod apply;
mod dotenv;
mod fleet;
mod merged;
mod outcome;
mod past;
mod proposal;
mod rollout;
mod samples;
mod saved;
mod schedule;
mod secrets;
mod standing;
mod steps;
mod verify;

pub use apply::{ApplyOptions, Session, apply, remove};
pub use dotenv::{DotenvError, parse as parse_dotenv};
pub use fleet::{Fleet, FleetReader, FleetWriter};
pub use outcome::{Evidence, Outcome, Verdict};
pub use past::{HistoryKind, HistoryOutcome, HistoryRow, RollbackInput, RollbackReason, RollbackVerdict};
pub use proposal::graph::{Edge, Graph, Node, verb};
#[cfg(test)]
pub(crate) use proposal::sample_tests;
pub use proposal::{
    AddressSource, Billable, Counts, Hook, HookKind, PROPOSAL_VERSION, Proposal, ProposalInput,
    ProposedChange, ProposedSecret, ProposedService, PublicAddress, SecretState, Told, Way, Wired,
};
pub use rollout::{Patience, Rollout, Step};
pub use saved::{SAVED_PLAN_VERSION, SavedPlan, SavedPlanError, fingerprint};
pub use secrets::{Gathered, SecretSource, gather, gather_build};
pub use standing::{
    DigestMatch, Drift, STANDING_VERSION, ServiceStanding, Standing, StandingInput, StandingVerdict,
};
pub use steps::{NoSteps, PUSH, PendingPush, Steps, with_pushes};
pub use verify::{PageMark, Verification};
