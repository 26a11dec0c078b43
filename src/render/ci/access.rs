//! What a step of GitHub's workflow is let in with: secrets, variables, logins without a stored secret.
//!
//! Given: an environment and what its targets need. Gives: the variables of one step, each with the reference that it is taken
//! from, and the same as lines for the file's head. Never a value.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{Bound, Federation, Reference};
use indexmap::IndexMap;
use serde::Serialize;

use super::{Access, Stage};
use crate::render::ci::actions::Step;
use crate::render::engine::Marked;
use crate::render::sheet::Sheet;

/// A variable of a step.
#[derive(Debug, Clone, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub value: Marked,
}

/// A step that logs in.
#[derive(Serialize)]
pub struct Login {
    /// What it does.
    name: String,
    step: Step,
    /// True where the repository has what it needs; for runs that can do without.
    able: String,
    inputs: Vec<Input>,
}

/// An input of an action.
#[derive(Serialize)]
struct Input {
    name: String,
    value: InputValue,
}

/// A value, or where it comes from.
#[derive(Serialize)]
#[serde(untagged)]
enum InputValue {
    Text(String),
    From(Marked),
}

/// A secret of the repository or environment as a variable of the same name. GitHub keeps no secret whose name starts with
/// `GITHUB_` but its own token (docs.github.com, "Secrets reference", naming); such a one is kept with `_` before it.
pub fn secret(name: &str) -> Variable {
    Variable { name: name.to_owned(), value: Marked::Expression(format!("secrets.{}", kept_name(name))) }
}

fn kept_name(name: &str) -> String {
    let reserved = name.to_ascii_uppercase().starts_with("GITHUB_") && name != "GITHUB_TOKEN";
    if reserved { format!("_{name}") } else { name.to_owned() }
}

fn variable(name: &str) -> Variable {
    Variable { name: name.to_owned(), value: Marked::Expression(format!("vars.{name}")) }
}

/// True where the runner itself has the variable.
fn is_given(name: &str) -> bool {
    name == "CI" || name.starts_with("GITHUB_") || name.starts_with("RUNNER_")
}

/// Everything that a stage reads, by what it is for.
pub struct Reads {
    /// The targets' credentials and the registry's: what looking takes.
    pub looking: Vec<Variable>,
    /// The same and the application's own: what deploying takes.
    pub deploying: Vec<Variable>,
    /// Names that must have a value, with a blank between them.
    pub required: String,
    /// True where the run shows who it is by a token.
    pub federated: bool,
    /// What GitHub's own registry wants: `read` to look, `write` to deploy.
    pub packages: bool,
    /// Lines for the head: kind and name, and what it is for.
    pub told: BTreeMap<(&'static str, String), String>,
}

/// What a stage reads.
pub fn reads(stage: &Stage, bound: &Bound) -> Reads {
    let mut looking = IndexMap::new();
    let (mut required, mut told) = (Vec::new(), BTreeMap::new());
    for access in &stage.access {
        match &access.federation {
            Some(federation) => {
                let purpose =
                    format!("for {}, without a stored secret ({})", access.title, federation.action);
                for (_, name) in federation.inputs.iter().filter(|(input, _)| !is_region(access, input)) {
                    looking.insert(name.clone(), variable(name));
                    required.push(name.clone());
                    told.insert(("variable", name.clone()), purpose.clone());
                }
            }
            None => {
                for (name, purpose) in &access.credentials {
                    looking.insert(name.clone(), secret(name));
                    required.push(name.clone());
                    told.insert(("secret", kept_name(name)), format!("{}: {purpose}", access.title));
                }
                for (name, purpose) in &access.optional {
                    looking.insert(name.clone(), secret(name));
                    let purpose = format!("{}, if wanted: {purpose}", access.title);
                    told.insert(("secret", kept_name(name)), purpose);
                }
            }
        }
    }
    let packages = registry(bound, &mut looking, &mut told);
    let mut deploying = looking.clone();
    own(bound, &mut deploying, &mut told);
    Reads {
        federated: stage.access.iter().any(|access| access.federation.is_some()),
        looking: looking.into_values().collect(),
        deploying: deploying.into_values().collect(),
        required: required.join(" "),
        packages,
        told,
    }
}

type Told = BTreeMap<(&'static str, String), String>;

/// The registry's login; true for GitHub's own, which takes the run's token.
fn registry(bound: &Bound, variables: &mut IndexMap<String, Variable>, told: &mut Told) -> bool {
    let host = bound.registry.as_deref().map(|registry| registry.split('/').next().unwrap_or_default());
    let Some(host) = host else { return false };
    if host == "ghcr.io" {
        let value = Marked::Expression("github.token".to_owned());
        variables.insert("GITHUB_TOKEN".to_owned(), Variable { name: "GITHUB_TOKEN".to_owned(), value });
        return true;
    }
    // Amazon's takes the credentials of its target, Fly's the token of its own.
    let names: &[&str] = match host {
        "docker.io" => &["DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"],
        "registry.fly.io" => &["FLY_API_TOKEN"],
        _ if host.ends_with(".amazonaws.com") => &[],
        _ => &["DASHDEPLOY_REGISTRY_USERNAME", "DASHDEPLOY_REGISTRY_PASSWORD"],
    };
    for name in names {
        variables.entry((*name).to_owned()).or_insert_with(|| secret(name));
        told.entry(("secret", (*name).to_owned())).or_insert_with(|| format!("the login at {host}"));
    }
    false
}

/// The application's own secrets, and variables that its values name.
fn own(bound: &Bound, variables: &mut IndexMap<String, Variable>, told: &mut Told) {
    let services = bound.services.values();
    let builds = services.clone().filter_map(|service| service.build());
    let of_builds = builds.flat_map(|build| build.secrets.iter());
    let secrets: BTreeSet<&String> =
        services.clone().flat_map(|service| service.secrets.keys()).chain(of_builds).collect();
    for name in secrets {
        variables.entry(name.clone()).or_insert_with(|| secret(name));
        if name != "GITHUB_TOKEN" {
            told.entry(("secret", kept_name(name))).or_insert_with(|| "the application's own".to_owned());
        }
    }
    let texts = services.flat_map(|service| service.env.values());
    let named: BTreeSet<&String> = texts
        .flat_map(|text| text.references())
        .filter_map(|reference| match reference {
            Reference::Environment(name) => Some(name),
            _ => None,
        })
        .collect();
    for name in named.into_iter().filter(|name| !is_given(name)) {
        variables.entry(name.clone()).or_insert_with(|| variable(name));
        told.entry(("variable", name.clone()))
            .or_insert_with(|| format!("${{env:{name}}} in dashdeploy.yaml"));
    }
}

/// True for the input that takes the region of dashdeploy.yaml.
fn is_region(access: &Access, input: &str) -> bool {
    let federation = access.federation.as_ref();
    access.region.is_some() && federation.is_some_and(|known| known.region.as_deref() == Some(input))
}

/// The steps that log in to the targets of a stage.
pub fn logins(sheet: &mut Sheet<'_>, stage: &Stage) -> Vec<Login> {
    let mut logins = Vec::new();
    for access in &stage.access {
        let Some(Federation { action, inputs, .. }) = &access.federation else { continue };
        let Some(step) = sheet.action(action) else { continue };
        let from = |name: &str| InputValue::From(Marked::Expression(format!("vars.{name}")));
        let needed = inputs.iter().filter(|(input, _)| !is_region(access, input));
        logins.push(Login {
            name: format!("Log in to {}", access.title),
            step,
            able: needed.map(|(_, name)| format!("vars.{name} != ''")).collect::<Vec<_>>().join(" && "),
            inputs: inputs
                .iter()
                .map(|(input, name)| {
                    let region = access.region.clone().filter(|_| is_region(access, input));
                    Input { name: input.clone(), value: region.map_or_else(|| from(name), InputValue::Text) }
                })
                .collect(),
        });
    }
    logins
}
