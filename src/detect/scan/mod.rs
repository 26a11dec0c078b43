//! Sources as text and as tokens, read without executing or trusting anything.
//!
//! Given: bytes of any encoding and any quality. Gives: text, and tokens in which comments are gone and strings are told
//! apart from code, so that nothing is concluded from either by mistake. Deliberately absent: a grammar; broken syntax
//! gives fewer conclusions, never an error.

mod javascript;
mod python;
mod text;

use std::rc::Rc;

pub(crate) use javascript::tokens as javascript_tokens;
pub(crate) use python::tokens as python_tokens;
pub(crate) use text::decode;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword.
    Word,
    /// A string; its text is what stands between the quotes, escapes as written.
    Text,
    /// A string with placeholders (f-string, template).
    Template,
    /// A number.
    Number,
    /// Punctuation.
    Mark,
}

/// A token, as a range of the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// From 1.
    pub line: usize,
    /// The indentation where the token opens a statement's line; JavaScript has none.
    pub indent: Option<usize>,
}

/// A file's text and tokens.
#[derive(Debug)]
pub(crate) struct Source {
    pub path: String,
    pub text: Rc<str>,
    pub tokens: Vec<Token>,
}

/// One argument of a call: `name=` where given, and its tokens from `start` to before `end`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Argument<'s> {
    pub name: Option<&'s str>,
    pub start: usize,
    pub end: usize,
}

impl Source {
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    pub fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    pub fn line(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(0, |token| token.line)
    }

    fn slice(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &self.text[token.start..token.end])
    }

    /// The identifier at a place.
    pub fn word(&self, at: usize) -> Option<&str> {
        (self.kind(at)? == Kind::Word).then(|| self.slice(at))
    }

    /// The plain string at a place.
    pub fn string(&self, at: usize) -> Option<&str> {
        (self.kind(at)? == Kind::Text).then(|| self.slice(at))
    }

    /// The string at a place, placeholders and all.
    pub fn any_string(&self, at: usize) -> Option<&str> {
        matches!(self.kind(at)?, Kind::Text | Kind::Template).then(|| self.slice(at))
    }

    /// The number at a place, where it fits a port.
    pub fn port(&self, at: usize) -> Option<u16> {
        (self.kind(at)? == Kind::Number)
            .then(|| self.slice(at).parse().ok())
            .flatten()
            .filter(|port| *port > 0)
    }

    /// True where the code (not a string) at a place reads as given.
    pub fn is(&self, at: usize, code: &str) -> bool {
        matches!(self.kind(at), Some(Kind::Word | Kind::Mark)) && self.slice(at) == code
    }

    /// True where the code from a place on reads as given.
    pub fn reads(&self, at: usize, code: &[&str]) -> bool {
        code.iter().enumerate().all(|(offset, part)| self.is(at + offset, part))
    }

    /// The source line of a token.
    pub fn excerpt(&self, at: usize) -> &str {
        let Some(token) = self.tokens.get(at) else { return "" };
        let start = self.text[..token.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end =
            self.text[token.start..].find('\n').map_or(self.text.len(), |newline| token.start + newline);
        self.text[start..end].trim()
    }

    /// The place after the bracket that closes the one at `open`.
    pub fn after_bracket(&self, open: usize) -> usize {
        let mut depth = 0usize;
        for at in open..self.len() {
            if self.kind(at) != Some(Kind::Mark) {
                continue;
            }
            match self.slice(at) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        self.len()
    }

    /// The arguments of the call whose `(` stands at `open`.
    pub fn arguments(&self, open: usize) -> Vec<Argument<'_>> {
        let close = self.after_bracket(open).saturating_sub(1);
        let mut arguments = Vec::new();
        let mut start = open + 1;
        let mut at = start;
        while at <= close {
            if at == close || self.is(at, ",") {
                if at > start {
                    let named = self.kind(start) == Some(Kind::Word) && self.is(start + 1, "=");
                    arguments.push(if named {
                        Argument { name: self.word(start), start: start + 2, end: at }
                    } else {
                        Argument { name: None, start, end: at }
                    });
                }
                start = at + 1;
                at += 1;
            } else if self.is(at, "(") || self.is(at, "[") || self.is(at, "{") {
                at = self.after_bracket(at);
            } else {
                at += 1;
            }
        }
        arguments
    }

    /// The argument with a name, or at a position.
    pub fn argument<'s>(
        &'s self,
        arguments: &[Argument<'s>],
        name: &str,
        position: Option<usize>,
    ) -> Option<Argument<'s>> {
        arguments
            .iter()
            .find(|argument| argument.name == Some(name))
            .or_else(|| arguments.get(position?).filter(|argument| argument.name.is_none()))
            .copied()
    }
}

#[cfg(test)]
pub(crate) fn python(text: &str) -> Source {
    Source { path: "x.py".to_owned(), tokens: python_tokens(text), text: Rc::from(text) }
}

#[cfg(test)]
pub(crate) fn javascript(text: &str) -> Source {
    Source { path: "x.js".to_owned(), tokens: javascript_tokens(text), text: Rc::from(text) }
}
