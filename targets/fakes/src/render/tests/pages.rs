//! Routes and headers of static sites.

use serde_json::json;

use super::*;

/// Asks for everything here once.
pub(super) fn round() {
    let mut rehearsal = Rehearsal::new();
    let (id, _) = rehearsal.made(&site("site"));
    let (routes, headers) = (format!("/services/{id}/routes"), format!("/services/{id}/headers"));
    rehearsal.get(&routes).is(200);
    rehearsal
        .put(&routes, &json!([{ "type": "rewrite", "source": "/*", "destination": "/index.html" }]))
        .is(200);
    let route = rehearsal
        .post(&routes, &json!({ "type": "redirect", "source": "/a", "destination": "/b" }))
        .is(201)["id"]
        .clone();
    rehearsal.delete(&format!("{routes}/{}", route.as_str().expect("an id"))).is(204);
    rehearsal.get(&headers).is(200);
    rehearsal.put(&headers, &json!([{ "path": "/*", "name": "A", "value": "1" }])).is(200);
    let header = rehearsal.post(&headers, &json!({ "path": "/*", "name": "B", "value": "2" })).is(201)["headers"]["id"].clone();
    rehearsal.delete(&format!("{headers}/{}", header.as_str().expect("an id"))).is(204);
    rehearsal.post(&format!("/services/{id}/cache/purge"), &json!({})).is(202);
}

#[test]
fn everything_is_asked_once() {
    round();
}

#[test]
fn rules_are_those_of_the_making_until_they_are_replaced() {
    let mut rehearsal = Rehearsal::new();
    let (id, _) = rehearsal.made(&site("site"));
    let path = format!("/services/{id}/routes");
    assert_eq!(rehearsal.get(&path).is(200)[0]["route"]["destination"], "/index.html");
    rehearsal
        .post(&path, &json!({ "type": "redirect", "source": "/a", "destination": "/b", "priority": 0 }))
        .is(201);
    let sources = |rehearsal: &mut Rehearsal, query: &str| -> Vec<Value> {
        let all = rehearsal.get(&format!("{path}{query}")).is(200);
        all.as_array().expect("a list").iter().map(|item| item["route"]["source"].clone()).collect()
    };
    assert_eq!(sources(&mut rehearsal, ""), ["/a", "/*"]);
    assert_eq!(sources(&mut rehearsal, "?type=rewrite"), ["/*"]);
    rehearsal.put(&path, &json!([])).is(200);
    assert_eq!(sources(&mut rehearsal, ""), Vec::<Value>::new());
    rehearsal.put(&path, &json!([{ "type": "proxy", "source": "/a", "destination": "/b" }])).is(400);
    rehearsal.patch(&path, &json!({ "priority": 1 })).is(501);
}

#[test]
fn containers_have_no_rules() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    rehearsal.put(&format!("/services/{id}/routes"), &json!([])).is(400);
    rehearsal.post(&format!("/services/{id}/cache/purge"), &json!({})).is(202);
}
