//! Long lines made to fit: 80 columns, which every terminal and log viewer has.
//!
//! Given: text from anywhere. Gives: lines that are safe for a terminal and at most [`WIDTH`] wide, with what hangs over
//! below. Deliberately absent: asking how wide the terminal is, so that the same input gives the same lines.

use super::safe;

/// The width that lines are made to fit, in columns.
pub(super) const WIDTH: usize = 80;

/// The text after `first`, what does not fit below it after `rest`. Both are ours, and plain.
pub(super) fn fold(first: &str, rest: &str, text: &str) -> Vec<String> {
    let text = safe(text).replace('\t', " ");
    let options = textwrap::Options::new(WIDTH).initial_indent(first).subsequent_indent(rest);
    textwrap::wrap(text.trim_end(), options).into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// A text for a reader: digests are cut to the twelve digits that the engine's own lists show.
pub(super) fn short(text: &str) -> String {
    const SIGN: &str = "sha256:";
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(SIGN) {
        let (before, found) = rest.split_at(at);
        let hex = &found[SIGN.len()..];
        let digits = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        shown.push_str(before);
        if digits == 64 {
            shown.push_str(&hex[..12]);
        } else {
            shown.push_str(&found[..SIGN.len() + digits]);
        }
        rest = &hex[digits..];
    }
    shown + rest
}

/// A text cut to so many characters, with a sign that it goes on.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_shown_in_short_and_nothing_else_is_touched() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        assert_eq!(short(&format!("x@{digest} and {digest}.")), "x@abababababab and abababababab.");
        assert_eq!(short("sha256:short é sha256:"), "sha256:short é sha256:");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüx", 3), "äö…");
    }

    #[test]
    fn no_line_is_too_wide_whatever_it_holds() {
        let text = format!("{} {}\n\tweit \x1b[31m 日本語", "x".repeat(200), "wort ".repeat(40));
        let lines = fold("  - ", "      ", &text);
        assert!(lines.len() > 4);
        assert!(lines.iter().all(|line| width(line) <= WIDTH), "{lines:#?}");
        assert!(lines[1..].iter().all(|line| line.starts_with("      ")) && !lines.concat().contains('\x1b'));
        assert_eq!(fold("  - ", "", ""), ["  -"]);
    }
}
