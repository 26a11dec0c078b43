//! What the engine says of a failed push: what kind of trouble it is, and what mends it.

use crate::io::registry::Repository;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The login.
    Denied,
    /// The transfer broke: the next may not.
    Passing,
    /// It stays as it is.
    Lasting,
}

const DENIED: [&str; 6] = [
    "unauthorized",
    "denied",
    "authentication required",
    "no basic auth credentials",
    "forbidden",
    "insufficient_scope",
];

const PASSING: [&str; 14] = [
    "connection reset",
    "broken pipe",
    "eof",
    "timeout",
    "connection refused",
    "server closed",
    "use of closed network connection",
    "temporary failure",
    "tls handshake",
    "internal server error",
    "bad gateway",
    "service unavailable",
    "received unexpected http status: 5",
    "blob upload",
];

/// Sorts the engine's words. Missing repositories are looked for before refused logins: registries call them that.
pub(super) fn trouble(said: &str) -> Trouble {
    let said = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["name unknown", "does not exist", "repository not found", "no space left", "x509"]) {
        Trouble::Lasting
    } else if has(&DENIED) {
        Trouble::Denied
    } else if has(&PASSING) {
        Trouble::Passing
    } else {
        Trouble::Lasting
    }
}

/// The mend for trouble that is not the login.
pub(super) fn mend(said: &str, repository: &Repository) -> String {
    let said = said.to_lowercase();
    let (host, path) = (&repository.host, &repository.path);
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["name unknown", "repository not found", "does not exist in the registry"]) {
        if host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") {
            return format!("create the repository: `aws ecr create-repository --repository-name {path}`");
        }
        return format!("create the repository {repository}, or correct `registry:` in dashdeploy.yaml");
    }
    if has(&["http response to https client"]) {
        return format!(
            "the engine wants TLS of {host}: give it a certificate, or list it under `insecure-registries` of the engine"
        );
    }
    if has(&["x509", "certificate"]) {
        return format!(
            "the engine does not trust the certificate of {host}: put its authority into /etc/docker/certs.d/{host}/ca.crt"
        );
    }
    if has(&["no space left"]) {
        return "the disk of the registry or of the engine is full".to_owned();
    }
    if has(&["toomanyrequests", "too many requests", "rate limit"]) {
        return format!("the rate limit of {host} is reached: wait, then run this again");
    }
    if has(&["no such host", "connection refused", "no route to host", "i/o timeout"]) {
        return format!("the engine does not reach {host}: check its network and its proxy (`docker info`)");
    }
    "run this again; what was sent stays there and is not sent twice".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_engines_are_sorted() {
        for (said, kind, word) in [
            ("unauthorized: authentication required", Trouble::Denied, ""),
            ("denied: requested access to the resource is denied", Trouble::Denied, ""),
            ("no basic auth credentials", Trouble::Denied, ""),
            (
                "write tcp 127.0.0.1:1->127.0.0.1:2: write: connection reset by peer",
                Trouble::Passing,
                "again",
            ),
            ("EOF", Trouble::Passing, "again"),
            ("received unexpected HTTP status: 503 Service Unavailable", Trouble::Passing, "again"),
            (
                "name unknown: The repository with name 'x' does not exist in the registry with id '1'",
                Trouble::Lasting,
                "create-repository --repository-name acme/x",
            ),
            ("Get https://r/v2/: x509: certificate signed by unknown authority", Trouble::Lasting, "certs.d"),
            ("http: server gave HTTP response to HTTPS client", Trouble::Lasting, "insecure-registries"),
            ("dial tcp: lookup r: no such host", Trouble::Lasting, "does not reach"),
        ] {
            assert_eq!(trouble(said), kind, "{said}");
            let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/acme";
            assert!(mend(said, &Repository::below(host, "x")).contains(word), "{said}");
        }
    }
}
