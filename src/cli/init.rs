//! `dashdeploy init`: looks at the source tree, explains, asks what cannot be known, writes the configuration and the files.

use serde_json::json;

use super::load::load;
use super::manifests::Wanted;
use super::prepare::{compared, write};
use super::{CliError, CliResult, Context, Exit};
use crate::config::FILE_NAMES;
use crate::console::{Style, ask, safe};
use crate::detect::{self, Detection, Fact};
use crate::io::fs::ProjectDir;
use crate::io::tree::DiskTree;

/// Look at the source tree and write dashdeploy.yaml and the files that follow from it
///
/// Every conclusion is explained with the file and line it rests on. Nothing of the project is run. An existing
/// dashdeploy.yaml is never overwritten.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write dashdeploy.yaml only
    #[arg(long)]
    no_render: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let dir = ProjectDir::open(&context.start_dir())?;
    let file = FILE_NAMES[0];
    if let Some(there) = FILE_NAMES.iter().find(|name| dir.has(name)) {
        return Err(CliError::new(
            Exit::Usage,
            "exists",
            format!("{there} is there already, and is never overwritten"),
        )
        .hint("edit it and run `dashdeploy render`; or move it away and run `dashdeploy init` again"));
    }
    let tree = DiskTree::open(dir.path()).map_err(anyhow::Error::from)?;
    let mut detection = detect::detect(&tree);
    if detection.services.is_empty() {
        return Err(nothing_found(&dir, &detection));
    }
    explain(context, &detection);
    answer_questions(context, &mut detection)?;
    let text = detect::yaml::write(&detection);
    if context.global.dry_run {
        context.console.answer(
            json!({ "dry_run": true, "file": file, "contents": text, "detection": detection }),
            &text,
        );
        return Ok(Exit::Done);
    }
    dir.write(file, text.as_bytes())?;
    context.console.status(&format!("wrote {file}"));
    let files = if args.no_render { Vec::new() } else { render(context)? };
    let style = context.console.answer_style();
    let next = next_steps(&detection, style);
    context.console.answer(json!({ "file": file, "files": files, "detection": detection }), &next);
    Ok(Exit::Done)
}

fn nothing_found(dir: &ProjectDir, detection: &Detection) -> CliError {
    let looked = detection.looked_for.iter().map(|what| format!("looked for {what}"));
    CliError::new(Exit::Usage, "nothing-found", format!("no service was found in {}", dir.path().display()))
        .evidence(looked)
        .hint("run it in the folder that holds your sources (-C DIR), or write dashdeploy.yaml by hand: `dashdeploy schema`")
}

/// Says what was concluded, and from what.
fn explain(context: &Context, detection: &Detection) {
    let style = context.console.style();
    let width = crate::io::terminal::size().map_or(120, |(columns, _)| usize::from(columns));
    for service in detect::report(detection) {
        let kind = service.kind.as_str();
        context.console.status(&format!(
            "{}  {kind} in {}",
            style.bold(&service.name),
            safe(&service.folder)
        ));
        for fact in &service.facts {
            context.console.status(&fact_line(fact, width, style));
        }
    }
    for note in &detection.notes {
        let place =
            note.evidence.as_ref().map(|evidence| format!(" ({})", evidence.place())).unwrap_or_default();
        let message = format!("{}{place}", note.message);
        if note.warning {
            context.console.warning(&message);
        } else {
            context.console.status(&format!("{}: {}", style.cyan("note"), safe(&message)));
        }
        if let Some(mend) = &note.mend {
            context.console.status(&format!("  {}: {}", style.cyan("mend"), safe(mend)));
        }
    }
}

/// What was concluded, where it stands, and as much of the source line as the terminal has room for.
fn fact_line(fact: &Fact, width: usize, style: Style) -> String {
    let conclusion = safe(&fact.conclusion);
    let Some(evidence) = &fact.evidence else {
        return format!("  {conclusion:<44}  {}", style.dim("default"));
    };
    let place = safe(&evidence.place());
    let taken = 2 + conclusion.chars().count().max(44) + 2 + place.chars().count() + 2;
    let what: String = safe(&evidence.what).chars().take(width.saturating_sub(taken + 1)).collect();
    format!("  {conclusion:<44}  {}  {}", style.cyan(&place), style.dim(&what))
}

fn answer_questions(context: &Context, detection: &mut Detection) -> CliResult<()> {
    if !context.may_ask() {
        return Ok(());
    }
    for question in detect::questions(detection) {
        let labels: Vec<String> = question.choices.iter().map(|choice| safe(&choice.label)).collect();
        let chosen = ask::choice(&safe(&question.prompt), &labels, 0)?;
        if let Some(choice) = question.choices.get(chosen) {
            detection.answer(&question.id, &choice.value).map_err(anyhow::Error::from)?;
        }
    }
    Ok(())
}

fn render(context: &Context) -> CliResult<Vec<String>> {
    let loaded = load(context)?;
    context.console.findings(&loaded.findings);
    let mut written = Vec::new();
    for compared in &compared(&loaded, &Wanted::USED)? {
        let done = write(&loaded, compared, false)?;
        let word = super::render::word_for(compared, done);
        context.console.status(&format!("  {:<44} {word}", compared.file.path));
        written.push(compared.file.path.clone());
    }
    Ok(written)
}

fn next_steps(detection: &Detection, style: Style) -> String {
    let secrets: Vec<&str> = detection
        .services
        .iter()
        .flat_map(|service| &service.secrets)
        .filter(|(_, secret)| secret.requirement == dashdeploy_contract::Requirement::Required)
        .map(|(name, _)| name.as_str())
        .collect();
    let up = style.cyan("dashdeploy up");
    if secrets.is_empty() {
        return format!("Next: {up}");
    }
    format!("Next: give {} a value in the environment or in .env, then {up}", secrets.join(", "))
}
