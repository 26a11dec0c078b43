//! Variables and secret files.

use serde_json::json;

use super::*;

/// Asks for everything here once.
pub(super) fn round() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let (env, files) = (format!("/services/{id}/env-vars"), format!("/services/{id}/secret-files"));
    rehearsal.get(&env).is(200);
    rehearsal
        .put(&env, &json!([{ "key": "A", "value": "1" }, { "key": "B", "generateValue": true }]))
        .is(200);
    rehearsal.put(&format!("{env}/C"), &json!({ "value": "3" })).is(200);
    rehearsal.get(&format!("{env}/C")).is(200);
    rehearsal.delete(&format!("{env}/C")).is(204);
    rehearsal.put(&files, &json!([{ "name": "a", "content": "1" }])).is(200);
    rehearsal.put(&format!("{files}/b"), &json!({ "content": "2" })).is(201);
    rehearsal.get(&files).is(200);
    rehearsal.get(&format!("{files}/b")).is(200);
    rehearsal.delete(&format!("{files}/b")).is(204);
}

#[test]
fn everything_is_asked_once() {
    round();
}

#[test]
fn variables_are_read_in_clear_replaced_whole_and_set_alone() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let path = format!("/services/{id}/env-vars");
    let keys = |rehearsal: &mut Rehearsal| -> Vec<String> {
        let all = rehearsal.get(&path).is(200);
        all.as_array()
            .expect("a list")
            .iter()
            .map(|item| item["envVar"]["key"].as_str().expect("a key").to_owned())
            .collect()
    };
    assert_eq!(
        rehearsal.get(&format!("{path}/KEY")).is(200),
        json!({ "key": "KEY", "value": "hidden-value" })
    );
    rehearsal
        .put(&path, &json!([{ "key": "B", "value": "" }, { "key": "A", "generateValue": true }]))
        .is(200);
    assert_eq!(keys(&mut rehearsal), ["A", "B"]);
    assert!(
        rehearsal.get(&format!("{path}/A")).is(200)["value"].as_str().is_some_and(|value| value.len() == 64)
    );
    rehearsal.put(&format!("{path}/C"), &json!({ "value": "3" })).is(200);
    rehearsal.delete(&format!("{path}/B")).is(204);
    rehearsal.delete(&format!("{path}/B")).is(404);
    assert_eq!(keys(&mut rehearsal), ["A", "C"]);
    for wrong in [
        json!([{ "key": "A=B", "value": "1" }]),
        json!([{ "key": "1A", "value": "1" }]),
        json!([{ "key": "A", "value": "1", "generateValue": true }]),
        json!([{ "key": "A" }]),
        json!([{ "key": "A", "value": "1", "secret": true }]),
        json!({ "A": "1" }),
    ] {
        rehearsal.put(&path, &wrong).is(400);
    }
    rehearsal.ask("PUT", &path, None).is(400);
    assert_eq!(keys(&mut rehearsal), ["A", "C"]);
}

#[test]
fn many_variables_are_paged() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let all: Vec<Value> = (0..30).map(|n| json!({ "key": format!("V{n:02}"), "value": "x" })).collect();
    let path = format!("/services/{id}/env-vars");
    assert_eq!(rehearsal.put(&path, &json!(all)).is(200).as_array().map(Vec::len), Some(30));
    let page = rehearsal.get(&path).is(200);
    let cursor = page[19]["cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(rehearsal.get(&format!("{path}?cursor={cursor}")).is(200)[0]["envVar"]["key"], "V20");
}

#[test]
fn files_have_a_megabyte_together() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let path = format!("/services/{id}/secret-files");
    let half = "x".repeat(600 * 1024);
    rehearsal.put(&path, &json!([{ "name": "a", "content": half }])).is(200);
    rehearsal.put(&format!("{path}/b"), &json!({ "content": half })).is(400);
    rehearsal.put(&format!("{path}/a"), &json!({ "content": half })).is(201);
    rehearsal.put(&path, &json!([{ "name": "../a", "content": "" }])).is(400);
    assert_eq!(rehearsal.get(&path).is(200).as_array().map(Vec::len), Some(1));
}

#[test]
fn values_are_digests_among_the_objects() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    rehearsal.put(&format!("/services/{id}/secret-files/f"), &json!({ "content": "hidden-file" })).is(201);
    let objects = rehearsal.render.objects();
    assert_eq!(objects["services"][&id]["env"].as_object().map(|env| env.len()), Some(2));
    assert_eq!(objects["services"][&id]["secretFiles"]["f"].as_str().map(str::len), Some(12));
    let hosts = rehearsal.render.hosts(rehearsal.now);
    assert!(
        hosts[0]
            .backend
            .as_ref()
            .and_then(|backend| backend.container.as_ref())
            .is_some_and(|container| container.env["KEY"] == "hidden-value")
    );
    for told in [objects.to_string(), format!("{hosts:?} {:?}", rehearsal.render)] {
        assert!(!told.contains("hidden"), "{told}");
    }
}
