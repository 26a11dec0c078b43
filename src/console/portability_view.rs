//! The portability report as text: one block a target, one entry for each thing that is not carried exactly.

use dashdeploy_contract::{Portability, Verdict};

use super::{Style, safe};

/// What a target carries in one environment.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TargetReport {
    /// The target's word.
    pub target: String,
    /// Its name for people.
    pub title: String,
    /// The environment.
    pub environment: String,
    /// False where no environment names the target and this is how it would be.
    pub used: bool,
    /// The rows, in the order of services and topics.
    pub rows: Vec<Portability>,
}

impl TargetReport {
    /// How many rows have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows.iter().filter(|row| row.verdict == verdict).count()
    }
}

/// The report as lines. `all` shows what is carried exactly, too.
pub fn report_text(report: &TargetReport, all: bool, style: Style) -> String {
    let wanted = |row: &&Portability| all || row.verdict != Verdict::Exact;
    let rows: Vec<&Portability> = report.rows.iter().filter(wanted).collect();
    let mut lines = vec![headline(report, style)];
    let width = |of: &dyn Fn(&Portability) -> usize| rows.iter().map(|row| of(row)).max().unwrap_or(0);
    let services = width(&|row| row.service.as_str().len());
    let topics = width(&|row| row.topic.as_str().len());
    for row in rows {
        let (word, painted) = verdict(row.verdict, style);
        let gap = " ".repeat(WORD - word.len());
        let place = row.place.as_ref().map(|place| format!("{}:{}", safe(&place.file), place.line));
        lines.push(format!(
            "  {painted}{gap}  {:services$}  {:topics$}  {}",
            row.service.as_str(),
            row.topic.as_str(),
            style.dim(&place.unwrap_or_default()),
        ));
        let indent = " ".repeat(WORD + 4);
        lines.push(format!("{indent}{}", safe(&row.reason)));
        lines.extend(row.hint.iter().map(|hint| format!("{indent}help: {}", safe(hint))));
        lines.push(format!("{indent}{}", style.dim(&row.page)));
    }
    lines.join("\n")
}

/// The width of the longest word of a verdict.
const WORD: usize = "impossible".len();

fn verdict(verdict: Verdict, style: Style) -> (&'static str, String) {
    match verdict {
        Verdict::Exact => ("exact", style.green("exact")),
        Verdict::Approximated => ("roughly", style.yellow("roughly")),
        Verdict::Impossible => ("impossible", style.red("impossible")),
    }
}

fn headline(report: &TargetReport, style: Style) -> String {
    let counts = [
        (Verdict::Impossible, "impossible"),
        (Verdict::Approximated, "carried roughly"),
        (Verdict::Exact, "exact"),
    ];
    let counts = counts.map(|(verdict, word)| (report.count(verdict), word));
    let counted: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let would = if report.used { "" } else { ", were it used" };
    let counted = if counted.is_empty() { "nothing runs there".to_owned() } else { counted.join(", ") };
    format!("{} ({}{would}): {counted}", style.bold(&report.title), safe(&report.environment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dashdeploy_contract::conformance::sample;
    use dashdeploy_contract::{Answer, Topic};

    #[test]
    fn what_is_exact_is_counted_and_shown_only_when_asked_for() {
        let bound = sample("docker").bound;
        let page = "https://example.com/";
        let rows = Portability::report(&bound, "docker", &|_, topic| match topic {
            Topic::Volumes => Answer::impossible("it keeps nothing", page).hint("put it elsewhere"),
            Topic::Logs => Answer::approximated("they are short", page),
            _ => Answer::exact("as written", page),
        });
        let exact = rows.len() - 3;
        let report = TargetReport {
            target: "x".into(),
            title: "X".into(),
            environment: "production".into(),
            used: false,
            rows,
        };

        let short = report_text(&report, false, Style::default());

        let head = format!("X (production, were it used): 1 impossible, 2 carried roughly, {exact} exact");
        assert_eq!(short.lines().next(), Some(head.as_str()));
        assert!(short.contains("  impossible  api  volumes"), "{short}");
        assert!(short.contains("help: put it elsewhere") && !short.contains("as written"), "{short}");
        assert!(report_text(&report, true, Style::default()).contains("as written"));
    }
}
