//! `dashdeploy pin`: what the generated files name of others, written down by its content.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::load::{Loaded, load};
use super::{CliError, CliResult, Context, Exit, prepare};
use crate::config::{LOCK_NAME, Pins, lock_text};
use crate::console::table;
use crate::render::Used;

mod resolve;

/// Write down the digest of every image and the commit of every action that the generated files name
///
/// The answer goes to dashdeploy.lock beside dashdeploy.yaml, which is meant to be committed; `dashdeploy render` writes it into
/// the files. What is pinned already stays as it is, what is no longer used goes. Where anything cannot be asked for, nothing is
/// written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ask for everything anew, and say what changed
    #[arg(long, conflicts_with = "check")]
    update: bool,
    /// Ask nobody and write nothing; exit with 3 if anything used is not pinned
    #[arg(long)]
    check: bool,
    /// Only images
    #[arg(long, conflicts_with = "actions")]
    images: bool,
    /// Only actions of GitHub
    #[arg(long)]
    actions: bool,
}

/// One image or action, before and after.
#[derive(Debug, Serialize)]
struct Row {
    kind: &'static str,
    name: String,
    /// `missing`, `added`, `kept`, `changed` or `removed`.
    state: &'static str,
    /// What it was pinned to.
    former: Option<String>,
    /// What it is pinned to.
    now: Option<String>,
}

const IMAGE: &str = "image";
const ACTION: &str = "action";

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let loaded = load(context)?;
    context.console.findings(&loaded.findings);
    let former = prepare::pins(&loaded)?;
    let used = prepare::used(&loaded)?;
    if args.check {
        return Ok(check(context, args, &used, &former));
    }
    let ask = asked(args, &used, &former);
    let count = ask.images.len() + ask.actions.len();
    if count > 0 {
        context.console.status(&format!("asking for {count} {}", if count == 1 { "name" } else { "names" }));
    }
    let resolved = resolve::all(context, &loaded, ask);
    let found = context.interruptible("asking", "dashdeploy.lock stays as it is", resolved).await?;
    let pins = merged(args, &used, &former, found);
    let rows = rows(args, &former, &pins);
    let written = write(context, &loaded, &former, &pins)?;
    tell(context, &rows, written);
    Ok(Exit::Done)
}

impl Args {
    fn wants(&self, kind: &str) -> bool {
        match kind {
            IMAGE => !self.actions,
            _ => !self.images,
        }
    }
}

/// What has to be asked for: what is missing, or everything.
fn asked(args: &Args, used: &Used, former: &Pins) -> Used {
    let mut ask = used.clone();
    ask.images.retain(|name| args.wants(IMAGE) && (args.update || !former.images.contains_key(name)));
    ask.actions.retain(|name, _| args.wants(ACTION) && (args.update || !former.actions.contains_key(name)));
    ask
}

/// The former pins of what is still used, and what was found. A part that is not asked for stays as it is.
fn merged(args: &Args, used: &Used, former: &Pins, found: Pins) -> Pins {
    let mut pins = former.clone();
    pins.images.retain(|name, _| !args.wants(IMAGE) || used.images.contains(name));
    pins.actions.retain(|name, _| !args.wants(ACTION) || used.actions.contains_key(name));
    pins.images.extend(found.images);
    pins.actions.extend(found.actions);
    pins
}

/// Every pin as one line of text, by kind and name.
fn lines(args: &Args, pins: &Pins) -> BTreeMap<(&'static str, String), String> {
    let images = pins.images.iter().filter(|_| args.wants(IMAGE));
    let actions = pins.actions.iter().filter(|_| args.wants(ACTION));
    let images = images.map(|(name, digest)| ((IMAGE, name.clone()), digest.clone()));
    let actions =
        actions.map(|(name, pinned)| ((ACTION, name.clone()), format!("{} ({})", pinned.commit, pinned.tag)));
    images.chain(actions).collect()
}

fn rows(args: &Args, former: &Pins, pins: &Pins) -> Vec<Row> {
    let (before, after) = (lines(args, former), lines(args, pins));
    let mut keys: Vec<_> = before.keys().chain(after.keys()).cloned().collect();
    keys.sort_by(|a, b| b.0.cmp(a.0).then_with(|| a.1.cmp(&b.1)));
    keys.dedup();
    let row = |key: (&'static str, String)| {
        let (former, now) = (before.get(&key).cloned(), after.get(&key).cloned());
        let state = match (&former, &now) {
            (None, _) => "added",
            (_, None) => "removed",
            (former, now) if former == now => "kept",
            _ => "changed",
        };
        Row { kind: key.0, name: key.1, state, former, now }
    };
    keys.into_iter().map(row).collect()
}

fn check(context: &Context, args: &Args, used: &Used, former: &Pins) -> Exit {
    let ask = asked(args, used, former);
    let images = ask.images.iter().map(|name| (IMAGE, name));
    let missing: Vec<Row> = images
        .chain(ask.actions.keys().map(|name| (ACTION, name)))
        .map(|(kind, name)| Row { kind, name: name.clone(), state: "missing", former: None, now: None })
        .collect();
    let mut text: Vec<String> =
        missing.iter().map(|row| format!("{} {} is not pinned", row.kind, row.name)).collect();
    text.push(if missing.is_empty() {
        "Everything that is used is pinned.".to_owned()
    } else {
        "`dashdeploy pin` pins them.".to_owned()
    });
    context.console.answer(json!({ "pinned": missing.is_empty(), "missing": missing }), &text.join("\n"));
    if missing.is_empty() { Exit::Done } else { Exit::Pending }
}

/// Writes the file where it says anything new; true where it did.
fn write(context: &Context, loaded: &Loaded, former: &Pins, pins: &Pins) -> CliResult<bool> {
    let text = lock_text(pins);
    let there = loaded.dir.read(LOCK_NAME)?;
    let same = match &there {
        Some(bytes) => former == pins && (*bytes == text.as_bytes() || *pins != Pins::default()),
        None => *pins == Pins::default(),
    };
    if same || context.global.dry_run {
        return Ok(false);
    }
    loaded.dir.write(LOCK_NAME, text.as_bytes())?;
    Ok(true)
}

fn tell(context: &Context, rows: &[Row], written: bool) {
    let shown = |row: &Row| match (&row.former, &row.now) {
        (Some(former), Some(now)) if former != now => format!("{former} -> {now}"),
        (_, Some(now)) => now.clone(),
        (Some(former), None) => former.clone(),
        (None, None) => String::new(),
    };
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| vec![row.kind.to_owned(), row.name.clone(), row.state.to_owned(), shown(row)])
        .collect();
    let text = if rows.is_empty() {
        "The generated files name nothing that could be pinned.".to_owned()
    } else {
        table(&["KIND", "NAME", "STATE", "CONTENT"], &cells)
    };
    context.console.answer(json!({ "pins": rows, "written": written }), &text);
    if written {
        context.console.status(&format!("wrote {LOCK_NAME}; `dashdeploy render` writes it into the files"));
    }
}

/// What could not be asked for.
fn unresolved(failures: Vec<(String, String, String)>, all: usize) -> CliError {
    let message = format!("{} of {all} could not be looked up; {LOCK_NAME} stays as it is", failures.len());
    let mut hints: Vec<String> = failures.iter().map(|(_, _, hint)| hint.clone()).collect();
    hints.sort();
    hints.dedup();
    hints.retain(|hint| !hint.is_empty());
    let lines = failures.into_iter().map(|(name, message, _)| format!("{name}: {message}"));
    let error = CliError::new(Exit::Failed, "not-pinned", message).evidence(lines);
    hints.into_iter().fold(error, CliError::hint)
}
