//! Render in memory as a target's platform: ways out that go there, a clock that goes on when somebody waits, calls that are not made,
//! answers that are lost; and a small engine that carries out plans one change after another.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, ApiAnswer, CallError, Change, Clock, Health, Observed, Plan, ReadCall, Reader, Reads, Release,
    Supplies, Target, TargetError, WriteCall, Writer, Writes,
};
use dashdeploy_fakes::render::{Outcome, Render, RenderOptions, Rule, Table, When};
use dashdeploy_fakes::{Call, Platform};
use futures_util::FutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub(crate) use super::releases::{image, name, option, release, site, supplies, with_secrets};

/// The workspace and the key of the platform in memory.
pub(crate) const OWNER: &str = "tea-rehearsal0000000000";
const KEY: &str = "rnd_rehearsal";
/// How long each call takes.
const CALL: Duration = Duration::from_millis(20);

/// What becomes of a call that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It is not made.
    NotMade,
    /// It is made, and its answer is lost.
    Lost,
    /// It is made, and a proxy before the platform answers 502.
    Gateway,
    /// It is not made, nor is any after it.
    KilledBefore,
    /// It is made, its answer is lost, and no other call is made.
    KilledAfter,
}

/// A call as it was made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) said: String,
}

struct State {
    render: Render,
    now: Duration,
    made: Vec<Made>,
    /// Which of the coming writes is cut, and how.
    cut: Option<(usize, Cut)>,
    writes: usize,
    dead: bool,
    /// Further credentials of the process.
    credentials: Vec<(&'static str, String)>,
}

/// The platform.
pub(crate) struct Lab(Mutex<State>);

impl Lab {
    pub(crate) fn new() -> Arc<Self> {
        Self::with(RenderOptions::default())
    }

    /// With images that end badly: those whose digest is all `f`, or `d` for a worker that cannot be pulled.
    pub(crate) fn with(options: RenderOptions) -> Arc<Self> {
        let rule = |letter: &str, outcome| Rule {
            when: When::Image(letter.repeat(64)),
            outcome,
            lines: vec!["it begins".to_owned()],
        };
        let rules = vec![
            rule("f", Outcome::Exits { after: Duration::from_secs(2), code: 3 }),
            rule("d", Outcome::Unpullable),
        ];
        let workloads = Table { boot: Duration::from_secs(3), rules };
        let options = RenderOptions { workloads: Some(Box::new(workloads)), ..options };
        Arc::new(Self(Mutex::new(State {
            render: Render::new(options),
            now: Duration::from_secs(1),
            made: Vec::new(),
            cut: None,
            writes: 0,
            dead: false,
            credentials: Vec::new(),
        })))
    }

    /// What the process has besides the key from now on.
    pub(crate) fn give(&self, credentials: &[(&'static str, &str)]) {
        let given = credentials.iter().map(|(name, value)| (*name, (*value).to_owned()));
        self.0.lock().unwrap().credentials = given.collect();
    }

    /// Cuts the nth write from now on, from 1.
    pub(crate) fn cut(&self, nth: usize, cut: Cut) {
        let mut state = self.0.lock().unwrap();
        (state.cut, state.writes, state.dead) = (Some((nth, cut)), 0, false);
    }

    /// Nothing is cut any more; true where something was.
    pub(crate) fn mend(&self) -> bool {
        let mut state = self.0.lock().unwrap();
        let struck = state.cut.take().is_some_and(|(nth, _)| state.writes >= nth);
        state.dead = false;
        struck
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.lock().unwrap().now += time;
    }

    pub(crate) fn objects(&self) -> Value {
        let mut state = self.0.lock().unwrap();
        state.answer("GET", "https://api.render.com/v1/owners", None);
        state.made.pop();
        state.render.objects()
    }

    /// The calls since the last time, each of which the platform understood.
    pub(crate) fn made(&self) -> Vec<Made> {
        let made = std::mem::take(&mut self.0.lock().unwrap().made);
        let strange = made.iter().find(|call| [400, 401, 406, 501].contains(&call.status));
        assert!(
            strange.is_none(),
            "{} {}: {}",
            strange.unwrap().method,
            strange.unwrap().path,
            strange.unwrap().said
        );
        made
    }

    /// A call by somebody else.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let mut state = self.0.lock().unwrap();
        let answer = state.answer(method, &format!("https://api.render.com/v1/{path}"), body.as_ref());
        state.made.pop();
        assert!(answer.is_success(), "{method} {path}: {}", answer.words());
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    pub(crate) fn access(self: &Arc<Self>) -> Access {
        let more = self.0.lock().unwrap().credentials.clone();
        let credentials = more.into_iter().chain([("RENDER_API_KEY", KEY.to_owned())]);
        Access {
            credentials: credentials
                .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
                .collect(),
            settings: [("RENDER_WORKSPACE".to_owned(), OWNER.to_owned())].into(),
            reads: Arc::<Self>::clone(self),
            clock: Arc::<Self>::clone(self),
        }
    }

    pub(crate) fn reader(self: &Arc<Self>) -> Box<dyn Reader> {
        now(crate::target().connect_reader(&self.access())).unwrap()
    }

    pub(crate) fn writer(self: &Arc<Self>) -> Box<dyn Writer> {
        now(crate::target().connect_writer(&self.access(), Arc::<Self>::clone(self))).unwrap()
    }

    pub(crate) fn observe(self: &Arc<Self>, release: &Release) -> Observed {
        now(self.reader().observe(&release.bound)).unwrap()
    }

    pub(crate) fn plan(self: &Arc<Self>, release: &Release) -> Plan {
        crate::target().plan(release, &self.observe(release)).unwrap()
    }
}

impl State {
    fn answer(&mut self, method: &str, url: &str, body: Option<&Value>) -> ApiAnswer {
        self.now += CALL;
        let rest = url.strip_prefix("https://api.render.com").unwrap();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let call = Call {
            method: method.to_owned(),
            path: decoded(path),
            query: pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decoded(name), decoded(value)))
                .collect(),
            headers: vec![
                ("authorization".to_owned(), format!("Bearer {KEY}")),
                ("accept".to_owned(), "application/json".to_owned()),
            ],
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        };
        let reply = self.render.answer(&call, self.now);
        let said = if reply.status < 400 {
            String::new()
        } else {
            String::from_utf8_lossy(&reply.body).into_owned()
        };
        self.made.push(Made { method: call.method, path: call.path, status: reply.status, said });
        ApiAnswer { status: reply.status, headers: reply.headers, body: reply.body }
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = (*first == b'%').then(|| std::str::from_utf8(&after[..2]).unwrap());
        bytes.push(hex.map_or(*first, |hex| u8::from_str_radix(hex, 16).unwrap()));
        rest = if hex.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap()
}

/// What a future gives, where nothing in it really waits.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("the platform in memory answers at once")
}

fn broken(call: &ReadCall, may_have_happened: bool) -> CallError {
    CallError {
        address: call.address().to_owned(),
        reason: "the connection broke".to_owned(),
        may_have_happened,
        interrupted: false,
        hint: None,
    }
}

fn sane(call: &ReadCall) {
    assert_eq!(call.authorization.as_ref().unwrap().expose_secret(), format!("Bearer {KEY}"));
    assert!(call.headers.contains(&("accept".to_owned(), "application/json".to_owned())));
    assert!(call.pace.is_some(), "{call:?}");
}

#[async_trait]
impl Reads for Lab {
    async fn get(&self, call: ReadCall) -> Result<ApiAnswer, CallError> {
        sane(&call);
        let mut state = self.0.lock().unwrap();
        if state.dead {
            return Err(broken(&call, false));
        }
        Ok(state.answer("GET", &call.url, None))
    }
}

#[async_trait]
impl Writes for Lab {
    async fn send(&self, call: WriteCall) -> Result<ApiAnswer, CallError> {
        sane(&call.to);
        let mut state = self.0.lock().unwrap();
        if state.dead {
            return Err(broken(&call.to, false));
        }
        state.writes += 1;
        let cut = state.cut.filter(|(nth, _)| *nth == state.writes).map(|(_, cut)| cut);
        state.dead = matches!(cut, Some(Cut::KilledBefore | Cut::KilledAfter));
        if matches!(cut, Some(Cut::NotMade | Cut::KilledBefore)) {
            return Err(broken(&call.to, false));
        }
        let answer = state.answer(call.method.as_str(), &call.to.url, call.body.as_ref());
        match cut {
            None => Ok(answer),
            Some(Cut::Gateway) => {
                Ok(ApiAnswer { status: 502, headers: Vec::new(), body: b"<html>Bad Gateway</html>".to_vec() })
            }
            Some(_) => Err(broken(&call.to, true)),
        }
    }
}

#[async_trait]
impl Clock for Lab {
    fn now(&self) -> i64 {
        let started = RenderOptions::default().started;
        i64::try_from((started + self.0.lock().unwrap().now).as_secs()).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration);
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum End {
    /// All of it serves; the plan is what was carried out.
    Done(Plan),
    /// A change could not be carried out.
    Failed(TargetError),
    /// A service is not healthy.
    Sick(Health),
}

/// A run: a plan, carried out by new halves, each service waited for. What fails is taken back, as far as that goes.
pub(crate) fn run(lab: &Arc<Lab>, release: &Release, supplies: &Supplies) -> End {
    let (reader, writer) = (lab.reader(), lab.writer());
    let observed = match now(reader.observe(&release.bound)) {
        Ok(observed) => observed,
        Err(error) => return End::Failed(error),
    };
    let plan = match crate::target().plan(release, &observed) {
        Ok(plan) => plan,
        Err(error) => return End::Failed(error),
    };
    // What waits for others comes after them, as the engine has it.
    let waits = |change: &&Change| {
        plan.changes.iter().any(|other| other.service == change.service && !other.needs_healthy.is_empty())
    };
    let (last, first): (Vec<&Change>, Vec<&Change>) = plan.changes.iter().partition(waits);
    let mut applied: Vec<&Change> = Vec::new();
    let end = first.into_iter().chain(last).find_map(|change| {
        if let Err(error) = now(writer.apply(&release.bound, change, supplies)) {
            return Some(End::Failed(error));
        }
        applied.push(change);
        if change.gated { sick(lab, &*reader, release, change).map(End::Sick) } else { None }
    });
    for change in applied.iter().rev() {
        // The next run finds what cannot be taken back.
        let _ = match end {
            Some(_) => now(writer.revert(&release.bound, change)),
            None => now(writer.settle(&release.bound, change)),
        };
    }
    end.unwrap_or(End::Done(plan))
}

fn sick(lab: &Arc<Lab>, reader: &dyn Reader, release: &Release, change: &Change) -> Option<Health> {
    let service = change.service.as_ref().unwrap();
    for _ in 0..1200 {
        match now(reader.health(&release.bound, service)) {
            Ok(health) if health.is_serving() => return None,
            Ok(Health::Starting) => lab.pass(Duration::from_secs(1)),
            Ok(health) => return Some(health),
            Err(error) => return Some(Health::Unhealthy { detail: error.to_string() }),
        }
    }
    panic!("{service} starts for ever");
}

/// A run that must end well: its plan.
#[track_caller]
pub(crate) fn deploy(lab: &Arc<Lab>, release: &Release) -> Plan {
    match run(lab, release, &supplies(release)) {
        End::Done(plan) => plan,
        other => panic!("{other:?}"),
    }
}

/// The addresses of a plan's changes.
pub(crate) fn changes(plan: &Plan) -> Vec<&str> {
    plan.changes.iter().map(|change| change.address.as_str()).collect()
}
