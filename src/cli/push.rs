//! `dashdeploy push`: puts what was built at a registry.

use std::sync::Arc;

use dashdeploy_contract::{Bound, EventSink, ImageId, Name, Source, image_reference};
use indexmap::IndexSet;
use serde_json::json;

use super::guard::{self, GuardArgs};
use super::load::load;
use super::{CliError, CliResult, Context, Exit};
use crate::config::check_registry;
use crate::console::table;
use crate::io::docker::{self, Engine, EngineSettings};
use crate::io::http::Http;
use crate::io::logins::{Logins, MachineLogins};
use crate::push::{
    ImageGuard, PushFailure, PushFailureKind, PushImage, PushOptions, PushedImage, look_all, push_all,
};

/// Push the images that were built, and print their digests
///
/// An image is called `<registry>/<project>-<service>` at the registry, with a tag made from its content. One that is
/// there already is not sent again. The registry is the key `registry:` of dashdeploy.yaml, or `--registry`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these services
    services: Vec<String>,
    #[command(flatten)]
    push: PushArgs,
    #[command(flatten)]
    guard: GuardArgs,
}

/// Where images go.
#[derive(Debug, clap::Args)]
pub struct PushArgs {
    /// Where images are pushed to, such as ghcr.io/acme, instead of what dashdeploy.yaml says
    #[arg(long, env = "DASHDEPLOY_REGISTRY", value_name = "HOST[/PATH]")]
    registry: Option<String>,
    /// One more tag for every image pushed, besides the one made from its content (repeatable)
    #[arg(long = "tag", value_name = "NAME", value_parser = tag)]
    tags: Vec<String>,
}

impl PushArgs {
    /// Has all images go to a registry, whatever flag or variable says otherwise.
    #[cfg(feature = "rehearse")]
    pub(super) fn redirect(&mut self, registry: String) {
        self.registry = Some(registry);
    }

    /// Where images go: the flag or variable, else the environment's own registry, else the project's; none where nothing
    /// says so.
    ///
    /// # Errors
    /// Exit code 2 for a flag that names no registry.
    pub(super) fn registry(&self, bound: &Bound) -> CliResult<Option<String>> {
        let Some(flag) = &self.registry else { return Ok(bound.registry.clone()) };
        let checked = check_registry(flag).map_err(|(message, hint)| {
            let error = CliError::new(Exit::Usage, "invalid-registry", message);
            hint.into_iter().fold(error, CliError::hint)
        });
        checked.map(Some)
    }

    /// The registry, the tags, and where logins come from.
    ///
    /// # Errors
    /// Exit code 2 where no registry is named.
    pub(super) fn options(
        &self,
        context: &Context,
        bound: &Bound,
        guard: Option<Arc<dyn ImageGuard>>,
    ) -> CliResult<PushOptions> {
        let registry = self.registry(bound)?.ok_or_else(|| no_registry(bound))?;
        let http = Arc::new(Http::default());
        let logins = MachineLogins::new(&context.environment, Some(&registry), Arc::clone(&http));
        let tags = self.tags.iter().cloned().collect::<IndexSet<_>>().into_iter().collect();
        Ok(PushOptions { registry, tags, logins: Arc::new(logins), guard, http })
    }

    /// True where further tags are named.
    pub(super) fn has_tags(&self) -> bool {
        !self.tags.is_empty()
    }

    /// The logins for base images: those of the registry that is pushed to, too.
    ///
    /// # Errors
    /// Exit code 2 for a flag that names no registry.
    pub(super) fn logins(&self, context: &Context, bound: &Bound) -> CliResult<Arc<dyn Logins>> {
        Ok(of(context, self.registry(bound)?.as_deref()))
    }
}

/// The logins for base images, where no flag names a registry.
pub(super) fn logins(context: &Context, bound: &Bound) -> Arc<dyn Logins> {
    of(context, context.environment.get("DASHDEPLOY_REGISTRY").or(bound.registry.as_deref()))
}

fn of(context: &Context, registry: Option<&str>) -> Arc<dyn Logins> {
    Arc::new(MachineLogins::new(&context.environment, registry, Arc::default()))
}

/// A tag as registries take it: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>.
fn tag(text: &str) -> Result<String, String> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let rest = |c: char| first(c) || c == '.' || c == '-';
    if text.len() > 128 || !text.starts_with(first) || !text.chars().all(rest) {
        return Err("a tag is letters, digits, `_`, `.` and `-`, at most 128, such as `v1.2.0`".to_owned());
    }
    if text.starts_with("dd-") {
        return Err("tags that start with `dd-` are made from an image's content".to_owned());
    }
    Ok(text.to_owned())
}

fn no_registry(bound: &Bound) -> CliError {
    let message = format!("no registry is named for environment `{}`: nothing was pushed", bound.environment);
    CliError::new(Exit::Usage, "no-registry", message)
        .hint("add `registry: ghcr.io/you` to dashdeploy.yaml, or give --registry or DASHDEPLOY_REGISTRY")
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    args.guard.record(context)?;
    let loaded = load(context)?;
    let bound = loaded.bind(context)?;
    let services = chosen(&bound, &args.services)?;
    let mut options = args.push.options(context, &bound, None)?;
    let engine = docker::connect(&EngineSettings::from_env()).await?;
    let guard = guard::guard(context, &loaded, &bound, &[])?;
    let images_guard = guard::of_images(context, &engine, &guard);
    options.guard = Some(Arc::clone(&images_guard) as Arc<dyn ImageGuard>);
    let mut images = Vec::new();
    for service in services {
        images.push(built(&engine, &bound, &service).await?);
    }
    if context.global.dry_run {
        return dry_run(context, &engine, images, &options).await;
    }
    let pushed = push(context, &engine, images, &options).await?;
    context.console.findings(&images_guard.noted());
    let text = if pushed.is_empty() { "No service is built from source.".to_owned() } else { rows(&pushed) };
    context.console.answer(json!({ "registry": options.registry, "images": pushed }), &text);
    Ok(Exit::Done)
}

/// The services whose images are pushed: those named, else all that are built.
fn chosen(bound: &Bound, named: &[String]) -> CliResult<Vec<Name>> {
    let unknown = |text: &String| {
        let known: Vec<&str> = bound.services.keys().map(Name::as_str).collect();
        CliError::new(Exit::Usage, "unknown-service", format!("there is no service `{text}`"))
            .hint(format!("the services are: {}", known.join(", ")))
    };
    for text in named {
        let service = bound.services.values().find(|service| service.name.as_str() == text);
        if let Source::Image(image) = &service.ok_or_else(|| unknown(text))?.source {
            let message = format!("service `{text}` takes its image from a registry: {image}");
            return Err(CliError::new(Exit::Usage, "not-built", message)
                .hint("name services that are built, or none for all of them"));
        }
    }
    let built = bound.services.values().filter(|service| service.build().is_some());
    let wanted =
        built.filter(|service| named.is_empty() || named.iter().any(|text| text == service.name.as_str()));
    Ok(wanted.map(|service| service.name.clone()).collect())
}

/// The image of a service as it was built last.
async fn built(engine: &Engine, bound: &Bound, service: &Name) -> CliResult<PushImage> {
    let reference = image_reference(bound, &bound.services[service]);
    let found = engine.image(&reference).await?.ok_or_else(|| {
        let message =
            format!("the image {reference} of service `{service}` is not there: nothing was pushed");
        CliError::new(Exit::Failed, "no-image", message)
            .hint(format!("run `dashdeploy build {service}` first"))
    })?;
    Ok(image(bound, service, ImageId(found.id)))
}

/// An image and its name below the registry.
pub(super) fn image(bound: &Bound, service: &Name, id: ImageId) -> PushImage {
    PushImage { service: service.clone(), name: format!("{}-{service}", bound.project), id }
}

/// Pushes; a signal ends it at once.
///
/// # Errors
/// Exit code 6 for a login, 8 where a guard refuses, else 1.
pub(super) async fn push(
    context: &Context,
    engine: &Engine,
    images: Vec<PushImage>,
    options: &PushOptions,
) -> CliResult<Vec<PushedImage>> {
    let events: Arc<dyn EventSink> = Arc::new(context.console.clone());
    let work = push_all(engine, images, options, events);
    context.interruptible("pushing", "what was sent stays there by content", work).await
}

/// Looks at the registry and says what would be done.
pub(super) async fn dry_run(
    context: &Context,
    engine: &Engine,
    images: Vec<PushImage>,
    options: &PushOptions,
) -> CliResult {
    let standing = look_all(engine, images, options).await?;
    let rows: Vec<Vec<String>> = standing
        .iter()
        .map(|image| {
            let what = if image.digest.is_some() { "is there" } else { "would be pushed" };
            vec![image.service.to_string(), image.reference.clone(), what.to_owned()]
        })
        .collect();
    let answer =
        json!({ "dry_run": true, "registry": options.registry, "tags": options.tags, "images": standing });
    context.console.answer(answer, &table(&["SERVICE", "IMAGE", ""], &rows));
    Ok(Exit::Done)
}

/// The table of what was pushed.
pub(super) fn rows(pushed: &[PushedImage]) -> String {
    let rows: Vec<Vec<String>> = pushed
        .iter()
        .map(|image| {
            let how = if image.existed { "existed" } else { "pushed" };
            vec![image.service.to_string(), image.repo_digest.clone(), how.to_owned()]
        })
        .collect();
    table(&["SERVICE", "IMAGE", ""], &rows)
}

impl From<PushFailure> for CliError {
    fn from(failure: PushFailure) -> Self {
        let (exit, code) = match failure.kind {
            PushFailureKind::Denied => (Exit::Credentials, "denied"),
            PushFailureKind::Refused => (Exit::Refused, "guard"),
            PushFailureKind::Failed => (Exit::Failed, "push"),
        };
        let mut error = Self::new(exit, code, failure.to_string()).evidence(failure.evidence);
        error.report.findings = failure.findings;
        failure.hint.into_iter().fold(error, Self::hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for good in ["latest", "v1.2.0", "_x", "A-b"] {
            assert_eq!(tag(good).unwrap(), good);
        }
        let long = "a".repeat(129);
        for bad in ["", "-x", ".x", "a b", "a:b", "a/b", "é", "dd-0123456789abcdef", long.as_str()] {
            assert!(tag(bad).is_err(), "{bad}");
        }
    }
}
