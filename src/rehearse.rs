//! The platforms of an environment in memory, for `deploy --rehearse`.
//!
//! Given: a project in an environment, the process environment. Gives: platforms that listen on loopback until it is dropped, the
//! variables and detours that lead a deploy to them and nowhere else, a ledger of its own. Deliberately absent: the deploy, and
//! containers: what runs is played, a page answers with what its image holds.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dashdeploy_contract::Bound;
use dashdeploy_fakes::fly::{Fly, FlyOptions};
use dashdeploy_fakes::registry::{Registry, RegistryOptions, Store};
use dashdeploy_fakes::render::{Render, RenderOptions};
use dashdeploy_fakes::workload::{Script, Scripted, When};
use dashdeploy_fakes::{Lab, Options, Platform};

use crate::io::clock;
use crate::io::env::Environment;
use crate::io::ledger::LedgerPlace;
use crate::io::outside::ConnectTo;
use crate::io::private::temporary_folder;

/// The platforms that can be rehearsed.
const PLATFORMS: [&str; 2] = ["fly", "render"];
/// What the platforms' variables begin with; none of the real ones is handed on.
const VARIABLES: [&str; 2] = ["FLY_", "RENDER_"];
/// The variable by which the project's registry is named.
const REGISTRY: &str = "DASHDEPLOY_REGISTRY";
/// How long what boots takes, and a static site's build.
const BOOT: Duration = Duration::from_secs(1);

/// Platforms in memory. They and all they took are gone when it is dropped.
#[derive(Debug)]
pub struct Rehearsal {
    lab: Lab,
    edge: SocketAddr,
    runner: Arc<Scripted>,
    folder: tempfile::TempDir,
}

/// Why there is no rehearsal.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// A target that is not played.
    #[error("`{service}` is on `{target}`, which cannot be rehearsed: only fly and render can")]
    Target {
        /// The service.
        service: String,
        /// Its target.
        target: String,
    },
    /// Ports, threads or the folder are not to be had.
    #[error("the platforms in memory cannot start: {0}")]
    Start(#[from] std::io::Error),
}

/// What a rehearsal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Requests that the platforms and the registries took.
    pub calls: usize,
    /// Those of them that changed something.
    pub writes: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "A rehearsal: {} calls to platforms in memory, {} of which changed something there. Nothing of it was kept but images \
             of the local engine.",
            self.calls, self.writes
        )
    }
}

impl Rehearsal {
    /// Starts the platforms that an environment is deployed to.
    ///
    /// # Errors
    /// [`RehearsalError`]: a target that is not played; ports, threads or a folder that are not to be had.
    pub fn start(bound: &Bound) -> Result<Self, RehearsalError> {
        if let Some((service, target)) =
            bound.targets.iter().find(|(_, target)| !PLATFORMS.contains(&target.as_str()))
        {
            return Err(RehearsalError::Target { service: service.to_string(), target: target.to_string() });
        }
        let runner = Arc::new(Scripted::new(script()));
        let options = Options { edge: Some(0), ..Options::default() };
        let lab = Lab::start(platforms(bound, &runner), options)?;
        let edge = lab.edge().ok_or_else(|| std::io::Error::other("the edge does not listen"))?;
        Ok(Self { lab, edge, runner, folder: temporary_folder()? })
    }

    /// A process environment that leads to these platforms, and has no credentials of the real ones.
    pub fn environment(&self, real: &Environment) -> Environment {
        let mut environment = real.clone();
        environment.variables.retain(|name, _| !VARIABLES.iter().any(|start| name.starts_with(start)));
        environment.variables.extend(self.lab.variables());
        environment
    }

    /// The registry that stands in for the project's: host and port.
    pub fn registry(&self) -> String {
        let variables = self.lab.variables();
        variables.into_iter().find(|(name, _)| name == REGISTRY).map(|(_, host)| host).unwrap_or_default()
    }

    /// Every registry in memory, as host and port: the project's, and those of platforms that keep their own.
    pub fn registries(&self) -> Vec<String> {
        let is_registry = |name: &str| name == REGISTRY || name.ends_with("_REGISTRY_HOST");
        let variables = self.lab.variables().into_iter();
        variables.filter(|(name, _)| is_registry(name)).map(|(_, host)| host).collect()
    }

    /// Where requests from outside go: to the edge in memory, for the platforms' names and the user's own.
    pub fn detours(&self, bound: &Bound) -> Vec<ConnectTo> {
        let own = bound.domains.values().map(String::as_str);
        ["*.fly.dev", "*.onrender.com"]
            .into_iter()
            .chain(own)
            .map(|host| ConnectTo::plain(host, self.edge))
            .collect()
    }

    /// The ledger of the rehearsal.
    pub fn ledger(&self, bound: &Bound) -> LedgerPlace {
        LedgerPlace::below(self.folder.path(), bound)
    }

    /// Has images of a repository (`127.0.0.1:4280/shop-web`) answer with a page from the next start on.
    pub fn plays(&self, repository: &str, page: &str) {
        let script = Script { page: Some(page.to_owned()), ..script() };
        self.runner.rule(When::Image(format!("{repository}@")), script);
    }

    /// How many calls were made so far.
    pub fn count(&self) -> Count {
        Count { calls: self.lab.log().len(), writes: self.lab.effects().len() }
    }
}

/// What everything that runs does: it is healthy, and lets any page ask it.
fn script() -> Script {
    let headers = [("access-control-allow-origin".to_owned(), "*".to_owned())];
    // Platforms have boot times of their own.
    Script { headers: headers.into(), ..Script::default() }
}

/// All platforms: those without a service are asked nothing.
fn platforms(bound: &Bound, runner: &Arc<Scripted>) -> Vec<Box<dyn Platform>> {
    let started = Duration::from_secs(u64::try_from(clock::unix_seconds()).unwrap_or_default());
    let own = Arc::new(Store::by_permit());
    let mut fly = FlyOptions {
        started,
        boot: BOOT,
        runner: Arc::<Scripted>::clone(runner),
        images: Some(Arc::clone(&own)),
        pointed: bound.domains.values().cloned().collect(),
        ..FlyOptions::default()
    };
    let organisation = bound.options.values().find_map(|options| options.get("org"));
    if let (Some(token), Some(organisation)) = (fly.tokens.first_mut(), organisation) {
        token.organisation.clone_from(organisation);
    }
    let render = RenderOptions {
        started,
        boot: BOOT,
        build: BOOT,
        pointed: fly.pointed.clone(),
        ..RenderOptions::scripted(Arc::clone(runner))
    };
    let projects = RegistryOptions { variable: Some(REGISTRY.to_owned()), ..RegistryOptions::default() };
    vec![
        Box::new(Fly::new(fly)),
        Box::new(Registry::new(RegistryOptions { store: own, ..RegistryOptions::default() })),
        Box::new(Render::new(render)),
        Box::new(Registry::new(projects)),
    ]
}
