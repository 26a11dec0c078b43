//! `package.json`.
//!
//! Given: the file. Gives: scripts, dependencies, and where each stands. Deliberately absent: npm's own rules for versions.

use serde_json::Value;

use crate::detect::index::{Index, folder_of};
use crate::detect::model::Evidence;

/// A package.
#[derive(Debug)]
pub(crate) struct Package {
    pub folder: String,
    pub path: String,
    json: Value,
    text: std::rc::Rc<str>,
}

impl Package {
    pub fn read(index: &Index<'_>, path: &str) -> Option<Self> {
        let text = index.text(path)?;
        let json: Value = serde_json::from_str(&text).ok()?;
        json.is_object().then(|| Self {
            folder: folder_of(path).to_owned(),
            path: path.to_owned(),
            json,
            text,
        })
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.json.get(key)?.as_str()
    }

    pub fn script(&self, name: &str) -> Option<&str> {
        self.json.get("scripts")?.get(name)?.as_str()
    }

    /// True for a dependency of production.
    pub fn needs(&self, name: &str) -> bool {
        self.json.get("dependencies").and_then(|list| list.get(name)).is_some()
    }

    /// True for a dependency of production or development.
    pub fn uses(&self, name: &str) -> bool {
        self.needs(name) || self.json.get("devDependencies").and_then(|list| list.get(name)).is_some()
    }

    /// The line of a key; a name that is a key in several places gives the first.
    pub fn evidence(&self, key: &str) -> Evidence {
        let needle = format!("\"{key}\"");
        let line = self.text.lines().enumerate().find(|(_, line)| {
            line.split_once(&needle).is_some_and(|(_, after)| after.trim_start().starts_with(':'))
        });
        match line {
            Some((at, line)) => Evidence::new(line.trim().trim_end_matches(','), &self.path, at + 1),
            None => Evidence::new("package.json", &self.path, 0),
        }
    }

    /// True for a published package that installs commands.
    pub fn is_tool(&self) -> bool {
        self.json.get("bin").is_some() && self.json.get("private") != Some(&Value::Bool(true))
    }

    /// Why a package is no service.
    pub fn why_not(&self) -> &'static str {
        if self.json.get("workspaces").is_some() {
            "it only holds the workspaces together"
        } else if self.is_tool() {
            "it is a command-line tool: it has `bin` and is not private"
        } else if ["@angular/core", "nuxt", "@remix-run/node", "gatsby", "@sveltejs/kit"]
            .iter()
            .any(|name| self.uses(name))
        {
            "its framework is not known to dashdeploy yet; a Dockerfile of its own can be used with kind `dockerfile`"
        } else {
            "it has neither a front end that is built nor a script or file that starts a server"
        }
    }
}
