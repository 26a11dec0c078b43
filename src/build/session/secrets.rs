//! The secrets of a build, handed to the steps that mount them. Their values stay in memory.

use bollard::moby::buildkit::secrets::v1::secrets_server::Secrets;
use bollard::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use tonic::{Request, Response, Status};

use crate::build::BuildSecrets;

/// Answers with the value of an id.
pub(super) struct Served(pub(super) BuildSecrets);

#[tonic::async_trait]
impl Secrets for Served {
    /// An id without a value is `NotFound`: BuildKit then leaves the mount out, or fails where the step requires it.
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        match self.0.expose(&id) {
            Some(value) => Ok(Response::new(GetSecretResponse { data: value.as_bytes().to_vec() })),
            None => Err(Status::not_found(format!("there is no build secret `{id}`"))),
        }
    }
}
