//! What was written while services were deployed and ran, and how it is asked for.
//!
//! Given: lines, and requests for them. Gives: pages by time: the newest first or the oldest first, and where the next page begins.
//! Deliberately absent: the stream over a web socket; lines of requests, which whoever answers them may write.
//! Source: <https://api-docs.render.com/reference/list-logs>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Render;
use super::calendar::nanoseconds;
use super::fault::{Answer, Fault};
use super::ids::digest;
use super::list::Asked;
use crate::{Call, Moment, Reply};

/// How far back a request without a beginning looks.
const HOUR: i128 = 3_600_000_000_000;

/// All lines by their moment; no two have the same, so that pages neither repeat nor lose one.
#[derive(Debug, Default)]
pub(super) struct Logs {
    lines: BTreeMap<i128, Line>,
}

#[derive(Debug)]
struct Line {
    service: String,
    instance: Option<String>,
    kind: &'static str,
    level: &'static str,
    message: String,
}

impl Logs {
    /// Writes a line of a service or of one of its instances.
    pub(super) fn write(
        &mut self,
        at: Moment,
        service: &str,
        instance: Option<&str>,
        level: &'static str,
        message: &str,
    ) {
        let mut at = nanoseconds(at);
        while self.lines.contains_key(&at) {
            at += 1;
        }
        let (service, instance, message) =
            (service.to_owned(), instance.map(str::to_owned), message.to_owned());
        self.lines.insert(at, Line { service, instance, kind: "app", level, message });
    }
}

impl Line {
    fn answers(&self, asked: &Asked<'_>) -> bool {
        asked.admits("resource", &self.service)
            && asked.admits("type", self.kind)
            && asked.admits("level", self.level)
            && asked.admits("instance", self.instance.as_deref().unwrap_or_default())
    }
}

impl Render {
    /// `GET /logs`.
    pub(super) fn logs(&self, call: &Call) -> Answer {
        let asked = Asked::new(
            call,
            &[
                "ownerId",
                "startTime",
                "endTime",
                "direction",
                "resource",
                "instance",
                "level",
                "type",
                "text",
            ],
        )?;
        let owner = call.asked("ownerId").ok_or_else(|| Fault::bad("ownerId is required"))?;
        self.owner(owner)?;
        let mut resources = call.asked_all("resource").flat_map(|listed| listed.split(',')).peekable();
        resources.peek().ok_or_else(|| Fault::bad("resource is required"))?;
        for id in resources {
            if self.service(id)?.owner != owner {
                return Err(Fault::missing(id));
            }
        }
        let moment = |name: &str| call.asked(name).map(|date| self.stage.calendar.moment(date)).transpose();
        let end = moment("endTime")?.unwrap_or(nanoseconds(self.now) + 1);
        let start = moment("startTime")?.unwrap_or(end - HOUR);
        let backward = match call.asked("direction") {
            None | Some("backward") => true,
            Some("forward") => false,
            Some(other) => return Err(Fault::bad(format!("direction must be forward or backward: {other}"))),
        };
        if start > end {
            return Err(Fault::bad("startTime must be before endTime"));
        }
        Ok(Reply::json(200, &self.page_of_logs(call, &asked, (start, end), backward)?))
    }

    fn page_of_logs(
        &self,
        call: &Call,
        asked: &Asked<'_>,
        (start, end): (i128, i128),
        backward: bool,
    ) -> Result<Value, Fault> {
        let limit = asked.limit()?;
        let texts: Vec<&str> = call.asked_all("text").collect();
        let said = |line: &Line| texts.is_empty() || texts.iter().any(|text| line.message.contains(text));
        let within =
            self.stage.logs.lines.range(start..end).filter(|(_, line)| line.answers(asked) && said(line));
        let mut found: Vec<_> =
            if backward { within.rev().take(limit + 1).collect() } else { within.take(limit + 1).collect() };
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().map(|(at, _)| **at).filter(|_| more);
        // The end is not within, the beginning is: the next page begins where this one ended.
        let (next_start, next_end) = match last {
            Some(at) if backward => (start, at),
            Some(at) => (at + 1, end),
            None => (start, end),
        };
        let date = |at: i128| self.stage.calendar.date_of(at);
        let lines: Vec<Value> = found.into_iter().map(|(at, line)| shown(&date(*at), line)).collect();
        Ok(
            json!({ "hasMore": more, "nextStartTime": date(next_start), "nextEndTime": date(next_end), "logs": lines }),
        )
    }
}

fn shown(at: &str, line: &Line) -> Value {
    let mut labels =
        vec![json!({"name": "resource", "value": line.service}), json!({"name": "type", "value": line.kind})];
    labels.push(json!({"name": "level", "value": line.level}));
    labels.extend(line.instance.iter().map(|id| json!({"name": "instance", "value": id})));
    json!({ "id": digest(&format!("{at}{}", line.service)), "message": line.message, "timestamp": at, "labels": labels })
}
