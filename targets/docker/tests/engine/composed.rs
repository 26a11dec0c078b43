//! Compose beside us: its stack is recognised as the same, ours is seen as its own.

use std::process::Command;

use crate::lab::{Lab, run, skip};
use dashdeploy_contract::conformance::canaries;
use dashdeploy_contract::{ContainerSpec, EnvValue, Publish, Release, Text};
use serde_json::{Value, json};

/// The stand-alone program of Compose v2.
fn compose(test: &str) -> Option<String> {
    let found = std::env::var("DOCKER_COMPOSE").ok();
    if found.is_none() {
        skip(test, "DOCKER_COMPOSE is not set");
    }
    found
}

/// The Compose file that says what the specification says.
fn file(release: &Release) -> Value {
    let bound = &release.bound;
    let store = canaries(bound);
    let service = |name: &str| {
        let service = &bound.services[name];
        let spec = ContainerSpec::of(bound, service, &release.wiring).unwrap();
        let env = spec.env.iter().map(|(name, value)| match value {
            EnvValue::Plain(text) => (name.clone(), json!(text)),
            EnvValue::Secret(_) => (name.clone(), json!(store.expose(&spec.service, name).unwrap())),
        });
        let env: serde_json::Map<String, Value> = env.collect();
        let probe = spec.probe.unwrap();
        let depends =
            spec.depends_on.iter().map(|name| (name.to_string(), json!({ "condition": "service_healthy" })));
        let depends: serde_json::Map<String, Value> = depends.collect();
        json!({
            "image": release.images[name].reference, "command": spec.command, "environment": env, "init": true,
            "ports": spec.ports.iter().map(|p| format!("{}:{}:{}", p.address, p.host, p.container)).collect::<Vec<_>>(),
            "volumes": spec.mounts.iter().map(|m| format!("{}:{}", m.volume, m.path)).collect::<Vec<_>>(),
            "tmpfs": spec.tmpfs.iter().map(|t| format!("{}:rw,noexec,nosuid,nodev,size={}", t.path, t.size)).collect::<Vec<_>>(),
            "healthcheck": { "test": probe.test, "interval": format!("{}s", probe.interval_seconds),
                "timeout": format!("{}s", probe.timeout_seconds), "retries": probe.retries,
                "start_period": format!("{}s", probe.start_period_seconds) },
            "user": spec.user, "read_only": spec.read_only, "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"], "mem_limit": spec.limits.memory,
            "cpus": f64::from(spec.limits.cpu_millis) / 1000.0, "pids_limit": spec.limits.pids,
            "ulimits": { "nofile": { "soft": spec.limits.open_files, "hard": spec.limits.open_files } },
            "restart": "unless-stopped", "stop_grace_period": format!("{}s", spec.stop_grace_seconds),
            "logging": { "driver": "json-file", "options": { "max-size": "10m", "max-file": "3" } },
            "labels": spec.labels, "depends_on": depends,
        })
    };
    json!({ "name": bound.project, "services": { "api": service("api"), "web": service("web") }, "volumes": { "data": {} } })
}

fn call(program: &str, folder: &std::path::Path, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&done.stderr));
    text
}

/// A folder of the test's own, removed at its end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(lab: &Lab) -> Self {
        let folder = std::env::temp_dir().join(lab.release.bound.project.as_str());
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_stack_that_compose_started_is_the_same() {
    let Some(program) = compose("a_stack_that_compose_started_is_the_same") else { return };
    run("composed", |lab| async move {
        let folder = Folder::new(&lab);
        std::fs::write(folder.0.join("docker-compose.yml"), file(&lab.release).to_string()).unwrap();
        call(&program, &folder.0, &["up", "-d", "--wait"]);
        let plan = lab.plan(&lab.release).await;
        assert_eq!(plan.changes, [], "what Compose started looks different");
        assert_eq!(plan.unchanged.len(), 4);
        // It can be changed and removed like one of ours.
        let louder = lab.edited(|release| {
            let level = dashdeploy_contract::Text::literal("debug");
            release.bound.services["web"].secrets.clear();
            release.bound.services["api"].env.insert("LOG_LEVEL".to_owned(), level);
        });
        lab.up(&louder).await;
        assert_eq!(lab.plan(&louder).await.changes, []);
        lab.remove(dashdeploy_contract::Removal::DeleteData).await;
        assert_eq!(lab.observe().await.resources, []);
    });
}

#[test]
fn compose_sees_our_stack_as_its_own() {
    let Some(program) = compose("compose_sees_our_stack_as_its_own") else { return };
    run("seen", |lab| async move {
        let folder = Folder::new(&lab);
        lab.up(&lab.release).await;
        let project = lab.release.bound.project.to_string();
        let listed = call(&program, &folder.0, &["-p", &project, "ps", "--format", "json"]);
        for service in ["api", "web"] {
            assert!(listed.contains(&format!("\"Name\":\"{}\"", lab.container(service))), "{listed}");
        }
        assert!(listed.contains("\"Health\":\"healthy\""), "{listed}");
        let logs = call(&program, &folder.0, &["-p", &project, "logs"]);
        assert!(logs.contains("started"), "{logs}");
        call(&program, &folder.0, &["-p", &project, "down"]);
        let left = lab.observe().await;
        let kinds: Vec<&str> = left.resources.iter().map(|resource| resource.address.kind()).collect();
        assert_eq!(kinds, ["volume"]);
        call(&program, &folder.0, &["-p", &project, "down", "--volumes"]);
        assert_eq!(lab.observe().await.resources, []);
    });
}

#[test]
fn what_compose_started_is_replaced_without_a_gap_and_stays_composes() {
    let Some(program) = compose("what_compose_started_is_replaced_without_a_gap_and_stays_composes") else {
        return;
    };
    run("composed-switch", |lab| async move {
        let folder = Folder::new(&lab);
        let leveled = |level| {
            lab.edited(|release| {
                let api = &mut release.bound.services["api"];
                api.publish = Publish::No;
                api.volumes.clear();
                api.env.insert("LOG_LEVEL".to_owned(), Text::literal(level));
            })
        };
        let (quiet, loud) = (leveled("info"), leveled("debug"));
        let written = folder.0.join("docker-compose.yml");
        std::fs::write(&written, file(&quiet).to_string()).unwrap();
        call(&program, &folder.0, &["up", "-d", "--wait"]);
        let plan = lab.up(&loud).await;
        let changed: Vec<&str> = plan.changes.iter().map(|change| change.address.as_str()).collect();
        assert_eq!(changed, ["docker/container/api", "docker/traffic/api"]);
        assert_eq!(lab.plan(&loud).await.changes, []);
        let id = lab.id(&lab.container("api")).await;
        // Compose takes what has had requests handed over for its own, and makes it anew from the file where it is told to.
        std::fs::write(&written, file(&loud).to_string()).unwrap();
        call(&program, &folder.0, &["up", "-d", "--wait", "--no-recreate"]);
        assert_eq!(lab.id(&lab.container("api")).await, id);
        call(&program, &folder.0, &["up", "-d", "--wait", "--force-recreate"]);
        assert_ne!(lab.id(&lab.container("api")).await, id);
        assert_eq!(lab.plan(&loud).await.changes, []);
        call(&program, &folder.0, &["down", "--volumes"]);
        assert_eq!(lab.observe().await.resources, []);
    });
}
