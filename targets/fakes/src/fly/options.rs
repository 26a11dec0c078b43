//! How Fly.io is set up before a rehearsal.
//!
//! Given: nothing, or what the rehearsal needs otherwise. Gives: tokens, times, what runs. Deliberately absent: what requests
//! decide.

use std::sync::Arc;
use std::time::Duration;

use crate::registry::Store;
use crate::workload::{Runner, Scripted};

/// How Fly.io is set up.
#[derive(Debug, Clone)]
pub struct FlyOptions {
    /// The tokens that are taken; the first is the one that a client is told.
    pub tokens: Vec<Token>,
    /// Apps of organisations that no token is for: their names are taken.
    pub others: Vec<String>,
    /// The regions: code and name.
    pub regions: Vec<(String, String)>,
    /// When the platform is started, as time since the beginning of 1970, UTC.
    pub started: Duration,
    /// How long a machine is `created` and `starting`, before it is `started`.
    pub boot: Duration,
    /// How long after it is started a machine's checks have no result.
    pub first_check: Duration,
    /// How long a machine takes to stop, and to be destroyed.
    pub stop: Duration,
    /// How long after its program ended a machine is started again.
    pub restart: Duration,
    /// How long a volume is `creating`.
    pub volume: Duration,
    /// How long an app is still there after it was deleted.
    pub removal: Duration,
    /// How long an app cannot be looked at after it was made (404).
    pub app_lag: Duration,
    /// When what was made is in lists.
    pub list_lag: Lag,
    /// How long machines get former secrets that do not ask for the newest version (`min_secrets_version`).
    pub secrets_lag: Duration,
    /// False where requests are not counted.
    pub limits: bool,
    /// How many machines may run; one more has `insufficient_capacity`.
    pub capacity: usize,
    /// Custom domains whose DNS records point here: their certificates are issued.
    pub pointed: Vec<String>,
    /// What machines do.
    pub runner: Arc<dyn Runner>,
    /// Where the images of `registry.fly.io` and of loopback are looked for; without it any is taken.
    pub images: Option<Arc<Store>>,
    /// What is run in place of what was asked for: a part of an image's name, and the digest that runs.
    pub swapped: Vec<(String, String)>,
}

/// A token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What clients send, without a scheme.
    pub value: String,
    /// The organisation that it is for.
    pub organisation: String,
    /// The apps that it is for; none for all of the organisation.
    pub apps: Vec<String>,
    /// True where it may change nothing.
    pub read_only: bool,
}

/// Not its value.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Token");
        shown.field("organisation", &self.organisation).field("apps", &self.apps);
        shown.field("read_only", &self.read_only).finish_non_exhaustive()
    }
}

/// When what was made is in lists: after both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// So many lists are read without it.
    pub reads: u32,
    /// So long it is in none.
    pub time: Duration,
}

impl Default for FlyOptions {
    fn default() -> Self {
        let region = |code: &str, name: &str| (code.to_owned(), name.to_owned());
        Self {
            tokens: vec![Token {
                value: "fo1_rehearsal".to_owned(),
                organisation: "rehearsal".to_owned(),
                apps: Vec::new(),
                read_only: false,
            }],
            others: Vec::new(),
            regions: vec![
                region("ams", "Amsterdam, Netherlands"),
                region("fra", "Frankfurt, Germany"),
                region("iad", "Ashburn, Virginia (US)"),
                region("lhr", "London, United Kingdom"),
                region("nrt", "Tokyo, Japan"),
                region("ord", "Chicago, Illinois (US)"),
                region("sin", "Singapore, Singapore"),
                region("sjc", "San Jose, California (US)"),
                region("syd", "Sydney, Australia"),
            ],
            // 2026-01-01T00:00:00Z
            started: Duration::from_secs(1_767_225_600),
            boot: Duration::from_secs(1),
            first_check: Duration::from_millis(500),
            stop: Duration::from_millis(500),
            restart: Duration::from_secs(1),
            volume: Duration::from_millis(500),
            removal: Duration::from_millis(500),
            app_lag: Duration::ZERO,
            list_lag: Lag::default(),
            secrets_lag: Duration::ZERO,
            limits: true,
            capacity: usize::MAX,
            pointed: Vec::new(),
            runner: Arc::new(Scripted::default()),
            images: None,
            swapped: Vec::new(),
        }
    }
}

impl FlyOptions {
    /// Everything happens at once, and nothing is counted: for tests that run many deploys.
    pub fn quick() -> Self {
        let (zero, limits) = (Duration::ZERO, false);
        let quick =
            Self { boot: zero, first_check: zero, stop: zero, restart: zero, limits, ..Self::default() };
        Self { volume: zero, removal: zero, ..quick }
    }
}
