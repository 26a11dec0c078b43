//! Deploys to Fly.io in memory.

mod bad;
mod speed;

use std::sync::Arc;
use std::time::Duration;

use dashdeploy_fakes::fly::{Fly, FlyOptions};
use dashdeploy_fakes::workload::{Exit, Script, Scripted, When};

use super::kills::{Case, every_kill, every_signal};
use super::losses::every_lost_answer;
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
