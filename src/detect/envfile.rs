//! `.env.example` and its like: which variables a service knows, which of them are secret, which may be left out.
//!
//! Given: text. Gives: entries in order. Deliberately absent: values of real `.env` files; only the names in those are looked at.

use super::index::{Index, join};

/// A variable that an example file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub name: String,
    pub value: String,
    pub line: usize,
    /// True where the line is commented out: the application has a default.
    pub commented: bool,
    /// What the comments around it say: required, optional, or nothing.
    pub stated: Option<bool>,
}

/// Names of files that show variables without being read by anything.
const EXAMPLES: [&str; 8] = [
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
    "env.example",
    ".env.local.example",
    "example.env",
    "sample.env",
];

/// The example file of a folder.
pub(crate) fn example_in(index: &Index<'_>, folder: &str) -> Option<String> {
    EXAMPLES.iter().map(|name| join(folder, name)).find(|path| index.has(path))
}

/// The entries of an example file. A comment speaks for the lines up to the next empty one.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let mut stated = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            stated = None;
            continue;
        }
        let (commented, rest) = match line.strip_prefix('#') {
            Some(rest) => (true, rest.trim_start_matches('#').trim()),
            None => (false, line),
        };
        if let Some((name, value, beside)) = assignment(rest) {
            let stated = beside.and_then(statement).or(stated);
            if let Some(known) = found.iter_mut().find(|entry| entry.name == name) {
                // Written twice: the line that is not commented out is the real one.
                if known.commented && !commented {
                    *known = Entry { name, value, line: at + 1, commented, stated };
                }
            } else {
                found.push(Entry { name, value, line: at + 1, commented, stated });
            }
        } else if commented {
            stated = statement(rest).or(stated);
        }
    }
    found
}

/// `NAME=value`, `export NAME="value"`, with the comment beside it. A sentence is none.
fn assignment(line: &str) -> Option<(String, String, Option<&str>)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, rest) = line.split_once('=')?;
    let name = name.trim_end();
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !valid {
        return None;
    }
    let rest = rest.trim();
    for quote in ['"', '\''] {
        if let Some(inside) = rest.strip_prefix(quote)
            && let Some((value, after)) = inside.split_once(quote)
        {
            return Some((name.to_owned(), value.to_owned(), after.trim().strip_prefix('#')));
        }
    }
    let (value, beside) = match rest.split_once(" #") {
        Some((value, beside)) => (value.trim_end(), Some(beside)),
        None if rest.starts_with('#') => ("", Some(&rest[1..])),
        None => (rest, None),
    };
    Some((name.to_owned(), value.to_owned(), beside))
}

fn statement(comment: &str) -> Option<bool> {
    let lower = comment.to_ascii_lowercase();
    let says = |word: &str| lower.split(|c: char| !c.is_ascii_alphabetic()).any(|part| part == word);
    if says("optional") || lower.contains("not required") {
        return Some(false);
    }
    (says("required") || says("mandatory") || says("must")).then_some(true)
}

/// True for names of what must not be seen: keys, tokens, passwords, addresses with passwords in them.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 17] = [
        "KEY",
        "APIKEY",
        "TOKEN",
        "SECRET",
        "SECRETS",
        "PASSWORD",
        "PASSWD",
        "PASS",
        "PWD",
        "DSN",
        "CREDENTIAL",
        "CREDENTIALS",
        "PASSPHRASE",
        "SALT",
        "PRIVATE",
        "WEBHOOK",
        "AUTH",
    ];
    const PLAIN_ENDS: [&str; 10] =
        ["URL", "PATH", "FILE", "DIR", "TTL", "EXPIRE", "MINUTES", "SECONDS", "ALGORITHM", "ENABLED"];
    let upper = name.to_ascii_uppercase();
    let parts: Vec<&str> = upper.split('_').filter(|part| !part.is_empty()).collect();
    if upper == "DATABASE_URL" {
        return true;
    }
    let plain_end = parts.last().is_some_and(|last| PLAIN_ENDS.contains(last)) && !upper.contains("WEBHOOK");
    !plain_end && !upper.contains("PUBLIC") && parts.iter().any(|part| PARTS.contains(part))
}

/// True for the parts of a mail account: who uses mail at all sets them together.
pub(crate) fn is_mail_account(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let mail = ["EMAIL", "MAIL", "SMTP"].iter().any(|part| upper.contains(part));
    let account = ["SERVER", "HOST", "USER", "USERNAME", "PASSWORD", "FROM", "SENDER"];
    mail && account.iter().any(|part| upper.ends_with(part))
}

/// True for values that may stand in dashdeploy.yaml as they are: neither a placeholder, nor an address of one machine, nor
/// something that belongs to somebody.
pub(crate) fn is_safe_value(value: &str) -> bool {
    const NOT: [&str; 16] = [
        "your",
        "changeme",
        "change-me",
        "change_me",
        "xxx",
        "example.",
        "placeholder",
        "todo",
        "replace",
        "localhost",
        "127.0.0.1",
        "0.0.0.0",
        "host.docker.internal",
        "/home/",
        "/users/",
        "c:\\",
    ];
    let lower = value.to_ascii_lowercase();
    let has_account = lower.contains("://") && lower.contains('@');
    !value.is_empty()
        && !has_account
        && !value.contains(['<', '>', '$', '`', '\n'])
        && !NOT.iter().any(|part| lower.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_say_what_is_required() {
        let text = "# Copy to .env.\n\n# Required. x=1 is no assignment? it is prose\nKEY=demo\n\n# Optional: mail\n# HOST=smtp.x # a\n#PORT=587\n\nexport A=\"b # c\" # optional\nB=  # must be set\n";
        let found = entries(text);
        let short: Vec<_> = found
            .iter()
            .map(|e| (e.name.as_str(), e.value.as_str(), e.line, e.commented, e.stated))
            .collect();
        assert_eq!(
            short,
            [
                ("KEY", "demo", 4, false, Some(true)),
                ("HOST", "smtp.x", 7, true, Some(false)),
                ("PORT", "587", 8, true, Some(false)),
                ("A", "b # c", 10, false, Some(false)),
                ("B", "", 11, false, Some(true)),
            ]
        );
    }

    #[test]
    fn secrets_by_name() {
        for secret in [
            "TS_ALPHA_VANTAGE_KEY",
            "SECRET_KEY",
            "GITHUB_TOKEN",
            "SENTRY_DSN",
            "DB_PASSWORD",
            "DATABASE_URL",
        ] {
            assert!(is_secret_name(secret), "{secret}");
        }
        for plain in
            ["LOG_LEVEL", "KEYBOARD", "TOKEN_TTL", "VITE_API_BASE_URL", "AUTHOR", "TOKEN_EXPIRE_MINUTES"]
        {
            assert!(!is_secret_name(plain), "{plain}");
        }
        assert!(is_mail_account("TS_EMAIL__SMTP_SERVER") && !is_mail_account("TS_EMAIL__PORT"));
    }

    #[test]
    fn values_of_one_machine_are_not_carried_over() {
        for bad in ["", "your-key-here", "http://localhost:5432", "<id>", "postgres://u:p@db/x", "/home/me/x"]
        {
            assert!(!is_safe_value(bad), "{bad}");
        }
        for good in ["info", "587", "true", "https://www.alphavantage.co/query"] {
            assert!(is_safe_value(good), "{good}");
        }
    }
}
