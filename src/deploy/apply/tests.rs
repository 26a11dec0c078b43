//! The engine against a platform in memory: order, gating, verdicts, and the way back.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use dashdeploy_contract::{
    Address, ExecRequest, ExecSession, Health, LogFeed, LogLine, LogQuery, LogStream, NoEvents, SecretStore,
    Served,
};
use indexmap::IndexMap;

use super::super::steps::NoSteps;
use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn bound() -> Bound {
    Bound {
        project: name("p"),
        environment: name("local"),
        target: name("fake"),
        region: None,
        regions: IndexMap::new(),
        domains: IndexMap::new(),
        options: IndexMap::new(),
        own_options: IndexMap::new(),
        registry: None,
        ledger: None,
        services: IndexMap::new(),
        targets: IndexMap::new(),
        volumes: IndexMap::new(),
        smoke: Vec::new(),
        hooks: Default::default(),
    }
}

fn change(service: &str, action: Action, after: &[&str]) -> Change {
    Change {
        service: Some(name(service)),
        needs_healthy: after.iter().map(|service| name(service)).collect(),
        gated: action != Action::Delete,
        ..Change::new(Address::new("fake", "container", service), action, "test", serde_json::Value::Null)
    }
}

/// A platform in memory: what was asked of it, and how each service fares after its start.
#[derive(Default)]
struct Fake {
    calls: Mutex<Vec<String>>,
    fares: Mutex<BTreeMap<String, VecDeque<Health>>>,
    refuses: Option<&'static str>,
    interrupts: Option<(&'static str, Interrupt)>,
}

impl Fake {
    fn fares(self, service: &str, healths: &[Health]) -> Self {
        self.fares.lock().unwrap().insert(service.into(), healths.iter().cloned().collect());
        self
    }

    fn call(&self, verb: &str, change: &Change) {
        self.calls.lock().unwrap().push(format!("{verb} {}", change.address.name()));
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

struct OneLine(Option<LogLine>);

#[async_trait]
impl LogFeed for OneLine {
    async fn next(&mut self) -> Result<Option<LogLine>, TargetError> {
        Ok(self.0.take())
    }
}

#[async_trait]
impl Reader for Fake {
    async fn observe(&self, _: &Bound) -> Result<Observed, TargetError> {
        Ok(Observed::default())
    }

    async fn health(&self, _: &Bound, service: &Name) -> Result<Health, TargetError> {
        let mut fares = self.fares.lock().unwrap();
        Ok(match fares.get_mut(service.as_str()) {
            Some(left) if left.len() > 1 => left.pop_front().unwrap(),
            Some(left) => left[0].clone(),
            None => Health::Healthy,
        })
    }

    async fn served(&self, _: &Bound, _: &Name) -> Result<Served, TargetError> {
        Ok(Served::default())
    }

    async fn logs(&self, _: &Bound, query: &LogQuery) -> Result<Box<dyn LogFeed>, TargetError> {
        let line = LogLine {
            service: query.services[0].clone(),
            time: String::new(),
            stream: LogStream::Stderr,
            text: "no hunter2 here".into(),
        };
        Ok(Box::new(OneLine(Some(line))))
    }
}

#[async_trait]
impl Writer for Fake {
    async fn apply(&self, _: &Bound, change: &Change, _: &Supplies) -> Result<(), TargetError> {
        self.call("apply", change);
        if let Some((at, interrupt)) = &self.interrupts
            && change.address.name() == *at
        {
            interrupt.raise();
        }
        if self.refuses == Some(change.address.name()) {
            return Err(TargetError::new(ErrorKind::Conflict, "fake", "create", "port taken"));
        }
        Ok(())
    }

    async fn revert(&self, _: &Bound, change: &Change) -> Result<(), TargetError> {
        self.call("revert", change);
        Ok(())
    }

    async fn settle(&self, _: &Bound, change: &Change) -> Result<(), TargetError> {
        self.call("settle", change);
        Ok(())
    }

    async fn exec(&self, _: &Bound, _: &ExecRequest) -> Result<ExecSession, TargetError> {
        Err(TargetError::unsupported("fake", "exec"))
    }
}

async fn run(fake: &Fake, changes: Vec<Change>, interrupt: &Interrupt) -> Outcome {
    let bound = bound();
    let mut secrets = SecretStore::default();
    secrets.insert(&name("api"), "KEY", secrecy::SecretString::from("hunter2"));
    let session = Session {
        bound: &bound,
        reader: fake,
        writer: fake,
        supplies: &Supplies::of(secrets),
        steps: &NoSteps,
        events: Arc::new(NoEvents),
        interrupt,
    };
    let plan = Plan { changes, unchanged: Vec::new() };
    apply(&session, &plan, &Observed::default(), ApplyOptions::default()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_service_starts_after_those_it_needs_are_healthy() {
    let fake = Fake::default().fares("api", &[Health::Starting, Health::Starting, Health::Healthy]);
    let changes = vec![change("web", Action::Create, &["api"]), change("api", Action::Replace, &[])];

    let outcome = run(&fake, changes, &Interrupt::default()).await;

    assert!(matches!(outcome.verdict, Verdict::Done), "{outcome:?}");
    assert_eq!(fake.calls(), ["apply api", "apply web", "settle api", "settle web"]);
}

#[tokio::test(start_paused = true)]
async fn an_unhealthy_service_takes_everything_back_with_redacted_evidence() {
    let sick = Health::Unhealthy { detail: "503".into() };
    let fake = Fake::default().fares("web", &[Health::Starting, sick]);
    let changes = vec![change("api", Action::Replace, &[]), change("web", Action::Create, &["api"])];

    let outcome = run(&fake, changes, &Interrupt::default()).await;

    let Verdict::Unhealthy(evidence) = outcome.verdict else { panic!("{outcome:?}") };
    assert_eq!(evidence.service, name("web"));
    assert_eq!(evidence.log[0].text, "no ••• here");
    assert_eq!(fake.calls(), ["apply api", "apply web", "revert web", "revert api"]);
    assert_eq!(outcome.reverted.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_change_stops_the_rest_and_takes_back_what_was_done() {
    let fake = Fake { refuses: Some("web"), ..Fake::default() };
    let changes = vec![
        change("api", Action::Create, &[]),
        change("web", Action::Create, &["api"]),
        change("job", Action::Create, &["web"]),
    ];

    let outcome = run(&fake, changes, &Interrupt::default()).await;

    assert!(matches!(outcome.verdict, Verdict::ChangeFailed(_)), "{outcome:?}");
    assert_eq!(fake.calls(), ["apply api", "apply web", "revert api"]);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_in_the_former_state() {
    let interrupt = Interrupt::default();
    let fake = Fake { interrupts: Some(("api", interrupt.clone())), ..Fake::default() };
    let changes = vec![change("api", Action::Create, &[]), change("web", Action::Create, &["api"])];

    let outcome = run(&fake, changes, &interrupt).await;

    assert!(matches!(outcome.verdict, Verdict::Interrupted), "{outcome:?}");
    assert_eq!(fake.calls(), ["apply api", "revert api"]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_thing_is_brought_back_too() {
    let fake = Fake { refuses: Some("web"), ..Fake::default() };
    let mut web = change("web", Action::Create, &[]);
    web.needs = vec![Address::new("fake", "container", "old")];

    let outcome = run(&fake, vec![change("old", Action::Delete, &[]), web], &Interrupt::default()).await;

    assert_eq!(fake.calls(), ["apply old", "apply web", "revert old"]);
    assert!(outcome.restored);
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_is_never_there_is_an_error_and_no_hang() {
    let fake = Fake::default();
    let outcome = run(&fake, vec![change("web", Action::Create, &["api"])], &Interrupt::default()).await;
    let Verdict::ChangeFailed(failed) = outcome.verdict else { panic!("{outcome:?}") };
    assert!(failed.1.message.contains("fake/container/web waits for api"), "{}", failed.1);
    assert!(fake.calls().is_empty());
}
