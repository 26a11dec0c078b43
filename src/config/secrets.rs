//! What looks like a secret.
//!
//! Given: text of the file. Gives: what kind of secret it looks like, and the text with such pieces hidden, so that no
//! finding shows one. Deliberately absent: entropy guesses, which hide hashes and find no passwords.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What issuers make recognisable on purpose, by their documented prefixes.
const SHAPES: [(&str, &str); 9] = [
    ("an AWS access key", r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a GitHub token", r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{16,}"),
    ("a Stripe key", r"\b[sr]k_live_[A-Za-z0-9]{8,}"),
    ("a Slack token", r"\bxox[abeprs]-[A-Za-z0-9-]{8,}"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_-]{30,}"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{30,}"),
    ("an API key of an AI service", r"\bsk-(ant|proj|svcacct|or)-[A-Za-z0-9_-]{16,}"),
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
];

#[allow(clippy::expect_used)] // constant patterns, read by the tests
static SHAPE_FORMS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    SHAPES.iter().map(|(name, form)| (*name, Regex::new(form).expect("a constant pattern"))).collect()
});

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
    SHAPE_FORMS.iter().find(|(_, form)| form.is_match(text)).map(|(name, _)| *name)
}

/// True for an address with a password in it.
pub(crate) fn has_credentials(text: &str) -> bool {
    CREDENTIALS.is_match(text)
}

/// True for the name of a variable that usually holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words = ["PASSWORD", "PASSWD", "TOKEN", "SECRET", "KEY", "APIKEY"];
    words.iter().any(|word| name == *word || name.strip_suffix(word).is_some_and(|rest| rest.ends_with('_')))
}

/// A message or source line with every secret hidden, every other character where it was.
pub(crate) fn redact(text: &str) -> String {
    let mut text = text.to_owned();
    for (_, form) in SHAPE_FORMS.iter() {
        if form.is_match(&text) {
            text = form.replace_all(&text, |found: &Captures<'_>| dots(&found[0])).into_owned();
        }
    }
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
