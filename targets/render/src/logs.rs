//! Logs of services, by pages of time (<https://api-docs.render.com/reference/list-logs>).

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{LogFeed, LogLine, LogQuery, LogStream, Name, TargetError};

use crate::api::{Api, encoded};
use crate::wire;

/// The pauses between two looks for new lines: from the first, doubling, to the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(8));
/// Lines of a page, the most there are; and pages that are read of a service at a time.
const PAGE: usize = 100;
const PAGES: usize = 50;
/// How far back lines are looked for where nobody says it, in seconds: what every workspace keeps, where the platform itself
/// would take one hour (<https://render.com/docs/logging#log-retention>).
const WEEK: i64 = 7 * 86_400;

/// Lines of services.
pub(crate) struct Lines {
    api: Api,
    services: Vec<Source>,
    query: LogQuery,
    ready: VecDeque<LogLine>,
    pause: Duration,
    /// When it was looked for new lines last, in seconds since 1970.
    looked: i64,
}

struct Source {
    service: Name,
    id: String,
    owner: String,
    /// The time of the newest line that was told, and the lines of that time.
    newest: String,
    told: Vec<String>,
}

impl Lines {
    /// Opens the logs and reads what there is, so that nothing that comes after is missed.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked.
    pub(crate) async fn open(
        api: Api,
        services: Vec<(Name, String, String)>,
        query: &LogQuery,
    ) -> Result<Self, TargetError> {
        let source =
            |(service, id, owner)| Source { service, id, owner, newest: String::new(), told: Vec::new() };
        let now = api.clock.now();
        let mut lines = Self {
            api,
            services: services.into_iter().map(source).collect(),
            query: query.clone(),
            ready: VecDeque::new(),
            pause: PAUSES.0,
            looked: now,
        };
        lines.begin().await?;
        Ok(lines)
    }

    /// The end of each log, backwards until there is enough of it, then all of them by time.
    async fn begin(&mut self) -> Result<(), TargetError> {
        let wanted = self.query.tail.and_then(|tail| usize::try_from(tail).ok());
        let now = self.api.clock.now();
        let since = self.query.since.unwrap_or_else(|| self.query.until.unwrap_or(now).saturating_sub(WEEK));
        let mut all = Vec::new();
        for source in &mut self.services {
            let mut lines = Vec::new();
            let mut end = self.query.until.map(moment);
            for _ in 0..PAGES {
                let page = self.api.logs(&source.backwards(since, end.as_deref())).await?;
                let found = page.logs.len();
                lines.extend(page.logs.into_iter().map(|entry| source.line(entry)));
                let enough = wanted.map_or(found == 0, |wanted| lines.len() >= wanted);
                end = page.next_end_time;
                if !page.has_more || enough || end.is_none() {
                    break;
                }
            }
            lines.sort_by(|one, other| one.time.cmp(&other.time));
            source.note(&lines);
            if lines.is_empty() {
                source.newest = normal(&moment(since));
            }
            let from = lines.len().saturating_sub(wanted.unwrap_or(usize::MAX));
            let lines = lines.split_off(from);
            all.extend(lines);
        }
        all.sort_by(|one, other| one.time.cmp(&other.time));
        self.ready = all.into();
        Ok(())
    }

    /// What has come since, and before the moment after which nothing is wanted.
    async fn more(&mut self) -> Result<(), TargetError> {
        let end = self.query.until.map(moment);
        let mut all = Vec::new();
        for source in &mut self.services {
            let mut start = source.newest.clone();
            for _ in 0..PAGES {
                let page = self.api.logs(&source.forwards(&start, end.as_deref())).await?;
                let lines = page.logs.into_iter().map(|entry| source.line(entry));
                let fresh: Vec<LogLine> = lines.filter(|line| source.is_new(line)).collect();
                source.note(&fresh);
                all.extend(fresh);
                match page.next_start_time {
                    Some(next) if page.has_more => start = next,
                    _ => break,
                }
            }
        }
        all.sort_by(|one, other| one.time.cmp(&other.time));
        self.ready.extend(all);
        Ok(())
    }
}

impl Source {
    fn common(&self) -> String {
        format!("ownerId={}&resource={}&type=app&limit={PAGE}", encoded(&self.owner), encoded(&self.id))
    }

    fn backwards(&self, since: i64, end: Option<&str>) -> String {
        let end = end.map(|end| format!("&endTime={}", encoded(end))).unwrap_or_default();
        format!("{}&direction=backward&startTime={}{end}", self.common(), encoded(&moment(since)))
    }

    fn forwards(&self, start: &str, end: Option<&str>) -> String {
        let end = end.map(|end| format!("&endTime={}", encoded(end))).unwrap_or_default();
        format!("{}&direction=forward&startTime={}{end}", self.common(), encoded(start))
    }

    fn is_new(&self, line: &LogLine) -> bool {
        line.time > self.newest || (line.time == self.newest && !self.told.contains(&line.text))
    }

    fn line(&self, entry: wire::LogEntry) -> LogLine {
        let level =
            entry.labels.iter().find(|label| label.name == "level").map_or("", |label| label.value.as_str());
        LogLine {
            service: self.service.clone(),
            time: normal(&entry.timestamp),
            stream: if level == "error" { LogStream::Stderr } else { LogStream::Stdout },
            text: entry.message.trim_end_matches(['\r', '\n']).to_owned(),
        }
    }

    fn note(&mut self, lines: &[LogLine]) {
        for line in lines {
            if line.time > self.newest {
                self.newest.clone_from(&line.time);
                self.told.clear();
            }
            if line.time == self.newest {
                self.told.push(line.text.clone());
            }
        }
    }
}

/// A time in UTC with nine digits after the point, so that the order of texts is that of times.
fn normal(time: &str) -> String {
    let Some(plain) = time.strip_suffix('Z') else { return time.to_owned() };
    let (whole, part) = plain.split_once('.').unwrap_or((plain, ""));
    format!("{whole}.{part:0<9}Z")
}

/// A moment in seconds since 1970 as RFC 3339 in UTC (Howard Hinnant's `civil_from_days`).
fn moment(seconds: i64) -> String {
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

#[async_trait]
impl LogFeed for Lines {
    async fn next(&mut self) -> Result<Option<LogLine>, TargetError> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                self.pause = PAUSES.0;
                return Ok(Some(line));
            }
            // Nothing new comes before a moment that has passed; what came shortly before it was looked for after it.
            let over = self.query.until.is_some_and(|until| self.looked >= until);
            if !self.query.follow || over {
                return Ok(None);
            }
            self.api.clock.sleep(self.pause).await;
            self.looked = self.api.clock.now();
            self.pause = (self.pause * 2).min(PAUSES.1);
            self.more().await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_ordered_as_texts() {
        assert_eq!(normal("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00.000000000Z");
        assert_eq!(normal("2026-01-01T00:00:00.5Z"), "2026-01-01T00:00:00.500000000Z");
    }

    #[test]
    fn moments_are_written() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(1_795_596_600), "2026-11-25T08:50:00Z");
        assert_eq!(moment(951_868_799), "2000-02-29T23:59:59Z");
    }
}
