//! Manifests: files that a platform reads, as data.
//!
//! Given: a bound project, the addresses known beforehand, and where files of this environment go. Gives: template and
//! context of each file; `render` makes the text, so that every value is written as its format demands. Deliberately absent:
//! reading and writing files, and any choice of how a value is quoted.

use serde::Serialize;

use crate::{AddressField, Bound, Finding, Name, Part, Reference, Service, Text, Wiring};

/// A file that a platform reads, as template name and context.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// Where it goes, relative to the project, `/`-separated.
    pub path: String,
    /// The template's name among [`crate::Target::templates`].
    pub template: &'static str,
    /// What the template is given. Plain texts are quoted as the format demands.
    pub context: serde_json::Value,
    /// Lines of the file's head: how it is used without dashdeploy, and what has to be set before. One line each, no
    /// comment sign. A format without comments (JSON) leaves them out.
    pub head: Vec<String>,
    /// The key in dashdeploy.yaml that the file belongs to, for findings.
    pub key: String,
}

/// What a target makes its manifests from.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The project in its environment.
    pub bound: &'a Bound,
    /// The addresses of all services of the environment, whatever their target, as far as they are known beforehand.
    pub wiring: &'a Wiring,
    /// The environment's name where another environment has the target's plain file names; none for the one that has them.
    pub suffix: Option<&'a str>,
}

/// Files, and what they cannot hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifests {
    /// The files in a fixed order.
    pub files: Vec<Manifest>,
    /// What keeps files from being written.
    pub findings: Vec<Finding>,
}

/// A template of a manifest: its name, as `fly/fly.toml.j2`, and its text. The name's end tells the format.
pub type Template = (&'static str, &'static str);

/// A part of a variable's value in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValuePart {
    /// Known.
    Text(String),
    /// A public address that the platform assigns later.
    Url(Name),
    /// The host name of a service inside the platform.
    Host(Name),
    /// The port of a service inside the platform.
    Port(Name),
    /// A variable of the process that runs dashdeploy: its value never stands in a file.
    Given(String),
    /// The release's id.
    Release,
}

impl Desk<'_> {
    /// The path of a file of this environment: `fly.toml`, or `fly.staging.toml` where another environment has that name.
    pub fn path(&self, plain: &str) -> String {
        let Some(suffix) = self.suffix else { return plain.to_owned() };
        let (folder, file) = plain.rsplit_once('/').map_or(("", plain), |(folder, file)| (folder, file));
        let named = match file.rsplit_once('.') {
            Some((stem, extension)) => format!("{stem}.{suffix}.{extension}"),
            None => format!("{file}.{suffix}"),
        };
        if folder.is_empty() { named } else { format!("{folder}/{named}") }
    }

    /// A variable's value: what is known is filled in, everything else stays a part of its own.
    pub fn parts(&self, text: &Text, service: &Service) -> Vec<ValuePart> {
        let mut parts: Vec<ValuePart> = Vec::new();
        for part in &text.parts {
            let next = match part {
                Part::Literal(text) => ValuePart::Text(text.clone()),
                Part::Reference(reference) => self.part(reference, service),
            };
            match (parts.last_mut(), next) {
                (Some(ValuePart::Text(before)), ValuePart::Text(text)) => before.push_str(&text),
                (_, next) => parts.push(next),
            }
        }
        parts
    }

    /// A variable's value where all of it is known.
    pub fn value(&self, text: &Text, service: &Service) -> Option<String> {
        match self.parts(text, service).as_slice() {
            [] => Some(String::new()),
            [ValuePart::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    fn part(&self, reference: &Reference, service: &Service) -> ValuePart {
        match reference {
            Reference::Environment(name) => return ValuePart::Given(name.clone()),
            Reference::Release => return ValuePart::Release,
            _ => {}
        }
        let single = Text { parts: vec![Part::Reference(reference.clone())] };
        if let Ok(value) = self.wiring.resolve(&single, service) {
            return ValuePart::Text(value);
        }
        match reference {
            Reference::Service { service: named, field } => match field {
                AddressField::Url | AddressField::Origin => ValuePart::Url(named.clone()),
                AddressField::Host => ValuePart::Host(named.clone()),
                AddressField::Port => ValuePart::Port(named.clone()),
            },
            // `config` refuses a path of a volume that is not mounted; an empty text is never met.
            _ => ValuePart::Text(String::new()),
        }
    }
}

/// Values of a manifest's context that are not plain text. A template writes them by `{{ … }}` as any other value.
pub mod word {
    use serde_json::{Value, json};

    /// A key: bare where the format allows it (TOML, Bicep), else quoted.
    pub fn key(text: &str) -> Value {
        json!({ "$key": text })
    }

    /// A name in code, such as a symbolic name of Bicep, with its properties behind dots; anything else is refused.
    pub fn symbol(text: &str) -> Value {
        json!({ "$symbol": text })
    }

    /// Text of a comment.
    pub fn comment(text: &str) -> Value {
        json!({ "$comment": text })
    }

    /// A string of Bicep made of texts and [`symbol`]s.
    pub fn join(parts: &[Value]) -> Value {
        json!({ "$join": parts })
    }
}

/// A name made of several words: joined by `-`, and where that is longer than `most`, cut and ended by six hexadecimal digits
/// of a SHA-256 over the whole, so that two long names never become one. Stable: the same words give the same name.
pub fn derived_name(words: &[&str], most: usize) -> String {
    use sha2::{Digest, Sha256};
    let whole = words.join("-");
    if whole.len() <= most {
        return whole;
    }
    let hash: String = Sha256::digest(&whole).iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = whole.chars().take(most.saturating_sub(7)).collect();
    format!("{}-{hash}", kept.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        assert_eq!(derived_name(&["shop", "api"], 32), "shop-api");
        let long = "a".repeat(40);
        let (one, two) = (derived_name(&[&long, "api"], 32), derived_name(&[&long, "web"], 32));
        assert!(one.len() == 32 && one != two && one == derived_name(&[&long, "api"], 32), "{one} {two}");
        assert!(!derived_name(&["abc-", "defghijkl"], 12).contains("--"));
    }

    #[cfg(feature = "conformance")]
    #[test]
    fn files_of_another_environment_carry_its_name() {
        let release = crate::conformance::sample("docker");
        let desk = |suffix| Desk { bound: &release.bound, wiring: &release.wiring, suffix };
        assert_eq!(desk(None).path("deploy/aws/core.yaml"), "deploy/aws/core.yaml");
        assert_eq!(desk(Some("staging")).path("deploy/aws/core.yaml"), "deploy/aws/core.staging.yaml");
        assert_eq!(desk(Some("staging")).path("fly.toml"), "fly.staging.toml");
    }
}
