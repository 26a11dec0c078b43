//! YAML, read and written: the only module that knows the parser.
//!
//! Given: text. Gives: [`read`], a tree of [`Node`]s in which every key and value knows its place and every scalar keeps its
//! source text, and [`quote`], the scalar for a string. Deliberately absent: types. `no`, `010`, `1.10` and `1e3` stay the
//! text they are; what a value means is decided by the rule of its key.
//!
//! The tree is built from the events of the parser inside serde-saphyr (`serde_saphyr::granit_parser`, so that both are
//! always the same version) and not by its typed reader. A typed pass stops at the first value of a wrong shape, and reads
//! tags such as `!include` without a word; here every finding is reported at once, each with its place.

mod node;
mod quote;
mod read;

pub(crate) use node::Node;
pub(super) use node::{Entry, Kind, Pos, Scalar, Span};
pub use quote::quote;
pub(super) use read::read;

/// A YAML file that is not ours, under the same budgets: a tree of what could be read. None where it is no YAML at all.
pub(crate) fn read_other(text: &str) -> Option<std::rc::Rc<Node>> {
    read(text, &super::report::Report::default())
}
