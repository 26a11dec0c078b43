//! Requests through a page's nginx, about a hundred a second, counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// From the page's rendered nginx.conf.
pub(crate) const PAGE: &str =
    include_str!("../../../../examples/small-cap-dashboard/dashboard_web/nginx.conf");

/// Bytes of the answer to `/api/slow`, which the stand-in sends in about 8 s.
pub(crate) const SLOW_BYTES: usize = 9_000;

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(10);
/// What a client waits for at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// A service that says which version it is; a sick one serves, and its health check fails.
pub(crate) fn service(version: &str, sick: bool) -> Vec<String> {
    let health = if sick { 500 } else { 200 };
    let conf = format!(
        "worker_processes 1; daemon off; pid /tmp/nginx.pid; error_log stderr warn;
         events {{ worker_connections 1024; }}
         http {{
           access_log off; default_type text/plain;
           client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
           uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
           server {{
             listen 8000;
             location = /api/version {{ return 200 '{version}'; }}
             location = /api/health {{ return {health} 'health'; }}
             location = /api/slow {{ alias /tmp/slow; limit_rate 1000; }}
           }}
         }}"
    );
    let file = format!("head -c {SLOW_BYTES} /dev/zero | tr '\\0' x > /tmp/slow");
    sh(&format!("{file}; cat > /tmp/nginx.conf <<'EOF'\n{conf}\nEOF\nexec nginx -c /tmp/nginx.conf"))
}

/// The page's nginx with the configuration that is written for it.
pub(crate) fn page() -> Vec<String> {
    sh(&format!("cat > /tmp/nginx.conf <<'EOF'\n{PAGE}\nEOF\nexec nginx -c /tmp/nginx.conf -g 'daemon off;'"))
}

fn sh(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

/// What came of the requests.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: usize,
    /// By answer.
    pub(crate) answers: BTreeMap<String, usize>,
    pub(crate) failures: Vec<String>,
    pub(crate) slowest: Duration,
    /// Answers that took more than a second.
    pub(crate) late: usize,
}

/// Requests that are being sent.
pub(crate) struct Load {
    stop: watch::Sender<bool>,
    task: JoinHandle<Counts>,
}

impl Load {
    /// Begins to send; every tenth request is a `POST`.
    pub(crate) fn begin(port: u16) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(send(port, stopped)) }
    }

    /// Ends, and gives what came of all requests that were begun.
    pub(crate) async fn end(self, what: &str) -> Counts {
        self.stop.send_replace(true);
        let counts = self.task.await.unwrap();
        eprintln!(
            "{what}: {} failed of {}; answers {:?}; slowest {:?}, {} above 1 s",
            counts.failures.len(),
            counts.sent,
            counts.answers,
            counts.slowest,
            counts.late
        );
        counts
    }
}

impl Counts {
    /// Fails where a request failed, or where there were too few to say so.
    pub(crate) fn none_failed(&self) {
        assert!(self.failures.is_empty(), "{:#?}", self.failures);
        assert!(self.sent > 200, "only {} requests", self.sent);
    }
}

async fn send(port: u16, stopped: watch::Receiver<bool>) -> Counts {
    let mut asked = JoinSet::new();
    let mut ticks = tokio::time::interval(PAUSE);
    let begun = Instant::now();
    let mut counts = Counts::default();
    while !*stopped.borrow() {
        ticks.tick().await;
        let method = if counts.sent % 10 == 9 { "POST" } else { "GET" };
        counts.sent += 1;
        asked.spawn(async move {
            let (at, started) = (begun.elapsed(), Instant::now());
            let answer = ask(port, method, "/api/version").await;
            (answer.map_err(|why| format!("{method} at {at:?}: {why}")), started.elapsed())
        });
    }
    while let Some(done) = asked.join_next().await {
        let (answer, took) = done.unwrap();
        counts.slowest = counts.slowest.max(took);
        counts.late += usize::from(took > Duration::from_secs(1));
        match answer {
            Ok(body) => *counts.answers.entry(body).or_default() += 1,
            Err(why) => counts.failures.push(why),
        }
    }
    counts
}

/// The body of an answer that is whole and 200.
pub(crate) async fn ask(port: u16, method: &str, path: &str) -> Result<String, String> {
    tokio::time::timeout(PATIENCE, exchange(port, method, path))
        .await
        .map_err(|_| format!("no answer within {PATIENCE:?}"))?
        .map_err(|error| error.to_string())?
}

async fn exchange(port: u16, method: &str, path: &str) -> std::io::Result<Result<String, String>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
    let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Ok(Err(format!("no whole head: {answer:?}")));
    };
    let told = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse::<usize>().ok());
    let whole = told == Some(body.len());
    let good = head.starts_with("HTTP/1.1 200 ") && whole;
    Ok(if good {
        Ok(body.to_owned())
    } else {
        Err(format!("{} of {told:?} bytes after {head:?}", body.len()))
    })
}

/// Asks for what takes 8 s, once a second, as often as said; gives what came of each.
pub(crate) fn slow(port: u16, times: u32) -> JoinHandle<Vec<Result<usize, String>>> {
    tokio::spawn(async move {
        let results = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut asked = JoinSet::new();
        for _ in 0..times {
            let results = results.clone();
            asked.spawn(async move {
                let answer = ask(port, "GET", "/api/slow").await.map(|body| body.len());
                results.lock().unwrap().push(answer);
            });
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        while asked.join_next().await.is_some() {}
        std::mem::take(&mut *results.lock().unwrap())
    })
}
