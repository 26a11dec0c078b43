//! Where the engine is: the same order as the docker command's, then the places of rootless engines and Podman.
//!
//! `DOCKER_HOST`; the context named by `DOCKER_CONTEXT` or by `currentContext` in config.json; `/var/run/docker.sock`;
//! `$XDG_RUNTIME_DIR/docker.sock`; Docker Desktop's `~/.docker/run/docker.sock`; Podman's sockets.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{EngineError, EngineSettings};

/// An address a client can be made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A socket file.
    #[cfg(unix)]
    Unix(PathBuf),
    /// A named pipe.
    #[cfg(windows)]
    Pipe(String),
    /// `host:port`, without encryption.
    Http(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            #[cfg(windows)]
            Self::Pipe(name) => write!(f, "npipe://{name}"),
            Self::Http(host) => write!(f, "tcp://{host}"),
        }
    }
}

/// The part of `~/.docker/config.json` that matters here.
#[derive(Deserialize)]
struct CliConfig {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

/// A context's meta.json, as the docker command writes it.
#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Endpoints", default)]
    endpoints: std::collections::BTreeMap<String, Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host", default)]
    host: String,
}

/// The address the settings lead to.
pub(super) fn resolve(settings: &EngineSettings) -> Result<Address, EngineError> {
    if let Some(host) = &settings.host {
        return parse(host, "DOCKER_HOST", settings.tls);
    }
    match context_name(settings)? {
        Some(name) => context(settings, &name),
        None => Ok(usual_place(settings)),
    }
}

fn parse(written: &str, source: &str, tls: bool) -> Result<Address, EngineError> {
    let bad = |message: String, hint: &str| Err(EngineError::bad_address(written, message, hint));
    let Some((scheme, rest)) = written.split_once("://") else {
        return bad(
            format!("{source} is `{written}`, which has no scheme"),
            "write unix:///var/run/docker.sock or tcp://host:port",
        );
    };
    match scheme {
        #[cfg(unix)]
        "unix" if rest.starts_with('/') => Ok(Address::Unix(PathBuf::from(rest))),
        #[cfg(windows)]
        "npipe" => Ok(Address::Pipe(rest.to_owned())),
        "https" => bad(encrypted(source, written), TUNNEL),
        "tcp" | "http" if tls => bad(encrypted(source, written), TUNNEL),
        "tcp" | "http" => match rest.trim_end_matches('/') {
            "" => bad(format!("{source} is `{written}`, which names no host"), "write tcp://host:port"),
            host if host.contains('/') => {
                bad(format!("{source} is `{written}`: a path has no place there"), "write tcp://host:port")
            }
            host if has_port(host) => Ok(Address::Http(host.to_owned())),
            host => Ok(Address::Http(format!("{host}:2375"))),
        },
        "ssh" => bad(format!("{source} is `{written}`, and ssh addresses are not supported yet"), TUNNEL),
        _ => bad(
            format!("{source} is `{written}`, and `{scheme}` is no scheme an engine has"),
            "write unix:///var/run/docker.sock or tcp://host:port",
        ),
    }
}

const TUNNEL: &str = "forward the engine's socket: `ssh -N -L /tmp/docker.sock:/var/run/docker.sock user@host`, then set \
                      DOCKER_HOST=unix:///tmp/docker.sock";

fn encrypted(source: &str, written: &str) -> String {
    format!("{source} is `{written}` with TLS, and TLS to an engine is not supported yet")
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(before, port)| {
        !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && (!before.contains(':') || before.ends_with(']'))
    })
}

fn context_name(settings: &EngineSettings) -> Result<Option<String>, EngineError> {
    let named = match (&settings.context, &settings.config_dir) {
        (Some(name), _) => name.clone(),
        (None, Some(dir)) => current_context(&dir.join("config.json"))?,
        (None, None) => String::new(),
    };
    Ok(Some(named).filter(|name| !name.is_empty() && name != "default"))
}

fn current_context(file: &Path) -> Result<String, EngineError> {
    let Ok(text) = std::fs::read_to_string(file) else {
        return Ok(String::new());
    };
    let config: CliConfig = serde_json::from_str(&text).map_err(|error| {
        let message = format!("{} is not valid: {error}", file.display());
        EngineError::bad_address(&file.to_string_lossy(), message, "correct the file, or set DOCKER_HOST")
    })?;
    Ok(config.current_context)
}

/// The engine of a context: `contexts/meta/<sha256 of the name>/meta.json` below the docker command's configuration.
fn context(settings: &EngineSettings, name: &str) -> Result<Address, EngineError> {
    let unknown = |message: String| {
        EngineError::bad_address(
            name,
            message,
            "see `docker context ls`; unset DOCKER_CONTEXT or `docker context use default`",
        )
    };
    let Some(dir) = &settings.config_dir else {
        return Err(unknown(format!(
            "the docker context `{name}` cannot be looked up: there is no home folder"
        )));
    };
    let file = dir.join("contexts/meta").join(hex(name)).join("meta.json");
    let text = std::fs::read_to_string(&file)
        .map_err(|error| unknown(format!("the docker context `{name}` cannot be read ({error})")))?;
    let meta: ContextMeta = serde_json::from_str(&text)
        .map_err(|error| unknown(format!("the docker context `{name}` is not valid: {error}")))?;
    match meta.endpoints.get("docker").map(|endpoint| endpoint.host.as_str()) {
        None | Some("") => Err(unknown(format!("the docker context `{name}` names no engine"))),
        Some(host) => {
            let keys = dir.join("contexts/tls").join(hex(name)).join("docker");
            parse(host, &format!("the docker context `{name}`"), keys.is_dir())
        }
    }
}

fn hex(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn usual_place(settings: &EngineSettings) -> Address {
    let standard = PathBuf::from("/var/run/docker.sock");
    let mut places = vec![standard.clone()];
    places.extend(settings.runtime_dir.iter().map(|dir| dir.join("docker.sock")));
    places.extend(settings.home.iter().map(|home| home.join(".docker/run/docker.sock")));
    places.extend(settings.runtime_dir.iter().map(|dir| dir.join("podman/podman.sock")));
    places.push(PathBuf::from("/run/podman/podman.sock"));
    Address::Unix(places.into_iter().find(|place| place.exists()).unwrap_or(standard))
}

#[cfg(windows)]
fn usual_place(_: &EngineSettings) -> Address {
    Address::Pipe("//./pipe/docker_engine".to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn host(text: &str) -> Result<String, EngineError> {
        let settings = EngineSettings { host: Some(text.to_owned()), ..EngineSettings::default() };
        resolve(&settings).map(|address| address.to_string())
    }

    #[test]
    fn addresses_are_read() {
        for (written, read) in [
            ("unix:///run/x.sock", "unix:///run/x.sock"),
            ("tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375"),
            ("tcp://engine/", "tcp://engine:2375"),
            ("tcp://[::1]", "tcp://[::1]:2375"),
            ("tcp://[::1]:99", "tcp://[::1]:99"),
            ("http://engine:1", "tcp://engine:1"),
        ] {
            assert_eq!(host(written).unwrap(), read);
        }
    }

    #[test]
    fn other_addresses_are_refused_with_a_mend() {
        for written in
            ["ssh://me@host", "https://x", "x", "ftp://x", "tcp://", "tcp://h/p", "unix://relative"]
        {
            let error = host(written).unwrap_err();
            assert!(error.message.contains(written), "{error}");
            assert!(!error.hint.is_empty());
        }
        let tls =
            EngineSettings { host: Some("tcp://h:2376".into()), tls: true, ..EngineSettings::default() };
        assert!(resolve(&tls).unwrap_err().message.contains("TLS"));
    }

    #[test]
    fn a_context_leads_to_its_engine() {
        let dir = tempfile::tempdir().unwrap();
        let meta = dir.path().join("contexts/meta").join(hex("remote"));
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"remote","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///x/d.sock","SkipTLSVerify":false}}}"#,
        )
        .unwrap();
        let mut settings =
            EngineSettings { config_dir: Some(dir.path().into()), ..EngineSettings::default() };
        settings.context = Some("remote".into());
        assert_eq!(resolve(&settings).unwrap().to_string(), "unix:///x/d.sock");
        settings.context = None;
        std::fs::write(dir.path().join("config.json"), r#"{"currentContext":"remote"}"#).unwrap();
        assert_eq!(resolve(&settings).unwrap().to_string(), "unix:///x/d.sock");
        settings.context = Some("default".into());
        assert_ne!(resolve(&settings).unwrap().to_string(), "unix:///x/d.sock");
        settings.context = Some("gone".into());
        assert!(resolve(&settings).unwrap_err().message.contains("gone"));
    }
}
