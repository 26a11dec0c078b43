//! Platforms that listen on loopback, each on a port of its own, until they are dropped.
//!
//! Given: platforms, and how they shall behave. Gives: their addresses, the truth about them, the log. Deliberately absent: any
//! address but 127.0.0.1.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::edge::{self, Count, Edge, Standing};
use crate::faults::{Fault, Faults};
use crate::log::{Entry, Log, Seen};
#[cfg(feature = "spec")]
use crate::spec::{Spec, Violation};
#[cfg(feature = "spec")]
use crate::{Call, Reply};
use crate::{Moment, Platform, held, server};
#[cfg(feature = "spec")]
use serde_json::json;

/// When a hook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The request is read; the platform has not acted.
    Before,
    /// The platform has acted; nothing was answered.
    Acted,
    /// The answer has gone out whole. What the hook says then comes too late and is passed over.
    Answered,
}

/// What a hook says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Go on.
    Go,
    /// Cut the connection.
    Drop,
}

/// Called for each request in each phase, on a thread that may block.
pub type OnCall = Arc<dyn Fn(&Seen, Phase) -> Hold + Send + Sync>;

/// How the platforms shall behave.
#[derive(Clone)]
pub struct Options {
    /// What goes wrong from the beginning.
    pub faults: Vec<Fault>,
    /// How long each answer takes at least.
    pub latency: Duration,
    /// Called for each request.
    pub on_call: Option<OnCall>,
    /// Ports by the platforms' names; others are the kernel's choice.
    pub ports: BTreeMap<String, u16>,
    /// The port of the edge, 0 for the kernel's choice; none for no edge.
    pub edge: Option<u16>,
    /// The largest body that a request may have, bytes.
    pub largest_body: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            faults: Vec::new(),
            latency: Duration::ZERO,
            on_call: None,
            ports: BTreeMap::new(),
            edge: None,
            largest_body: 1 << 30,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Options");
        shown.field("faults", &self.faults).field("latency", &self.latency).field("ports", &self.ports);
        shown
            .field("on_call", &self.on_call.is_some())
            .field("edge", &self.edge)
            .field("largest_body", &self.largest_body)
            .finish()
    }
}

/// A platform and where it listens.
pub(crate) struct Booth {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) platform: Mutex<Box<dyn Platform>>,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) faults: Mutex<Faults>,
    pub(crate) log: Mutex<Log>,
    pub(crate) latency: Duration,
    pub(crate) on_call: Option<OnCall>,
    pub(crate) largest_body: usize,
    started: Instant,
    #[cfg(feature = "spec")]
    pub(crate) specs: Mutex<BTreeMap<&'static str, Arc<Spec>>>,
    #[cfg(feature = "spec")]
    pub(crate) violations: Mutex<Vec<Violation>>,
}

impl Shared {
    pub(crate) fn now(&self) -> Moment {
        self.started.elapsed()
    }
}

#[cfg(feature = "spec")]
impl Shared {
    /// Holds the requests to a platform against its vendor's document from now on.
    pub(crate) fn hold_against(&self, booth: &Booth, document: &Value) -> Result<(), String> {
        let spec = Spec::read(document, held(&booth.platform).nullable())?;
        held(&self.specs).insert(booth.name, Arc::new(spec));
        Ok(())
    }

    /// The answer to a request that the document does not allow.
    pub(crate) fn violated(&self, call: &Call, seen: &Seen) -> Option<Reply> {
        let spec = held(&self.specs).get(seen.platform).cloned()?;
        let problems = spec.problems(call).unwrap_or_else(|why| vec![why]);
        let words = problems.join("; ");
        if problems.is_empty() {
            return None;
        }
        let (method, path) = (seen.method.clone(), seen.path.clone());
        held(&self.violations).push(Violation {
            number: seen.number,
            platform: seen.platform,
            method,
            path,
            problems,
        });
        Some(Reply::json(400, &json!({ "error": words, "message": words })))
    }
}

/// Platforms that run. They end when it is dropped.
pub struct Lab {
    shared: Arc<Shared>,
    booths: Vec<Arc<Booth>>,
    edge: Option<Standing>,
    runtime: Option<Runtime>,
}

impl Lab {
    /// Starts platforms on 127.0.0.1.
    ///
    /// # Errors
    /// Where a port is not to be had, or threads are not.
    pub fn start(platforms: Vec<Box<dyn Platform>>, options: Options) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("fakes")
            .enable_all()
            .build()?;
        let mut faults = Faults::default();
        options.faults.into_iter().for_each(|fault| faults.add(fault));
        let shared = Arc::new(Shared {
            faults: Mutex::new(faults),
            log: Mutex::new(Log::default()),
            latency: options.latency,
            on_call: options.on_call,
            largest_body: options.largest_body,
            started: Instant::now(),
            #[cfg(feature = "spec")]
            specs: Mutex::default(),
            #[cfg(feature = "spec")]
            violations: Mutex::default(),
        });
        let mut booths = Vec::new();
        for platform in platforms {
            let name = platform.name();
            let (listener, address) = listener(&runtime, options.ports.get(name).copied().unwrap_or(0))?;
            let booth = Arc::new(Booth { name, address, platform: Mutex::new(platform) });
            runtime.spawn(server::listen(Arc::clone(&shared), Arc::clone(&booth), listener));
            booths.push(booth);
        }
        let edge = options.edge.map(|port| Self::stand(&runtime, &shared, &booths, port)).transpose()?;
        Ok(Self { shared, booths, edge, runtime: Some(runtime) })
    }

    fn stand(
        runtime: &Runtime,
        shared: &Arc<Shared>,
        booths: &[Arc<Booth>],
        port: u16,
    ) -> io::Result<Standing> {
        let (listener, address) = listener(runtime, port)?;
        let edge = Arc::new(Edge::default());
        runtime.spawn(edge::listen(Arc::clone(shared), booths.to_vec(), Arc::clone(&edge), listener));
        Ok(Standing { edge, address })
    }

    /// Where the edge listens; none where there is none. Visitors name the app in `Host`.
    pub fn edge(&self) -> Option<SocketAddr> {
        self.edge.as_ref().map(|standing| standing.address)
    }

    /// What visitors came to at the edge, by name.
    pub fn visits(&self) -> BTreeMap<String, Count> {
        self.edge.as_ref().map(|standing| standing.edge.counts()).unwrap_or_default()
    }

    /// Where a platform listens; none where there is no such platform.
    pub fn address(&self, platform: &str) -> Option<SocketAddr> {
        self.booth(platform).map(|booth| booth.address)
    }

    /// Where a platform's addresses begin: `http://127.0.0.1:4280`; empty where there is no such platform.
    pub fn url(&self, platform: &str) -> String {
        self.address(platform).map(|address| format!("http://{address}")).unwrap_or_default()
    }

    /// The platforms' names with their addresses.
    pub fn bases(&self) -> Vec<(&'static str, String)> {
        self.booths.iter().map(|booth| (booth.name, format!("http://{}", booth.address))).collect()
    }

    /// The variables that lead a client to the platforms.
    pub fn variables(&self) -> Vec<(String, String)> {
        let of = |booth: &Arc<Booth>| held(&booth.platform).variables(&format!("http://{}", booth.address));
        self.booths.iter().flat_map(of).collect()
    }

    /// What is there, of a platform; null where there is no such platform.
    pub fn objects(&self, platform: &str) -> Value {
        self.booth(platform).map(|booth| held(&booth.platform).objects()).unwrap_or_default()
    }

    /// All requests so far, in their order.
    pub fn log(&self) -> Vec<Entry> {
        held(&self.shared.log).entries().to_vec()
    }

    /// The requests so far that changed something.
    pub fn effects(&self) -> Vec<Entry> {
        held(&self.shared.log).entries().iter().filter(|entry| entry.effect).cloned().collect()
    }

    /// Lets something go wrong from now on.
    pub fn fail(&self, fault: Fault) {
        held(&self.shared.faults).add(fault);
    }

    /// Nothing goes wrong from now on.
    pub fn mend(&self) {
        held(&self.shared.faults).clear();
    }

    /// Holds the requests to a platform against its vendor's OpenAPI document from now on: what it does not name is answered with
    /// 400, and kept for [`Lab::violations`].
    ///
    /// # Errors
    /// Where there is no such platform, or the document is none.
    #[cfg(feature = "spec")]
    pub fn hold_against(&self, platform: &str, document: &Value) -> Result<(), String> {
        let booth = self.booth(platform).ok_or_else(|| format!("there is no platform {platform}"))?;
        self.shared.hold_against(booth, document)
    }

    /// The requests so far that a vendor's document does not allow.
    #[cfg(feature = "spec")]
    pub fn violations(&self) -> Vec<Violation> {
        held(&self.shared.violations).clone()
    }

    fn booth(&self, platform: &str) -> Option<&Arc<Booth>> {
        self.booths.iter().find(|booth| booth.name == platform)
    }
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab").field("bases", &self.bases()).finish_non_exhaustive()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Not waited for: it may be dropped where nothing may block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn listener(runtime: &Runtime, port: u16) -> io::Result<(tokio::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let _inside = runtime.enter();
    Ok((tokio::net::TcpListener::from_std(listener)?, address))
}
