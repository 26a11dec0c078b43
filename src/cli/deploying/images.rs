//! The images of a release: given, taken from their registries, built, or as they are.
//!
//! Given: a [`Stack`], the flags, where images go. Gives: an image for every service that takes one. Deliberately absent: pushes.

use dashdeploy_contract::{ImageId, Name, Observed, Release, ReleaseImage, Service, Source, image_reference};
use indexmap::IndexMap;

use super::super::build::{connected, connecting, existing_images, images, interruptible};
use super::super::push::logins;
use super::super::stack::Stack;
use super::super::{CliError, CliResult, Context};
use super::args::ReleaseArgs;
use super::homes::Homes;
use crate::build::pull;
use crate::deploy::Gathered;

/// What the images are made with.
pub(super) struct Making<'a> {
    pub(super) stack: &'a Stack,
    pub(super) homes: &'a Homes,
    pub(super) args: &'a ReleaseArgs,
    /// The services that are put; the others keep what they run.
    pub(super) chosen: &'a [Name],
    pub(super) secrets: &'a Gathered,
    pub(super) former: Option<&'a Release>,
    pub(super) observed: &'a Observed,
    /// True where nothing is going to be put, so that an image that is missing is no error.
    pub(super) plan_only: bool,
}

impl Making<'_> {
    /// The images of all services that take one.
    ///
    /// # Errors
    /// The failing build, or the image that cannot be had.
    pub(super) async fn all(&self, context: &Context) -> CliResult<IndexMap<Name, ReleaseImage>> {
        let services = self.stack.bound.services.values();
        let looking = services.filter(|service| self.homes.takes_image(service)).map(|service| async move {
            let image = self.at_hand(context, service).await?;
            Ok::<_, CliError>(image.map(|image| (service.name.clone(), image)))
        });
        // Registries are asked about all services at the same time.
        let found = futures_util::future::try_join_all(looking).await?;
        let mut found: IndexMap<Name, ReleaseImage> = found.into_iter().flatten().collect();
        let open = |service: &Service| self.homes.takes_image(service) && !found.contains_key(&service.name);
        if self.stack.bound.services.values().any(open) {
            let made = if self.args.no_build {
                existing_images(context, self.stack, self.plan_only, &open).await?
            } else {
                let file = self.args.secrets_file.as_deref();
                let of_builds = self.stack.build_secrets(context, file, &open)?;
                images(context, self.stack, &self.args.build, self.secrets, &of_builds, &open).await?
            };
            found.extend(made);
        }
        // In the file's order, whichever way each was found.
        let names = self.stack.bound.services.keys();
        Ok(names.filter_map(|name| found.swap_remove_entry(name)).collect())
    }

    /// The image of a service where it need not be made.
    async fn at_hand(&self, context: &Context, service: &Service) -> CliResult<Option<ReleaseImage>> {
        if !self.is_chosen(service) {
            return Ok(Some(self.kept(service)));
        }
        if let Some(reference) = self.given(service) {
            return self.fetched(context, service, reference).await.map(Some);
        }
        match &service.source {
            Source::Image(reference) if self.homes.stays(self.stack, service) => {
                match self.pinned(service, reference) {
                    Some(image) => Ok(Some(image)),
                    None => self.homes.resolved(context, &service.name, reference).await.map(Some),
                }
            }
            _ => Ok(None),
        }
    }

    /// The image of the release that serves, where it is named by its digest: nothing about it can have changed.
    fn pinned(&self, service: &Service, reference: &str) -> Option<ReleaseImage> {
        let former = self.former?.images.get(&service.name)?;
        let is_it = reference.contains('@') && former.reference == reference && former.digest.is_some();
        is_it.then(|| former.clone())
    }

    fn is_chosen(&self, service: &Service) -> bool {
        self.chosen.is_empty() || self.chosen.contains(&service.name)
    }

    fn given(&self, service: &Service) -> Option<&str> {
        let given = self.args.images.iter().find(|given| given.service == service.name.as_str());
        given.map(|given| given.reference.as_str())
    }

    /// The image of a service that stays as it is.
    fn kept(&self, service: &Service) -> ReleaseImage {
        let former = self.former.and_then(|release| release.images.get(&service.name));
        former.cloned().unwrap_or_else(|| {
            let mut seen = self.observed.of_service(&service.name).filter_map(|it| it.facts.get("image_id"));
            let id = seen.next().cloned().unwrap_or_else(|| "unknown".to_owned());
            ReleaseImage::new(image_reference(&self.stack.bound, service), ImageId(id))
        })
    }

    /// An image that was named on the command line: by its digest where targets take it from its registry, else fetched by the
    /// engine, which keeps or sends it.
    async fn fetched(
        &self,
        context: &Context,
        service: &Service,
        reference: &str,
    ) -> CliResult<ReleaseImage> {
        if self.homes.stays_given(self.stack, service) {
            return self.homes.resolved(context, &service.name, reference).await;
        }
        let engine = connected(connecting()).await?;
        let platform = self.args.build.platform.as_deref();
        let logins = logins(context, &self.stack.bound);
        let pulled =
            pull::pull_if_missing(&engine.docker, reference, platform, Some(logins), &context.console);
        let id = interruptible(context, pulled).await?;
        Ok(ReleaseImage::new(reference, id))
    }
}
