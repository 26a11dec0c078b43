//! How a page is built and sent by hand, for the head of `main.bicep`.
//!
//! Given: a page. Gives: commands. The files come out of the generated Dockerfile's stage `files`, so that exactly what is meant to
//! be public is sent, whatever else lies in the project's folder.

use dashdeploy_contract::page::{ASSETS, CACHE_ASSETS, CACHE_PAGES};
use dashdeploy_contract::shell::{assignment, word as shell};
use dashdeploy_contract::{Name, Reference, Service};

use super::heads::{Steps, docker};
use super::{Sheet, page};
use crate::config::{Hosting, Stack};

/// The stage of a generated Dockerfile that has the page's files and nothing else.
const FILES: &str = "files";
/// The longest value that is written into a head.
const LONGEST: usize = 80;

pub(super) fn built(sheet: &Sheet, page: &Service, steps: &mut Steps, group: &str) {
    let stack = sheet.stack;
    let Some(build) = page.build() else { return };
    let mut commands = Vec::new();
    for name in page::unknown(sheet.desk, page) {
        let url = Stack::symbol(name, "Url");
        commands
            .push(format!("# {} holds the address of `{name}`: see the output {url}", holding(page, name)));
    }
    let mut line = docker(build, Some(FILES));
    for (variable, text) in &page.env {
        let value = sheet.desk.value(text, page);
        match value.filter(|value| value.len() <= LONGEST && !value.chars().any(char::is_control)) {
            Some(value) => line.push_str(&format!(" --build-arg {}", assignment(variable, &value))),
            // Without a value it is the shell's own.
            None => line.push_str(&format!(" --build-arg {variable}")),
        }
    }
    commands.push("site=\"$(mktemp -d)\"".to_owned());
    commands.push(format!("{line} --output \"$site\" {}", shell(&build.context)));
    match stack.hosting(page) {
        Hosting::Bucket => bucket(&stack, page, &mut commands),
        _ => static_web_app(sheet, page, &mut commands, group),
    }
    let title = format!("The page `{}`. A variable without `=` is the shell's.", page.name);
    steps.step(&title, &commands);
}

fn static_web_app(sheet: &Sheet, page: &Service, commands: &mut Vec<String>, group: &str) {
    let host = shell(&sheet.stack.host(page));
    let token = format!(
        "az staticwebapp secrets list --resource-group {group} --name {host} --query properties.apiKey --output tsv"
    );
    commands.push(format!("export SWA_CLI_DEPLOYMENT_TOKEN=\"$({token})\""));
    let folder = shell(&sheet.page_folder(&page.name));
    commands.push(format!(
        "npx @azure/static-web-apps-cli deploy \"$site\" --env production --swa-config-location {folder}"
    ));
}

fn bucket(stack: &Stack, page: &Service, commands: &mut Vec<String>) {
    let account = format!("--account-name {} --auth-mode key", shell(&stack.host(page)));
    let missing = if page.is_spa() { "index.html" } else { "404.html" };
    commands.push(format!(
        "az storage blob service-properties update {account} --static-website true --index-document index.html --404-document {missing}"
    ));
    let upload =
        format!("az storage blob upload-batch {account} --source \"$site\" --destination '$web' --overwrite");
    let assets = shell(&format!("{}*", ASSETS.trim_start_matches('/')));
    // Hashed files first: a page never names one that is not there. Then all, and hashed files again with their own rule.
    for (pattern, cache) in
        [(Some(&assets), CACHE_ASSETS), (None, CACHE_PAGES), (Some(&assets), CACHE_ASSETS)]
    {
        let pattern = pattern.map(|pattern| format!(" --pattern {pattern}")).unwrap_or_default();
        commands.push(format!("{upload}{pattern} --content-cache-control {}", shell(cache)));
    }
}

/// The variables that hold a service's address.
fn holding(page: &Service, named: &Name) -> String {
    let of =
        |reference: &Reference| matches!(reference, Reference::Service { service, .. } if service == named);
    let holds = page.env.iter().filter(|(_, text)| text.references().any(of));
    holds.map(|(variable, _)| variable.as_str()).collect::<Vec<_>>().join(" ")
}
