//! Deploys to Fly.io in memory.

use std::sync::Arc;
use std::time::Duration;

use dashdeploy_fakes::fly::{Fly, FlyOptions};
use dashdeploy_fakes::workload::{Exit, Script, Scripted, When};

use super::kills::{Case, every_kill, every_signal};
use super::losses::every_lost_answer;
use super::stage::{Stage, digest};
use crate::support::figure;

const KEY: &str = "canary-7d20aa";

fn configuration(name: &str, registry: &str) -> String {
    format!(
        "project: {name}
services:
  api:
    image: {registry}/acme/api:1
    port: 8000
    publish: 18000
    health: /healthz
    env: {{ LOG: info }}
    secrets: {{ KEY: required }}
    volumes: {{ data: /data }}
  web:
    image: {registry}/acme/web:1
    port: 8080
    publish: 18080
    health: /
    env: {{ API: '${{services.api.url}}' }}
volumes:
  data: {{ size: 1Gi, writers: single }}
smoke:
  - {{ service: api, path: /healthz }}
environments:
  staging: {{ target: fly, region: fra, services: {{ web: {{ options: {{ strategy: rolling }} }} }} }}
ci: false
"
    )
}

fn script(change: impl FnOnce(&mut Script)) -> Script {
    let mut script = Script::default();
    change(&mut script);
    script
}

/// Lines of a program in its log.
fn says(script: &mut Script, line: &str) {
    script.lines = vec![line.to_owned()];
}

fn options() -> FlyOptions {
    let bad = [
        (
            "crash",
            script(|script| {
                script.exit = Some(Exit { after_ms: 5, code: 3 });
                says(script, "no database here");
            }),
        ),
        (
            "never",
            script(|script| {
                script.healthy_after_ms = None;
                says(script, "waiting for nobody");
            }),
        ),
        ("other", script(|script| says(script, "the wrong one"))),
    ];
    let runner = Arc::new(Scripted::new(script(|script| says(script, "it listens"))));
    for (value, script) in bad {
        runner.rule(When::Env("MODE".to_owned(), value.to_owned()), script);
    }
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    FlyOptions {
        runner,
        started,
        restart: Duration::from_millis(20),
        swapped: vec![("api-swapped".to_owned(), format!("sha256:{}", "b".repeat(64)))],
        ..FlyOptions::quick()
    }
}

fn staged(name: &str, latency: Duration, configuration: impl Fn(&str, &str) -> String) -> Stage {
    staged_on(options(), name, latency, configuration)
}

fn staged_on(
    options: FlyOptions,
    name: &str,
    latency: Duration,
    configuration: impl Fn(&str, &str) -> String,
) -> Stage {
    let mut stage = Stage::new(name, "staging", vec![Box::new(Fly::new(options))], latency, configuration);
    let host = stage.registry.host();
    stage.set("FLY_REGISTRY_HOST", &host);
    stage.set("KEY", KEY);
    stage
}

fn stage(name: &str) -> Stage {
    staged(name, Duration::ZERO, configuration)
}

fn deployed(name: &str) -> Stage {
    let stage = stage(name);
    stage.run(&["deploy", "--yes"]).exits(0);
    stage
}

/// What a run asked: writes, reads of the platform, reads of registries.
fn asked(stage: &Stage, arguments: &[&str]) -> (usize, usize, usize) {
    let (before, images) = (stage.lab.log().len(), stage.registry.asked().len());
    stage.run(arguments).exits(0);
    let log = &stage.lab.log()[before..];
    let writes = log.iter().filter(|entry| entry.seen.writes).count();
    (writes, log.len() - writes, stage.registry.asked().len() - images)
}

#[test]
fn the_second_deploy_makes_no_write_and_two_reads_a_service() {
    // One service has a secret; both have an image that is named by a tag, whose digest its registry is asked for.
    let stage = deployed("fly-noop");
    let (writes, reads, images) = asked(&stage, &["deploy", "--yes"]);
    figure(&format!(
        "fly: deploy without a change, 2 services, 1 with a secret, images by tag: {writes} writes, {reads} reads of the platform, {images} of the registry"
    ));
    assert!(writes == 0 && reads <= 4 && images <= 2, "{writes} {reads} {images}");
    assert_eq!(asked(&stage, &["plan", "--exit-code"]), (writes, reads, images));
    // The same with images by digest: nothing about them is asked.
    let by_digest = |name: &str, registry: &str| {
        let pinned = |part: &str| format!("{part}@{}", digest(&format!("/v2/{part}/manifests/1")));
        let configuration = configuration(name, registry);
        configuration.replace("acme/api:1", &pinned("acme/api")).replace("acme/web:1", &pinned("acme/web"))
    };
    let stage = staged("fly-noop-digest", Duration::ZERO, by_digest);
    stage.run(&["deploy", "--yes"]).exits(0);
    let (writes, reads, images) = asked(&stage, &["deploy", "--yes"]);
    figure(&format!(
        "fly: the same with images by digest: {writes} writes, {reads} reads, {images} of the registry"
    ));
    assert!(writes == 0 && reads + images <= 4, "{writes} {reads} {images}");
    let stage = staged("fly-noop-many", Duration::ZERO, many(20));
    stage.run(&["deploy", "--yes"]).exits(0);
    let (writes, reads, images) = asked(&stage, &["deploy", "--yes"]);
    figure(&format!(
        "fly: deploy without a change, 20 services by tag: {writes} writes, {reads} reads of the platform, {images} of the registry"
    ));
    assert!(writes == 0 && reads + images <= 2 * 20 + 2, "{writes} {reads} {images}");
}

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

#[test]
fn blue_and_green_change_places_without_a_gap() {
    let configuration = |name: &str, registry: &str| {
        configuration(name, registry).replace("strategy: rolling", "strategy: bluegreen")
    };
    let stage = staged("fly-green", Duration::ZERO, configuration);
    stage.run(&["deploy", "--yes"]).exits(0);
    stage.project.replace("dashdeploy.yaml", "acme/web:1", "acme/web:2");
    stage.run(&["deploy", "--yes"]).exits(0);
    stage.run(&["plan", "--exit-code"]).exits(0);
    let back = stage.run(&["rollback", "--yes", "--json"]).exits(0).json();
    assert_eq!(back["result"]["of"], "r1");
}

#[test]
fn an_environment_is_taken_away_and_its_data_only_by_name() {
    let stage = deployed("fly-destroy");
    stage.run(&["destroy", "--yes"]).exits(0);
    let left = stage.lab.objects("fly");
    assert!(stage.count("fly", "apps") == 1 && left.to_string().contains("\"vol_"), "{left}");
    stage.run(&["destroy", "--yes", "--delete-data", "--confirm", "staging"]).exits(0);
    assert_eq!(stage.count("fly", "apps"), 0, "{}", stage.lab.objects("fly"));
}

/// So many services that need nothing of each other.
fn many(count: usize) -> impl Fn(&str, &str) -> String {
    move |name: &str, registry: &str| {
        let service = |n: usize| {
            format!(
                "  s{n}:\n    image: {registry}/acme/s{n}:1\n    port: 8000\n    publish: {}\n    health: /healthz\n",
                20000 + n
            )
        };
        let services: String = (0..count).map(service).collect();
        format!(
            "project: {name}\nservices:\n{services}environments:\n  staging: {{ target: fly, region: fra }}\nci: false\n"
        )
    }
}

#[test]
fn twenty_services_take_about_as_long_as_one() {
    for millis in [50, 200] {
        let run = |count: usize| {
            let stage = staged(&format!("fly-many-{count}"), Duration::from_millis(millis), many(count));
            let begun = std::time::Instant::now();
            stage.run(&["deploy", "--yes"]).exits(0);
            (begun.elapsed(), stage.calls())
        };
        // The quickest of some: what else the machine does comes on top.
        let quickest = |count: usize| (0..3).map(|_| run(count)).min().unwrap();
        let ((one, calls_of_one), (twenty, calls)) = (quickest(1), quickest(20));
        let ratio = twenty.as_secs_f64() / one.as_secs_f64();
        figure(&format!(
            "fly: with answers after {millis} ms: 1 service {one:.2?} in {calls_of_one} calls, 20 services {twenty:.2?} in {calls} calls: {ratio:.2} times as long"
        ));
        assert!(ratio < 1.5, "{ratio}");
        assert!(calls_of_one <= 14 && calls <= 20 * 14, "{calls_of_one} {calls}");
    }
}

#[test]
fn limits_of_the_platform_are_kept() {
    let options = FlyOptions { limits: true, ..options() };
    let stage = staged_on(options, "fly-limits", Duration::ZERO, many(6));
    // Six apps at once are too many for a platform that counts all of them together, as this one does: they queue up.
    stage.run(&["deploy", "--yes"]).exits(0);
    let refused = stage.lab.log().iter().filter(|entry| entry.status == Some(429)).count();
    figure(&format!(
        "fly: 6 services on a platform that counts: {refused} of {} calls were too many",
        stage.calls()
    ));
    assert_eq!(stage.count("fly", "apps"), 6);
    stage.run(&["plan", "--exit-code"]).exits(0);
}

fn case() -> Case {
    Case { platform: "fly", stage, update: ("LOG: info", "LOG: debug") }
}

#[test]
fn a_first_deploy_that_is_killed_anywhere_converges() {
    every_kill(&case(), false);
}

#[test]
fn an_update_that_is_killed_anywhere_converges() {
    every_kill(&case(), true);
}

#[test]
fn a_signal_ends_it_within_ten_seconds_and_the_lock_is_free() {
    every_signal(&case());
}

#[test]
fn a_first_deploy_that_loses_an_answer_makes_nothing_twice() {
    every_lost_answer(&case(), false);
}

#[test]
fn an_update_that_loses_an_answer_makes_nothing_twice() {
    every_lost_answer(&case(), true);
}
