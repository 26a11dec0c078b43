//! Which names promise a secret, and which values are none.
//!
//! Given: the name or the value of a variable. Gives: whether it counts. One table of each for the check of dashdeploy.yaml
//! and for the guards. Deliberately absent: entropy guesses, which take hashes for secrets and find no passwords.

/// What bundlers compile into the page that every visitor gets (Vite, Next.js, Create React App, SvelteKit and Astro, Expo,
/// Gatsby, Nuxt; each documents its prefix).
pub(crate) const PUBLIC_PREFIXES: [&str; 7] =
    ["VITE_", "NEXT_PUBLIC_", "REACT_APP_", "PUBLIC_", "EXPO_PUBLIC_", "GATSBY_", "NUXT_PUBLIC_"];

/// The last words of names that promise a secret.
const LAST_WORDS: [&str; 6] = ["PASSWORD", "PASSWD", "TOKEN", "SECRET", "KEY", "APIKEY"];
/// More of them, less certain: they count where the value bears it out.
const MORE_LAST_WORDS: [&str; 9] =
    ["PASS", "PWD", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS", "SECRETS", "DSN", "SALT", "AUTH"];
/// Names that end like a secret's and never hold one: the shell's folder, and the fingerprint of the key that signs a release
/// of Python, which its images carry.
const HARMLESS: [&str; 3] = ["PWD", "OLDPWD", "GPG_KEY"];

/// Words that many a value is and no secret should be.
const COMMON: [&str; 24] = [
    "password",
    "postgres",
    "postgresql",
    "username",
    "localhost",
    "disabled",
    "enabled",
    "development",
    "production",
    "staging",
    "undefined",
    "optional",
    "required",
    "changeme",
    "secret",
    "default",
    "database",
    "anonymous",
    "dashboard",
    "application",
    "internal",
    "external",
    "administrator",
    "test",
];
/// Parts that only stand-ins have.
const STAND_INS: [&str; 21] = [
    "changeme",
    "change-me",
    "change_me",
    "change-this",
    "change_this",
    "placeholder",
    "replace-me",
    "replace_me",
    "replaceme",
    "your-",
    "your_",
    "yourkey",
    "yourtoken",
    "my-secret",
    "my_secret",
    "mysecret",
    "redacted",
    "dummy",
    "example",
    "insert-",
    "todo",
];

/// True for the name of a variable that usually holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    ends_with_one_of(name, &LAST_WORDS)
}

/// True for the name of a variable whose value may be a secret, more broadly than [`is_secret_name`]: to be borne out by the
/// value. What bundlers compile into pages is public by its name.
pub(crate) fn may_be_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let public =
        is_public_name(name) || upper.split('_').any(|part| part == "PUBLIC") || HARMLESS.contains(&&*upper);
    !public && (is_secret_name(name) || ends_with_one_of(name, &MORE_LAST_WORDS))
}

/// The prefix that makes a variable public, as bundlers have it.
pub(crate) fn public_prefix(name: &str) -> Option<&'static str> {
    PUBLIC_PREFIXES.into_iter().find(|prefix| name.starts_with(prefix))
}

/// True for a variable that bundlers compile into the page.
pub(crate) fn is_public_name(name: &str) -> bool {
    public_prefix(name).is_some()
}

fn ends_with_one_of(name: &str, words: &[&str]) -> bool {
    let name = name.to_ascii_uppercase();
    words.iter().any(|word| name == *word || name.strip_suffix(word).is_some_and(|rest| rest.ends_with('_')))
}

/// True for a value that stands for a secret without being one: a stand-in, a reference, a common word.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let lower = value.trim().to_ascii_lowercase();
    let bracketed = |open, close| lower.starts_with(open) && lower.ends_with(close);
    lower.is_empty()
        || COMMON.contains(&&*lower)
        || lower.starts_with('$')
        || lower.contains("${")
        || bracketed("<", ">")
        || bracketed("{{", "}}")
        || bracketed("[", "]")
        || STAND_INS.iter().any(|part| lower.contains(part))
        || lower.bytes().all(|byte| matches!(byte, b'x' | b'*' | b'.' | b'-' | b'_' | b'0'))
}

/// Why a value is not looked for; none where it is.
pub(crate) fn too_plain(value: &str) -> Option<&'static str> {
    let mut distinct: Vec<char> = value.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if value.chars().count() < 8 {
        return Some("it has fewer than 8 characters");
    }
    if is_placeholder(value) || distinct.len() < 4 {
        return Some("it is a placeholder or a common word");
    }
    let number = value.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | ','));
    if number && value.len() < 12 {
        return Some("it is a short number");
    }
    is_path(value).then_some("it is a path")
}

/// True for an absolute path below a folder that systems have at their top.
fn is_path(value: &str) -> bool {
    const TOPS: [&str; 22] = [
        "app", "bin", "builds", "data", "dev", "etc", "home", "lib", "mnt", "opt", "private", "proc", "root",
        "run", "sbin", "secrets", "srv", "sys", "tmp", "usr", "var", "Users",
    ];
    let top = value.strip_prefix('/').and_then(|rest| rest.split('/').next());
    top.is_some_and(|top| TOPS.contains(&top)) || value.starts_with("~/") || value.starts_with("./")
}

/// The address of a service with a password in it, taken apart: where the password stands, and the host.
pub(crate) fn password_in_address(text: &str) -> Option<(std::ops::Range<usize>, &str)> {
    let start = text.find("://")? + 3;
    let rest = &text[start..];
    let end = rest.find(|c: char| {
        c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '<' | '>' | '`' | '?' | '#' | '\\')
    });
    let authority = &rest[..end.unwrap_or(rest.len())];
    let (account, host) = authority.rsplit_once('@')?;
    let (user, password) = account.split_once(':')?;
    let from = start + user.len() + 1;
    (!password.is_empty() && !host.is_empty()).then_some((from..from + password.len(), host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_promise_a_secret() {
        for name in ["API_KEY", "db_password", "TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY"] {
            assert!(is_secret_name(name) && may_be_secret_name(name), "{name}");
        }
        for name in ["SMTP_PASS", "SENTRY_DSN", "GOOGLE_CREDENTIALS", "NPM_AUTH"] {
            assert!(!is_secret_name(name) && may_be_secret_name(name), "{name}");
        }
        for name in
            ["VITE_MAPS_KEY", "JWT_PUBLIC_KEY", "GPG_KEY", "PWD", "LOG_LEVEL", "MONKEY", "NEXT_PUBLIC_TOKEN"]
        {
            assert!(!may_be_secret_name(name), "{name}");
        }
    }

    #[test]
    fn values_that_are_no_secret() {
        for value in [
            "demo",
            "changeme",
            "your-api-key-here",
            "${OTHER}",
            "<token>",
            "production",
            "xxxxxxxxxxxx",
            "/etc/ssl/key.pem",
            "12345678",
            "aaaaaaaabbbb",
        ] {
            assert!(too_plain(value).is_some(), "{value}");
        }
        for value in [
            "hunter2hunter2",
            "s3cr3t-value",
            "/aB3dEf9+xYz/12345678901234567890abcdefg",
            "correct horse battery",
        ] {
            assert_eq!(too_plain(value), None, "{value}");
        }
    }

    #[test]
    fn addresses_are_taken_apart() {
        let text = "x postgres://app:p%40ss@db.example.com:5432/x";
        let (at, host) = password_in_address(text).unwrap();
        assert_eq!((&text[at], host), ("p%40ss", "db.example.com:5432"));
        for none in ["https://example.com/a:b@c", "postgres://app@db/x", "a://b", "https://u:@h"] {
            assert_eq!(password_in_address(none), None, "{none}");
        }
    }
}
