//! The pipeline that tests, builds, plans and deploys a project: GitHub's workflow or GitLab's pipeline.
//!
//! Given: a project, whose pipeline is wanted, and for each environment where it is deployed to and what its targets need.
//! Gives: one file. Everything that a project says reaches the scripts as a variable: no script holds a value or an
//! expression. Deliberately absent: the disk. Whether there are tests, a linter's settings or a browser's tests is asked by the
//! scripts when they run.

mod access;
pub mod actions;
mod checks;
mod github;
mod gitlab;

use dashdeploy_contract::{Ci, Federation, Name, Project};

use super::RenderError;
use super::sheet::Sheet;

/// GitHub's file.
pub const WORKFLOW: &str = ".github/workflows/deploy.yml";
/// GitLab's file.
const PIPELINE: &str = ".gitlab-ci.yml";

/// A pipeline to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Whose.
    pub provider: Ci,
    /// Where it deploys to, one after the other.
    pub stages: Vec<Stage>,
}

/// An environment that a pipeline deploys to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The environment.
    pub environment: Name,
    /// The address that people open, where it is known beforehand.
    pub url: Option<String>,
    /// What its targets need, each target once.
    pub access: Vec<Access>,
}

/// What a target needs to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The target, for people.
    pub title: String,
    /// The variables of its credentials, each with what it holds.
    pub credentials: Vec<(String, String)>,
    /// The variables of those that it does without where they are not there.
    pub optional: Vec<(String, String)>,
    /// How it is done without stored credentials, where that is possible.
    pub federation: Option<Federation>,
    /// The region that the environment names for it.
    pub region: Option<String>,
}

/// Adds the pipeline's file.
pub fn add(sheet: &mut Sheet<'_>, project: &Project, pipeline: &Pipeline) -> Result<(), RenderError> {
    match pipeline.provider {
        Ci::None => Ok(()),
        Ci::Github => github::add(sheet, project, &pipeline.stages),
        Ci::Gitlab => gitlab::add(sheet, project, &pipeline.stages),
    }
}
