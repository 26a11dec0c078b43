//! Names of images: what a service may be made of, and what a deploy may put in its place.
//!
//! Given: host, repository, tag or digest as one string. Gives: its parts, or what is wrong. Deliberately absent: a registry.
//! Source: <https://render.com/docs/deploying-an-image>.

use super::fault::Fault;
use super::ids::sha256;

/// An image's name, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Host and repository: what must stay the same for a deploy.
    pub(super) repository: String,
    /// The digest that is run, with `sha256:`: the named one, otherwise one that stands for what the tag means.
    pub(super) digest: String,
}

impl Name {
    /// Takes a name apart.
    ///
    /// # Errors
    /// 400 for what is no image's name.
    pub(super) fn read(path: &str) -> Result<Self, Fault> {
        let wrong = || Fault::bad(format!("invalid image path: {path}"));
        let (name, digest) = match path.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (path, None),
        };
        let hexadecimal = |digits: &str| {
            digits.len() == 64
                && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        if digest.is_some_and(|digest| !digest.strip_prefix("sha256:").is_some_and(hexadecimal)) {
            return Err(wrong());
        }
        let slash = name.rfind('/').map_or(0, |at| at + 1);
        let (repository, tag) = match name[slash..].split_once(':') {
            Some((last, tag)) => (&name[..slash + last.len()], Some(tag)),
            None => (name, None),
        };
        let plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte))
        };
        if !plain(repository)
            || repository.contains("//")
            || repository.ends_with(['/', ':'])
            || tag.is_some_and(|tag| !plain(tag))
        {
            return Err(wrong());
        }
        let digest = digest.map_or_else(|| format!("sha256:{}", sha256(name)), str::to_owned);
        Ok(Self { repository: full(repository), digest })
    }
}

/// The repository with its host: without one it is Docker Hub's.
fn full(repository: &str) -> String {
    match repository.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => repository.to_owned(),
        Some(_) => format!("docker.io/{repository}"),
        None => format!("docker.io/library/{repository}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let repository =
            |path: &str| Name::read(path).map(|name| name.repository).map_err(|fault| fault.status);
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(
            repository(&format!("127.0.0.1:5000/team/app:v1@{digest}")),
            Ok("127.0.0.1:5000/team/app".to_owned())
        );
        assert_eq!(repository("ghcr.io/org/app"), Ok("ghcr.io/org/app".to_owned()));
        assert_eq!(repository("org/app:1"), Ok("docker.io/org/app".to_owned()));
        assert_eq!(repository("nginx"), Ok("docker.io/library/nginx".to_owned()));
        assert_eq!(Name::read(&format!("ghcr.io/o/a@{digest}")).map(|name| name.digest), Ok(digest));
        for wrong in [
            "",
            "https://ghcr.io/o/a",
            "ghcr.io/o/a@sha256:abc",
            "ghcr.io/o/a@",
            "ghcr.io/o/a:",
            "ghcr.io/o/ a",
            "ghcr.io/",
        ] {
            assert_eq!(repository(wrong), Err(400), "{wrong:?}");
        }
    }
}
