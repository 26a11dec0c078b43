//! Whether the exported files of a service are those that an export would write, so that it need not be run.
//!
//! Known is what an export left: the image it was taken from, what looked at the files, and the stamp of every file. A file
//! that anybody touched since makes it unknown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Exported;
use crate::io::clean::{self, Key};
use crate::io::context::inspect::Inspect;
use crate::io::context::listing::{Content, Entry, list};
use crate::io::context::{ContextSource, is_folder};

/// What exports left.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    file: PathBuf,
    folder: PathBuf,
    made_of: String,
    edition: [u8; 32],
}

impl Memory {
    /// Of the export of `made_of` to a folder.
    pub(super) fn of(cache: &Path, folder: &Path, made_of: &str, inspect: Option<&Arc<dyn Inspect>>) -> Self {
        Self {
            file: cache.join("exported"),
            folder: folder.to_owned(),
            made_of: made_of.to_owned(),
            edition: inspect.map(|inspect| inspect.edition()).unwrap_or_default(),
        }
    }

    /// What is there, where it is what an export would write. Blocks.
    pub(super) fn current(&self, path: &str) -> Option<Exported> {
        let entries = self.entries()?;
        if !clean::is_known(&self.file, &self.key(&entries)) {
            return None;
        }
        let files = entries.iter().filter(|entry| entry.is_file());
        let (files, bytes) = files.fold((0, 0), |(files, bytes), file| (files + 1, bytes + file.size()));
        Some(Exported { path: path.to_owned(), files, bytes, findings: Vec::new() })
    }

    /// Remembers what is there now. Blocks.
    pub(super) fn remember(&self) {
        if let Some(entries) = self.entries() {
            // Forgotten, it is exported again.
            let _ = clean::remember(&self.file, &self.key(&entries));
        }
    }

    fn entries(&self) -> Option<Vec<Entry>> {
        if !is_folder(&self.folder) {
            return None;
        }
        list(&ContextSource { root: self.folder.clone(), ..ContextSource::default() }, |_| {}).ok()
    }

    fn key(&self, entries: &[Entry]) -> Key {
        let mut hash = blake3::Hasher::new();
        let mut add = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(self.folder.as_os_str().as_encoded_bytes());
        add(self.made_of.as_bytes());
        add(&self.edition);
        for entry in entries {
            add(entry.path.as_bytes());
            let stamp = match &entry.content {
                Content::Disk(stamp) => *stamp,
                _ => Default::default(),
            };
            for number in [stamp.size, stamp.modified, stamp.changed, stamp.inode, u64::from(entry.mode)] {
                add(&number.to_le_bytes());
            }
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use super::*;

    #[test]
    fn what_was_touched_is_not_known() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("dist/web");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("index.html"), "abc").unwrap();
        let memory = Memory::of(&dir.path().join("cache"), &folder, "sha256:1", None);
        assert_eq!(memory.current("x"), None);
        memory.remember();
        let known = memory.current("x").unwrap();
        assert_eq!((known.path.as_str(), known.files, known.bytes), ("x", 1, 3));
        let other = Memory::of(&dir.path().join("cache"), &folder, "sha256:2", None);
        assert_eq!(other.current("x"), None, "another image");
        std::fs::write(folder.join("index.html"), "abd").unwrap();
        assert_eq!(memory.current("x"), None, "another content");
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(memory.current("x"), None, "nothing there");
    }
}
