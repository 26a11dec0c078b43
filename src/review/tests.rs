//! Code and configuration side by side: what is told, and what is not.

use super::*;
use crate::config;
use crate::detect::tree::MemoryTree;

/// The codes that are told of a tree and a configuration, each with its severity and place.
fn told(yaml: &str, files: &[(&str, &str)]) -> Vec<String> {
    let tree = MemoryTree::new("shop", files.iter().copied());
    let parsed = config::parse("dashdeploy.yaml", yaml.as_bytes(), &[]);
    let project = parsed.project.unwrap_or_else(|| panic!("{:?}", parsed.findings));
    let review = review(&tree, &project, &parsed.places);
    let line = |finding: &Finding| {
        let place =
            finding.place.as_ref().map(|place| format!(" {}:{}", place.file, place.line)).unwrap_or_default();
        format!("{:?} {}{place}", finding.severity, finding.code)
    };
    review.findings.iter().map(line).collect()
}

const API: &str = "project: shop\nservices:\n  api:\n    build: { kind: fastapi, app: app.main:app }\n    port: 8000\n    health: /health\n";
const MAIN: &str =
    "import os\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/health')\ndef health(): return 1\n";

fn api(config: &str, code: &str) -> Vec<String> {
    let main = format!("{MAIN}{code}");
    let yaml = format!("{API}{config}");
    told(&yaml, &[("requirements.txt", "fastapi==0.1\nuvicorn==0.1\n"), ("app/main.py", &main)])
}

#[test]
fn a_service_that_has_what_it_needs_is_told_nothing() {
    let config = "    env: { MODE_X: a, DATA_DIR: /data }\n    secrets: { KEY: required }\n    volumes: { data: /data }\nvolumes: { data: }\n";
    let code = "a = os.environ['MODE_X']; k = os.environ['KEY']\nd = os.getenv('DATA_DIR', 'data')\nopen(d + '/x', 'w')\n";
    assert_eq!(api(config, code), [] as [String; 0]);
}

#[test]
fn what_is_read_and_declared_nowhere_is_told_where_it_is_read() {
    let found = api("", "a = os.environ['NEEDED']\nb = os.getenv('MAYBE', 'x')\nc = os.environ['PATH']\n");
    assert_eq!(
        found,
        ["Warning variable-not-declared app/main.py:6", "Info variable-left-to-default app/main.py:7"]
    );
}

#[test]
fn a_tool_beside_the_application_is_no_warning() {
    let files = [
        ("requirements.txt", "fastapi==0.1\nuvicorn==0.1\n"),
        ("app/main.py", MAIN),
        ("app/tool.py", "import os\nx = os.environ['TOOL_ONLY']\n"),
    ];
    assert_eq!(told(API, &files), ["Info variable-not-declared app/tool.py:2"]);
}

#[test]
fn what_is_declared_and_never_read_is_told_with_the_name_that_a_loader_takes() {
    let config = "    env: { API_TIMEOUT: \"3\", OTEL_SERVICE_NAME: a, TS_ANY: b }\n";
    let loader = "PREFIX = 'TS_'\nfor k, v in os.environ.items():\n    if k.startswith(PREFIX): pass\nDEFAULTS = {'api_timeout': 5}\n";
    assert_eq!(api(config, loader), ["Warning variable-not-read dashdeploy.yaml:7"]);
    let tree = MemoryTree::new(
        "shop",
        [("requirements.txt", "fastapi\n".to_owned()), ("app/main.py", format!("{MAIN}{loader}"))],
    );
    let parsed = config::parse("dashdeploy.yaml", format!("{API}{config}").as_bytes(), &[]);
    let review = review(&tree, &parsed.project.unwrap(), &parsed.places);
    let hint =
        review.findings.iter().find(|finding| finding.code == "variable-not-read").unwrap().hint.clone();
    assert!(hint.unwrap().contains("TS_API_TIMEOUT"));
}

#[test]
fn an_empty_value_that_hides_a_default_is_told() {
    let found = api("    env: { LEVEL: \"\" }\n", "a = os.environ.get('LEVEL', 'info')\n");
    assert_eq!(found, ["Warning empty-overrides-default dashdeploy.yaml:7"]);
}

#[test]
fn data_outside_every_volume_is_told_and_a_link_or_a_variable_mends_it() {
    let code = "open('data/x.csv', 'w')\n";
    assert_eq!(api("", code), ["Warning data-not-kept app/main.py:6"]);
    let volume = "    volumes: { data: /data }\nvolumes: { data: }\n";
    assert_eq!(api(volume, code), ["Warning data-not-kept app/main.py:6"]);
    let linked = format!("{API}{volume}")
        .replace("app: app.main:app }", "app: app.main:app, links: { data: /data } }");
    let files =
        [("requirements.txt", "fastapi==0.1\nuvicorn==0.1\n"), ("app/main.py", &format!("{MAIN}{code}"))];
    assert_eq!(told(&linked, &files), [] as [String; 0]);
}

#[test]
fn a_health_check_that_nothing_answers_is_told() {
    let yaml = API.replace("health: /health", "health: /healthy");
    let files = [("requirements.txt", "fastapi==0.1\nuvicorn==0.1\n"), ("app/main.py", MAIN)];
    assert_eq!(told(&yaml, &files), ["Warning health-not-found dashdeploy.yaml:6"]);
    let yaml = API.replace("    health: /health\n", "");
    assert_eq!(told(&yaml, &files), ["Info health-not-checked app/main.py:4"]);
}

#[test]
fn a_silence_has_its_effect_and_one_without_is_told() {
    let code = "a = os.environ['NEEDED']\n";
    assert_eq!(api("check: { silence: { variable-not-declared: x } }\n", code), [] as [String; 0]);
    assert_eq!(api("check: { silence: { variable-not-declared api: x } }\n", code), [] as [String; 0]);
    let found = api("check: { silence: { variable-not-declared web: x, no-such: y } }\n", code);
    let expected = [
        "Warning variable-not-declared app/main.py:6",
        "Warning unknown-code dashdeploy.yaml:7",
        "Info idle-silence dashdeploy.yaml:7",
    ];
    assert_eq!(found, expected);
}

#[test]
fn every_code_that_is_told_is_explained_once_and_in_order() {
    let all: Vec<&str> = codes::ALL.iter().map(|code| code.code).collect();
    assert!(all.is_sorted() && all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
    for code in codes::ANYWHERE.iter().chain(&codes::OF_A_SERVICE) {
        assert!(codes::explain(code).is_some(), "{code}");
    }
}
