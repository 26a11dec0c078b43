//! Jobs that are played: rules say what becomes of them.
//!
//! Given: rules by image or variable; a script in the job's own variable or label. Gives: what [`Runner`] asks for, worked out
//! from the time that passed. Deliberately absent: any program.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Job, Look, Page, Runner};
use crate::{Moment, held};

/// The variable of a job whose value is a [`Script`] in JSON; it comes before all rules.
const VARIABLE: &str = "FAKE_SCRIPT";
/// The same as a label of the image; it comes after the variable, before all rules.
const LABEL: &str = "fake.script";
/// The exit code of a job whose own script cannot be read (`EX_CONFIG` of sysexits.h).
const UNREADABLE: i32 = 78;

/// What becomes of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// How long until its program runs, milliseconds.
    pub boot_ms: u64,
    /// How long from then until its health check passes, milliseconds; none for never.
    pub healthy_after_ms: Option<u64>,
    /// How its program ends; none where it runs on.
    pub exit: Option<Exit>,
    /// The status of every answer, health checks among them; none where pages are answered.
    pub status: Option<u16>,
    /// The bodies by their paths.
    pub pages: BTreeMap<String, String>,
    /// The body for every other path, with 200; none for 404.
    pub page: Option<String>,
    /// The type of bodies.
    pub content_type: String,
    /// The headers of every answer, those of CORS for one.
    pub headers: BTreeMap<String, String>,
    /// The lines that it writes when it starts.
    pub lines: Vec<String>,
}

/// How a program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// How long after it began to run, milliseconds.
    pub after_ms: u64,
    /// The exit code.
    pub code: i32,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            boot_ms: 0,
            healthy_after_ms: Some(0),
            exit: None,
            status: None,
            pages: BTreeMap::new(),
            page: Some(
                "<!doctype html><html><head></head><body><div id=\"root\"></div></body></html>".to_owned(),
            ),
            content_type: "text/html".to_owned(),
            headers: BTreeMap::new(),
            lines: Vec::new(),
        }
    }
}

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Jobs whose image has this in it: a digest, a tag, a repository.
    Image(String),
    /// Jobs with this variable and value.
    Env(String, String),
    /// All.
    Always,
}

impl When {
    fn fits(&self, job: &Job) -> bool {
        match self {
            Self::Image(part) => job.image.contains(part.as_str()),
            Self::Env(name, value) => job.env.get(name) == Some(value),
            Self::Always => true,
        }
    }
}

/// Plays jobs. The newest rule that fits decides; without one, the default script.
#[derive(Debug, Default)]
pub struct Scripted {
    default: Script,
    rules: Mutex<Vec<(When, Script)>>,
    jobs: Mutex<BTreeMap<String, Play>>,
}

/// A job that is played.
#[derive(Debug)]
struct Play {
    script: Script,
    since: Moment,
    unread: Vec<String>,
}

impl Scripted {
    /// Plays all jobs alike.
    pub fn new(default: Script) -> Self {
        Self { default, ..Self::default() }
    }

    /// Jobs that are started from now on, and that this is about, are played so.
    pub fn rule(&self, when: When, script: Script) {
        held(&self.rules).push((when, script));
    }

    /// The script of a job.
    pub fn script(&self, job: &Job) -> Script {
        let own = job.env.get(VARIABLE).map(|text| (VARIABLE, text));
        if let Some((place, text)) = own.or_else(|| job.labels.get(LABEL).map(|text| (LABEL, text))) {
            return serde_json::from_str(text).unwrap_or_else(|error| Script {
                exit: Some(Exit { after_ms: 0, code: UNREADABLE }),
                lines: vec![format!("{place} is no script: {error}")],
                ..Script::default()
            });
        }
        let rules = held(&self.rules);
        let rule = rules.iter().rev().find(|(when, _)| when.fits(job));
        rule.map_or_else(|| self.default.clone(), |(_, script)| script.clone())
    }
}

impl Play {
    /// How long its program has run; none before.
    fn ran(&self, now: Moment) -> Option<Duration> {
        now.saturating_sub(self.since).checked_sub(Duration::from_millis(self.script.boot_ms))
    }

    fn look(&self, now: Moment) -> Look {
        match (self.ran(now), self.script.exit) {
            (None, _) => Look::Booting,
            (Some(ran), Some(exit)) if ran >= Duration::from_millis(exit.after_ms) => {
                Look::Exited { code: exit.code }
            }
            (Some(_), _) => Look::Running { address: None },
        }
    }

    fn healthy(&self, now: Moment) -> Option<bool> {
        let ran = self.ran(now)?;
        let status_is_good = self.script.status.is_none_or(|status| status < 400);
        let after = self.script.healthy_after_ms.map(Duration::from_millis);
        let runs = matches!(self.look(now), Look::Running { .. });
        Some(runs && status_is_good && after.is_some_and(|after| ran >= after))
    }

    fn page(&self, path: &str, now: Moment) -> Page {
        let script = &self.script;
        let body = script.pages.get(path).or(script.page.as_ref());
        let (status, body) = match (self.healthy(now), script.status, body) {
            (_, Some(status), _) => (status, String::new()),
            (Some(true), None, Some(body)) => (200, body.clone()),
            (Some(true), None, None) => (404, String::new()),
            (_, None, _) => (503, String::new()),
        };
        let own = script.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
        let headers = own.chain([("content-type".to_owned(), script.content_type.clone())]).collect();
        Page { status, headers, body }
    }
}

impl Runner for Scripted {
    fn start(&self, job: Job, now: Moment) {
        let script = self.script(&job);
        let unread = script.lines.clone();
        held(&self.jobs).insert(job.id, Play { script, since: now, unread });
    }

    fn stop(&self, id: &str, _: Moment) {
        held(&self.jobs).remove(id);
    }

    fn look(&self, id: &str, now: Moment) -> Look {
        held(&self.jobs).get(id).map_or(Look::Exited { code: 0 }, |play| play.look(now))
    }

    fn healthy(&self, id: &str, now: Moment) -> Option<bool> {
        held(&self.jobs).get(id)?.healthy(now)
    }

    fn page(&self, id: &str, path: &str, now: Moment) -> Page {
        let gone = || Page { status: 502, ..Page::default() };
        held(&self.jobs).get(id).map_or_else(gone, |play| play.page(path, now))
    }

    fn lines(&self, id: &str, now: Moment) -> Vec<String> {
        let mut jobs = held(&self.jobs);
        jobs.get_mut(id)
            .filter(|play| play.ran(now).is_some())
            .map(|play| std::mem::take(&mut play.unread))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(image: &str, env: &[(&str, &str)]) -> Job {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Job { id: "j".to_owned(), image: image.to_owned(), env, ..Job::default() }
    }

    fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    #[test]
    fn a_job_boots_is_healthy_and_ends_as_its_script_says() {
        let exit = Some(Exit { after_ms: 50, code: 3 });
        let script = Script { boot_ms: 10, healthy_after_ms: Some(20), exit, ..Script::default() };
        let runner = Scripted::new(script);
        runner.start(job("a", &[]), at(100));
        let seen = |ms| {
            (runner.look("j", at(ms)), runner.healthy("j", at(ms)), runner.page("j", "/", at(ms)).status)
        };
        let running = Look::Running { address: None };
        assert_eq!(seen(105), (Look::Booting, None, 503));
        assert_eq!(seen(115), (running, Some(false), 503));
        assert_eq!(seen(130), (running, Some(true), 200));
        assert_eq!(seen(160), (Look::Exited { code: 3 }, Some(false), 503));
        runner.stop("j", at(161));
        assert_eq!(seen(162), (Look::Exited { code: 0 }, None, 502));
    }

    #[test]
    fn the_jobs_own_script_comes_before_the_newest_rule_that_fits() {
        let runner = Scripted::default();
        let never = Script { healthy_after_ms: None, ..Script::default() };
        runner.rule(When::Image("@sha256:bad".to_owned()), never);
        runner.rule(
            When::Env("MODE".to_owned(), "500".to_owned()),
            Script { status: Some(500), ..Script::default() },
        );
        let status = |image: &str, env: &[(&str, &str)]| {
            runner.start(job(image, env), at(0));
            runner.page("j", "/x", at(1)).status
        };
        assert_eq!(status("r/a@sha256:good", &[]), 200);
        assert_eq!(status("r/a@sha256:bad", &[]), 503);
        assert_eq!(status("r/a@sha256:bad", &[("MODE", "500")]), 500);
        let own = r#"{"page": null, "pages": {"/y": "y"}, "headers": {"Access-Control-Allow-Origin": "*"}}"#;
        assert_eq!(status("r/a@sha256:bad", &[("FAKE_SCRIPT", own)]), 404);
        let page = runner.page("j", "/y", at(1));
        assert_eq!((page.status, page.body.as_str()), (200, "y"));
        assert!(page.headers.contains(&("access-control-allow-origin".to_owned(), "*".to_owned())));
    }

    #[test]
    fn a_script_that_cannot_be_read_is_told_by_the_job() {
        let runner = Scripted::default();
        runner.start(job("a", &[("FAKE_SCRIPT", "{\"boot\": 1}")]), at(0));
        assert_eq!(runner.look("j", at(0)), Look::Exited { code: UNREADABLE });
        assert!(runner.lines("j", at(0))[0].contains("unknown field `boot`"));
        assert!(runner.lines("j", at(0)).is_empty(), "lines are told once");
    }
}
