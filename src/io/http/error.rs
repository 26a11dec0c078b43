//! Why a request has no answer.

use std::error::Error as _;

use reqwest::{StatusCode, Url};

/// Why a request has no answer. Neither the query of the address nor anything that was sent stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {reason}")]
pub struct HttpError {
    /// The address without query and user.
    pub address: String,
    /// What happened.
    pub reason: String,
    passing: bool,
    reached: bool,
}

impl HttpError {
    /// Something that is not done, however often it is tried, and that was not sent.
    pub(in crate::io) fn refused(url: &Url, reason: &str) -> Self {
        Self { address: shown(url), reason: reason.to_owned(), passing: false, reached: false }
    }

    /// An answer that is of no use; another would be no better.
    pub(in crate::io) fn unusable(url: &Url, reason: impl Into<String>) -> Self {
        Self { address: shown(url), reason: reason.into(), passing: false, reached: true }
    }

    /// An answer that is of no use; the next may be better.
    pub(in crate::io) fn garbled(url: &Url, reason: impl Into<String>) -> Self {
        Self { passing: true, ..Self::unusable(url, reason) }
    }

    /// Nothing came for too long after the request was sent.
    pub(in crate::io) fn silent(url: &Url) -> Self {
        Self::garbled(url, "it does not answer in time")
    }

    /// What broke off after the head of an answer: a status of 4xx says that nothing was done, but for 408, which says nothing.
    pub(in crate::io) fn after_head(self, status: StatusCode) -> Self {
        let reached = !status.is_client_error() || status == StatusCode::REQUEST_TIMEOUT;
        Self { reached, ..self }
    }

    pub(in crate::io) fn from_reqwest(url: &Url, error: &reqwest::Error) -> Self {
        let reason = deepest(error);
        let certificate = reason.contains("certificate") || reason.contains("UnknownIssuer");
        let reason = if error.is_timeout() {
            "it does not answer in time".to_owned()
        } else if certificate {
            format!("its certificate is not trusted: {reason}")
        } else if error.is_connect() {
            format!("no connection: {reason}")
        } else {
            format!("the connection broke: {reason}")
        };
        // Names, connections and TLS come before the first byte of the request.
        let reached = !error.is_connect() && !error.is_builder();
        Self { address: shown(url), reason, passing: !error.is_builder() && !certificate, reached }
    }

    /// True where what was asked may have been done all the same.
    pub fn may_have_happened(&self) -> bool {
        self.reached
    }

    /// True where trying again may help.
    pub fn is_passing(&self) -> bool {
        self.passing
    }

    /// What mends it.
    pub fn hint(&self) -> &'static str {
        if self.reason.contains("certificate") {
            "behind a proxy that re-signs TLS, name its certificate: SSL_CERT_FILE=/path/to/ca.pem"
        } else {
            "check the address, the network, and HTTPS_PROXY and NO_PROXY where there is a proxy"
        }
    }
}

pub(super) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// The innermost cause; the outer ones repeat the address with its query.
fn deepest(error: &reqwest::Error) -> String {
    let mut current = error.source();
    let mut text = "it cannot be asked".to_owned();
    while let Some(inner) = current {
        text = inner.to_string();
        current = inner.source();
    }
    text
}
