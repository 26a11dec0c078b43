//! The variables that code reads.
//!
//! Given: tokens. Gives: names, whether a default stands beside each, and where. Deliberately absent: names put together at run
//! time (prefix loaders); those are known only where an `.env.example` names them.

use super::model::Evidence;
use super::scan::Source;

/// One place where a variable is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub name: String,
    /// The default, where it is a string, number or word; empty for other defaults.
    pub default: Option<String>,
    /// True where the value must be JSON (lists of pydantic-settings).
    pub json: bool,
    pub file: String,
    pub line: usize,
    pub excerpt: String,
}

/// Words of which a file that reads variables must hold one.
pub(crate) const WORDS: &[&str] =
    &["environ", "getenv", "BaseSettings", "decouple", "environs", "process.env", "import.meta.env"];

impl Read {
    pub fn evidence(&self) -> Evidence {
        Evidence::new(self.excerpt.as_str(), &self.file, self.line)
    }
}

/// The variables that a file reads.
pub(crate) fn reads(source: &Source) -> Vec<Read> {
    if source.path.ends_with(".py") { python(source) } else { javascript(source) }
}

fn read(source: &Source, at: usize, name: &str, default: Option<String>, json: bool) -> Option<Read> {
    let plausible = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plausible.then(|| Read {
        name: name.to_owned(),
        default,
        json,
        file: source.path.clone(),
        line: source.line(at),
        excerpt: source.excerpt(at).to_owned(),
    })
}

fn python(source: &Source) -> Vec<Read> {
    let mut found = Vec::new();
    for at in 0..source.len() {
        let Some(word) = source.word(at) else { continue };
        let one = match word {
            "environ" if source.is(at + 1, "[") => subscript(source, at),
            "environ" if source.reads(at + 1, &[".", "get", "("]) => call(source, at + 3, true),
            "getenv" if source.is(at + 1, "(") => call(source, at + 1, true),
            // python-decouple and environs: `config("X", default=…)`, `env.str("X", "…")`.
            "config" if source.is(at + 1, "(") => call(source, at + 1, false).filter(is_upper),
            "env" if source.is(at + 1, "(") => call(source, at + 1, false).filter(is_upper),
            "env" if source.is(at + 1, ".") && source.is(at + 3, "(") => {
                call(source, at + 3, false).filter(is_upper)
            }
            "class" => {
                found.extend(settings_class(source, at));
                None
            }
            _ => None,
        };
        found.extend(one);
    }
    found
}

fn is_upper(read: &Read) -> bool {
    read.name.chars().all(|c| !c.is_ascii_lowercase())
}

/// `environ["X"]`, unless it is assigned to.
fn subscript(source: &Source, at: usize) -> Option<Read> {
    let name = source.string(at + 2).filter(|_| source.is(at + 3, "]") && !source.is(at + 4, "="))?;
    read(source, at, name, None, false)
}

/// `get("X")` and `get("X", default)`. Where `lenient`, no default still is none at run time, not an error.
fn call(source: &Source, open: usize, lenient: bool) -> Option<Read> {
    let arguments = source.arguments(open);
    let name = source.string(arguments.first()?.start)?;
    let default = source.argument(&arguments, "default", Some(1)).map(|a| literal(source, a.start));
    read(source, open, name, default.or_else(|| lenient.then(String::new)), false)
}

fn literal(source: &Source, at: usize) -> String {
    source
        .string(at)
        .map(str::to_owned)
        .or_else(|| source.port(at).map(|p| p.to_string()))
        .unwrap_or_default()
}

/// The fields of a class derived from pydantic-settings' `BaseSettings`, with its prefix.
fn settings_class(source: &Source, at: usize) -> Vec<Read> {
    if !source.is(at + 2, "(") {
        return Vec::new();
    }
    let end = source.after_bracket(at + 2);
    if !(at + 3..end).any(|at| source.word(at).is_some_and(|word| word.ends_with("BaseSettings"))) {
        return Vec::new();
    }
    let outer = source.tokens[at].indent.unwrap_or(0);
    let stop = (end..source.len())
        .find(|at| source.tokens[*at].indent.is_some_and(|indent| indent <= outer))
        .unwrap_or(source.len());
    let prefix = (end..stop)
        .find(|at| source.reads(*at, &["env_prefix", "="]))
        .and_then(|at| source.string(at + 2))
        .unwrap_or_default()
        .to_owned();
    let field_indent = (end..stop).find_map(|at| source.tokens[at].indent);
    (end..stop)
        .filter(|at| field_indent.is_some() && source.tokens[*at].indent == field_indent)
        .filter_map(|at| field(source, at, &prefix))
        .collect()
}

fn field(source: &Source, at: usize, prefix: &str) -> Option<Read> {
    let name = source.word(at).filter(|name| source.is(at + 1, ":") && *name != "model_config")?;
    let line_end =
        (at + 2..source.len()).find(|at| source.tokens[*at].indent.is_some()).unwrap_or(source.len());
    let equals = (at + 2..line_end).find(|at| source.is(*at, "="));
    let optional = (at + 2..line_end).any(|at| source.is(at, "None") || source.is(at, "Optional"));
    let json = source
        .word(at + 2)
        .is_some_and(|kind| matches!(kind, "list" | "List" | "set" | "Set" | "tuple" | "dict"));
    let default = equals.map(|at| literal(source, at + 1)).or_else(|| optional.then(String::new));
    read(source, at, &format!("{prefix}{name}").to_ascii_uppercase(), default, json)
}

fn javascript(source: &Source) -> Vec<Read> {
    let mut found = Vec::new();
    for at in 0..source.len() {
        let start = if source.reads(at, &["process", ".", "env"]) {
            at + 3
        } else if source.reads(at, &["import", ".", "meta", ".", "env"]) {
            at + 5
        } else {
            continue;
        };
        let (name, end) = if source.is(start, ".") {
            (source.word(start + 1), start + 2)
        } else if source.is(start, "[") {
            (source.string(start + 1), start + 3)
        } else {
            continue;
        };
        let Some(name) = name else { continue };
        let has_default = source.is(end, "||") || source.is(end, "??");
        let default = has_default.then(|| literal(source, end + 1));
        if !source.is(end, "=") {
            found.extend(read(source, at, name, default, false));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::scan;

    fn names(reads: Vec<Read>) -> Vec<(String, Option<String>)> {
        reads.into_iter().map(|read| (read.name, read.default)).collect()
    }

    #[test]
    fn python_reads() {
        let source = scan::python(
            "a = os.environ['A']\nb = os.environ.get('B', 'x')\nc = os.getenv(\"C\")\nos.environ['D'] = '1'\n# os.environ['E']\n\
             class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='MY_')\n    cors_origins: list[str] = []\n    key: str\n    opt: str | None\nx: int = 1\n",
        );
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            names(reads(&source)),
            [
                ("A".to_owned(), None),
                ("B".to_owned(), some("x")),
                ("C".to_owned(), some("")),
                ("MY_CORS_ORIGINS".to_owned(), some("")),
                ("MY_KEY".to_owned(), None),
                ("MY_OPT".to_owned(), some("")),
            ]
        );
    }

    #[test]
    fn javascript_reads() {
        let source = scan::javascript(
            "const u = import.meta.env.VITE_API_URL || 'http://x/api';\nlisten(process.env.PORT ?? 3000)\nprocess.env['K']; process.env.SET = 1",
        );
        let found = names(reads(&source));
        assert_eq!(found[0], ("VITE_API_URL".to_owned(), Some("http://x/api".to_owned())));
        assert_eq!(found[1], ("PORT".to_owned(), Some("3000".to_owned())));
        assert_eq!(found[2..], [("K".to_owned(), None)]);
    }
}
