//! dashdeploy: from a repository to a running application, anywhere.
#![doc = include_str!("README.md")]

pub mod build;
pub mod cli;
pub mod config;
pub mod console;
pub mod deploy;
pub mod detect;
pub mod guard;
pub mod io;
pub mod ledger;
pub mod push;
pub mod registry;
#[cfg(feature = "rehearse")]
pub mod rehearse;
pub mod render;
pub mod review;
