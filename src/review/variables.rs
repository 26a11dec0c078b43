//! The variables that the code reads, and those that dashdeploy.yaml declares.

use std::collections::BTreeSet;

use dashdeploy_contract::{Finding, Part, Recipe, Text};

use super::{Pair, severity};
use crate::detect::envfile::is_secret_name;
use crate::detect::reads::Read;
use crate::detect::variables::SET_ELSEWHERE;

/// What a bundler sets itself (vite.dev/guide/env-and-mode, create-react-app.dev/docs/adding-custom-environment-variables).
const BUILT_IN: [&str; 6] = ["MODE", "DEV", "PROD", "SSR", "BASE_URL", "PUBLIC_URL"];
/// Variables that libraries, servers and the run time read by themselves: no line of the application names them.
const OF_LIBRARIES: [&str; 34] = [
    "ANTHROPIC_",
    "AWS_",
    "AZURE_",
    "CELERY_",
    "DD_",
    "DJANGO_",
    "DYNACONF_",
    "FLASK_",
    "FORWARDED_ALLOW_IPS",
    "GOOGLE_",
    "GUNICORN_",
    "HF_",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LC_",
    "MALLOC_",
    "MKL_",
    "NEW_RELIC_",
    "NEXT_",
    "NODE_",
    "NO_PROXY",
    "NPM_",
    "OMP_",
    "OPENAI_",
    "OPENBLAS_",
    "OTEL_",
    "PG",
    "PIP_",
    "PYTHON",
    "REQUESTS_CA_BUNDLE",
    "SENTRY_",
    "SSL_CERT_",
    "UVICORN_",
];

pub(super) fn compare(pair: &mut Pair<'_>) {
    let page = matches!(pair.draft.proposal.build.recipe, Recipe::Spa(_));
    undeclared(pair, page);
    for (name, value) in &pair.service.env {
        empty(pair, name, value, page);
        unread(pair, name, "env", page);
    }
    for name in pair.service.secrets.keys() {
        unread(pair, name, "secrets", page);
    }
    if page {
        files(pair);
    }
}

/// What is read and declared nowhere.
fn undeclared(pair: &mut Pair<'_>, page: bool) {
    let python = matches!(pair.draft.proposal.build.recipe, Recipe::Python(_));
    let Some(build) = super::build_of(pair.service) else { return };
    let reached = pair.code.reached(pair.draft, build, pair.service.command.as_deref());
    // What a front end's `.env*` file sets is told with that file.
    let assigned = if page { pair.code.assigned(pair.draft) } else { Vec::new() };
    let mut seen: BTreeSet<&str> = assigned.iter().map(|one| one.name.as_str()).collect();
    // The place where a missing value does most harm speaks for all.
    let mut reads: Vec<&Read> = pair.draft.reads.iter().collect();
    reads.sort_by_cached_key(|read| (read.default.is_some(), !reached.contains(&read.file)));
    for read in reads {
        let name = read.name.as_str();
        let set_elsewhere = SET_ELSEWHERE.contains(&name) || BUILT_IN.contains(&name) || is_of_library(name);
        if set_elsewhere || pair.is_declared(name) || !seen.insert(name) {
            continue;
        }
        let certain = read.default.is_none() && (python || page) && reached.contains(&read.file);
        let finding = told(read, page, severity(certain)).hint(mend(pair, name));
        pair.in_code(finding, &read.evidence());
    }
}

fn told(read: &Read, page: bool, severity: dashdeploy_contract::Severity) -> Finding {
    let name = &read.name;
    let certain = severity == dashdeploy_contract::Severity::Warning;
    let (code, consequence) = match (&read.default, page) {
        (None, true) => ("variable-not-declared", "the page is built with `undefined` in its place"),
        (None, false) if certain => ("variable-not-declared", "without it the application fails there"),
        (None, false) => ("variable-not-declared", "it is undefined there"),
        (Some(_), _) => ("variable-left-to-default", "the default in the code holds"),
    };
    let message = format!("`{name}` is read here and not declared in dashdeploy.yaml: {consequence}");
    let mut finding = Finding::info(code, "", message);
    finding.severity = severity;
    finding
}

fn mend(pair: &Pair<'_>, name: &str) -> String {
    let service = &pair.service.name;
    if is_secret_name(name) {
        format!("add `{name}: required` or `{name}: optional` under `services.{service}.secrets`")
    } else {
        format!("add `{name}: …` under `services.{service}.env`")
    }
}

/// An empty text is a value: it takes the place of the default.
fn empty(pair: &mut Pair<'_>, name: &str, value: &Text, page: bool) {
    if page || !is_empty(value) {
        return;
    }
    let read = pair.draft.reads.iter().find(|read| read.name == name);
    let Some(read) = read.filter(|read| read.default.as_ref().is_some_and(|text| !text.is_empty())) else {
        return;
    };
    let default = read.default.as_deref().unwrap_or_default();
    let message = format!(
        "`{name}` is set to an empty text, which takes the place of the default `{default}` ({}:{})",
        read.file, read.line
    );
    let finding = Finding::warning("empty-overrides-default", pair.key(&format!("env.{name}")), message);
    pair.in_file(finding.hint("remove the line, so that the default holds, or give it a value"));
}

fn is_empty(value: &Text) -> bool {
    value.parts.iter().all(|part| matches!(part, Part::Literal(text) if text.is_empty()))
}

/// What is declared and never read.
fn unread(pair: &mut Pair<'_>, name: &str, under: &str, page: bool) {
    let known = SET_ELSEWHERE.contains(&name) || is_of_library(name) || BUILT_IN.contains(&name);
    let is_read = pair.draft.reads.iter().any(|read| read.name.eq_ignore_ascii_case(name));
    // What a build step mounts is the build's, not the application's.
    let builds =
        super::build_of(pair.service).is_some_and(|build| build.secrets.iter().any(|one| one == name));
    let key = pair.key(&format!("{under}.{name}"));
    // The key `log` sets variables of its own.
    if known
        || is_read
        || builds
        || !pair.places.has(&key)
        || pair.code.mentions(pair.draft, name)
        || is_nested(pair, name)
    {
        return;
    }
    let prefixes = if page { Vec::new() } else { pair.code.prefixes(pair.draft) };
    // A loader that takes every name with its prefix cannot be seen through.
    if prefixes.iter().any(|prefix| name.starts_with(prefix.as_str())) {
        return;
    }
    let lower = name.to_ascii_lowercase();
    let loaded = prefixes.first().filter(|_| pair.code.mentions(pair.draft, &lower));
    let hint = match loaded {
        Some(prefix) => {
            format!("the code reads variables that begin with `{prefix}`: name it `{prefix}{name}`")
        }
        None => format!(
            "remove it, or read it in the code; silence it where something outside `{}` reads it",
            pair.draft.proposal.build.context
        ),
    };
    let message =
        format!("`{name}` is declared, and nothing in the code of `{}` reads it", pair.service.name);
    pair.in_file(Finding::warning("variable-not-read", key, message).hint(hint));
}

/// `APP_DB__HOST` of pydantic-settings, where `APP_DB` is read.
fn is_nested(pair: &Pair<'_>, name: &str) -> bool {
    let Some((head, _)) = name.split_once("__") else { return false };
    pair.draft.reads.iter().any(|read| read.name.eq_ignore_ascii_case(head))
}

fn is_of_library(name: &str) -> bool {
    OF_LIBRARIES.iter().any(|start| name.starts_with(start))
}

/// A front end's `.env*` files decide what is built on a laptop, and stay out of the image.
fn files(pair: &mut Pair<'_>) {
    for one in pair.code.assigned(pair.draft) {
        let shown = if is_secret_name(&one.name) { "a value".to_owned() } else { format!("`{}`", one.value) };
        let (file, name) = (&one.evidence.file, &one.name);
        let declared = pair.service.env.get(name);
        let (warning, holds) = match declared.and_then(literal) {
            _ if declared.is_none() => {
                (true, "and dashdeploy.yaml does not: the image is built without it".to_owned())
            }
            Some(value) if value == one.value => continue,
            _ => (false, "the value in dashdeploy.yaml is built into the image instead".to_owned()),
        };
        let message = format!("`{file}` sets `{name}` to {shown}, {holds}");
        let make = if warning { Finding::warning } else { Finding::info };
        let hint =
            format!("say it under `services.{}.env`; the file stays out of the image", pair.service.name);
        pair.in_code(make("env-file-left-out", "", message).hint(hint), &one.evidence);
    }
}

fn literal(value: &Text) -> Option<String> {
    let text = |part: &Part| match part {
        Part::Literal(text) => Some(text.clone()),
        _ => None,
    };
    value.parts.iter().map(text).collect()
}
