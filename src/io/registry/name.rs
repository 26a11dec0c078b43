//! Names of repositories: a registry's host, and the path there.

use std::fmt;

use reqwest::Url;

use crate::io::http::is_loopback;

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    /// The host with its port; Docker Hub is `docker.io`.
    pub host: String,
    /// The path there, as `acme/shop-api`.
    pub path: String,
}

impl Repository {
    /// The repository of a name below a registry as dashdeploy.yaml has it: `ghcr.io/acme` and `shop-api` make
    /// `ghcr.io/acme/shop-api`.
    pub fn below(registry: &str, name: &str) -> Self {
        let (host, path) = registry.split_once('/').unwrap_or((registry, ""));
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        Self { host: canonical(host).to_owned(), path }
    }

    /// The repository of an image's reference, as the engine reads it: without a host it is Docker Hub's.
    pub fn of_image(reference: &str) -> Self {
        let name = reference.split('@').next().unwrap_or(reference);
        let name = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => name,
        };
        match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
                Self { host: canonical(host).to_owned(), path: path.to_owned() }
            }
            Some(_) => Self { host: HUB.to_owned(), path: name.to_owned() },
            None => Self { host: HUB.to_owned(), path: format!("library/{name}") },
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

/// Docker Hub, as names of images write it.
const HUB: &str = "docker.io";

/// One name for one registry: Docker Hub has several.
pub fn canonical(host: &str) -> &str {
    match host {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => HUB,
        other => other,
    }
}

/// The address below which a registry's repositories are. Without TLS only on this machine, as the engine has it too.
pub(super) fn base(host: &str) -> Option<Url> {
    let served = if host == HUB { "registry-1.docker.io" } else { host };
    let bare = match served.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => served,
    };
    let scheme = if is_loopback(bare) { "http" } else { "https" };
    let url = Url::parse(&format!("{scheme}://{served}/v2/")).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.path() == "/v2/";
    plain.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories() {
        let text = |registry, name| Repository::below(registry, name).to_string();
        assert_eq!(text("ghcr.io/acme", "shop-api"), "ghcr.io/acme/shop-api");
        assert_eq!(text("localhost:5000", "x"), "localhost:5000/x");
        assert_eq!(text("index.docker.io/acme", "x"), "docker.io/acme/x");
        for (image, repository) in [
            ("redis", "docker.io/library/redis"),
            ("acme/x:1", "docker.io/acme/x"),
            ("localhost:5000/x", "localhost:5000/x"),
            ("ghcr.io/a/b:1@sha256:00", "ghcr.io/a/b"),
        ] {
            assert_eq!(Repository::of_image(image).to_string(), repository);
        }
    }

    #[test]
    fn addresses() {
        let base = |host| base(host).map(String::from);
        assert_eq!(base("docker.io").unwrap(), "https://registry-1.docker.io/v2/");
        assert_eq!(base("ghcr.io").unwrap(), "https://ghcr.io/v2/");
        assert_eq!(base("127.0.0.1:5000").unwrap(), "http://127.0.0.1:5000/v2/");
        assert_eq!(base("[::1]:5000").unwrap(), "http://[::1]:5000/v2/");
        assert_eq!(base("localhost").unwrap(), "http://localhost/v2/");
        assert_eq!(base("10.0.0.1:5000").unwrap(), "https://10.0.0.1:5000/v2/");
        for bad in ["", "a b", "user@host", "a/b", "a?b", "host:99999"] {
            assert!(base(bad).is_none(), "{bad}");
        }
    }
}
