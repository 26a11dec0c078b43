//! A look at one file, piece by piece.
//!
//! Given: the pieces, however they are cut. Gives: findings, each once with its first place. Keeps a window of the file, long
//! enough that whatever stands across two pieces is whole in it; the rest is gone, so a file may be of any size.

use std::ops::Range;

use dashdeploy_contract::Finding;
use secrecy::zeroize::Zeroizing;

use super::engine::{Engine, Hit};
use super::files::{self, Kind};
use super::fingerprint::{Mark, fingerprint, mark};
use super::shapes::{BEHIND, Seen};
use super::tell::{self, What};
use super::{Border, Guard};
use crate::io::context::inspect::Inspection;

/// Bytes of a file that are looked at in one go.
const WINDOW: usize = 256 << 10;
/// Different things that are told of one file.
const MOST: usize = 50;

/// A look at one file.
pub(super) struct Scan<'a> {
    guard: &'a Guard,
    border: Border,
    path: &'a str,
    kind: Option<Kind>,
    /// The whole file, where its kind is judged by it.
    content: Zeroizing<Vec<u8>>,
    window: Vec<u8>,
    /// Where in the window begins what has not been looked at.
    from: usize,
    /// Where in the file the window begins: line, column, byte.
    start: (usize, usize, u64),
    found: Vec<Found>,
    /// What is worth knowing about the look itself.
    note: Option<&'static str>,
}

struct Found {
    what: What,
    mark: Mark,
    place: (usize, usize),
    times: usize,
    /// Bytes of the file.
    span: Range<u64>,
}

impl<'a> Scan<'a> {
    pub fn new(guard: &'a Guard, border: Border, path: &'a str) -> Self {
        Self {
            guard,
            border,
            path,
            kind: files::kind(path),
            content: Zeroizing::default(),
            window: Vec::new(),
            from: 0,
            start: (1, 1, 0),
            found: Vec::new(),
            note: None,
        }
    }

    /// The same look, with something to be told about it.
    pub fn noting(self, note: &'static str) -> Self {
        Self { note: Some(note), ..self }
    }

    /// Looks at the file's name, and gives what of it may be shown.
    fn name(&mut self, engine: &Engine) -> String {
        let path = self.path.as_bytes();
        let mut hits = Vec::new();
        engine.search(path, 0..path.len(), true, |hit| hits.push(hit));
        let mut shown = self.path.to_owned();
        self.start = (1, 1, self.start.2 + self.window.len() as u64 + 1);
        for hit in hits {
            let (Hit::Value(_, _, range) | Hit::Shape(Seen { range, .. })) = &hit;
            if let Some(part) = self.path.get(range.clone()) {
                shown = shown.replace(part, "•••");
            }
            self.hit(path, hit);
        }
        shown
    }

    /// Looks at what is in the window; at the end of the file at all of it, else as far as what follows is known.
    fn look(&mut self, engine: &Engine, last: bool) {
        let limit = if last { self.window.len() } else { self.window.len().saturating_sub(engine.ahead) };
        if limit <= self.from && !last {
            return;
        }
        let shapes = !is_installed(self.path);
        let window = std::mem::take(&mut self.window);
        engine.search(&window, self.from..limit, shapes, |hit| self.hit(&window, hit));
        self.window = window;
        self.from = limit;
        let gone = limit.saturating_sub(BEHIND);
        self.start = position(self.start, &self.window[..gone]);
        self.window.drain(..gone);
        self.from -= gone;
    }

    fn hit(&mut self, window: &[u8], hit: Hit) {
        match hit {
            Hit::Value(index, form, range) => {
                let known = &self.guard.known[index];
                let what = What::Value { names: known.names.join(" and "), form };
                self.add(window, what, known.mark(&self.guard.project), range);
            }
            Hit::Shape(seen) => self.shape(window, seen),
        }
    }

    fn shape(&mut self, window: &[u8], seen: Seen) {
        if seen.public && self.border != Border::Bundle && is_of_a_page(self.path) {
            return;
        }
        let mark = mark(&self.guard.project, "shape", &window[seen.range.clone()]);
        let harmless = seen.public && self.border == Border::Bundle;
        self.add(window, What::Shape { kind: seen.kind, shown: seen.shown, harmless }, mark, seen.range);
    }

    fn add(&mut self, window: &[u8], what: What, mark: Mark, range: Range<usize>) {
        let offset = self.start.2;
        let span = offset + range.start as u64..offset + range.end as u64;
        if let Some(known) = self.found.iter_mut().find(|found| found.mark == mark) {
            // One place may match in two ways, such as a form that begins like another.
            if span.start >= known.span.end {
                known.times += 1;
                known.span = span;
            }
            return;
        }
        if self.found.len() < MOST {
            let (line, column, _) = position(self.start, &window[..range.start]);
            self.found.push(Found { what, mark, place: (line, column), times: 1, span });
        }
    }

    fn finish(mut self, shown: &str) -> Vec<Finding> {
        if let Some(secret) = self.kind.and_then(|kind| files::judge(kind, &self.content)) {
            let mark = mark(&self.guard.project, "file", self.path.as_bytes());
            let what = What::File { what: secret.what };
            // The file is told as a whole, and is allowed as a whole.
            self.found.clear();
            self.found.insert(0, Found { what, mark, place: (secret.line, 1), times: 1, span: 0..0 });
        }
        let values: Vec<Range<u64>> =
            self.found.iter().filter(|f| f.what.is_value()).map(|f| f.span.clone()).collect();
        let apart =
            |f: &Found| values.iter().all(|span| span.end <= f.span.start || f.span.end <= span.start);
        let mut told = Vec::new();
        for found in self.found.iter().filter(|found| found.what.is_value() || apart(found)) {
            let fingerprint = fingerprint(&found.mark);
            if !self.guard.allows(&fingerprint) {
                let times = found.times;
                told.push(tell::finding(self.border, shown, &found.what, found.place, times, &fingerprint));
            }
        }
        told.extend(self.note.map(|note| tell::note(shown, note)));
        told
    }
}

impl Inspection for Scan<'_> {
    fn piece(&mut self, mut bytes: &[u8]) {
        if self.kind.is_some() {
            let room = files::LARGEST.saturating_sub(self.content.len());
            self.content.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        // Without an automaton the end tells so.
        let Ok(engine) = self.guard.engine() else { return };
        while !bytes.is_empty() {
            let full = WINDOW + engine.ahead;
            let taken = bytes.len().min(full.saturating_sub(self.window.len()).max(1));
            self.window.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.window.len() >= full {
                self.look(engine, false);
            }
        }
    }

    fn end(mut self: Box<Self>) -> Vec<Finding> {
        match self.guard.engine() {
            Ok(engine) => {
                self.look(engine, true);
                let shown = self.name(engine);
                self.finish(&shown)
            }
            Err(reason) => vec![tell::broken(self.path, reason)],
        }
    }
}

/// Line, column and byte behind some bytes that begin at a place.
fn position((line, column, byte): (usize, usize, u64), before: &[u8]) -> (usize, usize, u64) {
    let byte = byte + before.len() as u64;
    match memchr::memrchr(b'\n', before) {
        Some(end) => {
            let lines = memchr::memchr_iter(b'\n', before).count();
            (line + lines, 1 + characters(&before[end + 1..]), byte)
        }
        None => (line, column + characters(before), byte),
    }
}

/// Characters of UTF-8; of anything else about as many.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

/// True for what a package manager put there. A page that is served from a system's folder is none of it.
fn is_installed(path: &str) -> bool {
    const PARTS: [&str; 5] = ["site-packages", "dist-packages", "node_modules", ".pnpm-store", ".cargo"];
    const SYSTEM: [&str; 9] = [
        "usr/lib/",
        "usr/lib64/",
        "usr/share/",
        "usr/local/lib/",
        "usr/local/share/",
        "usr/include/",
        "lib/",
        "var/lib/dpkg/",
        "usr/local/include/",
    ];
    let system = path.strip_prefix('/').is_some_and(|path| {
        SYSTEM.iter().any(|folder| path.starts_with(folder)) && !path.starts_with("usr/share/nginx/html/")
    });
    system || path.split('/').any(|part| PARTS.contains(&part))
}

/// True for files that bundlers make pages of.
fn is_of_a_page(path: &str) -> bool {
    const ENDS: [&str; 15] = [
        "js", "mjs", "cjs", "jsx", "ts", "mts", "tsx", "vue", "svelte", "astro", "html", "htm", "css", "map",
        "json",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(".env") || name.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))
}
