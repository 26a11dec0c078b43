//! Dockerfiles without mounts, as a builder that takes none would build them.

use dashdeploy_contract::*;

use super::lab::Lab;
use super::{is_restricted, python, with_health};
use crate::render::projects;
use crate::support::{docker_text, engine, get};

/// A service of each template.
fn services(lab: &Lab) -> Project {
    lab.copy_example("flask-site", "flask");
    lab.copy_example("node-server", "node");
    lab.copy_example("vite-only", "page");
    let mut flask = with_health(
        python("flask", BuildKind::Flask, projects::pip(&["requirements.txt"]), "guestbook:create_app()"),
        "/",
    );
    flask.volumes.insert(projects::name("data"), "/data".to_owned());
    let recipe = Recipe::Node(NodeRecipe {
        version: "20".to_owned(),
        manager: NodeManager::Npm,
        locked: true,
        script: None,
        start: ["node", "src/server.js"].map(str::to_owned).to_vec(),
    });
    let node = projects::build(BuildKind::Node, "node", "deploy/node/Dockerfile", recipe);
    let node = with_health(projects::service("node", node, Some(3000)), "/healthz");
    let recipe = Recipe::Spa(SpaRecipe {
        version: "20".to_owned(),
        manager: NodeManager::Npm,
        locked: true,
        script: "build".to_owned(),
        dev_script: "dev".to_owned(),
        output: "site".to_owned(),
    });
    let page = projects::build(BuildKind::Vite, "page", "page/Dockerfile", recipe);
    let page = with_health(projects::service("page", page, Some(8080)), "/");
    projects::project(vec![flask, node, page])
}

#[test]
fn dockerfiles_without_mounts_give_images_that_run_and_keep_no_cache() {
    if !engine("dockerfiles_without_mounts_give_images_that_run_and_keep_no_cache") {
        return;
    }
    let lab = Lab::new("plain");
    let project = services(&lab);
    for (service, stage, port) in
        [("flask", "packages", 8000), ("node", "packages", 3000), ("page", "build", 8080)]
    {
        let stage = lab.built_plain(&project, service, &["--target", stage]);
        let caches = "ls -d /root/.npm/_cacache /root/.cache/pip 2>/dev/null || echo none";
        let found = docker_text(&["run", "--rm", "--entrypoint", "sh", &stage, "-c", caches]);
        assert_eq!(found, "none", "{service}: a layer holds what was fetched");
        lab.built_plain(&project, service, &[]);
        let data = format!("{}:/data", lab.volume("data"));
        let more: &[&str] = if service == "flask" { &["-v", &data, "-e", "SECRET_KEY=x"] } else { &[] };
        let port = lab.run(service, Some(port), more);
        lab.until_healthy(service);
        assert_eq!(get(port, if service == "node" { "/healthz" } else { "/" }).status, 200, "{service}");
        is_restricted(&lab, service, &["/data"]);
        let shipped = "find / -xdev -name 'Dockerfile*' ! -path '/proc/*' 2>/dev/null || true";
        assert_eq!(lab.inside(service, shipped), "", "{service}");
    }
}
