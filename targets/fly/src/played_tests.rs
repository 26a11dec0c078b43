//! Fly.io played in memory, as far as this crate speaks to it: what was made, who asked for what, and what breaks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{Access, ApiAnswer, CallError, Clock, ReadCall, Reads, Repeat, WriteCall, Writes};
use secrecy::SecretString;
use serde_json::{Value, json};

/// What happens to a call that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is done, and the connection breaks before the answer.
    Lost,
    /// It is done, and the answer is this status.
    Done(u16),
    /// It is not done, and the answer is this status.
    Refused(u16),
    /// The run is killed before it.
    Killed,
}

/// An app.
#[derive(Debug, Clone, Default)]
pub(crate) struct App {
    pub(crate) org: String,
    pub(crate) machines: Vec<Value>,
    pub(crate) volumes: Vec<Value>,
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) ips: Vec<String>,
    pub(crate) certificates: Vec<String>,
    /// Machines that Fly's proxy knows.
    pub(crate) registered: Vec<String>,
    pub(crate) version: u64,
}

/// The platform.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) apps: BTreeMap<String, App>,
    /// `METHOD path` of every call that changes something, in order.
    pub(crate) writes: Vec<String>,
    /// The same of every other.
    pub(crate) reads: Vec<String>,
    /// What happens to the next call whose `METHOD path` holds the text.
    pub(crate) faults: Vec<(String, Fault)>,
    /// What happens to the call of this number, from 0.
    pub(crate) fault_at: Option<(usize, Fault)>,
    /// In how many lists a new thing is missing.
    pub(crate) lag: u32,
    /// Machines of this image end by themselves; of that one never pass their checks.
    pub(crate) crashing: Option<String>,
    pub(crate) sick: Option<String>,
    pub(crate) leased_by: Option<String>,
    pub(crate) orgs: Vec<&'static str>,
    pub(crate) logs: VecDeque<Value>,
    killed: bool,
    pub(crate) made: u64,
    pub(crate) now: i64,
}

/// The ways to it.
#[derive(Clone, Default)]
pub(crate) struct Played(pub(crate) Arc<Mutex<World>>);

impl Played {
    pub(crate) fn new() -> Self {
        let world = World { orgs: vec!["personal"], now: 1_800_000_000, ..World::default() };
        Self(Arc::new(Mutex::new(world)))
    }

    /// What a target is handed.
    pub(crate) fn access(&self) -> Access {
        let mut access = Access::none();
        access.credentials.insert("FLY_API_TOKEN".to_owned(), SecretString::from("FlyV1 fm2_test"));
        access.reads = Arc::new(self.clone());
        access.clock = Arc::new(self.clone());
        access
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// A run that was killed goes on no more; the next one does.
    pub(crate) fn revive(&self) {
        self.with(|world| {
            world.killed = false;
            world.fault_at = None;
            world.faults.clear();
            world.now += 120;
        });
    }
}

pub(crate) fn answer(status: u16, body: &Value) -> ApiAnswer {
    let headers = vec![("fly-request-id".to_owned(), "01TEST-fra".to_owned())];
    ApiAnswer { status, headers, body: body.to_string().into_bytes() }
}

pub(crate) fn error(status: u16, words: &str) -> ApiAnswer {
    answer(status, &json!({ "error": words }))
}

pub(crate) fn nothing(status: u16) -> ApiAnswer {
    ApiAnswer { status, headers: Vec::new(), body: Vec::new() }
}

fn broken(happened: bool, interrupted: bool) -> CallError {
    CallError {
        address: "https://api.machines.dev".to_owned(),
        reason: "the connection broke".to_owned(),
        may_have_happened: happened,
        interrupted,
        hint: None,
    }
}

#[async_trait]
impl Clock for Played {
    fn now(&self) -> i64 {
        self.with(|world| world.now)
    }

    async fn sleep(&self, duration: Duration) {
        self.with(|world| world.now += i64::try_from(duration.as_secs()).unwrap().max(1));
    }
}

#[async_trait]
impl Reads for Played {
    async fn get(&self, call: ReadCall) -> Result<ApiAnswer, CallError> {
        assert!(call.authorization.is_some(), "{call:?} bears no token");
        let path = call.url.split("/v1/").nth(1).unwrap_or_default().to_owned();
        Ok(self.with(|world| {
            world.reads.push(format!("GET {path}"));
            world.read(&path)
        }))
    }
}

#[async_trait]
impl Writes for Played {
    async fn send(&self, call: WriteCall) -> Result<ApiAnswer, CallError> {
        let path = call.to.url.split("/v1/").nth(1).unwrap_or_default().to_owned();
        let line = format!("{} {path}", call.method.as_str());
        let body = call.body.unwrap_or_default();
        assert!(call.to.pace.is_some(), "{line} has no pace");
        let nonce = call
            .to
            .headers
            .iter()
            .find(|(name, _)| name == "fly-machine-lease-nonce")
            .map(|(_, n)| n.clone());
        self.with(|world| {
            let at = world.writes.len();
            let named = world.faults.iter().position(|(text, _)| line.contains(text.as_str()));
            let fault = match named {
                Some(found) => Some(world.faults.remove(found).1),
                None => world.fault_at.filter(|(number, _)| *number == at).map(|(_, fault)| fault),
            };
            if fault == Some(Fault::Killed) || world.killed {
                world.killed = true;
                return Err(broken(false, true));
            }
            world.writes.push(line);
            // The layers behind repeat what may be repeated.
            let repeated = call.repeat == Repeat::Harmless && fault != Some(Fault::Refused(409));
            if let (Some(Fault::Refused(status)), false) = (fault, repeated) {
                return Ok(error(status, "no"));
            }
            let done = world.write(call.method, &path, &body, nonce.as_deref());
            if fault.is_some() && repeated {
                return Ok(world.write(call.method, &path, &body, nonce.as_deref()));
            }
            match fault {
                Some(Fault::Lost) => Err(broken(true, false)),
                Some(Fault::Done(status)) => Ok(error(status, "late")),
                _ => Ok(done),
            }
        })
    }
}
