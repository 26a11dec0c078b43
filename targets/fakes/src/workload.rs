//! What runs on a platform in memory, and who decides what becomes of it.
//!
//! Given: images with their variables, as machines and instances are started. Gives: whether they boot, run or ended, what
//! their health check says, where they answer or what. [`Scripted`] plays it by rules; whoever starts real containers
//! implements [`Runner`] instead. Deliberately absent: who is sent to them, which is each platform's to say.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use crate::Moment;

mod scripted;

pub use scripted::{Exit, Script, Scripted, When};

/// What is started.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Job {
    /// Names it: of a machine, its id and the version of it.
    pub id: String,
    /// Host, repository, and tag or digest.
    pub image: String,
    /// The image's labels, where the image is known.
    pub labels: BTreeMap<String, String>,
    /// The variables, those that are secret among them.
    pub env: BTreeMap<String, String>,
    /// The port that requests are sent to; none where nothing is sent.
    pub port: Option<u16>,
    /// Files put into it, by their path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Volumes: id and path.
    pub mounts: Vec<(String, String)>,
    /// The path of its health check; none where only the port is looked at, or nothing.
    pub health: Option<String>,
}

/// Names, and no values: some are secret.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Job");
        shown.field("id", &self.id).field("image", &self.image).field("port", &self.port);
        shown.field("env", &self.env.keys()).field("files", &self.files.keys());
        shown.field("mounts", &self.mounts).field("health", &self.health).finish_non_exhaustive()
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is pulled, or starts.
    Booting,
    /// Its program runs.
    Running {
        /// Where it answers; none where [`Runner::page`] says what.
        address: Option<SocketAddr>,
    },
    /// Its program ended.
    Exited {
        /// Its exit code.
        code: i32,
    },
}

/// An answer in place of a program's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Runs jobs. It is called by platforms while they answer: nothing here may take long; what takes long is begun, and looked at.
pub trait Runner: Send + Sync + fmt::Debug {
    /// Starts a job.
    fn start(&self, job: Job, now: Moment);

    /// Ends it. What does not run is none.
    fn stop(&self, id: &str, now: Moment);

    /// How far it is. What was never started, or was stopped, has exited with 0.
    fn look(&self, id: &str, now: Moment) -> Look;

    /// What its last health check said; none before the first.
    fn healthy(&self, id: &str, now: Moment) -> Option<bool>;

    /// What it answers, where it has no address.
    fn page(&self, id: &str, path: &str, now: Moment) -> Page;

    /// The lines that it wrote since it was last asked.
    fn lines(&self, id: &str, now: Moment) -> Vec<String>;
}
