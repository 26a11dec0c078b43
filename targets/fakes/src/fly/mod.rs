//! Fly.io in memory: the Machines API and the logs, as far as a deploy uses them.
//!
//! Given: requests below `/v1` (<https://docs.machines.dev>) and `/api/v1` (the API host's logs), and the moments they come at.
//! Gives: the vendor's answers, and machines that boot, are checked, end and start again while time passes. Where the vendor's
//! pages are silent the words "not documented" stand beside what was chosen. Deliberately absent: GraphQL, exec, suspend,
//! keys, memory, tokens other than a look at one's own: those are answered with 501, which the vendor never sends. Taken and not
//! played: schedules, standbys, autostop, processes and containers beside the first, statics.
//!
//! | room | what is in it |
//! |---|---|
//! | `options` | how a rehearsal sets it up: tokens, times, what machines do |
//! | `body`, `fault`, `limits` | what requests bear; refusals; how many requests are taken |
//! | `route` | from method and path to what answers |
//! | `state`, `show` | what is there; how it looks in answers, and to a test |
//! | `apps`, `volumes`, `secrets`, `machines`, `power`, `metadata`, `wait`, `certificates`, `logs` | what answers |
//! | `image` | names of images, and whether they are to be had |
//! | `life` | how machines go their way |
//! | `hosts` | who answers for a public name |
//! | `ids` | names and dates |

mod apps;
mod body;
mod certificates;
mod fault;
mod hosts;
mod ids;
mod image;
mod life;
mod limits;
mod logs;
mod machines;
mod metadata;
mod options;
mod power;
mod route;
mod secrets;
mod show;
mod state;
#[cfg(test)]
mod tests;
mod volumes;
mod wait;

use std::fmt;

use serde_json::Value;

pub use options::{FlyOptions, Lag, Token};

use self::fault::Fault;
use self::ids::Ids;
use self::limits::Limits;
use self::state::{App, Machine};
use crate::edge::Route;
use crate::{Call, Moment, Platform, Reply};

/// Fly.io in memory.
pub struct Fly {
    stage: Stage,
    apps: Vec<App>,
    limits: Limits,
}

/// What apps are played on.
struct Stage {
    options: FlyOptions,
    ids: Ids,
    now: Moment,
}

impl Fly {
    /// A platform with nothing on it.
    pub fn new(options: FlyOptions) -> Self {
        let stage = Stage { options, ids: Ids::default(), now: Moment::ZERO };
        Self { stage, apps: Vec::new(), limits: Limits::default() }
    }

    /// Lets time pass until then.
    fn settle(&mut self, now: Moment) {
        self.stage.now = self.stage.now.max(now);
        for app in &mut self.apps {
            self.stage.settle(app);
        }
        let now = self.stage.now;
        let (gone, left): (Vec<App>, Vec<App>) = std::mem::take(&mut self.apps)
            .into_iter()
            .partition(|app| app.ends.is_some_and(|ends| now >= ends));
        self.apps = left;
        for app in gone {
            app.machines.iter().for_each(|machine| self.stage.options.runner.stop(&machine.job(), now));
            if let Some(images) = &self.stage.options.images {
                images.forbid(&app.name);
            }
        }
    }

    fn app(&self, name: &str) -> Result<&App, Fault> {
        self.apps.iter().find(|app| app.name == name).ok_or_else(|| Fault::missing(&format!("app {name}")))
    }

    /// An app that is to be changed, with the stage.
    fn staged(&mut self, name: &str) -> Result<(&mut App, &mut Stage), Fault> {
        let app = self.apps.iter_mut().find(|app| app.name == name);
        Ok((app.ok_or_else(|| Fault::missing(&format!("app {name}")))?, &mut self.stage))
    }
}

impl App {
    /// Where a machine stands that is there, or was.
    fn machine_at(&self, id: &str) -> Result<usize, Fault> {
        let found = self.machines.iter().position(|machine| machine.id == id);
        found.ok_or_else(|| Fault::missing(&format!("machine {id}")))
    }

    fn machine(&self, id: &str) -> Result<&Machine, Fault> {
        self.machine_at(id).map(|at| &self.machines[at])
    }
}

/// No token, no value of a secret.
impl fmt::Debug for Fly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fly")
            .field("now", &self.stage.now)
            .field("apps", &self.apps.len())
            .finish_non_exhaustive()
    }
}

impl Platform for Fly {
    fn name(&self) -> &'static str {
        "fly"
    }

    fn answer(&mut self, call: &Call, now: Moment) -> Reply {
        self.settle(now);
        let answer = self.admit(call).and_then(|()| self.route(call));
        let request = self.stage.ids.ulid();
        answer.unwrap_or_else(|fault| fault.reply()).with("fly-request-id", request)
    }

    fn due(&mut self, call: &Call, came: Moment, now: Moment) -> bool {
        self.settle(now);
        self.waited(call, came)
    }

    fn variables(&self, base: &str) -> Vec<(String, String)> {
        let token = self.stage.options.tokens.first().map(|token| token.value.clone()).unwrap_or_default();
        // The variables that flyctl reads.
        let variables = [
            ("FLY_FLAPS_BASE_URL", base.to_owned()),
            ("FLY_API_BASE_URL", base.to_owned()),
            ("FLY_API_TOKEN", token),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn serving(&mut self, host: &str, now: Moment) -> Option<Route> {
        self.settle(now);
        self.host(host)
    }

    // The vendor's clients take secrets away by null.
    fn nullable(&self) -> &'static [&'static str] {
        &["/components/schemas/AppSecretsUpdateRequest/properties/values/additionalProperties"]
    }

    fn objects(&self) -> Value {
        self.truth()
    }
}
