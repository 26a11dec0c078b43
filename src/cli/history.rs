//! `dashdeploy history`: the releases of an environment, as the ledger has them.

use serde_json::json;

use super::deploying::args::LedgerArgs;
use super::deploying::ledger::open;
use super::deploying::past::rows;
use super::stack::Stack;
use super::{CliResult, Context, Exit};
use crate::console::history_text;
use crate::deploy::HistoryRow;

/// List the releases of the environment, newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only the last so many
    #[arg(short = 'n', long, value_name = "RELEASES")]
    last: Option<usize>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let stack = Stack::open(context)?;
    let ledger = open(context, &stack, &args.ledger).await?;
    let mut rows: Vec<HistoryRow> = rows(ledger.history());
    rows.reverse();
    rows.truncate(args.last.unwrap_or(usize::MAX));
    let text = if rows.is_empty() {
        format!("The ledger of {} knows no release yet.", stack.bound.environment)
    } else {
        history_text(&rows)
    };
    context
        .console
        .answer(json!({ "environment": stack.bound.environment, "releases": rows }), text.trim_end());
    Ok(Exit::Done)
}
