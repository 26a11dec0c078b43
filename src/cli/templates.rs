//! `dashdeploy templates`: the built-in templates, and taking them over.
//!
//! A template of the user's lies at `.dashdeploy/templates/NAME` and counts before the built-in one. What the built-in one was
//! when it was taken over is kept at `.dashdeploy/ejected/NAME`, so that it can be shown what an update of dashdeploy changed.

use std::collections::BTreeMap;

use dashdeploy_contract::Template;
use serde_json::{Value, json};
use similar::TextDiff;

use super::load::{Loaded, load};
use super::manifests;
use super::prepare::{TEMPLATES, overrides};
use super::{CliError, CliResult, Context, Exit};
use crate::console::{Style, safe, table};
use crate::render;

/// The built-in templates as they were when they were taken over.
const EJECTED: &str = ".dashdeploy/ejected";

/// List, show, take over and compare the templates that files are made from
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the templates, and which are yours
    List,
    /// Print a built-in template
    Show {
        /// Its name, as `list` shows it
        name: String,
    },
    /// Copy built-in templates to .dashdeploy/templates/, where they are yours and count before the built-in ones
    Eject {
        /// Their names, as `list` shows them
        #[arg(required = true)]
        names: Vec<String>,
        /// Replace what is yours already
        #[arg(long, conflicts_with = "accept")]
        force: bool,
        /// Leave yours as it is and take note that it follows the present built-in one: `diff` starts from there
        #[arg(long)]
        accept: bool,
    },
    /// Show what an update of dashdeploy changed in templates that are yours; exits with 3 if anything did
    Diff {
        /// Only this template
        name: Option<String>,
        /// Show what you changed instead
        #[arg(long)]
        mine: bool,
    },
}

/// One template in all its forms.
struct Forms {
    name: String,
    built_in: String,
    mine: Option<String>,
    ejected: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args) -> CliResult {
    let templates = manifests::templates();
    if let Command::Show { name } = &args.command {
        return show(context, &templates, name);
    }
    let loaded = load(context)?;
    let forms = forms(&loaded, &templates)?;
    match &args.command {
        Command::List => Ok(list(context, &forms)),
        Command::Eject { names, force, accept } => eject(context, &loaded, &forms, names, (*force, *accept)),
        Command::Diff { name, mine } => diff(context, &forms, name.as_deref(), *mine),
        Command::Show { .. } => Ok(Exit::Done),
    }
}

/// The names of templates that are the user's and whose built-in one has changed since.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn outdated(loaded: &Loaded) -> CliResult<Vec<String>> {
    let own = overrides(loaded)?;
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let forms = forms(loaded, &manifests::templates())?;
    Ok(forms.into_iter().filter(Forms::is_outdated).map(|forms| forms.name).collect())
}

fn forms(loaded: &Loaded, templates: &[Template]) -> CliResult<Vec<Forms>> {
    let mut own: BTreeMap<String, String> = overrides(loaded)?;
    let mut all = Vec::new();
    for (name, built_in) in render::templates(templates) {
        let ejected = loaded.dir.read(&format!("{EJECTED}/{name}"))?;
        let ejected = ejected.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        all.push(Forms { mine: own.remove(&name), name, built_in, ejected });
    }
    Ok(all)
}

impl Forms {
    fn is_outdated(&self) -> bool {
        self.mine.is_some() && self.ejected.as_ref().is_some_and(|ejected| *ejected != self.built_in)
    }

    fn state(&self) -> &'static str {
        match &self.mine {
            None => "built in",
            Some(_) if self.is_outdated() => "yours; the built-in one has changed since",
            Some(mine) if *mine == self.built_in => "yours, the same as the built-in one",
            Some(_) => "yours",
        }
    }

    /// From what the template was to what it is: for the update, or for the user's own edits.
    fn diff(&self, mine: bool) -> String {
        let Some(own) = &self.mine else { return String::new() };
        let former = self.ejected.as_ref().unwrap_or(&self.built_in);
        let (old, new) = if mine { (former, own) } else { (former, &self.built_in) };
        if old == new {
            return String::new();
        }
        let (from, to) = (format!("a/{}", self.name), format!("b/{}", self.name));
        TextDiff::from_lines(old, new).unified_diff().context_radius(3).header(&from, &to).to_string()
    }
}

fn show(context: &Context, templates: &[Template], name: &str) -> CliResult {
    let found = render::templates(templates).into_iter().find(|(known, _)| known == name);
    let (_, text) = found.ok_or_else(|| unknown(name))?;
    context.console.answer(json!({ "name": name, "text": text }), text.trim_end_matches('\n'));
    Ok(Exit::Done)
}

fn unknown(name: &str) -> CliError {
    CliError::new(Exit::Usage, "unknown-template", format!("there is no template `{name}`"))
        .hint("`dashdeploy templates list` shows their names")
}

fn list(context: &Context, forms: &[Forms]) -> Exit {
    let rows: Vec<Vec<String>> =
        forms.iter().map(|forms| vec![forms.name.clone(), forms.state().to_owned()]).collect();
    let value: Vec<Value> = forms
        .iter()
        .map(|forms| json!({ "name": forms.name, "yours": forms.mine.is_some(), "outdated": forms.is_outdated() }))
        .collect();
    context.console.answer(json!({ "templates": value }), &table(&["TEMPLATE", "STATE"], &rows));
    Exit::Done
}

fn eject(
    context: &Context,
    loaded: &Loaded,
    forms: &[Forms],
    names: &[String],
    (force, accept): (bool, bool),
) -> CliResult {
    let mut wanted = Vec::new();
    for name in names {
        let forms = forms.iter().find(|forms| forms.name == *name).ok_or_else(|| unknown(name))?;
        if forms.mine.is_some() && !force && !accept {
            let message = format!("{TEMPLATES}/{name} is there already");
            return Err(CliError::new(Exit::Usage, "template-exists", message)
                .hint("--force replaces it; --accept keeps it and takes the present built-in one as read"));
        }
        if forms.mine.is_none() && accept {
            let message = format!("{TEMPLATES}/{name} is not there: nothing of yours to keep");
            return Err(CliError::new(Exit::Usage, "no-template", message).hint("leave --accept out"));
        }
        wanted.push(forms);
    }
    let mut written = Vec::new();
    for forms in wanted.iter().filter(|_| !context.global.dry_run) {
        // The note comes first: were it missing, an update would go unseen.
        loaded.dir.write(&format!("{EJECTED}/{}", forms.name), forms.built_in.as_bytes())?;
        if !accept {
            let path = format!("{TEMPLATES}/{}", forms.name);
            loaded.dir.write(&path, forms.built_in.as_bytes())?;
            written.push(path);
        }
    }
    let text = match (written.as_slice(), context.global.dry_run) {
        (_, true) => format!("would take over {}", names.join(", ")),
        ([], _) => format!("noted: {} follow the present built-in ones", names.join(", ")),
        (paths, _) => {
            format!("{}\nCommit both folders; `dashdeploy render` uses them from now on.", paths.join("\n"))
        }
    };
    context.console.answer(json!({ "written": written }), &text);
    Ok(Exit::Done)
}

fn diff(context: &Context, forms: &[Forms], name: Option<&str>, mine: bool) -> CliResult {
    if let Some(name) = name {
        let found = forms.iter().find(|forms| forms.name == name).ok_or_else(|| unknown(name))?;
        if found.mine.is_none() {
            let message = format!("`{name}` is not yours: the built-in template is used");
            return Err(CliError::new(Exit::Usage, "no-template", message)
                .hint(format!("`dashdeploy templates eject {name}` takes it over")));
        }
    }
    let chosen =
        forms.iter().filter(|forms| forms.mine.is_some() && name.is_none_or(|name| forms.name == name));
    let diffs: Vec<(&str, String)> = chosen.map(|forms| (forms.name.as_str(), forms.diff(mine))).collect();
    let style = context.console.answer_style();
    let changed: Vec<String> =
        diffs.iter().filter(|(_, diff)| !diff.is_empty()).map(|(_, diff)| painted(diff, style)).collect();
    let text = match (diffs.is_empty(), changed.is_empty()) {
        (true, _) => "No template is yours.".to_owned(),
        (_, true) if mine => "You changed nothing.".to_owned(),
        (_, true) => "Nothing has changed in the built-in ones since you took yours over.".to_owned(),
        _ => changed.join("\n"),
    };
    let value: Vec<Value> = diffs.iter().map(|(name, diff)| json!({ "name": name, "diff": diff })).collect();
    context.console.answer(json!({ "templates": value }), &text);
    Ok(if changed.is_empty() || mine { Exit::Done } else { Exit::Pending })
}

/// A unified diff in colours.
pub(super) fn painted(diff: &str, style: Style) -> String {
    let paint = |line: &str| match line.as_bytes().first() {
        Some(b'+') => style.green(&safe(line)),
        Some(b'-') => style.red(&safe(line)),
        Some(b'@') => style.cyan(&safe(line)),
        _ => safe(line),
    };
    diff.lines().map(paint).collect::<Vec<_>>().join("\n")
}
