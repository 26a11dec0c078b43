//! Machines' states and checks in the contract's words.

use dashdeploy_contract::Health;

use crate::wire::Machine;

/// The machines that count for a service's health: those of the newest deploy. Others are on their way out.
pub(crate) fn current(machines: &[Machine]) -> Vec<&Machine> {
    let there = machines.iter().filter(|machine| machine.is_there());
    let at =
        |machine: &Machine| machine.mark("dashdeploy_at").and_then(|at| at.parse::<i64>().ok()).unwrap_or(0);
    let newest = there.clone().map(at).max();
    let generation = |machine: &&Machine| machine.mark("dashdeploy_generation").map(str::to_owned);
    let first = there.clone().find(|machine| Some(at(machine)) == newest);
    let wanted = first.as_ref().and_then(generation);
    there.filter(|machine| generation(machine) == wanted).collect()
}

/// How a service is: as its worst machine.
pub(crate) fn of(machines: &[Machine]) -> Health {
    let healths = current(machines).into_iter().map(one);
    healths.max_by_key(rank).unwrap_or(Health::Absent)
}

fn rank(health: &Health) -> u8 {
    match health {
        Health::Healthy => 0,
        Health::Running => 1,
        Health::Starting => 2,
        Health::Absent => 3,
        Health::Unhealthy { .. } => 4,
        Health::Exited { .. } => 5,
    }
}

/// How one machine is. A machine that has just started has no results of its checks yet: that is never taken for healthy
/// (fly.io/docs/machines/guides-examples/health-checks).
pub(crate) fn one(machine: &Machine) -> Health {
    if machine.host_status.as_deref().is_some_and(|status| status != "ok") {
        return Health::Unhealthy {
            detail: "its host does not answer (fly.io tells of it on the dashboard)".to_owned(),
        };
    }
    if let Some((exit, restarts)) = machine.last_exit()
        && (restarts > 1 || matches!(machine.state.as_str(), "stopped" | "failed"))
    {
        let detail = if exit.oom_killed { "out of memory" } else { "it is started again and again" };
        return Health::Exited { code: exit.exit_code, detail: detail.to_owned() };
    }
    match machine.state.as_str() {
        "started" => checked(machine),
        // Fly.io stops machines that nobody asks, where that is wanted, and starts them at the next request.
        "stopped" | "suspended" if sleeps(machine) => Health::Running,
        "stopped" | "suspended" => Health::Absent,
        "failed" | "launch_failed" => Health::Exited { code: 0, detail: format!("it is {}", machine.state) },
        "destroyed" | "replaced" | "migrated" => Health::Absent,
        _ => Health::Starting,
    }
}

fn checked(machine: &Machine) -> Health {
    if !has_checks(machine) {
        return Health::Running;
    }
    if machine.checks.is_empty() {
        return Health::Starting;
    }
    // A check that does not pass yet may pass later: the deadline decides, and the last output is told then.
    if machine.checks.iter().all(|check| check.status == "passing") {
        Health::Healthy
    } else {
        Health::Starting
    }
}

fn has_checks(machine: &Machine) -> bool {
    let Some(config) = &machine.config else { return false };
    let filled = |part: &serde_json::Value| match part.get("checks") {
        Some(serde_json::Value::Array(all)) => !all.is_empty(),
        Some(serde_json::Value::Object(all)) => !all.is_empty(),
        _ => false,
    };
    filled(config)
        || config.get("services").and_then(|s| s.as_array()).is_some_and(|all| all.iter().any(filled))
}

fn sleeps(machine: &Machine) -> bool {
    let services = machine.config.as_ref().and_then(|config| config.get("services")?.as_array());
    let stops = |service: &serde_json::Value| match service.get("autostop") {
        Some(serde_json::Value::Bool(on)) => *on,
        Some(serde_json::Value::String(word)) => word != "off",
        _ => false,
    };
    services.is_some_and(|all| all.iter().any(stops))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn machine(value: Value) -> Machine {
        serde_json::from_value(value).unwrap()
    }

    fn checked(state: &str, checks: &Value) -> Health {
        one(&machine(
            json!({ "state": state, "checks": checks, "config": { "services": [{ "checks": [{}] }] } }),
        ))
    }

    #[test]
    fn no_results_yet_is_never_healthy() {
        assert_eq!(checked("started", &json!([])), Health::Starting);
        assert_eq!(checked("started", &json!([{ "status": "critical" }])), Health::Starting);
        assert_eq!(checked("started", &json!([{ "status": "passing" }])), Health::Healthy);
        assert_eq!(
            checked("started", &json!([{ "status": "passing" }, { "status": "critical" }])),
            Health::Starting
        );
        assert_eq!(checked("created", &json!([])), Health::Starting);
        assert_eq!(one(&machine(json!({ "state": "started" }))), Health::Running);
        assert_eq!(one(&machine(json!({ "state": "stopped" }))), Health::Absent);
        assert_eq!(of(&[]), Health::Absent);
    }

    #[test]
    fn a_program_that_ends_again_and_again_is_found() {
        let looping = json!({ "state": "started", "events": [
            { "type": "start" },
            { "type": "exit", "request": { "restart_count": 2, "exit_event": { "exit_code": 3, "requested_stop": false } } },
        ] });
        assert!(matches!(one(&machine(looping)), Health::Exited { code: 3, .. }));
        let asked = json!({ "state": "started", "events": [
            { "type": "exit", "request": { "restart_count": 9, "exit_event": { "exit_code": 0, "requested_stop": true } } },
        ] });
        assert_eq!(one(&machine(asked)), Health::Running);
    }

    #[test]
    fn machines_of_the_newest_deploy_count() {
        let made = |generation: &str, at: &str, state: &str| {
            machine(
                json!({ "state": state, "config": { "metadata": { "dashdeploy_generation": generation, "dashdeploy_at": at } } }),
            )
        };
        let machines = [made("old", "1", "started"), made("new", "2", "created")];
        assert_eq!(of(&machines), Health::Starting);
        assert_eq!(of(&machines[..1]), Health::Running);
    }
}
