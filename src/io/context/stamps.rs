//! What is remembered of a context's files between runs: their stamps and digests, so that a file is read again only when
//! its stamp differs.
//!
//! Given: a cache file's path and bytes. Gives: [`Record`]s in the order of the context. The file is one run's knowledge,
//! replaced whole; one that is damaged, or of another version, is as good as none. It can be read by its user alone: its
//! edition may depend on secret values. Deliberately absent: which records can be trusted (`digest`).

use std::cmp::Ordering;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::listing::Stamp;
use crate::io::private;

const MAGIC: &[u8] = b"dashdeploy stamps 1\n";
/// Bytes of a digest.
const DIGEST: usize = 32;
/// The largest file that is read: some million records.
const LARGEST: u64 = 1 << 30;
/// How long a file is kept that nobody writes.
const KEPT: Duration = Duration::from_hours(60 * 24);

/// One file as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) path: &'a str,
    pub(super) stamp: Stamp,
    pub(super) digest: [u8; DIGEST],
    /// True where it was looked at under the file's edition, and nothing was found.
    pub(super) clean: bool,
}

/// The records of a cache file and the edition of the inspection that called them clean.
pub(super) struct Stamps {
    bytes: Vec<u8>,
}

impl Stamps {
    /// What the file holds; nothing where there is none that can be used.
    pub(super) fn load(path: &Path) -> Self {
        let sized = fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST);
        let mut bytes = if sized { fs::read(path).unwrap_or_default() } else { Vec::new() };
        let whole = bytes.len().checked_sub(DIGEST).is_some_and(|end| {
            bytes.starts_with(MAGIC) && blake3::hash(&bytes[..end]).as_bytes().as_slice() == &bytes[end..]
        });
        if whole {
            bytes.truncate(bytes.len() - DIGEST);
        } else {
            bytes.clear();
        }
        Self { bytes }
    }

    /// The edition of the inspection under which records are clean.
    pub(super) fn edition(&self) -> Option<[u8; DIGEST]> {
        let rest = self.bytes.get(MAGIC.len()..)?;
        rest.first_chunk().copied()
    }

    /// The records, in the order of their paths.
    pub(super) fn records(&self) -> Vec<Record<'_>> {
        let mut records = Vec::new();
        let mut rest = self.bytes.get(MAGIC.len() + DIGEST..).unwrap_or_default();
        while let Some((record, next)) = record(rest) {
            records.push(record);
            rest = next;
        }
        records
    }
}

fn record(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let mut rest = bytes;
    let mut number = || {
        let (number, next) = rest.split_first_chunk::<8>()?;
        rest = next;
        Some(u64::from_le_bytes(*number))
    };
    let (flags, size, modified, changed, inode) = (number()?, number()?, number()?, number()?, number()?);
    let (digest, rest) = rest.split_first_chunk::<DIGEST>()?;
    let length = usize::try_from(flags >> 1).ok()?;
    let (path, rest) = rest.split_at_checked(length)?;
    let stamp = Stamp { size, modified, changed, inode };
    let path = std::str::from_utf8(path).ok()?;
    Some((Record { path, stamp, digest: *digest, clean: flags & 1 == 1 }, rest))
}

/// Replaces the file. Nobody but its user can read it.
///
/// # Errors
/// When the disk refuses; the former file stays.
pub(super) fn store<'a>(
    path: &Path,
    edition: [u8; DIGEST],
    records: impl Iterator<Item = Record<'a>>,
) -> io::Result<()> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&edition);
    for record in records {
        let flags = ((record.path.len() as u64) << 1) | u64::from(record.clean);
        let stamp = record.stamp;
        for number in [flags, stamp.size, stamp.modified, stamp.changed, stamp.inode] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&record.digest);
        bytes.extend_from_slice(record.path.as_bytes());
    }
    let sum = blake3::hash(&bytes);
    bytes.extend_from_slice(sum.as_bytes());
    private::replace(path, &bytes)?;
    forget_others(path);
    Ok(())
}

/// Removes files beside this one that nobody has written for long: contexts that were temporary, or are gone.
fn forget_others(path: &Path) {
    let Some(entries) = path.parent().and_then(|folder| fs::read_dir(folder).ok()) else { return };
    for entry in entries.flatten() {
        let old = entry.metadata().ok().and_then(|metadata| metadata.modified().ok()?.elapsed().ok());
        if old.is_some_and(|age| age > KEPT) && entry.path() != path {
            // It is made again where it is wanted.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The order of paths by component, in which contexts are listed.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    a.bytes().map(rank).cmp(b.bytes().map(rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record<'static>> {
        let stamp = Stamp { size: 3, modified: 4, changed: 5, inode: 6 };
        let one = Record { path: "a/b", stamp, digest: [7; DIGEST], clean: true };
        vec![one.clone(), Record { path: "a.b é", stamp: Stamp::default(), clean: false, ..one }]
    }

    #[test]
    fn what_is_stored_is_read_again_and_what_is_damaged_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/stamps");
        assert!(Stamps::load(&path).records().is_empty());
        store(&path, [9; DIGEST], records().into_iter()).unwrap();
        let loaded = Stamps::load(&path);
        assert_eq!((loaded.edition(), loaded.records()), (Some([9; DIGEST]), records()));
        let whole = fs::read(&path).unwrap();
        for broken in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[broken] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert!(Stamps::load(&path).records().is_empty(), "byte {broken}");
            fs::write(&path, &whole[..broken]).unwrap();
            assert!(Stamps::load(&path).records().is_empty(), "cut at {broken}");
        }
    }

    #[test]
    fn what_nobody_writes_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (name, age) in [("old", KEPT + Duration::from_hours(1)), ("new", Duration::ZERO)] {
            fs::write(path(name), "x").unwrap();
            let file = fs::File::options().write(true).open(path(name)).unwrap();
            file.set_modified(std::time::SystemTime::now() - age).unwrap();
        }
        store(&path("mine"), [0; DIGEST], std::iter::empty()).unwrap();
        assert_eq!(["old", "new", "mine"].map(|name| path(name).exists()), [false, true, true]);
    }

    #[test]
    fn paths_are_ordered_by_component() {
        let mut paths = ["a.b", "a/b", "a", "a/b/c", "a-", "b"];
        paths.sort_by(|a, b| order(a, b));
        let mut by_part = paths;
        by_part.sort_by(|a, b| a.split('/').cmp(b.split('/')));
        assert_eq!(paths, by_part);
    }
}
