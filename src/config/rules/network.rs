//! What is asked for over HTTP, and where a service can be reached on a host.

use std::net::{IpAddr, SocketAddr};

use serde_json::json;

use super::{Problem, Rule};
use crate::config::report::shown;
use crate::config::yaml::Scalar;

pub(crate) static URL_PATH: Rule = Rule {
    expects: "a path such as `/api/health`",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": URL_PATTERN }),
    check: |scalar| url_path(scalar).map(drop),
};

pub(crate) static HEALTH: Rule = Rule {
    expects: "a path such as `/api/health`, or false",
    null_hint: None,
    json: || json!({ "anyOf": [{ "const": false }, { "type": "string", "pattern": URL_PATTERN }] }),
    check: |scalar| health(scalar).map(drop),
};

pub(crate) static PREFIX: Rule = Rule {
    expects: "a path prefix such as `/api`",
    null_hint: None,
    json: || json!({ "pattern": r"^(?!.*(//|/\.{1,2}(/|$)))/[A-Za-z0-9._~-][A-Za-z0-9._~/-]*$" }),
    check: |scalar| prefix(&scalar.text).map(drop),
};

pub(crate) static PUBLISH: Rule = Rule {
    expects: "a port, `\"address:port\"`, or false",
    null_hint: None,
    json: || {
        json!({ "anyOf": [
            { "const": false },
            { "type": "integer", "minimum": 1, "maximum": 65535 },
            { "type": "string", "pattern": r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+\]):[1-9][0-9]{0,4}$" },
        ] })
    },
    check: |scalar| publish(scalar).map(drop),
};

const URL_PATTERN: &str = r"^(?!.*(//|/\.{1,2}(/|$)|%2[eE]))/[A-Za-z0-9._~!$&()*+,;=:@%/?-]*$";

/// How `publish` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Publishing {
    No,
    Port(u16),
    Address(IpAddr, u16),
}

/// The path, and query, of a request: what RFC 3986 allows there but for quotes, without empty or dot segments.
pub(crate) fn url_path(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    let wrong = |why: &str| {
        let message = format!("`{}` cannot be asked for: {why}", shown(text));
        Problem::new("invalid-url-path", message)
            .hint("write a path on the service itself, such as `/api/health`")
    };
    if !text.starts_with('/') {
        return Err(wrong("it must start with /"));
    }
    if text.contains("//") {
        return Err(wrong("`//` would name another host, or an empty segment"));
    }
    if let Some(c) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"/._~!$&()*+,;=:@%?-".contains(*c))
    {
        let c: String = c.escape_unicode().collect();
        return Err(wrong(&format!("the character {c} must be percent-encoded or left out")));
    }
    let path = text.split('?').next().unwrap_or(text);
    if path.split('/').any(|part| matches!(part, "." | "..")) || text.to_ascii_lowercase().contains("%2e") {
        return Err(wrong("segments of dots are not allowed"));
    }
    if text.len() > 2000 { Err(wrong("it is longer than 2000 characters")) } else { Ok(text.clone()) }
}

/// A health check written as one value: a path, or `false`.
pub(crate) fn health(scalar: &Scalar) -> Result<Option<String>, Problem> {
    match scalar.text.as_str() {
        "false" if scalar.plain => Ok(None),
        _ => url_path(scalar).map(Some),
    }
}

/// A prefix that is handed on to another service, without a slash at its end.
pub(crate) fn prefix(text: &str) -> Result<String, Problem> {
    let wrong = |why: &str| {
        let message = format!("`{}` cannot be handed on: {why}", shown(text));
        Problem::new("invalid-prefix", message).hint("write a prefix such as `/api`")
    };
    let path = text.strip_suffix('/').unwrap_or(text);
    if path.is_empty() {
        return Err(wrong("it would take every path from the page"));
    }
    let Some(rest) = path.strip_prefix('/') else { return Err(wrong("it must start with /")) };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
    let good = |part: &str| !part.is_empty() && !matches!(part, "." | "..") && part.chars().all(allowed);
    if path.len() > 1000 || !rest.split('/').all(good) {
        return Err(wrong("segments of letters, digits, `.`, `_`, `~` and `-` are allowed"));
    }
    Ok(path.to_owned())
}

/// Where a service is reached on a Docker host.
pub(crate) fn publish(scalar: &Scalar) -> Result<Publishing, Problem> {
    let text = scalar.text.as_str();
    if scalar.plain && text == "false" {
        return Ok(Publishing::No);
    }
    if scalar.plain && text.chars().all(|c| c.is_ascii_digit()) {
        return super::port(scalar).map(Publishing::Port);
    }
    let wrong = |hint: &str| {
        let message = format!("`{}` is not a port, an address with a port, or false", shown(text));
        Problem::new("invalid-publish", message).hint(hint)
    };
    match text.parse::<SocketAddr>() {
        Ok(SocketAddr::V6(address)) if address.scope_id() != 0 => {
            Err(wrong("write the address without a zone"))
        }
        Ok(address) if address.port() != 0 => Ok(Publishing::Address(address.ip(), address.port())),
        Ok(_) => Err(wrong("the port must lie between 1 and 65535")),
        Err(_) if text == "true" => Err(wrong("leave `publish` out to publish the service's own port")),
        Err(_) if text.starts_with("localhost:") => Err(wrong("write 127.0.0.1 instead of localhost")),
        Err(_) if text.split(':').all(|part| part.parse::<u16>().is_ok()) => {
            Err(wrong("write the host's port alone; the container's is `port`"))
        }
        Err(_) => Err(wrong("write `publish: 8080`, `publish: \"127.0.0.1:8080\"` or `publish: false`")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn only_paths_of_the_service_itself_are_asked_for() {
        for good in ["/", "/api/health", "/a?b=c&d=e/..", "/a%20b", "/.well-known/x", "/a..b"] {
            assert_eq!(url_path(&plain(good)).unwrap(), good);
        }
        for bad in [
            "",
            "health",
            "//evil",
            "http://169.254.169.254/",
            "/x\r\nHost: x",
            "/a b",
            "/a'b",
            "/a\"b",
            "/../x",
            "/a/..",
            "/%2e%2e/x",
            "/é",
            "/a#b",
            "/a\\b",
            "/`id`",
            "/a//b",
        ] {
            assert!(url_path(&plain(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn prefixes_never_take_every_path() {
        assert_eq!(prefix("/api/").unwrap(), "/api");
        for bad in ["/", "", "api", "//", "/a//b", "/a b", "/a;b", "/..", "/a/{x}", "/$uri"] {
            assert!(prefix(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn publishing() {
        let address = |text: &str, port| Publishing::Address(text.parse().unwrap(), port);
        assert_eq!(publish(&plain("[::1]:80")).unwrap(), address("::1", 80));
        assert_eq!(publish(&plain("0.0.0.0:80")).unwrap(), address("0.0.0.0", 80));
        assert_eq!(publish(&plain("4173")).unwrap(), Publishing::Port(4173));
        for bad in [
            "true",
            "0",
            "65536",
            "127.0.0.1",
            "127.0.0.1:0",
            "localhost:80",
            "8080:80",
            "-1",
            "::1:80",
            "[fe80::1%2]:80",
        ] {
            assert!(publish(&plain(bad)).is_err(), "{bad:?}");
        }
    }
}
