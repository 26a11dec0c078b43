//! `dashdeploy logs`: what the services print.

use dashdeploy_contract::{LogLine, LogQuery, Name, Reader};
use serde_json::json;

use super::stack::Stack;
use super::{CliError, CliResult, Context, Exit};
use crate::console::safe;
use crate::io::clock::unix_seconds;

/// Show the services' logs, merged by time
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Only these services
    services: Vec<String>,
    /// Go on as new lines come
    #[arg(short = 'F', long)]
    follow: bool,
    /// Only the last so many lines of each service
    #[arg(short = 'n', long, value_name = "LINES")]
    tail: Option<u64>,
    /// Only lines since then: 10m, 2h, 2026-11-23T10:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only lines until then: 10m, 2h, 2026-11-23T10:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Show the time of each line
    #[arg(short = 't', long)]
    timestamps: bool,
    /// Leave the service's name out
    #[arg(long)]
    no_prefix: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let now = unix_seconds();
    let moment = |text: &Option<String>| text.as_deref().map(|text| moment(text, now)).transpose();
    let stack = Stack::open(context)?;
    let query = LogQuery {
        services: stack.services(&args.services)?,
        follow: args.follow,
        tail: args.tail,
        since: moment(&args.since)?,
        until: moment(&args.until)?,
    };
    let mut feed = stack.reader().await?.logs(&stack.bound, &query).await?;
    let names: Vec<Name> = stack.bound.services.keys().cloned().collect();
    let interrupt = context.interrupt();
    loop {
        let line = tokio::select! {
            line = feed.next() => line?,
            // The end of following is what Ctrl-C is for; it is no failure.
            () = interrupt.raised() => return Ok(if args.follow { Exit::Done } else { Exit::Interrupted }),
        };
        match line {
            Some(line) => show(context, args, &names, &line),
            None => return Ok(Exit::Done),
        }
    }
}

fn show(context: &Context, args: &Args, names: &[Name], line: &LogLine) {
    if context.console.is_json() {
        context.console.json_line(&json!({ "type": "log", "log": line }));
        return;
    }
    let width = names.iter().map(|name| name.as_str().len()).max().unwrap_or(0);
    let nth = names.iter().position(|name| *name == line.service).unwrap_or(0);
    let style = context.console.answer_style();
    let prefix = match args.no_prefix {
        true => String::new(),
        false => style.nth(nth, &format!("{:<width$} │ ", line.service)),
    };
    let time = if args.timestamps { format!("{} ", style.dim(&line.time)) } else { String::new() };
    context.console.stdout(&format!("{prefix}{time}{}", safe(&line.text)));
}

/// Follows all logs until interrupted; the environment is then taken down, its data kept.
pub(super) async fn foreground(context: &Context, stack: &Stack, reader: &dyn Reader) -> CliResult {
    let query = LogQuery { follow: true, tail: Some(10), ..LogQuery::default() };
    let mut feed = reader.logs(&stack.bound, &query).await?;
    let names: Vec<Name> = stack.bound.services.keys().cloned().collect();
    let interrupt = context.interrupt();
    loop {
        tokio::select! {
            line = feed.next() => match line? {
                Some(line) => show(context, &Args::default(), &names, &line),
                None => return Ok(Exit::Done),
            },
            () = interrupt.raised() => {
                context.console.status("taking the environment down; its data is kept");
                return super::down::take_down(context, stack, reader).await;
            }
        }
    }
}

/// Seconds since 1970 of a moment given as an age (`90s`, `10m`, `2h`, `3d`) or as RFC 3339.
fn moment(text: &str, now: i64) -> CliResult<i64> {
    if let Some(age) = age(text) {
        return Ok(now - age);
    }
    let parsed = text.parse::<jiff::Timestamp>();
    parsed.map(|time| time.as_second()).map_err(|_| {
        CliError::new(Exit::Usage, "time", format!("`{text}` is no time"))
            .hint("give an age such as 90s, 10m, 2h, 3d, or a time such as 2026-11-23T10:00:00Z")
    })
}

fn age(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    text[..text.len() - 1].parse::<u32>().ok().map(|n| i64::from(n) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_ages_or_timestamps() {
        assert_eq!(moment("90s", 1000).unwrap(), 910);
        assert_eq!(moment("2h", 10_000).unwrap(), 2800);
        assert_eq!(moment("1970-01-01T00:01:00Z", 0).unwrap(), 60);
        for bad in ["", "m", "-5m", "yesterday", "5", "é"] {
            assert!(moment(bad, 0).is_err(), "{bad}");
        }
    }
}
