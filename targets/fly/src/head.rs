//! The head of a `fly.toml`: the commands that make an app of it, in their order.
//!
//! Given: an app and the path of its file. Gives: lines for a person with flyctl and nothing else. Secrets by name alone,
//! never a value. Everything that no `fly.toml` holds is here: addresses, the number of machines, host names, what has to be
//! set by hand.

use dashdeploy_contract::{Desk, Name, Requirement, Service, Source, Text, ValuePart, shell};

use crate::config::App;
use crate::manifests::BUCKET_FOLDER;

/// Tigris as S3's own tools reach it (fly.io/docs/tigris).
const TIGRIS: &str = "https://fly.storage.tigris.dev";

/// The lines.
pub(crate) fn lines(app: &App, desk: &Desk, path: &str) -> Vec<String> {
    let name = app.name();
    let mut lines = vec![
        format!("The app `{name}` on Fly.io. Without dashdeploy, in the project's folder, with flyctl:"),
        String::new(),
        "Once. The name is unique among all users of Fly.io; another one goes below `options: { app: … }`."
            .to_owned(),
        match app.option("org") {
            Some(org) => format!("  fly apps create {name} --org {org}"),
            None => format!("  fly apps create {name}"),
        },
    ];
    lines.extend(addresses(app, &name));
    lines.extend(secrets(app, desk, &name));
    lines.extend(bucket(app));
    lines.push(String::new());
    lines.push(when(app));
    lines.push(format!("  {}", deploy(app, desk, path)));
    lines.extend(after(app, &name));
    lines
}

/// When to deploy, and what the first time does.
fn when(app: &App) -> String {
    let first = match app.service.volumes.is_empty() {
        true => "Without `--ha=false` the first deploy makes two machines.",
        false => "The first deploy makes the volume too.",
    };
    let needed = app.bound.dependencies(app.service);
    let needed: Vec<&str> =
        needed.iter().filter(|name| app.other(name).is_some()).map(Name::as_str).collect();
    match needed.as_slice() {
        [] => format!("Every time. {first}"),
        names => format!("Every time, after {}. {first}", names.join(", ")),
    }
}

/// Addresses that a deploy does not give by itself.
fn addresses(app: &App, name: &str) -> Vec<String> {
    if !app.is_private() {
        return Vec::new();
    }
    let mut lines = vec![
        String::new(),
        format!("Once. The address by which other apps reach it, as {}:", app.private_host()),
        format!("  fly ips allocate-v6 --private --app {name}"),
    ];
    if app.is_public() {
        lines.push("and those for everyone, which a deploy gives only to an app that has none:".to_owned());
        lines.push(format!("  fly ips allocate-v6 --app {name}"));
        lines.push(format!("  fly ips allocate-v4 --shared --app {name}"));
    }
    lines
}

fn secrets(app: &App, desk: &Desk, name: &str) -> Vec<String> {
    let set = |variable: &str, about: &str| {
        format!("  fly secrets set {variable}=… --stage --app {name}   # {about}")
    };
    let own = app.service.secrets.iter().map(|(variable, requirement)| {
        let about = match requirement {
            Requirement::Required => "required",
            Requirement::Optional => "optional",
        };
        set(variable, about)
    });
    let env = app.service.env.iter().filter(|_| !app.is_page());
    let unknown = env.filter_map(|(variable, text)| Some(set(variable, &missing(text, app.service, desk)?)));
    let lines: Vec<String> = own.chain(unknown).collect();
    if lines.is_empty() {
        return lines;
    }
    let title = "Once, and again when one changes. The next deploy hands them to the machines.".to_owned();
    [String::new(), title].into_iter().chain(lines).collect()
}

/// What a variable's value is made of that only the user knows; none where all of it is known.
pub(crate) fn missing(text: &Text, service: &Service, desk: &Desk) -> Option<String> {
    let parts = desk.parts(text, service);
    let unknown: Vec<String> = parts.iter().filter_map(described).collect();
    (!unknown.is_empty()).then(|| format!("holds {}", unknown.join(", ")))
}

fn described(part: &ValuePart) -> Option<String> {
    match part {
        ValuePart::Text(_) => None,
        ValuePart::Url(service) => Some(format!("the public address of {service}")),
        ValuePart::Host(service) => Some(format!("the host of {service}")),
        ValuePart::Port(service) => Some(format!("the port of {service}")),
        ValuePart::Given(name) => Some(format!("the value of {name}")),
        ValuePart::Release => Some("the release's name".to_owned()),
    }
}

/// How a page's files get into their bucket.
fn bucket(app: &App) -> Vec<String> {
    let Some(build) = app.service.build().filter(|_| app.has_bucket()) else { return Vec::new() };
    let (bucket, org) = (app.bucket(), app.option("org").unwrap_or("personal"));
    let with = if app.service.env.is_empty() { "" } else { ", with each of [build.args] as a --build-arg" };
    let (file, context) = (shell::word(&build.dockerfile), shell::word(&build.context));
    vec![
        String::new(),
        "Once. The bucket: without --app no machine gets its keys; keep them for the upload.".to_owned(),
        format!("  fly storage create --public --name {bucket} --org {org}"),
        String::new(),
        format!("Every time, before the deploy: the built files{with}, then the upload."),
        format!("  docker build --target files --output type=local,dest=fly-files --file {file} {context}"),
        format!("  aws s3 sync fly-files s3://{bucket}{BUCKET_FOLDER} --endpoint-url {TIGRIS}"),
    ]
}

fn deploy(app: &App, desk: &Desk, path: &str) -> String {
    let mut line = "fly deploy".to_owned();
    match &app.service.source {
        // flyctl goes into the folder that it is given before it looks for the file.
        Source::Build(build) if build.context != "." => {
            line.push_str(&format!(
                " {} --config \"$PWD\"/{}",
                shell::word(&build.context),
                shell::word(path)
            ));
        }
        _ if path == "fly.toml" => {}
        _ => line.push_str(&format!(" --config {}", shell::word(path))),
    }
    line.push_str(" --ha=false");
    if app.service.port.is_some() && !app.is_public() {
        line.push_str(" --no-public-ips");
    }
    let env = app.service.env.iter().filter(|_| app.is_page());
    for (variable, _) in env.filter(|(_, text)| missing(text, app.service, desk).is_some()) {
        line.push_str(&format!(" --build-arg {variable}=…"));
    }
    for secret in app.service.build().into_iter().flat_map(|build| &build.secrets) {
        line.push_str(&format!(" --build-secret {secret}=…"));
    }
    line
}

/// What a deploy does not do: more machines, the user's own host name.
fn after(app: &App, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if app.service.replicas > 1 {
        lines.push(String::new());
        lines.push(
            "Once, after the first deploy. A fly.toml does not hold the number of machines.".to_owned(),
        );
        lines.push(format!("  fly scale count {} --app {name}", app.service.replicas));
    }
    if let Some(domain) = app.bound.domains.get(&app.service.name) {
        lines.push(String::new());
        lines.push("Once. It shows the DNS records to make; the certificate follows.".to_owned());
        lines.push(format!("  fly certs add {domain} --app {name}"));
    }
    lines
}
