//! `--cache-from` and `--cache-to`: results of steps in a registry, so that a fresh machine need not redo them.
//!
//! Given: what the user wrote. Gives: [`CacheEntry`]s as BuildKit takes them. Forms as in
//! <https://docs.docker.com/build/cache/backends/>: `type=registry,ref=ghcr.io/acme/shop:cache,mode=max`, `type=inline`, or a
//! bare reference for `type=registry`.

use indexmap::IndexMap;

/// One place of cached results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// `registry`, `inline`, `gha`, `s3`, …
    pub kind: String,
    /// Everything else, by name.
    pub attributes: IndexMap<String, String>,
}

impl std::str::FromStr for CacheEntry {
    type Err = String;

    /// # Errors
    /// A sentence for a part that is no `name=value`, a missing type, a registry without `ref`.
    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains('=') {
            return Self::registry(text);
        }
        let mut attributes = IndexMap::new();
        for part in text.split(',') {
            let (name, value) = part
                .split_once('=')
                .filter(|(name, value)| !name.is_empty() && !value.is_empty())
                .ok_or_else(|| {
                    format!("`{part}` is no name=value, as in `type=registry,ref=ghcr.io/acme/shop:cache`")
                })?;
            attributes.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
        let kind = attributes
            .shift_remove("type")
            .ok_or_else(|| "`type=` is missing: `type=registry,ref=…` or `type=inline`".to_owned())?;
        if kind == "registry" && !attributes.contains_key("ref") {
            return Err(
                "`ref=` is missing: the image that holds the results, as `ref=ghcr.io/acme/shop:cache`"
                    .to_owned(),
            );
        }
        Ok(Self { kind, attributes })
    }
}

impl CacheEntry {
    fn registry(reference: &str) -> Result<Self, String> {
        if reference.is_empty() || reference.contains(char::is_whitespace) {
            return Err(
                "write `type=registry,ref=ghcr.io/acme/shop:cache`, or the reference alone".to_owned()
            );
        }
        let attributes = IndexMap::from([("ref".to_owned(), reference.to_owned())]);
        Ok(Self { kind: "registry".to_owned(), attributes })
    }

    /// True for results that travel inside the image itself.
    pub fn is_inline(&self) -> bool {
        self.kind == "inline"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_are_read() {
        let parse = |text: &str| text.parse::<CacheEntry>();
        let entry = parse("type=registry,ref=r.invalid/a:b,mode=max").unwrap();
        assert_eq!((entry.kind.as_str(), entry.attributes["ref"].as_str()), ("registry", "r.invalid/a:b"));
        assert_eq!(entry.attributes["mode"], "max");
        assert_eq!(parse("localhost:5000/a").unwrap().attributes["ref"], "localhost:5000/a");
        assert!(parse("type=inline").unwrap().is_inline());
        for bad in ["", "a b", "ref=x", "type=registry", "type=registry,x", "type="] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
