//! Who answers for a public name: the instances of the deploy that is live.
//!
//! Given: a name, and what runs under it. Gives: whom visitors are sent to. What is live is started where it runs with the first
//! visit after that, and ended with the first visit after it is no longer. Deliberately absent: whom of several, which is the
//! edge's turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::workload::{Container, Outcome, Workloads};
use super::{Host, Render, RenderOptions, hosts};
use crate::Moment;
use crate::edge::{Backend, Route};
use crate::workload::{Job, Script, Scripted};

/// Containers that do what a [`Scripted`] says, so that a deploy goes as what visitors see.
#[derive(Debug, Clone)]
pub struct Scripts(pub Arc<Scripted>);

impl Workloads for Scripts {
    fn outcome(&self, container: &Container) -> (Outcome, Vec<String>) {
        let job = Job { image: container.image.clone(), env: container.env.clone(), ..Job::default() };
        let Script { boot_ms, healthy_after_ms, exit, status, lines, .. } = self.0.script(&job);
        let outcome = match (exit, healthy_after_ms, status) {
            (Some(exit), ..) => Outcome::Exits {
                after: Duration::from_millis(boot_ms.saturating_add(exit.after_ms)),
                code: exit.code,
            },
            (None, Some(after), status) if status.is_none_or(|status| status < 400) => {
                Outcome::Healthy { after: Duration::from_millis(boot_ms.saturating_add(after)) }
            }
            _ => Outcome::Unhealthy,
        };
        (outcome, lines)
    }
}

impl RenderOptions {
    /// Containers and static sites are played by these scripts, in deploys and before visitors.
    pub fn scripted(scripted: Arc<Scripted>) -> Self {
        let workloads: Box<dyn Workloads> = Box::new(Scripts(Arc::clone(&scripted)));
        Self { workloads: Some(workloads), runner: scripted, ..Self::default() }
    }
}

impl Render {
    pub(super) fn serve(&mut self, name: &str, now: Moment) -> Option<Route> {
        let all = self.hosts(now);
        let jobs: BTreeMap<String, Job> =
            all.iter().flat_map(jobs).map(|job| (job.id.clone(), job)).collect();
        let runner = Arc::clone(&self.stage.options.runner);
        self.standing.retain(|id| {
            let stays = jobs.contains_key(id);
            if !stays {
                runner.stop(id, now);
            }
            stays
        });
        let host = all.iter().find(|host| host.name == name)?;
        let redirect = Some(host.redirect.clone()).filter(|redirect| !redirect.is_empty());
        let mut backends = Vec::new();
        for job in self::jobs(host) {
            let id = job.id.clone();
            if self.standing.insert(id.clone()) {
                // It was healthy before it was live: it began at some time before, which nobody asks for.
                runner.start(job, Moment::ZERO);
            }
            backends.push(Backend { job: id, runner: Arc::clone(&runner) });
        }
        Some(Route { backends, without: if host.suspended { 503 } else { 502 }, redirect })
    }
}

/// What runs behind a name: each instance; of a static site, its pages.
fn jobs(host: &Host) -> Vec<Job> {
    let Some(backend) = host.backend.as_ref().filter(|_| !host.suspended) else { return Vec::new() };
    let hosts::Backend { instances, container, commit, files, .. } = backend;
    let Some(Container { image, env, port }) = container else {
        let commit = commit.clone().unwrap_or_default();
        let image = format!("{}@{commit}", host.service);
        return vec![Job { id: image.clone(), image, ..Job::default() }];
    };
    let files = files.iter().map(|(name, text)| (format!("/etc/secrets/{name}"), text.clone().into_bytes()));
    let files: BTreeMap<String, Vec<u8>> = files.collect();
    let job = |id: &String| Job {
        id: id.clone(),
        image: image.clone(),
        env: env.clone(),
        port: Some(*port),
        files: files.clone(),
        ..Job::default()
    };
    instances.iter().map(job).collect()
}
