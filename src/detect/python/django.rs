//! Django: the project behind `manage.py`, its WSGI module, its URL tables.
//!
//! Given: the tree. Gives: where the WSGI application is, routes. Deliberately absent: `re_path`, and settings made at run time.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::detect::index::{Index, folder_of, is_aside};
use crate::detect::routes::{Route, concat};
use crate::detect::scan::Source;

use super::imports::{importable, imports, module_file, module_name};
use super::routes::found;

/// A Django project.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// The folder of `manage.py`, from which imports start.
    pub root: String,
    /// `package.wsgi:application`.
    pub app: String,
    /// The file with the application object.
    pub file: String,
    pub line: usize,
    pub excerpt: String,
}

/// The Django projects below a folder: a `manage.py` that sets `DJANGO_SETTINGS_MODULE`, and a `wsgi.py` below it.
pub(crate) fn projects(index: &Index<'_>, folder: &str) -> Vec<Project> {
    let manage: Vec<&str> = index
        .under(folder)
        .filter(|path| path.rsplit('/').next() == Some("manage.py") && !is_aside(path, folder))
        .filter(|path| index.text(path).is_some_and(|text| text.contains("DJANGO_SETTINGS_MODULE")))
        .collect();
    manage.into_iter().filter_map(|path| project(index, folder_of(path))).collect()
}

fn project(index: &Index<'_>, root: &str) -> Option<Project> {
    let mut wsgi: Vec<&str> =
        index.under(root).filter(|path| path.ends_with("/wsgi.py") && !is_aside(path, root)).collect();
    wsgi.sort_by_key(|path| (path.split('/').count(), *path));
    wsgi.into_iter().filter(|file| importable(root, file).as_deref() == Some(root)).find_map(|file| {
        let source = index.python(file)?;
        let at = (0..source.len()).find(|at| {
            source.is(*at, "application") && source.is(at + 1, "=") && source.tokens[*at].indent == Some(0)
        })?;
        Some(Project {
            root: root.to_owned(),
            app: format!("{}:application", module_name(file, root)),
            file: file.to_owned(),
            line: source.line(at),
            excerpt: source.excerpt(at).to_owned(),
        })
    })
}

/// The routes of `path(…)` tables. A table that another includes gets the prefix given there.
pub(crate) fn routes(index: &Index<'_>, root: &str, sources: &[Rc<Source>]) -> Vec<Route> {
    let tables: Vec<&Rc<Source>> = sources.iter().filter(|source| is_table(source)).collect();
    let mut prefixes: Prefixes = BTreeMap::new();
    for source in &tables {
        for at in calls(source, "path") {
            let Some(prefix) = source.string(at + 2) else { continue };
            let open = source.is(at + 4, "include") && source.is(at + 5, "(");
            let Some(module) = source.string(at + 6).filter(|_| open) else { continue };
            if let Some(file) = module_file(index, root, &source.path, module) {
                prefixes.entry(file).or_insert_with(|| (source.path.clone(), prefix.to_owned()));
            }
        }
    }
    let mut routes = Vec::new();
    for source in &tables {
        let prefix = whole_prefix(&prefixes, &source.path, 0);
        for at in calls(source, "path") {
            let Some(path) = source.string(at + 2).filter(|_| !source.is(at + 4, "include")) else {
                continue;
            };
            routes.push(found(source, at, "ANY", concat(&format!("/{prefix}"), path), false));
        }
    }
    routes
}

fn is_table(source: &Source) -> bool {
    imports(source).get("path").is_some_and(|import| import.module == "django.urls")
}

fn calls<'s>(source: &'s Source, name: &'s str) -> impl Iterator<Item = usize> + 's {
    (0..source.len()).filter(move |at| source.is(*at, name) && source.is(at + 1, "("))
}

/// For each included table, the table that includes it and the prefix given there.
type Prefixes = BTreeMap<String, (String, String)>;

fn whole_prefix(prefixes: &Prefixes, file: &str, depth: usize) -> String {
    match prefixes.get(file) {
        Some((parent, prefix)) if depth < 8 => {
            format!("{}{prefix}", whole_prefix(prefixes, parent, depth + 1))
        }
        _ => String::new(),
    }
}
