//! nginx before an API: one origin, every header on every answer, an API that moves.

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
