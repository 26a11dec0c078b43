//! One request: read, struck by faults, answered by its platform, sent.
//!
//! Given: connections. Gives: answers, and entries of the log. Deliberately absent: what the answers are, which is each
//! platform's, and the control API, which is `control`'s.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::faults::Harm;
use crate::lab::{Booth, Hold, Phase, Shared};
use crate::log::Seen;
use crate::wire::{Line, Outgoing, Wire};
use crate::{Call, Reply, control, held};

/// How often a request that blocks is looked at again.
const AGAIN: Duration = Duration::from_millis(3);

/// The connection is cut instead of an answer.
#[derive(Debug)]
pub(crate) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// Takes connections for a platform, for ever.
pub(crate) async fn listen(shared: Arc<Shared>, booth: Arc<Booth>, listener: TcpListener) {
    loop {
        // What cannot be taken now (too many open files) may be in a moment.
        let Ok((stream, _)) = listener.accept().await else {
            sleep(AGAIN).await;
            continue;
        };
        tokio::spawn(connection(Arc::clone(&shared), Arc::clone(&booth), stream));
    }
}

async fn connection(shared: Arc<Shared>, booth: Arc<Booth>, stream: TcpStream) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let line = Arc::new(Line::default());
    let wire = Wire::new(stream, Arc::clone(&line));
    let service = service_fn(move |request| {
        let (shared, booth, line) = (Arc::clone(&shared), Arc::clone(&booth), Arc::clone(&line));
        // A task of its own: a platform acts on what it was sent, also where the client is gone by then.
        let exchange = tokio::spawn(exchange(shared, booth, request, line));
        async move { exchange.await.unwrap_or(Err(Cut)) }
    });
    // The client went away, or was cut off: both are in the log.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(wire), service).await;
}

async fn exchange(
    shared: Arc<Shared>,
    booth: Arc<Booth>,
    request: Request<Incoming>,
    line: Arc<Line>,
) -> Result<Response<Outgoing>, Cut> {
    let call = match read(request, shared.largest_body).await {
        Ok(call) => call,
        Err(Unread::Large) => return Ok(respond(Reply::empty(413), &[], line, None)),
        Err(Unread::Gone) => return Err(Cut),
    };
    if call.path.starts_with(control::PREFIX) {
        return Ok(respond(control::answer(&shared, &booth, &call), &[], line, None));
    }
    let writes = held(&booth.platform).writes(&call);
    let seen = held(&shared.log).open(booth.name, &call, writes, shared.now());
    let harms = held(&shared.faults).strike(booth.name, &call.method, &call.path);
    held(&shared.log).note(seen.number, |entry| entry.harm = harms.iter().map(name).collect());
    let settled = settle(&shared, &booth, &call, &seen, &harms).await;
    let Ok(reply) = settled else {
        line.reset();
        return Err(Cut);
    };
    let (status, number) = (reply.status, seen.number);
    let sent = Box::new(move || {
        held(&shared.log).note(number, |entry| entry.status = Some(status));
        if let Some(hook) = shared.on_call.clone() {
            tokio::task::spawn_blocking(move || hook(&seen, Phase::Answered));
        }
    });
    Ok(respond(reply, &harms, line, Some(sent)))
}

/// What a call is answered with, once everything that was to happen before has happened.
async fn settle(
    shared: &Shared,
    booth: &Booth,
    call: &Call,
    seen: &Seen,
    harms: &[Harm],
) -> Result<Reply, Cut> {
    hook(shared, seen, Phase::Before).await?;
    let added = harms.iter().map(|harm| if let Harm::Latency { ms } = harm { *ms } else { 0 });
    let faults = added.fold(0, u64::saturating_add);
    sleep_for(shared.latency + Duration::from_millis(faults)).await;
    if harms.contains(&Harm::Refuse) {
        return Err(Cut);
    }
    let instead = harms.iter().find_map(|harm| match harm {
        Harm::Status { status, retry_after, acts, html } => {
            Some((*acts, failure(*status, *retry_after, *html)))
        }
        _ => None,
    });
    if let Some((false, reply)) = instead {
        return Ok(reply);
    }
    #[cfg(feature = "spec")]
    if let Some(reply) = shared.violated(call, seen) {
        return Ok(reply);
    }
    let reply = act(shared, booth, call, seen).await;
    hook(shared, seen, Phase::Acted).await?;
    if harms.contains(&Harm::CommitThenDrop) {
        return Err(Cut);
    }
    sleep_for(reply.after).await;
    Ok(instead.map_or(reply, |(_, failure)| failure))
}

/// The platform's own answer.
async fn act(shared: &Shared, booth: &Booth, call: &Call, seen: &Seen) -> Reply {
    let came = shared.now();
    while !held(&booth.platform).due(call, came, shared.now()) {
        sleep(AGAIN).await;
    }
    let reply = held(&booth.platform).answer(call, shared.now());
    held(&shared.log).note(seen.number, |entry| {
        entry.platform_status = Some(reply.status);
        entry.effect = seen.writes && reply.status < 400;
    });
    reply
}

async fn hook(shared: &Shared, seen: &Seen, phase: Phase) -> Result<(), Cut> {
    let Some(hook) = shared.on_call.clone() else { return Ok(()) };
    let seen = seen.clone();
    // A hook that panicked has said nothing that could be followed.
    match tokio::task::spawn_blocking(move || hook(&seen, phase)).await {
        Ok(Hold::Go) => Ok(()),
        Ok(Hold::Drop) | Err(_) => Err(Cut),
    }
}

async fn sleep_for(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

fn name(harm: &Harm) -> String {
    match harm {
        Harm::Latency { .. } => "latency".to_owned(),
        Harm::Refuse => "refuse".to_owned(),
        Harm::CommitThenDrop => "commit_then_drop".to_owned(),
        Harm::Status { status, .. } => format!("status {status}"),
        Harm::Truncate => "truncate".to_owned(),
        Harm::Garbage => "garbage".to_owned(),
        Harm::Drip { .. } => "drip".to_owned(),
    }
}

fn failure(status: u16, retry_after: Option<u64>, html: bool) -> Reply {
    let reply = if html {
        let body = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>");
        Reply { status, body: body.into_bytes(), ..Reply::default() }.with("content-type", "text/html")
    } else {
        let text = format!("rehearsed failure {status}");
        Reply::json(status, &serde_json::json!({ "error": text, "message": text }))
    };
    retry_after.into_iter().fold(reply, |reply, seconds| reply.with("retry-after", seconds.to_string()))
}

type Sent = Box<dyn FnOnce() + Send>;

fn respond(mut reply: Reply, harms: &[Harm], line: Arc<Line>, sent: Option<Sent>) -> Response<Outgoing> {
    if harms.contains(&Harm::Garbage) {
        reply.body = b"\x00\xff{]<!-- \x1b[2J".to_vec();
    }
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        builder = builder.header(name, value);
    }
    let length = reply.body.len();
    let mut body = Outgoing::whole(reply.body, Arc::clone(&line), sent);
    for harm in harms {
        body = match harm {
            Harm::Truncate => {
                builder = builder.header(CONTENT_LENGTH, length.max(2));
                body.truncated()
            }
            Harm::Drip { ms } => body.dripping(Duration::from_millis(*ms)),
            _ => body,
        };
    }
    // A status or header that is none comes from a rule that asks for it.
    builder.body(body).unwrap_or_else(|_| {
        let mut response = Response::new(Outgoing::whole(b"no such status or header".to_vec(), line, None));
        *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

enum Unread {
    Large,
    Gone,
}

async fn read(request: Request<Incoming>, largest: usize) -> Result<Call, Unread> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, largest).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() { Unread::Large } else { Unread::Gone }
    })?;
    let headers = head.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Ok(Call {
        method: head.method.as_str().to_owned(),
        path: percent_encoding::percent_decode_str(head.uri.path()).decode_utf8_lossy().into_owned(),
        query: form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
        headers: headers.collect(),
        body: body.to_bytes().to_vec(),
    })
}
