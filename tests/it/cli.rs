//! The command line without an engine: help, exit codes, JSON, and what it says of wrong input.

use crate::support::Project;

#[test]
fn json_mode_prints_json_and_nothing_else() {
    let project = Project::empty("json");
    for arguments in [&["check", "--json"][..], &["ps", "--json"], &["render", "--json"], &["up", "--json"]] {
        let ran = project.run(arguments).exits(2);
        for line in ran.stdout.lines() {
            serde_json::from_str::<serde_json::Value>(line)
                .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {line}"));
        }
        assert_eq!(ran.json()["type"], "error", "{arguments:?}");
        assert_eq!(ran.stderr, "", "{arguments:?}");
    }
}

#[test]
fn a_wrong_command_line_is_json_too_where_json_is_asked_for() {
    let project = Project::empty("usage");
    for arguments in [&["ps", "--json", "--nope"][..], &["--json", "nosuch"]] {
        let ran = project.run(arguments).exits(2);
        assert_eq!((ran.json()["code"].as_str(), ran.stderr.as_str()), (Some("usage"), ""), "{arguments:?}");
    }
    assert!(project.run(&["ps", "--nope"]).exits(2).stderr.contains("--nope"));
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Project::empty("full").command(&["schema"]).stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn without_a_project_the_way_on_is_named() {
    let ran = Project::empty("none").run(&["up"]).exits(2);
    assert!(ran.stderr.contains("dashdeploy init"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let project = Project::empty("wrong");
    project.write(
        "dashdeploy.yaml",
        "project: shop\nservices:\n  api:\n    image: nginx:1.27-alpine\n    prot: 80\n    health: nowhere\n  Web: { image: x }\n",
    );
    let ran = project.run(&["check"]).exits(2);
    for part in ["dashdeploy.yaml:5:5", "did you mean `port`", "dashdeploy.yaml:6", "dashdeploy.yaml:7:3"] {
        assert!(ran.stderr.contains(part), "`{part}` is not in:\n{}", ran.stderr);
    }
}

#[test]
fn an_unknown_environment_names_those_that_there_are() {
    let project = Project::empty("env");
    project.write("dashdeploy.yaml", "project: shop\nservices:\n  api: { image: \"nginx:1.27-alpine\" }\n");
    let ran = project.run(&["ps", "-e", "prod"]).exits(2);
    assert!(ran.stderr.contains("local"), "{}", ran.stderr);
}

#[test]
fn an_engine_that_is_not_there_is_said_with_the_mend() {
    let project = Project::empty("engine");
    project.write("dashdeploy.yaml", "project: shop\nservices:\n  api: { image: \"nginx:1.27-alpine\" }\n");
    let ran = project.run_with(&["ps"], &[("DOCKER_HOST", "unix:///nowhere/docker.sock")]).exits(1);
    assert!(ran.stderr.contains("/nowhere/docker.sock"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint:"), "{}", ran.stderr);
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let help = Project::empty("help").run(&["--help"]).exits(0).stdout;
    for word in [
        "init",
        "check",
        "render",
        "build",
        "up",
        "down",
        "ps",
        "logs",
        "exec",
        "doctor",
        "schema",
        "Exit codes",
    ] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn init_finds_nothing_and_says_what_it_looked_for() {
    let project = Project::empty("bare");
    let ran = project.run(&["init", "--yes"]).exits(2);
    assert!(ran.stderr.contains("package.json"), "{}", ran.stderr);
    assert!(!project.path().join("dashdeploy.yaml").exists());
}

#[test]
fn init_never_overwrites_a_configuration() {
    let project = Project::sources_of("static-plain");
    project.write("dashdeploy.yaml", "project: mine\n");
    project.run(&["init", "--yes"]).exits(2);
    assert_eq!(project.read("dashdeploy.yaml"), "project: mine\n");
}

#[test]
fn an_option_in_the_place_of_a_key_is_told_where_it_belongs() {
    let project = Project::empty("option");
    let services = "services: { web: { image: nginx, port: 80 } }";
    let environments = "environments: { live: { target: render, services: { web: { hosting: docker } } } }";
    project.write("dashdeploy.yaml", &format!("project: option\n{services}\n{environments}\n"));
    let told = project.run(&["check"]).exits(2).stderr;
    assert!(told.contains("write `options: { hosting: … }`") && told.contains("render"), "{told}");
}
