//! Walks a context and lists what the rules let through, several folders at a time.
//!
//! Given: a [`ContextSource`]. Gives: its entries in the order in which BuildKit wants them: by path component, a folder before
//! what is in it, whichever thread came to it first. Nothing is opened but folders: files are asked for their size and time.

use std::fs::{self, DirEntry};
use std::io;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::listing::{Content, Entry, Stamp, link_target, mode};
use super::parallel::processors;
use super::stamps::order;
use super::{ContextError, ContextNews, ContextSource};
use crate::build::ignore::{Inherited, Verdict};

/// Left-out entries that are told one by one.
const LEFT_OUT_TOLD: usize = 20;
/// Folders that must be waiting before other threads are worth their start.
const MANY: usize = 8;

/// The ledger of deploys, which no build may depend on; and the folder that a first deploy makes for it, which is sent only with
/// something else in it. Else every deploy would make the next one build anew.
const LEDGER: &str = ".dashdeploy/ledger";
const OWN: &str = ".dashdeploy";

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
pub(super) fn walk(source: &ContextSource, news: &mut dyn FnMut(ContextNews)) -> Result<Vec<Entry>, Stop> {
    let root =
        Task { folder: source.root.clone(), path: String::new(), inherited: Inherited::default(), slot: 0 };
    let state = State { waiting: vec![root], running: 0, listed: vec![None], stopped: Vec::new() };
    let walk = Walk { source, state: Mutex::new(state), changed: Condvar::new() };
    let threads = processors();
    std::thread::scope(|scope| {
        let mut alone = threads > 1;
        while let Some(task) = walk.take() {
            walk.put(&task, list(source, &task));
            if alone && walk.lock().waiting.len() >= MANY {
                alone = false;
                (1..threads).for_each(|_| drop(scope.spawn(|| walk.run())));
            }
        }
    });
    let mut state = walk.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(first) = first(std::mem::take(&mut state.stopped)) {
        return Err(first);
    }
    let mut flat =
        Flat { listed: state.listed, entries: Vec::new(), folders_due: Vec::new(), left_out: 0, news };
    flat.folder(0);
    Ok(flat.entries)
}

/// The first by its path, of those that threads met at the same time.
fn first(stopped: Vec<Stop>) -> Option<Stop> {
    let path = |stop: &Stop| match stop {
        Stop::LinkOnTheWay => None,
        Stop::Broken(error) => Some(error.path.clone()),
    };
    stopped.into_iter().min_by(|a, b| match (path(a), path(b)) {
        (Some(a), Some(b)) => order(&a, &b),
        (a, b) => a.cmp(&b),
    })
}

/// A folder to be listed.
struct Task {
    folder: PathBuf,
    path: String,
    inherited: Inherited,
    /// Where its list goes.
    slot: usize,
}

/// What is in a folder, in order.
enum Item {
    Entry(Entry),
    /// A folder by its slot; true where it is sent by itself, else only when something below it is.
    Folder(String, bool, usize),
    LeftOut(String, &'static str),
}

struct State {
    waiting: Vec<Task>,
    running: usize,
    listed: Vec<Option<Vec<Item>>>,
    stopped: Vec<Stop>,
}

struct Walk<'a> {
    source: &'a ContextSource,
    state: Mutex<State>,
    changed: Condvar,
}

impl Walk<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while let Some(task) = self.take() {
            self.put(&task, list(self.source, &task));
        }
    }

    /// The next folder; none once all are listed, or one cannot be.
    fn take(&self) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if !state.stopped.is_empty() {
                return None;
            }
            if let Some(task) = state.waiting.pop() {
                state.running += 1;
                return Some(task);
            }
            if state.running == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn put(&self, task: &Task, listed: Result<(Vec<Item>, Vec<Task>), Stop>) {
        let mut state = self.lock();
        state.running -= 1;
        match listed {
            Ok((mut items, tasks)) => {
                let base = state.listed.len();
                for item in &mut items {
                    if let Item::Folder(_, _, slot) = item {
                        *slot += base;
                    }
                }
                state.listed.resize_with(base + tasks.len(), || None);
                state.listed[task.slot] = Some(items);
                let placed = tasks.into_iter().map(|task| Task { slot: task.slot + base, ..task });
                state.waiting.extend(placed);
            }
            Err(stop) => state.stopped.push(stop),
        }
        drop(state);
        self.changed.notify_all();
    }
}

/// What a folder holds, and the folders in it, numbered from 0.
fn list(source: &ContextSource, task: &Task) -> Result<(Vec<Item>, Vec<Task>), Stop> {
    let shown = || match task.path.as_str() {
        "" => source.root.display().to_string(),
        path => path.to_owned(),
    };
    let failed = |error: io::Error| unreadable(shown(), &error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(&task.folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        entries.push((entry.file_name(), entry));
    }
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let (mut items, mut tasks) = (Vec::with_capacity(entries.len()), Vec::new());
    for (name, entry) in entries {
        let text = name.to_string_lossy();
        let path = if task.path.is_empty() { text.into_owned() } else { format!("{}/{text}", task.path) };
        look(source, task, &entry, path, name.to_str().is_some(), &mut items, &mut tasks)?;
    }
    Ok((items, tasks))
}

fn look(
    source: &ContextSource,
    task: &Task,
    entry: &DirEntry,
    path: String,
    utf8: bool,
    items: &mut Vec<Item>,
    tasks: &mut Vec<Task>,
) -> Result<(), Stop> {
    if !source.wants(&path) {
        return Ok(());
    }
    let kind = match entry.file_type() {
        Ok(kind) => kind,
        // Gone since the folder was read: an editor's temporary file, a log that was rotated.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(path, &error).into()),
    };
    let (verdict, inherited) = source.rules.judge(&path, kind.is_dir(), &task.inherited);
    if verdict == Verdict::Skip {
        return Ok(());
    }
    if !utf8 {
        return Err(not_utf8(path).into());
    }
    if kind.is_dir() {
        if is_named(&path, LEDGER) {
            return Ok(());
        }
        let slot = tasks.len();
        let sent = verdict == Verdict::Send && !is_named(&path, OWN);
        items.push(Item::Folder(path.clone(), sent, slot));
        tasks.push(Task { folder: entry.path(), path, inherited, slot });
    } else if kind.is_file() {
        items.extend(file(entry, path)?.map(Item::Entry));
    } else if !kind.is_symlink() {
        items.push(Item::LeftOut(path, special(kind)));
    } else if source.leads_to_wanted(&path) {
        return Err(Stop::LinkOnTheWay);
    } else if let Some(target) = link_target(&entry.path(), &path)? {
        items.push(Item::Entry(Entry::fixed(path, 0o777, Content::Link(target))));
    }
    Ok(())
}

/// True where a path is this one, or ends with it.
fn is_named(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// None where it is gone since its folder was read, or replaced by something else.
fn file(entry: &DirEntry, path: String) -> Result<Option<Entry>, ContextError> {
    match entry.metadata() {
        Ok(metadata) if metadata.is_file() => {
            let stamp = Stamp::of(&metadata);
            let fixed = Entry::fixed(path, mode(&metadata), Content::Disk(stamp));
            Ok(Some(Entry { modified: stamp.modified.max(fixed.modified), ..fixed }))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Puts the lists of all folders together.
struct Flat<'a> {
    listed: Vec<Option<Vec<Item>>>,
    entries: Vec<Entry>,
    /// Folders that are ignored themselves: listed when something below them is.
    folders_due: Vec<String>,
    left_out: usize,
    news: &'a mut dyn FnMut(ContextNews),
}

impl Flat<'_> {
    fn folder(&mut self, slot: usize) {
        for item in self.listed[slot].take().unwrap_or_default() {
            match item {
                Item::Entry(entry) => self.add(entry),
                Item::Folder(path, sent, slot) => {
                    let due_before = self.folders_due.len();
                    if sent {
                        self.add(Entry::fixed(path, 0o755, Content::Folder));
                    } else {
                        self.folders_due.push(path);
                    }
                    self.folder(slot);
                    self.folders_due.truncate(due_before);
                }
                Item::LeftOut(path, what) => {
                    self.left_out += 1;
                    if self.left_out <= LEFT_OUT_TOLD {
                        (self.news)(ContextNews::LeftOut { path, what });
                    }
                }
            }
        }
    }

    fn add(&mut self, entry: Entry) {
        let due = std::mem::take(&mut self.folders_due).into_iter();
        self.entries.extend(due.map(|path| Entry::fixed(path, 0o755, Content::Folder)));
        self.entries.push(entry);
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::build::ignore::IgnoreRules;

    fn paths(root: &Path, rules: &str) -> Vec<String> {
        let rules = IgnoreRules::parse(rules).unwrap();
        let source = ContextSource { root: root.to_owned(), rules, only: Vec::new() };
        match walk(&source, &mut |_| {}) {
            Ok(entries) => entries.into_iter().map(|entry| entry.path).collect(),
            Err(_) => panic!("it stopped"),
        }
    }

    #[test]
    fn entries_come_in_order_whoever_lists_them() {
        let dir = tempfile::tempdir().unwrap();
        for folder in 0..40 {
            for deep in ["", "-x", "/y/z"] {
                let path = dir.path().join(format!("d{folder}{deep}"));
                fs::create_dir_all(&path).unwrap();
                fs::write(path.join("f.txt"), "1").unwrap();
            }
        }
        let all = paths(dir.path(), "");
        assert_eq!(all.len(), 40 * 7);
        assert!(all.is_sorted_by(|a, b| order(a, b).is_lt()));
        for _ in 0..20 {
            assert_eq!(paths(dir.path(), ""), all);
        }
        let deep = paths(dir.path(), "*\n!d7/y/z/f.txt\n");
        assert_eq!(deep, ["d7", "d7/y", "d7/y/z", "d7/y/z/f.txt"], "folders on the way come along");
    }

    #[test]
    fn a_ledger_changes_no_context() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["app", "app/sub"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
            fs::write(dir.path().join(folder).join("ledger"), "not ours").unwrap();
        }
        let before = paths(dir.path(), "");
        for folder in [".dashdeploy/ledger", "app/sub/.dashdeploy/ledger"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
            fs::write(dir.path().join(folder).join("production.jsonl"), "x").unwrap();
        }
        assert_eq!(paths(dir.path(), ""), before);
        fs::create_dir_all(dir.path().join(".dashdeploy/templates")).unwrap();
        fs::write(dir.path().join(".dashdeploy/templates/t"), "x").unwrap();
        let added = [".dashdeploy", ".dashdeploy/templates", ".dashdeploy/templates/t"];
        assert_eq!(paths(dir.path(), "")[..3], added, "what else lies beside it comes along as ever");
    }

    #[cfg(unix)]
    #[test]
    fn one_trouble_stops_all_threads() {
        use std::os::unix::ffi::OsStrExt as _;
        let dir = tempfile::tempdir().unwrap();
        for folder in 0..30 {
            let path = dir.path().join(format!("d{folder:02}"));
            fs::create_dir(&path).unwrap();
            fs::write(path.join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
        }
        for _ in 0..20 {
            let source = ContextSource { root: dir.path().to_owned(), ..ContextSource::default() };
            let Err(Stop::Broken(error)) = walk(&source, &mut |_| {}) else { panic!("it went well") };
            assert!(error.reason.contains("UTF-8"));
        }
    }
}
