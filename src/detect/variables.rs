//! The variables and secrets of a service: what `.env.example` names and what the code cannot do without.
//!
//! Given: a draft with its reads, the tree. Gives: `env` and `secrets` of the draft, notes. Deliberately absent: any value of a
//! secret, from wherever.

use dashdeploy_contract::Requirement;

use super::data;
use super::draft::Draft;
use super::envfile::{self, Entry, is_mail_account, is_safe_value, is_secret_name};
use super::index::{Index, join, name_of};
use super::model::{Evidence, Note, Role, Secret, Topic, Variable};
use super::node::spa;

/// Variables that dashdeploy, the runtime or the shell sets.
pub(crate) const SET_ELSEWHERE: [&str; 12] = [
    "PORT",
    "HOST",
    "HOSTNAME",
    "NODE_ENV",
    "PATH",
    "HOME",
    "PWD",
    "USER",
    "TZ",
    "CI",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
];
/// Prefixes of variables that a build puts into the bundle, for everybody to read.
const PUBLIC_PREFIXES: [&str; 5] = ["VITE_", "REACT_APP_", "VUE_APP_", "PUBLIC_", "NEXT_PUBLIC_"];

/// Files that a front end's build reads, the one that decides first (vite.dev/guide/env-and-mode).
pub(crate) const FRONT_END_FILES: [&str; 4] =
    [".env.production.local", ".env.production", ".env.local", ".env"];

/// True for a variable of a front end.
pub(crate) fn is_public(name: &str) -> bool {
    PUBLIC_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Fills in `env`, `secrets` and `unset` from the service's own example file, or from the one at the top.
pub(crate) fn fill(index: &Index<'_>, draft: &mut Draft, notes: &mut Vec<Note>) {
    if draft.proposal.role == Role::Site {
        return;
    }
    let own =
        envfile::example_in(index, &draft.folder).or_else(|| envfile::example_in(index, draft.context()));
    // The file at the top speaks for what is known to be the application's, not for a Dockerfile of unknown content.
    let file = own.or_else(|| envfile::example_in(index, "").filter(|_| draft.proposal.role != Role::Other));
    let entries = file
        .as_deref()
        .and_then(|file| index.text(file))
        .map(|text| envfile::entries(&text))
        .unwrap_or_default();
    let front = draft.proposal.role == Role::Spa;
    for entry in &entries {
        if SET_ELSEWHERE.contains(&entry.name.as_str()) || is_public(&entry.name) != front {
            continue;
        }
        let Some(file) = &file else { continue };
        let evidence = Evidence::new(entry.name.as_str(), file, entry.line);
        if front {
            public(draft, entry, evidence, notes);
        } else {
            runtime(draft, entry, evidence, notes);
        }
    }
    if !front {
        read_without_default(draft, notes);
    }
}

fn public(draft: &mut Draft, entry: &Entry, evidence: Evidence, notes: &mut Vec<Note>) {
    if is_secret_name(&entry.name) {
        let message = format!(
            "`{}` looks like a secret, and everything that a front end is built with can be read by everybody",
            entry.name
        );
        notes.push(
            Note::warning("public-secret", message)
                .mend("keep it in the API and let the front end ask the API")
                .at(evidence),
        );
    } else if !entry.commented && is_safe_value(&entry.value) {
        draft.proposal.env.insert(entry.name.clone(), Variable { value: entry.value.clone(), evidence });
    } else {
        draft.proposal.unset.insert(entry.name.clone(), evidence);
    }
}

fn runtime(draft: &mut Draft, entry: &Entry, evidence: Evidence, notes: &mut Vec<Note>) {
    let read = draft.reads.iter().find(|read| read.name == entry.name);
    let needed = read.is_some_and(|read| read.default.is_none());
    let optional = entry.commented && !needed;
    let name = entry.name.clone();
    let proposal = &mut draft.proposal;
    let plain = !entry.value.contains('$');
    let kept = data::moved(&entry.value, &proposal.build.links).filter(|_| plain);
    let local_database = plain && data::sqlite_path(&entry.value).is_some();
    if let Some(value) = kept {
        proposal.env.insert(name, Variable { value, evidence });
    } else if (is_secret_name(&entry.name)
        || is_mail_account(&entry.name)
        || entry.value.contains("://") && entry.value.contains('@'))
        && !local_database
    {
        let required = entry.stated.unwrap_or(needed || (!optional && !is_mail_account(&entry.name)));
        let requirement = if required { Requirement::Required } else { Requirement::Optional };
        proposal.secrets.insert(name, Secret { requirement, evidence });
    } else if local_database {
        proposal.env.entry(name).or_insert(Variable { value: entry.value.clone(), evidence });
    } else if (!optional || is_log_level(&entry.name)) && is_safe_value(&entry.value) {
        proposal.env.insert(name, Variable { value: entry.value.clone(), evidence });
    } else {
        if !optional && !entry.value.is_empty() {
            let message = format!(
                "`{}` has an example value that cannot be used in a container; it stays unset",
                entry.name
            );
            notes.push(
                Note::hint("example-value-not-used", message)
                    .mend(format!("set it under `env:` of the service, as in `{}: …`", entry.name))
                    .at(evidence.clone()),
            );
        }
        proposal.unset.insert(name, evidence);
    }
}

fn is_log_level(name: &str) -> bool {
    name.ends_with("LOG_LEVEL") || name.ends_with("LOGLEVEL")
}

/// Secrets that the code reads without a default and no example names: without them it does not start.
fn read_without_default(draft: &mut Draft, notes: &mut Vec<Note>) {
    let known = |draft: &Draft, name: &str| {
        draft.proposal.env.contains_key(name)
            || draft.proposal.secrets.contains_key(name)
            || draft.proposal.unset.contains_key(name)
    };
    let reads: Vec<_> = draft.reads.iter().filter(|read| read.default.is_none()).cloned().collect();
    let python = draft.files.iter().any(|path| path.ends_with(".py"));
    for read in reads {
        if known(draft, &read.name) || SET_ELSEWHERE.contains(&read.name.as_str()) || is_public(&read.name) {
            continue;
        }
        if is_secret_name(&read.name) {
            // JavaScript gives `undefined` and goes on; Python raises an error.
            let requirement = if python { Requirement::Required } else { Requirement::Optional };
            draft
                .proposal
                .secrets
                .insert(read.name.clone(), Secret { requirement, evidence: read.evidence() });
        } else if python {
            let message = format!("`{}` is read without a default and named in no `.env.example`", read.name);
            draft.proposal.unset.insert(read.name.clone(), read.evidence());
            notes.push(
                Note::hint("variable-not-declared", message)
                    .mend(format!("set it under `env:` of the service, as in `{}: …`", read.name))
                    .at(read.evidence()),
            );
        }
    }
}

/// What the `.env*` files inside a front end would build in: Vite reads them silently, the mode's file before the plain one.
pub(crate) fn committed(index: &Index<'_>, draft: &Draft, notes: &mut Vec<Note>) {
    if draft.proposal.role != Role::Spa {
        return;
    }
    let mut seen: Vec<String> = Vec::new();
    for name in FRONT_END_FILES {
        let path = join(&draft.folder, name);
        let Some(text) = index.text(&path) else { continue };
        for entry in
            envfile::entries(&text).into_iter().filter(|entry| !entry.commented && is_public(&entry.name))
        {
            if seen.contains(&entry.name) {
                continue;
            }
            let shown =
                if is_secret_name(&entry.name) { "a value".to_owned() } else { format!("`{}`", entry.value) };
            let message = format!(
                "`{path}` sets `{}` to {shown}, which a build there would put into the page; the file is left out of the image's \
                 context, so the value in dashdeploy.yaml holds",
                entry.name
            );
            notes.push(Note::hint("env-file-left-out", message).at(Evidence::new(
                entry.name.as_str(),
                &path,
                entry.line,
            )));
            seen.push(entry.name);
        }
    }
}

/// Real `.env` files that Git would ship: whoever has the repository has what stands in them.
pub(crate) fn shipped_secrets(index: &Index<'_>, notes: &mut Vec<Note>) {
    for path in index.files().filter(|path| name_of(path) == ".env" && !index.ignored(path)) {
        let Some(text) = index.text(path) else { continue };
        let entry = envfile::entries(&text)
            .into_iter()
            .find(|entry| !entry.commented && !entry.value.is_empty() && is_secret_name(&entry.name));
        if let Some(entry) = entry {
            let message = format!("`{path}` holds a value for `{}` and is not ignored by Git", entry.name);
            let mend = format!("echo '{}' >> .gitignore && git rm --cached {path}", name_of(path));
            notes.push(Note::warning("secret-committed", message).mend(mend).at(Evidence::new(
                entry.name.as_str(),
                path,
                entry.line,
            )));
        }
    }
}

/// The conclusions as facts, once nothing changes them any more.
pub(crate) fn conclude(draft: &mut Draft) {
    let proposal = &mut draft.proposal;
    // What the wiring set has been said there.
    let wired = |name: &str| {
        let start = format!("`{name}` ");
        proposal.facts.iter().any(|fact| fact.topic == Topic::Wiring && fact.conclusion.starts_with(&start))
    };
    let plain = proposal.env.iter().filter(|(name, _)| !wired(name));
    let variables: Vec<_> = plain.map(|(n, v)| (format!("{n}: {}", v.value), v.evidence.clone())).collect();
    let secrets: Vec<_> = proposal
        .secrets
        .iter()
        .map(|(n, s)| (format!("{n}: {}", s.requirement.as_str()), s.evidence.clone()))
        .collect();
    for (text, evidence) in variables {
        proposal.conclude(Topic::Variable, text, Some(evidence));
    }
    for (text, evidence) in secrets {
        proposal.conclude(Topic::Secret, text, Some(evidence));
    }
}

/// The development proxy of a front end, for the wiring.
pub(crate) fn dev_proxies(index: &Index<'_>, draft: &Draft) -> Vec<(String, bool, Evidence)> {
    spa::config(index, &draft.folder).map(|source| spa::dev_proxies(&source)).unwrap_or_default()
}
