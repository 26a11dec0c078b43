//! What the tests of ledgers and locks share: places, holders, stores that fail when told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use dashdeploy_contract::{Bound, Release};
use object_store::memory::InMemory;

use super::*;
use crate::io::fs::ProjectDir;
use crate::io::signal::Interrupt;
use crate::ledger::{Actor, Begin, RunKind};

/// A project's folder and what is deployed from it.
pub(super) struct Lab {
    pub(super) folder: tempfile::TempDir,
    pub(super) objects: Option<Arc<Faulty>>,
}

/// A store that can be cut off, and lose answers.
pub(super) struct Faulty {
    inner: Arc<Bucket>,
    pub(super) cut: AtomicBool,
    pub(super) lose_answers: AtomicBool,
}

impl Lab {
    pub(super) fn local() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), objects: None }
    }

    pub(super) fn shared() -> Self {
        let inner = Bucket::with(Arc::new(InMemory::new()), "ledger/shop/production");
        Self { folder: tempfile::tempdir().unwrap(), objects: Some(Arc::new(Faulty::new(Arc::new(inner)))) }
    }

    /// Another machine, with the same shared part and a way of its own to it.
    pub(super) fn elsewhere(&self) -> Self {
        let objects = self.objects.as_ref().map(|objects| Arc::new(Faulty::new(Arc::clone(&objects.inner))));
        Self { folder: tempfile::tempdir().unwrap(), objects }
    }

    pub(super) fn place(&self) -> LedgerPlace {
        let dir = ProjectDir::open(self.folder.path()).unwrap();
        let place = LedgerPlace::local(&dir, &bound());
        match &self.objects {
            Some(objects) => place.shared_in(Arc::clone(objects) as Arc<dyn Objects>),
            None => place,
        }
    }

    pub(super) fn faulty(&self) -> &Faulty {
        self.objects.as_ref().unwrap()
    }

    pub(super) async fn history(&self) -> crate::ledger::History {
        Ledger::open(&self.place()).await.unwrap().history().clone()
    }

    pub(super) async fn begin(&self) -> Result<Arc<Run>, LedgerError> {
        Ledger::open(&self.place()).await?.begin(deploy("x")).await
    }

    pub(super) async fn lock(&self, name: &str) -> Result<Arc<LockGuard>, LockError> {
        self.lock_within(name, LockOptions::default()).await
    }

    pub(super) async fn lock_within(
        &self,
        name: &str,
        options: LockOptions,
    ) -> Result<Arc<LockGuard>, LockError> {
        Lock::acquire(&self.place(), holder(name), options, &Interrupt::default()).await
    }
}

pub(super) fn bound() -> Bound {
    release("x").bound
}

pub(super) fn release(content: &str) -> Release {
    let mut release = dashdeploy_contract::conformance::sample("docker");
    for image in release.images.values_mut() {
        image.id.0 = content.to_owned();
    }
    release
}

pub(super) fn holder(name: &str) -> Holder {
    let actor = Actor { user: name.to_owned(), host: "lab".to_owned(), pid: 7, ..Actor::default() };
    Holder { actor, operation: "deploy".to_owned() }
}

pub(super) fn deploy(content: &str) -> Begin {
    let actor = holder("ann").actor;
    Begin { kind: RunKind::Deploy, release: Some(release(content)), git: None, actor }
}

impl Faulty {
    fn new(inner: Arc<Bucket>) -> Self {
        Self { inner, cut: false.into(), lose_answers: false.into() }
    }

    fn check(&self) -> Result<(), ObjectsError> {
        if !self.cut.load(Ordering::SeqCst) {
            return Ok(());
        }
        let (place, reason, hint) = (self.shown(), "cut off".to_owned(), "wait".to_owned());
        Err(ObjectsError { operation: "reach", place, reason, hint })
    }

    /// Does it, and where answers get lost does it again, as a client that saw no answer would.
    async fn twice<F: Future<Output = Result<Put, ObjectsError>>>(
        &self,
        put: impl Fn() -> F,
    ) -> Result<Put, ObjectsError> {
        self.check()?;
        let first = put().await?;
        if self.lose_answers.load(Ordering::SeqCst) { put().await } else { Ok(first) }
    }
}

#[async_trait]
impl Objects for Faulty {
    fn shown(&self) -> String {
        self.inner.shown()
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError> {
        self.check()?;
        self.inner.list(folder).await
    }

    async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, ObjectsError> {
        self.check()?;
        self.inner.get(key).await
    }

    async fn create(&self, key: &str, bytes: Vec<u8>) -> Result<Put, ObjectsError> {
        self.twice(|| self.inner.create(key, bytes.clone())).await
    }

    async fn replace(&self, key: &str, bytes: Vec<u8>, version: &Version) -> Result<Put, ObjectsError> {
        self.twice(|| self.inner.replace(key, bytes.clone(), version)).await
    }
}
