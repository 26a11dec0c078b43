//! The guards of a command: what they know, what is allowed, and what they refused, at its place.
//!
//! Given: a [`Stack`], the flags. Gives: a [`Guard`], and the error for what it found. Allowing writes the fingerprint and the
//! reason into dashdeploy.yaml, where everybody who reads it sees what passes and why; nothing switches a guard off.

use std::collections::BTreeSet;
use std::sync::Arc;

use dashdeploy_contract::{Bound, Build, Finding, Name, Severity};
use secrecy::SecretString;

use super::load::Loaded;
use super::stack::{Stack, other_files, sources};
use super::{CliError, CliResult, Context, Exit};
use crate::build::layers::LayerGuard;
use crate::build::{BuildFailure, BuildRequest};
use crate::deploy::Gathered;
use crate::guard::{self, Border, Guard, Variable};
use crate::io::docker::Engine;

/// What the guards let pass.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct GuardArgs {
    /// Let a finding of a guard pass from now on, by its fingerprint; recorded in dashdeploy.yaml
    #[arg(long, value_name = "FINGERPRINT", requires = "reason", value_parser = fingerprint)]
    allow: Vec<String>,
    /// Why it may pass
    #[arg(long, value_name = "TEXT", requires = "allow", value_parser = reason)]
    reason: Option<String>,
}

fn fingerprint(text: &str) -> Result<String, String> {
    let valid = guard::is_fingerprint(text);
    let wrong = "a fingerprint is the 12 hex digits that a guard's finding ended with".to_owned();
    if valid { Ok(text.to_owned()) } else { Err(wrong) }
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let valid = !text.is_empty() && !text.chars().any(char::is_control);
    if valid { Ok(text.to_owned()) } else { Err("a reason is one line of words".to_owned()) }
}

impl GuardArgs {
    /// Writes what is to be allowed into dashdeploy.yaml; nothing where no flag says so, or in a dry run. To be called before
    /// the file is read.
    ///
    /// # Errors
    /// Where the file cannot be edited without changing anything else: with the lines to be written by hand.
    pub(super) fn record(&self, context: &Context) -> CliResult<()> {
        let Some(reason) = self.reason.as_deref().filter(|_| !context.global.dry_run) else { return Ok(()) };
        super::allow::record(context, &self.allow, reason)
    }
}

/// The guard of this environment. It knows the secrets that have a value now, without asking for any, and what else the
/// environment and the project's `.env` files hold under a name that promises a secret.
///
/// # Errors
/// Where a file of secrets cannot be read.
pub(super) fn guard(
    context: &Context,
    loaded: &Loaded,
    bound: &Bound,
    gathered: &[&Gathered],
) -> CliResult<Arc<Guard>> {
    let secrets = || {
        let services = bound.services.values();
        services.flat_map(|service| {
            let of_build = service.build().into_iter().flat_map(|build| &build.secrets);
            service.secrets.keys().chain(of_build).map(|name| (&service.name, name))
        })
    };
    let declared: BTreeSet<&str> = secrets().map(|(_, name)| name.as_str()).collect();
    let given = secrets().flat_map(|(service, name)| {
        let values = gathered.iter().filter_map(move |gathered| gathered.store.expose(service, name));
        values.map(|value| Variable { name: name.clone(), value: SecretString::from(value), declared: true })
    });
    let mut variables: Vec<Variable> = given.collect();
    for source in sources(loaded, bound, context, None)?.into_iter().chain(other_files(loaded, bound)) {
        for (name, value) in source.values {
            let declared = declared.contains(name.as_str());
            variables.push(Variable { name, value: SecretString::from(value), declared });
        }
    }
    let allowed = loaded.project.allow.iter().map(|(key, reason)| (key.clone(), reason.clone()));
    let guard = Guard::new(bound.project.as_str(), variables, allowed.collect());
    if context.console.is_verbose() {
        for unsought in guard.unsought() {
            context.console.status(&format!(
                "the guards do not look for the value of {}: {}",
                unsought.name, unsought.reason
            ));
        }
    }
    Ok(guard)
}

impl Stack {
    /// See [`guard`].
    ///
    /// # Errors
    /// As there.
    pub(super) fn guard(&self, context: &Context, gathered: &[&Gathered]) -> CliResult<Arc<Guard>> {
        guard(context, &self.loaded, &self.bound, gathered)
    }

    /// What goes into an image by its build arguments and labels: nothing secret, since every one of them can be read from it.
    ///
    /// # Errors
    /// Exit code 8 with every finding.
    pub(super) fn guard_arguments(&self, guard: &Guard, requests: &[BuildRequest]) -> CliResult<()> {
        let mut found = Vec::new();
        for request in requests {
            let arguments = request.args.iter().map(|(name, value)| ("build argument", name, value));
            let labels = request.labels.iter().map(|(name, value)| ("label", name, value));
            for (what, name, value) in arguments.chain(labels) {
                let key = format!("services.{}.env.{name}", request.service);
                let told = guard.text(Border::Bundle, &key, value).into_iter();
                found.extend(
                    told.filter(|f| f.severity == Severity::Error)
                        .map(|finding| self.argument(finding, what, name, &key)),
                );
            }
        }
        let message = "a build argument or label holds a secret; nothing was sent";
        if found.is_empty() { Ok(()) } else { Err(refused(message, found)) }
    }

    fn argument(&self, finding: Finding, what: &str, name: &str, key: &str) -> Finding {
        let words =
            finding.message.split(" would be").next().unwrap_or_default().trim_end_matches(',').to_owned();
        let hint = finding.hint.clone().unwrap_or_default();
        let mut place = self.loaded.places.locate(Finding::error("", key, "")).place;
        if let Some(place) = &mut place {
            // The line may hold the value itself.
            place.source.clear();
        }
        let message =
            format!("the {what} `{name}` carries {words}, and everybody who has the image can read it");
        Finding { place, message, code: "guard-build-argument".into(), ..finding }.hint(hint)
    }

    /// The error for a build: where a guard refused the context, with its findings' paths as they are in the project.
    pub(super) fn build_error(&self, mut failure: BuildFailure) -> CliError {
        let findings = std::mem::take(&mut failure.refused);
        if findings.is_empty() {
            return failure.into();
        }
        let service = &failure.service;
        let build = self.bound.services.get(service).and_then(|service| service.build());
        let located = findings.into_iter().map(|finding| match build {
            Some(build) => self.in_project(finding, service, build),
            None => finding,
        });
        refused(&format!("the context of `{service}` holds secrets; nothing was sent"), located.collect())
    }

    fn in_project(&self, mut finding: Finding, service: &Name, build: &Build) -> Finding {
        let Some(place) = &mut finding.place else { return finding };
        let pattern = format!("/{}", escaped(&place.file));
        let context = build.context.trim_start_matches("./").trim_end_matches('/');
        if !context.is_empty() && context != "." {
            place.file = format!("{context}/{}", place.file);
        }
        let beside = format!("{}.dockerignore", build.dockerfile);
        let inside = if context.is_empty() || context == "." {
            ".dockerignore".to_owned()
        } else {
            format!("{context}/.dockerignore")
        };
        let generated =
            self.bound.services.get(service).is_some_and(dashdeploy_contract::Service::is_generated);
        let ignore = if generated {
            format!(
                "leave the file out: add `\"{pattern}\"` to `build.ignore` of service `{service}` in dashdeploy.yaml"
            )
        } else if self.loaded.dir.has(&beside) {
            format!("leave the file out: add the line `{pattern}` to {beside}")
        } else {
            format!("leave the file out: add the line `{pattern}` to {inside}")
        };
        guard::mend(finding, Border::Context, Some(&ignore))
    }
}

/// The error for what a guard refused: exit code 8.
pub(super) fn refused(message: &str, findings: Vec<Finding>) -> CliError {
    let mut error = CliError::new(Exit::Refused, "refused", message);
    error.report.findings = findings;
    error
}

/// Says which allowances met nothing, for those who want to know everything.
pub(super) fn tell_unmet(context: &Context, guard: &Guard) {
    if context.console.is_verbose() {
        for fingerprint in guard.unmet() {
            context.console.status(&format!(
                "guard.allow.{fingerprint} in dashdeploy.yaml met nothing in the files looked at in this run"
            ));
        }
    }
}

/// A path as a pattern of an ignore file that means this path alone.
fn escaped(path: &str) -> String {
    path.chars()
        .flat_map(|c| if matches!(c, '*' | '?' | '[' | ']' | '\\') { vec!['\\', c] } else { vec![c] })
        .collect()
}

/// The guard of the way to a registry, for the images of an engine.
pub(super) fn of_images(context: &Context, engine: &Engine, guard: &Arc<Guard>) -> Arc<LayerGuard> {
    Arc::new(LayerGuard::new(&engine.docker, guard, context.environment.cache_dir()))
}
