//! What Render cannot take: each rule broken once, and the file that is not written then.

use dashdeploy_contract::conformance::{sample_on, wired};
use dashdeploy_contract::{
    Bound, Desk, HealthCheck, Manifests, Name, Publish, Recipe, Requirement, Source, Target, Text, Volume,
    Writers,
};

use super::{RenderTarget, target};

fn name(text: &str) -> Name {
    Name::from_any(text, "x")
}

/// The codes found in the sample after a change of it.
fn codes(change: impl FnOnce(&mut Bound)) -> Vec<String> {
    let target = target();
    let mut bound = sample_on(&target);
    change(&mut bound);
    let found: Vec<String> = target.check(&bound).iter().map(|finding| finding.code.to_string()).collect();
    for finding in target.check(&bound) {
        assert!(finding.hint.is_some(), "{} has no mend", finding.code);
    }
    let files = files(&target, &bound);
    assert_eq!(files.files.is_empty(), !found.is_empty(), "{found:?}");
    assert_eq!(files.findings.len(), found.len());
    found
}

fn files(target: &RenderTarget, bound: &Bound) -> Manifests {
    let wiring = wired(target, bound);
    target.manifests(&Desk { bound, wiring: &wiring, suffix: None })
}

fn option(bound: &mut Bound, service: &str, key: &str, value: &str) {
    for options in [&mut bound.options, &mut bound.own_options] {
        options.entry(name(service)).or_default().insert(key.to_owned(), value.to_owned());
    }
}

#[test]
fn the_sample_breaks_no_rule() {
    assert_eq!(codes(|_| {}), [""; 0]);
}

type Change = fn(&mut Bound);

/// A finding's code, and a change of the sample that brings it about.
const BROKEN: [(&str, Change); 27] = [
    ("unknown-region", |bound| bound.region = Some("paris".to_owned())),
    ("bad-subdomain", |bound| option(bound, "api", "subdomain", "shop.onrender.com")),
    ("too-big", |bound| bound.services[&name("api")].resources.memory = 64 << 30),
    ("too-big", |bound| bound.services[&name("api")].resources.cpu_millis = 9000),
    ("plan-too-small", |bound| option(bound, "api", "plan", "free")),
    ("reserved-port", |bound| bound.services[&name("api")].port = Some(18_012)),
    ("reserved-port", |bound| {
        bound.services[&name("api")].port = Some(10_000);
        option(bound, "api", "exposure", "private");
        bound.services[&name("web")].proxy.clear();
    }),
    ("reserved-variable", |bound| {
        bound.services[&name("api")].env.insert("RENDER_X".to_owned(), Text::literal("x"));
    }),
    ("reserved-variable", |bound| {
        let secrets = &mut bound.services[&name("api")].secrets;
        secrets.insert("IS_PULL_REQUEST".to_owned(), Requirement::Required);
    }),
    ("reserved-variable", |bound| {
        bound.services[&name("api")].env.insert("DASHDEPLOY_PROJECT".to_owned(), Text::literal("x"));
    }),
    ("reserved-variable", |bound| {
        let secrets = &mut bound.services[&name("api")].secrets;
        secrets.insert("DASHDEPLOY_X".to_owned(), Requirement::Required);
    }),
    ("no-registry", |bound| option(bound, "api", "runtime", "image")),
    ("bad-runtime", |bound| {
        let build = bound.services[&name("web")].build().cloned().unwrap();
        let recipe = Recipe::Own { target: None };
        let kind = dashdeploy_contract::BuildKind::Dockerfile;
        let own = dashdeploy_contract::Build { kind, recipe, ..build };
        bound.services[&name("api")].source = Source::Build(own);
        option(bound, "api", "runtime", "python");
    }),
    ("stage-not-carried", |bound| {
        let build = bound.services[&name("api")].build().cloned().unwrap();
        let recipe = Recipe::Own { target: Some("prod".to_owned()) };
        let kind = dashdeploy_contract::BuildKind::Dockerfile;
        bound.services[&name("api")].source =
            Source::Build(dashdeploy_contract::Build { kind, recipe, ..build });
    }),
    ("more-than-one-disk", |bound| {
        bound.services[&name("api")].volumes.insert(name("more"), "/more".to_owned());
    }),
    ("reserved-path", |bound| {
        bound.services[&name("api")].volumes.insert(name("data"), "/etc/".to_owned());
    }),
    ("disk-and-copies", |bound| bound.services[&name("api")].replicas = 2),
    ("command-not-carried", |bound| {
        let api = &mut bound.services[&name("api")];
        api.source = Source::Image("acme/api".to_owned());
        api.command = Some(vec!["sh".to_owned(), "-c".to_owned(), "a && b".to_owned()]);
    }),
    ("misplaced-option", |bound| option(bound, "api", "server", "gunicorn")),
    ("misplaced-option", |bound| option(bound, "api", "python_version", "3.11.1")),
    ("misplaced-option", |bound| option(bound, "web", "plan", "starter")),
    ("misplaced-option", |bound| {
        bound.registry = Some("ghcr.io/acme".to_owned());
        option(bound, "api", "runtime", "image");
        option(bound, "api", "auto_deploy", "off");
    }),
    ("bad-workers", |bound| option(bound, "api", "workers", "0")),
    ("too-many-writers", |bound| option(bound, "api", "workers", "2")),
    ("bad-python-version", |bound| {
        option(bound, "api", "runtime", "python");
        option(bound, "api", "python_version", "3.12.1");
    }),
    ("bad-python-version", |bound| {
        option(bound, "api", "runtime", "python");
        option(bound, "api", "python_version", "3.11");
    }),
    ("unreachable", |bound| {
        let mut work = bound.services[&name("api")].clone();
        (work.name, work.port) = (name("work"), None);
        work.volumes.clear();
        bound.services.insert(name("work"), work);
        bound.targets.insert(name("work"), name("render"));
        let host = Text::parse("${services.work.host}").unwrap();
        bound.services[&name("api")].env.insert("WORK".to_owned(), host);
    }),
];

#[test]
fn each_rule_is_found_broken() {
    for (code, change) in BROKEN {
        assert_eq!(codes(change), [code], "{code}");
    }
}

#[test]
fn a_volume_of_two_services_is_found_on_both() {
    let found = codes(|bound| {
        let mut other = bound.services[&name("api")].clone();
        other.name = name("other");
        bound.services.insert(name("other"), other);
        bound.targets.insert(name("other"), name("render"));
    });
    assert_eq!(found, ["shared-disk", "shared-disk"]);
}

#[test]
fn a_volume_with_many_writers_bears_several_processes() {
    let found = codes(|bound| {
        bound.volumes.insert(name("data"), Volume { size: None, writers: Writers::Many });
        option(bound, "api", "workers", "4");
    });
    assert_eq!(found, [""; 0]);
}

/// The API's type on Render, and whether its health is checked, when nothing publishes it.
fn unpublished(change: impl FnOnce(&mut Bound)) -> (String, bool) {
    let target = target();
    let mut bound = sample_on(&target);
    bound.services[&name("api")].publish = Publish::No;
    bound.services[&name("api")].health = HealthCheck::Http { path: "/x".to_owned() };
    change(&mut bound);
    let file = files(&target, &bound).files.remove(0);
    let services = file.context["services"].as_array().unwrap().clone();
    let api = services.iter().find(|service| service["name"] == "shop-api").unwrap();
    (api["kind"].as_str().unwrap().to_owned(), api["health"].is_string())
}

/// The page asks nothing of the API.
fn apart(bound: &mut Bound) {
    bound.services[&name("web")].proxy.clear();
    bound.services[&name("web")].env.clear();
}

#[test]
fn a_service_is_private_where_nothing_needs_its_public_address() {
    assert_eq!(unpublished(|_| {}), ("web".to_owned(), true));
    assert_eq!(unpublished(apart), ("pserv".to_owned(), false));
    let asked = unpublished(|bound| {
        apart(bound);
        option(bound, "api", "exposure", "public");
    });
    assert_eq!(asked, ("web".to_owned(), true));
    let named = unpublished(|bound| {
        apart(bound);
        bound.domains.insert(name("api"), "api.example.com".to_owned());
    });
    assert_eq!(named, ("web".to_owned(), true));
    let deaf = unpublished(|bound| {
        apart(bound);
        bound.services[&name("api")].port = None;
    });
    assert_eq!(deaf, ("worker".to_owned(), false));
}

#[test]
fn a_page_that_is_pushed_as_an_image_is_told_at_its_build_what_render_tells_nobody() {
    let target = target();
    let mut bound = sample_on(&target);
    bound.registry = Some("ghcr.io/acme".to_owned());
    option(&mut bound, "web", "hosting", "docker");
    let web = &mut bound.services[&name("web")];
    web.env.insert("VITE_LINES".to_owned(), Text::literal("one\ntwo"));
    web.env.insert("VITE_NOTE".to_owned(), Text::literal("it's"));
    let file = files(&target, &bound).files.remove(0);
    let services = file.context["services"].as_array().unwrap().clone();
    let web = services.iter().find(|service| service["name"] == "shop-web").unwrap();
    let keys: Vec<&str> =
        web["variables"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["PORT"]);
    let build = file.head.iter().find(|line| line.contains("docker build") && line.contains("web")).unwrap();
    assert!(build.contains("--build-arg VITE_LINES ") && !build.contains('\n'), "{build}");
    assert!(build.contains("VITE_NOTE='it'") && build.contains("--build-arg NGINX_CONF="), "{build}");
    assert!(file.head.iter().any(|line| line.contains("https://shop-api.onrender.com")), "{:?}", file.head);
}
