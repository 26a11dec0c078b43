//! What would change on disk.
//!
//! Given: the files as they should be, and a way to read what is there. Gives: for each its state and a unified diff.
//! Deliberately absent: reading and writing; the caller hands in the one and does the other.

use similar::TextDiff;

use super::RenderedFile;
use super::header::{self, Origin};

/// How a file on disk relates to the one that would be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is none.
    Missing,
    /// It is what would be written (line ends aside).
    Fresh,
    /// Ours and untouched, made from other inputs: safe to refresh.
    Stale,
    /// Ours, and edited by hand since: never overwritten silently.
    Edited,
    /// Not ours: never overwritten silently.
    Foreign,
}

/// One file, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The file as it should be.
    pub file: RenderedFile,
    /// How the one on disk relates to it.
    pub state: State,
    /// What is on disk where that differs.
    former: Option<String>,
}

impl Compared {
    /// From what is on disk to what should be, as a unified diff; empty for a fresh file. Made when it is asked for: of
    /// thousands of files nobody looks at one.
    pub fn diff(&self) -> String {
        if self.state == State::Fresh {
            return String::new();
        }
        unified(&self.file.path, self.former.as_deref().unwrap_or_default(), &self.file.contents)
    }
}

impl State {
    /// True where writing loses nothing that a person wrote.
    pub fn may_write(self) -> bool {
        matches!(self, Self::Missing | Self::Stale)
    }
}

/// Compares every file with what `existing` gives for its path.
pub fn compare(files: Vec<RenderedFile>, existing: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<Compared> {
    files.into_iter().map(|file| compared(existing(&file.path), file)).collect()
}

fn compared(found: Option<Vec<u8>>, file: RenderedFile) -> Compared {
    let Some(found) = found else { return Compared { file, state: State::Missing, former: None } };
    let state = state(&found, &file.contents);
    let former = (state != State::Fresh).then(|| header::unix_lines(&found));
    Compared { file, state, former }
}

fn state(found: &[u8], contents: &str) -> State {
    if header::unix_lines(found) == contents {
        return State::Fresh;
    }
    match header::origin(found) {
        Origin::Foreign => State::Foreign,
        Origin::Untouched { .. } => State::Stale,
        Origin::Edited => State::Edited,
    }
}

fn unified(path: &str, old: &str, new: &str) -> String {
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(body: &str) -> RenderedFile {
        RenderedFile {
            path: "a/Dockerfile".to_owned(),
            contents: header::with_header("a/Dockerfile", &[], body, "00"),
        }
    }

    fn state_of(found: Option<Vec<u8>>) -> (State, String) {
        let mut all = compare(vec![file("FROM new\n")], &|_| found.clone());
        let one = all.remove(0);
        (one.state, one.diff())
    }

    #[test]
    fn every_state_is_told_apart() {
        let new = file("FROM new\n").contents;
        let old = file("FROM old\n").contents;
        let edited = old.replace("FROM old", "FROM mine");
        for (found, expected) in [
            (None, State::Missing),
            (Some(new.clone()), State::Fresh),
            (Some(new.replace('\n', "\r\n")), State::Fresh),
            (Some(old.clone()), State::Stale),
            (Some(old.replace('\n', "\r\n")), State::Stale),
            (Some(edited), State::Edited),
            (Some("FROM theirs\n".to_owned()), State::Foreign),
        ] {
            let (state, diff) = state_of(found.map(String::into_bytes));
            assert_eq!(state, expected);
            assert_eq!(diff.is_empty(), state == State::Fresh, "{diff}");
            assert_eq!(state.may_write(), matches!(state, State::Missing | State::Stale));
        }
    }

    #[test]
    fn the_diff_shows_the_lines_that_differ() {
        let (_, diff) = state_of(Some(file("FROM old\n").contents.into_bytes()));
        assert!(
            diff.contains("--- a/a/Dockerfile") && diff.contains("-FROM old") && diff.contains("+FROM new")
        );
    }
}
