//! What shows why a service does not serve: its platform's reason, what its check said, its last lines.
//!
//! Given: a service, or a change that failed. Gives: a [`Verdict`] with [`Evidence`]. No secret's value is in any of it.

use dashdeploy_contract::{Action, Address, LogLine, LogQuery, Name, TargetError};

use super::super::outcome::{Evidence, Verdict};
use super::Run;

/// How many log lines of a failed service are kept as evidence.
const EVIDENCE_LINES: u64 = 20;

impl Run<'_> {
    /// A reason with what the service's failing check said, where its platform keeps that.
    pub(super) async fn with_probe(&self, service: &Name, mut reason: String) -> String {
        let served = self.session.reader.served(self.session.bound, service).await;
        if let Some(probe) = served.ok().and_then(|served| served.probe).filter(|said| !reason.contains(said))
        {
            reason.push_str(&format!(
                "; its health check said: {}",
                self.session.supplies.secrets.redact(&probe)
            ));
        }
        reason
    }

    /// The verdict over a change that failed. Where its service did not serve, the target has put back what ran before.
    pub(super) async fn failed(
        &mut self,
        failed: Box<(Address, TargetError)>,
        service: Option<Name>,
        action: Action,
    ) -> Verdict {
        match service {
            Some(service) if failed.1.unhealthy => {
                self.restored = matches!(action, Action::Replace | Action::Update);
                self.unhealthy(service, &failed.1.message).await
            }
            _ => Verdict::ChangeFailed(failed),
        }
    }

    pub(super) async fn unhealthy(&self, service: Name, reason: &str) -> Verdict {
        let reason = self.session.supplies.secrets.redact(reason);
        let log = self.last_lines(&service).await;
        Verdict::Unhealthy(Box::new(Evidence { service, reason, log, check: None, answer: None }))
    }

    pub(super) async fn last_lines(&self, service: &Name) -> Vec<LogLine> {
        let query =
            LogQuery { services: vec![service.clone()], tail: Some(EVIDENCE_LINES), ..LogQuery::default() };
        let mut lines = Vec::new();
        if let Ok(mut feed) = self.session.reader.logs(self.session.bound, &query).await {
            while let Ok(Some(mut line)) = feed.next().await {
                line.text = self.session.supplies.secrets.redact(&line.text);
                lines.push(line);
            }
        }
        lines
    }
}
