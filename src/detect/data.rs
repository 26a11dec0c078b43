//! Where an application writes: what would be lost with the container.
//!
//! Given: tokens, configuration and example files of one service. Gives: relative and absolute paths written to, with their
//! places. Deliberately absent: paths computed at run time from anything but a literal.

use std::collections::BTreeMap;

use super::index::{Index, is_aside, name_of, relative};
use super::model::Evidence;
use super::reads::Read;
use super::scan::Source;

/// Folder names that mean data wherever they stand.
const DATA_FOLDERS: [&str; 16] = [
    "data",
    "storage",
    "uploads",
    "upload",
    "media",
    "db",
    "database",
    "databases",
    "cache",
    "var",
    "output",
    "outputs",
    "files",
    "instance",
    "state",
    "store",
];
/// Calls that write to their first argument.
const WRITERS: [&str; 20] = [
    "to_csv",
    "to_parquet",
    "to_json",
    "to_excel",
    "to_pickle",
    "to_feather",
    "savefig",
    "makedirs",
    "mkdir",
    "writeFile",
    "writeFileSync",
    "appendFile",
    "appendFileSync",
    "createWriteStream",
    "mkdirSync",
    "outputFile",
    "ensureDir",
    "ensureDirSync",
    "write_text",
    "write_bytes",
];
/// Words of which a file that writes must hold one.
const WORDS: &[&str] = &[
    "open(",
    "mkdir",
    "makedirs",
    "to_csv",
    "to_parquet",
    "to_json",
    "to_excel",
    "to_pickle",
    "sqlite",
    "savefig",
    "writeFile",
    "appendFile",
    "createWriteStream",
    "Database(",
    "Path(",
    "path.join",
    "multer",
    "write_text",
    "\"data",
    "'data",
    "storage",
    "uploads",
];

/// A use of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    /// Relative without `./`, or absolute.
    pub path: String,
    /// True where the place itself writes; false where it only names the path.
    pub writes: bool,
    pub evidence: Evidence,
}

/// What one service does with files.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub list: Vec<Use>,
    /// A place that writes to a path that is not known there.
    pub writer: Option<Evidence>,
}

/// The uses in a service's configuration files, in the defaults of its variables, and in its sources: what is configured tells
/// more than a mention in code, so it comes first.
pub(crate) fn uses(index: &Index<'_>, folder: &str, files: &[String], reads: &[Read]) -> Uses {
    let mut found = Uses::default();
    for path in index.under(folder).filter(|path| is_settings(path) && !is_aside(path, folder)) {
        in_settings(index, path, &mut found);
    }
    for read in reads {
        let default = read.default.as_deref().unwrap_or_default();
        let path = plain_path(default).filter(|path| {
            is_data_folder(path) || is_database(path) || (is_path_name(&read.name) && path.contains('/'))
        });
        // A database is written to, wherever the code opens it.
        found.list.extend(path.map(|path| Use {
            writes: is_database(&path),
            path,
            evidence: read.evidence(),
        }));
    }
    for path in files {
        if let Some(source) = index.source_with(path, WORDS) {
            in_source(&source, &mut found);
        }
    }
    found
}

fn in_source(source: &Source, found: &mut Uses) {
    for at in 0..source.len() {
        if let Some(text) = source.any_string(at) {
            named_path(source, at, text, found);
            continue;
        }
        let Some(word) = source.word(at).filter(|_| source.is(at + 1, "(")) else { continue };
        let writes = match word {
            "open" => opens_for_writing(source, at + 1),
            "connect" => {
                at >= 2
                    && source
                        .word(at - 2)
                        .is_some_and(|module| module.ends_with("sqlite3") || module == "aiosqlite")
            }
            "Database" => source.string(at + 2).is_some_and(|path| !path.contains(':')),
            _ => WRITERS.contains(&word),
        };
        if !writes {
            continue;
        }
        let evidence = Evidence::new(source.excerpt(at), &source.path, source.line(at));
        match written_to(source, at) {
            Some(path) => found.list.push(Use { path, writes: true, evidence }),
            None => found.writer = found.writer.take().or(Some(evidence)),
        }
    }
}

/// The literal path that a writing call gets: `f("x")`, or `Path("x").f()`.
fn written_to(source: &Source, at: usize) -> Option<String> {
    // In `path.open("a")` the first argument is the mode, and the path is known only at run time.
    let is_method = source.is(at, "open") && at > 0 && source.is(at - 1, ".");
    if let Some(path) =
        source.any_string(at + 2).filter(|_| !is_method).and_then(|text| plain_path(before_placeholder(text)))
    {
        return Some(path);
    }
    // `Path("x") . mkdir (`: the string stands three tokens before the name.
    let before = at.checked_sub(3).and_then(|before| source.string(before))?;
    (source.is(at - 1, ".") && source.is(at - 2, ")") && at >= 5 && source.is(at - 5, "Path"))
        .then(|| plain_path(before))?
}

/// The folders before the first placeholder of an f-string or template; a plain string as it is.
fn before_placeholder(text: &str) -> &str {
    match text.find(['{', '$']) {
        Some(at) => text[..at].rfind('/').map_or("", |slash| &text[..slash]),
        None => text,
    }
}

fn opens_for_writing(source: &Source, open: usize) -> bool {
    let arguments = source.arguments(open);
    // `Path(…).open("w")` has the mode first.
    let positions = [Some(1), Some(0)];
    positions.iter().any(|position| {
        source.argument(&arguments, "mode", *position).and_then(|a| source.string(a.start)).is_some_and(
            |mode| {
                mode.len() <= 3
                    && mode.contains(['w', 'a', 'x', '+'])
                    && mode.chars().all(|c| "rwaxbt+".contains(c))
            },
        )
    })
}

/// A string that names a path: an SQLite address, or a first folder that means data in a place where paths stand.
fn named_path(source: &Source, at: usize, text: &str, found: &mut Uses) {
    let evidence = || Evidence::new(source.excerpt(at), &source.path, source.line(at));
    if text.starts_with("sqlite") {
        if let Some(path) = sqlite_path(text) {
            found.list.push(Use { path, writes: true, evidence: evidence() });
        }
        return;
    }
    let in_path = source.is(at.wrapping_sub(1), "/")
        || (source.is(at.wrapping_sub(1), "(") && source.is(at.wrapping_sub(2), "Path"))
        || source.is(at + 1, "/")
        || joins_paths(source, at)
        || (source.is(at.wrapping_sub(1), ":") && source.word(at.wrapping_sub(2)) == Some("dest"));
    let assigned = source.is(at.wrapping_sub(1), "=")
        && source.word(at.wrapping_sub(2)).is_some_and(|name| text.contains('/') || is_path_name(name));
    if !(in_path || assigned) {
        return;
    }
    if let Some(path) = plain_path(text).filter(|path| is_data_folder(path)) {
        found.list.push(Use { path, writes: false, evidence: evidence() });
    }
}

/// True for the name of an SQLite file.
fn is_database(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(stem, ending)| !stem.is_empty() && ["db", "sqlite", "sqlite3"].contains(&ending))
}

fn is_path_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ["DIR", "PATH", "FOLDER", "ROOT", "FILE"].iter().any(|end| upper.ends_with(end))
}

/// True for an argument of `os.path.join(…)` or `path.join(…)`.
fn joins_paths(source: &Source, at: usize) -> bool {
    (at.saturating_sub(8)..at)
        .any(|before| source.is(before, "join") && source.is(before.wrapping_sub(2), "path"))
}

/// The file of `sqlite:///x.db`, `sqlite+aiosqlite:///./x.db`; four slashes mean an absolute path.
pub(crate) fn sqlite_path(address: &str) -> Option<String> {
    let (scheme, path) = address.split_once("://")?;
    let known = scheme == "sqlite" || scheme.starts_with("sqlite+");
    let path = path.strip_prefix('/').filter(|_| known)?;
    let path = path.split('?').next()?;
    if path.contains(":memory:") { None } else { plain_path(path) }
}

/// A path as a name that can be mounted or linked; none for addresses, patterns, temporary files and what leaves the folder.
fn plain_path(text: &str) -> Option<String> {
    let path = text.strip_prefix("./").unwrap_or(text).trim_end_matches('/');
    let ordinary = !path.is_empty()
        && !path.starts_with('-')
        && !path.contains("//")
        && path.len() < 200
        && !path.contains("://")
        && !path.split('/').any(|part| part == ".." || part == ".")
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.".contains(c));
    let elsewhere = ["/tmp", "/dev", "/proc", "/etc", "/usr", "/run", "/sys", "/bin", "/home", "/root"];
    (ordinary && !elsewhere.iter().any(|root| path.starts_with(root))).then(|| path.to_owned())
}

fn is_data_folder(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    DATA_FOLDERS.contains(&first)
}

/// Configuration files whose strings may be paths.
fn is_settings(path: &str) -> bool {
    let name = name_of(path);
    let format = [".json", ".toml", ".yaml", ".yml", ".ini", ".cfg"].iter().any(|end| name.ends_with(end));
    let lower = name.to_ascii_lowercase();
    let about = ["settings", "config", "default", "storage"].iter().any(|word| lower.contains(word))
        || path.rsplit('/').nth(1).is_some_and(|folder| matches!(folder, "config" | "conf" | "settings"));
    let tool = ["tsconfig", "jsconfig", "vite.config", "package", "pre-commit", "components.json", ".lock"];
    format && about && !tool.iter().any(|word| lower.contains(word))
}

/// Quoted values of configuration files that lie in a data folder: `"price_cache_dir": "data/prices/cache"`.
fn in_settings(index: &Index<'_>, path: &str, found: &mut Uses) {
    let Some(text) = index.text(path) else { return };
    for (at, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with(['#', ';']) || code.starts_with("//") {
            continue;
        }
        let Some((_, value)) = code.split_once([':', '=']) else { continue };
        let value = value.trim().trim_end_matches(',').trim_matches(['"', '\'']);
        let target = sqlite_path(value)
            .or_else(|| plain_path(value).filter(|path| path.contains('/') && is_data_folder(path)));
        if let Some(target) = target {
            found.list.push(Use { path: target, writes: false, evidence: Evidence::new(line, path, at + 1) });
        }
    }
}

/// The folders that must outlive the container, each with the best evidence: those written to by a literal path, those named
/// by settings or code of a service that writes somewhere, those that Git ignores because they are filled at run time.
pub(crate) fn folders(index: &Index<'_>, base: &str, uses: &Uses) -> BTreeMap<String, Evidence> {
    let mut found: BTreeMap<String, (bool, Evidence)> = BTreeMap::new();
    let writes_somewhere = uses.writer.is_some() || uses.list.iter().any(|one| one.writes);
    for one in uses.list.iter().filter(|one| one.writes || writes_somewhere) {
        let Some(top) = top_of(&one.path) else { continue };
        let better = found.get(&top).is_none_or(|(writes, _)| one.writes && !writes);
        if better {
            found.insert(top, (one.writes, one.evidence.clone()));
        }
    }
    for folder in DATA_FOLDERS {
        let Some((_, evidence)) = index.ignore_patterns(base, folder).into_iter().next() else { continue };
        if uses.list.iter().any(|one| top_of(&one.path).as_deref() == Some(folder)) {
            found.entry(folder.to_owned()).or_insert((false, evidence));
        }
    }
    found.into_iter().map(|(folder, (_, evidence))| (folder, evidence)).collect()
}

/// The folder to keep: the first of a relative path, the first of an absolute one. None for a file that lies in no folder.
fn top_of(path: &str) -> Option<String> {
    if let Some(absolute) = path.strip_prefix('/') {
        let (first, _) = absolute.split_once('/').unwrap_or((absolute, ""));
        return DATA_FOLDERS.contains(&first).then(|| format!("/{first}"));
    }
    let first = path.split('/').next().unwrap_or(path);
    let is_file = first == path && (path.contains('.') || path.starts_with(char::is_uppercase));
    (!is_file && !NEVER_DATA.contains(&first) && !first.starts_with('.')).then(|| first.to_owned())
}

/// Folders of code, tools and pages: who writes there makes sources or passing files, not data.
const NEVER_DATA: [&str; 14] = [
    "bin",
    "lib",
    "src",
    "app",
    "build",
    "dist",
    "tmp",
    "temp",
    "target",
    "docs",
    "templates",
    "static",
    "tests",
    "scripts",
];
/// Endings of files that hold what an application has gathered.
const KEPT: [&str; 14] = [
    ".db", ".sqlite", ".sqlite3", ".db3", ".duckdb", ".csv", ".jsonl", ".ndjson", ".parquet", ".pkl",
    ".pickle", ".xlsx", ".log", ".json",
];
/// Files that tools write for other tools.
const MANIFESTS: [&str; 6] =
    ["package.json", "package-lock.json", "metadata.json", "config.json", "tsconfig.json", "manifest.json"];

/// Files written directly in the application folder that look like data and are not a part of the repository.
pub(crate) fn loose_files<'u>(index: &Index<'_>, base: &str, uses: &'u Uses) -> Vec<&'u Use> {
    let is_data = |path: &str| {
        !path.contains('/') && KEPT.iter().any(|end| path.ends_with(end)) && !MANIFESTS.contains(&path)
    };
    let shipped = |path: &str| {
        index.has(&super::index::join(base, path)) && !index.ignored(&super::index::join(base, path))
    };
    uses.list.iter().filter(|one| one.writes && is_data(&one.path) && !shipped(&one.path)).collect()
}

/// The ignore patterns for a folder that is kept in a volume: what a clone does not have shall not come into the image either.
pub(crate) fn ignore_for(index: &Index<'_>, base: &str, folder: &str) -> Vec<(String, Evidence)> {
    let mut patterns = index.ignore_patterns(base, folder);
    patterns
        .retain(|(pattern, _)| pattern.chars().all(|c| c.is_ascii_alphanumeric() || "!/._*?-".contains(c)));
    if patterns.iter().all(|(pattern, _)| pattern.starts_with('!')) {
        patterns.clear();
    }
    patterns
}

/// A path of a kept folder as the container sees it.
pub(crate) fn moved(path: &str, links: &indexmap::IndexMap<String, String>) -> Option<String> {
    let path = path.strip_prefix("./").unwrap_or(path);
    links.iter().find_map(|(folder, end)| {
        let rest = path.strip_prefix(folder.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{end}{rest}"))
    })
}

/// Files of the folder that a clone has.
pub(crate) fn shipped(index: &Index<'_>, base_folder: &str) -> usize {
    index
        .under(base_folder)
        .filter(|path| !index.ignored(path) && relative(path, base_folder) != ".gitkeep")
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::scan;

    fn python(text: &str) -> Vec<(String, bool)> {
        let mut found = Uses::default();
        in_source(&scan::python(text), &mut found);
        found.list.into_iter().map(|one| (one.path, one.writes)).collect()
    }

    #[test]
    fn literal_writes_are_found_and_reads_are_not() {
        assert_eq!(
            python("open('out/a.txt', 'w')\nopen('in/a.txt')\nopen('in/b', 'rb')"),
            [("out/a.txt".to_owned(), true)]
        );
        assert_eq!(python("df.to_csv(\"results/x.csv\")")[0].0, "results/x.csv");
        assert_eq!(python("e = create_engine('sqlite:///./app.db')"), [("app.db".to_owned(), true)]);
        assert_eq!(python("sqlite3.connect('data/x.db')"), [("data/x.db".to_owned(), true)]);
        assert_eq!(python("P = Path('data/x')\nP.mkdir()"), [("data/x".to_owned(), false)]);
        assert!(python("with path.open('a') as f: pass").is_empty());
        assert_eq!(python("open(f'out/{name}.txt', 'a')")[0].0, "out");
        assert_eq!(python("Path('logs').mkdir(parents=True)"), [("logs".to_owned(), true)]);
        assert!(
            python(
                "# open('out/a', 'w')\nopen('/tmp/x', 'w')\nopen('../x', 'w')\nx = {'data': 1}\n'sqlite://'"
            )
            .is_empty()
        );
    }

    #[test]
    fn the_top_folder_is_kept() {
        assert_eq!(top_of("data/a/b.csv").as_deref(), Some("data"));
        assert_eq!(top_of("logs").as_deref(), Some("logs"));
        for none in ["app.db", "Dockerfile", "bin", "src/x", ".cache"] {
            assert_eq!(top_of(none), None, "{none}");
        }
        assert_eq!(top_of("/data/x").as_deref(), Some("/data"));
        assert_eq!(top_of("/app/x"), None);
    }
}
