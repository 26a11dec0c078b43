//! Versions that do not serve, at Fly.io: the former one serves on, and what is told shows why.

use std::time::Duration;

use dashdeploy_fakes::fly::FlyOptions;

use super::{configuration, deployed, options, staged_on};
use crate::deploy::stage::Stage;
use crate::support::figure;

/// What serves: each service with its digest and its mode.
fn serving(stage: &Stage) -> Vec<String> {
    let objects = stage.lab.objects("fly");
    let apps = objects["apps"].as_object().unwrap().iter();
    let machines = apps.flat_map(|(app, found)| {
        let machines = found["machines"].as_object().unwrap().values();
        let serving = machines.filter(|machine| machine["serves"] == true);
        serving.map(move |machine| format!("{app} {} {}", machine["digest"], machine["config"]["env"]["LOG"]))
    });
    machines.collect()
}

/// Versions that do not serve: their mode, what is said of them, a line of their log.
const CRASH: [&str; 3] = ["crash", "code 3", "no database here"];
const NEVER: [&str; 3] = ["never", "connection refused", "waiting for nobody"];
const OTHER: [&str; 3] = ["other", "a copy runs sha256:bbbb", "the wrong one"];

/// Deploys bad versions over a good one, which is to serve on: exit code 4, and what shows why.
fn bad_versions(way: &str, bad: &[[&str; 3]]) {
    for [mode, word, line] in bad {
        let configuration = |name: &str, registry: &str| {
            let whole = configuration(name, registry);
            if way.is_empty() {
                return whole;
            }
            // A volume is one machine's.
            let whole = whole.replace("    volumes: { data: /data }\n", "");
            let whole = whole.replace("volumes:\n  data: { size: 1Gi, writers: single }\n", "");
            whole.replace("strategy: rolling } }", &format!("strategy: rolling }} }}, api: {{ {way} }}"))
        };
        // The program that ends has ended before it is checked.
        let options = FlyOptions { first_check: Duration::from_millis(10), ..options() };
        let mut stage = staged_on(options, &format!("fly-{mode}"), Duration::ZERO, configuration);
        stage.run(&["deploy", "--yes"]).exits(0);
        let former = serving(&stage);
        stage.set("DASHDEPLOY_WAIT_TIMEOUT", "3");
        stage.set("DASHDEPLOY_VERIFY_TIMEOUT", "2");
        stage.set("DASHDEPLOY_STABLE_FOR", "2");
        let image = if *mode == "other" { "acme/api-swapped:1" } else { "acme/api:1" };
        stage.project.replace("dashdeploy.yaml", "acme/api:1", image);
        stage.project.replace("dashdeploy.yaml", "LOG: info", &format!("LOG: debug, MODE: {mode}"));
        let all = stage.run(&["deploy", "--yes"]).exits(4).all();
        assert!(all.contains(word) && all.contains(line), "{way} {mode}: {all}");
        stage.project.replace("dashdeploy.yaml", image, "acme/api:1");
        stage.project.replace("dashdeploy.yaml", &format!("LOG: debug, MODE: {mode}"), "LOG: info");
        stage.run(&["status", "--check"]).exits(0);
        assert_eq!(serving(&stage), former, "{way} {mode}");
        stage.run(&["plan", "--exit-code"]).exits(0);
        let history = stage.run(&["history", "--json"]).exits(0).json();
        assert_eq!(history["result"]["releases"][0]["outcome"], "rolled_back", "{way} {mode}");
    }
    let way = if way.is_empty() { "one machine in its place" } else { way };
    figure(&format!(
        "fly: {} bad versions ({way}): the former one serves, exit code 4, reason and log told",
        bad.len()
    ));
}

#[test]
fn a_bad_version_in_the_place_of_a_machine_leaves_the_former_one() {
    bad_versions("", &[CRASH, NEVER, OTHER]);
}

#[test]
fn a_bad_version_machine_by_machine_leaves_the_former_ones() {
    bad_versions("replicas: 2, options: { strategy: rolling }", &[CRASH, OTHER]);
}

#[test]
fn a_bad_version_beside_the_former_one_never_takes_its_place() {
    bad_versions("options: { strategy: bluegreen }", &[CRASH, OTHER]);
}

#[test]
fn a_failing_smoke_test_brings_the_former_release_back() {
    let stage = deployed("fly-smoke");
    let former = serving(&stage);
    stage.project.replace("dashdeploy.yaml", "path: /healthz }", "path: /broken }");
    stage.project.replace("dashdeploy.yaml", "LOG: info", "LOG: debug");
    let ran = stage.run(&["deploy", "--yes"]).exits(4);
    let all = ran.all();
    assert!(all.contains("/broken") && all.contains("500") && all.contains("it listens"), "{all}");
    assert_eq!(serving(&stage), former);
    stage.project.replace("dashdeploy.yaml", "path: /broken }", "path: /healthz }");
    stage.project.replace("dashdeploy.yaml", "LOG: debug", "LOG: info");
    stage.run(&["plan", "--exit-code"]).exits(0);
}
