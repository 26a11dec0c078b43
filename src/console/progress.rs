//! Bars while work lasts: one an image with its running step, one a change and its service's health.

use std::collections::BTreeMap;
use std::time::Duration;

use dashdeploy_contract::{Event, Health, Name, StepState};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::{doing, line};
use super::push_view::Sending;
use super::{ConsoleSettings, Style, Verbosity, safe};
use crate::build::step::brief;
use crate::deploy::PUSH;

/// The bars, and what becomes of each event.
pub(super) struct Progress {
    bars: MultiProgress,
    live: bool,
    verbosity: Verbosity,
    shown: BTreeMap<String, ProgressBar>,
    running: BTreeMap<String, Vec<(String, String)>>,
    sending: Sending,
}

impl Progress {
    pub(super) fn new(settings: &ConsoleSettings) -> Self {
        let live = settings.live && !settings.json && settings.verbosity == Verbosity::Normal;
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self {
            bars: MultiProgress::with_draw_target(target),
            live,
            verbosity: settings.verbosity,
            shown: BTreeMap::new(),
            running: BTreeMap::new(),
            sending: Sending::default(),
        }
    }

    /// Runs a print with the bars out of the way.
    pub(super) fn suspend(&self, print: impl FnOnce()) {
        self.bars.suspend(print);
    }

    /// Draws the event; the line that is to stay is returned.
    pub(super) fn take(&mut self, event: &Event, style: Style) -> Option<String> {
        if self.verbosity == Verbosity::Quiet {
            return None;
        }
        if self.live && (self.draw_push(event) || self.draw_build(event) || self.draw_change(event)) {
            return None;
        }
        line(event, self.verbosity == Verbosity::Verbose, style)
    }

    /// Takes all bars away.
    pub(super) fn finish(&mut self) {
        for bar in std::mem::take(&mut self.shown).into_values() {
            bar.finish_and_clear();
        }
    }

    /// True where a bar says it all.
    fn draw_build(&mut self, event: &Event) -> bool {
        match event {
            Event::BuildStarted { service } => self.say(&image(service), &format!("{service}  building")),
            Event::BuildContext { service, bytes, files } => self.sending(service, *bytes, *files),
            Event::BuildStep { service, step, name, state, .. } => {
                self.step(service.as_str(), step, name, *state)
            }
            Event::BuildTransfer { service, name, current, total, .. } => {
                self.moved(service, name, *current, *total)
            }
            Event::BuildLog { service, line, .. } => {
                let key = image(service);
                let step = self.running.get(&key).and_then(|steps| steps.last());
                let name = step.map(|(_, name)| name.clone()).unwrap_or_default();
                self.say(&key, &format!("{service}  {}  {}", safe(&brief(&name)), safe(line.trim())));
            }
            Event::BuildFinished { service, .. }
            | Event::FilesBuilt { service, .. }
            | Event::BuildFailed { service, .. } => {
                self.clear(&image(service));
                return false;
            }
            Event::ImagePull { image, status } => {
                self.say(&format!("pull {image}"), &format!("{}  {}", safe(image), safe(status)));
            }
            _ => return false,
        }
        true
    }

    /// True where a bar says it all: changes, and what services make of them.
    fn draw_change(&mut self, event: &Event) -> bool {
        match event {
            // A push has a bar of its own, which says more.
            Event::ChangeStarted { address, .. } if address.target() == PUSH => return false,
            Event::ChangeStarted { address, action, .. } => {
                self.say(address.as_str(), &format!("{} {}", doing(*action), safe(address.as_str())));
                return false;
            }
            Event::ChangeFailed { address, .. } => {
                self.clear(address.as_str());
                return false;
            }
            Event::ChangeFinished { address, .. } => self.clear(address.as_str()),
            Event::HealthChanged { health: Health::Absent, .. } => {}
            Event::HealthChanged { service, health: Health::Starting | Health::Running, .. } => {
                self.say(&format!("health {service}"), &format!("{service}  waiting for its health check"));
            }
            Event::HealthChanged { service, .. } => {
                self.clear(&format!("health {service}"));
                return false;
            }
            Event::CheckStarted { service, check } => {
                self.say(&check_key(service, check), &format!("{service}  checking {}", safe(check)));
            }
            Event::CheckPassed { service, check, .. } | Event::CheckFailed { service, check, .. } => {
                self.clear(&check_key(service, check));
                return false;
            }
            _ => return false,
        }
        true
    }

    fn draw_push(&mut self, event: &Event) -> bool {
        match event {
            Event::PushStarted { service, .. } => {
                self.say(&pushed(service), &format!("{service}  looking for the image at the registry"));
                true
            }
            Event::PushLayer { service, layer, state, bytes, total } => {
                let text = self.sending.take(service.as_str(), layer, *state, *bytes, *total);
                self.say(&pushed(service), &text);
                true
            }
            Event::PushFinished { service, .. } | Event::PushFailed { service, .. } => {
                self.sending.end(service.as_str());
                self.clear(&pushed(service));
                false
            }
            _ => false,
        }
    }

    fn sending(&mut self, service: &Name, bytes: u64, files: u64) {
        let sent = indicatif::BinaryBytes(bytes);
        self.say(&image(service), &format!("{service}  sending the context: {files} files, {sent}"));
    }

    fn moved(&mut self, service: &Name, step: &str, current: u64, total: Option<u64>) {
        let moved = indicatif::BinaryBytes(current);
        let of = total.map(|total| format!(" of {}", indicatif::BinaryBytes(total))).unwrap_or_default();
        self.say(&image(service), &format!("{service}  {}  {moved}{of}", safe(&brief(step))));
    }

    fn step(&mut self, service: &str, step: &str, name: &str, state: StepState) {
        let key = format!("image {service}");
        let running = self.running.entry(key.clone()).or_default();
        running.retain(|(known, _)| known != step);
        if state == StepState::Running {
            running.push((step.to_owned(), name.to_owned()));
        }
        if let Some((_, name)) = running.last() {
            let text = format!("{service}  {}", safe(&brief(name)));
            self.say(&key, &text);
        }
    }

    fn say(&mut self, key: &str, text: &str) {
        let bars = &self.bars;
        let bar = self.shown.entry(key.to_owned()).or_insert_with(|| {
            let bar = bars.add(ProgressBar::new_spinner());
            // The template is a constant of ours; the default style is as good where it is refused.
            if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {elapsed:>4} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(text.lines().next().unwrap_or_default().replace('\t', " "));
    }

    fn clear(&mut self, key: &str) {
        self.running.remove(key);
        if let Some(bar) = self.shown.remove(key) {
            bar.finish_and_clear();
        }
    }
}

fn pushed(service: &dashdeploy_contract::Name) -> String {
    format!("push {service}")
}

// Several checks of a service may run at once.
fn check_key(service: &Name, check: &str) -> String {
    format!("check {service} {check}")
}

fn image(service: &Name) -> String {
    format!("image {service}")
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
