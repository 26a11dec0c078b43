//! The deploy engine: release → observe → plan → apply → health → verdict.
//!
//! Given: a bound project, its images, a target. Gives: a plan, or what came of applying it. It asks targets for what they
//! can do and never for their names. Deliberately absent: printing (events go to a sink) and the clock of the platform.

mod apply;
mod dotenv;
mod fleet;
mod merged;
mod outcome;
mod rollout;
mod samples;
mod schedule;
mod secrets;
mod steps;
mod verify;

pub use apply::{ApplyOptions, Session, apply, remove};
pub use dotenv::{DotenvError, parse as parse_dotenv};
pub use fleet::{Fleet, FleetReader, FleetWriter};
pub use outcome::{Evidence, Outcome, Verdict};
pub use rollout::{Patience, Rollout, Step};
pub use secrets::{Gathered, SecretSource, gather, gather_build};
pub use verify::{Check, PageMark, Verification, checks};
pub use steps::{NoSteps, PUSH, PendingPush, Steps, with_pushes};
