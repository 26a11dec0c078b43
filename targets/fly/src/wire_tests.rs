//! Answers of every form, read.

use serde_json::json;

use super::*;

fn read<T: DeserializeOwned>(body: &str) -> Result<T, String> {
    decode(&ApiAnswer { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() })
}

#[test]
fn what_is_new_missing_or_null_is_no_error() {
    let text = r#"{"id":"1","checks":null,"events":[{"type":"exit","timestamp":1,"request":null,"new":1}],
        "host_status":"on fire","config":{"metadata":{"a":"b"},"env":null},"added":{"x":[]}}"#;
    let machine: Machine = read(text).unwrap();
    assert_eq!((machine.mark("a"), machine.is_reachable(), machine.last_exit()), (Some("b"), false, None));
    assert!(read::<Vec<Machine>>("[{}, {\"state\":\"an unknown word\"}]").unwrap()[1].is_there());
    let both: Secrets = read(r#"{"Version":3,"version":4,"secrets":[{"name":"A","digest":"d"}]}"#).unwrap();
    assert_eq!((both.latest(), both.digests().len()), (Some(4), 1));
    assert_eq!(read::<Secrets>(r#"{"Version":3}"#).unwrap().latest(), Some(3));
    assert_eq!(read::<LeaseAnswer>(r#"{"nonce":"n"}"#).unwrap().lease().nonce, "n");
    assert_eq!(read::<LeaseAnswer>(r#"{"status":"ok","data":{"nonce":"m"}}"#).unwrap().lease().nonce, "m");
}

#[test]
fn nonsense_is_an_error_that_shows_nothing() {
    for body in ["", "<html>", "[1", r#"{"id":{"secret-canary":1}}"#, "\"text\""] {
        let error = read::<Machine>(body).unwrap_err();
        assert!(error.contains("not what it documents") && !error.contains("canary"), "{error}");
    }
}

#[test]
fn the_newest_end_counts_wherever_it_stands() {
    let text = r#"{"events":[
        {"type":"exit","timestamp":1000,"request":{"restart_count":1,"exit_event":{"exit_code":1}}},
        {"type":"exit","timestamp":3000,"request":{"restart_count":2,"exit_event":{"exit_code":137,"oom_killed":true}}},
        {"type":"start","timestamp":2500}]}"#;
    let machine: Machine = read(text).unwrap();
    assert_eq!(machine.last_exit(), Some(Exit { code: 137, out_of_memory: true, restarts: 2 }));
    assert_eq!((machine.started_at(), machine.last_event()), (Some(2), Some("exit")));
}

#[test]
fn an_end_before_the_newest_configuration_does_not_count() {
    let end =
        |at: i64| json!({ "type": "exit", "timestamp": at, "request": { "exit_event": { "exit_code": 3 } } });
    let update = json!({ "type": "update", "timestamp": 1000 });
    let ended = |events: Value| {
        let machine: Machine = read(&json!({ "events": events }).to_string()).unwrap();
        machine.last_exit().is_some()
    };
    assert!(!ended(json!([update, end(999)])) && !ended(json!([end(999), update])));
    assert!(ended(json!([update, end(1001)])) && ended(json!([end(1000), update])));
    assert!(!ended(json!([update, end(1000)])));
    assert!(ended(json!([end(1)])));
}

#[test]
fn a_certificate_says_what_is_missing() {
    let state = |text: &str| read::<Certificate>(text).unwrap().words();
    assert_eq!(state(r#"{"configured":true}"#), "active");
    assert!(state(r#"{"dns_requirements":{"cname":"x.fly.dev"}}"#).contains("CNAME record x.fly.dev"));
    assert!(state(r#"{"dns_requirements":{"a":["1.2.3.4"],"aaaa":["::1"]}}"#).contains("A record 1.2.3.4"));
    assert_eq!(state(r#"{"status":"pending_validation"}"#), "it is pending_validation");
}
