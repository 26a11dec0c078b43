//! What CloudFront does with a request: its functions run in Node.js on tables of paths, and its behaviours are in order.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::super::rendered;
use super::{WIDE, read_one};
use crate::support::tool;

/// Runs a function of CloudFront on events and gives its answers.
fn run(node: &Path, code: &str, events: &Value) -> Value {
    let program = format!(
        "{code}\nconst events = {events};\nconsole.log(JSON.stringify(events.map((e) => handler(e))));"
    );
    let output = Command::new(node).args(["--use_strict", "-e", &program]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rewritten(node: &Path, code: &str, uris: &[&str]) -> Vec<String> {
    let events: Vec<Value> =
        uris.iter().map(|uri| serde_json::json!({ "request": { "uri": uri, "method": "GET" } })).collect();
    let answers = run(node, code, &Value::Array(events));
    let answer = |answer: &Value| match answer["statusCode"].as_u64() {
        Some(status) => status.to_string(),
        None => answer["uri"].as_str().unwrap().to_owned(),
    };
    answers.as_array().unwrap().iter().map(answer).collect()
}

#[test]
fn functions_of_cloudfront_find_the_file_of_a_path() {
    let test = "functions_of_cloudfront";
    let Some(node) = tool(test, "NODE") else { return };
    let Some(cdn) = read_one(test, &rendered(WIDE, "aws"), "deploy/aws/cdn.yaml") else { return };
    let code = |id: &str| cdn["Resources"][id]["Properties"]["FunctionCode"].as_str().unwrap().to_owned();
    let table = [
        ("/", "/index.html"),
        ("/stocks/AAPL", "/index.html"),
        ("/stocks/", "/index.html"),
        ("/v1.2", "/index.html"),
        ("/index.html", "/index.html"),
        ("/assets/app-3f2a.js", "/assets/app-3f2a.js"),
        ("/assets/missing.js", "/assets/missing.js"),
        ("/font.woff2", "/font.woff2"),
        ("/assets/app.js.map", "404"),
        ("/.env", "404"),
        ("/.git/config", "404"),
        ("/a/.hidden/b", "404"),
        ("/.well-known/security.txt", "/.well-known/security.txt"),
        ("/.well-known/apple-app-site-association", "/.well-known/apple-app-site-association"),
    ];
    let uris: Vec<&str> = table.iter().map(|(uri, _)| *uri).collect();
    let found = rewritten(&node, &code("WebFunction"), &uris);
    let wanted: Vec<&str> = table.iter().map(|(_, wanted)| *wanted).collect();
    assert_eq!(found, wanted);
    let files = ["/", "/about", "/docs/", "/style.css", "/.env", "/a.map"];
    let found = rewritten(&node, &code("SiteFunction"), &files);
    assert_eq!(found, ["/index.html", "/about.html", "/docs/index.html", "/style.css", "404", "404"]);

    let event = |location: Value| {
        let host = serde_json::json!({ "headers": { "host": { "value": "a.test" } } });
        serde_json::json!({ "request": host, "response": { "statusCode": 307, "headers": location } })
    };
    let at = |value: &str| serde_json::json!({ "location": { "value": value } });
    let plain = ["http://a.test/x/?y=1", "http://b.test/x", "/x", "https://a.test/x", "http://a.testing/x"];
    let mut events: Vec<Value> = plain.iter().map(|value| event(at(value))).collect();
    events.push(event(serde_json::json!({})));
    let answers = run(&node, &code("StayOnHttps"), &Value::Array(events));
    let found: Vec<&str> = answers
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["headers"]["location"]["value"].as_str())
        .collect();
    assert_eq!(
        found,
        ["https://a.test/x/?y=1", "http://b.test/x", "/x", "https://a.test/x", "http://a.testing/x"]
    );
}

#[test]
fn paths_that_are_handed_on_have_behaviours_of_their_own() {
    let test = "paths_that_are_handed_on";
    let Some(cdn) = read_one(test, &rendered(WIDE, "aws"), "deploy/aws/cdn.yaml") else { return };
    let web = &cdn["Resources"]["WebDistribution"]["Properties"]["DistributionConfig"];
    let behaviors = web["CacheBehaviors"].as_array().unwrap();
    let found: Vec<(&str, &str)> = behaviors
        .iter()
        .map(|one| (one["PathPattern"].as_str().unwrap(), one["TargetOriginId"].as_str().unwrap()))
        .collect();
    let (api, own) = ("service-api", "service-own");
    let wanted = [
        ("/api/v2/deep", own),
        ("/api/v2/deep/*", own),
        ("/api", api),
        ("/api/*", api),
        ("/x", api),
        ("/x/*", api),
    ];
    assert_eq!(found, wanted);
    // The function of files is on the files alone.
    assert_eq!(web["DefaultCacheBehavior"]["FunctionAssociations"][0]["EventType"], "viewer-request");
    assert!(behaviors.iter().all(|one| one["FunctionAssociations"][0]["EventType"] == "viewer-response"));
    // No error page: those of services would be lost. A page without services has its own.
    assert_eq!(
        web["CustomErrorResponses"],
        serde_json::json!([{ "ErrorCode": 404, "ErrorCachingMinTTL": 0 }])
    );
    let site = &cdn["Resources"]["SiteDistribution"]["Properties"]["DistributionConfig"];
    assert_eq!(site["CustomErrorResponses"][0]["ResponsePagePath"], "/404.html");
    assert_eq!(site["CustomErrorResponses"][0]["ResponseCode"], 404);
    // The user's headers: those with a field of their own go there.
    let headers = &cdn["Resources"]["SiteHeaders"]["Properties"]["ResponseHeadersPolicyConfig"];
    assert_eq!(headers["SecurityHeadersConfig"]["FrameOptions"]["FrameOption"], "DENY");
    let custom = headers["CustomHeadersConfig"]["Items"].as_array().unwrap();
    assert!(custom.iter().any(|one| one["Header"] == "X-Robots-Tag" && one["Value"] == "none; 'x' \\ \"y\""));
}
