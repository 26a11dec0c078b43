//! The contract's suite, with an engine played by the library's own types. A module of the library (see `lib.rs`).

use bollard::models::{ContainerCreateBody, ContainerInspectResponse, ImageInspect, NetworkInspect, Volume};
use dashdeploy_contract::conformance::{CANARY, Kit, broken, canaries};
use dashdeploy_contract::{
    Access, Bound, Descriptor, EnvValue, Finding, Name, Observed, Plan, Reader, Release, Removal, Risk,
    ServiceAddress, Target, TargetError, Writer,
};
use indexmap::IndexMap;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::config::Stack;
use crate::desired::DesiredContainer;
use crate::observe::{Answers, assemble};
use crate::payload::Task;

/// A target that never reaches an engine.
pub(crate) fn offline() -> crate::DockerTarget {
    crate::target(Arc::new(|_| {
        Box::pin(async {
            Err(crate::error::ours(dashdeploy_contract::ErrorKind::Unavailable, "connect", "offline"))
        })
    }))
}

/// What every image of the played engine says of itself.
fn image_config() -> Value {
    json!({ "Env": ["PATH=/usr/local/bin:/usr/bin"], "Cmd": ["serve"], "Entrypoint": ["/init"], "WorkingDir": "/app" })
}

/// What the engine would answer after the plan was applied.
pub(crate) fn answers(release: &Release, plan: &Plan) -> Answers {
    let mut answers = Answers::default();
    for change in &plan.changes {
        match Task::of(change).unwrap() {
            Task::MakeNetwork { name, labels } => {
                let network = json!({ "Id": "net1", "Name": name, "Labels": labels, "Containers": {} });
                answers.networks.push(serde_json::from_value::<NetworkInspect>(network).unwrap());
            }
            Task::MakeVolume { name, labels, .. } => {
                let volume = json!({ "Name": name, "Driver": "local", "Scope": "local", "Mountpoint": "/v", "Labels": labels, "Options": {} });
                answers.volumes.push(serde_json::from_value::<Volume>(volume).unwrap());
            }
            Task::Create { desired } | Task::Replace { desired, .. } => {
                let image = json!({ "Id": desired.image_id, "Config": image_config() });
                let image: ImageInspect = serde_json::from_value(image).unwrap();
                answers.images.insert(desired.image_id.clone(), image);
                answers.containers.push(container(release, &desired));
            }
            other => panic!("the first plan has {other:?}"),
        }
    }
    answers
}

/// The container as the engine would describe it.
pub(crate) fn container(release: &Release, desired: &DesiredContainer) -> ContainerInspectResponse {
    let store = canaries(&release.bound);
    let env = desired.spec.env.iter().map(|(name, value)| match value {
        EnvValue::Plain(text) => format!("{name}={text}"),
        EnvValue::Secret(_) => format!("{name}={}", store.expose(&desired.spec.service, name).unwrap()),
    });
    let mut env: Vec<String> = env.collect();
    let body: ContainerCreateBody = desired.body(env.clone(), &desired.spec.image, &[], desired.aliases());
    env.push("PATH=/usr/local/bin:/usr/bin".to_owned());
    let body = serde_json::to_value(body).unwrap();
    let mounts: Vec<Value> = body["HostConfig"]["Mounts"].as_array().unwrap().iter().map(|mount| {
        json!({ "Type": "volume", "Name": mount["Source"], "Destination": mount["Target"], "RW": true })
    }).collect();
    let networks: serde_json::Map<String, Value> = body["NetworkingConfig"]["EndpointsConfig"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, end)| (name.clone(), json!({ "NetworkID": "net1", "Aliases": end["Aliases"] })))
        .collect();
    let whole = json!({
        "Id": format!("{:0>64}", desired.spec.service.as_str().len()) + desired.spec.service.as_str(),
        "Name": format!("/{}", desired.name), "Image": desired.image_id,
        "Config": {
            "Image": desired.spec.image, "Env": env, "Labels": body["Labels"], "User": body["User"],
            "Cmd": body.get("Cmd").filter(|cmd| !cmd.is_null()).cloned().unwrap_or(json!(["serve"])),
            "Entrypoint": ["/init"], "WorkingDir": "/app",
            "Healthcheck": body["Healthcheck"], "StopTimeout": body["StopTimeout"],
        },
        "HostConfig": body["HostConfig"], "Mounts": mounts, "NetworkSettings": { "Networks": networks },
        "State": { "Status": "running", "Running": true, "StartedAt": "2024-05-01T10:00:00Z", "Health": { "Status": "healthy" } },
    });
    serde_json::from_value(whole).unwrap()
}

pub(crate) fn settled(release: &Release, plan: &Plan) -> Observed {
    assemble(&Stack::of(&release.bound), &answers(release, plan))
}

/// Everything we need is there, made by someone else.
fn foreign(release: &Release) -> Observed {
    let stack = Stack::of(&release.bound);
    let mut answers = answers(release, &crate::plan::plan(release, &Observed::default()).unwrap());
    for container in &mut answers.containers {
        let labels = container.config.as_mut().unwrap().labels.as_mut().unwrap();
        labels.retain(|label, _| !label.starts_with("dev.dashdeploy"));
        labels.insert("com.docker.compose.project.working_dir".to_owned(), "/home/other".to_owned());
    }
    answers.networks.iter_mut().for_each(|network| network.labels = None);
    answers.volumes.iter_mut().for_each(|volume| volume.labels.clear());
    assemble(&stack, &answers)
}

#[test]
fn every_promise_of_the_contract_is_kept() {
    let target = offline();
    let found = broken(&Kit { target: &target, settled, foreign });
    assert!(found.is_empty(), "{found:#?}");
}

/// The target with one promise broken, to prove that the suite sees it.
struct Spoiled {
    inner: crate::DockerTarget,
    plan: fn(Plan) -> Plan,
    removal: fn(Plan) -> Plan,
}

#[async_trait::async_trait]
impl Target for Spoiled {
    fn descriptor(&self) -> &Descriptor {
        self.inner.descriptor()
    }

    fn check(&self, bound: &Bound) -> Vec<Finding> {
        self.inner.check(bound)
    }

    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        self.inner.addresses(bound)
    }

    fn portability(&self, desk: &dashdeploy_contract::Desk) -> Vec<dashdeploy_contract::Portability> {
        crate::portability::report(desk)
    }

    fn plan(&self, release: &Release, observed: &Observed) -> Result<Plan, TargetError> {
        self.inner.plan(release, observed).map(self.plan)
    }

    fn plan_removal(
        &self,
        bound: &Bound,
        observed: &Observed,
        removal: Removal,
    ) -> Result<Plan, TargetError> {
        self.inner.plan_removal(bound, observed, removal).map(self.removal)
    }

    async fn connect_reader(&self, options: &Access) -> Result<Box<dyn Reader>, TargetError> {
        self.inner.connect_reader(options).await
    }

    async fn connect_writer(
        &self,
        options: &Access,
        writes: Arc<dyn dashdeploy_contract::Writes>,
    ) -> Result<Box<dyn Writer>, TargetError> {
        self.inner.connect_writer(options, writes).await
    }
}

fn reversed(mut plan: Plan) -> Plan {
    plan.changes.reverse();
    plan
}

fn ungated(mut plan: Plan) -> Plan {
    plan.changes.iter_mut().for_each(|change| change.gated = false);
    plan
}

fn leaking(mut plan: Plan) -> Plan {
    plan.changes.iter_mut().for_each(|change| change.reason.push_str(CANARY));
    plan
}

fn losing(mut plan: Plan) -> Plan {
    plan.changes.iter_mut().for_each(|change| change.risk = Risk::LosesData);
    plan
}

fn counting(mut plan: Plan) -> Plan {
    static TIMES: AtomicU32 = AtomicU32::new(0);
    let times = TIMES.fetch_add(1, Ordering::Relaxed);
    plan.changes.iter_mut().for_each(|change| change.reason = times.to_string());
    plan
}

fn sees(kit: &Kit, promise: &str) {
    let found = broken(kit);
    assert!(found.iter().any(|broken| broken.promise == promise), "not seen: {promise}; {found:#?}");
}

#[test]
fn the_suite_sees_a_target_that_breaks_a_promise() {
    type Spoil = fn(Plan) -> Plan;
    let same: Spoil = |plan| plan;
    let cases: [(Spoil, Spoil, &str); 7] = [
        (reversed, same, "the first plan only creates, in order"),
        (ungated, same, "the first plan only creates, in order"),
        (|_| Plan::default(), same, "changed content is seen"),
        (leaking, same, "secrets stay secret"),
        (counting, same, "plans are deterministic"),
        (same, losing, "removal keeps data unless told otherwise"),
        (same, reversed, "removal keeps data unless told otherwise"),
    ];
    for (plan, removal, promise) in cases {
        let target = Spoiled { inner: offline(), plan, removal };
        sees(&Kit { target: &target, settled, foreign }, promise);
    }
}

#[test]
fn the_suite_sees_an_observation_that_breaks_a_promise() {
    fn leaks(release: &Release, plan: &Plan) -> Observed {
        let mut observed = settled(release, plan);
        observed.resources[0].facts.insert("env".to_owned(), CANARY.to_owned());
        observed
    }
    fn taken_for_ours(release: &Release) -> Observed {
        settled(release, &offline().plan(release, &Observed::default()).unwrap())
    }
    let target = &offline();
    sees(&Kit { target, settled: leaks, foreign }, "secrets stay secret");
    sees(&Kit { target, settled: |_, _| Observed::default(), foreign }, "the same release changes nothing");
    sees(&Kit { target, settled, foreign: taken_for_ours }, "foreign things are never changed");
}

#[test]
fn what_is_decided_without_an_engine_keeps_its_promises() {
    let connect: crate::Connect = std::sync::Arc::new(|_| unreachable!("nothing connects"));
    let broken = dashdeploy_contract::conformance::paper(&crate::target(connect));
    assert!(broken.is_empty(), "{broken:#?}");
}
