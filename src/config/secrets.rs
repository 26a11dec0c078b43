//! What looks like a secret.
//!
//! Given: text of the file. Gives: what kind of secret it looks like, and the text with such pieces hidden, so that no
//! finding shows one. What keys look like, and which names promise one, is `guard`'s to say. Deliberately absent: entropy
//! guesses, which hide hashes and find no passwords.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::guard;
pub(crate) use crate::guard::words::{PUBLIC_PREFIXES, is_secret_name};

#[allow(clippy::expect_used)] // a constant pattern, read by the tests
static CREDENTIALS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*:)([^\s/@${]+)(@)").expect("a constant pattern")
});

/// A name that ends like a secret's, and what is written after it.
#[allow(clippy::expect_used)] // a constant pattern, read by the tests
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let name = r#"(?i)\b(\w*(?:password|passwd|token|secret|_key|apikey)["']?\s*:\s+)"#;
    let value = r#"("(?:[^"\\]|\\.)*"|'[^']*'|\$\{[^}]*\}[^,{}]*|[^\s,{}][^,{}]*)"#;
    // Both halves are constants, read by the tests.
    // Constant, and read by the tests.
    Regex::new(&format!("{name}{value}")).expect("a constant pattern")
});

/// What the text looks like, if it looks like a secret of a known issuer.
pub(crate) fn recognised(text: &str) -> Option<&'static str> {
    guard::recognised(text).next().map(|(_, kind)| kind)
}

/// True for an address with a password in it.
pub(crate) fn has_credentials(text: &str) -> bool {
    CREDENTIALS.is_match(text)
}

/// A message or source line with every secret hidden, every other character where it was.
pub(crate) fn redact(text: &str) -> String {
    let mut text = without_keys(text);
    if CREDENTIALS.is_match(&text) {
        let hidden = |found: &Captures<'_>| format!("{}{}{}", &found[1], dots(&found[2]), &found[3]);
        text = CREDENTIALS.replace_all(&text, hidden).into_owned();
    }
    text
}

/// A source line with every secret hidden, those known by the name before them too.
pub(crate) fn redact_line(line: &str) -> String {
    let line = redact(line);
    if !NAMED.is_match(&line) {
        return line;
    }
    let hidden = |found: &Captures<'_>| {
        let value = found[2].trim_matches(['"', '\'', ' ']);
        let known =
            matches!(value, "required" | "optional" | "") || value.contains("${") || value.starts_with('#');
        if known { found[0].to_owned() } else { format!("{}{}", &found[1], dots(&found[2])) }
    };
    NAMED.replace_all(&line, hidden).into_owned()
}

fn without_keys(text: &str) -> String {
    let mut keys: Vec<Range<usize>> = guard::recognised(text).map(|(range, _)| range).collect();
    keys.sort_by_key(|range| range.start);
    let (mut out, mut from) = (String::new(), 0);
    for range in keys {
        let range = range.start.max(from)..range.end.max(from);
        out += &text[from..range.start];
        out += &dots(&text[range.clone()]);
        from = range.end;
    }
    out + &text[from..]
}

fn dots(text: &str) -> String {
    "•".repeat(text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognised_and_hidden_in_place() {
        let key = format!("AKIA{}", "A".repeat(16));
        assert_eq!(recognised(&key), Some("an AWS access key"));
        assert_eq!(redact(&format!("a {key} b")), format!("a {} b", "•".repeat(20)));
        assert_eq!(redact("postgres://u:hunter2@db/x"), "postgres://u:•••••••@db/x");
        assert_eq!(redact("postgres://u:${env:PW}@db/x"), "postgres://u:${env:PW}@db/x");
        assert!(recognised("-----BEGIN RSA PRIVATE KEY-----").is_some());
        assert_eq!(recognised("postgres:17"), None);
    }

    #[test]
    fn lines_hide_what_a_name_gives_away() {
        assert_eq!(redact_line("  DB_PASSWORD: hunter2"), "  DB_PASSWORD: •••••••");
        assert_eq!(redact_line("{ A_TOKEN: \"x, y\", B: c }"), "{ A_TOKEN: ••••••, B: c }");
        for shown in ["  A_TOKEN: required", "  A_TOKEN: ${env:X}", "  KEYS: a", "  A_KEY:"] {
            assert_eq!(redact_line(shown), shown);
        }
        assert!(is_secret_name("TS_API_KEY") && is_secret_name("db_password") && !is_secret_name("MONKEY"));
    }
}
