//! `fly.toml`: kept to the community's schema and to every key that flyctl knows, and read back by TOML's own readers.

use std::process::Command;

use serde_json::Value;

use super::{below, examples, nasty, nasty_values, rendered, spec};
use crate::support::{Project, tool};

/// The keys that our files may have, as paths without indexes; `*` stands for names of the user's own. Each is one that
/// flyctl reads: the schema lets unknown keys pass, and flyctl ignores them.
const KEYS: &str = "app primary_region kill_signal kill_timeout build deploy env mounts http_service services checks vm \
    restart statics experimental build.image build.dockerfile build.ignorefile build.build-target build.args build.args.* \
    deploy.strategy env.* mounts.source mounts.destination mounts.initial_size mounts.snapshot_retention \
    http_service.internal_port http_service.force_https http_service.auto_stop_machines http_service.auto_start_machines \
    http_service.min_machines_running http_service.concurrency http_service.concurrency.type \
    http_service.concurrency.soft_limit http_service.checks http_service.checks.method http_service.checks.path \
    http_service.checks.interval http_service.checks.timeout http_service.checks.grace_period http_service.checks.headers \
    http_service.checks.headers.* services.protocol services.internal_port services.auto_stop_machines \
    services.auto_start_machines services.min_machines_running services.ports services.ports.port services.concurrency \
    services.concurrency.type services.concurrency.soft_limit services.http_checks services.http_checks.method \
    services.http_checks.path services.http_checks.interval services.http_checks.timeout \
    services.http_checks.grace_period checks.* checks.*.type checks.*.port checks.*.interval checks.*.timeout \
    checks.*.grace_period statics.guest_path statics.url_prefix statics.tigris_bucket statics.index_document vm.size \
    vm.memory restart.policy experimental.cmd";
/// Tables whose keys are the user's.
const OPEN: [&str; 4] = ["env", "build.args", "checks", "http_service.checks.headers"];

fn is_fly(path: &str) -> bool {
    path.starts_with("fly.") && path.ends_with(".toml")
}

fn read(project: &Project, file: &str) -> Value {
    let table: toml::Table = project.read(file).parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::to_value(table).unwrap()
}

/// The paths of all keys.
fn keys(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| keys(item, at, found)),
        Value::Object(map) => {
            for (key, value) in map {
                let key = if OPEN.contains(&at) { "*" } else { key };
                let path = if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
                keys(value, &path, found);
                found.push(path);
            }
        }
        _ => {}
    }
}

/// A worker, a private service, two pages of one folder and a program of the user's own, with every option.
const WIDE: &str = r##"
project: shop
services:
  api:
    build: { kind: fastapi, app: "shop.app:app", links: { data: /data } }
    health: /api/health
    env: { QUEUE: "redis://${services.queue.host}:${services.queue.port}", TOKEN_URL: "${env:TOKEN_URL}?r=${release}" }
    secrets: { API_KEY: required, MAIL: optional }
    cpus: 3
    memory: 2Gi
    volumes: { data: /data }
  queue: { image: "redis:7", port: 6379, health: { command: [redis-cli, ping] } }
  worker:
    build: { kind: python, packages: none, context: work }
    command: [python, -c, "print('a b', \"$HOME\", '\\\\')", "", "*", "#x"]
    env: { A: b }
  own: { build: { kind: dockerfile, context: "my own", stage: run }, port: 80, replicas: 3 }
  site: { build: { kind: static, context: site }, publish: 8090 }
  web:
    build: { kind: vite, context: web }
    env: { VITE_API: "${services.api.url}", VITE_KEY: "${env:PUBLIC_KEY}" }
    proxy: { /api: api }
volumes:
  data: { size: 1500Mi }
environments:
  production:
    target: fly
    region: fra
    options: { org: acme }
    services:
      own: { options: { auto_stop: suspend, min_machines: 1, app: acme-own, strategy: canary }, domain: own.example.com }
      site: { options: { hosting: statics, bucket: acme-site, size: performance-1x } }
      web: { region: ams, options: { hosting: statics } }
  staging: { target: fly }
"##;

fn wide() -> Project {
    rendered(WIDE, "fly")
}

/// All projects whose files are looked at.
fn everything() -> Vec<(String, Project)> {
    let mut all: Vec<(String, Project)> =
        examples().into_iter().map(|(name, yaml)| (name, rendered(&yaml, "fly"))).collect();
    all.push(("nasty".to_owned(), rendered(&nasty("target: fly"), "fly")));
    all.push(("wide".to_owned(), wide()));
    all
}

#[test]
fn every_file_keeps_the_schema_and_has_no_key_that_flyctl_does_not_know() {
    let schema = spec("every_file_keeps_the_schema", "fly.toml.schema.json");
    let schema = schema.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
    let schema = schema.map(|schema: Value| jsonschema::validator_for(&schema).unwrap());
    let known: Vec<&str> = KEYS.split_whitespace().collect();
    for (name, project) in everything() {
        let files = below(project.path(), &is_fly);
        assert!(!files.is_empty(), "{name} has no file");
        for file in files {
            let mut value = read(&project, &file);
            let mut found = Vec::new();
            keys(&value, "", &mut found);
            found.retain(|key| !known.contains(&key.as_str()));
            assert!(found.is_empty(), "{name} {file}: {found:?}");
            // The schema is older than buckets.
            for part in value.get_mut("statics").and_then(Value::as_array_mut).into_iter().flatten() {
                part.as_object_mut().unwrap().retain(|key, _| key == "guest_path" || key == "url_prefix");
            }
            let Some(schema) = &schema else { continue };
            let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name} {file}: {errors:#?}");
        }
    }
}

#[test]
fn every_key_is_one_that_flyctl_reads() {
    let Some(list) = spec("every_key_is_one_that_flyctl_reads", "fly-toml-keys.md") else { return };
    let list = std::fs::read_to_string(list).unwrap();
    let words: Vec<&str> = list.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').collect();
    for key in KEYS.split_whitespace().flat_map(|path| path.split('.')).filter(|key| *key != "*") {
        assert!(words.contains(&key), "{key}");
    }
}

#[test]
fn every_value_is_read_back_as_it_was_meant() {
    let project = rendered(&nasty("target: fly"), "fly");
    let table = read(&project, "fly.api.toml");
    for (name, value) in nasty_values() {
        assert_eq!(table["env"][&name], value, "{name}");
    }
    let Some(python) = tool("every_value_is_read_back_as_it_was_meant", "TOOLS_PYTHON") else { return };
    let program = "import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], 'rb'))))";
    let output = Command::new(python).args(["-c", program]).arg(project.path().join("fly.api.toml")).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let other: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(other, table);
}

#[test]
fn what_toml_cannot_hold_is_refused_by_name() {
    let project = Project::empty("manifests");
    let yaml = nasty("target: fly").replace("V0: \"a b\"", "V0: \"a\\0b\"");
    project.write("dashdeploy.yaml", &yaml);
    let ran = project.run(&["render", "--target", "fly"]).exits(2);
    assert!(ran.all().contains("V0"), "{}", ran.all());
}

#[test]
fn a_command_keeps_its_words() {
    let table = read(&wide(), "fly.worker.toml");
    let words = ["python", "-c", "print('a b', \"$HOME\", '\\\\')", "", "*", "#x"];
    assert_eq!(table["experimental"]["cmd"], serde_json::json!(words));
    assert!(table.get("http_service").is_none() && table.get("services").is_none());
    assert_eq!(table["restart"][0]["policy"], "always");
}

#[test]
fn each_service_is_reached_the_way_it_is_meant_to() {
    let project = wide();
    let api = read(&project, "fly.api.toml");
    assert_eq!(api["http_service"]["checks"][0]["path"], "/api/health");
    assert_eq!(api["services"][0]["ports"], serde_json::json!([{ "port": 8000 }]));
    assert_eq!(api["env"]["QUEUE"], "redis://shop-queue.flycast:6379");
    assert!(api["env"].get("TOKEN_URL").is_none(), "its value stands in the file");
    assert_eq!(
        (&api["deploy"]["strategy"], &api["mounts"][0]["initial_size"]),
        (&"rolling".into(), &"2gb".into())
    );
    assert_eq!((&api["vm"][0]["size"], &api["primary_region"]), (&"shared-cpu-4x".into(), &"fra".into()));
    let queue = read(&project, "fly.queue.toml");
    assert!(queue.get("http_service").is_none(), "a queue is open to the world");
    assert_eq!(
        (&queue["build"]["image"], &queue["checks"]["port"]["type"]),
        (&"redis:7".into(), &"tcp".into())
    );
    let own = read(&project, "fly.own.toml");
    assert_eq!((&own["app"], &own["build"]["build-target"]), (&"acme-own".into(), &"run".into()));
    assert_eq!(
        (&own["http_service"]["auto_stop_machines"], &own["http_service"]["min_machines_running"]),
        (&"suspend".into(), &1.into())
    );
    let staging = read(&project, "fly.api.staging.toml");
    assert_eq!((&staging["app"], &staging["primary_region"]), (&"shop-staging-api".into(), &"iad".into()));
    assert_eq!(staging["env"]["QUEUE"], "redis://shop-staging-queue.flycast:6379");
}

#[test]
fn a_page_is_built_with_the_configuration_that_finds_the_other_apps() {
    let project = wide();
    for (file, conf, api) in [
        ("fly.web.toml", "nginx.fly.conf", "shop-api"),
        ("fly.web.staging.toml", "nginx.fly-staging.conf", "shop-staging-api"),
    ] {
        let web = read(&project, file);
        assert_eq!(web["build"]["args"]["NGINX_CONF"], conf);
        assert_eq!(web["build"]["args"]["VITE_API"], "/.");
        let text = project.read(&format!("web/{conf}"));
        assert!(text.contains(&format!("set $service_api {api}.flycast:8000;")), "{text}");
        assert!(text.contains("[fdaa::3]"), "{text}");
        let Some(nginx) = tool("a_page_is_built_with_the_configuration", "NGINX") else { continue };
        // A variable of this name means something else to nginx: sockets to take over.
        let mut command = Command::new(nginx);
        command
            .env_remove("NGINX")
            .args(["-e", "stderr", "-t", "-c"])
            .arg(project.path().join("web").join(conf));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let site = read(&project, "fly.site.toml");
    assert!(site["build"].get("args").is_none());
    let whole = serde_json::json!({ "guest_path": "/site", "url_prefix": "/", "tigris_bucket": "acme-site", "index_document": "index.html" });
    assert_eq!(site["statics"][0], whole);
    assert_eq!(read(&project, "fly.web.toml")["statics"][0]["url_prefix"], "/assets");
}

/// The lines of a file's head, without their sign.
fn head(project: &Project, file: &str) -> Vec<String> {
    let text = project.read(file);
    text.lines().map_while(|line| line.strip_prefix('#')).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_head_says_how_the_file_is_used_and_names_every_secret_once() {
    let project = wide();
    let api = head(&project, "fly.api.toml");
    for line in [
        "fly apps create shop-api --org acme",
        "fly ips allocate-v6 --private --app shop-api",
        "fly ips allocate-v4 --shared --app shop-api",
        "fly secrets set API_KEY=… --stage --app shop-api   # required",
        "fly secrets set MAIL=… --stage --app shop-api   # optional",
        "fly secrets set TOKEN_URL=… --stage --app shop-api   # holds the value of TOKEN_URL, the release's name",
        "Every time, after queue. The first deploy makes the volume too.",
        "fly deploy --config fly.api.toml --ha=false",
    ] {
        assert_eq!(api.iter().filter(|found| *found == line).count(), 1, "{line}\n{}", api.join("\n"));
    }
    let has = |file: &str, line: &str| {
        let lines = head(&project, file);
        assert!(lines.iter().any(|found| found == line), "{line}\n{}", lines.join("\n"));
    };
    has("fly.queue.toml", "fly deploy --config fly.queue.toml --ha=false --no-public-ips");
    has("fly.own.toml", "fly deploy 'my own' --config \"$PWD\"/fly.own.toml --ha=false");
    has("fly.own.toml", "fly scale count 3 --app acme-own");
    has("fly.own.toml", "fly certs add own.example.com --app acme-own");
    has("fly.web.toml", "fly deploy web --config \"$PWD\"/fly.web.toml --ha=false --build-arg VITE_KEY=…");
    has("fly.web.toml", "fly storage create --public --name shop-web-files --org acme");
    has(
        "fly.web.toml",
        "aws s3 sync fly-files s3://shop-web-files/site --endpoint-url https://fly.storage.tigris.dev",
    );
}

#[test]
fn what_fly_cannot_carry_is_refused_with_the_mend() {
    let with = |from: &str, to: &str| {
        let project = Project::empty("manifests");
        let yaml = nasty("target: fly\nregion: fra");
        assert!(yaml.contains(from), "{from}");
        project.write("dashdeploy.yaml", &yaml.replace(from, to));
        project.run(&["check"]).exits(2).all()
    };
    for (from, to, says) in [
        ("region: fra", "region: frankfurt", "did you mean `fra`"),
        ("region: fra", "region: fra\n    options: { app: shop }", "would both be the app `shop`"),
        (
            "region: fra",
            "region: fra\n    services: { api: { options: { app: Shop } } }",
            "cannot be the name of an app",
        ),
        ("region: fra", "region: fra\n    services: { api: { replicas: 2 } }", "replicas: 1"),
        (
            "region: fra",
            "region: fra\n    services: { api: { options: { strategy: bluegreen } } }",
            "strategy: rolling",
        ),
        ("region: fra", "region: fra\n    services: { api: { options: { size: huge } } }", "shared-cpu-1x"),
        ("region: fra", "region: fra\n    services: { api: { memory: 200Gi } }", "131072 MB"),
        ("region: fra", "region: fra\n    services: { api: { options: { snapshot_days: 61 } } }", "1 to 60"),
        ("V0: \"a b\"", "FLY_REGION: x", "Fly.io sets `FLY_REGION` itself"),
        ("size: 1Gi", "size: 501Gi", "500 GB"),
        (
            "region: fra",
            "region: fra\n    services: { api: { options: { org: acme } } }",
            "different organisations",
        ),
    ] {
        let said = with(from, to);
        assert!(said.contains(says), "{to}: {said}");
    }
}
