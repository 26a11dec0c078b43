//! nginx before an API: one origin, every header on every answer, an API that moves.

use dashdeploy_contract::*;

use super::is_restricted;
use super::lab::Lab;
use crate::render::projects;
use crate::support::{docker, docker_text, engine, eventually, get, http};

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

/// A page whose build writes its environment into the page.
fn echoing(called: &str) -> Service {
    let recipe = Recipe::Spa(SpaRecipe {
        version: "20".to_owned(),
        manager: NodeManager::Npm,
        locked: false,
        script: "build".to_owned(),
        dev_script: "dev".to_owned(),
        output: "out put".to_owned(),
    });
    let source = projects::build(BuildKind::Vite, called, &format!("{called}/Dockerfile"), recipe);
    projects::service(called, source, Some(8080))
}

const ECHO: &str = r#"{"name": "x", "private": true, "scripts": {"build":
 "node -e \"fs.mkdirSync('out put'); fs.writeFileSync('out put/index.html', JSON.stringify(process.env))\""}}"#;

#[test]
fn every_build_time_value_arrives_as_it_was_meant() {
    if !engine("every_build_time_value_arrives_as_it_was_meant") {
        return;
    }
    let lab = Lab::new("values");
    lab.write("page/package.json", ECHO);
    lab.write("page/.env", "VITE_V1=from a file that wins silently\n");
    let values: Vec<&str> =
        projects::hostile().into_iter().filter(|value| !value.contains(['\n', '\r'])).collect();
    let mut page = echoing("page");
    for (at, value) in values.iter().enumerate() {
        page.env.insert(format!("VITE_V{at}"), Text::literal(*value));
    }
    let project = projects::project(vec![page]);
    lab.built(&project, "page");
    let port = lab.run("page", Some(8080), &[]);
    eventually("nginx answers", 20, || http(port, "GET", "/", "").is_ok_and(|answer| answer.status == 200));
    let environment: serde_json::Value = serde_json::from_str(&get(port, "/").body).unwrap();
    for (at, value) in values.iter().enumerate() {
        assert_eq!(environment[format!("VITE_V{at}")], *value);
    }
}

#[test]
fn a_build_without_a_value_that_only_its_caller_knows_says_so() {
    if !engine("a_build_without_a_value_that_only_its_caller_knows_says_so") {
        return;
    }
    let lab = Lab::new("caller");
    lab.write("page/package.json", ECHO);
    let mut page = echoing("page");
    page.env.insert("VITE_COMMIT".to_owned(), Text::parse("${env:CI_COMMIT}").unwrap());
    let log = lab.build(&projects::project(vec![page]), "page").unwrap_err();
    assert!(log.contains("VITE_COMMIT is not given: build with --build-arg VITE_COMMIT="), "{log}");
}

#[test]
fn files_as_they_are_are_served_without_their_configuration() {
    if !engine("files_as_they_are_are_served_without_their_configuration") {
        return;
    }
    let lab = Lab::new("files");
    lab.copy_example("static-plain", "docs");
    lab.write("docs/404.html", "lost-5151");
    lab.write("docs/assets/a.mjs", "export {}");
    lab.write("public html/index.html", "from the project's own folder");
    lab.write("src/secret.txt", "not below the root");
    let files = |context: &str, root: &str, dockerfile: &str| {
        projects::build(BuildKind::Static, context, dockerfile, Recipe::Files { root: root.to_owned() })
    };
    let mut docs = projects::service("docs", files("docs", ".", "docs/Dockerfile"), Some(8080));
    docs.headers.insert("referrer-policy".to_owned(), String::new());
    docs.headers.insert("X-Price".to_owned(), "$5 \"a\\b\" ${uri}".to_owned());
    docs.headers.insert("Cross-Origin-Opener-Policy".to_owned(), "unsafe-none".to_owned());
    let site = projects::service("site", files(".", "public html", "deploy/site/Dockerfile"), Some(8080));
    let project = projects::project(vec![docs, site]);
    lab.built(&project, "docs");
    lab.built(&project, "site");
    let docs = lab.run("docs", Some(8080), &[]);
    let site = lab.run("site", Some(8080), &[]);
    eventually("nginx answers", 20, || http(site, "GET", "/", "").is_ok_and(|answer| answer.status == 200));
    is_restricted(&lab, "docs", &[]);
    for (path, status) in
        [("/", 200), ("/about", 200), ("/about.html", 200), ("/assets/a.mjs", 200), ("/none", 404)]
    {
        let answer = get(docs, path);
        assert_eq!(answer.status, status, "{path}");
        let lower = format!("{}\r\n", answer.head.to_ascii_lowercase());
        assert!(lower.contains("x-price: $5 \"a\\b\" ${uri}\r\n"), "{path}\n{}", answer.head);
        assert!(
            lower.contains("opener-policy: unsafe-none\r\n") && !lower.contains("referrer-policy"),
            "{lower}"
        );
        assert!(lower.contains("cache-control: no-cache\r\n"), "{path}\n{}", answer.head);
    }
    assert!(get(docs, "/assets/a.mjs").head.contains("text/javascript"));
    assert_eq!(get(docs, "/none").body, "lost-5151");
    for path in ["/nginx.conf", "/nginx.dev.conf", "/Dockerfile", "/Dockerfile.dockerignore", "/.env.example"]
    {
        assert_eq!(get(docs, path).status, 404, "{path}");
    }
    assert_eq!(get(site, "/").body, "from the project's own folder");
    for path in ["/src/secret.txt", "/deploy/site/nginx.conf", "/../src/secret.txt", "/50x.html"] {
        assert!([400, 404].contains(&get(site, path).status), "{path}");
    }
}
