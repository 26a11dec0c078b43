//! How the platform is set up before a rehearsal.
//!
//! Given: nothing, or what the rehearsal needs otherwise. Gives: a workspace, a key, times. Deliberately absent: what requests
//! decide.

use std::sync::Arc;
use std::time::Duration;

use super::workload::{Table, Workloads};
use crate::workload::{Runner, Scripted};

/// How Render is set up.
#[derive(Debug)]
pub struct RenderOptions {
    /// The key that requests must bear.
    pub token: String,
    /// Who it belongs to: name and address.
    pub user: (String, String),
    /// The workspaces that the key sees; others do not exist for it.
    pub workspaces: Vec<Workspace>,
    /// When the platform is started, as time since the beginning of 1970, UTC: dates in answers count from there.
    pub started: Duration,
    /// How long a deploy is `created` before anything happens.
    pub pending: Duration,
    /// How long a command before the deploy takes.
    pub prepare: Duration,
    /// How long a static site is built.
    pub build: Duration,
    /// How long a container boots that the default [`Table`] knows nothing else about.
    pub boot: Duration,
    /// When a deploy that is not healthy is given up. 15 minutes on the platform
    /// (<https://render.com/docs/health-checks>).
    pub patience: Duration,
    /// What happens to a deploy that is asked for while another is in progress: true, it waits and is answered with 202 and
    /// nothing; false, the other is canceled (<https://render.com/docs/deploys#overlapping-deploys>).
    pub queue: bool,
    /// Labels under `onrender.com` that others have: the slug of a service with such a name gets a suffix.
    pub taken_labels: Vec<String>,
    /// False where the workspaces have no card: what costs anything is answered with 402.
    pub card: bool,
    /// False where requests are not counted.
    pub limits: bool,
    /// Custom domains whose DNS records point here: these alone can be verified.
    pub pointed: Vec<String>,
    /// Images that turn out to be others: what has this in it runs with that digest.
    pub swapped: Vec<(String, String)>,
    /// What containers do; without one, a [`Table`] with `boot` and no rules.
    pub workloads: Option<Box<dyn Workloads>>,
    /// Where what is live answers visitors of the edge.
    pub runner: Arc<dyn Runner>,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its id: `tea-…`, `usr-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub email: String,
    /// True for a team's, false for a user's own.
    pub team: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        let email = "rehearsal@example.com".to_owned();
        Self {
            token: "rnd_rehearsal".to_owned(),
            user: ("Rehearsal".to_owned(), email.clone()),
            workspaces: vec![Workspace {
                id: "tea-rehearsal0000000000".to_owned(),
                name: "Rehearsal".to_owned(),
                email,
                team: true,
            }],
            // 2026-01-01T00:00:00Z
            started: Duration::from_secs(1_767_225_600),
            pending: Duration::from_millis(500),
            prepare: Duration::from_secs(1),
            build: Duration::from_secs(5),
            boot: Duration::from_secs(3),
            patience: Duration::from_mins(15),
            queue: false,
            taken_labels: Vec::new(),
            card: true,
            limits: true,
            pointed: Vec::new(),
            swapped: Vec::new(),
            workloads: None,
            runner: Arc::new(Scripted::default()),
        }
    }
}

impl RenderOptions {
    /// What containers do.
    pub(super) fn take_workloads(&mut self) -> Box<dyn Workloads> {
        self.workloads.take().unwrap_or_else(|| Box::new(Table { boot: self.boot, rules: Vec::new() }))
    }
}
