//! What the head of each file says: how it is used with Azure's own tools alone, and what has to be set before.
//!
//! Given: a sheet. Gives: lines. Deliberately absent: values of secrets, and of variables of the shell.

use dashdeploy_contract::shell::{image_build, word as shell};
use dashdeploy_contract::{Build, HealthCheck, Service, ServiceKind, Source};

use super::app::App;
use super::parameters::{Parameters, image_variable};
use super::{Sheet, domains, page_steps, site};
use crate::config::{Hosting, Stack};

/// The head of `main.bicep`: all of it, step by step.
pub(super) fn bicep(sheet: &Sheet, parameters: &Parameters) -> Vec<String> {
    let stack = sheet.stack;
    let group = shell(&stack.group());
    let region = stack.region().unwrap_or("REGION");
    let mut steps = Steps::default();
    steps.lines.push(
        "Everything of this environment, in one resource group. By hand, from the project's folder:"
            .to_owned(),
    );
    let providers =
        format!("for name in {}; do az provider register --namespace \"$name\"; done", providers(&stack));
    steps.step(
        "Once: sign in, and let the subscription have what is used.",
        &["az login".to_owned(), providers],
    );
    steps.step("Once: the group.", &[format!("az group create --name {group} --location {}", shell(region))]);
    images(sheet, &mut steps, &group);
    deployment(sheet, parameters, &mut steps, &group);
    for service in stack.services().filter(|service| service.kind() == ServiceKind::Static) {
        page_steps::built(sheet, service, &mut steps, &group);
    }
    for (service, domain) in &stack.bound.domains {
        if let Some(service) =
            stack.bound.services.get(service).filter(|service| stack.is_here(&service.name))
        {
            domains::step(sheet, service, domain, &mut steps, &group);
        }
    }
    later(&stack, &mut steps, &group);
    steps.lines
}

/// What a subscription has to have registered, once.
fn providers(stack: &Stack) -> String {
    let has = |hosting| stack.hosted(hosting).next().is_some();
    let (apps, sites, pages) = (has(Hosting::App), has(Hosting::Site), has(Hosting::Page));
    let all = [
        ("Microsoft.App", apps),
        ("Microsoft.ContainerRegistry", stack.has_registry()),
        ("Microsoft.Insights", apps || sites),
        ("Microsoft.ManagedIdentity", stack.has_registry()),
        ("Microsoft.Network", apps),
        ("Microsoft.OperationalInsights", apps || sites),
        ("Microsoft.Storage", true),
        ("Microsoft.Web", sites || pages),
    ];
    all.iter().filter(|(_, used)| *used).map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

/// Numbered steps.
#[derive(Default)]
pub(super) struct Steps {
    lines: Vec<String>,
    count: usize,
}

impl Steps {
    pub(super) fn step(&mut self, what: &str, commands: &[String]) {
        self.count += 1;
        self.lines.push(format!("{}. {what}", self.count));
        self.lines.extend(commands.iter().map(|command| format!("     {command}")));
    }
}

fn images(sheet: &Sheet, steps: &mut Steps, group: &str) {
    let stack = sheet.stack;
    let mut commands = Vec::new();
    if stack.has_registry() {
        let registry = shell(&stack.registry());
        commands.push(format!("az acr create --resource-group {group} --name {registry} --sku Basic"));
        commands.push(format!("az acr login --name {registry}"));
    }
    for service in stack.services().filter(|service| service.kind() == ServiceKind::Web) {
        let Source::Build(build) = &service.source else { continue };
        let tag = shell(&format!("{}:latest", stack.image(service)));
        commands.push(format!("{} --tag {tag} {}", docker(build, None), shell(&build.context)));
        commands.push(format!("docker push {tag}"));
    }
    if !commands.is_empty() {
        steps.step(
            "The images. The registry is made before the rest, since a container needs its image.",
            &commands,
        );
    }
}

fn deployment(sheet: &Sheet, parameters: &Parameters, steps: &mut Steps, group: &str) {
    let named = |required: bool| -> Vec<String> {
        let wanted = parameters
            .all
            .values()
            .filter(|parameter| parameter.required == required && parameter.is_asked());
        let mut names: Vec<String> = wanted.filter_map(|parameter| parameter.variable.clone()).collect();
        names.sort();
        names.dedup();
        names
    };
    let mut commands = Vec::new();
    let needed = named(true);
    let taken = named(false).into_iter().filter(|name| !needed.contains(name)).collect();
    for (names, word) in [(needed.clone(), "needs"), (taken, "takes")] {
        if !names.is_empty() {
            commands.push(format!("# {word} in the shell: {}", names.join(" ")));
        }
    }
    let file = shell(&sheet.parameters());
    commands.push(format!("az deployment group create --resource-group {group} --parameters {file}"));
    steps.step("Everything else. Values come from the shell's variables, and stand in no file.", &commands);
}

/// The start of a build of an image, up to one of its stages where one is named.
pub(super) fn docker(build: &Build, stage: Option<&str>) -> String {
    let stage = stage.map_or_else(String::new, |stage| format!(" --target {stage}"));
    format!("docker build --platform linux/amd64 {}{stage}", image_build(build).join(" "))
}

/// A release after the first.
fn later(stack: &Stack, steps: &mut Steps, group: &str) {
    let containers: Vec<&Service> =
        stack.services().filter(|service| service.kind() == ServiceKind::Web).collect();
    if containers.is_empty() {
        return;
    }
    let variables: Vec<String> = containers.iter().map(|service| image_variable(&service.name)).collect();
    let mut commands = vec![format!(
        "# build and push each image with a tag of its own, set {} to it, and deploy as before",
        variables.join(" ")
    )];
    for service in containers.iter().filter(|service| stack.hosting(service) == Hosting::Site) {
        if site::has_slot(stack, service) {
            let host = shell(&stack.host(service));
            commands.push(format!(
                "# {}: deploy to the slot, look, swap; the swap back is the way back",
                service.name
            ));
            commands.push(format!("az webapp config container set --resource-group {group} --name {host} --slot {} --container-image-name IMAGE", site::SLOT));
            commands.push(format!(
                "az webapp deployment slot swap --resource-group {group} --name {host} --slot {}",
                site::SLOT
            ));
        }
    }
    steps.step("A later release.", &commands);
}

/// The head of the parameters.
pub(super) fn parameters(sheet: &Sheet) -> Vec<String> {
    let group = shell(&sheet.stack.group());
    vec![
        "The parameters of the template beside it, read from the shell's variables when it is deployed:"
            .to_owned(),
        format!(
            "  az deployment group create --resource-group {group} --parameters {}",
            shell(&sheet.parameters())
        ),
        "A variable without a second value has to be set.".to_owned(),
    ]
}

/// The head of a Container App's own file.
pub(super) fn app(sheet: &Sheet, service: &Service, app: &App) -> Vec<String> {
    let stack = sheet.stack;
    let (group, host) = (shell(&stack.group()), shell(&stack.host(service)));
    let path = shell(&sheet.desk.path(&format!("deploy/azure/{}.containerapp.yaml", service.name)));
    let template = sheet.bicep();
    let of = format!("--resource-group {group} --name {host}");
    let mut lines = vec![format!(
        "The next revision of an app that {template} made. What it does not name stays as it is."
    )];
    if service.volumes.keys().any(|volume| stack.is_single(volume)) {
        lines.extend(one_writer(&of));
    }
    if service.command.iter().flatten().any(String::is_empty) {
        lines
            .push("The Azure CLI leaves out empty words of `args:`: deploy the template instead.".to_owned());
    }
    if service.build().is_some() {
        lines.push("Give `image:` the tag of the release, then:".to_owned());
    }
    lines.push(format!("  az containerapp update {of} --yaml {path}"));
    if !app.secrets.is_empty() {
        let names: Vec<String> =
            app.secrets.iter().map(|(variable, secret)| format!("{secret} ({variable})")).collect();
        lines.push(format!(
            "Values that stand in no file are secrets of the app: {}. A new value for one:",
            names.join(", ")
        ));
        lines.push(format!("  az containerapp secret set {of} --secrets \"NAME=$VALUE\""));
    }
    if !app.optional.is_empty() {
        let names: Vec<&str> = app.optional.iter().map(|(variable, _)| variable.as_str()).collect();
        lines.push(format!(
            "Optional: take out what was never given a value, else Azure refuses the file: {}",
            names.join(", ")
        ));
    }
    if matches!(service.health, HealthCheck::Command { .. }) {
        lines.push("Azure runs no command as a health check: the port is asked for a connection.".to_owned());
    }
    lines
}

/// How the former revision is ended before the new one starts.
fn one_writer(of: &str) -> [String; 5] {
    [
        "A volume of it has a single writer: end the former revision first. Without these lines both run for some seconds."
            .to_owned(),
        format!("  former=\"$(az containerapp show {of} --query properties.latestRevisionName --output tsv)\""),
        format!("  az containerapp revision deactivate {of} --revision \"$former\""),
        "Where the new one does not come up, the former one is brought back by:".to_owned(),
        format!("  az containerapp revision activate {of} --revision \"$former\""),
    ]
}
