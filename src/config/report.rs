//! The findings of one reading, collected while the tree is walked.

use std::cell::RefCell;
use std::collections::HashSet;

use dashdeploy_contract::{Finding, Place, Severity};

use super::places::Places;
use super::rules::Problem;
use super::yaml::Span;

/// More findings than anyone reads at once; the rest is counted.
const MOST: usize = 100;
/// Levels of keys below which nobody asks for doubts: `environments.X.services.Y.publish`.
const DEEPEST: usize = 6;

/// Findings so far, each with its span where that is not the one of its key.
#[derive(Default)]
pub(crate) struct Report {
    found: RefCell<Vec<Found>>,
    /// Every key with an error at or below it, as deep as anyone asks.
    doubted: RefCell<HashSet<String>>,
}

struct Found {
    finding: Finding,
    span: Option<Span>,
    /// Another place that belongs to it.
    first: Option<Span>,
}

impl Report {
    /// A finding whose key tells where it is.
    pub fn add(&self, finding: Finding) {
        self.push(Found { finding, span: None, first: None });
    }

    /// A finding at a place of its own.
    pub fn at(&self, finding: Finding, span: Span) {
        self.push(Found { finding, span: Some(span), first: None });
    }

    fn push(&self, found: Found) {
        let key = &found.finding.key;
        if found.finding.severity == Severity::Error {
            let mut doubted = self.doubted.borrow_mut();
            let above = key.match_indices(['.', '[']).take(DEEPEST).map(|(at, _)| &key[..at]);
            let all = above.chain([key.as_str()]).filter(|path| path.len() < 400);
            doubted.extend(all.map(str::to_owned));
        }
        self.found.borrow_mut().push(found);
    }

    /// The second of two equal keys.
    pub fn duplicate_key(&self, key: &str, span: Span, first: Span) {
        let message =
            format!("the key `{}` is written twice: in line {} and here", shown(key), first.start.line);
        let finding = Finding::error("duplicate-key", "", message).hint("remove one of the two");
        self.push(Found { finding, span: Some(span), first: Some(first) });
    }

    /// What a rule found wrong with the value of a key.
    pub fn problem(&self, key: &str, problem: Problem) {
        let mut finding = Finding::error(problem.code, key, problem.message);
        finding.hint = problem.hint;
        self.add(finding);
    }

    /// True where an error has been found at or below a key.
    pub fn doubts(&self, key: &str) -> bool {
        self.doubted.borrow().contains(key)
    }

    /// True where an error has been found at exactly this key.
    pub fn faults(&self, key: &str) -> bool {
        let found = self.found.borrow();
        found.iter().any(|found| found.finding.severity == Severity::Error && found.finding.key == key)
    }

    /// True where an error has been found anywhere.
    pub fn has_errors(&self) -> bool {
        self.found.borrow().iter().any(|found| found.finding.severity == Severity::Error)
    }

    /// Keys whose values must not be shown in any source line.
    pub fn secret_keys(&self) -> Vec<String> {
        let found = self.found.borrow();
        let secret = found.iter().filter(|found| super::checks::SECRET_CODES.contains(&&*found.finding.code));
        secret.map(|found| found.finding.key.clone()).collect()
    }

    /// Every finding once, with its place, in the file's order.
    pub fn finish(self, places: &Places) -> Vec<Finding> {
        let mut found = self.found.into_inner();
        let mut seen = HashSet::new();
        found.retain(|f| {
            seen.insert((f.finding.code.clone(), f.finding.key.clone(), f.finding.message.clone(), spot(f)))
        });
        let mut found: Vec<_> = found.into_iter().map(|f| (places.span(f.span, &f.finding), f)).collect();
        found.sort_by(|(a, x), (b, y)| a.start.cmp(&b.start).then(x.finding.code.cmp(&y.finding.code)));
        let more = found.len().saturating_sub(MOST);
        found.truncate(MOST);
        let spans = found.iter().map(|(span, _)| *span);
        let shown = places.all(spans);
        let mut findings: Vec<Finding> =
            found.into_iter().zip(shown).map(|((_, f), place)| placed(f, place, places)).collect();
        if more > 0 {
            let message = format!("{more} more findings are not shown; mend these first");
            findings.push(places.locate(Finding::error("more-findings", "", message)));
        }
        findings
    }
}

fn spot(found: &Found) -> Option<(usize, usize)> {
    found.span.map(|span| (span.start.line, span.start.column))
}

fn placed(found: Found, place: Place, places: &Places) -> Finding {
    let mut finding = found.finding;
    finding.message = places.redacted(&visible(&finding.message, 400));
    finding.key = visible(&finding.key, 400);
    if let Some(first) = found.first {
        finding.related.push(("first written here".to_owned(), places.place(first)));
    }
    finding.at(place)
}

/// A piece of the file for a message: short, and with nothing in it that a terminal obeys or an eye misses.
pub(crate) fn shown(text: &str) -> String {
    visible(text, 80)
}

fn visible(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == most {
            out.push('…');
            break;
        }
        match c {
            _ if c.is_control() || is_hidden(c) => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    out
}

/// Direction marks, zero-width characters, line separators and the byte-order mark.
fn is_hidden(c: char) -> bool {
    matches!(c as u32, 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe0000..=0xe007f)
}
