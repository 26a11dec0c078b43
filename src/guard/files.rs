//! Files that hold secrets by what they are.
//!
//! Given: a path and what the file holds. Gives: why it must stay out, and where in it that shows. Most are judged by content,
//! not by name alone:
//!
//! - `.env*`: the one that a bundler reads (`.env.production` with `VITE_*` alone) is input of the build like any source, and
//!   settings are no secrets. It must stay out where a variable whose name promises a secret has a value that is none of the
//!   usual stand-ins. `.env.example` and its like are documentation, and judged as any text is.
//! - files of package managers, clouds and Docker (`.npmrc`, `.aws/credentials`, …): where credentials are in them; a line that
//!   names a variable instead (`${NPM_TOKEN}`) is how it should be done.
//! - keys of SSH by name; key stores too, since what is in them cannot be seen. PEM files are judged by their content, as
//!   certificates have the same names.
//!
//! Deliberately absent: reading files; values, which never leave this module.

use super::words::{
    is_placeholder, is_public_name, is_secret_name, may_be_secret_name, password_in_address, too_plain,
};

/// What kind of file a path promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `NAME=value` lines.
    Variables,
    /// Not looked into: refused unless empty.
    Closed(&'static str),
    /// Credentials where one of these words is followed by a value.
    Words(&'static str, &'static [&'static str]),
    /// Credentials where a JSON key that promises a secret has a value.
    Json(&'static str),
    /// Lines of addresses with passwords.
    Addresses(&'static str),
}

/// Why a file must stay out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secret {
    /// What it is: `a file of variables with secrets in it (API_KEY, DB_PASSWORD)`.
    pub what: String,
    /// The first line that shows it, from 1.
    pub line: usize,
}

/// Bytes of such a file that are looked at.
pub(super) const LARGEST: usize = 1 << 20;

/// The kind of a file by its path, with `/` between parts; none for a file like any other.
pub(super) fn kind(path: &str) -> Option<Kind> {
    let lower = path.to_ascii_lowercase();
    let (folder, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let folder = folder.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if name == ".env" || name == ".envrc" || name.starts_with(".env.") {
        let examples =
            ["example", "sample", "template", "tpl", "dist", "default", "defaults", "schema", "test-example"];
        return (!examples.contains(&extension)).then_some(Kind::Variables);
    }
    match (folder, name) {
        (_, "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" | "id_ecdsa_sk" | "id_ed25519_sk") => {
            Some(Kind::Closed("a private key of SSH"))
        }
        (_, ".npmrc" | ".yarnrc" | ".yarnrc.yml") => Some(Kind::Words(
            "a login at a package registry",
            &["_authtoken", "_password", "_auth", "npmauthtoken"],
        )),
        (_, ".pypirc") => Some(Kind::Words("a login at a package index", &["password"])),
        (_, ".netrc" | "_netrc") => Some(Kind::Words("a file of logins", &["password"])),
        (_, ".git-credentials") => Some(Kind::Addresses("logins of Git")),
        (".docker", "config.json") | (_, ".dockercfg") => Some(Kind::Json("logins at image registries")),
        (".aws", "credentials" | "config") => {
            Some(Kind::Words("credentials of AWS", &["aws_secret_access_key", "aws_session_token"]))
        }
        (".azure", name) if name.ends_with(".json") => Some(Kind::Json("credentials of Azure")),
        (".kube", "config") => {
            Some(Kind::Words("credentials of Kubernetes", &["client-key-data", "token", "password"]))
        }
        (_, name) if name.ends_with(".tfstate") || name.contains(".tfstate.") => {
            Some(Kind::Json("a state of Terraform with secrets in it"))
        }
        (_, name) if name.ends_with(".tfvars") => Some(Kind::Variables),
        _ => key_store(name, extension),
    }
}

/// Key stores, but not those that hold what is trusted, nor the debug key that every Android SDK makes alike.
fn key_store(name: &str, extension: &str) -> Option<Kind> {
    let store = matches!(extension, "p12" | "pfx" | "jks" | "keystore" | "ppk");
    (store && !name.contains("trust") && name != "debug.keystore")
        .then_some(Kind::Closed("a store of private keys"))
}

/// Why the file must stay out; none where it need not.
pub(super) fn judge(kind: Kind, content: &[u8]) -> Option<Secret> {
    let text = String::from_utf8_lossy(content);
    match kind {
        Kind::Closed(what) => (!content.is_empty()).then(|| Secret { what: what.to_owned(), line: 1 }),
        Kind::Variables => variables(&text),
        Kind::Words(what, words) => line_where(&text, what, |line| has_word_with_value(line, words)),
        Kind::Json(what) => {
            line_where(&text, what, |line| json_pairs(line).any(|(key, value)| is_credential(key, value)))
        }
        Kind::Addresses(what) => line_where(&text, what, |line| password_in_address(line).is_some()),
    }
}

fn line_where(text: &str, what: &str, is_secret: impl Fn(&str) -> bool) -> Option<Secret> {
    let line = text.lines().position(is_secret)?;
    Some(Secret { what: what.to_owned(), line: line + 1 })
}

fn variables(text: &str) -> Option<Secret> {
    let mut names: Vec<(usize, &str)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some((name, value)) = assignment(line)
            && is_secret(name, value)
        {
            names.push((index + 1, name));
        }
    }
    let (line, _) = *names.first()?;
    let mut shown: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
    shown.dedup();
    let more = if shown.len() > 3 { format!(" and {} more", shown.len() - 3) } else { String::new() };
    shown.truncate(3);
    let shown: Vec<String> = shown.iter().map(|name| format!("`{name}`")).collect();
    Some(Secret {
        what: format!("a file of variables with secrets in it ({}{more})", shown.join(", ")),
        line,
    })
}

/// `NAME=value`, as files of variables and of Terraform have it; without quotes and the comment behind.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let name = name.trim();
    let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let value = value.trim();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
        Some('#') | None => "",
        _ => value.split(" #").next().unwrap_or_default().trim(),
    };
    valid.then_some((name, value))
}

fn is_secret(name: &str, value: &str) -> bool {
    if is_public_name(name) || is_placeholder(value) {
        return false;
    }
    let address = password_in_address(value).is_some_and(|(at, _)| too_plain(&value[at]).is_none());
    let named = is_secret_name(name) && may_be_secret_name(name);
    named && !is_setting(value) || address || may_be_secret_name(name) && too_plain(value).is_none()
}

/// True for values that settings have and secrets have not.
fn is_setting(value: &str) -> bool {
    matches!(
        value.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "none" | "null"
    ) || value.parse::<u16>().is_ok()
}

fn has_word_with_value(line: &str, words: &[&str]) -> bool {
    let line = line.trim();
    let lower = line.to_ascii_lowercase();
    if lower.starts_with(['#', ';']) {
        return false;
    }
    words.iter().any(|word| {
        let Some(at) = lower.find(word) else { return false };
        let rest = lower[at + word.len()..].trim_start_matches(['"', '\'']);
        let value = rest.trim_start().trim_start_matches(['=', ':']).trim().trim_matches(['"', '\'', ',']);
        rest.starts_with(['=', ':', ' ', '\t']) && !is_placeholder(value)
    })
}

/// The pairs of a key and a text in a line of JSON. A file may be one line.
fn json_pairs(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut strings = line.split('"').skip(1);
    let mut key = strings.next();
    std::iter::from_fn(move || {
        loop {
            let (between, next) = (strings.next()?, strings.next()?);
            let pair = key.filter(|_| between.trim() == ":").map(|key| (key, next));
            key = Some(next);
            if pair.is_some() {
                return pair;
            }
        }
    })
}

fn is_credential(key: &str, value: &str) -> bool {
    let name: String = key
        .chars()
        .flat_map(
            |c| if c.is_ascii_uppercase() { vec!['_', c] } else { vec![if c == '-' { '_' } else { c }] },
        )
        .collect();
    let more = matches!(name.as_str(), "auth" | "identitytoken" | "password" | "connection_string");
    (more || is_secret_name(&name)) && !is_placeholder(value) && too_plain(value).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(path: &str, content: &str) -> Option<Secret> {
        judge(kind(path)?, content.as_bytes())
    }

    #[test]
    fn variables_are_judged_by_what_is_in_them() {
        let found =
            secret("web/.env.local", "VITE_X=1\n# c\nexport API_KEY='abc123' # c\nDB_PASSWORD=x1\n").unwrap();
        assert_eq!(found.what, "a file of variables with secrets in it (`API_KEY`, `DB_PASSWORD`)");
        assert_eq!(found.line, 3);
        assert!(secret(".env", "DATABASE_URL=postgres://app:Tr0ub4dor@db/x").is_some());
        assert!(secret(".envrc", "export SMTP_PASS=l0ng-enough").is_some());
        for harmless in [
            "VITE_API_BASE_URL=https://api.example.com\nVITE_MAPS_KEY=AIzaSyA-real",
            "API_KEY=\nDB_PASSWORD=changeme\nTOKEN=${TOKEN}\nSECRET=<secret>",
            "LOG_LEVEL=info\nNODE_ENV=production\nUSE_TOKEN=true\nPUBLIC_KEY=abcdefgh12",
            "# API_KEY=abc123",
        ] {
            assert_eq!(secret(".env", harmless), None, "{harmless}");
        }
        for example in
            [".env.example", ".env.sample", "a/.env.template", ".env.local.example", "env.ts", ".environment"]
        {
            assert_eq!(kind(example), None, "{example}");
        }
    }

    #[test]
    fn files_of_tools_are_refused_for_the_credentials_in_them() {
        for (path, bad, good) in [
            (
                ".npmrc",
                "//r.example/:_authToken=npm_x1y2",
                "//r.example/:_authToken=${NPM_TOKEN}\nsave-exact=true",
            ),
            (".yarnrc.yml", "npmAuthToken: \"abc-1\"", "nodeLinker: node-modules"),
            (".pypirc", "[pypi]\npassword = pypi-1", "[pypi]\nusername = __token__"),
            ("x/.netrc", "machine a login b password c1", "machine a login b"),
            (".git-credentials", "https://me:tok3n@github.com", ""),
            (
                ".docker/config.json",
                "{\"auths\":{\"r\":{\"auth\":\"dXNlcjpwYXNz\"}}}",
                "{\"credsStore\":\"pass\"}",
            ),
            (".aws/credentials", "[default]\naws_secret_access_key = abc1", "[default]\nregion = eu-west-1"),
            (
                "terraform.tfstate",
                "{ \"password\": \"Tr0ub4dor&3\" }",
                "{ \"password\": \"\", \"key_name\": \"deploy-key-1\" }",
            ),
            (
                ".azure/msal_token_cache.json",
                "{ \"secret\": \"0.AXoA-9d2_Tk\" }",
                "{ \"name\": \"some-subscription\" }",
            ),
        ] {
            assert!(secret(path, bad).is_some(), "{path}: {bad}");
            assert_eq!(secret(path, good), None, "{path}: {good}");
        }
    }

    #[test]
    fn keys_are_refused_by_name_unless_they_cannot_be_private() {
        for path in ["id_rsa", ".ssh/id_ed25519", "cert/site.p12", "a.PFX", "release.keystore"] {
            assert!(secret(path, "x").is_some(), "{path}");
            assert_eq!(secret(path, ""), None, "{path}");
        }
        for path in ["id_rsa.pub", "truststore.jks", "debug.keystore", "ca.pem", "site.key"] {
            assert_eq!(kind(path), None, "{path}");
        }
    }
}
