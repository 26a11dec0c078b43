//! Deploys to Render in memory.

mod bad;
mod speed;

use std::time::Duration;

use dashdeploy_fakes::render::{Outcome, Render, RenderOptions, Rule, Table, When};

use super::kills::{Case, every_kill, every_signal};
use super::losses::every_lost_answer;
use super::stage::{Stage, digest};
use crate::support::figure;

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
    platform_where(&[])
}

/// A platform where others have the labels of some services of a stage.
fn platform_where(taken: &[String]) -> Box<Render> {
    let millis = Duration::from_millis;
    let rule = |mode: &str, outcome: Outcome, line: &str| Rule {
        when: When::Env("MODE".to_owned(), mode.to_owned()),
        outcome,
        lines: vec![line.to_owned()],
    };
    let rules = vec![
        rule("crash", Outcome::Exits { after: millis(10), code: 3 }, "no such module"),
        rule("never", Outcome::Unhealthy, "waiting for nobody"),
        rule("gone", Outcome::Unpullable, ""),
    ];
    let options = RenderOptions {
        // Logs are asked for by the clock's own time.
        started: std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap(),
        limits: false,
        pending: millis(5),
        workloads: Some(Box::new(Table { boot: millis(20), rules })),
        patience: Duration::from_secs(3),
        taken_labels: taken.to_vec(),
        swapped: vec![("api-swapped".to_owned(), format!("sha256:{}", "b".repeat(64)))],
        ..RenderOptions::default()
    };
    Box::new(Render::new(options))
}

fn stage(name: &str) -> Stage {
    let mut stage = Stage::new(name, "staging", vec![platform()], Duration::ZERO, configuration);
    stage.set("KEY", KEY);
    stage
}

pub(super) fn deployed(name: &str) -> Stage {
    let stage = stage(name);
    stage.run(&["deploy", "--yes"]).exits(0);
    stage
}

#[test]
fn the_second_deploy_makes_no_write_and_two_reads_of_each_service() {
    let stage = deployed("render-noop");
    let before = stage.lab.log().len();
    let again = stage.run(&["deploy", "--yes", "--json"]).exits(0);
    assert_eq!(again.json()["result"]["changed"], false, "{}", again.stdout);
    let log = &stage.lab.log()[before..];
    let writes = log.iter().filter(|entry| entry.seen.writes).count();
    let reads = log.len() - writes;
    figure(&format!("render: no-op deploy of 2 services: {writes} writes, {reads} reads"));
    let what: Vec<&str> = log.iter().map(|entry| entry.seen.path.as_str()).collect();
    // Each service's variables and deploys; once the workspaces, once all services.
    assert!(writes == 0 && reads <= 2 * 2 + 2, "{what:?}");
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
fn a_check_that_is_added_is_made_and_noted_without_a_change() {
    let stage = deployed("render-check");
    stage.project.replace("dashdeploy.yaml", "smoke:\n", "smoke:\n  - { service: web, path: /more }\n");
    let before = stage.lab.effects().len();
    let ran = stage.run(&["deploy", "--yes"]).exits(0);
    assert!(ran.stdout.contains("verified, and noted as r2"), "{}", ran.all());
    assert_eq!(stage.edge.count("GET", "/more"), 1);
    assert_eq!(stage.lab.effects().len(), before);
    stage.run(&["plan", "--exit-code"]).exits(0);
    stage.run(&["status", "--check"]).exits(0);
    assert_eq!(stage.run(&["deploy", "--yes", "--json"]).exits(0).json()["result"]["release"], "r2");
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

/// A call to the platform by somebody else.
fn asked(stage: &Stage, method: &str, path: &str, body: Option<&str>) -> serde_json::Value {
    let url = format!("{}/v1/{path}", stage.lab.url("render"));
    let mut curl = std::process::Command::new("curl");
    curl.args(["-sf", "-X", method, &url, "-H", "Authorization: Bearer rnd_rehearsal"]);
    curl.args(["-H", "Accept: application/json"]);
    if let Some(body) = body {
        curl.args(["-H", "Content-Type: application/json", "-d", body]);
    }
    let done = curl.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    serde_json::from_slice(&done.stdout).unwrap_or_default()
}

/// A variable of each service, by the service's name at the platform.
fn variables(stage: &Stage, key: &str) -> Vec<(String, String)> {
    let services = stage.lab.objects("render")["services"].as_object().unwrap().clone();
    let mut found = Vec::new();
    for (id, service) in services {
        let all = asked(stage, "GET", &format!("services/{id}/env-vars?limit=100"), None);
        let values = all.as_array().unwrap().iter().map(|item| &item["envVar"]);
        let value = values.clone().find(|one| one["key"] == key);
        let value = value.and_then(|one| one["value"].as_str()).unwrap_or_default();
        found.push((service["name"].as_str().unwrap().to_owned(), value.to_owned()));
    }
    found.retain(|(_, value)| !value.is_empty());
    found
}

#[test]
fn a_stranger_who_has_the_promised_address_is_neither_told_nor_asked() {
    for taken in [&["api"][..], &["api", "web"][..]] {
        let name = format!("render-taken-{}", taken.len());
        let label = |service: &&str| format!("t{}-{name}-staging-{service}", std::process::id());
        let labels: Vec<String> = taken.iter().map(label).collect();
        let mut stage =
            Stage::new(&name, "staging", vec![platform_where(&labels)], Duration::ZERO, configuration);
        stage.set("KEY", KEY);
        let ran = stage.run(&["deploy", "--yes"]).exits(0);
        assert!(ran.stderr.contains("another address"), "{}", ran.stderr);
        let asked = stage.edge.asked();
        let hosts: Vec<&str> = asked.iter().filter_map(|asked| asked.header("host")).collect();
        let strangers: Vec<String> = labels.iter().map(|label| format!("{label}.onrender.com")).collect();
        assert!(
            !hosts.is_empty() && !hosts.iter().any(|host| strangers.iter().any(|it| it == host)),
            "{hosts:?} {}",
            ran.all()
        );
        for key in ["API", "ORIGIN"] {
            let told = variables(&stage, key);
            let promised = |told: &str| strangers.iter().any(|it| told.contains(it));
            assert!(told.len() == 1 && !promised(&told[0].1), "{told:?}");
        }
        // Who calls the other is told at once; only who may call is told by a second deploy.
        let deploys = stage.lab.objects("render")["deploys"].as_object().unwrap().len();
        assert_eq!(deploys, if taken.len() == 1 { 2 } else { 3 });
        stage.run(&["plan", "--exit-code"]).exits(0);
        stage.run(&["status", "--check"]).exits(0);
        assert_eq!(stage.run(&["deploy", "--yes", "--json"]).exits(0).json()["result"]["changed"], false);
    }
}

#[test]
fn what_others_made_is_taken_over_only_where_that_is_asked_for() {
    let stage = deployed("render-others");
    // Without its marks the service is anybody's.
    let services = stage.lab.objects("render");
    let id = services["services"].as_object().unwrap().keys().next().unwrap().clone();
    asked(&stage, "PUT", &format!("services/{id}/env-vars"), Some("[{\"key\":\"A\",\"value\":\"1\"}]"));
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
fn hooks_are_run_around_it_and_the_first_that_fails_ends_it() {
    let stage = stage("render-hooks");
    let hooks = "hooks:
  before: ['echo $DASHDEPLOY_OPERATION $DASHDEPLOY_RELEASE >> log; test ! -e stop']
  after: ['echo $DASHDEPLOY_URL_API >> log; echo told $KEY; test ! -e late']
ci: false";
    stage.project.replace("dashdeploy.yaml", "ci: false", hooks);
    let plan = stage.run(&["plan"]).exits(0).stdout;
    assert!(plan.contains("before") && plan.contains("$DASHDEPLOY_RELEASE"), "{plan}");
    assert!(!stage.project.path().join("log").exists(), "a plan runs nothing");

    stage.project.write("stop", "");
    let ran = stage.run(&["deploy", "--yes"]).exits(1);
    assert!(ran.stderr.contains("failed (exit status: 1)") && ran.stderr.contains("nothing was changed"));
    assert!(stage.lab.effects().is_empty());
    std::fs::remove_file(stage.project.path().join("stop")).unwrap();

    let ran = stage.run(&["deploy", "--yes"]).exits(0);
    assert!(ran.stderr.contains("told ") && !ran.all().contains(KEY), "{}", ran.stderr);
    let log = stage.project.read("log");
    assert!(log.starts_with("deploy r1\ndeploy r2\nhttps://") && log.contains(".onrender.com"), "{log}");
    stage.run(&["deploy", "--yes"]).exits(0);
    assert_eq!(stage.project.read("log"), log, "without a change nothing is run");

    stage.project.write("late", "");
    stage.project.replace("dashdeploy.yaml", "LOG: info", "LOG: debug");
    let ran = stage.run(&["deploy", "--yes"]).exits(5);
    assert!(ran.stderr.contains("the release runs and is verified"), "{}", ran.stderr);
    stage.run(&["status", "--check"]).exits(0);
    stage.run(&["rollback", "--yes", "--no-hooks"]).exits(0);
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
