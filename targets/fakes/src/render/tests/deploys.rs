//! Deploys: what each goes through, and what answers meanwhile.

use serde_json::json;

use super::*;

/// Asks for everything here once.
pub(super) fn round() {
    let mut rehearsal =
        Rehearsal::with(RenderOptions { limits: false, queue: true, ..RenderOptions::default() });
    let id = rehearsal.live();
    let first =
        rehearsal.get(&format!("/services/{id}/deploys?status=live")).is(200)[0]["deploy"]["id"].clone();
    let second = rehearsal.deployed(&id, 'b');
    rehearsal.post(&format!("/services/{id}/deploys"), &json!({ "imageUrl": image('c') })).is(202);
    rehearsal.get(&format!("/services/{id}/deploys/{second}")).is(200);
    rehearsal.post(&format!("/services/{id}/deploys/{second}/cancel"), &json!({})).is(200);
    rehearsal.pass(60);
    rehearsal.post(&format!("/services/{id}/rollback"), &json!({ "deployId": first })).is(201);
    let (site, deploy) = rehearsal.made(&site("site"));
    rehearsal.get(&format!("/services/{site}/deploys/{deploy}")).is(200);
}

#[test]
fn everything_is_asked_once() {
    round();
}

/// The states of a deploy by quarter seconds, each once.
fn course(rehearsal: &mut Rehearsal, id: &str, deploy: &str) -> Vec<String> {
    let mut states = vec![rehearsal.state(id, deploy)];
    for _ in 0..4 * 60 * 20 {
        rehearsal.now += Duration::from_millis(250);
        let state = rehearsal.state(id, deploy);
        if states.last() != Some(&state) {
            states.push(state);
        }
    }
    states
}

#[test]
fn a_deploy_goes_live_and_the_former_one_is_deactivated() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let former = rehearsal.get(&format!("/services/{id}/deploys")).is(200)[0]["deploy"].clone();
    assert_eq!(
        (&former["status"], &former["image"]["sha"]),
        (&json!("live"), &json!(format!("sha256:{}", "a".repeat(64))))
    );
    let deploy = rehearsal.deployed(&id, 'b');
    rehearsal.pass(2);
    assert_eq!(
        (rehearsal.state(&id, &deploy), rehearsal.serves()),
        ("update_in_progress".to_owned(), Some(image('a')))
    );
    rehearsal.pass(2);
    assert_eq!((rehearsal.state(&id, &deploy), rehearsal.serves()), ("live".to_owned(), Some(image('b'))));
    assert_eq!(rehearsal.state(&id, former["id"].as_str().expect("an id")), "deactivated");
    let instances = |rehearsal: &mut Rehearsal| {
        rehearsal.get(&format!("/services/{id}/instances")).is(200).as_array().map(Vec::len)
    };
    assert_eq!(instances(&mut rehearsal), Some(2), "the former instance stays a minute");
    rehearsal.pass(60);
    assert_eq!(instances(&mut rehearsal), Some(1));
}

#[test]
fn each_outcome_has_its_course() {
    let after = Duration::from_secs(2);
    let when = |letter: char| When::Image(letter.to_string().repeat(64));
    let mut rehearsal = Rehearsal::where_(&[
        (when('b'), Outcome::Healthy { after }),
        (when('c'), Outcome::Unhealthy),
        (when('d'), Outcome::Exits { after, code: 3 }),
        (when('e'), Outcome::Unpullable),
        (when('f'), Outcome::Unprepared),
    ]);
    let id = rehearsal.live();
    rehearsal
        .patch(&format!("/services/{id}"), &json!({ "serviceDetails": { "preDeployCommand": "migrate" } }))
        .is(200);
    for (letter, last) in [
        ('b', ["pre_deploy_in_progress", "update_in_progress", "live"].as_slice()),
        ('c', &["pre_deploy_in_progress", "update_in_progress", "update_failed"]),
        ('d', &["pre_deploy_in_progress", "update_in_progress", "update_failed"]),
        ('e', &["build_failed"]),
        ('f', &["pre_deploy_in_progress", "pre_deploy_failed"]),
    ] {
        let deploy = rehearsal.deployed(&id, letter);
        let course = course(&mut rehearsal, &id, &deploy);
        assert_eq!(course, [["created", "queued"].as_slice(), last].concat(), "{letter}");
        assert_eq!(rehearsal.serves(), Some(image('b')), "{letter}");
    }
}

#[test]
fn a_variable_decides_with_the_next_deploy() {
    let mut rehearsal =
        Rehearsal::where_(&[(When::Env("MODE".to_owned(), "broken".to_owned()), Outcome::Unpullable)]);
    let id = rehearsal.live();
    rehearsal.put(&format!("/services/{id}/env-vars/MODE"), &json!({ "value": "broken" })).is(200);
    rehearsal.pass(60);
    assert_eq!(rehearsal.serves(), Some(image('a')));
    let deploy = rehearsal.deployed(&id, 'b');
    rehearsal.pass(60);
    assert_eq!(rehearsal.state(&id, &deploy), "build_failed");
}

#[test]
fn with_a_disk_the_former_instance_stops_first_and_comes_back() {
    let mut rehearsal = Rehearsal::where_(&[(
        When::Image("c".repeat(64)),
        Outcome::Exits { after: Duration::from_secs(5), code: 1 },
    )]);
    let (id, _) = rehearsal.made(&with_disk("api"));
    rehearsal.pass(30);
    rehearsal.deployed(&id, 'b');
    assert_eq!(rehearsal.serves(), Some(image('a')));
    rehearsal.pass(1);
    assert_eq!(rehearsal.serves(), None);
    rehearsal.pass(5);
    assert_eq!(rehearsal.serves(), Some(image('b')));
    rehearsal.deployed(&id, 'c');
    rehearsal.pass(6);
    assert_eq!(rehearsal.serves(), None, "the former instance boots again");
    rehearsal.pass(3);
    assert_eq!(rehearsal.serves(), Some(image('b')));
    assert_eq!(rehearsal.get(&format!("/services/{id}/instances")).is(200).as_array().map(Vec::len), Some(1));
}

#[test]
fn a_deploy_cancels_the_one_in_progress() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let (first, second) = (rehearsal.deployed(&id, 'b'), rehearsal.deployed(&id, 'c'));
    rehearsal.pass(30);
    assert_eq!(
        (rehearsal.state(&id, &first), rehearsal.state(&id, &second)),
        ("canceled".to_owned(), "live".to_owned())
    );
}

#[test]
fn where_deploys_queue_the_newest_follows() {
    let mut rehearsal =
        Rehearsal::with(RenderOptions { limits: false, queue: true, ..RenderOptions::default() });
    let id = rehearsal.live();
    let first = rehearsal.deployed(&id, 'b');
    for letter in ['c', 'd'] {
        let said = rehearsal.post(&format!("/services/{id}/deploys"), &json!({ "imageUrl": image(letter) }));
        assert_eq!((said.status, said.body), (202, Value::Null));
    }
    let states = |rehearsal: &mut Rehearsal| -> Vec<Value> {
        let all = rehearsal.get(&format!("/services/{id}/deploys?limit=3")).is(200);
        all.as_array().expect("a list").iter().map(|item| item["deploy"]["status"].clone()).collect()
    };
    assert_eq!(states(&mut rehearsal), ["queued", "queued", "created"]);
    rehearsal.pass(4);
    assert_eq!((rehearsal.state(&id, &first), rehearsal.serves()), ("live".to_owned(), Some(image('b'))));
    assert_eq!(states(&mut rehearsal)[1], "canceled");
    rehearsal.pass(4);
    assert_eq!(rehearsal.serves(), Some(image('d')));
}

#[test]
fn a_deploy_that_is_canceled_leaves_the_former_one() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let deploy = rehearsal.deployed(&id, 'b');
    rehearsal.pass(1);
    let path = format!("/services/{id}/deploys/{deploy}/cancel");
    assert_eq!(rehearsal.post(&path, &json!({})).is(200)["status"], "canceled");
    rehearsal.post(&path, &json!({})).is(400);
    rehearsal.pass(60);
    assert_eq!(
        (rehearsal.state(&id, &deploy), rehearsal.serves()),
        ("canceled".to_owned(), Some(image('a')))
    );
}

#[test]
fn an_image_of_another_repository_is_refused() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let path = format!("/services/{id}/deploys");
    for body in [
        json!({ "imageUrl": "registry.example.com/shop/web:1" }),
        json!({ "imageUrl": "other.example.com/shop/api:1" }),
        json!({ "commitId": "abc" }),
        json!({ "imageUrl": image('b'), "deployMode": "deploy_only" }),
        json!({ "image": image('b') }),
    ] {
        rehearsal.post(&path, &body).is(400);
    }
    rehearsal.post(&path, &json!({ "imageUrl": "registry.example.com/shop/api:2" })).is(201);
}

#[test]
fn what_a_deploy_named_does_not_stay_set() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    rehearsal.deployed(&id, 'b');
    rehearsal.pass(30);
    assert_eq!(rehearsal.get(&format!("/services/{id}")).is(200)["imagePath"], json!(image('a')));
    rehearsal.post(&format!("/services/{id}/deploys"), &json!({})).is(201);
    rehearsal.pass(30);
    assert_eq!(rehearsal.serves(), Some(image('a')));
}

#[test]
fn a_rollback_brings_the_image_back_and_no_variables() {
    let mut rehearsal = Rehearsal::where_(&[(When::Image("c".repeat(64)), Outcome::Unpullable)]);
    let id = rehearsal.live();
    let first = rehearsal.get(&format!("/services/{id}/deploys")).is(200)[0]["deploy"]["id"].clone();
    rehearsal.put(&format!("/services/{id}/env-vars/KEY"), &json!({ "value": "newer" })).is(200);
    rehearsal.deployed(&id, 'b');
    rehearsal.pass(30);
    let failed = rehearsal.deployed(&id, 'c');
    rehearsal.pass(30);
    let path = format!("/services/{id}/rollback");
    rehearsal.post(&path, &json!({ "deployId": failed })).is(400);
    rehearsal.post(&path, &json!({ "deployId": "dep-unknown" })).is(404);
    assert_eq!(rehearsal.post(&path, &json!({ "deployId": first })).is(201)["trigger"], "rollback");
    rehearsal.pass(30);
    let backend = rehearsal.render.hosts(rehearsal.now).remove(0).backend.expect("it serves");
    let container = backend.container.expect("a container");
    assert_eq!((container.image, container.env["KEY"].as_str(), container.port), (image('a'), "newer", 8000));
}

#[test]
fn a_site_is_deployed_by_commit() {
    let mut rehearsal = Rehearsal::new();
    let (id, first) = rehearsal.made(&site("site"));
    assert_eq!(course(&mut rehearsal, &id, &first), ["created", "queued", "build_in_progress", "live"]);
    let path = format!("/services/{id}/deploys");
    rehearsal.post(&path, &json!({ "imageUrl": image('a') })).is(400);
    rehearsal.post(&path, &json!({ "commitId": "abc123", "clearCache": "clear" })).is(201);
    rehearsal.pass(30);
    let host = rehearsal.render.hosts(rehearsal.now).remove(0);
    assert_eq!(
        (host.name.as_str(), host.backend.and_then(|backend| backend.commit)),
        ("site.onrender.com", Some("abc123".to_owned()))
    );
}
