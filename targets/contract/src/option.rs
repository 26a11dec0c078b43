//! Options of a target: choices that only one platform offers, such as `runtime: python` on Render.
//!
//! Given: the rules in a target's `target.toml` and what stands under `options:` of an environment or a service in it. Gives:
//! the value that counts, or a finding with the mend. Deliberately absent: what an option means; that is the target's.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Bound, Descriptor, Finding, Service, ServiceKind};

/// What an option may hold, and for which services it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionRule {
    /// The key under `options:`.
    pub name: String,
    /// What it chooses, in one sentence.
    pub purpose: String,
    /// The services it is for.
    #[serde(default)]
    pub of: OptionScope,
    /// The words allowed; empty where a text, number or truth value is wanted.
    #[serde(default)]
    pub values: Vec<String>,
    /// What is wanted where there is no list of words.
    #[serde(default)]
    pub kind: OptionKind,
    /// The value where none is written; none where the target decides by itself.
    #[serde(default)]
    pub default: Option<String>,
    /// The vendor's page about it.
    #[serde(default)]
    pub page: Option<String>,
}

/// The services that an option is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionScope {
    /// Every service.
    #[default]
    Any,
    /// Containers.
    Web,
    /// Pages.
    Static,
}

/// What is wanted of an option without a list of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionKind {
    /// Text of one line.
    #[default]
    Text,
    /// A whole number, 0 and above.
    Number,
    /// `true` or `false`.
    Boolean,
}

impl OptionScope {
    fn takes(self, service: &Service) -> bool {
        match self {
            Self::Any => true,
            Self::Web => service.kind() == ServiceKind::Web,
            Self::Static => service.kind() == ServiceKind::Static,
        }
    }
}

impl OptionRule {
    /// Why a value is not allowed; none where it is.
    fn refuses(&self, value: &str) -> Option<String> {
        if !self.values.is_empty() {
            let known = self.values.iter().any(|word| word == value);
            return (!known).then(|| format!("one of {}", self.values.join(", ")));
        }
        match self.kind {
            OptionKind::Number if value.parse::<u32>().is_err() => Some("a whole number".to_owned()),
            OptionKind::Boolean if !["true", "false"].contains(&value) => {
                Some("`true` or `false`".to_owned())
            }
            OptionKind::Text if value.is_empty() || value.chars().any(char::is_control) => {
                Some("text of one line".to_owned())
            }
            _ => None,
        }
    }
}

impl Descriptor {
    /// The value of an option for a service: as written, else the default. Values that are not allowed count as not written,
    /// which [`Descriptor::check_options`] reports.
    pub fn option<'a>(&'a self, bound: &'a Bound, service: &Service, name: &str) -> Option<&'a str> {
        let rule = self.options.iter().find(|rule| rule.name == name)?;
        let written = bound.options.get(&service.name).and_then(|options| options.get(name));
        let allowed = written.filter(|value| rule.refuses(value).is_none());
        allowed.map(String::as_str).or(rule.default.as_deref())
    }

    /// What is wrong with the options written for services that this target hosts.
    pub fn check_options(&self, bound: &Bound) -> Vec<Finding> {
        let mut findings = Vec::new();
        for service in bound.services_on(&self.name) {
            let written = bound.options.get(&service.name).into_iter().flatten();
            findings
                .extend(written.filter_map(|(name, value)| self.check_option(bound, service, name, value)));
        }
        findings.dedup();
        findings
    }

    fn check_option(&self, bound: &Bound, service: &Service, name: &str, value: &str) -> Option<Finding> {
        let key = bound.option_key(service, name);
        let Some(rule) = self.options.iter().find(|rule| rule.name == name) else {
            let message = format!("{} has no option `{name}`", self.title);
            let names: Vec<&str> = self.options.iter().map(|rule| rule.name.as_str()).collect();
            let hint = match names.as_slice() {
                [] => "remove it: this target has no options".to_owned(),
                names => format!("its options are {}", names.join(", ")),
            };
            return Some(Finding::error("unknown-option", key, message).hint(hint));
        };
        // An option of the whole environment is for those services that it can be for.
        if !rule.of.takes(service) {
            let own = bound.own_options.get(&service.name).is_some_and(|own| own.contains_key(name));
            let message = format!("option `{name}` of {} is not for `{}`", self.title, service.name);
            return own.then(|| Finding::error("misplaced-option", key, message).hint("remove it"));
        }
        let wanted = rule.refuses(value)?;
        let message = format!("option `{name}` of {} must be {wanted}", self.title);
        Some(Finding::error("invalid-option", key, message).hint(rule.purpose.clone()))
    }
}

/// The options of one service as written, by name.
pub type Options = IndexMap<String, String>;
