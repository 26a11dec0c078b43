//! Where each service's image goes, who may put it there, and whether it is there already.
//!
//! Given: a [`Stack`] and the flags. Gives: for every service that an engine does not keep for itself the repository, the login,
//! the digest under which its image lies there; pushes. Deliberately absent: when to push (`apply` says so), and building.

use std::collections::BTreeMap;
use std::sync::Arc;

use dashdeploy_contract::{
    Address, Bound, EventSink, ImageHome, ImageId, Name, OwnRepository, ReleaseImage, Service, Source,
    Supplies,
};
use secrecy::SecretString;

use super::super::push::PushArgs;
use super::super::stack::Stack;
use super::super::{CliError, CliResult, Context, Exit};
use crate::deploy::PendingPush;
use crate::io::docker::Engine;
use crate::io::http::Http;
use crate::io::logins::{Fixed, Login, Logins, MachineLogins};
use crate::io::registry::{Registry, Repository};
use crate::push::{PushFailure, PushImage, PushOptions, look_all, push_all};

/// Where a service's image goes.
pub(crate) struct Home {
    /// Host and path up to the last part: `ghcr.io/acme`, `registry.fly.io`.
    registry: String,
    /// The last part: `shop-api`.
    name: String,
    /// The change after which it is there.
    after: Option<Address>,
    logins: Arc<dyn Logins>,
    tags: Vec<String>,
}

impl Home {
    /// The place of a service's image at a registry that all services share.
    fn shared(options: &PushOptions, bound: &Bound, service: &Service) -> Self {
        Self {
            registry: options.registry.clone(),
            name: format!("{}-{}", bound.project, service.name),
            after: None,
            logins: Arc::clone(&options.logins),
            tags: options.tags.clone(),
        }
    }
}

/// Where all images go.
pub(crate) struct Homes {
    homes: BTreeMap<Name, Home>,
    /// Services whose image lies at the platform's own registry already, with the login there.
    there: BTreeMap<Name, Arc<dyn Logins>>,
    /// Services that take no image.
    unneeded: Vec<Name>,
    http: Arc<Http>,
}

impl Homes {
    /// Where the images of an environment go.
    ///
    /// # Errors
    /// Exit code 2 where a service needs a registry and none is named.
    pub(crate) fn of(context: &Context, stack: &Stack, args: &PushArgs) -> CliResult<Self> {
        let mut all = Self {
            homes: BTreeMap::new(),
            there: BTreeMap::new(),
            unneeded: Vec::new(),
            http: Arc::default(),
        };
        let mut shared: Option<PushOptions> = None;
        for service in stack.bound.services.values() {
            let name = service.name.clone();
            match stack.fleet.image_home(&stack.accesses, &stack.bound, service) {
                None | Some(ImageHome::Engine) => {}
                Some(ImageHome::Unneeded) => all.unneeded.push(name),
                Some(ImageHome::Own(own)) => all.own(service, own_home(own)),
                // Another's image stays where it is.
                Some(ImageHome::Registry) if matches!(service.source, Source::Image(_)) => {}
                Some(ImageHome::Registry) => {
                    let options = match shared.take() {
                        Some(options) => options,
                        None => args.options(context, &stack.bound, None)?,
                    };
                    let options = shared.insert(options);
                    all.homes.insert(name, Home::shared(options, &stack.bound, service));
                }
            }
        }
        Ok(all)
    }

    /// A service whose target has a registry of its own: an image that is there already stays.
    fn own(&mut self, service: &Service, home: Home) {
        let there = matches!(&service.source, Source::Image(reference)
            if Repository::of_image(reference).host == Repository::below(&home.registry, "any").host);
        if there {
            self.there.insert(service.name.clone(), home.logins);
        } else {
            self.homes.insert(service.name.clone(), home);
        }
    }

    /// True where a service's target takes an image at all.
    pub(crate) fn takes_image(&self, service: &Service) -> bool {
        !self.unneeded.contains(&service.name)
    }

    /// True where the image is another's and is taken from where it lies, without an engine.
    pub(crate) fn stays(&self, stack: &Stack, service: &Service) -> bool {
        let home = stack.fleet.image_home(&stack.accesses, &stack.bound, service);
        let of_others = matches!(home, Some(ImageHome::Registry)) && !self.homes.contains_key(&service.name);
        of_others || self.there.contains_key(&service.name)
    }

    /// True where one of the services' images goes anywhere.
    pub(crate) fn any(&self, wanted: &dyn Fn(&Name) -> bool) -> bool {
        self.homes.keys().any(wanted)
    }

    /// True where an image named on the command line is taken from its own registry.
    pub(crate) fn stays_given(&self, stack: &Stack, service: &Service) -> bool {
        let home = stack.fleet.image_home(&stack.accesses, &stack.bound, service);
        matches!(home, Some(ImageHome::Registry))
    }

    /// The pushes of images that are not there yet; those that are get their digest. Nothing is sent.
    ///
    /// # Errors
    /// A registry that cannot be asked.
    pub(crate) async fn pending(
        &self,
        engine: Option<&Engine>,
        images: &mut indexmap::IndexMap<Name, ReleaseImage>,
        wanted: &dyn Fn(&Name) -> bool,
    ) -> CliResult<BTreeMap<Name, PendingPush>> {
        let mut pending = BTreeMap::new();
        for (service, home) in self.homes.iter().filter(|(service, _)| wanted(service)) {
            let Some(image) = images.get_mut(service).filter(|image| image.digest.is_none()) else {
                continue;
            };
            let repository = format!("{}/{}", home.registry, home.name);
            if let Some(engine) = engine {
                image.digest = self
                    .standing(engine, service, home, &image.id)
                    .await?
                    .map(|digest| format!("{repository}@{digest}"));
            }
            if image.digest.is_none() {
                pending.insert(service.clone(), PendingPush { repository, after: home.after.clone() });
            }
        }
        Ok(pending)
    }

    /// The digest under which an image lies at its home. A platform's own repository that is yet to be made, or that nobody may
    /// look into before, holds nothing.
    async fn standing(
        &self,
        engine: &Engine,
        service: &Name,
        home: &Home,
        id: &ImageId,
    ) -> CliResult<Option<String>> {
        let found = look_all(engine, vec![home.image(service, id)], &self.options(home)).await;
        match found {
            Ok(found) => Ok(found.into_iter().next().and_then(|standing| standing.digest)),
            Err(_) if home.after.is_some() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Puts the image of a service where it goes, and notes its digest among the supplies.
    ///
    /// # Errors
    /// [`PushFailure`].
    pub(crate) async fn push(
        &self,
        engine: &Engine,
        service: &Name,
        id: &ImageId,
        supplies: &Supplies,
        events: Arc<dyn EventSink>,
    ) -> Result<(), Box<PushFailure>> {
        let Some(home) = self.homes.get(service) else { return Ok(()) };
        let pushed = push_all(engine, vec![home.image(service, id)], &self.options(home), events).await?;
        for image in pushed {
            supplies.put_image(service, image.repo_digest);
        }
        Ok(())
    }

    fn options(&self, home: &Home) -> PushOptions {
        PushOptions {
            registry: home.registry.clone(),
            tags: home.tags.clone(),
            logins: Arc::clone(&home.logins),
            guard: None,
            http: Arc::clone(&self.http),
        }
    }

    /// An image of others by its digest, as its registry has it now.
    ///
    /// # Errors
    /// A registry that does not have it or does not answer.
    pub(crate) async fn resolved(
        &self,
        context: &Context,
        service: &Name,
        reference: &str,
    ) -> CliResult<ReleaseImage> {
        let repository = Repository::of_image(reference);
        let tail = reference.rsplit('/').next().unwrap_or_default();
        let asked = match (reference.split_once('@'), tail.split_once(':')) {
            (Some((_, digest)), _) => digest,
            (None, Some((_, tag))) => tag,
            (None, None) => "latest",
        };
        let of_machine = || {
            let http = Arc::clone(&self.http);
            let logins = MachineLogins::new(&context.environment, Some(&repository.host), http);
            Arc::new(logins) as Arc<dyn Logins>
        };
        let logins = self.there.get(service).cloned().unwrap_or_else(of_machine);
        let host = repository.host.clone();
        let login = tokio::task::spawn_blocking(move || logins.login(&host)).await;
        let login = login
            .unwrap_or_else(|_| Ok(None))
            .map_err(|why| CliError::new(Exit::Credentials, "login", why))?;
        let failed = |error: crate::io::registry::RegistryError| {
            CliError::new(Exit::Failed, "registry", format!("{reference}: {error}"))
        };
        let registry = Registry::new(Arc::clone(&self.http), &repository.host, login).map_err(failed)?;
        let digest = registry.digest(&repository.path, asked).await.map_err(failed)?.ok_or_else(|| {
            CliError::new(Exit::Failed, "no-image", format!("{repository} has no image {asked}"))
                .hint("check the image's name and tag; a private one needs `docker login`")
        })?;
        let by_digest = format!("{repository}@{digest}");
        Ok(ReleaseImage { reference: reference.to_owned(), id: ImageId(digest), digest: Some(by_digest) })
    }

    /// True where an image still lies under its digest, as a release had it.
    ///
    /// # Errors
    /// A registry that does not answer.
    pub(crate) async fn still_there(&self, service: &Name, by_digest: &str) -> Result<bool, String> {
        let repository = Repository::of_image(by_digest);
        let digest = by_digest.rsplit_once('@').map_or("latest", |(_, digest)| digest).to_owned();
        let login = match self.homes.get(service) {
            Some(home) => {
                let (logins, host) = (Arc::clone(&home.logins), repository.host.clone());
                tokio::task::spawn_blocking(move || logins.login(&host)).await.unwrap_or(Ok(None))?
            }
            None => None,
        };
        let registry = Registry::new(Arc::clone(&self.http), &repository.host, login)
            .map_err(|error| error.to_string())?;
        let found = registry.digest(&repository.path, &digest).await.map_err(|error| error.to_string())?;
        Ok(found.is_some())
    }
}

impl Home {
    fn image(&self, service: &Name, id: &ImageId) -> PushImage {
        PushImage { service: service.clone(), name: self.name.clone(), id: id.clone() }
    }
}

fn own_home(own: OwnRepository) -> Home {
    let (registry, name) = own.repository.rsplit_once('/').unwrap_or((own.repository.as_str(), "app"));
    let host = Repository::below(registry, name).host;
    let login = Login::new(own.user, SecretString::clone(&own.password));
    Home {
        registry: registry.to_owned(),
        name: name.to_owned(),
        after: Some(own.after),
        logins: Arc::new(Fixed::new(host, login)),
        tags: Vec::new(),
    }
}
