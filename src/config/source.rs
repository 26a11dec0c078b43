//! The file as text: size and encoding checked, lines found, secrets masked.
//!
//! Given: bytes. Gives: a [`Source`], or why the bytes are no text that a configuration can be. Deliberately absent: YAML.

use std::ops::Range;

use dashdeploy_contract::{Finding, Place};

use super::secrets;
use super::yaml::{Pos, Span};

/// Bytes that a configuration may have.
const MAX_BYTES: usize = 1 << 20;
/// Characters that a line may have: the longest variable that Linux can start a program with (`MAX_ARG_STRLEN`).
const MAX_LINE: usize = 128 << 10;

/// A file's text with its lines.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    file: String,
    text: String,
    lines: Vec<Range<usize>>,
    masks: Vec<Span>,
}

impl Source {
    /// The text of the bytes.
    ///
    /// # Errors
    /// The finding with its place where the bytes are too many, no UTF-8, or hold what YAML forbids.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, Box<(Self, Finding)>> {
        if bytes.len() > MAX_BYTES {
            return Err(refused(file, &bytes[..200], 0, too_large(bytes.len())));
        }
        if let Some(name) = wide_encoding(bytes) {
            return Err(refused(file, b"", 0, not_utf8(&format!("it is {name}"))));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to();
                let what = format!("byte 0x{:02x} has no meaning here", bytes[at]);
                return Err(refused(file, bytes, at, not_utf8(&what)));
            }
        };
        if let Some((at, c)) = text.char_indices().find(|(_, c)| is_forbidden(*c)) {
            return Err(refused(file, bytes, at, forbidden(c)));
        }
        let source = Self::of(file, text.to_owned());
        let long = source.lines.iter().find(|line| source.text[(*line).clone()].chars().count() > MAX_LINE);
        match long.map(|line| line.start) {
            Some(at) => Err(refused(file, &bytes[..at + 200], at, too_long())),
            None => Ok(source),
        }
    }

    fn of(file: &str, text: String) -> Self {
        let lines = line_ranges(&text);
        Self { file: file.to_owned(), text, lines, masks: Vec::new() }
    }

    /// The whole text, without a byte-order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Hides what stands in a span from every place made afterwards.
    pub fn mask(&mut self, span: Span) {
        self.masks.push(span);
    }

    /// A span as a place; of several lines, the first is shown.
    pub fn place(&self, span: Span) -> Place {
        let line = self.line_of(span);
        self.place_in(span, self.masked(line))
    }

    /// The places of spans in the file's order: each line is looked through for secrets once.
    pub fn places(&self, spans: impl Iterator<Item = Span>) -> Vec<Place> {
        let mut last = (0, String::new());
        let place = |span: Span| {
            let line = self.line_of(span);
            if last.0 != line {
                last = (line, self.masked(line));
            }
            self.place_in(span, last.1.clone())
        };
        spans.map(place).collect()
    }

    fn line_of(&self, span: Span) -> usize {
        span.start.line.clamp(1, self.lines.len())
    }

    fn place_in(&self, span: Span, source: String) -> Place {
        let width = source.chars().count();
        let column = span.start.column.clamp(1, width + 1);
        let end = if span.end.line == span.start.line { span.end.column.min(width + 1) } else { width + 1 };
        let length = end.saturating_sub(column).max(1);
        Place { file: self.file.clone(), line: self.line_of(span), column, length, source }
    }

    fn line(&self, number: usize) -> &str {
        self.lines.get(number - 1).map_or("", |range| &self.text[range.clone()])
    }

    fn masked(&self, number: usize) -> String {
        let line = secrets::redact_line(self.line(number));
        let hides = |column: usize| {
            let here = Pos { line: number, column };
            self.masks.iter().any(|mask| mask.start <= here && here < mask.end)
        };
        if !self.masks.iter().any(|mask| mask.start.line <= number && number <= mask.end.line) {
            return line;
        }
        line.chars().enumerate().map(|(n, c)| if hides(n + 1) && c != ' ' { '•' } else { c }).collect()
    }

    /// The piece of the text that a span covers, where it lies in one line.
    pub fn slice(&self, span: Span) -> Option<String> {
        let length = span.end.column.checked_sub(span.start.column)?;
        let one_line = span.start.line == span.end.line && span.start.line >= 1;
        one_line
            .then(|| self.line(span.start.line).chars().skip(span.start.column - 1).take(length).collect())
    }
}

/// Lines end with LF, CR or both, as in YAML 1.2, section 5.4.
fn line_ranges(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' if at > 0 && bytes[at - 1] == b'\r' => start = at + 1,
            b'\n' | b'\r' => {
                lines.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    lines.push(start..bytes.len());
    lines
}

fn refused(file: &str, bytes: &[u8], at: usize, finding: Finding) -> Box<(Source, Finding)> {
    let before = String::from_utf8_lossy(&bytes[..at]);
    let line = line_ranges(&before).len();
    let column = before.rsplit(['\n', '\r']).next().unwrap_or("").chars().count() + 1;
    let start = Pos { line, column };
    let source = Source::of(file, String::from_utf8_lossy(bytes).chars().map(tamed).collect());
    let place = source.place(Span { start, end: Pos { column: column + 1, ..start } });
    Box::new((source, finding.at(place)))
}

/// A character that a finding may show.
fn tamed(c: char) -> char {
    if is_forbidden(c) { char::REPLACEMENT_CHARACTER } else { c }
}

/// What YAML 1.2 forbids (section 5.1): control characters but tab and line ends.
fn is_forbidden(c: char) -> bool {
    matches!(c as u32, 0..=8 | 0xb | 0xc | 0xe..=0x1f | 0x7f..=0x84 | 0x86..=0x9f | 0xfffe | 0xffff)
}

fn wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [0, first, 0, second, ..] | [first, 0, second, 0, ..] if *first != 0 && *second != 0 => {
            Some("UTF-16")
        }
        _ => None,
    }
}

fn too_large(bytes: usize) -> Finding {
    let message = format!("the file has {bytes} bytes; a configuration may have 1 MiB ({MAX_BYTES} bytes)");
    Finding::error("file-too-large", "", message).hint("is this the right file? Give it with --file")
}

fn too_long() -> Finding {
    Finding::error("line-too-long", "", format!("this line has more than {MAX_LINE} characters"))
        .hint("break it up; `|` starts a text of several lines")
}

fn not_utf8(what: &str) -> Finding {
    Finding::error("encoding", "", format!("the file is not UTF-8: {what}")).hint("save the file as UTF-8")
}

fn forbidden(c: char) -> Finding {
    let name = match c {
        '\0' => "NUL".to_owned(),
        c => format!("U+{:04X}", c as u32),
    };
    Finding::error("control-character", "", format!("the file holds the control character {name}"))
        .hint("remove it; in double quotes it can be written as \\x.. where a value needs it")
}
