//! The platform, asked as a client asks it. Where the vendor's document is at hand, every answer is held against it.

mod accounts;
mod deploys;
mod disks;
mod domains;
mod logs;
mod pages;
mod refusals;
mod services;
mod serving;
mod settings;
#[cfg(feature = "spec")]
mod spec;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

/// The workspace of the default options.
const OWNER: &str = "tea-rehearsal0000000000";

/// An image of the repository that services are made of here.
fn image(letter: char) -> String {
    format!("registry.example.com/shop/api@sha256:{}", letter.to_string().repeat(64))
}

/// An answer, its body read.
struct Said {
    status: u16,
    headers: Vec<(String, String)>,
    body: Value,
}

impl Said {
    /// The body of an answer with that status.
    #[track_caller]
    fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A platform, and the moment that it is asked at.
struct Rehearsal {
    render: Render,
    now: Duration,
}

impl Rehearsal {
    /// A platform that takes any number of requests.
    fn new() -> Self {
        Self::with(RenderOptions { limits: false, ..RenderOptions::default() })
    }

    fn with(options: RenderOptions) -> Self {
        Self { render: Render::new(options), now: Duration::ZERO }
    }

    /// A platform where containers of these images, or with these variables, do something else than being healthy.
    fn where_(rules: &[(When, Outcome)]) -> Self {
        let rules = rules.iter().map(|(when, outcome)| Rule {
            when: when.clone(),
            outcome: outcome.clone(),
            lines: vec!["starting".to_owned()],
        });
        let table = Table { boot: Duration::from_secs(3), rules: rules.collect() };
        Self::with(RenderOptions {
            limits: false,
            workloads: Some(Box::new(table)),
            ..RenderOptions::default()
        })
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn ask(&mut self, method: &str, target: &str, body: Option<&Value>) -> Said {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        self.call(&Call {
            method: method.to_owned(),
            path: format!("/v1{path}"),
            query: pairs.map(|(name, value)| header(name, value)).collect(),
            headers: vec![
                header("authorization", "Bearer rnd_rehearsal"),
                header("accept", "application/json"),
            ],
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        })
    }

    fn call(&mut self, call: &Call) -> Said {
        let reply = self.render.answer(call, self.now);
        let body = match reply.body.as_slice() {
            [] => Value::Null,
            body => serde_json::from_slice(body).expect("an answer is JSON"),
        };
        let said = Said { status: reply.status, headers: reply.headers, body };
        #[cfg(feature = "spec")]
        spec::hold(call, &said);
        said
    }

    fn get(&mut self, target: &str) -> Said {
        self.ask("GET", target, None)
    }

    fn post(&mut self, target: &str, body: &Value) -> Said {
        self.ask("POST", target, Some(body))
    }

    fn put(&mut self, target: &str, body: &Value) -> Said {
        self.ask("PUT", target, Some(body))
    }

    fn patch(&mut self, target: &str, body: &Value) -> Said {
        self.ask("PATCH", target, Some(body))
    }

    fn delete(&mut self, target: &str) -> Said {
        self.ask("DELETE", target, None)
    }

    /// Makes a service and gives its id and its first deploy's.
    #[track_caller]
    fn made(&mut self, body: &Value) -> (String, String) {
        let said = self.post("/services", body).is(201);
        (
            said["service"]["id"].as_str().expect("an id").to_owned(),
            said["deployId"].as_str().expect("an id").to_owned(),
        )
    }

    /// A web service that is live.
    fn live(&mut self) -> String {
        let (id, deploy) = self.made(&web("api"));
        self.pass(30);
        assert_eq!(self.state(&id, &deploy), "live");
        id
    }

    /// Deploys an image and gives the deploy's id.
    #[track_caller]
    fn deployed(&mut self, id: &str, letter: char) -> String {
        let said =
            self.post(&format!("/services/{id}/deploys"), &json!({ "imageUrl": image(letter) })).is(201);
        said["id"].as_str().expect("an id").to_owned()
    }

    fn state(&mut self, id: &str, deploy: &str) -> String {
        let said = self.get(&format!("/services/{id}/deploys/{deploy}")).is(200);
        said["status"].as_str().expect("a state").to_owned()
    }

    /// The image that answers under the first public name, if any does.
    fn serves(&mut self) -> Option<String> {
        let host = self.render.hosts(self.now).into_iter().next()?;
        Some(host.backend?.container?.image)
    }
}

/// The body that makes a web service of image `a`.
fn web(name: &str) -> Value {
    json!({
        "type": "web_service", "name": name, "ownerId": OWNER, "autoDeploy": "no",
        "image": { "ownerId": OWNER, "imagePath": image('a') },
        "envVars": [{ "key": "PORT", "value": "8000" }, { "key": "KEY", "value": "hidden-value" }],
        "serviceDetails": { "runtime": "image", "healthCheckPath": "/health" },
    })
}

/// The same with a disk.
fn with_disk(name: &str) -> Value {
    let mut body = web(name);
    body["serviceDetails"]["disk"] = json!({ "name": "data", "mountPath": "/data" });
    body
}

/// The body that makes a static site.
fn site(name: &str) -> Value {
    json!({
        "type": "static_site", "name": name, "ownerId": OWNER, "repo": "https://example.com/shop.git", "branch": "pages",
        "serviceDetails": {
            "buildCommand": "true", "publishPath": "dist",
            "routes": [{ "type": "rewrite", "source": "/*", "destination": "/index.html" }],
            "headers": [{ "path": "/*", "name": "X-Frame-Options", "value": "DENY" }],
        },
    })
}
