//! Versions that do not serve, at Render: the former one serves on, and what is told shows why.

use super::deployed;
use crate::support::figure;

/// Their mode, what is said of them, a line of their log.
const BAD: [[&str; 3]; 3] = [
    ["crash", "update_failed", "no such module"],
    ["never", "update_failed", "waiting for nobody"],
    ["gone", "build_failed", "Failed to pull the image"],
];

#[test]
fn a_bad_version_leaves_the_former_one_and_says_why() {
    for [mode, word, line] in BAD {
        let mut stage = deployed(&format!("render-{mode}"));
        let former = stage.truth("render")["services"].clone();
        stage.set("DASHDEPLOY_WAIT_TIMEOUT", "8");
        stage.project.replace("dashdeploy.yaml", "LOG: info", &format!("LOG: debug, MODE: {mode}"));
        let all = stage.run(&["deploy", "--yes"]).exits(4).all();
        assert!(all.contains(word) && all.contains(line), "{mode}: {all}");
        stage.project.replace("dashdeploy.yaml", &format!("LOG: debug, MODE: {mode}"), "LOG: info");
        stage.run(&["status", "--check"]).exits(0);
        stage.run(&["plan", "--exit-code"]).exits(0);
        assert_eq!(stage.truth("render")["services"], former, "{mode}");
        let history = stage.run(&["history", "--json"]).exits(0).json();
        assert_eq!(history["result"]["releases"][0]["outcome"], "rolled_back", "{mode}");
    }
    figure(&format!(
        "render: {} bad versions: the former one serves, exit code 4, reason and log told",
        BAD.len()
    ));
}

#[test]
fn another_image_than_the_one_that_was_sent_is_no_release() {
    let mut stage = deployed("render-other");
    stage.set("DASHDEPLOY_VERIFY_TIMEOUT", "2");
    let former = stage.run(&["status", "--json"]).exits(0).json();
    stage.project.replace("dashdeploy.yaml", "acme/api:1", "acme/api-swapped:1");
    let all = stage.run(&["deploy", "--yes"]).exits(4).all();
    assert!(all.contains("sha256:bbbb"), "{all}");
    stage.project.replace("dashdeploy.yaml", "acme/api-swapped:1", "acme/api:1");
    let after = stage.run(&["status", "--json"]).exits(0).json();
    assert_eq!(former["result"]["standing"]["services"], after["result"]["standing"]["services"]);
}

#[test]
fn a_failing_smoke_test_brings_the_former_release_back() {
    let stage = deployed("render-bad");
    let former = stage.run(&["status", "--json"]).exits(0).json();
    stage.project.replace("dashdeploy.yaml", "path: /healthz }", "path: /broken }");
    stage.project.replace("dashdeploy.yaml", "LOG: info", "LOG: debug");
    let ran = stage.run(&["deploy", "--yes"]).exits(4);
    assert!(ran.stderr.contains("/broken") && ran.stderr.contains("500"), "{}", ran.stderr);
    assert!(ran.stderr.contains("taken back"), "{}", ran.stderr);
    stage.project.replace("dashdeploy.yaml", "path: /broken }", "path: /healthz }");
    stage.project.replace("dashdeploy.yaml", "LOG: debug", "LOG: info");
    let after = stage.run(&["status", "--json"]).exits(0).json();
    assert_eq!(former["result"]["standing"]["services"], after["result"]["standing"]["services"]);
    let history = stage.run(&["history", "--json"]).exits(0).json();
    assert_eq!(history["result"]["releases"][0]["outcome"], "rolled_back");
    assert_eq!(history["result"]["releases"][1]["runs"], true);
}
