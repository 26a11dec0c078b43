//! The content key: equal where a build would give the same image, so that it need not be run.
//!
//! Given: the context's entries with their digests, the Dockerfile, arguments, labels, target, platform, the images it begins
//! with. Gives: the key that the image bears as a label. What does not go into the image is left out: comments, times, the
//! commit, values of secrets, proxies.

use super::{BuildOptions, BuildRequest, dockerfile};
use crate::io::context::listing::{Content, Entry};

/// The image's label that holds the key.
pub const KEY_LABEL: &str = "dev.dashdeploy.key";

/// Counts up when builds of the same sources begin to give other images.
const GENERATION: &str = "1";

/// The parts that the request does not have.
pub(super) struct Parts<'a> {
    /// The Dockerfile's text.
    pub(super) dockerfile: &'a str,
    /// What of the context the image can hold.
    pub(super) entries: &'a [Entry],
    /// The digest of each entry's content.
    pub(super) digests: &'a [Option<[u8; 32]>],
    /// The images it begins with, each with the id that the engine has for it.
    pub(super) bases: &'a [(String, Option<String>)],
}

/// The key, 64 hex digits.
pub(super) fn key(request: &BuildRequest, options: &BuildOptions, parts: &Parts<'_>) -> String {
    let mut sum = Sum(blake3::Hasher::new());
    sum.text(GENERATION);
    sum.text(&dockerfile::essential(parts.dockerfile));
    sum.text(request.target.as_deref().unwrap_or_default());
    sum.text(options.platform.as_deref().unwrap_or_default());
    sum.pairs(&sorted(&request.args));
    sum.pairs(&sorted(&request.labels));
    let mut secrets: Vec<(&str, &str)> = request.secrets.ids().map(|id| (id, "")).collect();
    secrets.sort_unstable();
    sum.pairs(&secrets);
    let bases = parts.bases.iter().map(|(name, id)| (name.as_str(), id.as_deref().unwrap_or("absent")));
    sum.pairs(&bases.collect::<Vec<_>>());
    for (entry, digest) in parts.entries.iter().zip(parts.digests) {
        sum.text(&entry.path);
        sum.entry(entry, digest.as_ref());
    }
    sum.0.finalize().to_hex().to_string()
}

fn sorted(map: &indexmap::IndexMap<String, String>) -> Vec<(&str, &str)> {
    let mut pairs: Vec<(&str, &str)> =
        map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    pairs.sort_unstable();
    pairs
}

/// Each part with its length before it, so that no two lists of parts look alike.
struct Sum(blake3::Hasher);

impl Sum {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn pairs(&mut self, pairs: &[(&str, &str)]) {
        self.0.update(&(pairs.len() as u64).to_le_bytes());
        for (name, value) in pairs {
            self.text(name);
            self.text(value);
        }
    }

    fn entry(&mut self, entry: &Entry, digest: Option<&[u8; 32]>) {
        self.0.update(&entry.mode.to_le_bytes());
        match (&entry.content, digest) {
            (Content::Folder, _) => self.text("folder"),
            (Content::Link(target), _) => self.pairs(&[("link", target)]),
            (_, Some(digest)) => self.bytes(digest),
            // A file without a digest is never equal to one with.
            (_, None) => self.text("unread"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use dashdeploy_contract::Name;

    use super::*;

    fn request() -> BuildRequest {
        BuildRequest {
            service: Name::parse("api").unwrap(),
            reference: "p-api:latest".into(),
            context: PathBuf::from("/ctx"),
            dockerfile: PathBuf::from("/Dockerfile"),
            dockerfile_text: None,
            ignore_text: None,
            args: Default::default(),
            labels: Default::default(),
            target: None,
            secrets: Default::default(),
        }
    }

    type Change = fn(
        &mut BuildRequest,
        &mut BuildOptions,
        &mut String,
        &mut Vec<Entry>,
        &mut Vec<(String, Option<String>)>,
    );

    fn key_of(change: Change) -> String {
        let (mut request, mut options) = (request(), BuildOptions::default());
        let mut text = "FROM a\nCOPY . .\n".to_owned();
        let mut entries = vec![Entry::in_memory("a/b", b"x")];
        let mut bases = vec![("a".to_owned(), Some("sha256:1".to_owned()))];
        change(&mut request, &mut options, &mut text, &mut entries, &mut bases);
        let digests: Vec<_> = entries
            .iter()
            .map(|entry| match &entry.content {
                Content::Memory(bytes) => Some(*blake3::hash(bytes).as_bytes()),
                _ => None,
            })
            .collect();
        let parts = Parts { dockerfile: &text, entries: &entries, digests: &digests, bases: &bases };
        key(&request, &options, &parts)
    }

    #[test]
    fn everything_that_goes_into_the_image_goes_into_the_key() {
        let changes: &[Change] = &[
            |_, _, _, _, _| {},
            |request, _, _, _, _| request.target = Some("t".into()),
            |request, _, _, _, _| drop(request.args.insert("A".into(), "1".into())),
            |request, _, _, _, _| drop(request.args.insert("A".into(), String::new())),
            |request, _, _, _, _| drop(request.labels.insert("A".into(), "1".into())),
            |request, _, _, _, _| request.secrets.insert("A", "v".to_owned().into()),
            |_, options, _, _, _| options.platform = Some("linux/arm64".into()),
            |_, _, text, _, _| text.push_str("RUN x\n"),
            |_, _, _, entries, _| entries[0] = Entry::in_memory("a/b", b"y"),
            |_, _, _, entries, _| entries[0] = Entry::in_memory("a/c", b"x"),
            |_, _, _, entries, _| entries[0].mode = 0o755,
            |_, _, _, entries, _| entries[0].content = Content::Folder,
            |_, _, _, entries, _| entries[0].content = Content::Link("x".into()),
            |_, _, _, entries, _| entries.clear(),
            |_, _, _, _, bases| bases[0].1 = Some("sha256:2".into()),
            |_, _, _, _, bases| bases[0].1 = None,
        ];
        let keys: std::collections::BTreeSet<String> = changes.iter().map(|change| key_of(*change)).collect();
        assert_eq!(keys.len(), changes.len());
    }

    #[test]
    fn what_does_not_go_into_the_image_stays_out_of_the_key() {
        let changes: &[Change] = &[
            |_, _, text, _, _| text.insert_str(0, "# a comment\n\n"),
            |request, _, _, _, _| request.reference = "other:latest".into(),
            |_, options, _, _, _| options.no_cache = true,
            |_, _, _, entries, _| entries[0].modified += 1,
        ];
        for (index, change) in changes.iter().enumerate() {
            assert_eq!(key_of(*change), key_of(|_, _, _, _, _| {}), "{index}");
        }
    }
}
