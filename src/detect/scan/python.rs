//! Python's tokens.
//!
//! Given: text. Gives: tokens without comments; the first of each logical line carries its indentation. Deliberately absent:
//! the inside of f-strings.

use super::{Kind, Token};

/// Marks of more than one character that must not be read as `=`.
const LONG_MARKS: [&str; 9] = ["==", "!=", "<=", ">=", ":=", "->", "+=", "**", "//"];

/// Cuts Python source into tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut scan =
        Scan { bytes: text.as_bytes(), text, at: 0, line: 1, depth: 0, indent: Some(0), tokens: Vec::new() };
    while scan.at < scan.bytes.len() {
        scan.step();
    }
    scan.tokens
}

struct Scan<'t> {
    bytes: &'t [u8],
    text: &'t str,
    at: usize,
    line: usize,
    depth: usize,
    /// The indentation so far, until the line's first token takes it.
    indent: Option<usize>,
    tokens: Vec<Token>,
}

impl Scan<'_> {
    fn step(&mut self) {
        let byte = self.bytes[self.at];
        match byte {
            b'\n' => {
                self.line += 1;
                if self.depth == 0 {
                    self.indent = Some(0);
                }
                self.at += 1;
            }
            b' ' | b'\t' | 0x0c => {
                if let Some(indent) = &mut self.indent {
                    *indent += if byte == b'\t' { 8 } else { 1 };
                }
                self.at += 1;
            }
            b'\\' if self.bytes.get(self.at + 1) == Some(&b'\n') => {
                self.line += 1;
                self.at += 2;
            }
            b'#' => self.at = find(self.bytes, self.at, b'\n'),
            b'"' | b'\'' => self.string(self.at, false),
            b'0'..=b'9' => {
                let end = run(self.bytes, self.at, |b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
                self.push(Kind::Number, self.at, end, end);
            }
            _ if is_word(byte) => self.word(),
            _ => self.mark(),
        }
    }

    fn word(&mut self) {
        let end = run(self.bytes, self.at, |b| is_word(b) || b.is_ascii_digit());
        let prefix = &self.text[self.at..end];
        let quoted = matches!(self.bytes.get(end), Some(b'"' | b'\''));
        let is_prefix = prefix.len() <= 2 && prefix.chars().all(|c| "rRbBfFuUtT".contains(c));
        if quoted && is_prefix {
            let formatted = prefix.contains(['f', 'F', 't', 'T']);
            self.string(end, formatted);
        } else {
            self.push(Kind::Word, self.at, end, end);
        }
    }

    /// A string whose opening quote stands at `quote`. One that is never closed ends at its line (or file) end.
    fn string(&mut self, quote: usize, formatted: bool) {
        let mark = self.bytes[quote];
        let triple = self.bytes[quote..].starts_with(&[mark; 3]);
        let width = if triple { 3 } else { 1 };
        let start = quote + width;
        let mut end = start;
        let line = self.line;
        let mut closed = false;
        while end < self.bytes.len() {
            match self.bytes[end] {
                b'\\' => {
                    if self.bytes.get(end + 1) == Some(&b'\n') {
                        self.line += 1;
                    }
                    end += 1;
                }
                b'\n' if !triple => break,
                b'\n' => self.line += 1,
                b if b == mark && (!triple || self.bytes[end..].starts_with(&[mark; 3])) => {
                    closed = true;
                    break;
                }
                _ => {}
            }
            end += 1;
        }
        let end = end.min(self.bytes.len());
        let formatted = formatted && self.bytes[start.min(end)..end].contains(&b'{');
        let kind = if formatted { Kind::Template } else { Kind::Text };
        let next = if closed { end + width } else { end };
        let indent = self.indent.take();
        // An escape may have carried `end` into the middle of a character only where the file ends there.
        if self.text.is_char_boundary(start.min(end)) && self.text.is_char_boundary(end) {
            self.tokens.push(Token { kind, start: start.min(end), end, line, indent });
        }
        self.at = next;
    }

    fn mark(&mut self) {
        let rest = &self.bytes[self.at..];
        if let Some(long) =
            LONG_MARKS.iter().find(|mark| mark.as_bytes()[0] == rest[0] && rest.starts_with(mark.as_bytes()))
        {
            self.push(Kind::Mark, self.at, self.at + long.len(), self.at + long.len());
            return;
        }
        match rest[0] {
            b'(' | b'[' | b'{' => self.depth += 1,
            b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let end = self.at + 1;
        if rest[0].is_ascii() {
            self.push(Kind::Mark, self.at, end, end);
        } else {
            self.at = end;
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, next: usize) {
        let indent = self.indent.take();
        self.tokens.push(Token { kind, start, end, line: self.line, indent });
        self.at = next;
    }
}

/// Identifier bytes; every byte of a non-ASCII character counts, so that words are never cut inside one.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(super) fn find(bytes: &[u8], from: usize, wanted: u8) -> usize {
    bytes[from..].iter().position(|b| *b == wanted).map_or(bytes.len(), |offset| from + offset)
}

pub(super) fn run(bytes: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|b| !wanted(*b)).map_or(bytes.len(), |offset| from + offset)
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, python};

    #[test]
    fn comments_and_strings_are_no_code() {
        let source = python(
            "# app = FastAPI()\n\"\"\"app = FastAPI()\n\"\"\"\nx = 'app = FastAPI()'  # app = FastAPI()\n",
        );
        let words: Vec<_> = (0..source.len()).filter_map(|at| source.word(at)).collect();
        assert_eq!(words, ["x"]);
        assert_eq!(source.line(source.len() - 1), 4);
    }

    #[test]
    fn indentation_and_continuation() {
        let source = python("def f(\n  a,\n):\n    return b'x' \\\n  + 1\ny = rf'{a}'\n");
        let opening: Vec<_> = source.tokens.iter().filter_map(|token| token.indent).collect();
        assert_eq!(opening, [0, 4, 0]);
        assert_eq!(source.kind(source.len() - 1), Some(Kind::Template));
    }

    #[test]
    fn survives_anything() {
        for text in ["'", "\"\"\"", "'\\", "f'", "x = 'é\\", "(((", "\\", "é", "'é", "\"\"\"\\é"] {
            python(text);
        }
    }
}
