//! The response headers of a static service.
//!
//! The set of the OWASP Secure Headers Project without HSTS, which is for whatever ends TLS. Each is replaced by the user's
//! header of the same name, and left out where that is empty.

use dashdeploy_contract::{Finding, Service};

use crate::render::sheet::Sheet;

/// Names and values in a fixed order: built-in ones, then the user's own.
pub fn headers(sheet: &mut Sheet<'_>, service: &Service, origins: &[String]) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = built_in(origins);
    for (name, value) in &service.headers {
        let key = format!("services.{}.headers.{name}", service.name);
        if let Some(finding) = unfit(&key, name, value) {
            sheet.find(finding);
            continue;
        }
        match headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some(header) => header.1.clone_from(value),
            None => headers.push((name.clone(), value.clone())),
        }
    }
    headers.retain(|(_, value)| !value.is_empty());
    headers
}

fn built_in(origins: &[String]) -> Vec<(String, String)> {
    let connect = origins.iter().fold("'self'".to_owned(), |all, origin| format!("{all} {origin}"));
    let policy = format!(
        "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; \
         img-src 'self' data: blob:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src {connect}"
    );
    [
        ("Content-Security-Policy", policy.as_str()),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Headers that nginx sets by itself or that belong to the connection.
const RESERVED: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "server",
    "transfer-encoding",
    "allow",
];

fn unfit(key: &str, name: &str, value: &str) -> Option<Finding> {
    let token = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !token {
        let message = format!("`{}` is no name of a header", name.escape_debug());
        return Some(Finding::error("header-name", key, message).hint("A-Z, a-z, 0-9 and - are allowed"));
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Some(Finding::error("header-name", key, format!("`{name}` is set by nginx itself")));
    }
    if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        let message = format!("the value of `{name}` holds more than visible ASCII characters");
        return Some(Finding::error("value-not-carried", key, message));
    }
    None
}
