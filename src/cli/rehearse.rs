//! `dashdeploy deploy --rehearse`: the whole way of a deploy, with platforms in memory at its end.
//!
//! Given: the flags of `deploy`. Gives: what `deploy` gives, said to be a rehearsal before and after. Deliberately absent: what the
//! platforms do ([`crate::rehearse`]), and anything that a deploy does not do as well.

use dashdeploy_contract::{Event, EventSink as _};
use serde_json::{Value, json};

use super::build::{connected, connecting};
use super::deploy::{Args, carried};
use super::load::load;
use super::stack::Stack;
use super::{CliError, CliResult, Context, Exit};
use crate::rehearse::{Rehearsal, RehearsalError};

/// What it is, and what it does not prove.
const HEAD: &str = "this is a rehearsal: images are built and pushed, and platforms in memory take them; nothing goes to the real \
                    ones. What runs there is played: health checks prove nothing about the application, and its smoke tests \
                    and your hooks are left out";

pub(super) async fn run(context: &Context, mut args: Args) -> CliResult {
    let asked = load(context)?.project.bind(&context.global.environment);
    // An environment that is not there is told by opening it.
    let Ok(bound) = asked else { return Stack::open(context).map(|_| Exit::Done) };
    let rehearsal = Rehearsal::start(&bound)?;
    context.console.emit(Event::Notice { message: HEAD.to_owned() });
    args.outside.connect_to = rehearsal.detours(&bound);
    args.release.registry.redirect(rehearsal.registry());
    let within = context.within(rehearsal.environment(&context.environment));
    let mut stack = Stack::open(&within)?;
    stack.bound.registry = Some(rehearsal.registry());
    // What is played cannot answer as the application would.
    stack.bound.smoke.clear();
    stack.bound.hooks = Default::default();
    stack.rehearsal = Some(rehearsal);
    let done = carried(&within, &mut stack, &args).await;
    forget(context, stack.rehearsal.as_ref()).await;
    if let (Err(_), Some(rehearsal)) = (&done, &stack.rehearsal) {
        context.console.finish_progress();
        context.console.emit(Event::Notice { message: rehearsal.count().to_string() });
    }
    done
}

/// Takes the names away that images were given for a registry that is about to be gone. Without an engine there are none.
async fn forget(context: &Context, rehearsal: Option<&Rehearsal>) {
    let Some(rehearsal) = rehearsal else { return };
    let Ok(engine) = connected(connecting()).await else { return };
    for registry in rehearsal.registries() {
        if let Err(error) = engine.untag(&format!("{registry}/")).await {
            let message =
                format!("names of images for the rehearsal's registry are left in the engine: {error}");
            context.console.warning(&message);
        }
    }
}

/// The answer of a deploy, with what the rehearsal came to where it was one.
pub(super) fn told(stack: &Stack, mut value: Value, lines: &mut Vec<String>) -> Value {
    if let Some(rehearsal) = &stack.rehearsal {
        let count = rehearsal.count();
        value["rehearsal"] = json!({ "calls": count.calls, "writes": count.writes });
        lines.push(count.to_string());
    }
    value
}

impl From<RehearsalError> for CliError {
    fn from(error: RehearsalError) -> Self {
        let exit = match error {
            RehearsalError::Target { .. } => Exit::Usage,
            RehearsalError::Start(_) => Exit::Failed,
        };
        let failed = Self::new(exit, "rehearsal", error.to_string());
        match error {
            RehearsalError::Target { target, .. } if target == "docker" => failed.hint(
                "a Docker host needs no rehearsal: `dashdeploy up`, or `dashdeploy deploy -e local`, runs the same here",
            ),
            RehearsalError::Target { .. } => {
                failed.hint("`dashdeploy plan` shows what a deploy would do, and changes nothing")
            }
            RehearsalError::Start(_) => failed.hint("it needs free ports on 127.0.0.1 and a temporary folder"),
        }
    }
}
