//! A run killed at every single call, and an engine that is away for a while.

use std::sync::Arc;
use std::time::Duration;

use crate::lab::{Lab, name, run};
use crate::proxy::Proxy;
use bollard::query_parameters::{StartContainerOptions, StopContainerOptions};
use dashdeploy_contract::{
    Access, Health, HealthCheck, Plan, Publish, Release, Removal, Target as _, TargetError, Text, Writer,
};

async fn writer_by(proxy: &Proxy) -> (dashdeploy_docker::DockerTarget, Box<dyn Writer>) {
    let docker = proxy.docker.clone();
    let target = dashdeploy_docker::target(Arc::new(move |_: &Access| {
        let docker = docker.clone();
        Box::pin(async move { Ok(docker) })
    }));
    let writer = target.connect_writer(&Access::default(), dashdeploy_contract::no_writes()).await.unwrap();
    (target, writer)
}

/// One service with data, without a health check to wait for.
fn small(lab: &Lab, level: &str) -> Release {
    lab.edited(|release| {
        release.bound.services.shift_remove("web");
        let api = &mut release.bound.services["api"];
        api.health = HealthCheck::None;
        api.env.insert("LOG_LEVEL".to_owned(), Text::literal(level));
    })
}

/// The same without anything that is one container's alone: two of its containers may overlap.
fn shared(lab: &Lab, level: &str) -> Release {
    let mut release = small(lab, level);
    let api = &mut release.bound.services["api"];
    api.publish = Publish::No;
    api.volumes.clear();
    release
}

async fn carry_out(
    lab: &Lab,
    writer: &dyn Writer,
    release: &Release,
    plan: &Plan,
) -> Result<(), TargetError> {
    for change in &plan.changes {
        writer.apply(&release.bound, change, &lab.secrets()).await?;
    }
    for change in &plan.changes {
        writer.settle(&release.bound, change).await?;
    }
    Ok(())
}

/// What the next, undisturbed run makes of what was left: exactly the release, nothing doubled.
async fn converges(lab: &Lab, release: &Release, when: &str) {
    let plan = lab.plan(release).await;
    carry_out(lab, &*lab.writer, release, &plan)
        .await
        .unwrap_or_else(|error| panic!("{when}: {error}\n{plan:#?}"));
    let again = lab.plan(release).await;
    assert_eq!(again.changes, [], "{when}");
    let kinds = lab.observe().await.resources.iter().map(|r| r.address.to_string()).collect::<Vec<_>>();
    let mut expected = vec!["docker/container/api", "docker/network/default"];
    expected.extend((!release.bound.services["api"].volumes.is_empty()).then_some("docker/volume/data"));
    assert_eq!(kinds, expected, "{when}");
    let project = lab.release.bound.project.as_str();
    assert_eq!(lab.containers_named(project).await, [lab.container("api")], "{when}");
}

/// Cuts a run at call 1, 2, … until it gets through; gives how many calls it has.
async fn killed_everywhere(
    lab: &Lab,
    proxy: &Proxy,
    lose_reply: bool,
    replace: bool,
    release: fn(&Lab, &str) -> Release,
) -> usize {
    let (_target, writer) = writer_by(proxy).await;
    for call in 1..40 {
        let when = format!("killed at call {call}, reply lost: {lose_reply}, replacing: {replace}");
        let release = release(lab, &format!("{call}-{lose_reply}"));
        if !replace {
            lab.remove(Removal::DeleteData).await;
        }
        let plan = lab.plan(&release).await;
        assert!(!plan.is_empty());
        proxy.cut_at(call, lose_reply);
        let cut = tokio::select! {
            biased;
            () = proxy.cut() => true,
            done = carry_out(lab, &*writer, &release, &plan) => { done.unwrap(); false }
        };
        proxy.revive();
        converges(lab, &release, &when).await;
        let (level, _, _) = lab.exec("api", &["printenv", "LOG_LEVEL"]).await;
        assert_eq!(level.trim(), format!("{call}-{lose_reply}"), "{when}");
        if !cut {
            return call - 1;
        }
    }
    panic!("the run never got through");
}

#[test]
fn a_run_killed_at_any_call_converges_when_it_creates() {
    run("killed-create", |lab| async move {
        let Some(proxy) = Proxy::open().await else { return };
        for lose_reply in [false, true] {
            let calls = killed_everywhere(&lab, &proxy, lose_reply, false, small).await;
            assert_eq!(calls, 4, "network, volume, create, start");
        }
    });
}

#[test]
fn a_run_killed_at_any_call_converges_when_it_replaces() {
    run("killed-replace", |lab| async move {
        let Some(proxy) = Proxy::open().await else { return };
        converges(&lab, &small(&lab, "first"), "at first").await;
        for lose_reply in [false, true] {
            let calls = killed_everywhere(&lab, &proxy, lose_reply, true, small).await;
            assert_eq!(calls, 6, "rename, stop, create, start; stop and remove the former");
        }
    });
}

async fn overlaps_killed_everywhere(lab: Arc<Lab>, lose_reply: bool) {
    let Some(proxy) = Proxy::open().await else { return };
    converges(&lab, &shared(&lab, "first"), "at first").await;
    let calls = killed_everywhere(&lab, &proxy, lose_reply, true, shared).await;
    assert_eq!(calls, 8, "rename, create, start; disconnect, connect, stop the former; stop and remove it");
}

#[test]
fn a_run_killed_before_any_call_converges_when_it_overlaps() {
    run("killed-overlap", |lab| overlaps_killed_everywhere(lab, false));
}

#[test]
fn a_run_killed_after_any_call_converges_when_it_overlaps() {
    run("killed-overlapped", |lab| overlaps_killed_everywhere(lab, true));
}

#[test]
fn an_engine_that_is_away_for_a_while_is_waited_for() {
    run("away", |lab| async move {
        let Some(proxy) = Proxy::open().await else { return };
        let (target, writer) = writer_by(&proxy).await;
        let reader = target.connect_reader(&Access::default()).await.unwrap();
        let release = small(&lab, "info");
        let plan = lab.plan(&release).await;
        let mut watch = reader.watch(&release.bound).await.unwrap().unwrap();
        assert_eq!(watch.next().await.unwrap().health, Health::Absent);

        proxy.kill();
        let back = proxy.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1200)).await;
            back.revive();
        });
        carry_out(&lab, &*writer, &release, &plan).await.unwrap();
        let next = async |watch: &mut Box<dyn dashdeploy_contract::HealthWatch>| {
            tokio::time::timeout(Duration::from_secs(20), watch.next()).await.unwrap().unwrap()
        };
        let sample = next(&mut watch).await;
        assert_eq!((sample.service, sample.health), (name("api"), Health::Running));

        // What happens while the way is cut is known afterwards.
        let container = lab.container("api");
        proxy.kill();
        lab.docker.stop_container(&container, None::<StopContainerOptions>).await.unwrap();
        proxy.revive();
        let sample = next(&mut watch).await;
        assert!(matches!(sample.health, Health::Exited { .. }), "{sample:?}");
        lab.docker.start_container(&container, None::<StartContainerOptions>).await.unwrap();
        assert_eq!(next(&mut watch).await.health, Health::Running);
    });
}
