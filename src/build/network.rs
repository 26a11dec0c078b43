//! What a network between the builds and the world needs: proxies, and the certificates that its TLS is signed with.
//!
//! Given: the host's variables and the bytes of its certificate bundle. Gives: build arguments that BuildKit keeps out of
//! images, history and cache (HTTP_PROXY and its like are predefined:
//! <https://docs.docker.com/reference/dockerfile/#predefined-args>), and a build secret with the certificates, which generated
//! Dockerfiles mount where they reach for the network. Deliberately absent: reading the bundle (`io`).

use std::collections::BTreeMap;

use indexmap::IndexMap;
use secrecy::SecretString;

use super::BuildSecrets;

/// The id of the build secret that holds certificates.
pub const CERTIFICATES_ID: &str = "dashdeploy_ca";

/// In the order in which they count: the first names the bundle. All are read by common tools, by these names.
const BUNDLE_VARIABLES: [&str; 5] =
    ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

const PROXY_VARIABLES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/// The network that builds run in. Its `Debug` form shows names only: a proxy's address may hold a password.
#[derive(Clone, Default)]
pub struct BuildNetwork {
    proxies: IndexMap<String, String>,
    certificates: Option<SecretString>,
    left_out: Vec<String>,
}

impl BuildNetwork {
    /// The host's own network: proxies as the variables name them (upper or lower case, both are set for the steps), and the
    /// text of the bundle.
    pub fn of(variables: &BTreeMap<String, String>, certificates: Option<String>) -> Self {
        let mut network = Self { certificates: certificates.map(SecretString::from), ..Self::default() };
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

    /// The path of the host's certificate bundle, where a variable names one.
    pub fn bundle(variables: &BTreeMap<String, String>) -> Option<&str> {
        let named = BUNDLE_VARIABLES.iter().find_map(|name| variables.get(*name));
        named.map(String::as_str).filter(|path| !path.is_empty())
    }

    /// The proxies by the names of their variables.
    pub fn proxies(&self) -> &IndexMap<String, String> {
        &self.proxies
    }

    /// The build arguments.
    pub(super) fn arguments(&self) -> impl Iterator<Item = (&String, &String)> {
        self.proxies.iter()
    }

    /// A build's secrets and the certificates.
    pub(super) fn secrets(&self, own: &BuildSecrets) -> BuildSecrets {
        let mut secrets = own.clone();
        if let Some(certificates) = &self.certificates
            && secrets.expose(CERTIFICATES_ID).is_none()
        {
            secrets.insert(CERTIFICATES_ID, certificates.clone());
        }
        secrets
    }

    /// Names of variables whose proxy is on this machine's own loopback address. Containers cannot reach it there, so it is not
    /// among the proxies.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
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
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn proxies_are_set_in_both_forms_and_never_shown() {
        let network = BuildNetwork::of(
            &variables(&[("https_proxy", "http://u:pw@proxy:3128"), ("NO_PROXY", "")]),
            None,
        );
        let names: Vec<&str> = network.proxies().keys().map(String::as_str).collect();
        assert_eq!(names, ["HTTPS_PROXY", "https_proxy"]);
        assert!(!format!("{network:?}").contains("pw"));
        assert!(network.left_out().is_empty());
        let network = BuildNetwork::of(
            &variables(&[("HTTP_PROXY", "http://127.0.0.1:8888"), ("NO_PROXY", "localhost")]),
            None,
        );
        assert_eq!((network.left_out(), network.proxies().len()), (&["HTTP_PROXY".to_owned()][..], 2));
    }

    #[test]
    fn certificates_are_a_secret_beside_the_own_ones() {
        let found = variables(&[("NODE_EXTRA_CA_CERTS", "/n"), ("PIP_CERT", "/p")]);
        assert_eq!(BuildNetwork::bundle(&found), Some("/p"));
        let network = BuildNetwork::of(&found, Some("PEM".into()));
        let mut own = BuildSecrets::default();
        own.insert("a", "b".to_owned().into());
        let secrets = network.secrets(&own);
        assert_eq!((secrets.expose(CERTIFICATES_ID), secrets.expose("a")), (Some("PEM"), Some("b")));
    }
}
