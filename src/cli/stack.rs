//! What the commands that touch a running environment share: its target, its credentials, its secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dashdeploy_contract::{Bound, Finding, Name, Reader, Severity, Target, TargetOptions, Wiring, Writer};
use secrecy::SecretString;

use super::load::{Loaded, load};
use super::portability::findings_of;
use super::{CliError, CliResult, Context, Exit};
use crate::console::ask;
use crate::deploy::{Gathered, SecretSource, gather, parse_dotenv};
use crate::io::fs::{is_readable_by_others, read_limited};
use crate::registry;

/// An environment and the target that runs it.
pub struct Stack {
    /// The project as read.
    pub loaded: Loaded,
    /// The project in the environment asked for.
    pub bound: Bound,
    /// The target of all its services.
    pub target: Box<dyn Target>,
    options: TargetOptions,
}

impl Stack {
    /// Reads the project and finds the target of the environment.
    ///
    /// # Errors
    /// Exit code 2 for anything wrong in the configuration, or a target that this build cannot run.
    pub fn open(context: &Context) -> CliResult<Self> {
        let loaded = load(context)?;
        let bound = loaded.bind(context)?;
        let target = find_target(&bound)?;
        let findings: Vec<Finding> = findings_of(target.as_ref(), &bound)
            .into_iter()
            .map(|finding| loaded.places.locate(finding))
            .collect();
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let message =
                format!("{} cannot run environment `{}`", target.descriptor().title, bound.environment);
            return Err(CliError::findings(message, findings));
        }
        // What is merely worth knowing is told by `check`, not at every run.
        let doubts: Vec<Finding> =
            findings.into_iter().filter(|finding| finding.severity > Severity::Info).collect();
        context.console.findings(&doubts);
        let options = TargetOptions { credentials: credentials(context, target.as_ref()) };
        Ok(Self { loaded, bound, target, options })
    }

    /// The half of the target that looks.
    ///
    /// # Errors
    /// When the target cannot be reached.
    pub async fn reader(&self) -> CliResult<Box<dyn Reader>> {
        Ok(self.target.connect_reader(&self.options).await?)
    }

    /// The half of the target that does.
    ///
    /// # Errors
    /// When the target cannot be reached.
    pub async fn writer(&self) -> CliResult<Box<dyn Writer>> {
        Ok(self.target.connect_writer(&self.options).await?)
    }

    /// The addresses its variables are filled in with.
    pub fn wiring(&self, context: &Context) -> Wiring {
        let target = |name: &str| (name == self.target.descriptor().name).then_some(self.target.as_ref());
        Wiring { environment: context.environment.variables.clone(), ..Wiring::of(&self.bound, &target) }
    }

    /// The services named on the command line; all where none is.
    ///
    /// # Errors
    /// Exit code 2 for a name that is no service, with those that are.
    pub fn services(&self, named: &[String]) -> CliResult<Vec<Name>> {
        named.iter().map(|text| self.service(text)).collect()
    }

    /// The service of a name.
    ///
    /// # Errors
    /// Exit code 2 for a name that is no service, with those that are.
    pub fn service(&self, text: &str) -> CliResult<Name> {
        let found = self.bound.services.keys().find(|name| name.as_str() == text);
        found.cloned().ok_or_else(|| {
            let known: Vec<&str> = self.bound.services.keys().map(Name::as_str).collect();
            CliError::new(Exit::Usage, "unknown-service", format!("there is no service `{text}`"))
                .hint(format!("the services are: {}", known.join(", ")))
        })
    }

    /// The values of the environment's secrets, from the process environment, the secrets file, `.env.<environment>`, `.env`,
    /// and at last from a prompt.
    ///
    /// # Errors
    /// Exit code 2 naming every required secret that has no value.
    pub fn secrets(&self, context: &Context, file: Option<&Path>) -> CliResult<Gathered> {
        let mut sources = sources(&self.loaded, &self.bound, context, file)?;
        let mut gathered = gather(&self.bound, &sources);
        if !gathered.missing.is_empty() && context.may_ask() && !context.global.dry_run {
            let answers = ask_for(&gathered.missing)?;
            sources.push(SecretSource { name: "the prompt".to_owned(), values: answers });
            gathered = gather(&self.bound, &sources);
        }
        let located: Vec<Finding> =
            gathered.warnings.drain(..).map(|finding| self.loaded.places.locate(finding)).collect();
        context.console.findings(&located);
        if gathered.missing.is_empty() {
            return Ok(gathered);
        }
        Err(self.missing(&gathered, &sources))
    }

    fn missing(&self, gathered: &Gathered, sources: &[SecretSource]) -> CliError {
        let findings = gathered.missing.iter().map(|(service, variable)| {
            let finding = Finding::error(
                "missing-secret",
                format!("services.{service}.secrets.{variable}"),
                format!("the required secret `{variable}` of service `{service}` has no value"),
            );
            self.loaded.places.locate(finding)
        });
        let first = gathered.missing.first().map_or("NAME", |(_, variable)| variable);
        let asked: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        CliError::findings("required secrets have no value; nothing was started", findings.collect())
            .hint(format!("looked in: {}", asked.join(", ")))
            .hint(format!(
                "put `{first}=…` into .env, or give it in the environment: `{first}=… dashdeploy up`"
            ))
    }
}

/// What secrets are looked for in, the first that has one wins.
///
/// # Errors
/// Exit code 2 for a file that cannot be read.
pub(super) fn sources(
    loaded: &Loaded,
    bound: &Bound,
    context: &Context,
    file: Option<&Path>,
) -> CliResult<Vec<SecretSource>> {
    let mut sources = vec![SecretSource {
        name: "the environment".to_owned(),
        values: context.environment.variables.clone(),
    }];
    if let Some(file) = file {
        let path = context.environment.current_dir.join(file);
        let found = from_file(&path, &file.display().to_string())?;
        sources.push(found.ok_or_else(|| {
            CliError::new(Exit::Usage, "secrets-file", format!("{} is not there", file.display()))
        })?);
        if is_readable_by_others(&path) {
            let name = file.display();
            context.console.warning(&format!("{name} can be read by others: `chmod 600 {name}`"));
        }
    }
    for name in [format!(".env.{}", bound.environment), ".env".to_owned()] {
        let path: PathBuf = loaded.dir.join(&name);
        sources.extend(from_file(&path, &name)?);
    }
    Ok(sources)
}

/// What files of variables hold in the project's folder and in those that are built: `.env.staging` too while `local` is
/// built. One that cannot be read as such is passed over: it is no source of this environment.
pub(super) fn other_files(loaded: &Loaded, bound: &Bound) -> Vec<SecretSource> {
    let contexts = bound.services.values().filter_map(|service| service.build());
    let mut folders: Vec<&str> = contexts.map(|build| build.context.as_str()).chain(["."]).collect();
    folders.sort_unstable();
    folders.dedup();
    let paths = folders.into_iter().flat_map(|folder| {
        let names = loaded.dir.names_in(folder).into_iter();
        let files = names.filter(|name| name == ".env" || name.starts_with(".env.") && !is_example(name));
        files.map(move |name| format!("{folder}/{name}"))
    });
    paths.filter_map(|path| from_file(&loaded.dir.join(&path), &path).ok().flatten()).collect()
}

/// True for a file of variables that documents them.
fn is_example(name: &str) -> bool {
    ["example", "sample", "template", "dist", "defaults"].iter().any(|end| name.ends_with(end))
}

fn find_target(bound: &Bound) -> CliResult<Box<dyn Target>> {
    let elsewhere = bound.targets.iter().find(|(_, target)| **target != bound.target);
    if let Some((service, target)) = elsewhere {
        let message =
            format!("service `{service}` of environment `{}` goes to `{target}`", bound.environment);
        return Err(CliError::new(Exit::Usage, "several-targets", message)
            .hint("this command runs environments that are on one target; choose one with -e"));
    }
    let found = registry::target(bound.target.as_str());
    found.filter(|target| !target.descriptor().files_only).ok_or_else(|| {
        let known = registry::all();
        let able = known.iter().map(|target| target.descriptor()).filter(|descriptor| !descriptor.files_only);
        let names: Vec<&str> = able.map(|descriptor| descriptor.name.as_str()).collect();
        let message =
            format!("this build cannot run target `{}` of environment `{}`", bound.target, bound.environment);
        CliError::new(Exit::Usage, "unsupported-target", message)
            .hint(format!("it can run: {}; choose another environment with -e", names.join(", ")))
            .hint(format!(
                "`dashdeploy render --target {}` writes its files; the head of each says how it is used by hand",
                bound.target
            ))
    })
}

fn credentials(context: &Context, target: &dyn Target) -> BTreeMap<String, SecretString> {
    let wanted = target.descriptor().credentials.iter();
    let found = wanted.filter_map(|credential| {
        let value = context.environment.get(&credential.variable)?;
        Some((credential.variable.clone(), SecretString::from(value)))
    });
    found.collect()
}

fn from_file(path: &Path, name: &str) -> CliResult<Option<SecretSource>> {
    let wrong = |message: String| {
        CliError::new(Exit::Usage, "secrets-file", message)
            .hint("one NAME=value a line; a value with spaces or # goes into quotes")
    };
    let bytes = read_limited(path, 8 << 20).map_err(|error| wrong(format!("{error:#}")))?;
    let Some(bytes) = bytes else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| wrong(format!("{name} is not UTF-8 text")))?;
    let values =
        parse_dotenv(&text).map_err(|error| wrong(format!("{name}:{}: {}", error.line, error.message)))?;
    Ok(Some(SecretSource { name: name.to_owned(), values: values.into_iter().collect() }))
}

/// Asks for each variable once.
///
/// # Errors
/// Where the terminal cannot be read.
pub(super) fn ask_for(missing: &[(Name, String)]) -> CliResult<BTreeMap<String, String>> {
    let mut answers = BTreeMap::new();
    for (service, variable) in missing {
        if !answers.contains_key(variable) {
            let value = ask::secret(&format!("{variable} (secret of service {service})"))?;
            answers.insert(variable.clone(), value);
        }
    }
    Ok(answers)
}
