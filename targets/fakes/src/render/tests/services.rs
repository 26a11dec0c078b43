//! Services: made, listed, changed, stopped, scaled, removed.

use serde_json::json;

use super::*;

/// Asks for everything here once.
pub(super) fn round() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    for kind in ["private_service", "background_worker"] {
        let mut body = web(kind);
        body["type"] = json!(kind);
        body["serviceDetails"] = json!({ "runtime": "image", "plan": "standard" });
        rehearsal.made(&body);
    }
    rehearsal.made(&site("site"));
    rehearsal.get("/services?includePreviews=false&limit=100").is(200);
    rehearsal.get(&format!("/services/{id}")).is(200);
    rehearsal.patch(&format!("/services/{id}"), &json!({ "autoDeploy": "yes" })).is(200);
    rehearsal.post(&format!("/services/{id}/scale"), &json!({ "numInstances": 2 })).is(202);
    rehearsal.get(&format!("/services/{id}/instances")).is(200);
    rehearsal.post(&format!("/services/{id}/suspend"), &json!({})).is(202);
    rehearsal.post(&format!("/services/{id}/resume"), &json!({})).is(202);
    rehearsal.delete(&format!("/services/{id}")).is(204);
}

#[test]
fn everything_is_asked_once() {
    round();
}

#[test]
fn a_service_is_made_as_it_was_asked_for() {
    let mut rehearsal = Rehearsal::new();
    let mut body = with_disk("My Shop");
    let details = body["serviceDetails"].as_object_mut().expect("an object");
    details.insert("region".to_owned(), json!("frankfurt"));
    details.insert("maxShutdownDelaySeconds".to_owned(), json!(60));
    body["secretFiles"] = json!([{ "name": "key.pem", "content": "hidden" }]);
    let made = rehearsal.post("/services", &body).is(201);
    let (service, details) = (&made["service"], &made["service"]["serviceDetails"]);
    assert_eq!(service["slug"], "my-shop");
    assert_eq!(service["imagePath"], json!(image('a')));
    assert_eq!(details["url"], "https://my-shop.onrender.com");
    assert_eq!((&details["region"], &details["plan"]), (&json!("frankfurt"), &json!("starter")));
    assert_eq!(details["disk"]["sizeGB"], 1);
    assert_eq!(details["maxShutdownDelaySeconds"], 60);
    assert_eq!(made["deployId"].as_str().map(|id| id.starts_with("dep-")), Some(true));
}

#[test]
fn lists_are_filtered_and_paged() {
    let mut rehearsal = Rehearsal::new();
    for n in 0..25 {
        rehearsal.made(&web(&format!("s{n}")));
        rehearsal.pass(1);
    }
    let page = rehearsal.get("/services").is(200);
    assert_eq!((page.as_array().map(Vec::len), &page[0]["service"]["name"]), (Some(20), &json!("s24")));
    let cursor = page[19]["cursor"].as_str().expect("a cursor").to_owned();
    let rest = rehearsal.get(&format!("/services?cursor={cursor}")).is(200);
    assert_eq!((rest.as_array().map(Vec::len), &rest[0]["service"]["name"]), (Some(5), &json!("s4")));
    let mut count =
        |query: &str| rehearsal.get(&format!("/services?{query}")).is(200).as_array().map(Vec::len);
    assert_eq!(count("name=s1&name=s2"), Some(2));
    assert_eq!(count("type=static_site"), Some(0));
    assert_eq!(count("ownerId=tea-other"), Some(0));
    assert_eq!(count("createdAfter=2026-01-01T00:00:22Z"), Some(2));
    assert_eq!(count("limit=100&suspended=not_suspended&env=image&region=oregon"), Some(25));
}

#[test]
fn names_are_unique_in_a_workspace_and_labels_everywhere() {
    let other =
        Workspace { id: "tea-2".to_owned(), name: "Other".to_owned(), email: String::new(), team: true };
    let mut options =
        RenderOptions { limits: false, taken_labels: vec!["api".to_owned()], ..RenderOptions::default() };
    options.workspaces.push(other);
    let mut rehearsal = Rehearsal::with(options);
    let first = rehearsal.post("/services", &web("api")).is(201)["service"]["slug"].clone();
    assert!(first.as_str().is_some_and(|slug| slug.starts_with("api-") && slug.len() == 8), "{first}");
    rehearsal.post("/services", &web("api")).is(409);
    let mut body = web("api");
    (body["ownerId"], body["image"]["ownerId"]) = (json!("tea-2"), json!("tea-2"));
    let second = rehearsal.post("/services", &body).is(201)["service"]["slug"].clone();
    assert_ne!(first, second);
    rehearsal.made(&web("web"));
    body["name"] = json!("web");
    assert_ne!(rehearsal.post("/services", &body).is(201)["service"]["slug"], "web");
}

#[test]
fn what_does_not_go_together_is_refused_and_nothing_is_made() {
    let mut rehearsal = Rehearsal::new();
    let mut wrong = |change: &dyn Fn(&mut Value)| {
        let mut body = with_disk("api");
        change(&mut body);
        rehearsal.post("/services", &body).is(400);
        assert_eq!(rehearsal.get("/services").is(200), json!([]), "{body}");
    };
    wrong(&|body| body["serviceDetails"]["plan"] = json!("free"));
    wrong(&|body| body["serviceDetails"]["numInstances"] = json!(2));
    wrong(&|body| body["serviceDetails"]["maxShutdownDelaySeconds"] = json!(301));
    wrong(&|body| body["serviceDetails"]["disk"]["sizeGB"] = json!(0));
    wrong(&|body| body["serviceDetails"]["disk"]["mountPath"] = json!("data"));
    wrong(&|body| body["serviceDetails"]["region"] = json!("mars"));
    wrong(&|body| body["serviceDetails"]["colour"] = json!("red"));
    wrong(&|body| body["serviceDetails"]["cache"] = json!({ "profile": "no-cache" }));
    wrong(&|body| body["colour"] = json!("red"));
    wrong(&|body| body["image"]["ownerId"] = json!("tea-other"));
    wrong(&|body| body["image"]["imagePath"] = json!("https://registry.example.com/a"));
    wrong(&|body| body["ownerId"] = json!("tea-other"));
    wrong(&|body| body["repo"] = json!("https://example.com/a.git"));
    wrong(&|body| body["name"] = json!(" "));
    wrong(&|body| body["type"] = json!("private_service"));
    wrong(&|body| body["envVars"] = json!([{ "key": "A", "value": "1" }, { "key": "A", "value": "2" }]));
    wrong(&|body| drop(body.as_object_mut().map(|body| body.remove("image"))));
}

#[test]
fn what_costs_needs_a_card() {
    let mut rehearsal = Rehearsal::with(RenderOptions { card: false, ..RenderOptions::default() });
    rehearsal.post("/services", &web("api")).is(402);
    let mut free = web("api");
    free["serviceDetails"]["plan"] = json!("free");
    let (id, _) = rehearsal.made(&free);
    rehearsal.patch(&format!("/services/{id}"), &json!({ "serviceDetails": { "plan": "starter" } })).is(402);
    assert_eq!(rehearsal.get(&format!("/services/{id}")).is(200)["serviceDetails"]["plan"], "free");
    rehearsal.made(&site("site"));
}

#[test]
fn a_change_is_stored_whole_or_not_at_all_and_deploys_nothing() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let path = format!("/services/{id}");
    let change = json!({
        "name": "shop", "image": { "ownerId": OWNER, "imagePath": image('b') },
        "serviceDetails": { "healthCheckPath": "/ready", "plan": "pro", "envSpecificDetails": { "dockerCommand": "serve" } },
    });
    let changed = rehearsal.patch(&path, &change).is(200);
    assert_eq!((&changed["name"], &changed["slug"]), (&json!("shop"), &json!("api")));
    assert_eq!(changed["serviceDetails"]["healthCheckPath"], "/ready");
    assert_eq!(changed["serviceDetails"]["envSpecificDetails"]["dockerCommand"], "serve");
    rehearsal.pass(60);
    assert_eq!(rehearsal.serves(), Some(image('a')));
    assert_eq!(rehearsal.get(&format!("{path}/deploys")).is(200).as_array().map(Vec::len), Some(1));
    for field in ["disk", "numInstances", "region", "env", "autoscaling"] {
        rehearsal.patch(&path, &json!({ "name": "other", "serviceDetails": { field: 1 } })).is(400);
    }
    rehearsal.patch(&path, &json!({ "envVars": [] })).is(400);
    rehearsal
        .patch(&path, &json!({ "name": "other", "serviceDetails": { "maxShutdownDelaySeconds": 0 } }))
        .is(400);
    assert_eq!(rehearsal.get(&path).is(200), changed);
}

#[test]
fn what_is_suspended_does_not_run_until_it_is_resumed() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    rehearsal.post(&format!("/services/{id}/suspend"), &json!({})).is(202);
    assert_eq!(rehearsal.get(&format!("/services/{id}")).is(200)["suspenders"], json!(["user"]));
    assert_eq!(rehearsal.get(&format!("/services/{id}/instances")).is(200), json!([]));
    assert!(rehearsal.render.hosts(rehearsal.now)[0].suspended);
    rehearsal.post(&format!("/services/{id}/deploys"), &json!({})).is(409);
    rehearsal.post(&format!("/services/{id}/resume"), &json!({})).is(202);
    let deploys = rehearsal.get(&format!("/services/{id}/deploys")).is(200);
    assert_eq!(deploys[0]["deploy"]["trigger"], "service_resumed");
    rehearsal.pass(30);
    assert_eq!(rehearsal.serves(), Some(image('a')));
}

#[test]
fn a_suspension_ends_what_is_in_progress() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let deploy = rehearsal.deployed(&id, 'b');
    rehearsal.pass(1);
    rehearsal.post(&format!("/services/{id}/suspend"), &json!({})).is(202);
    rehearsal.pass(60);
    assert_eq!(rehearsal.state(&id, &deploy), "canceled");
    assert_eq!(rehearsal.serves(), None);
}

#[test]
fn instances_follow_the_scale() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    let scale = |rehearsal: &mut Rehearsal, many: u32| {
        rehearsal.post(&format!("/services/{id}/scale"), &json!({ "numInstances": many }))
    };
    scale(&mut rehearsal, 3).is(202);
    assert_eq!(rehearsal.get(&format!("/services/{id}/instances")).is(200).as_array().map(Vec::len), Some(3));
    scale(&mut rehearsal, 1).is(202);
    assert_eq!(rehearsal.get(&format!("/services/{id}/instances")).is(200).as_array().map(Vec::len), Some(1));
    scale(&mut rehearsal, 0).is(400);
    scale(&mut rehearsal, 101).is(400);
    let (disk, _) = rehearsal.made(&with_disk("disk"));
    rehearsal.post(&format!("/services/{disk}/scale"), &json!({ "numInstances": 2 })).is(400);
}

#[test]
fn what_is_removed_is_gone_with_its_disk() {
    let mut rehearsal = Rehearsal::new();
    let (id, _) = rehearsal.made(&with_disk("api"));
    rehearsal.delete(&format!("/services/{id}")).is(204);
    assert_eq!(
        rehearsal.get(&format!("/services/{id}")).is(404),
        json!({ "message": format!("not found: {id}") })
    );
    rehearsal.delete(&format!("/services/{id}")).is(404);
    assert_eq!(rehearsal.get("/disks").is(200), json!([]));
    assert_eq!(rehearsal.render.objects(), json!({}));
}
