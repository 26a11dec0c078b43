//! What a deploy would do, as text for a terminal or a log.
//!
//! Given: a [`Proposal`]. Gives: a tree of targets, services and changes, then what else is to be known, the counts last;
//! no line wider than 80 columns. Its other forms are below: a comment on a pull request, a page. As JSON it is the data
//! itself. Deliberately absent: printing, and secrets' values, which no proposal holds.

mod html;
mod markdown;
mod mermaid;
mod svg;
mod tree;

use crate::deploy::{Hook, Proposal, ProposedChange, ProposedService, Told, Way, Wired};

use super::Style;
use super::fold::{WIDTH, fold, width};
use super::plan_view::{field_words, risk_words, risky, symbol};

pub use html::proposal_html;
pub use markdown::proposal_markdown;
use tree::{Group, tree};

/// The proposal as several lines.
pub fn proposal_text(proposal: &Proposal, style: Style) -> String {
    let mut blocks = vec![bold(fold("", "  ", &headline(proposal)), style).join("\n")];
    if proposal.is_empty() {
        blocks.extend(section("Warnings", warnings(proposal, style), style));
        blocks
            .push(format!("Nothing to change: {} things are as they should be.", proposal.counts.unchanged));
        return blocks.join("\n\n");
    }
    blocks.extend(tree(proposal).iter().map(|branch| {
        let groups = branch.groups.iter().flat_map(|group| group_lines(group, style));
        bold(fold("", "  ", &branch.title), style).into_iter().chain(groups).collect::<Vec<_>>().join("\n")
    }));
    blocks.extend(section("Wiring", proposal.wiring.iter().flat_map(wired_lines).collect(), style));
    blocks.extend(section("Also run", proposal.hooks.iter().flat_map(hook_lines).collect(), style));
    let billed =
        proposal.billable.iter().flat_map(|b| fold("  ", "      ", &format!("{}: {}", b.address, b.what)));
    blocks.extend(section("Billed from then on", billed.collect(), style));
    blocks.extend(section("Secrets", secret_lines(proposal), style));
    blocks.extend(section("Warnings", warnings(proposal, style), style));
    blocks.push(fold("", "  ", &footer(proposal)).join("\n"));
    blocks.join("\n\n")
}

/// `shop in production: r7 → r8, commit 0123456789ab`.
fn headline(proposal: &Proposal) -> String {
    let release = match (proposal.former, proposal.release) {
        (Some(former), Some(release)) if former != release => format!(": r{former} → r{release}"),
        (_, Some(release)) => format!(": r{release}"),
        _ => String::new(),
    };
    let commit = proposal.commit.as_ref().map(|commit| {
        let changed = if proposal.dirty { " with files changed" } else { "" };
        format!(", commit {}{changed}", commit.chars().take(12).collect::<String>())
    });
    format!("{} in {}{release}{}", proposal.project, proposal.environment, commit.unwrap_or_default())
}

/// The counts, and who does not answer meanwhile.
fn footer(proposal: &Proposal) -> String {
    let down = proposal.services.iter().filter_map(|service| Some((service, service.downtime?)));
    let down: Vec<String> = down.map(|(service, seconds)| downtime_words(service, seconds)).collect();
    let lost = proposal.loses_data().count();
    let lost = (lost > 0)
        .then(|| format!("{lost} {} data", if lost == 1 { "change loses" } else { "changes lose" }));
    let parts: Vec<String> = [proposal.counts.sentence()].into_iter().chain(down).chain(lost).collect();
    parts.join("; ")
}

fn downtime_words(service: &ProposedService, seconds: u32) -> String {
    format!("{} does not answer for about {seconds} s", service.name)
}

fn bold(lines: Vec<String>, style: Style) -> Vec<String> {
    lines.iter().map(|line| style.bold(line)).collect()
}

fn section(title: &str, lines: Vec<String>, style: Style) -> Option<String> {
    (!lines.is_empty()).then(|| format!("{}\n{}", style.bold(title), lines.join("\n")))
}

fn group_lines(group: &Group, style: Style) -> Vec<String> {
    let mut lines = fold("  ", "      ", &group.words());
    lines.extend(group.changes.iter().flat_map(|change| change_lines(change, style)));
    lines
}

fn change_lines(change: &ProposedChange, style: Style) -> Vec<String> {
    const HANGING: &str = "        ";
    let sign = change.action.symbol();
    let text = format!("{}/{}  {}", change.address.kind(), change.address.name(), change.reason);
    let plain = format!("    {sign} ");
    let mut lines = fold(&plain, HANGING, &text);
    if let Some(words) = risk_words(change.risk, change.downtime) {
        let painted = risky(change.risk, &words, style);
        match lines.as_mut_slice() {
            [only] if width(only) + 2 + width(&words) <= WIDTH => *only = format!("{only}  {painted}"),
            _ => lines.push(format!("{HANGING}{painted}")),
        }
    }
    if let Some(rest) = lines.first().and_then(|first| first.strip_prefix(&plain)) {
        lines[0] = format!("    {} {rest}", symbol(change.action, style));
    }
    lines.extend(change.fields.iter().flat_map(|field| fold(HANGING, "          ", &field_words(field))));
    lines
}

/// How a page and a service find each other, in one sentence.
fn wired_words(wired: &Wired) -> String {
    let (page, service) = (&wired.page, &wired.service);
    match wired.way {
        Way::SameOrigin => {
            let paths = wired.paths.join(", ");
            format!("{page} → {service}: same origin, {paths} goes through the page's proxy")
        }
        Way::Absolute => format!("{page} → {service}: absolute address, allowed by CORS"),
    }
}

/// What is built in, what is told, and how each address is known.
fn wired_details(wired: &Wired) -> Vec<String> {
    let (page, service) = (&wired.page, &wired.service);
    let built = wired.built_in.iter().map(|told| format!("{page} is built with {}", told_words(told)));
    let told = wired.told.iter().map(|told| format!("{service} is told {}", told_words(told)));
    let untold = wired.way == Way::Absolute && wired.told.is_empty();
    let untold =
        untold.then(|| format!("{service} is not told the page's origin: does it allow every origin?"));
    let addresses = [
        format!("{page}: {}", wired.page_address.words()),
        format!("{service}: {}", wired.service_address.words()),
    ];
    built.chain(told).chain(untold).chain(addresses).collect()
}

fn told_words(told: &Told) -> String {
    let value = told.value.as_deref().unwrap_or("(its address, once it is known)");
    format!("{}={value}", told.variable)
}

fn wired_lines(wired: &Wired) -> Vec<String> {
    let mut lines = fold("  ", "      ", &wired_words(wired));
    lines.extend(wired_details(wired).iter().flat_map(|detail| fold("      ", "        ", detail)));
    lines
}

fn hook_lines(hook: &Hook) -> Vec<String> {
    fold("  ", "      ", &format!("{:<10}  {}  {}", hook.kind.word(), hook.whom(), hook.what))
}

fn secret_lines(proposal: &Proposal) -> Vec<String> {
    let wide = |of: &dyn Fn(usize) -> usize| (0..proposal.secrets.len()).map(of).max().unwrap_or(0);
    let services = wide(&|at| proposal.secrets[at].service.as_str().len());
    let variables = wide(&|at| width(&proposal.secrets[at].variable));
    let line = |secret: &crate::deploy::ProposedSecret| {
        let print = secret.fingerprint.as_deref().unwrap_or("-");
        let (service, variable, state) = (&secret.service, &secret.variable, secret.state.word());
        fold("  ", "      ", &format!("{service:<services$}  {variable:<variables$}  {print:<8}  {state}"))
    };
    proposal.secrets.iter().flat_map(line).collect()
}

fn warnings(proposal: &Proposal, style: Style) -> Vec<String> {
    let folded = proposal.warnings.iter().map(|warning| fold("  ! ", "    ", warning));
    folded.flat_map(|lines| lines.into_iter().map(|line| style.yellow(&line)).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
#[path = "proposal_view/tests.rs"]
mod tests;
