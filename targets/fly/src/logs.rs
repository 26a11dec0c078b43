//! Logs of several apps as one stream, page by page. The API is the one that flyctl reads them by: the last hundred lines first,
//! then what came since (fly.io/docs/monitoring/logs-api-options).
//!
//! Given: apps and a query. Gives: without `follow`, the lines of all of them merged by time; with it, lines as they come.
//! Deliberately absent: which of a program's two streams a line was written to, which Fly.io does not tell: what it calls an
//! error counts as standard error.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{LogFeed, LogLine, LogQuery, LogStream, Name, TargetError};
use jiff::Timestamp;

use crate::api::Api;
use crate::wire::LogEntry;

/// The pauses between two looks for new lines, doubling from the first to the last, as flyctl has them.
const PAUSES: (Duration, Duration) = (Duration::from_millis(64), Duration::from_secs(4));

/// Pages read of one app without `follow`: an app that writes faster than pages are read would never come to an end.
const PAGES: u32 = 200;

/// Lines of apps.
pub(crate) struct Feed {
    api: Api,
    sources: Vec<Source>,
    query: LogQuery,
    ready: VecDeque<LogLine>,
    begun: bool,
    pause: Duration,
}

/// The log of one app.
struct Source {
    service: Name,
    app: String,
    next: Option<String>,
    /// The entries of the last page: the next one may begin with them.
    last: BTreeSet<String>,
}

impl Feed {
    /// A feed from which nothing was read yet.
    pub(crate) fn new(api: Api, apps: impl Iterator<Item = (Name, String)>, query: &LogQuery) -> Self {
        // Pages begin at a moment in nanoseconds since 1970-01-01 UTC.
        let next = query.since.map(|since| (i128::from(since) * 1_000_000_000).to_string());
        let source = |(service, app)| Source { service, app, next: next.clone(), last: BTreeSet::new() };
        let sources = apps.map(source).collect();
        Self { api, sources, query: query.clone(), ready: VecDeque::new(), begun: false, pause: PAUSES.0 }
    }

    /// What there is so far, by time.
    async fn begin(&mut self) -> Result<(), TargetError> {
        let mut all = Vec::new();
        for source in &mut self.sources {
            let mut lines: Vec<LogLine> = Vec::new();
            for _ in 0..PAGES {
                let (page, more) = source.page(&self.api, &self.query).await?;
                lines.extend(page);
                if !more {
                    break;
                }
            }
            let tail = self.query.tail.map_or(usize::MAX, |tail| usize::try_from(tail).unwrap_or(usize::MAX));
            lines.sort_by(|one, other| one.time.cmp(&other.time));
            all.extend(lines.split_off(lines.len().saturating_sub(tail)));
        }
        self.take(all);
        Ok(())
    }

    async fn go_on(&mut self) -> Result<(), TargetError> {
        let mut all = Vec::new();
        for source in &mut self.sources {
            all.extend(source.page(&self.api, &self.query).await?.0);
        }
        self.take(all);
        Ok(())
    }

    fn take(&mut self, mut lines: Vec<LogLine>) {
        lines.sort_by(|one, other| one.time.cmp(&other.time));
        self.ready.extend(lines);
    }
}

impl Source {
    /// The lines of the next page that are asked for, and whether there may be more.
    async fn page(&mut self, api: &Api, query: &LogQuery) -> Result<(Vec<LogLine>, bool), TargetError> {
        let page = api.logs(&self.app, self.next.as_deref()).await?;
        let moved = page.meta.next_token.is_some() && page.meta.next_token != self.next;
        self.next = page.meta.next_token.filter(|next| !next.is_empty()).or_else(|| self.next.take());
        let ids = page.data.iter().map(|entry| entry.id.clone()).filter(|id| !id.is_empty()).collect();
        let seen = std::mem::replace(&mut self.last, ids);
        let new: Vec<&LogEntry> = page.data.iter().filter(|entry| !seen.contains(&entry.id)).collect();
        let more = moved && !new.is_empty();
        Ok((new.into_iter().filter_map(|entry| self.line(entry, query)).collect(), more))
    }

    fn line(&self, entry: &LogEntry, query: &LogQuery) -> Option<LogLine> {
        let facts = &entry.attributes;
        let time: Option<Timestamp> = facts.timestamp.parse().ok();
        let within = time.is_none_or(|time| {
            query.since.is_none_or(|since| time.as_second() >= since)
                && query.until.is_none_or(|until| time.as_second() < until)
        });
        within.then(|| LogLine {
            service: self.service.clone(),
            // Always nine digits after the point, so that the order of texts is the order of time.
            time: time.map_or_else(|| facts.timestamp.clone(), |time| format!("{time:.9}")),
            stream: if facts.level == "error" { LogStream::Stderr } else { LogStream::Stdout },
            text: facts.message.trim_end_matches(['\r', '\n']).to_owned(),
        })
    }
}

#[async_trait]
impl LogFeed for Feed {
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
            let over = self.query.until.is_some_and(|until| self.api.clock.now() >= until);
            if !self.query.follow || over {
                return Ok(None);
            }
            self.api.clock.sleep(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSES.1);
            self.go_on().await?;
        }
    }
}
