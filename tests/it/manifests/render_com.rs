//! render.yaml: Render's own schema, a linter, two readers of YAML, and the commands that are in it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::{examples, nasty, nasty_values, rendered, spec, with_environments};
use crate::support::{Project, tool};

/// Everything but the length of lines: a response header is one line.
const LINT: &str = "{extends: default, rules: {line-length: disable, document-start: disable, \
                    comments-indentation: disable, quoted-strings: {required: false}}}";

/// One environment for each choice that the target offers.
const VARIANTS: [&str; 12] = [
    "target: render\nregion: frankfurt",
    "target: render\noptions: { runtime: python }",
    "target: render\noptions: { runtime: python, server: gunicorn, workers: 1, python_version: \"3.11.9\" }",
    "target: render\nregistry: ghcr.io/acme\noptions: { runtime: image, registry_credential: ghcr }",
    "target: render\noptions: { plan: pro plus, auto_deploy: checks, previews: automatic }",
    "target: render\noptions: { auto_deploy: off, previews: manual, registry_credential: \"my: key\" }",
    "target: render\nservices: { web: { options: { hosting: docker } } }",
    "target: render\nservices: { api: { domain: api.example.com }, web: { domain: www.example.com } }",
    "target: render\nservices: { api: { options: { subdomain: shop-api-x1y2 } } }",
    "target: render\nservices: { api: { options: { exposure: private } }, web: { target: netlify } }",
    "target: docker\nservices: { api: { target: render, region: ohio } }",
    "target: render\nservices: { api: { memory: 3Gi, cpus: 1.5, secrets: { MORE: optional } } }",
];

/// What an example is deployed with: as it is imagined, and with each runtime.
const EXAMPLE_VARIANTS: [&str; 4] = [
    "",
    "  production: { target: render, region: oregon, options: { runtime: python } }\n",
    "  staging: { target: render, registry: ghcr.io/acme, options: { runtime: image } }\n  \
     production: { target: render, options: { hosting: docker } }\n",
    "  production: { target: render, options: { runtime: python, server: gunicorn, plan: standard } }\n",
];

fn varied(yaml: &str, environments: &str) -> String {
    if environments.is_empty() { yaml.to_owned() } else { with_environments(yaml, environments) }
}

/// Every Blueprint that the tests look at, with what it was made for.
fn blueprints() -> Vec<(String, Project)> {
    let mut all = Vec::new();
    for (name, yaml) in examples() {
        for (at, variant) in EXAMPLE_VARIANTS.iter().enumerate() {
            all.push((format!("{name} {at}"), rendered(&varied(&yaml, variant), "render")));
        }
    }
    for environment in VARIANTS {
        all.push((environment.to_owned(), rendered(&nasty(environment), "render")));
    }
    all.push(("several".to_owned(), rendered(SEVERAL, "render")));
    all
}

/// A worker, an image that only others reach, values that are put together, a service told its own address.
const SEVERAL: &str = r#"
project: shop
services:
  db: { image: "postgres:16", port: 5432, secrets: { POSTGRES_PASSWORD: required }, volumes: { pg: /var/lib/postgresql/data } }
  api:
    build: { kind: fastapi, app: "shop.app:app", context: services/api, source: src, secrets: [PIP_TOKEN] }
    health: /health
    depends_on: [db]
    env:
      DB: "${services.db.host}:${services.db.port}"
      DB_HOST: "${services.db.host}"
      DB_PORT: "${services.db.port}"
      DB_URL: "postgres://shop@${services.db.host}/shop"
      SELF: "${services.api.url}/callback"
      TOKEN: "${env:TOKEN}"
      RELEASE: "${release}"
      ORIGINS: "${services.web.origin},https://example.com"
      WEB: "${services.web.url}"
    replicas: 3
  work:
    build: { kind: python, packages: none, context: services/work, links: { "var/my data": /data } }
    command: [python, -m, work, "--name=it's $HOME", ""]
    volumes: { data: /data }
  web:
    build: { kind: vite, context: services/web }
    env: { VITE_API: "${services.api.url}", VITE_KEY: "${env:KEY}" }
  docs: { build: { kind: static, context: docs }, publish: 8081, headers: { Cache-Control: no-store } }
volumes: { pg: { size: 1500Mi }, data: { size: 10Gi } }
environments:
  staging: { target: render, options: { runtime: python, workers: 4 }, services: { api: { options: { workers: 2 } } } }
  production: { target: render, options: { workers: 1 } }
"#;

fn ran(program: &Path, arguments: &[&str], input: &str) -> Output {
    use std::io::Write;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn accepted(what: &str, output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{what}\n{}{}", text(&output.stdout), text(&output.stderr));
}

/// The Blueprints of a project's environments.
fn files(project: &Project) -> Vec<String> {
    super::below(project.path(), &|path| path.starts_with("render") && path.ends_with(".yaml"))
}

#[test]
fn render_s_own_schema_and_a_linter_accept_every_blueprint() {
    const TEST: &str = "render_s_own_schema_and_a_linter_accept_every_blueprint";
    let Some(schema) = spec(TEST, "render.blueprint.schema.json") else { return };
    let (Some(check), Some(lint)) = (tool(TEST, "CHECK_JSONSCHEMA"), tool(TEST, "YAMLLINT")) else { return };
    let blueprints = blueprints();
    let mut paths = Vec::new();
    for (what, project) in &blueprints {
        let files = files(project);
        assert!(!files.is_empty(), "{what}");
        paths.extend(files.iter().map(|file| project.path().join(file)));
    }
    assert!(paths.len() >= 40, "only {} files", paths.len());
    let checked = Command::new(&check).arg("--schemafile").arg(&schema).args(&paths).output().unwrap();
    accepted("schema", &checked);
    accepted("linter", &Command::new(&lint).args(["-s", "-d", LINT]).args(&paths).output().unwrap());
    // The schema is one that refuses.
    let broken = Project::empty("broken");
    broken.write(
        "render.yaml",
        "services:\n  - type: web\n    name: x\n    runtime: docker\n    plans: free\n",
    );
    let mut refused = Command::new(&check);
    refused.arg("--schemafile").arg(&schema).arg(broken.path().join("render.yaml"));
    assert!(!refused.output().unwrap().status.success(), "the schema accepts anything");
}

/// A file as two readers of YAML read it, one of version 1.1 and one of 1.2; those that are there.
fn read(test: &str, text: &str) -> Vec<Value> {
    let mut read = Vec::new();
    if let Some(python) = tool(test, "TOOLS_PYTHON") {
        const LINE: &str =
            "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer.read()), sys.stdout)";
        read.push(ran(&python, &["-c", LINE], text));
    }
    if let (Some(node), Some(modules)) = (tool(test, "NODE"), tool(test, "NODE_TOOLS")) {
        let line = format!(
            "const yaml = require({}); process.stdout.write(JSON.stringify(yaml.load(require('fs').readFileSync(0, 'utf8'))))",
            Value::from(modules.join("js-yaml").to_string_lossy())
        );
        read.push(ran(&node, &["-e", &line], text));
    }
    read.into_iter()
        .map(|output| {
            accepted("reader", &output);
            serde_json::from_slice(&output.stdout).unwrap()
        })
        .collect()
}

fn service<'a>(blueprint: &'a Value, name: &str) -> &'a Value {
    let services = blueprint["services"].as_array().unwrap();
    services
        .iter()
        .find(|service| service["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {blueprint}"))
}

fn variable<'a>(service: &'a Value, key: &str) -> &'a Value {
    let variables = service["envVars"].as_array().unwrap();
    variables
        .iter()
        .find(|variable| variable["key"] == key)
        .unwrap_or_else(|| panic!("no {key} in {service}"))
}

#[test]
fn every_value_comes_back_byte_by_byte_from_two_readers() {
    const TEST: &str = "every_value_comes_back_byte_by_byte_from_two_readers";
    for environment in [VARIANTS[0], VARIANTS[1], VARIANTS[3]] {
        let project = rendered(&nasty(environment), "render");
        for blueprint in read(TEST, &project.read("render.yaml")) {
            let api = service(&blueprint, "shop-api");
            for (name, value) in nasty_values() {
                assert_eq!(variable(api, &name)["value"], value, "{name} of {environment}");
            }
            assert_eq!(variable(api, "API_KEY")["sync"], false);
            assert_eq!(variable(api, "MAIL")["sync"], false);
            assert_eq!(variable(api, "PORT")["value"], "8000");
        }
    }
}

#[test]
fn what_render_knows_is_referred_to_and_what_nobody_knows_is_asked_for() {
    const TEST: &str = "what_render_knows_is_referred_to_and_what_nobody_knows_is_asked_for";
    let project = rendered(SEVERAL, "render");
    let text = project.read("render.yaml");
    for blueprint in read(TEST, &text) {
        let api = service(&blueprint, "shop-api");
        let from = |key: &str| variable(api, key)["fromService"].clone();
        let db =
            |property: &str| serde_json::json!({ "type": "pserv", "name": "shop-db", "property": property });
        assert_eq!(from("DB"), db("hostport"));
        assert_eq!(from("DB_HOST"), db("host"));
        assert_eq!(variable(api, "DB_PORT")["value"], "5432");
        for asked in ["DB_URL", "TOKEN", "RELEASE"] {
            assert_eq!(variable(api, asked)["sync"], false, "{asked}");
        }
        assert_eq!(variable(api, "SELF")["value"], "https://shop-api.onrender.com/callback");
        assert_eq!(variable(api, "ORIGINS")["value"], "https://shop-web.onrender.com,https://example.com");
        assert_eq!(from("WEB")["envVarKey"], "RENDER_EXTERNAL_URL");
        assert_eq!(variable(api, "WEB_CONCURRENCY")["value"], "1");
        assert_eq!(api["numInstances"], 3);
        let page = variable(service(&blueprint, "shop-web"), "VITE_API");
        assert_eq!(page["fromService"]["name"], "shop-api");
        let db = service(&blueprint, "shop-db");
        assert_eq!(db["image"]["url"], "docker.io/library/postgres:16");
        assert_eq!((&db["type"], &db["runtime"]), (&"pserv".into(), &"image".into()));
        assert_eq!(db["disk"]["sizeGB"], 2);
        assert_eq!(service(&blueprint, "shop-work")["type"], "worker");
    }
    for told in [
        "  api: DB_URL, which is postgres://shop@${services.db.host}/shop",
        "  api: TOKEN, which is ${env:TOKEN}",
        "  db: POSTGRES_PASSWORD",
        "  web: https://shop-web.onrender.com",
        "The build of api reads the Secret Files of these names: PIP_TOKEN",
    ] {
        assert!(text.contains(&format!("# {told}\n")), "{told}\n{text}");
    }
}

#[test]
fn a_page_and_its_service_have_one_origin_where_the_edge_hands_paths_on() {
    const TEST: &str = "a_page_and_its_service_have_one_origin_where_the_edge_hands_paths_on";
    let routed = |environment: &str| {
        let project = rendered(&nasty(environment), "render");
        read(TEST, &project.read("render.yaml")).into_iter().next()
    };
    for (environment, url) in [
        (VARIANTS[0], "https://shop-api.onrender.com"),
        (VARIANTS[7], "https://api.example.com"),
        (VARIANTS[8], "https://shop-api-x1y2.onrender.com"),
    ] {
        let Some(blueprint) = routed(environment) else { return };
        let web = service(&blueprint, "shop-web");
        let routes = web["routes"].as_array().unwrap();
        assert_eq!(routes[1]["source"], "/api/*");
        assert_eq!(routes[1]["destination"], format!("{url}/api/*"));
        assert_eq!(routes.last().unwrap()["destination"], "/index.html");
        assert_eq!(variable(web, "VITE_API")["value"], "/.");
    }
    let Some(docker) = routed(VARIANTS[6]) else { return };
    let web = service(&docker, "shop-web");
    assert_eq!((&web["runtime"], &web["routes"]), (&"docker".into(), &Value::Null));
    assert_eq!(variable(web, "VITE_API")["fromService"]["envVarKey"], "RENDER_EXTERNAL_URL");
}

#[test]
fn a_shell_reads_the_commands_as_they_are_meant() {
    const TEST: &str = "a_shell_reads_the_commands_as_they_are_meant";
    let project = rendered(SEVERAL, "render");
    let Some(blueprint) = read(TEST, &project.read("render.staging.yaml")).into_iter().next() else { return };
    let work = service(&blueprint, "shop-staging-work");
    let disk = project.path().join("disk");
    std::fs::create_dir_all(disk.join("lost+found")).unwrap();
    project.write("var/my data/shipped/a", "first");
    // The disk of the test, since it has no `/data`; every word of the command on a line of its own.
    let here = |command: &str| {
        command.replace("/data", disk.to_str().unwrap()).replace("exec python", "printf '%s\\n'")
    };
    let bash = |command: &str| {
        let output =
            Command::new("bash").args(["-ec", &here(command)]).current_dir(project.path()).output().unwrap();
        accepted(command, &output);
        String::from_utf8(output.stdout).unwrap()
    };
    // A second build starts from what the first one left.
    for _ in 0..2 {
        bash(work["buildCommand"].as_str().unwrap());
        assert_eq!(std::fs::read_link(project.path().join("var/my data")).unwrap(), disk);
    }
    let start = work["startCommand"].as_str().unwrap();
    assert_eq!(bash(start), "-m\nwork\n--name=it's $HOME\n\n");
    assert_eq!(project.read("disk/shipped/a"), "first");
    // What is on the disk stays.
    project.write("disk/shipped/a", "second");
    bash(start);
    assert_eq!(project.read("disk/shipped/a"), "second");
    let api = service(&blueprint, "shop-staging-api");
    let start = "uvicorn shop.app:app --host 0.0.0.0 --port $PORT --workers 2";
    assert_eq!(api["startCommand"], start);
    assert_eq!(variable(api, "PYTHONPATH")["value"], "src:.");
    assert_eq!(api["rootDir"], "services/api");
}

#[test]
fn a_page_that_is_the_whole_folder_leaves_out_what_is_not_to_be_served() {
    const TEST: &str = "a_page_that_is_the_whole_folder_leaves_out_what_is_not_to_be_served";
    let project = Project::sources_of("static-plain");
    let (_, yaml) = examples().into_iter().find(|(name, _)| name == "static-plain").unwrap();
    project.write("dashdeploy.yaml", &yaml);
    project.run(&["render", "--target", "render"]).exits(0);
    for secret in [".env", "css/.env", ".git/config", "node_modules/x/index.js"] {
        project.write(secret, "secret");
    }
    project.write(".well-known/security.txt", "public");
    let Some(blueprint) = read(TEST, &project.read("render.yaml")).into_iter().next() else { return };
    let web = &blueprint["services"][0];
    let built = Command::new("bash")
        .args(["-ec", web["buildCommand"].as_str().unwrap()])
        .current_dir(project.path())
        .output()
        .unwrap();
    accepted("gathered", &built);
    let gathered = project.path().join(web["staticPublishPath"].as_str().unwrap());
    let served = super::below(&gathered, &|_| true);
    let expected = [".well-known/security.txt", "README.md", "about.html", "css/style.css", "index.html"];
    assert_eq!(served, expected);
}
