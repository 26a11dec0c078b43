//! Names, addresses, runtimes and findings from configuration alone.

use dashdeploy_contract::conformance::{sample_on, wired};
use dashdeploy_contract::{
    Bound, BuildKind, Desk, Name, Options, Recipe, Severity, Source, Target, Text, Topic, Verdict,
};

use super::target;

fn name(text: &str) -> Name {
    Name::from_any(text, "shop")
}

fn findings(bound: &Bound) -> Vec<(String, Severity)> {
    target().check(bound).iter().map(|finding| (finding.code.to_string(), finding.severity)).collect()
}

fn option(bound: &mut Bound, service: &str, option: &str, value: &str) {
    let options = Options::from([(option.to_owned(), value.to_owned())]);
    bound.options.insert(name(service), options.clone());
    bound.own_options.insert(name(service), options);
}

fn paths(bound: &Bound) -> Vec<String> {
    let wiring = wired(&target(), bound);
    let made = target().manifests(&Desk { bound, wiring: &wiring, suffix: None });
    made.files.into_iter().map(|file| file.path).collect()
}

#[test]
fn services_are_reached_by_name_inside_the_network_alone() {
    let bound = sample_on(&target());
    let addresses = target().addresses(&bound);
    assert_eq!(addresses["api"].host.as_deref(), Some("api.railway.internal"));
    assert_eq!(addresses["api"].port, Some(8000));
    assert_eq!(addresses["api"].url, None);
    let wiring = wired(&target(), &bound);
    let desk = Desk { bound: &bound, wiring: &wiring, suffix: None };
    let server = target().page_server(&desk, &bound.services["web"]).unwrap();
    assert_eq!(server.resolver.as_deref(), Some("[fd12::10]"));
    assert_eq!(server.upstreams["api"], "api.railway.internal:8000");
    assert_eq!(target().page_server(&desk, &bound.services["api"]), None);
}

#[test]
fn long_names_are_cut() {
    let mut bound = sample_on(&target());
    let long = name(&"a".repeat(40));
    let mut api = bound.services["api"].clone();
    api.name = long.clone();
    bound.targets.insert(long.clone(), name("railway"));
    bound.services.insert(long.clone(), api);
    bound.services["api"].volumes.clear();
    let host = target().addresses(&bound)[&long].host.clone().unwrap();
    assert_eq!(host.split('.').next().unwrap().len(), 32);
}

#[test]
fn what_railway_cannot_take_is_found() {
    let found = |change: &dyn Fn(&mut Bound)| {
        let mut bound = sample_on(&target());
        change(&mut bound);
        let codes: Vec<String> = findings(&bound).into_iter().map(|(code, _)| code).collect();
        codes
    };
    assert_eq!(found(&|_| {}), Vec::<String>::new());
    assert_eq!(found(&|bound| bound.region = Some("iad".to_owned())), ["unknown-region"]);
    assert_eq!(found(&|bound| bound.services["api"].replicas = 2), ["replicas-with-volume"]);
    let second = |bound: &mut Bound| {
        bound.services["api"].volumes.insert(name("more"), "/more".to_owned());
    };
    assert_eq!(found(&second), ["too-many-volumes"]);
    let reserved = |bound: &mut Bound| {
        bound.services["api"].env.insert("RAILWAY_X".to_owned(), Text::literal("1"));
    };
    assert_eq!(found(&reserved), ["reserved-variable"]);
    let port = |bound: &mut Bound| {
        bound.services["api"].env.insert("PORT".to_owned(), Text::literal("1"));
    };
    assert_eq!(found(&port), ["reserved-variable"]);
}

fn plain(bound: &Bound, service: &str) -> Option<String> {
    let wiring = wired(&target(), bound);
    target().plain_dockerfile(&Desk { bound, wiring: &wiring, suffix: None }, &bound.services[service])
}

#[test]
fn an_image_has_variables_and_no_railway_json() {
    let mut bound = sample_on(&target());
    let built = [
        "railway.web.json",
        "deploy/railway/web.env.example",
        "railway.api.json",
        "deploy/railway/api.env.example",
    ];
    assert_eq!(paths(&bound), built);
    option(&mut bound, "web", "runtime", "image");
    assert_eq!(paths(&bound), built[1..]);
    option(&mut bound, "api", "runtime", "railpack");
    assert_eq!(findings(&bound), []);
    assert_eq!(paths(&bound), built[1..]);
    bound.targets.insert(name("web"), name("docker"));
    assert_eq!(paths(&bound), ["railway.json", "deploy/railway/api.env.example"]);
}

#[test]
fn what_railway_builds_has_a_dockerfile_without_mounts_in_its_context() {
    let mut bound = sample_on(&target());
    let (api, web) = (bound.services["api"].build().unwrap().context.clone(), plain(&bound, "web"));
    let of = |context: &str, name: &str| {
        if context == "." { name.to_owned() } else { format!("{context}/{name}") }
    };
    assert_eq!(plain(&bound, "api").unwrap(), of(&api, "Dockerfile.railway"));
    assert_eq!(web.unwrap(), of(&bound.services["web"].build().unwrap().context, "Dockerfile.railway"));
    let mut more = bound.services["api"].clone();
    more.name = name("more");
    bound.targets.insert(name("more"), name("railway"));
    bound.services.insert(name("more"), more);
    assert_eq!(plain(&bound, "api").unwrap(), of(&api, "Dockerfile.railway.api"));
    assert_eq!(plain(&bound, "more").unwrap(), of(&api, "Dockerfile.railway.more"));
    for runtime in ["image", "railpack"] {
        option(&mut bound, "api", "runtime", runtime);
        assert_eq!(plain(&bound, "api"), None, "{runtime}");
    }
}

#[test]
fn a_build_that_reads_secrets_happens_elsewhere() {
    let mut bound = sample_on(&target());
    let Source::Build(build) = &mut bound.services["api"].source else { panic!("it is built") };
    build.secrets.push("NPM_TOKEN".to_owned());
    assert_eq!(findings(&bound), []);
    assert_eq!(plain(&bound, "api"), None);
    assert!(!paths(&bound).contains(&"railway.api.json".to_owned()));
    option(&mut bound, "api", "runtime", "dockerfile");
    assert_eq!(findings(&bound), [("unfit-runtime".to_owned(), Severity::Error)]);
    let wiring = wired(&target(), &bound);
    let rows = target().portability(&Desk { bound: &bound, wiring: &wiring, suffix: None });
    let row =
        rows.iter().find(|row| row.topic == Topic::Image && row.verdict == Verdict::Impossible).unwrap();
    assert_eq!(row.hint.as_deref(), Some("write `runtime: image`"));
}

#[test]
fn runtimes_that_do_not_do_are_found() {
    let of = |service: &str, runtime: &str| {
        let mut bound = sample_on(&target());
        option(&mut bound, service, "runtime", runtime);
        findings(&bound)
    };
    let unfit = "unfit-runtime".to_owned();
    assert_eq!(of("api", "dockerfile"), []);
    assert_eq!(of("web", "dockerfile"), []);
    assert_eq!(of("web", "railpack"), [(unfit.clone(), Severity::Error)]);
    assert_eq!(of("web", "image"), []);
    let mut bound = sample_on(&target());
    let Source::Build(build) = &mut bound.services["web"].source else { panic!("it is built") };
    (build.kind, build.recipe) = (BuildKind::Dockerfile, Recipe::Own { target: None });
    option(&mut bound, "web", "runtime", "dockerfile");
    assert_eq!(findings(&bound), [(unfit, Severity::Error)], "it lies outside the context");
}

#[test]
fn a_reference_of_railway_in_a_value_is_refused() {
    let mut bound = sample_on(&target());
    bound.services["api"].env.insert("X".to_owned(), Text::literal("a${{ b }}"));
    let wiring = wired(&target(), &bound);
    let made = target().manifests(&Desk { bound: &bound, wiring: &wiring, suffix: None });
    assert_eq!(made.findings.len(), 1);
    assert_eq!(made.findings[0].key, "services.api.env.X");
}

#[test]
fn a_page_whose_services_are_elsewhere_needs_to_be_told() {
    let mut bound = sample_on(&target());
    bound.targets.insert(name("api"), name("docker"));
    let proxy = |bound: &Bound| {
        let wiring = wired(&target(), bound);
        let rows = target().portability(&Desk { bound, wiring: &wiring, suffix: None });
        rows.into_iter().find(|row| row.topic == Topic::Proxy).unwrap().verdict
    };
    assert_eq!(proxy(&bound), Verdict::Approximated);
    bound.services["web"].env.clear();
    assert_eq!(proxy(&bound), Verdict::Impossible);
}
