//! The one integration test binary. What the tests are told by the environment stands in `tests/README.md`.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stderr)]

mod cli;
mod config;
mod stack;
mod support;
