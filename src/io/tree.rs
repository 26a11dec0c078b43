//! A source tree on disk, for detection.
//!
//! Given: a folder. Gives: its files as a [`SourceTree`], bounded in number and size, links and special files never opened.
//! Deliberately absent: following links, executing anything, and failing because of one folder that cannot be read.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::detect::Note;
use crate::detect::tree::{Entry, SKIPPED_FOLDERS, SourceTree};

/// The most entries looked at; what comes after in order of paths is left out with a note.
const MOST_ENTRIES: usize = 50_000;
/// The deepest folder looked at, counted from the root.
const DEEPEST: usize = 40;

/// The files below a folder, listed once.
#[derive(Debug)]
pub struct DiskTree {
    root: PathBuf,
    name: String,
    entries: Vec<Entry>,
    notes: Vec<Note>,
}

impl DiskTree {
    /// Lists the files below `root`.
    ///
    /// # Errors
    /// Only when `root` itself cannot be listed; folders below that cannot be read become notes.
    pub fn open(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let first = fs::read_dir(&root)?;
        let mut tree = Self { root, name, entries: Vec::new(), notes: Vec::new() };
        let mut pending: Vec<(String, usize)> = Vec::new();
        tree.list(first, "", 0, &mut pending);
        while let Some((folder, depth)) = pending.pop() {
            if tree.entries.len() >= MOST_ENTRIES {
                tree.notes.push(Note::warning("tree-too-large", format!(
                    "the tree has more than {MOST_ENTRIES} files; what was not listed was not looked at, `{folder}` and \
                     perhaps others"
                )));
                break;
            }
            match fs::read_dir(tree.root.join(&folder)) {
                Ok(listing) => tree.list(listing, &folder, depth, &mut pending),
                Err(error) => {
                    tree.notes.push(Note::warning(
                        "folder-unreadable",
                        format!("the folder `{folder}` could not be read: {error}"),
                    ));
                }
            }
        }
        tree.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// Adds what one folder holds; its folders go onto `pending` so that the next in order is taken first.
    fn list(&mut self, listing: fs::ReadDir, folder: &str, depth: usize, pending: &mut Vec<(String, usize)>) {
        let mut folders = Vec::new();
        for item in listing {
            let Ok(item) = item else { continue };
            let Ok(name) = item.file_name().into_string() else {
                let shown = item.file_name().to_string_lossy().into_owned();
                self.notes.push(Note::hint(
                    "file-name-unreadable",
                    format!("`{}` was skipped: its name is not valid UTF-8", joined(folder, &shown)),
                ));
                continue;
            };
            let Ok(kind) = item.file_type() else { continue };
            let path = joined(folder, &name);
            if kind.is_symlink() {
                self.entries.push(Entry { path, size: 0, link: true });
            } else if kind.is_file() {
                let size = item.metadata().map_or(0, |data| data.len());
                self.entries.push(Entry { path, size, link: false });
            } else if kind.is_dir() && depth < DEEPEST && !self.is_skipped(&path, &name) {
                folders.push(path);
            }
        }
        folders.sort_unstable_by(|a, b| b.cmp(a));
        pending.extend(folders.into_iter().map(|path| (path, depth + 1)));
    }

    /// True for folders with nothing of the project's own, a virtual environment of any name included (PEP 405).
    fn is_skipped(&self, path: &str, name: &str) -> bool {
        SKIPPED_FOLDERS.contains(&name)
            || name.ends_with(".egg-info")
            || fs::symlink_metadata(self.root.join(path).join("pyvenv.cfg")).is_ok()
    }
}

impl SourceTree for DiskTree {
    fn folder_name(&self) -> &str {
        &self.name
    }

    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn read(&self, path: &str, cap: u64) -> Option<Vec<u8>> {
        let at = self.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
        let entry = &self.entries[at];
        if entry.link || entry.size > cap {
            return None;
        }
        let mut content = Vec::with_capacity(usize::try_from(entry.size).unwrap_or(0));
        // The file may have grown, or been replaced, since it was listed: the cap is kept all the same.
        let full = self.root.join(path);
        if !fs::symlink_metadata(&full).ok()?.is_file() {
            return None;
        }
        fs::File::open(full).ok()?.take(cap.saturating_add(1)).read_to_end(&mut content).ok()?;
        (content.len() as u64 <= cap).then_some(content)
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
