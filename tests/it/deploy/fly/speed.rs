//! How much a deploy to Fly.io asks, and how long it takes.

use std::time::Duration;

use dashdeploy_fakes::fly::FlyOptions;

use super::{configuration, deployed, options, staged, staged_on};
use crate::deploy::stage::{Stage, digest, many};
use crate::support::figure;

const FLY: &str = "target: fly, region: fra";

/// What a run asked: writes, reads of the platform, reads of registries.
fn asked(stage: &Stage, arguments: &[&str]) -> (usize, usize, usize) {
    let (before, images) = (stage.lab.log().len(), stage.registry.asked().len());
    stage.run(arguments).exits(0);
    let log = &stage.lab.log()[before..];
    let writes = log.iter().filter(|entry| entry.seen.writes).count();
    (writes, log.len() - writes, stage.registry.asked().len() - images)
}

#[test]
fn the_second_deploy_makes_no_write_and_two_reads_a_service() {
    // One service has a secret; both have an image that is named by a tag, whose digest its registry is asked for.
    let stage = deployed("fly-noop");
    let (writes, reads, images) = asked(&stage, &["deploy", "--yes"]);
    figure(&format!(
        "fly: deploy without a change, 2 services, 1 with a secret, images by tag: {writes} writes, {reads} reads of the platform, {images} of the registry"
    ));
    assert!(writes == 0 && reads <= 4 && images <= 2, "{writes} {reads} {images}");
    assert_eq!(asked(&stage, &["plan", "--exit-code"]), (writes, reads, images));
    // The same with images by digest: nothing about them is asked.
    let by_digest = |name: &str, registry: &str| {
        let pinned = |part: &str| format!("{part}@{}", digest(&format!("/v2/{part}/manifests/1")));
        let configuration = configuration(name, registry);
        configuration.replace("acme/api:1", &pinned("acme/api")).replace("acme/web:1", &pinned("acme/web"))
    };
    let stage = staged("fly-noop-digest", Duration::ZERO, by_digest);
    stage.run(&["deploy", "--yes"]).exits(0);
    let (writes, reads, images) = asked(&stage, &["deploy", "--yes"]);
    figure(&format!(
        "fly: the same with images by digest: {writes} writes, {reads} reads, {images} of the registry"
    ));
    assert!(writes == 0 && reads + images <= 4, "{writes} {reads} {images}");
    let stage = staged("fly-noop-many", Duration::ZERO, many(20, FLY));
    stage.run(&["deploy", "--yes"]).exits(0);
    let (writes, reads, images) = asked(&stage, &["deploy", "--yes"]);
    figure(&format!(
        "fly: deploy without a change, 20 services by tag: {writes} writes, {reads} reads of the platform, {images} of the registry"
    ));
    assert!(writes == 0 && reads + images <= 2 * 20 + 2, "{writes} {reads} {images}");
}

#[test]
fn twenty_services_take_about_as_long_as_one() {
    for millis in [50, 200] {
        let run = |count: usize| {
            let stage = staged(&format!("fly-many-{count}"), Duration::from_millis(millis), many(count, FLY));
            let begun = std::time::Instant::now();
            stage.run(&["deploy", "--yes"]).exits(0);
            (begun.elapsed(), stage.calls())
        };
        // The quickest of some: what else the machine does comes on top.
        let quickest = |count: usize| (0..3).map(|_| run(count)).min().unwrap();
        let ((one, calls_of_one), (twenty, calls)) = (quickest(1), quickest(20));
        let ratio = twenty.as_secs_f64() / one.as_secs_f64();
        figure(&format!(
            "fly: with answers after {millis} ms: 1 service {one:.2?} in {calls_of_one} calls, 20 services {twenty:.2?} in {calls} calls: {ratio:.2} times as long"
        ));
        assert!(ratio < 1.5, "{ratio}");
        assert!(calls_of_one <= 14 && calls <= 20 * 14, "{calls_of_one} {calls}");
    }
}

#[test]
fn limits_of_the_platform_are_kept() {
    let options = FlyOptions { limits: true, ..options() };
    let stage = staged_on(options, "fly-limits", Duration::ZERO, many(6, FLY));
    // Six apps at once are too many for a platform that counts all of them together, as this one does: they queue up.
    stage.run(&["deploy", "--yes"]).exits(0);
    let refused = stage.lab.log().iter().filter(|entry| entry.status == Some(429)).count();
    figure(&format!(
        "fly: 6 services on a platform that counts: {refused} of {} calls were too many",
        stage.calls()
    ));
    assert_eq!(stage.count("fly", "apps"), 6);
    stage.run(&["plan", "--exit-code"]).exits(0);
}
