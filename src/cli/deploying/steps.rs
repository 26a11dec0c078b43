//! What a deploy has a hand in besides the platform: the journal, the pushes, the look from outside.
//!
//! Given: a prepared release, its run in the ledger. Gives: [`Steps`] for the engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{
    Address, Change, ErrorKind, EventSink, Name, Reader, Release, Supplies, TargetError,
};

use super::homes::Homes;
use crate::deploy::{Evidence, PUSH, PageMark, Steps, Verification};
use crate::io::docker::Engine;
use crate::io::outside::Outside;
use crate::ledger::{LockGuard, Result_, Run};
use crate::push::{PushFailure, PushFailureKind};

/// What a deploy has a hand in.
pub(super) struct Work<'a> {
    pub(super) release: &'a Release,
    pub(super) homes: &'a Homes,
    pub(super) engine: Option<&'a Engine>,
    pub(super) supplies: &'a Supplies,
    pub(super) reader: &'a dyn Reader,
    pub(super) outside: &'a Outside,
    pub(super) pages: &'a BTreeMap<Name, PageMark>,
    pub(super) patience: Duration,
    pub(super) events: Arc<dyn EventSink>,
    pub(super) run: Arc<Run>,
    pub(super) lock: Arc<LockGuard>,
    pub(super) intents: Mutex<BTreeMap<Address, u64>>,
}
