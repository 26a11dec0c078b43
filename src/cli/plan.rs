//! `dashdeploy plan`: what a deploy would change.

use std::path::PathBuf;

use serde_json::json;

use super::deploying::args::{LedgerArgs, ReleaseArgs};
use super::deploying::ledger;
use super::deploying::prepared::{Past, Prepared, prepare};
use super::deploying::shown::{proposal, save};
use super::stack::Stack;
use super::{CliResult, Context, Exit};
use crate::console::{proposal_html, proposal_markdown, proposal_text};
use crate::deploy::Proposal;
use crate::io::private;

/// Show what a deploy would change, and why
///
/// Images are built here and sent nowhere; no platform is changed. Values of secrets are never shown, only their names and
/// fingerprints.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    release: ReleaseArgs,
    /// Save the plan for `deploy --plan`, bound to what was there
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// End with 3 where something would change
    #[arg(long)]
    exit_code: bool,
    /// Print Markdown, for a pull request
    #[arg(long)]
    markdown: bool,
    /// Write the same as a page with a picture
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    args.release.build.guard.record(context)?;
    let mut stack = Stack::open(context)?;
    let (prepared, proposal) = planned(context, &mut stack, &args.release, &args.ledger).await?;
    if let Some(path) = &args.html {
        private::replace(&context.environment.current_dir.join(path), proposal_html(&proposal).as_bytes())
            .map_err(|error| anyhow::anyhow!("cannot write {}: {error}", path.display()))?;
        context.console.status(&format!("the plan is in {}", path.display()));
    }
    if let Some(path) = &args.out {
        save(context, path, proposal.clone(), &prepared)?;
    }
    let pending = !prepared.plan.is_empty();
    show(context, &proposal, args.markdown);
    Ok(if pending && args.exit_code { Exit::Pending } else { Exit::Done })
}

/// What a deploy of the working tree would do.
///
/// # Errors
/// Whatever keeps it from being planned.
pub(super) async fn planned(
    context: &Context,
    stack: &mut Stack,
    args: &ReleaseArgs,
    place: &LedgerArgs,
) -> CliResult<(Prepared, Proposal)> {
    let ledger = ledger::open(context, stack, place).await?;
    let reader = stack.reader().await?;
    let serving = ledger.history().serving().cloned();
    let past = Past { serving: serving.as_ref(), next: Some(ledger.history().next_number()) };
    let prepared = prepare(context, stack, &reader, args, past, true).await?;
    let proposal = proposal(stack, &prepared, serving.as_ref());
    Ok((prepared, proposal))
}

/// Prints a plan as the answer.
pub(super) fn show(context: &Context, proposal: &Proposal, markdown: bool) {
    let text = if markdown {
        proposal_markdown(proposal)
    } else {
        proposal_text(proposal, context.console.answer_style())
    };
    context.console.answer(json!({ "changes": !proposal.is_empty(), "plan": proposal }), text.trim_end());
}
