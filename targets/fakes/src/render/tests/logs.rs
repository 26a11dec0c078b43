//! Logs: by time, in both directions, page by page.

use super::*;

/// Asks for everything here once.
pub(super) fn round() {
    let mut rehearsal = Rehearsal::new();
    let id = rehearsal.live();
    rehearsal.get(&format!("/logs?ownerId={OWNER}&resource={id}&limit=1")).is(200);
}

#[test]
fn everything_is_asked_once() {
    round();
}

fn messages(said: &Value) -> Vec<&str> {
    said["logs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| line["message"].as_str().expect("a message"))
        .collect()
}

/// A service with a deploy that went live and one that ended: five lines.
fn noisy() -> (Rehearsal, String) {
    let ends = Outcome::Exits { after: Duration::from_secs(1), code: 7 };
    let live = Outcome::Healthy { after: Duration::from_secs(1) };
    let mut rehearsal = Rehearsal::where_(&[(When::Image("b".repeat(64)), ends), (When::Always, live)]);
    let id = rehearsal.live();
    rehearsal.deployed(&id, 'b');
    rehearsal.pass(30);
    (rehearsal, id)
}

#[test]
fn pages_neither_repeat_nor_lose_a_line() {
    let (mut rehearsal, id) = noisy();
    let all = rehearsal.get(&format!("/logs?ownerId={OWNER}&resource={id}&direction=forward")).is(200);
    assert_eq!(all["hasMore"], false);
    let lines = messages(&all);
    assert_eq!((lines.len(), lines[1], lines[5]), (6, "starting", "==> Exited with status 7"));
    for direction in ["forward", "backward"] {
        let mut window = String::new();
        let mut collected = Vec::new();
        loop {
            let page = rehearsal
                .get(&format!("/logs?ownerId={OWNER}&resource={id}&direction={direction}&limit=2{window}"))
                .is(200);
            collected.extend(messages(&page).into_iter().map(str::to_owned));
            let next = |name: &str| page[name].as_str().expect("a date").to_owned();
            window = format!("&startTime={}&endTime={}", next("nextStartTime"), next("nextEndTime"));
            if page["hasMore"] == false {
                break;
            }
        }
        if direction == "backward" {
            collected.reverse();
        }
        assert_eq!(collected, lines, "{direction}");
    }
}

#[test]
fn lines_are_filtered() {
    let (mut rehearsal, id) = noisy();
    let mut count = |query: &str| {
        messages(&rehearsal.get(&format!("/logs?ownerId={OWNER}&resource={id}&{query}")).is(200)).len()
    };
    assert_eq!(count("level=error"), 1);
    assert_eq!(count("text=starting"), 2);
    assert_eq!(count("type=request"), 0);
    assert_eq!(count("type=app&level=info"), 5);
    assert_eq!(count("startTime=2026-01-01T00:00:20Z"), 3);
    assert_eq!(count("endTime=2026-01-01T00:00:20Z"), 3);
}

#[test]
fn an_hour_is_looked_back_at() {
    let (mut rehearsal, id) = noisy();
    rehearsal.pass(3601);
    assert!(messages(&rehearsal.get(&format!("/logs?ownerId={OWNER}&resource={id}")).is(200)).is_empty());
}

#[test]
fn owner_and_resource_are_needed() {
    let (mut rehearsal, id) = noisy();
    rehearsal.get(&format!("/logs?resource={id}")).is(400);
    rehearsal.get(&format!("/logs?ownerId={OWNER}")).is(400);
    rehearsal.get(&format!("/logs?ownerId={OWNER}&resource=srv-unknown")).is(404);
    rehearsal.get(&format!("/logs?ownerId={OWNER}&resource={id}&direction=sideways")).is(400);
    rehearsal.get(&format!("/logs?ownerId={OWNER}&resource={id}&startTime=2026-02-01T00:00:00Z")).is(400);
}
