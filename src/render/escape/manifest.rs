//! How a value is written in the formats of manifests: YAML without a second reader, workflows, TOML, JSON, Bicep,
//! GitLab's pipelines.
//!
//! Given: a value as it is meant. Gives: the text that the platform's own reader turns back into exactly that value, or
//! [`Refused`]. NUL is refused everywhere: no variable of a process and no header can hold one.

use std::fmt::Write as _;

use super::{Refused, is_plain_yaml, needs_code, refuse};

fn without_nul(format: &'static str, value: &str) -> Result<(), Refused> {
    if value.contains('\0') { refuse(format, value, "it has a NUL character") } else { Ok(()) }
}

/// A YAML scalar that nothing reads a second time: bare where every reader takes it for text, else in double quotes.
pub fn yaml_scalar(value: &str) -> Result<String, Refused> {
    if is_plain_yaml(value) {
        return Ok(value.to_owned());
    }
    double_quoted("a YAML file", value)
}

/// A YAML scalar in a GitHub workflow: `${{` would start an expression, and stands for itself only as the result of one
/// (docs.github.com, "Evaluate expressions in workflows and actions", literals).
pub fn workflow_scalar(value: &str) -> Result<String, Refused> {
    yaml_scalar(&value.replace("${{", "${{ '${{' }}"))
}

/// A reference of a GitHub workflow to one value of a context, such as `secrets.API_KEY`, as an expression.
pub fn workflow_expression(reference: &str) -> Result<String, Refused> {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    if reference.contains('.') && reference.split('.').all(word) {
        return Ok(format!("${{{{ {reference} }}}}"));
    }
    refuse("a workflow's expression", reference, "it is no reference to a value of a context")
}

/// A TOML basic string (toml.io, v1.0.0, "String").
pub fn toml_string(value: &str) -> Result<String, Refused> {
    double_quoted("a TOML file", value)
}

/// A string in double quotes with the escapes that YAML 1.2.2 (section 5.7) and TOML 1.0.0 ("String") have in common.
fn double_quoted(format: &'static str, value: &str) -> Result<String, Refused> {
    without_nul(format, value)?;
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if needs_code(c) => {
                let _ = write!(text, "\\U{:08X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    Ok(text)
}

/// A TOML key: bare where it may be, else quoted.
pub fn toml_key(key: &str) -> Result<String, Refused> {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { Ok(key.to_owned()) } else { toml_string(key) }
}

/// A JSON string.
pub fn json_string(value: &str) -> Result<String, Refused> {
    without_nul("a JSON file", value)?;
    Ok(serde_json::Value::from(value).to_string())
}

/// A Bicep string (learn.microsoft.com, Bicep, "Data types", strings): single quotes; `\`, `'` and `${` with a backslash.
pub fn bicep_string(value: &str) -> Result<String, Refused> {
    without_nul("a Bicep file", value)?;
    let mut text = String::from("'");
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\'' => text.push_str("\\'"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '$' if rest.peek() == Some(&'{') => text.push_str("\\$"),
            c if needs_code(c) => {
                let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('\'');
    Ok(text)
}

/// A Bicep key of an object: an identifier where it may be, else quoted.
pub fn bicep_key(key: &str) -> Result<String, Refused> {
    let start = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if start && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(key.to_owned());
    }
    bicep_string(key)
}

/// A name that a language reads, such as a symbolic name in Bicep with its properties: written bare.
pub fn symbol(name: &str) -> Result<String, Refused> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if name.split('.').all(part) {
        return Ok(name.to_owned());
    }
    refuse("a name in code", name, "only A-Z, a-z, 0-9, _ and dots between are allowed")
}

/// A YAML scalar in a pipeline of GitLab, which reads variables (`$NAME`, `${NAME}`) in it and takes `$$` for one `$`
/// (docs.gitlab.com, "Where variables can be used").
pub fn gitlab_scalar(value: &str) -> Result<String, Refused> {
    yaml_scalar(&value.replace('$', "$$"))
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
