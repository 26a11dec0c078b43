//! Names of images, and whether they are to be had.
//!
//! Given: a name, and what the registry keeps. Gives: its parts with the digest that is run. Deliberately absent: pulling.

use super::fault::Fault;
use super::state::Image;
use crate::registry::{Store, digest};

/// The registry of the platform.
const REGISTRY: &str = "registry.fly.io";

impl Image {
    /// Takes a name apart. What is in the platform's own registry, or on loopback, must be there where there is a store; images of
    /// others are public ones, and taken.
    ///
    /// # Errors
    /// 400 where it is no name, or not to be found: a machine is refused whose image has no manifest.
    pub(super) fn find(name: &str, images: Option<&Store>) -> Result<Self, Fault> {
        let mut image = Self::parse(name).ok_or_else(|| Fault::bad(format!("invalid image: {name}")))?;
        let own = image.registry == REGISTRY
            || ["127.0.0.1", "localhost"].iter().any(|host| image.registry.split(':').next() == Some(host));
        if let (true, Some(images)) = (own, images) {
            let reference = match image.digest.as_str() {
                "" => image.tag.as_deref().unwrap_or("latest"),
                digest => digest,
            };
            let found = images.image(&image.repository, reference);
            let found = found
                .ok_or_else(|| Fault::bad(format!("failed to get manifest {name}: MANIFEST_UNKNOWN")))?;
            image.digest = found.digest;
            image.labels = found.labels;
        }
        if image.digest.is_empty() {
            image.digest = digest(name.as_bytes());
        }
        Ok(image)
    }

    /// Of a name without a digest, the digest is empty.
    fn parse(name: &str) -> Option<Self> {
        let (name, digest) = name.split_once('@').map_or((name, ""), |(name, digest)| (name, digest));
        let hexadecimal =
            |digits: &str| digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digest.is_empty() && !digest.strip_prefix("sha256:").is_some_and(hexadecimal) {
            return None;
        }
        let slash = name.rfind('/').map_or(0, |at| at + 1);
        let (path, tag) = match name[slash..].split_once(':') {
            Some((last, tag)) => (&name[..slash + last.len()], Some(tag.to_owned())),
            None => (name, None),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest.to_owned()),
            Some(_) => ("docker.io", path.to_owned()),
            None => ("docker.io", format!("library/{path}")),
        };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
        let wrong = path.is_empty()
            || repository.is_empty()
            || repository.ends_with('/')
            || !repository.bytes().all(plain)
            || tag.as_deref() == Some("");
        (!wrong).then(|| Self {
            registry: registry.to_owned(),
            repository,
            tag,
            digest: digest.to_owned(),
            ..Self::default()
        })
    }

    /// The name that it is pulled by.
    pub(super) fn pinned(&self) -> String {
        format!("{}/{}@{}", self.registry, self.repository, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Manifest;

    #[test]
    fn names_are_taken_apart() {
        let parts =
            |name: &str| Image::parse(name).map(|image| (image.registry, image.repository, image.tag));
        let of = |registry: &str, repository: &str, tag: Option<&str>| {
            Some((registry.to_owned(), repository.to_owned(), tag.map(str::to_owned)))
        };
        assert_eq!(parts("registry.fly.io/shop:v1"), of("registry.fly.io", "shop", Some("v1")));
        assert_eq!(parts("127.0.0.1:5000/shop"), of("127.0.0.1:5000", "shop", None));
        assert_eq!(parts("nginx:1"), of("docker.io", "library/nginx", Some("1")));
        assert_eq!(parts("org/app"), of("docker.io", "org/app", None));
        for wrong in ["", "a@sha256:12", "A/B", "registry.fly.io/", "a:"] {
            assert_eq!(parts(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_the_own_registry_lacks_is_refused() {
        let store = Store::open();
        let pushed = store.put("shop", "v1", Manifest { media_type: String::new(), body: b"{}".to_vec() });
        let find = |name: &str| {
            Image::find(name, Some(&store)).map(|image| image.digest).map_err(|fault| fault.status)
        };
        assert_eq!(find("registry.fly.io/shop:v1"), Ok(pushed.clone()));
        assert_eq!(find(&format!("127.0.0.1:99/shop@{pushed}")), Ok(pushed));
        assert_eq!(find("registry.fly.io/shop:v2"), Err(400));
        assert_eq!(find(&format!("registry.fly.io/shop@sha256:{}", "a".repeat(64))), Err(400));
        assert!(find("docker.io/library/nginx:1").is_ok());
    }
}
