//! Text → tree, with every limit and every refusal.
//!
//! Refused with a finding: more than one document, directives, tags, merge keys, keys that are no scalars, duplicate keys,
//! unknown and recursive aliases, NUL, and more levels or nodes than a configuration can need. Everything but a syntax
//! error and a spent budget lets the reading go on.

use std::collections::HashMap;
use std::rc::Rc;

use dashdeploy_contract::Finding;
use serde_saphyr::granit_parser::{self, ErrorKind, Event, Parser, ScalarStyle, ScanError};

use super::node::{Entry, Key, Kind, Node, Pos, Scalar, Span};
use crate::config::report::{Report, shown};

/// Levels of nesting, aliases counted as what they stand for.
const MAX_DEPTH: usize = 64;
/// Nodes, aliases counted as what they stand for.
const MAX_NODES: usize = 20_000;

/// The document's tree; none where the file holds none or cannot be read, which has then been reported.
pub(crate) fn read(text: &str, report: &Report) -> Option<Rc<Node>> {
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder { report, stack: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                report.at(syntax(&error, text), pos_span(error.marker()));
                return None;
            }
        };
        let here = convert(&span);
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                report.at(several_documents(), here);
                return None;
            }
        }
        if let Err(finding) = builder.take(event, here, span.tag_span().map(|tag| convert(&tag))) {
            report.at(*finding, here);
            return None;
        }
    }
    let root = builder.root.filter(|root| !root.is_null());
    if root.is_none() {
        report.add(no_project());
    }
    root
}

struct Builder<'a> {
    report: &'a Report,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Rc<Node>>,
    nodes: usize,
    root: Option<Rc<Node>>,
}

struct Frame {
    content: Content,
    span: Span,
    anchor: usize,
    broken: bool,
}

enum Content {
    List(Vec<Rc<Node>>),
    Map { entries: Vec<Entry>, seen: HashMap<String, Span>, key: Option<PendingKey> },
}

enum PendingKey {
    Good(Key),
    /// Already reported: its value is read and dropped.
    Refused,
}

type Step = Result<(), Box<Finding>>;

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span, tag: Option<Span>) -> Step {
        let tagged_here = event.tag().is_some();
        if let Some(found) = event.tag() {
            self.report.at(tagged(&found.original()), tag.unwrap_or(span));
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let broken = tagged_here || self.holds_nul(&text, span);
                let scalar = Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                let kind = if broken { Kind::Broken } else { Kind::Scalar(scalar) };
                let node = Rc::new(Node { kind, span, weight: 1, height: 1 });
                self.finish(node, anchor, span)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(Content::List(Vec::new()), span, anchor, tagged_here)
            }
            Event::MappingStart(_, anchor, _) => {
                let content = Content::Map { entries: Vec::new(), seen: HashMap::new(), key: None };
                self.open(content, span, anchor, tagged_here)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                self.report.at(unknown_alias(&name), span);
                self.finish(Rc::new(broken(span)), 0, span)
            }
            _ => Ok(()),
        }
    }

    fn holds_nul(&self, text: &str, span: Span) -> bool {
        let holds = text.contains('\0');
        if holds {
            let message = "a value holds the character NUL, which no variable, path or header can carry";
            self.report.at(Finding::error("nul", "", message), span);
        }
        holds
    }

    fn open(&mut self, content: Content, span: Span, anchor: usize, broken: bool) -> Step {
        self.stack.push(Frame { content, span, anchor, broken });
        if self.stack.len() > MAX_DEPTH { Err(too_deep()) } else { Ok(()) }
    }

    fn close(&mut self, end: Span) -> Step {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let span = Span { start: frame.span.start, end: end.end };
        let (weight, height, kind) = match frame.content {
            Content::List(items) => {
                let weight = items.iter().map(|item| item.weight).sum::<usize>();
                let height = items.iter().map(|item| item.height).max();
                (weight, height, Kind::List(items))
            }
            Content::Map { entries, .. } => {
                let weight = entries.iter().map(|entry| entry.value.weight).sum::<usize>();
                let height = entries.iter().map(|entry| entry.value.height).max();
                (weight, height, Kind::Map(entries))
            }
        };
        let kind = if frame.broken { Kind::Broken } else { kind };
        let node = Node { kind, span, weight: weight + 1, height: height.unwrap_or(0) + 1 };
        self.finish(Rc::new(node), frame.anchor, span)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Step {
        if let Some(node) = self.anchors.get(&anchor).map(Rc::clone) {
            // What the anchor stands for was counted once where it was written; it counts again for every use.
            self.nodes += node.weight;
            if self.stack.len() + node.height > MAX_DEPTH {
                return Err(too_deep());
            }
            return self.finish(node, 0, span);
        }
        let message = "an alias stands for something that it is itself a part of";
        self.report.at(Finding::error("recursive-alias", "", message), span);
        self.finish(Rc::new(broken(span)), 0, span)
    }

    /// Puts a finished node where it belongs: it is a key, a value, an item or the whole document.
    fn finish(&mut self, node: Rc<Node>, anchor: usize, span: Span) -> Step {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(too_many_nodes());
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, seen, key }) => match key.take() {
                None => *key = Some(self.report.key_of(&node, span, seen)),
                Some(PendingKey::Good(key)) => entries.push(Entry { key, value: node }),
                Some(PendingKey::Refused) => {}
            },
        }
        Ok(())
    }
}

impl Report {
    /// A node in a key's position, unless it can be none.
    fn key_of(&self, node: &Node, span: Span, seen: &mut HashMap<String, Span>) -> PendingKey {
        let scalar = match &node.kind {
            Kind::Scalar(scalar) if !scalar.is_null() => scalar,
            Kind::Broken => return PendingKey::Refused,
            _ => {
                let message = format!("a key must be text, not {}", node.describe());
                self.at(Finding::error("invalid-key", "", message), span);
                return PendingKey::Refused;
            }
        };
        if scalar.plain && scalar.text == "<<" {
            self.at(merge_key(), span);
            return PendingKey::Refused;
        }
        if let Some(first) = seen.get(&scalar.text) {
            self.duplicate_key(&scalar.text, span, *first);
            return PendingKey::Refused;
        }
        seen.insert(scalar.text.clone(), span);
        PendingKey::Good(Key { text: scalar.text.clone(), span })
    }
}

fn broken(span: Span) -> Node {
    Node { kind: Kind::Broken, span, weight: 1, height: 1 }
}

fn convert(span: &granit_parser::Span) -> Span {
    let pos = |marker: &granit_parser::Marker| Pos { line: marker.line(), column: marker.col() + 1 };
    Span { start: pos(&span.start), end: pos(&span.end) }
}

fn pos_span(marker: &granit_parser::Marker) -> Span {
    let start = Pos { line: marker.line(), column: marker.col() + 1 };
    Span { start, end: Pos { column: start.column + 1, ..start } }
}

fn syntax(error: &ScanError, text: &str) -> Finding {
    let kind = error.kind();
    let hint = match kind {
        ErrorKind::RecursionLimitExceeded => return *too_deep(),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar
        | ErrorKind::ExpectedNodeContent => "indent with spaces: YAML allows no tab there",
        ErrorKind::DirectiveDisallowed => "remove the line that starts with %",
        ErrorKind::UnexpectedCharacter { .. } => "put the value in double quotes",
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
            if text
                .lines()
                .nth(error.marker().line().saturating_sub(1))
                .is_some_and(|line| line.contains("${")) =>
        {
            "put a value with `${…}` in quotes where it stands within `{ }` or `[ ]`"
        }
        ErrorKind::UnclosedQuotedScalar => "close the quote",
        _ => "check the indentation and the quotes of this line and the one above it",
    };
    Finding::error("yaml-syntax", "", format!("this is not valid YAML: {kind}")).hint(hint)
}

fn too_deep() -> Box<Finding> {
    Box::new(Finding::error("too-deep", "", format!("more than {MAX_DEPTH} levels of nesting")))
}

fn too_many_nodes() -> Box<Finding> {
    let message = format!("the expansion budget is spent: more than {MAX_NODES} values, aliases written out");
    Box::new(Finding::error("too-complex", "", message))
}

fn several_documents() -> Finding {
    Finding::error("several-documents", "", "a second document starts here; the file must hold one")
        .hint("remove the line `---`, or move what follows it to a file of its own")
}

fn no_project() -> Finding {
    Finding::error("no-project", "", "no project defined: the file holds nothing but comments or blanks")
        .hint(
            "run `dashdeploy init` in a folder without dashdeploy.yaml, or write `project:` and `services:`",
        )
}

fn tagged(tag: &str) -> Finding {
    let message = format!("tags such as `{}` are not allowed; nothing is read or run for them", shown(tag));
    Finding::error("tag", "", message).hint("write the value itself, in quotes if it has to stay text")
}

fn merge_key() -> Finding {
    Finding::error("merge-key", "", "merge keys (`<<`) are not supported: YAML 1.2 has none")
        .hint("write the keys out, or use an alias (`key: *anchor`) for a whole value")
}

fn unknown_alias(name: &str) -> Finding {
    let message = format!("nothing before this line is marked `&{}`", shown(name));
    Finding::error("unknown-alias", "", message).hint("put the value in quotes if `*` is meant as text")
}
