//! What addresses have to do with each other: origins, this machine, and where one may lead to another.

use std::net::IpAddr;

use reqwest::Url;

use super::HttpError;

/// True for the names and addresses of this machine: `localhost` and below, 127.0.0.0/8, ::1. With or without brackets.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let named = bare.eq_ignore_ascii_case("localhost") || bare.to_ascii_lowercase().ends_with(".localhost");
    named || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// True where scheme, host and port are the same: <https://www.rfc-editor.org/rfc/rfc6454>.
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Scheme, host and port as a browser sends them in `Origin`: in lower case, without the port that the scheme has anyway
/// (<https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin>). What is no address stays as it is.
pub fn origin_of(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

/// A redirect may not take TLS away, nor lead from outside into this machine.
pub(super) fn may_lead(from: &Url, to: &Url) -> Result<(), HttpError> {
    let local = |url: &Url| is_loopback(url.host_str().unwrap_or_default());
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(HttpError::refused(from, "it redirects from https to an address without TLS"));
    }
    if local(to) && !local(from) {
        return Err(HttpError::refused(from, "it redirects to this machine"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine() {
        for local in ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert!(is_loopback(local), "{local}");
        }
        for other in ["", "localhost.example.com", "128.0.0.1", "::2", "10.0.0.1", "notlocalhost", "0.0.0.0"]
        {
            assert!(!is_loopback(other), "{other}");
        }
    }

    #[test]
    fn origins() {
        for (url, origin) in [
            ("https://Shop.fly.dev:443/a?b#c", "https://shop.fly.dev"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:80/", "http://[::1]"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(origin_of(url), origin);
        }
    }

    #[test]
    fn redirects() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(may_lead(&url("https://a/x"), &url("https://b/y")).is_ok());
        assert!(may_lead(&url("https://a/x"), &url("http://b/y")).is_err());
        assert!(may_lead(&url("https://a/x"), &url("https://127.0.0.1/y")).is_err());
        assert!(may_lead(&url("http://127.0.0.1:1/x"), &url("http://127.0.0.1:2/y")).is_ok());
        assert!(same_origin(&url("https://a/x"), &url("https://a:443/y")));
        for other in ["http://a/x", "https://a:444/x", "https://b/x"] {
            assert!(!same_origin(&url("https://a/x"), &url(other)));
        }
    }
}
