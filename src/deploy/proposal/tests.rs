//! Proposals: what they hold, and what they never hold.

use std::collections::BTreeSet;

use dashdeploy_contract::conformance::CANARY;
use dashdeploy_contract::{Action, Address, ImageId, Risk, Text};
use proptest::prelude::*;

use super::graph::{Edge, Graph};
use super::sample_tests::{hostile, huge, name, second, settled};
use super::*;

#[test]
fn a_proposal_holds_what_a_reader_asks_for() {
    let proposal = second().proposal();
    insta::assert_snapshot!("proposal", serde_json::to_string_pretty(&proposal).unwrap());
    let read: Proposal = serde_json::from_str(&serde_json::to_string(&proposal).unwrap()).unwrap();
    assert_eq!(read, proposal);
}

#[test]
fn same_input_same_bytes_and_no_secret_in_them() {
    let first = serde_json::to_string(&second().proposal()).unwrap();
    assert_eq!(first, serde_json::to_string(&second().proposal()).unwrap());
    let mut sample = second();
    sample.release.wiring.environment.insert("TOKEN".to_owned(), format!("{CANARY}-variable"));
    let text = Text::parse("https://x:${env:TOKEN}@${services.web.host},${services.web.origin}").unwrap();
    sample.release.bound.services[&name("api")].env.insert("CORS_ORIGINS".to_owned(), text);
    sample.release.wiring.services[&name("web")].host = Some("web".to_owned());
    let text = serde_json::to_string(&sample.proposal()).unwrap();
    assert!(!text.contains(CANARY), "{text}");
    assert!(text.contains("https://x:${env:TOKEN}@web,https://shop-web"), "{text}");
}

#[test]
fn what_is_there_counts_before_what_was_deployed_once() {
    let mut sample = second();
    let before = |sample: &super::sample_tests::Sample| sample.proposal().services[1].image_before.clone();
    assert_eq!(sample.proposal().services[1].name, name("api"));
    assert_eq!(before(&sample).as_deref(), Some("aaaaaaaaaaaa"));
    sample.former = None;
    assert_eq!(before(&sample).as_deref(), Some("111111111111"));
    sample.observed.resources.clear();
    assert_eq!(before(&sample), None);
    assert!(sample.proposal().services[1].changes_image());
    assert!(!settled().proposal().services[1].changes_image());
}

#[test]
fn the_way_of_the_wiring_is_told() {
    let mut sample = second();
    let wired = &sample.proposal().wiring[0];
    assert_eq!((wired.way, wired.service_address.source), (Way::Absolute, AddressSource::Predicted));
    assert_eq!(wired.page_address.source, AddressSource::Assigned);
    assert_eq!(wired.built_in[0].value.as_deref(), Some("https://shop-api.fly.dev"));
    assert_eq!(wired.told[0].value.as_deref(), Some("https://shop-web-x1y2.onrender.com"));
    assert!(sample.proposal().hooks.iter().any(|hook| hook.kind == HookKind::Preflight));

    sample.release.wiring.services[&name("web")].url = None;
    let wired = &sample.proposal().wiring[0];
    assert_eq!((wired.page_address.source, wired.told[0].value.clone()), (AddressSource::Unknown, None));

    sample.release.bound.domains.insert(name("api"), "api.example.com".to_owned());
    sample.release.bound.services[&name("web")].proxy.insert("/api".to_owned(), name("api"));
    sample.release.wiring.same_origin.insert(name("web"));
    let wired = &sample.proposal().wiring[0];
    assert_eq!((wired.way, wired.paths.clone()), (Way::SameOrigin, vec!["/api".to_owned()]));
    assert_eq!(wired.service_address.source, AddressSource::Domain);
    assert_eq!(wired.built_in[0].value.as_deref(), Some("/."));
    assert!(sample.proposal().hooks.iter().all(|hook| hook.kind != HookKind::Preflight));
}

#[test]
fn secrets_are_compared_with_the_platform_first_and_with_the_former_release_then() {
    let state = |sample: &super::sample_tests::Sample, variable: &str| {
        let secrets = sample.proposal().secrets;
        secrets.iter().find(|secret| secret.variable == variable).map(|secret| secret.state)
    };
    let mut sample = second();
    assert_eq!(state(&sample, "API_KEY"), Some(SecretState::Unchanged));
    assert_eq!(state(&sample, "SMTP_USER"), Some(SecretState::Changed));
    assert_eq!(state(&sample, "SENTRY_DSN"), Some(SecretState::Kept));
    assert_eq!(state(&sample, "UNUSED"), None);
    sample.kept[0].variable = "SMTP_USER".to_owned();
    sample.kept[0].fingerprint = Some("22222222".to_owned());
    assert_eq!(state(&sample, "SMTP_USER"), Some(SecretState::Unchanged));
    sample.former = None;
    assert_eq!(state(&sample, "API_KEY"), Some(SecretState::Set));
}

#[test]
fn downtime_adds_up_and_losses_are_warned_of() {
    let mut sample = second();
    sample.plan.changes[0].downtime = Some(u32::MAX);
    assert_eq!(sample.proposal().services[1].downtime, Some(u32::MAX));
    assert_eq!(sample.proposal().services[0].downtime, None);
    assert_eq!(sample.proposal().loses_data().count(), 1);
    assert!(sample.proposal().warnings[0].contains("fly/volume/cache loses data"));
}

#[test]
fn images_of_others_stay_as_they_are_named() {
    let mut sample = second();
    sample.former = None;
    sample.observed.resources[0].facts = [("image".to_owned(), "nginx:1.29".to_owned())].into();
    assert_eq!(sample.proposal().services[1].image_before.as_deref(), Some("nginx:1.29"));
    sample.release.images[&name("api")].id = ImageId("short".to_owned());
    assert_eq!(sample.proposal().services[1].image_after.as_deref(), Some("short"));
}

#[test]
fn a_graph_has_each_change_right_of_what_it_needs() {
    let graph = Graph::of(&second().proposal(), 60);
    let at = |label: &str| graph.nodes.iter().position(|node| node.label == label).unwrap();
    let (push, machine, page) =
        (at("run image/api"), at("replace machine/api"), at("create service/shop-production-web"));
    assert!(graph.edges.contains(&Edge { from: push, to: machine, healthy: false }));
    assert!(graph.edges.contains(&Edge { from: machine, to: page, healthy: true }));
    assert_eq!(graph.nodes[page].layer, 2);
    assert_eq!(graph.nodes[at("delete volume/cache")].risk, Risk::LosesData);
    assert!(!graph.grouped && graph.depth() == 3);
    assert!(Graph::of(&hostile().proposal(), 60).nodes.len() > 5);
}

#[test]
fn a_large_graph_is_one_of_services_and_a_larger_one_of_targets() {
    let services = Graph::of(&huge(10, 20).proposal(), 60);
    assert!(services.grouped && services.nodes.len() == 10 && services.edges.len() == 9);
    assert_eq!(services.nodes[0].label, "fly service-0: 20 changes");
    assert_eq!(Graph::of(&huge(100, 1).proposal(), 60).nodes.len(), 1);
}

proptest! {
    #[test]
    fn layers_are_those_of_the_longest_way(needs in proptest::collection::vec((0usize..12, 0usize..12), 0..30)) {
        let mut sample = huge(12, 1);
        sample.plan.changes.iter_mut().for_each(|change| change.needs.clear());
        for (one, other) in &needs {
            if one < other {
                let need = sample.plan.changes[*one].address.clone();
                sample.plan.changes[*other].needs.push(need);
            }
        }
        let graph = Graph::of(&sample.proposal(), 60);
        for edge in &graph.edges {
            prop_assert!(graph.nodes[edge.from].layer < graph.nodes[edge.to].layer);
        }
        for (at, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.layer > 0) {
            let just_before = graph.edges.iter().any(|edge| {
                edge.to == at && graph.nodes[edge.from].layer + 1 == node.layer
            });
            prop_assert!(just_before);
        }
    }

    #[test]
    fn services_that_need_each_other_still_have_places(needs in proptest::collection::vec((0usize..40, 0usize..40), 0..80)) {
        let mut sample = huge(4, 10);
        for (one, other) in needs {
            let need = sample.plan.changes[one].address.clone();
            sample.plan.changes[other].needs.push(need);
        }
        let graph = Graph::of(&sample.proposal(), 10);
        prop_assert!(graph.grouped && graph.depth() <= graph.nodes.len());
    }

    #[test]
    fn counts_are_those_of_the_changes(actions in proptest::collection::vec(0usize..5, 0..20)) {
        let all = [Action::Create, Action::Update, Action::Replace, Action::Delete, Action::Run];
        let mut sample = huge(1, actions.len());
        for (change, action) in sample.plan.changes.iter_mut().zip(&actions) {
            change.action = all[*action];
        }
        let counts = sample.proposal().counts;
        prop_assert_eq!(counts.create + counts.update + counts.replace + counts.delete + counts.run, actions.len());
        let addresses: BTreeSet<Address> = sample.proposal().changes.into_iter().map(|c| c.address).collect();
        prop_assert_eq!(addresses.len(), actions.len());
    }
}
