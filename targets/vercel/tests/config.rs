//! Names, addresses and findings from configuration alone.

use dashdeploy_contract::conformance::{sample_on, wired};
use dashdeploy_contract::{Bound, Desk, Name, Options, Target, Topic, Verdict};

use super::target;

fn name(text: &str) -> Name {
    Name::from_any(text, "shop")
}

fn with_project(project: &str) -> Bound {
    let mut bound = sample_on(&target());
    bound.options.insert(name("web"), Options::from([("project".to_owned(), project.to_owned())]));
    bound
}

fn codes(bound: &Bound) -> Vec<String> {
    target().check(bound).iter().map(|finding| finding.code.to_string()).collect()
}

#[test]
fn a_project_is_named_after_project_environment_and_service() {
    let mut bound = sample_on(&target());
    let url = |bound: &Bound| target().addresses(bound)["web"].url.clone().unwrap();
    assert_eq!(url(&bound), "https://shop-web.vercel.app");
    bound.environment = name("staging");
    assert_eq!(url(&bound), "https://shop-staging-web.vercel.app");
    assert_eq!(url(&with_project("mine")), "https://mine.vercel.app");
}

#[test]
fn names_that_cannot_be_projects_are_found() {
    assert_eq!(codes(&with_project("mine")), Vec::<String>::new());
    for bad in ["Mine", "-x", "x-", "a.b", "a b", &"x".repeat(64)] {
        assert_eq!(codes(&with_project(bad)), ["invalid-option"], "{bad}");
    }
}

#[test]
fn containers_are_not_hosted() {
    let mut bound = sample_on(&target());
    bound.targets.insert(name("api"), name("vercel"));
    assert_eq!(codes(&bound), ["not-hosted"]);
    let wiring = wired(&target(), &bound);
    let rows = target().portability(&Desk { bound: &bound, wiring: &wiring, suffix: None });
    let of_api = rows.iter().filter(|row| row.service == name("api"));
    assert!(of_api.clone().count() > 5);
    assert!(of_api.clone().all(|row| row.verdict == Verdict::Impossible));
}

#[test]
fn two_pages_of_one_folder_are_found() {
    let mut bound = sample_on(&target());
    let mut docs = bound.services["web"].clone();
    docs.name = name("docs");
    bound.targets.insert(name("docs"), name("vercel"));
    bound.services.insert(name("docs"), docs);
    assert_eq!(codes(&bound), ["same-folder"]);
}

#[test]
fn a_path_is_handed_on_only_to_a_known_https_address() {
    let mut bound = sample_on(&target());
    let proxy = |bound: &Bound| {
        let mut wiring = wired(&target(), bound);
        if let Some(domain) = bound.domains.get("api") {
            wiring.services.entry(name("api")).or_default().url = Some(format!("https://{domain}"));
        }
        let desk = Desk { bound, wiring: &wiring, suffix: None };
        let rows = target().portability(&desk);
        let row = rows.into_iter().find(|row| row.topic == Topic::Proxy).unwrap();
        (target().routes(&desk, &bound.services["web"]), row.verdict, row.hint)
    };
    let (routed, verdict, hint) = proxy(&bound);
    assert!(!routed && verdict == Verdict::Approximated && hint.unwrap().contains("services.api.domain"));
    bound.services["web"].env.clear();
    assert_eq!(proxy(&bound).1, Verdict::Impossible, "nothing tells the page the address");
    bound.domains.insert(name("api"), "api.example.com".to_owned());
    assert!(proxy(&bound).0);
}
