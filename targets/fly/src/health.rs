//! Machines' states and checks in the contract's words.
//!
//! Given: machines as Fly.io tells of them, the time. Gives: a service's health. Deliberately absent: waiting.

use dashdeploy_contract::Health;
use serde_json::Value;

use crate::desired::has_checks;
use crate::marks;
use crate::wire::Machine;

/// Seconds after a start in which a check that fails is not held against a machine: until its program listens, Fly.io calls
/// each of its checks `critical` (fly.io/docs/reference/health-checks, "grace_period" counts from the start alone).
const PATIENCE: i64 = 120;

/// The machines that stand for a service: those that take traffic, else those that are about to.
pub(crate) fn current(machines: &[Machine]) -> Vec<&Machine> {
    let of = |stage: &str| {
        let found = |machine: &&Machine| machine.mark(marks::STAGE).unwrap_or(marks::LIVE) == stage;
        machines.iter().filter(|machine| machine.is_there()).filter(found).collect::<Vec<_>>()
    };
    [marks::LIVE, marks::GREEN].into_iter().map(of).find(|found| !found.is_empty()).unwrap_or_default()
}

/// How a service is: as its worst machine.
pub(crate) fn of(machines: &[Machine], now: i64) -> Health {
    let all = current(machines).into_iter().map(|machine| one(machine, now));
    all.max_by_key(badness).unwrap_or(Health::Absent)
}

fn badness(health: &Health) -> u8 {
    match health {
        Health::Healthy => 0,
        Health::Running => 1,
        Health::Starting => 2,
        Health::Absent => 3,
        Health::Unhealthy { .. } => 4,
        Health::Exited { .. } => 5,
    }
}

/// How one machine is. One that has just started has no results of its checks yet, which is never taken for healthy.
pub(crate) fn one(machine: &Machine, now: i64) -> Health {
    if !machine.is_reachable() {
        let detail = "its host at Fly.io does not answer (https://status.flyio.net)".to_owned();
        return Health::Unhealthy { detail };
    }
    if let Some(ended) = ended(machine, now) {
        return ended;
    }
    match machine.state.as_str() {
        "started" => checked(machine, now),
        // Fly.io stops machines that nobody asks, where that is wanted, and starts them at the next request.
        "stopped" | "suspended" if machine.known_config().is_some_and(sleeps) => Health::Running,
        "stopped" | "suspended" => Health::Exited { code: 0, detail: format!("it is {}", machine.state) },
        "failed" | "launch_failed" => Health::Exited { code: 1, detail: format!("it is {}", machine.state) },
        _ => Health::Starting,
    }
}

/// The machine's program ended by itself and is not up, or is started again and again.
pub(crate) fn ended(machine: &Machine, now: i64) -> Option<Health> {
    let exit = machine.last_exit()?;
    let down = matches!(machine.state.as_str(), "stopped" | "failed" | "launch_failed");
    let asleep = exit.code == 0 && machine.known_config().is_some_and(sleeps);
    if asleep || !(down || exit.restarts > 1) {
        return None;
    }
    // A program that has been up for a while since it was started again is no loop any more.
    let passing = machine.checks.iter().any(|check| check.status == "passing");
    let stays = machine.started_at().is_some_and(|at| passing || now - at > PATIENCE);
    if !down && stays && machine.last_event() == Some("start") {
        return None;
    }
    let mut words = Vec::new();
    if exit.out_of_memory {
        words.push("out of memory".to_owned());
    }
    if exit.restarts > 1 {
        words.push(format!("it was started again {} times", exit.restarts));
    }
    Some(Health::Exited { code: exit.code, detail: words.join("; ") })
}

/// What the first check that fails says of itself.
pub(crate) fn probe(machines: &[Machine]) -> Option<String> {
    let mut checks = current(machines).into_iter().flat_map(|machine| &machine.checks);
    let failing = checks.find(|check| check.status != "passing")?;
    failing.output.as_deref().map(shortened).filter(|said| !said.is_empty())
}

fn checked(machine: &Machine, now: i64) -> Health {
    if !machine.known_config().is_some_and(has_checks) {
        return Health::Running;
    }
    let failing = machine.checks.iter().find(|check| check.status != "passing");
    match failing {
        _ if machine.checks.is_empty() => Health::Starting,
        None => Health::Healthy,
        Some(check) if machine.started_at().is_some_and(|at| now - at > PATIENCE) => {
            Health::Unhealthy { detail: check.output.as_deref().map(shortened).unwrap_or_default() }
        }
        Some(_) => Health::Starting,
    }
}

/// The end of a check's output: what failed stands last.
pub(crate) fn shortened(output: &str) -> String {
    const MOST: usize = 400;
    let output = output.trim();
    let start = output.char_indices().rev().take(MOST).last().map_or(0, |(at, _)| at);
    output[start..].to_owned()
}

/// True where Fly.io may stop a machine of this configuration because nobody asks it.
pub(crate) fn sleeps(config: &Value) -> bool {
    let stops = |service: &Value| match service.get("autostop") {
        Some(Value::Bool(on)) => *on,
        Some(Value::String(word)) => word != "off",
        _ => false,
    };
    config.get("services").and_then(Value::as_array).is_some_and(|all| all.iter().any(stops))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn machine(value: Value) -> Machine {
        serde_json::from_value(value).unwrap()
    }

    fn with_checks(started: i64, checks: &Value) -> Health {
        let events = json!([{ "type": "start", "timestamp": started * 1000 }]);
        let config = json!({ "services": [{ "checks": [{ "type": "http" }] }] });
        let value = json!({ "state": "started", "checks": checks, "events": events, "config": config });
        one(&machine(value), NOW)
    }

    #[test]
    fn no_results_yet_is_never_healthy() {
        let critical = json!([{ "status": "passing" }, { "status": "critical", "output": "refused\n" }]);
        assert_eq!(with_checks(NOW - 5, &json!([])), Health::Starting);
        assert_eq!(with_checks(NOW - 900, &json!([])), Health::Starting);
        assert_eq!(with_checks(NOW - 5, &json!([{ "status": "passing" }])), Health::Healthy);
        assert_eq!(with_checks(NOW - 5, &critical), Health::Starting);
        assert_eq!(with_checks(NOW - 121, &critical), Health::Unhealthy { detail: "refused".to_owned() });
        let unknown = json!([{ "status": "a word of tomorrow" }]);
        assert_eq!(with_checks(NOW - 5, &unknown), Health::Starting);
    }

    #[test]
    fn a_failing_check_says_why() {
        let probe = |value: Value| probe(&[machine(value)]);
        let failing =
            json!([{ "status": "passing" }, { "status": "critical", "output": "503 no database\n" }]);
        assert_eq!(probe(json!({ "checks": failing })).unwrap(), "503 no database");
        assert_eq!(probe(json!({ "checks": [{ "status": "passing", "output": "200" }] })), None);
        assert_eq!(probe(json!({ "state": "starting" })), None);
    }

    #[test]
    fn every_state_has_its_word() {
        let state = |state: &str| one(&machine(json!({ "state": state })), NOW);
        assert_eq!(state("started"), Health::Running);
        assert_eq!(state("created"), Health::Starting);
        assert_eq!(state("a state of tomorrow"), Health::Starting);
        assert!(matches!(state("stopped"), Health::Exited { code: 0, .. }));
        assert!(matches!(state("failed"), Health::Exited { code: 1, .. }));
        let asleep = json!({ "state": "stopped", "config": { "services": [{ "autostop": "suspend" }] } });
        assert_eq!(one(&machine(asleep), NOW), Health::Running);
        let lost = json!({ "state": "started", "host_status": "unreachable" });
        assert!(matches!(one(&machine(lost), NOW), Health::Unhealthy { .. }));
        assert_eq!(of(&[], NOW), Health::Absent);
    }

    #[test]
    fn a_program_that_ends_again_and_again_is_found() {
        let events = |restarts: u32, asked: bool| {
            json!([
                { "type": "start", "timestamp": NOW * 1000 },
                { "type": "exit", "timestamp": NOW * 1000 - 1, "request": { "restart_count": restarts,
                    "exit_event": { "exit_code": 3, "requested_stop": asked, "oom_killed": true } } },
            ])
        };
        let health = |restarts, asked, checks: Value| {
            one(
                &machine(json!({ "state": "started", "events": events(restarts, asked), "checks": checks })),
                NOW,
            )
        };
        let Health::Exited { code: 3, detail } = health(2, false, json!([])) else { panic!("not seen") };
        assert_eq!(detail, "out of memory; it was started again 2 times");
        assert_eq!(health(1, false, json!([])), Health::Running);
        assert_eq!(health(9, true, json!([])), Health::Running);
        assert_eq!(health(9, false, json!([{ "status": "passing" }])), Health::Running);
    }

    #[test]
    fn machines_kept_for_the_way_back_do_not_count() {
        let staged = |stage: &str, state: &str| {
            machine(json!({ "state": state, "config": { "metadata": { "dashdeploy_stage": stage } } }))
        };
        let machines = [staged("blue", "stopped"), staged("green", "created"), staged("live", "started")];
        assert_eq!(of(&machines, NOW), Health::Running);
        assert_eq!(of(&machines[..2], NOW), Health::Starting);
        assert_eq!(of(&machines[..1], NOW), Health::Absent);
    }
}
