//! The program itself: it says where it is, answers there, and refuses what it cannot read.

#![allow(clippy::disallowed_methods, reason = "a test starts the program")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dashdeploy-fakes"))
}

fn ask(url: &str, request: &str, headers: &str) -> std::io::Result<String> {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn it_tells_where_the_platforms_are_and_they_answer() {
    let fault = r#"{"when": {"path": "/v1/platform/regions"}, "what": {"kind": "status", "status": 502}}"#;
    let mut child = program()
        .args(["--port", "0", "--json", "--quick", "--fault", fault])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let base = told["variables"]["FLY_FLAPS_BASE_URL"].as_str().unwrap();
    let token = format!("authorization: Bearer {}\r\n", told["variables"]["FLY_API_TOKEN"].as_str().unwrap());
    let answers = [
        ask(base, "GET /v1/platform/regions", &token),
        ask(base, "GET /v1/platform/regions", &token),
        ask(told["platforms"]["registry"].as_str().unwrap(), "GET /v2/", ""),
        ask(told["platforms"]["render"].as_str().unwrap(), "GET /v1/owners", ""),
        ask(told["edge"].as_str().unwrap(), "GET /", ""),
    ];
    child.kill().unwrap();
    child.wait().unwrap();
    let answers = answers.map(Result::unwrap);
    let statuses: Vec<&str> = answers.iter().map(|answer| &answer[9..12]).collect();
    assert_eq!(statuses, ["502", "200", "200", "401", "404"]);
}

#[test]
fn what_cannot_be_read_is_told() {
    for (arguments, word) in [
        (vec!["--fault", "{\"what\": 1}"], "--fault"),
        (vec!["--script", "{\"pgae\": \"x\"}"], "pgae"),
        (vec!["heroku"], "heroku"),
        (vec!["fly", "fly"], "twice"),
    ] {
        let output = program().args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(word), "{arguments:?}: {said}");
    }
}
