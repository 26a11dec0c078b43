//! What Netlify calls things; all else that follows from dashdeploy.yaml alone is that of every host of pages.

use dashdeploy_contract::PageHost;

/// The word under `target:`.
pub(crate) const TARGET: &str = "netlify";

/// Netlify. Letters, digits and `-` name a site (`netlify-cli` 27, `validateSiteName`).
pub(crate) const HOST: PageHost = PageHost {
    target: TARGET,
    title: "Netlify",
    domain: "netlify.app",
    unit: "site",
    file: "netlify.toml",
    forbidden: None,
};
