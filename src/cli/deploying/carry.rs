//! A prepared release put: begun in the ledger, applied, verified, written down.
//!
//! Given: what was prepared and agreed to, the ledger. Gives: what came of it, as an answer or as the error with its exit code.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dashdeploy_contract::{Name, Release, ServiceKind, Supplies, ownership_marks};

use super::super::build::{connected, connecting};
use super::super::stack::Stack;
use super::super::verdict::conclude;
use super::super::{CliResult, Context};
use super::args::OutsideArgs;
use super::ledger::Held;
use super::prepared::Prepared;
use super::steps::Work;
use super::verdict::{Served, ending};
use crate::build::dist::index_html;
use crate::deploy::{ApplyOptions, FleetReader, Outcome, PageMark, Patience, Session, apply};
use crate::io::docker::Engine;
use crate::io::ledger::{JournaledWrites, Run, actor};
use crate::io::outside::Outside;
use crate::ledger::{Begin, RunKind};
use crate::render::STATIC_ROOT;

/// What is put.
pub(crate) struct Cargo<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) reader: &'a FleetReader,
    pub(crate) prepared: &'a Prepared,
    pub(crate) kind: RunKind,
    pub(crate) held: &'a Held,
    pub(crate) args: &'a OutsideArgs,
}

impl Cargo<'_> {
    /// Puts it. Gives the release with its images as they were pushed, and how long it took.
    ///
    /// # Errors
    /// As [`conclude`] has it; the ledger says the same.
    pub(crate) async fn carry(&self, context: &Context) -> CliResult<(Release, Duration)> {
        let begun = Instant::now();
        let supplies = self.prepared.supplies();
        let engine = self.engine().await?;
        let (pages, marks) = self.pages(context, engine.as_ref()).await?;
        let run = self.begin(context).await?;
        let applied = match self.before(context).await {
            Ok(()) => self.apply(context, &supplies, engine.as_ref(), &pages, &run).await,
            Err(error) => Err(error),
        };
        context.console.finish_progress();
        let served = Served { pages: marks, images: supplies.images() };
        let ending = ending(applied.as_ref(), begun.elapsed(), served).redacted(&supplies.secrets);
        let ended = run.end(ending).await;
        conclude(&applied?)?;
        ended?;
        self.after(context).await?;
        Ok((self.prepared.release.pushed(&supplies), begun.elapsed()))
    }

    async fn begin(&self, context: &Context) -> CliResult<Arc<Run>> {
        let mut release: Release = self.prepared.release.clone();
        // What a later rollback starts from: by digest wherever one is known.
        release.project_dir.clear();
        let actor = actor(&context.environment);
        let begin = Begin { kind: self.kind, git: release.git.clone(), release: Some(release), actor };
        Ok(self.held.ledger.begin(begin).await?)
    }

    async fn apply(
        &self,
        context: &Context,
        supplies: &Supplies,
        engine: Option<&Engine>,
        pages: &BTreeMap<Name, PageMark>,
        run: &Arc<Run>,
    ) -> CliResult<Outcome> {
        let Prepared { release, observed, plan, homes, .. } = self.prepared;
        let inner = Arc::clone(self.stack.ports()) as Arc<dyn dashdeploy_contract::Writes>;
        let journaled = JournaledWrites::new(inner, Arc::clone(run), Arc::clone(&self.held.lock));
        let writes = Arc::new(journaled) as Arc<dyn dashdeploy_contract::Writes>;
        let writer = self.stack.fleet.writer(&self.stack.accesses, &writes).await?;
        let outside = Outside::new(self.args.connect_to.clone());
        let events = Arc::new(context.console.clone());
        let work = Work {
            stack: self.stack,
            release,
            makes: self.makes(),
            homes,
            engine,
            supplies,
            reader: self.reader,
            outside: &outside,
            pages,
            patience: Duration::from_secs(self.args.verify_timeout),
            events: events.clone(),
            run: Arc::clone(run),
            lock: Arc::clone(&self.held.lock),
            begun: Mutex::default(),
        };
        let interrupt = context.interrupt();
        let session = Session {
            bound: &release.bound,
            reader: self.reader,
            writer: &writer,
            supplies,
            steps: &work,
            events,
            interrupt: &interrupt,
        };
        Ok(apply(&session, plan, observed, self.options()).await?)
    }

    fn options(&self) -> ApplyOptions {
        let deadline = Duration::from_secs(self.args.wait_timeout);
        ApplyOptions {
            patience: Patience { deadline, ..Patience::default() },
            stable: Duration::from_secs(self.args.stable_for),
        }
    }

    /// True where it makes services that a platform gives an address to.
    fn makes(&self) -> bool {
        let Prepared { release, observed, .. } = self.prepared;
        let is_new = |name: &Name| observed.of_service(name).next().is_none();
        release
            .bound
            .services
            .keys()
            .any(|name| is_new(name) && self.stack.fleet.assigns(&release.bound, name))
    }

    /// The engine, where images are to be sent or looked into.
    async fn engine(&self) -> CliResult<Option<Engine>> {
        let pages = self
            .prepared
            .release
            .bound
            .services
            .values()
            .any(|service| service.kind() == ServiceKind::Static);
        if self.prepared.pending.is_empty() && !pages {
            return Ok(None);
        }
        match connected(connecting()).await {
            Ok(engine) => Ok(Some(engine)),
            // Without pushes the engine is only good for knowing which page to expect.
            Err(_) if self.prepared.pending.is_empty() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has a rehearsal's platforms answer with the page that the service's image holds.
    #[cfg(feature = "rehearse")]
    fn rehearse_page(&self, service: &Name, html: &[u8]) {
        let Some(rehearsal) = &self.stack.rehearsal else { return };
        let prepared = self.prepared;
        let there = prepared.release.images.get(service).and_then(|image| image.digest.as_deref());
        let there = there.and_then(|digest| digest.split('@').next());
        let sent = prepared.pending.get(service).map(|push| push.repository.as_str());
        if let Some(repository) = there.or(sent) {
            rehearsal.plays(repository, &String::from_utf8_lossy(html));
        }
    }

    /// Which page each static service must serve, as its image has it: the marks for the checks, and for the ledger.
    async fn pages(
        &self,
        context: &Context,
        engine: Option<&Engine>,
    ) -> CliResult<(BTreeMap<Name, PageMark>, BTreeMap<Name, String>)> {
        let (mut pages, mut marks) = (BTreeMap::new(), BTreeMap::new());
        let Some(engine) = engine else { return Ok((pages, marks)) };
        let release = &self.prepared.release;
        for service in release.bound.services.values().filter(|service| service.kind() == ServiceKind::Static)
        {
            let Some(image) = release.images.get(&service.name) else { continue };
            let labels = ownership_marks(&release.bound, Some(&service.name));
            let html = index_html(&engine.docker, &service.name, &image.id, STATIC_ROOT, &labels).await;
            let Ok(Some(html)) = html else {
                let message = format!(
                    "which page {} must serve could not be read from its image: that it does is not checked",
                    service.name
                );
                context.console.warning(&message);
                continue;
            };
            #[cfg(feature = "rehearse")]
            self.rehearse_page(&service.name, &html);
            let mark = PageMark::of(&html);
            marks.extend(mark.meta.clone().map(|id| (service.name.clone(), id)));
            pages.insert(service.name.clone(), mark);
        }
        Ok((pages, marks))
    }
}
