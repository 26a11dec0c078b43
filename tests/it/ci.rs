//! Pipelines: read by GitHub's own parser, actionlint and the schemas, and their scripts really run.

mod consume;
mod engine;
mod pin;
mod scripts;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::manifests::{examples, nasty, with_environments};
use crate::support::{Project, tool};

const WORKFLOW: &str = ".github/workflows/deploy.yml";
const PIPELINE: &str = ".gitlab-ci.yml";

/// Every kind of service on every target, with names and values that are hard to write.
const EVERYTHING: &str = r#"
project: shop
registry: ghcr.io/acme
services:
  api:
    build: { kind: fastapi, app: "shop.app:app", requirements: ["requirements.txt", "it's; `id` & {{ x }}.txt"], secrets: [PIP_INDEX_URL] }
    secrets: { API_KEY: required, MAIL: optional, GITHUB_APP_KEY: required, GITHUB_TOKEN: optional }
    env: { CORS_ORIGINS: "${services.web.origin}", CI_SYSTEM: "${env:TOKEN_URL} ${env:GITHUB_SHA}" }
    volumes: { data: /data }
  worker:
    build: { kind: python, context: "work er's", packages: uv, source: src, python: "3.12" }
    command: [python, -m, worker]
  poet:
    build: { kind: python, context: "poet/$(id)", packages: poetry, python: "3.9" }
    command: [python, -m, worker]
  listed:
    build: { kind: python, context: listed, packages: pyproject }
    command: [python, -m, worker]
  bare:
    build: { kind: python, context: bare, packages: none }
    command: [python, -m, worker]
  server:
    build: { kind: node, context: server, manager: pnpm, start: [node, a.js], secrets: [NPM_TOKEN] }
  front:
    build: { kind: vite, context: front, manager: yarn, script: "build:all", lockfile: false }
    publish: 8090
  docs:
    build: { kind: static, context: docs }
    publish: 8091
  db: { image: "postgres:17" }
  web:
    build: { kind: vite, context: web }
    env: { VITE_API: "${services.api.url}", VITE_T: "a $${{ github.token }} $HOME `id` $(id) \" ' x" }
    proxy: { /api: api }
volumes:
  data: { size: 1Gi }
environments:
  production:
    target: aws
    region: eu-central-1
    services: { web: { target: netlify, domain: shop.example.com }, front: { target: vercel } }
  staging: { target: fly, region: iad }
  on: { target: azure }
  preview: { target: render, registry: docker.io/acme }
  trial:
    target: railway
    registry: registry.example.com/acme
    # Railway has no way to write `${{` plainly, and refuses it by name.
    services: { web: { env: { VITE_T: plain } } }
  host: { target: docker }
"#;

/// Shapes of projects by name, each as dashdeploy.yaml.
fn shapes() -> Vec<(String, String)> {
    let mut all = vec![
        ("everything".to_owned(), EVERYTHING.to_owned()),
        ("nasty".to_owned(), nasty("target: fly")),
        (
            "images alone".to_owned(),
            "project: x\nci: github\nservices:\n  db: { image: \"postgres:17\" }\n".to_owned(),
        ),
    ];
    for (name, yaml) in examples() {
        let environment = "  staging: { target: render }\n  production: { target: fly }\n";
        all.push((name, with_environments(&yaml, environment)));
    }
    all
}

/// A project in a folder of its own with its pipelines written.
#[track_caller]
fn written(yaml: &str) -> Project {
    let project = Project::empty("ci");
    project.write("dashdeploy.yaml", yaml);
    project.run(&["render", "--provider", "github", WORKFLOW]).exits(0);
    project.run(&["render", "--provider", "gitlab", PIPELINE]).exits(0);
    project
}

#[track_caller]
fn accepted(what: &str, output: &Output) {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{text}", output.status);
}

/// A YAML file as PyYAML reads it, but for `on`, which it takes for a truth value and which is read as `true`.
fn yaml(python: &Path, path: &Path) -> Value {
    const READ: &str = "import json, sys, yaml; print(json.dumps({str(k): v for k, v in yaml.safe_load(open(sys.argv[1])).items()}))";
    let output = Command::new(python).args(["-c", READ]).arg(path).output().unwrap();
    accepted(&path.display().to_string(), &output);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn steps(workflow: &Value) -> Vec<(String, Value)> {
    let jobs = workflow["jobs"].as_object().unwrap();
    let steps = jobs.iter().flat_map(|(id, job)| {
        job["steps"].as_array().unwrap().iter().map(move |step| (id.clone(), step.clone()))
    });
    steps.collect()
}

#[test]
fn a_workflow_is_written_where_there_is_somewhere_to_deploy_to() {
    let project = Project::empty("ci");
    let service = "project: x\nservices:\n  db: { image: \"postgres:17\" }\n";
    let pipelines = |yaml: &str, more: &[&str]| {
        project.write("dashdeploy.yaml", yaml);
        let ran = project.run(&[&["render", "--stdout", "--json"], more].concat()).exits(0).json()["result"]
            .clone();
        let paths: Vec<String> = ran["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| file["path"].as_str().unwrap().to_owned())
            .collect();
        paths.into_iter().filter(|path| path == WORKFLOW || path == PIPELINE).collect::<Vec<_>>()
    };
    let elsewhere = format!("{service}environments: {{ production: {{ target: fly }} }}\n");
    assert_eq!(pipelines(service, &[]), Vec::<String>::new());
    assert_eq!(pipelines(&elsewhere, &[]), [WORKFLOW]);
    assert_eq!(pipelines(&format!("ci: false\n{elsewhere}"), &[]), Vec::<String>::new());
    assert_eq!(pipelines(&format!("ci: gitlab\n{elsewhere}"), &[]), [PIPELINE]);
    assert_eq!(pipelines(&format!("ci: github\n{service}"), &[]), [WORKFLOW]);
    assert_eq!(pipelines(&elsewhere, &["--provider", "gitlab"]), [PIPELINE]);
    project.write("dashdeploy.yaml", &format!("ci: jenkins\n{service}"));
    assert!(project.run(&["check"]).exits(2).stderr.contains("dashdeploy.yaml:1:5"));
}

#[test]
fn rights_secrets_and_scripts_keep_the_rules() {
    let test = "rights_secrets_and_scripts_keep_the_rules";
    let Some(python) = tool(test, "TOOLS_PYTHON") else { return };
    for (name, text) in shapes() {
        let project = written(&text);
        let workflow = yaml(&python, &project.path().join(WORKFLOW));
        assert_eq!(workflow["permissions"], serde_json::json!({}), "{name}");
        for (id, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job["permissions"].is_object() && job["timeout-minutes"].is_number(), "{name} {id}");
            let may = job["permissions"].as_object().unwrap();
            let writes: Vec<&str> =
                may.iter().filter(|(_, level)| *level == "write").map(|(right, _)| right.as_str()).collect();
            let allowed: &[&str] = match id.as_str() {
                "plan" => &["pull-requests", "id-token"],
                id if id.starts_with("deploy-") => &["packages", "id-token"],
                _ => &[],
            };
            assert!(writes.iter().all(|right| allowed.contains(right)), "{name} {id}: {writes:?}");
            assert!(may.keys().all(|right| right != "contents" || may["contents"] == "read"), "{name} {id}");
        }
        for (job, step) in steps(&workflow) {
            if let Some(uses) = step["uses"].as_str() {
                let commit = uses.split_once('@').unwrap().1;
                let whole = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(whole, "{name} {job}: {uses}");
            }
            if step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@")) {
                assert_eq!(step["with"]["persist-credentials"], false, "{name} {job}");
            }
            let run = step["run"].as_str().unwrap_or_default();
            assert!(!run.contains("${{"), "{name} {job}: {run}");
            let secretive = step.to_string().contains("${{ secrets.");
            let may_have = ["plan", "images"].contains(&job.as_str())
                || job.starts_with("deploy-")
                || step["name"] == "Install the packages";
            assert!(!secretive || may_have, "{name} {job}: {step}");
        }
        let text = project.read(WORKFLOW);
        assert!(!text.contains("pull_request_target") && !text.contains("secrets: inherit"), "{name}");
        assert!(!text.contains(env!("CARGO_PKG_VERSION")), "{name}");
    }
}

#[test]
fn deploys_go_one_after_the_other_with_what_each_needs() {
    let test = "deploys_go_one_after_the_other_with_what_each_needs";
    let Some(python) = tool(test, "TOOLS_PYTHON") else { return };
    let project = written(EVERYTHING);
    let workflow = yaml(&python, &project.path().join(WORKFLOW));
    let jobs = &workflow["jobs"];
    let deploys: Vec<&str> =
        jobs.as_object().unwrap().keys().map(String::as_str).filter(|id| id.starts_with("deploy-")).collect();
    let wanted =
        ["staging", "on", "preview", "trial", "host", "production"].map(|name| format!("deploy-{name}"));
    assert_eq!(deploys, wanted);
    for (at, id) in deploys.iter().enumerate() {
        let job = &jobs[id];
        let needs: Vec<&str> =
            job["needs"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        assert!(needs.contains(&"images") && needs.contains(&"test-api") && needs.contains(&"test-web"));
        let before = at.checked_sub(1).map(|at| deploys[at]);
        assert_eq!(needs.iter().find(|id| id.starts_with("deploy-")).copied(), before, "{id}");
        assert_eq!(job["environment"]["name"].as_str().unwrap(), id.strip_prefix("deploy-").unwrap());
        assert_eq!(job["concurrency"]["cancel-in-progress"], false);
    }
    assert_eq!(jobs["deploy-production"]["environment"]["url"], "https://shop.example.com");
    let step = |job: &str, name: &str| {
        let steps = jobs[job]["steps"].as_array().unwrap();
        steps.iter().find(|step| step["name"] == name).cloned().unwrap_or_default()
    };
    let environment = |job: &str| {
        let step = step(job, "Deploy");
        let pairs = step["env"].as_object().unwrap().iter();
        pairs
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    let staging = environment("deploy-staging");
    assert_eq!(staging["REQUIRED"], "FLY_API_TOKEN");
    for (name, value) in [
        ("FLY_API_TOKEN", "${{ secrets.FLY_API_TOKEN }}"),
        ("API_KEY", "${{ secrets.API_KEY }}"),
        ("MAIL", "${{ secrets.MAIL }}"),
        ("NPM_TOKEN", "${{ secrets.NPM_TOKEN }}"),
        ("GITHUB_APP_KEY", "${{ secrets._GITHUB_APP_KEY }}"),
        ("GITHUB_TOKEN", "${{ github.token }}"),
        ("TOKEN_URL", "${{ vars.TOKEN_URL }}"),
    ] {
        assert_eq!(staging[name], value);
    }
    assert!(!staging.contains_key("GITHUB_SHA") && !staging.contains_key("NETLIFY_AUTH_TOKEN"));
    let production = environment("deploy-production");
    assert_eq!(production["REQUIRED"], "AWS_DEPLOY_ROLE_ARN VERCEL_TOKEN NETLIFY_AUTH_TOKEN");
    let login = step("deploy-production", "Log in to AWS (ECS Fargate, S3, CloudFront)");
    assert_eq!(login["with"]["role-to-assume"], "${{ vars.AWS_DEPLOY_ROLE_ARN }}");
    assert_eq!(login["with"]["aws-region"], "eu-central-1");
    assert_eq!(jobs["deploy-production"]["permissions"]["id-token"], "write");
    assert_eq!(step("deploy-on", "Log in to Azure")["with"]["client-id"], "${{ vars.AZURE_CLIENT_ID }}");
    assert!(jobs["deploy-staging"]["permissions"]["id-token"].is_null(), "only where it is used");
    assert_eq!(jobs["deploy-staging"]["permissions"]["packages"], "write");
    assert!(jobs["deploy-preview"]["permissions"]["packages"].is_null(), "another registry");
    assert!(environment("deploy-preview").contains_key("DOCKERHUB_TOKEN"));
    assert!(environment("deploy-trial").contains_key("DASHDEPLOY_REGISTRY_PASSWORD"));
    assert_eq!(environment("deploy-host")["REQUIRED"], "DOCKER_HOST");
    let status = step("deploy-staging", "Look at what is deployed");
    assert!(status["env"]["API_KEY"].is_null() && status["env"]["FLY_API_TOKEN"].is_string());
    let head = project.read(WORKFLOW);
    assert!(
        head.contains("#   secret _GITHUB_APP_KEY: ") && head.contains("#   variable AWS_DEPLOY_ROLE_ARN: ")
    );
}

#[test]
fn the_same_project_has_the_same_bytes() {
    for (name, text) in shapes() {
        let (one, other) = (written(&text), written(&text));
        for path in [WORKFLOW, PIPELINE] {
            assert_eq!(one.read(path), other.read(path), "{name} {path}");
            assert!(!one.read(path).lines().any(|line| line.ends_with(' ')), "{name} {path}");
        }
        one.run(&["render", "--check", "--provider", "gitlab", PIPELINE]).exits(0);
    }
}
