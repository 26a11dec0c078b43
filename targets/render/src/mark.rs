//! What a deploy leaves behind to be known by: a mark among the service's variables.
//!
//! Given: what is deployed, and the newest deploy before it. Gives: the mark's text, and the mark that a text is. It is written once
//! everything that the deploy takes is set, and before the deploy is asked for: any deploy that is newer than `after` has all of
//! it, so that a run that was cut off at any call is seen for what it did. Deliberately absent: values of secrets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How names of marks begin.
pub(crate) const MARK: &str = "DASHDEPLOY_";

/// What was deployed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Deployed {
    /// What tells one deploy from another: [`crate::desired::Desired::hash`].
    pub(crate) of: String,
    /// The image's content, or the commit.
    pub(crate) content: String,
    /// The digest of the image's manifest, where it was deployed by digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    /// The newest deploy before it; none where it was the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    /// The release's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<u32>,
    /// Fingerprints of the secrets that it has.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) secrets: BTreeMap<String, String>,
}

/// The name of a mark.
pub(crate) fn mark(name: &str) -> String {
    format!("{MARK}{name}")
}

impl Deployed {
    /// The mark among variables; none where there is none, or it is of another version.
    pub(crate) fn among(env: &BTreeMap<String, String>) -> Option<Self> {
        serde_json::from_str(env.get(&mark("DEPLOYED"))?).ok()
    }

    /// The mark's text.
    pub(crate) fn text(&self) -> String {
        // Plain data with string keys: nothing that JSON could refuse.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The digest in a reference: `sha256:…` of `repository@sha256:…`.
pub(crate) fn digest_of(reference: &str) -> Option<String> {
    reference.rsplit_once('@').map(|(_, digest)| digest.to_owned())
}
