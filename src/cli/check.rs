//! `dashdeploy check`: validates without touching anything, and compares the code with dashdeploy.yaml.

use dashdeploy_contract::{Finding, Severity, Verdict};
use serde_json::json;

use super::load::{Loaded, load};
use super::manifests::Wanted;
use super::portability::{Said, ask};
use super::{CliError, CliResult, Context, Exit};
use crate::config::suggest;
use crate::console::{Style, TargetReport, report_text};
use crate::io::tree::DiskTree;
use crate::registry;
use crate::review::{Review, codes, review, sarif};

/// Validate dashdeploy.yaml, compare it with the code, and report what each target carries of it
///
/// The code is read, never run: variables it reads and nobody declares, data it writes outside every volume, health checks that it does
/// not answer, dependencies that nothing pins, secrets that Git ships. Each finding has a code, which `check.silence` in
/// dashdeploy.yaml silences with a reason.
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
    /// The form; `sarif` is for code-scanning services
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Form,
    /// Leave the code out: dashdeploy.yaml and the targets alone
    #[arg(long)]
    no_code: bool,
    /// Say what a code means, and do nothing else; `list` names all
    #[arg(long, value_name = "CODE")]
    explain: Option<String>,
}

/// The forms of the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Form {
    /// For people; JSON with --json.
    #[default]
    Text,
    /// SARIF 2.1.0, of all findings, on standard output.
    Sarif,
}

pub(super) fn run(context: &Context, args: &Args) -> CliResult {
    if let Some(code) = &args.explain {
        return explain(context, code);
    }
    let wanted = Wanted::of(&args.targets)?;
    let loaded = load(context).inspect_err(|error| {
        if args.format == Form::Sarif {
            scanned(context, &error.report.findings);
        }
    })?;
    let Said { findings, reports } = ask(&loaded, &wanted);
    let notes = unknown_targets(&loaded);
    let reviewed = reviewed(&loaded, args)?;
    let all = loaded.findings.iter().chain(&findings).chain(&reviewed.findings);
    let findings: Vec<Finding> = all.cloned().collect();
    if args.format == Form::Sarif {
        scanned(context, &findings);
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let impossible: usize = reports.iter().map(|report| report.count(Verdict::Impossible)).sum();
    // What targets carry roughly stands in their reports; with -v, what is only worth knowing of the code is told, too.
    let worth_knowing = reviewed.findings.iter().filter(|_| context.console.is_verbose());
    let worth_knowing = worth_knowing.filter(|finding| finding.severity == Severity::Info);
    let told = findings.iter().filter(|finding| finding.severity > Severity::Info).chain(worth_knowing);
    let told: Vec<Finding> = told.cloned().collect();
    if errors > 0 || (args.strict && warnings > 0) {
        let message = format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"));
        return Err(CliError::findings(message, told));
    }
    context.console.findings(&told);
    for note in &notes {
        context.console.warning(note);
    }
    if args.format == Form::Text {
        answer(context, &loaded, &findings, &reviewed, &reports, &notes);
    }
    if args.strict { carried(impossible) } else { Ok(Exit::Done) }
}

fn carried(impossible: usize) -> CliResult {
    if impossible == 0 {
        return Ok(Exit::Done);
    }
    let message = format!("{} cannot be carried by the targets asked for", counted(impossible, "thing"));
    let error = CliError::new(Exit::Usage, "not-portable", message);
    Err(error.hint("the report above names each with its line and the mend"))
}

fn reviewed(loaded: &Loaded, args: &Args) -> CliResult<Review> {
    if args.no_code {
        return Ok(Review::default());
    }
    let tree = DiskTree::open(loaded.dir.path()).map_err(anyhow::Error::from)?;
    Ok(review(&tree, &loaded.project, &loaded.places))
}

fn scanned(context: &Context, findings: &[Finding]) {
    let log = sarif(findings, env!("CARGO_PKG_VERSION"));
    context.console.stdout(&format!("{log:#}"));
}

/// What a code means.
fn explain(context: &Context, word: &str) -> CliResult {
    let style = context.console.answer_style();
    if word == "list" {
        let lines: Vec<String> = codes::ALL.iter().map(|code| line(code, style)).collect();
        context.console.answer(json!(codes::ALL), &lines.join("\n"));
        return Ok(Exit::Done);
    }
    let Some(code) = codes::explain(word) else {
        let near = suggest::nearest(word, codes::ALL.iter().map(|code| code.code));
        let error = CliError::new(
            Exit::Usage,
            "unknown-code",
            format!("`{word}` is no code of a finding about the code"),
        );
        let list = "`dashdeploy check --explain list` names them all; a finding about dashdeploy.yaml itself says all there is to say";
        return Err(
            error.hint(near.map_or_else(|| list.to_owned(), |near| format!("did you mean `{near}`? {list}")))
        );
    };
    let silence = format!(
        "To silence it, in dashdeploy.yaml:\n\n  check:\n    silence:\n      {}: the reason",
        code.code
    );
    let text = format!(
        "{}: {}\n\n{}\n\n{silence}",
        style.bold(code.code),
        code.title,
        textwrap::fill(code.text, 100)
    );
    context.console.answer(json!(code), &text);
    Ok(Exit::Done)
}

fn line(code: &codes::Code, style: Style) -> String {
    format!("{}  {}", style.bold(&format!("{:<26}", code.code)), code.title)
}

fn answer(
    context: &Context,
    loaded: &Loaded,
    findings: &[Finding],
    reviewed: &Review,
    reports: &[TargetReport],
    notes: &[String],
) {
    let project = &loaded.project;
    let warnings = findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
    let mut text = format!(
        "{} is valid: {}, {}, {}{}.",
        project.name,
        counted(project.services.len(), "service"),
        counted(project.environments.len(), "environment"),
        counted(warnings, "warning"),
        if reviewed.silenced.is_empty() {
            String::new()
        } else {
            format!(", {} silenced", reviewed.silenced.len())
        },
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
        "silenced": reviewed.silenced,
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
