//! Render's REST API in memory: what a deploy uses of it, as <https://api-docs.render.com> documents it.
//!
//! Given: requests and the moments they come at. Gives: the vendor's answers, and a service that goes through its deploys while
//! time passes. Where the vendor's pages are silent the words "not documented" stand beside what was chosen. Deliberately
//! absent: cron jobs, databases, blueprints, one-off jobs, previews, services that Render builds (static sites aside): those
//! are answered with 501, which the vendor never sends.
//!
//! | room | what is in it |
//! |---|---|
//! | `options`, `workload` | how a rehearsal sets it up: workspaces, times, what containers do |
//! | `body`, `list`, `fault`, `limits` | what requests bear, what lists are asked for, refusals, how many requests are taken |
//! | `route` | from method and path to what answers |
//! | `state`, `show`, `truth` | what is there; how it looks in answers; how it looks to a test |
//! | `accounts`, `services`, `create`, `change`, `image`, `details`, `settings`, `disks`, `deploys`, `domains`, `pages`, `logs` | what answers |
//! | `deploy`, `rollout` | how a deploy goes |
//! | `hosts`, `serving` | what runs under which name; whom visitors are sent to |
//! | `calendar`, `ids` | dates and names |

mod accounts;
mod body;
mod calendar;
mod change;
mod create;
mod deploy;
mod deploys;
mod details;
mod disks;
mod domains;
mod fault;
mod hosts;
mod ids;
mod image;
mod limits;
mod list;
mod logs;
mod options;
mod pages;
mod rollout;
mod route;
mod services;
mod serving;
mod settings;
mod show;
mod state;
#[cfg(test)]
mod tests;
mod truth;
mod workload;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

pub use hosts::{Backend, Host};
pub use options::{RenderOptions, Workspace};
pub use serving::Scripts;
pub use workload::{Container, Outcome, Rule, Table, When, Workloads};

use self::calendar::Calendar;
use self::fault::Fault;
use self::ids::Ids;
use self::limits::Limits;
use self::logs::Logs;
use self::state::{Credential, Service};
use crate::edge::Route;
use crate::{Call, Moment, Platform, Reply};

/// The port that requests are sent to where the variable `PORT` says nothing
/// (<https://render.com/docs/web-services#port-binding>).
const PORT: u16 = 10000;

/// Render in memory.
pub struct Render {
    stage: Stage,
    services: Vec<Service>,
    credentials: Vec<Credential>,
    limits: Limits,
    /// The jobs that were started for visitors.
    standing: BTreeSet<String>,
    /// The moment of the last request or look.
    now: Moment,
}

/// What services are played on.
struct Stage {
    options: RenderOptions,
    workloads: Box<dyn Workloads>,
    calendar: Calendar,
    ids: Ids,
    logs: Logs,
}

impl Render {
    /// A platform with nothing on it.
    pub fn new(mut options: RenderOptions) -> Self {
        let stage = Stage {
            workloads: options.take_workloads(),
            calendar: Calendar::new(options.started),
            options,
            ids: Ids::default(),
            logs: Logs::default(),
        };
        Self {
            stage,
            services: Vec::new(),
            credentials: Vec::new(),
            limits: Limits::default(),
            standing: BTreeSet::new(),
            now: Moment::ZERO,
        }
    }

    /// Lets time pass until then.
    fn settle(&mut self, now: Moment) {
        self.now = self.now.max(now);
        for service in &mut self.services {
            self.stage.settle(service, self.now);
        }
    }

    /// A service by its id.
    fn service(&self, id: &str) -> Result<&Service, Fault> {
        self.services.iter().find(|service| service.id == id).ok_or_else(|| Fault::missing(id))
    }

    /// A service that is to be changed, with the stage.
    fn staged(&mut self, id: &str) -> Result<(&mut Service, &mut Stage), Fault> {
        let service =
            self.services.iter_mut().find(|service| service.id == id).ok_or_else(|| Fault::missing(id))?;
        Ok((service, &mut self.stage))
    }

    /// Refuses what the platform does not even look at.
    fn admit(&self, call: &Call) -> Result<(), Fault> {
        let bearer = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if bearer != Some(self.stage.options.token.as_str()) {
            return Err(Fault::new(401, "Unauthorized"));
        }
        let accepts = call.header("accept").unwrap_or_default();
        if !["application/json", "application/*", "*/*"].iter().any(|kind| accepts.contains(kind)) {
            return Err(Fault::new(406, "the Accept header must be application/json"));
        }
        Ok(())
    }
}

/// Values of variables and tokens stay out of it.
impl fmt::Debug for Render {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Render")
            .field("now", &self.now)
            .field("services", &self.services.len())
            .finish_non_exhaustive()
    }
}

impl Platform for Render {
    fn name(&self) -> &'static str {
        "render"
    }

    fn answer(&mut self, call: &Call, now: Moment) -> Reply {
        self.settle(now);
        if let Err(fault) = self.admit(call) {
            return fault.reply();
        }
        if !self.stage.options.limits {
            return self.route(call).unwrap_or_else(|fault| fault.reply());
        }
        let left = self.limits.count(call, self.now);
        let answer = if left.taken { self.route(call) } else { Err(Fault::new(429, "rate limit exceeded")) };
        left.on(answer.unwrap_or_else(|fault| fault.reply()))
    }

    fn variables(&self, base: &str) -> Vec<(String, String)> {
        let token = self.stage.options.token.clone();
        vec![("RENDER_HOST".to_owned(), format!("{base}/v1/")), ("RENDER_API_KEY".to_owned(), token)]
    }

    fn serving(&mut self, host: &str, now: Moment) -> Option<Route> {
        self.serve(host, now)
    }

    fn objects(&self) -> Value {
        self.truth()
    }
}
