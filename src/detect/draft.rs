//! A proposal in the making: what has been concluded, and what the next steps need to know about the service.
//!
//! Given: nothing. Gives: the shared shape between the language modules and the wiring. Deliberately absent: conclusions.

use dashdeploy_contract::{Build, BuildKind, Name, Recipe};
use indexmap::IndexMap;

use super::index::shown;
use super::model::{Note, Proposal, Rejected, Role};
use super::reads::Read;
use super::routes::Route;

/// A proposal and its sources.
#[derive(Debug)]
pub(crate) struct Draft {
    pub proposal: Proposal,
    /// The folder with the manifest; empty at the top.
    pub folder: String,
    /// The files of the application itself, tests left out.
    pub files: Vec<String>,
    pub routes: Vec<Route>,
    pub reads: Vec<Read>,
}

/// What the language modules give back.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub drafts: Vec<Draft>,
    pub rejected: Vec<Rejected>,
    pub notes: Vec<Note>,
}

impl Draft {
    pub fn new(role: Role, folder: &str, context: &str, kind: BuildKind, recipe: Recipe) -> Self {
        let build = Build {
            kind,
            context: shown(context),
            dockerfile: String::new(),
            ignore: Vec::new(),
            secrets: Vec::new(),
            links: IndexMap::new(),
            recipe,
        };
        let proposal = Proposal {
            // A placeholder until all services are known; names depend on what else there is.
            name: Name::from_any("service", "service"),
            role,
            folder: shown(folder),
            build,
            port: None,
            publish: None,
            health: None,
            env: IndexMap::new(),
            secrets: IndexMap::new(),
            unset: IndexMap::new(),
            volumes: IndexMap::new(),
            proxy: IndexMap::new(),
            command: None,
            page_contains: None,
            facts: Vec::new(),
            rejected: Vec::new(),
            other_apps: Vec::new(),
            generated: None,
        };
        Self { proposal, folder: folder.to_owned(), files: Vec::new(), routes: Vec::new(), reads: Vec::new() }
    }

    /// The context folder; empty at the top.
    pub fn context(&self) -> &str {
        if self.proposal.build.context == "." { "" } else { &self.proposal.build.context }
    }

    /// True for code that runs on a server.
    pub fn is_server(&self) -> bool {
        matches!(self.proposal.role, Role::Api | Role::Worker)
    }
}

/// Variables set before a command, in its own line.
pub(crate) type Assignments = Vec<(String, String)>;

/// A command written in a Procfile or a package script, as a list; none where it needs a shell. Assignments before it are
/// given apart.
pub(crate) fn split_command(text: &str) -> Option<(Assignments, Vec<String>)> {
    if text.contains(['|', '&', ';', '>', '<', '`', '(', ')', '*', '\\', '\n']) || text.contains("$(") {
        return None;
    }
    let mut words: Vec<String> = Vec::new();
    let mut current: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => current.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                current.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(current.take()),
            None => current.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(current);
    let is_assignment = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        })
    };
    let count = words.iter().take_while(|word| is_assignment(word)).count();
    let command = words.split_off(count);
    let variables = words
        .iter()
        .filter_map(|word| word.split_once('='))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    (!command.is_empty()).then_some((variables, command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_lists_unless_they_need_a_shell() {
        let (variables, command) = split_command("NODE_ENV=production node 'my server.js' --a=b").unwrap();
        assert_eq!(variables, [("NODE_ENV".to_owned(), "production".to_owned())]);
        assert_eq!(command, ["node", "my server.js", "--a=b"]);
        for shell in ["a && b", "a | b", "a 'b", "", "X=1"] {
            assert!(split_command(shell).is_none(), "{shell}");
        }
    }
}
