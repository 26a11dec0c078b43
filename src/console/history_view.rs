//! The releases of an environment as a table, and the verdict over bringing one of them back.
//!
//! Given: rows and verdicts as data. Gives: text; as JSON they are the data itself. Deliberately absent: the ledger.

use super::fold::{fold, short};
use super::{Style, table};
use crate::deploy::{HistoryKind, HistoryRow, RollbackReason, RollbackVerdict};

/// The releases as a table, in the order given. Times are in UTC, so that two people see the same.
pub fn history_text(rows: &[HistoryRow]) -> String {
    if rows.is_empty() {
        return "Nothing was deployed here yet.".to_owned();
    }
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    table(&["", "RELEASE", "WHEN (UTC)", "WHAT", "OUTCOME", "BY", "COMMIT", "IMAGES"], &rows)
}

fn cells(row: &HistoryRow) -> Vec<String> {
    let commit = row.commit.as_ref().map(|commit| {
        let changed = if row.dirty { "+" } else { "" };
        format!("{}{changed}", commit.chars().take(8).collect::<String>())
    });
    let images: Vec<String> =
        row.images.iter().map(|(service, image)| format!("{service} {}", short(image))).collect();
    let cells = vec![
        if row.runs { "*" } else { "" }.to_owned(),
        row.number.map_or_else(|| "-".to_owned(), |number| format!("r{number}")),
        row.at.strftime("%Y-%m-%d %H:%M").to_string(),
        what(row),
        row.outcome.word().to_owned(),
        row.by.clone(),
        commit.unwrap_or_else(|| "-".to_owned()),
        images.join(", "),
    ];
    cells.into_iter().map(|cell| cell.replace(['\n', '\t'], " ")).collect()
}

fn what(row: &HistoryRow) -> String {
    match (row.kind, row.rollback_of) {
        (HistoryKind::Rollback, Some(number)) => format!("rollback to r{number}"),
        (HistoryKind::Rollback, None) => "rollback".to_owned(),
        (HistoryKind::Deploy, _) => "deploy".to_owned(),
        (HistoryKind::Destroy, _) => "destroy".to_owned(),
    }
}

/// The verdict over a rollback as several lines.
pub fn rollback_text(verdict: &RollbackVerdict, style: Style) -> String {
    let number =
        |number: Option<u32>| number.map_or_else(|| "a release".to_owned(), |number| format!("r{number}"));
    let from = verdict.from.map(|from| format!(" from r{from}")).unwrap_or_default();
    let head = format!("Rollback{from} to {}", number(verdict.to));
    let mut lines = vec![match (verdict.is_possible(), verdict.is_clear()) {
        (_, true) => format!("{head}: {}", style.green("nothing stands in the way")),
        (true, _) => format!("{head}: {}", style.yellow("possible, but to be thought of")),
        (false, _) => format!("{head}: {}", style.red("not possible")),
    }];
    lines.extend(reasons(&verdict.blockers, "x", &|line| style.red(line)));
    lines.extend(reasons(&verdict.doubts, "!", &|line| style.yellow(line)));
    lines.join("\n")
}

fn reasons(reasons: &[RollbackReason], sign: &str, paint: &dyn Fn(&str) -> String) -> Vec<String> {
    let line = |reason: &RollbackReason| {
        let first = format!("  {sign} ");
        let mut lines = fold(&first, "    ", &format!("{}: {}", reason.service, short(&reason.message)));
        if let Some(rest) = lines.first().and_then(|line| line.strip_prefix(&first)) {
            lines[0] = format!("  {} {rest}", paint(sign));
        }
        lines
    };
    reasons.iter().flat_map(line).collect()
}

#[cfg(test)]
#[path = "history_view_tests.rs"]
mod tests;
