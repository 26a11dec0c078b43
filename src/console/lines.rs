//! Events as plain lines, for logs and for what stays above the bars.

use dashdeploy_contract::{Action, Event, Health, StepState};

use super::push_view::push_line;
use super::{Style, safe};
use crate::build::step::brief;
use crate::deploy::PUSH;

/// The line for an event; none for events that are only of interest while they last. `verbose` adds steps and their output.
pub(super) fn line(event: &Event, verbose: bool, style: Style) -> Option<String> {
    match event {
        Event::ImagePull { image, status } => verbose.then(|| format!("{}: {}", safe(image), safe(status))),
        Event::Exported { service, path, files } => {
            Some(format!("{} {service}  {files} files in {}", style.green("wrote"), style.cyan(&safe(path))))
        }
        // A service that is being put anew is absent for a moment; the change itself says so.
        Event::HealthChanged { health: Health::Absent, .. } => None,
        Event::HealthChanged { service, health, millis } => {
            let verb = if matches!(health, Health::Exited { .. }) { "has" } else { "is" };
            Some(format!("{service} {verb} {}{}", health_word(health, style), took(Some(*millis))))
        }
        Event::Detail { message } => verbose.then(|| style.dim(&safe(message))),
        Event::Notice { message } => Some(safe(message)),
        Event::Warning { message } => Some(format!("{}: {}", style.yellow("warning"), safe(message))),
        Event::BuildStarted { .. }
        | Event::BuildContext { .. }
        | Event::BuildStep { .. }
        | Event::BuildTransfer { .. }
        | Event::BuildLog { .. }
        | Event::BuildFinished { .. }
        | Event::FilesBuilt { .. }
        | Event::BuildFailed { .. } => build_line(event, verbose, style),
        Event::PushStarted { .. }
        | Event::PushLayer { .. }
        | Event::PushRetried { .. }
        | Event::PushFinished { .. }
        | Event::PushFailed { .. } => push_line(event, verbose, style),
        Event::ChangeStarted { .. }
        | Event::ChangeFinished { .. }
        | Event::ChangeFailed { .. }
        | Event::ChangeReverted { .. } => change_line(event, verbose, style),
        Event::CheckStarted { .. } | Event::CheckPassed { .. } | Event::CheckFailed { .. } => {
            check_line(event, verbose, style)
        }
    }
}

fn check_line(event: &Event, verbose: bool, style: Style) -> Option<String> {
    Some(match event {
        Event::CheckStarted { service, check } if verbose => {
            format!("{} {service}  {}", style.dim("checking"), safe(check))
        }
        Event::CheckPassed { service, check, millis } => {
            format!("{} {service}  {}{}", style.green("verified"), safe(check), took(Some(*millis)))
        }
        Event::CheckFailed { service, check, message } => {
            format!("{} {service}  {}: {}", style.red("failed check"), safe(check), safe(message))
        }
        _ => return None,
    })
}

fn build_line(event: &Event, verbose: bool, style: Style) -> Option<String> {
    Some(match event {
        Event::BuildStarted { service } => format!("{} {service}", style.dim("building")),
        Event::BuildStep { service, name, state, millis, .. } if verbose => {
            let word = match state {
                StepState::Running => return None,
                StepState::Done => "done",
                StepState::Cached => "cached",
                StepState::Failed => "failed",
            };
            format!("{service} │ {} {word}{}", safe(&brief(name)), took(*millis))
        }
        Event::BuildLog { service, line, .. } if verbose => format!("{service} │ {}", safe(line)),
        Event::BuildFinished { service, image, id, millis, cached } => {
            let id = dashdeploy_contract::ImageId(id.clone());
            let how = if *cached { "unchanged" } else { "built" };
            let (image, id) = (safe(image), style.dim(id.short()));
            format!("{} {service}  {image} {id}{}", style.green(how), took(Some(*millis)))
        }
        Event::FilesBuilt { service, millis, cached } => {
            let how = if *cached { "unchanged" } else { "built" };
            format!("{} {service}  its files{}", style.green(how), took(Some(*millis)))
        }
        Event::BuildFailed { service, message } => {
            format!("{} {service}: {}", style.red("failed"), safe(message))
        }
        _ => return None,
    })
}

fn change_line(event: &Event, verbose: bool, style: Style) -> Option<String> {
    Some(match event {
        // The push itself has lines, which say more.
        Event::ChangeStarted { address, .. } | Event::ChangeFinished { address, .. }
            if address.target() == PUSH =>
        {
            return None;
        }
        Event::ChangeStarted { address, action, reason } => {
            let symbol = style.yellow(action.symbol());
            format!("{symbol} {} ({})", safe(address.as_str()), safe(reason))
        }
        Event::ChangeFinished { address, millis, .. } if verbose => {
            format!("  {} {}{}", style.green("done"), safe(address.as_str()), took(Some(*millis)))
        }
        Event::ChangeFailed { address, message } => {
            format!("{} {}: {}", style.red("failed"), safe(address.as_str()), safe(message))
        }
        Event::ChangeReverted { address } => {
            format!("{} {}", style.yellow("taken back"), safe(address.as_str()))
        }
        _ => return None,
    })
}

/// What is being done to a thing, for a bar.
pub(super) fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "updating",
        Action::Replace => "replacing",
        Action::Delete => "removing",
        Action::Run => "starting",
    }
}

fn health_word(health: &Health, style: Style) -> String {
    let detail = match health {
        Health::Unhealthy { detail } if !detail.trim().is_empty() => format!(": {}", safe(detail.trim())),
        Health::Exited { code, detail } if detail.trim().is_empty() => format!(" with code {code}"),
        Health::Exited { code, detail } => format!(" with code {code}: {}", safe(detail.trim())),
        _ => String::new(),
    };
    let word = health.word();
    let word = if health.is_serving() { style.green(word) } else { style.yellow(word) };
    format!("{word}{detail}")
}

/// Seconds with one decimal, in brackets; nothing for less than a tenth.
pub(super) fn took(millis: Option<u64>) -> String {
    match millis {
        #[expect(clippy::cast_precision_loss, reason = "durations are far below 2^52 ms")]
        Some(millis) if millis >= 100 => format!("  ({:.1} s)", millis as f64 / 1000.0),
        _ => String::new(),
    }
}
