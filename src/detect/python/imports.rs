//! What a Python file imports, and from which folder the imports are resolved.
//!
//! Given: tokens and the tree. Gives: names bound by imports, and the import root. Deliberately absent: installed packages.

use std::collections::BTreeMap;

use crate::detect::index::{Index, folder_of, join, name_of};
use crate::detect::scan::Source;

/// What a local name stands for: `module`, and the attribute of it where `from … import` was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    pub module: String,
    pub attribute: Option<String>,
}

/// The names that a file's import statements bind.
pub(crate) fn imports(source: &Source) -> BTreeMap<String, Import> {
    let mut found = BTreeMap::new();
    for at in (0..source.len()).filter(|at| source.tokens[*at].indent.is_some()) {
        if source.is(at, "from") {
            from_import(source, at, &mut found);
        } else if source.is(at, "import") {
            plain_import(source, at, &mut found);
        }
    }
    found
}

fn from_import(source: &Source, at: usize, found: &mut BTreeMap<String, Import>) {
    let (module, mut at) = dotted(source, at + 1);
    if !source.is(at, "import") {
        return;
    }
    at += 1;
    while at < source.len() && source.tokens[at].indent.is_none() {
        if let Some(name) = source.word(at) {
            let alias = source.is(at + 1, "as").then(|| source.word(at + 2)).flatten();
            let import = Import { module: module.clone(), attribute: Some(name.to_owned()) };
            found.insert(alias.unwrap_or(name).to_owned(), import);
            at += if alias.is_some() { 3 } else { 1 };
        } else {
            at += 1;
        }
    }
}

fn plain_import(source: &Source, at: usize, found: &mut BTreeMap<String, Import>) {
    let mut at = at + 1;
    loop {
        let (module, next) = dotted(source, at);
        if module.is_empty() {
            return;
        }
        at = next;
        let alias = source.is(at, "as").then(|| source.word(at + 1)).flatten().map(str::to_owned);
        if alias.is_some() {
            at += 2;
        }
        let name = alias.unwrap_or_else(|| module.clone());
        found.insert(name, Import { module, attribute: None });
        if !source.is(at, ",") {
            return;
        }
        at += 1;
    }
}

/// A dotted name with its leading dots, and the place after it.
pub(crate) fn dotted(source: &Source, mut at: usize) -> (String, usize) {
    let mut name = String::new();
    while source.is(at, ".") {
        name.push('.');
        at += 1;
    }
    while let Some(word) = source.word(at).filter(|word| *word != "import") {
        name.push_str(word);
        at += 1;
        if !source.is(at, ".") {
            break;
        }
        name.push('.');
        at += 1;
    }
    (name, at)
}

/// The file that a module name means in a file, with `root` as import root.
pub(crate) fn module_file(index: &Index<'_>, root: &str, from: &str, module: &str) -> Option<String> {
    let dots = module.len() - module.trim_start_matches('.').len();
    let mut base = if dots == 0 { root.to_owned() } else { folder_of(from).to_owned() };
    for _ in 1..dots {
        base = folder_of(&base).to_owned();
    }
    let rest = module.trim_start_matches('.').replace('.', "/");
    let stem = if rest.is_empty() { base } else { join(&base, &rest) };
    [format!("{stem}.py"), format!("{stem}/__init__.py")].into_iter().find(|path| index.has(path))
}

/// The nearest folder from which a file's dotted name holds identifiers alone; none where the file's own name is none.
pub(crate) fn importable(root: &str, file: &str) -> Option<String> {
    let is_identifier = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if !is_identifier(name_of(file).strip_suffix(".py")?) {
        return None;
    }
    let below = file.strip_prefix(root)?.trim_start_matches('/');
    let folders: Vec<&str> = folder_of(below).split('/').collect();
    let bad = folders.iter().rposition(|part| !part.is_empty() && !is_identifier(part));
    Some(match bad {
        Some(at) => join(root, &folders[..=at].join("/")),
        None => root.to_owned(),
    })
}

/// The folder that `import` starts from for the application in `file`: the one that resolves most of what the files around
/// it import; where none does, the `src` folder above it, else the manifest's own folder.
pub(crate) fn import_root(index: &Index<'_>, unit: &str, file: &str, files: &[String]) -> Option<String> {
    importable(&resolving_root(index, unit, file, files), file)
}

fn resolving_root(index: &Index<'_>, unit: &str, file: &str, files: &[String]) -> String {
    let mut roots = Vec::new();
    let mut folder = folder_of(file);
    loop {
        roots.push(folder.to_owned());
        if folder.is_empty() {
            break;
        }
        folder = folder_of(folder);
    }
    let mut scores: BTreeMap<&str, usize> = BTreeMap::new();
    let near = top_package(unit, file);
    let around = files.iter().filter(|path| path.as_str() == file || path.starts_with(&near)).take(200);
    for path in around {
        let Some(source) = index.source_with(path, &["import"]) else { continue };
        for import in imports(&source).values().filter(|import| !import.module.starts_with('.')) {
            let first = import.module.split('.').next().unwrap_or_default();
            if let Some(root) = roots.iter().find(|root| has_module(index, root, first)) {
                *scores.entry(root).or_default() += 1;
            }
        }
    }
    if let Some((root, _)) =
        scores.iter().max_by_key(|(root, score)| (**score, std::cmp::Reverse(root.len())))
    {
        return (*root).to_owned();
    }
    let source = join(unit, "src");
    let is_layout = file.starts_with(&format!("{source}/")) && !index.has(&format!("{source}/__init__.py"));
    if is_layout { source } else { unit.to_owned() }
}

/// The folder below the unit that the file lies in, with a trailing slash; the unit's own where it lies directly there.
fn top_package(unit: &str, file: &str) -> String {
    let below = file.strip_prefix(unit).unwrap_or(file).trim_start_matches('/');
    match below.split_once('/') {
        Some((top, _)) => format!("{}/", join(unit, top)),
        None if unit.is_empty() => String::new(),
        None => format!("{unit}/"),
    }
}

fn has_module(index: &Index<'_>, root: &str, name: &str) -> bool {
    let stem = join(root, name);
    index.has(&format!("{stem}.py")) || index.under(&stem).any(|path| path.ends_with(".py"))
}

/// The dotted name of a file below an import root.
pub(crate) fn module_name(file: &str, root: &str) -> String {
    let below = file.strip_prefix(root).unwrap_or(file).trim_start_matches('/');
    let stem = below.strip_suffix(".py").unwrap_or(below);
    let stem = if name_of(stem) == "__init__" { folder_of(stem) } else { stem };
    stem.replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::scan::python;

    #[test]
    fn reads_every_form_of_import() {
        let source = python("from .a.b import (c,\n  d as e)\nimport os, x.y as z\nfrom . import f\n");
        let found = imports(&source);
        assert_eq!(found["c"].module, ".a.b");
        assert_eq!(found["e"].attribute.as_deref(), Some("d"));
        assert_eq!(found["z"].module, "x.y");
        assert_eq!((found["f"].module.as_str(), found.contains_key("os")), (".", true));
    }
}
