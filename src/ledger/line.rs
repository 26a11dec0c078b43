//! Entries as lines: what is torn is told from what is spoilt.
//!
//! Given: entries with their numbers; the bytes of a ledger. Gives: lines of JSON, each with its number, the length and the
//! CRC32C of its entry; the entries again, and where the last whole line ends. A file that was cut anywhere (a kill, a power
//! failure, a full disk) gives what stood before the cut. A line that is broken while whole ones follow it is no cut: nothing
//! is read then.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Entry, SCHEMA};

/// An entry with the number of its line, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The number.
    pub number: u64,
    /// The entry.
    pub entry: Entry,
}

/// What the bytes of a ledger tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scanned {
    /// The whole lines.
    pub lines: Vec<Line>,
    /// Where they end: what follows is a torn line, and is cut before the next one is written.
    pub whole: usize,
}

/// Why the bytes of a ledger cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// A line is broken, and whole ones follow it.
    #[error("line {line} is damaged: {reason}")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A line is whole, and its number does not follow the one before.
    #[error("line {line} has the number {found}, where {expected} follows: two programs wrote to it")]
    OutOfOrder {
        /// The line, from 1.
        line: usize,
        /// Its number.
        found: u64,
        /// The number that follows.
        expected: u64,
    },
    /// A newer version of dashdeploy wrote it.
    #[error("a newer version of dashdeploy wrote it (form {found}; this version reads forms up to {known})")]
    Newer {
        /// Its form.
        found: u32,
        /// The newest that this version reads.
        known: u32,
    },
    /// A line is whole, and its entry is none that this version knows.
    #[error("line {line} holds an entry that this version of dashdeploy does not know")]
    Unknown {
        /// The line, from 1.
        line: usize,
    },
    /// The first line is no header.
    #[error("it does not begin with the header of a ledger")]
    NoHeader,
}

impl ScanError {
    /// What mends it, for the file of that name.
    pub fn hint(&self, file: &str) -> String {
        match self {
            Self::Newer { .. } | Self::Unknown { .. } => {
                "install the version of dashdeploy that deployed last, or a newer one".to_owned()
            }
            _ => format!(
                "restore {file} from a backup, or move it away (`mv {file} {file}.damaged`): the next deploy finds what exists by its ownership marks and begins a new history"
            ),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Framed<'a> {
    number: u64,
    length: usize,
    crc32c: String,
    #[serde(borrow)]
    entry: &'a RawValue,
}

/// An entry as a line, with its end.
///
/// # Errors
/// When the entry cannot be written as JSON.
pub fn encode(number: u64, entry: &Entry) -> Result<Vec<u8>, serde_json::Error> {
    let text = serde_json::to_string(entry)?;
    let crc = crc32c::crc32c(text.as_bytes());
    let line =
        format!(r#"{{"number":{number},"length":{},"crc32c":"{crc:08x}","entry":{text}}}"#, text.len());
    Ok(format!("{line}\n").into_bytes())
}

/// What one line is.
enum Judged {
    Whole(Box<Line>),
    Foreign,
    Broken(&'static str),
}

/// Reads a ledger.
///
/// # Errors
/// [`ScanError`] for anything but a cut at its end.
pub fn scan(bytes: &[u8]) -> Result<Scanned, ScanError> {
    let mut scanned = Scanned::default();
    for (index, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let line = match judge(text) {
            Judged::Whole(line) => *line,
            Judged::Foreign => return Err(foreign(&scanned, index + 1)),
            Judged::Broken(reason) => {
                let rest = bytes.get(scanned.whole + text.len()..).unwrap_or_default();
                if rest
                    .split_inclusive(|byte| *byte == b'\n')
                    .any(|text| !matches!(judge(text), Judged::Broken(_)))
                {
                    return Err(ScanError::Damaged { line: index + 1, reason });
                }
                return Ok(scanned);
            }
        };
        accept(&mut scanned, line, index + 1)?;
        scanned.whole += text.len();
    }
    Ok(scanned)
}

fn accept(scanned: &mut Scanned, line: Line, at: usize) -> Result<(), ScanError> {
    let expected = scanned.lines.last().map_or(1, |last| last.number + 1);
    if line.number != expected {
        return Err(ScanError::OutOfOrder { line: at, found: line.number, expected });
    }
    match (&line.entry, scanned.lines.is_empty()) {
        (Entry::Header(header), true) if header.schema > SCHEMA => {
            return Err(ScanError::Newer { found: header.schema, known: SCHEMA });
        }
        (Entry::Header(_), true) => {}
        (_, true) => return Err(ScanError::NoHeader),
        (Entry::Header(_), false) => {
            return Err(ScanError::Damaged { line: at, reason: "a second header" });
        }
        _ => {}
    }
    scanned.lines.push(line);
    Ok(())
}

/// A first line that is whole and not understood is most likely the header of a newer form.
fn foreign(scanned: &Scanned, line: usize) -> ScanError {
    if scanned.lines.is_empty() { ScanError::NoHeader } else { ScanError::Unknown { line } }
}

fn judge(text: &[u8]) -> Judged {
    let Some(text) = text.strip_suffix(b"\n") else { return Judged::Broken("it has no end") };
    let Ok(framed) = serde_json::from_slice::<Framed<'_>>(text) else {
        return Judged::Broken("it is no line of a ledger");
    };
    let raw = framed.entry.get();
    if raw.len() != framed.length {
        return Judged::Broken("its length differs");
    }
    if format!("{:08x}", crc32c::crc32c(raw.as_bytes())) != framed.crc32c {
        return Judged::Broken("its checksum differs");
    }
    if let Some(schema) = schema_of(raw).filter(|schema| *schema > SCHEMA) {
        return Judged::Whole(Box::new(Line { number: framed.number, entry: header(schema) }));
    }
    match serde_json::from_str(raw) {
        Ok(entry) => Judged::Whole(Box::new(Line { number: framed.number, entry })),
        Err(_) => Judged::Foreign,
    }
}

/// The form that a header tells, whatever else a newer header may hold.
fn schema_of(raw: &str) -> Option<u32> {
    #[derive(Deserialize)]
    struct Any {
        header: Schema,
    }
    #[derive(Deserialize)]
    struct Schema {
        schema: u32,
    }
    raw.starts_with("{\"header\"")
        .then(|| serde_json::from_str::<Any>(raw).ok())
        .flatten()
        .map(|any| any.header.schema)
}

fn header(schema: u32) -> Entry {
    let none = String::new;
    Entry::Header(super::Header { schema, lineage: none(), project: none(), environment: none() })
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
