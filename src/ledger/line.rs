//! How an entry looks as a line: its length and checksum before it, so that what was torn or changed is seen.
//!
//! `LENGTH CRC32 JSON`: bytes of the JSON in decimal, eight hex digits, the JSON without a line break. Given: entries, or the bytes
//! of a file. Gives: lines, or entries with the place up to which the file is whole.

use super::Entry;

/// The version of the ledger's form.
pub(super) const SCHEMA: u32 = 1;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Read {
    /// The entries.
    pub(crate) entries: Vec<Entry>,
    /// Bytes up to the end of the last whole line: what lies after was torn off by a crash.
    pub(crate) whole: usize,
}

/// Why a file is no ledger: the line, from 1, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unread {
    Broken(usize, String),
    Newer(u32),
}

/// An entry as a line with its end.
pub(crate) fn written(entry: &Entry) -> String {
    // Plain data with string keys: nothing that JSON could refuse.
    let json = serde_json::to_string(entry).unwrap_or_default();
    format!("{} {:08x} {json}\n", json.len(), crc32fast::hash(json.as_bytes()))
}

/// Reads a file. A last line that is not whole is what a crash leaves, and is passed over; a broken one before is an error.
pub(crate) fn read(bytes: &[u8]) -> Result<Read, Unread> {
    let mut read = Read::default();
    let mut at = 0;
    let mut number = 0;
    while at < bytes.len() {
        number += 1;
        let end = bytes[at..].iter().position(|byte| *byte == b'\n').map(|length| at + length);
        let Some(end) = end else { break };
        match entry(&bytes[at..end]) {
            Ok(Entry::Header { schema, .. }) if schema > SCHEMA => return Err(Unread::Newer(schema)),
            Ok(entry) => read.entries.push(entry),
            // A torn line whose rest happens to hold a line break: it is the last one all the same.
            Err(_) if end + 1 == bytes.len() => break,
            Err(reason) => return Err(Unread::Broken(number, reason)),
        }
        at = end + 1;
        read.whole = at;
    }
    Ok(read)
}

fn entry(line: &[u8]) -> Result<Entry, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let mut parts = text.splitn(3, ' ');
    let (Some(length), Some(crc), Some(json)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("it has no length and checksum".to_owned());
    };
    if length.parse() != Ok(json.len()) {
        return Err(format!("it is {} bytes long and says {length}", json.len()));
    }
    if u32::from_str_radix(crc, 16) != Ok(crc32fast::hash(json.as_bytes())) {
        return Err("its checksum does not fit".to_owned());
    }
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Done;

    fn entries() -> Vec<Entry> {
        let header = Entry::Header { schema: SCHEMA, lineage: "l".into() };
        let intent = |number| Entry::Intent {
            run: "r".into(),
            number,
            operation: "make\nit".into(),
            to: "fly/app/api".into(),
        };
        let result =
            Entry::Result { run: "r".into(), number: 1, done: Done::Ok { id: Some("vol_1".into()) } };
        vec![header, intent(1), result, intent(2)]
    }

    #[test]
    fn a_torn_tail_is_passed_over_at_every_byte() {
        let lines: Vec<String> = entries().iter().map(written).collect();
        let whole = lines.concat();
        assert_eq!(read(whole.as_bytes()).unwrap(), Read { entries: entries(), whole: whole.len() });
        for cut in 0..whole.len() {
            let found = read(&whole.as_bytes()[..cut]).unwrap();
            let mut kept = 0;
            let expected = lines.iter().take_while(|line| {
                kept += line.len();
                kept <= cut
            });
            let expected = expected.count();
            assert_eq!(found.entries, entries()[..expected], "cut at {cut}");
        }
    }

    #[test]
    fn a_changed_byte_in_the_middle_is_an_error_with_its_line() {
        let lines: Vec<String> = entries().iter().map(written).collect();
        let whole = lines.concat();
        let second = lines[0].len();
        for at in second..second + lines[1].len() - 1 {
            let mut bytes = whole.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(matches!(read(&bytes), Err(Unread::Broken(2, _))), "byte {at}");
        }
        let newer = written(&Entry::Header { schema: 9, lineage: "l".into() });
        assert_eq!(read(newer.as_bytes()), Err(Unread::Newer(9)));
    }
}
