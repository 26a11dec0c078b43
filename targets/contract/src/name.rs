//! Names of projects, services, volumes and environments: parsed once, always valid after.
//!
//! Given: text. Gives: a [`Name`], or why it is none. One rule for all of them, the narrowest that Docker, DNS labels and
//! the hosting platforms agree on, so that a name never has to be changed when the target changes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A valid name: 1 to 63 characters of `a-z`, `0-9` and `-`, starting with a letter and not ending with `-`.
///
/// The length is that of a DNS label (RFC 1035, section 2.3.4), since service names become host names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is no [`Name`], with the nearest valid name when there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a valid name: {reason}", written.escape_debug())]
pub struct InvalidName {
    /// The text as it was written.
    pub written: String,
    /// Which rule it breaks.
    pub reason: &'static str,
    /// The nearest valid name, where one can be made.
    pub suggestion: Option<String>,
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidName`] says which rule is broken and suggests the nearest valid name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        match broken_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(reason) => Err(InvalidName { written: text.to_owned(), reason, suggestion: nearest(text) }),
        }
    }

    /// Makes a valid name of any text: what is not allowed becomes `-`, an empty result becomes `fallback`.
    pub fn from_any(text: &str, fallback: &'static str) -> Self {
        Self(nearest(text).unwrap_or_else(|| fallback.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken_rule(text: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.chars().count() > 63 {
        return Some("it is longer than 63 characters");
    }
    if !text.chars().all(allowed) {
        return Some("only a-z, 0-9 and - are allowed");
    }
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Some("it must start with a letter a-z");
    }
    text.ends_with('-').then_some("it must not end with -")
}

fn nearest(text: &str) -> Option<String> {
    let mut name = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => name.push(c),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let start = name.find(|c: char| c.is_ascii_lowercase())?;
    let name: String = name[start..].chars().take(63).collect();
    Some(name.trim_end_matches('-').to_owned())
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

// Derived equality, order and hash of a name are those of its text, so that maps by name can be asked by text.
impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_dns_labels_and_refuses_everything_else() {
        for good in ["api", "a", "small-cap-dashboard", "x9"] {
            assert_eq!(Name::parse(good).map(String::from).ok().as_deref(), Some(good));
        }
        for bad in ["", "-rm", "Web", "a_b", "..", "a/b", "é", "аpp", "$(id)", "9a", "a-", "a\nb", "\0"] {
            assert!(Name::parse(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(Name::parse(&"a".repeat(64)).is_err());
    }

    #[test]
    fn suggests_the_nearest_valid_name() {
        let error = Name::parse("My App_2").unwrap_err();
        assert_eq!(error.suggestion.as_deref(), Some("my-app-2"));
        assert_eq!(Name::parse("--").unwrap_err().suggestion, None);
        assert_eq!(Name::from_any("42 Things!", "app").as_str(), "things");
        assert_eq!(Name::from_any("日本", "app").as_str(), "app");
    }
}
