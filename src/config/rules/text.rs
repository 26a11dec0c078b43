//! Free text: values of variables and headers, words of commands.

use dashdeploy_contract::Text;
use serde_json::json;

use super::{Problem, Rule};
use crate::config::yaml::Scalar;

pub(crate) static TEXT: Rule = Rule {
    expects: "a single value",
    null_hint: Some(
        "write \"\" for an empty text, put the word in quotes if it is meant, or name the variable under `secrets:`",
    ),
    json: || json!({ "type": ["string", "number", "boolean"] }),
    check: |scalar| text(scalar).map(drop),
};

pub(crate) static WORD: Rule = Rule {
    expects: "one word of a command",
    null_hint: None,
    json: || json!({ "type": ["string", "number", "boolean"] }),
    check: |scalar| word(scalar).map(drop),
};

pub(crate) static NONEMPTY: Rule = Rule {
    expects: "a text",
    null_hint: None,
    json: || json!({ "type": ["string", "number", "boolean"], "minLength": 1 }),
    check: |scalar| nonempty(scalar).map(drop),
};

pub(crate) static COMMAND_LINE: Rule = Rule {
    expects: "a command, as a shell takes it",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": "\\S" }),
    check: |scalar| command_line(scalar).map(drop),
};

pub(crate) static REASON: Rule = Rule {
    expects: "a reason in words",
    null_hint: Some("write why"),
    json: || json!({ "type": "string", "pattern": "\\S" }),
    check: |scalar| reason(scalar).map(drop),
};

pub(crate) static HEADER_VALUE: Rule = Rule {
    expects: "the value of a header",
    null_hint: Some("write \"\" to remove the built-in header"),
    json: || json!({ "type": ["string", "number", "boolean"], "pattern": "^[ -~]*$" }),
    check: |scalar| header_value(scalar).map(drop),
};

/// The longest `NAME=value` that Linux starts a program with (`MAX_ARG_STRLEN`), less the longest name.
const LONGEST: usize = (128 << 10) - 258;

/// A value with references.
pub(crate) fn text(scalar: &Scalar) -> Result<Text, Problem> {
    not_too_long(&scalar.text)?;
    Text::parse(&scalar.text).map_err(|error| {
        let rest: Vec<char> = scalar.text.chars().skip(error.column).collect();
        let length = rest.iter().position(|c| *c == '}').map_or(2, |end| end + 1);
        let message = if error.message.len() > 300 {
            "a reference is far too long to be one; write `$${` for a literal `${`".to_owned()
        } else {
            error.message
        };
        let mut problem = Problem::new("invalid-reference", message);
        problem.range = Some(error.column..error.column + length);
        problem
    })
}

/// A word of a command, handed on as it is: references are filled in under `env` alone, so one here is a mistake.
pub(crate) fn word(scalar: &Scalar) -> Result<String, Problem> {
    not_too_long(&scalar.text)?;
    no_reference(&scalar.text)?;
    Ok(scalar.text.clone())
}

/// A text that is not empty.
pub(crate) fn nonempty(scalar: &Scalar) -> Result<String, Problem> {
    if scalar.text.is_empty() {
        return Err(Problem::new("empty-text", "an empty text is found in everything").hint("remove the key"));
    }
    word(scalar)
}

/// A line for a shell. Its `${NAME}` are the shell's.
pub(crate) fn command_line(scalar: &Scalar) -> Result<String, Problem> {
    not_too_long(&scalar.text)?;
    if scalar.text.trim().is_empty() || scalar.text.contains('\0') {
        return Err(
            Problem::new("empty-command", "this is no command").hint("write the command, or remove it")
        );
    }
    Ok(scalar.text.clone())
}

/// Why something is allowed: for people.
pub(crate) fn reason(scalar: &Scalar) -> Result<String, Problem> {
    if scalar.text.trim().is_empty() {
        return Err(
            Problem::new("no-reason", "what may pass or is not told needs a reason").hint("write why")
        );
    }
    Ok(scalar.text.clone())
}

/// A header's value: printable ASCII (RFC 9110, section 5.5).
pub(crate) fn header_value(scalar: &Scalar) -> Result<String, Problem> {
    no_reference(&scalar.text)?;
    if scalar.text.chars().all(|c| matches!(c, ' '..='~')) && scalar.text.len() <= 8000 {
        return Ok(scalar.text.clone());
    }
    let message = "a header's value must be one line of printable ASCII with at most 8000 characters";
    Err(Problem::new("invalid-header", message))
}

fn no_reference(text: &str) -> Result<(), Problem> {
    let Some(form) =
        ["${services.", "${volumes.", "${env:", "${release}"].iter().find(|form| text.contains(**form))
    else {
        return Ok(());
    };
    let message = format!("`{form}` is not filled in here: references belong under `env`");
    Err(Problem::new("misplaced-reference", message)
        .hint("give the program a variable under `env` with this reference, and let it read that"))
}

fn not_too_long(text: &str) -> Result<(), Problem> {
    if text.len() <= LONGEST {
        return Ok(());
    }
    let message =
        format!("the value has {} bytes; Linux starts a program with at most 128 KiB in one", text.len());
    Err(Problem::new("value-too-long", message).hint("put it in a file that the image or a volume holds"))
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn references_are_found_by_their_characters() {
        let problem = text(&plain("é${services.api.uri}x")).unwrap_err();
        assert_eq!(problem.range, Some(1..20));
        assert_eq!(text(&plain("a${b")).unwrap_err().range, Some(1..3));
        assert!(text(&plain(&"${".repeat(10_000))).unwrap_err().message.len() < 400);
        assert!(text(&plain(&"a".repeat(1 << 20))).is_err());
    }

    #[test]
    fn headers_stay_one_line() {
        for bad in ["a\r\nb", "a\nb", "\t", "é"] {
            assert!(header_value(&plain(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(header_value(&plain("")).unwrap(), "");
    }

    #[test]
    fn references_outside_of_variables_are_no_text() {
        assert!(word(&plain("--url=${services.api.url}")).is_err());
        assert!(header_value(&plain("${env:CSP}")).is_err());
        assert_eq!(word(&plain("${PORT}")).unwrap(), "${PORT}");
    }
}
