//! A plan as it is shown, saved and agreed to.

use std::collections::BTreeMap;
use std::path::Path;

use dashdeploy_contract::{Release, Risk};

use super::super::stack::Stack;
use super::super::{CliError, CliResult, Context, Exit};
use super::prepared::Prepared;
use crate::console::{ask, proposal_text};
use crate::deploy::{Proposal, ProposalInput, SavedPlan};
use crate::io::fs::read_limited;
use crate::io::private;

/// Bytes that a saved plan may have.
const LARGEST: u64 = 32 << 20;

/// What a prepared release would do.
pub(crate) fn proposal(stack: &Stack, prepared: &Prepared, former: Option<&Release>) -> Proposal {
    let titles: BTreeMap<String, String> = titles(stack);
    Proposal::of(&ProposalInput {
        release: &prepared.release,
        plan: &prepared.plan,
        observed: &prepared.observed,
        former,
        titles: &titles,
        predicted: &stack.fleet.wiring(&stack.bound),
        kept: &prepared.kept,
        builds: &prepared.builds,
        warnings: &[],
    })
}

/// The targets' names for people.
pub(crate) fn titles(stack: &Stack) -> BTreeMap<String, String> {
    let named = stack.fleet.targets().map(|target| target.descriptor());
    named.map(|descriptor| (descriptor.name.clone(), descriptor.title.clone())).collect()
}

/// Shows the plan on standard error, and asks whether to go on.
///
/// # Errors
/// Exit code 2 where nobody can be asked and `--yes` was not given; exit code 1 for a no.
pub(crate) fn consent(context: &Context, proposal: &Proposal, delete_data: bool) -> CliResult<()> {
    context.console.status(&proposal_text(proposal, context.console.style()));
    keeps_data(proposal, delete_data)?;
    agreed(context, &format!("Carry this out in {}?", proposal.environment))
}

/// Refuses what loses data where nobody said that it may.
///
/// # Errors
/// Exit code 8 with the changes.
pub(crate) fn keeps_data(proposal: &Proposal, delete_data: bool) -> CliResult<()> {
    let loses: Vec<&str> = proposal.loses_data().map(|change| change.address.as_str()).collect();
    if !loses.is_empty() && !delete_data {
        let message = format!("this would lose data: {}", loses.join(", "));
        return Err(CliError::new(Exit::Refused, "loses-data", message)
            .hint("nothing was changed; where the data may go, add --delete-data"));
    }
    Ok(())
}

/// Asks whether to go on.
///
/// # Errors
/// As [`consent`].
pub(crate) fn agreed(context: &Context, question: &str) -> CliResult<()> {
    if context.global.yes {
        return Ok(());
    }
    if !context.may_ask() {
        return Err(CliError::new(
            Exit::Usage,
            "consent",
            "this needs your word, and nobody can be asked here",
        )
        .hint("look at it with `dashdeploy plan`, then add --yes"));
    }
    if ask::confirm(question, false)? {
        return Ok(());
    }
    Err(CliError::new(Exit::Failed, "declined", "nothing was changed"))
}

/// Writes a plan for `deploy --plan`.
///
/// # Errors
/// A file that cannot be written.
pub(crate) fn save(context: &Context, path: &Path, proposal: Proposal, prepared: &Prepared) -> CliResult<()> {
    let saved = SavedPlan::new(proposal, prepared.plan.clone(), prepared.release.clone(), &prepared.observed);
    let text = saved.text().map_err(|error| CliError::new(Exit::Failed, "plan-file", error.to_string()))?;
    private::replace(&context.environment.current_dir.join(path), text.as_bytes())
        .map_err(|error| anyhow::anyhow!("cannot write {}: {error}", path.display()))?;
    context
        .console
        .status(&format!("the plan is in {}: `dashdeploy deploy --plan {0}` carries it out", path.display()));
    Ok(())
}

/// Reads a plan that [`save`] wrote.
///
/// # Errors
/// Exit code 2 where it is none, is another's, or was edited.
pub(crate) fn saved(context: &Context, stack: &Stack, path: &Path) -> CliResult<SavedPlan> {
    let wrong =
        |message: String| CliError::new(Exit::Usage, "plan-file", format!("{}: {message}", path.display()));
    let bytes = read_limited(&context.environment.current_dir.join(path), LARGEST);
    let bytes = bytes
        .map_err(|error| wrong(format!("{error:#}")))?
        .ok_or_else(|| wrong("it is not there".to_owned()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8 text".to_owned()))?;
    SavedPlan::read(&text, &stack.bound.project, &stack.bound.environment)
        .map_err(|error| wrong(error.to_string()).hint(error.hint()))
}

/// True where a plan takes data away.
pub(crate) fn loses_data(plan: &dashdeploy_contract::Plan) -> bool {
    plan.changes.iter().any(|change| change.risk == Risk::LosesData)
}
