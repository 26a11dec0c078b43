//! `dashdeploy pin`: a registry and GitHub played on loopback, and the lock that comes of it.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::push::RealRegistry;
use crate::push::fake::{Fake, Reply};
use crate::support::Project;

const LOCK: &str = "dashdeploy.lock";

fn digest(seed: char) -> String {
    format!("sha256:{}", seed.to_string().repeat(64))
}

/// A registry and GitHub in one; what they say can change.
struct World {
    fake: Fake,
    seed: Arc<Mutex<(char, &'static str)>>,
}

impl World {
    fn start() -> Self {
        let seed = Arc::new(Mutex::new(('a', "2")));
        let told = Arc::clone(&seed);
        let fake = Fake::start(move |asked| {
            let (digest_of, newest) = *told.lock().unwrap();
            let target = asked.target.as_str();
            if let Some(path) = target.strip_prefix("/v2/") {
                if path.starts_with("acme/none/") {
                    return Reply::status(404);
                }
                return Reply::status(200).with("Docker-Content-Digest", &digest(digest_of));
            }
            let reference = |tag: &str, sha: String, kind: &str| json!({ "ref": format!("refs/tags/{tag}"), "object": { "sha": sha, "type": kind } });
            if target.contains("/git/tags/") {
                return Reply::json(
                    200,
                    &json!({ "object": { "sha": "d".repeat(40), "type": "commit" } }).to_string(),
                );
            }
            let Some((repository, tag)) = target.split_once("/git/matching-refs/tags/") else {
                return Reply::status(500);
            };
            let major = tag.trim_end_matches('.');
            let kind = if repository.ends_with("/cache") { "tag" } else { "commit" };
            let all = [
                reference(&format!("{major}.0.9"), "9".repeat(40), "commit"),
                reference(&format!("{major}.10.{newest}"), digest_of.to_string().repeat(40), kind),
                reference(&format!("{major}.10.3-rc1"), "8".repeat(40), "commit"),
            ];
            Reply::json(200, &Value::from(all.to_vec()).to_string())
        });
        Self { fake, seed }
    }

    /// A project whose images are this registry's.
    fn project(&self) -> Project {
        let project = Project::empty("pin");
        project.write(
            "dashdeploy.yaml",
            &format!(
                "project: shop\nservices:\n  db:\n    image: {0}/acme/db:1\n  cache:\n    image: {0}/acme/cache\n  \
                 fixed:\n    image: {0}/acme/fixed@{1}\nenvironments:\n  production: {{ target: docker }}\n",
                self.fake.host(),
                digest('f')
            ),
        );
        project
    }

    fn run(&self, project: &Project, arguments: &[&str]) -> crate::support::Ran {
        let api = format!("http://{}/api/v3/", self.fake.host());
        project.run_with(
            &[&["pin"], arguments].concat(),
            &[("GITHUB_API_URL", &api), ("GITHUB_TOKEN", "ghs_secret")],
        )
    }
}

#[test]
fn images_and_actions_are_pinned_kept_updated_and_forgotten() {
    let world = World::start();
    let project = world.project();
    assert_eq!(world.run(&project, &["--check"]).exits(3).stdout.lines().count(), 5);
    assert!(world.fake.asked().is_empty(), "a check asks nobody");
    world.run(&project, &["--dry-run"]).exits(0);
    assert!(!project.path().join(LOCK).exists());
    let pinned = world.run(&project, &["--json"]).exits(0).json()["result"].clone();
    assert_eq!(pinned["written"], true);
    assert_eq!(pinned["pins"].as_array().unwrap().len(), 4, "{pinned}");
    let lock = project.read(LOCK);
    let host = world.fake.host();
    assert!(lock.contains(&format!("  \"{host}/acme/cache\": \"{}\"\n", digest('a'))), "{lock}");
    assert!(
        lock.contains(&format!("commit: \"{}\" }}", "a".repeat(40))) && lock.contains("tag: v6.10.2"),
        "{lock}"
    );
    assert!(
        lock.contains(&format!("actions/cache: {{ tag: v5.10.2, commit: \"{}\"", "d".repeat(40))),
        "an annotated tag"
    );
    assert!(!lock.contains("acme/fixed") && !lock.contains("ghs_secret"));
    let github =
        world.fake.asked().into_iter().find(|asked| asked.target.starts_with("/api/v3/repos/")).unwrap();
    assert_eq!(github.header("authorization"), Some("Bearer ghs_secret"));
    let registry = world.fake.asked().into_iter().find(|asked| asked.target.starts_with("/v2/")).unwrap();
    assert_eq!(registry.header("authorization"), None, "GitHub's token is not the registry's");

    // What is rendered names the content.
    project.run(&["render"]).exits(0);
    let compose = project.read("deploy/docker-compose.prod.yml");
    assert!(compose.contains(&format!("{host}/acme/db:1@{}", digest('a'))), "{compose}");
    assert!(!project.read("docker-compose.yml").contains(&digest('a')), "the local one is what `up` runs");
    assert!(
        project
            .read(".github/workflows/deploy.yml")
            .contains(&format!("actions/checkout@{}  # v6.10.2", "a".repeat(40)))
    );
    world.run(&project, &["--check"]).exits(0);
    project.run(&["render", "--check"]).exits(0);

    // Nothing is asked again, and nothing written.
    *world.seed.lock().unwrap() = ('b', "7");
    let before = world.fake.asked().len();
    assert_eq!(world.run(&project, &["--json"]).exits(0).json()["result"]["written"], false);
    assert_eq!((world.fake.asked().len(), project.read(LOCK)), (before, lock.clone()));

    // An update of a part leaves the other.
    let images = world.run(&project, &["--update", "--images"]).exits(0);
    assert!(images.stdout.contains(&format!("{} -> {}", digest('a'), digest('b'))), "{}", images.stdout);
    let text = project.read(LOCK);
    assert!(text.contains(&digest('b')) && text.contains("tag: v6.10.2"), "{text}");
    world.run(&project, &["--update", "--actions"]).exits(0);
    assert!(project.read(LOCK).contains("tag: v6.10.7"));
    project.run(&["render", "--check"]).exits(3);

    // What is no longer used goes.
    project.replace("dashdeploy.yaml", "  cache:\n", "  cache2:\n");
    project.replace("dashdeploy.yaml", "project: shop\n", "project: shop\nci: false\n");
    project.replace("dashdeploy.yaml", "/acme/cache\n", "/acme/other:2\n");
    let rows = world.run(&project, &["--json"]).exits(0).json()["result"].clone();
    let states: Vec<&str> =
        rows["pins"].as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["removed", "kept", "added", "removed", "removed"], "{rows}");
    assert!(!project.read(LOCK).contains("actions:"));
}

#[test]
fn nothing_is_written_where_anything_cannot_be_looked_up() {
    let world = World::start();
    let project = world.project();
    world.run(&project, &[]).exits(0);
    let lock = project.read(LOCK);
    project.replace("dashdeploy.yaml", "acme/db:1", "acme/none:1");
    let failed = world.run(&project, &["--update", "--json"]).exits(1);
    let error = failed.json();
    assert_eq!(error["code"], "not-pinned");
    assert!(error["message"].as_str().unwrap().starts_with("1 of 4 "), "{error}");
    assert!(error["evidence"][0].as_str().unwrap().contains("acme/none:1: "), "{error}");
    assert_eq!(project.read(LOCK), lock);
    // A server that is not there, and one that speaks another language.
    let gone = project
        .run_with(&["pin", "--update", "--actions"], &[("GITHUB_API_URL", "http://127.0.0.1:9")])
        .exits(1);
    assert!(gone.stderr.contains("actions/checkout: http://127.0.0.1:9/"), "{}", gone.stderr);
    let plain = project
        .run_with(&["pin", "--update", "--actions"], &[("GITHUB_API_URL", "http://api.example.com")])
        .exits(1);
    assert!(plain.stderr.contains("without TLS"), "{}", plain.stderr);
    let limit = Fake::start(|_| Reply::status(403).with("X-RateLimit-Remaining", "0"));
    let api = format!("http://{}", limit.host());
    let spent = project
        .run_with(
            &["pin", "--update", "--actions"],
            &[("GITHUB_API_URL", &api), ("GITHUB_TOKEN", ""), ("GH_TOKEN", "")],
        )
        .exits(1);
    assert!(spent.stderr.contains("set GITHUB_TOKEN"), "{}", spent.stderr);
    assert_eq!(project.read(LOCK), lock);
}

#[test]
fn a_broken_lock_is_told_with_its_place() {
    let world = World::start();
    let project = world.project();
    project.write(LOCK, "version: 1\nimages:\n  redis:7: sha256:zz\n");
    for command in [&["pin"][..], &["render"], &["render", "--check"], &["pin", "--check"]] {
        let refused = project.run(command).exits(2);
        assert!(refused.stderr.contains("dashdeploy.lock:3:12"), "{}", refused.stderr);
    }
    assert_eq!(project.read(LOCK), "version: 1\nimages:\n  redis:7: sha256:zz\n");
}

#[test]
fn base_images_of_generated_dockerfiles_take_their_digests() {
    let project = Project::empty("pin");
    project.write(
        "dashdeploy.yaml",
        "project: shop\nservices:\n  api:\n    build: { kind: fastapi, app: \"a:app\" }\n  web:\n    build: { kind: vite, context: web }\n  \
         srv:\n    build: { kind: node, context: srv, start: [node, a.js] }\n",
    );
    let images = ["python:3.11-slim", "node:20-alpine", "nginx:1.27-alpine"];
    let mut lock = "images:\n".to_owned();
    for image in images {
        lock.push_str(&format!("  \"{image}\": {}\n", digest('c')));
    }
    project.write(LOCK, &lock);
    project.run(&["pin", "--check"]).exits(0);
    project.run(&["render"]).exits(0);
    let (api, web) = (project.read("deploy/api/Dockerfile"), project.read("deploy/web/Dockerfile"));
    assert!(api.contains(&format!("FROM python:3.11-slim@{} AS packages\n", digest('c'))), "{api}");
    assert!(web.contains(&format!("FROM node:20-alpine@{} AS build\n", digest('c'))), "{web}");
    assert!(web.contains(&format!("FROM nginx:1.27-alpine@{}\n", digest('c'))), "{web}");
    assert!(project.read("docker-compose.dev.yml").contains(&format!("node:20-alpine@{}", digest('c'))));
    for file in [api, web, project.read("deploy/srv/Dockerfile")] {
        let bases = file.lines().filter(|line| line.starts_with("FROM ") && !line.contains("scratch"));
        assert!(bases.clone().all(|line| line.contains("@sha256:")), "{:?}", bases.collect::<Vec<_>>());
    }
    // A lock without them is a set of names without content: exit code 3, and the names.
    project.write(LOCK, "version: 1\n");
    let missing = project.run(&["pin", "--check"]).exits(3);
    assert!(images.iter().all(|image| missing.stdout.contains(&format!("image {image} is not pinned"))));
}

#[test]
fn a_real_registry_gives_the_digest_of_the_index() {
    let test = "a_real_registry_gives_the_digest_of_the_index";
    let Some(registry) = RealRegistry::start(test, false) else { return };
    let put = |path: &str, kind: &str, body: &str| {
        let url = format!("http://{}/v2/acme/base/{path}", registry.host());
        let out = std::process::Command::new("curl")
            .args(["-sf", "-X", "PUT", "-H", &format!("Content-Type: {kind}"), "--data-binary", body, &url])
            .output()
            .unwrap();
        assert!(out.status.success(), "{path}: {out:?}");
    };
    let blob = |body: &str| {
        let digest = dashdeploy::io::registry::sha256(body.as_bytes());
        let url = format!("http://{}/v2/acme/base/blobs/uploads/", registry.host());
        let out = std::process::Command::new("curl").args(["-si", "-X", "POST", &url]).output().unwrap();
        let head = String::from_utf8(out.stdout).unwrap();
        let place = head.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap().trim().to_owned();
        let out = std::process::Command::new("curl")
            .args(["-sf", "-X", "PUT", "-H", "Content-Type: application/octet-stream", "--data-binary", body])
            .arg(format!("{place}&digest={digest}"))
            .output()
            .unwrap();
        assert!(out.status.success(), "{out:?}");
        digest
    };
    let config =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}";
    let config_digest = blob(config);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [],
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest, "size": config.len() },
    })
    .to_string();
    let manifest_digest = dashdeploy::io::registry::sha256(manifest.as_bytes());
    put(&format!("manifests/{manifest_digest}"), "application/vnd.oci.image.manifest.v1+json", &manifest);
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": manifest_digest, "size": manifest.len(),
            "platform": { "os": "linux", "architecture": "amd64" } }],
    })
    .to_string();
    put("manifests/1.0", "application/vnd.oci.image.index.v1+json", &index);
    let project = Project::empty("pin");
    let image = format!("{}/acme/base:1.0", registry.host());
    project.write("dashdeploy.yaml", &format!("project: shop\nservices:\n  base:\n    image: {image}\n"));
    project.run(&["pin"]).exits(0);
    let index_digest = dashdeploy::io::registry::sha256(index.as_bytes());
    assert!(
        project.read(LOCK).contains(&format!("  \"{image}\": \"{index_digest}\"\n")),
        "{}",
        project.read(LOCK)
    );
    project.run(&["render"]).exits(0);
    assert!(project.read("deploy/docker-compose.prod.yml").contains(&format!("{image}@{index_digest}")));
}

#[test]
fn a_server_that_never_answers_can_be_left_at_once() {
    // Its backlog takes connections, and nobody reads them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let project = Project::empty("pin-interrupt");
    project.write(
        "dashdeploy.yaml",
        "project: x\nci: github\nservices:\n  api: { build: { kind: fastapi, app: \"a:a\" } }\n",
    );
    let mut command = project.command(&["pin", "--actions"]);
    command.env("GITHUB_API_URL", address).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // The request has been taken, so the signal finds the program waiting.
    let _connection = silent.accept().unwrap();
    let begun = std::time::Instant::now();
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted while asking; dashdeploy.lock stays as it is"), "{said}");
    assert!(begun.elapsed().as_secs() < 5 && !project.path().join("dashdeploy.lock").exists());
}
