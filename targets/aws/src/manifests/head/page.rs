//! The commands that make a page's files and send them to its bucket.

use dashdeploy_contract::{Recipe, Service, Text, ValuePart, page, shell};

use super::WHO;
use crate::layout::Layout;
use crate::names::{Stack, logical};

/// Files with a hash in their name first, so that no page names one that is not there yet; old ones stay for open tabs.
pub(super) fn upload(layout: &Layout, page: &Service) -> Vec<String> {
    let (folder, mut lines) = built(layout, page);
    let bucket = format!("s3://{}-$ACCOUNT-{}", layout.names.bucket(&page.name), layout.region());
    let region = layout.region();
    lines.push(format!("  {WHO}"));
    // Maps of sources and hidden files are not for the public.
    let unwanted = "--exclude '*.map' --exclude '.*' --exclude '*/.*' --include '.well-known/*'";
    if page.is_spa() {
        let assets = page::ASSETS.trim_matches('/');
        lines.push(format!(
            "  aws s3 sync --region {region} {} {bucket}/{assets} \\",
            shell::word(&format!("{folder}/{assets}"))
        ));
        lines.push(format!("    --cache-control '{}' --exclude '*.map'", page::CACHE_ASSETS));
        lines.push(format!("  aws s3 sync --region {region} {} {bucket} --delete \\", shell::word(&folder)));
        lines.push(format!("    --cache-control '{}' --exclude '{assets}/*' {unwanted}", page::CACHE_PAGES));
    } else {
        lines.push(format!("  aws s3 sync --region {region} \"{folder}\" {bucket} --delete \\"));
        lines.push(format!("    --cache-control '{}' {unwanted}", page::CACHE_PAGES));
    }
    let id = layout.output(Stack::Cdn, &format!("{}DistributionId", logical(&page.name)));
    lines.push("  aws cloudfront create-invalidation --paths '/*' \\".to_owned());
    lines.push(format!("    --distribution-id \"{id}\""));
    lines
}

/// The folder with a page's files, and the lines that make it.
fn built(layout: &Layout, page: &Service) -> (String, Vec<String>) {
    let context = page.build().map_or(".", |build| build.context.as_str());
    let below = |folder: &str| match (context, folder) {
        (".", folder) => folder.to_owned(),
        (context, ".") => context.to_owned(),
        (context, folder) => format!("{context}/{folder}"),
    };
    match page.build().map(|build| &build.recipe) {
        Some(Recipe::Spa(spa)) => {
            let mut lines = vec![format!("The files of {}:", page.name)];
            lines.extend(page.env.iter().map(|(name, text)| export(layout, page, name, text)));
            let (install, build) = (spa.install_command(), spa.build_command());
            lines.push(format!("  (cd {} && {install} && {build})", shell::word(context)));
            (below(&spa.output), lines)
        }
        // What is not meant for the public, the Dockerfile's own ignore file leaves out.
        _ => {
            let file = page.build().map_or("Dockerfile", |build| build.dockerfile.as_str());
            let build = "docker buildx build --target files --output \"$SITE\"";
            let lines = vec![
                format!("The files of {}:", page.name),
                "  SITE=$(mktemp -d)".to_owned(),
                format!("  {build} --file {} {}", shell::word(file), shell::word(context)),
            ];
            ("$SITE".to_owned(), lines)
        }
    }
}

/// A variable that is built into the page.
fn export(layout: &Layout, page: &Service, name: &str, text: &Text) -> String {
    let mut value = String::new();
    for part in layout.desk.parts(text, page) {
        match part {
            ValuePart::Text(text) if text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) => {
                value.push_str(&shell::word(&text));
            }
            ValuePart::Text(_) => return format!("  export {name}=...  # as dashdeploy.yaml says"),
            ValuePart::Url(name) if layout.is_distributed(&name) => {
                let output = layout.output(Stack::Cdn, &format!("{}Url", logical(&name)));
                value.push_str(&format!("\"{output}\""));
            }
            ValuePart::Given(name) => value.push_str(&format!("\"${name}\"")),
            ValuePart::Url(name) => value.push_str(&format!("...  # the public address of {name}")),
            ValuePart::Host(_) | ValuePart::Port(_) | ValuePart::Release => value.push_str("..."),
        }
    }
    format!("  export {name}={value}")
}
