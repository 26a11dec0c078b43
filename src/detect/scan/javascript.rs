//! The tokens of JavaScript and TypeScript, with and without JSX.
//!
//! Given: text. Gives: tokens without comments and regular expressions; what stands in the placeholders of a template follows
//! it as tokens of its own. Deliberately absent: JSX as such; a lone quote in its text is read as a mark.

use super::python::{find, is_word, run};
use super::{Kind, Token};

const LONG_MARKS: [&str; 13] =
    ["===", "!==", "...", "=>", "==", "!=", "||", "??", "&&", "<=", ">=", "+=", "**"];
/// Words after which a slash starts a regular expression.
const BEFORE_PATTERN: [&str; 7] = ["return", "typeof", "case", "in", "of", "delete", "void"];
/// How deep templates may stand in templates before the rest is taken as text.
const DEEPEST_TEMPLATE: usize = 16;

/// Cuts JavaScript source into tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut scan = Scan { bytes: text.as_bytes(), text, tokens: Vec::new() };
    scan.range(0, text.len(), 1, 0);
    scan.tokens
}

struct Scan<'t> {
    bytes: &'t [u8],
    text: &'t str,
    tokens: Vec<Token>,
}

impl Scan<'_> {
    fn range(&mut self, mut at: usize, end: usize, mut line: usize, depth: usize) {
        while at < end {
            let byte = self.bytes[at];
            let next = match byte {
                b'/' if self.bytes[at..end].starts_with(b"//") => find(self.bytes, at, b'\n').min(end),
                b'/' if self.bytes[at..end].starts_with(b"/*") => self
                    .text
                    .get(at + 2..end)
                    .and_then(|rest| rest.find("*/"))
                    .map_or(end, |offset| at + offset + 4),
                b'/' => self.slash(at, end, line),
                b'"' | b'\'' => self.quoted(at, end, line),
                b'`' => self.template(at, end, line, depth),
                b'0'..=b'9' => {
                    let stop =
                        run(self.bytes, at, |b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.').min(end);
                    self.push(Kind::Number, at, stop, line)
                }
                b if is_word(b) || b == b'$' => {
                    let stop =
                        run(self.bytes, at, |b| is_word(b) || b == b'$' || b.is_ascii_digit()).min(end);
                    self.push(Kind::Word, at, stop, line)
                }
                b if b.is_ascii_whitespace() => at + 1,
                _ => self.mark(at, end, line),
            };
            line += self.bytes[at..next].iter().filter(|b| **b == b'\n').count();
            at = next;
        }
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, line: usize) -> usize {
        self.tokens.push(Token { kind, start, end, line, indent: None });
        end
    }

    fn mark(&mut self, at: usize, end: usize, line: usize) -> usize {
        let rest = &self.bytes[at..end];
        // `a?.b` is `a.b` to whoever looks for names.
        if rest.starts_with(b"?.") && !rest.get(2).is_some_and(u8::is_ascii_digit) {
            self.push(Kind::Mark, at + 1, at + 2, line);
            return at + 2;
        }
        let length = LONG_MARKS
            .iter()
            .find(|mark| mark.as_bytes()[0] == rest[0] && rest.starts_with(mark.as_bytes()))
            .map_or(1, |mark| mark.len());
        self.push(Kind::Mark, at, at + length, line)
    }

    /// A regular expression where one can stand and is closed on its line, else a division or a JSX tag's slash.
    fn slash(&mut self, at: usize, end: usize, line: usize) -> usize {
        let allowed = match self.tokens.last() {
            None => true,
            Some(token) => {
                let before = &self.text[token.start..token.end];
                match token.kind {
                    Kind::Word => BEFORE_PATTERN.contains(&before),
                    Kind::Mark => !matches!(before, ")" | "]" | "}" | "<"),
                    _ => false,
                }
            }
        };
        let mut class = false;
        let mut stop = at + 1;
        while allowed && stop < end {
            match self.bytes[stop] {
                b'\n' => break,
                b'\\' => stop += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => return (stop + 1).min(end),
                _ => {}
            }
            stop += 1;
        }
        self.push(Kind::Mark, at, at + 1, line)
    }

    fn quoted(&mut self, at: usize, end: usize, line: usize) -> usize {
        let mut stop = at + 1;
        while stop < end {
            match self.bytes[stop] {
                b'\n' => break,
                b'\\' => stop += 1,
                b if b == self.bytes[at] => {
                    self.push(Kind::Text, at + 1, stop, line);
                    return stop + 1;
                }
                _ => {}
            }
            stop += 1;
        }
        self.push(Kind::Mark, at, at + 1, line)
    }

    fn template(&mut self, at: usize, end: usize, line: usize, depth: usize) -> usize {
        let Some((stop, holes)) = template_end(self.bytes, at, end) else {
            return self.push(Kind::Mark, at, at + 1, line);
        };
        let kind = if holes.is_empty() { Kind::Text } else { Kind::Template };
        self.push(kind, at + 1, stop, line);
        if depth < DEEPEST_TEMPLATE {
            for (from, to) in holes {
                let newlines = self.bytes[at..from].iter().filter(|b| **b == b'\n').count();
                self.range(from, to, line + newlines, depth + 1);
            }
        }
        stop + 1
    }
}

/// Where the template that opens at `at` closes, and its placeholders; none when it never closes.
fn template_end(bytes: &[u8], at: usize, end: usize) -> Option<(usize, Vec<(usize, usize)>)> {
    let mut holes = Vec::new();
    // For each open template, how many braces are open in its current placeholder; 0 means in its text.
    let mut open = vec![0usize];
    let mut hole_start = 0;
    let mut stop = at + 1;
    while stop < end {
        let braces = *open.last()?;
        match bytes[stop] {
            b'\\' => stop += 1,
            b'`' if braces == 0 => {
                open.pop();
                if open.is_empty() {
                    return Some((stop, holes));
                }
            }
            b'`' => open.push(0),
            b'$' if braces == 0 && bytes.get(stop + 1) == Some(&b'{') => {
                *open.last_mut()? = 1;
                stop += 1;
                if open.len() == 1 {
                    hole_start = stop + 1;
                }
            }
            b'{' if braces > 0 => *open.last_mut()? += 1,
            b'}' if braces > 0 => {
                *open.last_mut()? -= 1;
                if braces == 1 && open.len() == 1 {
                    holes.push((hole_start, stop));
                }
            }
            _ => {}
        }
        stop += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, javascript};

    fn words(text: &str) -> Vec<String> {
        let source = javascript(text);
        (0..source.len()).filter_map(|at| source.word(at)).map(str::to_owned).collect()
    }

    #[test]
    fn comments_strings_and_patterns_are_no_code() {
        assert_eq!(words("// listen(3000)\n/* a\n*/ x = /listen\\/'[/]/.test('listen')"), ["x", "test"]);
        assert_eq!(words("a / b / c"), ["a", "b", "c"]);
    }

    #[test]
    fn placeholders_are_code() {
        let source = javascript("f(`${import.meta?.env.VITE_X}/api/${`n${y}`}`)");
        assert_eq!(source.any_string(2), Some("${import.meta?.env.VITE_X}/api/${`n${y}`}"));
        assert!(source.reads(3, &["import", ".", "meta", ".", "env", ".", "VITE_X"]));
        assert!((0..source.len()).any(|at| source.is(at, "y")));
    }

    #[test]
    fn a_quote_in_jsx_text_does_not_eat_the_file() {
        let source = javascript("<p>Don't</p>\n<i/>\nlisten('x')");
        let at = (0..source.len()).find(|at| source.is(*at, "listen")).unwrap();
        assert_eq!((source.line(at), source.string(at + 2)), (3, Some("x")));
        assert_eq!(source.kind(at + 2), Some(Kind::Text));
    }

    #[test]
    fn survives_anything() {
        for text in ["`", "`${", "'\\", "/", "/[", "`${`${`", "é", "'é\\", "/*", "/*/", "?.", "`\\"] {
            javascript(text);
        }
    }
}
