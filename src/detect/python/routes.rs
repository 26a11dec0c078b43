//! Routes in Python files: decorators, routers and blueprints with their prefixes, Starlette's tables, Django's `urls.py`.
//!
//! Given: tokens of a service's files. Gives: routes with whole paths. Deliberately absent: prefixes computed at run time;
//! such a route keeps the part that can be read.

use std::collections::BTreeMap;

use crate::detect::index::Index;
use crate::detect::routes::{Route, concat};
use crate::detect::scan::{Kind, Source};

use super::imports::{Import, imports, module_file};

/// Words of which a file with routes must hold one.
const WORDS: &[&str] =
    &["route", "Route", ".get(", ".post(", "path(", "Blueprint", "Mount", "include_router"];
const METHODS: [(&str, &str); 9] = [
    ("get", "GET"),
    ("head", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("websocket", "WS"),
    ("route", "ANY"),
    ("api_route", "ANY"),
];
/// Parts of names that stand for a login or a key.
const GUARDS: [&str; 9] =
    ["auth", "current_user", "login", "verify", "api_key", "apikey", "token", "permission", "security"];

/// A router or application object: the file and the variable.
type Node = (String, String);

/// A place where a router is included.
struct Included {
    parent: Node,
    /// The prefix given there.
    prefix: Option<String>,
    /// True where that prefix replaces the router's own (Flask).
    replaces: bool,
    guarded: bool,
}

#[derive(Default)]
struct Graph {
    /// Each router's own prefix and whether it is guarded.
    routers: BTreeMap<Node, (String, bool)>,
    /// Where each router is included first.
    included: BTreeMap<Node, Included>,
    routes: Vec<(Node, Route)>,
    constants: BTreeMap<String, Option<String>>,
}

/// The routes of a service's files, with `root` as import root.
pub(crate) fn routes(index: &Index<'_>, root: &str, files: &[String]) -> Vec<Route> {
    let mut graph = Graph::default();
    let sources: Vec<_> = files.iter().filter_map(|path| index.source_with(path, WORDS)).collect();
    for path in files {
        if let Some(source) = index.source_with(path, &["= \"/", "= '/"]) {
            constants(&source, &mut graph.constants);
        }
    }
    for source in &sources {
        let names = imports(source);
        for at in 0..source.len() {
            router(source, at, &mut graph);
            include(index, root, source, at, &names, &mut graph);
            decorated(source, at, &mut graph);
            added(source, at, &mut graph);
        }
    }
    let mut found: Vec<Route> = graph.routes.iter().map(|(node, route)| graph.whole(node, route)).collect();
    for source in &sources {
        tables(source, &mut found);
    }
    found.extend(super::django::routes(index, root, &sources));
    found
}

impl Graph {
    /// The route with its router's prefixes.
    fn whole(&self, node: &Node, route: &Route) -> Route {
        let (prefix, guarded) = self.prefix(node, 0);
        Route { path: concat(&prefix, &route.path), guarded: route.guarded || guarded, ..route.clone() }
    }

    fn prefix(&self, node: &Node, depth: usize) -> (String, bool) {
        let (own, guarded) = self.routers.get(node).cloned().unwrap_or_default();
        let Some(included) = self.included.get(node).filter(|_| depth < 8) else { return (own, guarded) };
        let (above, guarded_above) = self.prefix(&included.parent, depth + 1);
        let mut path = above.trim_end_matches('/').to_owned();
        if let Some(given) = &included.prefix {
            path = concat(&path, given.trim_end_matches('/'));
        }
        let replaced = included.replaces && included.prefix.is_some();
        if !replaced && !own.is_empty() {
            path = concat(&path, &own);
        }
        let path = if path == "/" { String::new() } else { path };
        (path, guarded || guarded_above || included.guarded)
    }

    /// The text of a prefix: a string, or a name that stands for one string everywhere in the service.
    fn text(&self, source: &Source, start: usize, end: usize) -> Option<String> {
        if end == start + 1
            && let Some(text) = source.string(start)
        {
            return Some(text.to_owned());
        }
        if end == start + 1 && source.kind(start) == Some(Kind::Template) {
            return self.filled(source.any_string(start)?);
        }
        let last = source.word(end.checked_sub(1)?)?;
        self.constants.get(last)?.clone()
    }

    /// An f-string whose placeholders are constants.
    fn filled(&self, template: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            text.push_str(before);
            text.push_str(self.constants.get(name.rsplit('.').next()?)?.as_deref()?);
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }
}

/// `NAME = "/…"`, with or without a type. A name with two values is no constant.
fn constants(source: &Source, found: &mut BTreeMap<String, Option<String>>) {
    for at in (0..source.len()).filter(|at| source.tokens[*at].indent.is_some()) {
        let Some(name) = source.word(at) else { continue };
        let value = if source.is(at + 1, "=") {
            at + 2
        } else if source.is(at + 3, "=") {
            at + 4
        } else {
            continue;
        };
        let Some(text) = source.string(value).filter(|text| text.starts_with('/')) else { continue };
        found
            .entry(name.to_owned())
            .and_modify(|known| {
                if known.as_deref() != Some(text) {
                    *known = None;
                }
            })
            .or_insert_with(|| Some(text.to_owned()));
    }
}

/// `router = APIRouter(prefix="/x")`, `bp = Blueprint("a", __name__, url_prefix="/x")`.
fn router(source: &Source, at: usize, graph: &mut Graph) {
    let Some(class) = source.word(at).filter(|word| matches!(*word, "APIRouter" | "Blueprint")) else {
        return;
    };
    if !source.is(at + 1, "(") {
        return;
    }
    // Before the class: `name =`, `name: type =`, and perhaps `fastapi.`.
    let mut equals = at.saturating_sub(1);
    while equals > 0 && !source.is(equals, "=") && source.line(equals) == source.line(at) {
        equals -= 1;
    }
    let line = source.line(equals);
    let opening = (0..equals).rev().take_while(|at| source.line(*at) == line).last();
    let Some(name) = opening.filter(|_| source.is(equals, "=")).and_then(|at| source.word(at)) else {
        return;
    };
    let arguments = source.arguments(at + 1);
    let key = if class == "APIRouter" { "prefix" } else { "url_prefix" };
    let prefix = source.argument(&arguments, key, None).and_then(|a| graph.text(source, a.start, a.end));
    let guarded =
        source.argument(&arguments, "dependencies", None).is_some_and(|a| is_guarded(source, a.start, a.end));
    graph.routers.insert((source.path.clone(), name.to_owned()), (prefix.unwrap_or_default(), guarded));
}

/// `app.include_router(child, prefix="/x")`, `app.register_blueprint(child, url_prefix="/x")`.
fn include(
    index: &Index<'_>,
    root: &str,
    source: &Source,
    at: usize,
    names: &BTreeMap<String, Import>,
    graph: &mut Graph,
) {
    let flask = source.is(at, "register_blueprint");
    if !(flask || source.is(at, "include_router")) || !source.is(at + 1, "(") || at < 2 {
        return;
    }
    let Some(parent) = source.word(at - 2) else { return };
    let arguments = source.arguments(at + 1);
    let Some(child) = source.argument(&arguments, if flask { "blueprint" } else { "router" }, Some(0)) else {
        return;
    };
    let key = if flask { "url_prefix" } else { "prefix" };
    let prefix = source.argument(&arguments, key, None).and_then(|a| graph.text(source, a.start, a.end));
    let guarded =
        source.argument(&arguments, "dependencies", None).is_some_and(|a| is_guarded(source, a.start, a.end));
    let Some(node) = referred(index, root, source, child.start, child.end, names) else { return };
    let parent = (source.path.clone(), parent.to_owned());
    graph.included.entry(node).or_insert(Included { parent, prefix, replaces: flask, guarded });
}

/// The router that `a`, `a.router` or `pkg.a.router` stands for in a file.
fn referred(
    index: &Index<'_>,
    root: &str,
    source: &Source,
    start: usize,
    end: usize,
    names: &BTreeMap<String, Import>,
) -> Option<Node> {
    let words: Vec<&str> = (start..end).filter_map(|at| source.word(at)).collect();
    let (last, front) = words.split_last()?;
    if front.is_empty() {
        let Some(import) = names.get(*last) else { return Some((source.path.clone(), (*last).to_owned())) };
        let file = module_file(index, root, &source.path, &import.module)?;
        return Some((file, import.attribute.clone()?));
    }
    let import = names.get(front[0]).or_else(|| names.get(&front.join(".")))?;
    let mut module = import.module.clone();
    for part in import.attribute.iter().map(String::as_str).chain(front[1..].iter().copied()) {
        if !module.ends_with('.') {
            module.push('.');
        }
        module.push_str(part);
    }
    let whole = module_file(index, root, &source.path, &module)
        .or_else(|| module_file(index, root, &source.path, &import.module))?;
    Some((whole, (*last).to_owned()))
}

/// `@router.get("/x")` and the function below it.
fn decorated(source: &Source, at: usize, graph: &mut Graph) {
    if !source.is(at, "@")
        || source.tokens[at].indent.is_none()
        || !source.is(at + 2, ".")
        || !source.is(at + 4, "(")
    {
        return;
    }
    let (Some(object), Some(word)) = (source.word(at + 1), source.word(at + 3)) else { return };
    let Some((_, method)) = METHODS.iter().find(|(name, _)| *name == word) else { return };
    let arguments = source.arguments(at + 4);
    let path =
        source.argument(&arguments, "path", Some(0)).or_else(|| source.argument(&arguments, "rule", Some(0)));
    let Some(path) = path.and_then(|a| graph.text(source, a.start, a.end)) else { return };
    let end = signature_end(source, source.after_bracket(at + 4));
    let method = match source.argument(&arguments, "methods", None) {
        Some(methods) => listed_method(source, methods.start, methods.end),
        None => method,
    };
    let guarded = is_guarded(source, at + 5, end);
    graph.routes.push(((source.path.clone(), object.to_owned()), found(source, at, method, path, guarded)));
}

/// `app.add_api_route("/x", …)`, `app.add_url_rule("/x", …)`.
fn added(source: &Source, at: usize, graph: &mut Graph) {
    let known = ["add_api_route", "add_url_rule", "add_route", "add_websocket_route"];
    let Some(word) = source.word(at).filter(|word| known.contains(word)) else { return };
    if at < 2 || !source.is(at + 1, "(") {
        return;
    }
    let (Some(object), Some(path)) = (source.word(at - 2), source.string(at + 2)) else { return };
    let method = if word == "add_websocket_route" { "WS" } else { "ANY" };
    let route = found(source, at, method, path.to_owned(), false);
    graph.routes.push(((source.path.clone(), object.to_owned()), route));
}

/// Starlette's `Route("/x", …)` and `WebSocketRoute`, under the prefixes of the `Mount`s around them.
fn tables(source: &Source, routes: &mut Vec<Route>) {
    let mut mounts: Vec<(usize, String)> = Vec::new();
    for at in 0..source.len() {
        mounts.retain(|(end, _)| at < *end);
        let Some(word) = source.word(at).filter(|_| source.is(at + 1, "(")) else { continue };
        let Some(path) = source.string(at + 2).filter(|path| path.starts_with('/')) else { continue };
        let prefix: String = mounts.iter().map(|(_, prefix)| prefix.trim_end_matches('/')).collect();
        match word {
            "Mount" => mounts.push((source.after_bracket(at + 1), path.to_owned())),
            "Route" => routes.push(found(source, at, "ANY", concat(&prefix, path), false)),
            "WebSocketRoute" => routes.push(found(source, at, "WS", concat(&prefix, path), false)),
            _ => {}
        }
    }
}

pub(in crate::detect) fn found(
    source: &Source,
    at: usize,
    method: &'static str,
    path: String,
    guarded: bool,
) -> Route {
    Route {
        method,
        path,
        file: source.path.clone(),
        line: source.line(at),
        excerpt: source.excerpt(at).to_owned(),
        guarded,
    }
}

fn listed_method(source: &Source, start: usize, end: usize) -> &'static str {
    let mut methods = (start..end).filter_map(|at| source.string(at));
    if methods.any(|method| method.eq_ignore_ascii_case("GET")) { "GET" } else { "POST" }
}

/// The end of the decorated function's parameters, other decorators between included.
fn signature_end(source: &Source, from: usize) -> usize {
    for at in from..source.len().min(from + 200) {
        if source.is(at, "def") && source.is(at + 2, "(") {
            return source.after_bracket(at + 2);
        }
    }
    from
}

/// True where a `Depends`, `Security` or decorator name in the range speaks of a login or a key.
fn is_guarded(source: &Source, start: usize, end: usize) -> bool {
    (start..end).any(|at| {
        let Some(word) = source.word(at) else { return false };
        let called_for = source.is(at.wrapping_sub(2), "Depends") || source.is(at.wrapping_sub(1), "@");
        let lower = word.to_ascii_lowercase();
        word == "Security" || (called_for && GUARDS.iter().any(|guard| lower.contains(guard)))
    })
}
