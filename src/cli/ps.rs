//! `dashdeploy ps`: what runs.

use dashdeploy_contract::{Observed, Reader as _, Resource};
use serde_json::json;

use super::stack::Stack;
use super::{CliResult, Context, Exit};
use crate::console::table;

/// List the services and how they are
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these services
    services: Vec<String>,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let stack = Stack::open(context)?;
    let wanted = stack.services(&args.services)?;
    let observed = stack.reader().await?.observe(&stack.bound).await?;
    let shown: Vec<&Resource> = running(&observed)
        .filter(|resource| wanted.is_empty() || resource.service.as_ref().is_some_and(|s| wanted.contains(s)))
        .collect();
    let value = json!({ "services": shown.iter().map(|resource| facts(resource)).collect::<Vec<_>>() });
    let rows: Vec<Vec<String>> = shown.iter().map(|resource| row(resource)).collect();
    let absent: Vec<&str> = stack
        .bound
        .services
        .keys()
        .filter(|name| wanted.is_empty() || wanted.contains(name))
        .filter(|name| observed.of_service(name).next().is_none())
        .map(dashdeploy_contract::Name::as_str)
        .collect();
    let text = if rows.is_empty() {
        "Nothing runs. Start it with `dashdeploy up`.".to_owned()
    } else {
        table(&["SERVICE", "HEALTH", "URL", "IMAGE", "CONTAINER", "STATUS"], &rows)
    };
    context.console.answer(value, &text);
    if !rows.is_empty() && !absent.is_empty() {
        context.console.status(&format!("not running: {}", absent.join(", ")));
    }
    Ok(Exit::Done)
}

/// The things of our services that run or ran.
pub(super) fn running(observed: &Observed) -> impl Iterator<Item = &Resource> {
    observed
        .resources
        .iter()
        .filter(|resource| resource.owned && resource.health.is_some() && resource.service.is_some())
}

/// A running thing as the JSON answers of `ps` and `up` have it.
pub(super) fn facts(resource: &Resource) -> serde_json::Value {
    json!({
        "service": resource.service,
        "health": resource.health,
        "url": resource.facts.get("url"),
        "image": resource.facts.get("image"),
        "image_id": resource.facts.get("image_id"),
        "container": resource.facts.get("container"),
        "container_id": resource.id,
        "ports": resource.facts.get("ports"),
        "status": resource.facts.get("status"),
    })
}

fn row(resource: &Resource) -> Vec<String> {
    let fact = |name: &str| resource.facts.get(name).cloned().unwrap_or_else(|| "-".to_owned());
    vec![
        resource.service.as_ref().map(ToString::to_string).unwrap_or_default(),
        resource.health.as_ref().map_or("-", |health| health.word()).to_owned(),
        fact("url"),
        fact("image"),
        fact("container"),
        fact("status"),
    ]
}
