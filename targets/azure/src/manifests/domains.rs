//! How a host name of the user's is given to a service by hand, for the head of `main.bicep`.
//!
//! Given: a service and its name. Gives: commands, and what DNS has to say. A certificate is there only after the name points
//! to Azure, which no template can wait for.

use dashdeploy_contract::Service;
use dashdeploy_contract::shell::word as shell;

use super::Sheet;
use super::heads::Steps;
use crate::config::{Hosting, Stack};

pub(super) fn step(sheet: &Sheet, service: &Service, domain: &str, steps: &mut Steps, group: &str) {
    let domain = shell(domain);
    let commands = match sheet.stack.hosting(service) {
        Hosting::App => app(sheet, service, &domain, group),
        Hosting::Site => site(&sheet.stack, service, &domain, group),
        Hosting::Page => page(sheet, service, &domain, group),
        Hosting::Bucket => return,
    };
    steps.step(&format!("The name {domain}."), &commands);
}

/// The deployment with a parameter that is no variable of the shell.
fn again(sheet: &Sheet, group: &str, given: &str) -> String {
    let file = shell(&sheet.parameters());
    format!("az deployment group create --resource-group {group} --parameters {file} --parameters {given}")
}

/// Source: learn.microsoft.com, "Custom domain names and free managed certificates in Azure Container Apps".
fn app(sheet: &Sheet, service: &Service, domain: &str, group: &str) -> Vec<String> {
    let stack = sheet.stack;
    let of = format!("--resource-group {group} --name {}", shell(&stack.host(service)));
    let environment = shell(&stack.name(&["apps"], 32));
    let url = Stack::symbol(&service.name, "Url");
    let certificate = format!("{}=ID", Stack::symbol(&service.name, "CertificateId"));
    vec![
        format!(
            "# DNS: CNAME {domain} to the host of the output {url}, TXT asuid.{domain} with the output domainVerificationId"
        ),
        format!("az containerapp hostname add {of} --hostname {domain}"),
        format!(
            "az containerapp hostname bind {of} --environment {environment} --hostname {domain} --validation-method CNAME"
        ),
        format!(
            "az containerapp env certificate list --resource-group {group} --name {environment} --managed-certificates-only --query '[].id' --output tsv"
        ),
        "# with the id, so that the name stays, and in every later deployment too:".to_owned(),
        again(sheet, group, &certificate),
    ]
}

/// Source: learn.microsoft.com, "Set up an existing custom domain in Azure App Service".
fn site(stack: &Stack, service: &Service, domain: &str, group: &str) -> Vec<String> {
    let host = shell(&stack.host(service));
    vec![
        format!("# DNS: CNAME {domain} to {}.azurewebsites.net", stack.host(service)),
        format!(
            "az webapp config hostname add --resource-group {group} --webapp-name {host} --hostname {domain}"
        ),
        format!("az webapp config ssl create --resource-group {group} --name {host} --hostname {domain}"),
        format!(
            "az webapp config ssl bind --resource-group {group} --name {host} --ssl-type SNI --certificate-thumbprint THUMBPRINT"
        ),
    ]
}

/// Source: learn.microsoft.com, "Custom domains with Azure Static Web Apps".
fn page(sheet: &Sheet, service: &Service, domain: &str, group: &str) -> Vec<String> {
    let url = Stack::symbol(&service.name, "Url");
    let ready = format!("{}=true", Stack::symbol(&service.name, "DomainReady"));
    vec![
        format!(
            "# DNS: CNAME {domain} to the host of the output {url}; then, and in every later deployment:"
        ),
        again(sheet, group, &ready),
    ]
}
