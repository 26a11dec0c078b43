//! `.env.example`: every variable of a service, what it is for, never the value of a secret.
//!
//! One in each service's context; services with one context, and those from a registry, share the project's. Required
//! secrets are to be filled in; everything else is a comment, since an empty value counts as set and overrides defaults.

use std::collections::BTreeSet;

use dashdeploy_contract::{Bound, Part, Reference, Requirement, Service, ServiceKind, Text};
use indexmap::IndexMap;
use serde::Serialize;

use super::RenderError;
use super::engine::Marked;
use super::sheet::Sheet;

const TEMPLATE: &str = "env/example.env.j2";
/// The project's own file. Secrets of builds are always there: dashdeploy and Compose read `.env` beside it.
const PROJECT: &str = ".env.example";

/// One file.
#[derive(Serialize)]
struct EnvExample {
    sections: Vec<Section>,
}

/// The variables of one service.
#[derive(Serialize)]
struct Section {
    service: Marked,
    /// Build-time and public, or run-time.
    when: Marked,
    required: Vec<Variable>,
    optional: Vec<Variable>,
    configured: Vec<Variable>,
}

/// One variable.
#[derive(Serialize)]
struct Variable {
    name: String,
    /// What is known of its meaning.
    meaning: Option<Marked>,
    /// What dashdeploy.yaml says, for a comment; none where it would not fit on a line.
    value: Option<Marked>,
}

/// Adds the files.
pub fn add(sheet: &mut Sheet<'_>, bound: &Bound) -> Result<(), RenderError> {
    let mut files: IndexMap<String, Vec<Section>> = IndexMap::new();
    let mut listed = BTreeSet::new();
    for service in bound.services.values() {
        let path = match service.build() {
            Some(build) if build.context != "." => format!("{}/.env.example", build.context),
            _ => PROJECT.to_owned(),
        };
        let section = Section::of(service);
        if path == PROJECT {
            listed.extend(section.required.iter().map(|variable| variable.name.clone()));
        }
        if !service.env.is_empty() || !service.secrets.is_empty() {
            files.entry(path).or_default().push(section);
        }
    }
    // A name is asked for once in a file: of two lines the later counts, and it may be the one that was left empty.
    for service in bound.services.values() {
        if let Some(section) = Section::of_build(service, &mut listed) {
            files.entry(PROJECT.to_owned()).or_default().push(section);
        }
    }
    for (path, sections) in files {
        sheet.add(&path, TEMPLATE, &EnvExample { sections }, "")?;
    }
    Ok(())
}

impl Section {
    fn of(service: &Service) -> Self {
        let secrets = |wanted: Requirement| {
            let names = service.secrets.iter().filter(move |(_, requirement)| **requirement == wanted);
            names.map(|(name, _)| Variable::secret(name)).collect()
        };
        let when = match service.kind() {
            ServiceKind::Static => {
                "Built into the page, and so public. The build reads dashdeploy.yaml, never a .env file; for `npm run dev` \
                 without a container, copy this file to .env.local."
            }
            ServiceKind::Web => "Read when the service runs.",
        };
        Self {
            service: Marked::Comment(service.name.to_string()),
            when: Marked::Comment(when.to_owned()),
            required: secrets(Requirement::Required),
            optional: secrets(Requirement::Optional),
            configured: service.env.iter().map(|(name, text)| Variable::configured(name, text)).collect(),
        }
    }
}

impl Section {
    /// The secrets of the build that no section lists yet; none where there are none.
    fn of_build(service: &Service, listed: &mut BTreeSet<String>) -> Option<Self> {
        let names = service.build().map_or(&[][..], |build| &build.secrets).iter();
        let required: Vec<Variable> =
            names.filter(|name| listed.insert((*name).clone())).map(|name| Variable::secret(name)).collect();
        let when = "Read when its image is built, and in no image.";
        (!required.is_empty()).then(|| Self {
            service: Marked::Comment(service.name.to_string()),
            when: Marked::Comment(when.to_owned()),
            required,
            optional: Vec::new(),
            configured: Vec::new(),
        })
    }
}

impl Variable {
    fn secret(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            meaning: meaning(name).map(|known| Marked::Comment(known.to_owned())),
            value: None,
        }
    }

    fn configured(name: &str, text: &Text) -> Self {
        let references: Vec<String> = text
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Reference(reference) => Some(explained(reference)),
                Part::Literal(_) => None,
            })
            .collect();
        let known: Vec<String> = meaning(name).map(str::to_owned).into_iter().chain(references).collect();
        let meaning = (!known.is_empty()).then(|| Marked::Comment(known.join(": ")));
        let shown = text.to_string();
        let fits = !shown.chars().any(char::is_control);
        let value = fits.then_some(Marked::Comment(shown));
        Self { name: name.to_owned(), meaning, value }
    }
}

fn explained(reference: &Reference) -> String {
    match reference {
        Reference::Service { service, field } => format!("the {field} of service {service}"),
        Reference::VolumePath(volume) => format!("where volume {volume} is mounted"),
        Reference::Environment(name) => format!("${name} of whoever runs dashdeploy"),
        Reference::Release => "the release".to_owned(),
    }
}

/// What a name says about its value, by the usual words at its end.
fn meaning(name: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 18] = [
        ("PASSWORD", "a password"),
        ("PASSWD", "a password"),
        ("SECRET", "a secret"),
        ("TOKEN", "a token"),
        ("KEY", "a key"),
        ("DSN", "an address with credentials"),
        ("URL", "an address"),
        ("URI", "an address"),
        ("ORIGINS", "the addresses of pages that may call"),
        ("ORIGIN", "the address of the page that may call"),
        ("HOST", "a host name"),
        ("SERVER", "a host name"),
        ("PORT", "a port"),
        ("USERNAME", "a user name"),
        ("USER", "a user name"),
        ("DIR", "a folder"),
        ("PATH", "a path"),
        ("LEVEL", "a level, such as info or debug"),
    ];
    let last = name.rsplit('_').next().unwrap_or_default().to_ascii_uppercase();
    KINDS.iter().find(|(word, _)| *word == last).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::meaning;

    #[test]
    fn names_speak_for_themselves() {
        assert_eq!(meaning("TS_ALPHA_VANTAGE_KEY"), Some("a key"));
        assert_eq!(meaning("TS_STORAGE__PRICE_CACHE_DIR"), Some("a folder"));
        assert_eq!(meaning("MONKEY"), None);
        assert_eq!(meaning("_"), None);
    }
}
