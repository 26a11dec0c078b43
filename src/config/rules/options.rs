//! Options of targets, and the user's own host names.

use serde_json::json;

use super::{Problem, Rule};
use crate::config::report::shown;
use crate::config::yaml::Scalar;

pub(crate) static OPTION_NAME: Rule = Rule {
    expects: "the name of an option",
    null_hint: None,
    json: || json!({ "pattern": "^[a-z][a-z0-9_]{0,39}$" }),
    check: |scalar| option_name(&scalar.text),
};

pub(crate) static OPTION: Rule = Rule {
    expects: "the value of an option",
    null_hint: None,
    json: || json!({ "type": ["string", "number", "boolean"], "minLength": 1, "maxLength": 500 }),
    check: |scalar| option(scalar).map(drop),
};

pub(crate) static DOMAIN: Rule = Rule {
    expects: "a host name such as `api.example.com`",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z][a-z0-9-]*[a-z0-9]$", "maxLength": 253 }),
    check: |scalar| domain(scalar).map(drop),
};

/// The name of an option; which ones there are is each target's to say.
pub(crate) fn option_name(text: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.len() <= 40 && text.chars().all(allowed) {
        return Ok(());
    }
    Err(Problem::new("invalid-option-name", format!("`{}` is not the name of an option", shown(text))))
}

/// An option's value as written; what it may be is the target's to say.
pub(crate) fn option(scalar: &Scalar) -> Result<String, Problem> {
    if scalar.text.is_empty() {
        return Err(Problem::new("invalid-option", "the option has no value").hint("remove the key"));
    }
    let text = super::word(scalar)?;
    if text.len() > 500 || text.chars().any(char::is_control) {
        let message = "an option's value is one line of at most 500 characters";
        return Err(Problem::new("invalid-option", message));
    }
    Ok(text)
}

/// A host name of two labels or more, in lower case (RFC 1123, section 2.1; RFC 1035, section 2.3.4 for the lengths).
pub(crate) fn domain(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    let wrong = |why: &str| {
        Problem::new("invalid-domain", format!("`{}` is not a host name: {why}", shown(text)))
            .hint("write it as browsers show it, such as `api.example.com`; other scripts in their xn-- form")
    };
    if text.contains("://") || text.contains('/') || text.contains(':') {
        return Err(wrong("scheme, port and path do not belong to it"));
    }
    if text.contains('*') {
        return Err(wrong("a service has one name, not a pattern of names"));
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if text.len() > 253 || !text.split('.').all(label) {
        return Err(wrong("labels are 1 to 63 of a-z, 0-9 and -, joined by dots"));
    }
    if !text.contains('.') {
        return Err(wrong("it has only one label"));
    }
    if !text.rsplit('.').next().is_some_and(|top| top.starts_with(|c: char| c.is_ascii_lowercase())) {
        return Err(wrong("its last label is no top-level domain"));
    }
    Ok(text.clone())
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn host_names_are_names_and_nothing_else() {
        for good in ["api.example.com", "a.b", "xn--bcher-kva.example", "1.example.com"] {
            assert_eq!(domain(&plain(good)).unwrap(), good);
        }
        for bad in [
            "https://x.y",
            "x.y/z",
            "x.y:80",
            "localhost",
            "*.x.y",
            "A.b",
            "x..y",
            "-x.y",
            "x-.y",
            "10.0.0.1",
            "x.y.",
            "b\u{fc}cher.example",
            "x_y.com",
        ] {
            assert!(domain(&plain(bad)).is_err(), "{bad}");
        }
        assert!(domain(&plain(&format!("{}.com", "a".repeat(64)))).is_err());
    }

    #[test]
    fn options_are_one_line_with_a_plain_name() {
        assert!(option_name("min_instances").is_ok() && option(&plain("B1")).is_ok());
        for bad in ["", "Min", "a-b", "1a", "a b", "é"] {
            assert!(option_name(bad).is_err(), "{bad}");
        }
        assert!(option(&plain("a\nb")).is_err() && option(&plain("")).is_err());
    }
}
