//! Walks a context in order of names and writes what the rules let through.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::entry::Kind;
use super::{ContextError, ContextNews, ContextSource};
use crate::build::ignore::{Inherited, Verdict};

/// How often news of progress is told.
const NEWS_EVERY: Duration = Duration::from_millis(100);
/// Left-out entries that are told one by one.
const LEFT_OUT_TOLD: u32 = 20;

/// What a walk gives its entries to. A method that gives none or false has found that the entry is gone meanwhile.
pub(super) trait Sink {
    /// True once nobody wants more.
    fn is_closed(&self) -> bool;
    /// A folder.
    fn folder(&mut self, path: &str) -> Result<(), Stop>;
    /// A file from memory.
    fn bytes(&mut self, path: &str, bytes: &[u8]) -> Result<(), Stop>;
    /// A link, as it stands.
    fn link(&mut self, full: &Path, path: &str) -> Result<bool, Stop>;
    /// A file; gives the bytes that it has.
    fn file(&mut self, full: &Path, path: &str, metadata: &Metadata) -> Result<Option<u64>, Stop>;
}

/// Why a walk ended early.
pub(super) enum Stop {
    /// The request was dropped: nobody wants the rest.
    ReaderGone,
    /// A link stands on the way to one of the paths that are wanted: all must be sent.
    LinkOnTheWay,
    /// The context cannot be sent.
    Broken(ContextError),
}

impl From<ContextError> for Stop {
    fn from(error: ContextError) -> Self {
        Self::Broken(error)
    }
}

/// Gives the whole context to a sink.
pub(super) fn send<S: Sink, F: FnMut(ContextNews)>(
    source: &ContextSource,
    sink: S,
    news: F,
) -> Result<S, Stop> {
    let mut walk = Walk {
        source,
        sink,
        overlay: source.overlay.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect(),
        folders_due: Vec::new(),
        news,
        bytes: 0,
        files: 0,
        left_out: 0,
        told: Instant::now(),
    };
    walk.folder(&source.root, "", &Inherited::default())?;
    for (path, bytes) in std::mem::take(&mut walk.overlay) {
        walk.in_memory(path, bytes)?;
    }
    (walk.news)(ContextNews::Sent { bytes: walk.bytes, files: walk.files });
    Ok(walk.sink)
}

struct Walk<'a, S, F> {
    source: &'a ContextSource,
    sink: S,
    /// What is in memory and has not been written yet.
    overlay: BTreeMap<&'a str, &'a [u8]>,
    /// Folders entered that are ignored themselves: written when something below them is.
    folders_due: Vec<String>,
    news: F,
    bytes: u64,
    files: u64,
    left_out: u32,
    told: Instant,
}

impl<S: Sink, F: FnMut(ContextNews)> Walk<'_, S, F> {
    fn folder(&mut self, folder: &Path, relative: &str, inherited: &Inherited) -> Result<(), Stop> {
        let mut names = Vec::new();
        let entries = fs::read_dir(folder).map_err(|error| unreadable(self.shown(relative), &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(self.shown(relative), &error))?;
            names.push(entry.file_name());
        }
        names.sort();
        for name in names {
            if self.sink.is_closed() {
                return Err(Stop::ReaderGone);
            }
            let text = name.to_string_lossy();
            let path = if relative.is_empty() { text.into_owned() } else { format!("{relative}/{text}") };
            self.entry(&folder.join(&name), path, name.to_str().is_some(), inherited)?;
        }
        Ok(())
    }

    fn entry(&mut self, full: &Path, path: String, utf8: bool, inherited: &Inherited) -> Result<(), Stop> {
        if let Some(bytes) = self.overlay.remove(path.as_str()) {
            return self.in_memory(&path, bytes);
        }
        if !self.source.wants(&path) {
            return Ok(());
        }
        let metadata = match fs::symlink_metadata(full) {
            Ok(metadata) => metadata,
            // Gone since the folder was read: an editor's temporary file, a log that was rotated.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(path, &error).into()),
        };
        let kind = Kind::of(&metadata);
        let (verdict, next) = self.source.rules.judge(&path, kind == Kind::Folder, inherited);
        if verdict == Verdict::Skip {
            return Ok(());
        }
        if !utf8 {
            return Err(not_utf8(path).into());
        }
        match kind {
            Kind::Folder => self.enter(full, path, verdict, &next),
            Kind::Special(what) => {
                self.leave_out(path, what);
                Ok(())
            }
            Kind::Link if self.source.leads_to_wanted(&path) => Err(Stop::LinkOnTheWay),
            Kind::Link => {
                self.write_folders_due()?;
                let written = self.sink.link(full, &path)?;
                self.count(0, written)
            }
            Kind::File => {
                self.write_folders_due()?;
                let written = self.sink.file(full, &path, &metadata)?;
                self.count(written.unwrap_or(0), written.is_some())
            }
        }
    }

    fn enter(
        &mut self,
        full: &Path,
        path: String,
        verdict: Verdict,
        inherited: &Inherited,
    ) -> Result<(), Stop> {
        let due_before = self.folders_due.len();
        if verdict == Verdict::Send {
            self.write_folders_due()?;
            self.sink.folder(&path)?;
        } else {
            self.folders_due.push(path.clone());
        }
        self.folder(full, &path, inherited)?;
        self.folders_due.truncate(due_before);
        Ok(())
    }

    fn write_folders_due(&mut self) -> Result<(), Stop> {
        for folder in std::mem::take(&mut self.folders_due) {
            self.sink.folder(&folder)?;
        }
        Ok(())
    }

    fn in_memory(&mut self, path: &str, bytes: &[u8]) -> Result<(), Stop> {
        self.write_folders_due()?;
        self.sink.bytes(path, bytes)?;
        self.count(bytes.len() as u64, true)
    }

    fn count(&mut self, bytes: u64, written: bool) -> Result<(), Stop> {
        self.bytes += bytes;
        self.files += u64::from(written);
        if self.told.elapsed() >= NEWS_EVERY {
            self.told = Instant::now();
            (self.news)(ContextNews::Sent { bytes: self.bytes, files: self.files });
        }
        Ok(())
    }

    fn leave_out(&mut self, path: String, what: &'static str) {
        self.left_out += 1;
        if self.left_out <= LEFT_OUT_TOLD {
            (self.news)(ContextNews::LeftOut { path, what });
        }
    }

    fn shown(&self, relative: &str) -> String {
        if relative.is_empty() { self.source.root.display().to_string() } else { relative.to_owned() }
    }
}

fn not_utf8(path: String) -> ContextError {
    ContextError {
        path,
        reason: "its name is not UTF-8, which an image's file names must be".to_owned(),
        hint: "rename it, or name it in the ignore file",
    }
}

/// The error of something that the disk does not give.
pub(super) fn unreadable(path: String, error: &io::Error) -> ContextError {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "make it readable for this user, or name it in the ignore file",
        io::ErrorKind::NotFound => "correct `build.context` in dashdeploy.yaml",
        io::ErrorKind::NotADirectory => "`build.context` must be a folder",
        _ => "name it in the ignore file if the image does not need it",
    };
    ContextError { path, reason: format!("it cannot be read ({error})"), hint }
}
