//! The one integration test binary.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stderr)]

mod build;
