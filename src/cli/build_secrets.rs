//! The secrets of builds: their values, on the way to the steps that mount them, and hidden in what these steps print.
//!
//! Given: a [`Stack`], the flags. Gives: the values of the services that are built, or an error that names every one that is
//! missing, before anything is built. Deliberately absent: containers, which get none of them.

use std::path::Path;
use std::sync::Arc;

use dashdeploy_contract::{Event, EventSink, Finding, SecretStore, Service};
use secrecy::SecretString;

use super::stack::{Stack, ask_for, sources};
use super::{CliError, CliResult, Context};
use crate::build::{BuildFailure, BuildRequest};
use crate::deploy::{Gathered, SecretSource, gather_build};

impl Stack {
    /// The values of `build.secrets` of the services that are to be built, from where other secrets come from. All of them
    /// are required: a step cannot tell a secret that was forgotten from one that is not needed.
    ///
    /// # Errors
    /// Exit code 2 naming every one that has no value.
    pub(super) fn build_secrets(
        &self,
        context: &Context,
        file: Option<&Path>,
        wanted: &dyn Fn(&Service) -> bool,
    ) -> CliResult<Gathered> {
        let mut sources = sources(&self.loaded, &self.bound, context, file)?;
        let mut gathered = gather_build(&self.bound, &sources, wanted);
        if !gathered.missing.is_empty() && context.may_ask() && !context.global.dry_run {
            let answers = ask_for(&gathered.missing)?;
            sources.push(SecretSource { name: "the prompt".to_owned(), values: answers });
            gathered = gather_build(&self.bound, &sources, wanted);
        }
        let located: Vec<Finding> =
            gathered.warnings.drain(..).map(|finding| self.loaded.places.locate(finding)).collect();
        context.console.findings(&located);
        if gathered.missing.is_empty() {
            Ok(gathered)
        } else {
            Err(self.missing_of_build(&gathered, &sources))
        }
    }

    fn missing_of_build(&self, gathered: &Gathered, sources: &[SecretSource]) -> CliError {
        let findings = gathered.missing.iter().map(|(service, variable)| {
            let finding = Finding::error(
                "missing-build-secret",
                format!("services.{service}.build.secrets"),
                format!("the build of service `{service}` needs the secret `{variable}`, which has no value"),
            );
            self.loaded.places.locate(finding)
        });
        let first = gathered.missing.first().map_or("NAME", |(_, variable)| variable);
        let asked: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        CliError::findings("secrets of builds have no value; nothing was built", findings.collect())
            .hint(format!("looked in: {}", asked.join(", ")))
            .hint(format!(
                "put `{first}=…` into .env, or give it in the environment: `{first}=… dashdeploy …`"
            ))
    }
}

/// Gives every request the values that its service names.
pub(super) fn put_in(requests: &mut [BuildRequest], stack: &Stack, secrets: &SecretStore) {
    for request in requests {
        let build = stack.bound.services.get(&request.service).and_then(|service| service.build());
        for variable in build.map_or(&[][..], |build| &build.secrets) {
            if let Some(value) = secrets.expose(&request.service, variable) {
                request.secrets.insert(variable, SecretString::from(value));
            }
        }
    }
}

/// What hides the values in what is told of builds.
#[derive(Clone, Default)]
pub(super) struct Hidden(SecretStore);

impl Hidden {
    /// Steps print line by line, so the lines of a value are looked for as well as the value.
    pub(super) fn of(stack: &Stack, secrets: &SecretStore) -> Self {
        let mut store = SecretStore::default();
        for service in stack.bound.services.values() {
            for variable in service.build().map_or(&[][..], |build| &build.secrets) {
                let Some(value) = secrets.expose(&service.name, variable) else { continue };
                store.insert(&service.name, variable, SecretString::from(value.trim()));
                let lines = value.lines().map(str::trim).filter(|line| line.len() >= LEAST);
                for (n, line) in lines.enumerate() {
                    store.insert(&service.name, &format!("{variable}.{n}"), SecretString::from(line));
                }
            }
        }
        Self(store)
    }

    /// The failure, without any value in what its step printed.
    pub(super) fn failure(&self, mut failure: BuildFailure) -> BuildFailure {
        failure.message = self.0.redact(&failure.message);
        failure.log.iter_mut().for_each(|line| *line = self.0.redact(line));
        failure
    }

    /// A sink before another one that lets no value through.
    pub(super) fn before(&self, inner: Arc<dyn EventSink>) -> Arc<dyn EventSink> {
        Arc::new(Redacted { hidden: self.clone(), inner })
    }
}

/// Shorter lines of a value, such as `}`, are no secret and would black out ordinary text.
const LEAST: usize = 8;

struct Redacted {
    hidden: Hidden,
    inner: Arc<dyn EventSink>,
}

impl EventSink for Redacted {
    fn emit(&self, event: Event) {
        let store = &self.hidden.0;
        self.inner.emit(match event {
            Event::BuildLog { service, step, line } => {
                Event::BuildLog { service, step, line: store.redact(&line) }
            }
            Event::BuildFailed { service, message } => {
                Event::BuildFailed { service, message: store.redact(&message) }
            }
            other => other,
        });
    }
}
