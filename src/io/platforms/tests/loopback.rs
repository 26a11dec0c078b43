//! Connections as they break, on loopback.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What a server does with each connection, after it has read the head of a request.
#[derive(Clone, Copy)]
enum Does {
    /// Closes it with a reset.
    Resets,
    /// Says nothing.
    Keeps,
    /// Says this and closes it.
    Says(&'static str),
    /// Says the first with the second repeated so many times, for sizes.
    Streams(&'static str, usize),
}

/// Waits for little, so that tests are quick.
struct Quick(Http);

#[async_trait]
impl Attempts for Quick {
    async fn attempt(&self, request: &Request, limits: Limits) -> Result<Answer, HttpError> {
        let short = Duration::from_millis(200);
        self.0.attempt(request, Limits { silence: short, whole: limits.whole.min(2 * short), ..limits }).await
    }
}

async fn server(does: Does) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, heads) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move { serve(stream, does, &kept).await });
        }
    });
    (port, heads)
}

async fn serve(mut stream: TcpStream, does: Does, heads: &Mutex<Vec<String>>) {
    let mut seen = vec![0; 8192];
    let read = stream.read(&mut seen).await.unwrap_or(0);
    heads.lock().unwrap().push(String::from_utf8_lossy(&seen[..read]).into_owned());
    match does {
        Does::Resets => {
            stream.set_zero_linger().unwrap();
        }
        Does::Keeps => {
            let _ = stream.read(&mut seen).await;
        }
        Does::Says(text) => {
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Does::Streams(head, bytes) => {
            let _ = stream.write_all(head.as_bytes()).await;
            let block = vec![b' '; 1 << 16];
            for _ in 0..bytes >> 16 {
                if stream.write_all(&block).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn once(url: &str) -> Result<Answer, HttpError> {
    let request = Request::new(reqwest::Method::POST, Url::parse(url).unwrap());
    Quick(Http::default()).attempt(&request, LIMITS).await
}

#[tokio::test]
async fn what_may_have_happened_is_exactly_what_can_have() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let before = [
        ("refused", format!("http://127.0.0.1:{closed}/x"), true),
        ("no such name", "https://nowhere.invalid/x".to_owned(), true),
        (
            "no TLS",
            format!("https://127.0.0.1:{}/x", server(Does::Says("HTTP/1.1 200 OK\r\n\r\n")).await.0),
            true,
        ),
        ("plain to elsewhere", "http://api.example.com/x".to_owned(), false),
    ];
    for (name, url, passing) in before {
        let error = once(&url).await.unwrap_err();
        assert!(!error.may_have_happened(), "{name}: {error}");
        assert_eq!(error.is_passing(), passing, "{name}: {error}");
    }
    let after = [
        ("reset before an answer", Does::Resets, true),
        ("no answer in time", Does::Keeps, true),
        ("closed before an answer", Does::Says(""), true),
        ("half a head", Does::Says("HTTP/1.1 200 OK\r\nContent-Le"), true),
        ("no HTTP", Does::Says("SSH-2.0-OpenSSH\r\n"), true),
        ("half a body", Does::Says("HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"id\":"), true),
        (
            "half a chunk",
            Does::Says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"id\":"),
            true,
        ),
        ("half a 502", Does::Says("HTTP/1.1 502 Bad\r\nContent-Length: 100\r\n\r\n<"), true),
        ("half a 408", Does::Says("HTTP/1.1 408 Late\r\nContent-Length: 100\r\n\r\n<"), true),
        ("half a 422", Does::Says("HTTP/1.1 422 No\r\nContent-Length: 100\r\n\r\n{"), false),
        ("half a 429", Does::Says("HTTP/1.1 429 Slow\r\nContent-Length: 100\r\n\r\n{"), false),
    ];
    for (name, does, happened) in after {
        let error = once(&format!("http://127.0.0.1:{}/x", server(does).await.0)).await.unwrap_err();
        assert_eq!(error.may_have_happened(), happened, "{name}: {error}");
        assert!(error.is_passing(), "{name}");
    }
}

#[tokio::test]
async fn a_reset_is_one_attempt_for_a_call_for_once() {
    let (port, heads) = server(Does::Resets).await;
    let call = write(&format!("http://127.0.0.1:{port}/x?token=canary"), Repeat::Once);
    let error = Platforms::over(Arc::new(Quick(Http::default()))).send(call).await.unwrap_err();
    assert!(error.may_have_happened && !error.interrupted);
    assert_eq!(error.address, format!("http://127.0.0.1:{port}/x"));
    assert!(!format!("{error:?}").contains("canary"));
    assert_eq!(heads.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_is_32_mib_at_most_however_it_is_sent() {
    let http = Http::default();
    for (head, bytes, fits) in [
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 32 << 20, true),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 33 << 20, false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n", 33 << 20, false),
    ] {
        let (port, _) = server(Does::Streams(head, bytes)).await;
        let request =
            Request::new(reqwest::Method::GET, Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap());
        match http.attempt(&request, LIMITS).await {
            Ok(answer) => assert!(fits && answer.body.len() == bytes),
            Err(error) => {
                assert!(!fits && !error.is_passing(), "{error}");
                assert_eq!(error.reason, "its answer is larger than 32 MiB");
            }
        }
    }
}

#[tokio::test]
async fn a_bomb_stays_packed() {
    let bomb = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\u{1f}abc";
    let (port, heads) = server(Does::Says(bomb)).await;
    let answer = once(&format!("http://127.0.0.1:{port}/")).await.unwrap();
    assert_eq!(&answer.body[..], b"\x1fabc", "as it came");
    let ports = Platforms::over(Arc::new(Quick(Http::default())));
    let error = ports.send(write(&format!("http://127.0.0.1:{port}/"), Repeat::Once)).await.unwrap_err();
    assert_eq!(error.reason, "its answer is compressed, which nobody asked for");
    assert!(heads.lock().unwrap()[1].contains("accept-encoding: identity"));
}

#[tokio::test]
async fn a_login_stays_with_its_origin_and_a_write_follows_nothing() {
    let (other, seen) = server(Does::Says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")).await;
    let leads =
        format!("HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:{other}/y\r\nContent-Length: 0\r\n\r\n");
    let (port, heads) = server(Does::Says(leads.leak())).await;
    let ports = Platforms::over(Arc::new(Quick(Http::default())));
    let url = format!("http://127.0.0.1:{port}/x");
    let login = Some(secrecy::SecretString::from("Bearer canary"));
    let answer = ports.get(ReadCall { authorization: login.clone(), ..read(&url) }).await.unwrap();
    assert_eq!((answer.status, answer.body), (200, b"{}".to_vec()));
    assert!(heads.lock().unwrap()[0].contains("authorization: Bearer canary"));
    assert!(!seen.lock().unwrap()[0].contains("canary"));
    let to = ReadCall { authorization: login, ..read(&url) };
    let answer = ports.send(WriteCall { to, ..write(&url, Repeat::Harmless) }).await.unwrap();
    assert_eq!((answer.status, seen.lock().unwrap().len()), (307, 1));
}

#[tokio::test]
async fn twenty_calls_to_one_host_are_under_way_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/x", listener.local_addr().unwrap().port());
    let all = Arc::new(tokio::sync::Barrier::new(20));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let all = Arc::clone(&all);
            // Nobody is answered before everybody has asked.
            tokio::spawn(async move {
                let mut stream = stream;
                let _ = stream.read(&mut [0; 4096]).await;
                all.wait().await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
            });
        }
    });
    let ports = Platforms::new();
    let asked = futures_util::future::join_all((0..20).map(|_| ports.get(read(&url))));
    let answered = tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap();
    assert!(answered.into_iter().all(|answer| answer.unwrap().status == 200));
}
