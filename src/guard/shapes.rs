//! What looks like a secret whose value nobody told us.
//!
//! Given: bytes, and a place where one of [`anchors`] begins. Gives: the key that stands there, if one does that is meant in
//! earnest. Precision comes first, since what is found stops a build: vendors' example keys, stand-ins, sequences and what has
//! too few different characters are no findings, an AWS key id counts only with something like its secret beside it, a private
//! key only with its body, an address only with a password that is none of the usual ones of a developer's own machine.
//! [`recognised`] asks for less: it is for hiding, not for refusing.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::tokens::{AWS, Set, TOKENS, Token};
use super::words::{is_placeholder, password_in_address};

/// Bytes after an anchor that are looked at, at most.
pub(super) const AHEAD: usize = 9000;
/// Bytes before an anchor that are looked at, at most.
pub(super) const BEHIND: usize = 600;

pub(super) const PRIVATE_KEY: &str = "a private key";
const PEM: &str = "-----BEGIN ";
const ADDRESS: &str = "://";
/// A JWT's header begins with `{"alg":`.
const JWT: &str = "eyJhbGciOi";

/// Keys that everybody has: those of the storage emulators of Azure and Cosmos DB, which are documented.
const KNOWN_TO_ALL: [&str; 2] =
    ["Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq", "C2y6yDjf5"];

/// Where to look closer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Token(&'static Token),
    Pem,
    Address,
    Jwt,
}

/// A key that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Where it stands.
    pub range: Range<usize>,
    /// What it is, with its article.
    pub kind: &'static str,
    /// What may be shown of it.
    pub shown: &'static str,
    /// True where a web page may carry it.
    pub public: bool,
}

/// The byte strings that keys begin with.
pub(super) fn anchors() -> impl Iterator<Item = (&'static str, Anchor)> {
    let others = [(PEM, Anchor::Pem), (ADDRESS, Anchor::Address), (JWT, Anchor::Jwt)];
    TOKENS.iter().map(|token| (token.prefix, Anchor::Token(token))).chain(others)
}

/// The key that begins where an anchor was found.
pub(super) fn verify(anchor: Anchor, bytes: &[u8], at: usize) -> Option<Seen> {
    match anchor {
        Anchor::Token(token) => real_token(token, bytes, at),
        Anchor::Pem => private_key(bytes, at),
        Anchor::Address => address(bytes, at),
        Anchor::Jwt => service_role(bytes, at),
    }
}

fn run(bytes: &[u8], from: usize, set: Set, most: usize) -> usize {
    bytes[from.min(bytes.len())..].iter().take(most).take_while(|byte| set.has(**byte)).count()
}

fn real_token(token: &'static Token, bytes: &[u8], at: usize) -> Option<Seen> {
    let from = at + token.prefix.len();
    let length = run(bytes, from, token.set, token.most + 1);
    if !(token.least..=token.most).contains(&length) || !begins_word(bytes, at) {
        return None;
    }
    let end = from + length;
    let body = &bytes[from..end];
    // One more of a similar kind makes it another thing: a longer word, a hash.
    let goes_on = bytes.get(end).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_');
    let held = token.holds.is_empty() || find(body, token.holds.as_bytes()).is_some();
    let meant =
        !goes_on && held && in_earnest(body) && (token.kind != AWS || has_secret_beside(bytes, at..end));
    meant.then_some(Seen { range: at..end, kind: token.kind, shown: token.prefix, public: token.public })
}

/// True where no word goes on into this place. An escape (`\n`, `%3D`) before it is no part of it.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[at.saturating_sub(3)..at];
    match before {
        [.., last] if !last.is_ascii_alphanumeric() && *last != b'_' => true,
        [] | [.., b'\\', b'n' | b't' | b'r'] => true,
        [b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    }
}

/// False for what only looks like a key: an example, a sequence, too few different characters.
fn in_earnest(body: &[u8]) -> bool {
    const STAND_INS: [&str; 9] = [
        "example",
        "placeholder",
        "changeme",
        "yourkey",
        "yourtoken",
        "xxxxx",
        "dummy",
        "fakekey",
        "redacted",
    ];
    let lower: Vec<u8> = body.to_ascii_lowercase();
    let plain = STAND_INS.iter().any(|word| find(&lower, word.as_bytes()).is_some());
    let known =
        KNOWN_TO_ALL.iter().any(|key| find(body, &key.as_bytes()[..key.len().min(body.len())]).is_some());
    let ascending = |pair: &[u8]| pair[1].wrapping_sub(pair[0]) == 1;
    let sequence = lower.windows(6).any(|six| six.windows(2).all(ascending));
    let same = lower.windows(6).any(|six| six.iter().all(|byte| *byte == six[0]));
    let mut distinct = lower;
    distinct.sort_unstable();
    distinct.dedup();
    !plain && !known && !sequence && !same && distinct.len() >= if body.len() < 20 { 6 } else { 9 }
}

/// True where something like the secret of an AWS key stands near its id: 40 characters of base64, of every sort.
fn has_secret_beside(bytes: &[u8], id: Range<usize>) -> bool {
    let near = &bytes[id.start.saturating_sub(400)..(id.end + 400).min(bytes.len())];
    let is_secret = |run: &[u8]| {
        run.len() == 40
            && run.iter().any(u8::is_ascii_digit)
            && run.iter().any(u8::is_ascii_lowercase)
            && run.iter().any(u8::is_ascii_uppercase)
            && in_earnest(run)
    };
    near.split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/')).any(is_secret)
}

/// A key in PEM with its body. Text that merely names the header, as every library that reads such files does, is none.
fn private_key(bytes: &[u8], at: usize) -> Option<Seen> {
    let line = &bytes[at + PEM.len()..(at + 80).min(bytes.len())];
    let length = find(line, b"-----")?;
    let label = std::str::from_utf8(&line[..length]).ok()?;
    if !label.ends_with("PRIVATE KEY") && label != "PGP PRIVATE KEY BLOCK" {
        return None;
    }
    let from = at + PEM.len() + length + 5;
    let body = &bytes[from..(from + 1200).min(bytes.len())];
    let mut own = 0;
    let mut index = 0;
    while let Some(byte) = body.get(index) {
        index += 1;
        match byte {
            b'\\' => {
                index += usize::from(body.get(index).is_some_and(|next| matches!(next, b'n' | b'r' | b't')))
            }
            b'-' if body.get(index) == Some(&b'-') => break,
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=') => own += 1,
            // The lines before the body of an encrypted key, and what a language puts around its lines.
            b'\r' | b'\n' | b' ' | b'\t' | b'"' | b'\'' | b',' | b':' | b'-' | b'.' | b'(' | b')' => {}
            _ => break,
        }
    }
    let real = own >= 64 && in_earnest(&body[..index.min(body.len())]);
    real.then_some(Seen {
        range: at..from + index.min(200),
        kind: PRIVATE_KEY,
        shown: "-----BEGIN … PRIVATE KEY-----",
        public: false,
    })
}

/// An address with a password that opens something elsewhere.
fn address(bytes: &[u8], at: usize) -> Option<Seen> {
    let scheme = bytes[..at]
        .iter()
        .rev()
        .take(20)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'))
        .count();
    let rest = &bytes[at..(at + 400).min(bytes.len())];
    let ascii = rest.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    let text = std::str::from_utf8(&rest[..ascii]).ok()?;
    let (password, host) = password_in_address(text)?;
    let word = &text[password.clone()];
    let templated = text[..password.end]
        .contains(['$', '{', '}', '<', '>', '*', '%', '(', ')', ',', ';', '|', '[', ']', '^', '+'])
        && !has_percent_escapes_only(&text[3..password.end]);
    if scheme < 2 || templated || !is_real_password(&unescaped(word), host) {
        return None;
    }
    let range = at + password.start..at + password.end;
    Some(Seen { range, kind: "an address with a password in it", shown: "://", public: false })
}

/// The word with one character for each of its escapes: `%2F` is one.
fn unescaped(word: &str) -> String {
    let mut parts = word.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + "~" + part.get(2..).unwrap_or_default())
}

/// True where `%` stands for escapes and nothing else in the text belongs to a template.
fn has_percent_escapes_only(text: &str) -> bool {
    let other = text.contains(['$', '{', '}', '<', '>', '*', '(', ')', ',', ';', '|', '[', ']', '^']);
    let escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    !other && text.split('%').skip(1).all(escape)
}

fn is_real_password(word: &str, host: &str) -> bool {
    const USUAL: [&str; 17] = [
        "pass", "password", "passwd", "pwd", "secret", "user", "admin", "root", "postgres", "mysql", "redis",
        "guest", "test", "token", "foobar", "hunter2", "letmein",
    ];
    let name = host.split([':', '/']).next().unwrap_or_default().to_ascii_lowercase();
    let lower = word.to_ascii_lowercase();
    let usual = USUAL.iter().any(|usual| lower.trim_end_matches(|c: char| c.is_ascii_digit()) == *usual);
    let example = name
        .split('.')
        .any(|part| matches!(part, "example" | "test" | "invalid" | "local" | "localhost" | "internal"))
        || name.starts_with("example")
        || name.starts_with("127.")
        || name == "0.0.0.0"
        || name.starts_with("host.");
    let known_host = name.contains('.') && name.split('.').next_back().is_some_and(|top| top.len() > 1);
    let sorts = [u8::is_ascii_digit as fn(&u8) -> bool, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
    let mixed = sorts.iter().filter(|sort| word.bytes().any(|byte| sort(&byte))).count() >= 2;
    // On a name that only a network of containers knows, a simple password is most often the one of a developer's machine.
    let strong =
        if known_host { word.len() >= 8 && mixed || word.len() >= 12 } else { word.len() >= 16 && mixed };
    !usual && !example && !is_placeholder(word) && strong && in_earnest_password(word)
}

fn in_earnest_password(word: &str) -> bool {
    let mut distinct: Vec<char> = word.to_ascii_lowercase().chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    !["password", "1234", "key_", ":"].iter().any(|part| word.to_ascii_lowercase().contains(part))
        && distinct.len() >= 5
}

/// A token that says it is the `service_role` of Supabase, which passes every row rule; not the one of its demo projects.
fn service_role(bytes: &[u8], at: usize) -> Option<Seen> {
    let length = run(bytes, at, Set::Dots, 2000);
    let text = std::str::from_utf8(&bytes[at..at + length]).ok()?;
    let mut parts = text.trim_end_matches('.').split('.');
    let (_, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let says = |words: &[u8]| find(&payload, words).is_some();
    let real = says(b"\"service_role\"") && !says(b"supabase-demo") && signature.len() >= 40;
    real.then_some(Seen {
        range: at..at + length,
        kind: "a service_role key of Supabase",
        shown: "eyJ",
        public: false,
    })
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, part)
}

/// The prefixes of all tokens in one automaton. None only if it could not be made; then each is sought by itself.
static PREFIXES: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(TOKENS.iter().map(|token| token.prefix).chain([PEM])).ok());

/// Everything in a text that has the look of a key, examples included: where it stands, and its kind. Those of an earlier row
/// of the table come first.
pub(crate) fn recognised(text: &str) -> impl Iterator<Item = (Range<usize>, &'static str)> {
    let mut starts: Vec<(usize, usize)> = match &*PREFIXES {
        Some(automaton) => {
            automaton.find_overlapping_iter(text).map(|hit| (hit.pattern().as_usize(), hit.start())).collect()
        }
        None => {
            let prefixes = TOKENS.iter().map(|token| token.prefix).chain([PEM]).enumerate();
            prefixes.flat_map(|(n, prefix)| text.match_indices(prefix).map(move |(at, _)| (n, at))).collect()
        }
    };
    starts.sort_unstable();
    starts.into_iter().filter_map(move |(index, at)| match TOKENS.get(index) {
        Some(token) => loose_token(text.as_bytes(), token, at),
        None => header(text, at),
    })
}

fn loose_token(bytes: &[u8], token: &'static Token, at: usize) -> Option<(Range<usize>, &'static str)> {
    let from = at + token.prefix.len();
    let end = from + run(bytes, from, token.set, usize::MAX);
    // AWS's are exactly as long as they are.
    let fits = end - from >= token.loose && (token.kind != AWS || end - from == token.least);
    let held = token.holds.is_empty() || find(&bytes[from..end], token.holds.as_bytes()).is_some();
    (fits && held && begins_word(bytes, at)).then_some((at..end, token.kind))
}

fn header(text: &str, at: usize) -> Option<(Range<usize>, &'static str)> {
    let rest = &text[at + PEM.len()..];
    let label = &rest[..rest.find("-----")?];
    let upper = label.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b' ');
    let end = at + PEM.len() + label.len() + 5;
    (upper && label.ends_with("PRIVATE KEY")).then_some((at..end, PRIVATE_KEY))
}
