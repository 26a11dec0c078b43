//! The port a server listens on, as its code says.
//!
//! Given: tokens. Gives: a port and its place. Deliberately absent: ports that only a variable of the machine knows.

use super::index::Index;
use super::model::Evidence;
use super::scan::Source;

type Found = Option<(u16, Evidence)>;

/// `uvicorn.run(…, port=8001)`, `HTTPServer(("", 8001), …)`, `web.run_app(app, port=…)`.
pub(crate) fn python(index: &Index<'_>, files: &[String]) -> Found {
    let words = ["uvicorn.run", "HTTPServer(", "run_app("];
    files.iter().filter_map(|path| index.source_with(path, &words)).find_map(|source| {
        (0..source.len()).find_map(|at| {
            let (open, key) = if source.reads(at, &["uvicorn", ".", "run", "("]) {
                (at + 3, "port")
            } else if source.is(at, "run_app") && source.is(at + 1, "(") {
                (at + 1, "port")
            } else if source.word(at).is_some_and(|word| word.ends_with("HTTPServer"))
                && source.is(at + 1, "(")
            {
                (at + 1, "server_address")
            } else {
                return None;
            };
            let arguments = source.arguments(open);
            let position = (key == "server_address").then_some(0);
            let argument = source.argument(&arguments, key, position)?;
            number(&source, argument.start, argument.end).map(|port| (port, evidence(&source, at)))
        })
    })
}

/// `app.listen(3000)`, `listen({ port: 3000 })`, `const port = process.env.PORT || 3000`.
pub(crate) fn node(index: &Index<'_>, files: &[String]) -> Found {
    let sources: Vec<_> = files
        .iter()
        .filter_map(|path| index.source_with(path, &["listen(", "process.env.PORT", "serve("]))
        .collect();
    let called = sources.iter().find_map(|source| {
        (0..source.len()).find_map(|at| {
            let calls = (source.is(at, "listen") || source.is(at, "serve")) && source.is(at + 1, "(");
            let end = if calls { source.after_bracket(at + 1).min(at + 40) } else { return None };
            let port = source.port(at + 2).or_else(|| {
                let named = (at + 2..end).find(|at| source.is(*at, "port") && source.is(at + 1, ":"))?;
                number(source, named + 2, end)
            });
            let fallback = || defaulted(source, at + 2, end);
            port.or_else(fallback).map(|port| (port, evidence(source, at)))
        })
    });
    called.or_else(|| {
        sources.iter().find_map(|source| {
            (0..source.len())
                .filter(|at| source.reads(*at, &["process", ".", "env", ".", "PORT"]))
                .find_map(|at| defaulted(source, at, at + 8).map(|port| (port, evidence(source, at))))
        })
    })
}

/// True where a Node server binds an address that is not reached from outside its container.
pub(crate) fn loopback(index: &Index<'_>, files: &[String]) -> Option<Evidence> {
    files.iter().filter_map(|path| index.source_with(path, &["listen("])).find_map(|source| {
        let at = (0..source.len()).find(|at| source.is(*at, "listen") && source.is(at + 1, "("))?;
        let end = source.after_bracket(at + 1);
        let local =
            |at: usize| source.string(at).is_some_and(|host| host == "127.0.0.1" || host == "localhost");
        // Only an argument or `host:` of the call itself, not the text of a message in its callback.
        let hit = source.arguments(at + 1).iter().any(|a| a.end == a.start + 1 && local(a.start))
            || (at..end).any(|at| source.is(at, "host") && source.is(at + 1, ":") && local(at + 2));
        hit.then(|| evidence(&source, at))
    })
}

/// The number after `||` or `??`.
fn defaulted(source: &Source, start: usize, end: usize) -> Option<u16> {
    (start..end).find_map(|at| {
        let operator = source.is(at, "||") || source.is(at, "??");
        operator.then(|| source.port(at + 1).or_else(|| source.string(at + 1)?.parse().ok())).flatten()
    })
}

/// The last number in a range: `int(os.environ.get("PORT", 8000))` has one, and so has `8000`.
fn number(source: &Source, start: usize, end: usize) -> Option<u16> {
    (start..end)
        .rev()
        .find_map(|at| source.port(at).or_else(|| source.string(at)?.parse().ok().filter(|port| *port > 0)))
}

fn evidence(source: &Source, at: usize) -> Evidence {
    Evidence::new(source.excerpt(at), &source.path, source.line(at))
}

#[cfg(test)]
mod tests {
    use crate::detect::index::Index;
    use crate::detect::tree::MemoryTree;

    fn python(text: &str) -> Option<u16> {
        let tree = MemoryTree::new("x", [("a.py", text)]);
        super::python(&Index::new(&tree), &["a.py".to_owned()]).map(|(port, _)| port)
    }

    fn node(text: &str) -> Option<u16> {
        let tree = MemoryTree::new("x", [("a.js", text)]);
        super::node(&Index::new(&tree), &["a.js".to_owned()]).map(|(port, _)| port)
    }

    #[test]
    fn ports_in_code() {
        assert_eq!(python("uvicorn.run('a:app', host='0.0.0.0', port=8001)"), Some(8001));
        assert_eq!(python("uvicorn.run(app, port=int(os.environ.get('PORT', '9000')))"), Some(9000));
        assert_eq!(python("HTTPServer(('', 8080), H)"), Some(8080));
        assert_eq!(python("# uvicorn.run(app, port=1)\nx = 'uvicorn.run(app, port=2)'"), None);
        assert_eq!(node("app.listen(3001, () => console.log('http://localhost:9'))"), Some(3001));
        assert_eq!(node("const PORT = process.env.PORT || 4000;\napp.listen(PORT)"), Some(4000));
        assert_eq!(node("app.listen(process.env.PORT ?? 5000)"), Some(5000));
        assert_eq!(node("fastify.listen({ port: 3100, host: '0.0.0.0' })"), Some(3100));
        assert_eq!(node("// app.listen(1)"), None);
    }
}
