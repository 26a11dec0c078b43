//! Connections to the engine that are upgraded to HTTP/2 without TLS: one on which the engine calls us (`/session`), one on
//! which we speak to its BuildKit (`/grpc`).
//!
//! Given: the engine's address and the headers of the request. Gives: the connection, ready to be used. Deliberately absent:
//! what is served or asked (`build`).

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
pub enum Upgraded {
    /// To a socket file.
    #[cfg(unix)]
    Unix(UnixStream),
    /// To a TCP port.
    Tcp(TcpStream),
}

/// Opens a session with the engine at an address of the form that [`super::Engine`] has.
///
/// # Errors
/// `Unsupported` for an address that cannot be upgraded, `PermissionDenied` for an engine that refuses, else no connection.
pub async fn open_session(address: &str, offer: &SessionOffer<'_>) -> io::Result<Upgraded> {
    let mut headers = format!(
        "X-Docker-Expose-Session-Uuid: {}\r\nX-Docker-Expose-Session-Name: dashdeploy\r\n\
         X-Docker-Expose-Session-Sharedkey: {}\r\n",
        offer.id, offer.shared_key
    );
    for method in offer.methods {
        headers.push_str(&format!("X-Docker-Expose-Session-Grpc-Method: {method}\r\n"));
    }
    upgraded(address, "/session", &headers).await
}

/// Opens a connection to the engine's BuildKit.
///
/// # Errors
/// As for [`open_session`].
pub async fn open_control(address: &str) -> io::Result<Upgraded> {
    upgraded(address, "/grpc", "").await
}

async fn upgraded(address: &str, path: &str, headers: &str) -> io::Result<Upgraded> {
    #[cfg(unix)]
    if let Some(socket) = address.strip_prefix("unix://") {
        let mut stream = UnixStream::connect(socket).await?;
        upgrade(&mut stream, path, headers).await?;
        return Ok(Upgraded::Unix(stream));
    }
    let Some(host) = address.strip_prefix("tcp://") else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let mut stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    upgrade(&mut stream, path, headers).await?;
    Ok(Upgraded::Tcp(stream))
}

async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    path: &str,
    headers: &str,
) -> io::Result<()> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n{headers}\r\n"
    );
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
        _ => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("the engine refuses {path}: {}", head.lines().next().unwrap_or_default()),
        )),
    }
}
