//! An allowance, written into dashdeploy.yaml without touching anything else in it.
//!
//! Given: fingerprints and a reason. Gives: the file with lines added. The lines go where a reader would put them; the result
//! is read again and must mean the former project with these allowances more, else nothing is written and the lines are told.

use super::load::located;
use super::{CliError, CliResult, Context, Exit};
use crate::config;
use crate::io::fs::ProjectDir;
use crate::registry;

/// Adds the allowances that are not there yet.
///
/// # Errors
/// Where there is no file, it is not valid, or lines cannot be added safely.
pub(super) fn record(context: &Context, fingerprints: &[String], reason: &str) -> CliResult<()> {
    let (folder, name, shown) = located(context)?;
    let dir = ProjectDir::open(&folder)?;
    let Some(bytes) = dir.read(&name)? else { return Ok(()) };
    let parsed = config::parse(&shown, &bytes, &registry::known_names());
    // What is wrong with the file is told when it is read for the command itself.
    let Some(project) = parsed.project else { return Ok(()) };
    let new: Vec<(String, String)> = fingerprints
        .iter()
        .filter(|fingerprint| !project.allow.contains_key(*fingerprint))
        .map(|fingerprint| (fingerprint.clone(), reason.to_owned()))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let edited = String::from_utf8(bytes).ok().and_then(|text| added(&text, &new));
    let wanted = {
        let mut wanted = project;
        wanted.allow.extend(new.iter().cloned());
        wanted
    };
    let meant = edited.filter(|text| {
        config::parse(&shown, text.as_bytes(), &registry::known_names()).project.as_ref() == Some(&wanted)
    });
    let Some(text) = meant else { return Err(by_hand(&shown, &new)) };
    dir.write(&name, text.as_bytes())?;
    for (fingerprint, _) in &new {
        context.console.status(&format!("wrote guard.allow.{fingerprint} into {shown}"));
    }
    Ok(())
}

fn by_hand(shown: &str, new: &[(String, String)]) -> CliError {
    let message = format!("the allowance cannot be added to {shown} without rewriting it");
    CliError::new(Exit::Usage, "allow", message)
        .evidence(["guard:".to_owned(), "  allow:".to_owned()])
        .evidence(new.iter().map(|(key, reason)| format!("    {}", line(key, reason))))
        .hint("add these lines by hand, then run the command again without --allow")
}

fn line(fingerprint: &str, reason: &str) -> String {
    format!("\"{fingerprint}\": {}", serde_json::Value::from(reason))
}

/// The text with the entries added; none where it is written in a way that lines cannot be added to.
fn added(text: &str, new: &[(String, String)]) -> Option<String> {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let starts = |line: &&str, key: &str| {
        line.trim_end().strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(" #"))
    };
    let Some(guard) = lines.iter().position(|line| line.starts_with("guard:")) else {
        let mut out = text.to_owned();
        if !out.is_empty() && !out.ends_with('\n') {
            out += end;
        }
        out += &format!("{end}guard:{end}  allow:{end}");
        new.iter().for_each(|(key, reason)| out += &format!("    {}{end}", line(key, reason)));
        return Some(out);
    };
    if !starts(&lines[guard], "guard:") {
        return None;
    }
    let below = lines[guard + 1..].iter().position(|line| !is_blank(line))? + guard + 1;
    let indent = indentation(lines[below]);
    if indent == 0 || !starts(&lines[below].trim_start_matches(' '), "allow:") {
        return None;
    }
    let first = lines[below + 1..].iter().find(|line| !is_blank(line)).map_or(0, |line| indentation(line));
    let deeper = if first > indent { first } else { indent + 2 };
    let mut out: String = lines[..=below].concat();
    if !out.ends_with('\n') {
        out += end;
    }
    new.iter().for_each(|(key, reason)| out += &format!("{}{}{end}", " ".repeat(deeper), line(key, reason)));
    Some(out + &lines[below + 1..].concat())
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(text: &str) -> Option<String> {
        added(text, &[("3fa9c1d2e4b5".to_owned(), "it's \"fine\" # really".to_owned())])
    }

    const LINE: &str = "\"3fa9c1d2e4b5\": \"it's \\\"fine\\\" # really\"";

    #[test]
    fn lines_are_added_and_nothing_else_changes() {
        for (before, after) in [
            ("project: p # c", format!("project: p # c\n\nguard:\n  allow:\n    {LINE}\n")),
            (
                "a: 1\nguard: # g\n  # why\n  allow:\n  # old\n      \"0123456789ab\": x\nz: 1\n",
                format!(
                    "a: 1\nguard: # g\n  # why\n  allow:\n      {LINE}\n  # old\n      \"0123456789ab\": x\nz: 1\n"
                ),
            ),
            ("guard:\n  allow:", format!("guard:\n  allow:\n    {LINE}\n")),
            ("a: 1\r\n", format!("a: 1\r\n\r\nguard:\r\n  allow:\r\n    {LINE}\r\n")),
        ] {
            assert_eq!(allow(before).as_deref(), Some(after.as_str()), "{before}");
        }
    }

    #[test]
    fn what_lines_cannot_be_added_to_is_left_alone() {
        for text in [
            "guard: { allow: {} }",
            "guard:\n  allow: { \"0123456789ab\": x }",
            "guard:\n",
            "guard: &a\n  allow:\n",
        ] {
            assert_eq!(allow(text), None, "{text}");
        }
    }
}
