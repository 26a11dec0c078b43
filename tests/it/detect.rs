//! Detection on whole trees: what is proposed, with which evidence, and that the configuration's reader accepts every word of it.

mod beside;
mod disk;
mod stacks;

use dashdeploy::config;
use dashdeploy::detect::tree::{MemoryTree, SourceTree};
use dashdeploy::detect::{Detection, Proposal, detect, yaml};
use dashdeploy::io::tree::DiskTree;
use dashdeploy_contract::{BuildKind, Recipe, Requirement};

/// Looks at a tree; whatever is proposed must be read back without a finding.
fn look(tree: &dyn SourceTree) -> (Detection, String) {
    let detection = detect(tree);
    let text = yaml::write(&detection);
    if !detection.services.is_empty() {
        let parsed = config::parse("dashdeploy.yaml", text.as_bytes(), &["docker"]);
        assert!(parsed.findings.is_empty(), "{text}\n{:#?}", parsed.findings);
        let project = parsed.project.unwrap_or_else(|| panic!("no project in\n{text}"));
        assert_eq!(project.services.len(), detection.services.len());
        for (proposal, service) in detection.services.iter().zip(project.services.values()) {
            // What is written says the same as what was concluded.
            assert_eq!(service.build().map(|build| &build.recipe), Some(&proposal.build.recipe), "{text}");
            assert_eq!(service.build().map(|build| &build.links), Some(&proposal.build.links), "{text}");
            assert_eq!(
                service.build().map(|build| &build.dockerfile),
                Some(&proposal.build.dockerfile),
                "{text}"
            );
            assert_eq!(service.port, proposal.port, "{text}");
        }
    }
    (detection, text)
}

fn files(files: &[(&str, &str)]) -> (Detection, String) {
    look(&MemoryTree::new("sample", files.iter().map(|(path, text)| (*path, *text))))
}

fn example(name: &str) -> (Detection, String) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    look(&DiskTree::open(&root).unwrap())
}

fn only(detection: &Detection) -> &Proposal {
    assert_eq!(detection.services.len(), 1, "{:#?}", detection.services);
    &detection.services[0]
}

fn service<'d>(detection: &'d Detection, name: &str) -> &'d Proposal {
    detection
        .services
        .iter()
        .find(|service| service.name.as_str() == name)
        .unwrap_or_else(|| panic!("no {name}: {detection:#?}"))
}

fn app(proposal: &Proposal) -> &str {
    match &proposal.build.recipe {
        Recipe::Python(recipe) => recipe.app.as_deref().unwrap_or_default(),
        other => panic!("no Python: {other:?}"),
    }
}

#[test]
fn the_plans_application_is_found_as_the_plan_describes_it() {
    let (detection, text) = example("small-cap-dashboard");
    assert_eq!(detection.project.as_str(), "small-cap-dashboard");
    let api = service(&detection, "api");
    assert_eq!((api.build.kind, app(api)), (BuildKind::Fastapi, "dashboard_api.app:app"));
    assert_eq!(api.health.as_deref(), Some("/api/health"));
    assert_eq!(api.build.dockerfile, "backend/Dockerfile");
    assert_eq!(api.build.links["data"], "/data");
    assert_eq!(api.build.ignore, ["data/*", "!data/universe"]);
    assert_eq!(api.env["TS_STORAGE__PRICE_CACHE_DIR"].value, "/data/prices/cache");
    assert_eq!(api.env["TS_STORAGE__UNIVERSE_DIR"].value, "/data/universe");
    assert_eq!(api.env["CORS_ORIGINS"].value, "${services.web.origin}");
    assert_eq!(api.secrets["TS_ALPHA_VANTAGE_KEY"].requirement, Requirement::Required);
    assert_eq!(api.secrets["TS_EMAIL__SMTP_SERVER"].requirement, Requirement::Optional);
    let web = service(&detection, "web");
    assert_eq!((web.build.kind, web.build.dockerfile.as_str()), (BuildKind::Vite, "frontend/Dockerfile"));
    assert_eq!((web.port, web.publish), (Some(8080), Some(4173)));
    assert_eq!(web.env["VITE_API_BASE_URL"].value, "${services.api.url}");
    assert_eq!(web.proxy["/api"].as_str(), "api");
    assert!(text.contains(r#"- { service: web, path: /, contains: '<div id="root">' }"#), "{text}");
    assert!(detection.notes.is_empty(), "{:#?}", detection.notes);
}

#[test]
fn every_example_is_found_for_what_it_is() {
    let kinds = [
        ("flask-site", BuildKind::Flask, Some("/health")),
        ("node-server", BuildKind::Node, Some("/healthz")),
        ("own-dockerfile", BuildKind::Dockerfile, None),
        ("poetry-api", BuildKind::Fastapi, Some("/health")),
        ("python-worker", BuildKind::Python, None),
        ("static-plain", BuildKind::Static, None),
        ("uv-api", BuildKind::Fastapi, Some("/healthz")),
        ("vite-only", BuildKind::Vite, None),
    ];
    for (name, kind, health) in kinds {
        let (detection, _) = example(name);
        let found = only(&detection);
        assert_eq!((found.build.kind, found.health.as_deref()), (kind, health), "{name}");
    }
    let (worker, _) = example("python-worker");
    assert_eq!(
        worker.services[0].command.as_deref(),
        Some(&["python", "-m", "worker"].map(str::to_owned)[..])
    );
    let (counter, _) = example("own-dockerfile");
    assert_eq!(counter.services[0].volumes.values().next().map(String::as_str), Some("/var/lib/counter"));
}

#[test]
fn every_conclusion_points_at_a_line_that_says_it() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/small-cap-dashboard");
    let tree = DiskTree::open(&root).unwrap();
    let mut checked = 0;
    for fact in detect(&tree).services.iter().flat_map(|service| &service.facts) {
        let Some(evidence) = fact.evidence.as_ref().filter(|evidence| evidence.line > 0) else { continue };
        let content = String::from_utf8(tree.read(&evidence.file, u64::MAX).unwrap()).unwrap();
        let line = content.lines().nth(evidence.line - 1).unwrap();
        assert!(line.contains(evidence.what.trim_end_matches('…')), "{fact:?}: {line}");
        checked += 1;
    }
    assert!(checked > 15, "only {checked} conclusions have a line");
}

#[test]
fn nothing_found_says_what_was_looked_for() {
    let (detection, text) = files(&[("README.md", "# x"), ("notes/a.txt", "FastAPI()")]);
    assert!(detection.services.is_empty() && detection.looked_for.len() >= 7);
    assert!(text.contains("services: {}"));
}

#[test]
fn answers_change_what_is_written() {
    let (mut detection, _) = files(&[
        ("requirements.txt", "fastapi\nuvicorn\n"),
        ("a/app.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
        ("b/app.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
        ("Dockerfile", "FROM python:3.11\nCOPY requirements.txt .\nCMD [\"python\", \"x.py\"]\n"),
    ]);
    let questions = dashdeploy::detect::questions(&detection);
    assert_eq!(questions[0].id, "dockerfile.api");
    assert_eq!(questions[0].choices[0].value, "keep");
    assert_eq!(only(&detection).build.kind, BuildKind::Dockerfile);
    assert!(detection.answer("dockerfile.api", "burn").is_err());
    detection.answer("dockerfile.api", "generate").unwrap();
    assert_eq!((only(&detection).build.kind, app(only(&detection))), (BuildKind::Fastapi, "a.app:app"));
    // The user's own file is never in the way of the generated one.
    assert_eq!(only(&detection).build.dockerfile, "deploy/api/Dockerfile");
    detection.answer("app.api", "b.app:app").unwrap();
    assert_eq!(app(only(&detection)), "b.app:app");
    let text = yaml::write(&detection);
    assert!(config::parse("dashdeploy.yaml", text.as_bytes(), &["docker"]).findings.is_empty(), "{text}");
}
