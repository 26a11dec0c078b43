//! Names: of things here, of variables, headers, regions, package scripts and application objects.

use std::sync::LazyLock;

use dashdeploy_contract::Name;
use regex::Regex;
use serde_json::json;

use super::{Problem, Rule};
use crate::config::report::shown;
use crate::config::secrets::PUBLIC_PREFIXES;
use crate::config::yaml::Scalar;
use crate::guard::is_fingerprint;
use crate::render::CA_SECRET;

pub(crate) static NAME: Rule = Rule {
    expects: "a name of a-z, 0-9 and -",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$" }),
    check: |scalar| name(scalar).map(drop),
};

pub(crate) static VARIABLE: Rule = Rule {
    expects: "the name of a variable",
    null_hint: None,
    json: || json!({ "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 255 }),
    check: |scalar| variable(&scalar.text),
};

pub(crate) static BUILD_SECRET: Rule = Rule {
    expects: "the name of a variable",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": 255 }),
    check: |scalar| build_secret(scalar).map(drop),
};

pub(crate) static FINGERPRINT: Rule = Rule {
    expects: "the fingerprint of a finding",
    null_hint: None,
    json: || json!({ "pattern": "^[0-9a-f]{12}$" }),
    check: |scalar| fingerprint(&scalar.text),
};

pub(crate) static SILENCE: Rule = Rule {
    expects: "the code of a finding, perhaps with a service",
    null_hint: None,
    json: || json!({ "pattern": "^[a-z][a-z0-9-]*( [a-z][a-z0-9-]*)?$" }),
    check: |scalar| silence(&scalar.text),
};

pub(crate) static HEADER_NAME: Rule = Rule {
    expects: "the name of a header",
    null_hint: None,
    json: || json!({ "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", "maxLength": 255 }),
    check: |scalar| header_name(&scalar.text),
};

pub(crate) static REGION: Rule = Rule {
    expects: "the name of a region",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": "^[a-z0-9-]{1,64}$" }),
    check: |scalar| region(scalar).map(drop),
};

pub(crate) static SCRIPT: Rule = Rule {
    expects: "the name of a package script",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_:.-]*$" }),
    check: |scalar| script(scalar).map(drop),
};

pub(crate) static APP: Rule = Rule {
    expects: "an application object such as `package.module:app`",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": APP_PATTERN }),
    check: |scalar| app(scalar).map(drop),
};

const APP_PATTERN: &str = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*(\(\))?$";

#[allow(clippy::expect_used)] // a constant pattern, read by the tests
static APP_FORM: LazyLock<Regex> = LazyLock::new(|| Regex::new(APP_PATTERN).expect("a constant pattern"));

/// The name of a project, service, volume or environment.
pub(crate) fn name(scalar: &Scalar) -> Result<Name, Problem> {
    Name::parse(&scalar.text).map_err(|error| {
        let message = format!("`{}` is not a valid name: {}", shown(&scalar.text), error.reason);
        let problem = Problem::new("invalid-name", message);
        match error.suggestion {
            Some(near) if !near.is_empty() => problem.hint(format!("write `{near}`")),
            _ => problem,
        }
    })
}

/// What a guard gave to a finding.
pub(crate) fn fingerprint(text: &str) -> Result<(), Problem> {
    if is_fingerprint(text) {
        return Ok(());
    }
    let message = format!("`{}` is not a fingerprint", shown(text));
    Err(Problem::new("invalid-fingerprint", message)
        .hint("write the 12 hex digits that the finding ended with after `--allow`"))
}

/// `CODE` or `CODE SERVICE`.
pub(crate) fn silence(text: &str) -> Result<(), Problem> {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let (code, service) = text.split_once(' ').map_or((text, None), |(code, service)| (code, Some(service)));
    if is_word(code) && service.is_none_or(is_word) {
        return Ok(());
    }
    let message = format!("`{}` is not the code of a finding", shown(text));
    Err(Problem::new("invalid-code", message).hint(
        "write the word in brackets after `warning`, and after a space the service, if only one is meant",
    ))
}

/// A name that a POSIX shell accepts as a variable (IEEE 1003.1, section 8.1).
pub(crate) fn variable(text: &str) -> Result<(), Problem> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts_well && text.len() <= 255 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    let message = format!("`{}` cannot be the name of a variable", shown(text));
    Err(Problem::new("invalid-variable", message).hint("use A-Z, a-z, 0-9 and _, and no digit at the start"))
}

/// The name of a secret of a build: a variable that does not end up in a page, and not the id that builds use themselves.
pub(crate) fn build_secret(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    variable(text)?;
    if *text == CA_SECRET {
        let message = format!("`{CA_SECRET}` is the secret that gives builds this machine's certificates");
        return Err(Problem::new("reserved-secret", message).hint("choose another name"));
    }
    if let Some(prefix) = PUBLIC_PREFIXES.iter().find(|prefix| text.starts_with(**prefix)) {
        let message = format!("`{text}` cannot be secret: bundlers compile `{prefix}…` into the page");
        return Err(
            Problem::new("public-secret", message).hint("give the secret to the build under another name")
        );
    }
    Ok(text.clone())
}

/// A header's name: a token of RFC 9110, section 5.6.2.
pub(crate) fn header_name(text: &str) -> Result<(), Problem> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !text.is_empty() && text.len() <= 255 && text.chars().all(is_token) {
        return Ok(());
    }
    let message = format!("`{}` cannot be the name of a header", shown(text));
    Err(Problem::new("invalid-header", message).hint("use letters, digits and -, without the colon"))
}

/// A platform's word for a region.
pub(crate) fn region(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.is_empty() && text.len() <= 64 && text.chars().all(allowed) {
        return Ok(text.clone());
    }
    let message = format!("`{}` is not a region: 1 to 64 characters of a-z, 0-9 and -", shown(text));
    Err(Problem::new("invalid-region", message))
}

/// The name of a script in package.json. It becomes a word of a command, so nothing that looks like an option.
pub(crate) fn script(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_:.-".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && text.chars().all(allowed) {
        return Ok(text.clone());
    }
    let message = format!("`{}` is not the name of a package script", shown(text));
    Err(Problem::new("invalid-script", message)
        .hint("name a script of package.json, such as `build`; the command itself belongs there"))
}

/// `module:attribute` of an ASGI or WSGI application.
pub(crate) fn app(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    if APP_FORM.is_match(text) {
        return Ok(text.clone());
    }
    let message = format!("`{}` does not name an application object", shown(text));
    let dotted = text.strip_suffix(".py").unwrap_or(text).trim_matches('/').replace('/', ".");
    let guess = if text.contains(':') { "package.module:app".to_owned() } else { format!("{dotted}:app") };
    let guess = if APP_FORM.is_match(&guess) { guess } else { "package.module:app".to_owned() };
    Err(Problem::new("invalid-app", message).hint(format!("write module and object, such as `{guess}`")))
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn names_that_could_be_options_or_code_are_refused() {
        for bad in ["-rm", "Web", "a_b", "..", "CON", "a/b", "a b", "$(id)", "é", "аpp", "a\u{200b}", ""] {
            assert!(name(&plain(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(name(&plain("My App")).unwrap_err().hint.as_deref(), Some("write `my-app`"));
        for bad in ["1A", "A-B", "A.B", "", "=v", "A B", "Ä"] {
            assert!(variable(bad).is_err(), "{bad:?}");
        }
        for bad in ["us-east-1; rm", "", "Oregon", "a/b"] {
            assert!(region(&plain(bad)).is_err(), "{bad:?}");
        }
        for bad in ["-x", "a b", "a;b", "$(id)", ""] {
            assert!(script(&plain(bad)).is_err(), "{bad:?}");
        }
        for bad in ["X:", "a b", "", "X\r\nY", "é"] {
            assert!(header_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_of_builds() {
        assert_eq!(build_secret(&plain("NPM_TOKEN")).unwrap(), "NPM_TOKEN");
        for (bad, code) in
            [("A-B", "invalid-variable"), ("dashdeploy_ca", "reserved-secret"), ("VITE_KEY", "public-secret")]
        {
            assert_eq!(build_secret(&plain(bad)).unwrap_err().code, code, "{bad}");
        }
    }

    #[test]
    fn application_objects() {
        for good in ["app:app", "a.b_c.d:make.app", "pkg:create_app()"] {
            assert_eq!(app(&plain(good)).unwrap(), good);
        }
        for bad in ["app", "app:", ":app", "a-b:app", "app:app()x", "app:app; id", "a..b:app"] {
            assert!(app(&plain(bad)).is_err(), "{bad:?}");
        }
        let hint = app(&plain("backend/main.py")).unwrap_err().hint.unwrap();
        assert!(hint.contains("`backend.main:app`"), "{hint}");
    }
}
