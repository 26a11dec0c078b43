//! What a deploy would do, as a comment on a pull request.
//!
//! Given: a proposal. Gives: GitHub Flavored Markdown of at most [`LIMIT`] bytes: what matters first, details folded, a
//! diagram. What does not fit is left out whole, and named. Deliberately absent: posting it.

use crate::console::fold::short;
use crate::console::markdown::{code, details, row, words};
use crate::console::plan_view::{risk_words, value_words};
use crate::deploy::{Counts, Graph, Proposal, ProposedChange, ProposedService, verb};

use super::mermaid::flowchart;
use super::tree::{image_words, tree};
use super::{downtime_words, footer, headline, told_words, wired_details, wired_words};

/// A comment on GitHub holds 65 536 characters; the rest is for whoever puts something before or after it.
const LIMIT: usize = 60_000;

/// What the tables of changes may take of it, so that the sections after them find room.
const TABLE: usize = 30_000;

/// What is kept free for the line that names what was left out.
const RESERVE: usize = 400;

/// Nodes of a diagram that a reader can still follow.
const NODES: usize = 60;

/// The proposal as Markdown.
pub fn proposal_markdown(proposal: &Proposal) -> String {
    let mut text =
        format!("### Plan for {}\n\n**{}**\n", words(&headline(proposal)), words(&footer(proposal)));
    let mut left = Vec::new();
    let mut put = |title: &'static str, section: Option<String>| {
        let Some(section) = section else { return };
        if text.len() + section.len() + RESERVE > LIMIT {
            left.push(title);
        } else {
            text.push('\n');
            text.push_str(&section);
        }
    };
    put("warnings", warnings(proposal));
    if !proposal.is_empty() {
        put("services", Some(services(proposal)));
        put("changes", Some(changes(proposal)));
        put("wiring", wiring(proposal));
        put("fields", fields(proposal));
        put("secrets", secrets(proposal));
        put("what else is run", hooks(proposal));
        put("order", order(proposal));
    }
    if !left.is_empty() {
        text.push_str(&format!("\nToo long for a comment, and left out: {}.\n", left.join(", ")));
    }
    text
}

fn warnings(proposal: &Proposal) -> Option<String> {
    let all = proposal.warnings.iter().map(|warning| format!("> - {}\n", words(warning)));
    (!proposal.warnings.is_empty()).then(|| format!("> [!WARNING]\n{}", all.collect::<String>()))
}

fn services(proposal: &Proposal) -> String {
    let mut text =
        row(["service", "target", "region", "image", "address", "what happens"].map(str::to_owned));
    text.push_str("|---|---|---|---|---|---|\n");
    for service in &proposal.services {
        let region = service.region.as_deref().map(words).unwrap_or_default();
        let url = service.address.url.as_deref().map_or_else(String::new, code);
        let image = image_words(service, "");
        let image = if image.is_empty() { image } else { code(&image) };
        let happens = words(&happens(proposal, service));
        text.push_str(&row([
            code(service.name.as_str()),
            words(&service.title),
            region,
            image,
            url,
            happens,
        ]));
    }
    text
}

/// `1 to replace, does not answer for about 10 s`.
fn happens(proposal: &Proposal, service: &ProposedService) -> String {
    let own = proposal.changes.iter().filter(|change| change.service.as_ref() == Some(&service.name));
    let count = |action| own.clone().filter(|change| change.action == action).count();
    use dashdeploy_contract::Action::{Create, Delete, Replace, Run, Update};
    let counts = Counts {
        create: count(Create),
        update: count(Update),
        replace: count(Replace),
        delete: count(Delete),
        run: count(Run),
        unchanged: 0,
    };
    let mut parts: Vec<String> =
        counts.words().iter().filter(|(n, _)| *n > 0).map(|(n, w)| format!("{n} {w}")).collect();
    if let Some(seconds) = service.downtime {
        parts.push(downtime_words(service, seconds).split_once(' ').map_or("", |(_, rest)| rest).to_owned());
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn changes(proposal: &Proposal) -> String {
    let mut text = row(["", "change", "cause", "risk"].map(str::to_owned));
    text.push_str("|---|---|---|---|\n");
    let all: Vec<&ProposedChange> =
        tree(proposal).into_iter().flat_map(|branch| branch.groups).flat_map(|group| group.changes).collect();
    for (at, change) in all.iter().enumerate() {
        let risk = risk_words(change.risk, change.downtime);
        let risk = risk.map(|risk| format!("**{}**", words(&risk))).unwrap_or_default();
        let line =
            row([code(change.action.symbol()), code(change.address.as_str()), words(&change.reason), risk]);
        if text.len() + line.len() > TABLE {
            text.push_str(&format!("\n… and {} more changes.\n", all.len() - at));
            break;
        }
        text.push_str(&line);
    }
    text
}

fn fields(proposal: &Proposal) -> Option<String> {
    let with = proposal.changes.iter().filter(|change| !change.fields.is_empty());
    let count: usize = with.clone().map(|change| change.fields.len()).sum();
    let mut body = row(["change", "field", "from", "to"].map(str::to_owned)) + "|---|---|---|---|\n";
    for change in with {
        for field in &change.fields {
            let value = |value: &Option<String>| code(&value_words(value.as_deref()));
            let name = code(change.address.as_str());
            body.push_str(&row([name, code(&field.field), value(&field.from), value(&field.to)]));
        }
    }
    (count > 0).then(|| details(&format!("Fields that differ ({count})"), &body))
}

fn wiring(proposal: &Proposal) -> Option<String> {
    let rows = proposal.wiring.iter().map(|wired| {
        let below = wired_details(wired).into_iter().map(|detail| format!("  - {}\n", words(&detail)));
        format!("- {}\n{}", words(&wired_words(wired)), below.collect::<String>())
    });
    let body: String = rows.collect();
    let built: Vec<String> = proposal
        .wiring
        .iter()
        .flat_map(|wired| &wired.built_in)
        .map(told_words)
        .map(|told| code(&told))
        .collect();
    let title = if built.is_empty() { "Wiring".to_owned() } else { format!("Wiring: {}", built.join(", ")) };
    (!body.is_empty()).then(|| details(&title, &body))
}

fn secrets(proposal: &Proposal) -> Option<String> {
    let mut body = row(["service", "secret", "fingerprint", ""].map(str::to_owned)) + "|---|---|---|---|\n";
    for secret in &proposal.secrets {
        let print = secret.fingerprint.as_deref().map(code).unwrap_or_default();
        let (service, variable) = (code(secret.service.as_str()), code(&secret.variable));
        body.push_str(&row([service, variable, print, secret.state.word().to_owned()]));
    }
    let count = proposal.secrets.len();
    (count > 0).then(|| details(&format!("Secrets ({count})"), &body))
}

fn hooks(proposal: &Proposal) -> Option<String> {
    let run = proposal
        .hooks
        .iter()
        .map(|hook| format!("- {} {}: {}\n", hook.kind.word(), code(hook.whom()), words(&short(&hook.what))));
    let billed = proposal.billable.iter().map(|billed| {
        format!("- billed from then on: {} for {}\n", words(&billed.what), code(billed.address.as_str()))
    });
    let body: String = run.chain(billed).collect();
    (!body.is_empty()).then(|| details("What else is run, and what is billed", &body))
}

fn order(proposal: &Proposal) -> Option<String> {
    let graph = Graph::of(proposal, NODES);
    let chart = flowchart(&graph, &|target| proposal.title(target).to_owned());
    let first = proposal.changes.first()?;
    let title = match graph.nodes.len() {
        1 => format!("Order of the changes (one step: {})", verb(first.action)),
        _ => format!("Order of the changes ({} steps one after another)", graph.depth()),
    };
    Some(details(&title, &format!("```mermaid\n{chart}\n```\n")))
}
