//! vercel.json, read by what Vercel's own command line and build read it with: `@vercel/routing-utils`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{below, examples, rendered};
use crate::render::projects::HOSTILE;
use crate::support::{Project, tool};

/// Checks each part against Vercel's schemas, turns the rules into routes as a build does, and says where each path leads
/// and with which headers. Routes after the file system count for paths that are no file, which all of these are.
const READ: &str = r#"
const [tools, file, asked] = process.argv.slice(1);
const { createRequire } = await import('module');
const require = createRequire(`${tools}/`);
const routing = require('@vercel/routing-utils');
const Ajv = require('ajv');
const config = JSON.parse(require('fs').readFileSync(file, 'utf8'));
for (const part of ['rewrites', 'headers', 'cleanUrls']) {
    const check = new Ajv().compile(routing[`${part}Schema`]);
    if (part in config && !check(config[part])) throw new Error(part + JSON.stringify(check.errors));
}
const { routes, error } = routing.getTransformedRoutes(config);
if (error) throw new Error(JSON.stringify(error));
const led = {};
for (const path of JSON.parse(asked)) {
    const headers = {};
    let to = null;
    for (const route of routes) {
        const match = route.src && new RegExp(route.src).exec(path);
        if (!match) continue;
        if (route.continue) { Object.assign(headers, route.headers); continue; }
        to = (route.dest ?? String(route.status)).replace(/\$(\d)/g, (_, at) => match[at] ?? '');
        break;
    }
    led[path] = { to, headers };
}
console.log(JSON.stringify({ config, led }));
"#;

/// Every key that vercel.json may have at the top and that stands in ours (openapi.vercel.sh/vercel.json).
const KEYS: [&str; 9] = [
    "$schema",
    "framework",
    "installCommand",
    "buildCommand",
    "outputDirectory",
    "build",
    "cleanUrls",
    "rewrites",
    "headers",
];

/// What Vercel makes of a file; none where its programs are not there.
fn read(test: &str, file: &Path, asked: &[&str]) -> Option<Value> {
    let (node, tools) = (tool(test, "NODE")?, tool(test, "NODE_TOOLS")?);
    let output = Command::new(node)
        .args(["--input-type=module", "-e", READ, "--"])
        .arg(tools)
        .arg(file)
        .arg(serde_json::to_string(asked).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    let config = read["config"].as_object().unwrap();
    assert!(config.keys().all(|key| KEYS.contains(&key.as_str())), "{:?}", config.keys());
    for command in ["installCommand", "buildCommand"] {
        assert!(config[command].as_str().unwrap().chars().count() <= 256, "{command}");
    }
    Some(read)
}

fn yaml(more: &str) -> String {
    format!(
        "project: shop\nservices:\n  api:\n    build: {{ kind: fastapi, app: \"shop.app:app\" }}\n    health: /api/health\n  \
         web:\n    build: {{ kind: vite, context: apps/web }}\n    proxy: {{ /api: api, /v1.0: api }}\n    env:\n      \
         VITE_API: \"${{services.api.url}}\"\n{more}environments:\n  production:\n    target: docker\n    services:\n      \
         api: {{ domain: api.example.com }}\n      web: {{ target: vercel }}\n"
    )
}

fn page(more: &str) -> Project {
    rendered(&yaml(more), "vercel")
}

#[test]
fn every_example_is_read_as_it_was_meant() {
    const TEST: &str = "vercel: every example";
    for (name, yaml) in examples() {
        let project = rendered(&yaml, "vercel");
        for file in below(project.path(), &|path| path.ends_with("vercel.json")) {
            let Some(read) = read(TEST, &project.path().join(file), &["/", "/assets/gone.js"]) else {
                return;
            };
            let headers = &read["led"]["/"]["headers"];
            assert_eq!(headers["X-Content-Type-Options"], "nosniff", "{name}");
            assert_eq!(headers["Cache-Control"], "no-cache", "{name}");
            assert!(read["led"]["/assets/gone.js"]["to"].is_null(), "{name}: {read}");
        }
    }
}

#[test]
fn paths_lead_where_they_should() {
    let project = page("");
    let pages = ["/", "/deep/page", "/apiary", "/v1.0x", "/v1x0", "/a.b/c"];
    let files = ["/assets/gone.js", "/file.txt", "/deep/gone.css", "/.well-known/x"];
    let asked = [&pages[..], &files, &["/api", "/api/", "/api/x/y/", "/api/x.js", "/v1.0/z"]].concat();
    let Some(read) = read("vercel: paths", &project.path().join("vercel.json"), &asked) else { return };
    for path in pages {
        assert_eq!(read["led"][path]["to"], "/index.html", "{path}");
        assert_eq!(read["led"][path]["headers"]["Cache-Control"], "no-cache", "{path}");
    }
    for path in files {
        assert!(read["led"][path]["to"].is_null(), "{path}: {}", read["led"][path]);
        assert_eq!(read["led"][path]["headers"]["X-Content-Type-Options"], "nosniff", "{path}");
    }
    for path in ["/api", "/api/", "/api/x/y/", "/api/x.js", "/v1.0/z"] {
        assert_eq!(read["led"][path]["to"], format!("https://api.example.com{path}"), "{path}");
        assert_eq!(
            read["led"][path]["headers"],
            serde_json::json!({}),
            "{path} keeps the service's own headers"
        );
    }
    let year = "public, max-age=31536000, immutable";
    assert_eq!(read["led"]["/assets/gone.js"]["headers"]["Cache-Control"], year);
    assert_eq!(read["config"]["buildCommand"], "cd apps/web && VITE_API=/. npm run build");
    assert_eq!(read["config"]["outputDirectory"], "apps/web/dist");
}

#[test]
fn every_value_comes_back_as_it_was() {
    // One at a time in a command, all of them in `build.env`. A line break is refused by name: the page's Dockerfile cannot
    // carry it. So is an `@` in `build.env`, where it would name a secret.
    let fit = || HOSTILE.iter().enumerate().filter(|(_, value)| !value.contains(['\n', '\r']));
    let variable =
        |name: &str, value: &str| format!("      {name}: {}\n", Value::from(value.replace("${", "$${")));
    for (_, value) in fit() {
        let project = page(&variable("VITE_X", value));
        let config: Value = serde_json::from_str(&project.read("vercel.json")).unwrap();
        let command = config["buildCommand"].as_str().unwrap();
        let line = command.strip_prefix("cd apps/web && ").unwrap().strip_suffix(" npm run build").unwrap();
        let said = Command::new("sh")
            .args(["-c", &format!("{line} sh -c 'printf %s \"$VITE_X\"'")])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), *value, "{command}");
    }
    let mut all: String = fit()
        .filter(|(_, value)| !value.starts_with('@'))
        .map(|(at, value)| variable(&format!("V{at}"), value))
        .collect();
    all.push_str("    headers: { X-Odd: \"a: b, c :d 'e' \\\"f\\\" \\\\ $1 #g\" }\n");
    let project = page(&all);
    let Some(read) = read("vercel: values", &project.path().join("vercel.json"), &["/"]) else { return };
    for (at, value) in fit().filter(|(_, value)| !value.starts_with('@')) {
        assert_eq!(read["config"]["build"]["env"][format!("V{at}")], *value, "V{at}");
    }
    assert_eq!(read["led"]["/"]["headers"]["X-Odd"], "a: b, c :d 'e' \"f\" \\ $1 #g");
}

#[test]
fn a_value_that_vercel_would_take_for_a_secret_is_refused() {
    let project = Project::empty("vercel");
    project.write("dashdeploy.yaml", &yaml(&format!("      V1: \"@x\"\n      V2: {}\n", "y".repeat(300))));
    let said = project.run(&["render", "--target", "vercel"]).exits(2).all();
    assert!(said.contains("V1") && said.contains("vercel env add V1"), "{said}");
}

#[test]
fn only_the_page_is_sent() {
    let project = page("");
    let ignored = project.read(".vercelignore");
    let lines: Vec<&str> = ignored.lines().collect();
    for line in ["/*", "!/apps", "/apps/*", "!/apps/web", ".env"] {
        assert!(lines.contains(&line), "{line}: {ignored}");
    }
}
