//! Walks a context in order of names and lists what the rules let through, without looking into anything.
//!
//! Given: a [`ContextSource`]. Gives: [`Found`] entries in the order in which BuildKit wants them: by path component, a folder
//! before what is in it. Names alone are read here; sizes and times are asked for in `listing`, by several threads at once.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use super::{ContextError, ContextNews, ContextSource};
use crate::build::ignore::{Inherited, Verdict};

/// Left-out entries that are told one by one.
const LEFT_OUT_TOLD: u32 = 20;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
}

/// One entry by name.
pub(super) struct Found {
    pub(super) path: String,
    pub(super) kind: Kind,
}

/// Why a walk ended early.
pub(super) enum Stop {
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

/// Everything that is to be sent.
pub(super) fn walk(source: &ContextSource, news: &mut dyn FnMut(ContextNews)) -> Result<Vec<Found>, Stop> {
    let mut walk = Walk { source, found: Vec::new(), folders_due: Vec::new(), news, left_out: 0 };
    walk.folder(&source.root, "", &Inherited::default())?;
    Ok(walk.found)
}

struct Walk<'a> {
    source: &'a ContextSource,
    found: Vec<Found>,
    /// Folders entered that are ignored themselves: listed when something below them is.
    folders_due: Vec<String>,
    news: &'a mut dyn FnMut(ContextNews),
    left_out: u32,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, relative: &str, inherited: &Inherited) -> Result<(), Stop> {
        let failed = |error: io::Error| unreadable(self.shown(relative), &error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            entries.push((entry.file_name(), entry));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, entry) in entries {
            let text = name.to_string_lossy();
            let path = if relative.is_empty() { text.into_owned() } else { format!("{relative}/{text}") };
            self.entry(&entry, path, name.to_str().is_some(), inherited)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &DirEntry,
        path: String,
        utf8: bool,
        inherited: &Inherited,
    ) -> Result<(), Stop> {
        if !self.source.wants(&path) {
            return Ok(());
        }
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            // Gone since the folder was read: an editor's temporary file, a log that was rotated.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(path, &error).into()),
        };
        let (verdict, next) = self.source.rules.judge(&path, kind.is_dir(), inherited);
        if verdict == Verdict::Skip {
            return Ok(());
        }
        if !utf8 {
            return Err(not_utf8(path).into());
        }
        if kind.is_dir() {
            return self.enter(&entry.path(), path, verdict, &next);
        }
        if kind.is_file() {
            self.add(path, Kind::File);
        } else if !kind.is_symlink() {
            self.leave_out(path, special(kind));
        } else if self.source.leads_to_wanted(&path) {
            return Err(Stop::LinkOnTheWay);
        } else {
            self.add(path, Kind::Link);
        }
        Ok(())
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
            self.add(path.clone(), Kind::Folder);
        } else {
            self.folders_due.push(path.clone());
        }
        self.folder(full, &path, inherited)?;
        self.folders_due.truncate(due_before);
        Ok(())
    }

    fn add(&mut self, path: String, kind: Kind) {
        let due = std::mem::take(&mut self.folders_due);
        self.found.extend(due.into_iter().map(|path| Found { path, kind: Kind::Folder }));
        self.found.push(Found { path, kind });
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

#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: fs::FileType) -> &'static str {
    "neither a file nor a folder"
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
