//! The edge before Fly.io, visited over real connections.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::fly::{Fly, FlyOptions};
use crate::tests::ask;
use crate::workload::{Job, Script, Scripted, When};
use crate::{Lab, Moment, Options};

fn lab(options: FlyOptions) -> Lab {
    Lab::start(vec![Box::new(Fly::new(options))], Options { edge: Some(0), ..Options::default() }).unwrap()
}

fn post(lab: &Lab, path: &str, body: &serde_json::Value) {
    let headers = [("authorization", "Bearer fo1_rehearsal")];
    let body = body.to_string();
    let (status, _, body) =
        ask(lab.address("fly").unwrap(), "POST", path, &headers, body.as_bytes()).unwrap();
    assert!(status < 300, "{path}: {status} {}", String::from_utf8_lossy(&body));
}

fn app(lab: &Lab) {
    post(lab, "/v1/apps", &json!({ "name": "shop", "org_slug": "rehearsal" }));
    post(lab, "/v1/apps/shop/ip_assignments", &json!({ "type": "v6" }));
}

fn machine(lab: &Lab, image: &str) {
    let config = json!({ "image": image, "services": [{ "internal_port": 8000, "checks": [{ "type": "http", "path": "/" }] }] });
    post(lab, "/v1/apps/shop/machines", &json!({ "config": config }));
}

fn visit(lab: &Lab, host: &str, path: &str) -> (u16, String, String) {
    let (status, head, body) = ask(lab.edge().unwrap(), "GET", path, &[("host", host)], b"").unwrap();
    (status, head, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn visitors_are_sent_to_what_serves_in_turn_and_counted() {
    let scripted = Arc::new(Scripted::default());
    let page = |text: &str| Script { page: Some(text.to_owned()), ..Script::default() };
    scripted.rule(When::Image("one".to_owned()), page("<meta name=\"build\" content=\"1\">"));
    scripted.rule(When::Image("two".to_owned()), page("two"));
    scripted.rule(When::Image("sick".to_owned()), Script { healthy_after_ms: None, ..Script::default() });
    let lab = lab(FlyOptions { runner: scripted, ..FlyOptions::quick() });
    assert_eq!(visit(&lab, "shop.fly.dev", "/").0, 404);
    app(&lab);
    assert_eq!(visit(&lab, "shop.fly.dev", "/").0, 503);
    machine(&lab, "one");
    let (status, head, body) = visit(&lab, "shop.fly.dev:443", "/any");
    assert!(status == 200 && body.contains("content=\"1\"") && head.contains("x-fake-backend"), "{head}");
    machine(&lab, "two");
    machine(&lab, "sick");
    let mut bodies: Vec<String> = (0..4).map(|_| visit(&lab, "Shop.fly.dev", "/").2).collect();
    bodies.sort();
    assert_eq!(bodies.iter().filter(|body| *body == "two").count(), 2, "{bodies:?}");
    assert!(!bodies.iter().any(String::is_empty), "the sick one is passed over");
    let count = lab.visits()["shop.fly.dev"];
    assert_eq!((count.requests, count.failures), (7, 1));
    assert!(visit(&lab, "any", "/_fake/edge").2.contains("\"failures\":1"));
}

/// Runs nothing, and says that it is somewhere.
#[derive(Debug)]
struct Elsewhere(Mutex<SocketAddr>);

impl Runner for Elsewhere {
    fn start(&self, _: Job, _: Moment) {}
    fn stop(&self, _: &str, _: Moment) {}
    fn look(&self, _: &str, _: Moment) -> Look {
        Look::Running { address: Some(*held(&self.0)) }
    }
    fn healthy(&self, _: &str, _: Moment) -> Option<bool> {
        Some(true)
    }
    fn page(&self, _: &str, _: &str, _: Moment) -> Page {
        Page::default()
    }
    fn lines(&self, _: &str, _: Moment) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn a_program_with_an_address_answers_itself() {
    let program = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = program.local_addr().unwrap();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = program.accept().unwrap();
        let mut asked = vec![0; 4096];
        let length = stream.read(&mut asked).unwrap();
        stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\nx-own: yes\r\n\r\nmade").unwrap();
        String::from_utf8_lossy(&asked[..length]).to_lowercase()
    });
    let lab = lab(FlyOptions { runner: Arc::new(Elsewhere(Mutex::new(address))), ..FlyOptions::quick() });
    app(&lab);
    machine(&lab, "any");
    let (status, head, body) = visit(&lab, "shop.fly.dev", "/a?b=c");
    assert_eq!((status, body.as_str()), (201, "made"));
    assert!(head.contains("x-own: yes"), "{head}");
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("get /a?b=c ") && asked.contains("host: shop.fly.dev"), "{asked}");
    // The program is gone by now: nothing can be reached.
    assert_eq!(visit(&lab, "shop.fly.dev", "/").0, 503);
}
