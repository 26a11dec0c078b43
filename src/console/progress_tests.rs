//! A deploy to two targets, as lines, beside bars, as JSON.

use dashdeploy_contract::{Action, Address, LayerState};

use super::*;

const PLAIN: Style = Style { color: false };

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn started(address: &Address, action: Action, reason: &str) -> Event {
    Event::ChangeStarted { address: address.clone(), action, reason: reason.to_owned() }
}

fn finished(address: &Address, action: Action, millis: u64) -> Event {
    Event::ChangeFinished { address: address.clone(), action, millis }
}

fn pushes() -> Vec<Event> {
    let (api, push) = (name("api"), Address::new("push", "image", "api"));
    let image = "registry.fly.io/shop-api".to_owned();
    vec![
        started(&push, Action::Run, "to registry.fly.io/shop-api"),
        Event::PushStarted { service: api.clone(), image: format!("{image}:dd-1111") },
        Event::PushLayer {
            service: api.clone(),
            layer: "aaaa".to_owned(),
            state: LayerState::Sent,
            bytes: 1_000_000,
            total: 1_000_000,
        },
        Event::PushFinished {
            service: api,
            image: format!("{image}@sha256:1111"),
            existed: false,
            bytes: 1_000_000,
            millis: 2300,
        },
        finished(&push, Action::Run, 2400),
    ]
}

fn deploy() -> Vec<Event> {
    let (api, web) = (name("api"), name("web"));
    let machine = Address::new("fly", "machine", "api");
    let site = Address::new("render", "service", "shop-web");
    let health =
        |service: &Name, health, millis| Event::HealthChanged { service: service.clone(), health, millis };
    let check = "preflight from https://shop-web.onrender.com".to_owned();
    let mut events = pushes();
    events.extend([
        started(&machine, Action::Replace, "the image changed"),
        started(&site, Action::Create, "not there yet"),
        health(&api, Health::Absent, 100),
        finished(&machine, Action::Replace, 900),
        health(&api, Health::Starting, 1000),
        finished(&site, Action::Create, 1200),
        health(&api, Health::Healthy, 4200),
        health(&web, Health::Running, 1300),
        health(&web, Health::Healthy, 9000),
        Event::CheckStarted { service: api.clone(), check: "digest".to_owned() },
        Event::CheckStarted { service: api.clone(), check: check.clone() },
        Event::CheckPassed { service: api.clone(), check: "digest".to_owned(), millis: 40 },
        Event::CheckFailed { service: api, check, message: "no Access-Control-Allow-Origin".to_owned() },
        Event::ChangeFailed { address: site, message: "the platform refuses it".to_owned() },
        Event::ChangeReverted { address: machine },
    ]);
    events
}

fn lines(live: bool, verbosity: Verbosity) -> (Vec<String>, Progress) {
    let settings = ConsoleSettings { json: false, verbosity, color_stderr: false, color_stdout: false, live };
    let mut progress = Progress::new(&settings);
    let lines = deploy().iter().filter_map(|event| progress.take(event, PLAIN)).collect();
    (lines, progress)
}

#[test]
fn a_deploy_to_two_targets_reads_well_in_lines() {
    insta::assert_snapshot!("deploy_lines", lines(false, Verbosity::Normal).0.join("\n"));
    insta::assert_snapshot!("deploy_lines_verbose", lines(false, Verbosity::Verbose).0.join("\n"));
    assert!(lines(false, Verbosity::Quiet).0.is_empty());
}

#[test]
fn beside_bars_stays_what_is_worth_it_and_no_bar_is_left() {
    let (lines, progress) = lines(true, Verbosity::Normal);
    insta::assert_snapshot!("deploy_beside_bars", lines.join("\n"));
    assert!(progress.shown.is_empty(), "{:?}", progress.shown.keys());
}

#[test]
fn every_event_is_one_json_object_with_a_name() {
    let lines = deploy().iter().map(|event| serde_json::to_string(event).unwrap()).collect::<Vec<_>>();
    assert!(lines.iter().all(|line| line.starts_with("{\"event\":\"") && !line.contains('\n')));
    insta::assert_snapshot!("deploy_json", lines.join("\n"));
}
