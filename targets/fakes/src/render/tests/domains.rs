//! Custom domains.

use serde_json::json;

use super::*;

/// Asks for everything here once.
pub(super) fn round() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let path = format!("/services/{id}/custom-domains");
    rehearsal.post(&path, &json!({ "name": "shop.example.com" })).is(201);
    rehearsal.get(&path).is(200);
    rehearsal.get(&format!("{path}/shop.example.com")).is(200);
    rehearsal.post(&format!("{path}/shop.example.com/verify"), &json!({})).is(202);
    rehearsal.delete(&format!("{path}/shop.example.com")).is(204);
}

#[test]
fn everything_is_asked_once() {
    round();
}

#[test]
fn an_apex_comes_with_its_pair() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let path = format!("/services/{id}/custom-domains");
    let made = rehearsal.post(&path, &json!({ "name": "Example.com" })).is(201);
    let told: Vec<_> = made
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| (item["name"].as_str(), item["redirectForName"].as_str()))
        .collect();
    assert_eq!(told, [(Some("example.com"), Some("")), (Some("www.example.com"), Some("example.com"))]);
    assert_eq!(rehearsal.get(&format!("{path}?domainType=apex")).is(200).as_array().map(Vec::len), Some(1));
    let (other, _) = rehearsal.made(&web("other"));
    rehearsal
        .post(&format!("/services/{other}/custom-domains"), &json!({ "name": "www.example.com" }))
        .is(409);
    for wrong in ["", "example", "a..com", "-a.com", "x.onrender.com", "a b.com"] {
        rehearsal.post(&path, &json!({ "name": wrong })).is(400);
    }
}

#[test]
fn a_domain_is_verified_where_its_records_point_here() {
    let pointed = vec!["shop.example.com".to_owned()];
    let mut rehearsal = Rehearsal::with(RenderOptions { pointed, ..RenderOptions::default() });
    let id = rehearsal.live();
    let path = format!("/services/{id}/custom-domains");
    for name in ["shop.example.com", "elsewhere.example.com"] {
        assert_eq!(
            rehearsal.post(&path, &json!({ "name": name })).is(201)[0]["verificationStatus"],
            "unverified"
        );
        rehearsal.post(&format!("{path}/{name}/verify"), &json!({})).is(202);
    }
    assert_eq!(rehearsal.get(&format!("{path}/shop.example.com")).is(200)["verificationStatus"], "verified");
    assert_eq!(
        rehearsal.get(&format!("{path}?verificationStatus=unverified")).is(200)[0]["customDomain"]["name"],
        "elsewhere.example.com"
    );
    let names = |rehearsal: &mut Rehearsal| -> Vec<String> {
        rehearsal.render.hosts(rehearsal.now).into_iter().map(|host| host.name).collect()
    };
    assert_eq!(names(&mut rehearsal), ["api.onrender.com", "shop.example.com"]);
    rehearsal
        .patch(
            &format!("/services/{id}"),
            &json!({ "serviceDetails": { "renderSubdomainPolicy": "disabled" } }),
        )
        .is(200);
    assert_eq!(names(&mut rehearsal), ["shop.example.com"]);
    rehearsal.delete(&format!("{path}/shop.example.com")).is(204);
    rehearsal.get(&format!("{path}/shop.example.com")).is(404);
}
