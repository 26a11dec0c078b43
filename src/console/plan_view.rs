//! A plan as text: one line a change with its cause, its fields below it, the counts at the end.
//!
//! Secrets never stand in a plan, so nothing has to be hidden here. What every form of a change has in common (its sign,
//! its risk, its fields) is here too.

use dashdeploy_contract::{Action, Change, FieldChange, Plan, Risk};

use super::fold::short;
use super::{Style, safe};
use crate::deploy::Counts;

/// The plan as several lines.
pub fn plan_text(plan: &Plan, style: Style) -> String {
    let mut lines: Vec<String> = plan.changes.iter().flat_map(|change| change_lines(change, style)).collect();
    lines.push(Counts::of(plan).sentence());
    lines.join("\n")
}

fn change_lines(change: &Change, style: Style) -> Vec<String> {
    let symbol = symbol(change.action, style);
    let risk = risk_words(change.risk, change.downtime);
    let risk = risk.map(|words| format!("  {}", risky(change.risk, &words, style))).unwrap_or_default();
    let mut lines =
        vec![format!("  {symbol} {:<28} {}{risk}", safe(change.address.as_str()), safe(&change.reason))];
    lines.extend(change.fields.iter().map(|field| format!("      {}", safe(&field_words(field)))));
    lines
}

/// The sign of an action, in its colour.
pub(super) fn symbol(action: Action, style: Style) -> String {
    match action {
        Action::Create => style.green(action.symbol()),
        Action::Delete => style.red(action.symbol()),
        _ => style.yellow(action.symbol()),
    }
}

/// What a change may do to those who use the service; none where nothing.
pub(super) fn risk_words(risk: Risk, downtime: Option<u32>) -> Option<String> {
    let about = downtime.map(|seconds| format!(" (about {seconds} s)")).unwrap_or_default();
    match risk {
        Risk::Safe => downtime.map(|seconds| format!("does not answer for about {seconds} s")),
        Risk::InterruptsTraffic => Some(format!("interrupts traffic{about}")),
        Risk::LosesData => Some(format!("loses data{}", about.replace("about", "no answer for about"))),
    }
}

/// The words in the colour of the risk.
pub(super) fn risky(risk: Risk, words: &str, style: Style) -> String {
    if risk == Risk::LosesData { style.red(words) } else { style.yellow(words) }
}

/// `env.LOG_LEVEL: info → debug`.
pub(super) fn field_words(field: &FieldChange) -> String {
    let (from, to) = (value_words(field.from.as_deref()), value_words(field.to.as_deref()));
    format!("{}: {from} → {to}", field.field)
}

/// A field's value for a reader.
pub(super) fn value_words(value: Option<&str>) -> String {
    value.map_or_else(|| "(not set)".to_owned(), short)
}
