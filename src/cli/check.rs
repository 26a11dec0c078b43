//! `dashdeploy check`: validates without touching anything.

use dashdeploy_contract::{Finding, Severity};
use serde_json::json;

use super::load::load;
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
    let mut findings = loaded.findings.clone();
    let mut notes = Vec::new();
    for name in loaded.project.environments.keys() {
        let Ok(bound) = loaded.project.bind(name.as_str()) else { continue };
        match registry::target(bound.target.as_str()) {
            Some(target) => {
                let of_target = target.check(&bound).into_iter().map(|finding| loaded.places.locate(finding));
                findings.extend(
                    of_target.filter(|finding| !findings.contains(finding)).collect::<Vec<Finding>>(),
                );
            }
            None => {
                notes.push(format!("environment `{name}`: this build cannot check target `{}`", bound.target))
            }
        }
    }
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
    let services = loaded.project.services.len();
    let text = format!(
        "{} is valid: {services} services, {} environments, {warnings} warnings.",
        loaded.project.name,
        loaded.project.environments.len()
    );
    let value = json!({
        "project": loaded.project.name,
        "services": loaded.project.services.keys().collect::<Vec<_>>(),
        "environments": loaded.project.environments.keys().collect::<Vec<_>>(),
        "findings": findings,
        "not_checked": notes,
    });
    context.console.answer(value, &text);
    Ok(Exit::Done)
}
