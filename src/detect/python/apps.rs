//! Application objects in Python files: `app = FastAPI()`, `create_app()`.
//!
//! Given: tokens. Gives: candidates with their places. Deliberately absent: choosing between them.

use crate::detect::model::Evidence;
use crate::detect::scan::Source;

use super::imports::{Import, imports};

/// A web framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framework {
    Fastapi,
    Starlette,
    Litestar,
    Quart,
    Flask,
}

/// An application object or a function that makes one.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub file: String,
    pub line: usize,
    pub attribute: String,
    pub framework: Framework,
    /// True for a function that must be called.
    pub factory: bool,
    pub excerpt: String,
}

const CLASSES: [(&str, &str, Framework); 5] = [
    ("fastapi", "FastAPI", Framework::Fastapi),
    ("starlette", "Starlette", Framework::Starlette),
    ("litestar", "Litestar", Framework::Litestar),
    ("quart", "Quart", Framework::Quart),
    ("flask", "Flask", Framework::Flask),
];

/// Words of which a file with an application must hold one.
pub(crate) const WORDS: &[&str] =
    &["FastAPI", "Starlette", "Litestar", "Quart", "Flask", "create_app", "get_app", "make_app", "build_app"];

const FACTORIES: [&str; 10] = [
    "create_app",
    "make_app",
    "build_app",
    "get_app",
    "create_application",
    "get_application",
    "make_application",
    "build_application",
    "app_factory",
    "create_api",
];

impl App {
    pub fn evidence(&self) -> Evidence {
        Evidence::new(self.excerpt.as_str(), &self.file, self.line)
    }
}

impl Framework {
    pub fn title(self) -> &'static str {
        match self {
            Self::Fastapi => "FastAPI",
            Self::Starlette => "Starlette",
            Self::Litestar => "Litestar",
            Self::Quart => "Quart",
            Self::Flask => "Flask",
        }
    }

    /// True for WSGI.
    pub fn is_wsgi(self) -> bool {
        self == Self::Flask
    }

    /// The package that provides it.
    pub fn package(self) -> &'static str {
        CLASSES.iter().find(|(_, _, framework)| *framework == self).map_or("", |(package, _, _)| package)
    }
}

/// The applications that a file defines at its top level. `fallback` is the framework taken for `app = create_app()` where the
/// function is defined elsewhere.
pub(crate) fn apps(source: &Source, fallback: Option<Framework>) -> Vec<App> {
    let names = imports(source);
    let mut found: Vec<App> = Vec::new();
    // The indentation and name of the definition that the line stands in.
    let mut inside: Option<(usize, Option<String>)> = None;
    for at in 0..source.len() {
        let Some(indent) = source.tokens[at].indent else {
            if let Some((_, Some(factory))) = &inside
                && let Some(framework) = constructed(source, at, &names)
                && !found.iter().any(|app| app.attribute == *factory)
            {
                found.push(app(source, at, factory, framework, true));
            }
            continue;
        };
        if inside.as_ref().is_some_and(|(outer, _)| indent <= *outer) {
            inside = None;
        }
        if inside.is_some() {
            continue;
        }
        if let Some(name) = definition(source, at) {
            inside = Some((indent, name));
        } else if let Some((attribute, value)) = assigned(source, at) {
            let framework = constructed(source, value, &names)
                .or_else(|| fallback.filter(|_| calls_factory(source, value)));
            if let Some(framework) = framework {
                found.push(app(source, at, attribute, framework, false));
            }
        }
    }
    // `app = create_app()` beside `def create_app()`: the object is what is served.
    if found.iter().any(|app| !app.factory) {
        found.retain(|app| !app.factory);
    }
    found
}

fn app(source: &Source, at: usize, attribute: &str, framework: Framework, factory: bool) -> App {
    App {
        file: source.path.clone(),
        line: source.line(at),
        attribute: attribute.to_owned(),
        framework,
        factory,
        excerpt: source.excerpt(at).to_owned(),
    }
}

/// `def` and `class` open a definition; the name is given for functions that make applications without being told anything.
fn definition(source: &Source, at: usize) -> Option<Option<String>> {
    let at = if source.is(at, "async") { at + 1 } else { at };
    if source.is(at, "class") {
        return Some(None);
    }
    if !source.is(at, "def") {
        return None;
    }
    let name = source.word(at + 1)?;
    let callable = FACTORIES.contains(&name) && source.is(at + 2, "(") && takes_nothing(source, at + 2);
    Some(callable.then(|| name.to_owned()))
}

/// True where every parameter has a default.
fn takes_nothing(source: &Source, open: usize) -> bool {
    source.arguments(open).iter().all(|argument| {
        argument.name.is_some()
            || source.is(argument.start, "*")
            || source.is(argument.start, "**")
            || (argument.start..argument.end).any(|at| source.is(at, "="))
    })
}

/// `name = …` or `name: type = …` at the start of a line: the name and where the value starts.
fn assigned(source: &Source, at: usize) -> Option<(&str, usize)> {
    let name = source.word(at).filter(|name| name.is_ascii())?;
    if source.is(at + 1, "=") {
        return Some((name, at + 2));
    }
    if !source.is(at + 1, ":") {
        return None;
    }
    let line = source.line(at);
    (at + 2..source.len())
        .take_while(|at| source.line(*at) == line)
        .find(|at| source.is(*at, "="))
        .map(|equals| (name, equals + 1))
}

/// The framework whose class is called at a place: by its imported name, an alias, or through its module.
fn constructed(
    source: &Source,
    at: usize,
    names: &std::collections::BTreeMap<String, Import>,
) -> Option<Framework> {
    let word = source.word(at)?;
    if source.is(at + 1, "(") {
        let import = names.get(word)?;
        let class = import.attribute.as_deref()?;
        let package = import.module.split('.').next()?;
        return CLASSES
            .iter()
            .find(|(p, c, _)| *p == package && *c == class)
            .map(|(_, _, framework)| *framework);
    }
    let import = names.get(word)?;
    CLASSES
        .iter()
        .find(|(package, class, _)| import.module == *package && source.reads(at + 1, &[".", class, "("]))
        .map(|(_, _, framework)| *framework)
}

fn calls_factory(source: &Source, at: usize) -> bool {
    source.word(at).is_some_and(|name| FACTORIES.contains(&name)) && source.is(at + 1, "(")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::scan::python;

    fn found(text: &str) -> Vec<(String, bool, usize)> {
        apps(&python(text), Some(Framework::Fastapi))
            .into_iter()
            .map(|a| (a.attribute, a.factory, a.line))
            .collect()
    }

    #[test]
    fn finds_objects_in_every_spelling() {
        for text in [
            "from fastapi import FastAPI\napp = FastAPI(title='x')",
            "from fastapi import FastAPI as F, x\napp: F = F(\n)",
            "import fastapi\napp = fastapi.FastAPI()",
            "from fastapi import (\n FastAPI)\nif True:\n    app = FastAPI()",
        ] {
            let apps = found(text);
            assert_eq!((apps.len(), apps[0].0.as_str(), apps[0].1), (1, "app", false), "{text}");
        }
    }

    #[test]
    fn factories_count_only_without_an_object() {
        let factory = "from fastapi import FastAPI\ndef create_app(x=1, *, y: int = 2):\n    app = FastAPI()\n    return app\n";
        assert_eq!(found(factory), [("create_app".to_owned(), true, 3)]);
        assert_eq!(found(&format!("{factory}api = create_app()\n")), [("api".to_owned(), false, 5)]);
        assert!(
            found("from fastapi import FastAPI\ndef create_app(settings):\n    return FastAPI()\n")
                .is_empty()
        );
        assert_eq!(found("from a.b import create_app\napp = create_app()").len(), 1);
    }

    #[test]
    fn neither_comments_nor_strings_nor_locals_are_applications() {
        for text in [
            "from fastapi import FastAPI\n# app = FastAPI()",
            "from fastapi import FastAPI\n'''\napp = FastAPI()\n'''",
            "from fastapi import FastAPI\ndef f():\n    app = FastAPI()\n",
            "class FastAPI: pass\napp = FastAPI()",
            "app = FastAPI(",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
