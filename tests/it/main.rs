//! The one integration test binary. What the tests are told by the environment stands in `tests/README.md`.
// Scenarios and tables read best in one piece, so functions may be long here.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stderr, clippy::too_many_lines)]

mod build;
mod ci;
mod cli;
mod config;
mod deploy;
mod detect;
mod guard;
mod ledger;
mod manifests;
mod push;
mod render;
mod review;
mod secrets;
mod stack;
mod support;
mod templates;
