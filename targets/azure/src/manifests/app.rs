//! A Container App, for both of its files.
//!
//! Given: a service. Gives: its part of `main.bicep`, and the file of its next revision. In the second nothing can be
//! computed; a value that only Azure or the shell knows is therefore kept in the app, as a secret named after its variable,
//! and both files name it.
//!
//! The app is in the mode `Single`: a new revision gets the requests when it is ready, and the former one is deactivated
//! then, without a hand. Sources: learn.microsoft.com, "Application lifecycle management in Azure Container Apps",
//! "Health probes in Azure Container Apps", "Use storage mounts in Azure Container Apps".

use dashdeploy_contract::{APP_USER, HealthCheck, Name, Requirement, Service, ServiceKind, word};
use serde_json::{Value, json};

use super::Sheet;
use super::parameters::Parameters;
use super::value::Bicep;
use crate::config::{Hosting, Protocol, Reach, Stack};
use crate::places::Size;
use crate::words;

/// What Application Insights' libraries read.
pub(super) const INSIGHTS: &str = "APPLICATIONINSIGHTS_CONNECTION_STRING";
/// Sets the owner of fresh NFS shares, which is root: a small image of Microsoft's registry that starts as root.
const INIT_IMAGE: &str = "mcr.microsoft.com/azurelinux/base/core:3.0";

/// The secret that holds the password of a registry that is not Azure's.
const PASSWORD: &str = "registry-password";

/// A Container App.
pub(super) struct App {
    /// What both files say.
    shared: Value,
    /// What only the template says.
    bicep: Value,
    /// The variables and secrets as the second file has them.
    env: Vec<Value>,
    /// Optional secrets: variable and name.
    pub(super) optional: Vec<(String, String)>,
    /// The names of all secrets with the variable of each.
    pub(super) secrets: Vec<(String, String)>,
}

impl App {
    pub(super) fn of(sheet: &Sheet, service: &Service, parameters: &mut Parameters) -> Self {
        let mut listed = Listed::default();
        listed.variables(sheet, service, parameters);
        listed.secrets(service);
        let stack = sheet.stack;
        if stack.foreign_registry(service).is_some() {
            let password = word::symbol("registryPassword");
            listed.optional_values.push(json!({ "name": PASSWORD, "value": password }));
        }
        let mut bicep = template(&stack, service);
        bicep["secrets"] = listed.values.into();
        bicep["optional_secrets"] = listed.optional_values.into();
        bicep["env"] = listed.env.into();
        bicep["optional_env"] = listed.optional_env.into();
        let shared = shared(&stack, service);
        Self { shared, bicep, env: listed.yaml, optional: listed.optional, secrets: listed.names }
    }

    /// Its part of the template.
    pub(super) fn bicep(&self) -> Value {
        merged(&self.shared, &self.bicep)
    }

    /// Its own file.
    pub(super) fn yaml(&self) -> Value {
        merged(&self.shared, &json!({ "env": self.env }))
    }
}

/// What both files say.
fn shared(stack: &Stack, service: &Service) -> Value {
    let built = if service.build().is_some() { ":latest" } else { "" };
    let size = Size::holding(&service.resources);
    json!({
        "name": stack.host(service),
        "container": service.name.as_str(),
        "image": format!("{}{built}", stack.image(service)),
        "ingress": ingress(stack, service),
        "memory": size.map(Size::memory).unwrap_or_default(),
        "cpu": size.map(Size::cpu).and_then(|cpu| cpu.parse::<f64>().ok()).unwrap_or_default(),
        "probes": probes(service),
        "args": service.command.clone().unwrap_or_default(),
        "mounts": mounts(service),
        "volumes": volumes(stack, service, false),
        "init": init(stack, service),
        "min": fewest(stack, service),
        "max": service.replicas,
    })
}

/// What only the template says, without variables and secrets.
fn template(stack: &Stack, service: &Service) -> Value {
    let symbol = |word| word::symbol(&Stack::symbol(&service.name, word));
    json!({
        "symbol": symbol("App"),
        "service": service.name.as_str(),
        "title": word::comment(&format!("Container `{}`", service.name)),
        "image": symbol("Image"),
        "cpu_text": Size::holding(&service.resources).map(Size::cpu).unwrap_or_default(),
        "ours": stack.image_is_ours(service),
        "login": stack.foreign_registry(service),
        "password": PASSWORD,
        "volumes": volumes(stack, service, true),
        "depends": depends(stack, service),
        "domain": stack.bound.domains.get(&service.name),
        "certificate": symbol("CertificateId"),
    })
}

fn merged(one: &Value, other: &Value) -> Value {
    let mut all = one.as_object().cloned().unwrap_or_default();
    all.extend(other.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

/// Variables and secrets, as each file lists them.
#[derive(Default)]
struct Listed {
    values: Vec<Value>,
    optional_values: Vec<Value>,
    env: Vec<Value>,
    optional_env: Vec<Value>,
    yaml: Vec<Value>,
    names: Vec<(String, String)>,
    optional: Vec<(String, String)>,
}

impl Listed {
    fn variables(&mut self, sheet: &Sheet, service: &Service, parameters: &mut Parameters) {
        for (variable, text) in &service.env {
            let Bicep { value, known } = Bicep::of(sheet, service, text, parameters);
            self.variable(variable, value, known);
        }
        let asked = sheet.stack.option(service, "insights") == Some("true");
        if asked && !service.env.contains_key(INSIGHTS) && !service.secrets.contains_key(INSIGHTS) {
            self.variable(INSIGHTS, word::symbol("insights.properties.ConnectionString"), false);
        }
    }

    fn variable(&mut self, variable: &str, value: Value, known: bool) {
        if known {
            let plain = json!({ "name": variable, "value": value, "secret": null });
            self.env.push(plain.clone());
            self.yaml.push(plain);
            return;
        }
        let secret = words::secret(variable);
        self.values.push(json!({ "name": secret, "value": value }));
        self.refer(variable, secret);
    }

    fn refer(&mut self, variable: &str, secret: String) {
        let named = json!({ "name": variable, "value": null, "secret": secret });
        self.env.push(named.clone());
        self.yaml.push(named);
        self.names.push((variable.to_owned(), secret));
    }

    fn secrets(&mut self, service: &Service) {
        for (variable, requirement) in &service.secrets {
            let secret = words::secret(variable);
            let value = word::symbol(&words::parameter(service.name.as_str(), variable));
            if *requirement == Requirement::Required {
                self.values.push(json!({ "name": secret, "value": value }));
                self.refer(variable, secret);
                continue;
            }
            self.optional_values.push(json!({ "name": secret, "value": value }));
            self.optional_env.push(json!({ "name": variable, "secret": secret, "value": value }));
            self.yaml.push(json!({ "name": variable, "value": null, "secret": secret }));
            self.names.push((variable.clone(), secret.clone()));
            self.optional.push((variable.clone(), secret));
        }
    }
}

/// How it is reached. Inside, a port of its own by TCP, so that others find it where they find it elsewhere; ports 80 and 443
/// are HTTP's. Source: learn.microsoft.com, "Ingress in Azure Container Apps", HTTP and TCP.
fn ingress(stack: &Stack, service: &Service) -> Value {
    let port = service.port;
    match stack.reach(service) {
        Reach::None => Value::Null,
        Reach::Public => json!({
            "external": true, "port": port, "transport": "auto", "exposed": null,
            "insecure": stack.is_called_inside(service),
        }),
        Reach::Inside if port.is_some_and(|port| [80, 443].contains(&port)) => {
            json!({ "external": false, "port": port, "transport": "auto", "exposed": null, "insecure": true })
        }
        Reach::Inside => {
            json!({ "external": false, "port": port, "transport": "tcp", "exposed": port, "insecure": false })
        }
    }
}

/// Startup may take a hundred seconds; Azure asks at most ten times.
fn probes(service: &Service) -> Vec<Value> {
    let probe = |kind: &str, period: u32, failures: u32, path: Option<&str>| json!({ "type": kind, "path": path, "port": service.port, "period": period, "timeout": 5, "failures": failures });
    match (&service.health, service.port) {
        (HealthCheck::Http { path }, Some(_)) => vec![
            probe("Startup", 10, 10, Some(path)),
            probe("Readiness", 10, 3, Some(path)),
            probe("Liveness", 30, 3, Some(path)),
        ],
        (HealthCheck::Command { .. }, Some(_)) => {
            vec![probe("Startup", 10, 10, None), probe("Liveness", 30, 3, None)]
        }
        _ => Vec::new(),
    }
}

fn mounts(service: &Service) -> Vec<Value> {
    service.volumes.iter().map(|(volume, path)| json!({ "volume": volume.as_str(), "path": path })).collect()
}

/// The storage's name in the environment: the volume's.
fn volumes(stack: &Stack, service: &Service, symbols: bool) -> Vec<Value> {
    let one = |volume: &Name| {
        let protocol = stack.protocol(service, volume);
        let storage = if symbols {
            word::symbol(&format!("{}.name", Stack::symbol(volume, "Storage")))
        } else {
            Value::from(volume.as_str())
        };
        // Over SMB owner and rights are the mount's; over NFS they are the files' own.
        let (user, group) = APP_USER.split_once(':').unwrap_or((APP_USER, APP_USER));
        let options = format!("uid={user},gid={group},dir_mode=0750,file_mode=0640");
        let options = (protocol == Protocol::Smb && service.is_generated()).then_some(options);
        let kind = if protocol == Protocol::Nfs { "NfsAzureFile" } else { "AzureFile" };
        json!({ "name": volume.as_str(), "type": kind, "storage": storage, "options": options })
    };
    service.volumes.keys().map(one).collect()
}

/// A container that runs first and hands fresh NFS shares to the user of a generated image.
fn init(stack: &Stack, service: &Service) -> Value {
    let fresh = service.volumes.iter().filter(|(volume, _)| stack.protocol(service, volume) == Protocol::Nfs);
    let mounted: Vec<(&Name, &String)> = fresh.collect();
    if mounted.is_empty() || !service.is_generated() {
        return Value::Null;
    }
    let mut args = vec![APP_USER.to_owned()];
    args.extend(mounted.iter().map(|(_, path)| (*path).clone()));
    let mounts: Vec<Value> =
        mounted.iter().map(|(volume, path)| json!({ "volume": volume.as_str(), "path": path })).collect();
    json!({ "image": INIT_IMAGE, "args": args, "mounts": mounts })
}

fn fewest(stack: &Stack, service: &Service) -> u32 {
    let written = stack.option(service, "min_replicas").and_then(|number| number.parse().ok());
    written.unwrap_or(service.replicas)
}

/// What has to be there before it, beyond what its part of the template names.
fn depends(stack: &Stack, service: &Service) -> Vec<Value> {
    let mut before: Vec<String> = Vec::new();
    if stack.image_is_ours(service) {
        before.push("pull".to_owned());
    }
    let here = stack.bound.dependencies(service).into_iter().filter(|name| stack.is_here(name));
    let services = here.filter_map(|name| stack.bound.services.get(&name));
    before.extend(services.filter(|other| other.kind() == ServiceKind::Web).map(|other| {
        let word = if stack.hosting(other) == Hosting::Site { "Site" } else { "App" };
        Stack::symbol(&other.name, word)
    }));
    before.iter().map(|symbol| word::symbol(symbol)).collect()
}
