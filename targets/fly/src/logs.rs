//! Logs of apps, page by page. The API is the one that flyctl reads them by; it keeps some days, and gives the last hundred lines
//! first (fly.io/docs/monitoring/logs-api-options).

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{LogFeed, LogLine, LogQuery, LogStream, Name, TargetError};

use crate::api::Api;

/// The pauses between two looks for new lines: from the first, doubling, to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));
/// Pages that are read of one app without following: what is asked for is the end of a log, not all of it.
const PAGES: u32 = 50;

/// Lines of apps.
pub(crate) struct Lines {
    api: Api,
    apps: Vec<Source>,
    query: LogQuery,
    ready: VecDeque<LogLine>,
    begun: bool,
    pause: Duration,
}

struct Source {
    service: Name,
    app: String,
    next: Option<String>,
}

impl Lines {
    pub(crate) fn open(api: Api, apps: Vec<(Name, String)>, query: &LogQuery) -> Self {
        let apps = apps.into_iter().map(|(service, app)| Source { service, app, next: None }).collect();
        Self { api, apps, query: query.clone(), ready: VecDeque::new(), begun: false, pause: PAUSES.0 }
    }

    /// Everything there is so far, by time.
    async fn begin(&mut self) -> Result<(), TargetError> {
        let mut all = Vec::new();
        for source in &mut self.apps {
            let mut lines = Vec::new();
            for _ in 0..PAGES {
                let page = page(&self.api, source, &self.query).await?;
                let last = page.is_empty() || self.query.follow;
                lines.extend(page);
                if last {
                    break;
                }
            }
            let tail = self.query.tail.and_then(|tail| usize::try_from(tail).ok()).unwrap_or(usize::MAX);
            let from = lines.len().saturating_sub(tail);
            all.extend(lines.split_off(from));
        }
        all.sort_by(|one, other| one.time.cmp(&other.time));
        self.ready = all.into();
        Ok(())
    }

    async fn more(&mut self) -> Result<(), TargetError> {
        let mut all = Vec::new();
        for source in &mut self.apps {
            all.extend(page(&self.api, source, &self.query).await?);
        }
        all.sort_by(|one, other| one.time.cmp(&other.time));
        self.ready.extend(all);
        Ok(())
    }
}

async fn page(api: &Api, source: &mut Source, query: &LogQuery) -> Result<Vec<LogLine>, TargetError> {
    let page = api.logs(&source.app, source.next.as_deref()).await?;
    if let Some(next) = page.meta.next_token.filter(|next| !next.is_empty()) {
        source.next = Some(next);
    }
    let lines = page.data.into_iter().map(|entry| entry.attributes).map(|line| LogLine {
        service: source.service.clone(),
        time: line.timestamp,
        stream: if line.level == "error" { LogStream::Stderr } else { LogStream::Stdout },
        text: line.message.trim_end_matches(['\r', '\n']).to_owned(),
    });
    let within = |line: &LogLine| {
        let at = seconds(&line.time);
        query.since.is_none_or(|since| at.is_none_or(|at| at >= since))
            && query.until.is_none_or(|until| at.is_none_or(|at| at < until))
    };
    Ok(lines.filter(within).collect())
}

/// Seconds since 1970 of `YYYY-MM-DDTHH:MM:SS…Z` (Howard Hinnant's `days_from_civil`); none for anything else.
fn seconds(time: &str) -> Option<i64> {
    let number = |from: usize, to: usize| time.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[async_trait]
impl LogFeed for Lines {
    async fn next(&mut self) -> Result<Option<LogLine>, TargetError> {
        if !self.begun {
            self.begun = true;
            self.begin().await?;
        }
        loop {
            if let Some(line) = self.ready.pop_front() {
                self.pause = PAUSES.0;
                return Ok(Some(line));
            }
            if !self.query.follow {
                return Ok(None);
            }
            self.api.clock.sleep(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSES.1);
            self.more().await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2026-11-25T08:50:00.123456789Z"), Some(1_795_596_600));
        assert_eq!(seconds("2000-02-29T23:59:59Z"), Some(951_868_799));
        assert_eq!(seconds("yesterday"), None);
    }
}
