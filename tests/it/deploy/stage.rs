//! What deploys are tested on: platforms in memory, an edge that answers for what they run, a registry that knows some images, and a
//! process that can be killed at any of its calls.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use dashdeploy_fakes::{Hold, Lab, OnCall, Options, Phase, Platform, Seen};
use serde_json::Value;

use crate::manifests::spec;
use crate::push::fake::{Fake, Reply};
use crate::support::{Project, Ran};

/// Where a process is to be killed: before which step of which of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The request has come; the platform has not acted.
    Sending(u64),
    /// The platform has acted; nothing was answered.
    Answer(u64),
    /// The answer is on its way; what is written down of it is not on the disk yet.
    Fsync(u64),
}

/// What a call does to the process.
#[derive(Default)]
struct Trap {
    point: Mutex<Option<(Point, u32)>>,
    calls: AtomicU64,
    /// The run's own number of each request, by its number in the log: requests overlap.
    numbers: Mutex<BTreeMap<u64, u64>>,
    sprung: AtomicU64,
    /// The signal that is sent.
    signal: Mutex<&'static str>,
}

/// A project and the platforms that it is deployed to.
pub struct Stage {
    pub project: Project,
    pub lab: Lab,
    pub registry: Fake,
    pub edge: Fake,
    trap: Arc<Trap>,
    variables: BTreeMap<String, String>,
    environment: &'static str,
}

/// The digest of an image of the registry: any reference has one, made of it.
pub fn digest(reference: &str) -> String {
    let mut hex = String::new();
    let mut state: u64 = 1469598103934665603;
    for byte in reference.bytes().cycle().take(64.max(reference.len())) {
        state = (state ^ u64::from(byte)).wrapping_mul(1099511628211);
        hex.push_str(&format!("{:x}", state & 15));
    }
    format!("sha256:{}", &hex[..64])
}

/// So many services that need nothing of each other, in an environment that is given as its inner text.
pub fn many(count: usize, environment: &str) -> impl Fn(&str, &str) -> String {
    move |name: &str, registry: &str| {
        let service = |n: usize| {
            let image = format!("{registry}/acme/s{n}:1");
            format!("  s{n}: {{ image: '{image}', port: 8000, publish: {}, health: /healthz }}\n", 20000 + n)
        };
        let services: String = (0..count).map(service).collect();
        format!(
            "project: {name}\nservices:\n{services}environments:\n  staging: {{ {environment} }}\nci: false\n"
        )
    }
}

/// The vendors' documents, by platform, where they are at hand: read once, and said once where not.
fn documents() -> &'static BTreeMap<&'static str, Value> {
    static DOCUMENTS: OnceLock<BTreeMap<&'static str, Value>> = OnceLock::new();
    let read = |(platform, file)| {
        let path = spec("requests of deploys, held against the vendor's document", file)?;
        let text = std::fs::read_to_string(path).unwrap();
        Some((platform, serde_json::from_str(&text).unwrap()))
    };
    DOCUMENTS.get_or_init(|| {
        [("fly", "fly-machines.openapi.json"), ("render", "render.openapi.json")]
            .into_iter()
            .filter_map(read)
            .collect()
    })
}

/// Every request is checked from now on; what a document does not allow is refused, and told when the stage ends.
fn hold_against_documents(lab: &Lab) {
    let variables = lab.variables();
    for (platform, document) in documents() {
        let prefix = platform.to_uppercase();
        if variables.iter().any(|(name, _)| name.starts_with(&prefix)) {
            lab.hold_against(platform, document).unwrap();
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let violations = self.lab.violations();
        if !std::thread::panicking() {
            assert!(violations.is_empty(), "the vendor's document does not allow: {violations:#?}");
        }
    }
}

impl Stage {
    /// Platforms that run, a project whose configuration is made of the registry's address.
    pub fn new(
        name: &str,
        environment: &'static str,
        platforms: Vec<Box<dyn Platform>>,
        latency: Duration,
        configuration: impl Fn(&str, &str) -> String,
    ) -> Self {
        let trap = Arc::new(Trap { signal: Mutex::new("KILL"), ..Trap::default() });
        let hook = Arc::clone(&trap);
        let on_call: OnCall = Arc::new(move |seen, phase| hook.spring(seen, phase));
        let lab =
            Lab::start(platforms, Options { latency, on_call: Some(on_call), ..Options::default() }).unwrap();
        hold_against_documents(&lab);
        let registry = Fake::start(|asked| {
            let reference = asked.target.rsplit('/').next().unwrap_or_default().to_owned();
            if !asked.target.contains("/manifests/") {
                return Reply::json(200, "{}");
            }
            let digest = if reference.starts_with("sha256:") { reference } else { digest(&asked.target) };
            Reply::json(200, "{}").with("Docker-Content-Digest", &digest)
        });
        let edge = Fake::start(|asked| {
            let status = if asked.target.contains("broken") { 500 } else { 200 };
            Reply::json(status, "<div id=\"root\">here</div>")
        });
        let project = Project::empty(name);
        project.write("dashdeploy.yaml", &configuration(&project.name, &registry.host()));
        let variables = lab.variables().into_iter().collect();
        Self { project, lab, registry, edge, trap, variables, environment }
    }

    /// One more variable of the process.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.project.command(arguments);
        let edge = format!("http://{}", self.edge.host());
        command
            .args(["-e", self.environment])
            .env("DASHDEPLOY_STABLE_FOR", "0")
            .env("DASHDEPLOY_CONNECT_TO", format!("*.onrender.com={edge},*.fly.dev={edge}"))
            .env("DASHDEPLOY_VERIFY_TIMEOUT", "5")
            .env("DASHDEPLOY_WAIT_TIMEOUT", "60")
            .envs(&self.variables);
        command
    }

    /// The program, run to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.trap.calls.store(0, Ordering::SeqCst);
        ended(self.spawn(arguments))
    }

    /// The program, begun.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The program, begun, with something on its standard input.
    pub fn spawn_with_input(&self, arguments: &[&str], input: &str) -> Child {
        use std::io::Write as _;
        let mut child = self.command(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child
    }

    /// The program, killed at a point; true where it got there.
    pub fn killed(&self, arguments: &[&str], point: Point) -> bool {
        self.signalled(arguments, point, "KILL").0
    }

    /// The program, sent a signal at a point: whether it got there, how it ended, and how long it took from there.
    pub fn signalled(&self, arguments: &[&str], point: Point, signal: &'static str) -> (bool, Ran, Duration) {
        self.trap.calls.store(0, Ordering::SeqCst);
        self.trap.sprung.store(0, Ordering::SeqCst);
        *self.trap.signal.lock().unwrap() = signal;
        // The trap is set before the process makes its first call: it knows its number right after it was made.
        let mut guard = self.trap.point.lock().unwrap();
        let child = self.spawn(arguments);
        *guard = Some((point, child.id()));
        drop(guard);
        let ran = ended(child);
        let took = Duration::from_millis(self.trap.sprung.load(Ordering::SeqCst));
        let took = if took.is_zero() { took } else { since_start().saturating_sub(took) };
        let sprung = self.trap.point.lock().unwrap().take().is_none();
        (sprung, ran, took)
    }

    /// How many calls the last run made.
    pub fn calls(&self) -> u64 {
        self.trap.calls.load(Ordering::SeqCst)
    }

    /// What is there, with ids and times made equal, so that two of them can be compared.
    pub fn truth(&self, platform: &str) -> Value {
        let text = plain(&self.lab.objects(platform)).to_string();
        // An id inside an address says no more than one by itself.
        let ids = regex::Regex::new("(srv|dep|dsk)-[a-z0-9]{20}(-[a-z0-9]+)?").unwrap();
        plain(&serde_json::from_str(&ids.replace_all(&text, "$1-")).unwrap())
    }

    /// How many things of a kind are there.
    pub fn count(&self, platform: &str, kind: &str) -> usize {
        match &self.lab.objects(platform)[kind] {
            Value::Object(all) => all.len(),
            Value::Array(all) => all.len(),
            _ => 0,
        }
    }
}

fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Time since the tests began.
fn since_start() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed() + Duration::from_millis(1)
}

impl Trap {
    fn spring(&self, seen: &Seen, phase: Phase) -> Hold {
        let count = || self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let number = *self.numbers.lock().unwrap().entry(seen.number).or_insert_with(count);
        let mut point = self.point.lock().unwrap();
        let Some((wanted, pid)) = *point else { return Hold::Go };
        let here = match (wanted, phase) {
            (Point::Sending(n), Phase::Before)
            | (Point::Answer(n), Phase::Acted)
            | (Point::Fsync(n), Phase::Answered) => n == number,
            _ => false,
        };
        if !here {
            return Hold::Go;
        }
        let signal = *self.signal.lock().unwrap();
        self.sprung.store(u64::try_from(since_start().as_millis()).unwrap(), Ordering::SeqCst);
        let done =
            std::process::Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status();
        // A process that has had the last of its answers may be gone by itself: the point was not reached.
        if !done.unwrap().success() {
            return Hold::Go;
        }
        *point = None;
        if signal == "KILL" && phase != Phase::Answered { Hold::Drop } else { Hold::Go }
    }
}

/// Objects without what differs between two runs that did the same: ids, times, the order of lists, and deploys that are over.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let is_id = |key: &String| id(key) != *key;
            if map.keys().all(is_id) && !map.is_empty() {
                return sorted(map.values().map(plain).collect());
            }
            let volatile = |key: &str| {
                // Render's mark names the run's release and the deploy before its own.
                let mark = key == "DASHDEPLOY_DEPLOYED";
                mark || key == "id" || key.ends_with("At") || key.ends_with("_at") || VOLATILE.contains(&key)
            };
            let kept = map.iter().filter(|(key, _)| !volatile(key));
            Value::Object(kept.map(|(key, value)| (key.clone(), plain(value))).collect())
        }
        Value::Array(list) => {
            let over = |value: &&Value| {
                !["deactivated", "canceled", "destroyed"]
                    .iter()
                    .any(|word| value["status"] == *word || value["state"] == *word)
            };
            sorted(list.iter().filter(over).map(plain).collect())
        }
        Value::String(text) => Value::String(id(text)),
        other => other.clone(),
    }
}

/// Keys whose values are made anew in every run.
const VOLATILE: [&str; 12] = [
    "instance_id",
    "version",
    "former_versions",
    "secrets_version",
    "min_secrets_version",
    "dashdeploy_at",
    "dashdeploy_release",
    "dashdeploy_secrets",
    "events",
    "trigger",
    // It names a deploy and a release.
    "DASHDEPLOY_DEPLOYED",
    // It ends by itself, soon.
    "leased",
];

fn sorted(mut list: Vec<Value>) -> Value {
    list.sort_by_key(Value::to_string);
    Value::Array(list)
}

/// An id without what is random in it: `srv-…`, `dep-…`, `vol_…`, a machine's fourteen hex digits.
fn id(text: &str) -> String {
    for start in ["srv-", "dep-", "dsk-", "vol_", "dom_"] {
        if text.starts_with(start) && text.len() > 12 {
            return start.to_owned();
        }
    }
    // Addresses of Fly.io: of documentation's blocks, and of its private networks.
    for start in ["2001:db8:", "203.0.113.", "fdaa:"] {
        if text.starts_with(start) {
            return start.to_owned();
        }
    }
    if text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "machine".to_owned()
    } else {
        text.to_owned()
    }
}
