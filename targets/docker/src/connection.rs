//! The two halves that speak to an engine: the reader, which only looks, and the writer.
//!
//! Given: a client made by the embedder's [`Connect`]. Gives: the contract's [`Reader`] and [`Writer`]; the work is done in
//! the rooms they call.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, Bound, Change, ExecRequest, ExecSession, Health, HealthWatch, LogFeed, LogQuery, Name, Observed,
    Reader, Served, Supplies, TargetError, Writer,
};

use crate::api::Engine;
use crate::config::Stack;
use crate::{exec, health, logs, observe, watch, write};

/// A future that can be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes an engine client with the API version negotiated. It is called once for each reader or writer.
pub type Connect =
    Arc<dyn Fn(&Access) -> BoxFuture<'static, Result<bollard::Docker, TargetError>> + Send + Sync>;

/// Looks at an engine.
pub(crate) struct DockerReader {
    engine: Engine,
}

/// Changes what is on an engine.
pub(crate) struct DockerWriter {
    engine: Engine,
}

impl DockerReader {
    pub(crate) fn new(docker: bollard::Docker) -> Self {
        Self { engine: Engine { docker } }
    }
}

impl DockerWriter {
    pub(crate) fn new(docker: bollard::Docker) -> Self {
        Self { engine: Engine { docker } }
    }
}

#[async_trait]
impl Reader for DockerReader {
    async fn observe(&self, bound: &Bound) -> Result<Observed, TargetError> {
        observe::observe(&self.engine, &Stack::of(bound)).await
    }

    async fn health(&self, bound: &Bound, service: &Name) -> Result<Health, TargetError> {
        let container = self.engine.container(&Stack::of(bound).container(service)).await?;
        Ok(health::of(container.as_ref()))
    }

    async fn served(&self, bound: &Bound, service: &Name) -> Result<Served, TargetError> {
        let container = self.engine.container(&Stack::of(bound).container(service)).await?;
        Ok(health::served(container.as_ref()))
    }

    async fn watch(&self, bound: &Bound) -> Result<Option<Box<dyn HealthWatch>>, TargetError> {
        Ok(Some(Box::new(watch::open(&self.engine, &Stack::of(bound)).await?)))
    }

    async fn logs(&self, bound: &Bound, query: &LogQuery) -> Result<Box<dyn LogFeed>, TargetError> {
        logs::open(&self.engine, &Stack::of(bound), query).await
    }
}

#[async_trait]
impl Writer for DockerWriter {
    async fn apply(&self, bound: &Bound, change: &Change, supplies: &Supplies) -> Result<(), TargetError> {
        write::apply(&self.engine, &Stack::of(bound), change, &supplies.secrets).await
    }

    async fn revert(&self, bound: &Bound, change: &Change) -> Result<(), TargetError> {
        write::revert(&self.engine, &Stack::of(bound), change).await
    }

    async fn settle(&self, _: &Bound, change: &Change) -> Result<(), TargetError> {
        write::settle(&self.engine, change).await
    }

    async fn exec(&self, bound: &Bound, request: &ExecRequest) -> Result<ExecSession, TargetError> {
        exec::open(&self.engine, &Stack::of(bound), request).await
    }
}
