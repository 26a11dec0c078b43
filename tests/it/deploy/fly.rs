//! Deploys to Fly.io in memory.

use std::sync::Arc;
use std::time::Duration;

use dashdeploy_fakes::fly::{Fly, FlyOptions};
use dashdeploy_fakes::workload::{Exit, Script, Scripted, When};

use super::kills::{Case, every_kill, every_signal};
use super::stage::Stage;

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

fn platform() -> Box<Fly> {
    let bad = [
        ("crash", script(|script| script.exit = Some(Exit { after_ms: 5, code: 3 }))),
        ("never", script(|script| script.healthy_after_ms = None)),
    ];
    let runner = Arc::new(Scripted::default());
    for (value, script) in bad {
        runner.rule(When::Env("MODE".to_owned(), value.to_owned()), script);
    }
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Box::new(Fly::new(FlyOptions {
        runner,
        started,
        restart: Duration::from_millis(20),
        ..FlyOptions::quick()
    }))
}

fn staged(name: &str, latency: Duration, configuration: impl Fn(&str, &str) -> String) -> Stage {
    let mut stage = Stage::new(name, "staging", vec![platform()], latency, configuration);
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

#[test]
fn the_second_deploy_makes_no_write_and_two_reads_a_service() {
    let stage = deployed("fly-noop");
    let before = stage.lab.log().len();
    let plan = stage.run(&["plan", "--exit-code"]).exits(0);
    let log = stage.lab.log()[before..].to_vec();
    let (writes, reads) = (log.iter().filter(|entry| entry.seen.writes).count(), log.len());
    println!("plan of 2 services without a change: {writes} writes, {reads} reads");
    assert!(writes == 0, "{}", plan.all());
    let again = stage.run(&["deploy", "--yes", "--json"]).exits(0).json();
    assert_eq!(again["result"]["changed"], false);
    assert!(stage.lab.log()[before..].iter().all(|entry| !entry.seen.writes));
}

#[test]
fn a_bad_version_leaves_the_former_one_and_says_why() {
    for (mode, word) in [("crash", "code 3"), ("never", "does not serve")] {
        let mut stage = deployed(&format!("fly-{mode}"));
        stage.set("DASHDEPLOY_WAIT_TIMEOUT", "3");
        stage.set("DASHDEPLOY_STABLE_FOR", "2");
        stage.project.replace("dashdeploy.yaml", "LOG: info", &format!("LOG: info, MODE: {mode}"));
        let ran = stage.run(&["deploy", "--yes"]).exits(4);
        assert!(ran.stderr.contains(word), "{mode}: {}", ran.stderr);
        stage.project.replace("dashdeploy.yaml", &format!("LOG: info, MODE: {mode}"), "LOG: info");
        stage.run(&["status", "--check"]).exits(0);
        stage.run(&["plan", "--exit-code"]).exits(0);
    }
}

#[test]
fn a_failing_smoke_test_brings_the_former_release_back() {
    let stage = deployed("fly-smoke");
    stage.project.replace("dashdeploy.yaml", "path: /healthz }", "path: /broken }");
    stage.project.replace("dashdeploy.yaml", "LOG: info", "LOG: debug");
    let ran = stage.run(&["deploy", "--yes"]).exits(4);
    assert!(ran.stderr.contains("/broken") && ran.stderr.contains("500"), "{}", ran.stderr);
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

#[test]
fn twenty_services_take_about_as_long_as_one() {
    let many = |count: usize| {
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
    };
    let run = |count: usize| {
        let stage = staged(&format!("fly-many-{count}"), Duration::from_millis(50), many(count));
        let begun = std::time::Instant::now();
        stage.run(&["deploy", "--yes"]).exits(0);
        (begun.elapsed(), stage.calls())
    };
    let (one, calls_of_one) = run(1);
    let (twenty, calls) = run(20);
    println!(
        "with answers after 50 ms: 1 service {one:.2?} in {calls_of_one} calls, 20 services {twenty:.2?} in {calls} calls: {:.2} times as long",
        twenty.as_secs_f64() / one.as_secs_f64()
    );
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
