//! The mark of its build in a page.
//!
//! Given: a page's text. Gives: the content of its first `<meta name="dashdeploy-build">`. Tags are read as browsers read them
//! (<https://html.spec.whatwg.org/multipage/parsing.html#before-attribute-name-state>): attributes in any order, in any case,
//! with either quote or none; what stands in a comment does not count. Deliberately absent: everything else of HTML.

/// The name of the mark.
const NAME: &str = "dashdeploy-build";

/// The build that a page says it is.
pub(super) fn build_of(page: &str) -> Option<String> {
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->")?..];
            continue;
        }
        let is_meta = rest.get(1..5).is_some_and(|word| word.eq_ignore_ascii_case("meta"));
        rest = &rest[1..];
        let tag = rest
            .get(4..)
            .filter(|tag| is_meta && tag.starts_with(|c: char| c.is_ascii_whitespace() || c == '/'));
        let Some(tag) = tag else { continue };
        let attributes = attributes(tag);
        let value = |wanted: &str| attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        if value("name").is_some_and(|(_, name)| name.trim().eq_ignore_ascii_case(NAME)) {
            return value("content").map(|(_, content)| (*content).to_owned());
        }
    }
    None
}

/// The attributes of a tag, up to its end.
fn attributes(mut tag: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    loop {
        tag = tag.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = tag.find(|c: char| c.is_ascii_whitespace() || "=>/".contains(c)).unwrap_or(tag.len());
        let (name, rest) = tag.split_at(end);
        if name.is_empty() && !rest.starts_with('=') {
            return found;
        }
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let Some(rest) = rest.strip_prefix('=') else {
            found.push((name, ""));
            tag = rest;
            continue;
        };
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => match rest[1..].split_once(quote) {
                Some(parts) => parts,
                None => return found,
            },
            None => {
                rest.split_at(rest.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(rest.len()))
            }
        };
        found.push((name, value));
        tag = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_mark_is_found_however_it_is_written() {
        for page in [
            r#"<!doctype html><head><meta charset="utf-8"><meta name="dashdeploy-build" content="b7"></head>"#,
            r#"<META CONTENT='b7' NAME='dashdeploy-build'/>"#,
            "<meta\n  name=dashdeploy-build\n  content=b7>",
            r#"<meta data-x name = "dashdeploy-build" content = "b7" />"#,
            r#"<!-- <meta name="dashdeploy-build" content="old"> --><meta name="dashdeploy-build" content="b7">"#,
            r#"<metadata name="dashdeploy-build" content="x"><meta name="dashdeploy-build" content="b7">"#,
        ] {
            assert_eq!(build_of(page).as_deref(), Some("b7"), "{page}");
        }
        for page in [
            "",
            "<",
            "<meta",
            "<meta name=\"dashdeploy-build\"",
            "<meta name='dashdeploy-build content='b7'>",
            "<!-- <meta name=\"dashdeploy-build\" content=\"b7\">",
            r#"<meta name="build" content="b7">"#,
            "<meta name=\"dashdeploy-build\">",
        ] {
            assert_eq!(build_of(page), None, "{page}");
        }
    }

    proptest! {
        #[test]
        fn no_page_breaks_it(page in "(<meta|<!--|-->|name|=|\"|'|dashdeploy-build|content| |/|>|é|\u{0}){0,40}") {
            let _ = build_of(&page);
        }

        #[test]
        fn what_is_written_is_read(build in "[a-z0-9]{1,64}", before in "[a-z <>]{0,40}") {
            let page = format!("{before}><meta name=\"dashdeploy-build\" content=\"{build}\">");
            prop_assert_eq!(build_of(&page), Some(build));
        }
    }
}
