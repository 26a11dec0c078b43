//! Logins for the registries that base images and caches come from: BuildKit asks by host, and fetches tokens itself.

use std::sync::Arc;

use bollard::moby::filesync::v1::auth_server::Auth;
use bollard::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use secrecy::ExposeSecret as _;
use tonic::{Request, Response, Status};

use crate::io::logins::Logins;

/// Answers with the login of a host; with an empty one where nothing is known of it.
pub(super) struct Served(pub(super) Option<Arc<dyn Logins>>);

/// BuildKit's names of Docker Hub.
const HUB: [&str; 3] = ["registry-1.docker.io", "index.docker.io", "docker.io"];

#[tonic::async_trait]
impl Auth for Served {
    async fn credentials(
        &self,
        request: Request<CredentialsRequest>,
    ) -> Result<Response<CredentialsResponse>, Status> {
        let host = request.into_inner().host;
        let host = if HUB.contains(&host.as_str()) { "docker.io".to_owned() } else { host };
        let Some(logins) = self.0.clone() else {
            return Ok(Response::new(CredentialsResponse::default()));
        };
        let asked = tokio::task::spawn_blocking(move || logins.login(&host)).await;
        let login =
            asked.map_err(|error| Status::internal(error.to_string()))?.map_err(Status::unavailable)?;
        Ok(Response::new(login.map_or_else(CredentialsResponse::default, |login| CredentialsResponse {
            username: login.username,
            secret: login.password.expose_secret().to_owned(),
        })))
    }

    async fn fetch_token(
        &self,
        _: Request<FetchTokenRequest>,
    ) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("BuildKit fetches tokens itself"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("there is no token authority"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("there is no token authority"))
    }
}
