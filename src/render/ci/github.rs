//! `.github/workflows/deploy.yml`.
//!
//! Given: the project and its stages. Gives: the context of the template, and the head that names every secret and variable
//! the workflow reads.

use std::collections::BTreeMap;

use dashdeploy_contract::{Finding, Project};
use serde::Serialize;

use super::access::{self, Login, Reads, Variable};
use super::actions::{self, Step};
use super::checks::{self, Check};
use super::{Stage, WORKFLOW};
use crate::render::sheet::Sheet;
use crate::render::{RenderError, values};

const TEMPLATE: &str = "ci/deploy.workflow.yml.j2";

/// The workflow.
#[derive(Serialize)]
struct Workflow {
    /// Its name, in the list of workflows.
    name: String,
    actions: Actions,
    checks: Vec<Check>,
    images: Images,
    /// What a run by hand may name; none where there is nowhere to deploy to.
    choices: Vec<String>,
    /// The comment on a pull request is found again by it.
    marker: String,
    stages: Vec<Deploy>,
    /// True where some stage shows who it is by a token.
    federated: bool,
    /// True where some stage uses GitHub's registry.
    packages: bool,
}

/// The actions that every workflow may use.
#[derive(Serialize)]
struct Actions {
    checkout: Step,
    python: Option<Step>,
    node: Option<Step>,
    cache: Step,
}

/// The trial of all builds.
#[derive(Serialize)]
struct Images {
    variables: Vec<Variable>,
    /// True where builds read secrets, which pull requests from forks are not given.
    secretive: bool,
}

/// One environment.
#[derive(Serialize)]
struct Deploy {
    /// The job's id.
    id: String,
    /// What it does.
    name: String,
    /// What it does on a pull request.
    plan_name: String,
    environment: String,
    url: Option<String>,
    /// One deploy at a time.
    group: String,
    needs: Vec<String>,
    condition: String,
    logins: Vec<Login>,
    required: String,
    looking: Vec<Variable>,
    deploying: Vec<Variable>,
    federated: bool,
    packages: bool,
}

/// Adds the workflow.
pub fn add(sheet: &mut Sheet<'_>, project: &Project, stages: &[Stage]) -> Result<(), RenderError> {
    let checks = checks::of(sheet, project);
    let action = |sheet: &mut Sheet<'_>, name: &str| sheet.action(name);
    let (Some(checkout), Some(cache)) = (action(sheet, actions::CHECKOUT), action(sheet, actions::CACHE))
    else {
        return Ok(());
    };
    let python = checks.iter().any(Check::is_python).then(|| sheet.action(actions::PYTHON)).flatten();
    let node = checks.iter().any(Check::is_node).then(|| sheet.action(actions::NODE)).flatten();
    let mut told = BTreeMap::new();
    let (mut deploys, mut before) = (Vec::new(), None);
    let tested: Vec<String> = checks.iter().map(|check| check.id.clone()).collect();
    for stage in stages {
        let bound = values::bind(project, stage.environment.as_str());
        let mut reads = access::reads(stage, &bound);
        told.append(&mut reads.told);
        let mut needs = vec!["dashdeploy".to_owned(), "images".to_owned()];
        needs.extend(tested.iter().cloned().chain(before));
        let deploy = Deploy::of(sheet, project, stage, needs, reads);
        before = Some(deploy.id.clone());
        deploys.push(deploy);
    }
    let workflow = Workflow {
        name: format!("Deploy {}", project.name),
        actions: Actions { checkout, python, node, cache },
        images: Images::of(project, &mut told),
        checks,
        choices: choices(stages),
        marker: format!("<!-- dashdeploy: the plan of {} -->", project.name),
        federated: deploys.iter().any(|deploy| deploy.federated),
        packages: deploys.iter().any(|deploy| deploy.packages),
        stages: deploys,
    };
    if long(&workflow) {
        let message = "a job of a workflow has a name of at most 100 characters";
        sheet.find(Finding::error("value-not-carried", "ci", message));
    }
    Ok(sheet.add_with_head(WORKFLOW, TEMPLATE, &workflow, "ci", &head(&told))?)
}

/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_id>.
fn long(workflow: &Workflow) -> bool {
    let checks = workflow.checks.iter().map(|check| &check.id);
    checks.chain(workflow.stages.iter().map(|deploy| &deploy.id)).any(|id| id.len() > 100)
}

fn choices(stages: &[Stage]) -> Vec<String> {
    if stages.is_empty() {
        return Vec::new();
    }
    let named = stages.iter().map(|stage| stage.environment.to_string());
    ["all".to_owned()].into_iter().chain(named.filter(|name| name != "all")).collect()
}

impl Images {
    fn of(project: &Project, told: &mut BTreeMap<(&'static str, String), String>) -> Self {
        let local = values::local(project);
        let stage = Stage { environment: local.environment.clone(), url: None, access: Vec::new() };
        // The local environment has no registry to log in to; what its containers need, a build does not.
        let mut building = local;
        building.registry = None;
        for service in building.services.values_mut() {
            service.secrets.clear();
        }
        let mut reads = access::reads(&stage, &building);
        told.append(&mut reads.told);
        let secretive = building.services.values().filter_map(|service| service.build());
        Self {
            secretive: secretive.clone().any(|build| !build.secrets.is_empty()),
            variables: reads.deploying,
        }
    }
}

impl Deploy {
    fn of(sheet: &mut Sheet<'_>, project: &Project, stage: &Stage, needs: Vec<String>, reads: Reads) -> Self {
        let environment = stage.environment.to_string();
        Self {
            id: format!("deploy-{environment}"),
            name: format!("Deploy to {environment}"),
            plan_name: format!("Plan for {environment}"),
            url: stage.url.clone(),
            group: format!("deploy-{}-{environment}", project.name),
            needs,
            // On the default branch alone, whatever its name; a stage before it that was not asked for counts as done.
            condition: format!(
                "!failure() && !cancelled() && github.event_name != 'pull_request' && github.ref_name == \
                 github.event.repository.default_branch && (github.event_name == 'push' || inputs.environment == 'all' \
                 || inputs.environment == '{environment}')"
            ),
            environment,
            logins: access::logins(sheet, stage),
            required: reads.required,
            looking: reads.looking,
            deploying: reads.deploying,
            federated: reads.federated,
            packages: reads.packages,
        }
    }
}

fn head(told: &BTreeMap<(&'static str, String), String>) -> Vec<String> {
    let mut head = vec![
        "It tests every change; a pull request gets a plan, the default branch is deployed. Set the variable"
            .to_owned(),
        "DASHDEPLOY_VERSION to a tag or commit of dashdeploy, so that a newer one comes when you say so."
            .to_owned(),
    ];
    if told.is_empty() {
        return head;
    }
    head.push(
        "It reads these (Settings, Secrets and variables, Actions); an environment's own count before the"
            .to_owned(),
    );
    head.push("repository's, and plans on pull requests see the repository's alone:".to_owned());
    head.extend(told.iter().map(|((kind, name), purpose)| format!("  {kind} {name}: {purpose}")));
    head
}
