//! How a value is written in each format.
//!
//! Given: a value as it is meant. Gives: the text that the format's own reader turns back into exactly that value, or
//! [`Refused`] where the format cannot carry it. Every function is pure and total. Deliberately absent: any choice of
//! which one applies; the engine chooses by template name and type of value, never a template.

use std::fmt::Write as _;

pub mod manifest;

/// A value that a format cannot carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{format} cannot carry \"{}\": {reason}", shown(value))]
pub struct Refused {
    /// The format, as a reader would call it.
    pub format: &'static str,
    /// The value as it was meant.
    pub value: String,
    /// What stands in the way.
    pub reason: &'static str,
}

/// A part of a Compose value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Text that is meant as it stands.
    Text(String),
    /// `${NAME:?message}`: Compose stops where it is unset or empty.
    Required {
        /// The variable.
        name: String,
        /// What Compose then says.
        message: String,
    },
    /// `${NAME:-default}`.
    Default {
        /// The variable.
        name: String,
        /// The value where it is unset or empty.
        default: String,
    },
}

fn shown(value: &str) -> String {
    let short: String = value.chars().take(60).collect();
    let dots = if short.len() < value.len() { "…" } else { "" };
    format!("{}{dots}", short.escape_debug())
}

fn refuse<T>(format: &'static str, value: &str, reason: &'static str) -> Result<T, Refused> {
    Err(Refused { format, value: value.to_owned(), reason })
}

/// Refuses line ends and every other control character but the tabulator.
fn one_line(format: &'static str, value: &str) -> Result<(), Refused> {
    if value.contains(['\n', '\r']) {
        return refuse(format, value, "it has more than one line");
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return refuse(format, value, "it has a control character");
    }
    Ok(())
}

fn is_safe_word(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with(['-', '=', '~'])
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c))
}

/// A bare word of a Dockerfile: an image name, a stage, a path, a number.
pub fn dockerfile_word(value: &str) -> Result<String, Refused> {
    if is_safe_word(value) {
        return Ok(value.to_owned());
    }
    refuse("a Dockerfile instruction", value, "only A-Z, a-z, 0-9 and _./:@%+=,- are allowed here")
}

/// The value of `ENV`, `ARG` or `LABEL`, in double quotes (docs.docker.com, Dockerfile reference, "Environment
/// replacement": a backslash keeps `"`, `\` and `$` from being read).
pub fn dockerfile_quoted(value: &str) -> Result<String, Refused> {
    one_line("a Dockerfile's ENV or ARG", value)?;
    Ok(quoted_with_backslashes(value, &['\\', '"', '$']))
}

fn quoted_with_backslashes(value: &str, escaped: &[char]) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        if escaped.contains(&c) {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD` in exec form: a JSON array, which nothing expands.
pub fn exec_form(words: &[String]) -> Result<String, Refused> {
    let mut text = String::from("[");
    for (at, word) in words.iter().enumerate() {
        if word.contains('\0') {
            return refuse("a command", word, "it has a NUL character");
        }
        text.push_str(if at == 0 { "" } else { ", " });
        text.push_str(&serde_json::Value::from(word.as_str()).to_string());
    }
    text.push(']');
    Ok(text)
}

/// One word of the shell line of a `RUN`.
pub fn shell_word(value: &str) -> Result<String, Refused> {
    one_line("a shell line", value)?;
    if is_safe_word(value.trim_start_matches('-')) {
        return Ok(value.to_owned());
    }
    Ok(format!("'{}'", value.replace('\'', r"'\''")))
}

/// A command of the shell line of a `RUN`.
pub fn shell_line(words: &[String]) -> Result<String, Refused> {
    let words: Result<Vec<String>, Refused> = words.iter().map(|word| shell_word(word)).collect();
    Ok(words?.join(" "))
}

/// The operands of `COPY`: bare words, or a JSON array where one of them needs it. `*` and `?` stay wildcards.
pub fn copy_operands(paths: &[String]) -> Result<String, Refused> {
    for path in paths {
        one_line("a COPY instruction", path)?;
        if path.contains(['$', '\\', '"']) {
            return refuse("a COPY instruction", path, "it has one of $ \\ \"");
        }
    }
    let bare = |path: &String| is_safe_word(&path.replace(['*', '?'], "_"));
    if paths.iter().all(bare) { Ok(paths.join(" ")) } else { exec_form(paths) }
}

/// Words that YAML 1.1 or 1.2 reads as something else than text.
const YAML_WORDS: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];

fn is_plain_yaml(value: &str) -> bool {
    let first = value.strip_prefix("./").unwrap_or(value);
    first.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "_./:@-".contains(c))
        && !value.ends_with(':')
        && !YAML_WORDS.contains(&value.to_ascii_lowercase().as_str())
}

/// A Compose scalar: bare where every YAML reader takes it for text, else in double quotes; each `$` doubled, since
/// Compose interpolates after reading the YAML.
pub fn compose_scalar(value: &str) -> Result<String, Refused> {
    if is_plain_yaml(value) {
        return Ok(value.to_owned());
    }
    let mut text = String::from("\"");
    push_yaml(&mut text, value)?;
    text.push('"');
    Ok(text)
}

/// A Compose scalar with variables of Compose in it.
pub fn compose_pieces(pieces: &[Piece]) -> Result<String, Refused> {
    if let [Piece::Text(text)] = pieces {
        return compose_scalar(text);
    }
    let mut text = String::from("\"");
    for piece in pieces {
        match piece {
            Piece::Text(value) => push_yaml(&mut text, value)?,
            Piece::Required { name, message } => push_variable(&mut text, name, ":?", message)?,
            Piece::Default { name, default } => push_variable(&mut text, name, ":-", default)?,
        }
    }
    text.push('"');
    Ok(text)
}

fn push_variable(text: &mut String, name: &str, operator: &str, word: &str) -> Result<(), Refused> {
    const FORMAT: &str = "a Compose variable";
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return refuse(FORMAT, name, "its name may hold only A-Z, a-z, 0-9 and _");
    }
    if word.contains(['$', '{', '}', '"', '\\']) || word.chars().any(char::is_control) {
        return refuse(FORMAT, word, "it has one of $ { } \" \\ or a control character");
    }
    let _ = write!(text, "${{{name}{operator}{word}}}");
    Ok(())
}

/// The inside of a double-quoted YAML scalar (YAML 1.2.2, section 5.7), `$` doubled for Compose.
fn push_yaml(text: &mut String, value: &str) -> Result<(), Refused> {
    for c in value.chars() {
        match c {
            '\0' => return refuse("a container's variable or argument", value, "it has a NUL character"),
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '$' => text.push_str("$$"),
            c if needs_code(c) => {
                let _ = write!(text, "\\U{:08X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    Ok(())
}

/// Control, line-separating, byte-order and direction-changing characters: legal in YAML only as codes, or misleading.
fn needs_code(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A parameter of an nginx directive. `$` is refused: nginx has no way to write it literally where it reads variables.
pub fn nginx_token(value: &str) -> Result<String, Refused> {
    one_line("nginx.conf", value)?;
    if value.contains('$') {
        return refuse("nginx.conf", value, "it has a $, which nginx takes for a variable");
    }
    let bare = |c: char| c.is_ascii_alphanumeric() || "_./:=+@%-".contains(c);
    if !value.is_empty() && value.chars().all(bare) {
        return Ok(value.to_owned());
    }
    Ok(quoted_with_backslashes(value, &['\\', '"']))
}

/// A value in which nginx reads variables, in double quotes; `$` becomes `${dollar}`, which the template defines.
pub fn nginx_quoted(value: &str) -> Result<String, Refused> {
    one_line("nginx.conf", value)?;
    Ok(quoted_with_backslashes(value, &['\\', '"']).replace('$', "${dollar}"))
}

/// A regular expression as the source of a `map`, where nginx reads no variables.
pub fn nginx_regex(value: &str) -> Result<String, Refused> {
    one_line("nginx.conf", value)?;
    Ok(quoted_with_backslashes(value, &['\\', '"']))
}

/// A path as a line of an ignore file, matched literally from the root of the context.
pub fn ignore_path(path: &str) -> Result<String, Refused> {
    const FORMAT: &str = "an ignore file";
    one_line(FORMAT, path)?;
    if path.is_empty() || path.trim() != path {
        return refuse(FORMAT, path, "it is empty, or starts or ends with a blank");
    }
    let mut line = String::new();
    if path.starts_with(['#', '!']) {
        line.push('/');
    }
    for c in path.chars() {
        if "\\*?[".contains(c) {
            line.push('\\');
        }
        line.push(c);
    }
    Ok(line)
}

/// A pattern of an ignore file as the user wrote it.
pub fn ignore_pattern(pattern: &str) -> Result<String, Refused> {
    const FORMAT: &str = "an ignore file";
    one_line(FORMAT, pattern)?;
    if pattern.trim().is_empty() || pattern.trim() == "!" {
        return refuse(FORMAT, pattern, "it is empty");
    }
    if pattern.trim_start().starts_with('#') {
        return refuse(FORMAT, pattern, "a line that starts with # is a comment");
    }
    Ok(pattern.trim().to_owned())
}

/// A value in an env file: bare, or in single quotes, which shells and dotenv readers agree on.
pub fn env_value(value: &str) -> Result<String, Refused> {
    one_line("an env file", value)?;
    if is_safe_word(value) {
        return Ok(value.to_owned());
    }
    Ok(format!("'{}'", value.replace('\'', r"'\''")))
}

/// Text after `# `: it must stay on its line.
pub fn comment(text: &str) -> Result<String, Refused> {
    one_line("a comment", text)?;
    Ok(text.to_owned())
}

#[cfg(test)]
#[path = "escape_tests.rs"]
mod tests;
