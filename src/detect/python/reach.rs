//! The files that an entry point reaches by imports, those inside functions included.
//!
//! Given: the tree, an import root, entry files. Gives: paths. Deliberately absent: installed packages, and running anything:
//! a module whose name is put together at run time is not seen, one that stands as a string is.

use std::collections::BTreeSet;

use super::imports::{dotted, module_file};
use crate::detect::index::{Index, folder_of, is_within, join};
use crate::detect::scan::Source;

/// Everything reached from `entries`, themselves included.
pub(crate) fn reached(index: &Index<'_>, root: &str, entries: &[String]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut pending: Vec<String> = entries.to_vec();
    while let Some(path) = pending.pop() {
        if !found.insert(path.clone()) {
            continue;
        }
        pending.extend(packages(index, root, &path));
        let Some(source) = index.python(&path) else { continue };
        pending.extend(modules(&source).iter().filter_map(|module| module_file(index, root, &path, module)));
    }
    found
}

/// The `__init__.py` of each package above a module: importing it runs them.
fn packages(index: &Index<'_>, root: &str, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folder = folder_of(path);
    while !folder.is_empty() && folder != root && is_within(folder, root) {
        found.push(join(folder, "__init__.py"));
        folder = folder_of(folder);
    }
    found.retain(|path| index.has(path));
    found
}

/// The modules that a file names: in import statements, and as strings, for Django's settings and for `import_module`.
fn modules(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for at in 0..source.len() {
        if source.is(at, "from") && source.tokens[at].indent.is_some() {
            let (module, next) = dotted(source, at + 1);
            let line = (next..source.len()).take_while(|at| source.tokens[*at].indent.is_none());
            let names =
                line.filter_map(|at| source.word(at).filter(|word| !matches!(*word, "import" | "as")));
            let dot = if module.ends_with('.') { "" } else { "." };
            found.extend(names.map(|name| format!("{module}{dot}{name}")));
            found.push(module);
        } else if source.is(at, "import") && source.tokens[at].indent.is_some() {
            let mut next = at + 1;
            loop {
                let (module, after) = dotted(source, next);
                if module.is_empty() {
                    break;
                }
                found.push(module);
                next = (after..source.len())
                    .find(|at| source.tokens[*at].indent.is_some() || source.is(*at, ","))
                    .filter(|at| source.is(*at, ","))
                    .map_or(source.len(), |at| at + 1);
            }
        } else if let Some(text) = source.string(at).filter(|text| is_module(text)) {
            let module = text.split(':').next().unwrap_or(text);
            found.push(module.to_owned());
            // `app.users.apps.UsersConfig`: the last part may be a name in the module.
            found.extend(module.rsplit_once('.').map(|(module, _)| module.to_owned()));
        }
    }
    found
}

fn is_module(text: &str) -> bool {
    text.len() < 120
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._:".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::tree::MemoryTree;

    #[test]
    fn imports_inside_functions_packages_and_strings_are_followed_and_nothing_else() {
        let tree = MemoryTree::new(
            "p",
            [
                ("app/__init__.py", "from . import base\n"),
                ("app/base.py", ""),
                (
                    "app/main.py",
                    "import os, app.one as first\ndef f():\n    from .two import (a,\n        b)\n    from app import three\n",
                ),
                ("app/one.py", "PLUGIN = 'app.plugin'\nimport importlib\n"),
                ("app/two.py", "from ..outside import x\n"),
                ("app/three.py", "from app.one import *\n"),
                ("app/plugin.py", ""),
                ("app/tool.py", "import app.main\n"),
            ],
        );
        let index = Index::new(&tree);
        let found = reached(&index, "", &["app/main.py".to_owned()]);
        let expected = ["__init__", "base", "main", "one", "plugin", "three", "two"];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected.map(|name| format!("app/{name}.py")));
    }
}
