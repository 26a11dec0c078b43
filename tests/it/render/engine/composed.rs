//! The Compose files as their users run them.

use std::process::{Command, Stdio};

use dashdeploy_contract::*;

use super::lab::Lab;
use crate::render::{files, projects, write};
use crate::support::{docker, docker_text, engine, eventually, get, http};

/// Compose v2 with buildx, as its users have them.
fn compose(lab: &Lab, file: &str, arguments: &[&str]) -> std::process::Output {
    let program = std::env::var_os("DOCKER_COMPOSE").unwrap();
    let plugins = lab.dir.path().join(".plugins/cli-plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    if let Some(buildx) = std::env::var_os("DOCKER_BUILDX") {
        let _ = std::os::unix::fs::symlink(buildx, plugins.join("docker-buildx"));
    }
    Command::new(program)
        .env("DOCKER_CONFIG", lab.dir.path().join(".plugins"))
        .env("TS_ALPHA_VANTAGE_KEY", "x")
        .arg("-f")
        .arg(lab.dir.path().join(file))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The plan's application under a name and on ports of this test.
fn dashboard_of(lab: &Lab) -> (Project, u16) {
    let mut project = projects::dashboard();
    project.name = projects::name(&lab.id);
    for service in project.services.values_mut() {
        if let Publish::Port { port, .. } = &mut service.publish {
            *port = crate::support::free_port();
        }
    }
    let Publish::Port { port, .. } = project.services[&projects::name("web")].publish else { unreachable!() };
    (project, port)
}

#[track_caller]
fn succeeded(output: &std::process::Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_edit_of_the_source_shows_at_once_in_development() {
    let test = "an_edit_of_the_source_shows_at_once_in_development";
    if !engine(test) || crate::support::tool(test, "DOCKER_COMPOSE").is_none() {
        return;
    }
    let lab = Lab::new("dev");
    lab.copy_example("small-cap-dashboard", ".");
    let (project, web) = dashboard_of(&lab);
    write(&files(&project), lab.dir.path());
    const FILE: &str = "docker-compose.dev.yml";
    succeeded(&compose(&lab, FILE, &["up", "--build", "-d"]));
    let answers =
        |path: &str, text: &str| http(web, "GET", path, "").is_ok_and(|answer| answer.body.contains(text));
    eventually("the development server answers through nginx", 120, || answers("/", "/@vite/client"));
    eventually("the API answers under the same origin", 60, || answers("/api/health", "\"status\":\"ok\""));
    lab.write("dashboard_api/__init__.py", "__version__ = \"edited-4711\"\n");
    let page = std::fs::read_to_string(lab.dir.path().join("dashboard_web/index.html")).unwrap();
    lab.write("dashboard_web/index.html", &page.replace("<title>", "<title>edited-4712 "));
    eventually("the API shows the edit", 30, || answers("/api/health", "edited-4711"));
    eventually("the page shows the edit", 30, || answers("/", "edited-4712"));
    let down = compose(&lab, FILE, &["down", "-v", "--rmi", "local"]);
    docker(&["rmi", &format!("{}-api:dev", lab.id)]);
    succeeded(&down);
}

#[test]
fn the_production_file_runs_alone_from_images_that_are_there() {
    let test = "the_production_file_runs_alone_from_images_that_are_there";
    if !engine(test) || crate::support::tool(test, "DOCKER_COMPOSE").is_none() {
        return;
    }
    let lab = Lab::new("prod");
    lab.copy_example("small-cap-dashboard", ".");
    let (project, web) = dashboard_of(&lab);
    lab.built(&project, "api");
    lab.built(&project, "web");
    // The file alone, in a folder where nothing else of the repository is.
    let file = std::fs::read_to_string(lab.dir.path().join("deploy/docker-compose.prod.yml")).unwrap();
    lab.write("alone/docker-compose.prod.yml", &file);
    const FILE: &str = "alone/docker-compose.prod.yml";
    succeeded(&compose(&lab, FILE, &["up", "-d", "--wait"]));
    assert!(get(web, "/api/health").body.contains("\"status\":\"ok\""));
    let stack = format!("{}-production", lab.id);
    let environment = docker_text(&["inspect", "-f", "{{json .Config.Env}}", &format!("{stack}-api-1")]);
    assert!(environment.contains(&format!("CORS_ORIGINS=http://localhost:{web}")), "{environment}");
    let unset = docker(&["exec", &format!("{stack}-api-1"), "printenv", "TS_EMAIL__SMTP_SERVER"]);
    assert_eq!(unset.status.code(), Some(1), "an unset variable became an empty one: {environment}");
    succeeded(&compose(&lab, FILE, &["down", "-v"]));
}
