//! The program, a real engine and a real registry.

mod broken;

use std::time::{Duration, Instant};

use dashdeploy::build::pull::pull_if_missing;
use dashdeploy::io::docker::{EngineSettings, connect};
use dashdeploy_contract::{ImageId, NoEvents};
use serde_json::Value;

use super::fake::{Fake, Reply};
use super::{Fixed, PASSWORD, RealRegistry, me, silent};
use crate::support::{Project, docker, docker_text, engine};

/// A project of two images, a small and a smaller one, pushed to a registry; its names there are removed in the end.
struct Pushed {
    project: Project,
    host: String,
}

impl Pushed {
    fn new(test: &str, registry: &RealRegistry) -> Self {
        Self::at(test, &registry.host())
    }

    fn at(test: &str, host: &str) -> Self {
        let project = Project::empty(test);
        let (name, host) = (project.name.clone(), host.to_owned());
        project.write(
            "dashdeploy.yaml",
            &format!(
                "project: {name}\nregistry: {host}/acme\nservices:\n  api:\n    build: {{ kind: dockerfile, context: api }}\n    \
                 dockerfile: api/Dockerfile\n    port: 8000\n  job:\n    build: {{ kind: dockerfile, context: job }}\n    \
                 dockerfile: job/Dockerfile\n  cache:\n    image: redis:7\n"
            ),
        );
        for service in ["api", "job"] {
            project.write(&format!("{service}/Dockerfile"), "FROM scratch\nCOPY . /\n");
            project.write(
                &format!("{service}/data"),
                &format!("{service} of {name} {:?}", std::time::SystemTime::now()),
            );
        }
        Self { project, host }
    }

    fn repository(&self, service: &str) -> String {
        format!("acme/{}-{service}", self.project.name)
    }

    fn id(&self, service: &str) -> ImageId {
        let name = format!("{}-{service}:latest", self.project.name);
        ImageId(docker_text(&["image", "inspect", "--format", "{{.Id}}", &name]))
    }
}

impl Drop for Pushed {
    fn drop(&mut self) {
        let filter = format!("reference={}/*/*", self.host);
        let list = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", &filter]);
        let list = String::from_utf8_lossy(&list.stdout).into_owned();
        for name in list.split_whitespace() {
            docker(&["rmi", name]);
        }
    }
}

/// The digest that the registry itself gives a tag.
fn registrys_own(registry: &RealRegistry, repository: &str, tag: &str) -> String {
    let path = format!("/v2/{repository}/manifests/{tag}");
    let url = format!("http://{}{path}", registry.host());
    let out = std::process::Command::new("curl")
        .args(["-sI", "-H", "Accept: application/vnd.docker.distribution.manifest.v2+json", &url])
        .output()
        .unwrap();
    let head = String::from_utf8(out.stdout).unwrap();
    let line = head.lines().find(|line| line.to_lowercase().starts_with("docker-content-digest:"));
    line.unwrap_or_else(|| panic!("{head}")).split_once(':').unwrap().1.trim().to_owned()
}

#[test]
fn the_digest_is_the_registry_s_and_the_second_push_sends_nothing() {
    if !engine("push") {
        return;
    }
    let Some(registry) = RealRegistry::start("push", false) else { return };
    let pushed = Pushed::new("push", &registry);
    let project = &pushed.project;
    let missing = project.run(&["push"]).exits(1);
    assert!(missing.stderr.contains("dashdeploy build api"), "{}", missing.stderr);
    project.run(&["build"]).exits(0);
    let dry = project.run(&["push", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(dry["result"]["images"][0]["digest"], Value::Null);
    assert!(registry.requests().iter().all(|line| line.starts_with("HEAD ")));

    let first = project.run(&["push", "--json"]).exits(0);
    let images = first.json()["result"]["images"].as_array().unwrap().clone();
    assert_eq!(images.len(), 2, "the image of a registry is not pushed");
    for (image, service) in images.iter().zip(["api", "job"]) {
        let (repository, tag) = (pushed.repository(service), pushed.id(service).content_tag());
        let own = registrys_own(&registry, &repository, &tag);
        assert_eq!(image["digest"], own.as_str());
        assert_eq!(image["repo_digest"], format!("{}/{repository}@{own}", pushed.host));
        assert_eq!((&image["existed"], &image["layers"]), (&Value::Bool(false), &Value::from(1)));
        assert!(image["bytes"].as_u64().unwrap() > 0);
    }
    assert!(first.stdout.contains(r#""event":"push_layer""#), "{}", first.stdout);
    assert!(registry.requests().iter().any(|line| line.starts_with("PUT ")));

    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let again = project.run(&["push", "--json"]).exits(0).json();
        times.push(begun.elapsed());
        for (image, former) in again["result"]["images"].as_array().unwrap().iter().zip(&images) {
            assert_eq!((&image["existed"], &image["bytes"]), (&Value::Bool(true), &Value::from(0)));
            assert_eq!(image["digest"], former["digest"]);
        }
    }
    let requests = registry.requests();
    assert_eq!(requests.len(), 10, "one look for each image: {requests:#?}");
    assert!(requests.iter().all(|line| line.starts_with("HEAD ")), "{requests:#?}");
    times.sort();
    eprintln!("a push of two images that are there: {:?} (median of {})", times[2], times.len());
    assert!(times[0] < Duration::from_secs(1));
}

#[test]
fn further_tags_are_copies_of_the_manifest_and_a_build_can_push() {
    if !engine("tags") {
        return;
    }
    let Some(registry) = RealRegistry::start("tags", false) else { return };
    let pushed = Pushed::new("tags", &registry);
    let project = &pushed.project;
    let built = project.run(&["build", "--push", "--tag", "v1"]).exits(0);
    let own = registrys_own(&registry, &pushed.repository("api"), "v1");
    assert!(built.stdout.contains(&own) && built.stdout.contains("built, pushed"), "{}", built.stdout);
    registry.requests();
    let more = project.run(&["push", "api", "--tag", "v1", "--tag", "v2"]).exits(0);
    assert!(more.stdout.contains("existed") && !more.stdout.contains("job"), "{}", more.stdout);
    assert_eq!(registrys_own(&registry, &pushed.repository("api"), "v2"), own);
    let requests = registry.requests();
    assert_eq!(requests.iter().filter(|line| line.starts_with("PUT ")).count(), 1, "{requests:#?}");
    assert!(requests.iter().all(|line| line.contains("/manifests/")), "{requests:#?}");
    // The tag moves with the image.
    project.write("api/data", "changed");
    project.run(&["build", "--push", "--tag", "v1"]).exits(0);
    assert_ne!(registrys_own(&registry, &pushed.repository("api"), "v1"), own);
    assert_eq!(registrys_own(&registry, &pushed.repository("api"), "v2"), own);
    let again = project.run(&["build", "--push"]).exits(0);
    assert!(again.stdout.contains("existed"), "{}", again.stdout);
}

#[test]
fn another_image_under_our_tag_is_an_error_that_names_both() {
    if !engine("foreign") {
        return;
    }
    let Some(registry) = RealRegistry::start("foreign", false) else { return };
    let pushed = Pushed::new("foreign", &registry);
    pushed.project.run(&["build", "--push"]).exits(0);
    let repository = pushed.repository("api");
    let former = pushed.id("api");
    pushed.project.write("api/data", "something else");
    pushed.project.run(&["build", "api"]).exits(0);
    let (id, tag) = (pushed.id("api"), pushed.id("api").content_tag());
    let url = |tag: &str| format!("http://{}/v2/{repository}/manifests/{tag}", registry.host());
    let form = "application/vnd.docker.distribution.manifest.v2+json";
    let copied = format!(
        "curl -s -H 'Accept: {form}' {} | curl -s -X PUT -H 'Content-Type: {form}' --data-binary @- {}",
        url(&former.content_tag()),
        url(&tag)
    );
    assert!(std::process::Command::new("sh").args(["-c", &copied]).status().unwrap().success());
    registry.requests();
    let ran = pushed.project.run(&["push", "api"]).exits(1);
    assert!(ran.stderr.contains(&former.0) && ran.stderr.contains(&id.0), "{}", ran.stderr);
    assert!(ran.stderr.contains("delete it at the registry"), "{}", ran.stderr);
    let requests = registry.requests();
    assert!(requests.iter().all(|line| !line.starts_with("P")), "nothing was sent: {requests:#?}");
}

#[test]
fn logins_come_from_variables_files_and_helpers_and_are_shown_nowhere() {
    if !engine("logins") {
        return;
    }
    let Some(registry) = RealRegistry::start("logins", true) else { return };
    let pushed = Pushed::new("logins", &registry);
    let project = &pushed.project;
    project.run(&["build"]).exits(0);
    let home = tempfile::tempdir().unwrap();
    let config = |json: &str| std::fs::write(home.path().join("config.json"), json).unwrap();
    let path = format!("{}:/usr/bin:/bin", home.path().display());
    let base = [("DOCKER_CONFIG", home.path().to_str().unwrap()), ("PATH", path.as_str())];
    let run = |arguments: &[&str], more: &[(&str, &str)]| {
        let ran = project.run_with(arguments, &[&base[..], more].concat());
        silent(&ran);
        ran
    };
    let none = run(&["push"], &[]).exits(6);
    for word in [&pushed.host, "none is known", "DASHDEPLOY_REGISTRY_PASSWORD", "docker login"] {
        assert!(none.stderr.contains(word), "{word}: {}", none.stderr);
    }
    let user = ("DASHDEPLOY_REGISTRY_USERNAME", "me");
    let wrong =
        run(&["push", "--json"], &[user, ("DASHDEPLOY_REGISTRY_PASSWORD", "wrong-password")]).exits(6);
    let error = wrong.json();
    assert_eq!((&error["ok"], &error["exit_code"]), (&Value::Bool(false), &Value::from(6)), "{error}");
    assert!(
        wrong.stdout.contains(&pushed.host) && wrong.stdout.contains("refuses the login"),
        "{}",
        wrong.stdout
    );
    assert!(!wrong.all().contains("wrong-password"));

    run(&["push", "api", "-v"], &[user, ("DASHDEPLOY_REGISTRY_PASSWORD", PASSWORD)]).exits(0);
    // A proxy is asked for what is outside, and not for this machine.
    let proxy = Fake::start(|_| Reply::status(502));
    let address = format!("http://{}", proxy.host());
    let password = ("DASHDEPLOY_REGISTRY_PASSWORD", PASSWORD);
    let through = [user, password, ("HTTPS_PROXY", &address), ("HTTP_PROXY", &address), ("NO_PROXY", "")];
    run(&["push", "api"], &through).exits(0);
    assert_eq!(proxy.asked().len(), 0);
    let outside =
        run(&["push", "api", "--dry-run", "--registry", "registry.example.com/x"], &through).exits(1);
    assert!(outside.stderr.contains("registry.example.com"), "{}", outside.stderr);
    assert!(proxy.count("CONNECT", "registry.example.com:443") > 0);
    assert!(proxy.asked().iter().all(|asked| asked.header("authorization").is_none()));
    config(&format!(r#"{{"auths":{{"{}":{{"auth":"bWU6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"}}}}}}"#, pushed.host));
    run(&["push", "job"], &[]).exits(0);
    helper(home.path(), "works", &format!(r#"echo '{{"Username":"me","Secret":"{PASSWORD}"}}'"#));
    for json in [
        r#"{"credsStore":"works"}"#.to_owned(),
        format!(r#"{{"credHelpers":{{"{}":"works"}}}}"#, pushed.host),
    ] {
        config(&json);
        let ran = run(&["push", "--json"], &[]).exits(0);
        assert_eq!(ran.json()["result"]["images"][0]["existed"], Value::Bool(true));
    }
    helper(home.path(), "fails", "echo 'the keychain is locked'; exit 1");
    for (name, word) in [("fails", "the keychain is locked"), ("absent", "docker-credential-absent")] {
        config(&format!(r#"{{"credsStore":"{name}"}}"#));
        let ran = run(&["push"], &[]).exits(6);
        assert!(ran.stderr.contains(word) && ran.stderr.contains(&pushed.host), "{}", ran.stderr);
    }
}

fn helper(folder: &std::path::Path, name: &str, line: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(format!("docker-credential-{name}"));
    std::fs::write(&path, format!("#!/bin/sh\nread -r server\n{line}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_private_registries_are_fetched_with_the_login() {
    if !engine("pull") {
        return;
    }
    let Some(registry) = RealRegistry::start("pull", true) else { return };
    let pushed = Pushed::new("pull", &registry);
    let login = [("DASHDEPLOY_REGISTRY_USERNAME", "me"), ("DASHDEPLOY_REGISTRY_PASSWORD", PASSWORD)];
    pushed.project.run_with(&["build", "job", "--push", "--tag", "v1"], &login).exits(0);
    let id = pushed.id("job");
    let image = format!("{}/{}:v1", pushed.host, pushed.repository("job"));
    for name in [
        format!("{}/{}:{}", pushed.host, pushed.repository("job"), id.content_tag()),
        format!("{}-job:latest", pushed.project.name),
        format!("{}-job:{}", pushed.project.name, id.content_tag()),
    ] {
        docker(&["rmi", &name]);
    }
    let engine = connect(&EngineSettings::from_env()).await.unwrap().docker;
    let nobody = pull_if_missing(&engine, &image, None, None, &NoEvents).await.unwrap_err();
    assert!(nobody.hint.contains(&format!("docker login {}", pushed.host)), "{nobody:?}");
    let logins = std::sync::Arc::new(Fixed(Some(me())));
    let found = pull_if_missing(&engine, &image, None, Some(logins), &NoEvents).await.unwrap();
    assert_eq!(found, id);
}

/// BuildKit asks the session for the login, of base images and of caches alike.
#[test]
fn base_images_and_caches_of_private_registries_come_with_the_login() {
    if !engine("base") {
        return;
    }
    let Some(registry) = RealRegistry::start("base", true) else { return };
    let pushed = Pushed::new("base", &registry);
    let login = [("DASHDEPLOY_REGISTRY_USERNAME", "me"), ("DASHDEPLOY_REGISTRY_PASSWORD", PASSWORD)];
    let inline = ["build", "job", "--push", "--tag", "v1", "--cache-to", "type=inline"];
    pushed.project.run_with(&inline, &login).exits(0);
    let base = format!("{}/{}:v1", pushed.host, pushed.repository("job"));
    docker(&["rmi", &base]);
    pushed.project.write("api/Dockerfile", &format!("FROM {base}\nCOPY data /api-data\n"));
    registry.requests();
    let nobody = pushed.project.run_with(&["build", "api", "--no-cache"], &[]).exits(1);
    assert!(nobody.all().contains(&base), "{}", nobody.all());
    assert!(nobody.all().contains(&format!("docker login {}", pushed.host)), "{}", nobody.all());
    registry.requests();
    let cache = format!("type=registry,ref={base}");
    let built = pushed.project.run_with(&["build", "api", "-v", "--cache-from", &cache], &login).exits(0);
    silent(&built);
    let asked = registry.requests();
    let manifest = format!("/v2/{}/manifests/v1", pushed.repository("job"));
    assert!(asked.iter().any(|request| request.ends_with(&manifest)), "{asked:?}");
    assert!(!docker_text(&["image", "inspect", "--format", "{{.Id}}", &pushed.id("api").0]).is_empty());
}

#[test]
fn where_images_go_is_said_once_or_asked_for() {
    let project = Project::empty("where");
    project.write("dashdeploy.yaml", &format!("project: {}\nservices:\n  api: {{ build: {{ kind: static, context: . }} }}\n  cache: {{ image: redis:7 }}\n", project.name));
    for arguments in [&["push"][..], &["build", "--push"], &["push", "--dry-run"]] {
        let ran = project.run(arguments).exits(2);
        assert!(
            ran.stderr.contains("registry: ghcr.io/you") && ran.stderr.contains("DASHDEPLOY_REGISTRY"),
            "{}",
            ran.stderr
        );
    }
    for (arguments, word) in [
        (&["push", "--registry", "https://ghcr.io/x"][..], "`ghcr.io/x`"),
        (&["push", "--registry", "ghcr.io/x", "--tag", "a b"], "a tag is"),
        (&["push", "--registry", "ghcr.io/x", "cache"], "redis:7"),
        (&["push", "--registry", "ghcr.io/x", "nope"], "api, cache"),
        (&["build", "--tag", "v1"], "--push"),
    ] {
        let ran = project.run(arguments).exits(2);
        assert!(ran.stderr.contains(word), "{arguments:?}: {}", ran.stderr);
    }
    let ran = project.run_with(&["push"], &[("DASHDEPLOY_REGISTRY", "UPPER.example")]).exits(2);
    assert!(ran.stderr.contains("upper.example"), "{}", ran.stderr);
}
