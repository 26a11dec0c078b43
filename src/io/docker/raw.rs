//! Requests to the engine without bollard: for answers of which it drops what is wanted.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

/// Sends a request to the engine at an address of the form that [`super::Engine`] has. The connection lives as long as
/// `connection`, and its answer's body with it.
///
/// # Errors
/// No connection, no answer within `patience`, an address that cannot be spoken to like this.
pub(super) async fn send(
    address: &str,
    request: Request<Empty<Bytes>>,
    patience: Duration,
    connection: &mut JoinSet<()>,
) -> io::Result<Response<Incoming>> {
    #[cfg(unix)]
    if let Some(path) = address.strip_prefix("unix://") {
        return over(tokio::net::UnixStream::connect(path).await?, request, patience, connection).await;
    }
    let Some(host) = address.strip_prefix("tcp://") else {
        return Err(io::Error::new(io::ErrorKind::Unsupported, format!("no way to {address}")));
    };
    let stream = tokio::net::TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    over(stream, request, patience, connection).await
}

async fn over<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    patience: Duration,
    connection: &mut JoinSet<()>,
) -> io::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    connection.spawn(async move {
        // How it ends is seen where the answer is read.
        let _ = driver.await;
    });
    let answer = tokio::time::timeout(patience, sender.send_request(request)).await;
    answer.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map_err(io::Error::other)
}

/// The newest API that the engine speaks, from the head of its answer to a ping: a fraction of a millisecond, where its full
/// account of versions starts several programs first. None where it does not answer so.
/// <https://docs.docker.com/reference/api/engine/version/v1.41/#tag/System/operation/SystemPing>
pub(super) async fn newest_api(address: &str, patience: Duration) -> Option<(usize, usize)> {
    let mut connection = JoinSet::new();
    let request = Request::get("/_ping").header("Host", "docker").body(Empty::new()).ok()?;
    let answer = send(address, request, patience, &mut connection).await.ok()?;
    let version = answer.headers().get("Api-Version")?.to_str().ok()?;
    let (major, minor) = version.split_once('.').filter(|_| answer.status().is_success())?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
