//! Saved plans: what is read is what was written, and everything else is refused.

use dashdeploy_contract::{Health, Observed};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::sample_tests::{Sample, name, second};
use super::*;

fn saved(sample: &Sample) -> SavedPlan {
    SavedPlan::new(sample.proposal(), sample.plan.clone(), sample.release.clone(), &sample.observed)
}

fn read(text: &str) -> Result<SavedPlan, SavedPlanError> {
    SavedPlan::read(text, &name("shop"), &name("production"))
}

#[test]
fn what_is_read_is_what_was_written() {
    let sample = second();
    let text = saved(&sample).text().unwrap();
    let again = read(&text).unwrap();
    assert_eq!(again, saved(&sample));
    assert_eq!(again.text().unwrap(), text);
    assert!(again.fits(&sample.observed));
    let compact: Value = serde_json::from_str(&text).unwrap();
    assert!(read(&compact.to_string()).is_ok(), "blanks count for nothing");
}

#[test]
fn edited_files_other_versions_and_other_projects_are_refused() {
    let text = saved(&second()).text().unwrap();
    let edited = text.replacen("\"debug\"", "\"error\"", 1);
    assert_ne!(edited, text);
    assert_eq!(read(&edited), Err(SavedPlanError::Edited));
    let version = text.replacen("\"version\": 1", "\"version\": 2", 1);
    assert_eq!(read(&version), Err(SavedPlanError::Version { found: 2 }));
    let other = SavedPlan::read(&text, &name("shop"), &name("staging")).unwrap_err();
    assert_eq!(other.to_string(), "it is a plan for shop in production, not for shop in staging");
    assert!(SavedPlan::read(&text, &name("other"), &name("production")).is_err());
    for none in ["", "{}", "[]", "null", "plan", &text[..text.len() / 2], r#"{"kind":"dashdeploy plan"}"#] {
        assert!(matches!(read(none), Err(SavedPlanError::NoPlan(_))), "{none}");
    }
    for error in [SavedPlanError::Edited, SavedPlanError::Version { found: 2 }, other] {
        assert!(error.hint().contains("dashdeploy") || error.hint().contains("-e"));
    }
}

#[test]
fn every_single_edit_of_the_content_is_seen() {
    let text = saved(&second()).text().unwrap();
    let at = text.find("\"content\"").unwrap();
    let digits = text.char_indices().filter(|(place, c)| *place > at && c.is_ascii_hexdigit());
    for (place, c) in digits.step_by(7) {
        let other = if c == '1' { '2' } else { '1' };
        let mut edited = text.clone();
        edited.replace_range(place..=place, &other.to_string());
        assert!(read(&edited).is_err(), "{place}: {c} to {other}");
    }
}

#[test]
fn numbers_with_a_fraction_survive() {
    let mut sample = second();
    for (at, number) in [0.1, 1e-7, 1.0 / 3.0, 122.416_294_033_786_58].into_iter().enumerate() {
        sample.plan.changes[at].payload = json!({ "cpu": number });
    }
    assert_eq!(read(&saved(&sample).text().unwrap()).unwrap(), saved(&sample));
}

#[test]
fn what_changes_by_itself_does_not_move_a_fingerprint() {
    let observed = second().observed;
    let before = fingerprint(&observed);
    let mut later = observed.clone();
    later.resources.reverse();
    for resource in &mut later.resources {
        resource.facts =
            [("status".to_owned(), "replacing".to_owned()), ("started".to_owned(), "later".to_owned())]
                .into();
    }
    later.resources[1].health = Some(Health::Unhealthy { detail: "503".to_owned() });
    assert_eq!(fingerprint(&later), before);
    let mut sorted = observed.clone();
    sorted.resources[0].payload.sort_all_objects();
    assert_eq!(fingerprint(&sorted), before);
}

#[test]
fn what_plans_compare_moves_a_fingerprint() {
    let observed = second().observed;
    let before = fingerprint(&observed);
    let edits: [fn(&mut Observed); 7] = [
        |observed| observed.resources[0].owned = false,
        |observed| observed.resources[0].adoptable = true,
        |observed| observed.resources[0].id.push('2'),
        |observed| observed.resources[0].service = None,
        |observed| observed.resources[0].payload["spec"]["env"] = json!(["B", "A"]),
        |observed| drop(observed.resources.pop()),
        |observed| observed.resources.push(observed.resources[0].clone()),
    ];
    for (at, edit) in edits.into_iter().enumerate() {
        let mut other = observed.clone();
        edit(&mut other);
        assert_ne!(fingerprint(&other), before, "edit {at}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        "[a-c\"\\\\,:{}\\[\\]]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-c]{0,2}", inner), 0..4)
                .prop_map(|entries| Value::from(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn other_payloads_have_other_fingerprints(one in value(), other in value()) {
        let mut observed = second().observed;
        observed.resources[0].payload = one.clone();
        let first = fingerprint(&observed);
        observed.resources[0].payload = other.clone();
        prop_assert_eq!(fingerprint(&observed) == first, one == other);
    }

    #[test]
    fn any_payload_can_be_saved(payload in value()) {
        let mut sample = second();
        sample.plan.changes[0].payload = payload;
        prop_assert_eq!(read(&saved(&sample).text().unwrap()), Ok(saved(&sample)));
    }
}
