//! Disks.

use serde_json::json;

use super::*;

/// Asks for everything here once.
pub(super) fn round() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let body = json!({ "serviceId": id, "name": "data", "sizeGB": 2, "mountPath": "/data" });
    let disk = rehearsal.post("/disks", &body).is(201)["id"].as_str().expect("an id").to_owned();
    rehearsal.get(&format!("/disks?serviceId={id}")).is(200);
    rehearsal.get(&format!("/disks/{disk}")).is(200);
    rehearsal.patch(&format!("/disks/{disk}"), &json!({ "sizeGB": 3 })).is(200);
    rehearsal.delete(&format!("/disks/{disk}")).is(204);
}

#[test]
fn everything_is_asked_once() {
    round();
}

#[test]
fn a_disk_grows_only_while_its_service_is_active() {
    let mut rehearsal = Rehearsal::new();
    let (id, _) = rehearsal.made(&with_disk("api"));
    let disk = rehearsal.get(&format!("/disks?serviceId={id}")).is(200)[0]["disk"].clone();
    assert_eq!(
        (&disk["sizeGB"], &disk["mountPath"], &disk["serviceId"]),
        (&json!(1), &json!("/data"), &json!(id))
    );
    let path = format!("/disks/{}", disk["id"].as_str().expect("an id"));
    assert_eq!(rehearsal.patch(&path, &json!({ "sizeGB": 5 })).is(200)["sizeGB"], 5);
    rehearsal.patch(&path, &json!({ "sizeGB": 4 })).is(400);
    rehearsal.patch(&path, &json!({ "mountPath": "data" })).is(400);
    rehearsal.patch(&path, &json!({ "serviceId": "srv-other" })).is(400);
    rehearsal.post(&format!("/services/{id}/suspend"), &json!({})).is(202);
    rehearsal.patch(&path, &json!({ "sizeGB": 6 })).is(400);
    assert_eq!(rehearsal.get(&path).is(200)["sizeGB"], 5);
}

#[test]
fn a_disk_is_for_one_paid_container() {
    let mut rehearsal = Rehearsal::new();
    let attach = |rehearsal: &mut Rehearsal, id: &str| {
        rehearsal
            .post("/disks", &json!({ "serviceId": id, "name": "data", "sizeGB": 1, "mountPath": "/data" }))
    };
    let id = rehearsal.live();
    attach(&mut rehearsal, &id).is(201);
    attach(&mut rehearsal, &id).is(400);
    attach(&mut rehearsal, "srv-unknown").is(404);
    let (static_, _) = rehearsal.made(&site("site"));
    attach(&mut rehearsal, &static_).is(400);
    let mut free = web("free");
    free["serviceDetails"]["plan"] = json!("free");
    let (free, _) = rehearsal.made(&free);
    attach(&mut rehearsal, &free).is(400);
    assert_eq!(rehearsal.get("/disks").is(200).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_disk_that_is_attached_costs_the_next_deploy_its_smoothness() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    rehearsal
        .post("/disks", &json!({ "serviceId": id, "name": "data", "sizeGB": 1, "mountPath": "/data" }))
        .is(201);
    rehearsal.pass(60);
    assert_eq!(rehearsal.serves(), Some(image('a')));
    rehearsal.deployed(&id, 'b');
    rehearsal.pass(1);
    assert_eq!(rehearsal.serves(), None);
}
