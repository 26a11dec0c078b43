//! The digest of every file of a context, and what a guard finds in them: each file is read once, and again only when its
//! stamp differs.
//!
//! Given: listed entries, the place of the cache file, perhaps an [`Inspect`]. Gives: [`Digested`]. A stamp from the last
//! moments before a run is not trusted in the next one: an edit within the same tick of the clock would not show.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dashdeploy_contract::Finding;

use super::ContextError;
use super::inspect::Inspect;
use super::listing::{Content, Entry, Stamp};
use super::parallel::in_parallel;
use super::stamps::{Record, Stamps, order, store};

/// The coarsest clock of a common file system (FAT).
const COARSEST_TICK: Duration = Duration::from_secs(2);
const NANOS: u64 = 1_000_000_000;

/// What looks into files, and where is remembered what they were.
#[derive(Debug, Clone, Default)]
pub struct Looks {
    /// The cache file; none to read every file.
    pub cache: Option<PathBuf>,
    /// What judges the files; none for nothing.
    pub inspect: Option<Arc<dyn Inspect>>,
}

/// Every file by content.
#[derive(Debug, Default)]
pub struct Digested {
    /// BLAKE3 of each entry's content, in the order of the entries; none for folders and links.
    pub digests: Vec<Option<[u8; 32]>>,
    /// What was found in files that must not be sent.
    pub findings: Vec<Finding>,
    /// Bytes that were read for it.
    pub read: u64,
}

#[derive(Default)]
struct Looked {
    digest: Option<[u8; 32]>,
    findings: Vec<Finding>,
    read: u64,
}

/// Reads what is not known yet. Blocks.
///
/// # Errors
/// [`ContextError`] for the first file that cannot be read.
pub fn digest(root: &Path, entries: &[Entry], looks: &Looks) -> Result<Digested, ContextError> {
    let begun = SystemTime::now();
    let stamps = looks.cache.as_deref().map(Stamps::load);
    let edition = looks.inspect.as_deref().map(Inspect::edition);
    let records = stamps.as_ref().map(Stamps::records).unwrap_or_default();
    let same_edition = edition.is_none() || edition == stamps.as_ref().and_then(Stamps::edition);
    let known = joined(entries, &records);
    let todo: Vec<(&Entry, Option<&Record<'_>>)> = entries.iter().zip(known.iter().copied()).collect();
    let known_digest = |(entry, record): &(&Entry, Option<&Record<'_>>)| match (&entry.content, record) {
        (Content::Disk(stamp), Some(record)) => {
            usable(record, stamp, edition.is_none(), same_edition).then_some(record.digest)
        }
        _ => None,
    };
    let unread: Vec<&Entry> = todo
        .iter()
        .filter(|item| item.0.is_file() && known_digest(item).is_none())
        .map(|item| item.0)
        .collect();
    // One at a time: a single file may be most of a context.
    let mut read = in_parallel(&unread, 1, |entry| look(root, entry, looks.inspect.as_deref())).into_iter();
    let looked = todo.iter().map(|item| match known_digest(item) {
        None if item.0.is_file() => read.next().unwrap_or_else(|| Ok(Looked::default())),
        digest => Ok(Looked { digest, ..Looked::default() }),
    });
    let looked = looked.collect::<Result<Vec<Looked>, _>>()?;
    let news = looked.iter().any(|looked| looked.read > 0)
        || records.len() != todo.iter().filter(|t| t.1.is_some()).count();
    if let Some(cache) = looks.cache.as_deref().filter(|_| news) {
        // Without the file the next run reads all again: slower, and as good.
        let _ = remember(cache, edition, begun, entries, &looked);
    }
    let read = looked.iter().map(|looked| looked.read).sum();
    let mut digested = Digested { read, ..Digested::default() };
    for one in looked {
        digested.digests.push(one.digest);
        digested.findings.extend(one.findings);
    }
    Ok(digested)
}

fn usable(record: &Record<'_>, stamp: &Stamp, no_inspection: bool, same_edition: bool) -> bool {
    record.stamp == *stamp && (no_inspection || record.clean && same_edition)
}

/// For each entry the record of the same path. Both are in the order of paths.
fn joined<'a, 'b>(entries: &[Entry], records: &'b [Record<'a>]) -> Vec<Option<&'b Record<'a>>> {
    let mut records = records.iter().peekable();
    let found = entries.iter().map(|entry| {
        while records.next_if(|record| order(record.path, &entry.path).is_lt()).is_some() {}
        records.next_if(|record| record.path == entry.path)
    });
    found.collect()
}

fn look(root: &Path, entry: &Entry, inspect: Option<&dyn Inspect>) -> Result<Looked, ContextError> {
    let mut inspection = inspect.map(|inspect| inspect.open(&entry.path, entry.size()));
    let mut hasher = blake3::Hasher::new();
    entry.read(root, |piece| {
        hasher.update(&piece);
        if let Some(inspection) = &mut inspection {
            inspection.piece(&piece);
        }
        true
    })?;
    let findings = inspection.map(super::inspect::Inspection::end).unwrap_or_default();
    // An empty file was read as well; one in memory is not news.
    let read = if matches!(entry.content, Content::Disk(_)) { entry.size().max(1) } else { 0 };
    Ok(Looked { digest: Some(hasher.finalize().into()), findings, read })
}

fn remember(
    cache: &Path,
    edition: Option<[u8; 32]>,
    begun: SystemTime,
    entries: &[Entry],
    looked: &[Looked],
) -> std::io::Result<()> {
    let settled = begun.checked_sub(COARSEST_TICK).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let settled = settled.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default();
    let records = entries.iter().zip(looked).filter_map(|(entry, looked)| {
        let Content::Disk(stamp) = &entry.content else { return None };
        (stamp.modified < settled && stamp.changed < settled).then_some(())?;
        let clean = edition.is_some() && looked.findings.is_empty();
        Some(Record { path: &entry.path, stamp: *stamp, digest: looked.digest?, clean })
    });
    store(cache, edition.unwrap_or_default(), records)
}

impl Digested {
    /// Gives each file a time whose fraction of a second is made from its content: BuildKit fetches a file again when its size
    /// or time differs, and would miss an edit that keeps both. Layers hold whole seconds, so no image shows it.
    pub fn mark_times(&self, entries: &mut [Entry]) {
        for (entry, digest) in entries.iter_mut().zip(&self.digests) {
            if let (Content::Disk(_), Some(digest)) = (&entry.content, digest) {
                let mark = digest.iter().take(7).fold(0, |mark, byte| (mark << 8) | u64::from(*byte));
                entry.modified = entry.modified / NANOS * NANOS + mark % NANOS;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Mutex;

    use super::super::inspect::Inspection;
    use super::super::{ContextSource, listing::list};
    use super::*;

    #[derive(Debug, Default)]
    struct Canary {
        edition: u8,
        opened: Mutex<Vec<String>>,
    }

    struct Look<'a>(&'a str, Vec<u8>);

    impl Inspect for Canary {
        fn edition(&self) -> [u8; 32] {
            [self.edition; 32]
        }

        fn open<'a>(&'a self, path: &'a str, _: u64) -> Box<dyn Inspection + 'a> {
            self.opened.lock().unwrap().push(path.to_owned());
            Box::new(Look(path, Vec::new()))
        }
    }

    impl Inspection for Look<'_> {
        fn piece(&mut self, bytes: &[u8]) {
            self.1.extend_from_slice(bytes);
        }

        fn end(self: Box<Self>) -> Vec<Finding> {
            let bad = self.1.starts_with(b"secret");
            bad.then(|| Finding::error("canary", self.0, "found")).into_iter().collect()
        }
    }

    struct Lab {
        dir: tempfile::TempDir,
        looks: Looks,
    }

    impl Lab {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let looks = Looks { cache: Some(dir.path().join("cache/stamps")), inspect: None };
            fs::create_dir(dir.path().join("ctx")).unwrap();
            Self { dir, looks }
        }

        fn root(&self) -> PathBuf {
            self.dir.path().join("ctx")
        }

        /// Written long ago, so that its stamp can be trusted. The inode's own time cannot be set.
        fn old(&self, name: &str, text: &str) {
            let path = self.root().join(name);
            fs::write(&path, text).unwrap();
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
        }

        fn run(&self) -> (Vec<Entry>, Digested) {
            let source = ContextSource { root: self.root(), ..ContextSource::default() };
            let entries = list(&source, |_| {}).unwrap();
            let digested = digest(&self.root(), &entries, &self.looks).unwrap();
            (entries, digested)
        }
    }

    fn wait_until_settled() {
        std::thread::sleep(COARSEST_TICK + Duration::from_millis(50));
    }

    #[test]
    fn a_file_is_read_again_only_when_it_may_have_changed() {
        let lab = Lab::new();
        lab.old("a", "one");
        lab.old("b", "");
        assert_eq!(lab.run().1.read, 4, "an empty file counts as a byte");
        assert_eq!(lab.run().1.read, 4, "what was written a moment ago is not trusted");
        wait_until_settled();
        assert_eq!(lab.run().1.read, 4);
        let (_, settled) = lab.run();
        assert_eq!(settled.read, 0);
        // The same size and time: only the inode's own time tells.
        lab.old("a", "two");
        let (_, edited) = lab.run();
        assert_eq!(edited.read, 3);
        assert_ne!(edited.digests, settled.digests);
        fs::remove_file(lab.root().join("a")).unwrap();
        assert_eq!((lab.run().1.digests.len(), lab.run().1.read), (1, 0));
    }

    #[test]
    fn what_was_found_clean_is_not_looked_at_again_under_the_same_edition() {
        let mut lab = Lab::new();
        lab.old("a", "harmless");
        lab.old("b", "secret");
        wait_until_settled();
        let run = |lab: &mut Lab, edition: u8| {
            let canary = Arc::new(Canary { edition, ..Canary::default() });
            lab.looks.inspect = Some(Arc::clone(&canary) as Arc<dyn Inspect>);
            let findings = lab.run().1.findings.len();
            let mut opened = canary.opened.lock().unwrap().clone();
            opened.sort();
            (findings, opened.join(" "))
        };
        assert_eq!(run(&mut lab, 1), (1, "a b".to_owned()));
        assert_eq!(run(&mut lab, 1), (1, "b".to_owned()), "a finding is found every time");
        assert_eq!(run(&mut lab, 2), (1, "a b".to_owned()));
        lab.looks.inspect = None;
        assert_eq!(lab.run().1.read, 0, "digests hold under every edition");
    }

    #[test]
    fn a_time_is_made_from_the_content() {
        let lab = Lab::new();
        let marked = |text: &str| {
            lab.old("a", text);
            let (mut entries, digested) = lab.run();
            digested.mark_times(&mut entries);
            entries[0].modified
        };
        let (one, two) = (marked("one"), marked("two"));
        assert_ne!(one, two);
        assert_eq!(one / NANOS, two / NANOS);
        assert_eq!(one, marked("one"));
    }
}
