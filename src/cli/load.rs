//! Finding and reading dashdeploy.yaml.

use std::path::{Path, PathBuf};

use dashdeploy_contract::{Bound, Finding, Project, Severity};

use super::{CliError, CliResult, Context, Exit};
use crate::config::{self, Places};
use crate::io::fs::{ProjectDir, find_upwards, read_limited};
use crate::registry;

/// A project that was read and is valid.
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// Its folder.
    pub dir: ProjectDir,
    /// Where each key stands.
    pub places: Places,
    /// What was found that does not stop anything.
    pub findings: Vec<Finding>,
}

/// One byte more than any configuration may have, so that the reader's own limit gives the message.
const LARGEST: u64 = 64 << 20;

/// Reads the project's configuration, and says what is wrong with it.
///
/// # Errors
/// Exit code 2 with every finding at its place.
pub fn load(context: &Context) -> CliResult<Loaded> {
    let (folder, path, shown) = locate(context)?;
    let dir = ProjectDir::open(&folder)?;
    let bytes = read_limited(&path, LARGEST)
        .map_err(|error| CliError::new(Exit::Usage, "configuration", format!("{error:#}")))?
        .ok_or_else(|| not_found(&path))?;
    let parsed = config::parse(&shown, &bytes, &registry::known_names());
    match parsed.project {
        Some(project) => Ok(Loaded { project, dir, places: parsed.places, findings: parsed.findings }),
        None => {
            let errors = parsed.findings.iter().filter(|f| f.severity == Severity::Error).count();
            let findings = parsed.findings.into_iter().map(with_option).collect();
            let problems = if errors == 1 { "1 problem".to_owned() } else { format!("{errors} problems") };
            Err(CliError::findings(format!("{shown} has {problems}"), findings))
        }
    }
}

/// An unknown key of an environment that is the name of a target's option stands in the wrong place; only here are targets known.
fn with_option(mut finding: Finding) -> Finding {
    let key = finding.key.rsplit('.').next().unwrap_or_default();
    if finding.code != "unknown-key" || !finding.key.starts_with("environments.") {
        return finding;
    }
    let all = registry::all();
    let descriptors = all.iter().map(|target| target.descriptor());
    let having = descriptors.filter(|it| it.options.iter().any(|option| option.name == key));
    let targets: Vec<&str> = having.map(|it| it.name.as_str()).collect();
    if !targets.is_empty() {
        let of = targets.join(", ");
        finding.hint = Some(format!("it is an option ({of}): write `options: {{ {key}: … }}` in its place"));
    }
    finding
}

impl Loaded {
    /// The project in the environment that was asked for; warnings are told here.
    ///
    /// # Errors
    /// Exit code 2 when there is no such environment.
    pub fn bind(&self, context: &Context) -> CliResult<Bound> {
        let doubts: Vec<Finding> =
            self.findings.iter().filter(|finding| finding.severity > Severity::Info).cloned().collect();
        context.console.findings(&doubts);
        self.project.bind(&context.global.environment).map_err(|unknown| {
            let known: Vec<&str> = unknown.known.iter().map(dashdeploy_contract::Name::as_str).collect();
            CliError::new(Exit::Usage, "unknown-environment", unknown.to_string())
                .hint(format!("choose one with -e: {}", known.join(", ")))
        })
    }
}

/// The project's folder, the file's path and how it is called in messages.
fn locate(context: &Context) -> CliResult<(PathBuf, PathBuf, String)> {
    let start = context.start_dir();
    if let Some(file) = &context.global.file {
        let path = start.join(file);
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => start.clone(),
        };
        return Ok((folder, path, file.display().to_string()));
    }
    let Some((folder, name)) = find_upwards(&start, &config::FILE_NAMES) else {
        return Err(CliError::new(
            Exit::Usage,
            "no-project",
            format!("there is no dashdeploy.yaml in {} or above it", start.display()),
        )
        .hint("run `dashdeploy init` to write one, or name it with -f"));
    };
    let path = folder.join(&name);
    Ok((folder, path, name))
}

/// The project's folder, the file's name in it, and how it is called in messages.
///
/// # Errors
/// Exit code 2 where there is none.
pub(super) fn located(context: &Context) -> CliResult<(PathBuf, String, String)> {
    let (folder, path, shown) = locate(context)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((folder, name, shown))
}

fn not_found(path: &Path) -> CliError {
    CliError::new(Exit::Usage, "no-project", format!("{} is not there", path.display()))
        .hint("run `dashdeploy init` to write a dashdeploy.yaml")
}
