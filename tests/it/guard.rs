//! Nothing secret gets out: a canary in every place that a project has, looked for by the program as users run it.

mod engine;

use serde_json::Value;

use crate::support::{Project, Ran, repository};

/// A secret that is nowhere else. In pieces, so that no scanner takes this file for a leak.
pub fn canary() -> String {
    ["c4n4ry/", "ä\"", "Xq7", "'&+z", "-0fThe", "M1ne"].concat()
}

/// A project of one service with a Dockerfile of its own, and the canary as its secret.
pub fn project(name: &str, dockerfile: &str) -> Project {
    let project = Project::empty(name);
    let text = format!(
        "project: {}\nservices:\n  api:\n    build: {{ kind: dockerfile, context: app }}\n    publish: false\n    secrets: {{ API_KEY: required }}\n",
        project.name
    );
    project.write("dashdeploy.yaml", &text);
    project.write("app/Dockerfile", dockerfile);
    project
}

/// The findings of the last JSON line: code and place.
pub fn found(ran: &Ran) -> Vec<(String, String)> {
    let report = ran.json();
    let findings = report["error"]["findings"].as_array().or_else(|| report["findings"].as_array()).cloned();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = findings.unwrap_or_default().into_iter().map(|finding| {
        let place = &finding["place"];
        (text(&finding["code"]), format!("{}:{}:{}", text(&place["file"]), place["line"], place["column"]))
    });
    each.collect()
}

/// No form of the canary, nor a longer part of it, is in what was printed.
pub fn assert_hidden(ran: &Ran) {
    for part in ["c4n4ry", "0fThe", "M1ne", "YzRuNHJ5", "6334"] {
        assert!(!ran.all().contains(part), "{part} is shown:\n{}", ran.all());
    }
}

#[test]
fn an_allowance_needs_a_fingerprint_and_a_reason_and_is_written_beside_what_is_there() {
    let project = project("allow", "FROM scratch\n");
    let before = project.read("dashdeploy.yaml") + "# the end\n";
    project.write("dashdeploy.yaml", &before);
    project.run(&["build", "--allow", "3fa9c1d2e4b5"]).exits(2);
    project.run(&["build", "--reason", "x"]).exits(2);
    project.run(&["build", "--allow", "3fa9", "--reason", "x"]).exits(2);
    project.run(&["build", "--allow", "3fa9c1d2e4b5", "--reason", " "]).exits(2);
    project.run(&["build", "--dry-run", "--allow", "3fa9c1d2e4b5", "--reason", "x"]).exits(0);
    assert_eq!(project.read("dashdeploy.yaml"), before);
}

#[test]
fn the_examples_hold_nothing_that_a_guard_refuses() {
    use dashdeploy::guard::{Border, Guard};
    let guard = Guard::new("examples", Vec::new(), std::collections::BTreeMap::new());
    let inspect = guard.at(Border::Context);
    let dir = dashdeploy::io::fs::ProjectDir::open(&repository().join("examples")).unwrap();
    let files = dir.files_below("").unwrap();
    assert!(files.len() > 50);
    for path in files {
        let bytes = std::fs::read(dir.join(&path)).unwrap();
        let mut inspection = inspect.open(&path, bytes.len() as u64);
        inspection.piece(&bytes);
        assert_eq!(inspection.end(), [], "{path}");
    }
}
