//! What is planned for a service whose containers may overlap, whatever an interrupted run left behind.

use super::*;
use crate::conformance::answers;
use crate::observe::{Answers, assemble};
use crate::plan::plan;
use bollard::models::ContainerInspectResponse;
use dashdeploy_contract::conformance::sample;
use dashdeploy_contract::{Health, ImageId, Observed, Plan, Publish, Release, Risk};
use serde_json::json;

/// The sample with an API that only the page reaches, of the n-th image.
fn hidden(image: char) -> Release {
    let mut release = sample(TARGET);
    let api = &mut release.bound.services["api"];
    api.publish = Publish::No;
    api.volumes.clear();
    release.images["api"].id = ImageId(format!("sha256:{}", image.to_string().repeat(64)));
    release
}

fn api(release: &Release, name: &str, state: &serde_json::Value) -> ContainerInspectResponse {
    let mut engine = engine(release);
    let mut found = engine.containers.swap_remove(0);
    assert_eq!(found.name.as_deref(), Some("/shop-api-1"));
    found.id = Some(release.images["api"].id.0.chars().skip(7).take(4).collect());
    found.name = Some(format!("/{name}"));
    found.state = Some(serde_json::from_value(state.clone()).unwrap());
    found
}

fn engine(release: &Release) -> Answers {
    answers(release, &plan(release, &Observed::default()).unwrap())
}

/// An engine whose API's containers are these.
fn with(release: &Release, containers: Vec<ContainerInspectResponse>) -> Observed {
    let mut engine = engine(release);
    engine.containers.retain(|found| found.name.as_deref() != Some("/shop-api-1"));
    engine.containers.extend(containers);
    assemble(&Stack::of(&release.bound), &engine)
}

fn named(mut container: ContainerInspectResponse, aliases: &[&str]) -> ContainerInspectResponse {
    let networks = container.network_settings.as_mut().unwrap().networks.as_mut().unwrap();
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    networks.get_mut("shop_default").unwrap().aliases = Some(aliases);
    container
}

fn disconnected(mut container: ContainerInspectResponse) -> ContainerInspectResponse {
    container.network_settings.as_mut().unwrap().networks.as_mut().unwrap().clear();
    container
}

fn running() -> serde_json::Value {
    json!({ "Status": "running", "Running": true, "Health": { "Status": "healthy" } })
}

fn starting() -> serde_json::Value {
    json!({ "Status": "running", "Running": true, "Health": { "Status": "starting" } })
}

fn stopped() -> serde_json::Value {
    json!({ "Status": "exited", "ExitCode": 0 })
}

fn steps(plan: &Plan) -> Vec<(&str, Action)> {
    plan.changes.iter().map(|change| (change.address.as_str(), change.action)).collect()
}

fn replaced(plan: &Plan) -> (String, bool, Vec<String>) {
    match Task::of(&plan.changes[0]).unwrap() {
        Task::Replace { former, overlaps, discard, .. } => (former, overlaps, discard),
        other => panic!("{other:?}"),
    }
}

fn handed_over(change: &Change) -> HandOver {
    match Task::of(change).unwrap() {
        Task::HandOver(task) => task,
        other => panic!("{other:?}"),
    }
}

const CONTAINER: (&str, Action) = ("docker/container/api", Action::Replace);
const TRAFFIC: (&str, Action) = ("docker/traffic/api", Action::Run);

#[test]
fn a_service_that_only_others_reach_is_replaced_without_a_gap() {
    let (old, new) = (hidden('1'), hidden('2'));
    let plan = plan(&new, &with(&new, vec![api(&old, "shop-api-1", &running())])).unwrap();
    assert_eq!(steps(&plan), [CONTAINER, TRAFFIC]);
    assert_eq!((plan.changes[0].risk, plan.changes[0].downtime), (Risk::Safe, None));
    assert_eq!(replaced(&plan), ("1111".to_owned(), true, Vec::new()));
    let traffic = &plan.changes[1];
    assert_eq!(traffic.reason, "hands requests over to the new container");
    assert_eq!(traffic.needs, [plan.changes[0].address.clone()]);
    assert_eq!(traffic.needs_healthy[0].as_str(), "api");
    assert_eq!(traffic.service.as_ref().map(|service| service.as_str()), Some("api"));
    assert!(!traffic.gated);
    let task = handed_over(traffic);
    assert_eq!((task.former.as_deref(), task.aliases), (Some("1111"), desired(&new).aliases()));
}

fn desired(release: &Release) -> DesiredContainer {
    let stack = Stack::of(&release.bound);
    DesiredContainer::of(release, &stack, &release.bound.services["api"]).unwrap()
}

#[test]
fn what_is_its_containers_alone_is_stopped_first() {
    let port = Publish::Port { address: std::net::Ipv4Addr::LOCALHOST.into(), port: 8000 };
    let (published, mut data) = (edited(&hidden('1'), |api| api.publish = port), hidden('1'));
    data.bound.services["api"].volumes.insert("data".to_owned().try_into().unwrap(), "/data".to_owned());
    let unnamed = |mut found: ContainerInspectResponse| {
        let mount =
            json!([{ "Type": "volume", "Name": "7".repeat(64), "Destination": "/var/lib/x", "RW": true }]);
        found.mounts = Some(serde_json::from_value(mount).unwrap());
        found
    };
    let (one, two) = (hidden('1'), hidden('2'));
    let is = |release: &Release| api(release, "shop-api-1", &running());
    for (what, found, wanted) in [
        ("a port is given up", is(&published), two.clone()),
        ("a port is taken", is(&one), edited(&two, |api| api.publish = port)),
        ("a volume is given up", is(&data), two.clone()),
        ("a volume is taken", is(&one), with_image(&data, '2')),
        ("a volume without a name", unnamed(is(&one)), two.clone()),
        ("it does not serve", api(&one, "shop-api-1", &starting()), two.clone()),
        ("it has no requests", named(is(&one), &["other"]), two.clone()),
    ] {
        let plan = plan(&wanted, &with(&wanted, vec![found])).unwrap();
        assert_eq!(steps(&plan).last(), Some(&CONTAINER), "{what}");
        let change = plan.changes.last().unwrap();
        assert_eq!((change.risk, change.downtime), (Risk::InterruptsTraffic, Some(12)), "{what}");
    }
    // Data that many may write is no obstacle.
    let mut shared = with_image(&data, '2');
    shared.bound.volumes.values_mut().for_each(|volume| volume.writers = Writers::Many);
    let observed = with(&shared, vec![is(&data)]);
    assert_eq!(steps(&plan(&shared, &observed).unwrap()), [CONTAINER, TRAFFIC]);
}

fn edited(release: &Release, edit: impl FnOnce(&mut Service)) -> Release {
    let mut release = release.clone();
    edit(&mut release.bound.services["api"]);
    release
}

fn with_image(release: &Release, image: char) -> Release {
    Release { images: hidden(image).images, ..release.clone() }
}

/// When the run was killed, what it left behind, what the next run does, and whom requests are taken from.
type Killed =
    (&'static str, Vec<ContainerInspectResponse>, Vec<(&'static str, Action)>, Option<&'static str>);

fn killed(old: &Release, new: &Release) -> [Killed; 10] {
    let aside = |state| api(old, "shop-api-1-former", &state);
    let holder = |state| api(new, "shop-api-1", &state);
    let (start, drop) =
        (("docker/container/api", Action::Run), ("docker/container/api+former", Action::Delete));
    let unnamed = |state| named(holder(state), &["222222222222"]);
    [
        ("renamed", vec![aside(running())], vec![CONTAINER, TRAFFIC], Some("1111")),
        ("made", vec![aside(running()), named(holder(stopped()), &[])], vec![start, TRAFFIC], Some("1111")),
        ("started", vec![aside(running()), unnamed(starting())], vec![start, TRAFFIC], Some("1111")),
        ("healthy", vec![aside(running()), unnamed(running())], vec![TRAFFIC], Some("1111")),
        (
            "disconnected",
            vec![aside(running()), disconnected(holder(running()))],
            vec![TRAFFIC],
            Some("1111"),
        ),
        ("known", vec![aside(running()), holder(running())], vec![TRAFFIC], Some("1111")),
        ("unknown, alone", vec![unnamed(running())], vec![TRAFFIC], None),
        (
            "unknown beside an ended one",
            vec![aside(stopped()), unnamed(running())],
            vec![TRAFFIC, drop],
            None,
        ),
        ("ended", vec![aside(stopped()), holder(running())], vec![drop], None),
        ("settled", vec![holder(running())], vec![], None),
    ]
}

#[test]
fn a_run_killed_while_it_replaced_is_finished_by_the_next() {
    let (old, new) = (hidden('1'), hidden('2'));
    for (when, containers, expected, former) in killed(&old, &new) {
        let observed = with(&new, containers);
        let plan = plan(&new, &observed).unwrap();
        assert_eq!(steps(&plan), expected, "{when}");
        let traffic = plan.changes.iter().find(|change| change.address.kind() == "traffic");
        assert_eq!(traffic.and_then(|change| handed_over(change).former).as_deref(), former, "{when}");
        let last = plan.changes.last();
        assert_eq!(
            last.map(|last| last.needs.len()),
            (!expected.is_empty()).then(|| expected.len() - 1),
            "{when}"
        );
        // The health of the service is that of the container under its name.
        let service = "api".to_owned().try_into().unwrap();
        assert!(observed.of_service(&service).all(|found| found.address.name() == "api"), "{when}");
    }
}

#[test]
fn of_two_that_run_the_one_that_is_known_to_all_is_kept() {
    let (old, new, third) = (hidden('1'), hidden('2'), hidden('3'));
    let aside = api(&old, "shop-api-1-former", &running());
    let sick = json!({ "Status": "running", "Running": true, "Health": { "Status": "unhealthy" } });
    for holder in [
        named(api(&new, "shop-api-1", &running()), &[]),
        api(&new, "shop-api-1", &running()),
        named(api(&new, "shop-api-1", &sick), &[]),
    ] {
        let plan = plan(&third, &with(&third, vec![aside.clone(), holder])).unwrap();
        assert_eq!(steps(&plan), [CONTAINER, TRAFFIC]);
        assert_eq!(replaced(&plan), ("1111".to_owned(), true, vec!["2222".to_owned()]));
        assert_eq!(handed_over(&plan.changes[1]).former.as_deref(), Some("1111"));
    }
    // The same release as the former's: it is made anew beside it.
    let holder = named(api(&new, "shop-api-1", &sick), &[]);
    let plan = plan(&old, &with(&old, vec![aside, holder])).unwrap();
    assert_eq!(steps(&plan), [CONTAINER, TRAFFIC]);
}

#[test]
fn a_former_that_runs_alone_and_is_wanted_is_taken_back() {
    let old = hidden('1');
    let observed = with(&old, vec![api(&old, "shop-api-1-former", &running())]);
    assert_eq!(observed.resources.iter().filter(|found| found.health == Some(Health::Healthy)).count(), 1);
    assert_eq!(steps(&plan(&old, &observed).unwrap()), [("docker/container/api", Action::Run)]);
}
