//! Deploys to Render in memory.

use std::time::Duration;

use dashdeploy_fakes::render::{Outcome, Render, RenderOptions, Rule, Table, When};

use super::kills::{Case, every_kill, every_signal};
use super::losses::every_lost_answer;
use super::stage::{Stage, digest};

const KEY: &str = "canary-5e1f9c";

fn configuration(name: &str, registry: &str) -> String {
    format!(
        "project: {name}
services:
  api:
    image: {registry}/acme/api:1
    port: 8000
    publish: 18000
    health: /healthz
    env: {{ LOG: info, ORIGIN: '${{services.web.origin}}' }}
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
  - {{ service: web, path: /, contains: 'id=\"root\"' }}
environments:
  staging: {{ target: render, region: frankfurt }}
ci: false
"
    )
}

fn platform() -> Box<Render> {
    let millis = Duration::from_millis;
    let rules = vec![Rule {
        when: When::Image("bad".to_owned()),
        outcome: Outcome::Exits { after: millis(10), code: 3 },
        lines: vec!["no such module".to_owned()],
    }];
    let options = RenderOptions {
        limits: false,
        pending: millis(5),
        workloads: Some(Box::new(Table { boot: millis(20), rules })),
        patience: Duration::from_secs(3),
        ..RenderOptions::default()
    };
    Box::new(Render::new(options))
}

fn stage(name: &str) -> Stage {
    let mut stage = Stage::new(name, "staging", vec![platform()], Duration::ZERO, configuration);
    stage.set("KEY", KEY);
    stage
}

fn deployed(name: &str) -> Stage {
    let stage = stage(name);
    stage.run(&["deploy", "--yes"]).exits(0);
    stage
}

#[test]
fn the_second_deploy_makes_no_write_and_few_reads() {
    let stage = deployed("render-noop");
    let before = stage.lab.log().len();
    let again = stage.run(&["deploy", "--yes", "--json"]).exits(0);
    assert_eq!(again.json()["result"]["changed"], false, "{}", again.stdout);
    let log = &stage.lab.log()[before..];
    let writes = log.iter().filter(|entry| entry.seen.writes).count();
    let planning = log.iter().take_while(|entry| !entry.seen.writes).count();
    println!("no-op deploy of 2 services: {writes} writes, {planning} reads");
    assert_eq!(writes, 0);
}

#[test]
fn what_changes_is_deployed_and_what_does_not_is_not() {
    let stage = deployed("render-change");
    stage.project.replace("dashdeploy.yaml", "LOG: info", "LOG: debug");
    let plan = stage.run(&["plan", "--json"]).exits(0).json();
    let changes: Vec<&str> = plan["result"]["plan"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["address"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["render/variables/api", "render/deploy/api"]);
    stage.run(&["plan", "--exit-code"]).exits(3);
    let before = stage.lab.effects().len();
    stage.run(&["deploy", "--yes"]).exits(0);
    let deploys =
        stage.lab.effects()[before..].iter().filter(|entry| entry.seen.path.ends_with("/deploys")).count();
    assert_eq!(deploys, 1);
    stage.run(&["plan", "--exit-code"]).exits(0);
    let history = stage.run(&["history", "--json"]).exits(0).json();
    assert_eq!(history["result"]["releases"][0]["number"], 2);
    stage.run(&["status", "--check"]).exits(0);
}

#[test]
fn a_bad_version_leaves_the_former_one_and_says_why() {
    let stage = deployed("render-bad");
    let former = stage.run(&["status", "--json"]).exits(0).json();
    stage.project.replace("dashdeploy.yaml", "acme/api:1", "acme/api-bad:2");
    // The host and name of an image cannot change at Render: only its digest does, so that the bad one has the same name.
    stage.project.replace("dashdeploy.yaml", "acme/api-bad:2", "acme/api:1");
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

#[test]
fn a_former_release_comes_back_as_a_new_one() {
    let stage = deployed("render-back");
    stage.project.replace("dashdeploy.yaml", "LOG: info", "LOG: debug");
    stage.run(&["deploy", "--yes"]).exits(0);
    let truth = |stage: &Stage| stage.truth("render").to_string();
    let changed = truth(&stage);
    let back = stage.run(&["rollback", "--yes", "--json"]).exits(0).json();
    assert_eq!((&back["result"]["release"], &back["result"]["of"]), (&"r3".into(), &"r1".into()));
    assert_ne!(changed, truth(&stage));
    let again = stage.run(&["rollback", "r2", "--yes", "--json"]).exits(0).json();
    assert_eq!(again["result"]["of"], "r2");
    stage.run(&["rollback", "r9", "--yes"]).exits(1);
}

#[test]
fn what_others_made_is_taken_over_only_where_that_is_asked_for() {
    let stage = deployed("render-others");
    // Without its marks the service is anybody's.
    let services = stage.lab.objects("render");
    let id = services["services"].as_object().unwrap().keys().next().unwrap().clone();
    let url = format!("{}/v1/services/{id}/env-vars", stage.lab.url("render"));
    let done = std::process::Command::new("curl")
        .args([
            "-sf",
            "-X",
            "PUT",
            &url,
            "-H",
            "Authorization: Bearer rnd_rehearsal",
            "-H",
            "Accept: application/json",
        ])
        .args(["-H", "Content-Type: application/json", "-d", "[{\"key\":\"A\",\"value\":\"1\"}]"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let refused = stage.run(&["deploy", "--yes"]).exits(1);
    assert!(refused.stderr.contains("--adopt"), "{}", refused.stderr);
    stage.run(&["deploy", "--yes", "--adopt"]).exits(0);
    let kept = stage.lab.objects("render").to_string();
    assert!(kept.contains("\"A\""), "variables of others stay");
    stage.run(&["plan", "--exit-code"]).exits(0);
}

#[test]
fn an_environment_is_taken_away_and_its_data_only_by_name() {
    let stage = deployed("render-destroy");
    stage.run(&["destroy", "--yes"]).exits(0);
    assert_eq!(stage.count("render", "services"), 1, "the one with the disk is suspended");
    stage.run(&["destroy", "--yes", "--delete-data"]).exits(2);
    stage.run(&["destroy", "--yes", "--delete-data", "--confirm", "other"]).exits(1);
    stage.run(&["destroy", "--yes", "--delete-data", "--confirm", "staging"]).exits(0);
    assert_eq!(stage.count("render", "services"), 0);
    assert!(stage.run(&["history"]).exits(0).stdout.contains("destroy"));
}

#[test]
fn secrets_are_set_without_a_deploy_and_kept_without_a_value() {
    let mut stage = deployed("render-secrets");
    let log = stage.lab.effects().len();
    let mut child = stage.spawn_with_input(&["secrets", "set", "KEY"], "another-canary\n");
    assert!(child.wait().unwrap().success());
    let effects = stage.lab.effects()[log..].iter().map(|entry| entry.seen.path.clone()).collect::<Vec<_>>();
    assert!(effects.len() == 1 && effects[0].ends_with("/env-vars"), "{effects:?}");
    stage.set("KEY", "");
    let listed = stage.run(&["secrets", "list"]).exits(0);
    assert!(listed.stdout.contains("KEY") && !listed.stdout.contains("another-canary"), "{}", listed.stdout);
    stage.run(&["secrets", "check"]).exits(0);
    stage.run(&["deploy", "--yes"]).exits(0);
}

#[test]
fn no_secret_is_shown_or_written_anywhere() {
    let stage = stage("render-canary");
    let mut all = String::new();
    for arguments in [
        &["plan", "--json"][..],
        &["plan", "--markdown", "--html", "plan.html", "--out", "plan.json"],
        &["deploy", "--yes", "--verbose", "--json"],
        &["status", "--format", "junit"],
        &["history"],
        &["secrets", "list"],
        &["deploy", "--dry-run"],
    ] {
        all += &stage.run(arguments).exits(0).all();
    }
    for file in ["plan.html", "plan.json", ".dashdeploy/ledger/staging.jsonl"] {
        all += &stage.project.read(file);
    }
    assert!(all.contains("KEY") && !all.contains(KEY));
    assert!(!all.contains("rnd_rehearsal"));
}

#[test]
fn a_saved_plan_is_carried_out_and_refused_where_the_world_moved() {
    let stage = stage("render-saved");
    stage.run(&["plan", "--out", "plan.json"]).exits(0);
    assert!(stage.lab.effects().is_empty(), "a plan writes nothing");
    stage.run(&["deploy", "--plan", "plan.json"]).exits(0);
    stage.project.replace("dashdeploy.yaml", "LOG: info", "LOG: debug");
    let refused = stage.run(&["deploy", "--plan", "plan.json"]).exits(2);
    assert!(refused.stderr.contains("dashdeploy.yaml changed"), "{}", refused.stderr);
    stage.run(&["plan", "--out", "plan.json"]).exits(0);
    stage.run(&["deploy", "--yes"]).exits(0);
    let moved = stage.run(&["deploy", "--plan", "plan.json"]).exits(1);
    assert!(moved.stderr.contains("what is there changed"), "{}", moved.stderr);
}

#[test]
fn one_of_two_deploys_waits_or_says_who_is_at_it() {
    let mut stage =
        Stage::new("render-two", "staging", vec![platform()], Duration::from_millis(200), configuration);
    stage.set("KEY", KEY);
    let first = stage.spawn(&["deploy", "--yes"]);
    std::thread::sleep(Duration::from_millis(700));
    let second = stage.run(&["deploy", "--yes"]);
    let first = first.wait_with_output().unwrap();
    assert!(first.status.success(), "{first:?}");
    assert_eq!(second.code, 7, "{}", second.all());
    assert!(
        second.stderr.contains("is locked by ") && second.stderr.contains("process "),
        "{}",
        second.stderr
    );
    assert!(second.stderr.contains("--lock-timeout"), "{}", second.stderr);
    stage.run(&["deploy", "--yes", "--lock-timeout", "1m"]).exits(0);
}

fn case() -> Case {
    Case { platform: "render", stage, update: ("LOG: info", "LOG: debug") }
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

#[test]
fn the_registry_gives_each_reference_a_digest() {
    assert_ne!(digest("a"), digest("b"));
}
