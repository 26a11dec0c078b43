//! The files that `docker login` and `podman login` write, and the credential helpers they name.
//!
//! <https://docs.docker.com/reference/cli/docker/login/>,
//! <https://man.archlinux.org/man/containers-auth.json.5>. A registry's own helper counts before the store for all, the store
//! before what stands in the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::platform::Get;
use super::{Login, helper};
use crate::io::fs::read_limited;
use crate::io::registry::canonical;

/// Bytes that such a file may have.
const LARGEST: u64 = 4 << 20;

/// With or without padding: both are written.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<SecretString>,
    username: Option<String>,
    password: Option<SecretString>,
    identitytoken: Option<SecretString>,
}

/// The login that the first of the files knows.
pub(super) fn login(host: &str, get: &Get) -> Result<Option<Login>, String> {
    for path in places(get) {
        if let Some(file) = read(&path)?
            && let Some(login) = of(&file, host, &path, get)?
        {
            return Ok(Some(login));
        }
    }
    Ok(None)
}

fn places(get: &Get) -> Vec<PathBuf> {
    let home = get("HOME").or_else(|| get("USERPROFILE")).map(PathBuf::from);
    let below = |folder: &str| home.as_ref().map(|home| home.join(folder));
    let docker = get("DOCKER_CONFIG").map(PathBuf::from).or_else(|| below(".docker"));
    let podman = get("REGISTRY_AUTH_FILE").map(PathBuf::from);
    let runtime = get("XDG_RUNTIME_DIR").map(|folder| Path::new(folder).join("containers/auth.json"));
    let config = get("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| below(".config"));
    let config = config.map(|folder| folder.join("containers/auth.json"));
    docker
        .map(|folder| folder.join("config.json"))
        .into_iter()
        .chain(podman)
        .chain(runtime)
        .chain(config)
        .collect()
}

fn read(path: &Path) -> Result<Option<File>, String> {
    let bytes = read_limited(path, LARGEST).map_err(|error| format!("{error:#}"))?;
    let Some(bytes) = bytes else { return Ok(None) };
    // The parser's own words may repeat what stands there; the place is enough.
    let file = serde_json::from_slice(&bytes).map_err(|error| {
        format!(
            "{} is not valid JSON of logins (line {}, column {})",
            path.display(),
            error.line(),
            error.column()
        )
    });
    file.map(Some)
}

fn of(file: &File, host: &str, path: &Path, get: &Get) -> Result<Option<Login>, String> {
    let own = file.cred_helpers.iter().find(|(key, name)| host_of(key) == host && !name.is_empty());
    if let Some((_, name)) = own {
        return helper::ask(name, server(host), path, get("PATH"));
    }
    if !file.creds_store.is_empty()
        && let Some(login) = helper::ask(&file.creds_store, server(host), path, get("PATH"))?
    {
        return Ok(Some(login));
    }
    let entry = file.auths.iter().find(|(key, _)| host_of(key) == host);
    entry.map_or(Ok(None), |(key, entry)| written(entry, key, path))
}

/// What an entry says; none for the empty ones that stand there beside a store.
fn written(entry: &Entry, key: &str, path: &Path) -> Result<Option<Login>, String> {
    if let Some(token) = filled(entry.identitytoken.as_ref()) {
        return Ok(Some(Login::identity(token.clone())));
    }
    if let Some(auth) = filled(entry.auth.as_ref()) {
        let broken = || format!("{}: `auth` of {key} is not user:password in Base64", path.display());
        let bytes = BASE64.decode(auth.expose_secret().trim()).map_err(|_| broken())?;
        let text = SecretString::from(String::from_utf8(bytes).map_err(|_| broken())?);
        let (user, password) = text.expose_secret().split_once(':').ok_or_else(broken)?;
        return Ok(Some(Login::new(user, password.trim_end_matches('\0'))));
    }
    let pair = entry.username.as_ref().filter(|user| !user.is_empty()).zip(filled(entry.password.as_ref()));
    Ok(pair.map(|(user, password)| Login::new(user.clone(), password.clone())))
}

fn filled(secret: Option<&SecretString>) -> Option<&SecretString> {
    secret.filter(|secret| !secret.expose_secret().is_empty())
}

/// The registry that a key of the file means: `https://index.docker.io/v1/` is Docker Hub.
pub(super) fn host_of(key: &str) -> &str {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    canonical(rest.split('/').next().unwrap_or(rest))
}

/// The name under which docker keeps a registry's login.
pub fn server(host: &str) -> &str {
    if host == "docker.io" { "https://index.docker.io/v1/" } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str, host: &str) -> Result<Option<(String, String)>, String> {
        let file: File = serde_json::from_str(json).unwrap();
        let login = of(&file, host, Path::new("config.json"), &|_| None)?;
        Ok(login.map(|login| (login.username.clone(), login.password.expose_secret().to_owned())))
    }

    #[test]
    fn what_is_written_in_the_file() {
        let json = r#"{"auths":{
            "https://index.docker.io/v1/":{"auth":"dTpwOnE="},
            "ghcr.io":{"auth":"","identitytoken":"idt"},
            "https://127.0.0.1:5000/v2/":{"username":"me","password":"pw"},
            "unpadded.example":{"auth":"dTpwOnE"},
            "empty.example":{},
            "broken.example":{"auth":"!!!"},
            "half.example":{"auth":"dQ=="}}, "HttpHeaders":{"x":"y"}}"#;
        let pair = |user: &str, password: &str| Ok(Some((user.to_owned(), password.to_owned())));
        assert_eq!(found(json, "docker.io"), pair("u", "p:q"));
        assert_eq!(found(json, "ghcr.io"), pair("<token>", "idt"));
        assert_eq!(found(json, "127.0.0.1:5000"), pair("me", "pw"));
        assert_eq!(found(json, "unpadded.example"), pair("u", "p:q"));
        assert_eq!(found(json, "empty.example"), Ok(None));
        assert_eq!(found(json, "127.0.0.1"), Ok(None));
        for broken in ["broken.example", "half.example"] {
            let error = found(json, broken).unwrap_err();
            assert!(
                error.contains(broken) && error.contains("config.json") && !error.contains("!!!"),
                "{error}"
            );
        }
    }

    #[test]
    fn places_follow_the_environment() {
        let get = |name: &str| match name {
            "HOME" => Some("/h"),
            "XDG_RUNTIME_DIR" => Some("/run"),
            _ => None,
        };
        let found: Vec<String> = places(&get).iter().map(|path| path.display().to_string()).collect();
        assert_eq!(
            found,
            ["/h/.docker/config.json", "/run/containers/auth.json", "/h/.config/containers/auth.json"]
        );
        let get = |name: &str| (name == "DOCKER_CONFIG").then_some("/d");
        assert_eq!(places(&get), [PathBuf::from("/d/config.json")]);
    }
}
