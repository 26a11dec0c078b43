//! The rendered files, read by the programs that read them in real life.

use std::path::Path;
use std::process::{Command, Output};

use dashdeploy_contract::*;
use serde_json::Value;

use super::{everything, files, files_with_plain, projects, write};
use crate::support::tool;

#[track_caller]
fn accepted(what: &str, output: &Output) {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{text}", output.status);
}

/// Calls `check` with every rendered file whose path is wanted, written to disk.
fn each(wanted: &dyn Fn(&str) -> bool, check: &dyn Fn(&str, &Path)) {
    let mut count = 0;
    for (name, project) in everything() {
        let folder = tempfile::tempdir().unwrap();
        let files = files_with_plain(&project);
        write(&files, folder.path());
        for file in files.iter().filter(|file| wanted(&file.path)) {
            check(&format!("{name} {}", file.path), &folder.path().join(&file.path));
            count += 1;
        }
    }
    assert!(count > 3, "only {count} files were checked");
}

fn is_compose(path: &str) -> bool {
    path.ends_with(".yml")
}

#[test]
fn hadolint_finds_nothing_in_the_dockerfiles() {
    let Some(hadolint) = tool("hadolint_finds_nothing_in_the_dockerfiles", "HADOLINT") else { return };
    let is_dockerfile = |path: &str| path.ends_with("Dockerfile") || path.ends_with("Dockerfile.plain");
    each(&is_dockerfile, &|what, path| {
        accepted(what, &Command::new(&hadolint).arg(path).output().unwrap());
    });
}

#[test]
fn the_compose_files_keep_the_specification() {
    let Some(check) = tool("the_compose_files_keep_the_specification", "CHECK_JSONSCHEMA") else { return };
    each(&is_compose, &|what, path| {
        let output =
            Command::new(&check).args(["--builtin-schema", "vendor.compose-spec"]).arg(path).output();
        accepted(what, &output.unwrap());
    });
}

#[test]
fn yamllint_finds_no_fault_in_the_compose_files() {
    let Some(yamllint) = tool("yamllint_finds_no_fault_in_the_compose_files", "YAMLLINT") else { return };
    // Everything but the length of lines: a health check is one line.
    const RULES: &str = "{extends: default, rules: {line-length: disable, document-start: disable, \
                         comments-indentation: disable, quoted-strings: {required: false}}}";
    each(&is_compose, &|what, path| {
        accepted(what, &Command::new(&yamllint).args(["-s", "-d", RULES]).arg(path).output().unwrap());
    });
}

/// Compose with every secret and every address set.
fn compose(program: &Path, file: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    for name in [
        "TS_ALPHA_VANTAGE_KEY",
        "POSTGRES_PASSWORD",
        "TOKEN_URL",
        "CI_COMMIT",
        "SECRET_KEY",
        "API_KEY",
        "ADMIN_TOKEN",
    ] {
        command.env(name, "set");
    }
    command.arg("-f").arg(file).args(arguments).output().unwrap()
}

#[test]
fn compose_takes_the_files_without_a_warning() {
    let Some(program) = tool("compose_takes_the_files_without_a_warning", "DOCKER_COMPOSE") else { return };
    each(&is_compose, &|what, path| {
        let output = compose(&program, path, &["config", "-q"]);
        accepted(what, &output);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{what}");
    });
}

#[test]
fn compose_reads_every_value_as_it_is_meant() {
    let Some(program) = tool("compose_reads_every_value_as_it_is_meant", "DOCKER_COMPOSE") else { return };
    for (name, project) in projects::all() {
        let folder = tempfile::tempdir().unwrap();
        write(&files(&project), folder.path());
        let output =
            compose(&program, &folder.path().join("docker-compose.yml"), &["config", "--format", "json"]);
        accepted(name, &output);
        let read: Value = serde_json::from_slice(&output.stdout).unwrap();
        let bound = project.bind("local").unwrap();
        let mut wiring = projects::wiring(&project);
        wiring.environment.insert("TOKEN_URL".to_owned(), "set".to_owned());
        wiring.environment.insert("CI_COMMIT".to_owned(), "set".to_owned());
        wiring.release = Some("unreleased".to_owned());
        for service in bound.services.values() {
            let spec = ContainerSpec::of(&bound, service, &wiring).unwrap();
            let found = &read["services"][service.name.as_str()];
            same_service(name, found, &spec);
            same_secrets(name, found, service, &read["secrets"]);
        }
    }
}

/// Secrets of builds are given to builds, and to no container.
fn same_secrets(project: &str, read: &Value, service: &Service, all: &Value) {
    let sources = read["build"]["secrets"].as_array().cloned().unwrap_or_default();
    let sources: Vec<&str> = sources.iter().map(|secret| secret["source"].as_str().unwrap()).collect();
    let wanted = service.build().map_or(&[][..], |build| &build.secrets);
    assert_eq!(sources, wanted, "{project} {}", service.name);
    for name in wanted {
        assert_eq!(all[name]["environment"], name.as_str(), "{project}");
        assert!(read["environment"].get(name).is_none() || service.secrets.contains_key(name), "{project}");
    }
    assert!(read.get("secrets").is_none(), "{project} {}", service.name);
}

/// Compose prints `$` doubled, so that its output can be read again.
fn undoubled(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace("$$", "$")
}

fn same_service(project: &str, read: &Value, spec: &ContainerSpec) {
    let what = format!("{project} {}", spec.service);
    same_variables(&what, read, spec);
    let words = |value: &Value| value.as_array().map(|all| all.iter().map(undoubled).collect::<Vec<_>>());
    assert_eq!(words(&read["command"]), spec.command, "{what}");
    assert_eq!(
        words(&read["healthcheck"]["test"]),
        spec.probe.as_ref().map(|probe| probe.test.clone()),
        "{what}"
    );
    assert_eq!(read["mem_limit"], spec.limits.memory.to_string(), "{what}");
    assert_eq!(read["cpus"], f64::from(spec.limits.cpu_millis) / 1000.0, "{what}");
    assert_eq!(read["pids_limit"], spec.limits.pids, "{what}");
    assert_eq!(read["image"], spec.image, "{what}");
    assert_eq!(read["read_only"].as_bool().unwrap_or(false), spec.read_only, "{what}");
    assert_eq!(read["user"].as_str(), spec.user.as_deref(), "{what}");
    assert_eq!(read["security_opt"][0], "no-new-privileges:true", "{what}");
    let ports = read["ports"].as_array().cloned().unwrap_or_default();
    assert_eq!(ports.len(), spec.ports.len(), "{what}");
    for (read, port) in ports.iter().zip(&spec.ports) {
        assert_eq!(read["host_ip"], port.address.to_string(), "{what}");
        assert_eq!(read["published"], port.host.to_string(), "{what}");
        assert_eq!(read["target"], port.container, "{what}");
    }
    for (label, value) in &spec.labels {
        assert_eq!(read["labels"][label], value.as_str(), "{what}");
    }
    let waits: Vec<&str> = read["depends_on"]
        .as_object()
        .map(|all| all.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let mut expected: Vec<&str> = spec.depends_on.iter().map(Name::as_str).collect();
    expected.sort_unstable();
    assert_eq!(waits, expected, "{what}");
}

fn same_variables(what: &str, read: &Value, spec: &ContainerSpec) {
    for (name, value) in &spec.env {
        match value {
            EnvValue::Plain(value) => {
                assert_eq!(&undoubled(&read["environment"][name]), value, "{what} {name}")
            }
            EnvValue::Secret(Requirement::Required) => {
                assert_eq!(read["environment"][name], "set", "{what} {name}")
            }
            EnvValue::Secret(Requirement::Optional) => {
                assert_eq!(read["environment"][name], Value::Null, "{what} {name}")
            }
        }
    }
}

#[test]
fn compose_stops_where_a_required_secret_is_missing() {
    let test = "compose_stops_where_a_required_secret_is_missing";
    let Some(program) = tool(test, "DOCKER_COMPOSE") else { return };
    let folder = tempfile::tempdir().unwrap();
    write(&files(&projects::dashboard()), folder.path());
    for file in ["docker-compose.yml", "docker-compose.dev.yml", "deploy/docker-compose.prod.yml"] {
        let output = Command::new(&program)
            .env_remove("TS_ALPHA_VANTAGE_KEY")
            .arg("-f")
            .arg(folder.path().join(file))
            .args(["config", "-q"])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && text.contains("TS_ALPHA_VANTAGE_KEY is required by service api"),
            "{text}"
        );
    }
}

#[test]
fn nginx_takes_the_configurations_as_they_are() {
    let Some(nginx) = tool("nginx_takes_the_configurations_as_they_are", "NGINX") else { return };
    each(&|path| path.ends_with(".conf"), &|what, path| {
        // A variable of this name means something else to nginx: sockets to take over.
        let output =
            Command::new(&nginx).env_remove("NGINX").args(["-e", "stderr", "-t", "-c"]).arg(path).output();
        let output = output.unwrap();
        accepted(what, &output);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains("[warn]"), "{what}: {text}");
    });
}

#[test]
fn gixy_finds_no_weakness_in_the_nginx_configurations() {
    let Some(gixy) = tool("gixy_finds_no_weakness_in_the_nginx_configurations", "GIXY") else { return };
    each(&|path| path.ends_with(".conf"), &|what, path| {
        let output = Command::new(&gixy).arg(path).output().unwrap();
        accepted(what, &output);
        assert!(String::from_utf8_lossy(&output.stdout).contains("No issues found"), "{what}");
    });
}

#[test]
fn a_shell_reads_the_env_examples_and_gets_no_value() {
    let Some(dash) = tool("a_shell_reads_the_env_examples_and_gets_no_value", "DASH") else { return };
    each(&|path| path.ends_with(".env.example"), &|what, path| {
        let output =
            Command::new(&dash).env_clear().args(["-euc", "set -a; . \"$1\"; env", "sh"]).arg(path).output();
        let output = output.unwrap();
        accepted(what, &output);
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let (name, value) = line.split_once('=').unwrap();
            let own = ["PWD", "OLDPWD", "SHLVL", "_", "PATH"].contains(&name);
            assert!(own || value.is_empty(), "{what}: {line}");
        }
    });
}
