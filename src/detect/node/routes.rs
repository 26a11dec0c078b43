//! Routes of servers in JavaScript: `app.get("/x")`, routers mounted with `app.use("/api", router)`, compared URLs.
//!
//! Given: tokens. Gives: routes with whole paths. Deliberately absent: frameworks that make routes from file names.

use std::collections::BTreeMap;

use crate::detect::index::{Index, folder_of, join, normal};
use crate::detect::routes::{Route, concat};
use crate::detect::scan::Source;

const WORDS: &[&str] =
    &[".get(", ".post(", ".all(", ".use(", ".route(", ".register(", "req.url", "pathname", "@Controller"];
const METHODS: [(&str, &str); 6] = [
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("all", "ANY"),
];
const OBJECTS: [&str; 8] = ["app", "router", "server", "fastify", "api", "routes", "instance", "route"];

/// The routes in a package's sources.
pub(crate) fn routes(index: &Index<'_>, files: &[String]) -> Vec<Route> {
    let sources: Vec<_> = files.iter().filter_map(|path| index.source_with(path, WORDS)).collect();
    let mut prefixes: BTreeMap<String, String> = BTreeMap::new();
    for source in &sources {
        mounts(index, source, &mut prefixes);
    }
    let mut found = Vec::new();
    for source in &sources {
        let prefix = prefixes.get(&source.path).cloned().unwrap_or_default();
        for at in 0..source.len() {
            called(source, at, &prefix, &mut found);
            compared(source, at, &mut found);
        }
    }
    found
}

/// `app.use("/api", users)` and `fastify.register(users, { prefix: "/api" })`, where `users` comes from a file of the package.
fn mounts(index: &Index<'_>, source: &Source, prefixes: &mut BTreeMap<String, String>) {
    for at in 0..source.len() {
        let (open, is_use) = if source.reads(at, &[".", "use", "("]) {
            (at + 2, true)
        } else if source.reads(at, &[".", "register", "("]) {
            (at + 2, false)
        } else {
            continue;
        };
        let arguments = source.arguments(open);
        let (Some(first), Some(second)) = (arguments.first(), arguments.get(1)) else { continue };
        let (prefix, child) = if is_use {
            (source.string(first.start), arguments.last().copied().unwrap_or(*second))
        } else {
            let key =
                (second.start..second.end).find(|at| source.is(*at, "prefix") && source.is(at + 1, ":"));
            (key.and_then(|at| source.string(at + 2)), *first)
        };
        let (Some(prefix), Some(file)) = (prefix, file_of(index, source, child.start)) else { continue };
        prefixes.entry(file).or_insert_with(|| prefix.to_owned());
    }
}

/// The file behind a name, by `import x from "./x"`, `const x = require("./x")`, or `require("./x")` on the spot.
fn file_of(index: &Index<'_>, source: &Source, at: usize) -> Option<String> {
    let name = source.word(at)?;
    let module = if name == "require" || name == "import" {
        source.string(at + 2)?
    } else {
        (0..source.len()).find_map(|at| {
            if source.is(at, "import") && (source.is(at + 1, name) || source.is(at + 2, name)) {
                return (at..at + 8).find(|at| source.is(*at, "from")).and_then(|at| source.string(at + 1));
            }
            (source.is(at, name) && source.reads(at + 1, &["=", "require", "("]))
                .then(|| source.string(at + 4))?
        })?
    };
    let base = normal(&join(folder_of(&source.path), module.strip_suffix(".js").unwrap_or(module)))?;
    let endings = [".js", ".ts", ".mjs", ".cjs", "/index.js", "/index.ts"];
    endings.iter().map(|ending| format!("{base}{ending}")).find(|path| index.has(path))
}

fn called(source: &Source, at: usize, prefix: &str, found: &mut Vec<Route>) {
    if !source.is(at, ".") || !source.is(at + 2, "(") || at == 0 {
        return;
    }
    let Some(object) = source.word(at - 1).map(str::to_ascii_lowercase) else { return };
    if !OBJECTS
        .iter()
        .any(|name| object == *name || object.ends_with(&format!("{name}r")) || object.ends_with("router"))
    {
        return;
    }
    let Some((_, method)) = METHODS.iter().find(|(name, _)| source.is(at + 1, name)) else { return };
    let Some(path) = source.string(at + 3).filter(|path| path.starts_with('/')) else { return };
    // `app.get("name")` with one argument reads a setting.
    let arguments = source.arguments(at + 2);
    if arguments.len() < 2 {
        return;
    }
    let middle = &arguments[1..arguments.len() - 1];
    let guarded = middle.iter().flat_map(|a| a.start..a.end).any(|at| {
        let word = source.word(at).unwrap_or_default().to_ascii_lowercase();
        ["auth", "login", "verify", "token", "apikey"].iter().any(|guard| word.contains(guard))
    });
    found.push(Route { guarded, ..route(source, at, method, concat(prefix, path)) });
}

/// `req.url === "/health"`, `url.pathname === "/health"`.
fn compared(source: &Source, at: usize, found: &mut Vec<Route>) {
    let is_url = source.word(at).is_some_and(|word| matches!(word, "url" | "pathname" | "path"));
    let equals = source.is(at + 1, "===") || source.is(at + 1, "==");
    let Some(path) = source.string(at + 2).filter(|path| is_url && equals && path.starts_with('/')) else {
        return;
    };
    found.push(route(source, at, "GET", path.to_owned()));
}

fn route(source: &Source, at: usize, method: &'static str, path: String) -> Route {
    Route {
        method,
        path,
        file: source.path.clone(),
        line: source.line(at),
        excerpt: source.excerpt(at).to_owned(),
        guarded: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::tree::MemoryTree;

    #[test]
    fn routers_get_their_prefix() {
        let tree = MemoryTree::new(
            "x",
            [
                (
                    "index.js",
                    "const users = require('./routes/users');\napp.use('/api/users', auth, users);\napp.get('/health', (q, s) => s.send('ok'));\napp.get('env');\n// app.get('/no', x)\nif (req.url === '/ping') {}",
                ),
                ("routes/users.js", "router.get('/:id', show); router.post('/', requireAuth, make)"),
            ],
        );
        let files = ["index.js".to_owned(), "routes/users.js".to_owned()];
        let found: Vec<_> =
            routes(&Index::new(&tree), &files).into_iter().map(|r| (r.path, r.method, r.guarded)).collect();
        assert_eq!(
            found,
            [
                ("/health".to_owned(), "GET", false),
                ("/ping".to_owned(), "GET", false),
                ("/api/users/:id".to_owned(), "GET", false),
                ("/api/users/".to_owned(), "POST", true),
            ]
        );
    }
}
