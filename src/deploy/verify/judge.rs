//! What an answer means for a check: nothing, or what is wrong, as half a sentence. Pure.

use dashdeploy_contract::{ReleaseImage, Served};

use super::PageMark;
use crate::io::outside::OutsideAnswer;

/// Every copy must run the image of the release.
pub(super) fn digest(image: Option<&ReleaseImage>, served: &Served) -> Result<(), String> {
    let Some(image) = image else { return Ok(()) };
    let wanted = [Some(image.id.0.as_str()), image.manifest_digest()];
    if served.images.is_empty() {
        return Err("nothing runs, as far as the platform tells".to_owned());
    }
    match served.images.iter().find(|found| !wanted.contains(&Some(found.as_str()))) {
        None => Ok(()),
        Some(other) => {
            let wanted = image.manifest_digest().unwrap_or(&image.id.0);
            Err(format!("a copy runs {other}, and {wanted} was deployed"))
        }
    }
}

/// The page must be of the build that was deployed.
pub(super) fn page(answer: &OutsideAnswer, expected: &PageMark) -> Result<(), String> {
    let found = PageMark::of(&answer.body);
    if found.is_same(expected) {
        return Ok(());
    }
    Err(format!("the page served is build {}, and {} was deployed", found.shown(), expected.shown()))
}

/// A status below 400, as the health check itself has it.
pub(super) fn healthy(answer: &OutsideAnswer) -> Result<(), String> {
    if answer.status < 400 {
        Ok(())
    } else {
        Err(format!("it answered {}{}", answer.status, excerpt(answer)))
    }
}

/// The status that was expected.
pub(super) fn status(answer: &OutsideAnswer, expected: u16) -> Result<(), String> {
    if answer.status == expected {
        return Ok(());
    }
    let to = answer.header("location").map(|to| format!(", which leads to {}", safe(to))).unwrap_or_default();
    Err(format!("it answered {}{to} instead of {expected}{}", answer.status, excerpt(answer)))
}

/// The text that the body must have.
pub(super) fn contains(answer: &OutsideAnswer, expected: Option<&str>) -> Result<(), String> {
    let Some(expected) = expected else { return Ok(()) };
    if String::from_utf8_lossy(&answer.body).contains(expected) {
        return Ok(());
    }
    Err(format!("its answer does not contain `{expected}`{}", excerpt(answer)))
}

/// A browser that opened the page may ask the service (<https://fetch.spec.whatwg.org/#cors-preflight-fetch>).
pub(super) fn preflight(answer: &OutsideAnswer, origin: &str) -> Result<(), String> {
    if answer.status >= 400 {
        let why = format!("the preflight was answered {}", answer.status);
        return Err(format!("{why}: the page at {origin} may not ask it{}", excerpt(answer)));
    }
    match answer.header("access-control-allow-origin") {
        Some(allowed) if allowed == origin || allowed == "*" => Ok(()),
        Some(other) => Err(format!("it allows the origin {}, and the page's is {origin}", safe(other))),
        None => Err(format!("it allows no other origin, and the page's is {origin}")),
    }
}

/// The beginning of an answer, for the reader.
fn excerpt(answer: &OutsideAnswer) -> String {
    let text = safe(&String::from_utf8_lossy(&answer.body));
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}
