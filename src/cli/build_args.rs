//! How images are built, as `build` and `up` are told.

use std::sync::Arc;

use super::Context;
use super::guard::GuardArgs;
use crate::build::{BuildNetwork, BuildOptions, CacheEntry};
use crate::io::docker::Engine;
use crate::io::logins::Logins;

/// How to build.
#[derive(Debug, clap::Args)]
pub struct BuildArgs {
    /// Use no former result of any step
    #[arg(long)]
    no_cache: bool,
    /// Ask the registries for newer base images
    #[arg(long)]
    pull: bool,
    /// Platform to build for, such as linux/arm64, instead of the engine's own; several, separated by commas, where the
    /// engine keeps images with containerd
    #[arg(long, env = "DASHDEPLOY_PLATFORM", value_name = "OS/ARCH")]
    pub(super) platform: Option<String>,
    /// Take results of steps from here, such as type=registry,ref=ghcr.io/acme/shop:cache (repeatable)
    #[arg(long, value_name = "PLACE")]
    cache_from: Vec<CacheEntry>,
    /// Put results of steps there, such as type=inline or type=registry,ref=ghcr.io/acme/shop:cache,mode=max (repeatable)
    #[arg(long, value_name = "PLACE")]
    cache_to: Vec<CacheEntry>,
    #[command(flatten)]
    pub(super) guard: GuardArgs,
}

impl BuildArgs {
    /// The settings of a build on an engine.
    pub(super) fn options(
        &self,
        context: &Context,
        engine: &Engine,
        logins: Arc<dyn Logins>,
    ) -> BuildOptions {
        BuildOptions {
            no_cache: self.no_cache,
            pull: self.pull,
            platform: self.platform.clone(),
            cache_from: self.cache_from.clone(),
            cache_to: self.cache_to.clone(),
            network: network(context),
            cache_dir: context.environment.cache_dir(),
            address: Some(engine.address.clone()),
            parallel: None,
            logins: Some(logins),
            inspect: None,
        }
    }
}

/// The host's proxies and certificates, for the steps of a build.
fn network(context: &Context) -> BuildNetwork {
    let network = BuildNetwork::of(&context.environment.variables);
    for name in network.left_out() {
        context.console.warning(&format!(
            "{name} names a proxy on this machine's loopback address, which builds cannot reach: they go without it"
        ));
    }
    network
}
