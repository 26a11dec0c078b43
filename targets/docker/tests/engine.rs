//! The target against a real engine. Skips aloud where none answers; fails there with `DASHDEPLOY_TEST_ENGINE=required`.
//!
//! Every test has a project of its own and takes away what it made, also when it fails.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stderr, clippy::too_many_lines)]

#[path = "engine/lab.rs"]
mod lab;

#[path = "engine/composed.rs"]
mod composed;
#[path = "engine/crashes.rs"]
mod crashes;
#[path = "engine/cuts.rs"]
mod cuts;
#[path = "engine/lives.rs"]
mod lives;
#[path = "engine/load.rs"]
mod load;
#[path = "engine/obstacles.rs"]
mod obstacles;
#[path = "engine/proxy.rs"]
mod proxy;
#[path = "engine/streams.rs"]
mod streams;
#[path = "engine/traffic.rs"]
mod traffic;
