//! CloudFormation's templates and ECS's task definitions: read by cfn-lint, by AWS's own model of its API, by an account of
//! moto's in memory (`account`); the functions of CloudFront run in Node.js (`edge`), the heads' commands are read by a POSIX
//! shell.

mod account;
mod edge;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{below, examples, nasty, nasty_values, rendered};
use crate::support::{Project, tool};

/// Every option, every way to be reached, names that others would take for others', two environments in one folder.
const WIDE: &str = r##"
project: shop
services:
  api:
    build: { kind: fastapi, app: "shop.app:app" }
    health: /api/health
    env:
      QUEUE: "redis://${services.queue.host}:${services.queue.port}"
      TOKEN_URL: "${env:TOKEN_URL}?r=${release}"
      CORS: "${services.web.origin},${services.site.origin},${services.other.url}"
    secrets: { API_KEY: required, MAIL__HOST: optional, MAIL_HOST: optional }
    volumes: { data: /data, up-loads: /uploads }
    cpus: 3
    memory: 2Gi
  queue: { image: "redis:7", port: 6379, publish: false, health: { command: [redis-cli, ping] } }
  worker:
    build: { kind: python, packages: none, context: work }
    command: [python, -c, "print('a b', \"$HOME\", '\\\\')", "", "*", "#x", "${ssm}", "{{x}}"]
    read_only: false
    depends_on: [queue]
  own: { build: { kind: dockerfile, context: "my own", stage: run }, port: 80, replicas: 3, cpus: 0.25, memory: 512Mi }
  lb: { build: { kind: node, start: [node, x.js] }, port: 3000, health: /up }
  "on": { build: { kind: node, start: [node, x.js], context: yes }, port: 3000, publish: 3001 }
  a-1: { image: "ghcr.io/acme/private@sha256:0000000000000000000000000000000000000000000000000000000000000000", port: 1234 }
  a1: { image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/image:1", port: 1234, publish: 1235 }
  other: { image: "nginx:1", port: 8080, publish: 8081 }
  site: { build: { kind: static, context: site }, publish: 8090, headers: { X-Frame-Options: deny, Cache-Control: no-store, X-Robots-Tag: "none; 'x' \\ \"y\"" } }
  web:
    build: { kind: vite, context: "web app" }
    env: { VITE_API: "${services.api.url}", VITE_OWN: "${services.own.url}", VITE_OTHER: "${services.other.url}", VITE_KEY: "${env:PUBLIC_KEY}" }
    proxy: { /api: api, /api/v2/deep: own, /x: api }
volumes:
  data: { size: 1500Mi }
  up-loads: { writers: many }
environments:
  production:
    target: aws
    region: eu-central-1
    options: { log_retention: 90, zone: example.com }
    services:
      other: { target: fly }
      own: { options: { cpu_architecture: ARM64 } }
      lb: { domain: lb.example.com, options: { edge: alb, certificate: "arn:aws:acm:eu-central-1:123456789012:certificate/0000-11" } }
      "on": { domain: on.example.com, options: { edge: alb, zone: Z0123456789ABC, certificate: "arn:aws:acm:eu-central-1:123456789012:certificate/0000-22" } }
      a-1: { options: { registry_credentials: shop/ghcr } }
      site: { domain: www.example.com }
      web: { domain: app.example.com, options: { certificate: "arn:aws:acm:us-east-1:123456789012:certificate/0000-33" } }
  staging: { target: aws, region: us-west-2, services: { other: { target: render } } }
"##;

fn is_ours(path: &str) -> bool {
    path.starts_with("deploy/aws/")
}

fn is_template(path: &str) -> bool {
    is_ours(path) && !path.contains(".task-definition.")
}

fn is_definition(path: &str) -> bool {
    is_ours(path) && path.contains(".task-definition.")
}

/// All projects whose files are looked at.
fn everything() -> Vec<(String, Project)> {
    let mut all: Vec<(String, Project)> =
        examples().into_iter().map(|(name, yaml)| (name, rendered(&yaml, "aws"))).collect();
    all.push(("nasty".to_owned(), rendered(&nasty("target: aws\nregion: eu-central-1"), "aws")));
    all.push(("wide".to_owned(), rendered(WIDE, "aws")));
    all
}

fn files(project: &Project, wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    below(project.path(), wanted).iter().map(|file| project.path().join(file)).collect()
}

/// What the script beside this file prints; none where its Python or a package is not there.
fn script(test: &str, arguments: &[&str], paths: &[PathBuf], probe: &str) -> Option<String> {
    let python = tool(test, "TOOLS_PYTHON")?;
    let has = Command::new(&python).args(["-c", probe]).stderr(Stdio::null()).status().unwrap();
    if !has.success() {
        crate::support::skip(test, &format!("`{probe}` fails in TOOLS_PYTHON"));
        return None;
    }
    let output = Command::new(python)
        .args(["-W", "ignore", "-c", include_str!("aws/reader.py")])
        .args(arguments)
        .args(paths)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} {paths:?}\n{errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The files as data, read as CloudFormation reads them.
fn read(test: &str, paths: &[PathBuf]) -> Option<Value> {
    script(test, &["data"], paths, "import yaml").map(|text| serde_json::from_str(&text).unwrap())
}

fn read_one(test: &str, project: &Project, file: &str) -> Option<Value> {
    let path = project.path().join(file);
    Some(read(test, std::slice::from_ref(&path))?[path.to_str().unwrap()].clone())
}

#[test]
fn every_template_is_accepted_by_cfn_lint_and_every_file_by_yamllint() {
    let everything = everything();
    if let Some(yamllint) = tool("aws", "YAMLLINT") {
        let rules = "{extends: relaxed, rules: {line-length: disable}}";
        for (name, project) in &everything {
            let output =
                Command::new(&yamllint).args(["-d", rules, "-s"]).args(files(project, &is_ours)).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
        }
    }
    let Some(lint) = tool("every_template_is_accepted_by_cfn_lint", "CFN_LINT") else { return };
    let templates: Vec<PathBuf> =
        everything.iter().flat_map(|(_, project)| files(project, &is_template)).collect();
    assert!(templates.len() > 25, "{}", templates.len());
    // Not even a warning. The regions of the files: some resource types are not in all of them.
    let output = Command::new(lint)
        .args(["--ignore-checks", "I", "--regions", "eu-central-1", "us-east-1", "us-west-2", "--"])
        .args(templates)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_task_definition_keeps_to_the_api_and_to_the_sizes_of_fargate() {
    let everything = everything();
    let all: Vec<PathBuf> =
        everything.iter().flat_map(|(_, project)| files(project, &is_definition)).collect();
    assert!(all.len() > 10, "{}", all.len());
    let test = "every_task_definition_keeps_to_the_api";
    if let Some(problems) = script(test, &["definitions"], &all, "import botocore, yaml") {
        assert_eq!(problems, "");
    }
    let Some(data) = read(test, &all) else { return };
    // What the model does not know: pairs of sizes (ECS Developer Guide, "Task CPU and memory"), and bounds.
    let sold = |cpu: u64, memory: u64| match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        512 => (1024..=4096).contains(&memory) && memory.is_multiple_of(1024),
        1024 => (2048..=8192).contains(&memory) && memory.is_multiple_of(1024),
        2048 => (4096..=16_384).contains(&memory) && memory.is_multiple_of(1024),
        4096 => (8192..=30_720).contains(&memory) && memory.is_multiple_of(1024),
        _ => false,
    };
    for (file, definition) in data.as_object().unwrap() {
        let number = |key: &str| definition[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(sold(number("cpu"), number("memory")), "{file}: {definition}");
        let container = &definition["containerDefinitions"][0];
        let volumes = definition["volumes"].as_array().map_or(0, Vec::len);
        assert_eq!(container["mountPoints"].as_array().map_or(0, Vec::len), volumes, "{file}");
        assert!(container["stopTimeout"].as_u64().unwrap() <= 120);
        for volume in definition["volumes"].as_array().into_iter().flatten() {
            assert_eq!(volume["efsVolumeConfiguration"]["transitEncryption"], "ENABLED", "{file}");
            assert!(volume["efsVolumeConfiguration"].get("rootDirectory").is_none(), "{file}");
        }
    }
}

/// Texts inside `Fn::Sub`, and the names of all imports and exports.
fn gather(
    value: &Value,
    subs: &mut BTreeSet<String>,
    imports: &mut BTreeSet<String>,
    exports: &mut BTreeSet<String>,
) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, subs, imports, exports)),
        Value::Object(map) => {
            for (key, value) in map {
                match key.as_str() {
                    "Fn::Sub" => {
                        let text = value.as_str().or_else(|| value[0].as_str()).unwrap();
                        subs.insert(text.to_owned());
                    }
                    "Fn::ImportValue" => {
                        imports.insert(value.as_str().unwrap().to_owned());
                    }
                    "Export" => {
                        exports.insert(value["Name"].as_str().unwrap().to_owned());
                    }
                    _ => {}
                }
                gather(value, subs, imports, exports);
            }
        }
        _ => {}
    }
}

#[test]
fn stacks_find_each_other_and_no_value_of_the_user_is_read_twice() {
    let test = "stacks_find_each_other";
    for (name, project) in everything() {
        let Some(data) = read(test, &files(&project, &is_template)) else { return };
        let (mut subs, mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        gather(&data, &mut subs, &mut imports, &mut exports);
        let lost: Vec<&String> = imports.difference(&exports).collect();
        assert!(lost.is_empty(), "{name} imports what nobody exports: {lost:?}");
        let prefix = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${Name}";
        let ours = [
            prefix.to_owned(),
            format!("{prefix}-??????"),
            "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Id}".to_owned(),
            "{{resolve:secretsmanager:${OriginSecret}}}".to_owned(),
            "{{resolve:secretsmanager:${Secret}}}".to_owned(),
        ];
        assert!(subs.iter().all(|sub| ours.contains(sub)), "{name}: {subs:?}");
        // Data outlives stacks.
        for template in data.as_object().unwrap().values() {
            for (id, resource) in template["Resources"].as_object().unwrap() {
                let kind = resource["Type"].as_str().unwrap();
                if ["AWS::EFS::FileSystem", "AWS::EFS::AccessPoint", "AWS::S3::Bucket"].contains(&kind) {
                    assert_eq!(resource["DeletionPolicy"], "Retain", "{name} {id}");
                    assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name} {id}");
                }
            }
        }
    }
}

/// Name and value of each variable.
fn environment(container: &Value, name: &str, value: &str) -> Vec<(String, Value)> {
    // moto leaves nothing where CloudFormation leaves an item out.
    let all = container.as_array().unwrap().iter().filter(|one| !one.is_null());
    all.map(|one| (one[name].as_str().unwrap().to_owned(), one[value].clone())).collect()
}

#[test]
fn hostile_values_arrive_as_they_are() {
    let test = "hostile_values_arrive_as_they_are";
    let project = rendered(&nasty("target: aws\nregion: eu-central-1"), "aws");
    let Some(services) = read_one(test, &project, "deploy/aws/services.yaml") else { return };
    let Some(file) = read_one(test, &project, "deploy/aws/api.task-definition.yaml") else { return };
    let by_stack = &services["Resources"]["ApiDefinition"]["Properties"]["ContainerDefinitions"][0];
    let by_stack = environment(&by_stack["Environment"], "Name", "Value");
    let by_file = environment(&file["containerDefinitions"][0]["environment"], "name", "value");
    for (name, value) in nasty_values() {
        let wanted = (name, Value::from(value));
        assert!(by_stack.contains(&wanted), "{wanted:?} in {by_stack:?}");
        assert!(by_file.contains(&wanted), "{wanted:?} in {by_file:?}");
    }
}

#[test]
fn commands_in_heads_can_be_read_by_a_shell() {
    let Some(dash) = tool("commands_in_heads", "DASH") else { return };
    for (name, project) in everything() {
        for file in below(project.path(), &is_ours) {
            let text = project.read(&file);
            // Commands begin with two blanks.
            let head = text.lines().take_while(|line| line.starts_with('#'));
            let commands = head.filter_map(|line| line.strip_prefix("#   "));
            let script: String = commands.map(|line| format!("{line}\n")).collect();
            assert!(script.contains("aws "), "{name} {file}");
            let output = Command::new(&dash).args(["-n", "-c", &script]).output().unwrap();
            assert!(
                output.status.success(),
                "{name} {file}: {}\n{script}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

#[test]
fn secrets_are_named_and_what_is_given_by_the_process_is_a_parameter() {
    let test = "secrets_are_named";
    let project = rendered(WIDE, "aws");
    let head = project.read("deploy/aws/services.yaml");
    for wanted in [
        "printf %s \"$API_KEY\" | aws secretsmanager create-secret --region eu-central-1",
        "--name shop/production/API_KEY",
        "TokenUrlValue=\"$TOKEN_URL\"",
        "--platform linux/arm64",
        "--target run",
        "'my own'",
        "shop/ghcr holds the login of the registry",
    ] {
        assert!(head.contains(wanted), "{wanted}\n{head}");
    }
    let Some(core) = read_one(test, &project, "deploy/aws/core.yaml") else { return };
    let policy =
        &core["Resources"]["ApiExecRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"];
    let secrets =
        policy.as_array().unwrap().iter().find(|one| one["Action"] == "secretsmanager:GetSecretValue");
    let names: Vec<&str> = secrets.unwrap()["Resource"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["Fn::Sub"][1]["Name"].as_str().unwrap())
        .collect();
    let wanted = ["shop/production/API_KEY", "shop/production/MAIL__HOST", "shop/production/MAIL_HOST"];
    assert_eq!(names, wanted);
    // Two environments: files of their own, names of their own.
    let staging = project.read("deploy/aws/core.staging.yaml");
    assert!(staging.contains("shop-staging-core") && staging.contains("--region us-west-2"));
}
