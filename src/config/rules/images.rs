//! Images of registries, and stages of Dockerfiles.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::{Problem, Rule, text_like};
use crate::config::report::shown;
use crate::config::yaml::Scalar;

pub(crate) static IMAGE: Rule = Rule {
    expects: "an image such as `postgres:17`",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": REFERENCE, "maxLength": 512 }),
    check: |scalar| image(scalar).map(drop),
};

pub(crate) static STAGE: Rule = Rule {
    expects: "the name of a stage",
    null_hint: None,
    json: || text_like("^[A-Za-z0-9][A-Za-z0-9_.-]*$"),
    check: |scalar| stage(scalar).map(drop),
};

/// The grammar of image references: <https://pkg.go.dev/github.com/distribution/reference>, with digests by SHA-256 and
/// SHA-512 alone (the OCI image specification's registered algorithms).
const REFERENCE: &str = concat!(
    r"^((localhost|[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+|\[[0-9A-Fa-f:]+\])(:[0-9]+)?/",
    r"|[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?:[0-9]+/)?",
    r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*",
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?$",
);

#[allow(clippy::expect_used)] // a constant pattern, read by the tests
static REFERENCE_FORM: LazyLock<Regex> = LazyLock::new(|| Regex::new(REFERENCE).expect("a constant pattern"));

/// An image's reference, as a registry knows it.
pub(crate) fn image(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    if text.len() <= 512 && REFERENCE_FORM.is_match(text) {
        return Ok(text.clone());
    }
    let problem = Problem::new("invalid-image", format!("`{}` is not the name of an image", shown(text)));
    let lower = text.to_lowercase();
    Err(if text.contains("://") {
        problem.hint("leave out the scheme")
    } else if lower != *text && text.len() <= 80 && REFERENCE_FORM.is_match(&lower) {
        problem.hint(format!("names of images are in lower case: `{lower}`"))
    } else {
        problem.hint("write `name:tag`, `host/name:tag` or `name@sha256:…`")
    })
}

/// A stage of a Dockerfile, by name or number.
pub(crate) fn stage(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if text.len() <= 128 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(allowed)
    {
        return Ok(text.clone());
    }
    Err(Problem::new("invalid-stage", format!("`{}` is not the name of a stage", shown(text))))
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn references_of_images() {
        let digest = format!("a@sha256:{}", "0".repeat(64));
        for good in [
            "postgres",
            "postgres:17",
            "library/redis:7-alpine",
            "ghcr.io/a/b_c/d-e:v1.2",
            "localhost:5000/x",
            "registry:5000/x/y",
            "[::1]:5000/x",
            digest.as_str(),
        ] {
            assert_eq!(image(&plain(good)).unwrap(), good);
        }
        for bad in [
            "",
            "Postgres",
            "a b",
            "a:",
            ":tag",
            "-rm",
            "a/../b",
            "https://a/b",
            "a@sha256:12",
            "a:tag:tag",
            "$(id)",
            "a\nb",
            "a//b",
            "/a",
            "a/",
            "é",
        ] {
            assert!(image(&plain(bad)).is_err(), "{bad:?}");
        }
        assert!(image(&plain("Postgres:17")).unwrap_err().hint.unwrap().contains("`postgres:17`"));
    }
}
