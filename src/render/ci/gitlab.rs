//! `.gitlab-ci.yml`: the same checks, a plan on merge requests, and deploys from the default branch.
//!
//! Given: the project and its stages. Gives: the context of the template. GitLab hands every variable of its settings to every
//! job, so that none is named but in the head.

use std::collections::BTreeMap;

use dashdeploy_contract::Project;
use serde::Serialize;

use super::checks::{self, Check};
use super::{PIPELINE, Stage, access};
use crate::render::sheet::Sheet;
use crate::render::{RenderError, values};

const TEMPLATE: &str = "ci/pipeline.gitlab-ci.yml.j2";
/// Builds dashdeploy, and runs it.
const RUST: &str = "rust:1-slim-bookworm";
/// The engine beside the jobs that build images: <https://docs.gitlab.com/ci/docker/using_docker_build/>.
const ENGINE: &str = "docker:28-dind";

/// The pipeline.
#[derive(Serialize)]
struct File {
    checks: Vec<Check>,
    rust: String,
    engine: String,
    stages: Vec<Deploy>,
}

/// One environment.
#[derive(Serialize)]
struct Deploy {
    plan_id: String,
    id: String,
    environment: String,
    url: Option<String>,
    /// One deploy at a time.
    group: String,
    /// What comes before.
    needs: Vec<String>,
}

/// Adds the pipeline.
pub fn add(sheet: &mut Sheet<'_>, project: &Project, stages: &[Stage]) -> Result<(), RenderError> {
    let checks = checks::of(sheet, project);
    let mut told = BTreeMap::new();
    let mut deploys: Vec<Deploy> = Vec::new();
    for stage in stages {
        let bound = values::bind(project, stage.environment.as_str());
        told.append(&mut names(stage, &bound));
        let environment = stage.environment.to_string();
        let mut needs: Vec<String> = checks.iter().map(|check| check.id.clone()).collect();
        needs.push("files".to_owned());
        needs.extend(deploys.last().map(|before| before.id.clone()));
        deploys.push(Deploy {
            plan_id: format!("plan-{environment}"),
            id: format!("deploy-{environment}"),
            url: stage.url.clone(),
            group: format!("deploy-{}-{environment}", project.name),
            needs,
            environment,
        });
    }
    let file = File { checks, rust: sheet.image(RUST), engine: sheet.image(ENGINE), stages: deploys };
    Ok(sheet.add_with_head(PIPELINE, TEMPLATE, &file, "ci", &head(&told))?)
}

/// What a stage reads, by the names that dashdeploy itself knows.
fn names(stage: &Stage, bound: &dashdeploy_contract::Bound) -> BTreeMap<String, String> {
    let mut stage = stage.clone();
    // Without GitHub's token every target takes its stored credentials.
    for access in &mut stage.access {
        access.federation = None;
    }
    let told = access::reads(&stage, bound).told;
    told.into_iter().map(|((_, name), purpose)| (name, purpose)).collect()
}

fn head(told: &BTreeMap<String, String>) -> Vec<String> {
    let mut head = vec![
        "It tests every change; a merge request gets a plan, the default branch is deployed. The jobs that build images".to_owned(),
        "want a runner that runs privileged containers. DASHDEPLOY_VERSION is a tag, a branch or a commit of dashdeploy.".to_owned(),
    ];
    if !told.is_empty() {
        head.push("It reads these (Settings, CI/CD, Variables; masked, and limited to an environment where they differ):".to_owned());
        head.extend(told.iter().map(|(name, purpose)| format!("  {name}: {purpose}")));
    }
    head
}
