//! The files' heads: how they are used with AWS's own command line, in order.
//!
//! Given: an environment as it is laid out. Gives: lines of comments; those that begin with two blanks can be copied into a
//! POSIX shell. Secrets stand in them by name; what is not known beforehand is looked up by a command.

use dashdeploy_contract::{Requirement, Service, Source, ValuePart, labels, shell};

mod page;
mod task;

pub(super) use task::task;

use super::container::{ACCOUNT, optional_id, repository};
use super::services::unknown;
use super::{cdn as cdn_context, given_id};
use crate::layout::{Edge, Layout};
use crate::names::{Stack, logical};

/// Fills `$ACCOUNT`.
const WHO: &str = "ACCOUNT=$(aws sts get-caller-identity --query Account --output text)";

/// `core`: first of all.
pub(super) fn core(layout: &Layout) -> Vec<String> {
    let mut lines = steps(layout);
    lines.push(String::new());
    lines.push("This file:".to_owned());
    let overrides = if layout.balanced().iter().any(|service| layout.is_behind_cloudfront(service)) {
        vec![format!("CloudFrontPrefixList=\"$({})\"", prefix_list(layout))]
    } else {
        Vec::new()
    };
    lines.extend(deploy(layout, Stack::Core, &overrides));
    lines.push(String::new());
    lines.push(
        "A service that goes: deploy the other files first, since they import what this one exports."
            .to_owned(),
    );
    if !layout.volumes().is_empty() || !layout.pages.is_empty() {
        lines.push(
            "Data stays when the stack is taken away, and keeps its names: import it, or delete it by hand."
                .to_owned(),
        );
    }
    lines
}

fn steps(layout: &Layout) -> Vec<String> {
    let mut steps = vec![format!("{}: what stays", layout.desk.path(&Stack::Core.file()))];
    if layout.has_distributions() {
        steps.push(format!("{}: what answers", layout.desk.path(&Stack::Cdn.file())));
    }
    if !layout.containers.is_empty() {
        steps.push(format!(
            "{}: what runs, after images and secrets",
            layout.desk.path(&Stack::Services.file())
        ));
    }
    if !layout.pages.is_empty() {
        steps.push(format!("the page's files, as the head of {} says", layout.desk.path(&Stack::Cdn.file())));
    }
    let numbered = steps.into_iter().enumerate().map(|(at, step)| format!("{}. {step}", at + 1));
    std::iter::once("In this order, with the AWS CLI, version 2:".to_owned()).chain(numbered).collect()
}

fn prefix_list(layout: &Layout) -> String {
    format!(
        "aws ec2 describe-managed-prefix-lists --region {} \
         --filters Name=prefix-list-name,Values=com.amazonaws.global.cloudfront.origin-facing \
         --query 'PrefixLists[0].PrefixListId' --output text",
        layout.region()
    )
}

/// Services that surely fit into one template of 51,200 bytes, the most that is sent without a bucket
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
const SERVICES_INLINE: usize = 4;

/// The command that makes or changes a stack.
fn deploy(layout: &Layout, stack: Stack, overrides: &[String]) -> Vec<String> {
    let bound = layout.desk.bound;
    let mut lines = vec![
        format!(
            "  aws cloudformation deploy --region {} --stack-name {} \\",
            layout.region(),
            layout.names.stack(stack)
        ),
        format!("    --template-file {} --no-fail-on-empty-changeset \\", layout.desk.path(&stack.file())),
    ];
    if stack == Stack::Core && !layout.containers.is_empty() {
        lines.push("    --capabilities CAPABILITY_NAMED_IAM \\".to_owned());
    }
    lines.push(format!(
        "    --tags {}={} {}={}",
        labels::PROJECT,
        bound.project,
        labels::ENVIRONMENT,
        bound.environment
    ));
    for (at, one) in overrides.iter().enumerate() {
        if let Some(last) = lines.last_mut() {
            last.push_str(" \\");
        }
        let option = if at == 0 { "    --parameter-overrides " } else { "      " };
        lines.push(format!("{option}{one}"));
    }
    if layout.pages.len() + layout.containers.len() > SERVICES_INLINE {
        lines.push("Above 51,200 bytes the file goes by way of a bucket: add --s3-bucket NAME.".to_owned());
    }
    lines
}

/// `cdn`: certificates before, the page's files after.
pub(super) fn cdn(layout: &Layout) -> Vec<String> {
    let mut lines = vec![format!("After {}. This file:", layout.desk.path(&Stack::Core.file()))];
    let parameters = cdn_context::parameters(layout);
    let wanted = parameters.as_array().into_iter().flatten().filter(|one| one["has_default"] == false);
    let overrides: Vec<String> =
        wanted.map(|one| format!("{}=...", one["id"].as_str().unwrap_or_default())).collect();
    lines.extend(deploy(layout, Stack::Cdn, &overrides));
    lines.extend(certificates(layout));
    for page in &layout.pages {
        lines.push(String::new());
        lines.extend(page::upload(layout, page));
    }
    lines
}

fn certificates(layout: &Layout) -> Vec<String> {
    let mut lines = Vec::new();
    let services = layout.pages.iter().chain(&layout.containers);
    for service in services.filter(|service| layout.edge_is_cloudfront(service)) {
        let Some(domain) = layout.domain(service) else { continue };
        if layout.option(service, "certificate").is_none() {
            lines.push(format!("The certificate of {domain}; CloudFront takes those of us-east-1 alone:"));
            lines.push(format!(
                "  aws acm request-certificate --region us-east-1 --validation-method DNS --domain-name {domain}"
            ));
        }
        if layout.option(service, "zone").is_none() {
            let output = format!("{}Host", logical(&service.name));
            lines.push(format!(
                "{domain} has to lead to the output {output} of this stack (a CNAME, or an alias record)."
            ));
        }
    }
    lines
}

impl Layout<'_> {
    /// True where CloudFront answers for the service's own domain.
    fn edge_is_cloudfront(&self, service: &Service) -> bool {
        self.pages.iter().any(|page| page.name == service.name) || self.edge(service) == Edge::CloudFront
    }

    fn output(&self, stack: Stack, output: &str) -> String {
        format!(
            "$(aws cloudformation describe-stacks --region {} --stack-name {} \
             --query \"Stacks[0].Outputs[?OutputKey=='{output}'].OutputValue\" --output text)",
            self.region(),
            self.names.stack(stack)
        )
    }
}

/// `services`: secrets and images before.
pub(super) fn services(layout: &Layout) -> Vec<String> {
    let before = if layout.has_distributions() { Stack::Cdn } else { Stack::Core };
    let mut lines = vec![format!("After {}.", layout.desk.path(&before.file()))];
    lines.extend(secrets(layout));
    let built: Vec<&&Service> =
        layout.containers.iter().filter(|service| matches!(service.source, Source::Build(_))).collect();
    if !built.is_empty() {
        lines.push(String::new());
        lines.extend(images(layout, &built));
    }
    lines.push(String::new());
    lines.push("This file; a parameter that was given once keeps its value:".to_owned());
    let mut overrides: Vec<String> = built
        .iter()
        .map(|service| {
            format!(
                "{}Image=\"{}@$(digest {})\"",
                logical(&service.name),
                registry(layout, service),
                shell::word(service.name.as_str())
            )
        })
        .collect();
    overrides.extend(unknown(layout).iter().map(|one| given(layout, &one.id)));
    lines.extend(deploy(layout, Stack::Services, &overrides));
    for service in layout.containers.iter().filter(|s| layout.edge(s) == Edge::Balancer) {
        if layout.option(service, "zone").is_none() {
            let domain = layout.domain(service).unwrap_or_default();
            lines.push(format!(
                "{domain} has to lead to the output BalancerAddress of {} (a CNAME, or an alias record).",
                layout.names.stack(Stack::Core)
            ));
        }
    }
    lines
}

/// A parameter that comes from the process's own variable, or has to be written.
fn given(layout: &Layout, id: &str) -> String {
    let texts =
        layout.containers.iter().flat_map(|s| s.env.values().flat_map(|text| layout.desk.parts(text, s)));
    let variable = texts.into_iter().find_map(|part| match part {
        ValuePart::Given(name) if given_id(&name) == id => Some(name),
        _ => None,
    });
    variable.map_or_else(|| format!("{id}=..."), |name| format!("{id}=\"${name}\""))
}

/// Each secret once, however many services are handed it; optional ones with the parameter that says that they are there.
fn secrets(layout: &Layout) -> Vec<String> {
    let region = layout.region();
    let mut lines: Vec<String> = Vec::new();
    let mut seen: Vec<&String> = Vec::new();
    let all =
        layout.containers.iter().flat_map(|s| s.secrets.iter().map(move |(name, wanted)| (s, name, wanted)));
    for (service, variable, wanted) in all {
        if *wanted == Requirement::Optional {
            let id = optional_id(layout, service, variable);
            lines.push(format!(
                "{variable} is optional; where it is set, add {id}=true to the parameters below:"
            ));
        }
        if !seen.contains(&variable) {
            seen.push(variable);
            let name = layout.names.secret(variable);
            lines.push(format!(
                "  printf %s \"${variable}\" | aws secretsmanager create-secret --region {region} \\"
            ));
            lines.push(format!("    --name {name} --secret-string file:///dev/stdin"));
        }
    }
    for name in layout.containers.iter().filter_map(|service| layout.option(service, "registry_credentials"))
    {
        lines.push(format!("{name} holds the login of the registry, as JSON: username, password"));
    }
    if !lines.is_empty() {
        let title = "Secrets, from variables of this shell (for a new value put-secret-value --secret-id):";
        lines.insert(0, title.to_owned());
    }
    lines
}

/// The repository's address in a shell.
fn registry(layout: &Layout, service: &Service) -> String {
    repository(layout, service).replace(ACCOUNT, "$ACCOUNT")
}

fn images(layout: &Layout, built: &[&&Service]) -> Vec<String> {
    let region = layout.region();
    let mut lines = vec!["Images; a tag is used once, and what runs is named by its digest:".to_owned()];
    lines.push(format!("  {WHO}; TAG=$(git rev-parse --short HEAD)"));
    if built.iter().any(|service| layout.has_repository(service)) {
        lines.push(format!("  aws ecr get-login-password --region {region} | \\"));
        lines.push(format!(
            "    docker login --username AWS --password-stdin \"$ACCOUNT.dkr.ecr.{region}.amazonaws.com\""
        ));
    }
    if let Some(registry) = &layout.desk.bound.registry {
        lines.push(format!("  docker login {}", registry.split('/').next().unwrap_or_default()));
    }
    for service in built {
        let Some(build) = service.build() else { continue };
        let platform = match layout.option(service, "cpu_architecture") {
            Some("ARM64") => "linux/arm64",
            _ => "linux/amd64",
        };
        let options = shell::image_build(build).join(" ");
        let image = format!("\"{}:$TAG\"", registry(layout, service));
        lines.push(format!(
            "  docker buildx build --push --platform {platform} --provenance=false {options} \\"
        ));
        lines.push(format!("    --tag {image} {}", shell::word(&build.context)));
    }
    lines.push(digest(layout, built));
    lines
}

/// Looks a digest up where the image was pushed to.
fn digest(layout: &Layout, built: &[&&Service]) -> String {
    let ours = built.iter().find(|service| layout.has_repository(service));
    match ours {
        Some(service) => {
            let repository = layout.names.repository(&service.name);
            let folder = repository.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!(
                "  digest() {{ aws ecr describe-images --region {} --repository-name \"{folder}/$1\" \
                 --image-ids imageTag=$TAG --query 'imageDetails[0].imageDigest' --output text; }}",
                layout.region()
            )
        }
        None => {
            let base = layout.desk.bound.registry.as_deref().unwrap_or_default();
            format!(
                "  digest() {{ docker buildx imagetools inspect \"{base}/{}-$1:$TAG\" --format '{{{{.Manifest.Digest}}}}'; }}",
                layout.desk.bound.project
            )
        }
    }
}
