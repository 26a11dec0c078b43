//! Secrets: none with a value in this file, none in what a browser gets, none under a name that is a plain variable too.

use dashdeploy_contract::{Finding, Name, Part, Requirement, Service, Text};
use indexmap::IndexMap;

use crate::config::draft::Draft;
use crate::config::report::Report;
use crate::config::secrets::{PUBLIC_PREFIXES, has_credentials, is_secret_name};

pub(super) fn check(draft: &Draft, report: &Report) {
    for service in draft.project.services.values() {
        let path = format!("services.{}", service.name);
        values(&service.env, &path, report);
        public_names(&service.secrets, &path, report);
        clashes(&service.env, &service.secrets, &path, report);
        of_build(service, &path, report);
    }
    for (environment, found) in &draft.project.environments {
        for (name, changes) in &found.services {
            let path = format!("environments.{environment}.services.{name}");
            values(&changes.env, &path, report);
            public_names(&changes.secrets, &path, report);
            overridden(draft, environment, name, report);
        }
    }
}

fn values(env: &IndexMap<String, Text>, path: &str, report: &Report) {
    for (variable, text) in env {
        let key = format!("{path}.env.{variable}");
        let mut literals = text.parts.iter().filter_map(|part| match part {
            Part::Literal(literal) => Some(literal.as_str()),
            Part::Reference(_) => None,
        });
        let written_out = text.as_literal().is_some_and(|literal| !literal.is_empty());
        let suspect = literals.any(has_credentials) || gives_away(variable) && written_out;
        // What an issuer made recognisable is an error already.
        if suspect && !report.doubts(&key) {
            let message = format!("the value of `{variable}` may be a secret, and stands in this file");
            let hint = format!(
                "write `{variable}: required` under `secrets:` instead, and put the value into `.env`"
            );
            report.add(Finding::warning("possible-secret", key, message).hint(hint));
        }
    }
}

/// True for a name that promises a secret. What bundlers put into the page is public by its name, whatever it is.
fn gives_away(variable: &str) -> bool {
    is_secret_name(variable) && !PUBLIC_PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
}

fn public_names(secrets: &IndexMap<String, Requirement>, path: &str, report: &Report) {
    for variable in secrets.keys() {
        if let Some(prefix) = PUBLIC_PREFIXES.iter().find(|prefix| variable.starts_with(**prefix)) {
            let message =
                format!("`{variable}` cannot be secret: bundlers compile `{prefix}…` into the page");
            let finding = Finding::error("public-secret", format!("{path}.secrets.{variable}"), message);
            report.add(
                finding.hint("give the secret to the API under another name, and let the page ask the API"),
            );
        }
    }
}

fn clashes(
    env: &IndexMap<String, Text>,
    secrets: &IndexMap<String, Requirement>,
    path: &str,
    report: &Report,
) {
    for variable in secrets.keys().filter(|variable| env.contains_key(*variable)) {
        let message = format!("`{variable}` stands under `env` and under `secrets`");
        let finding = Finding::error("variable-clash", format!("{path}.secrets.{variable}"), message);
        report.add(finding.hint("remove one of the two"));
    }
}

/// What a build may read as a secret has no value that stands in this file.
fn of_build(service: &Service, path: &str, report: &Report) {
    let names = service.build().map_or(&[][..], |build| &build.secrets);
    for variable in names.iter().filter(|variable| service.env.contains_key(*variable)) {
        let message = format!("`{variable}` stands under `env` and under `build.secrets`");
        let finding = Finding::error("variable-clash", format!("{path}.env.{variable}"), message);
        report.add(finding.hint("remove one of the two"));
    }
}

/// Overrides against what they are laid over.
fn overridden(draft: &Draft, environment: &Name, name: &Name, report: &Report) {
    let changes = draft.project.environments.get(environment).and_then(|found| found.services.get(name));
    let Some((changes, service)) = changes.zip(draft.project.services.get(name)) else { return };
    let path = format!("environments.{environment}.services.{name}");
    clashes(&changes.env, &changes.secrets, &path, report);
    let add = |key: String, variable: &str, there: &str| {
        let message = format!("`{variable}` stands under `{there}` of the service itself");
        let finding = Finding::error("variable-clash", key, message);
        report.add(finding.hint("a variable is plain or secret in every environment: use one of the two"));
    };
    for variable in changes.env.keys().filter(|variable| service.secrets.contains_key(*variable)) {
        add(format!("{path}.env.{variable}"), variable, "secrets");
    }
    for variable in changes.secrets.keys().filter(|variable| service.env.contains_key(*variable)) {
        add(format!("{path}.secrets.{variable}"), variable, "env");
    }
    if is_public(service) && !changes.secrets.is_empty() {
        let message = "`secrets` means nothing for a static service: all that it is built with is public";
        report.add(Finding::error("misplaced-key", format!("{path}.secrets"), message).hint("remove it"));
    }
}

fn is_public(service: &Service) -> bool {
    service.kind() == dashdeploy_contract::ServiceKind::Static
}
