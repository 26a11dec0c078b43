//! A connection on which the engine calls us: `POST /session`, upgraded to HTTP/2 without TLS.
//!
//! Given: the engine's address and the names of the methods that are served. Gives: the connection, ready to be served on.
//! Deliberately absent: what is served (`build`).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// Bytes that the engine's answer to the upgrade may have.
const ANSWER_LIMIT: usize = 16 * 1024;

/// Who opens a session, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOffer<'a> {
    /// Differs between any two sessions.
    pub id: &'a str,
    /// The same for sessions that send the same context: what one has sent, the next need not send.
    pub shared_key: &'a str,
    /// The methods that are served, as `/moby.filesync.v1.FileSync/DiffCopy`.
    pub methods: &'a [&'a str],
}

/// An upgraded connection.
pub enum SessionStream {
    /// To a socket file.
    #[cfg(unix)]
    Unix(UnixStream),
    /// To a TCP port.
    Tcp(TcpStream),
}

/// Opens a session with the engine at an address of the form that [`super::Engine`] has.
///
/// # Errors
/// No connection, or an engine that refuses the upgrade.
pub async fn open(address: &str, offer: &SessionOffer<'_>) -> io::Result<SessionStream> {
    #[cfg(unix)]
    if let Some(path) = address.strip_prefix("unix://") {
        let mut stream = UnixStream::connect(path).await?;
        upgrade(&mut stream, offer).await?;
        return Ok(SessionStream::Unix(stream));
    }
    let Some(host) = address.strip_prefix("tcp://") else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let mut stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    upgrade(&mut stream, offer).await?;
    Ok(SessionStream::Tcp(stream))
}

async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    offer: &SessionOffer<'_>,
) -> io::Result<()> {
    let mut request = format!(
        "POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\
         X-Docker-Expose-Session-Uuid: {}\r\nX-Docker-Expose-Session-Name: dashdeploy\r\n\
         X-Docker-Expose-Session-Sharedkey: {}\r\n",
        offer.id, offer.shared_key
    );
    for method in offer.methods {
        request.push_str(&format!("X-Docker-Expose-Session-Grpc-Method: {method}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    // Byte by byte: what follows the head belongs to HTTP/2 already.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == ANSWER_LIMIT {
            return Err(io::Error::other("the answer to the upgrade has no end"));
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    match head.split_whitespace().nth(1) {
        Some("101") => Ok(()),
        _ => Err(io::Error::other(format!(
            "the engine refuses a session: {}",
            head.lines().next().unwrap_or_default()
        ))),
    }
}
