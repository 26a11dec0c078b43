//! Answers as platforms give them, and those that something in between gives.
//!
//! Given: an answer as it came. Gives: the same in the contract's words, or why it cannot be the platform's: a web page, a body
//! that is cut off, one that is compressed though nobody asked for it. Deliberately absent: the meaning of any status but the
//! split between success and the rest: what a platform says of a failure is handed on in whatever form.

use dashdeploy_contract::ApiAnswer;
use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::de::IgnoredAny;

use super::delay;
use crate::io::http::{Answer, HttpError, Request};

/// The answer, where it can be the platform's.
///
/// # Errors
/// A success whose body is not what it says it is; the next answer may be better.
pub(super) fn checked(request: &Request, answer: Answer) -> Result<Answer, HttpError> {
    if !answer.status.is_success() || answer.body.is_empty() {
        return Ok(answer);
    }
    let Some(wrong) = what_is_wrong(&request.headers, &answer) else { return Ok(answer) };
    let id = answer.request_id().map(|id| format!(" (request {id})")).unwrap_or_default();
    Err(HttpError::garbled(&request.url, format!("{wrong}{id}")))
}

fn what_is_wrong(asked: &HeaderMap, answer: &Answer) -> Option<&'static str> {
    let encoding = answer.header(CONTENT_ENCODING.as_str()).unwrap_or("identity");
    if !encoding.trim().eq_ignore_ascii_case("identity") {
        return Some("its answer is compressed, which nobody asked for");
    }
    let told = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let wanted = asked.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if kind == "text/html" && !wanted.contains("html") {
        return Some("it answers with a web page; something in between answers in the platform's place");
    }
    let json = kind == "application/json" || kind.ends_with("+json");
    let broken = json && serde_json::from_slice::<IgnoredAny>(&answer.body).is_err();
    broken.then_some("its answer is cut off, or is not the JSON that it says it is")
}

/// The answer in the contract's words, with every form of `Retry-After` put into seconds.
pub(super) fn told(answer: Answer, now: i64) -> ApiAnswer {
    let asked = delay::asked(&answer, now).filter(|_| matches!(answer.status.as_u16(), 429 | 503));
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let mut headers: Vec<(String, String)> =
        answer.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    if let Some(asked) = asked {
        headers.retain(|(name, _)| name != "retry-after");
        let seconds = asked.as_secs().saturating_add(u64::from(asked.subsec_nanos() > 0));
        headers.push(("retry-after".to_owned(), seconds.to_string()));
    }
    ApiAnswer { status: answer.status.as_u16(), headers, body: answer.body.to_vec() }
}

/// The address's host and port: what rates and pauses hold for.
pub(super) fn host(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}
