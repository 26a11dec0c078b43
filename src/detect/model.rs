//! What detection concludes: proposed services, and for each conclusion where it stands in the tree.
//!
//! Given: nothing, these are the words of the folder. Gives: data that `console` shows, `cli` asks about and
//! [`super::yaml`] writes down. Deliberately absent: any text laid out for people.

use dashdeploy_contract::{Build, Name, Requirement};
use indexmap::IndexMap;
use serde::Serialize;

/// The place a conclusion rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What stands there: the source line, shortened. Never a value from an `.env` file that may be secret.
    pub what: String,
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1; 0 means the file as a whole.
    pub line: usize,
}

/// What a conclusion is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The build kind.
    Kind,
    /// The ASGI or WSGI application, or the start command.
    Application,
    /// The version of Python or Node.js.
    Version,
    /// The package manager and its files.
    Packages,
    /// The port.
    Port,
    /// The health endpoint.
    Health,
    /// Where the application writes.
    Data,
    /// The folder a front end is built into.
    Output,
    /// How a front end finds the API.
    Wiring,
    /// A variable.
    Variable,
    /// A secret.
    Secret,
    /// The user's own Dockerfile or Compose file.
    Dockerfile,
}

/// One conclusion about a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about.
    pub topic: Topic,
    /// What was concluded, as a short phrase.
    pub conclusion: String,
    /// Why; none where a default was taken.
    pub evidence: Option<Evidence>,
}

/// A candidate that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// What it would have been.
    pub candidate: String,
    /// Why it was not taken.
    pub reason: String,
    /// Where it stands.
    pub evidence: Evidence,
}

/// Something the user should know; nothing is refused because of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// A stable, searchable word of the form `no-lock-file`; [`crate::review::codes`] explains it.
    pub code: &'static str,
    /// True where something will not work or be lost unless it is mended.
    pub warning: bool,
    /// The service meant.
    pub service: Option<String>,
    /// One sentence.
    pub message: String,
    /// The command or edit that mends it.
    pub mend: Option<String>,
    /// Where.
    pub evidence: Option<Evidence>,
}

/// A variable and where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// The value as it will stand in dashdeploy.yaml, references and all.
    pub value: String,
    /// Why.
    pub evidence: Evidence,
}

/// A secret and why it is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// Whether it must have a value.
    pub requirement: Requirement,
    /// Why.
    pub evidence: Evidence,
}

/// What a service does in the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Answers requests with data, or renders pages on the server.
    Api,
    /// A front end built to files.
    Spa,
    /// Files served as they are.
    Site,
    /// Works without a port.
    Worker,
    /// Built by the user's own Dockerfile, content unknown.
    Other,
}

/// A proposed service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal {
    /// Its name.
    pub name: Name,
    /// What it does.
    pub role: Role,
    /// The folder with its manifest, relative to the project; `.` for the project folder.
    pub folder: String,
    /// How its image is made.
    pub build: Build,
    /// The port in the container, where it has one.
    pub port: Option<u16>,
    /// A port of the host other than `port`.
    pub publish: Option<u16>,
    /// The path of its health endpoint.
    pub health: Option<String>,
    /// Plain variables.
    pub env: IndexMap<String, Variable>,
    /// Secret variables.
    pub secrets: IndexMap<String, Secret>,
    /// Variables named in the tree that stay unset, with their places: the application has a default.
    pub unset: IndexMap<String, Evidence>,
    /// Volumes and their paths in the container.
    pub volumes: IndexMap<Name, String>,
    /// Path prefixes handed on to another service.
    pub proxy: IndexMap<String, Name>,
    /// The command instead of the image's own.
    pub command: Option<Vec<String>>,
    /// Text that the served page contains.
    pub page_contains: Option<String>,
    /// The conclusions, in the order they were drawn.
    pub facts: Vec<Fact>,
    /// The candidates not taken.
    pub rejected: Vec<Rejected>,
    /// The other ASGI or WSGI applications that could be served instead.
    pub other_apps: Vec<String>,
    /// The same service built by a generated Dockerfile, where the user's own is kept.
    pub generated: Option<Box<Proposal>>,
}

/// Everything concluded from a tree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detection {
    /// The project's name.
    pub project: Name,
    /// The proposed services, in the order they will be written.
    pub services: Vec<Proposal>,
    /// The named volumes.
    pub volumes: Vec<Name>,
    /// What the user should know.
    pub notes: Vec<Note>,
    /// Candidates for a service that were not taken.
    pub rejected: Vec<Rejected>,
    /// What was looked for, for the message when nothing was found.
    pub looked_for: Vec<&'static str>,
}

impl Evidence {
    /// Evidence from a place in a file.
    pub(crate) fn new(what: impl Into<String>, file: &str, line: usize) -> Self {
        Self { what: shorten(&what.into()), file: file.to_owned(), line }
    }

    /// `file:line`, or the file alone.
    pub fn place(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{}:{}", self.file, self.line) }
    }
}

impl Proposal {
    /// The first conclusion about a topic.
    pub fn fact(&self, topic: Topic) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.topic == topic)
    }

    pub(crate) fn conclude(
        &mut self,
        topic: Topic,
        conclusion: impl Into<String>,
        evidence: Option<Evidence>,
    ) {
        self.facts.push(Fact { topic, conclusion: conclusion.into(), evidence });
    }

    /// A conclusion that is read before the others.
    pub(crate) fn conclude_first(
        &mut self,
        topic: Topic,
        conclusion: impl Into<String>,
        evidence: Option<Evidence>,
    ) {
        self.facts.insert(0, Fact { topic, conclusion: conclusion.into(), evidence });
    }
}

impl Note {
    pub(crate) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, warning: true, service: None, message: message.into(), mend: None, evidence: None }
    }

    pub(crate) fn hint(code: &'static str, message: impl Into<String>) -> Self {
        Self { warning: false, ..Self::warning(code, message) }
    }

    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    pub(crate) fn at(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }
}

/// One line of at most 100 characters, without control characters: it will be shown on terminals and in comments.
fn shorten(text: &str) -> String {
    const LENGTH: usize = 100;
    let clean: String = text.trim().chars().map(|c| if is_shown(c) { c } else { ' ' }).collect();
    if clean.chars().count() <= LENGTH {
        return clean;
    }
    let mut short: String = clean.chars().take(LENGTH - 1).collect();
    short.push('…');
    short
}

/// False for control characters and for those that change the direction of text (Unicode TR 36, section 2.5).
pub(crate) fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
