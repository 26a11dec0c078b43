//! One call, brought through all layers until it has an answer, or none that is worth waiting for.
//!
//! Given: a request, how often it may be sent, the layers. Gives: the last answer whatever its status, or the last reason why
//! there is none, which knows of every attempt whether it may have done something. Deliberately absent: the rules, each of which
//! stands in the layer of its own.

use std::time::Duration;

use dashdeploy_contract::{ApiAnswer, CallError, ReadCall, in_words};
use tokio::time::{Instant, sleep};

use super::retry::{self, Next, Safety};
use super::{DEADLINE, LIMITS, Platforms, answer};
use crate::io::clock;
use crate::io::http::{Answer, HttpError, Limits, Request};

/// How often a call is sent at most.
pub(super) const ATTEMPTS: u32 = 6;

/// A call under way.
pub(super) struct Run<'a> {
    ports: &'a Platforms,
    call: &'a ReadCall,
    request: &'a Request,
    safety: Safety,
    host: String,
    until: Instant,
    attempts: u32,
    /// True where an attempt may have done what was asked.
    happened: bool,
    last: Option<Result<Answer, HttpError>>,
}

/// Why the next attempt is not made.
#[derive(Clone, Copy)]
enum Ended {
    /// The platform asked for a longer wait than there is time.
    Paused(Duration),
    /// The documented rate leaves no place in time.
    Queued(Duration),
}

impl<'a> Run<'a> {
    /// A call that begins now.
    pub(super) fn new(
        ports: &'a Platforms,
        call: &'a ReadCall,
        request: &'a Request,
        safety: Safety,
    ) -> Self {
        let deadline = DEADLINE.max(call.patience.unwrap_or_default());
        let (host, until) = (answer::host(&request.url), Instant::now() + deadline);
        Self { ports, call, request, safety, host, until, attempts: 0, happened: false, last: None }
    }

    /// Sends it until it has an answer.
    pub(super) async fn answer(mut self) -> Result<ApiAnswer, CallError> {
        self.ports.budget.call();
        loop {
            if let Err(ended) = self.turn().await {
                return self.conclude(Some(ended));
            }
            let result = self.attempt().await;
            self.attempts += 1;
            self.happened |= self.safety != Safety::Read && retry::may_have_happened(&result);
            let late = self.call.patience.is_some();
            let next = retry::next(&result, self.safety, late, clock::unix_seconds());
            self.last = Some(result);
            let Some(pause) = self.pause(next) else { return self.conclude(None) };
            sleep(pause).await;
        }
    }

    /// Waits until it may go out.
    async fn turn(&self) -> Result<(), Ended> {
        loop {
            self.let_alone().await?;
            let Some(pace) = &self.call.pace else { return Ok(()) };
            let place = self.ports.gate.queue(&self.host, pace, self.left()).map_err(Ended::Queued)?;
            sleep(place).await;
            if self.paused().is_zero() {
                return Ok(());
            }
            // Somebody was told to wait meanwhile. All who stood in line wait for the same moment now, so that each takes a new
            // place after it.
        }
    }

    async fn let_alone(&self) -> Result<(), Ended> {
        loop {
            let pause = self.paused();
            if pause.is_zero() {
                return Ok(());
            }
            if pause > self.left() {
                return Err(Ended::Paused(pause));
            }
            sleep(pause).await;
        }
    }

    fn paused(&self) -> Duration {
        self.ports.gate.paused(&self.host, self.call.pace.as_ref())
    }

    async fn attempt(&self) -> Result<Answer, HttpError> {
        let (left, patience) = (self.left(), self.call.patience);
        let limits = Limits {
            whole: patience.unwrap_or(LIMITS.whole).min(left),
            silence: patience.map_or(LIMITS.silence, |patience| patience.max(LIMITS.silence)),
            ..LIMITS
        };
        let sent = self.ports.attempts.attempt(self.request, limits).await;
        sent.and_then(|answer| answer::checked(self.request, answer))
    }

    /// How long to wait before the next attempt; none where there is none. A limit that was met holds for all calls that share
    /// it; where none is known, what the platform asks holds for the whole host. A limit of one app or one kind of call says nothing
    /// about the others, which are under way for other services.
    fn pause(&self, next: Next) -> Option<Duration> {
        let Next::Again { asked, limited } = next else { return None };
        let pause = retry::pause(self.attempts, asked);
        if limited {
            match &self.call.pace {
                Some(pace) => self.ports.gate.pause(&self.host, Some(pace), pause),
                // Nobody would sit out more, and what one call asked for too often is no reason to end all others.
                None if asked.is_some() && pause <= DEADLINE => {
                    self.ports.gate.pause(&self.host, None, pause)
                }
                None => {}
            }
        }
        (self.attempts < ATTEMPTS && pause < self.left() && self.ports.budget.take()).then_some(pause)
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// The last answer; where there is none, why.
    fn conclude(self, ended: Option<Ended>) -> Result<ApiAnswer, CallError> {
        let (reason, hint) = match (ended, self.last) {
            (_, Some(Ok(answer))) => return Ok(answer::told(answer, clock::unix_seconds())),
            (_, Some(Err(error))) => (error.reason.clone(), Some(error.hint().to_owned())),
            (Some(Ended::Paused(wait)), None) => {
                (format!("the platform asks to wait {}", in_words(wait)), Some(later(wait)))
            }
            (Some(Ended::Queued(wait)), None) => {
                (format!("its rate limit leaves no place before {}", in_words(wait)), Some(later(wait)))
            }
            // Nothing ends a call that was never sent but the two above.
            (None, None) => ("it was not sent".to_owned(), None),
        };
        let address = self.call.address().to_owned();
        Err(CallError { address, reason, may_have_happened: self.happened, interrupted: false, hint })
    }
}

fn later(wait: Duration) -> String {
    format!("run the command again in {}", in_words(wait))
}
