//! `dashdeploy doctor`: looks at everything that is needed here, and says how to mend what is wrong.

use dashdeploy_contract::{Bound, Observed, Publish, Reader as _};
use serde::Serialize;
use serde_json::json;

use super::load::load;
use super::stack::Stack;
use super::{CliResult, Context, Exit};
use crate::console::{Style, safe};
use crate::io::clock::unix_seconds;
use crate::io::docker::{self, EngineInfo, EngineSettings};
use crate::io::fs::free_bytes;
use crate::io::net::port_trouble;

/// Check the engine, BuildKit, disk, ports and clock, each with the way to mend it
#[derive(Debug, clap::Args)]
pub struct Args {}

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    Doubtful,
    Bad,
}

/// One thing looked at.
#[derive(Debug, Clone, Serialize)]
struct Diagnosis {
    what: &'static str,
    state: State,
    found: String,
    mend: Option<String>,
}

const GIB: u64 = 1 << 30;
/// Less than this and a build of a Python image with its caches is likely to fail.
const LITTLE_DISK: u64 = 3 * GIB;
/// More than this and signed requests and certificates begin to be refused.
const CLOCK_TOLERANCE_SECONDS: i64 = 30;

pub(super) async fn run(context: &Context, _: &Args) -> CliResult {
    let mut diagnoses = vec![Diagnosis::good("dashdeploy", env!("CARGO_PKG_VERSION").to_owned())];
    let info = engine(&mut diagnoses).await;
    if let Some(info) = &info {
        diagnoses.push(buildkit(info));
        diagnoses.push(storage(info));
        diagnoses.push(clock(info));
    }
    diagnoses.push(project_disk(context));
    project(context, &mut diagnoses, info.is_some()).await;

    let bad = diagnoses.iter().any(|diagnosis| diagnosis.state == State::Bad);
    let style = context.console.answer_style();
    let lines: Vec<String> = diagnoses.iter().map(|diagnosis| diagnosis.text(style)).collect();
    context.console.answer(json!({ "good": !bad, "checks": diagnoses }), &lines.join("\n"));
    Ok(if bad { Exit::Failed } else { Exit::Done })
}

impl Diagnosis {
    fn good(what: &'static str, found: String) -> Self {
        Self { what, state: State::Good, found, mend: None }
    }

    fn wrong(what: &'static str, state: State, found: String, mend: impl Into<String>) -> Self {
        Self { what, state, found, mend: Some(mend.into()) }
    }

    fn text(&self, style: Style) -> String {
        let mark = match self.state {
            State::Good => style.green("ok     "),
            State::Doubtful => style.yellow("warning"),
            State::Bad => style.red("failed "),
        };
        let mend =
            self.mend.as_ref().map(|mend| format!("\n          {}: {}", style.cyan("mend"), safe(mend)));
        format!("{mark}  {:<10} {}{}", self.what, safe(&self.found), mend.unwrap_or_default())
    }
}

async fn engine(diagnoses: &mut Vec<Diagnosis>) -> Option<EngineInfo> {
    let info = match docker::connect(&EngineSettings::from_env()).await {
        Ok(engine) => engine.info().await,
        Err(error) => Err(error),
    };
    match info {
        Ok(info) => {
            let found = format!(
                "{} {} (API {}, {}/{}) at {}",
                info.product, info.version, info.api_version, info.os, info.arch, info.address
            );
            diagnoses.push(Diagnosis::good("engine", found));
            diagnoses.extend(info.warnings.iter().map(|warning| {
                Diagnosis::wrong("engine", State::Doubtful, warning.clone(), "see the engine's documentation")
            }));
            Some(info)
        }
        Err(error) => {
            diagnoses.push(Diagnosis::wrong("engine", State::Bad, error.message.clone(), error.hint));
            None
        }
    }
}

fn buildkit(info: &EngineInfo) -> Diagnosis {
    if info.buildkit {
        return Diagnosis::good("buildkit", "the engine builds with BuildKit".to_owned());
    }
    let found = format!("{} has no BuildKit session", info.product);
    if info.os == "linux" {
        // It builds all the same, from one stream.
        let mend = "builds send the whole context each time, and cannot have secrets or --only-files; use a Docker Engine 20.10 or newer for these";
        return Diagnosis::wrong("buildkit", State::Doubtful, found, mend);
    }
    Diagnosis::wrong("buildkit", State::Bad, found, "use an engine for Linux containers to build images")
}

fn storage(info: &EngineInfo) -> Diagnosis {
    match info.storage_free {
        Some(free) if free < LITTLE_DISK => Diagnosis::wrong(
            "images",
            State::Doubtful,
            format!("{} free in {}", gib(free), info.storage_root),
            "remove what is not used: `docker image prune`, `docker builder prune`",
        ),
        Some(free) => Diagnosis::good("images", format!("{} free in {}", gib(free), info.storage_root)),
        None => Diagnosis::good("images", format!("kept in {} of the engine's machine", info.storage_root)),
    }
}

fn clock(info: &EngineInfo) -> Diagnosis {
    let engine_time = info.server_time.as_deref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let Some(engine_time) = engine_time else {
        return Diagnosis::good("clock", "the engine does not tell its time".to_owned());
    };
    let apart = (engine_time.as_second() - unix_seconds()).abs();
    if apart > CLOCK_TOLERANCE_SECONDS {
        let found = format!("the engine's clock and this machine's are {apart} s apart");
        return Diagnosis::wrong(
            "clock",
            State::Bad,
            found,
            "let both follow a time server (`timedatectl set-ntp true`)",
        );
    }
    Diagnosis::good("clock", format!("within {apart} s of the engine's"))
}

fn project_disk(context: &Context) -> Diagnosis {
    let folder = context.start_dir();
    match free_bytes(&folder) {
        Some(free) if free < GIB / 10 => Diagnosis::wrong(
            "disk",
            State::Bad,
            format!("{} free in {}", gib(free), folder.display()),
            "free some space on this disk",
        ),
        Some(free) => Diagnosis::good("disk", format!("{} free in {}", gib(free), folder.display())),
        None => Diagnosis::good("disk", "the system does not tell how much is free".to_owned()),
    }
}

/// The project's part: is the file valid, are the ports free or ours.
async fn project(context: &Context, diagnoses: &mut Vec<Diagnosis>, has_engine: bool) {
    if let Err(error) = load(context) {
        let state = if error.report.code == "no-project" { State::Doubtful } else { State::Bad };
        let mend = error.report.hints.first().cloned().unwrap_or_else(|| "run `dashdeploy check`".to_owned());
        diagnoses.push(Diagnosis::wrong("project", state, error.report.message.clone(), mend));
        return;
    }
    let stack = match Stack::open(context) {
        Ok(stack) => stack,
        Err(error) => {
            let mend =
                error.report.hints.first().cloned().unwrap_or_else(|| "run `dashdeploy check`".to_owned());
            diagnoses.push(Diagnosis::wrong("project", State::Bad, error.report.message.clone(), mend));
            return;
        }
    };
    diagnoses.push(Diagnosis::good(
        "project",
        format!("{} in {}", stack.bound.project, stack.loaded.dir.path().display()),
    ));
    let observed = match (has_engine, stack.reader().await) {
        (true, Ok(reader)) => reader.observe(&stack.bound).await.unwrap_or_default(),
        _ => Observed::default(),
    };
    diagnoses.extend(ports(&stack.bound, &observed));
}

fn ports(bound: &Bound, observed: &Observed) -> Vec<Diagnosis> {
    let published = bound.services.values().filter_map(|service| match service.publish {
        Publish::Port { address, port } if service.port.is_some() => Some((service, address, port)),
        _ => None,
    });
    let diagnose = |(service, address, port): (&dashdeploy_contract::Service, std::net::IpAddr, u16)| {
        let what = format!("{address}:{port} of service {}", service.name);
        let runs = observed.of_service(&service.name).any(|resource| {
            resource.owned
                && resource.facts.get("ports").is_some_and(|ports| ports.contains(&port.to_string()))
        });
        match port_trouble(address, port) {
            None => Diagnosis::good("port", format!("{what} is free")),
            Some(_) if runs => Diagnosis::good("port", format!("{what} is in use by it")),
            Some(why) => {
                let mend = format!(
                    "stop what listens there, or set `publish:` of service `{}` to another port",
                    service.name
                );
                Diagnosis::wrong("port", State::Bad, format!("{what} cannot be had: {why}"), mend)
            }
        }
    };
    published.map(diagnose).collect()
}

#[expect(clippy::cast_precision_loss, reason = "one decimal of a number of gigabytes")]
fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / GIB as f64)
}
