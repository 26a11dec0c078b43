//! Where images are pushed to: a registry's host, and what stands before the images' names there.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::{Problem, Rule};
use crate::config::report::shown;
use crate::config::yaml::Scalar;

pub(crate) static REGISTRY: Rule = Rule {
    expects: "a registry such as `ghcr.io/acme`",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": FORM, "maxLength": LONGEST }),
    check: |scalar| registry(scalar).map(drop),
};

/// Characters that a registry with its path may have: an image's whole name may have 255.
const LONGEST: usize = 180;

/// A host with a dot or a port, or `localhost`, then parts of a repository's name; the grammar of
/// <https://pkg.go.dev/github.com/distribution/reference> but for upper case in the host.
const FORM: &str = concat!(
    r"^(localhost(:[0-9]{1,5})?",
    r"|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(:[0-9]{1,5})?",
    r"|[a-z0-9]([a-z0-9-]*[a-z0-9])?:[0-9]{1,5}|\[[0-9a-f:]+\](:[0-9]{1,5})?)",
    r"(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$",
);

#[allow(clippy::expect_used)] // a constant pattern, read by the tests
static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new(FORM).expect("a constant pattern"));

/// Where images are pushed to.
pub(crate) fn registry(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    if text.len() <= LONGEST && PATTERN.is_match(text) && port_fits(text) {
        return Ok(text.clone());
    }
    let message = format!("`{}` is not a registry that images can be pushed to", shown(text));
    Err(Problem::new("invalid-registry", message).hint(mend(text)))
}

fn fits(text: &str) -> bool {
    PATTERN.is_match(text) && port_fits(text)
}

fn port_fits(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or(text);
    match host.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port.parse::<u16>().is_ok_and(|port| port > 0),
        _ => true,
    }
}

fn mend(text: &str) -> String {
    let usual = "write a host and a path, such as `ghcr.io/acme` or `localhost:5000`";
    let without_scheme = text.split_once("://").map(|(_, rest)| rest.trim_end_matches('/'));
    let lower = text.to_lowercase();
    let last = text.rsplit('/').next().unwrap_or(text);
    if let Some(rest) = without_scheme {
        return if fits(rest) { format!("leave out the scheme: `{rest}`") } else { usual.to_owned() };
    }
    if lower != *text && fits(&lower) {
        return format!("registries are in lower case here: `{lower}`");
    }
    if text.contains('/') && last.contains([':', '@']) {
        return "leave out the tag or digest: images get tags made from their content, and those of `--tag`"
            .to_owned();
    }
    if text.len() > 1 && fits(text.trim_end_matches('/')) {
        return format!("leave out the / at the end: `{}`", text.trim_end_matches('/'));
    }
    let hub = format!("docker.io/{text}");
    if fits(&hub) && !text.contains('.') {
        return format!("name the host too; at Docker Hub it is `{hub}`");
    }
    usual.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn registries() {
        for good in [
            "ghcr.io/acme",
            "docker.io/acme",
            "registry.fly.io",
            "localhost:5000",
            "localhost",
            "127.0.0.1:5000/a/b_c",
            "[::1]:5000",
            "1.dkr.ecr.eu-west-1.amazonaws.com",
            "registry:5000/x",
        ] {
            assert_eq!(registry(&plain(good)).unwrap(), good);
        }
        for (bad, mend) in [
            ("https://ghcr.io/acme/", "`ghcr.io/acme`"),
            ("ghcr.io/Acme", "`ghcr.io/acme`"),
            ("ghcr.io/acme:latest", "tag"),
            ("ghcr.io/acme@sha256:00", "digest"),
            ("ghcr.io/acme/", "`ghcr.io/acme`"),
            ("acme", "`docker.io/acme`"),
            ("localhost:70000", "host"),
            ("localhost:0", "host"),
            ("", "host"),
            ("user:pw@ghcr.io/x", "host"),
            ("ghcr.io//x", "host"),
            ("ghcr.io/../x", "host"),
            ("$(id)", "host"),
            ("a b", "host"),
            ("ghcr.io/x\n", "host"),
        ] {
            let problem = registry(&plain(bad)).unwrap_err();
            assert!(problem.hint.as_ref().unwrap().contains(mend), "{bad:?}: {problem:?}");
        }
        assert!(registry(&plain(&format!("ghcr.io/{}", "a".repeat(200)))).is_err());
    }
}
