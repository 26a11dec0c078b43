//! What is refused whatever was asked.

use serde_json::json;

use super::*;

fn call(headers: &[(&str, &str)]) -> Call {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Call { method: "GET".to_owned(), path: "/v1/users".to_owned(), headers, ..Call::default() }
}

#[test]
fn a_key_and_json_are_needed() {
    let mut rehearsal = Rehearsal::new();
    let (key, json) = (("authorization", "Bearer rnd_rehearsal"), ("accept", "application/json"));
    for wrong in [
        call(&[json]),
        call(&[json, ("authorization", "Bearer rnd_other")]),
        call(&[json, ("authorization", "rnd_rehearsal")]),
    ] {
        assert_eq!(rehearsal.call(&wrong).is(401), json!({ "message": "Unauthorized" }));
    }
    for wrong in [call(&[key]), call(&[key, ("accept", "text/html")])] {
        rehearsal.call(&wrong).is(406);
    }
    rehearsal.call(&call(&[key, json])).is(200);
    rehearsal.call(&call(&[key, ("accept", "*/*")])).is(200);
}

#[test]
fn too_many_requests_are_refused_until_the_window_ends() {
    let mut rehearsal = Rehearsal::with(RenderOptions::default());
    let (id, _) = rehearsal.made(&web("api"));
    let path = format!("/services/{id}");
    for left in (0..10).rev() {
        let said = rehearsal.patch(&path, &json!({ "autoDeploy": "no" }));
        let told = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
            .map(|name| said.header(name).map(str::to_owned));
        assert_eq!(told, [Some("10".to_owned()), Some(left.to_string()), Some("60".to_owned())]);
        said.is(200);
    }
    rehearsal.pass(20);
    let refused = rehearsal.post(&format!("{path}/deploys"), &json!({}));
    assert_eq!(
        (refused.header("ratelimit-reset"), refused.header("ratelimit-remaining")),
        (Some("40"), Some("0"))
    );
    assert!(refused.is(429)["message"].is_string());
    assert_eq!(
        rehearsal.get(&format!("{path}/deploys")).is(200).as_array().map(Vec::len),
        Some(1),
        "nothing was deployed"
    );
    rehearsal.pass(40);
    rehearsal.post(&format!("{path}/deploys"), &json!({})).is(201);
}

#[test]
fn services_are_made_twenty_an_hour() {
    let mut rehearsal = Rehearsal::with(RenderOptions::default());
    for n in 0..20 {
        rehearsal.made(&web(&format!("s{n}")));
    }
    rehearsal.post("/services", &web("one-more")).is(429);
    rehearsal.pass(3600);
    rehearsal.made(&web("one-more"));
}

#[test]
fn what_is_not_there_and_what_is_not_played_are_told_apart() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    rehearsal.get("/nothing").is(404);
    rehearsal.get("/services/srv-unknown/deploys").is(404);
    rehearsal.get("/postgres").is(501);
    rehearsal.get(&format!("/services/{id}/jobs")).is(501);
    rehearsal.post(&format!("/services/{id}/restart"), &json!({})).is(501);
    let mut cron = web("cron");
    cron["type"] = json!("cron_job");
    rehearsal.post("/services", &cron).is(501);
    let mut built = web("built");
    built["serviceDetails"]["runtime"] = json!("python");
    rehearsal.post("/services", &built).is(501);
}

#[test]
fn a_body_that_is_no_json_and_a_filter_that_is_none_are_refused() {
    let mut rehearsal = Rehearsal::new();
    let mut wrong = call(&[("authorization", "Bearer rnd_rehearsal"), ("accept", "application/json")]);
    (wrong.method, wrong.path, wrong.body) = ("POST".to_owned(), "/v1/services".to_owned(), b"{".to_vec());
    rehearsal.call(&wrong).is(400);
    assert_eq!(
        rehearsal.get("/services?colour=red").is(400),
        json!({ "message": "unknown query parameter: colour" })
    );
}

#[test]
fn only_requests_that_change_something_are_writes() {
    let render = Render::new(RenderOptions::default());
    assert_eq!(render.name(), "render");
    assert!(!render.writes(&call(&[])));
    assert!(render.writes(&Call { method: "PUT".to_owned(), ..call(&[]) }));
}

#[test]
fn no_request_brings_the_platform_down() {
    let mut rehearsal = Rehearsal::new();
    let (id, deploy) = rehearsal.made(&with_disk("api"));
    let (page, _) = rehearsal.made(&site("site"));
    let disk = rehearsal.get("/disks").is(200)[0]["disk"]["id"].as_str().expect("an id").to_owned();
    let below = "|/env-vars|/env-vars/KEY|/secret-files|/secret-files/f|/deploys|/deploys/DEPLOY|/deploys/DEPLOY/cancel|/rollback|/routes|/routes/x|/headers|/headers/x|/custom-domains|/custom-domains/x|/custom-domains/x/verify|/suspend|/resume|/scale|/instances|/cache/purge";
    let mut paths: Vec<String> =
        ["", "/", "/users", "/owners", "/owners/x", "/logs", "/services", "/disks", "/registrycredentials"]
            .map(str::to_owned)
            .to_vec();
    paths.extend([format!("/disks/{disk}"), "/registrycredentials/x".to_owned(), "/disks/x/y/z".to_owned()]);
    for service in [id.as_str(), page.as_str(), "srv-unknown"] {
        paths.extend(
            below.split('|').map(|rest| format!("/services/{service}{}", rest.replace("DEPLOY", &deploy))),
        );
    }
    let large = json!({ "numInstances": u64::MAX, "sizeGB": u32::MAX, "priority": i64::MIN, "name": "x".repeat(10_000) });
    let bodies = [
        json!({}),
        json!([]),
        json!([[]]),
        json!("x"),
        Value::Null,
        large,
        json!({ "serviceDetails": [] }),
        json!({ "numInstances": u32::MAX }),
    ];
    for path in &paths {
        for method in ["GET", "POST", "PUT", "PATCH", "HEAD", "OPTIONS", ""] {
            for body in &bodies {
                let status = rehearsal.ask(method, &format!("{path}?limit=1"), Some(body)).status;
                assert!((200..500).contains(&status) || status == 501, "{method} {path} {body}: {status}");
            }
        }
        rehearsal.pass(1);
    }
}
