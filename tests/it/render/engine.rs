//! The rendered files on a real engine: every kind of Dockerfile is built and its container run with all restrictions.

mod certificates;
mod composed;
mod lab;
mod page;
mod plain;

use dashdeploy_contract::*;
use lab::Lab;

use super::projects;
use crate::support::{docker_text, engine, get};

fn with_health(mut service: Service, path: &str) -> Service {
    service.health = HealthCheck::Http { path: path.to_owned() };
    service
}

fn python(called: &str, kind: BuildKind, packages: PythonPackages, app: &str) -> Service {
    let recipe = projects::python(packages, Some(app));
    let source = projects::build(kind, called, &format!("deploy/{called}/Dockerfile"), recipe);
    projects::service(called, source, Some(8000))
}

/// What must hold in every container of a generated image.
#[track_caller]
fn is_restricted(lab: &Lab, service: &str, data: &[&str]) {
    let status = lab.inside(service, "id -u; grep -E 'CapEff|NoNewPrivs' /proc/1/status | tr -d '\\t'");
    assert_eq!(status, "10001\nCapEff:0000000000000000\nNoNewPrivs:1", "{service}");
    let writable = "find / -xdev -writable ! -type l ! -path '/proc/*' ! -path '/dev/*' 2>/dev/null || true";
    let found = lab.inside(service, writable);
    assert!(found.lines().all(|path| path == "/tmp" || data.contains(&path)), "{service}: writable: {found}");
    let history = docker_text(&[
        "history",
        "--no-trunc",
        "--format",
        "{{.CreatedBy}}",
        &format!("{}-{service}", lab.id),
    ]);
    assert!(!history.contains("SECRET"), "{history}");
}

/// The sources of one service for each way, and the services.
fn python_services(lab: &Lab) -> Project {
    lab.copy_example("uv-api", "uv");
    lab.copy_example("poetry-api", "poetry");
    lab.copy_example("flask-site", "flask");
    lab.write(
        "plain/pyproject.toml",
        "[project]\nname = \"x\"\nversion = \"1\"\ndependencies = [\"uvicorn==0.54.0\"]\n",
    );
    const ASGI: &str = "async def app(scope, receive, send):\n    \
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n    \
        await send({'type': 'http.response.body', 'body': b'plain'})\n";
    lab.write("plain/lib/pkg/main.py", ASGI);
    lab.write("plain/lib/pkg/__init__.py", "");
    let mut uv =
        with_health(python("uv", BuildKind::Fastapi, PythonPackages::Uv, "quotes.main:app"), "/healthz");
    if let Recipe::Python(recipe) = &mut projects::build_of(&mut uv).recipe {
        recipe.source_root = Some("src".to_owned());
    }
    let poetry = with_health(
        python("poetry", BuildKind::Fastapi, PythonPackages::Poetry, "unit_convert.server:api"),
        "/health",
    );
    let mut flask = with_health(
        python("flask", BuildKind::Flask, projects::pip(&["requirements.txt"]), "guestbook:create_app()"),
        "/",
    );
    flask.volumes.insert(projects::name("data"), "/data".to_owned());
    let mut plain =
        with_health(python("plain", BuildKind::Fastapi, PythonPackages::Pyproject, "pkg.main:app"), "/");
    if let Recipe::Python(recipe) = &mut projects::build_of(&mut plain).recipe {
        recipe.source_root = Some("lib".to_owned());
    }
    projects::project(vec![uv, poetry, flask, plain])
}

#[test]
fn every_way_to_install_python_packages_gives_an_image_that_runs() {
    if !engine("every_way_to_install_python_packages_gives_an_image_that_runs") {
        return;
    }
    let lab = Lab::new("python");
    let project = python_services(&lab);
    for service in ["uv", "poetry", "flask", "plain"] {
        lab.built(&project, service);
        let data = format!("{}:/data", lab.volume("data"));
        let more: &[&str] = if service == "flask" { &["-v", &data, "-e", "SECRET_KEY=x"] } else { &[] };
        lab.run(service, Some(8000), more);
        lab.until_healthy(service);
        is_restricted(&lab, service, &["/data"]);
    }
}

#[test]
fn a_server_that_is_not_installed_is_named_by_the_build() {
    if !engine("a_server_that_is_not_installed_is_named_by_the_build") {
        return;
    }
    let lab = Lab::new("missing");
    lab.write("api/requirements.txt", "idna==3.20\n");
    let api = python("api", BuildKind::Fastapi, projects::pip(&["requirements.txt"]), "a:app");
    let log = lab.build(&projects::project(vec![api]), "api").unwrap_err();
    assert!(
        log.contains("uvicorn serves this application and is not installed: add it to requirements.txt"),
        "{log}"
    );
}

/// A worker that ships files for its volumes, with much beside them that must stay out of its image.
fn a_worker_with_files(lab: &Lab) -> Project {
    lab.write("requirements.txt", "idna==3.20\n");
    lab.write("data/universe/small.csv", "A\n");
    lab.write("var/app.db", "shipped");
    lab.write("state/here.txt", "in place");
    lab.write("late/data/__init__.py", "X = 7\n");
    lab.write("build/__init__.py", "Y = 8\n");
    for canary in
        [".env", "sub/.env", "sub/.env.local", "keys/id_rsa", "keys/server.pem", ".git/config", "sub/.npmrc"]
    {
        lab.write(canary, "canary-7261");
    }
    lab.write("page/index.html", "canary-7261: the page's source has no place in the worker's image");
    let private = lab.dir.path().join("late/data/__init__.py");
    std::fs::set_permissions(private, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let recipe = projects::python(projects::pip(&["requirements.txt"]), None);
    let mut worker =
        projects::service("worker", projects::build(BuildKind::Python, ".", "Dockerfile", recipe), None);
    worker.command = Some(["sleep", "300"].map(str::to_owned).to_vec());
    worker.volumes.insert(projects::name("data"), "/data".to_owned());
    worker.volumes.insert(projects::name("state"), "/app/state".to_owned());
    let build = projects::build_of(&mut worker);
    build.links.insert("data".to_owned(), "/data".to_owned());
    build.links.insert("var/app.db".to_owned(), "/data/app.db".to_owned());
    let page = Recipe::Files { root: ".".to_owned() };
    let page = projects::service(
        "page",
        projects::build(BuildKind::Static, "page", "page/Dockerfile", page),
        Some(8080),
    );
    projects::project(vec![worker, page])
}

#[test]
fn shipped_files_seed_an_empty_volume_and_belong_to_the_application() {
    if !engine("shipped_files_seed_an_empty_volume_and_belong_to_the_application") {
        return;
    }
    let lab = Lab::new("seed");
    let project = a_worker_with_files(&lab);
    lab.built(&project, "worker");
    let (data, state) =
        (format!("{}:/data", lab.volume("data")), format!("{}:/app/state", lab.volume("state")));
    lab.run("worker", None, &["-v", &data, "-v", &state]);
    let seen = lab.inside(
        "worker",
        "cat data/universe/small.csv var/app.db state/here.txt; echo; stat -c '%u:%g %n' /data /data/universe /data/app.db \
         /app/state /app/state/here.txt; echo more > data/universe/more.csv && echo x >> var/app.db && touch state/y; \
         python -c 'import late.data, build; print(late.data.X, build.Y)'; ls -a / /app /app/sub 2>&1; \
         grep -rl canary-7261 /app /data 2>/dev/null || true; touch /app/x 2>&1 || true",
    );
    assert!(seen.starts_with("A\nshippedin place\n"), "{seen}");
    for path in ["/data", "/data/universe", "/data/app.db", "/app/state", "/app/state/here.txt"] {
        assert!(seen.contains(&format!("10001:10001 {path}\n")), "{path}: {seen}");
    }
    assert!(seen.contains("\n7 8\n"), "{seen}");
    assert!(
        !seen.contains("canary") && !seen.contains("id_rsa") && seen.contains("Read-only file system"),
        "{seen}"
    );
    docker_text(&["rm", "-f", &lab.container("worker")]);
    lab.run("worker", None, &["-v", &data, "-v", &state]);
    assert_eq!(lab.inside("worker", "cat data/universe/more.csv; tail -n1 /data/app.db"), "more\nshippedx");
}

#[test]
fn every_package_manager_of_node_gives_an_image_that_runs() {
    if !engine("every_package_manager_of_node_gives_an_image_that_runs") {
        return;
    }
    let lab = Lab::new("node");
    lab.copy_example("node-server", "npm");
    lab.write("pnpm/package.json", PACKAGE);
    lab.write("pnpm/server.js", SERVER);
    lab.write("yarn/package.json", PACKAGE);
    lab.write("yarn/server.js", SERVER);
    let node = |called: &str, manager, locked, script: Option<&str>, start: &[&str]| {
        let recipe = Recipe::Node(NodeRecipe {
            version: "20".to_owned(),
            manager,
            locked,
            script: script.map(str::to_owned),
            start: start.iter().map(|word| (*word).to_owned()).collect(),
        });
        let source = projects::build(BuildKind::Node, called, &format!("{called}/Dockerfile"), recipe);
        let path = if called == "npm" { "/healthz" } else { "/health" };
        with_health(projects::service(called, source, Some(3000)), path)
    };
    let project = projects::project(vec![
        node("npm", NodeManager::Npm, true, None, &["node", "src/server.js"]),
        node("pnpm", NodeManager::Pnpm, false, Some("build"), &["node", "built.js"]),
        node("yarn", NodeManager::Yarn, false, Some("build"), &["node", "built.js"]),
    ]);
    for service in ["npm", "pnpm", "yarn"] {
        lab.built(&project, service);
        let port = lab.run(service, Some(3000), &[]);
        lab.until_healthy(service);
        assert_eq!(get(port, "/healthz").status, 200, "{service}");
        is_restricted(&lab, service, &[]);
    }
    let modules = "ls node_modules; test ! -e node_modules/is-odd";
    assert!(lab.inside("pnpm", modules).contains("is-number"), "packages for the build are not in the image");
}

const PACKAGE: &str = r#"{"name": "x", "version": "1.0.0", "private": true, "scripts": {"build": "cp server.js built.js && node -e \"require('is-odd')\""},
 "dependencies": {"is-number": "7.0.0"}, "devDependencies": {"is-odd": "3.0.1"}}"#;
const SERVER: &str = "require('is-number'); require('http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '0.0.0.0');";
