//! `dashdeploy check`: validates without touching anything.

use dashdeploy_contract::{Finding, Severity};
use serde_json::json;

use super::load::{Loaded, load};
use super::{CliError, CliResult, Context, Exit};
use crate::registry;

/// Validate dashdeploy.yaml and say what each environment's target cannot do
///
/// Opens no connection and writes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Fail on warnings too
    #[arg(long, env = "DASHDEPLOY_STRICT", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    strict: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> CliResult {
    let loaded = load(context)?;
    let Checked { findings, notes } = checked(&loaded);
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if errors > 0 || (args.strict && warnings > 0) {
        let message = format!("{errors} errors, {warnings} warnings");
        return Err(CliError::findings(message, findings));
    }
    context.console.findings(&findings);
    for note in &notes {
        context.console.warning(note);
    }
    let project = &loaded.project;
    let counted = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    let text = format!(
        "{} is valid: {}, {}, {}.",
        project.name,
        counted(project.services.len(), "service"),
        counted(project.environments.len(), "environment"),
        counted(warnings, "warning"),
    );
    let value = json!({
        "project": project.name,
        "services": project.services.keys().collect::<Vec<_>>(),
        "environments": project.environments.keys().collect::<Vec<_>>(),
        "findings": findings,
        "not_checked": notes,
    });
    context.console.answer(value, &text);
    Ok(Exit::Done)
}

/// What was found in the file and by the targets, and what could not be checked.
struct Checked {
    findings: Vec<Finding>,
    notes: Vec<String>,
}

fn checked(loaded: &Loaded) -> Checked {
    let mut checked = Checked { findings: loaded.findings.clone(), notes: Vec::new() };
    for name in loaded.project.environments.keys() {
        let Ok(bound) = loaded.project.bind(name.as_str()) else { continue };
        let Some(target) = registry::target(bound.target.as_str()) else {
            let note = format!("environment `{name}`: this build cannot check target `{}`", bound.target);
            checked.notes.push(note);
            continue;
        };
        for finding in target.check(&bound) {
            let finding = loaded.places.locate(finding);
            if !checked.findings.contains(&finding) {
                checked.findings.push(finding);
            }
        }
    }
    checked
}
