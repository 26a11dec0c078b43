//! What stands before the platforms: visitors come to one port, and are sent on by the name they ask for.
//!
//! Given: requests with a `Host`: `shop.fly.dev`, `shop.onrender.com`, a custom domain. Gives: what the machines or instances
//! answer that take visitors at that moment, in turn; 502 or 503 where there is none, 404 where the name is nobody's. It counts.
//! Deliberately absent: TLS, HTTP/2, caching, starting what is stopped.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, LOCATION, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};

use crate::held;
use crate::lab::{Booth, Shared};
use crate::workload::{Look, Page, Runner};

/// Its counts, below any name.
const COUNTS: &str = "/_fake/edge";
/// A header of each answer: which job gave it.
const BY: &str = "x-fake-backend";

/// Who answers for a public name.
#[derive(Clone)]
pub struct Route {
    /// Those that take visitors now, in turn.
    pub backends: Vec<Backend>,
    /// The status that is answered where there are none.
    pub without: u16,
    /// The name that visitors are sent to instead.
    pub redirect: Option<String>,
}

/// One that answers.
#[derive(Clone)]
pub struct Backend {
    /// The job's name.
    pub job: String,
    /// Where it runs.
    pub runner: Arc<dyn Runner>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jobs: Vec<&String> = self.backends.iter().map(|backend| &backend.job).collect();
        let mut shown = f.debug_struct("Route");
        shown
            .field("backends", &jobs)
            .field("without", &self.without)
            .field("redirect", &self.redirect)
            .finish()
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("job", &self.job).finish_non_exhaustive()
    }
}

/// What visitors of a name came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// All requests.
    pub requests: u64,
    /// Those that were answered with 500 or more.
    pub failures: u64,
}

/// The edge, while it runs.
#[derive(Default)]
pub(crate) struct Edge {
    counts: Mutex<BTreeMap<String, Count>>,
    turn: Mutex<BTreeMap<String, usize>>,
}

type Answer = Response<Full<Bytes>>;

impl Edge {
    /// By name.
    pub(crate) fn counts(&self) -> BTreeMap<String, Count> {
        held(&self.counts).clone()
    }

    /// Those of a route, beginning with the one whose turn it is.
    fn in_turn(&self, host: &str, mut backends: Vec<Backend>) -> Vec<Backend> {
        let mut turns = held(&self.turn);
        let turn = turns.entry(host.to_owned()).or_default();
        if !backends.is_empty() {
            let first = *turn % backends.len();
            backends.rotate_left(first);
            *turn = turn.wrapping_add(1);
        }
        backends
    }

    fn count(&self, host: &str, status: u16) {
        let mut counts = held(&self.counts);
        let count = counts.entry(host.to_owned()).or_default();
        count.requests += 1;
        count.failures += u64::from(status >= 500);
    }
}

/// Takes visitors, for ever.
pub(crate) async fn listen(
    shared: Arc<Shared>,
    booths: Vec<Arc<Booth>>,
    edge: Arc<Edge>,
    listener: TcpListener,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (shared, booths, edge) = (Arc::clone(&shared), booths.clone(), Arc::clone(&edge));
        let service = service_fn(move |request| {
            let (shared, booths, edge) = (Arc::clone(&shared), booths.clone(), Arc::clone(&edge));
            async move { Ok::<_, Infallible>(visit(&shared, &booths, &edge, request).await) }
        });
        tokio::spawn(async move {
            // A visitor that went away is none.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn visit(shared: &Shared, booths: &[Arc<Booth>], edge: &Edge, request: Request<Incoming>) -> Answer {
    if request.uri().path() == COUNTS {
        let counts = serde_json::to_string(&edge.counts()).unwrap_or_default();
        return answer(200, &[("content-type".to_owned(), "application/json".to_owned())], counts);
    }
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = named.rsplit_once(':').map_or(named, |(host, _)| host).to_lowercase();
    let found = booths.iter().find_map(|booth| held(&booth.platform).serving(&host, shared.now()));
    let answer = match found {
        None => answer(404, &[], format!("no app answers for {host}\n")),
        Some(route) => send_on(shared, edge, &host, route, request).await,
    };
    edge.count(&host, answer.status().as_u16());
    answer
}

async fn send_on(
    shared: &Shared,
    edge: &Edge,
    host: &str,
    route: Route,
    request: Request<Incoming>,
) -> Answer {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if let Some(other) = route.redirect {
        return answer(301, &[(LOCATION.to_string(), format!("https://{other}{path}"))], String::new());
    }
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, shared.largest_body).collect().await else {
        return answer(413, &[], String::new());
    };
    let body = body.to_bytes();
    // One that cannot be reached is passed over: nothing was sent to it.
    for backend in edge.in_turn(host, route.backends) {
        let by = (BY.to_owned(), backend.job.clone());
        let Look::Running { address } = backend.runner.look(&backend.job, shared.now()) else { continue };
        let Some(address) = address else {
            let plain = head.uri.path();
            let Page { status, mut headers, body } = backend.runner.page(&backend.job, plain, shared.now());
            headers.push(by);
            return answer(status, &headers, body);
        };
        let Ok(stream) = TcpStream::connect(address).await else { continue };
        let mut onward = Request::new(Full::new(body.clone()));
        *onward.method_mut() = head.method.clone();
        *onward.headers_mut() = head.headers.clone();
        onward.headers_mut().remove(CONNECTION);
        onward.headers_mut().remove(TRANSFER_ENCODING);
        let forwarded = [("x-forwarded-proto", "https"), ("x-forwarded-host", host)];
        for (name, value) in forwarded {
            if let Ok(value) = value.parse() {
                onward.headers_mut().insert(name, value);
            }
        }
        if let Ok(uri) = path.parse() {
            *onward.uri_mut() = uri;
        }
        return proxied(stream, onward, shared.largest_body, by)
            .await
            .unwrap_or_else(|| answer(502, &[], String::new()));
    }
    answer(route.without, &[], String::new())
}

/// What a program behind an address answers; none where it breaks off.
async fn proxied(
    stream: TcpStream,
    onward: Request<Full<Bytes>>,
    most: usize,
    by: (String, String),
) -> Option<Answer> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let (mut head, body) = sender.send_request(onward).await.ok()?.into_parts();
    let body = Limited::new(body, most).collect().await.ok()?.to_bytes();
    head.headers.remove(CONNECTION);
    head.headers.remove(TRANSFER_ENCODING);
    head.headers.insert(BY, by.1.parse().ok()?);
    Some(Response::from_parts(head, Full::new(body)))
}

fn answer(status: u16, headers: &[(String, String)], body: String) -> Answer {
    let builder = headers
        .iter()
        .fold(Response::builder().status(status), |builder, (name, value)| builder.header(name, value));
    // A script may name a status or a header that is none.
    builder.body(Full::new(Bytes::from(body))).unwrap_or_else(|error| {
        let mut wrong =
            Response::new(Full::new(Bytes::from(format!("no answer can be made of the script: {error}\n"))));
        *wrong.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        wrong
    })
}

/// Where it listens, once it does.
#[derive(Clone)]
pub(crate) struct Standing {
    pub(crate) edge: Arc<Edge>,
    pub(crate) address: SocketAddr,
}

#[cfg(test)]
#[path = "edge_tests.rs"]
mod tests;
