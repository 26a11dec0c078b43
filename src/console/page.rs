//! What every page of ours has in common: one file that fetches nothing and runs nothing.
//!
//! Given: a title and markup. Gives: a whole HTML document. A policy in its head forbids scripts and everything from
//! elsewhere, also where an escape were forgotten (W3C Content Security Policy Level 3).

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::fold::short;
use super::safe;

/// What the page may do: show its own style, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The style of all pages: system fonts, light and dark.
const STYLE: &str = include_str!("page.css");

/// The document.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (shown(title)) }
                // The one text that is not escaped: a file of ours, without any value in it.
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}

/// A value for a reader: digests in short, control characters and direction marks shown instead of obeyed.
pub(super) fn shown(value: &str) -> String {
    safe(&short(value)).replace(['\n', '\t'], " ")
}
