//! What every target that the project uses, or is asked for, says of it: desks, manifests, page servers.
//!
//! Given: a project. Gives: for each target the environments that use it, with all addresses that are known beforehand, and
//! the files that follow. Deliberately absent: reading and writing files.

use std::sync::Arc;

use dashdeploy_contract::{
    Bound, Desk, Manifests, Name, PageServer, Project, ServiceKind, Target, Template, Wiring,
};

use super::{CliError, CliResult, Exit};
use crate::registry;

/// The targets that a command is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Those that the project's environments name.
    used: bool,
    /// Those that are asked for, whether an environment names them or not.
    asked: Asked,
}

/// What `--target` names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Asked {
    #[default]
    Nothing,
    All,
    These(Vec<String>),
}

/// The targets of this build.
type Targets = Vec<Arc<dyn Target>>;

/// One environment on one target.
pub struct Placed {
    /// The target.
    pub target: Arc<dyn Target>,
    /// The environment; services that the target hosts are on it.
    pub bound: Bound,
    /// The addresses known beforehand.
    pub wiring: Wiring,
    /// The environment's name where another one has the target's plain file names.
    pub suffix: Option<String>,
    /// False where no environment names the target and this is how it would be.
    pub used: bool,
}

impl Wanted {
    /// None: files of builds alone are asked for.
    pub const NOTHING: Self = Self { used: false, asked: Asked::Nothing };
    /// Those that the project's environments name.
    pub const USED: Self = Self { used: true, asked: Asked::Nothing };

    /// Reads `--target`: nothing for those that environments name, `all`, or names for these alone.
    ///
    /// # Errors
    /// Exit code 2 for a target that this build does not have.
    pub fn of(names: &[String]) -> CliResult<Self> {
        if names.is_empty() {
            return Ok(Self::USED);
        }
        if names.iter().any(|name| name == "all") {
            return Ok(Self { used: true, asked: Asked::All });
        }
        let known = registry::names();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let message = format!("`{unknown}` is not a target of this build");
            let hint = format!("the targets are {}, or `all`", known.join(", "));
            return Err(CliError::new(Exit::Usage, "unknown-target", message).hint(hint));
        }
        Ok(Self { used: false, asked: Asked::These(names.to_vec()) })
    }

    /// For `render`: what environments name is always written, so that a file never goes stale for want of a flag.
    #[must_use]
    pub fn and_used(self) -> Self {
        Self { used: true, ..self }
    }

    fn asks_for(&self, name: &str) -> bool {
        match &self.asked {
            Asked::Nothing => false,
            Asked::All => true,
            Asked::These(names) => names.iter().any(|asked| asked == name),
        }
    }
}

impl Placed {
    /// What the target makes its files from.
    pub fn desk(&self) -> Desk<'_> {
        Desk { bound: &self.bound, wiring: &self.wiring, suffix: self.suffix.as_deref() }
    }
}

/// Every environment on every target that is wanted, targets in the registry's order, environments in the file's.
pub fn placed(project: &Project, wanted: &Wanted) -> Vec<Placed> {
    let targets: Targets = registry::all().into_iter().map(Arc::from).collect();
    let mut all = Vec::new();
    for target in &targets {
        let name = target.descriptor().name.as_str();
        let asked = wanted.asks_for(name);
        if !asked && !wanted.used {
            continue;
        }
        let environments = project.environments.keys();
        let bound = environments.filter_map(|environment| project.bind(environment.as_str()).ok());
        let using: Vec<Bound> = bound.filter(|bound| bound.services_on(name).next().is_some()).collect();
        if using.is_empty() && asked {
            all.extend(imagined(project, target).map(|bound| place(&targets, target, bound, None, false)));
        }
        let plain = plain_environment(&using);
        for bound in using {
            let suffix = (Some(&bound.environment) != plain.as_ref()).then(|| bound.environment.to_string());
            all.push(place(&targets, target, bound, suffix, true));
        }
    }
    all
}

/// `production` has a target's plain file names, or else the first environment that uses it.
fn plain_environment(using: &[Bound]) -> Option<Name> {
    let production = using.iter().find(|bound| bound.environment.as_str() == "production");
    production.or(using.first()).map(|bound| bound.environment.clone())
}

/// How the project would be in production on a target that no environment names: `production`, else the first environment that
/// is not `local`, else `local`, moved there.
fn imagined(project: &Project, target: &Arc<dyn Target>) -> Option<Bound> {
    let names: Vec<&str> = project.environments.keys().map(Name::as_str).collect();
    let chosen = ["production"].into_iter().find(|name| names.contains(name));
    let chosen = chosen.or_else(|| names.iter().find(|name| **name != "local").copied()).unwrap_or("local");
    let mut bound = project.bind(chosen).ok()?.moved_to(target.descriptor());
    bound.environment = Name::from_any("production", "production");
    Some(bound)
}

fn place(
    targets: &Targets,
    target: &Arc<dyn Target>,
    bound: Bound,
    suffix: Option<String>,
    used: bool,
) -> Placed {
    let find = |name: &str| targets.iter().find(|target| target.descriptor().name == name).map(AsRef::as_ref);
    let wiring = Wiring::of(&bound, &find);
    Placed { target: Arc::clone(target), bound, wiring, suffix, used }
}

/// What the targets add to the project's files.
#[derive(Default)]
pub struct Additions {
    /// Their own files.
    pub manifests: Manifests,
    /// The ways in which they run pages, by the page's service.
    pub page_servers: Vec<(Name, PageServer)>,
    /// Where their builders want a Dockerfile without mounts, by the service that is built.
    pub plain_dockerfiles: Vec<(Name, String)>,
}

/// What all targets add.
pub fn additions(placed: &[Placed]) -> Additions {
    let mut all = Additions::default();
    for one in placed {
        let desk = one.desk();
        let Manifests { files, findings } = one.target.manifests(&desk);
        all.manifests.files.extend(files);
        all.manifests.findings.extend(findings);
        for service in one.bound.services_on(&one.target.descriptor().name) {
            if service.kind() == ServiceKind::Static {
                let server = one.target.page_server(&desk, service);
                all.page_servers.extend(server.map(|server| (service.name.clone(), server)));
            }
            if service.is_generated() {
                let path = one.target.plain_dockerfile(&desk, service);
                all.plain_dockerfiles.extend(path.map(|path| (service.name.clone(), path)));
            }
        }
    }
    all
}

/// The templates of all targets.
pub fn templates() -> Vec<Template> {
    registry::all().iter().flat_map(|target| target.templates().iter().copied()).collect()
}
