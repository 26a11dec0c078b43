//! The comment that every generated file starts with, and what it proves.
//!
//! Given: a file's body and a digest of what it was made from. Gives: the whole file; and, of a file found on disk, whether
//! it is ours and still as we wrote it. The version of dashdeploy is deliberately absent: a new release that writes the
//! same body must not make every file stale.

use sha2::{Digest, Sha256};

const FIRST: &str = "# Written by dashdeploy from dashdeploy.yaml. Refresh it with: dashdeploy render";
const SECOND: &str = "# It is yours: edits by hand are noticed and never overwritten silently.";
const INPUTS: &str = "# inputs: ";
const BODY: &str = " body: ";

/// What a file's header says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// There is no header of ours.
    Foreign,
    /// Ours, and not a byte has changed since (line ends aside).
    Untouched {
        /// Digest of what it was made from, 16 hexadecimal digits.
        inputs: String,
    },
    /// Ours, and changed since.
    Edited,
}

/// The first 16 hexadecimal digits of the SHA-256 of all parts; each part's length is hashed too, so that parts cannot
/// run into each other.
pub fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The whole file: header and body. Only formats whose comments start with `#` are generated.
pub fn with_header(body: &str, inputs: &str) -> String {
    let rest = format!("{FIRST}\n{SECOND}\n{body}");
    format!("{FIRST}\n{SECOND}\n{INPUTS}{inputs}{BODY}{}\n{body}", digest(&[rest.as_bytes()]))
}

/// Reads what a file found on disk says about itself. `\r\n` counts as `\n`, so that a checkout with other line ends is
/// no edit.
pub fn origin(found: &[u8]) -> Origin {
    let text = unix_lines(found);
    let Some((line, rest)) = split(&text) else { return Origin::Foreign };
    let Some((inputs, body)) = line.strip_prefix(INPUTS).and_then(|hashes| hashes.split_once(BODY)) else {
        return Origin::Foreign;
    };
    if digest(&[rest.as_bytes()]) == body.trim_end() {
        Origin::Untouched { inputs: inputs.to_owned() }
    } else {
        Origin::Edited
    }
}

/// Text with `\n` line ends; what is no UTF-8 is replaced, which an untouched file of ours never needs.
pub fn unix_lines(found: &[u8]) -> String {
    let text = String::from_utf8_lossy(found);
    text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n")
}

/// The line with the hashes, looked for at the top only, and everything else.
fn split(text: &str) -> Option<(&str, String)> {
    const TOP_LINES: usize = 20;
    let mut start = 0;
    for line in text.split_inclusive('\n').take(TOP_LINES) {
        if line.starts_with(INPUTS) && line.contains(BODY) {
            let rest = format!("{}{}", &text[..start], &text[start + line.len()..]);
            return Some((line.trim_end(), rest));
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_untouched_from_edited_from_foreign() {
        let file = with_header("FROM x\n", "0123456789abcdef");
        let untouched = Origin::Untouched { inputs: "0123456789abcdef".to_owned() };
        assert_eq!(origin(file.as_bytes()), untouched);
        assert_eq!(origin(file.replace('\n', "\r\n").as_bytes()), untouched);
        assert_eq!(origin(format!("\u{feff}{file}").as_bytes()), untouched);
        assert_eq!(origin(file.replace("FROM x", "FROM y").as_bytes()), Origin::Edited);
        assert_eq!(origin(file.replace("It is yours", "It is mine").as_bytes()), Origin::Edited);
        assert_eq!(origin(format!("# mine\n{file}").as_bytes()), Origin::Edited);
        assert_eq!(origin(format!("{file}\n").as_bytes()), Origin::Edited);
        assert_eq!(origin(b"FROM x\n"), Origin::Foreign);
        assert_eq!(origin(b"# inputs: a body: b\nFROM x\n"), Origin::Edited);
        assert_eq!(origin(b"\xff\xfe"), Origin::Foreign);
        assert_eq!(origin(b""), Origin::Foreign);
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab"]).len(), 16);
    }
}
