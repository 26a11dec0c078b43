//! One automaton for everything that is looked for.
//!
//! Given: known values and the anchors of key shapes. Gives: for bytes, every place where one of them stands. The automaton
//! holds only the first bytes of each form, so that it stays small and fast however many values there are; the rest is
//! compared where it hits.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use secrecy::ExposeSecret as _;

use super::forms::{Bytes, Form, forms};
use super::known::Known;
use super::shapes::{AHEAD, Anchor, Seen, anchors, verify};

/// Bytes of a form that the automaton holds.
const STEM: usize = 12;

/// What stands at a place.
#[derive(Debug)]
pub(super) enum Hit {
    /// The value of this index, in this form.
    Value(usize, Form, Range<usize>),
    /// A key that nobody told us.
    Shape(Seen),
}

enum Wanted {
    Value { index: usize, form: Form, bytes: Bytes, whole_word: bool },
    Shape(Anchor),
}

/// The automaton.
pub(super) struct Engine {
    automaton: AhoCorasick,
    wanted: Vec<Wanted>,
    /// Bytes after a place that may be needed to judge it.
    pub ahead: usize,
}

impl Engine {
    /// The automaton for these values, and for key shapes.
    ///
    /// # Errors
    /// Where there is more to look for than an automaton can hold.
    pub fn new(known: &[Known]) -> Result<Self, aho_corasick::BuildError> {
        let mut wanted: Vec<Wanted> = anchors().map(|(_, anchor)| Wanted::Shape(anchor)).collect();
        for (index, value) in known.iter().enumerate() {
            for (form, bytes) in forms(value.value.expose_secret()) {
                let whole_word = value.whole_word && form == Form::Plain;
                wanted.push(Wanted::Value { index, form, bytes, whole_word });
            }
        }
        let stems: Vec<&[u8]> = anchors()
            .map(|(prefix, _)| prefix.as_bytes())
            .chain(wanted.iter().filter_map(Wanted::stem))
            .collect();
        let longest = wanted.iter().filter_map(Wanted::length).max().unwrap_or_default();
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::DFA));
        let automaton = builder.build(&stems)?;
        Ok(Self { automaton, wanted, ahead: longest.max(AHEAD) + 1 })
    }

    /// Tells everything that begins in a range of the bytes; what follows the range helps to judge it.
    pub fn search(&self, bytes: &[u8], range: Range<usize>, shapes: bool, mut tell: impl FnMut(Hit)) {
        let input = Input::new(bytes).range(range.start..);
        for found in self.automaton.find_overlapping_iter(input) {
            if found.start() >= range.end {
                // Longer ones that begin before the end may still come.
                if found.start() >= range.end + STEM.max(32) {
                    break;
                }
                continue;
            }
            let at = found.start();
            match &self.wanted[found.pattern().as_usize()] {
                Wanted::Value { index, form, bytes: whole, whole_word } => {
                    let end = at + whole.len();
                    let stands = bytes.get(at..end).is_some_and(|there| there == whole.as_slice());
                    if stands && !(*whole_word && is_part_of_a_word(bytes, at..end)) {
                        tell(Hit::Value(*index, *form, at..end));
                    }
                }
                Wanted::Shape(anchor) if shapes => {
                    if let Some(seen) = verify(*anchor, bytes, at) {
                        tell(Hit::Shape(seen));
                    }
                }
                Wanted::Shape(_) => {}
            }
        }
    }
}

impl Wanted {
    fn stem(&self) -> Option<&[u8]> {
        match self {
            Self::Value { bytes, .. } => Some(&bytes[..bytes.len().min(STEM)]),
            Self::Shape(_) => None,
        }
    }

    fn length(&self) -> Option<usize> {
        match self {
            Self::Value { bytes, .. } => Some(bytes.len()),
            Self::Shape(_) => None,
        }
    }
}

fn is_part_of_a_word(bytes: &[u8], range: Range<usize>) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    range.start.checked_sub(1).is_some_and(|before| word(bytes.get(before))) || word(bytes.get(range.end))
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("wanted", &self.wanted.len()).finish_non_exhaustive()
    }
}
