//! Logs, page by page, as the API host has them (`/api/v1/apps/{app}/logs`).
//!
//! Given: requests. Gives: lines that come after the token of the page before; without one the last hundred. Deliberately absent:
//! how lines come to be.

use serde_json::{Value, json};

use super::Fly;
use super::fault::{Answer, Fault};
use crate::{Call, Reply};

/// How many lines a page has at most.
const PAGE: usize = 100;

impl Fly {
    pub(super) fn read_logs(&self, call: &Call, app: &str) -> Answer {
        let app = self.app(app)?;
        let from = match call.asked("next_token").filter(|token| !token.is_empty()) {
            None => app.logs.len().saturating_sub(PAGE),
            Some(token) => token.parse().map_err(|_| Fault::bad("next_token is none that was given"))?,
        };
        let to = app.logs.len().min(from.saturating_add(PAGE));
        let page = app.logs.get(from..to).unwrap_or_default().iter().enumerate();
        let wanted = page.filter(|(_, line)| {
            call.asked("instance").is_none_or(|machine| machine == line.machine)
                && call.asked("region").is_none_or(|region| region == line.region)
        });
        let shown: Vec<Value> = wanted
            .map(|(number, line)| {
                json!({ "id": (from + number).to_string(), "type": "log", "attributes": {
                    "timestamp": self.stage.date(line.at), "message": line.message, "level": "info",
                    "instance": line.machine, "region": line.region, "meta": {},
                } })
            })
            .collect();
        let next = to.max(from).to_string();
        Ok(Reply::json(200, &json!({ "data": shown, "meta": { "next_token": next } })))
    }
}
