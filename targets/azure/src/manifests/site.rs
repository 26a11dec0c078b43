//! A site of App Service, as `main.bicep` has it.
//!
//! Given: a service. Gives: its settings, mounts and slot. Sources: learn.microsoft.com, "Configure a custom container for
//! Azure App Service", "Mount Azure Storage as a local share in App Service", "Monitor the health of App Service instances".

use dashdeploy_contract::{HealthCheck, Requirement, Service, shell, word};
use serde_json::{Value, json};

use super::Sheet;
use super::app::INSIGHTS;
use super::parameters::Parameters;
use super::value::Bicep;
use crate::config::Stack;
use crate::words;

/// The slot that a release goes to before it is swapped in.
pub(crate) const SLOT: &str = "next";

pub(super) fn context(sheet: &Sheet, service: &Service, parameters: &mut Parameters) -> Value {
    let stack = sheet.stack;
    let health = match &service.health {
        HealthCheck::Http { path } => Some(path.clone()),
        _ => None,
    };
    let command = service.command.as_deref().unwrap_or_default();
    let command: Vec<String> = command.iter().map(|word| shell::word(word)).collect();
    json!({
        "name": stack.host(service),
        "service": service.name.as_str(),
        "symbol": word::symbol(&Stack::symbol(&service.name, "Site")),
        "plan_id": word::symbol(&format!("{}.id", plan(&stack, service))),
        "image": word::join(&[Value::from("DOCKER|"), word::symbol(&Stack::symbol(&service.name, "Image"))]),
        "ours": stack.image_is_ours(service),
        "health": health,
        "command": command.join(" "),
        "replicas": service.replicas,
        "settings": settings(sheet, service, parameters),
        "optional": optional(&stack, service),
        "mounts": mounts(service),
        "places": places(&stack, service),
        "depends": if stack.image_is_ours(service) { vec![word::symbol("pull")] } else { Vec::new() },
        "diagnostics": word::symbol(&Stack::symbol(&service.name, "Logs")),
        "logged": stack.option(service, "logs") != Some("none"),
        "access": service.log.access,
    })
}

/// The plan's name in Bicep: one for each size.
pub(super) fn plan(stack: &Stack, service: &Service) -> String {
    format!("plan{}", stack.sku(service).name)
}

/// The site itself, and a slot where its plan has some and no volume would be written to by two.
fn places(stack: &Stack, service: &Service) -> Vec<Value> {
    let mut places = vec![json!({
        "symbol": word::symbol(&Stack::symbol(&service.name, "Site")),
        "slot": null,
    })];
    if has_slot(stack, service) {
        places.push(json!({ "symbol": word::symbol(&Stack::symbol(&service.name, "Slot")), "slot": SLOT }));
    }
    places
}

pub(crate) fn has_slot(stack: &Stack, service: &Service) -> bool {
    stack.sku(service).has_slots() && service.volumes.is_empty()
}

fn settings(sheet: &Sheet, service: &Service, parameters: &mut Parameters) -> Vec<Value> {
    let mut settings = vec![
        json!({ "name": "WEBSITES_ENABLE_APP_SERVICE_STORAGE", "value": "false" }),
        json!({ "name": "WEBSITES_CONTAINER_START_TIME_LIMIT", "value": "230" }),
    ];
    if let Some(host) = sheet.stack.foreign_registry(service) {
        settings.push(json!({ "name": "DOCKER_REGISTRY_SERVER_URL", "value": format!("https://{host}") }));
    }
    if let Some(port) = service.port {
        settings.push(json!({ "name": "WEBSITES_PORT", "value": port.to_string() }));
    }
    for (variable, text) in &service.env {
        let value = Bicep::of(sheet, service, text, parameters).value;
        settings.push(json!({ "name": variable, "value": value }));
    }
    let asked = sheet.stack.option(service, "insights") == Some("true");
    if asked && !service.env.contains_key(INSIGHTS) && !service.secrets.contains_key(INSIGHTS) {
        let value = word::symbol("insights.properties.ConnectionString");
        settings.push(json!({ "name": INSIGHTS, "value": value }));
    }
    let required = service.secrets.iter().filter(|(_, requirement)| **requirement == Requirement::Required);
    settings.extend(required.map(|(variable, _)| {
        let value = word::symbol(&words::parameter(service.name.as_str(), variable));
        json!({ "name": variable, "value": value })
    }));
    settings
}

/// What is left out where it is empty: optional secrets, and the login of a registry that is not Azure's.
fn optional(stack: &Stack, service: &Service) -> Vec<Value> {
    let optional = service.secrets.iter().filter(|(_, requirement)| **requirement == Requirement::Optional);
    let one = |variable: &String| {
        let value = word::symbol(&words::parameter(service.name.as_str(), variable));
        json!({ "name": variable, "value": value })
    };
    let mut settings: Vec<Value> = optional.map(|(variable, _)| one(variable)).collect();
    if stack.foreign_registry(service).is_some() {
        for (name, symbol) in [("USERNAME", "registryUser"), ("PASSWORD", "registryPassword")] {
            let name = format!("DOCKER_REGISTRY_SERVER_{name}");
            settings.push(json!({ "name": name, "value": word::symbol(symbol) }));
        }
    }
    settings
}

fn mounts(service: &Service) -> Vec<Value> {
    let mount = |(volume, path): (&dashdeploy_contract::Name, &String)| {
        json!({
            "name": word::key(volume.as_str()),
            "share": word::symbol(&format!("{}.name", Stack::symbol(volume, "Share"))),
            "path": path,
        })
    };
    service.volumes.iter().map(mount).collect()
}
