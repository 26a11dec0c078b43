//! Values of dashdeploy.lock: digests, names of actions, tags, commits.

use serde_json::json;

use super::{Problem, Rule};
use crate::config::report::shown;
use crate::config::yaml::Scalar;

pub(crate) static DIGEST: Rule = Rule {
    expects: "a digest such as `sha256:…`",
    null_hint: Some("remove the line and run `dashdeploy pin`"),
    json: || json!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" }),
    check: |scalar| {
        let hex = scalar.text.strip_prefix("sha256:");
        kept(hex.is_some_and(|hex| is_hex(hex, 64)), scalar, "invalid-digest", "a digest by SHA-256")
    },
};

pub(crate) static ACTION: Rule = Rule {
    expects: "the name of an action such as `actions/checkout`",
    null_hint: None,
    json: || json!({ "pattern": "^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$" }),
    check: |scalar| {
        let parts: Vec<&str> = scalar.text.split('/').collect();
        let word = |word: &&str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        };
        kept(
            parts.len() == 2 && parts.iter().all(word),
            scalar,
            "invalid-action",
            "the name of an action (`owner/name`)",
        )
    },
};

pub(crate) static TAG: Rule = Rule {
    expects: "a tag such as `v4.2.2`",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]+$" }),
    check: |scalar| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let is_tag = !scalar.text.is_empty() && scalar.text.len() <= 100 && scalar.text.chars().all(allowed);
        kept(is_tag, scalar, "invalid-tag", "a tag")
    },
};

pub(crate) static COMMIT: Rule = Rule {
    expects: "a commit of 40 hex digits",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": "^[0-9a-f]{40}$" }),
    check: |scalar| kept(is_hex(&scalar.text, 40), scalar, "invalid-commit", "a commit of 40 hex digits"),
};

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn kept(keeps: bool, scalar: &Scalar, code: &'static str, what: &str) -> Result<(), Problem> {
    if keeps {
        return Ok(());
    }
    let message = format!("`{}` is not {what}", shown(&scalar.text));
    Err(Problem::new(code, message).hint("remove the entry and run `dashdeploy pin`"))
}
