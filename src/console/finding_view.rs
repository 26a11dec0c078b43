//! A finding as text: what, where with the source line, and how to mend it.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use dashdeploy_contract::{Finding, Place, Severity};

use super::{Style, safe};

/// The finding as several lines, in the manner of the Rust compiler.
pub fn finding_text(finding: &Finding, style: Style) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let message = safe(&finding.message);
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let sources: Vec<(String, Shown)> =
        finding.related.iter().map(|(word, place)| (safe(word), Shown::of(place))).collect();
    let shown = finding.place.as_ref().map(Shown::of);
    let mut group = Group::with_title(level.primary_title(message.as_str()).id(finding.code.as_ref()));
    match &shown {
        Some(shown) if shown.source.is_empty() && !shown.file.is_empty() => {
            group = group.element(shown.origin());
        }
        Some(shown) => group = group.element(shown.snippet(AnnotationKind::Primary, "")),
        None => {}
    }
    for (word, shown) in &sources {
        group = group.element(shown.snippet(AnnotationKind::Context, word));
    }
    let hint = finding.hint.as_deref().map(safe);
    if let Some(hint) = &hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    renderer.render(&[group]).to_string()
}

/// A place with its source line made safe.
struct Shown {
    file: String,
    line: usize,
    column: usize,
    source: String,
    span: std::ops::Range<usize>,
}

impl Shown {
    fn of(place: &Place) -> Self {
        let chars: Vec<char> = place.source.chars().collect();
        let start = (place.column - 1).min(chars.len());
        let end = (start + place.length.max(1)).min(chars.len()).max(start);
        let piece = |range: std::ops::Range<usize>| safe(&chars[range].iter().collect::<String>());
        let before = piece(0..start);
        let meant = piece(start..end);
        let span = before.len()..before.len() + meant.len();
        Self {
            file: place.file.clone(),
            line: place.line,
            column: place.column,
            source: before + &meant + &piece(end..chars.len()),
            span,
        }
    }

    /// The place alone, where the line is not to be shown or is not there.
    fn origin(&self) -> Origin<'_> {
        Origin::path(safe(&self.file)).line(self.line).char_column(self.column)
    }

    fn snippet<'a>(
        &'a self,
        kind: AnnotationKind,
        label: &'a str,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let annotation = kind.span(self.span.clone());
        let annotation = if label.is_empty() { annotation } else { annotation.label(label) };
        Snippet::source(self.source.as_str())
            .line_start(self.line)
            .path(self.file.as_str())
            .annotation(annotation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line_the_column_and_the_mend() {
        let place = Place {
            file: "dashdeploy.yaml".into(),
            line: 7,
            column: 5,
            length: 9,
            source: "    dockerfle: x".into(),
        };
        let finding = Finding::error("unknown-key", "services.api.dockerfle", "unknown key `dockerfle`")
            .hint("did you mean `dockerfile`?")
            .at(place);

        let text = finding_text(&finding, Style::default());

        assert!(text.starts_with("error[unknown-key]: unknown key `dockerfle`"), "{text}");
        assert!(text.contains("dashdeploy.yaml:7:5"), "{text}");
        assert!(text.contains("^^^^^^^^^"), "{text}");
        assert!(text.contains("help: did you mean `dockerfile`?"), "{text}");
    }

    #[test]
    fn a_line_that_is_not_to_be_shown_is_not() {
        let place = Place { file: "a.js".into(), line: 7, column: 5, length: 1, source: String::new() };
        let text = finding_text(&Finding::error("x", "", "m").hint("do").at(place), Style::default());
        assert!(text.contains("--> a.js:7:5") && !text.contains('^'), "{text}");
    }

    #[test]
    fn a_hostile_source_line_cannot_reach_the_terminal() {
        let place = Place { file: "f".into(), line: 1, column: 9, length: 50, source: "a\x1b[2Jb: c".into() };
        let text = finding_text(&Finding::error("x", "", "m").at(place), Style::default());
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}
