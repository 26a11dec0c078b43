//! Releases as Render takes them, and what they are carried out with.

use dashdeploy_contract::conformance::{canaries, sample};
use dashdeploy_contract::{GitSource, ImageId, Name, Release, SecretStore, Supplies, Target};

/// A release that Render takes: its images lie at a registry, the page is an image too.
pub(crate) fn release() -> Release {
    let mut release = sample("render");
    prepare(&mut release);
    release
}

/// The sample as Render takes it.
fn prepare(release: &mut Release) {
    release.bound.registry = Some("registry.example.com/shop".to_owned());
    option(release, "web", "hosting", "docker");
    release.wiring.services = crate::target().addresses(&release.bound);
    release.secrets = Release::fingerprints(&release.bound, &canaries(&release.bound));
}

/// The page as a static site, from a commit.
pub(crate) fn site(commit: &str) -> Release {
    let mut release = release();
    option(&mut release, "web", "hosting", "static");
    release.wiring.services = crate::target().addresses(&release.bound);
    release.git = Some(GitSource {
        commit: commit.repeat(40),
        branch: Some("main".to_owned()),
        remote: Some("git@github.com:acme/shop.git".to_owned()),
        dirty: false,
    });
    release.images.shift_remove(&name("web"));
    release
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(crate) fn option(release: &mut Release, service: &str, option: &str, value: &str) {
    let options = release.bound.options.entry(name(service)).or_default();
    options.insert(option.to_owned(), value.to_owned());
}

/// Another image of a service, whose digest is one letter.
pub(crate) fn image(release: &mut Release, service: &str, letter: &str) {
    release.images[&name(service)].id = ImageId(format!("sha256:{}", letter.repeat(64)));
}

/// Secret values, and images by digest: in this rehearsal a manifest has the digest of its configuration.
pub(crate) fn supplies(release: &Release) -> Supplies {
    let supplies = Supplies::of(canaries(&release.bound));
    for (service, image) in &release.images {
        supplies.put_image(service, format!("registry.example.com/shop/{service}@{}", image.id.0));
    }
    supplies
}

/// The same with other secret values.
pub(crate) fn with_secrets(release: &Release, store: SecretStore) -> Supplies {
    let mut other = supplies(release);
    other.secrets = store;
    other
}
