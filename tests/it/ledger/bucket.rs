//! A ledger in a bucket, against moto's server. What moto is laxer in than S3 (checksums) plays no part here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dashdeploy::io::env::Environment;
use dashdeploy::io::fs::ProjectDir;
use dashdeploy::io::ledger::{Ledger, LedgerError, LedgerPlace, Lock, LockError, LockOptions, unlock};
use dashdeploy::io::signal::Interrupt;
use dashdeploy::ledger::{Begin, Ending, Final, RunKind, Timing};

use super::command::holder;
use crate::support::{Project, eventually, free_port, http, skip, tool};

const CONFIG: &str = "project: shop\nledger: s3://deploys/acme\nservices:\n  api: { image: redis:7, port: 6379 }\nenvironments:\n  production: { target: docker }\n";

/// A server of S3's protocol on this machine.
struct Moto {
    child: Child,
    port: u16,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn moto(test: &str) -> Option<Moto> {
    let python: PathBuf = tool(test, "TOOLS_PYTHON")?;
    let probe = Command::new(&python).args(["-c", "import flask, flask_cors, moto.server"]).output().unwrap();
    if !probe.status.success() {
        skip(test, "TOOLS_PYTHON has no moto with its server");
        return None;
    }
    let port = free_port();
    let child = Command::new(&python)
        .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let moto = Moto { child, port };
    eventually("moto answers", 60, || http(port, "GET", "/moto-api/", "").is_ok());
    assert_eq!(http(port, "PUT", "/deploys", "").unwrap().status, 200);
    Some(moto)
}

impl Moto {
    fn variables(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
        ]
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
    }

    /// The place as a machine with that project folder sees it.
    fn place(&self, project: &Project) -> LedgerPlace {
        self.place_of(project, CONFIG)
    }

    fn place_of(&self, project: &Project, config: &str) -> LedgerPlace {
        let variables: BTreeMap<String, String> = self.variables().into_iter().collect();
        let environment = Environment { variables, ..Environment::default() };
        let parsed = dashdeploy::config::parse("dashdeploy.yaml", config.as_bytes(), &["docker"]);
        let bound = parsed.project.unwrap().bind("production").unwrap();
        let dir = ProjectDir::open(project.path()).unwrap();
        LedgerPlace::of(&environment, &dir, &bound, None).unwrap()
    }
}

fn machine() -> Project {
    let project = Project::empty("shared");
    project.write("dashdeploy.yaml", CONFIG);
    project
}

fn destroy() -> Begin {
    Begin { kind: RunKind::Destroy, release: None, git: None, actor: holder("ann").actor }
}

#[tokio::test]
async fn machines_share_a_history_and_one_lock() {
    let Some(moto) = moto("machines_share_a_history_and_one_lock") else { return };
    let (one, two) = (machine(), machine());
    let (here, there) = (moto.place(&one), moto.place(&two));
    assert!(here.shown().starts_with("s3://deploys/acme/shop/production"), "{}", here.shown());
    let timing = Timing { renew: Duration::from_millis(200), ..Timing::default() };
    let options = LockOptions { timeout: Duration::ZERO, timing };
    let never = Interrupt::default();
    let held = Lock::acquire(&here, holder("ann"), options, &never).await.unwrap();
    let denied = Lock::acquire(&there, holder("bob"), options, &never).await;
    assert!(matches!(denied, Err(LockError::Held { .. })));

    let run = Ledger::open(&here).await.unwrap().begin(destroy()).await.unwrap();
    let seen = Ledger::open(&there).await.unwrap();
    assert_eq!(seen.history().open_run().unwrap().begun.run, run.id());
    run.end(Ending::new(Final::Destroyed, "gone")).await.unwrap();
    let seen = Ledger::open(&there).await.unwrap();
    assert_eq!(seen.history().runs()[0].outcome(), Some(Final::Destroyed));

    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!held.is_lost(), "it is renewed by comparison and exchange");
    let id = held.id().to_owned();
    let text = two.run_with(&["unlock", "-e", "production", "x"], &variables(&moto)).exits(2).all();
    assert!(text.contains(&id) && !text.contains("canary"), "{text}");
    two.run_with(&["unlock", "-e", "production", &id], &variables(&moto)).exits(0);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(held.is_lost(), "the former holder finds out at its next renewal");
    let next = Lock::acquire(&there, holder("bob"), options, &never).await.unwrap();
    assert_eq!(next.fence(), held.fence() + 1);
    held.release().await.unwrap();
    assert!(!next.is_lost());
    next.release().await.unwrap();
    assert!(matches!(unlock(&here, &id).await, Err(LockError::NotLocked { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_gets_each_number() {
    let Some(moto) = moto("of_many_at_once_one_gets_each_number") else { return };
    let machines: Vec<Project> = (0..5).map(|_| machine()).collect();
    let places: Vec<LedgerPlace> = machines.iter().map(|machine| moto.place(machine)).collect();
    // Without the lock, on purpose: records alone must not overwrite each other.
    let runs = places.iter().cloned().map(|place| {
        tokio::spawn(async move {
            let run = Ledger::open(&place).await?.begin(destroy()).await?;
            run.end(Ending::new(Final::Failed, "x")).await?;
            Ok::<_, LedgerError>(())
        })
    });
    let mut done = 0;
    for run in runs.collect::<Vec<_>>() {
        match run.await.unwrap() {
            Ok(()) => done += 1,
            Err(error) => assert!(matches!(error, LedgerError::Moved { .. }), "{error}"),
        }
    }
    let history = Ledger::open(&places[0]).await.unwrap();
    let ended = history.history().runs().iter().filter(|run| run.outcome() == Some(Final::Failed)).count();
    assert!(done > 0);
    assert_eq!((history.history().runs().len(), ended), (done, done));
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_told_without_the_login() {
    let Some(moto) = moto("a_bucket_that_is_not_there_is_told_without_the_login") else { return };
    let machine = machine();
    machine.write("dashdeploy.yaml", &CONFIG.replace("s3://deploys", "s3://elsewhere"));
    let text = machine.run_with(&["unlock", "-e", "production", "x"], &variables(&moto)).exits(1).all();
    assert!(text.contains("s3://elsewhere/acme") && text.contains("make the bucket"), "{text}");
    assert!(!text.contains("canary"), "{text}");
    let missing = moto.place_of(&machine, &CONFIG.replace("s3://deploys", "s3://elsewhere"));
    let error = Lock::acquire(&missing, holder("ann"), LockOptions::default(), &Interrupt::default()).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, LockError::Ledger(_)) && error.hint().unwrap().contains("make the bucket"),
        "{error}"
    );
    let history = {
        let place = moto.place(&machine);
        drop(moto);
        Ledger::open(&place).await
    };
    let error = history.err().unwrap();
    assert!(error.to_string().contains("s3://deploys/acme/shop/production"), "{error}");
    assert!(error.hint().is_some());
}

fn variables(moto: &Moto) -> Vec<(&'static str, &'static str)> {
    // Leaked: a handful of words in a test.
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    moto.variables().into_iter().map(|(name, value)| (leak(name), leak(value))).collect()
}
