//! What Vercel calls things; all else that follows from dashdeploy.yaml alone is that of every host of pages.

use dashdeploy_contract::PageHost;

/// The word under `target:`.
pub(crate) const TARGET: &str = "vercel";

/// Vercel. Of what names a project there (vercel.com/docs/projects: a-z, 0-9, `.`, `_`, `-`, 100 at most, no `---`) what names a
/// host too.
pub(crate) const HOST: PageHost = PageHost {
    target: TARGET,
    title: "Vercel",
    domain: "vercel.app",
    unit: "project",
    file: "vercel.json",
    forbidden: Some("---"),
};
