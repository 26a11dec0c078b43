//! A tree made convenient: folders by prefix, texts and tokens kept, what Git ignores, what is only beside the application.
//!
//! Given: a [`SourceTree`]. Gives: answers about paths, each file read at most once. Deliberately absent: conclusions.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::gitignore::Gitignore;
use super::model::{Evidence, is_shown};
use super::scan::{self, Source};
use super::tree::{Entry, READ_CAP, SourceTree};

/// Folders whose content is about the application or shows how to use it, and is no service of it.
const ASIDE: &[&str] = &[
    "tests",
    "test",
    "testing",
    "__tests__",
    "__mocks__",
    "spec",
    "specs",
    "e2e",
    "cypress",
    "playwright",
    "fixtures",
    "examples",
    "example",
    "samples",
    "sample",
    "demo",
    "demos",
    "docs",
    "doc",
    "documentation",
    "benchmarks",
    "bench",
    "notebooks",
    "vendor",
    "third_party",
    "templates_src",
    "cookiecutter",
    "skeleton",
];

/// The tree and what has been read of it.
pub(crate) struct Index<'t> {
    tree: &'t dyn SourceTree,
    files: Vec<&'t Entry>,
    git: Gitignore,
    texts: RefCell<HashMap<String, Option<Rc<str>>>>,
    sources: RefCell<HashMap<String, Option<Rc<Source>>>>,
}

impl<'t> Index<'t> {
    pub fn new(tree: &'t dyn SourceTree) -> Self {
        let files: Vec<&Entry> =
            tree.entries().iter().filter(|entry| !entry.link && is_writable(&entry.path)).collect();
        let mut index = Self {
            tree,
            files,
            git: Gitignore::default(),
            texts: RefCell::default(),
            sources: RefCell::default(),
        };
        let mut git = Gitignore::default();
        let lists: Vec<String> = index.named(".gitignore").map(str::to_owned).collect();
        for path in &lists {
            if let Some(text) = index.text(path) {
                git.add(folder_of(path), &text);
            }
        }
        index.git = git;
        index
    }

    pub fn tree(&self) -> &'t dyn SourceTree {
        self.tree
    }

    /// Every file, in order.
    pub fn files(&self) -> impl Iterator<Item = &'t str> + '_ {
        self.files.iter().map(|entry| entry.path.as_str())
    }

    /// The files with a name, anywhere.
    pub fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'t str> + 's {
        self.files().filter(move |path| name_of(path) == name)
    }

    /// The files below a folder, in order.
    pub fn under<'s>(&'s self, folder: &str) -> impl Iterator<Item = &'t str> + use<'s, 't> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let start = self.files.partition_point(|entry| entry.path.as_str() < prefix.as_str());
        self.files[start..]
            .iter()
            .map(|entry| entry.path.as_str())
            .take_while(move |path| path.starts_with(&prefix))
    }

    pub fn has(&self, path: &str) -> bool {
        self.files.binary_search_by(|entry| entry.path.as_str().cmp(path)).is_ok()
    }

    pub fn has_folder(&self, folder: &str) -> bool {
        self.under(folder).next().is_some()
    }

    /// True for what Git ignores, so that a clone does not have it.
    pub fn ignored(&self, path: &str) -> bool {
        self.git.ignores(path)
    }

    /// The patterns of the ignore files that speak of a folder at the top of `base`, relative to `base`.
    pub fn ignore_patterns(&self, base: &str, top: &str) -> Vec<(String, Evidence)> {
        self.git.patterns_for(base, top)
    }

    /// The text of a file that is no larger than the cap and no binary.
    pub fn text(&self, path: &str) -> Option<Rc<str>> {
        if let Some(known) = self.texts.borrow().get(path) {
            return known.clone();
        }
        let text = self.fresh_text(path).map(Rc::from);
        self.texts.borrow_mut().insert(path.to_owned(), text.clone());
        text
    }

    /// The tokens of a Python file.
    pub fn python(&self, path: &str) -> Option<Rc<Source>> {
        self.source(path, scan::python_tokens)
    }

    /// The tokens of a JavaScript or TypeScript file; in single-file components, those of the whole file.
    pub fn javascript(&self, path: &str) -> Option<Rc<Source>> {
        self.source(path, scan::javascript_tokens)
    }

    /// The tokens of a file whose text holds one of `words`; the others are not kept.
    pub fn source_with(&self, path: &str, words: &[&str]) -> Option<Rc<Source>> {
        let text = self.text(path)?;
        if !words.iter().any(|word| text.contains(word)) {
            return None;
        }
        if path.ends_with(".py") { self.python(path) } else { self.javascript(path) }
    }

    fn source(&self, path: &str, cut: fn(&str) -> Vec<scan::Token>) -> Option<Rc<Source>> {
        if let Some(known) = self.sources.borrow().get(path) {
            return known.clone();
        }
        let source =
            self.text(path).map(|text| Rc::new(Source { path: path.to_owned(), tokens: cut(&text), text }));
        self.sources.borrow_mut().insert(path.to_owned(), source.clone());
        source
    }

    fn fresh_text(&self, path: &str) -> Option<String> {
        scan::decode(&self.tree.read(path, READ_CAP)?)
    }

    /// Evidence from the first line of a file that holds `needle`; the file as a whole where none does.
    pub fn evidence(&self, path: &str, needle: &str) -> Evidence {
        let text = self.text(path).unwrap_or_else(|| Rc::from(""));
        match text.lines().enumerate().find(|(_, line)| line.contains(needle)) {
            Some((at, line)) if !needle.is_empty() => Evidence::new(line, path, at + 1),
            _ => Evidence::new(name_of(path), path, 0),
        }
    }
}

/// True for a path that a configuration file can name and a terminal can show; files with other names are passed over.
pub(crate) fn is_writable(path: &str) -> bool {
    !path.starts_with(['-', '~', '/'])
        && !path.contains('\\')
        && !path.contains("${")
        && path.chars().all(is_shown)
        && path.as_bytes().get(1) != Some(&b':')
}

/// True for a path of an image where a volume may be mounted: neither the system's own folders nor the application itself.
pub(crate) fn is_mountable(path: &str) -> bool {
    const SYSTEM: [&str; 14] = [
        "/", "/app", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin",
        "/sys", "/usr",
    ];
    let path = path.trim_end_matches('/');
    let below_kernel = ["/dev/", "/proc/", "/sys/"].iter().any(|kernel| path.starts_with(kernel));
    let ordinary = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let dots = path.split('/').any(|part| part == "." || part == "..");
    path.starts_with('/')
        && path != "/var"
        && ordinary
        && !dots
        && !below_kernel
        && !SYSTEM.contains(&path)
        && !path.ends_with(".sock")
}

/// True for a path in a folder of tests, examples or documentation, or a file of tests. `folder` is where counting starts.
pub(crate) fn is_aside(path: &str, folder: &str) -> bool {
    let below = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
    let (folders, name) = below.rsplit_once('/').unwrap_or(("", below));
    folders.split('/').any(|part| ASIDE.contains(&part) || (part.starts_with('.') && part.len() > 1))
        || name.starts_with("test_")
        || name.starts_with("conftest.")
        || [".test.", ".spec.", ".stories.", "_test.py", "_tests.py"].iter().any(|part| name.contains(part))
}

/// The last part of a path.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path; empty at the top.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path below a folder.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() || folder == "." { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A path relative to a folder above it; `.` for the folder itself.
pub(crate) fn relative<'p>(path: &'p str, folder: &str) -> &'p str {
    let rest = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
    if rest.is_empty() { "." } else { rest }
}

/// `a/./b/../c` without the dots; none where it leaves the project.
pub(crate) fn normal(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder as dashdeploy.yaml writes it: `.` for the top.
pub(crate) fn shown(folder: &str) -> String {
    if folder.is_empty() { ".".to_owned() } else { folder.to_owned() }
}

/// True when `path` lies in `folder` (or is it).
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
