//! The end of a run: what was kept for a way back is dropped, or the way is gone.
//!
//! Given: the verdict and what was applied. Gives: the [`Outcome`]. After an interruption there is little time: what cannot be
//! taken back by then is listed, and the next run finishes it.

use std::time::Duration;

use dashdeploy_contract::{Action, Change, ErrorKind, Event, TargetError};
use tokio::time::Instant;

use super::{Outcome, PUSH, Run, Verdict};
use crate::io::signal::Interrupt;

/// How long after an interruption changes are still taken back, so that whoever interrupts has the terminal within 10 s.
const WAY_BACK: Duration = Duration::from_secs(8);

impl Run<'_> {
    /// Drops what was kept for a way back after a good verdict; goes that way after any other.
    pub(super) async fn conclude(self, verdict: Verdict) -> Outcome {
        let session = self.session;
        let restored = self.restored;
        let mut outcome =
            Outcome { verdict, applied: Vec::new(), reverted: Vec::new(), restored, left: Vec::new() };
        // An image at its registry is in nobody's way, and nothing to take back.
        let of_target = |change: &Change| change.address.target() != PUSH;
        if matches!(outcome.verdict, Verdict::Done) {
            let settling = self.applied.iter().filter(|change| of_target(change)).map(|change| async move {
                session
                    .writer
                    .settle(session.bound, change)
                    .await
                    .map_err(|error| (change.address.clone(), error))
            });
            let settled = futures_util::future::join_all(settling).await;
            outcome.left.extend(settled.into_iter().filter_map(Result::err));
            outcome.applied.extend(self.applied.into_iter().map(|change| change.address));
            return outcome;
        }
        let noticed = self.interrupted.unwrap_or_else(Instant::now);
        for change in self.applied.into_iter().rev().filter(of_target) {
            let reverted = tokio::select! {
                reverted = session.writer.revert(session.bound, &change) => reverted,
                () = session.interrupt.raised_twice() => Err(unreverted("interrupted a second time")),
                () = patience_after(session.interrupt, noticed, WAY_BACK) => {
                    Err(unreverted("interrupted, and it takes longer than a few seconds"))
                }
            };
            match reverted {
                Ok(()) => {
                    session.events.emit(Event::ChangeReverted { address: change.address.clone() });
                    outcome.restored |=
                        matches!(change.action, Action::Replace | Action::Update | Action::Delete);
                    outcome.reverted.push(change.address);
                }
                Err(error) => outcome.left.push((change.address, error)),
            }
        }
        outcome
    }
}

fn unreverted(why: &str) -> TargetError {
    TargetError::new(ErrorKind::Interrupted, "deploy", "take back", why)
}

/// Ends when an interruption has come and so much time has gone by since `noticed`; never without one.
pub(super) async fn patience_after(interrupt: &Interrupt, noticed: Instant, patience: Duration) {
    interrupt.raised().await;
    tokio::time::sleep_until(noticed + patience).await;
}
