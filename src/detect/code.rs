//! What the code of each service does, for those who compare it with a configuration.
//!
//! Given: a source tree. Gives: for a configured service the variables its code reads, what it keeps, what it answers. Deliberately
//! absent: the configuration's side, and any judgement.

use std::collections::BTreeSet;

use dashdeploy_contract::{Build, Recipe};

use super::data;
use super::draft::Draft;
use super::envfile;
use super::index::{Index, is_within, join};
use super::model::{Evidence, Note};
use super::python::imports::module_file;
use super::python::reach::reached;
use super::reads::Read;
use super::tree::SourceTree;
use super::variables::is_public;
use super::{node, port, python, starts, variables};

/// The code of a project, cut into the services that it can be.
pub(crate) struct Code<'t> {
    index: Index<'t>,
    drafts: Vec<Draft>,
    notes: Vec<Note>,
}

/// A path that a program writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Relative to the context, or absolute.
    pub path: String,
    pub evidence: Evidence,
    /// Variables by which the path can be moved elsewhere.
    pub moved_by: Vec<String>,
}

/// A variable that an `.env*` file of a front end sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assigned {
    pub name: String,
    pub value: String,
    pub evidence: Evidence,
}

impl<'t> Code<'t> {
    pub fn read(tree: &'t dyn SourceTree) -> Self {
        let index = Index::new(tree);
        let starts = starts::starts(&index);
        let mut found = python::propose(&index, &starts);
        found.take(node::propose(&index));
        let mut notes = tree.notes().to_vec();
        notes.append(&mut found.notes);
        variables::shipped_secrets(&index, &mut notes);
        Self { index, drafts: found.drafts, notes }
    }

    /// What was seen of the tree itself: manifests, lock files, secrets that are shipped.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The code that a build is of; none where that is not known for certain.
    pub fn of(&self, build: &Build) -> Option<&Draft> {
        let same = self.drafts.iter().filter(|draft| draft.proposal.build.context == build.context);
        let alike: Vec<&Draft> =
            same.filter(|draft| is_alike(&draft.proposal.build.recipe, &build.recipe)).collect();
        match alike.as_slice() {
            [one] => Some(one),
            _ => alike.into_iter().find(|draft| draft.proposal.build.recipe == build.recipe),
        }
    }

    /// True where a word stands anywhere in the service's files, its own templates, settings and scripts included: names may be
    /// put together of parts, read by a library that a file configures, or handed on by a shell.
    pub fn mentions(&self, draft: &Draft, word: &str) -> bool {
        let is_told = |path: &&str| {
            let name = super::index::name_of(path);
            !name.starts_with(".env") && !name.starts_with("dashdeploy.") && !is_prose(name)
        };
        self.index
            .under(draft.context())
            .filter(is_told)
            .any(|path| self.index.text(path).is_some_and(|text| text.contains(word)))
    }

    /// Constants such as `PREFIX = "TS_"` that the code puts before the names of variables.
    pub fn prefixes(&self, draft: &Draft) -> Vec<String> {
        let sources = draft.files.iter().filter_map(|path| self.index.source_with(path, super::reads::WORDS));
        let mut found: Vec<String> = sources
            .flat_map(|source| {
                let strings = (0..source.len()).filter_map(|at| source.string(at).map(str::to_owned));
                strings.filter(|text| is_prefix(text)).collect::<Vec<_>>()
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// What the program writes to, best evidence first.
    pub fn written(&self, draft: &Draft) -> Vec<Written> {
        let base = draft.context();
        let uses = data::uses(&self.index, base, &draft.files, &draft.reads);
        let folders = data::folders(&self.index, base, &uses).into_iter();
        let own = |path: &str| {
            let whole = join(base, path);
            draft.files.iter().any(|file| is_within(file, &whole)) || self.index.has(&whole)
        };
        let folders = folders.filter(|(path, _)| path.starts_with('/') || !own(path));
        let files = data::loose_files(&self.index, base, &uses);
        let files = files.into_iter().map(|one| (one.path.clone(), one.evidence.clone()));
        let both = folders.chain(files);
        both.map(|(path, evidence)| Written { moved_by: moved_by(draft, &path), path, evidence }).collect()
    }

    /// The files that run: those that the entry point imports. All of them where the entry point cannot be told.
    pub fn reached(&self, draft: &Draft, build: &Build, command: Option<&[String]>) -> BTreeSet<String> {
        let all = || draft.files.iter().cloned().collect();
        let Recipe::Python(recipe) = &build.recipe else { return all() };
        let root = recipe
            .source_root
            .as_deref()
            .map_or_else(|| draft.context().to_owned(), |root| join(draft.context(), root));
        let modules = recipe
            .app
            .iter()
            .map(String::as_str)
            .chain(command.iter().copied().flatten().map(String::as_str));
        let entries: Vec<String> =
            modules.filter_map(|word| self.entry(&root, draft.context(), word)).collect();
        if entries.is_empty() { all() } else { reached(&self.index, &root, &entries) }
    }

    /// The file that `package.module:app`, `module` or `folder/file.py` means.
    fn entry(&self, root: &str, context: &str, word: &str) -> Option<String> {
        let file = join(context, word.trim_start_matches("./"));
        if word.ends_with(".py") && self.index.has(&file) {
            return Some(file);
        }
        let module = word.split(':').next().filter(|module| !module.is_empty() && !module.contains('/'))?;
        let main = module_file(&self.index, root, "", &format!("{module}.__main__"));
        main.or_else(|| module_file(&self.index, root, "", module))
    }

    /// Where the server listens on the loopback address alone.
    pub fn loopback(&self, draft: &Draft) -> Option<Evidence> {
        port::loopback(&self.index, &draft.files).filter(|_| draft.is_server())
    }

    /// What the `.env*` files in a front end's folder would build in: the first file that names a variable decides, as in Vite.
    pub fn assigned(&self, draft: &Draft) -> Vec<Assigned> {
        let mut found: Vec<Assigned> = Vec::new();
        for name in variables::FRONT_END_FILES {
            let path = join(&draft.folder, name);
            let Some(text) = self.index.text(&path) else { continue };
            for entry in envfile::entries(&text) {
                let known = found.iter().any(|one| one.name == entry.name);
                if !entry.commented && !known && is_public(&entry.name) {
                    let evidence = Evidence::new(entry.name.as_str(), &path, entry.line);
                    found.push(Assigned { name: entry.name, value: entry.value, evidence });
                }
            }
        }
        found
    }

    /// A line of the tree, for people.
    pub fn line(&self, file: &str, line: usize) -> Option<String> {
        self.index.text(file)?.lines().nth(line.checked_sub(1)?).map(str::to_owned)
    }
}

/// True for recipes of one language: the rest of a recipe is the user's to choose.
fn is_alike(one: &Recipe, other: &Recipe) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

fn is_prose(name: &str) -> bool {
    [".md", ".rst", ".txt", ".lock"].iter().any(|end| name.ends_with(end)) || name.ends_with("-lock.json")
}

/// `TS_`, `MY_APP_`: upper case, with the underscore that a name follows.
fn is_prefix(text: &str) -> bool {
    text.len() > 2
        && text.ends_with('_')
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// The variables whose default is a path or lies below it.
fn moved_by(draft: &Draft, path: &str) -> Vec<String> {
    let leads_there = |read: &&Read| {
        let default = read.default.as_deref().unwrap_or_default();
        let file = data::sqlite_path(default).unwrap_or_else(|| default.to_owned());
        let file = file.trim_start_matches("./").trim_end_matches('/');
        !file.is_empty() && (is_within(file, path) || file == path)
    };
    draft.reads.iter().filter(leads_there).map(|read| read.name.clone()).collect()
}
