//! The engine's calls that this target makes, each with its errors in the contract's words.
//!
//! Given: a connected client. Gives: answers; "not there" is an answer, not an error. Deliberately absent: any decision.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::{
    ContainerInspectResponse, ContainerSummary, ImageInspect, NetworkConnectRequest, NetworkCreateRequest,
    NetworkDisconnectRequest, NetworkInspect, Volume,
};
use bollard::query_parameters::{
    InspectContainerOptions, InspectNetworkOptions, ListContainersOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
    RenameContainerOptionsBuilder, StopContainerOptions,
};
use dashdeploy_contract::TargetError;

use crate::error::{engine, is_conflict, is_missing};

/// Filters as the engine takes them.
pub(crate) type Filters = HashMap<String, Vec<String>>;

/// A connected engine.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) docker: Docker,
}

/// Filters for things that bear all of these labels.
pub(crate) fn labelled(labels: impl IntoIterator<Item = (String, String)>) -> Filters {
    let labels = labels.into_iter().map(|(label, value)| format!("{label}={value}")).collect();
    Filters::from([("label".to_owned(), labels)])
}

/// The answer, or none where the engine says that there is no such thing.
fn there<T>(operation: String, answer: Result<T, bollard::errors::Error>) -> Result<Option<T>, TargetError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(engine(operation, &error)),
    }
}

impl Engine {
    pub(crate) async fn container(
        &self,
        name: &str,
    ) -> Result<Option<ContainerInspectResponse>, TargetError> {
        let answer = self.docker.inspect_container(name, None::<InspectContainerOptions>).await;
        there(format!("inspect container {name}"), answer)
    }

    pub(crate) async fn containers(&self, filters: &Filters) -> Result<Vec<ContainerSummary>, TargetError> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(filters).build();
        self.docker.list_containers(Some(options)).await.map_err(|error| engine("list containers", &error))
    }

    pub(crate) async fn image(&self, reference: &str) -> Result<Option<ImageInspect>, TargetError> {
        there(format!("inspect image {reference}"), self.docker.inspect_image(reference).await)
    }

    /// The networks of exactly this name; engines before 25 may have several.
    pub(crate) async fn networks(&self, name: &str) -> Result<Vec<NetworkInspect>, TargetError> {
        let filters = Filters::from([("name".to_owned(), vec![format!("^{name}$")])]);
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let listed = self.docker.list_networks(Some(options)).await;
        let listed = listed.map_err(|error| engine(format!("list networks {name}"), &error))?;
        let mut found = Vec::new();
        for network in listed.into_iter().filter(|network| network.name.as_deref() == Some(name)) {
            let id = network.id.unwrap_or_default();
            let answer = self.docker.inspect_network(&id, None::<InspectNetworkOptions>).await;
            found.extend(there(format!("inspect network {name}"), answer)?);
        }
        Ok(found)
    }

    /// Makes a network; the engine is told to refuse a second one of the same name, which engines before 25 would make
    /// (API before 1.44). The client library's form of the call has no such field, so the body is put in here.
    pub(crate) async fn make_network(&self, request: NetworkCreateRequest) -> Result<(), TargetError> {
        let operation = format!("create network {}", request.name);
        let mut body = serde_json::to_value(&request).unwrap_or_default();
        body["CheckDuplicate"] = true.into();
        let body = body.to_string().into_bytes();
        let docker = self.docker.clone().with_request_modifier(move |mut call| {
            *call.body_mut() = bollard::body_full(body.clone().into());
            call
        });
        match docker.create_network(request).await {
            Ok(_) => Ok(()),
            Err(error) => Err(engine(operation, &error)),
        }
    }

    pub(crate) async fn volumes(&self, filters: &Filters) -> Result<Vec<Volume>, TargetError> {
        let options = ListVolumesOptionsBuilder::new().filters(filters).build();
        let listed = self.docker.list_volumes(Some(options)).await;
        let listed = listed.map_err(|error| engine("list volumes", &error))?;
        Ok(listed.volumes.unwrap_or_default())
    }

    pub(crate) async fn volume(&self, name: &str) -> Result<Option<Volume>, TargetError> {
        there(format!("inspect volume {name}"), self.docker.inspect_volume(name).await)
    }

    /// Stops a container within its own time; one that is gone or stopped is no error.
    pub(crate) async fn stop(&self, id: &str, name: &str) -> Result<(), TargetError> {
        let answer = self.docker.stop_container(id, None::<StopContainerOptions>).await;
        there(format!("stop container {name}"), answer).map(|_| ())
    }

    pub(crate) async fn rename(&self, id: &str, from: &str, to: &str) -> Result<(), TargetError> {
        let options = RenameContainerOptionsBuilder::new().name(to).build();
        let answer = self.docker.rename_container(id, options).await;
        answer.map_err(|error| engine(format!("rename container {from} to {to}"), &error))
    }

    /// Removes a container, after it was stopped; one that is gone, or going, is no error.
    pub(crate) async fn remove(
        &self,
        id: &str,
        name: &str,
        unnamed_volumes: bool,
    ) -> Result<(), TargetError> {
        self.stop(id, name).await?;
        let options = RemoveContainerOptionsBuilder::new().force(true).v(unnamed_volumes).build();
        match self.docker.remove_container(id, Some(options)).await {
            Err(error) if is_conflict(&error) => self.gone(id, name, &error).await,
            answer => there(format!("remove container {name}"), answer).map(|_| ()),
        }
    }

    /// Waits while someone else is removing the container already.
    async fn gone(&self, id: &str, name: &str, error: &bollard::errors::Error) -> Result<(), TargetError> {
        for _ in 0..50 {
            if self.container(id).await?.is_none() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        Err(engine(format!("remove container {name}"), error))
    }

    /// Connects a container to a network, under the names of the request.
    pub(crate) async fn connect(
        &self,
        network: &str,
        name: &str,
        request: NetworkConnectRequest,
    ) -> Result<(), TargetError> {
        let answer = self.docker.connect_network(network, request).await;
        answer.map_err(|error| engine(format!("connect container {name} to network {network}"), &error))
    }

    /// Disconnects a container from a network; its open connections there break.
    pub(crate) async fn disconnect(
        &self,
        network: &str,
        name: &str,
        request: NetworkDisconnectRequest,
    ) -> Result<(), TargetError> {
        let answer = self.docker.disconnect_network(network, request).await;
        answer.map_err(|error| engine(format!("disconnect container {name} from network {network}"), &error))
    }

    pub(crate) async fn remove_network(&self, id: &str, name: &str) -> Result<(), TargetError> {
        there(format!("remove network {name}"), self.docker.remove_network(id).await).map(|_| ())
    }

    pub(crate) async fn remove_volume(&self, name: &str) -> Result<(), TargetError> {
        let answer = self.docker.remove_volume(name, None::<RemoveVolumeOptions>).await;
        there(format!("remove volume {name}"), answer).map(|_| ())
    }
}
