//! Response headers of a page, as CloudFront sets them.
//!
//! Given: a name and a value. Gives: the field of a response headers policy that they belong in, or why there is none.

use dashdeploy_contract::{Finding, Service, page};

/// Custom headers of one response headers policy (CloudFront, "Quotas").
const CUSTOM_HEADERS: usize = 10;

/// What a response headers policy cannot hold.
pub(crate) fn check(service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    let all = page::headers(service, &[]);
    let custom = all.iter().filter(|(name, value)| Security::of(name, value) == Security::None).count();
    if custom > CUSTOM_HEADERS {
        let message =
            format!("CloudFront adds at most {CUSTOM_HEADERS} headers of your own, and there are {custom}");
        let key = format!("services.{}.headers", service.name);
        findings.push(Finding::error("aws-headers", key, message).hint("remove some"));
    }
    for (name, value) in all.iter().filter(|(name, value)| Security::of(name, value) == Security::Unfit) {
        let key = format!("services.{}.headers.{name}", service.name);
        let message = format!("CloudFront cannot set `{name}` to `{value}`");
        findings.push(Finding::error("aws-headers", key, message).hint(wanted(name)));
    }
    findings
}

fn wanted(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "x-frame-options" => "write DENY or SAMEORIGIN",
        "x-content-type-options" => "write nosniff, or the empty text to leave it out",
        "referrer-policy" => "write one of the policies of the Referrer Policy standard",
        "strict-transport-security" => "write max-age=SECONDS, with includeSubDomains and preload behind it",
        _ => "leave it out: browsers no longer read it",
    }
}

/// How CloudFront sets a header: some have a field of their own in a response headers policy and are refused among the others
/// (CloudFront API, `ResponseHeadersPolicySecurityHeadersConfig`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Security {
    /// Not one of those.
    None,
    /// One of those, with a value that its field cannot hold.
    Unfit,
    /// `Content-Security-Policy`.
    Content,
    /// `X-Content-Type-Options: nosniff`.
    NoSniff,
    /// `X-Frame-Options`.
    Frame(String),
    /// `Referrer-Policy`.
    Referrer(String),
    /// `Strict-Transport-Security`: seconds, sub-domains, preload.
    Transport(u32, bool, bool),
}

/// The words that the field takes (CloudFront API, `ResponseHeadersPolicyReferrerPolicy`).
const REFERRER: [&str; 8] = [
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
];

impl Security {
    pub(crate) fn of(name: &str, value: &str) -> Self {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-security-policy" => Self::Content,
            "x-content-type-options" if value.eq_ignore_ascii_case("nosniff") => Self::NoSniff,
            "x-frame-options" => match value.to_ascii_uppercase().as_str() {
                word @ ("DENY" | "SAMEORIGIN") => Self::Frame(word.to_owned()),
                _ => Self::Unfit,
            },
            "referrer-policy" if REFERRER.contains(&value) => Self::Referrer(value.to_owned()),
            "strict-transport-security" => transport(value),
            "x-content-type-options" | "referrer-policy" | "x-xss-protection" => Self::Unfit,
            _ => Self::None,
        }
    }
}

fn transport(value: &str) -> Security {
    let (mut seconds, mut subdomains, mut preload) = (None, false, false);
    for part in value.split(';').map(|part| part.trim().to_ascii_lowercase()) {
        match part.as_str() {
            "includesubdomains" => subdomains = true,
            "preload" => preload = true,
            other => match other.strip_prefix("max-age=").and_then(|age| age.parse().ok()) {
                Some(age) => seconds = Some(age),
                None => return Security::Unfit,
            },
        }
    }
    seconds.map_or(Security::Unfit, |age| Security::Transport(age, subdomains, preload))
}
