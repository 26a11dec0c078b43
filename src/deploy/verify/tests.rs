//! Checks and what answers mean for them.

use dashdeploy_contract::conformance::sample;
use dashdeploy_contract::{ImageId, ReleaseImage, Served, ServiceAddress, Text};

use super::*;
use crate::io::outside::OutsideAnswer;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn release() -> Release {
    let mut release = sample("t");
    for service in ["api", "web"] {
        let address =
            ServiceAddress { url: Some(format!("https://{service}.example.com")), host: None, port: None };
        release.wiring.services.insert(name(service), address);
    }
    release
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> OutsideAnswer {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    OutsideAnswer { status, headers, body: body.as_bytes().to_vec(), whole: true, millis: 1 }
}

fn found(release: &Release) -> Vec<Check> {
    checks(release, &Addresses::of(release, &BTreeMap::new()), &BTreeMap::new()).0
}

#[test]
fn a_page_of_another_origin_is_asked_for_its_preflight() {
    let words = |release: &Release| found(release).iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut release = release();
    let text = Text::parse("${services.api.url}").unwrap();
    release.bound.services.get_mut("web").unwrap().env.insert("VITE_API".to_owned(), text);
    assert!(!words(&release).iter().any(|word| word.starts_with("preflight")), "{:?}", words(&release));
    release.wiring.same_origin.clear();
    let expected = "preflight OPTIONS https://api.example.com/api/health from https://web.example.com";
    assert!(words(&release).contains(&expected.to_owned()), "{:?}", words(&release));
}

#[test]
fn what_is_not_public_is_asked_for_its_digest_alone() {
    let mut release = release();
    release.wiring.services.clear();
    let found = found(&release);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|check| matches!(check, Check::Digest { .. })));
}

#[test]
fn another_digest_in_one_copy_is_enough() {
    let mut image = ReleaseImage::new("x", ImageId("sha256:1".into()));
    image.digest = Some("r/x@sha256:2".into());
    let served = |images: &[&str]| Served {
        images: images.iter().map(|i| (*i).to_owned()).collect(),
        ..Served::default()
    };
    assert!(judge::digest(Some(&image), &served(&["sha256:1", "sha256:2"])).is_ok());
    assert!(
        judge::digest(Some(&image), &served(&["sha256:2", "sha256:3"])).unwrap_err().contains("sha256:3")
    );
    assert!(judge::digest(Some(&image), &served(&["r/x@sha256:2"])).is_ok(), "the whole reference");
    assert!(judge::digest(Some(&image), &served(&[])).is_err());
}

#[test]
fn pages_are_told_apart_by_their_build_or_their_bytes() {
    let page = |id: &str| format!("<head><meta name=\"dashdeploy-build\" content=\"{id}\"></head>");
    let mark = PageMark::of(page("abc").as_bytes());
    assert_eq!(mark.meta.as_deref(), Some("abc"));
    assert!(judge::page(&answer(200, &[], &(page("abc") + "<!-- edge -->")), &mark).is_ok());
    let wrong = judge::page(&answer(200, &[], &page("old")), &mark).unwrap_err();
    assert_eq!(wrong, "the page served is build old, and abc was deployed");
    let plain = PageMark::of(b"<p>one</p>");
    assert!(judge::page(&answer(200, &[], "<p>one</p>"), &plain).is_ok());
    assert!(judge::page(&answer(200, &[], "<p>two</p>"), &plain).is_err());
}

#[test]
fn answers_are_judged_with_what_was_found() {
    assert!(judge::healthy(&answer(308, &[], "")).is_ok());
    assert_eq!(judge::healthy(&answer(503, &[], "no\u{1b}[2J")).unwrap_err(), "it answered 503: no [2J");
    let moved = judge::status(&answer(301, &[("location", "https://x/")], ""), 200).unwrap_err();
    assert_eq!(moved, "it answered 301, which leads to https://x/, instead of 200");
    assert!(judge::contains(&answer(200, &[], "<div id=\"root\">"), Some("id=\"root\"")).is_ok());
    assert!(judge::contains(&answer(200, &[], "else"), Some("root")).is_err());
    let allow = |value| answer(204, &[("access-control-allow-origin", value)], "");
    assert!(judge::preflight(&allow("https://a"), "https://a").is_ok());
    assert!(judge::preflight(&allow("*"), "https://a").is_ok());
    assert!(judge::preflight(&allow("https://b"), "https://a").unwrap_err().contains("https://b"));
    assert!(judge::preflight(&answer(405, &[], ""), "https://a").is_err());
    assert!(judge::preflight(&answer(200, &[], ""), "https://a").is_err());
}

#[test]
fn preflights_are_judged_as_browsers_do() {
    let said = |status, headers: &[(&str, &str)]| judge::preflight(&answer(status, headers, ""), "https://a");
    let one = ("access-control-allow-origin", "https://a");
    assert!(said(200, &[one]).is_ok() && said(204, &[one]).is_ok());
    assert!(said(302, &[one]).unwrap_err().starts_with("the preflight was answered 302"));
    assert!(said(200, &[one, one]).unwrap_err().contains("several"));
    for other in ["https://A", "https://a/", "null", "https://a, https://b"] {
        assert!(said(200, &[("access-control-allow-origin", other)]).is_err(), "{other}");
    }
    let check =
        Check::Preflight { service: name("api"), url: "https://b/".into(), origin: "https://a".into() };
    let cookies = ("access-control-allow-credentials", "true");
    let any = ("access-control-allow-origin", "*");
    assert!(judge::answer(&check, &answer(200, &[any, cookies], "")).unwrap().unwrap().contains("cookies"));
    assert_eq!(judge::answer(&check, &answer(200, &[one, cookies], "")), Ok(None));
    assert_eq!(judge::answer(&check, &answer(200, &[any], "")), Ok(None));
}

#[test]
fn a_page_is_served_as_one_and_an_old_one_is_told_from_a_kept_one() {
    let mark = PageMark::of(b"<p>new</p>");
    let page = |headers: &[(&str, &str)], body| judge::page(&answer(200, headers, body), &mark);
    assert!(page(&[("content-type", "Text/HTML; charset=utf-8")], "<p>new</p>").is_ok());
    let wrong = page(&[("content-type", "text/plain")], "<p>new</p>").unwrap_err();
    assert_eq!(wrong, "the page is served as `text/plain`, which browsers do not show as a page");
    assert!(page(&[("age", "300")], "<p>old</p>").unwrap_err().ends_with("; a cache answered (age: 300)"));
    assert!(
        page(&[("age", "0"), ("x-cache", "Hit from x")], "").unwrap_err().ends_with("(x-cache: Hit from x)")
    );
    assert!(page(&[("age", "0"), ("x-cache", "MISS")], "").unwrap_err().ends_with("was deployed"));
}

#[test]
fn what_is_shown_of_an_answer_steers_no_terminal() {
    let hostile = "a\u{1b}]0;x\u{7}\u{202e}\u{200b}b\r\nc".to_owned() + &"d".repeat(900);
    let served = answer(500, &[("server", "x\u{9b}2J"), ("content-type", "text/plain")], &hostile);
    let said = judge::head(&served, "");
    assert!(said.starts_with("status 500, content-type: text/plain, server: x 2J: a ]0;x b c"), "{said}");
    assert!(said.chars().count() < 300 && !said.chars().any(char::is_control));
}
