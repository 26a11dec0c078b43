//! The files rendered so far, and the findings met on the way.

use std::collections::BTreeMap;

use dashdeploy_contract::{Finding, Manifest, Manifests};
use serde::Serialize;

use super::ci::actions::{self, Step};
use super::engine::{Engine, Marked, TemplateError};
use super::escape::{self, Refused};
use super::pins::{self, Used};
use super::{RenderError, RenderedFile, header};
use crate::config::Pins;

/// Collects files and findings; a file with a finding is not filled in.
pub struct Sheet<'a> {
    engine: &'a Engine,
    pins: &'a Pins,
    used: Used,
    files: Vec<(RenderedFile, String)>,
    findings: Vec<Finding>,
}

impl<'a> Sheet<'a> {
    /// An empty sheet.
    pub fn new(engine: &'a Engine, pins: &'a Pins) -> Self {
        Self { engine, pins, used: Used::default(), files: Vec::new(), findings: Vec::new() }
    }

    /// The name of an image from a registry, with the digest that it is pinned to.
    pub fn image(&mut self, name: &str) -> String {
        self.used.note_image(name);
        pins::image(self.pins, name)
    }

    /// An action of GitHub, at the commit that it is pinned to.
    pub fn action(&mut self, name: &str) -> Option<Step> {
        let built_in = actions::built_in(name)?;
        self.used.actions.insert(name.to_owned(), built_in.tag.to_owned());
        let (commit, tag) = match self.pins.actions.get(name) {
            Some(pinned) => (pinned.commit.as_str(), pinned.tag.as_str()),
            None => (built_in.commit, built_in.tag),
        };
        Some(Step { uses: format!("{name}@{commit}"), tag: Marked::Comment(tag.to_owned()) })
    }

    /// Notes a finding.
    pub fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Notes a value that its format cannot carry, and tells whether it can.
    pub fn check<T>(&mut self, key: &str, result: Result<T, Refused>) -> bool {
        match result {
            Ok(_) => true,
            Err(refused) => {
                self.find(Finding::error("value-not-carried", key, refused.to_string()));
                false
            }
        }
    }

    /// A template of the user's that stands in for none of ours is a slip of the pen.
    pub fn check_overrides(&mut self, overrides: &BTreeMap<String, String>, built_in: &Engine) {
        let known = built_in.names();
        for name in overrides.keys().filter(|name| !known.contains(&name.as_str())) {
            let message = format!("`.dashdeploy/templates/{name}` stands in for no built-in template");
            let hint = format!("the built-in ones are {}", known.join(", "));
            self.find(Finding::error("unknown-template", "", message).hint(hint));
        }
    }

    /// Fills in a template as the file at `path`. `key` names what the file belongs to in dashdeploy.yaml.
    pub fn add(
        &mut self,
        path: &str,
        template: &str,
        context: &impl Serialize,
        key: &str,
    ) -> Result<(), TemplateError> {
        self.add_with_head(path, template, context, key, &[])
    }

    /// Adds the files of the targets, and notes what they cannot hold.
    pub fn add_manifests(&mut self, manifests: &Manifests) -> Result<(), TemplateError> {
        self.findings.extend(manifests.findings.iter().cloned());
        for Manifest { path, template, context, head, key } in &manifests.files {
            let fits = head.iter().all(|line| self.check(key, escape::comment(line)));
            if fits {
                self.add_with_head(path, template, context, key, head)?;
            }
        }
        Ok(())
    }

    /// The same with lines below the header that say how the file is used.
    pub fn add_with_head(
        &mut self,
        path: &str,
        template: &str,
        context: &impl Serialize,
        key: &str,
        head: &[String],
    ) -> Result<(), TemplateError> {
        if !self.findings.is_empty() {
            return Ok(());
        }
        let body = self.engine.fill(template, context)?;
        let data = serde_json::to_vec(context).unwrap_or_default();
        let source = self.engine.source(template).unwrap_or_default();
        let inputs = header::digest(&[template.as_bytes(), source.as_bytes(), &data]);
        let lacks = header::lacks(path, &body).map(|message| TemplateError {
            template: template.to_owned(),
            line: 0,
            message: message.to_owned(),
        });
        lacks.map_or(Ok(()), Err)?;
        let contents = header::with_header(path, head, &body, &inputs);
        let file = RenderedFile { path: path.to_owned(), contents };
        match self.files.iter().find(|(other, _)| other.path == path) {
            Some((other, _)) if other.contents == file.contents => {}
            Some((_, first)) => {
                let message = format!("`{path}` would also be written, differently, for `{first}`");
                self.find(Finding::error("same-file", key, message).hint("give one of them another path"));
            }
            None => self.files.push((file, key.to_owned())),
        }
        Ok(())
    }

    /// All files and what they name of others, or all findings.
    pub fn finish(self) -> Result<(Vec<RenderedFile>, Used), RenderError> {
        if self.findings.is_empty() {
            Ok((self.files.into_iter().map(|(file, _)| file).collect(), self.used))
        } else {
            Err(RenderError::Findings(self.findings))
        }
    }
}
