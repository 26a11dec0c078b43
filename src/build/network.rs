//! What a network between the builds and the world needs: proxies, and the certificates that its TLS is signed with.
//!
//! Given: the host's variables. Gives: build arguments that BuildKit keeps out of
//! images, history and cache (HTTP_PROXY and its like are predefined:
//! <https://docs.docker.com/reference/dockerfile/#predefined-args>), and a build secret with the certificates, which generated
//! Dockerfiles mount where they reach for the network.
//! The bundle is read when something is built, since most builds find nothing to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use secrecy::SecretString;

use super::BuildSecrets;
use crate::io::context::read_text;
use crate::render::CA_SECRET as CERTIFICATES_ID;

/// The largest secret that BuildKit takes, in bytes:
/// <https://github.com/moby/buildkit/blob/master/session/secrets/secretsprovider/secretsprovider.go>.
const LARGEST_SECRET: usize = 500 << 10;

/// In the order in which they count: the first names the bundle. All are read by common tools, by these names.
const BUNDLE_VARIABLES: [&str; 5] =
    ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

const PROXY_VARIABLES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/// The network that builds run in. Its `Debug` form shows names only: a proxy's address may hold a password.
#[derive(Clone, Default)]
pub struct BuildNetwork {
    proxies: IndexMap<String, String>,
    certificates: Option<PathBuf>,
    left_out: Vec<String>,
}

impl BuildNetwork {
    /// The host's own network: proxies as the variables name them (upper or lower case, both are set for the steps), and the
    /// file of certificates, where a variable names one.
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let mut network = Self { certificates: bundle(variables).map(PathBuf::from), ..Self::default() };
        for name in PROXY_VARIABLES {
            let lower = name.to_lowercase();
            let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());
            match set(name).or_else(|| set(&lower)) {
                Some(value) if name != "NO_PROXY" && on_loopback(value) => {
                    network.left_out.push(name.to_owned())
                }
                Some(value) => {
                    network.proxies.insert(name.to_owned(), value.clone());
                    network.proxies.insert(lower, value.clone());
                }
                None => {}
            }
        }
        network
    }

    /// The proxies by the names of their variables.
    pub fn proxies(&self) -> &IndexMap<String, String> {
        &self.proxies
    }

    /// The build arguments.
    pub(super) fn arguments(&self) -> impl Iterator<Item = (&String, &String)> {
        self.proxies.iter()
    }

    /// A build's secrets and the certificates; the sentence says why these cannot be used, where that is so. Blocks for a file.
    pub(super) fn secrets(&self, own: &BuildSecrets) -> (BuildSecrets, Option<String>) {
        let mut secrets = own.clone();
        let Some(path) = self.certificates.as_deref().filter(|_| own.expose(CERTIFICATES_ID).is_none())
        else {
            return (secrets, None);
        };
        match certificates(path) {
            Ok(text) => {
                secrets.insert(CERTIFICATES_ID, text);
                (secrets, None)
            }
            Err(why) => {
                let message =
                    format!("the certificates in {} are not given to the builds: {why}", path.display());
                (secrets, Some(message))
            }
        }
    }

    /// Names of variables whose proxy is on this machine's own loopback address. Containers cannot reach it there, so it is not
    /// among the proxies.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

/// The path of the host's certificate bundle.
fn bundle(variables: &BTreeMap<String, String>) -> Option<&str> {
    let named = BUNDLE_VARIABLES.iter().find_map(|name| variables.get(*name));
    named.map(String::as_str).filter(|path| !path.is_empty())
}

fn certificates(path: &Path) -> Result<SecretString, String> {
    match read_text(path) {
        Ok(Some(text)) if text.len() > LARGEST_SECRET => {
            Err("it is larger than the 500 KiB that a build secret may have".to_owned())
        }
        Ok(Some(text)) if text.contains("-----BEGIN CERTIFICATE-----") => Ok(SecretString::from(text)),
        Ok(Some(_)) => Err("it holds no certificate in PEM form".to_owned()),
        Ok(None) => Err("it is not there".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn on_loopback(value: &str) -> bool {
    let host = value.split_once("://").map_or(value, |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    ["127.", "localhost", "[::1]"].iter().any(|loopback| host.starts_with(loopback))
}

impl std::fmt::Debug for BuildNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.proxies.keys().collect();
        f.debug_struct("BuildNetwork")
            .field("proxies", &names)
            .field("certificates", &self.certificates.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn proxies_are_set_in_both_forms_and_never_shown() {
        let network =
            BuildNetwork::of(&variables(&[("https_proxy", "http://u:pw@proxy:3128"), ("NO_PROXY", "")]));
        let names: Vec<&str> = network.proxies().keys().map(String::as_str).collect();
        assert_eq!(names, ["HTTPS_PROXY", "https_proxy"]);
        assert!(!format!("{network:?}").contains("pw"));
        assert!(network.left_out().is_empty());
        let network = BuildNetwork::of(&variables(&[
            ("HTTP_PROXY", "http://127.0.0.1:8888"),
            ("NO_PROXY", "localhost"),
        ]));
        assert_eq!((network.left_out(), network.proxies().len()), (&["HTTP_PROXY".to_owned()][..], 2));
    }

    #[test]
    fn certificates_are_a_secret_beside_the_own_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
        for (name, text) in [("good", pem.to_owned()), ("odd", "x".into()), ("large", pem.repeat(12_000))] {
            std::fs::write(path(name), text).unwrap();
        }
        let mut own = BuildSecrets::default();
        own.insert("a", "b".to_owned().into());
        let given = |named: &[(&str, &str)]| BuildNetwork::of(&variables(named)).secrets(&own);
        let (secrets, trouble) = given(&[("NODE_EXTRA_CA_CERTS", &path("odd")), ("PIP_CERT", &path("good"))]);
        assert_eq!(
            (secrets.expose(CERTIFICATES_ID), secrets.expose("a"), trouble),
            (Some(pem), Some("b"), None)
        );
        for (name, word) in [("odd", "PEM"), ("large", "500 KiB"), ("missing", "not there")] {
            let (secrets, trouble) = given(&[("SSL_CERT_FILE", &path(name))]);
            assert!(secrets.expose(CERTIFICATES_ID).is_none() && trouble.unwrap().contains(word), "{name}");
        }
    }
}
