//! The only folder that touches the machine: files, environment, processes, signals, the Docker Engine, registries.
//!
//! Given: what the pure half decided. Gives: bytes and connections. Decides nothing.
#![allow(clippy::disallowed_methods)]

pub mod chunks;
pub mod clean;
pub mod clock;
pub mod context;
pub mod docker;
pub mod env;
pub mod fs;
pub mod git;
pub mod github;
pub mod hooks;
pub mod http;
pub mod ledger;
pub mod logins;
pub mod net;
pub mod outside;
pub mod platforms;
pub mod private;
pub mod registry;
pub mod signal;
pub mod terminal;
pub mod tree;
pub mod unpack;
