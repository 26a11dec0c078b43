//! A service replaced under load: nobody who asks through the page notices, whether the new version is good or not.

use std::time::Duration;

use crate::lab::{Lab, free_port, run};
use crate::load::{Load, SLOW_BYTES, ask, page, service, slow};
use bollard::query_parameters::InspectContainerOptions;
use dashdeploy_contract::{Change, HealthCheck, ImageId, Plan, Publish, Release, ReleaseImage};

const IMAGE: &str = "nginx:1.27-alpine";

/// A page on a port of the host, and behind it an API that has none.
async fn pair(lab: &Lab, version: &str, sick: bool, port: u16) -> Release {
    let id = lab.docker.inspect_image(IMAGE).await.unwrap().id.unwrap();
    let check = |url: &str| {
        let test = ["wget", "-q", "-O", "/dev/null", url].map(str::to_owned).to_vec();
        HealthCheck::Command { test }
    };
    lab.edited(|release| {
        for image in release.images.values_mut() {
            *image = ReleaseImage::new(IMAGE, ImageId(id.clone()));
        }
        let services = &mut release.bound.services;
        let api = &mut services["api"];
        (api.publish, api.port) = (Publish::No, Some(8000));
        api.volumes.clear();
        api.health = check("http://127.0.0.1:8000/api/health");
        api.command = Some(service(version, sick));
        let web = &mut services["web"];
        web.publish = Publish::Port { address: std::net::Ipv4Addr::LOCALHOST.into(), port };
        web.port = Some(8080);
        web.health = check("http://127.0.0.1:8080/");
        web.command = Some(page());
    })
}

/// The two changes of a replacement that overlaps.
fn both(plan: &Plan) -> (&Change, &Change) {
    let addresses: Vec<&str> = plan.changes.iter().map(|change| change.address.as_str()).collect();
    assert_eq!(addresses, ["docker/container/api", "docker/traffic/api"]);
    (&plan.changes[0], &plan.changes[1])
}

/// The names by which a container is found, without the short id that the engine adds.
async fn aliases(lab: &Lab, container: &str) -> Vec<String> {
    let found = lab.docker.inspect_container(container, None::<InspectContainerOptions>).await.unwrap();
    let id = found.id.unwrap();
    let networks = found.network_settings.unwrap().networks.unwrap();
    assert_eq!(networks.len(), 1);
    let aliases = networks.into_values().next().unwrap().aliases.unwrap();
    aliases.into_iter().filter(|alias| !id.starts_with(alias)).collect()
}

#[test]
fn a_good_version_takes_over_without_a_failed_request() {
    run("switch-good", |lab| async move {
        let port = free_port();
        lab.up(&pair(&lab, "one", false, port).await).await;
        let container = lab.container("api");
        let (old, names) = (lab.id(&container).await.unwrap(), aliases(&lab, &container).await);
        let two = pair(&lab, "two", false, port).await;
        let plan = lab.plan(&two).await;
        let (replace, traffic) = both(&plan);

        let load = Load::begin(port);
        lab.apply(&two, replace).await.unwrap();
        lab.healthy("api").await;
        assert_eq!(ask(port, "GET", "/api/version").await.as_deref(), Ok("one"), "sent on before its time");
        let long = slow(port, 8);
        tokio::time::sleep(Duration::from_millis(500)).await;
        lab.apply(&two, traffic).await.unwrap();
        assert_eq!(lab.id(&format!("{container}-former")).await, Some(old));
        for change in &plan.changes {
            lab.writer.settle(&two.bound, change).await.unwrap();
        }
        let long = long.await.unwrap();
        let counts = load.end("a good version").await;
        let cut = long.iter().filter(|answer| **answer != Ok(SLOW_BYTES)).count();
        eprintln!("requests of 8 s over the switch: {cut} cut of {}", long.len());
        counts.none_failed();
        assert!(counts.answers["one"] > 0 && counts.answers["two"] > 0, "{counts:?}");
        assert_eq!((cut, long.len()), (0, 8), "{long:?}");

        // As if it had been made anew, whether we look or Compose.
        assert_eq!(lab.plan(&two).await.changes, []);
        assert_eq!(aliases(&lab, &container).await, names);
        assert_eq!(lab.id(&format!("{container}-former")).await, None);
        assert_eq!(ask(port, "GET", "/api/version").await.as_deref(), Ok("two"));
    });
}

#[test]
fn a_bad_version_is_never_asked_and_goes_without_a_failed_request() {
    run("switch-bad", |lab| async move {
        let port = free_port();
        let one = pair(&lab, "one", false, port).await;
        lab.up(&one).await;
        let old = lab.id(&lab.container("api")).await;
        let two = pair(&lab, "two", true, port).await;
        let plan = lab.plan(&two).await;
        let (replace, _) = both(&plan);

        let load = Load::begin(port);
        lab.apply(&two, replace).await.unwrap();
        tokio::time::sleep(Duration::from_secs(8)).await;
        let health = lab.reader.health(&two.bound, &crate::lab::name("api")).await.unwrap();
        assert!(!health.is_serving(), "the health is the former's: {health:?}");
        for _ in 0..2 {
            lab.writer.revert(&two.bound, replace).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let counts = load.end("a bad version").await;
        counts.none_failed();
        assert_eq!(counts.answers.keys().collect::<Vec<_>>(), ["one"]);
        assert_eq!(lab.id(&lab.container("api")).await, old);
        assert_eq!(lab.plan(&one).await.changes, []);
    });
}

#[test]
fn a_version_that_had_requests_is_taken_back_without_a_failed_request() {
    run("switch-back", |lab| async move {
        let port = free_port();
        let one = pair(&lab, "one", false, port).await;
        lab.up(&one).await;
        let old = lab.id(&lab.container("api")).await;
        let two = pair(&lab, "two", false, port).await;
        let plan = lab.plan(&two).await;
        let (replace, traffic) = both(&plan);

        let load = Load::begin(port);
        lab.apply(&two, replace).await.unwrap();
        lab.apply(&two, traffic).await.unwrap();
        // Repeated, as after a lost reply.
        lab.apply(&two, traffic).await.unwrap();
        for change in [traffic, traffic, replace, replace] {
            lab.writer.revert(&two.bound, change).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(7)).await;
        let counts = load.end("a version taken back").await;
        counts.none_failed();
        assert!(counts.answers["two"] > 0, "{counts:?}");
        assert_eq!(ask(port, "GET", "/api/version").await.as_deref(), Ok("one"));
        assert_eq!(lab.id(&lab.container("api")).await, old);
        assert_eq!(lab.plan(&one).await.changes, []);
    });
}

#[test]
fn a_run_killed_while_it_hands_over_is_finished_without_a_failed_request() {
    run("switch-killed", |lab| async move {
        let port = free_port();
        lab.up(&pair(&lab, "start", false, port).await).await;
        let load = Load::begin(port);
        // Before both are known; while those who keep addresses learn of it; while the former ends.
        for millis in [5, 2_000, 6_100] {
            let next = pair(&lab, &format!("after-{millis}"), false, port).await;
            let plan = lab.plan(&next).await;
            let (replace, traffic) = both(&plan);
            lab.apply(&next, replace).await.unwrap();
            lab.healthy("api").await;
            let killed = lab.writer.apply(&next.bound, traffic, &lab.secrets()).await_for(millis).await;
            assert!(killed || millis > 6_000, "it was over before it was killed");
            lab.up(&next).await;
            assert_eq!(lab.plan(&next).await.changes, [], "{millis} ms");
            let named = lab.containers_named(&lab.container("api")).await;
            assert_eq!(named, [lab.container("api")], "{millis} ms");
        }
        let counts = load.end("killed while handing over").await;
        counts.none_failed();
        assert_eq!(ask(port, "GET", "/api/version").await.as_deref(), Ok("after-6100"));
    });
}

/// A future that is dropped after a time.
trait AwaitFor: Future + Sized {
    /// True where it was not over by then.
    async fn await_for(self, millis: u64) -> bool {
        tokio::time::timeout(Duration::from_millis(millis), self).await.is_err()
    }
}

impl<F: Future> AwaitFor for F {}
