//! The actions that the workflow uses, each at a commit.
//!
//! Given: an action's name. Gives: the commit and the tag that it had when the template was written. `dashdeploy.lock` counts
//! before this table. Every commit was found with this very tag beside it in several public files, and runs on Node.js
//! 24; `dashdeploy pin --update --actions` asks GitHub.

use serde::Serialize;

use crate::render::engine::Marked;

/// An action at a commit.
pub struct BuiltIn {
    /// 40 hex digits.
    pub commit: &'static str,
    /// The tag of the commit.
    pub tag: &'static str,
}

/// `uses:` of a step.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// `owner/name@commit`.
    pub uses: String,
    /// The tag, for the comment.
    pub tag: Marked,
}

/// Checks out the repository: <https://github.com/actions/checkout>.
pub const CHECKOUT: &str = "actions/checkout";
/// Python of a version: <https://github.com/actions/setup-python>.
pub const PYTHON: &str = "actions/setup-python";
/// Node.js of a version: <https://github.com/actions/setup-node>.
pub const NODE: &str = "actions/setup-node";
/// Files kept from run to run: <https://github.com/actions/cache>.
pub const CACHE: &str = "actions/cache";

const ALL: [(&str, BuiltIn); 6] = [
    (CHECKOUT, BuiltIn { commit: "de0fac2e4500dabe0009e67214ff5f5447ce83dd", tag: "v6.0.2" }),
    (PYTHON, BuiltIn { commit: "a309ff8b426b58ec0e2a45f0f869d46889d02405", tag: "v6.2.0" }),
    (NODE, BuiltIn { commit: "53b83947a5a98c8d113130e565377fae1a50d02f", tag: "v6.3.0" }),
    (CACHE, BuiltIn { commit: "668228422ae6a00e4ad889ee87cd7109ec5666a7", tag: "v5.0.4" }),
    (
        "aws-actions/configure-aws-credentials",
        BuiltIn { commit: "8df5847569e6427dd6c4fb1cf565c83acfa8afa7", tag: "v6.0.0" },
    ),
    ("azure/login", BuiltIn { commit: "532459ea530d8321f2fb9bb10d1e0bcf23869a43", tag: "v3.0.0" }),
];

/// The commit and tag of an action; none for one that no template uses.
pub fn built_in(name: &str) -> Option<&'static BuiltIn> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, built_in)| built_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_is_whole_and_every_tag_a_release() {
        for (name, BuiltIn { commit, tag }) in &ALL {
            assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
            assert!(tag.starts_with('v') && tag.split('.').count() == 3, "{name}");
        }
    }
}
