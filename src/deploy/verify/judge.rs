//! What an answer means for a check: nothing, or what is wrong, as half a sentence. Pure.
//!
//! Given: a check, and what a platform or a server answered. Gives: the judgement, with what was expected and what was found in its
//! words. Deliberately absent: asking, and asking again.

use dashdeploy_contract::{ReleaseImage, Served};

use super::{Check, PageMark};
use crate::io::outside::OutsideAnswer;

/// Characters of an answer that are shown.
const SHOWN: usize = 200;

/// Well, with what the user should know all the same; or what is wrong.
pub(super) type Judgement = Result<Option<String>, String>;

/// Every copy must run the image of the release.
pub(super) fn digest(image: Option<&ReleaseImage>, served: &Served) -> Result<(), String> {
    let Some(image) = image else { return Ok(()) };
    let wanted = [Some(image.id.0.as_str()), image.manifest_digest()];
    if served.images.is_empty() {
        return Err("nothing runs, as far as the platform tells".to_owned());
    }
    // Some platforms tell the digest alone, some the whole reference.
    let content = |told: &str| told.rsplit_once('@').map_or(told, |(_, digest)| digest).to_owned();
    let other = served.images.iter().map(|told| content(told)).find(|told| !wanted.contains(&Some(told)));
    match other {
        None => Ok(()),
        Some(other) => {
            let wanted = image.manifest_digest().unwrap_or(&image.id.0);
            Err(format!("a copy runs {}, and {wanted} was deployed", safe(other.as_bytes())))
        }
    }
}

/// What was answered from outside.
pub(super) fn answer(check: &Check, answer: &OutsideAnswer) -> Judgement {
    match check {
        Check::Digest { .. } => Ok(None),
        Check::Page { mark, .. } => page(answer, mark).map(|()| None),
        Check::Health { .. } => healthy(answer).map(|()| None),
        Check::Smoke { status: expected, contains: text, .. } => {
            status(answer, *expected).and_then(|()| contains(answer, text.as_deref())).map(|()| None)
        }
        Check::Preflight { origin, service, .. } => {
            preflight(answer, origin).map(|()| in_vain(answer, service.as_str(), origin))
        }
    }
}

/// The page must be shown as one, and be of the build that was deployed.
pub(super) fn page(answer: &OutsideAnswer, expected: &PageMark) -> Result<(), String> {
    status(answer, 200)?;
    let told = answer.header("content-type").unwrap_or_default();
    let kind = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // Where nothing is told, browsers look at the content.
    if !matches!(kind.as_str(), "" | "text/html" | "application/xhtml+xml") {
        let kind = safe(kind.as_bytes());
        return Err(format!("the page is served as `{kind}`, which browsers do not show as a page"));
    }
    let found = PageMark::of(&answer.body);
    if found.is_same(expected) {
        return Ok(());
    }
    let (shown, wanted) = (safe(found.shown().as_bytes()), expected.shown());
    Err(format!("the page served is build {shown}, and {wanted} was deployed{}", kept(answer)))
}

/// What tells that a cache answered: the page may be an old one that is kept on the way
/// (<https://www.rfc-editor.org/rfc/rfc9111#name-age>).
fn kept(answer: &OutsideAnswer) -> String {
    let aged = answer.header("age").filter(|age| age.trim().parse::<u64>().is_ok_and(|age| age > 0));
    let hit = ["cf-cache-status", "x-cache", "x-vercel-cache"].into_iter().find_map(|name| {
        let value = answer.header(name)?;
        value.to_ascii_lowercase().contains("hit").then_some((name, value))
    });
    match aged.map(|age| ("age", age)).or(hit) {
        Some((name, value)) => format!("; a cache answered ({name}: {})", safe(value.as_bytes())),
        None => String::new(),
    }
}

/// A status below 400, as the health check itself has it.
pub(super) fn healthy(answer: &OutsideAnswer) -> Result<(), String> {
    if answer.status < 400 { Ok(()) } else { Err(format!("it answered {}{}", answer.status, said(answer))) }
}

/// The status that was expected.
pub(super) fn status(answer: &OutsideAnswer, expected: u16) -> Result<(), String> {
    if answer.status == expected {
        return Ok(());
    }
    let leads = answer.header("location").filter(|_| (300..400).contains(&answer.status));
    let to = leads.map(|to| format!(", which leads to {},", safe(to.as_bytes()))).unwrap_or_default();
    Err(format!("it answered {}{to} instead of {expected}{}", answer.status, said(answer)))
}

/// The text that the body must have.
pub(super) fn contains(answer: &OutsideAnswer, expected: Option<&str>) -> Result<(), String> {
    let Some(expected) = expected else { return Ok(()) };
    if String::from_utf8_lossy(&answer.body).contains(expected) {
        return Ok(());
    }
    let part = if answer.whole { "" } else { " in its first 4 MiB" };
    Err(format!("its answer does not contain `{expected}`{part}{}", said(answer)))
}

/// A browser that opened the page may ask the service (<https://fetch.spec.whatwg.org/#cors-preflight-fetch>): by a status of
/// 2xx, and by one origin, which is compared to the letter (<https://fetch.spec.whatwg.org/#concept-cors-check>).
pub(super) fn preflight(answer: &OutsideAnswer, origin: &str) -> Result<(), String> {
    const MEND: &str = "name the page's origin where the service reads those that may call it";
    if !(200..300).contains(&answer.status) {
        let why = format!("the preflight was answered {}", answer.status);
        return Err(format!("{why}: the page at {origin} may not ask it{}", said(answer)));
    }
    match answer.all("access-control-allow-origin").as_slice() {
        [only] if *only == origin || *only == "*" => Ok(()),
        [] => Err(format!("it allows no other origin, and the page's is {origin}: {MEND}")),
        [other] => {
            let other = safe(other.as_bytes());
            Err(format!("it allows the origin {other}, and the page's is {origin}: {MEND}"))
        }
        several => {
            let several = safe(several.join(", ").as_bytes());
            Err(format!(
                "it answers with several Access-Control-Allow-Origin ({several}), and browsers take one alone"
            ))
        }
    }
}

/// What is allowed in words that browsers do not take: cookies from every origin.
fn in_vain(answer: &OutsideAnswer, service: &str, origin: &str) -> Option<String> {
    let any = answer.header("access-control-allow-origin").is_some_and(|allowed| allowed.trim() == "*");
    let cookies = answer.header("access-control-allow-credentials").is_some_and(|text| text.trim() == "true");
    (any && cookies).then(|| {
        format!("`{service}` allows every origin and cookies, which browsers refuse together: where the page sends cookies, name {origin}")
    })
}

/// The head of an answer, as evidence; with its first words where the reason does not have them already.
pub(super) fn head(answer: &OutsideAnswer, reason: &str) -> String {
    let header =
        |name: &str| answer.header(name).map(|value| format!(", {name}: {}", safe(value.as_bytes())));
    let names = ["content-type", "location", "server", "age", "via"];
    let headers: String = names.iter().filter_map(|name| header(name)).collect();
    let said = said(answer);
    let said = if reason.ends_with(&said) { "" } else { &said };
    format!("status {}{headers}{said}", answer.status)
}

/// A reason without the address that it begins with.
pub(super) fn without_address(reason: &str) -> &str {
    reason.split_once(": ").filter(|(address, _)| address.contains("://")).map_or(reason, |(_, rest)| rest)
}

fn said(answer: &OutsideAnswer) -> String {
    let text = safe(&answer.body);
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// The first characters of a text, on one line, with none that a terminal obeys.
fn safe(bytes: &[u8]) -> String {
    // A character has four bytes at most, so that these are enough whatever they hold.
    let start = &bytes[..bytes.len().min(SHOWN * 16)];
    let text = String::from_utf8_lossy(start);
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let plain: String = text.chars().map(|c| if steers(c) { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect()
}
