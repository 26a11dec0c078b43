//! Users, workspaces, credentials.

use serde_json::json;

use super::*;

fn credential(name: &str) -> Value {
    json!({ "registry": "GITHUB", "name": name, "username": "robot", "authToken": "hidden-token", "ownerId": OWNER })
}

/// Asks for everything here once.
pub(super) fn round() {
    let mut rehearsal = Rehearsal::new();
    rehearsal.get("/users").is(200);
    rehearsal.get("/owners?limit=100").is(200);
    rehearsal.get(&format!("/owners/{OWNER}")).is(200);
    let id = rehearsal.post("/registrycredentials", &credential("pull")).is(200)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    rehearsal.get("/registrycredentials?name=pull").is(200);
    rehearsal.get(&format!("/registrycredentials/{id}")).is(200);
    let changed = json!({ "registry": "DOCKER", "name": "pull", "username": "robot", "authToken": "other" });
    assert_eq!(
        rehearsal.patch(&format!("/registrycredentials/{id}"), &changed).is(200)["registry"],
        "DOCKER"
    );
    rehearsal.delete(&format!("/registrycredentials/{id}")).is(204);
    rehearsal.get(&format!("/registrycredentials/{id}")).is(404);
}

#[test]
fn everything_is_asked_once() {
    round();
}

#[test]
fn workspaces_are_found_by_name() {
    let workspace = |id: &str, name: &str| Workspace {
        id: id.to_owned(),
        name: name.to_owned(),
        email: "a@example.com".to_owned(),
        team: false,
    };
    let workspaces = vec![workspace("usr-1", "Mine"), workspace("tea-2", "Ours")];
    let mut rehearsal = Rehearsal::with(RenderOptions { workspaces, ..RenderOptions::default() });
    assert_eq!(rehearsal.get("/owners").is(200).as_array().map(Vec::len), Some(2));
    assert_eq!(rehearsal.get("/owners?name=Ours").is(200)[0]["owner"]["id"], "tea-2");
    assert_eq!(rehearsal.get("/owners/tea-3").is(404), json!({ "message": "not found: tea-3" }));
}

#[test]
fn a_token_goes_in_and_never_comes_out() {
    let mut rehearsal = Rehearsal::new();
    let made = rehearsal.post("/registrycredentials", &credential("pull")).is(200);
    let all = rehearsal.get("/registrycredentials").is(200);
    assert_eq!(all.as_array().map(Vec::len), Some(1));
    for said in [made.to_string(), all.to_string(), rehearsal.render.objects().to_string()] {
        assert!(!said.contains("hidden-token"), "{said}");
    }
    assert!(rehearsal.get("/registrycredentials?name=push").is(200).as_array().is_some_and(Vec::is_empty));
}

#[test]
fn a_credential_is_used_by_its_workspace_alone() {
    let mut rehearsal = Rehearsal::new();
    let mut body = web("api");
    body["image"]["registryCredentialId"] = json!("rgc-unknown");
    assert!(
        rehearsal.post("/services", &body).is(400)["message"]
            .as_str()
            .is_some_and(|text| text.contains("rgc-unknown"))
    );
    let id = rehearsal.post("/registrycredentials", &credential("pull")).is(200)["id"].clone();
    body["image"]["registryCredentialId"] = id.clone();
    let made = rehearsal.post("/services", &body).is(201);
    assert_eq!(made["service"]["registryCredential"], json!({ "id": id, "name": "pull" }));
}
