//! Text from anywhere in GitHub Flavored Markdown, so that it stays text.
//!
//! Given: values. Gives: inline Markdown on one line, for paragraphs, lists and cells of tables. Every character that could
//! mean anything is a numeric reference, which never is structure (CommonMark 0.31, section 2.5: "cannot be used in place
//! of symbols indicating structure"). Mentions and issue numbers, which GitHub looks for in finished text, are kept apart
//! from their sign. Deliberately absent: Markdown that a value brings along.

use super::fold::{cut, short};
use super::safe;

/// Characters of one value at most.
const VALUE: usize = 300;

/// A value in the type of code, where GitHub looks for nothing.
pub(super) fn code(value: &str) -> String {
    format!("<code>{}</code>", escaped(value))
}

/// A value as running text.
pub(super) fn words(value: &str) -> String {
    // U+200B has no width and ends what GitHub would take for a name or a number.
    escaped(value).replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;")
}

/// A row of a table; the cells are Markdown.
pub(super) fn row<const N: usize>(cells: [String; N]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A part that is folded until somebody opens it; title and body are Markdown.
pub(super) fn details(title: &str, body: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{body}\n</details>\n")
}

fn escaped(value: &str) -> String {
    let one_line = safe(&short(value)).replace(['\n', '\t'], " ");
    cut(&one_line, VALUE).chars().fold(String::new(), |mut done, c| {
        match c {
            '&' | '<' | '>' | '"' | '\'' | '`' | '*' | '_' | '~' | '[' | ']' | '!' | '\\' | '|' | '#'
            | '@' | '$' | '^' => done.push_str(&format!("&#{};", u32::from(c))),
            c => done.push(c),
        }
        done
    })
}
