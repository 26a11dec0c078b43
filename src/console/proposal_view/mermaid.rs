//! A graph of changes as a Mermaid flowchart, which GitHub and GitLab draw.
//!
//! Given: a graph. Gives: the diagram's text. Ids are ours; labels hold nothing that Mermaid reads as anything but text:
//! all else is an entity of its own (<https://mermaid.js.org/syntax/flowchart.html>, "Entity codes to escape characters").
//! A label starts with a word, since Mermaid takes `- ` and `1. ` at the start for a list.

use std::collections::BTreeMap;

use dashdeploy_contract::{Action, Risk};

use crate::console::fold::cut;
use crate::console::safe;
use crate::deploy::Graph;

/// Characters of a label at most.
const LABEL: usize = 60;

/// The diagram, without the fence around it.
pub(super) fn flowchart(graph: &Graph, title: &dyn Fn(&str) -> String) -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    let mut targets: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        targets.entry(&node.target).or_default().push(at);
    }
    for (at, (target, members)) in targets.iter().enumerate() {
        lines.push(format!("  subgraph t{at}[\"{}\"]", label(&title(target))));
        lines.extend(
            members.iter().map(|node| format!("    n{node}[\"{}\"]", label(&graph.nodes[*node].label))),
        );
        lines.push("  end".to_owned());
    }
    lines.extend(graph.edges.iter().map(|edge| {
        let arrow = if edge.healthy { "-. healthy .->" } else { "-->" };
        format!("  n{} {arrow} n{}", edge.from, edge.to)
    }));
    lines.extend(classes(graph));
    lines.join("\n")
}

/// Only lines are coloured, so that it can be read on a light and on a dark page.
fn classes(graph: &Graph) -> Vec<String> {
    let all = [
        ("made", "#1a7f37", &(|node: &_| is(node, Action::Create)) as &dyn Fn(&crate::deploy::Node) -> bool),
        ("gone", "#d1242f", &|node| is(node, Action::Delete) || node.risk == Risk::LosesData),
        ("down", "#bf8700", &|node| node.risk == Risk::InterruptsTraffic),
    ];
    let mut lines = Vec::new();
    for (class, colour, belongs) in all {
        let nodes = graph.nodes.iter().enumerate().filter(|(_, node)| belongs(node));
        let ids: Vec<String> = nodes.map(|(at, _)| format!("n{at}")).collect();
        if !ids.is_empty() {
            lines.push(format!("  classDef {class} stroke:{colour},stroke-width:2px"));
            lines.push(format!("  class {} {class}", ids.join(",")));
        }
    }
    lines
}

fn is(node: &crate::deploy::Node, action: Action) -> bool {
    node.action == Some(action)
}

fn label(text: &str) -> String {
    let one_line = safe(text).replace(['\n', '\t'], " ");
    let escaped = cut(&one_line, LABEL);
    escaped.chars().fold(String::new(), |mut done, c| {
        match c {
            c if c.is_alphanumeric() || " /.-_:,…→".contains(c) => done.push(c),
            c => done.push_str(&format!("#{};", u32::from(c))),
        }
        done
    })
}
