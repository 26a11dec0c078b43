//! `dashdeploy render`: writes the generated files, or tells how they differ.

use dashdeploy_contract::Severity;
use serde_json::{Value, json};

use super::load::{Loaded, load};
use super::manifests::Wanted;
use super::pipeline::Provider;
use super::portability::ask;
use super::prepare::{Done, compared_for, write};
use super::templates::{outdated, painted};
use super::{CliResult, Context, Exit};
use crate::console::table;
use crate::render::{Compared, State};

/// Write the files that follow from dashdeploy.yaml
///
/// Files that were edited by hand stay as they are, and are named.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write nothing; show what differs and exit with 3 if anything does
    #[arg(long, conflicts_with_all = ["force", "stdout"])]
    check: bool,
    /// Replace files edited by hand, too; the former ones are kept as .bak
    #[arg(long, conflicts_with = "stdout")]
    force: bool,
    /// Write nothing; print the files
    #[arg(long)]
    stdout: bool,
    /// Also for these targets, whether an environment names them or not; `all` for every one
    #[arg(long = "target", value_name = "TARGET", value_delimiter = ',', env = "DASHDEPLOY_TARGET")]
    targets: Vec<String>,
    /// The pipeline of this provider, instead of the one that dashdeploy.yaml names under `ci`
    #[arg(long, value_enum, value_name = "PROVIDER", env = "DASHDEPLOY_PROVIDER")]
    provider: Option<Provider>,
    /// Only these files
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

pub(super) fn run(context: &Context, args: &Args) -> CliResult {
    let loaded = load(context)?;
    context.console.findings(&loaded.findings);
    let mut all = compared_for(&loaded, &Wanted::of(&args.targets)?.and_used(), args.provider)?;
    warn(context, &loaded)?;
    if !args.files.is_empty() {
        let known: Vec<String> = all.iter().map(|compared| compared.file.path.clone()).collect();
        if let Some(unknown) = args.files.iter().find(|file| !known.contains(file)) {
            return Err(super::CliError::new(
                Exit::Usage,
                "unknown-file",
                format!("`{unknown}` is not a generated file"),
            )
            .hint(format!("the generated files are: {}", known.join(", "))));
        }
        all.retain(|compared| args.files.contains(&compared.file.path));
    }
    if args.stdout {
        return Ok(print(context, all));
    }
    if args.check || context.global.dry_run {
        return Ok(check(context, &all, args.check));
    }
    let mut rows = Vec::new();
    for compared in &all {
        rows.push((compared, write(&loaded, compared, args.force)?));
    }
    tell(context, &rows);
    Ok(Exit::Done)
}

/// What the files cannot make up for, and templates that an update has left behind.
fn warn(context: &Context, loaded: &Loaded) -> CliResult<()> {
    let errors = ask(loaded, &Wanted::USED).findings.iter().filter(|f| f.severity == Severity::Error).count();
    if errors > 0 {
        let things = if errors == 1 { "one thing".to_owned() } else { format!("{errors} things") };
        context.console.warning(&format!(
            "{things} in dashdeploy.yaml cannot be had on the targets of its environments; `dashdeploy check` names them"
        ));
    }
    for name in outdated(loaded)? {
        context.console.warning(&format!(
            "the built-in template {name} has changed since you took it over; `dashdeploy templates diff {name}` shows how"
        ));
    }
    Ok(())
}

fn print(context: &Context, all: Vec<Compared>) -> Exit {
    let one = all.len() == 1;
    let files = all.into_iter().map(|compared| (compared.file.path, compared.file.contents));
    // Only what is printed is made: hundreds of services are megabytes.
    if context.console.is_json() {
        let files: Vec<Value> =
            files.map(|(path, contents)| json!({ "path": path, "contents": contents })).collect();
        context.console.answer(json!({ "files": files }), "");
    } else {
        let text = |(path, contents)| if one { contents } else { format!("==> {path} <==\n{contents}") };
        context.console.answer(Value::Null, &files.map(text).collect::<Vec<_>>().join("\n"));
    }
    Exit::Done
}

fn check(context: &Context, all: &[Compared], fail: bool) -> Exit {
    let differing: Vec<&Compared> =
        all.iter().filter(|c| !matches!(c.state, State::Fresh | State::Foreign)).collect();
    let value: Vec<Value> =
        all.iter().map(|c| json!({ "path": c.file.path, "state": c.state, "diff": c.diff() })).collect();
    let style = context.console.answer_style();
    let mut lines = Vec::new();
    for compared in &differing {
        lines.push(style.bold(&format!("{}: {}", compared.file.path, word(compared.state))));
        lines.push(painted(&compared.diff(), style));
    }
    let foreign = all.iter().filter(|c| c.state == State::Foreign);
    lines.extend(foreign.map(|c| format!("{}: {}", c.file.path, word(c.state))));
    if differing.is_empty() {
        let ours = all.iter().filter(|c| c.state == State::Fresh).count();
        lines.push(format!("{ours} files are as dashdeploy.yaml has them."));
    } else {
        lines.push(format!(
            "{} of {} files differ; `dashdeploy render` refreshes those not edited by hand.",
            differing.len(),
            all.len()
        ));
    }
    context.console.answer(json!({ "fresh": differing.is_empty(), "files": value }), &lines.join("\n"));
    if fail && !differing.is_empty() { Exit::Pending } else { Exit::Done }
}

/// Says what was done with each file.
pub(super) fn tell(context: &Context, rows: &[(&Compared, Done)]) {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|(compared, done)| {
            let word = word_for(compared, *done);
            vec![compared.file.path.clone(), word.to_owned()]
        })
        .collect();
    let value: Vec<Value> =
        rows.iter().map(|(compared, done)| json!({ "path": compared.file.path, "done": done })).collect();
    context.console.answer(json!({ "files": value }), &table(&["FILE", "STATE"], &cells));
}

fn word(state: State) -> &'static str {
    match state {
        State::Missing => "missing",
        State::Fresh => "fresh",
        State::Stale => "older than dashdeploy.yaml",
        State::Edited => "edited by hand",
        State::Foreign => "yours, not generated; left alone",
    }
}

/// What was done with a file, in words.
pub(super) fn word_for(compared: &Compared, done: Done) -> &'static str {
    match done {
        Done::Written => "written",
        Done::Refreshed => "refreshed",
        Done::Fresh => "fresh",
        Done::Kept if compared.state == State::Foreign => "kept: it is yours",
        Done::Kept => "kept: edited by hand (--force replaces it)",
        Done::Replaced => "replaced, the former one is kept as .bak",
    }
}
