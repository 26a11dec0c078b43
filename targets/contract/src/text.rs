//! Strings that may hold references: `${services.api.url}`, `${volumes.data.path}`, `${env:NAME}`, `${release}`.
//!
//! Given: what stands in dashdeploy.yaml. Gives: parts that [`crate::Wiring`] puts together once the addresses are known.
//! Deliberately absent: any lookup; and the shell's `${NAME:-default}`, which is refused rather than guessed at.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Name;

/// A string with references in it, parsed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Text {
    /// The parts in order; two literals never follow each other.
    pub parts: Vec<Part>,
}

/// A piece of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    Literal(String),
    /// Something to be filled in.
    Reference(Reference),
}

/// What a reference stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// A part of a service's address.
    Service {
        /// The service meant.
        service: Name,
        /// Which part of its address.
        field: AddressField,
    },
    /// Where a volume is mounted in the service that asks.
    VolumePath(Name),
    /// A variable of the process that runs dashdeploy.
    Environment(String),
    /// The release's id, such as `r12`.
    Release,
}

/// The parts of a service's address that can be referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressField {
    /// The address a browser uses, without a trailing slash: `https://api.example.com`.
    Url,
    /// Scheme, host and port as a browser sends them in `Origin`.
    Origin,
    /// The host name by which other services of the environment reach it.
    Host,
    /// The port by which other services of the environment reach it.
    Port,
}

/// Why a string with references cannot be read. `column` counts characters from 0 within the string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TextError {
    /// What is wrong.
    pub message: String,
    /// Where in the string the reference starts, in characters from 0.
    pub column: usize,
}

impl Text {
    /// A text without references.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { parts: if text.is_empty() { Vec::new() } else { vec![Part::Literal(text)] } }
    }

    /// Reads `${…}` references; `$${` stands for a literal `${`, and a `$` before anything but `{` is itself.
    ///
    /// # Errors
    /// [`TextError`] for an unclosed or unknown reference, with its column.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, after) = rest.split_at(at);
            if let Some(kept) = before.strip_suffix('$') {
                literal.push_str(kept);
                literal.push_str("${");
                rest = &after[2..];
                continue;
            }
            literal.push_str(before);
            let column = text[..text.len() - after.len()].chars().count();
            let inside = &after[2..];
            let end = inside.find('}').ok_or_else(|| TextError {
                message: "`${` is not closed by `}`; write `$${` for a literal `${`".to_owned(),
                column,
            })?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            let reference =
                Reference::parse(&inside[..end]).map_err(|message| TextError { message, column })?;
            parts.push(Part::Reference(reference));
            rest = &inside[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// The references in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Reference(reference) => Some(reference),
            Part::Literal(_) => None,
        })
    }

    /// The text itself where it holds no reference.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

impl Reference {
    fn parse(inside: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "`${{{inside}}}` is not a reference; known are ${{services.NAME.url|origin|host|port}}, \
                 ${{volumes.NAME.path}}, ${{env:NAME}} and ${{release}} (write `$${{` for a literal `${{`)"
            )
        };
        if inside == "release" {
            return Ok(Self::Release);
        }
        if let Some(name) = inside.strip_prefix("env:") {
            return if is_variable_name(name) {
                Ok(Self::Environment(name.to_owned()))
            } else {
                Err(format!("`{name}` is not the name of a variable (A-Z, a-z, 0-9, _)"))
            };
        }
        let name = |text: &str| Name::parse(text).map_err(|error| error.to_string());
        match *inside.split('.').collect::<Vec<_>>() {
            ["services", service, field] => Ok(Self::Service {
                service: name(service)?,
                field: AddressField::parse(field).ok_or_else(unknown)?,
            }),
            ["volumes", volume, "path"] => Ok(Self::VolumePath(name(volume)?)),
            _ => Err(unknown()),
        }
    }
}

impl AddressField {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "url" => Self::Url,
            "origin" => Self::Origin,
            "host" => Self::Host,
            "port" => Self::Port,
            _ => return None,
        })
    }
}

/// True for a name that a POSIX shell accepts as a variable (IEEE 1003.1, section 8.1).
fn is_variable_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { service, field } => write!(f, "${{services.{service}.{field}}}"),
            Self::VolumePath(volume) => write!(f, "${{volumes.{volume}.path}}"),
            Self::Environment(name) => write!(f, "${{env:{name}}}"),
            Self::Release => f.write_str("${release}"),
        }
    }
}

impl fmt::Display for AddressField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "url",
            Self::Origin => "origin",
            Self::Host => "host",
            Self::Port => "port",
        })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => f.write_str(&text.replace("${", "$${"))?,
                Part::Reference(reference) => reference.fmt(f)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_references_between_literals() {
        let text = Text::parse("a${services.api.url}/x$HOME $$ ${env:A_1}").unwrap();
        assert_eq!(text.parts.len(), 4);
        assert_eq!(text.to_string(), "a${services.api.url}/x$HOME $$ ${env:A_1}");
        assert_eq!(text.references().count(), 2);
    }

    #[test]
    fn a_doubled_dollar_keeps_a_literal_brace() {
        let text = Text::parse("$${A}").unwrap();
        assert_eq!(text.as_literal(), Some("${A}"));
        assert_eq!(Text::parse(&text.to_string()).unwrap(), text);
    }

    #[test]
    fn unknown_and_unclosed_references_are_errors_with_their_column() {
        for (bad, column) in
            [("é${A}", 1), ("${services.api.uri}", 0), ("xx${", 2), ("${env:A-B}", 0), ("${A:-x}", 0)]
        {
            assert_eq!(Text::parse(bad).unwrap_err().column, column, "{bad}");
        }
    }
}
