//! The comment that every generated file starts with, and what it proves.
//!
//! Given: a file's body and a digest of what it was made from. Gives: the whole file; and, of a file found on disk, whether
//! it is ours and still as we wrote it. The version of dashdeploy is deliberately absent: a new release that writes the
//! same body must not make every file stale.

use sha2::{Digest, Sha256};

const FIRST: &str = "Written by dashdeploy from dashdeploy.yaml. Refresh it with: dashdeploy render";
const SECOND: &str = "It is yours: edits by hand are noticed and never overwritten silently.";
const INPUTS: &str = "inputs: ";
const BODY: &str = " body: ";
/// In JSON, which has no comments, both digests stand behind the address of the schema, where no reader looks.
const IN_SCHEMA: &str = "#dashdeploy-";

/// How a format writes a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comment {
    /// `# …`
    Hash,
    /// `// …`
    Slashes,
    /// Not at all.
    None,
}

impl Comment {
    fn of(path: &str) -> Self {
        match path.rsplit_once('.').map(|(_, end)| end) {
            Some("bicep" | "bicepparam") => Self::Slashes,
            Some("json") => Self::None,
            _ => Self::Hash,
        }
    }

    fn sign(self) -> &'static str {
        if self == Self::Slashes { "//" } else { "#" }
    }
}

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

/// The whole file: header, the lines of its head as comments, and body. In JSON the head is left out; its first key must be
/// `$schema`, or it is none of ours after a reading.
pub fn with_header(path: &str, head: &[String], body: &str, inputs: &str) -> String {
    let comment = Comment::of(path);
    if comment == Comment::None {
        return in_schema(body, inputs);
    }
    let sign = comment.sign();
    let mut rest = String::new();
    if !head.is_empty() {
        let lines = head.iter().map(|line| format!("{sign} {line}"));
        let lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
        rest = format!("{sign}\n{}\n", lines.join("\n"));
    }
    let rest = format!("{sign} {FIRST}\n{sign} {SECOND}\n{rest}{body}");
    let (first, after) = rest.split_at(rest.find(SECOND).map_or(0, |at| at + SECOND.len() + 1));
    format!("{first}{sign} {INPUTS}{inputs}{BODY}{}\n{after}", digest(&[rest.as_bytes()]))
}

/// What a body has to have for its header, where it lacks that: a user's own template may.
pub fn lacks(path: &str, body: &str) -> Option<&'static str> {
    let bare = Comment::of(path) == Comment::None && !body.contains(KEY);
    bare.then_some("what it gives has no `$schema`, behind which the header stands in JSON")
}

/// The key behind whose address the digests stand.
const KEY: &str = "\"$schema\": \"";

fn in_schema(body: &str, inputs: &str) -> String {
    let end = body.find(KEY).and_then(|at| Some(at + KEY.len() + body[at + KEY.len()..].find('"')?));
    let Some(end) = end else { return body.to_owned() };
    let (before, after) = body.split_at(end);
    format!("{before}{IN_SCHEMA}{inputs}-{}{after}", digest(&[body.as_bytes()]))
}

/// A JSON file without the digests in it, and the digests.
fn out_of_schema(text: &str) -> Option<(String, String, String)> {
    let at = text.find(IN_SCHEMA).filter(|at| text[..*at].lines().count() <= TOP_LINES)?;
    let digests = text.get(at + IN_SCHEMA.len()..at + IN_SCHEMA.len() + 33)?;
    let (inputs, body) = digests.split_once('-').filter(|(inputs, _)| inputs.len() == 16)?;
    let rest = format!("{}{}", &text[..at], &text[at + IN_SCHEMA.len() + 33..]);
    Some((inputs.to_owned(), body.to_owned(), rest))
}

/// Reads what a file found on disk says about itself. `\r\n` counts as `\n`, so that a checkout with other line ends is
/// no edit.
pub fn origin(found: &[u8]) -> Origin {
    let text = unix_lines(found);
    let found = split(&text).or_else(|| out_of_schema(&text));
    let Some((inputs, body, rest)) = found else { return Origin::Foreign };
    if digest(&[rest.as_bytes()]) == body { Origin::Untouched { inputs } } else { Origin::Edited }
}

/// Text with `\n` line ends; what is no UTF-8 is replaced, which an untouched file of ours never needs.
pub fn unix_lines(found: &[u8]) -> String {
    let text = String::from_utf8_lossy(found);
    text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n")
}

/// How far down a digest is looked for.
const TOP_LINES: usize = 20;

/// Both digests of a file with comments, and everything but the line that holds them.
fn split(text: &str) -> Option<(String, String, String)> {
    let mut start = 0;
    for line in text.split_inclusive('\n').take(TOP_LINES) {
        let comment = line.strip_prefix("# ").or_else(|| line.strip_prefix("// "));
        let digests = comment.and_then(|comment| comment.strip_prefix(INPUTS)?.split_once(BODY));
        if let Some((inputs, body)) = digests {
            let rest = format!("{}{}", &text[..start], &text[start + line.len()..]);
            return Some((inputs.to_owned(), body.trim_end().to_owned(), rest));
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
        let file = with_header("Dockerfile", &[], "FROM x\n", "0123456789abcdef");
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
    fn every_way_of_commenting_tells_the_same() {
        let head = ["fly deploy".to_owned(), String::new(), "last".to_owned()];
        let json = "{\n  \"$schema\": \"https://x.y/z.json\",\n  \"a\": \"b\"\n}\n";
        for (path, body) in [
            ("a.bicep", "param x string\n"),
            ("a.bicepparam", "// x string\n"),
            ("fly.toml", "app = \"x\"\n"),
            ("a.json", json),
        ] {
            let file = with_header(path, &head, body, "0123456789abcdef");
            let untouched = Origin::Untouched { inputs: "0123456789abcdef".to_owned() };
            assert_eq!(origin(file.as_bytes()), untouched, "{file}");
            assert_eq!(origin(file.replace('\n', "\r\n").as_bytes()), untouched, "{path}");
            let edited =
                file.replace("\"b\"", "\"c\"").replace("x string", "y string").replace("\"x\"", "\"y\"");
            assert_eq!(origin(edited.as_bytes()), Origin::Edited, "{path}");
            assert_eq!(file.contains("fly deploy"), path != "a.json");
        }
        assert_eq!(origin(json.as_bytes()), Origin::Foreign);
        assert_eq!(
            origin("{\"a\": \"#dashdeploy-é0000000000000000000000000000000000\"}".as_bytes()),
            Origin::Foreign
        );
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab"]).len(), 16);
    }
}
