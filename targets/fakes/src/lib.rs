//! Platforms in memory: they answer as the vendors document it, keep what was made, and break when they are told to.
//!
//! Given: requests on loopback. Gives: Fly.io's and Render's answers, a registry that takes images, an edge that answers for
//! what runs; beside them the hidden truth: the table of objects and the log of requests. Nothing here knows dashdeploy:
//! any client of these platforms can be pointed at them. Deliberately absent: what the vendors do not document.
//!
//! | room | what is in it |
//! |---|---|
//! | `call` | a request and an answer as data |
//! | `platform` | what each platform in memory must answer |
//! | `fly`, `render`, `registry` | the platforms |
//! | `workload`, `edge` | what runs on them; what sends visitors there |
//! | `lab` | platforms that listen |
//! | `server`, `wire`, `control` | a request's way through them; the bytes; the control API |
//! | `faults`, `log` | what goes wrong; what was asked |
//! | `spec` | requests held against a vendor's OpenAPI document |

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use std::sync::{Mutex, MutexGuard, PoisonError};

mod call;
mod control;
pub mod edge;
mod faults;
pub mod fly;
mod lab;
mod log;
mod platform;
pub mod registry;
pub mod render;
mod server;
#[cfg(feature = "spec")]
mod spec;
#[cfg(test)]
mod tests;
mod wire;
pub mod workload;

pub use call::{Call, Reply};
pub use faults::{Calls, Fault, Harm};
pub use lab::{Hold, Lab, OnCall, Options, Phase};
pub use log::{Entry, Seen};
pub use platform::{Moment, Platform};
#[cfg(feature = "spec")]
pub use spec::Violation;

/// What a mutex guards. Where a thread panicked with it in hand, what it left is still the best that is known.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
