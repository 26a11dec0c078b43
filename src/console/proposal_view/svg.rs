//! A graph of changes as a picture: inline SVG, laid out by layers, each change right of what it needs.
//!
//! Given: a graph. Gives: markup in which every text is escaped. Colours come from the page's style sheet, so that one
//! picture does for light and dark. Deliberately absent: a text alternative beyond title and description; the page's
//! tables say the same in words.

use maud::{Markup, html};

use crate::console::fold::cut;
use crate::console::page::shown;
use crate::deploy::{Edge, Graph, Node};

/// Width and height of a node, and the gaps between nodes, in pixels.
const NODE: (usize, usize) = (230, 40);
const GAP: (usize, usize) = (60, 14);
/// The space around the picture, in pixels.
const MARGIN: usize = 12;
/// Characters of a label that fit into a node.
const LABEL: usize = 30;

/// The picture.
pub(super) fn picture(graph: &Graph) -> Markup {
    let places = places(graph);
    let rows = places.iter().map(|(_, row)| row + 1).max().unwrap_or(0);
    let width = MARGIN * 2 + graph.depth() * (NODE.0 + GAP.0) - GAP.0.min(graph.depth() * GAP.0);
    let height = MARGIN * 2 + rows * (NODE.1 + GAP.1) - GAP.1.min(rows * GAP.1);
    html! {
        svg role="img" aria-labelledby="order-title order-text" width=(width) height=(height)
            viewBox=(format!("0 0 {width} {height}")) {
            title id="order-title" { "Order of the changes" }
            desc id="order-text" {
                (graph.nodes.len()) " steps in " (graph.depth()) " layers; each waits for those that point to it"
            }
            defs {
                marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto" {
                    path class="head" d="M0 0 L8 4 L0 8 z" {}
                }
            }
            @for edge in &graph.edges { (arrow(edge, &places)) }
            @for (node, place) in graph.nodes.iter().zip(&places) { (shape(node, *place)) }
        }
    }
}

/// Column and row of each node: the layer, and the place among the nodes of the layer.
fn places(graph: &Graph) -> Vec<(usize, usize)> {
    let mut filled = vec![0; graph.depth()];
    let place = |node: &Node| {
        let row = filled[node.layer];
        filled[node.layer] += 1;
        (node.layer, row)
    };
    graph.nodes.iter().map(place).collect()
}

fn corner((column, row): (usize, usize)) -> (usize, usize) {
    (MARGIN + column * (NODE.0 + GAP.0), MARGIN + row * (NODE.1 + GAP.1))
}

fn arrow(edge: &Edge, places: &[(usize, usize)]) -> Markup {
    let ((x1, y1), (x2, y2)) = (corner(places[edge.from]), corner(places[edge.to]));
    let (x1, y1, y2) = (x1 + NODE.0, y1 + NODE.1 / 2, y2 + NODE.1 / 2);
    let path = format!("M{x1} {y1} C{} {y1} {} {y2} {x2} {y2}", x1 + GAP.0 / 2, x2.saturating_sub(GAP.0 / 2));
    let class = if edge.healthy { "arrow healthy" } else { "arrow" };
    html! { path class=(class) d=(path) marker-end="url(#head)" {} }
}

fn shape(node: &Node, place: (usize, usize)) -> Markup {
    let (x, y) = corner(place);
    html! {
        g class=(format!("node {}", super::html::class(node.action, node.risk))) {
            title { (shown(&node.label)) }
            rect x=(x) y=(y) width=(NODE.0) height=(NODE.1) rx="6" {}
            text x=(x + 10) y=(y + NODE.1 / 2 + 5) { (cut(&shown(&node.label), LABEL)) }
        }
    }
}
