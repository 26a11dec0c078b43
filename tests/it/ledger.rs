//! The ledger and its lock from outside: the command `unlock`, real buckets, builds that no ledger changes.

#[cfg(feature = "shared-ledger")]
mod bucket;
mod command;
