//! What the code needs against what dashdeploy.yaml gives it.
//!
//! Given: a source tree, a valid project, the places of its keys. Gives: [`Finding`]s with stable codes, each where it stands, and
//! those that the project silences with a reason. Deliberately absent: running anything of the project, and changing the tree or
//! the file. What is knowingly not seen stands in [`codes`].

pub mod codes;
mod data;
mod health;
mod sarif;
mod silence;
mod variables;

pub use self::sarif::sarif;
pub use self::silence::Silenced;

use dashdeploy_contract::{Finding, Place, Project, Recipe, Service, Severity, Source};

use crate::config::Places;
use crate::detect::code::Code;
use crate::detect::draft::Draft;
use crate::detect::tree::SourceTree;
use crate::detect::{Evidence, Note};

/// What the review came to.
#[derive(Debug, Default)]
pub struct Review {
    /// What is to be told, by place.
    pub findings: Vec<Finding>,
    /// What the project silences.
    pub silenced: Vec<Silenced>,
}

/// A finding and the service that it is about.
struct Found {
    finding: Finding,
    service: Option<String>,
}

/// A configured service beside its code.
struct Pair<'a> {
    code: &'a Code<'a>,
    draft: &'a Draft,
    service: &'a Service,
    places: &'a Places,
    found: Vec<Found>,
}

/// Compares the code with the configuration.
pub fn review(tree: &dyn SourceTree, project: &Project, places: &Places) -> Review {
    let code = Code::read(tree);
    let mut found = noted(&code, project);
    for service in project.services.values() {
        let Some(build) = build_of(service) else { continue };
        let Some(draft) = code.of(build) else {
            found.extend(unseen(service, build, places));
            continue;
        };
        let mut pair = Pair { code: &code, draft, service, places, found: Vec::new() };
        variables::compare(&mut pair);
        data::compare(&mut pair);
        health::compare(&mut pair);
        found.append(&mut pair.found);
    }
    silence::apply(found, project, places)
}

/// The build of a service whose Dockerfile is generated: a Dockerfile of the user's own may do anything.
fn build_of(service: &Service) -> Option<&dashdeploy_contract::Build> {
    match &service.source {
        Source::Build(build) if !matches!(build.recipe, Recipe::Own { .. }) => Some(build),
        _ => None,
    }
}

/// A service whose code was not made out is not found clean.
fn unseen(service: &Service, build: &dashdeploy_contract::Build, places: &Places) -> Option<Found> {
    if matches!(build.recipe, Recipe::Files { .. }) {
        return None;
    }
    let (name, kind) = (&service.name, build.kind.as_str());
    let message = format!(
        "no {kind} application was made out in `{}`: the code of `{name}` was not compared",
        build.context
    );
    let hint = "`dashdeploy init --dry-run` in a copy without dashdeploy.yaml says what is looked for";
    let finding = Finding::info("code-not-recognised", format!("services.{name}.build"), message).hint(hint);
    Some(Found { finding: places.locate(finding), service: Some(name.to_string()) })
}

/// What was seen of the tree itself, where a service is built of that part of it.
fn noted(code: &Code<'_>, project: &Project) -> Vec<Found> {
    let about = |note: &Note| {
        let file = note.evidence.as_ref()?.file.as_str();
        let builds = project.services.values().filter_map(|service| Some((service, build_of(service)?)));
        let of = |context: &str| {
            context == "." || file.strip_prefix(context).is_some_and(|rest| rest.starts_with('/'))
        };
        builds.filter(|(_, build)| of(&build.context)).map(|(service, _)| service.name.to_string()).next()
    };
    let is_told = |note: &&Note| {
        let anywhere = codes::ANYWHERE.contains(&note.code);
        anywhere || codes::OF_A_SERVICE.contains(&note.code) && about(note).is_some()
    };
    let found = code.notes().iter().filter(is_told).map(|note| Found {
        service: about(note),
        finding: placed(code, as_finding(note), note.evidence.as_ref()),
    });
    found.collect()
}

fn as_finding(note: &Note) -> Finding {
    let make = if note.warning { Finding::warning } else { Finding::info };
    let mut finding = make(note.code, "", note.message.clone());
    finding.hint.clone_from(&note.mend);
    finding
}

/// A finding at a place of the code. The line itself is shown only where the evidence already shows it: a line of an `.env` file
/// may hold a secret.
fn placed(code: &Code<'_>, finding: Finding, evidence: Option<&Evidence>) -> Finding {
    let Some(evidence) = evidence else { return finding };
    let what = evidence.what.as_str();
    let is_env = evidence.file.rsplit('/').next().is_some_and(|name| name.starts_with(".env"));
    let line = code.line(&evidence.file, evidence.line).filter(|line| !is_env && line.chars().count() < 200);
    let at = line.as_ref().and_then(|line| Some(line[..line.find(what)?].chars().count()));
    let source = if at.is_some() { line.unwrap_or_default() } else { what.to_owned() };
    finding.at(Place {
        file: evidence.file.clone(),
        line: evidence.line.max(1),
        column: at.unwrap_or(0) + 1,
        length: what.chars().count().max(1),
        source,
    })
}

impl Pair<'_> {
    /// A finding in the code.
    fn in_code(&mut self, finding: Finding, evidence: &Evidence) {
        let finding = placed(self.code, finding, Some(evidence));
        self.add(finding);
    }

    /// A finding in dashdeploy.yaml; its key tells where.
    fn in_file(&mut self, finding: Finding) {
        let finding = self.places.locate(finding);
        self.add(finding);
    }

    fn add(&mut self, finding: Finding) {
        self.found.push(Found { finding, service: Some(self.service.name.to_string()) });
    }

    /// A key of the service in dashdeploy.yaml.
    fn key(&self, below: &str) -> String {
        format!("services.{}.{below}", self.service.name)
    }

    fn is_declared(&self, name: &str) -> bool {
        self.service.env.contains_key(name) || self.service.secrets.contains_key(name)
    }
}

/// By severity, then by place: what matters most first.
fn sort(findings: &mut [Finding]) {
    let place = |finding: &Finding| {
        finding.place.as_ref().map(|place| (place.file.clone(), place.line, place.column))
    };
    findings.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| place(a).cmp(&place(b))).then_with(|| a.code.cmp(&b.code))
    });
}

/// The severity of a doubt about code that may not run.
fn severity(certain: bool) -> Severity {
    if certain { Severity::Warning } else { Severity::Info }
}

#[cfg(test)]
mod tests;
