//! The template engine, and the only file that names it.
//!
//! Given: a template's name and a context struct. Gives: text in which every value is written as its format demands. The
//! name's suffix decides the format; the type of a value decides how it stands in it. Plain strings take the strictest
//! form, [`Marked`] ones say what else they are. Deliberately absent: filters, functions, globals, tests and silent blanks,
//! so that a template can neither escape by itself nor forget to.

use std::collections::BTreeMap;
use std::fmt;

use minijinja::value::{Object, ObjectRepr, ValueKind, serializing_for_value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use serde::{Serialize, Serializer};

use dashdeploy_contract::Template;

use super::escape::{self, Piece, Refused, manifest};

/// Instructions a template may run; the largest of ours needs a tenth of it for two hundred services.
const FUEL: u64 = 5_000_000;

/// The formats written, told by a template's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Dockerfile,
    Compose,
    Nginx,
    Ignore,
    Env,
    Yaml,
    Workflow,
    Gitlab,
    Toml,
    Json,
    Bicep,
}

impl Format {
    // The first that fits: longer ends stand before shorter ones.
    const SUFFIXES: [(&'static str, Self); 11] = [
        ("Dockerfile.j2", Self::Dockerfile),
        (".manifest.yaml.j2", Self::Yaml),
        (".workflow.yml.j2", Self::Workflow),
        (".gitlab-ci.yml.j2", Self::Gitlab),
        (".toml.j2", Self::Toml),
        (".json.j2", Self::Json),
        (".bicep.j2", Self::Bicep),
        (".yaml.j2", Self::Compose),
        (".conf.j2", Self::Nginx),
        (".dockerignore.j2", Self::Ignore),
        (".env.j2", Self::Env),
    ];

    fn has_lists(self) -> bool {
        self == Self::Compose || self.has_maps()
    }

    fn has_maps(self) -> bool {
        matches!(self, Self::Yaml | Self::Workflow | Self::Gitlab | Self::Toml | Self::Json | Self::Bicep)
    }

    fn of(template: &str) -> Option<Self> {
        Self::SUFFIXES.iter().find(|(suffix, _)| template.ends_with(suffix)).map(|(_, format)| *format)
    }
}

/// A value that says what it is, where a plain string would be written too strictly or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    /// Any text, in the format's double quotes: `ENV`, `ARG`, a response header.
    Quoted(String),
    /// A command in exec form.
    Exec(Vec<String>),
    /// A word of a shell line.
    Shell(String),
    /// A whole command of a shell line.
    Line(Vec<String>),
    /// The operands of `COPY`.
    Copy(Vec<String>),
    /// A regular expression of nginx.
    Regex(String),
    /// A pattern of an ignore file.
    Pattern(String),
    /// Compose text with variables in it.
    Pieces(Vec<Piece>),
    /// Text of a comment.
    Comment(String),
    /// An expression of GitHub, such as `secrets.API_KEY`: written as `${{ … }}`.
    Expression(String),
}

impl Marked {
    fn write(&self, format: Format) -> Result<String, Refused> {
        match (format, self) {
            (Format::Dockerfile, Self::Quoted(text)) => escape::dockerfile_quoted(text),
            (Format::Dockerfile, Self::Exec(words)) => escape::exec_form(words),
            (Format::Dockerfile, Self::Shell(word)) => escape::shell_word(word),
            (Format::Dockerfile, Self::Line(words)) => escape::shell_line(words),
            (Format::Dockerfile, Self::Copy(paths)) => escape::copy_operands(paths),
            (Format::Nginx, Self::Quoted(text)) => escape::nginx_quoted(text),
            (Format::Nginx, Self::Regex(pattern)) => escape::nginx_regex(pattern),
            (Format::Ignore, Self::Pattern(pattern)) => escape::ignore_pattern(pattern),
            (Format::Compose, Self::Pieces(pieces)) => escape::compose_pieces(pieces),
            (Format::Workflow, Self::Expression(text)) => manifest::workflow_expression(text),
            (_, Self::Comment(text)) => escape::comment(text),
            (_, other) => Err(Refused {
                format: "this kind of file",
                value: format!("{other:?}"),
                reason: "values of this type have no place in it",
            }),
        }
    }

    fn as_data(&self) -> serde_json::Value {
        match self {
            Self::Quoted(text) | Self::Shell(text) | Self::Regex(text) => text.as_str().into(),
            Self::Pattern(text) | Self::Comment(text) | Self::Expression(text) => text.as_str().into(),
            Self::Exec(words) | Self::Copy(words) | Self::Line(words) => words.clone().into(),
            Self::Pieces(pieces) => serde_json::to_value(pieces).unwrap_or_default(),
        }
    }
}

impl Object for Marked {
    // Neither list nor map, and so true in a condition, whatever it holds.
    fn repr(self: &std::sync::Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &std::sync::Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Reached only by string operations of a template, which have no business with it.
        f.write_str("")
    }
}

impl Serialize for Marked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializing_for_value() {
            Value::from_object(self.clone()).serialize(serializer)
        } else {
            self.as_data().serialize(serializer)
        }
    }
}

/// A template that could not be filled in.
#[derive(Debug, thiserror::Error)]
#[error("template {template}{}: {message}", if *line == 0 { String::new() } else { format!(", line {line}") })]
pub struct TemplateError {
    /// The template's name.
    pub template: String,
    /// The line in it, from 1; 0 where none is known.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Every template: the built-in ones, and the user's own in their place.
pub struct Engine {
    environment: Environment<'static>,
}

impl Engine {
    /// Loads the templates.
    ///
    /// # Errors
    /// [`TemplateError`] for one of the user's that cannot be read.
    pub fn new(templates: &[Template], overrides: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let mut environment = Environment::empty();
        let syntax = minijinja::syntax::SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build();
        environment.set_syntax(syntax.map_err(|error| described("", &error))?);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|name| match Format::of(name) {
            Some(_) => AutoEscape::Custom("dashdeploy".into()),
            None => AutoEscape::None,
        });
        environment.set_formatter(write_value);
        minijinja_embed::load_templates!(environment);
        for (name, source) in templates {
            environment.add_template(name, source).map_err(|error| described(name, &error))?;
        }
        for (name, source) in overrides {
            environment
                .add_template_owned(name.clone(), source.clone())
                .map_err(|error| described(name, &error))?;
        }
        Ok(Self { environment })
    }

    /// The names of all templates, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.environment.templates().map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    }

    /// Every template's name and text.
    pub fn sources(&self) -> BTreeMap<String, String> {
        let all = self.environment.templates();
        all.map(|(name, template)| (name.to_owned(), template.source().to_owned())).collect()
    }

    /// A template's own text.
    pub fn source(&self, name: &str) -> Option<String> {
        self.environment.get_template(name).ok().map(|template| template.source().to_owned())
    }

    /// Fills in a template.
    ///
    /// # Errors
    /// [`TemplateError`] for an unknown variable, a value the format cannot carry, or a template that does not end.
    pub fn fill(&self, name: &str, context: &impl Serialize) -> Result<String, TemplateError> {
        let template = self.environment.get_template(name).map_err(|error| described(name, &error))?;
        let text =
            template.render(minijinja::value::Serde(context)).map_err(|error| described(name, &error))?;
        if Format::of(name) == Some(Format::Json) { pretty(name, &text) } else { Ok(text) }
    }
}

/// JSON in one form, whatever blanks and commas a template left: two blanks a level, the template's order of keys.
fn pretty(template: &str, text: &str) -> Result<String, TemplateError> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| TemplateError {
        template: template.to_owned(),
        line: 0,
        message: format!("what it gives is no JSON: {error}"),
    })?;
    Ok(format!("{value:#}\n"))
}

fn described(template: &str, error: &Error) -> TemplateError {
    let mut message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    if error.kind() == ErrorKind::UndefinedError {
        message = format!("a value is used that there is not ({error})");
    }
    TemplateError {
        template: error.name().unwrap_or(template).to_owned(),
        line: error.line().unwrap_or(0),
        message,
    }
}

/// Writes one value. Registered as the engine's formatter, so that no `{{ … }}` gets past it.
fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let refuse = |message: String| Error::new(ErrorKind::BadEscape, message);
    let Some(format) = Format::of(state.name()) else {
        return Err(refuse(format!("the name `{}` tells no format", state.name())));
    };
    let text = text_of(format, value).map_err(|refused| refuse(refused.to_string()))?;
    out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text could not be written"))
}

fn text_of(format: Format, value: &Value) -> Result<String, Refused> {
    if let Some(marked) = value.downcast_object_ref::<Marked>() {
        return marked.write(format);
    }
    let unfit = |reason| Refused { format: "a template", value: value.to_string(), reason };
    match value.kind() {
        // Every format but Python's writes them small; the engine's own text for them is Python's.
        ValueKind::Bool => Ok(if value.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Number => Ok(value.to_string()),
        ValueKind::String => plain(format, value.as_str().unwrap_or_default()),
        ValueKind::Seq if format.has_lists() => {
            let items = value.try_iter().map_err(|_| unfit("it cannot be gone through"))?;
            let items: Result<Vec<String>, Refused> = items.map(|item| text_of(format, &item)).collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        ValueKind::Map => match word(value) {
            Some((sign, inner)) => written(format, &sign, &inner),
            None if format.has_maps() => map(format, value),
            None => Err(unfit("only texts, numbers and truth values can be written")),
        },
        ValueKind::None if format == Format::Json => Ok("null".to_owned()),
        ValueKind::None | ValueKind::Undefined => Err(unfit("there is no value")),
        _ => Err(unfit("only texts, numbers and truth values can be written")),
    }
}

/// The sign and content of a value that says what it is (`contract::word`).
fn word(value: &Value) -> Option<(String, Value)> {
    let mut keys = value.try_iter().ok()?;
    let (only, None) = (keys.next()?, keys.next()) else { return None };
    let sign = only.as_str()?.strip_prefix('$')?.to_owned();
    Some((sign, value.get_item(&only).ok()?))
}

fn written(format: Format, sign: &str, inner: &Value) -> Result<String, Refused> {
    let unfit = |reason| Refused { format: "a template", value: inner.to_string(), reason };
    let text = inner.as_str().unwrap_or_default();
    match (sign, format) {
        ("key", Format::Toml) => manifest::toml_key(text),
        ("key", Format::Bicep) => manifest::bicep_key(text),
        ("key", _) => plain(format, text),
        ("symbol", _) => manifest::symbol(text),
        ("comment", _) => escape::comment(text),
        ("join", Format::Bicep) => {
            let parts = inner.try_iter().map_err(|_| unfit("it cannot be gone through"))?;
            let parts: Result<Vec<String>, Refused> = parts.map(|part| bicep_part(&part)).collect();
            Ok(format!("'{}'", parts?.concat()))
        }
        _ => Err(unfit("values of this type have no place in this kind of file")),
    }
}

/// A part of an interpolated string: text, or a symbol in `${…}`.
fn bicep_part(part: &Value) -> Result<String, Refused> {
    match word(part) {
        Some((sign, inner)) if sign == "symbol" => {
            Ok(format!("${{{}}}", manifest::symbol(inner.as_str().unwrap_or_default())?))
        }
        _ => {
            let quoted = manifest::bicep_string(part.as_str().unwrap_or_default())?;
            Ok(quoted[1..quoted.len() - 1].to_owned())
        }
    }
}

/// A map on one line, as the format writes it.
fn map(format: Format, value: &Value) -> Result<String, Refused> {
    let unfit = |reason| Refused { format: "a template", value: value.to_string(), reason };
    let mut entries = Vec::new();
    for key in value.try_iter().map_err(|_| unfit("it cannot be gone through"))? {
        let item = value.get_item(&key).map_err(|_| unfit("it cannot be gone through"))?;
        let name = key.as_str().ok_or_else(|| unfit("its keys are no texts"))?;
        let (name, between) = match format {
            Format::Toml => (manifest::toml_key(name)?, " = "),
            Format::Bicep => (manifest::bicep_key(name)?, ": "),
            _ => (plain(format, name)?, ": "),
        };
        entries.push(format!("{name}{between}{}", text_of(format, &item)?));
    }
    Ok(if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) })
}

fn plain(format: Format, text: &str) -> Result<String, Refused> {
    match format {
        Format::Dockerfile => escape::dockerfile_word(text),
        Format::Compose => escape::compose_scalar(text),
        Format::Nginx => escape::nginx_token(text),
        Format::Ignore => escape::ignore_path(text),
        Format::Env => escape::env_value(text),
        Format::Yaml => manifest::yaml_scalar(text),
        Format::Workflow => manifest::workflow_scalar(text),
        Format::Gitlab => manifest::gitlab_scalar(text),
        Format::Toml => manifest::toml_string(text),
        Format::Json => manifest::json_string(text),
        Format::Bicep => manifest::bicep_string(text),
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
