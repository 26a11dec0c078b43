//! How many calls a deploy to Render makes, and how long many services take.

use std::time::{Duration, Instant};

use super::platform;
use crate::deploy::stage::{Stage, many};
use crate::support::figure;

fn staged(count: usize, latency: Duration) -> Stage {
    let configuration = many(count, "target: render, region: frankfurt");
    Stage::new(&format!("render-many-{count}"), "staging", vec![platform()], latency, configuration)
}

#[test]
fn twenty_services_take_about_as_long_as_one() {
    for millis in [50, 200] {
        let run = |count: usize| {
            let stage = staged(count, Duration::from_millis(millis));
            let begun = Instant::now();
            stage.run(&["deploy", "--yes"]).exits(0);
            (begun.elapsed(), stage.calls())
        };
        // The quickest of some: what else the machine does comes on top.
        let quickest = |count: usize| (0..3).map(|_| run(count)).min().unwrap();
        let ((one, calls_of_one), (twenty, calls)) = (quickest(1), quickest(20));
        let ratio = twenty.as_secs_f64() / one.as_secs_f64();
        figure(&format!(
            "render: with answers after {millis} ms: 1 service {one:.2?} in {calls_of_one} calls, 20 services {twenty:.2?} in {calls} calls: {ratio:.2} times as long"
        ));
        assert!(ratio < 1.5, "{ratio}");
    }
}

#[test]
fn the_second_deploy_of_many_reads_each_twice_at_most() {
    let stage = staged(20, Duration::ZERO);
    stage.run(&["deploy", "--yes"]).exits(0);
    let before = stage.lab.log().len();
    stage.run(&["deploy", "--yes"]).exits(0);
    let log = &stage.lab.log()[before..];
    let writes = log.iter().filter(|entry| entry.seen.writes).count();
    let reads = log.len() - writes;
    figure(&format!("render: deploy without a change, 20 services: {writes} writes, {reads} reads"));
    // Once the workspaces, once all services.
    assert!(writes == 0 && reads <= 2 * 20 + 2, "{writes} {reads}");
}
