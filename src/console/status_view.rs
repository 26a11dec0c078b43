//! How an environment stands, for people, for a job's summary, for a test report.
//!
//! Given: a [`Standing`]. Gives: a table with what differs below it; the same as Markdown; JUnit XML, as CI systems read
//! it. As JSON it is the data itself. Deliberately absent: printing.

use dashdeploy_contract::Health;

use super::fold::{fold, short};
use super::markdown::{code, details, row, words};
use super::plan_view::{field_words, symbol};
use super::{Style, table};
use crate::deploy::{Drift, ServiceStanding, Standing, StandingVerdict};

/// The standing as several lines.
pub fn status_text(standing: &Standing, style: Style) -> String {
    let mut blocks = vec![style.bold(&headline(standing))];
    if !standing.services.is_empty() {
        let rows: Vec<Vec<String>> = standing.services.iter().map(cells).collect();
        blocks.push(table(&["SERVICE", "TARGET", "RELEASE", "IMAGE", "HEALTH", "COPIES", "ADDRESS"], &rows));
    }
    blocks.extend(standing.services.iter().filter_map(|service| below(service, style)));
    if !standing.drift.is_empty() {
        let lines = standing.drift.iter().flat_map(|drift| drift_lines(drift, style));
        let head = style.bold("shared by the services");
        blocks.push([head].into_iter().chain(lines).collect::<Vec<_>>().join("\n"));
    }
    blocks.push(verdict_words(standing, style));
    blocks.join("\n\n")
}

/// `shop in production: r8`.
fn headline(standing: &Standing) -> String {
    let release = standing.release.map(|number| format!(": r{number}")).unwrap_or_default();
    format!("{} in {}{release}", standing.project, standing.environment)
}

fn cells(service: &ServiceStanding) -> Vec<String> {
    vec![
        service.service.to_string(),
        service.title.clone(),
        service.release.map_or_else(|| "-".to_owned(), |number| format!("r{number}")),
        image(service),
        service.health.as_ref().map_or("unknown", Health::word).to_owned(),
        format!("{}/{}", service.copies, service.copies_wanted),
        service.url.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

/// What runs, in short; several only where copies differ.
fn image(service: &ServiceStanding) -> String {
    let mut images: Vec<String> = service.served.iter().map(|content| bare(content)).collect();
    images.dedup();
    if images.is_empty() { "-".to_owned() } else { images.join(", ") }
}

/// The digest of `repository@sha256:…`, in short.
fn bare(content: &str) -> String {
    short(content.rsplit_once('@').map_or(content, |(_, digest)| digest))
}

/// What is to be said of a service below the table; none where all is well.
fn below(service: &ServiceStanding, style: Style) -> Option<String> {
    let mut lines = Vec::new();
    if let Some(reason) = &service.reason {
        let text = format!("{}: {}, {reason}", service.service, service.verdict.word());
        lines.extend(fold("", "    ", &text).iter().map(|line| paint(service.verdict, line, style)));
    }
    if service.digest == crate::deploy::DigestMatch::Differs {
        let desired = service.desired.as_deref().map_or_else(|| "nothing".to_owned(), bare);
        lines.extend(fold("    ", "      ", &format!("image: runs {}, should be {desired}", image(service))));
    }
    if let Some(certificate) = &service.certificate {
        let alone = if lines.is_empty() { format!("{}: ", service.service) } else { "    ".to_owned() };
        lines.extend(fold(&alone, "      ", &format!("certificate {certificate}")));
    }
    lines.extend(service.drift.iter().flat_map(|drift| drift_lines(drift, style)));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn drift_lines(drift: &Drift, style: Style) -> Vec<String> {
    let plain = format!("    {} ", drift.action.symbol());
    let mut lines = fold(&plain, "        ", &format!("{}  {}", drift.address, drift.reason));
    if let Some(rest) = lines.first().and_then(|first| first.strip_prefix(&plain)) {
        lines[0] = format!("    {} {rest}", symbol(drift.action, style));
    }
    lines.extend(drift.fields.iter().flat_map(|field| fold("        ", "          ", &field_words(field))));
    lines
}

fn paint(verdict: StandingVerdict, text: &str, style: Style) -> String {
    match verdict {
        StandingVerdict::Ok => style.green(text),
        StandingVerdict::Unhealthy | StandingVerdict::Absent => style.red(text),
        StandingVerdict::Drift | StandingVerdict::Unknown => style.yellow(text),
    }
}

/// `drift: 1 ok, 1 drift`.
fn verdict_words(standing: &Standing, style: Style) -> String {
    format!("{}: {}", paint(standing.verdict, standing.verdict.word(), style), counts(standing))
}

fn counts(standing: &Standing) -> String {
    use StandingVerdict::{Absent, Drift, Ok, Unhealthy, Unknown};
    let counted =
        [Ok, Drift, Unhealthy, Absent, Unknown].map(|verdict| (standing.count(verdict), verdict.word()));
    let some = counted.iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = some.map(|(count, word)| format!("{count} {word}")).collect();
    match standing.drift.len() {
        0 => {}
        1 => parts.push("1 shared thing differs".to_owned()),
        many => parts.push(format!("{many} shared things differ")),
    }
    if parts.is_empty() { "there are no services".to_owned() } else { parts.join(", ") }
}

/// The standing as GitHub Flavored Markdown, for the summary of a job.
pub fn status_markdown(standing: &Standing) -> String {
    let verdict = format!("**{}**: {}", standing.verdict.word(), counts(standing));
    let mut text = format!("### {}\n\n{verdict}\n\n", words(&headline(standing)));
    text.push_str(&row(["service", "target", "release", "image", "health", "copies", "address", "verdict"]
        .map(str::to_owned)));
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for service in &standing.services {
        let release = service.release.map(|number| format!("r{number}")).unwrap_or_default();
        let health = service.health.as_ref().map_or("unknown", Health::word).to_owned();
        let copies = format!("{}/{}", service.copies, service.copies_wanted);
        let url = service.url.as_deref().map(code).unwrap_or_default();
        let reason = service.reason.as_ref().map(|reason| format!(": {}", words(reason))).unwrap_or_default();
        let verdict = format!("**{}**{reason}", service.verdict.word());
        let (name, image) = (code(service.service.as_str()), code(&image(service)));
        text.push_str(&row([name, words(&service.title), release, image, health, copies, url, verdict]));
    }
    let drift: Vec<&Drift> =
        standing.services.iter().flat_map(|service| &service.drift).chain(&standing.drift).collect();
    if !drift.is_empty() {
        let body: String = drift.iter().map(|drift| drift_item(drift)).collect();
        text.push_str(&format!("\n{}", details(&format!("What differs ({})", drift.len()), &body)));
    }
    text
}

fn drift_item(drift: &Drift) -> String {
    let (sign, address) = (code(drift.action.symbol()), code(drift.address.as_str()));
    let fields = drift.fields.iter().map(|field| format!("  - {}\n", code(&field_words(field))));
    format!("- {sign} {address} {}\n{}", words(&drift.reason), fields.collect::<String>())
}

#[cfg(test)]
#[path = "status_view_tests.rs"]
mod tests;
