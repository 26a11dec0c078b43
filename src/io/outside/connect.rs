//! Where to connect instead of where a name leads: `--connect-to HOST[:PORT]=ADDRESS[:PORT]`.
//!
//! Given: the option's text. Gives: a rule, and for each address that it fits a [`Route`]. As with curl's option of that name
//! (<https://curl.se/docs/manpage.html#--connect-to>), the request and the name that TLS is checked for stay those of the
//! address. `HOST=http://127.0.0.1:PORT` leaves TLS out, to this machine alone. `*.fly.dev` stands for every name below fly.dev.
//! Deliberately absent: requests.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use reqwest::Url;
use tokio::net::lookup_host;

use crate::io::http::is_loopback;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    /// The name, in lower case; with a leading dot every name below it.
    host: String,
    /// The port of the addresses that it fits; none for any.
    port: Option<u16>,
    to: String,
    to_port: Option<u16>,
    plain: bool,
}

/// Why a rule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {reason}; it is written HOST[:PORT]=ADDRESS[:PORT], or HOST=http://127.0.0.1:PORT")]
pub struct ConnectToError {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// How an address is reached that a rule fits.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// The address to ask, with the port that is connected to.
    pub url: Url,
    /// What the header `Host` says.
    pub host: String,
    to: String,
    port: u16,
}

impl FromStr for ConnectTo {
    type Err = ConnectToError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text).map_err(|reason| ConnectToError { text: text.to_owned(), reason })
    }
}

impl ConnectTo {
    /// Leads every name that a pattern stands for to a server of this machine, without TLS.
    pub fn plain(host: &str, address: SocketAddr) -> Self {
        let host = host.to_ascii_lowercase();
        let host = host.strip_prefix('*').map_or_else(|| host.clone(), str::to_owned);
        Self { host, port: None, to: address.ip().to_string(), to_port: Some(address.port()), plain: true }
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        let (from, to) = text.split_once('=').ok_or("there is no `=`")?;
        let (host, port) = parts(from).ok_or("what stands before `=` is no HOST or HOST:PORT")?;
        let host = host.to_ascii_lowercase();
        let below = host.strip_prefix("*.");
        let name = below.unwrap_or(&host);
        if !is_name(name) {
            return Err("the HOST is no host's name, nor `*.` and one");
        }
        if name.parse::<IpAddr>().is_ok() {
            return Err("the HOST is an address; names are what can be led elsewhere");
        }
        let host = below.map_or_else(|| host.clone(), |name| format!(".{name}"));
        let (rest, plain) = to.strip_prefix("http://").map_or((to, false), |rest| (rest, true));
        if rest.contains("://") {
            return Err("what stands after `=` may only have http:// before it");
        }
        let (to, to_port) = parts(rest.strip_suffix('/').filter(|_| plain).unwrap_or(rest))
            .ok_or("what stands after `=` is no ADDRESS or ADDRESS:PORT")?;
        if !is_name(to) && to.parse::<IpAddr>().is_err() {
            return Err("the ADDRESS is neither an IP address nor a host's name");
        }
        if plain && !is_loopback(to) {
            return Err("without TLS only this machine (127.0.0.0/8, ::1, localhost) is connected to");
        }
        Ok(Self { host, port, to: to.to_owned(), to_port, plain })
    }

    /// The way to an address; none where the rule does not fit it.
    pub(super) fn route(&self, url: &Url) -> Option<Route> {
        let (host, port) = (url.host_str()?.to_ascii_lowercase(), url.port_or_known_default()?);
        let fits = if self.host.starts_with('.') {
            host.len() > self.host.len() && host.ends_with(&self.host)
        } else {
            host == self.host
        };
        if !fits || self.port.is_some_and(|only| only != port) {
            return None;
        }
        let mut to = url.clone();
        let named = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let port = self.to_port.unwrap_or(if self.plain { 80 } else { port });
        if self.plain {
            to.set_scheme("http").ok()?;
        }
        to.set_port(Some(port)).ok()?;
        Some(Route { url: to, host: named, to: self.to.clone(), port })
    }
}

impl Route {
    /// Where it connects to.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.to, self.port)
    }

    /// The addresses to connect to.
    pub(super) async fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        let found = lookup_host((self.to.as_str(), self.port)).await;
        let found: Vec<SocketAddr> =
            found.map_err(|error| format!("--connect-to leads to {}: {error}", self.to))?.collect();
        if found.is_empty() {
            Err(format!("--connect-to leads to {}, which has no address", self.to))
        } else {
            Ok(found)
        }
    }
}

impl fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracketed = |host: &str| if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let port = |port: Option<u16>| port.map(|port| format!(":{port}")).unwrap_or_default();
        let below = if self.host.starts_with('.') { "*" } else { "" };
        let scheme = if self.plain { "http://" } else { "" };
        let (from, to) = (port(self.port), port(self.to_port));
        write!(f, "{below}{}{from}={scheme}{}{to}", self.host, bracketed(&self.to))
    }
}

/// Host and port; an IPv6 address stands in brackets, which go.
fn parts(text: &str) -> Option<(&str, Option<u16>)> {
    let port = |text: &str| text.parse().ok().filter(|port| *port != 0 && !text.starts_with('+'));
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6)?;
        return if rest.is_empty() {
            Some((host, None))
        } else {
            Some((host, Some(port(rest.strip_prefix(':')?)?)))
        };
    }
    // An address of IPv6 alone is told from a port by its second colon.
    if text.parse::<IpAddr>().is_ok() {
        return Some((text, None));
    }
    match text.split_once(':') {
        None => Some((text, None)),
        Some((host, after)) => Some((host, Some(port(after)?))),
    }
}

fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        plain && (1..=63).contains(&label.len())
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(rule: &str, url: &str) -> Option<(String, String, String)> {
        let route = rule.parse::<ConnectTo>().unwrap().route(&Url::parse(url).unwrap())?;
        Some((route.url.to_string(), route.host.clone(), route.address()))
    }

    #[test]
    fn a_rule_leads_elsewhere_and_keeps_the_name() {
        let table = [
            ("a.dev=1.2.3.4", "https://a.dev/x", Some(("https://a.dev/x", "a.dev", "1.2.3.4:443"))),
            ("A.dev=1.2.3.4:99", "https://a.dev/x?y", Some(("https://a.dev:99/x?y", "a.dev", "1.2.3.4:99"))),
            ("a.dev:443=b.dev", "https://a.dev/", Some(("https://a.dev/", "a.dev", "b.dev:443"))),
            ("a.dev:8443=[::1]:9", "https://a.dev:8443/", Some(("https://a.dev:9/", "a.dev:8443", "::1:9"))),
            (
                "*.fly.dev=http://127.0.0.1:80",
                "https://s.fly.dev/",
                Some(("http://s.fly.dev/", "s.fly.dev", "127.0.0.1:80")),
            ),
            (
                "*.dev=http://localhost:9/",
                "http://a.b.dev:7/",
                Some(("http://a.b.dev:9/", "a.b.dev:7", "localhost:9")),
            ),
            ("a.dev=::1", "https://a.dev/", Some(("https://a.dev/", "a.dev", "::1:443"))),
            ("a.dev:443=b.dev", "https://a.dev:444/", None),
            ("a.dev=b.dev", "https://b.a.dev/", None),
            ("*.a.dev=b.dev", "https://a.dev/", None),
            ("*.a.dev=b.dev", "https://ba.dev/", None),
        ];
        for (rule, url, expected) in table {
            let found = route(rule, url);
            let found = found.as_ref().map(|(url, host, to)| (url.as_str(), host.as_str(), to.as_str()));
            assert_eq!(found, expected, "{rule} {url}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_with_the_reason() {
        let table = [
            ("a.dev", "there is no `=`"),
            ("=1.2.3.4", "the HOST is no host's name"),
            ("*=1.2.3.4", "the HOST is no host's name"),
            ("*a.dev=1.2.3.4", "the HOST is no host's name"),
            (".a.dev=1.2.3.4", "the HOST is no host's name"),
            ("https://a.dev=1.2.3.4", "what stands before `=`"),
            ("a.dev:0=1.2.3.4", "what stands before `=`"),
            ("a.dev:99999=1.2.3.4", "what stands before `=`"),
            ("1.2.3.4=5.6.7.8", "the HOST is an address"),
            ("a.dev=", "the ADDRESS is neither"),
            ("a.dev=1.2.3.4:x", "what stands after `=` is no"),
            ("a.dev=::1:x", "what stands after `=` is no"),
            ("a.dev=[::1", "what stands after `=` is no"),
            ("a.dev=a b", "the ADDRESS is neither"),
            ("a.dev=https://127.0.0.1:1", "what stands after `=` may only"),
            ("a.dev=http://10.0.0.1:80", "without TLS only this machine"),
            ("a.dev=http://127.0.0.1:80/path", "what stands after `=` is no"),
            ("a.dev=http://u@127.0.0.1:80", "the ADDRESS is neither"),
        ];
        for (text, reason) in table {
            let error = text.parse::<ConnectTo>().unwrap_err();
            assert!(error.reason.starts_with(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_rule_is_written_as_it_is_read() {
        for text in ["a.dev=1.2.3.4", "*.fly.dev:443=[::1]:9", "a.dev=http://127.0.0.1:80"] {
            assert_eq!(text.parse::<ConnectTo>().unwrap().to_string(), text);
        }
        let plain = ConnectTo::plain("*.Fly.dev", "127.0.0.1:80".parse().unwrap());
        assert_eq!(plain, "*.fly.dev=http://127.0.0.1:80".parse().unwrap());
    }
}
