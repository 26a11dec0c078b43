//! The rendered files on a real engine: every kind of Dockerfile is built and its container run with all restrictions.

use std::path::Path;
use std::process::{Command, Stdio};

use dashdeploy_contract::*;

use super::{files, projects, write};
use crate::support::{docker, docker_text, engine, eventually, get, http, repository};

/// Images, containers, networks and volumes of one test, taken away at its end.
struct Lab {
    id: String,
    dir: tempfile::TempDir,
}

/// How every container of a generated image is run.
const RESTRICTED: [&str; 11] = [
    "--init",
    "--read-only",
    "--tmpfs",
    "/tmp:rw,noexec,nosuid,nodev,size=67108864",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges:true",
    "--user",
    APP_USER,
    "--pids-limit=256",
];

impl Lab {
    fn new(name: &str) -> Self {
        let id = format!("dd-render-{name}-{}", std::process::id());
        let lab = Self { id, dir: tempfile::tempdir().unwrap() };
        docker_text(&["network", "create", &lab.id]);
        lab
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The sources of an example as a folder of this project.
    fn copy_example(&self, example: &str, to: &str) {
        let from = repository().join("examples").join(example);
        let to = self.dir.path().join(to);
        std::fs::create_dir_all(&to).unwrap();
        let script = "cp -R \"$1/.\" \"$2\" && rm -rf \"$2/node_modules\" \"$2/dist\" \"$2/.env\"";
        assert!(
            Command::new("sh").args(["-euc", script, "sh"]).arg(from).arg(to).status().unwrap().success()
        );
    }

    /// Builds a service as `docker build` does, with the project's files written.
    fn build(&self, project: &Project, service: &str) -> Result<String, String> {
        write(&files(project), self.dir.path());
        let build = project.services[&projects::name(service)].build().unwrap();
        let tag = format!("{}-{service}", self.id);
        let program = if Path::new("/usr/bin/docker").exists() { "/usr/bin/docker" } else { "docker" };
        let output = Command::new(program)
            .env("DOCKER_BUILDKIT", "1")
            .args(["build", "--progress=plain", "-t", &tag, "-f"])
            .arg(self.dir.path().join(&build.dockerfile))
            .arg(self.dir.path().join(&build.context))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(tag) } else { Err(text) }
    }

    #[track_caller]
    fn built(&self, project: &Project, service: &str) -> String {
        self.build(project, service).unwrap_or_else(|log| panic!("{service} was not built:\n{log}"))
    }

    /// Starts a container; returns the port of this machine that leads to `port`, if one is given.
    #[track_caller]
    fn run(&self, service: &str, port: Option<u16>, more: &[&str]) -> u16 {
        let (container, image) = (self.container(service), format!("{}-{service}", self.id));
        let publish = port.map(|port| format!("127.0.0.1:0:{port}"));
        let mut arguments =
            vec!["run", "-d", "--name", &container, "--network", &self.id, "--network-alias", service];
        arguments.extend(RESTRICTED);
        arguments.extend(publish.iter().flat_map(|publish| ["-p", publish.as_str()]));
        arguments.extend(more);
        arguments.push(&image);
        docker_text(&arguments);
        let Some(port) = port else { return 0 };
        let mapped = docker_text(&["port", &container, &port.to_string()]);
        mapped.lines().next().unwrap().rsplit(':').next().unwrap().parse().unwrap()
    }

    fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.id)
    }

    #[track_caller]
    fn until_healthy(&self, service: &str) {
        let container = self.container(service);
        let status =
            || docker_text(&["inspect", "-f", "{{.State.Status}} {{.State.Health.Status}}", &container]);
        let mut last = String::new();
        for _ in 0..240 {
            last = status();
            if last == "running healthy" {
                return;
            }
            if !last.starts_with("running") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(250));
        }
        let log = docker(&["logs", "--tail", "40", &container]);
        panic!(
            "{service} is {last}:\n{}{}",
            String::from_utf8_lossy(&log.stdout),
            String::from_utf8_lossy(&log.stderr)
        );
    }

    #[track_caller]
    fn inside(&self, service: &str, script: &str) -> String {
        docker_text(&["exec", &self.container(service), "sh", "-c", script])
    }

    fn volume(&self, name: &str) -> String {
        format!("{}-{name}", self.id)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let remove = |list: &[&str], how: &[&str]| {
            let filter = format!("name={}", self.id);
            let found = docker(&[list, &["--filter", &filter]].concat());
            let found = String::from_utf8_lossy(&found.stdout).into_owned();
            let ids: Vec<&str> = found.split_whitespace().collect();
            if !ids.is_empty() {
                docker(&[how, &ids].concat());
            }
        };
        remove(&["ps", "-aq"], &["rm", "-f", "-v"]);
        remove(&["network", "ls", "-q"], &["network", "rm"]);
        remove(&["volume", "ls", "-q"], &["volume", "rm"]);
        let found = docker(&[
            "images",
            "--format",
            "{{.Repository}}",
            "--filter",
            &format!("reference={}-*", self.id),
        ]);
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        let images: Vec<&str> = found.split_whitespace().collect();
        if !images.is_empty() {
            docker(&[&["rmi", "-f"][..], &images].concat());
        }
    }
}

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

#[test]
fn every_way_to_install_python_packages_gives_an_image_that_runs() {
    if !engine("every_way_to_install_python_packages_gives_an_image_that_runs") {
        return;
    }
    let lab = Lab::new("python");
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
    let project = projects::project(vec![uv, poetry, flask, plain]);
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

#[test]
fn shipped_files_seed_an_empty_volume_and_belong_to_the_application() {
    if !engine("shipped_files_seed_an_empty_volume_and_belong_to_the_application") {
        return;
    }
    let lab = Lab::new("seed");
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
    let project = projects::project(vec![worker, page]);
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

/// The set that every answer carries.
const HEADERS: [&str; 5] = [
    "content-security-policy: default-src 'self';",
    "x-content-type-options: nosniff",
    "referrer-policy: strict-origin-when-cross-origin",
    "permissions-policy: camera=()",
    "cross-origin-opener-policy: same-origin",
];

#[test]
fn a_page_and_its_api_have_one_origin_and_every_answer_its_headers() {
    if !engine("a_page_and_its_api_have_one_origin_and_every_answer_its_headers") {
        return;
    }
    let lab = Lab::new("page");
    lab.copy_example("small-cap-dashboard", ".");
    let project = projects::dashboard();
    lab.built(&project, "api");
    lab.built(&project, "web");
    let data = format!("{}:/data", lab.volume("data"));
    let api = ["-v", &data, "-e", "TS_ALPHA_VANTAGE_KEY=x"];
    let web = lab.run("web", Some(8080), &[]);
    lab.until_healthy("web");
    is_restricted(&lab, "web", &[]);
    eventually("nginx answers for an API that is not there", 15, || get(web, "/api/health").status == 502);
    let down = get(web, "/api/health");
    assert!(
        down.head.contains("application/json") && down.body.starts_with("{\"error\": \"bad_gateway\""),
        "{down:?}"
    );
    complete(&down.head);
    lab.run("api", None, &api);
    lab.until_healthy("api");
    eventually("the API is found once it is there", 30, || get(web, "/api/health").status == 200);
    answers(&lab, web);
    comes_back_with_another_address(&lab, web, &api);
}

fn complete(head: &str) {
    let lower = head.to_ascii_lowercase();
    for header in HEADERS {
        assert_eq!(lower.matches(header).count(), 1, "{header} in\n{head}");
    }
    assert!(lower.contains("server: nginx\r\n"), "the version is shown:\n{head}");
}

fn answers(lab: &Lab, web: u16) {
    let page = get(web, "/");
    let asset = page
        .body
        .split('"')
        .find(|word| word.starts_with("/assets/") && word.ends_with(".js"))
        .unwrap()
        .to_owned();
    const FOREVER: &str = "cache-control: public, max-age=31536000, immutable";
    const FRESH: &str = "cache-control: no-cache";
    for (method, path, status, cache) in [
        ("GET", "/", 200, FRESH),
        ("HEAD", "/", 200, FRESH),
        ("GET", "/watchlist/of/mine", 200, FRESH),
        ("GET", "/stock/BRK.B", 200, FRESH),
        ("GET", asset.as_str(), 200, FOREVER),
        ("GET", "/assets/none.js", 404, FRESH),
        ("GET", "/favicon.ico", 404, FRESH),
        ("GET", "/assets/index.js.map", 404, FRESH),
        ("GET", "/.env", 404, FRESH),
        ("GET", "/.git/config", 404, FRESH),
        ("GET", "/.well-known/none", 404, FRESH),
        ("GET", "/index.php", 404, FRESH),
        ("GET", "/..%2f..%2fetc/passwd", 400, FRESH),
        ("GET", "/%00", 400, FRESH),
        ("POST", "/", 405, FRESH),
        ("PUT", "/index.html", 405, FRESH),
        ("TRACE", "/", 405, FRESH),
        ("GET", "/api/health", 200, ""),
        ("GET", "/api", 404, "cache-control: no-store"),
        ("GET", "/api/none", 404, "cache-control: no-store"),
        ("DELETE", "/api/health", 405, "cache-control: no-store"),
    ] {
        let answer = http(web, method, path, "").unwrap();
        assert_eq!(answer.status, status, "{method} {path}\n{}", answer.head);
        complete(&answer.head);
        let lower = answer.head.to_ascii_lowercase();
        assert!(lower.contains(cache), "{method} {path}: no {cache} in\n{}", answer.head);
        assert_eq!(
            lower.matches("cache-control:").count(),
            usize::from(!cache.is_empty()),
            "{}",
            answer.head
        );
        assert_eq!(
            lower.matches("\r\nallow:").count(),
            usize::from(status == 405),
            "{method} {path}\n{}",
            answer.head
        );
    }
    assert!(page.body.contains("<div id=\"root\">") && get(web, "/api/health").body.contains("\"status\""));
    let bundle = get(web, &asset).body;
    assert!(!bundle.contains("localhost:8000"), "the page would call this machine");
    let log = docker(&["logs", &lab.container("web")]);
    get(web, "/api/health?token=canary-9142");
    assert!(!String::from_utf8_lossy(&log.stdout).contains("canary-9142"));
    let gzip = "wget -q -S -O /dev/null --header 'Accept-Encoding: gzip' http://127.0.0.1:8080";
    let zipped = lab.inside("web", &format!("{gzip}{asset} 2>&1"));
    assert!(zipped.to_ascii_lowercase().contains("content-encoding: gzip"), "{zipped}");
}

fn comes_back_with_another_address(lab: &Lab, web: u16, api: &[&str]) {
    let address = |service: &str| {
        docker_text(&[
            "inspect",
            "-f",
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            &lab.container(service),
        ])
    };
    let before = address("api");
    docker_text(&["rm", "-f", &lab.container("api")]);
    let blocker = lab.container("blocker");
    let image = format!("{}-api", lab.id);
    docker_text(&[
        "run",
        "-d",
        "--name",
        &blocker,
        "--network",
        &lab.id,
        "--entrypoint",
        "sleep",
        &image,
        "300",
    ]);
    lab.run("api", None, api);
    assert_ne!(address("api"), before);
    eventually("nginx finds the API under its new address", 45, || get(web, "/api/health").status == 200);
}
