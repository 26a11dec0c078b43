//! Images: from contexts and Dockerfiles to image ids, all at once, with what happens told as events.
//!
//! Given: an engine's client and [`BuildRequest`]s. Gives: [`BuiltImage`]s, or one [`BuildFailure`] that says which step failed,
//! shows that step's own output and names the mend. Dropping the future ends the running steps. Deliberately absent: what goes
//! into a Dockerfile (`render`), where images are put (`deploy`), printing (`console`).
//!
//! An image bears a key made from everything that goes into it; where the engine has the image of a key, nothing is built.
//! Otherwise BuildKit fetches what it does not have of the context over a session; an engine without sessions gets a tar
//! stream. Nothing outside this folder depends on that.

pub mod dist;
pub mod ignore;
pub mod layers;
pub mod pull;
pub mod step;

mod all;
mod base;
mod cache;
mod context;
mod control;
mod definition;
mod dockerfile;
mod failure;
mod hint;
mod image;
mod key;
mod network;
mod progress;
mod secrets;
mod session;
mod solve;
mod stream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashdeploy_contract::{Bound, ImageId, Name, Recipe, Service, ServiceKind, Unresolved, Wiring};
use dashdeploy_contract::{image_reference, ownership_marks};
use indexmap::IndexMap;

use crate::io::context::inspect::Inspect;
use crate::io::logins::Logins;

pub use all::build_all;
pub use cache::CacheEntry;
pub use failure::BuildFailure;
pub use key::KEY_LABEL;
pub use network::BuildNetwork;
pub use secrets::BuildSecrets;

/// One image to be built.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The service whose image it is.
    pub service: Name,
    /// The name and tag it gets, as `shop-api:latest`.
    pub reference: String,
    /// The context's folder, absolute.
    pub context: PathBuf,
    /// The Dockerfile's path, absolute; it need not lie in the context, nor exist where `dockerfile_text` is given.
    pub dockerfile: PathBuf,
    /// The Dockerfile's text, instead of what the disk has.
    pub dockerfile_text: Option<String>,
    /// The ignore file's text, instead of `<Dockerfile>.dockerignore`, else `.dockerignore` of the context.
    pub ignore_text: Option<String>,
    /// Build arguments.
    pub args: IndexMap<String, String>,
    /// Labels of the image.
    pub labels: IndexMap<String, String>,
    /// The stage to build; none for the last.
    pub target: Option<String>,
    /// Secrets that its steps may mount.
    pub secrets: BuildSecrets,
}

/// How images are built.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// True: no step's former result is used.
    pub no_cache: bool,
    /// True: base images are asked for at their registries, also where the engine has them.
    pub pull: bool,
    /// The platform, as `linux/arm64`; none for the engine's own. Several, separated by commas, where the engine can keep an
    /// image of several.
    pub platform: Option<String>,
    /// Where results of steps are taken from.
    pub cache_from: Vec<CacheEntry>,
    /// Where results of steps are put.
    pub cache_to: Vec<CacheEntry>,
    /// What the steps need to reach the world.
    pub network: BuildNetwork,
    /// The folder where is remembered what files were, so that they need not be read again; none to read them every time.
    pub cache_dir: Option<PathBuf>,
    /// The engine's address, as [`crate::io::docker::Engine`] has it: files then travel one by one, and only those that
    /// changed. Without it, or where the engine does not do sessions, the whole context travels as one stream.
    pub address: Option<String>,
    /// How many images are built at the same time; none for as many as there are processors, two at least.
    pub parallel: Option<usize>,
    /// Logins for the registries that base images come from; none to ask as nobody.
    pub logins: Option<Arc<dyn Logins>>,
    /// What looks at every file of a context before any of them is sent; none for nothing.
    pub inspect: Option<Arc<dyn Inspect>>,
}

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BuiltImage {
    /// The service whose image it is.
    pub service: Name,
    /// The name and tag asked for.
    pub reference: String,
    /// Its content.
    pub id: ImageId,
    /// The same name with a tag made from the content, `shop-api:dd-<16 hex digits>`: stays when `latest` moves on.
    pub content_tag: String,
    /// True where every step's result was there already.
    pub cached: bool,
    /// Bytes of all its layers.
    pub size: u64,
    /// The content key: equal where the same sources gave it. None where it cannot be told what a build gives, such as by a
    /// Dockerfile that fetches from an address.
    pub key: Option<String>,
    /// The commit that it was built from, with `-dirty` where there was more than the commit; none without a repository.
    pub revision: Option<String>,
}

impl BuildRequest {
    /// The request for a service that is built from source; none for one whose image is taken from a registry. A static
    /// service's variables are build arguments; secrets never are.
    ///
    /// # Errors
    /// [`Unresolved`] for the first variable that cannot be filled in.
    pub fn of(
        bound: &Bound,
        service: &Service,
        wiring: &Wiring,
        project_dir: &Path,
    ) -> Result<Option<Self>, Unresolved> {
        let Some(build) = service.build() else {
            return Ok(None);
        };
        let mut args = IndexMap::new();
        if service.kind() == ServiceKind::Static {
            for (name, text) in &service.env {
                args.insert(name.clone(), wiring.resolve(text, service)?);
            }
        }
        let target = match &build.recipe {
            Recipe::Own { target } => target.clone(),
            _ => None,
        };
        Ok(Some(Self {
            service: service.name.clone(),
            reference: image_reference(bound, service),
            context: joined(project_dir, &build.context),
            dockerfile: joined(project_dir, &build.dockerfile),
            dockerfile_text: None,
            ignore_text: None,
            args,
            labels: ownership_marks(bound, Some(&service.name)),
            target,
            secrets: BuildSecrets::default(),
        }))
    }
}

/// A relative path below a folder, without `.` parts, so that paths can be compared.
fn joined(folder: &Path, relative: &str) -> PathBuf {
    let mut path = folder.to_path_buf();
    for part in relative.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            path.pop();
        } else {
            path.push(part);
        }
    }
    path
}
