//! A container's state in the contract's words.

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum as Status, HealthStatusEnum,
};
use dashdeploy_contract::{Health, Served};

/// How a container is; none for one that is not there is [`Health::Absent`], as for one never started.
pub(crate) fn of(container: Option<&ContainerInspectResponse>) -> Health {
    let Some(state) = container.and_then(|container| container.state.as_ref()) else {
        return Health::Absent;
    };
    match state.status {
        Some(Status::RUNNING) => running(state),
        Some(Status::PAUSED) => Health::Unhealthy { detail: "it is paused".to_owned() },
        Some(Status::CREATED) | None if text(state.error.as_deref()).is_none() => Health::Absent,
        status => Health::Exited { code: state.exit_code.unwrap_or_default(), detail: ended(state, status) },
    }
}

/// What a container runs: the engine's id of its image, while it runs; and what its last health check said, where it failed.
pub(crate) fn served(container: Option<&ContainerInspectResponse>) -> Served {
    let running = container.filter(|container| {
        container.state.as_ref().is_some_and(|state| state.status == Some(Status::RUNNING))
    });
    let image = running.and_then(|container| container.image.clone());
    let last =
        container.and_then(|container| container.state.as_ref()?.health.as_ref()?.log.as_ref()?.last());
    let failed = last.filter(|check| check.exit_code != Some(0)).and_then(|check| check.output.as_deref());
    let probe = text(failed).map(shortened);
    Served { images: image.into_iter().collect(), probe, ..Served::default() }
}

fn running(state: &ContainerState) -> Health {
    let health = state.health.as_ref();
    match health.and_then(|health| health.status) {
        Some(HealthStatusEnum::STARTING) => Health::Starting,
        Some(HealthStatusEnum::HEALTHY) => Health::Healthy,
        Some(HealthStatusEnum::UNHEALTHY) => {
            let last = health.and_then(|health| health.log.as_ref()?.last()?.output.as_deref());
            Health::Unhealthy { detail: last.map(shortened).unwrap_or_default() }
        }
        _ => Health::Running,
    }
}

fn ended(state: &ContainerState, status: Option<Status>) -> String {
    let mut words = Vec::new();
    if state.oom_killed == Some(true) {
        words.push("out of memory".to_owned());
    }
    if status == Some(Status::RESTARTING) {
        words.push("it is started again and again".to_owned());
    }
    words.extend(text(state.error.as_deref()).map(str::to_owned));
    words.join("; ")
}

fn text(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The end of a check's output: what failed stands last.
fn shortened(output: &str) -> String {
    const MOST: usize = 400;
    let output = output.trim();
    let start = output.char_indices().rev().take(MOST).last().map_or(0, |(at, _)| at);
    output[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn health(state: serde_json::Value) -> Health {
        of(Some(&serde_json::from_value(json!({ "State": state })).unwrap()))
    }

    #[test]
    fn the_check_that_failed_last_is_kept() {
        let probe = |log: serde_json::Value| {
            let state =
                json!({ "State": { "Status": "running", "Health": { "Status": "starting", "Log": log } } });
            served(Some(&serde_json::from_value(state).unwrap())).probe
        };
        assert_eq!(probe(json!([{ "ExitCode": 1, "Output": "refused\n" }])).as_deref(), Some("refused"));
        assert_eq!(
            probe(json!([{ "ExitCode": 1, "Output": "no" }, { "ExitCode": 0, "Output": "ok" }])),
            None
        );
        assert_eq!(probe(json!([{ "ExitCode": 1, "Output": " " }])), None);
        assert_eq!(probe(json!([])), None);
    }

    #[test]
    fn every_state_has_its_word() {
        assert_eq!(of(None), Health::Absent);
        assert_eq!(health(json!({ "Status": "created" })), Health::Absent);
        assert_eq!(health(json!({ "Status": "running" })), Health::Running);
        assert_eq!(
            health(json!({ "Status": "running", "Health": { "Status": "starting" } })),
            Health::Starting
        );
        assert_eq!(
            health(json!({ "Status": "running", "Health": { "Status": "healthy" } })),
            Health::Healthy
        );
        assert_eq!(
            health(
                json!({ "Status": "running", "Health": { "Status": "unhealthy", "Log": [{ "Output": "no\n" }] } })
            ),
            Health::Unhealthy { detail: "no".to_owned() }
        );
        assert_eq!(
            health(json!({ "Status": "exited", "ExitCode": 137, "OOMKilled": true })),
            Health::Exited { code: 137, detail: "out of memory".to_owned() }
        );
        let Health::Exited { code: 1, detail } = health(json!({ "Status": "restarting", "ExitCode": 1 }))
        else {
            panic!("not exited");
        };
        assert!(detail.contains("again"));
    }
}
