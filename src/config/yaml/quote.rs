//! The YAML scalar for a string.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

/// Words of safe characters with single spaces between them, starting with a letter, `/` or `_`: no indicator, no number,
/// no comment can begin in it, in block and in flow context.
#[allow(clippy::expect_used)] // a constant pattern, read by the tests
static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[A-Za-z/_][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*$").expect("a constant pattern")
});

/// Words that YAML 1.1 (<https://yaml.org/type/bool.html>, <https://yaml.org/type/null.html>) or 1.2 does not take for
/// text, in lower case.
const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// The YAML scalar that every reader, of YAML 1.1 or 1.2, reads back as exactly this string: plain where nothing about it is
/// in doubt, else in double quotes. It is one line, fit for a key or a value, in block and in flow style.
pub fn quote(text: &str) -> String {
    let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
    if PLAIN.is_match(text) && !is_word {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        escape(c, &mut quoted);
    }
    quoted.push('"');
    quoted
}

fn escape(c: char, out: &mut String) {
    let code = c as u32;
    let written = match c {
        '"' => out.write_str("\\\""),
        '\\' => out.write_str("\\\\"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        ' '..='~' => out.write_char(c),
        _ if code <= 0xff && !(0xa1..=0xff).contains(&code) || code == 0xad => write!(out, "\\x{code:02x}"),
        _ if is_invisible(c) && code <= 0xffff => write!(out, "\\u{code:04x}"),
        _ if is_invisible(c) => write!(out, "\\U{code:08x}"),
        _ => out.write_char(c),
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// Characters that a reader may refuse or a person cannot see: separators, format and private characters, non-characters.
fn is_invisible(c: char) -> bool {
    matches!(
        c as u32,
        0x0300..=0x036f
            | 0x061c
            | 0x180e
            | 0x2000..=0x200f
            | 0x2028..=0x202f
            | 0x205f..=0x206f
            | 0x3000
            | 0xe000..=0xf8ff
            | 0xfe00..=0xfe0f
            | 0xfeff
            | 0xfff0..=0xffff
            | 0xe0000..=0x10ffff
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_where_nothing_is_in_doubt() {
        for plain in ["api", "/api/health", "small-cap-dashboard", "dashboard_api.app", "a b", "node_modules"]
        {
            assert_eq!(quote(plain), plain);
        }
        for doubtful in [
            "", "no", "Y", "NULL", "~", "010", "1.10", "12:30", "a: b", "a #b", "-x", " a", "a ", ".", "<<",
            "=", "$x",
        ] {
            assert_eq!(quote(doubtful), format!("\"{doubtful}\""));
        }
        assert_eq!(quote("a\"\\\n\u{202e}é😀\u{85}"), "\"a\\\"\\\\\\n\\u202eé😀\\x85\"");
    }

    proptest! {
        #[test]
        fn every_string_is_read_back_by_this_reader(text in "[^\0]*") {
            let line = format!("{{ {}: [{}] }}\n", quote(&text), quote(&text));
            let report = crate::config::report::Report::default();
            let root = super::super::read(&line, &report).unwrap();
            let entry = &root.entries()[0];
            prop_assert_eq!(&entry.key.text, &text);
            prop_assert_eq!(&entry.value.items()[0].scalar().unwrap().text, &text);
        }
    }
}
