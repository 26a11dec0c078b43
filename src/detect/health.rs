//! The health endpoint of a service.
//!
//! Given: a draft with its routes. Gives: `health` of the draft, or a note that there is none. Deliberately absent: asking it.

use super::draft::Draft;
use super::model::{Note, Rejected, Role, Topic};
use super::routes::{health_candidates, root_route};

/// Proposes the best endpoint, with its place and the ones not taken.
pub(crate) fn fill(draft: &mut Draft, notes: &mut Vec<Note>) {
    if draft.proposal.role != Role::Api || draft.proposal.health.is_some() {
        return;
    }
    let candidates = health_candidates(&draft.routes);
    let Some((best, others)) = candidates.split_first() else {
        none(draft, notes);
        return;
    };
    let proposal = &mut draft.proposal;
    for other in others.iter().filter(|other| other.path != best.path) {
        proposal.rejected.push(Rejected {
            candidate: format!("health endpoint `{}`", other.path),
            reason: if other.guarded {
                "it asks for a login or a key".to_owned()
            } else {
                format!("`{}` is plainer", best.path)
            },
            evidence: other.evidence(),
        });
    }
    if best.guarded {
        let message = format!(
            "`{}` seems to ask for a login or a key, so it cannot tell whether the service works",
            best.path
        );
        notes.push(
            Note::warning("health-guarded", message)
                .mend("add an endpoint such as /health that everybody may ask")
                .at(best.evidence()),
        );
        proposal.rejected.push(Rejected {
            candidate: format!("health endpoint `{}`", best.path),
            reason: "it asks for a login or a key".to_owned(),
            evidence: best.evidence(),
        });
        return;
    }
    proposal.health = Some(best.path.clone());
    proposal.conclude(Topic::Health, format!("health endpoint `{}`", best.path), Some(best.evidence()));
}

fn none(draft: &mut Draft, notes: &mut Vec<Note>) {
    let folder = draft.proposal.folder.clone();
    let root = root_route(&draft.routes);
    let (message, evidence) = match root {
        Some(root) => (
            format!(
                "no health endpoint was found in `{folder}`; `health: /` would ask the page at `/`, which tells that it answers and not that it works"
            ),
            Some(root.evidence()),
        ),
        None => (format!("no health endpoint was found in `{folder}`, and none at `/` either"), None),
    };
    draft.proposal.conclude(Topic::Health, "no health endpoint found", evidence.clone());
    let mut note = Note::hint("no-health-endpoint", message)
        .mend("add a route such as /health that answers 200, and name it under `health:`");
    note.evidence = evidence;
    notes.push(note);
}
