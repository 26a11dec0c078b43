//! `check` on code: what is found, in which forms, and that nothing of the project is run, changed or shown.

use serde_json::Value;

use crate::support::{Project, repository};

const YAML: &str = "project: shop
services:
  api:
    build: { kind: fastapi, app: app.main:app }
    port: 8000
    health: /health
    env: { ALPHA_KEY_ID: \"x\" }
  web:
    build: { kind: vite, context: web }
";
const MAIN: &str = "import os
from fastapi import FastAPI

app = FastAPI()
TOKEN = os.environ[\"SHOP_TOKEN\"]

@app.get(\"/health\")
def health():
    with open(\"data/seen.csv\", \"a\") as file:
        file.write(\"x\")
";
const CANARY: &str = "sk-canary-93aa01";

/// A project with one of each.
fn shop(name: &str) -> Project {
    let project = Project::empty(name);
    project.write("dashdeploy.yaml", YAML);
    project.write("requirements.txt", "fastapi==0.115.0\nuvicorn==0.30.0\n");
    project.write("app/main.py", MAIN);
    project.write(".env", &format!("SHOP_TOKEN={CANARY}\n"));
    project.write(
        "web/package.json",
        "{ \"scripts\": { \"build\": \"vite build\" }, \"devDependencies\": { \"vite\": \"5.0.0\" } }",
    );
    project.write("web/index.html", "<div id=\"root\"></div>");
    project.write("web/src/main.js", "fetch(import.meta.env.VITE_API_URL + '/x')\n");
    project.write("web/.env.production", "VITE_API_URL=https://old.example.com\n");
    project
}

#[test]
fn what_the_code_needs_and_nobody_gives_is_told_with_its_place_and_the_mend() {
    let project = shop("review-told");
    let ran = project.run(&["check"]).exits(0);
    for expected in [
        "variable-not-declared",
        "app/main.py:5",
        "`SHOP_TOKEN` is read here",
        "services.api.secrets",
        "data-not-kept",
        "app/main.py:9",
        "variable-not-read",
        "dashdeploy.yaml:7",
        "env-file-left-out",
        "https://old.example.com",
        "web/.env.production:1",
        "secret-committed",
        "git rm --cached .env",
        "no-lock-file",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}\n{}", ran.stderr);
    }
    assert!(ran.stdout.contains("is valid") && !ran.all().contains(CANARY), "{}", ran.all());
    project.run(&["check", "--strict"]).exits(2);
    assert!(!project.run(&["check", "--no-code"]).exits(0).stderr.contains("variable-not"));
}

#[test]
fn a_silence_takes_one_out_and_json_keeps_it_with_its_reason() {
    let project = shop("review-silence");
    let silence = "check:\n  silence:\n    data-not-kept api: a cache\n    no-such-code: x\n";
    project.write("dashdeploy.yaml", &format!("{YAML}{silence}"));
    let ran = project.run(&["check"]).exits(0);
    assert!(
        !ran.stderr.contains("data-not-kept") && ran.stderr.contains("`no-such-code` is no code"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("1 silenced"), "{}", ran.stdout);
    let json = project.run(&["check", "--json"]).exits(0).json();
    assert_eq!(json["result"]["silenced"][0]["reason"], "a cache");
    assert_eq!(json["result"]["silenced"][0]["finding"]["code"], "data-not-kept");
    project.write("dashdeploy.yaml", &format!("{YAML}check: {{ silence: {{ no-lock-file: \"\" }} }}\n"));
    assert!(project.run(&["check"]).exits(2).stderr.contains("no-reason"));
}

#[test]
fn code_scanning_gets_every_finding_and_its_rule() {
    let project = shop("review-sarif");
    let ran = project.run(&["check", "--format", "sarif"]).exits(0);
    let log: Value = serde_json::from_str(&ran.stdout).unwrap();
    let run = &log["runs"][0];
    let rules: Vec<&Value> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 6 && log["version"] == "2.1.0", "{log:#}");
    for result in results {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
        let region = &result["locations"][0]["physicalLocation"]["region"];
        let column = |name: &str| region[name].as_u64().unwrap();
        assert!(column("startLine") > 0 && column("endColumn") > column("startColumn"), "{result}");
    }
    // What is wrong with dashdeploy.yaml itself is there, too, and the exit code says so.
    project.write("dashdeploy.yaml", "project: shop\nservices: {}\nnothing: 1\n");
    let ran = project.run(&["check", "--format", "sarif"]).exits(2);
    let log: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(
        log["runs"][0]["results"].as_array().unwrap().iter().any(|result| result["ruleId"] == "unknown-key")
    );
}

#[test]
fn codes_are_explained() {
    let project = Project::empty("review-explain");
    let ran = project.run(&["check", "--explain", "data-not-kept"]).exits(0);
    assert!(ran.stdout.contains("build.links") && ran.stdout.contains("silence:"), "{}", ran.stdout);
    let all = project.run(&["check", "--explain", "list"]).exits(0);
    assert!(all.stdout.lines().count() > 15, "{}", all.stdout);
    let near = project.run(&["check", "--explain", "data-not-keep"]).exits(2);
    assert!(near.stderr.contains("did you mean `data-not-kept`?"), "{}", near.stderr);
}

#[test]
fn the_examples_are_told_nothing() {
    let examples =
        std::fs::read_dir(repository().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let mut count = 0;
    for example in examples.filter(|path| path.join("dashdeploy.yaml").exists()) {
        let folder = example.display().to_string();
        let ran = Project::empty("review-examples").run(&["-C", &folder, "check", "--json"]).exits(0);
        let findings = ran.json()["result"]["findings"].clone();
        let doubts = findings.as_array().unwrap().iter().filter(|finding| {
            finding["severity"] != "info" && !finding["code"].as_str().unwrap().starts_with("not-portable")
        });
        assert_eq!(doubts.count(), 0, "{folder}: {findings:#}");
        count += 1;
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn trees_that_are_broken_huge_or_circular_are_survived() {
    let project = shop("review-hostile");
    project.write("app/broken.py", "def (:\n  '''never closed\n\u{0} os.environ[");
    project.write("web/src/broken.ts", "const a = `${`${ process.env.X");
    std::fs::write(project.path().join("app/binary.py"), [0_u8, 159, 146, 150, 255]).unwrap();
    std::os::unix::fs::symlink("..", project.path().join("app/loop")).unwrap();
    std::fs::File::create(project.path().join("app/huge.py")).unwrap().set_len(50 << 20).unwrap();
    let begun = std::time::Instant::now();
    let ran = project.run(&["check"]).exits(0);
    assert!(ran.stderr.contains("app/main.py:5") && begun.elapsed().as_secs() < 10, "{}", ran.stderr);
}
