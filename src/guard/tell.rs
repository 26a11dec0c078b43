//! What a guard found, in words.
//!
//! Given: what, where, at which border. Gives: a [`Finding`] whose key is the place in dashdeploy.yaml where an allowance would
//! stand, `guard.allow.<fingerprint>`. Deliberately absent: any part of a value.

use dashdeploy_contract::{Finding, Place, Severity};

use super::Border;
use super::forms::Form;

const KEY: &str = "guard.allow.";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Value { names: String, form: Form },
    Shape { kind: &'static str, shown: &'static str, harmless: bool },
    File { what: String },
}

impl What {
    pub fn is_value(&self) -> bool {
        matches!(self, Self::Value { .. })
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Value { .. } => "guard-known-value",
            Self::Shape { .. } => "guard-key-shape",
            Self::File { .. } => "guard-secret-file",
        }
    }
}

pub(super) fn finding(
    border: Border,
    path: &str,
    what: &What,
    (line, column): (usize, usize),
    times: usize,
    fingerprint: &str,
) -> Finding {
    let thing = match what {
        What::Value { names, form } => format!("{names}{}", form.words()),
        What::Shape { kind, shown, .. } => format!("{kind} ({}…)", shown.trim_end_matches('…')),
        What::File { what } => what.clone(),
    };
    let crossing = match border {
        Border::Context => "would be sent to the engine",
        Border::Image => "would be pushed to the registry",
        Border::Bundle => "would be published with the page",
    };
    let more = if times > 1 { format!(" ({times} times in this file)") } else { String::new() };
    let comma = if thing.contains(", ") { "," } else { "" };
    let message = format!("{thing}{comma} {crossing}{more}");
    let key = format!("{KEY}{fingerprint}");
    let finding = match what {
        What::Shape { harmless: true, .. } => {
            let message = format!("{thing} is published with the page{more}");
            Finding::warning("guard-public-key", key, message).hint(
                "restrict it to your addresses and to the services it is for, where its issuer lets you",
            )
        }
        _ => Finding::error(what.code(), key, message),
    };
    let place = Place { file: path.to_owned(), line, column, length: 1, source: String::new() };
    let finding = finding.at(place);
    if finding.hint.is_some() { finding } else { mend(finding, border, None) }
}

/// The finding for a file that could not be looked at.
pub(super) fn broken(path: &str, reason: &str) -> Finding {
    let message = format!("nothing could be looked for: {reason}");
    let place = Place { file: path.to_owned(), line: 1, column: 1, length: 1, source: String::new() };
    Finding::error("guard-broken", "", message).at(place)
}

/// What is worth knowing about a look.
pub(super) fn note(path: &str, note: &str) -> Finding {
    let place = Place { file: path.to_owned(), line: 1, column: 1, length: 1, source: String::new() };
    Finding::info("guard-not-seen-through", "", note).at(place)
}

/// The finding for something that nobody can see into.
pub fn unseen(path: &str, why: &str) -> Finding {
    Finding { severity: Severity::Warning, ..note(path, why) }
}

/// The fingerprint of a guard's finding; none for any other.
pub fn fingerprint_of(finding: &Finding) -> Option<&str> {
    finding.key.strip_prefix(KEY)
}

/// The finding with the mend. `ignore` says where an ignore line goes, and which: `build.ignore of api: /.env`.
#[must_use]
pub fn mend(finding: Finding, border: Border, ignore: Option<&str>) -> Finding {
    let Some(fingerprint) = fingerprint_of(&finding).map(str::to_owned) else { return finding };
    let leave_out = ignore.map_or_else(|| "leave the file out by its ignore file".to_owned(), str::to_owned);
    let mend = match (border, &*finding.code) {
        (Border::Context, "guard-secret-file") => leave_out,
        (Border::Context, _) => format!(
            "take it out of the file and name it under `secrets:` (a build step mounts it with RUN --mount=type=secret,id=NAME), or {leave_out}"
        ),
        (Border::Image, _) => {
            "build without it in ARG, ENV, LABEL or COPY: a build step mounts a secret with RUN --mount=type=secret,id=NAME; a later step that deletes it leaves it in its layer".to_owned()
        }
        (Border::Bundle, _) => {
            "a page has no secrets: let it ask the API, and give the secret to the API alone".to_owned()
        }
    };
    finding.hint(format!("{mend}; if it may be there: --allow {fingerprint} --reason \"…\""))
}
