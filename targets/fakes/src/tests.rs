//! The frame, asked over real connections by a platform that counts.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Call, Calls, Fault, Harm, Hold, Lab, Moment, Options, Phase, Platform, Reply};

/// Counts what is posted to it; `GET /later` blocks until 30 ms have passed.
#[derive(Default)]
struct Counter {
    posts: u64,
}

impl Platform for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn answer(&mut self, call: &Call, _: Moment) -> Reply {
        if call.path == "/refused" {
            return Reply::json(422, &json!({ "error": "no" }));
        }
        self.posts += u64::from(call.method == "POST");
        Reply::json(200, &json!({ "posts": self.posts, "path": call.path, "q": call.asked("q") }))
    }

    fn due(&mut self, call: &Call, came: Moment, now: Moment) -> bool {
        call.path != "/later" || now - came >= Duration::from_millis(30)
    }

    fn objects(&self) -> Value {
        json!({ "posts": self.posts })
    }
}

fn lab(options: Options) -> Lab {
    Lab::start(vec![Box::new(Counter::default())], options).unwrap()
}

fn faulty(when: Calls, what: Harm) -> Lab {
    lab(Options { faults: vec![Fault::new(when, what)], ..Options::default() })
}

/// Status, head and body; or how it broke, and what came before.
type Asked = Result<(u16, String, Vec<u8>), (ErrorKind, Vec<u8>)>;

/// Status, head and body; or how the connection broke, with what came before.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Asked {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str(&format!("host: {address}\r\n"));
    }
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    let ended = stream.write_all(body).and_then(|()| stream.read_to_end(&mut answer));
    if let Err(error) = ended {
        return Err((error.kind(), answer));
    }
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Err((ErrorKind::UnexpectedEof, answer));
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, head, answer[end + 4..].to_vec()))
}

fn post(lab: &Lab, path: &str) -> Asked {
    ask(lab.address("counter").unwrap(), "POST", path, &[], b"{}")
}

fn posts(lab: &Lab) -> u64 {
    lab.objects("counter")["posts"].as_u64().unwrap()
}

#[test]
fn a_request_is_answered_and_taken_down() {
    let lab = lab(Options::default());
    let (status, _, body) = post(&lab, "/a%20b?q=1%262").unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, body), (200, json!({ "posts": 1, "path": "/a b", "q": "1&2" })));
    assert_eq!(post(&lab, "/refused").unwrap().0, 422);
    let log = lab.log();
    assert_eq!(
        log.iter().map(|entry| (entry.status, entry.effect)).collect::<Vec<_>>(),
        [(Some(200), true), (Some(422), false)]
    );
    assert_eq!(lab.effects().len(), 1);
    assert_eq!(lab.url("counter"), lab.bases()[0].1);
}

#[test]
fn a_refused_call_does_nothing_and_a_dropped_one_does_it() {
    let refusing = faulty(Calls::first("POST", "/a"), Harm::Refuse);
    assert_eq!(post(&refusing, "/a").unwrap_err(), (ErrorKind::ConnectionReset, Vec::new()));
    assert_eq!(posts(&refusing), 0);
    assert_eq!(post(&refusing, "/a").unwrap().0, 200);

    let dropping = faulty(Calls::first("POST", "/a"), Harm::CommitThenDrop);
    assert_eq!(post(&dropping, "/a").unwrap_err(), (ErrorKind::ConnectionReset, Vec::new()));
    assert_eq!(posts(&dropping), 1);
    let entry = &dropping.log()[0];
    assert_eq!((entry.status, entry.platform_status, entry.effect), (None, Some(200), true));
    assert_eq!(entry.harm, ["commit_then_drop"]);
}

#[test]
fn a_status_in_place_of_the_answer_comes_before_or_after_acting() {
    for (acts, made) in [(false, 0), (true, 1)] {
        let what = Harm::Status { status: 429, retry_after: Some(7), acts, html: false };
        let lab = faulty(Calls::first("POST", "/a"), what);
        let (status, head, _) = post(&lab, "/a").unwrap();
        assert_eq!(status, 429);
        assert!(head.contains("retry-after: 7"), "{head}");
        assert_eq!(posts(&lab), made);
    }
    let page = Harm::Status { status: 503, retry_after: None, acts: false, html: true };
    let (status, head, body) = post(&faulty(Calls::default(), page), "/a").unwrap();
    assert_eq!(status, 503);
    assert!(head.contains("text/html") && body.starts_with(b"<html>"));
}

#[test]
fn bodies_break_lie_and_drip() {
    let (kind, came) = post(&faulty(Calls::default(), Harm::Truncate), "/a").unwrap_err();
    let came = String::from_utf8_lossy(&came).into_owned();
    assert!(kind == ErrorKind::ConnectionReset && !came.ends_with('}'), "{kind:?} {came}");

    let (status, _, body) = post(&faulty(Calls::default(), Harm::Garbage), "/a").unwrap();
    assert!(status == 200 && serde_json::from_slice::<Value>(&body).is_err());

    let started = Instant::now();
    let (_, _, body) = post(&faulty(Calls::default(), Harm::Drip { ms: 2 }), "/a").unwrap();
    assert!(serde_json::from_slice::<Value>(&body).is_ok());
    assert!(started.elapsed() >= Duration::from_millis(2) * u32::try_from(body.len()).unwrap());
}

#[test]
fn answers_take_their_time() {
    let slow = lab(Options { latency: Duration::from_millis(20), ..Options::default() });
    slow.fail(Fault::new(Calls::default(), Harm::Latency { ms: 20 }));
    let started = Instant::now();
    post(&slow, "/a").unwrap();
    assert!(started.elapsed() >= Duration::from_millis(40));
    let started = Instant::now();
    ask(slow.address("counter").unwrap(), "GET", "/later", &[], b"").unwrap();
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[test]
fn a_hook_sees_each_phase_and_may_cut() {
    let phases = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&phases);
    let lab = lab(Options {
        on_call: Some(Arc::new(move |seen, phase| {
            kept.lock().unwrap().push((seen.path.clone(), phase));
            let cut = (seen.path == "/before" && phase == Phase::Before)
                || (seen.path == "/acted" && phase == Phase::Acted);
            if cut { Hold::Drop } else { Hold::Go }
        })),
        ..Options::default()
    });
    post(&lab, "/a").unwrap();
    assert!(post(&lab, "/before").is_err());
    assert_eq!(posts(&lab), 1);
    assert!(post(&lab, "/acted").is_err());
    assert_eq!(posts(&lab), 2);
    let deadline = Instant::now() + Duration::from_secs(5);
    while phases.lock().unwrap().len() < 6 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut phases = phases.lock().unwrap().clone();
    // The third of the first request is told beside the second request.
    phases.sort_by_key(|(path, _)| path.clone());
    assert_eq!(
        phases,
        [
            ("/a".to_owned(), Phase::Before),
            ("/a".to_owned(), Phase::Acted),
            ("/a".to_owned(), Phase::Answered),
            ("/acted".to_owned(), Phase::Before),
            ("/acted".to_owned(), Phase::Acted),
            ("/before".to_owned(), Phase::Before),
        ]
    );
}

#[test]
fn a_client_that_went_away_is_served_all_the_same() {
    let lab = lab(Options { latency: Duration::from_millis(30), ..Options::default() });
    let mut stream = TcpStream::connect(lab.address("counter").unwrap()).unwrap();
    stream.write_all(b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while lab.log().is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(stream);
    while posts(&lab) == 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!((posts(&lab), lab.log()[0].effect), (1, true));
}

#[test]
fn the_control_api_tells_and_sets() {
    let lab = lab(Options::default());
    let control = |method: &str, path: &str, body: &[u8]| {
        let (status, _, body) = ask(lab.address("counter").unwrap(), method, path, &[], body).unwrap();
        (status, serde_json::from_slice::<Value>(&body).unwrap())
    };
    let rule = br#"{"when": {"path": "/a"}, "what": {"kind": "status", "status": 502}}"#;
    assert_eq!(control("POST", "/_fake/faults", rule).0, 200);
    assert_eq!(post(&lab, "/a").unwrap().0, 502);
    assert_eq!(control("GET", "/_fake/log", b"").1[0]["status"], 502);
    assert_eq!(control("GET", "/_fake/objects", b"").1, json!({ "posts": 0 }));
    assert_eq!(control("DELETE", "/_fake/faults", b"").1, json!([]));
    assert_eq!(control("POST", "/_fake/faults", b"{\"what\": {\"kind\": \"explode\"}}").0, 400);
    assert_eq!(control("GET", "/_fake/nothing", b"").0, 404);
    assert_eq!(lab.log().len(), 1, "the control API is no part of the log");
}

#[test]
fn a_lab_stops_when_it_is_dropped() {
    let lab = lab(Options::default());
    let address = lab.address("counter").unwrap();
    post(&lab, "/a").unwrap();
    drop(lab);
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(address).is_ok() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(TcpStream::connect(address).is_err());
}

#[cfg(feature = "spec")]
#[test]
fn a_request_that_the_document_does_not_allow_is_kept_and_not_acted_on() {
    let lab = lab(Options::default());
    let document = br##"{"paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {
        "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}}}}}}}"##;
    let control = |method: &str, path: &str, body: &[u8]| {
        let (status, _, body) = ask(lab.address("counter").unwrap(), method, path, &[], body).unwrap();
        (status, serde_json::from_slice::<Value>(&body).unwrap())
    };
    assert_eq!(control("PUT", "/_fake/spec", b"{}").0, 400);
    assert_eq!(control("PUT", "/_fake/spec", document).0, 200);
    assert_eq!(control("POST", "/a", b"{\"a\": 1}").0, 200);
    assert_eq!(control("POST", "/a", b"{\"b\": 1}").0, 400);
    assert_eq!(control("POST", "/b", b"{}").0, 400);
    assert_eq!((posts(&lab), lab.violations().len()), (1, 2));
    assert_eq!(control("GET", "/_fake/violations", b"").1[0]["number"], 2);
    assert!(lab.hold_against("nobody", &json!({})).is_err());
}
