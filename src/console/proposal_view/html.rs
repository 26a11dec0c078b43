//! What a deploy would do, as a page: one file, readable by eyes and by screen readers, without a script.
//!
//! Given: a proposal. Gives: the HTML document. Every value goes through the markup macro, which escapes it.

use dashdeploy_contract::{Action, FieldChange, Risk};
use maud::{Markup, html};

use crate::console::page::{page, shown};
use crate::console::plan_view::{risk_words, value_words};
use crate::deploy::{Graph, Proposal, ProposedChange, ProposedService, Wired, verb};

use super::svg::picture;
use super::tree::{Branch, Group, image_words, tree};
use super::{footer, headline, wired_details, wired_words};

/// Nodes of the picture; beyond that each stands for a service.
const NODES: usize = 150;

/// The proposal as an HTML document.
pub fn proposal_html(proposal: &Proposal) -> String {
    let title = format!("Plan for {}", headline(proposal));
    let body = html! {
        h1 { (shown(&title)) }
        p { (shown(&footer(proposal))) }
        @for warning in &proposal.warnings { p.warning { strong { "Warning: " } (shown(warning)) } }
        @if !proposal.is_empty() {
            h2 { "Services" } (services(&proposal.services))
            h2 { "Changes" } @for branch in tree(proposal) { (changes(&branch)) }
            (order(proposal))
            @if !proposal.wiring.is_empty() {
                h2 { "Wiring" } ul { @for wired in &proposal.wiring { (wiring(wired)) } }
            }
            (rest(proposal))
        }
    };
    page(&title, &body)
}

/// The class that gives a change its colour.
pub(super) fn class(action: Option<Action>, risk: Risk) -> &'static str {
    match (action, risk) {
        (_, Risk::LosesData) | (Some(Action::Delete), _) => "gone",
        (_, Risk::InterruptsTraffic) => "down",
        (Some(Action::Create), _) => "made",
        _ => "other",
    }
}

fn services(services: &[ProposedService]) -> Markup {
    html! {
        table {
            thead { tr { th { "Service" } th { "Target" } th { "Region" } th { "Image" } th { "Address" } } }
            tbody {
                @for service in services {
                    tr {
                        th scope="row" { (service.name) }
                        td { (shown(&service.title)) }
                        td { (shown(service.region.as_deref().unwrap_or_default())) }
                        td.code { (shown(&image_words(service, ""))) }
                        td.code { (shown(&service.address.words())) }
                    }
                }
            }
        }
    }
}

fn changes(branch: &Branch) -> Markup {
    html! {
        @for group in branch.groups.iter().filter(|group| !group.changes.is_empty()) {
            h3 { (shown(&branch.title)) ": " (shown(&name(group))) }
            table {
                thead { tr { th { "" } th { "Change" } th { "Cause" } th { "Risk" } } }
                tbody { @for change in &group.changes { (row(change)) } }
            }
        }
    }
}

fn name(group: &Group) -> String {
    match (group.service, group.name) {
        (Some(service), _) => service.name.to_string(),
        _ => group.words(),
    }
}

fn row(change: &ProposedChange) -> Markup {
    let risk = risk_words(change.risk, change.downtime).unwrap_or_default();
    html! {
        tr class=(class(Some(change.action), change.risk)) {
            td.sign title=(verb(change.action)) aria-label=(verb(change.action)) { (change.action.symbol()) }
            td {
                code { (shown(change.address.as_str())) }
                @if !change.fields.is_empty() {
                    ul { @for field in &change.fields { li { (field_item(field)) } } }
                }
            }
            td { (shown(&change.reason)) }
            td.risk { (risk) }
        }
    }
}

fn field_item(field: &FieldChange) -> Markup {
    let (from, to) = (value_words(field.from.as_deref()), value_words(field.to.as_deref()));
    html! { code { (shown(&field.field)) } ": " code { (shown(&from)) } " → " code { (shown(&to)) } }
}

fn order(proposal: &Proposal) -> Markup {
    let graph = Graph::of(proposal, NODES);
    html! {
        h2 { "Order" }
        p.soft {
            "Each step waits for those that point to it; a dashed line waits until the service is healthy."
            @if graph.grouped { " There are too many changes to draw: a box stands for several." }
        }
        div.scroll tabindex="0" { (picture(&graph)) }
    }
}

fn wiring(wired: &Wired) -> Markup {
    html! {
        li {
            (shown(&wired_words(wired)))
            ul { @for detail in wired_details(wired) { li { (shown(&detail)) } } }
        }
    }
}

/// Hooks, bills and secrets.
fn rest(proposal: &Proposal) -> Markup {
    html! {
        @if !proposal.hooks.is_empty() {
            h2 { "Also run" }
            ul { @for hook in &proposal.hooks { li { (hook.kind.word()) " " (hook.whom()) ": " (shown(&hook.what)) } } }
        }
        @if !proposal.billable.is_empty() {
            h2 { "Billed from then on" }
            ul {
                @for billed in &proposal.billable {
                    li { code { (shown(billed.address.as_str())) } ": " (shown(&billed.what)) }
                }
            }
        }
        @if !proposal.secrets.is_empty() {
            h2 { "Secrets" }
            table {
                thead { tr { th { "Service" } th { "Secret" } th { "Fingerprint" } th { "State" } } }
                tbody {
                    @for secret in &proposal.secrets {
                        tr {
                            td { (secret.service) }
                            td.code { (shown(&secret.variable)) }
                            td.code { (secret.fingerprint.as_deref().unwrap_or("-")) }
                            td { (secret.state.word()) }
                        }
                    }
                }
            }
        }
    }
}
