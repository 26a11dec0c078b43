//! The ledger and its lock from outside: the command `unlock`, real buckets, builds that no ledger changes.

mod bucket;
mod command;
