//! A plan as text: one line a change with its cause, its fields below it, the counts at the end.

use dashdeploy_contract::{Action, Change, Plan, Risk};

use super::{Style, safe};

/// The plan as several lines. Secrets never stand in a plan, so nothing has to be hidden here.
pub fn plan_text(plan: &Plan, style: Style) -> String {
    let mut lines: Vec<String> = plan.changes.iter().flat_map(|change| change_lines(change, style)).collect();
    lines.push(summary(plan));
    lines.join("\n")
}

fn change_lines(change: &Change, style: Style) -> Vec<String> {
    let symbol = match change.action {
        Action::Create => style.green(change.action.symbol()),
        Action::Delete => style.red(change.action.symbol()),
        _ => style.yellow(change.action.symbol()),
    };
    let risk = match change.risk {
        Risk::Safe => String::new(),
        Risk::InterruptsTraffic => format!("  {}", style.yellow("interrupts traffic")),
        Risk::LosesData => format!("  {}", style.red("loses data")),
    };
    let mut lines =
        vec![format!("  {symbol} {:<28} {}{risk}", safe(change.address.as_str()), safe(&change.reason))];
    lines.extend(change.fields.iter().map(|field| {
        let shown = |value: &Option<String>| value.as_deref().map_or_else(|| "(not set)".to_owned(), safe);
        format!("      {}: {} → {}", safe(&field.field), shown(&field.from), shown(&field.to))
    }));
    lines
}

fn summary(plan: &Plan) -> String {
    let counts = [
        (Action::Create, "to create"),
        (Action::Update, "to update"),
        (Action::Replace, "to replace"),
        (Action::Run, "to run"),
        (Action::Delete, "to delete"),
    ];
    let mut parts: Vec<String> = counts
        .iter()
        .filter_map(|(action, word)| {
            Some(plan.count(*action)).filter(|n| *n > 0).map(|n| format!("{n} {word}"))
        })
        .collect();
    parts.push(format!("{} unchanged", plan.unchanged.len()));
    parts.join(", ")
}
