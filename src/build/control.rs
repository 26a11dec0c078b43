//! BuildKit's control service inside the engine: one solve, its status followed until it ends.
//!
//! Given: the engine's address, a [`SolveRequest`], the build's progress. Gives: the exporter's answer. Dropping the future
//! ends the solve first; the engine kills the running step. Protocol: <https://github.com/moby/buildkit/tree/master/api>.

use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;

use bollard::moby::buildkit::v1::control_client::ControlClient;
use bollard::moby::buildkit::v1::{SolveRequest, StatusRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::Status;
use tonic::transport::{Channel, Endpoint, Uri};

use super::progress::Progress;
use super::session::{CONNECTION_WINDOW, STREAM_WINDOW};
use crate::io::docker::session::{Upgraded, open_control};

/// A message of the status stream holds what happened in a tenth of a second: the output of several steps at most.
const LARGEST_MESSAGE: usize = 64 << 20;
/// How long the last lines of a step may take after the solve has ended.
const LAST_LINES: Duration = Duration::from_secs(2);
/// A remote engine that does not answer for this long is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// Why a solve gave nothing.
#[derive(Debug)]
pub(super) enum SolveError {
    /// BuildKit says why.
    Said(String),
    /// The connection broke.
    Broken(String),
}

/// Solves, and gives the exporter's answer.
pub(super) async fn solve(
    address: &str,
    request: SolveRequest,
    progress: &mut Progress,
) -> Result<HashMap<String, String>, SolveError> {
    let channel = connect(address).await.map_err(|error| SolveError::Broken(error.to_string()))?;
    let client = ControlClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE);
    let (mut solver, mut follower) = (client.clone(), client);
    let status = StatusRequest { r#ref: request.r#ref.clone() };
    let solving = solver.solve(request);
    let following = async {
        // What happens is told as long as it comes; that it comes no more shows in the solve.
        let Ok(stream) = follower.status(status).await else { return };
        let mut stream = stream.into_inner();
        while let Ok(Some(message)) = stream.message().await {
            progress.take(message);
        }
    };
    tokio::pin!(solving, following);
    let mut followed = false;
    let solved = loop {
        tokio::select! {
            solved = &mut solving => break solved,
            () = &mut following, if !followed => followed = true,
        }
    };
    if !followed {
        let _ = tokio::time::timeout(LAST_LINES, following).await;
    }
    Ok(solved.map_err(failure)?.into_inner().exporter_response)
}

fn failure(status: Status) -> SolveError {
    // What the engine says has no cause of this side.
    match status.source() {
        Some(mut cause) => {
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            SolveError::Broken(cause.to_string())
        }
        None if status.message().ends_with("context canceled") => {
            SolveError::Broken("the engine lost the session over which it fetches files".to_owned())
        }
        None => SolveError::Said(status.message().to_owned()),
    }
}

async fn connect(address: &str) -> std::io::Result<Channel> {
    match open_control(address).await? {
        #[cfg(unix)]
        Upgraded::Unix(stream) => channel(stream).await,
        Upgraded::Tcp(stream) => channel(stream).await,
    }
}

/// A channel over one connection; once that breaks there is no other.
async fn channel<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S) -> std::io::Result<Channel> {
    let mut stream = Some(stream);
    let connector = tower::service_fn(move |_: Uri| {
        let stream = stream.take().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected));
        std::future::ready(stream.map(TokioIo::new))
    });
    let endpoint = Endpoint::from_static("http://docker")
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .http2_keep_alive_interval(SILENCE)
        .keep_alive_timeout(SILENCE);
    endpoint.connect_with_connector(connector).await.map_err(std::io::Error::other)
}
