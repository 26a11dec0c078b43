//! What a container does once it is started: what a rehearsal decides beforehand.
//!
//! Given: an image and its variables. Gives: when it is healthy, or how it fails. Deliberately absent: the container itself;
//! whoever runs real ones implements [`Workloads`] and tells what became of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What is started.
#[derive(Clone, PartialEq, Eq)]
pub struct Container {
    /// Host, repository, and tag or digest.
    pub image: String,
    /// The variables, with their values.
    pub env: BTreeMap<String, String>,
    /// The port that the platform sends requests to: the variable `PORT`, otherwise 10000
    /// (<https://render.com/docs/web-services#port-binding>).
    pub port: u16,
}

/// The names of the variables, and none of their values.
impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.env.keys().collect();
        f.debug_struct("Container")
            .field("image", &self.image)
            .field("env", &names)
            .field("port", &self.port)
            .finish()
    }
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It answers its health check from then on.
    Healthy {
        /// Since it was started.
        after: Duration,
    },
    /// It runs, and never answers its health check.
    Unhealthy,
    /// It ends.
    Exits {
        /// Since it was started.
        after: Duration,
        /// Its exit code.
        code: i32,
    },
    /// Its image cannot be pulled.
    Unpullable,
    /// The command before the deploy fails, where the service has one; otherwise the container is healthy at once.
    Unprepared,
}

/// Knows what containers do.
pub trait Workloads: Send + fmt::Debug {
    /// What becomes of a container, and the lines that it writes when it starts.
    fn outcome(&self, container: &Container) -> (Outcome, Vec<String>);
}

/// A table: the first rule that fits decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What fits no rule is healthy after that.
    pub boot: Duration,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// A rule of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it is about.
    pub when: When,
    /// What becomes of it.
    pub outcome: Outcome,
    /// The lines that it writes when it starts.
    pub lines: Vec<String>,
}

/// What a [`Rule`] is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Containers whose image has this in it: a digest, a tag, a repository.
    Image(String),
    /// Containers with this variable and value.
    Env(String, String),
    /// All.
    Always,
}

impl When {
    fn fits(&self, container: &Container) -> bool {
        match self {
            Self::Image(part) => container.image.contains(part.as_str()),
            Self::Env(name, value) => container.env.get(name) == Some(value),
            Self::Always => true,
        }
    }
}

impl Workloads for Table {
    fn outcome(&self, container: &Container) -> (Outcome, Vec<String>) {
        let rule = self.rules.iter().find(|rule| rule.when.fits(container));
        rule.map_or_else(
            || (Outcome::Healthy { after: self.boot }, Vec::new()),
            |rule| (rule.outcome.clone(), rule.lines.clone()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rule = |when, outcome| Rule { when, outcome, lines: vec!["hello".to_owned()] };
        let table = Table {
            boot: Duration::from_secs(3),
            rules: vec![
                rule(When::Image("@sha256:bad".to_owned()), Outcome::Unhealthy),
                rule(When::Env("MODE".to_owned(), "broken".to_owned()), Outcome::Unpullable),
            ],
        };
        let of = |image: &str, env: &[(&str, &str)]| {
            let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            table.outcome(&Container { image: image.to_owned(), env, port: 80 })
        };
        assert_eq!(
            of("r.io/a@sha256:good", &[]),
            (Outcome::Healthy { after: Duration::from_secs(3) }, Vec::new())
        );
        assert_eq!(
            of("r.io/a@sha256:bad", &[("MODE", "broken")]),
            (Outcome::Unhealthy, vec!["hello".to_owned()])
        );
        assert_eq!(of("r.io/a@sha256:good", &[("MODE", "broken")]).0, Outcome::Unpullable);
        assert_eq!(
            of("r.io/a@sha256:good", &[("MODE", "fine")]).0,
            Outcome::Healthy { after: Duration::from_secs(3) }
        );
    }
}
