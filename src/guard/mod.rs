//! Guards: nothing secret gets into an image, a registry or a page.
//!
//! Given: the values that are known to be secret, what is allowed, and files in pieces. Gives: findings, each with its place,
//! the mend, and a fingerprint by which it can be allowed. Three borders use it: what goes to the engine, what goes to a
//! registry, what goes to browsers. Deliberately absent: reading files, and showing anything of a value but the mark that its
//! issuer puts before every one of them. A guard cannot be switched off; what it finds can be allowed, one by one, with a
//! reason.
//!
//! What is looked for: known values in every form that programs give them (`forms`), keys that issuers made recognisable
//! (`tokens`, `shapes`), files that are secret as such (`files`). Folders of installed packages are searched for known values
//! alone: packages bring keys for their own tests.

mod engine;
mod files;
mod fingerprint;
mod forms;
mod gzip;
mod known;
mod scan;
mod shapes;
mod tell;
mod tokens;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use dashdeploy_contract::Finding;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use crate::io::context::inspect::{Inspect, Inspection};

pub use fingerprint::is_fingerprint;
pub use known::{Unsought, Variable};
pub(crate) use shapes::recognised;
pub use tell::{fingerprint_of, mend, unseen};

use engine::Engine;
use gzip::Zipped;
use known::Known;
use scan::Scan;

/// Goes up whenever the same file could be judged otherwise.
const RULES: u32 = 1;

/// What files are about to cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Border {
    /// Sent to the engine that builds.
    Context,
    /// Pushed to a registry.
    Image,
    /// Given to browsers.
    Bundle,
}

/// What looks for secrets. Its `Debug` form shows none.
pub struct Guard {
    project: String,
    known: Vec<Known>,
    unsought: Vec<Unsought>,
    allowed: BTreeMap<String, String>,
    engine: OnceLock<Result<Engine, String>>,
    met: Mutex<BTreeSet<String>>,
    looked: AtomicBool,
}

impl Guard {
    /// A guard of a project. `allowed` has reasons by fingerprint. Cheap: the automaton is made when the first file comes.
    pub fn new(project: &str, variables: Vec<Variable>, allowed: BTreeMap<String, String>) -> Arc<Self> {
        let (known, unsought) = known::known(variables);
        Arc::new(Self {
            project: project.to_owned(),
            known,
            unsought,
            allowed,
            engine: OnceLock::new(),
            met: Mutex::default(),
            looked: AtomicBool::new(false),
        })
    }

    /// The guard at one border.
    pub fn at(self: &Arc<Self>, border: Border) -> Arc<dyn Inspect> {
        Arc::new(AtBorder { guard: Arc::clone(self), border })
    }

    /// Looks at a piece of text that is no file, such as a build argument; the path is its name in findings.
    pub fn text(&self, border: Border, path: &str, text: &str) -> Vec<Finding> {
        let mut scan = Scan::new(self, border, path);
        scan.piece(text.as_bytes());
        Box::new(scan).end()
    }

    /// Secrets that are not looked for, since their values stand everywhere.
    pub fn unsought(&self) -> &[Unsought] {
        &self.unsought
    }

    /// Fingerprints that are allowed and met nothing in what this guard looked at; none where it looked at nothing.
    pub fn unmet(&self) -> Vec<&str> {
        let Ok(met) = self.met.lock() else { return Vec::new() };
        let unmet = self.allowed.keys().filter(|allowed| !met.contains(*allowed)).map(String::as_str);
        if self.looked.load(Ordering::Relaxed) { unmet.collect() } else { Vec::new() }
    }

    fn engine(&self) -> Result<&Engine, &str> {
        self.looked.store(true, Ordering::Relaxed);
        let made = self.engine.get_or_init(|| Engine::new(&self.known).map_err(|error| error.to_string()));
        made.as_ref().map_err(String::as_str)
    }

    fn allows(&self, fingerprint: &str) -> bool {
        let allowed = self.allowed.contains_key(fingerprint);
        if allowed && let Ok(mut met) = self.met.lock() {
            met.insert(fingerprint.to_owned());
        }
        allowed
    }

    /// See [`Inspect::edition`].
    fn edition(&self, border: Border) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        add(format!("dashdeploy guard edition {RULES} {border:?}").as_bytes());
        add(env!("CARGO_PKG_VERSION").as_bytes());
        add(self.project.as_bytes());
        let mut values: Vec<&Known> = self.known.iter().collect();
        values.sort_by_key(|known| known.value.expose_secret());
        for known in values {
            add(known.value.expose_secret().as_bytes());
        }
        for allowed in self.allowed.keys() {
            add(b"allowed");
            add(allowed.as_bytes());
        }
        hash.finalize().into()
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("known", &self.known)
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct AtBorder {
    guard: Arc<Guard>,
    border: Border,
}

impl Inspect for AtBorder {
    fn edition(&self) -> [u8; 32] {
        self.guard.edition(self.border)
    }

    fn open<'a>(&'a self, path: &'a str, _: u64) -> Box<dyn Inspection + 'a> {
        let scan = || Scan::new(&self.guard, self.border, path);
        match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("gz") if self.border == Border::Bundle => Box::new(Zipped::new(path, scan(), scan())),
            Some("br" | "zst") if self.border == Border::Bundle => {
                Box::new(scan().noting("it is compressed in a way that is not looked into"))
            }
            _ => Box::new(scan()),
        }
    }
}
