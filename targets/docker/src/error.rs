//! The engine's errors in the contract's words, each with the mend.
//!
//! Given: what the client library reports. Gives: a [`TargetError`] of the right kind. Deliberately absent: which container
//! holds a port that is taken; that needs a question to the engine and is asked in `start`.

use std::error::Error as _;

use bollard::errors::Error;
use dashdeploy_contract::{ErrorKind, TargetError};

use crate::config::TARGET;

const GONE: &str = "start the Docker Engine (`sudo systemctl start docker`, or Docker Desktop), then see `dashdeploy doctor`";

/// True where the engine says that there is no such thing.
pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

/// True where the engine says that something is in the way.
pub(crate) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 409, .. })
}

/// True where the connection to the engine broke, so that the call may be repeated once it answers again.
pub(crate) fn is_gone(error: &TargetError) -> bool {
    error.hint.as_deref() == Some(GONE)
}

/// An error of ours, not of the engine.
pub(crate) fn ours(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> TargetError {
    TargetError::new(kind, TARGET, operation, message)
}

/// What the engine or the way to it reports.
pub(crate) fn engine(operation: impl Into<String>, error: &Error) -> TargetError {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            answered(operation.into(), *status_code, message.trim())
        }
        Error::DockerStreamError { error } => answered(operation.into(), 500, error.trim()),
        Error::RequestTimeoutError => {
            ours(ErrorKind::Unavailable, operation, "the Docker Engine did not answer in time")
                .hint("see what keeps it busy (`docker info`, `docker stats`), then repeat the command")
        }
        Error::JsonDataError { .. } | Error::JsonSerdeError { .. } => ours(
            ErrorKind::Unexpected,
            operation,
            format!("the engine's answer makes no sense: {}", chain(error)),
        ),
        _ => unreached(operation.into(), &chain(error)),
    }
}

fn unreached(operation: String, cause: &str) -> TargetError {
    if cause.to_lowercase().contains("permission denied") {
        return ours(
            ErrorKind::Denied,
            operation,
            format!("the Docker Engine's socket refuses you: {cause}"),
        )
        .hint("join the group `docker`: `sudo usermod -aG docker \"$USER\"`, then log in again");
    }
    ours(ErrorKind::Unavailable, operation, format!("the Docker Engine does not answer: {cause}")).hint(GONE)
}

/// What the engine is known to say, in lower case (moby 20.10 to 28), what that means, and the mend.
const KNOWN: [(&str, ErrorKind, &str); 10] = [
    (
        "no space left on device",
        ErrorKind::Unavailable,
        "free disk space: `docker system df` shows what takes it, `docker builder prune` empties the build cache",
    ),
    (
        "no such image",
        ErrorKind::NotFound,
        "run `dashdeploy build`, or `docker pull` for a service with `image:`",
    ),
    (
        "rlimit",
        ErrorKind::Unsupported,
        "the engine may not set the limits of a container: raise its own (`LimitNOFILE=` of its service)",
    ),
    (
        "executable file not found",
        ErrorKind::Invalid,
        "the program to start is not in the image: check `command:` of the service",
    ),
    (
        "no such file or directory",
        ErrorKind::Invalid,
        "the program to start is not in the image: check `command:` of the service",
    ),
    (
        "has active endpoints",
        ErrorKind::Conflict,
        "`docker network inspect` shows which containers are connected: stop them first",
    ),
    (
        "volume is in use",
        ErrorKind::Conflict,
        "`docker ps -a --filter volume=NAME` shows which containers use it: remove them first",
    ),
    ("cannot allocate memory", ErrorKind::Unavailable, "free memory, or lower `memory:` of the services"),
    ("minimum memory limit", ErrorKind::Invalid, "write at least `memory: 6Mi`"),
    ("permission denied", ErrorKind::Denied, "see `dashdeploy doctor`"),
];

/// An answer with an error status.
fn answered(operation: String, status: u16, message: &str) -> TargetError {
    if taken_port(message).is_some() {
        return ours(ErrorKind::Conflict, operation, message)
            .hint("change `publish:` of the service, or stop what holds the port");
    }
    let text = message.to_lowercase();
    if let Some((_, kind, hint)) = KNOWN.iter().find(|(said, ..)| text.contains(said)) {
        return ours(*kind, operation, message).hint(*hint);
    }
    let kind = match status {
        400 | 406 | 422 => ErrorKind::Invalid,
        401 | 403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        501 => ErrorKind::Unsupported,
        502..=504 => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    };
    ours(kind, operation, message)
}

/// The port of the host that the engine says is taken.
pub(crate) fn taken_port(message: &str) -> Option<u16> {
    if !message.contains("port is already allocated") && !message.contains("address already in use") {
        return None;
    }
    let bound = ["Bind for ", "listen tcp4 ", "listen tcp6 ", "listen tcp ", "listen udp "]
        .iter()
        .find_map(|before| message.split_once(before).map(|(_, after)| after));
    // Engine 28 writes `failed to bind host port for 127.0.0.1:8080:172.17.0.2:80/tcp` and `… host port 127.0.0.1:8080/tcp`.
    let bound = bound.or_else(|| message.split_once("host port ").map(|(_, after)| after))?;
    let bound = bound.strip_prefix("for ").unwrap_or(bound);
    let address = bound.split([' ', '/']).next()?.trim_end_matches(':');
    let after_host = match address.strip_prefix('[') {
        Some(v6) => v6.split_once("]:")?.1,
        None => address.strip_prefix(":::").or_else(|| Some(address.split_once(':')?.1))?,
    };
    after_host.split(':').next()?.parse().ok()
}

/// The error and its causes in one line, without saying the same twice.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status_code: u16, message: &str) -> TargetError {
        engine(
            "start container x",
            &Error::DockerResponseServerError { status_code, message: message.to_owned() },
        )
    }

    #[test]
    fn finds_the_port_in_every_engines_words() {
        let cases = [
            (
                "driver failed programming external connectivity on endpoint a (12ab): Bind for 127.0.0.1:8080 failed: port is already allocated",
                8080,
            ),
            (
                "driver failed programming external connectivity on endpoint a (12ab): Error starting userland proxy: listen tcp4 127.0.0.1:80: bind: address already in use",
                80,
            ),
            ("Bind for 0.0.0.0:5432 failed: port is already allocated", 5432),
            ("Bind for :::8443 failed: port is already allocated", 8443),
            ("listen tcp6 [::1]:4173: bind: address already in use", 4173),
            ("failed to bind host port for 127.0.0.1:8081:172.17.0.2:80/tcp: address already in use", 8081),
            ("failed to bind host port 127.0.0.1:8082/tcp: address already in use", 8082),
        ];
        for (message, port) in cases {
            assert_eq!(taken_port(message), Some(port), "{message}");
            assert_eq!(server(500, message).kind, ErrorKind::Conflict);
        }
        assert_eq!(taken_port("Bind for lunch failed"), None);
    }

    #[test]
    fn every_known_failure_names_its_mend() {
        for (status, message, kind) in [
            (500, "mkdir /var/lib/docker/x: no space left on device", ErrorKind::Unavailable),
            (404, "No such image: shop-api:latest", ErrorKind::NotFound),
            (
                400,
                "OCI runtime create failed: exec: \"nope\": executable file not found in $PATH",
                ErrorKind::Invalid,
            ),
        ] {
            let error = server(status, message);
            assert_eq!(error.kind, kind, "{message}");
            assert!(error.hint.is_some(), "{message}");
        }
        let socket = Error::IOError { err: std::io::Error::from(std::io::ErrorKind::PermissionDenied) };
        let error = engine("ask", &socket);
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(!is_gone(&error));
        let refused = Error::IOError { err: std::io::Error::from(std::io::ErrorKind::ConnectionRefused) };
        assert!(is_gone(&engine("ask", &refused)));
    }
}
