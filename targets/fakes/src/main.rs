//! The program: platforms in memory on loopback, until it is interrupted.
//!
//! Given: which platforms, on which ports, how they behave. Gives: on standard output where they are, and the variables that lead
//! a client to them, as text or JSON. Deliberately absent: any address but 127.0.0.1.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use dashdeploy_fakes::fly::{Fly, FlyOptions};
use dashdeploy_fakes::registry::{Registry, RegistryOptions, Store};
use dashdeploy_fakes::render::{Render, RenderOptions};
use dashdeploy_fakes::workload::{Script, Scripted};
use dashdeploy_fakes::{Fault, Lab, Options, Platform};
use serde_json::{Value, json};

/// Platforms in memory, on loopback: Fly.io, Render, a registry, and the edge before them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Which platforms to start; all where none is named. A registry beside Fly.io keeps its apps' images.
    #[arg(value_enum)]
    platforms: Vec<Name>,
    /// The port of the first platform; the others and the edge have those behind it. 0: any that are free.
    #[arg(long, default_value_t = 4280)]
    port: u16,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// What boots, stops or is checked does so at once, and requests are not counted.
    #[arg(long)]
    quick: bool,
    /// How long each answer takes at least, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// What goes wrong, as JSON: {"when": {"method": "POST", "path": "/v1/apps"}, "what": {"kind": "refuse"}}
    #[arg(long, value_name = "JSON", value_parser = read::<Fault>)]
    fault: Vec<Fault>,
    /// What everything that runs does, as JSON: {"healthy_after_ms": 200, "page": "<h1>Hello</h1>"}
    #[arg(long, value_name = "JSON", value_parser = read::<Script>)]
    script: Option<Script>,
}

/// A platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    Fly,
    Render,
    Registry,
}

/// Why it cannot go on, in words.
struct Trouble(String);

/// `main` shows an error by this.
impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn main() -> Result<(), Trouble> {
    let arguments = Arguments::parse();
    let names = if arguments.platforms.is_empty() {
        Name::value_variants().to_vec()
    } else {
        arguments.platforms.clone()
    };
    if let Some((at, twice)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err(Trouble(format!("{twice:?} is named twice, the second time as number {}", at + 1)));
    }
    let platforms = platforms(&names, &arguments);
    let ports = platforms
        .iter()
        .zip(0..)
        .map(|(platform, behind)| (platform.name().to_owned(), arguments.port_at(behind)));
    let ports: BTreeMap<String, u16> = ports.collect();
    let options = Options {
        faults: arguments.fault.clone(),
        latency: Duration::from_millis(arguments.latency),
        edge: Some(arguments.port_at(u16::try_from(platforms.len()).unwrap_or(u16::MAX))),
        ports,
        ..Options::default()
    };
    let lab = Lab::start(platforms, options).map_err(|error| {
        Trouble(format!("cannot listen: {error}; name other ports with --port, or --port 0 for free ones"))
    })?;
    tell(&lab, arguments.json)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(tokio::signal::ctrl_c())?)
}

impl Arguments {
    /// A port so far behind the first.
    fn port_at(&self, behind: u16) -> u16 {
        if self.port == 0 { 0 } else { self.port.saturating_add(behind) }
    }
}

/// The platforms, one world: Fly.io's registry has its apps' images, one set of scripts plays all.
fn platforms(names: &[Name], arguments: &Arguments) -> Vec<Box<dyn Platform>> {
    let runner = Arc::new(Scripted::new(arguments.script.clone().unwrap_or_default()));
    let fly = if arguments.quick { FlyOptions::quick() } else { FlyOptions::default() };
    let render = RenderOptions::scripted(Arc::clone(&runner));
    let zero = Duration::ZERO;
    let render = if arguments.quick {
        RenderOptions { pending: zero, prepare: zero, build: zero, boot: zero, limits: false, ..render }
    } else {
        render
    };
    let both = names.contains(&Name::Fly) && names.contains(&Name::Registry);
    let store = Arc::new(if both { Store::by_permit() } else { Store::open() });
    let registry = RegistryOptions { store: Arc::clone(&store), ..RegistryOptions::default() };
    let fly = FlyOptions { runner, images: both.then_some(store), ..fly };
    let (mut fly, mut render, mut registry) = (Some(fly), Some(render), Some(registry));
    let platform = |name: &Name| -> Option<Box<dyn Platform>> {
        match name {
            Name::Fly => Some(Box::new(Fly::new(fly.take()?))),
            Name::Render => Some(Box::new(Render::new(render.take()?))),
            Name::Registry => Some(Box::new(Registry::new(registry.take()?))),
        }
    };
    names.iter().filter_map(platform).collect()
}

/// Where everything is.
fn tell(lab: &Lab, as_json: bool) -> Result<(), Trouble> {
    let edge = lab.edge().map(|address| format!("http://{address}")).unwrap_or_default();
    let mut out = std::io::stdout().lock();
    if as_json {
        let platforms: BTreeMap<&str, String> = lab.bases().into_iter().collect();
        let variables: BTreeMap<String, String> = lab.variables().into_iter().collect();
        let told: Value = json!({ "platforms": platforms, "edge": edge, "variables": variables });
        writeln!(out, "{told}")?;
        return Ok(out.flush()?);
    }
    for (name, url) in lab.bases() {
        writeln!(out, "# {name:<9} {url}")?;
    }
    writeln!(out, "# {:<9} {edge}   (send the app's name as Host: shop.fly.dev, shop.onrender.com)", "edge")?;
    for (name, value) in lab.variables() {
        writeln!(out, "export {name}={value}")?;
    }
    writeln!(out, "# Ctrl-C ends it, and everything in it.")?;
    Ok(out.flush()?)
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
