//! A detection as the text of a dashdeploy.yaml: short, commented with the places that the conclusions rest on.
//!
//! Given: a [`Detection`]. Gives: text that the configuration's reader accepts without a finding. Deliberately absent: keys whose
//! default is right.

use dashdeploy_contract::{Build, BuildKind, NodeManager, PythonPackages, Recipe};

use super::model::{Detection, Evidence, Proposal, Role, Topic};
use crate::config::{SCHEMA_URL, quote};

/// Longest line for a map in flow style.
const WIDTH: usize = 100;

/// Writes the file.
pub fn write(detection: &Detection) -> String {
    let mut out = Writer::default();
    out.line(0, &format!("# yaml-language-server: $schema={SCHEMA_URL}"));
    out.line(0, "# What `dashdeploy init` found; behind a `#` is the place it rests on. Change what is wrong: this file is yours.");
    out.line(0, &format!("project: {}", quote(detection.project.as_str())));
    out.line(0, if detection.services.is_empty() { "services: {}" } else { "services:" });
    for service in &detection.services {
        out.service(service);
    }
    out.volumes(detection);
    out.smoke(detection);
    out.line(0, "environments:");
    out.line(1, "local: { target: docker }");
    out.text
}

#[derive(Default)]
struct Writer {
    text: String,
}

/// A value as YAML: a scalar already quoted, or a flow collection.
type Pair = (String, String);

fn pair(key: &str, value: impl Into<String>) -> Pair {
    (quote(key), value.into())
}

fn flow(pairs: &[Pair]) -> String {
    let inside: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{ {} }}", inside.join(", "))
}

fn list<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<String> = items.iter().map(|item| quote(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

impl Writer {
    fn line(&mut self, depth: usize, text: &str) {
        self.text.push_str(&"  ".repeat(depth));
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A line with the place of its evidence behind it.
    fn placed(&mut self, depth: usize, text: &str, evidence: Option<&Evidence>) {
        match evidence {
            Some(evidence) => self.line(depth, &format!("{text}  # {}", comment(&evidence.place()))),
            None => self.line(depth, text),
        }
    }

    fn service(&mut self, service: &Proposal) {
        let fact = |topic: Topic| service.fact(topic);
        if let Some(kind) = fact(Topic::Kind) {
            let place =
                kind.evidence.as_ref().map(|evidence| format!(": {}", evidence.place())).unwrap_or_default();
            self.line(1, &format!("# {}{}", comment(&kind.conclusion), comment(&place)));
        }
        self.line(1, &format!("{}:", quote(service.name.as_str())));
        self.build(service);
        if !service.build.dockerfile.is_empty() && !is_default_dockerfile(service) {
            self.line(2, &format!("dockerfile: {}", quote(&service.build.dockerfile)));
        }
        if let Some(command) = &service.command {
            let evidence = fact(Topic::Application).and_then(|fact| fact.evidence.as_ref());
            self.placed(2, &format!("command: {}", list(command)), evidence);
        }
        let is_static = matches!(service.build.kind, BuildKind::Vite | BuildKind::Static);
        if let Some(port) = service.port.filter(|port| !(is_static && *port == 8080)) {
            let evidence = fact(Topic::Port).and_then(|fact| fact.evidence.as_ref());
            self.placed(2, &format!("port: {port}"), evidence);
        }
        if let Some(publish) = service.publish {
            self.line(2, &format!("publish: {publish}"));
        }
        if let Some(health) = &service.health {
            let evidence = fact(Topic::Health).and_then(|fact| fact.evidence.as_ref());
            self.placed(2, &format!("health: {}", quote(health)), evidence);
        }
        self.variables(service);
        self.mounts(service);
    }

    fn build(&mut self, service: &Proposal) {
        let build = &service.build;
        let pairs = build_pairs(build);
        let short = format!("build: {}", flow(&pairs));
        if short.len() + 4 <= WIDTH && build.ignore.is_empty() && build.links.is_empty() {
            self.line(2, &short);
            return;
        }
        self.line(2, "build:");
        let place = |topic: Topic| service.fact(topic).and_then(|fact| fact.evidence.as_ref());
        for (key, value) in &pairs {
            let evidence = match key.as_str() {
                "app" | "start" => place(Topic::Application),
                "python" | "node" => place(Topic::Version),
                "output" => place(Topic::Output),
                _ => None,
            };
            self.placed(3, &format!("{key}: {value}"), evidence);
        }
        if !build.ignore.is_empty() {
            self.line(3, &format!("ignore: {}", list(&build.ignore)));
        }
        if !build.links.is_empty() {
            let pairs: Vec<Pair> = build.links.iter().map(|(from, to)| pair(from, quote(to))).collect();
            self.placed(3, &format!("links: {}", flow(&pairs)), place(Topic::Data));
        }
    }

    fn variables(&mut self, service: &Proposal) {
        if !service.env.is_empty() {
            self.line(2, "env:");
            for (name, variable) in &service.env {
                let text = format!("{}: {}", quote(name), quote(&variable.value));
                self.placed(3, &text, Some(&variable.evidence));
            }
        }
        if !service.secrets.is_empty() {
            self.line(2, "secrets:");
            for (name, secret) in &service.secrets {
                let text = format!("{}: {}", quote(name), secret.requirement.as_str());
                self.placed(3, &text, Some(&secret.evidence));
            }
        }
        // What another file gives a value is not left out after all.
        let is_unset =
            |name: &&String| !service.env.contains_key(*name) && !service.secrets.contains_key(*name);
        let names: Vec<&str> = service.unset.keys().filter(is_unset).map(String::as_str).collect();
        if !names.is_empty() {
            self.line(
                2,
                &format!("# Left at the application's own defaults: {}", comment(&names.join(", "))),
            );
        }
    }

    fn mounts(&mut self, service: &Proposal) {
        let volumes: Vec<Pair> =
            service.volumes.iter().map(|(n, path)| pair(n.as_str(), quote(path))).collect();
        if !volumes.is_empty() {
            self.line(2, &format!("volumes: {}", flow(&volumes)));
        }
        let proxy: Vec<Pair> = service.proxy.iter().map(|(path, n)| pair(path, quote(n.as_str()))).collect();
        if !proxy.is_empty() {
            self.line(2, &format!("proxy: {}  # the page and the API have one origin", flow(&proxy)));
        }
    }

    fn volumes(&mut self, detection: &Detection) {
        if detection.volumes.is_empty() {
            return;
        }
        self.line(0, "volumes:");
        for volume in &detection.volumes {
            let users =
                detection.services.iter().filter(|service| service.volumes.contains_key(volume)).count();
            let writers = if users > 1 { "many" } else { "single" };
            self.line(1, &format!("{}: {{ size: 1Gi, writers: {writers} }}", quote(volume.as_str())));
        }
    }

    fn smoke(&mut self, detection: &Detection) {
        let mut lines = Vec::new();
        for service in &detection.services {
            let name = quote(service.name.as_str());
            if let Some(text) = &service.page_contains {
                lines.push(format!("- {{ service: {name}, path: /, contains: {} }}", single_quoted(text)));
            } else if let Some(path) = &service.health {
                lines.push(format!("- {{ service: {name}, path: {}, status: 200 }}", quote(path)));
            } else if matches!(service.role, Role::Spa | Role::Site) {
                lines.push(format!("- {{ service: {name}, path: / }}"));
            }
        }
        if lines.is_empty() {
            return;
        }
        self.line(0, "smoke:");
        for line in lines {
            self.line(1, &line);
        }
    }
}

/// Text for a comment: one line, whatever a file is called.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// HTML reads better without escapes; everything else goes the general way.
fn single_quoted(text: &str) -> String {
    let plain = text.chars().all(|c| (' '..='~').contains(&c) && c != '\'');
    if plain { format!("'{text}'") } else { quote(text) }
}

fn is_default_dockerfile(service: &Proposal) -> bool {
    let build = &service.build;
    let default = if build.kind != BuildKind::Dockerfile {
        format!("deploy/{}/Dockerfile", service.name)
    } else if build.context == "." {
        "Dockerfile".to_owned()
    } else {
        format!("{}/Dockerfile", build.context)
    };
    build.dockerfile == default
}

fn build_pairs(build: &Build) -> Vec<Pair> {
    let mut pairs = vec![pair("kind", build.kind.as_str())];
    if build.context != "." {
        pairs.push(pair("context", quote(&build.context)));
    }
    match &build.recipe {
        Recipe::Python(recipe) => {
            pairs.extend(recipe.app.iter().map(|app| pair("app", quote(app))));
            pairs.extend(recipe.source_root.iter().map(|source| pair("source", quote(source))));
            pairs.push(pair("python", quote(&recipe.version)));
            pairs.extend(packages(&recipe.packages));
        }
        Recipe::Node(recipe) => {
            pairs.push(pair("node", quote(&recipe.version)));
            pairs.extend(manager(recipe.manager, recipe.locked));
            pairs.extend(recipe.script.iter().map(|script| pair("script", quote(script))));
            pairs.push(pair("start", list(&recipe.start)));
        }
        Recipe::Spa(recipe) => {
            pairs.push(pair("node", quote(&recipe.version)));
            pairs.extend(manager(recipe.manager, recipe.locked));
            let differing = [
                ("script", &recipe.script, "build"),
                ("dev_script", &recipe.dev_script, "dev"),
                ("output", &recipe.output, "dist"),
            ];
            for (key, value, default) in differing {
                if value != default {
                    pairs.push(pair(key, quote(value)));
                }
            }
        }
        Recipe::Files { root } => pairs.extend((root != ".").then(|| pair("root", quote(root)))),
        Recipe::Own { target } => pairs.extend(target.iter().map(|stage| pair("stage", quote(stage)))),
    }
    pairs
}

fn packages(packages: &PythonPackages) -> Option<Pair> {
    match packages {
        PythonPackages::Pip { requirements } => Some(match requirements.as_slice() {
            [one] => pair("requirements", quote(one)),
            several => pair("requirements", list(several)),
        }),
        PythonPackages::Uv => Some(pair("packages", "uv")),
        PythonPackages::Poetry => Some(pair("packages", "poetry")),
        PythonPackages::Pyproject => Some(pair("packages", "pyproject")),
        PythonPackages::None => Some(pair("packages", "none")),
    }
}

fn manager(manager: NodeManager, locked: bool) -> Vec<Pair> {
    let mut pairs = Vec::new();
    if manager != NodeManager::Npm {
        pairs.push(pair("manager", manager.as_str()));
    }
    if !locked {
        pairs.push(pair("lockfile", "false"));
    }
    pairs
}
