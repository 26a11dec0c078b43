//! Which build a page is of, by what stands in it.

use sha2::{Digest as _, Sha256};

use super::html;

/// What tells one build of a page from another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageMark {
    /// The build id that the page says of itself, where it does; the generated Dockerfiles write it.
    pub meta: Option<String>,
    /// The hash of the whole page, in hex.
    pub sha256: String,
}

impl PageMark {
    /// The mark of a page.
    pub fn of(html: &[u8]) -> Self {
        let meta = html::build_of(&String::from_utf8_lossy(html)).filter(|id| !id.is_empty());
        Self { meta, sha256: Sha256::digest(html).iter().map(|byte| format!("{byte:02x}")).collect() }
    }

    /// True where both are of the same build: by what they say, else by their bytes, since an edge may rewrite a page.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.meta, &other.meta) {
            (Some(one), Some(other)) => one == other,
            _ => self.sha256 == other.sha256,
        }
    }

    /// The build for people.
    pub fn shown(&self) -> &str {
        self.meta.as_deref().unwrap_or_else(|| &self.sha256[..self.sha256.len().min(16)])
    }
}
