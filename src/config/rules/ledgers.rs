//! Where a history that several machines share lies: a bucket of an object store, and a folder in it.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::{Problem, Rule};
use crate::config::report::shown;
use crate::config::yaml::Scalar;

pub(crate) static LEDGER: Rule = Rule {
    expects: "a place such as `s3://bucket/prefix`",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": FORM, "maxLength": LONGEST }),
    check: |scalar| ledger(scalar).map(drop),
};

/// Characters that a place may have: the key of an object may have 1024, and project, environment and number follow.
const LONGEST: usize = 300;

/// A scheme, a bucket's or container's name (3 to 63 characters, by what S3, Azure and Google have in common), then parts of a
/// path that are neither `.` nor `..`.
const FORM: &str = r"^(s3|az|gs)://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/([A-Za-z0-9_-][A-Za-z0-9._-]*|\.[A-Za-z0-9_-][A-Za-z0-9._-]*))*$";

#[allow(clippy::expect_used)] // a constant pattern, read by the tests
static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new(FORM).expect("a constant pattern"));

/// Where a shared history lies.
pub(crate) fn ledger(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    if fits(text) {
        return Ok(text.clone());
    }
    let message = format!("`{}` is no place for a ledger", shown(text));
    Err(Problem::new("invalid-ledger", message).hint(mend(text)))
}

fn fits(text: &str) -> bool {
    text.len() <= LONGEST && PATTERN.is_match(text)
}

fn mend(text: &str) -> String {
    let usual = "write `s3://bucket/prefix`, `az://container/prefix` or `gs://bucket/prefix`; logins come from variables such as `AWS_ACCESS_KEY_ID`";
    let cut = text.trim_end_matches('/');
    if cut != text && fits(cut) {
        return format!("leave out the / at the end: `{cut}`");
    }
    let known = [("azure://", "az://"), ("abfs://", "az://"), ("gcs://", "gs://"), ("S3://", "s3://")];
    let renamed = known.iter().find_map(|(from, to)| Some(format!("{to}{}", text.strip_prefix(from)?)));
    match renamed.filter(|renamed| fits(renamed)) {
        Some(renamed) => format!("write `{renamed}`"),
        None => usual.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn places() {
        for good in ["s3://acme-deploys", "s3://a.b-c/x/Y_z.1", "az://ledger/p", "gs://abc/.hidden"] {
            assert_eq!(ledger(&plain(good)).unwrap(), good);
        }
        for (bad, mend) in [
            ("s3://acme/", "`s3://acme`"),
            ("gcs://acme/x", "`gs://acme/x`"),
            ("azure://acme", "`az://acme`"),
            ("s3://key:secret@acme", "variables"),
            ("s3://acme/../x", "s3://bucket"),
            ("s3://acme/./x", "s3://bucket"),
            ("s3://acme//x", "s3://bucket"),
            ("s3://acme/x?y", "s3://bucket"),
            ("https://acme.s3.amazonaws.com", "s3://bucket"),
            ("file:///tmp", "s3://bucket"),
            ("s3://ab", "s3://bucket"),
            ("s3://acme\n", "s3://bucket"),
            ("", "s3://bucket"),
        ] {
            let problem = ledger(&plain(bad)).unwrap_err();
            assert!(problem.hint.as_ref().unwrap().contains(mend), "{bad:?}: {problem:?}");
        }
        assert!(ledger(&plain(&format!("s3://acme/{}", "a".repeat(300)))).is_err());
    }
}
