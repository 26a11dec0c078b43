//! A proposal as a graph: what comes before what.
//!
//! Given: a proposal, and how many nodes may be drawn. Gives: nodes in layers, each right of what it needs, and the arrows
//! between them; where there are too many, one node stands for a service's changes. Deliberately absent: any drawing.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{Action, Address, Risk};

use super::{Proposal, ProposedChange};

/// Arrows that are drawn at most; beyond that nobody sees anything.
const MOST_EDGES: usize = 300;

/// What comes before what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The nodes, in the order of the changes.
    pub nodes: Vec<Node>,
    /// The arrows, sorted.
    pub edges: Vec<Edge>,
    /// True where one node stands for the changes of a service.
    pub grouped: bool,
}

/// A change, or a service's changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What is done: `replace machine/api`.
    pub label: String,
    /// The target it is on.
    pub target: String,
    /// The action, where all its changes have one.
    pub action: Option<Action>,
    /// The worst risk of its changes.
    pub risk: Risk,
    /// How many steps come before it at least.
    pub layer: usize,
}

/// An arrow between two nodes, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// What comes first.
    pub from: usize,
    /// What waits for it.
    pub to: usize,
    /// True where it waits until the service is healthy, not only until the change was made.
    pub healthy: bool,
}

impl Graph {
    /// The graph of a proposal with at most `most` nodes, as far as its services let it.
    pub fn of(proposal: &Proposal, most: usize) -> Self {
        let single = Self::grouped_by(proposal, &|change| change.address.to_string(), false);
        if single.nodes.len() <= most && single.edges.len() <= MOST_EDGES {
            return single;
        }
        let by_service = |change: &ProposedChange| match &change.service {
            Some(service) => format!("{} {service}", change.target),
            None => format!("{} what services share", change.target),
        };
        let services = Self::grouped_by(proposal, &by_service, true);
        if services.nodes.len() <= most && services.edges.len() <= MOST_EDGES {
            return services;
        }
        Self::grouped_by(proposal, &|change| change.target.clone(), true)
    }

    fn grouped_by(proposal: &Proposal, key: &dyn Fn(&ProposedChange) -> String, grouped: bool) -> Self {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut members: Vec<(String, Vec<&ProposedChange>)> = Vec::new();
        let mut at = Vec::new();
        for change in &proposal.changes {
            let key = key(change);
            let place = *places.entry(key.clone()).or_insert_with(|| {
                members.push((key, Vec::new()));
                members.len() - 1
            });
            members[place].1.push(change);
            at.push(place);
        }
        let edges = edges(proposal, &at);
        let layers = layers(members.len(), &edges);
        let nodes =
            members.iter().zip(layers).map(|((key, changes), layer)| node(key, changes, layer, grouped));
        Self { nodes: nodes.collect(), edges: edges.into_iter().collect(), grouped }
    }

    /// The number of layers.
    pub fn depth(&self) -> usize {
        self.nodes.iter().map(|node| node.layer + 1).max().unwrap_or(0)
    }
}

fn edges(proposal: &Proposal, at: &[usize]) -> BTreeSet<Edge> {
    let by_address: BTreeMap<&Address, usize> =
        proposal.changes.iter().zip(at).map(|(change, place)| (&change.address, *place)).collect();
    let mut edges = BTreeSet::new();
    for (change, to) in proposal.changes.iter().zip(at.iter().copied()) {
        let needed = change.needs.iter().filter_map(|need| by_address.get(need));
        edges.extend(needed.map(|from| Edge { from: *from, to, healthy: false }));
        for service in &change.needs_healthy {
            let gates = proposal
                .changes
                .iter()
                .zip(at)
                .filter(|(other, _)| other.gated && other.service.as_ref() == Some(service));
            edges.extend(gates.map(|(_, from)| Edge { from: *from, to, healthy: true }));
        }
    }
    edges.retain(|edge| edge.from != edge.to);
    edges
}

/// For each node the longest way to it. Single changes form no circle; services may, and then an arrow that leads back
/// counts for nothing.
fn layers(count: usize, edges: &BTreeSet<Edge>) -> Vec<usize> {
    let onward: Vec<&Edge> =
        edges.iter().filter(|edge| edge.from < edge.to || !is_back(edge, edges)).collect();
    let mut layers = vec![0; count];
    // Without circles the longest way has fewer arrows than there are nodes, so that as many rounds settle all of them.
    for _ in 0..count {
        for edge in &onward {
            layers[edge.to] = layers[edge.to].max(layers[edge.from] + 1);
        }
    }
    layers
}

/// True where the arrow leads to an earlier node that leads on to it.
fn is_back(edge: &Edge, edges: &BTreeSet<Edge>) -> bool {
    let mut reached = BTreeSet::from([edge.to]);
    let mut open = vec![edge.to];
    while let Some(from) = open.pop() {
        for next in edges.iter().filter(|next| next.from == from) {
            if reached.insert(next.to) {
                open.push(next.to);
            }
        }
    }
    reached.contains(&edge.from)
}

fn node(key: &str, changes: &[&ProposedChange], layer: usize, grouped: bool) -> Node {
    let first = changes.first();
    let action = first.map(|change| change.action);
    let action = action.filter(|action| changes.iter().all(|change| change.action == *action));
    let label = match first {
        Some(change) if !grouped => {
            let address = &change.address;
            format!("{} {}/{}", verb(change.action), address.kind(), address.name())
        }
        _ => format!("{key}: {} {}", changes.len(), if changes.len() == 1 { "change" } else { "changes" }),
    };
    Node {
        label,
        target: first.map(|change| change.target.clone()).unwrap_or_default(),
        action,
        risk: changes.iter().map(|change| change.risk).max().unwrap_or(Risk::Safe),
        layer,
    }
}

/// The word for an action.
pub fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Run => "run",
    }
}
