//! `dashdeploy unlock`, and where the ledger may lie.

use dashdeploy::io::fs::ProjectDir;
use dashdeploy::io::ledger::{Holder, LedgerPlace, Lock, LockGuard, LockOptions};
use dashdeploy::io::signal::Interrupt;
use dashdeploy::ledger::Actor;
use std::sync::Arc;

use crate::support::Project;

const CONFIG: &str = "project: shop\nservices:\n  api: { image: redis:7, port: 6379 }\nenvironments:\n  production: { target: docker }\n";

/// A project, and its place without a bucket.
pub fn project(config: &str) -> (Project, LedgerPlace) {
    let project = Project::empty("ledger");
    project.write("dashdeploy.yaml", config);
    let place = place(&project, config);
    (project, place)
}

pub fn place(project: &Project, config: &str) -> LedgerPlace {
    let parsed = dashdeploy::config::parse("dashdeploy.yaml", config.as_bytes(), &["docker"]);
    let bound = parsed.project.unwrap().bind("production").unwrap();
    LedgerPlace::local(&ProjectDir::open(project.path()).unwrap(), &bound)
}

pub fn holder(user: &str) -> Holder {
    let actor = Actor { user: user.into(), host: "lab".into(), pid: 7, ..Actor::default() };
    Holder { actor, operation: "deploy".into() }
}

async fn lock(place: &LedgerPlace) -> Arc<LockGuard> {
    Lock::acquire(place, holder("ann"), LockOptions::default(), &Interrupt::default()).await.unwrap()
}

#[tokio::test]
async fn unlock_takes_the_exact_id_of_a_dead_holder() {
    let (project, place) = project(CONFIG);
    let nobody = project.run(&["unlock", "-e", "production", "x"]).exits(1);
    assert!(nobody.stderr.contains("is not locked"), "{}", nobody.stderr);
    let held = lock(&place).await;
    let alive = project.run(&["unlock", "-e", "production", held.id()]).exits(7);
    assert!(
        alive.stderr.contains("ann@lab, process 7") && alive.stderr.contains("kill 7"),
        "{}",
        alive.stderr
    );
    let id = held.id().to_owned();
    drop(held);
    let wrong = project.run(&["unlock", "-e", "production", "x"]).exits(2);
    assert!(wrong.stderr.contains(&id), "{}", wrong.stderr);
    let dry = project.run(&["unlock", "--dry-run", "-e", "production", &id]).exits(0);
    assert!(dry.stdout.contains("would free"), "{}", dry.stdout);
    let freed = project.run(&["unlock", "--json", "-e", "production", &id]).exits(0).json();
    assert_eq!(freed["result"]["unlocked"]["holder"]["actor"]["user"], "ann");
    project.run(&["unlock", "-e", "production", &id]).exits(1);
    // Other environments have locks of their own.
    let other = project.run(&["unlock", &id]).exits(1);
    assert!(other.stderr.contains("`local` is not locked"), "{}", other.stderr);
}

#[test]
fn an_address_that_is_none_is_told_with_its_place() {
    let (project, _) = project(CONFIG);
    let of = |variables: &[(&str, &str)], arguments: &[&str]| {
        let all: Vec<&str> = ["unlock", "-e", "production", "x"].iter().chain(arguments).copied().collect();
        project.run_with(&all, variables).exits(2).stderr
    };
    let text = of(&[("DASHDEPLOY_LEDGER", "file:///tmp")], &[]);
    assert!(text.contains("DASHDEPLOY_LEDGER") && text.contains("s3://bucket/prefix"), "{text}");
    let text = of(&[("DASHDEPLOY_LEDGER", "s3://good")], &["--ledger", "s3://bad/../x"]);
    assert!(text.contains("--ledger"), "{text}");
    let text = of(&[("AWS_ENDPOINT_URL", "http://minio.example.com")], &["--ledger", "s3://good"]);
    let built = cfg!(feature = "shared-ledger");
    let mend = if built { "TLS" } else { "feature `shared-ledger`" };
    assert!(text.contains(mend), "{text}");
    project.write("dashdeploy.yaml", &CONFIG.replace("project: shop", "project: shop\nledger: s3://Acme"));
    let text = of(&[], &[]);
    assert!(text.contains("dashdeploy.yaml:2:9"), "{text}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_told_before_anything_is_done() {
    let (project, place) = project(CONFIG);
    project.write(".dashdeploy", "a file in the place of the folder");
    let error = Lock::acquire(&place, holder("ann"), LockOptions::default(), &Interrupt::default()).await;
    let text = error.unwrap_err().to_string();
    assert!(text.contains(".dashdeploy") && text.contains("move it away"), "{text}");
}
