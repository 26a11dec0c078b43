//! The tree that detection looks at, whatever holds it.
//!
//! Given: nothing. Gives: the [`SourceTree`] interface and its in-memory form; the form on disk is `io::tree`.
//! Deliberately absent: file systems, and links that are followed.

use std::collections::BTreeMap;

use super::model::Note;

/// Files larger than this are listed, never read (bytes).
pub const READ_CAP: u64 = 1024 * 1024;

/// A folder of sources: a sorted list of what is there, and contents on demand.
pub trait SourceTree {
    /// The folder's own name, from which the project's name is made when nothing else names it.
    fn folder_name(&self) -> &str;

    /// Files and links, sorted bytewise by path. Folders follow from the paths.
    fn entries(&self) -> &[Entry];

    /// What was left out and is worth a word: unreadable folders, names that are no text, too many entries.
    fn notes(&self) -> &[Note];

    /// The content of a listed file; none where it is larger than `cap` bytes or cannot be read.
    fn read(&self, path: &str, cap: u64) -> Option<Vec<u8>>;
}

/// A file or link of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path relative to the root, `/`-separated.
    pub path: String,
    /// The size in bytes; 0 for links.
    pub size: u64,
    /// True for a symbolic link, which is never followed.
    pub link: bool,
}

/// Names of folders that hold what was installed, built or cached: not sources, however large.
pub const SKIPPED_FOLDERS: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".dashdeploy",
    "node_modules",
    "bower_components",
    "__pycache__",
    ".venv",
    "venv",
    "virtualenv",
    ".virtualenv",
    "site-packages",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
    ".eggs",
    "dist",
    "target",
    ".next",
    ".nuxt",
    ".output",
    ".svelte-kit",
    ".astro",
    ".turbo",
    ".parcel-cache",
    ".cache",
    ".yarn",
    ".pnpm-store",
    ".gradle",
    ".terraform",
    ".vercel",
    ".netlify",
    "coverage",
    "htmlcov",
    ".idea",
    ".vscode",
    ".devcontainer",
];

/// A tree in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    name: String,
    entries: Vec<Entry>,
    contents: BTreeMap<String, Vec<u8>>,
    notes: Vec<Note>,
}

impl MemoryTree {
    /// A tree of files with their contents.
    pub fn new<P: Into<String>, C: Into<Vec<u8>>>(
        name: &str,
        files: impl IntoIterator<Item = (P, C)>,
    ) -> Self {
        let contents: BTreeMap<String, Vec<u8>> =
            files.into_iter().map(|(path, content)| (path.into(), content.into())).collect();
        let entries = contents
            .iter()
            .map(|(path, content)| Entry { path: path.clone(), size: content.len() as u64, link: false })
            .collect();
        Self { name: name.to_owned(), entries, contents, notes: Vec::new() }
    }
}

impl SourceTree for MemoryTree {
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
        self.contents.get(path).filter(|content| content.len() as u64 <= cap).cloned()
    }
}
