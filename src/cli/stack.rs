//! What the commands that touch a running environment share: its target, its credentials, its secrets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashdeploy_contract::{
    Access, Bound, Clock, Finding, KeptSecret, Name, Observed, Reads, Reference, Severity, Target, Wiring,
    Writes,
};
use indexmap::IndexMap;
use secrecy::SecretString;

use super::load::{Loaded, load};
use super::portability::findings_of;
use super::{CliError, CliResult, Context, Exit};
use crate::console::ask;
use crate::deploy::{Fleet, FleetReader, FleetWriter, Gathered, SecretSource, gather, parse_dotenv};
use crate::io::fs::{is_readable_by_others, read_limited};
use crate::io::platforms::Platforms;
use crate::registry;

/// An environment and the targets that run it.
pub struct Stack {
    /// The project as read.
    pub loaded: Loaded,
    /// The project in the environment asked for.
    pub bound: Bound,
    /// The targets of its services.
    pub fleet: Fleet,
    /// How each target is reached, by its name.
    pub accesses: BTreeMap<String, Access>,
    ports: Arc<Platforms>,
    /// Addresses that platforms have given, by service: they count before what was predicted.
    assigned: IndexMap<Name, String>,
    /// The platforms in memory that stand in for the real ones.
    #[cfg(feature = "rehearse")]
    pub(super) rehearsal: Option<crate::rehearse::Rehearsal>,
}

impl Stack {
    /// Reads the project and finds the targets of the environment.
    ///
    /// # Errors
    /// Exit code 2 for anything wrong in the configuration, or a target that this build cannot run.
    pub fn open(context: &Context) -> CliResult<Self> {
        let loaded = load(context)?;
        let bound = loaded.bind(context)?;
        let fleet = find_fleet(&bound)?;
        let found = fleet.targets().flat_map(|target| findings_of(target, &bound));
        let findings: Vec<Finding> = found.map(|finding| loaded.places.locate(finding)).collect();
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let titles: Vec<&str> =
                fleet.targets().map(|target| target.descriptor().title.as_str()).collect();
            let message = format!("{} cannot run environment `{}`", titles.join(" and "), bound.environment);
            return Err(CliError::findings(message, findings));
        }
        // What is merely worth knowing is told by `check`, not at every run.
        let doubts: Vec<Finding> =
            findings.into_iter().filter(|finding| finding.severity > Severity::Info).collect();
        context.console.findings(&doubts);
        let ports = Arc::new(Platforms::new());
        let named =
            fleet.targets().map(|target| (target.descriptor().name.clone(), access(context, target, &ports)));
        let accesses = named.collect();
        Ok(Self {
            loaded,
            bound,
            fleet,
            accesses,
            ports,
            assigned: IndexMap::new(),
            #[cfg(feature = "rehearse")]
            rehearsal: None,
        })
    }

    /// The same for what runs on engines alone: `up` and `down` keep no ledger and push nothing.
    ///
    /// # Errors
    /// Exit code 2 where a service is on another kind of target.
    pub fn on_engines(context: &Context) -> CliResult<Self> {
        let stack = Self::open(context)?;
        let away = stack.fleet.targets().find(|target| !target.descriptor().capabilities.local_images);
        let Some(away) = away else { return Ok(stack) };
        let message = format!("environment `{}` is on {}", stack.bound.environment, away.descriptor().title);
        Err(CliError::new(Exit::Usage, "not-local", message)
            .hint("`dashdeploy deploy` puts it there, and `dashdeploy destroy` takes it away; `up` and `down` are for Docker hosts"))
    }

    /// The half of the targets that looks.
    ///
    /// # Errors
    /// When a target cannot be reached.
    pub async fn reader(&self) -> CliResult<FleetReader> {
        Ok(self.fleet.reader(&self.accesses).await?)
    }

    /// The half of the targets that does, without a journal: for what is not a deploy.
    ///
    /// # Errors
    /// When a target cannot be reached.
    pub async fn writer(&self) -> CliResult<FleetWriter> {
        let writes: Arc<dyn Writes> = Arc::clone(&self.ports) as Arc<dyn Writes>;
        Ok(self.fleet.writer(&self.accesses, &writes).await?)
    }

    /// The addresses its variables are filled in with.
    pub fn wiring(&self, context: &Context) -> Wiring {
        let environment = referenced(&self.bound, &context.environment.variables);
        self.as_given(Wiring { environment, ..self.fleet.wiring(&self.bound) })
    }

    /// The same addresses, but those that platforms are known to have given.
    pub fn as_given(&self, mut wiring: Wiring) -> Wiring {
        for (service, url) in &self.assigned {
            wiring.services.entry(service.clone()).or_default().url = Some(url.clone());
        }
        wiring
    }

    /// Takes in the addresses that platforms have given to our services; a user's own host name counts before them. True
    /// where that changes what was known.
    pub fn learn(&mut self, observed: &Observed) -> bool {
        let given = self.given(observed, &self.as_given(self.fleet.wiring(&self.bound)));
        let learned = !given.is_empty();
        self.assigned.extend(given);
        learned
    }

    /// The addresses that platforms have given to our services, where they are others than the ones known.
    pub fn given(&self, observed: &Observed, known: &Wiring) -> Vec<(Name, String)> {
        let ours = observed.resources.iter().filter(|resource| resource.owned && resource.health.is_some());
        let addresses = ours.filter_map(|it| Some((it.service.as_ref()?, it.facts.get("url")?)));
        let others = addresses.filter(|(service, url)| {
            let known = known.services.get(*service).and_then(|address| address.url.as_ref());
            known != Some(*url)
                && !self.bound.domains.contains_key(*service)
                && self.fleet.assigns(&self.bound, service)
        });
        others.map(|(service, url)| (service.clone(), url.clone())).collect()
    }

    /// The ways out, as targets are handed them.
    pub(super) fn ports(&self) -> &Arc<Platforms> {
        &self.ports
    }

    /// The values that are at hand, without asking for any; what is missing is no error.
    ///
    /// # Errors
    /// Exit code 2 for a file that cannot be read.
    pub fn secrets_known(&self, context: &Context, file: Option<&Path>) -> CliResult<Gathered> {
        let sources = sources(&self.loaded, &self.bound, context, file)?;
        Ok(gather(&self.bound, &sources))
    }

    /// The same folder and ways out with the environment as it was when a former release was made.
    ///
    /// # Errors
    /// Exit code 2 where this build does not have its targets.
    pub fn become_former(&mut self, context: &Context, bound: Bound) -> CliResult<()> {
        self.fleet = find_fleet(&bound)?;
        let targets = self.fleet.targets();
        self.accesses = targets
            .map(|target| (target.descriptor().name.clone(), access(context, target, &self.ports)))
            .collect();
        self.bound = bound;
        Ok(())
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
        self.secrets_beside(context, file, &[])
    }

    /// The same, where those that the platform keeps need no value here.
    ///
    /// # Errors
    /// Exit code 2 naming every required secret that has no value and is not kept either.
    pub fn secrets_beside(
        &self,
        context: &Context,
        file: Option<&Path>,
        kept: &[KeptSecret],
    ) -> CliResult<Gathered> {
        let is_kept = |service: &Name, variable: &str| {
            kept.iter().any(|kept| kept.service == *service && kept.variable == variable)
        };
        let mut sources = sources(&self.loaded, &self.bound, context, file)?;
        let gather = |sources: &[SecretSource]| {
            let mut gathered = gather(&self.bound, sources);
            gathered.missing.retain(|(service, variable)| !is_kept(service, variable));
            gathered
        };
        let mut gathered = gather(&sources);
        if !gathered.missing.is_empty() && context.may_ask() && !context.global.dry_run {
            let answers = ask_for(&gathered.missing)?;
            sources.push(SecretSource { name: "the prompt".to_owned(), values: answers });
            gathered = gather(&sources);
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

fn find_fleet(bound: &Bound) -> CliResult<Fleet> {
    let able = |name: &str| {
        let found = registry::target(name).filter(|target| !target.descriptor().files_only);
        found.map(Arc::<dyn Target>::from)
    };
    Fleet::of(bound, &able).map_err(|missing| {
        let known = registry::all();
        let able = known.iter().map(|target| target.descriptor()).filter(|descriptor| !descriptor.files_only);
        let names: Vec<&str> = able.map(|descriptor| descriptor.name.as_str()).collect();
        let message =
            format!("this build cannot run target `{missing}` of environment `{}`", bound.environment);
        CliError::new(Exit::Usage, "unsupported-target", message)
            .hint(format!("it can run: {}; choose another environment with -e", names.join(", ")))
            .hint(format!(
                "`dashdeploy render --target {missing}` writes its files; the head of each says how it is used by hand"
            ))
    })
}

/// The variables of the process that dashdeploy.yaml refers to as `${env:NAME}`: no other gets into a release.
fn referenced(bound: &Bound, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let texts = bound.services.values().flat_map(|service| service.env.values());
    let named = texts.flat_map(|text| text.references()).filter_map(|reference| match reference {
        Reference::Environment(name) => Some(name),
        _ => None,
    });
    named.filter_map(|name| Some((name.clone(), variables.get(name)?.clone()))).collect()
}

/// How a target is reached: its credentials and base addresses of the process environment, and the ways out.
fn access(context: &Context, target: &dyn Target, ports: &Arc<Platforms>) -> Access {
    let settings = target.descriptor().settings.iter().filter_map(|setting| {
        Some((setting.variable.clone(), context.environment.get(&setting.variable)?.to_owned()))
    });
    Access {
        credentials: credentials(context, target),
        settings: settings.collect(),
        reads: Arc::clone(ports) as Arc<dyn Reads>,
        clock: Arc::clone(ports) as Arc<dyn Clock>,
    }
}

fn credentials(context: &Context, target: &dyn Target) -> BTreeMap<String, SecretString> {
    let wanted = target.descriptor().credentials.iter();
    let found = wanted.filter_map(|credential| {
        let value = context.environment.get(&credential.variable)?;
        Some((credential.variable.clone(), SecretString::from(value)))
    });
    found.collect()
}

/// What a file of secrets named on the command line holds.
///
/// # Errors
/// Exit code 2 for a file that is not there or cannot be read.
pub(super) fn secrets_of_file(context: &Context, file: &Path) -> CliResult<BTreeMap<String, String>> {
    let path = context.environment.current_dir.join(file);
    let found = from_file(&path, &file.display().to_string())?;
    found
        .map(|source| source.values)
        .ok_or_else(|| CliError::new(Exit::Usage, "secrets-file", format!("{} is not there", file.display())))
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
