//! The forms of a standing.

use std::collections::BTreeMap;

use dashdeploy_contract::{Action, Address, FieldChange, Name, Served};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;
use crate::console::status_junit;
use crate::deploy::sample_tests::{HOSTILE, Sample, second, settled};
use crate::deploy::{Standing, StandingInput};

const PLAIN: Style = Style { color: false };

fn standing(sample: &Sample, unknown: &BTreeMap<Name, String>) -> Standing {
    let api = Name::parse("api").unwrap();
    let images = vec![format!("registry.fly.io/shop@sha256:{}", "f".repeat(64))];
    let certificate = Some("waits for a CNAME of shop.example.com".to_owned());
    let served = Served { images, certificate, ..Served::default() };
    Standing::of(&StandingInput {
        bound: &sample.release.bound,
        release: Some(&sample.release),
        plan: &sample.plan,
        observed: &sample.observed,
        served: &[(api, served)].into(),
        unknown,
        titles: &sample.titles,
    })
}

fn drifting() -> Standing {
    let mut sample = second();
    sample.plan.changes.retain(|change| change.address.kind() != "volume");
    let mut shared = sample.plan.changes[0].clone();
    shared.service = None;
    shared.address = Address::new("fly", "network", "shop");
    sample.plan.changes.push(shared);
    standing(&sample, &BTreeMap::new())
}

fn hostile() -> Standing {
    let sample = second();
    let unknown = [(Name::parse("web").unwrap(), HOSTILE.to_owned())].into();
    let mut standing = standing(&sample, &unknown);
    let fields = vec![FieldChange { field: HOSTILE.to_owned(), from: Some(HOSTILE.to_owned()), to: None }];
    let drift = crate::deploy::Drift {
        address: Address::new("fly", "machine", HOSTILE),
        action: Action::Update,
        reason: format!("{HOSTILE}\u{fffe}"),
        fields,
    };
    standing.services[1].drift.push(drift.clone());
    standing.services[1].health = Some(Health::Unhealthy { detail: HOSTILE.to_owned() });
    standing.services[1].url = Some(HOSTILE.to_owned());
    standing.services[1].certificate = Some(HOSTILE.to_owned());
    standing.services[1].title = HOSTILE.to_owned();
    standing.drift.push(drift);
    standing
}

#[test]
fn the_forms_look_as_they_should() {
    let fine = standing(&settled(), &BTreeMap::new());
    insta::assert_snapshot!("status_absent", status_text(&fine, PLAIN));
    let drifting = drifting();
    insta::assert_snapshot!("status_text", status_text(&drifting, PLAIN));
    insta::assert_snapshot!("status_markdown", status_markdown(&drifting));
    insta::assert_snapshot!("status_junit", status_junit(&drifting));
}

/// Counts the elements of a name, and reads everything on the way.
fn elements(xml: &str) -> BTreeMap<String, usize> {
    let mut reader = Reader::from_str(xml);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                for attribute in element.attributes() {
                    attribute.unwrap();
                }
                *found.entry(element.name().as_ref().to_owned()).or_default() += 1;
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn junit_has_a_case_for_each_service_and_question() {
    for standing in [drifting(), hostile(), standing(&settled(), &BTreeMap::new())] {
        let xml = status_junit(&standing);
        let found = elements(&xml);
        let cases = standing.services.len() * 3 + 1;
        assert_eq!((found["testsuite"], found["testcase"]), (1, cases));
        let failures = found.get("failure").copied().unwrap_or(0);
        let errors = found.get("error").copied().unwrap_or(0);
        let head = format!(" tests=\"{cases}\" failures=\"{failures}\" errors=\"{errors}\"");
        assert_eq!(xml.matches(&head).count(), 2, "{head}");
        // XML 1.0, section 2.2: no other control characters, no surrogates, not these two.
        assert!(xml.chars().all(|c| (c == '\n' || !c.is_control()) && c != '\u{fffe}' && c != '\u{ffff}'));
    }
    assert_eq!(elements(&status_junit(&hostile()))["error"], 1);
}

#[test]
fn what_stands_in_a_report_is_what_was_found() {
    let xml = status_junit(&hostile());
    let mut reader = Reader::from_str(&xml);
    let mut text = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(name) => text.push_str(match &*name {
                "lt" => "<",
                "gt" => ">",
                "amp" => "&",
                "quot" => "\"",
                other => panic!("{other}"),
            }),
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(text.contains("a|b `c` \"d\" 'e' <script>alert(1)</script> </pre>]]>-->"), "{text}");
    assert!(text.contains("\\u{202e}evil\\x1b[31m\\x00"), "{text}");
}

#[test]
fn hostile_texts_break_neither_text_nor_markdown() {
    let text = status_text(&hostile(), PLAIN);
    assert!(text.chars().all(|c| (!c.is_control() || c == '\n') && c != '\u{202e}'), "{text}");
    let markdown = status_markdown(&hostile());
    let rows = markdown.lines().filter(|line| line.starts_with("| "));
    assert!(rows.clone().count() == 3 && rows.clone().all(|row| row.matches('|').count() == 9), "{markdown}");
    assert!(!markdown.contains("<script") && !markdown.contains("@all") && !markdown.contains('`'));
}
