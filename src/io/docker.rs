//! The Docker Engine: finds it, speaks to it once, says what it is and what to do where it does not answer.
//!
//! Given: [`EngineSettings`] (the variables and files the docker command reads). Gives: an [`Engine`] with a client that has
//! agreed on a version, or an [`EngineError`] with the mend. Deliberately absent: what is done with the engine (`build`,
//! the `docker` target), TLS and ssh transports (refused with a sentence).

mod address;
mod error;
mod images;
pub mod push;
mod raw;
pub mod session;

use std::path::PathBuf;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker};

use address::Address;
pub use error::{EngineError, EngineErrorKind};
pub use images::EngineImage;

/// The oldest API that is supported: Engine 20.10 (December 2020), the first whose BuildKit and health events suffice.
pub const OLDEST_API: (usize, usize) = (1, 41);

/// How long the first answer may take. A socket answers in milliseconds; a remote address may need a TCP handshake.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// Seconds that any later request may take until its response begins.
const REQUEST_SECONDS: u64 = 120;

/// Where the docker command would look for the engine.
#[derive(Debug, Clone, Default)]
pub struct EngineSettings {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// `DOCKER_TLS_VERIFY` is set to something.
    pub tls: bool,
    /// `DOCKER_CONFIG`, else `~/.docker`.
    pub config_dir: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`, where rootless engines have their socket.
    pub runtime_dir: Option<PathBuf>,
    /// The home folder, where Docker Desktop has its socket.
    pub home: Option<PathBuf>,
}

/// A connected engine.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The client, with a version both sides speak.
    pub docker: Docker,
    /// The address it was found at, as `unix:///var/run/docker.sock`.
    pub address: String,
}

/// What an engine is, for `doctor` and for decisions that depend on it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EngineInfo {
    /// The address it answers at.
    pub address: String,
    /// The product: `Docker Engine`, `Docker Desktop` or `Podman`.
    pub product: String,
    /// Its version, as `20.10.24+dfsg1`.
    pub version: String,
    /// The newest API it speaks, as `1.41`.
    pub api_version: String,
    /// `linux` or `windows`.
    pub os: String,
    /// `amd64`, `arm64`, ….
    pub arch: String,
    /// The host's operating system in words.
    pub host: String,
    /// True where it builds with BuildKit.
    pub buildkit: bool,
    /// True where images are kept by containerd: image ids are then manifest digests.
    pub containerd_store: bool,
    /// True where the engine runs without root.
    pub rootless: bool,
    /// The folder where it keeps images and volumes.
    pub storage_root: String,
    /// Bytes free in that folder, where it is on this machine.
    pub storage_free: Option<u64>,
    /// Processors.
    pub cpus: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// The engine's clock, RFC 3339.
    pub server_time: Option<String>,
    /// What the engine warns of.
    pub warnings: Vec<String>,
}

impl EngineSettings {
    /// The settings of this process's environment.
    pub fn from_env() -> Self {
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = path("HOME").or_else(|| path("USERPROFILE"));
        Self {
            host: text("DOCKER_HOST"),
            context: text("DOCKER_CONTEXT"),
            tls: text("DOCKER_TLS_VERIFY").is_some(),
            config_dir: path("DOCKER_CONFIG").or_else(|| home.as_ref().map(|home| home.join(".docker"))),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            home,
        }
    }
}

/// Finds the engine and agrees on a version with it.
///
/// # Errors
/// [`EngineError`]: no engine, one that may not be used, one that is too old, an address that is none. Each has its mend.
pub async fn connect(settings: &EngineSettings) -> Result<Engine, EngineError> {
    let address = address::resolve(settings)?;
    let shown = address.to_string();
    let negotiated = negotiated(&address, &shown).await?;
    let spoken = negotiated.client_version();
    if (spoken.major_version, spoken.minor_version) < OLDEST_API {
        return Err(EngineError::too_old(&shown, &spoken.to_string()));
    }
    Ok(Engine { docker: negotiated, address: shown })
}

/// A client of the newest version that both sides speak.
async fn negotiated(address: &Address, shown: &str) -> Result<Docker, EngineError> {
    let failed = |error: bollard::errors::Error| EngineError::from_bollard(shown, &error);
    if let Some(newest) = raw::newest_api(shown, FIRST_ANSWER).await {
        let known = (API_DEFAULT_VERSION.major_version, API_DEFAULT_VERSION.minor_version);
        let (major_version, minor_version) = newest.min(known);
        return client(address, &ClientVersion { major_version, minor_version }).map_err(failed);
    }
    let docker = client(address, API_DEFAULT_VERSION).map_err(failed)?;
    let asked = tokio::time::timeout(FIRST_ANSWER, docker.negotiate_version()).await;
    asked.map_err(|_| EngineError::silent(shown, FIRST_ANSWER))?.map_err(failed)
}

fn client(address: &Address, version: &ClientVersion) -> Result<Docker, bollard::errors::Error> {
    match address {
        #[cfg(unix)]
        Address::Unix(path) => Docker::connect_with_unix(&path.to_string_lossy(), REQUEST_SECONDS, version),
        #[cfg(windows)]
        Address::Pipe(name) => Docker::connect_with_named_pipe(name, REQUEST_SECONDS, version),
        Address::Http(host) => Docker::connect_with_http(&format!("http://{host}"), REQUEST_SECONDS, version),
    }
}

impl Engine {
    /// What the engine is.
    ///
    /// # Errors
    /// [`EngineError`] where it no longer answers.
    pub async fn info(&self) -> Result<EngineInfo, EngineError> {
        let failed = |error: bollard::errors::Error| EngineError::from_bollard(&self.address, &error);
        let (version, info) = tokio::try_join!(self.docker.version(), self.docker.info()).map_err(failed)?;
        let host = info.operating_system.clone().unwrap_or_default();
        let podman = version
            .components
            .iter()
            .flatten()
            .any(|component| component.name.to_lowercase().contains("podman"));
        let product = if podman {
            "Podman"
        } else if host.contains("Docker Desktop") {
            "Docker Desktop"
        } else {
            "Docker Engine"
        };
        let os = version.os.clone().or(info.os_type.clone()).unwrap_or_default();
        let storage_root = info.docker_root_dir.clone().unwrap_or_default();
        let security = info.security_options.clone().unwrap_or_default();
        Ok(EngineInfo {
            address: self.address.clone(),
            product: product.to_owned(),
            version: version.version.unwrap_or_default(),
            api_version: version.api_version.unwrap_or_default(),
            // Podman has no session endpoint; the Windows engine has the classic builder only.
            buildkit: !podman && os == "linux",
            os,
            arch: version.arch.unwrap_or_default(),
            host,
            containerd_store: is_containerd_store(&info),
            rootless: security.iter().any(|option| option.contains("rootless")),
            storage_free: free_space(&self.address, &storage_root),
            storage_root,
            cpus: info.ncpu.and_then(|count| u64::try_from(count).ok()).unwrap_or_default(),
            memory: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
            server_time: info.system_time.map(|time| time.to_string()),
            warnings: info.warnings.unwrap_or_default(),
        })
    }
}

/// From `docker info`: the driver status of an engine with the containerd image store names the snapshotter's type.
pub fn is_containerd_store(info: &bollard::models::SystemInfo) -> bool {
    info.driver_status
        .iter()
        .flatten()
        .any(|pair| pair.iter().any(|word| word.contains("io.containerd.snapshotter")))
}

#[cfg(unix)]
fn free_space(address: &str, root: &str) -> Option<u64> {
    if !address.starts_with("unix://") {
        return None;
    }
    let stat = rustix::fs::statvfs(root).ok()?;
    Some(stat.f_bavail * stat.f_frsize)
}

#[cfg(not(unix))]
fn free_space(_: &str, _: &str) -> Option<u64> {
    None
}
