//! netlify.toml, read by what Netlify's own build and edge read it with: `@netlify/config` and `netlify-redirector`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{below, examples, rendered};
use crate::render::projects::HOSTILE;
use crate::support::{Project, tool};

/// Prints the configuration as Netlify resolves it, and where each path of `ASKED` leads.
const READ: &str = r#"
const [tools, folder, file, asked] = process.argv.slice(1);
const { resolveConfig } = await import(`${tools}/@netlify/config/lib/index.js`);
const { parseAllRedirects } = await import(`${tools}/@netlify/redirect-parser/lib/index.js`);
const { default: redirector } = await import(`${tools}/netlify-redirector/index.js`);
const read = await resolveConfig({ repositoryRoot: folder, config: `${folder}/${file}`, cwd: folder, offline: true,
    context: 'production', mode: 'cli', featureFlags: {} });
const { redirects, errors } = await parseAllRedirects({ redirectsFiles: [], netlifyConfigPath: `${folder}/${file}`,
    minimal: false, configRedirects: [] });
if (errors.length) throw errors[0];
const rules = redirects.map(({ from, query, conditions, ...rest }) => ({ ...rest, origin: from, params: query, conditions }));
const matcher = await redirector.parseJSON(JSON.stringify(rules), {});
const led = {};
for (const path of JSON.parse(asked)) {
    const rule = matcher.match({ scheme: 'https', host: 'x', path, query: '', headers: {}, cookieValues: {},
        getHeader: () => '', getCookie: () => '' });
    led[path] = rule ? [rule.status, rule.to, rule.force] : null;
}
console.log(JSON.stringify({ config: read.config, led }));
"#;

/// What Netlify makes of a file; none where its programs are not there.
fn read(test: &str, folder: &Path, file: &str, asked: &[&str]) -> Option<Value> {
    let (node, tools) = (tool(test, "NODE")?, tool(test, "NODE_TOOLS")?);
    let output = Command::new(node)
        .args(["--input-type=module", "-e", READ, "--"])
        .arg(tools)
        .arg(folder)
        .args([file, &serde_json::to_string(asked).unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn page(environment: &str, more: &str) -> Project {
    rendered(
        &format!(
            "project: shop\nservices:\n  api:\n    build: {{ kind: fastapi, app: \"shop.app:app\" }}\n    health: /api/health\n  \
             web:\n    build: {{ kind: vite, context: web }}\n    proxy: {{ /api: api, /ws/v1: api }}\n    env:\n      \
             VITE_API: \"${{services.api.url}}\"\n{more}environments:\n  production:\n    target: docker\n    services:\n{environment}"
        ),
        "netlify",
    )
}

const ROUTED: &str =
    "      api: { domain: api.example.com }\n      web: { target: netlify, options: { site: my-shop } }\n";

#[test]
fn every_example_is_read_as_it_was_meant() {
    const TEST: &str = "netlify: every example";
    for (name, yaml) in examples() {
        let project = rendered(&yaml, "netlify");
        for file in below(project.path(), &|path| path.ends_with("netlify.toml")) {
            let Some(read) = read(TEST, project.path(), &file, &["/", "/deep/page", "/assets/gone.js"])
            else {
                return;
            };
            assert!(read["config"]["build"]["publish"].is_string(), "{name}: {read}");
            let headers = &read["config"]["headers"][0];
            assert_eq!(headers["for"], "/*", "{name}");
            assert_eq!(headers["values"]["X-Content-Type-Options"], "nosniff", "{name}");
        }
    }
}

#[test]
fn paths_lead_where_they_should() {
    let project = page(ROUTED, "");
    let asked = [
        "/api",
        "/api/x",
        "/api/x/y/",
        "/apiary",
        "/ws/v1/z",
        "/assets/gone.js",
        "/deep/page",
        "/",
        "/.well-known/x",
    ];
    let Some(read) = read("netlify: paths", project.path(), "netlify.toml", &asked) else { return };
    let led = |path: &str| {
        let led = &read["led"][path];
        (led[0].as_u64().unwrap(), led[1].as_str().unwrap().to_owned(), led[2].as_bool().unwrap())
    };
    let is = |path: &str, status: u64, to: &str, force: bool| {
        assert_eq!(led(path), (status, to.to_owned(), force), "{path}");
    };
    is("/api", 200, "https://api.example.com/api", true);
    is("/api/x", 200, "https://api.example.com/api/x", true);
    is("/api/x/y/", 200, "https://api.example.com/api/x/y/", true);
    is("/ws/v1/z", 200, "https://api.example.com/ws/v1/z", true);
    is("/apiary", 200, "/index.html", false);
    is("/deep/page", 200, "/index.html", false);
    is("/", 200, "/index.html", false);
    is("/assets/gone.js", 404, "/404.html", false);
    is("/.well-known/x", 404, "/404.html", false);
    assert_eq!(read["config"]["build"]["environment"]["VITE_API"], "/.");
    assert!(read["config"]["build"]["base"].as_str().unwrap().ends_with("/web"));
    assert!(project.read("netlify.toml").contains("netlify sites:create --name my-shop"));
}

#[test]
fn every_value_comes_back_as_it_was() {
    // A line break is refused by name: the page's Dockerfile cannot carry it.
    let fit = || HOSTILE.iter().enumerate().filter(|(_, value)| !value.contains(['\n', '\r']));
    let mut more = String::new();
    for (at, value) in fit() {
        more.push_str(&format!("      V{at}: {}\n", Value::from(value.replace("${", "$${"))));
    }
    more.push_str("    headers: { X-Odd: \"a, b; c='d' \\\"e\\\" \\\\ $f #g\" }\n");
    let project = page(ROUTED, &more);
    let Some(read) = read("netlify: values", project.path(), "netlify.toml", &["/"]) else { return };
    for (at, value) in fit() {
        assert_eq!(read["config"]["build"]["environment"][format!("V{at}")], *value, "V{at}");
    }
    assert_eq!(read["config"]["headers"][0]["values"]["X-Odd"], "a, b; c='d' \"e\" \\ $f #g");
}

#[test]
fn what_lies_beside_a_page_is_not_served() {
    let yaml = "project: shop\nservices:\n  web:\n    build: { kind: static }\nenvironments:\n  production: { target: netlify }\n";
    let project = rendered(yaml, "netlify");
    let asked = ["/dashdeploy.yaml", "/deploy/web/Dockerfile", "/netlify.toml", "/about", "/a.css"];
    let Some(read) = read("netlify: beside", project.path(), "netlify.toml", &asked) else { return };
    for path in &asked[..3] {
        assert_eq!(read["led"][path], serde_json::json!([404, "/404.html", true]), "{path}");
    }
    assert!(read["led"]["/about"].is_null() && read["led"]["/a.css"].is_null());
}

#[test]
fn several_pages_have_a_file_each() {
    let yaml = "project: shop\nservices:\n  web:\n    build: { kind: vite, context: web }\n  docs:\n    \
                build: { kind: static, context: docs, root: public }\n    publish: false\nenvironments:\n  production: { target: netlify }\n  \
                staging: { target: netlify }\n";
    let project = rendered(yaml, "netlify");
    let files = below(project.path(), &|path| path.contains("netlify"));
    let all =
        ["docs/netlify.staging.toml", "docs/netlify.toml", "web/netlify.staging.toml", "web/netlify.toml"];
    assert_eq!(files, all);
    for file in all {
        let Some(read) = read("netlify: several", project.path(), file, &[]) else { return };
        let folder = if file.starts_with("web") { "web/dist" } else { "docs/public" };
        let published = read["config"]["build"]["publish"].as_str().unwrap();
        assert!(published.ends_with(folder.split_once('/').unwrap().1), "{file}: {published}");
    }
}
