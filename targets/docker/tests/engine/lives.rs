//! A stack's ordinary life: made, left alone, changed, taken back, removed.

use crate::lab::{Lab, name, run};
use dashdeploy_contract::{Action, Health, Release, Removal, Text};

fn louder(lab: &Lab) -> Release {
    lab.edited(|release| {
        release.bound.services["api"].env.insert("LOG_LEVEL".to_owned(), Text::literal("debug"));
    })
}

#[test]
fn a_stack_is_made_once_and_then_left_alone() {
    run("made-once", |lab| async move {
        let plan = lab.up(&lab.release).await;
        assert_eq!(plan.count(Action::Create), 4);
        assert_eq!(lab.plan(&lab.release).await.changes, []);

        // A lost reply: every change is applied again, and nothing is made twice.
        let before = lab.id(&lab.container("api")).await;
        for change in &plan.changes {
            lab.apply(&lab.release, change).await.unwrap();
        }
        assert_eq!(lab.id(&lab.container("api")).await, before);
        assert_eq!(lab.plan(&lab.release).await.changes, []);

        let observed = lab.observe().await;
        let service = name("api");
        let api = observed.of_service(&service).next().unwrap();
        assert_eq!(api.health, Some(Health::Healthy));
        assert!(api.facts["url"].starts_with("http://localhost:"), "{:?}", api.facts);
        assert_eq!(api.facts["container"], lab.container("api"));
        let seen = serde_json::to_string(&observed).unwrap();
        assert!(!seen.contains(dashdeploy_contract::conformance::CANARY));
        // The secret is where it belongs, and its user is not root.
        let (out, _, _) =
            lab.exec("api", &["sh", "-c", "echo $API_KEY; id -u; grep NoNewPrivs /proc/self/status"]).await;
        assert!(out.starts_with(dashdeploy_contract::conformance::CANARY), "{out}");
        assert!(out.contains("\n10001\n") && out.contains("NoNewPrivs:\t1"), "{out}");
        let (_, _, code) = lab.exec("api", &["sh", "-c", "touch /x"]).await;
        assert_ne!(code, 0, "the root file system can be written to");
        let (_, _, code) = lab.exec("api", &["sh", "-c", "touch /tmp/x && getent hosts web"]).await;
        assert_eq!(code, 0, "the services do not find each other by name");
    });
}

#[test]
fn a_change_replaces_can_be_taken_back_and_is_settled() {
    run("replaces", |lab| async move {
        lab.up(&lab.release).await;
        let (container, former) = (lab.container("api"), format!("{}-former", lab.container("api")));
        let (old, web) = (lab.id(&container).await.unwrap(), lab.id(&lab.container("web")).await);
        let louder = louder(&lab);

        let plan = lab.plan(&louder).await;
        assert_eq!(plan.changes.len(), 1);
        assert_eq!(plan.changes[0].reason, "env.LOG_LEVEL changed");
        lab.apply(&louder, &plan.changes[0]).await.unwrap();
        lab.apply(&louder, &plan.changes[0]).await.unwrap();
        assert_eq!(lab.id(&former).await.as_ref(), Some(&old));
        let (level, _, _) = lab.exec("api", &["printenv", "LOG_LEVEL"]).await;
        assert_eq!(level, "debug\n");
        lab.healthy("api").await;

        for _ in 0..2 {
            lab.writer.revert(&louder.bound, &plan.changes[0]).await.unwrap();
            assert_eq!(lab.id(&container).await.as_ref(), Some(&old));
            assert_eq!(lab.id(&former).await, None);
        }
        lab.healthy("api").await;
        assert_eq!(lab.plan(&lab.release).await.changes, []);

        lab.up(&louder).await;
        assert_eq!(lab.id(&former).await, None, "the former container was kept after settling");
        assert_ne!(lab.id(&container).await, Some(old));
        assert_eq!(lab.id(&lab.container("web")).await, web, "a service that did not change was touched");
        assert_eq!(lab.plan(&louder).await.changes, []);
    });
}

#[test]
fn data_outlives_replacement_and_removal_unless_it_is_to_go() {
    run("data", |lab| async move {
        // A path that the image has files at: the empty volume is seeded from it.
        let seeded = lab.edited(|release| {
            release.bound.services["api"].volumes.insert(name("data"), "/etc/apt".to_owned());
        });
        lab.up(&seeded).await;
        let (_, _, code) = lab.exec("api", &["test", "-d", "/etc/apt/sources.list.d"]).await;
        assert_eq!(code, 0, "the empty volume was not seeded from the image");
        let root = dashdeploy_contract::ExecRequest {
            user: Some("0".to_owned()),
            ..crate::lab::request("api", &["sh", "-c", "echo kept > /etc/apt/mark; chmod 644 /etc/apt/mark"])
        };
        assert_eq!(lab.exec_with(root, None).await.2, 0);

        let plan = lab.remove(Removal::KeepData).await;
        assert_eq!(plan.count(Action::Delete), 3);
        assert_eq!(lab.remove(Removal::KeepData).await.changes, []);
        lab.up(&seeded).await;
        let (kept, _, _) = lab.exec("api", &["cat", "/etc/apt/mark"]).await;
        assert_eq!(kept, "kept\n");

        lab.remove(Removal::DeleteData).await;
        assert_eq!(lab.observe().await.resources, []);
        lab.up(&seeded).await;
        let (_, _, code) = lab.exec("api", &["test", "-e", "/etc/apt/mark"]).await;
        assert_eq!(code, 1, "the data was to go");
    });
}

#[test]
fn a_service_that_left_is_set_aside_and_comes_back_when_reverted() {
    run("orphan", |lab| async move {
        lab.up(&lab.release).await;
        let id = lab.id(&lab.container("web")).await;
        let without = lab.edited(|release| {
            release.bound.services.shift_remove("web");
        });
        let plan = lab.plan(&without).await;
        assert_eq!(plan.changes.len(), 1);
        assert_eq!(plan.changes[0].action, Action::Delete);
        lab.apply(&without, &plan.changes[0]).await.unwrap();
        assert_eq!(lab.id(&lab.container("web")).await, None);
        lab.writer.revert(&without.bound, &plan.changes[0]).await.unwrap();
        assert_eq!(lab.id(&lab.container("web")).await, id);
        lab.up(&without).await;
        assert_eq!(lab.plan(&without).await.changes, []);
        assert_eq!(lab.id(&format!("{}-former", lab.container("web"))).await, None);
    });
}
