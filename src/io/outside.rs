//! Requests from outside, as a user's browser would send them: for checks of what is deployed.
//!
//! Given: an address, and where to connect instead while its name does not lead there yet. Gives: status, headers, body. Without any
//! login, and without following redirects: a check says itself which status it expects. Deliberately absent: what a check means.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, Url};

use super::http::is_loopback;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a body that are read.
const LARGEST: usize = 4 << 20;

/// Where requests for a host go instead: `HOST[:PORT]=ADDRESS[:PORT]`, or `HOST=http://127.0.0.1:PORT` without TLS, as curl's
/// `--connect-to` does it (<https://curl.se/docs/manpage.html#--connect-to>). `*.fly.dev` stands for any name below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    host: String,
    port: Option<u16>,
    to: To,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    /// Another address; TLS and the certificate's name stay those of the host.
    Address(IpAddr, Option<u16>),
    /// A server of this machine without TLS.
    Plain(SocketAddr),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideRequest {
    /// `GET`, `OPTIONS`.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideAnswer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, at most 4 MiB of it.
    pub body: Vec<u8>,
    /// Milliseconds it took.
    pub millis: u64,
}

/// The way outside.
#[derive(Debug, Default)]
pub struct Outside {
    routes: Vec<ConnectTo>,
}

impl OutsideAnswer {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Outside {
    /// A way with these detours.
    pub fn new(routes: Vec<ConnectTo>) -> Self {
        Self { routes }
    }

    /// Asks once.
    ///
    /// # Errors
    /// Why there is no answer, as half a sentence.
    pub async fn ask(&self, request: &OutsideRequest) -> Result<OutsideAnswer, String> {
        let begun = Instant::now();
        let url = Url::parse(&request.url).map_err(|_| format!("{} is no valid address", request.url))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let route = self.routes.iter().find(|route| route.is_for(&host, port));
        let (client, sent) = prepared(&url, &host, route)?;
        let method =
            Method::from_bytes(request.method.as_bytes()).map_err(|_| "no valid method".to_owned())?;
        let mut builder = client.request(method, sent.clone());
        if sent != url {
            let shown = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
            builder = builder.header("host", shown).header("x-forwarded-proto", url.scheme());
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let mut response = builder.send().await.map_err(|error| reason(&error))?;
        let status = response.status().as_u16();
        let text =
            |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                body.truncate(LARGEST);
                break;
            }
        }
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(OutsideAnswer { status, headers, body, millis })
    }
}

/// The client for an address and the address that it is given.
fn prepared(url: &Url, host: &str, route: Option<&ConnectTo>) -> Result<(Client, Url), String> {
    let mut builder = Client::builder()
        .user_agent(concat!("dashdeploy/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(Duration::from_secs(10))
        .timeout(PATIENCE);
    let mut sent = url.clone();
    match route.map(|route| &route.to) {
        Some(To::Plain(address)) => {
            let plain = format!("http://{address}{}", path_and_query(url));
            sent = Url::parse(&plain).map_err(|_| "no valid address".to_owned())?;
            builder = builder.no_proxy().tls_certs_only([]);
        }
        Some(To::Address(address, port)) => {
            let port = port.or(url.port_or_known_default()).unwrap_or(443);
            builder = builder.no_proxy().resolve(host, SocketAddr::new(*address, port));
        }
        None if url.scheme() == "http" && is_loopback(host) => {
            builder = builder.no_proxy().tls_certs_only([])
        }
        None => {}
    }
    builder.build().map(|client| (client, sent)).map_err(|error| reason(&error))
}

/// The path with the query, as it is sent.
fn path_and_query(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// The innermost cause.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("it does not answer within {} s", PATIENCE.as_secs());
    }
    let mut current: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    let mut text = "no connection".to_owned();
    while let Some(inner) = current {
        text = inner.to_string();
        current = inner.source();
    }
    text
}

impl ConnectTo {
    /// A detour to a server of this machine without TLS, for every name that a pattern stands for.
    pub fn plain(host: &str, address: SocketAddr) -> Self {
        Self { host: host.to_owned(), port: None, to: To::Plain(address) }
    }

    fn is_for(&self, host: &str, port: u16) -> bool {
        let named = match self.host.strip_prefix("*.") {
            Some(end) => host.strip_suffix(end).is_some_and(|start| start.ends_with('.') && start.len() > 1),
            None => self.host.eq_ignore_ascii_case(host),
        };
        named && self.port.is_none_or(|own| own == port)
    }
}

impl FromStr for ConnectTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "give HOST=ADDRESS[:PORT], such as api.example.com=203.0.113.7, or HOST=http://127.0.0.1:8080"
                .to_owned()
        };
        let (host, to) = text.split_once('=').ok_or_else(wrong)?;
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
            None => (host, None),
        };
        let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let bare = host.strip_prefix("*.").unwrap_or(host);
        if bare.is_empty() || !bare.chars().all(valid) {
            return Err(wrong());
        }
        let to = match to.strip_prefix("http://") {
            Some(plain) => {
                let address: SocketAddr = plain.trim_end_matches('/').parse().map_err(|_| wrong())?;
                if !address.ip().is_loopback() {
                    return Err("without TLS only servers of this machine are spoken to: 127.0.0.1 or [::1]"
                        .to_owned());
                }
                To::Plain(address)
            }
            None => match (to.parse::<SocketAddr>(), to.trim_matches(['[', ']']).parse::<IpAddr>()) {
                (Ok(address), _) => To::Address(address.ip(), Some(address.port())),
                (_, Ok(address)) => To::Address(address, None),
                _ => return Err(wrong()),
            },
        };
        Ok(Self { host: host.to_ascii_lowercase(), port, to })
    }
}

impl fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        match &self.to {
            To::Plain(address) => write!(f, "{}{port}=http://{address}", self.host),
            To::Address(address, None) => write!(f, "{}{port}={address}", self.host),
            To::Address(address, Some(to)) => {
                write!(f, "{}{port}={}", self.host, SocketAddr::new(*address, *to))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn detours_are_read_and_written_back() {
        for good in ["a.fly.dev=127.0.0.1", "*.fly.dev=http://127.0.0.1:80", "x:443=[::1]:8443", "x=::1"] {
            let read: ConnectTo = good.parse().unwrap();
            assert_eq!(read.to_string().parse::<ConnectTo>().unwrap(), read, "{good}");
        }
        for bad in [
            "",
            "x",
            "x=",
            "=1.2.3.4",
            "x=host",
            "x=http://10.0.0.1:80",
            "x=http://127.0.0.1",
            "a b=::1",
            "x:y=::1",
        ] {
            assert!(bad.parse::<ConnectTo>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pattern_stands_for_names_below_it() {
        let route: ConnectTo = "*.fly.dev:443=127.0.0.1".parse().unwrap();
        assert!(route.is_for("a.fly.dev", 443) && route.is_for("b.a.fly.dev", 443));
        assert!(
            !route.is_for("fly.dev", 443) && !route.is_for("xfly.dev", 443) && !route.is_for("a.fly.dev", 80)
        );
    }

    #[tokio::test]
    async fn a_request_goes_where_the_detour_leads_and_keeps_its_host() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 4096];
            let read = stream.read(&mut bytes).await.unwrap();
            let answer = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 2\r\n\r\nhi";
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&bytes[..read]).to_lowercase()
        });
        let outside = Outside::new(vec![ConnectTo::plain("*.fly.dev", address)]);
        let request = OutsideRequest {
            method: "GET".into(),
            url: "https://shop.fly.dev/api/health?x=1".into(),
            headers: vec![("origin".into(), "https://a".into())],
        };
        let answer = outside.ask(&request).await.unwrap();
        assert_eq!(
            (answer.status, answer.header("location"), answer.body.as_slice()),
            (302, Some("/login"), &b"hi"[..])
        );
        let seen = seen.await.unwrap();
        assert!(seen.starts_with("get /api/health?x=1 http/1.1"), "{seen}");
        assert!(seen.contains("host: shop.fly.dev\r\n") && seen.contains("origin: https://a"), "{seen}");
    }
}
