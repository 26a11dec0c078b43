//! Why a request has no answer.

use std::error::Error as _;

use reqwest::Url;

/// Why a request has no answer. Neither the query of the address nor anything that was sent stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {reason}")]
pub struct HttpError {
    /// The address without query and user.
    pub address: String,
    /// What happened.
    pub reason: String,
    passing: bool,
    sent: bool,
}

impl HttpError {
    /// Something that is not done, however often it is tried.
    pub(super) fn refused(url: &Url, reason: &str) -> Self {
        Self { address: shown(url), reason: reason.to_owned(), passing: false, sent: false }
    }

    /// An answer that did not come in time.
    pub(super) fn late(url: &Url) -> Self {
        Self {
            address: shown(url),
            reason: "it does not answer in time".to_owned(),
            passing: true,
            sent: true,
        }
    }

    pub(super) fn from_reqwest(url: &Url, error: &reqwest::Error) -> Self {
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
        Self {
            address: shown(url),
            reason,
            passing: !error.is_builder() && !certificate,
            sent: !error.is_builder() && !error.is_connect(),
        }
    }

    /// True where trying again may help.
    pub fn is_passing(&self) -> bool {
        self.passing
    }

    /// True where it may have arrived all the same: a connection stood.
    pub fn was_sent(&self) -> bool {
        self.sent
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

fn shown(url: &Url) -> String {
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
