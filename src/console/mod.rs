//! The only folder that prints.
//!
//! Given: answers, findings, errors and events as data. Gives: the human view (stderr for what happens, stdout for what was
//! asked for) or JSON lines on stdout. Everything that came from outside is made safe for a terminal before it is shown.

pub mod ask;
mod error_view;
mod finding_view;
mod fold;
mod history_view;
mod junit_view;
mod lines;
mod markdown;
mod page;
mod plan_view;
mod portability_view;
mod progress;
mod proposal_view;
mod push_view;
mod safe;
mod status_view;
mod style;
mod table;

use std::io::Write;
use std::sync::{Arc, Mutex};

use dashdeploy_contract::{Event, EventSink, Finding};
use serde_json::json;

pub use error_view::Report;
pub use finding_view::finding_text;
pub use history_view::{history_text, rollback_text};
pub use junit_view::status_junit;
pub use plan_view::plan_text;
pub use portability_view::{TargetReport, report_text};
pub use proposal_view::{proposal_html, proposal_markdown, proposal_text};
pub use safe::safe;
pub use status_view::{status_markdown, status_text};
pub use style::{ColorChoice, Style};
pub use table::table;

use progress::Progress;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Answers, warnings and errors only.
    Quiet,
    /// What happens, in short.
    Normal,
    /// Every build step and its output.
    Verbose,
}

/// How the console talks.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleSettings {
    /// JSON lines on stdout instead of the human view.
    pub json: bool,
    /// How much is said.
    pub verbosity: Verbosity,
    /// True where standard error takes colour.
    pub color_stderr: bool,
    /// True where standard output takes colour.
    pub color_stdout: bool,
    /// True where lines may be drawn over (a terminal, not a CI log).
    pub live: bool,
}

/// The program's voice. Cloning gives another handle on the same one.
#[derive(Clone)]
pub struct Console {
    settings: ConsoleSettings,
    progress: Arc<Mutex<Progress>>,
    lost: Arc<Mutex<Option<String>>>,
}

impl Console {
    /// A console with these settings.
    pub fn new(settings: ConsoleSettings) -> Self {
        Self { settings, progress: Arc::new(Mutex::new(Progress::new(&settings))), lost: Arc::default() }
    }

    /// A console for JSON lines, for what happens before the command line could be read.
    pub fn json_lines() -> Self {
        Self::new(ConsoleSettings {
            json: true,
            verbosity: Verbosity::Normal,
            color_stderr: false,
            color_stdout: false,
            live: false,
        })
    }

    /// Why something meant for standard output did not get there; none where all of it did, or nobody reads any more.
    pub fn lost_answer(&self) -> Option<String> {
        self.lost.lock().ok()?.clone()
    }

    /// True for JSON lines.
    pub fn is_json(&self) -> bool {
        self.settings.json
    }

    /// True where everything is to be said.
    pub fn is_verbose(&self) -> bool {
        self.settings.verbosity == Verbosity::Verbose
    }

    /// The style of what goes to standard error.
    pub fn style(&self) -> Style {
        Style { color: self.settings.color_stderr }
    }

    /// The style of what goes to standard output.
    pub fn answer_style(&self) -> Style {
        Style { color: self.settings.color_stdout }
    }

    /// The answer of a command: the value as the last JSON line, or the text on standard output.
    pub fn answer(&self, value: serde_json::Value, text: &str) {
        self.finish_progress();
        if self.settings.json {
            self.json_line(&json!({ "type": "result", "ok": true, "result": value }));
        } else if !text.is_empty() {
            self.stdout(text);
        }
    }

    /// Text for standard output as it is, such as a rendered file; nothing is added in JSON mode either.
    pub fn stdout(&self, text: &str) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let mut out = std::io::stdout().lock();
        let written = write!(out, "{text}{end}").and_then(|()| out.flush());
        // A reader that went away (`dashdeploy logs | head`) is no failure of ours.
        if let Err(error) = written.or_else(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error),
        }) && let Ok(mut lost) = self.lost.lock()
        {
            lost.get_or_insert(error.to_string());
        }
    }

    /// Bytes for standard output or standard error as they are: the output of a command run in a container.
    pub fn raw(&self, to_stderr: bool, bytes: &[u8]) {
        let _ = if to_stderr {
            let mut out = std::io::stderr().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        } else {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        };
    }

    /// One JSON object as a line on standard output.
    pub fn json_line(&self, value: &serde_json::Value) {
        self.stdout(&value.to_string());
    }

    /// A line about what happens; silent when quiet.
    pub fn status(&self, text: &str) {
        if self.settings.verbosity > Verbosity::Quiet && !self.settings.json {
            self.stderr(text);
        }
    }

    /// A line about what is probably not meant.
    pub fn warning(&self, text: &str) {
        if self.settings.json {
            self.json_line(&json!({ "type": "warning", "message": text }));
        } else {
            let mark = self.style().yellow("warning");
            self.stderr(&format!("{mark}: {}", safe(text)));
        }
    }

    /// Findings, each with its place; to standard error.
    pub fn findings(&self, findings: &[Finding]) {
        if self.settings.json {
            for finding in findings {
                self.json_line(&json!({ "type": "finding", "finding": finding }));
            }
            return;
        }
        for finding in findings {
            self.stderr(&finding_text(finding, self.style()));
        }
    }

    /// Why a command failed: the last line in JSON mode.
    pub fn error(&self, report: &Report) {
        self.finish_progress();
        if self.settings.json {
            self.json_line(&report.json());
        } else {
            self.stderr(&report.text(self.style()));
        }
    }

    /// Takes the bars away, so that what follows stands below what was said.
    pub fn finish_progress(&self) {
        if let Ok(mut progress) = self.progress.lock() {
            progress.finish();
        }
    }

    fn stderr(&self, text: &str) {
        let write = || {
            let mut out = std::io::stderr().lock();
            let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
        };
        match self.progress.lock() {
            Ok(progress) => progress.suspend(write),
            Err(_) => write(),
        }
    }
}

impl EventSink for Console {
    fn emit(&self, event: Event) {
        if self.settings.json {
            if let Ok(mut value) = serde_json::to_value(&event)
                && let Some(object) = value.as_object_mut()
            {
                object.shift_insert(0, "type".to_owned(), json!("event"));
                self.json_line(&value);
            }
            return;
        }
        if let Event::Warning { message } = &event {
            self.warning(message);
            return;
        }
        let line = match self.progress.lock() {
            Ok(mut progress) => progress.take(&event, self.style()),
            Err(_) => None,
        };
        if let Some(line) = line {
            self.stderr(&line);
        }
    }
}
