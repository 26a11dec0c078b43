//! `dashdeploy check`: validates without touching anything.

use dashdeploy_contract::{Finding, Severity, Verdict};
use serde_json::json;

use super::load::{Loaded, load};
use super::manifests::Wanted;
use super::portability::{Said, ask};
use super::{CliError, CliResult, Context, Exit};
use crate::console::{TargetReport, report_text};
use crate::registry;

/// Validate dashdeploy.yaml and report what each target carries of it
///
/// For each target that an environment names, or that --target asks for, every part of every service is carried exactly,
/// roughly or not at all; each row has its line in dashdeploy.yaml, the reason, and the vendor's page. What an environment
/// asks for and its target cannot do is an error (exit code 2). -v shows what is carried exactly, too. Opens no connection
/// and writes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Fail on warnings too, and on what a target named by --target cannot do
    #[arg(long, env = "DASHDEPLOY_STRICT", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    strict: bool,
    /// Report on these targets, whether an environment names them or not; `all` for every one
    #[arg(long = "target", value_name = "TARGET", value_delimiter = ',', env = "DASHDEPLOY_TARGET")]
    targets: Vec<String>,
}

pub(super) fn run(context: &Context, args: &Args) -> CliResult {
    let wanted = Wanted::of(&args.targets)?;
    let loaded = load(context)?;
    let Said { findings, reports } = ask(&loaded, &wanted);
    let notes = unknown_targets(&loaded);
    let findings: Vec<Finding> = loaded.findings.iter().cloned().chain(findings).collect();
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let impossible: usize = reports.iter().map(|report| report.count(Verdict::Impossible)).sum();
    let told: Vec<Finding> = findings.iter().filter(|f| f.severity > Severity::Info).cloned().collect();
    if errors > 0 || (args.strict && warnings > 0) {
        let message = format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"));
        return Err(CliError::findings(message, told));
    }
    context.console.findings(&told);
    for note in &notes {
        context.console.warning(note);
    }
    answer(context, &loaded, &findings, &reports, &notes);
    if args.strict && impossible > 0 {
        let message = format!("{} cannot be carried by the targets asked for", counted(impossible, "thing"));
        return Err(CliError::new(Exit::Usage, "not-portable", message)
            .hint("the report above names each with its line and the mend"));
    }
    Ok(Exit::Done)
}

fn answer(
    context: &Context,
    loaded: &Loaded,
    findings: &[Finding],
    reports: &[TargetReport],
    notes: &[String],
) {
    let project = &loaded.project;
    let warnings = findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
    let mut text = format!(
        "{} is valid: {}, {}, {}.",
        project.name,
        counted(project.services.len(), "service"),
        counted(project.environments.len(), "environment"),
        counted(warnings, "warning"),
    );
    for report in reports {
        text.push_str("\n\n");
        text.push_str(&report_text(report, context.console.is_verbose(), context.console.answer_style()));
    }
    let value = json!({
        "project": project.name,
        "services": project.services.keys().collect::<Vec<_>>(),
        "environments": project.environments.keys().collect::<Vec<_>>(),
        "findings": findings,
        "portability": reports,
        "not_checked": notes,
    });
    context.console.answer(value, &text);
}

fn counted(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

/// Targets that environments name and this build does not have.
fn unknown_targets(loaded: &Loaded) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, environment) in &loaded.project.environments {
        let overrides = environment.services.values().filter_map(|changes| changes.target.as_ref());
        for target in std::iter::once(&environment.target).chain(overrides) {
            let note = format!("environment `{name}`: this build cannot check target `{target}`");
            if registry::target(target.as_str()).is_none() && !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes
}
