//! A session with BuildKit: while it is open, BuildKit fetches from it the Dockerfile, those files of the context that it does
//! not have, the secrets that steps mount, and logins for registries; and hands built files over.

mod auth;
pub(super) mod files;
pub(super) mod filesync;
mod secrets;

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use bollard::health::health_check_response::ServingStatus;
use bollard::health::health_server::{Health, HealthServer};
use bollard::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard::moby::buildkit::secrets::v1::secrets_server::SecretsServer;
use bollard::moby::filesync::packet::file_send_server::FileSendServer;
use bollard::moby::filesync::packet::file_sync_server::FileSyncServer;
use bollard::moby::filesync::v1::auth_server::AuthServer;
use futures_util::{Stream, StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};

use super::BuildRequest;
use super::secrets::BuildSecrets;
use crate::io::docker::session::{SessionOffer, Upgraded, open_session};
use crate::io::logins::Logins;
use files::Receiver;
use filesync::Files;

/// HTTP/2 windows. The library counts small frames that wait to be read against half the window and ends connections that
/// exceed it; BuildKit sends twenty thousand of nine bytes each for a large context.
pub(super) const CONNECTION_WINDOW: u32 = 64 << 20;
pub(super) const STREAM_WINDOW: u32 = 32 << 20;

/// A token authority is not served: BuildKit then takes the login and fetches the token itself.
const METHODS: [&str; 5] = [
    "/grpc.health.v1.Health/Check",
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.filesync.v1.FileSend/DiffCopy",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.filesync.v1.Auth/Credentials",
];

/// What BuildKit may ask for during a build.
pub(super) struct Services {
    pub(super) files: Files,
    pub(super) secrets: BuildSecrets,
    pub(super) logins: Option<Arc<dyn Logins>>,
    /// Takes built files; none where an image is built.
    pub(super) receiver: Option<Receiver>,
}

/// An open session; dropped, it is closed.
pub(super) struct Session {
    /// Its name, for the build request.
    pub(super) id: String,
    server: JoinHandle<()>,
}

impl Session {
    /// Opens a session that serves these.
    ///
    /// # Errors
    /// Where the engine does not do sessions, or cannot be reached at the address.
    pub(super) async fn open(
        address: &str,
        request: &BuildRequest,
        services: Services,
    ) -> std::io::Result<Self> {
        let id = super::solve::unique_id();
        let shared_key = shared_key(&request.context, &request.dockerfile);
        let offer = SessionOffer { id: &id, shared_key: &shared_key, methods: &METHODS };
        let server = match open_session(address, &offer).await? {
            #[cfg(unix)]
            Upgraded::Unix(stream) => tokio::spawn(serve(stream, services)),
            Upgraded::Tcp(stream) => tokio::spawn(serve(stream, services)),
        };
        Ok(Self { id, server })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The same for the same folder and Dockerfile, whose ignore file decides what is sent of the folder.
fn shared_key(context: &Path, dockerfile: &Path) -> String {
    let mut digest = Sha256::new();
    digest.update(context.as_os_str().as_encoded_bytes());
    digest.update([0]);
    digest.update(dockerfile.as_os_str().as_encoded_bytes());
    let hex: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("dashdeploy:{hex}")
}

async fn serve<S>(connection: S, services: Services)
where
    S: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let incoming = stream::once(async { Ok::<_, std::io::Error>(connection) }).chain(stream::pending());
    let served = Server::builder()
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .add_service(HealthServer::new(Serving))
        .add_service(FileSyncServer::from_arc(Arc::new(services.files)))
        .add_service(SecretsServer::new(secrets::Served(services.secrets)))
        .add_service(AuthServer::new(auth::Served(services.logins)))
        .add_service(FileSendServer::new(files::Served::new(services.receiver)))
        .serve_with_incoming(incoming)
        .await;
    // A connection that breaks shows as the build's own failure.
    drop(served);
}

/// BuildKit asks every few seconds whether the session lives.
struct Serving;

#[tonic::async_trait]
impl Health for Serving {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("only single checks are answered"))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("only single checks are answered"))
    }
}
