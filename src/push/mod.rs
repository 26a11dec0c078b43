//! Images on their way to a registry: looked for by content, sent by the engine where they are not there, proven by digest.
//!
//! Given: a connected engine, [`PushImage`]s and [`PushOptions`]. Gives: a [`PushedImage`] for each, whose digest was read
//! back from the registry and is what everything later uses, or one [`PushFailure`] with the mend. Dropping the future ends
//! the transfers. Deliberately absent: building (`build`), the registry's protocol and logins (`io`), printing (`console`).
//!
//! An image is called `<registry>/<project>-<service>` there, with a tag made from its content; a tag of that form which
//! stands for another image is an error and is left as it is. Names that the engine gets for it are by content too, so that
//! none of them can become wrong.

mod all;
mod failure;
mod hint;
mod layers;
mod one;
mod proof;

use std::sync::Arc;

use async_trait::async_trait;
use dashdeploy_contract::{Finding, ImageId, Name};

use crate::io::http::Http;
use crate::io::logins::Logins;

pub use all::{look_all, push_all};
pub use failure::{PushFailure, PushFailureKind};

/// An image to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushImage {
    /// The service whose image it is.
    pub service: Name,
    /// Its name below the registry, as `shop-api`.
    pub name: String,
    /// Its content, which the engine has.
    pub id: ImageId,
}

/// How images are pushed.
#[derive(Debug, Clone)]
pub struct PushOptions {
    /// Where to, as `ghcr.io/acme`; valid by the rules of dashdeploy.yaml.
    pub registry: String,
    /// More tags that every image gets; they move where they were another's.
    pub tags: Vec<String>,
    /// Where logins come from.
    pub logins: Arc<dyn Logins>,
    /// What looks at every image before any of it is sent; none for nothing.
    pub guard: Option<Arc<dyn ImageGuard>>,
    /// The way to the registry.
    pub http: Arc<Http>,
}

/// An image that is at its registry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PushedImage {
    /// The service whose image it is.
    pub service: Name,
    /// Its name with the tag made from its content.
    pub reference: String,
    /// The digest of its manifest, read back from the registry.
    pub digest: String,
    /// `repository@sha256:…`: what deploys use.
    pub repo_digest: String,
    /// The further tags it has.
    pub tags: Vec<String>,
    /// True where it was there already.
    pub existed: bool,
    /// Bytes sent.
    pub bytes: u64,
    /// Layers sent.
    pub layers: u64,
}

/// How an image stands at its registry, before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Standing {
    /// The service whose image it is.
    pub service: Name,
    /// Its name with the tag made from its content.
    pub reference: String,
    /// The digest of its manifest; none where it is not there.
    pub digest: Option<String>,
}

/// Looks at an image of the engine before any of it is sent. Called at most once for each, several at a time.
#[async_trait]
pub trait ImageGuard: Send + Sync + std::fmt::Debug {
    /// Lets an image pass, or not.
    ///
    /// # Errors
    /// [`Refusal`]: the image is not sent, and the push ends.
    async fn inspect(&self, image: &PushImage) -> Result<(), Refusal>;
}

/// Why a guard does not let an image pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was found, one sentence without a full stop and without the secret.
    pub message: String,
    /// Where it was found, one place a line.
    pub evidence: Vec<String>,
    /// What mends it.
    pub hint: Option<String>,
    /// The same as findings, each with its place and its own mend.
    pub findings: Vec<Finding>,
}
