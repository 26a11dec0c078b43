//! Verdicts over rollbacks.

use dashdeploy_contract::Text;

use super::super::sample_tests::{name, release};
use super::*;

fn verdict(edit: impl FnOnce(&mut Release, &mut Release, &mut BTreeMap<Name, bool>)) -> RollbackVerdict {
    let (mut then, mut now) = (release(5), release(8));
    let mut images: BTreeMap<Name, bool> =
        then.images.keys().map(|service| (service.clone(), true)).collect();
    edit(&mut then, &mut now, &mut images);
    let secrets = now.secrets.clone();
    RollbackVerdict::of(&RollbackInput {
        then: &then,
        now: Some(&now),
        images: &images,
        secrets: &secrets,
        schemas: &BTreeMap::new(),
    })
}

fn codes(reasons: &[RollbackReason]) -> Vec<(&str, &str)> {
    reasons.iter().map(|reason| (reason.service.as_str(), reason.code.as_str())).collect()
}

#[test]
fn the_same_content_comes_back_without_a_doubt() {
    let verdict = verdict(|then, _, _| {
        then.bound.services[&name("api")].env.insert("LOG_LEVEL".to_owned(), Text::literal("debug"));
    });
    assert!(verdict.is_clear(), "{verdict:?}");
    assert_eq!((verdict.from, verdict.to), (Some(8), Some(5)));
}

#[test]
fn an_image_that_is_gone_stands_in_the_way() {
    let verdict = verdict(|_, _, images| {
        images.insert(name("api"), false);
        images.remove(&name("web"));
    });
    assert_eq!(codes(&verdict.blockers), [("api", "image-gone")]);
    assert_eq!(codes(&verdict.doubts), [("web", "image-unknown")]);
    assert!(!verdict.is_possible());
}

#[test]
fn secrets_that_are_others_today_are_doubts_and_missing_ones_stand_in_the_way() {
    let differing = verdict(|_, now, _| {
        let prints = &mut now.secrets[&name("api")];
        prints.insert("SMTP_USER".to_owned(), "33333333".to_owned());
        prints.insert("SENTRY_DSN".to_owned(), "44444444".to_owned());
    });
    assert_eq!(codes(&differing.doubts), [("api", "secret-differs"), ("api", "secret-differs")]);
    let gone = verdict(|_, now, _| now.secrets[&name("api")].clear());
    assert_eq!(codes(&gone.blockers), [("api", "secret-missing")]);
    assert_eq!(codes(&gone.doubts), [("api", "secret-differs")], "SMTP_USER is optional");
    assert!(!format!("{differing:?}{gone:?}").contains("33333333"));
}

#[test]
fn volumes_and_services_that_differ_are_doubts() {
    let verdict = verdict(|then, now, _| {
        then.bound.services[&name("api")].volumes.insert(name("cache"), "/cache".to_owned());
        now.bound.services[&name("api")].volumes.insert(name("data"), "/other".to_owned());
        now.bound.services[&name("api")].volumes.insert(name("media"), "/media".to_owned());
        let mut worker = now.bound.services[&name("api")].clone();
        worker.name = name("worker");
        now.bound.services.insert(name("worker"), worker);
    });
    assert_eq!(
        codes(&verdict.doubts),
        [("api", "volume-differs"), ("api", "volume-gone"), ("api", "volume-new"), ("worker", "service-new")]
    );
    assert!(verdict.is_possible() && !verdict.is_clear());
}

#[test]
fn a_newer_schema_is_a_doubt() {
    let (then, images) = (release(5), BTreeMap::new());
    let schemas = BTreeMap::from([(name("api"), ("12".to_owned(), "14".to_owned()))]);
    let verdict = RollbackVerdict::of(&RollbackInput {
        then: &then,
        now: None,
        images: &images,
        secrets: &then.secrets,
        schemas: &schemas,
    });
    assert!(codes(&verdict.doubts).contains(&("api", "schema-differs")), "{verdict:?}");
    assert!(verdict.doubts.iter().any(|doubt| doubt.message.contains("schema 14 today and had 12 then")));
}
