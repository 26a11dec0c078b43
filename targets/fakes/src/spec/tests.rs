//! The vendors' documents, where they are at hand, and one that is made up.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

use std::path::PathBuf;

use super::*;

fn call(method: &str, url: &str, body: Value) -> Call {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    Call {
        method: method.to_owned(),
        path: path.to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: Vec::new(),
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
    }
}

/// A vendor's document, where it is at hand: in the folder that `DASHDEPLOY_SPECS` names, otherwise beside the repository.
fn document(name: &str) -> Option<Value> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs");
    let folder = std::env::var_os("DASHDEPLOY_SPECS").map_or_else(beside, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
        eprintln!("SKIPPED: the vendor's {name} is not there (DASHDEPLOY_SPECS names the folder)");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn made_up() -> Spec {
    let document = json!({
        "servers": [{ "url": "https://api.example/v1" }],
        "paths": {
            "/things": { "post": { "requestBody": { "required": true, "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Thing" } } } } } },
            "/things/{id}": { "get": { "parameters": [
                { "name": "limit", "in": "query", "schema": { "type": "integer" } },
                { "name": "owner", "in": "query", "required": true, "schema": { "type": "string" } } ] } },
        },
        "components": { "schemas": {
            "Thing": { "allOf": [{ "$ref": "#/components/schemas/Named" }, { "type": "object", "properties": {
                "size": { "type": "integer", "nullable": true }, "any": { "type": "object" },
                "inner": { "$ref": "#/components/schemas/Named" } } }] },
            "Named": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } },
        } },
    });
    Spec::read(&document, &[]).unwrap()
}

#[test]
fn what_a_document_does_not_name_is_a_problem() {
    let spec = made_up();
    let problems = |method: &str, url: &str, body: Value| spec.problems(&call(method, url, body)).unwrap();
    let good = json!({ "name": "a", "size": null, "any": { "x": 1 }, "inner": { "name": "b" } });
    assert_eq!(problems("POST", "/v1/things", good), Vec::<String>::new());
    for wrong in [
        json!({ "name": "a", "nmae": "b" }),
        json!({ "name": "a", "inner": { "name": "b", "size": 1 } }),
        json!({ "name": 1 }),
        json!({ "size": 1 }),
        Value::Null,
    ] {
        assert!(!problems("POST", "/v1/things", wrong.clone()).is_empty(), "{wrong}");
    }
    let told = problems("POST", "/v1/things", json!({ "name": "a", "size": "s3cret" }));
    assert!(told.len() == 1 && told[0].contains("/size") && !told[0].contains("s3cret"), "{told:?}");
    assert_eq!(problems("GET", "/v1/things/1?owner=me&limit=3", Value::Null), Vec::<String>::new());
    assert_eq!(problems("GET", "/v1/things/1?owner=me&limit=x&page=2", Value::Null).len(), 2);
    assert_eq!(problems("GET", "/v1/things/1", Value::Null), ["parameter owner is missing"]);
    assert_eq!(problems("PUT", "/v1/things", json!({})), ["the document has no PUT /things"]);
    assert_eq!(problems("GET", "/v1/nothing", Value::Null), ["the document has no path /nothing"]);
    assert_eq!(problems("GET", "/other/things", Value::Null), Vec::<String>::new());
    assert!(Spec::read(&json!({}), &[]).is_err());
}

#[test]
fn every_body_of_the_vendors_documents_can_be_checked() {
    for name in ["fly-machines.openapi.json", "render.openapi.json"] {
        let Some(document) = document(name) else { return };
        let spec = Spec::read(&document, &[]).unwrap();
        assert_eq!(spec.base, "/v1");
        for (at, operation) in spec.operations.iter().enumerate() {
            if let Some(schema) = &operation.body {
                spec.validator(at, schema)
                    .map_err(|why| format!("{name} {:?}: {why}", operation.path))
                    .unwrap();
            }
        }
    }
}

#[test]
fn requests_to_fly_are_held_against_its_document() {
    let Some(document) = document("fly-machines.openapi.json") else { return };
    let spec =
        Spec::read(&document, crate::Platform::nullable(&crate::fly::Fly::new(Default::default()))).unwrap();
    let problems = |method: &str, url: &str, body: Value| spec.problems(&call(method, url, body)).unwrap();
    let none = Vec::<String>::new();
    let config =
        json!({ "image": "a", "services": [{ "internal_port": 1, "autostop": "off" }], "env": { "A": "b" } });
    assert_eq!(problems("POST", "/v1/apps/a/machines", json!({ "name": "m", "config": config })), none);
    assert_eq!(
        problems("POST", "/v1/apps/a/machines", json!({ "config": { "image": "a", "imgae": "b" } })).len(),
        1
    );
    assert_eq!(
        problems("POST", "/v1/apps/a/machines", json!({ "config": { "services": [{ "port": 1 }] } })).len(),
        1
    );
    assert_eq!(problems("POST", "/v1/apps", json!({ "app_name": "a" })).len(), 1);
    assert_eq!(problems("POST", "/v1/apps/a/secrets", json!({ "values": { "A": "b", "GONE": null } })), none);
    assert_eq!(
        problems("GET", "/v1/apps/a/machines/1/wait?state=started&version=x&timeout=60", Value::Null),
        none
    );
    assert_eq!(problems("DELETE", "/v1/apps/a/machines/1?froce=true", Value::Null).len(), 1);
    assert_eq!(problems("GET", "/api/v1/apps/a/logs", Value::Null), none, "another host's");
}

#[test]
fn requests_to_render_are_held_against_its_document() {
    let Some(document) = document("render.openapi.json") else { return };
    let spec = Spec::read(&document, &[]).unwrap();
    let problems = |method: &str, url: &str, body: Value| spec.problems(&call(method, url, body)).unwrap();
    let service = json!({
        "type": "web_service", "name": "a", "ownerId": "tea-1", "image": { "ownerId": "tea-1", "imagePath": "r.io/a/b" },
        "envVars": [{ "key": "A", "value": "b" }],
        "serviceDetails": { "runtime": "image", "plan": "starter", "healthCheckPath": "/" },
    });
    assert_eq!(problems("POST", "/v1/services", service.clone()), Vec::<String>::new());
    let mut wrong = service;
    wrong["serviceDetails"]["helthCheckPath"] = json!("/");
    assert!(!problems("POST", "/v1/services", wrong).is_empty());
    assert_eq!(problems("GET", "/v1/services?limit=20&name=a", Value::Null), Vec::<String>::new());
    assert_eq!(problems("GET", "/v1/services?nmae=a", Value::Null).len(), 1);
}
