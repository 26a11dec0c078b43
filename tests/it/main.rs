//! The one integration test binary. What the tests are told by the environment stands in `tests/README.md`.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stderr)]

mod build;
mod cli;
mod config;
mod detect;
mod render;
mod stack;
mod support;
