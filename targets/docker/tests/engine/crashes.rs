//! Every state that a killed run can leave behind, made by hand; the next run converges.

use crate::lab::{Lab, run};
use bollard::query_parameters::{RenameContainerOptionsBuilder, StartContainerOptions, StopContainerOptions};
use dashdeploy_contract::{Action, Release, Text};

fn louder(lab: &Lab) -> Release {
    lab.edited(|release| {
        release.bound.services["api"].env.insert("LOG_LEVEL".to_owned(), Text::literal("debug"));
    })
}

async fn rename(lab: &Lab, from: &str, to: &str) {
    let options = RenameContainerOptionsBuilder::new().name(to).build();
    lab.docker.rename_container(from, options).await.unwrap();
}

async fn converges(lab: &Lab, release: &Release) {
    lab.up(release).await;
    assert_eq!(lab.plan(release).await.changes, []);
    assert_eq!(lab.id(&format!("{}-former", lab.container("api"))).await, None);
    let observed = lab.observe().await;
    assert_eq!(observed.resources.len(), 4, "{:#?}", observed.resources);
}

#[test]
fn killed_after_the_former_was_renamed_or_stopped() {
    run("renamed", |lab| async move {
        lab.up(&lab.release).await;
        let (container, former) = (lab.container("api"), format!("{}-former", lab.container("api")));
        let old = lab.id(&container).await;

        rename(&lab, &container, &former).await;
        // The same release again: the container is taken back as it is.
        converges(&lab, &lab.release).await;
        assert_eq!(lab.id(&container).await, old);

        rename(&lab, &container, &former).await;
        lab.docker.stop_container(&former, None::<StopContainerOptions>).await.unwrap();
        // The release that the killed run was about.
        converges(&lab, &louder(&lab)).await;
        assert_ne!(lab.id(&container).await, old);
    });
}

#[test]
fn killed_before_the_new_container_was_started_or_settled() {
    run("unsettled", |lab| async move {
        lab.up(&lab.release).await;
        let louder = louder(&lab);
        let container = lab.container("api");
        let change = lab.plan(&louder).await.changes.remove(0);
        lab.apply(&louder, &change).await.unwrap();
        lab.docker.stop_container(&container, None::<StopContainerOptions>).await.unwrap();
        // The same call again, as after a lost reply.
        lab.apply(&louder, &change).await.unwrap();
        lab.healthy("api").await;
        lab.docker.stop_container(&container, None::<StopContainerOptions>).await.unwrap();
        // A new run.
        let plan = lab.plan(&louder).await;
        let actions: Vec<Action> = plan.changes.iter().map(|change| change.action).collect();
        assert_eq!(actions, [Action::Run, Action::Delete]);
        converges(&lab, &louder).await;
    });
}

#[test]
fn killed_while_making_the_first_container() {
    run("first", |lab| async move {
        let plan = lab.plan(&lab.release).await;
        for change in &plan.changes[..3] {
            lab.apply(&lab.release, change).await.unwrap();
        }
        let container = lab.container("api");
        lab.docker.stop_container(&container, None::<StopContainerOptions>).await.unwrap();
        lab.apply(&lab.release, &plan.changes[2]).await.unwrap();
        converges(&lab, &lab.release).await;
        // Taking back twice takes away once, and leaves the data.
        for change in plan.changes.iter().rev().chain(plan.changes.iter().rev()) {
            lab.writer.revert(&lab.release.bound, change).await.unwrap();
        }
        let left = lab.observe().await;
        let kinds: Vec<&str> = left.resources.iter().map(|resource| resource.address.kind()).collect();
        assert_eq!(kinds, ["volume"]);
    });
}

#[test]
fn unnamed_volumes_go_over_to_the_new_container() {
    run("unnamed", |lab| async move {
        // An image of the test's own that declares a volume; it goes with the stack's name.
        lab.up(&lab.release).await;
        let project = lab.release.bound.project.to_string();
        let options =
            bollard::query_parameters::CommitContainerOptionsBuilder::new().repo(&project).tag("t").build();
        let config = bollard::models::ContainerConfig {
            volumes: Some(vec!["/cache".to_owned()]),
            ..Default::default()
        };
        let image = lab.docker.commit_container(
            bollard::query_parameters::CommitContainerOptions {
                container: Some(lab.container("web")),
                ..options
            },
            config,
        );
        let id = image.await.unwrap().id;
        let reference = format!("{project}:t");
        let declared = lab.edited(|release| {
            let image = release.images.get_mut("api").unwrap();
            (image.reference, image.id.0) = (reference.clone(), id.clone());
        });
        lab.up(&declared).await;
        assert_eq!(lab.plan(&declared).await.changes, [], "an unnamed volume is taken for a change");
        let root = dashdeploy_contract::ExecRequest {
            user: Some("0".to_owned()),
            ..crate::lab::request("api", &["sh", "-c", "echo kept > /cache/mark; chmod 644 /cache/mark"])
        };
        assert_eq!(lab.exec_with(root, None).await.2, 0);
        let mut louder = declared.clone();
        louder.bound.services["api"].env.insert("LOG_LEVEL".to_owned(), Text::literal("debug"));
        lab.up(&louder).await;
        let (kept, _, _) = lab.exec("api", &["cat", "/cache/mark"]).await;
        assert_eq!(kept, "kept\n");
        lab.remove(dashdeploy_contract::Removal::DeleteData).await;
        let none = None::<bollard::query_parameters::RemoveImageOptions>;
        lab.docker.remove_image(&reference, none, None).await.unwrap();
    });
}

#[test]
fn a_service_stopped_by_hand_is_started() {
    run("stopped", |lab| async move {
        lab.up(&lab.release).await;
        let container = lab.container("api");
        lab.docker.stop_container(&container, None::<StopContainerOptions>).await.unwrap();
        let plan = lab.plan(&lab.release).await;
        assert_eq!((plan.changes.len(), plan.changes[0].action), (1, Action::Run));
        lab.apply(&lab.release, &plan.changes[0]).await.unwrap();
        lab.writer.revert(&lab.release.bound, &plan.changes[0]).await.unwrap();
        assert_eq!(lab.plan(&lab.release).await.changes.len(), 1);
        lab.docker.start_container(&container, None::<StartContainerOptions>).await.unwrap();
        lab.docker.pause_container(&container).await.unwrap();
        lab.up(&lab.release).await;
        assert_eq!(lab.plan(&lab.release).await.changes, []);
    });
}
