//! Requests as anybody could make them: a look at what was deployed, from outside.
//!
//! Given: an address and the [`ConnectTo`] rules of the command line. Gives: the [`OutsideAnswer`] as it came, or why there is
//! none, in words. Deliberately absent: credentials of any kind, redirects (who asks says which status is expected), retries,
//! and any judgement. Every request has a connection of its own, as a visitor's first has: one that was kept might lead to what
//! ran before. TLS is checked with the certificates that this machine trusts, and the proxy of the environment is obeyed,
//! but for servers of this machine and where a rule says where to connect. Without TLS whatever is published so is asked so:
//! nothing secret is sent.

mod connect;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use reqwest::{Client, Method, Url};
use tokio::time::{Instant, timeout};

use super::http::{HttpError, Limits, body, client_builder, is_loopback};
use connect::Route;
pub use connect::{ConnectTo, ConnectToError};

/// What one request may take, and how much of an answer is read.
const LIMITS: Limits =
    Limits { whole: Duration::from_secs(30), silence: Duration::from_secs(20), largest: 4 << 20 };

/// How what stands before a server tells it the scheme of the request: <https://developer.mozilla.org/docs/Web/HTTP/Headers/X-Forwarded-Proto>.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The way to what was deployed.
#[derive(Debug, Default)]
pub struct Outside {
    rules: Vec<ConnectTo>,
    /// A client for each way of connecting.
    clients: Mutex<HashMap<String, Client>>,
}

/// How something is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutsideMethod {
    /// `GET`.
    Get,
    /// `OPTIONS`.
    Options,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideRequest {
    /// How.
    pub method: OutsideMethod,
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
    /// The body, up to its first 4 MiB.
    pub body: Vec<u8>,
    /// False where the body is longer than that.
    pub whole: bool,
    /// Milliseconds from the request to the end of the body.
    pub millis: u64,
}

impl OutsideRequest {
    /// A `GET` of an address.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: OutsideMethod::Get, url: url.into(), headers: Vec::new() }
    }
}

impl OutsideAnswer {
    /// A header's text; the first where there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The texts of all headers of a name, in lower case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

impl Outside {
    /// A way that keeps to the rules; the first that fits an address counts.
    pub fn new(rules: Vec<ConnectTo>) -> Self {
        Self { rules, clients: Mutex::default() }
    }

    /// Asks once.
    ///
    /// # Errors
    /// Why there is no answer, with the address, in one sentence.
    pub async fn ask(&self, request: OutsideRequest) -> Result<OutsideAnswer, String> {
        let url =
            Url::parse(&request.url).map_err(|_| format!("{}: this is no valid address", request.url))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(format!("{}: only http and https are asked", request.url));
        }
        let headers =
            headers(&request, &url).map_err(|reason| HttpError::refused(&url, reason).to_string())?;
        let route = self.rules.iter().find_map(|rule| rule.route(&url));
        let exchange = self.exchange(&request, &url, headers, route);
        let answered = timeout(LIMITS.whole, exchange).await;
        answered.unwrap_or_else(|_| Err(HttpError::silent(&url))).map_err(|error| error.to_string())
    }

    async fn exchange(
        &self,
        request: &OutsideRequest,
        url: &Url,
        mut headers: HeaderMap,
        route: Option<Route>,
    ) -> Result<OutsideAnswer, HttpError> {
        let client = self.client(url, route.as_ref()).await?;
        let to = route.as_ref().map_or(url, |route| &route.url);
        if let Some(name) = route.as_ref().and_then(|route| HeaderValue::from_str(&route.host).ok()) {
            headers.insert(HOST, name);
        }
        if to.scheme() != url.scheme() {
            // What answers in the edge's place is told what the visitor spoke, as the edge tells it: many send plain requests on
            // to https.
            headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
        }
        let method = match request.method {
            OutsideMethod::Get => Method::GET,
            OutsideMethod::Options => Method::OPTIONS,
        };
        let began = Instant::now();
        let sent = timeout(LIMITS.silence, client.request(method, to.clone()).headers(headers).send()).await;
        let response = sent
            .map_err(|_| HttpError::silent(url))?
            .map_err(|error| HttpError::from_reqwest(url, &error))?;
        let status = response.status().as_u16();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let (body, whole) = body(response, LIMITS, url).await?;
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(OutsideAnswer { status, headers, body: body.to_vec(), whole, millis })
    }

    /// The client for a way of connecting, made when it is first needed.
    async fn client(&self, url: &Url, route: Option<&Route>) -> Result<Client, HttpError> {
        let name = url.host_str().unwrap_or_default();
        let here = if is_loopback(name) { format!("{} here", url.scheme()) } else { String::new() };
        let key = route.map_or(here, |route| format!("{name} at {} {}", route.url.scheme(), route.address()));
        let known = |key: &str| self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(client) = known(&key) {
            return Ok(client);
        }
        let mut builder = client_builder().pool_max_idle_per_host(0);
        if !key.is_empty() {
            builder = builder.no_proxy();
        }
        if let Some(route) = route {
            let found = route.resolve().await.map_err(|reason| HttpError::refused(url, &reason))?;
            builder = builder.resolve_to_addrs(name, &found);
        }
        if !key.is_empty() && route.map_or(url, |route| &route.url).scheme() == "http" {
            // Without TLS no certificate need be read.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| HttpError::from_reqwest(url, &error))?;
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(key, client.clone());
        Ok(client)
    }
}

/// The request's headers; what would let somebody in is refused, in a header as in the address.
fn headers(request: &OutsideRequest, url: &Url) -> Result<HeaderMap, &'static str> {
    const LOGIN: &str = "a look from outside carries no login";
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LOGIN);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header has no valid name")?;
        if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(&name) {
            return Err(LOGIN);
        }
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| "a header has no valid value")?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;

    use super::*;

    /// Answers every request with this; keeps the heads.
    fn server(answer: Vec<u8>) -> (u16, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, heads) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&heads);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut seen = [0; 4096];
                let read = stream.read(&mut seen).unwrap_or(0);
                kept.lock().unwrap().push(String::from_utf8_lossy(&seen[..read]).into_owned());
                let _ = stream.write_all(&answer);
            }
        });
        (port, heads)
    }

    fn rule(text: &str) -> Vec<ConnectTo> {
        vec![text.parse().unwrap()]
    }

    const HELLO: &[u8] =
        b"HTTP/1.1 301 Moved\r\nLocation: https://b.example/\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

    #[tokio::test]
    async fn a_plain_rule_keeps_the_host_and_no_redirect_is_followed() {
        let (port, heads) = server(HELLO.to_vec());
        let outside = Outside::new(rule(&format!("*.fly.dev=http://127.0.0.1:{port}")));
        let answer = outside.ask(OutsideRequest::get("https://shop.fly.dev/a?b=c")).await.unwrap();
        assert_eq!((answer.status, answer.header("location")), (301, Some("https://b.example/")));
        assert_eq!((&answer.body[..], answer.whole), (&b"hello"[..], true));
        let head = heads.lock().unwrap()[0].to_lowercase();
        assert!(head.starts_with("get /a?b=c http/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nhost: shop.fly.dev\r\n"), "{head}");
        assert!(head.contains("\r\nx-forwarded-proto: https\r\n"), "{head}");
        assert!(!head.contains("authorization") && !head.contains("cookie"), "{head}");
    }

    #[tokio::test]
    async fn a_rule_with_an_address_still_speaks_tls_and_checks_it() {
        let (port, heads) = server(HELLO.to_vec());
        let outside = Outside::new(rule(&format!("shop.example.com:8443=127.0.0.1:{port}")));
        let error =
            outside.ask(OutsideRequest::get("https://shop.example.com:8443/x?k=v")).await.unwrap_err();
        assert!(error.starts_with("https://shop.example.com:8443/x: no connection: "), "{error}");
        let seen = heads.lock().unwrap();
        assert!(seen[0].contains("shop.example.com"), "the name goes along in the TLS greeting");
        assert!(!seen[0].contains("GET"));
    }

    #[tokio::test]
    async fn what_is_published_here_without_tls_is_asked_as_it_is() {
        let (port, heads) = server(HELLO.to_vec());
        let url = format!("http://localhost:{port}/");
        assert_eq!(Outside::default().ask(OutsideRequest::get(url)).await.unwrap().status, 301);
        assert!(!heads.lock().unwrap()[0].contains("forwarded"));
    }

    #[tokio::test]
    async fn no_more_than_4_mib_is_read() {
        let mut long = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        long.resize(long.len() + (5 << 20), b'x');
        let (port, _) = server(long);
        let url = format!("http://127.0.0.1:{port}/");
        let answer = Outside::default().ask(OutsideRequest::get(url)).await.unwrap();
        assert_eq!((answer.body.len(), answer.whole), (4 << 20, false));
    }

    #[tokio::test]
    async fn no_login_and_no_other_scheme() {
        let mut with_login = OutsideRequest::get("https://a.example/");
        with_login.headers.push(("authorization".to_owned(), "canary".to_owned()));
        let requests = [
            (with_login, "https://a.example/: a look from outside carries no login"),
            (OutsideRequest::get("https://u:canary@a.example/"), "https://a.example/: a look from outside"),
            (OutsideRequest::get("file:///etc/passwd"), "file:///etc/passwd: only http and https"),
            (OutsideRequest::get("nothing"), "nothing: this is no valid address"),
        ];
        for (request, expected) in requests {
            let error = Outside::default().ask(request).await.unwrap_err();
            assert!(error.starts_with(expected) && !error.contains("canary"), "{error}");
        }
    }
}
