//! A pinned base, built by a real engine from a real registry.

use crate::push::RealRegistry;
use crate::support::{Project, docker, docker_text, engine};

#[test]
fn an_image_builds_on_a_base_by_tag_and_digest() {
    let test = "an_image_builds_on_a_base_by_tag_and_digest";
    if !engine(test) {
        return;
    }
    let Some(registry) = RealRegistry::start(test, false) else { return };
    let base = format!("{}/acme/base:1", registry.host());
    let project = Project::empty("pin-engine");
    project.write("base/Dockerfile", "FROM scratch\nCOPY content /content\n");
    project.write("base/content", &format!("{} {:?}", project.name, std::time::SystemTime::now()));
    docker_text(&["build", "-q", "-t", &base, &project.path().join("base").display().to_string()]);
    docker_text(&["push", "-q", &base]);
    docker_text(&["rmi", &base]);
    project.write(
        "dashdeploy.yaml",
        &format!(
            "project: {}\nservices:\n  app:\n    build: {{ kind: dockerfile, context: app }}\n    port: 8000\n  base:\n    image: {base}\n",
            project.name
        ),
    );
    project.run(&["pin"]).exits(0);
    let lock = project.read("dashdeploy.lock");
    let digest =
        lock.lines().find(|line| line.contains("acme/base")).unwrap().rsplit('"').nth(1).unwrap().to_owned();
    project.write("app/Dockerfile", &format!("FROM {base}@{digest}\nCOPY Dockerfile /Dockerfile\n"));
    project.run(&["build"]).exits(0);
    let layers = docker_text(&[
        "image",
        "inspect",
        "--format",
        "{{len .RootFS.Layers}}",
        &format!("{}-app", project.name),
    ]);
    assert_eq!(layers, "2");
    // The tag moves on; the digest is what is built on.
    project.write("base/content", "something else");
    docker_text(&["build", "-q", "-t", &base, &project.path().join("base").display().to_string()]);
    docker_text(&["push", "-q", &base]);
    let first = docker_text(&[
        "image",
        "inspect",
        "--format",
        "{{index .RootFS.Layers 0}}",
        &format!("{}-app", project.name),
    ]);
    project.run(&["build", "--no-cache"]).exits(0);
    let second = docker_text(&[
        "image",
        "inspect",
        "--format",
        "{{index .RootFS.Layers 0}}",
        &format!("{}-app", project.name),
    ]);
    assert_eq!(first, second);
    project.run(&["pin"]).exits(0);
    assert_eq!(project.read("dashdeploy.lock"), lock, "what is pinned stays");
    let updated = project.run(&["pin", "--update"]).exits(0);
    assert!(
        updated.stdout.contains(&format!("\"{digest}\"")) || updated.stdout.contains(&digest),
        "{}",
        updated.stdout
    );
    assert_ne!(project.read("dashdeploy.lock"), lock);
    docker(&["rmi", &base]);
}
