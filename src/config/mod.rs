//! dashdeploy.yaml → a validated [`Project`].
//!
//! Given: a file's name and bytes. Gives: the project, every finding at once (each with line, column and source line), and
//! the places of all keys, so that what targets find later gets a place too. Deliberately absent: file access, and any
//! look at the folder beside the file.
//!
//! The way of a file: `source` (bytes → text) → `yaml` (text → tree with places) → `check` (tree against the tables in
//! `keys`, whose single values keep the `rules`) → `draft` (tree → project, with something harmless wherever a finding has
//! been made, so that the next step can go on) → `checks` (what only the whole project shows) → findings, in the file's
//! order. The same tables give the JSON Schema.

mod check;
mod checks;
mod draft;
mod keys;
mod lock;
mod places;
mod report;
mod rules;
mod schema;
mod secrets;
mod shape;
mod source;
pub(crate) mod suggest;
mod yaml;

use dashdeploy_contract::{Finding, Project};

pub use lock::{LOCK_NAME, PinnedAction, Pins, lock_text, parse_lock};
pub use places::Places;
pub use schema::{SCHEMA_URL, schema};
pub use yaml::quote;
pub(crate) use yaml::{Node, read_other as read_yaml};

use check::Check;
use report::Report;
use shape::Shape;
use source::Source;

/// The names under which the file is looked for, the usual one first.
pub const FILE_NAMES: [&str; 2] = ["dashdeploy.yaml", "dashdeploy.yml"];

/// What reading a file gave.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The project; there whenever no finding is an error.
    pub project: Option<Project>,
    /// Every finding, with its place, in the file's order.
    pub findings: Vec<Finding>,
    /// Where the keys stand.
    pub places: Places,
}

/// A registry that images can be pushed to, by the rule of the key `registry`.
///
/// # Errors
/// What is wrong with it, and the mend.
pub fn check_registry(text: &str) -> Result<String, (String, Option<String>)> {
    let scalar = yaml::Scalar { text: text.to_owned(), plain: false };
    rules::registry(&scalar).map_err(|problem| (problem.message, problem.hint))
}

/// A place for a shared ledger, by the rule of the key `ledger`.
///
/// # Errors
/// What is wrong with it, and the mend.
pub fn check_ledger(text: &str) -> Result<String, (String, Option<String>)> {
    let scalar = yaml::Scalar { text: text.to_owned(), plain: false };
    rules::ledger(&scalar).map_err(|problem| (problem.message, problem.hint))
}

/// Reads dashdeploy.yaml. `known_targets` are the words that this build knows a target for; the platforms that are known by
/// name alone are valid too, so that one file serves every build.
pub fn parse(file_name: &str, bytes: &[u8], known_targets: &[&str]) -> Parsed {
    let source = match Source::read(file_name, bytes) {
        Ok(source) => source,
        Err(refused) => {
            let (source, finding) = *refused;
            return Parsed { project: None, findings: vec![finding], places: Places::of(source, None) };
        }
    };
    let report = Report::default();
    let root = yaml::read(source.text(), &report);
    let mut places = Places::of(source, root.as_deref());
    let draft = root.and_then(|root| {
        Check { report: &report, places: &places }.node(&root, &Shape::Object(&keys::FILE), "");
        let draft = draft::project(&root, known_targets, &report)?;
        checks::all(&draft, &report);
        Some(draft)
    });
    let project = match draft {
        Some(draft) if !report.has_errors() => Some(draft.project),
        None if !report.has_errors() => {
            report.add(Finding::error("unreadable", "", "the file describes no project"));
            None
        }
        _ => None,
    };
    places.mask(&report.secret_keys());
    Parsed { project, findings: report.finish(&places), places }
}
