//! The forms that a value takes on its way into files.
//!
//! Given: a value. Gives: every byte string by which it is recognised, each with its name for people. Base64 is sought at each
//! of the three places a value can have among groups of three bytes, by the characters that depend on nothing else, so that
//! it is also seen in the middle of a longer text that was encoded. Deliberately absent: encryption, compression, base64 that
//! is broken into lines, and base64 of base64.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use secrecy::zeroize::Zeroizing;

/// The bytes of one form, wiped when dropped.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Base64,
    Hex,
    Url,
    Json,
    Html,
    Shell,
    Utf16,
}

impl Form {
    /// The form as a message continues "the value of `X`"; empty for the plain one.
    pub fn words(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Base64 => ", base64-encoded",
            Self::Hex => ", hex-encoded",
            Self::Url => ", URL-encoded",
            Self::Json => ", escaped as in JSON or JavaScript",
            Self::Html => ", escaped as in HTML",
            Self::Shell => ", quoted as in a shell",
            Self::Utf16 => ", in UTF-16",
        }
    }
}

/// Every form of a value, each once, the plain one first.
pub(super) fn forms(value: &str) -> Vec<(Form, Bytes)> {
    let mut all = Forms(Vec::new());
    all.add(Form::Plain, value.as_bytes().to_vec());
    all.add(Form::Plain, value.replace('\n', "\r\n").into_bytes());
    all.encoded(value.as_bytes());
    all.url(value);
    all.escaped(value);
    all.add(Form::Utf16, value.encode_utf16().flat_map(u16::to_le_bytes).collect());
    all.add(Form::Utf16, value.encode_utf16().flat_map(u16::to_be_bytes).collect());
    all.0
}

struct Forms(Vec<(Form, Bytes)>);

impl Forms {
    fn add(&mut self, form: Form, bytes: Vec<u8>) {
        let bytes = Zeroizing::new(bytes);
        if !self.0.iter().any(|(_, known)| *known == bytes) {
            self.0.push((form, bytes));
        }
    }

    fn encoded(&mut self, value: &[u8]) {
        for before in 0..3 {
            let mut padded = Zeroizing::new(vec![0; before]);
            padded.extend_from_slice(value);
            let own = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
            for engine in [&STANDARD, &URL_SAFE] {
                let text = Zeroizing::new(engine.encode(&*padded));
                self.add(Form::Base64, text.as_bytes()[own.clone()].to_vec());
            }
        }
        for upper in [false, true] {
            self.add(Form::Hex, each(value, "", upper));
            self.add(Form::Json, each(value, "\\x", upper));
            self.add(Form::Url, each(value, "%", upper));
        }
    }

    /// By what the usual functions leave as it is: RFC 3986, encodeURIComponent, quote of Python, encodeURI.
    fn url(&mut self, value: &str) {
        for safe in ["-._~", "-._~!*'()", "-._~/", "-._~!*'();/?:@&=+$,#"] {
            for upper in [true, false] {
                let text = percent(value, safe, upper);
                self.add(Form::Url, text.replace("%20", "+").into_bytes());
                self.add(Form::Url, text.into_bytes());
            }
        }
    }

    fn escaped(&mut self, value: &str) {
        let single =
            value.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r");
        let mut written = vec![single];
        for (slash, ascii, html) in [
            (false, false, false),
            (true, false, false),
            (false, true, false),
            (true, true, false),
            (false, false, true),
        ] {
            for upper in [false, true] {
                written.push(json(value, slash, ascii, html, upper));
            }
        }
        for text in written {
            // Once more: a string literal inside the JSON string of a source map.
            self.add(Form::Json, json(&text, false, false, false, false).into_bytes());
            self.add(Form::Json, text.into_bytes());
        }
        for upper in [false, true] {
            self.add(
                Form::Json,
                value.encode_utf16().flat_map(|unit| unicode(unit, upper).into_bytes()).collect(),
            );
        }
        for quote in ["&#39;", "&#x27;", "&apos;"] {
            let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            self.add(Form::Html, html.replace('"', "&quot;").replace('\'', quote).into_bytes());
            self.add(Form::Html, html.into_bytes());
        }
        self.add(Form::Shell, value.replace('\'', "'\\''").into_bytes());
        self.add(Form::Shell, value.replace('\'', "'\"'\"'").into_bytes());
        // What a shell, make and Compose want doubled.
        self.add(Form::Shell, value.replace('$', "$$").into_bytes());
        self.add(Form::Shell, value.replace('$', "\\$").into_bytes());
    }
}

fn each(value: &[u8], before: &str, upper: bool) -> Vec<u8> {
    let digits =
        |byte: &u8| if upper { format!("{before}{byte:02X}") } else { format!("{before}{byte:02x}") };
    value.iter().flat_map(|byte| digits(byte).into_bytes()).collect()
}

fn percent(value: &str, safe: &str, upper: bool) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || safe.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        }
    }
    out
}

/// As a JSON string without its quotes: `/` as `\/`, what is not ASCII as `\uXXXX`, and `<>&'` too, each where asked for.
fn json(value: &str, slash: bool, ascii: bool, html: bool, upper: bool) -> String {
    let mut out = String::new();
    let mut units = [0; 2];
    for c in value.chars() {
        match c {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out += "\\t",
            '/' if slash => out += "\\/",
            '<' | '>' | '&' | '\'' if html => out += &unicode(c as u16, upper),
            c if c.is_control() || (ascii && !c.is_ascii()) => {
                c.encode_utf16(&mut units).iter().for_each(|unit| out += &unicode(*unit, upper));
            }
            c => out.push(c),
        }
    }
    out
}

fn unicode(unit: u16, upper: bool) -> String {
    if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(value: &str, form: Form, text: &str) -> bool {
        forms(value).iter().any(|(known, bytes)| *known == form && bytes.as_slice() == text.as_bytes())
    }

    #[test]
    fn values_are_written_as_programs_write_them() {
        let value = "p/ä \"'<1>";
        for (form, text) in [
            (Form::Plain, "p/ä \"'<1>"),
            (Form::Url, "p%2F%C3%A4%20%22%27%3C1%3E"),
            (Form::Url, "p%2f%c3%a4+%22%27%3c1%3e"),
            (Form::Url, "p%2F%C3%A4%20%22'%3C1%3E"),
            (Form::Url, "p/%C3%A4%20%22%27%3C1%3E"),
            (Form::Json, "p/ä \\\"'<1>"),
            (Form::Json, "p\\/\\u00e4 \\\"'<1>"),
            (Form::Json, "p/\\u00E4 \\\"'<1>"),
            (Form::Json, "p/ä \\\"\\u0027\\u003c1\\u003e"),
            (Form::Json, "p/ä \\\\\\\"'<1>"),
            (Form::Json, "p/ä \\\"\\\\'<1>"),
            (Form::Hex, "702fc3a42022273c313e"),
            (Form::Html, "p/ä &quot;&#39;&lt;1&gt;"),
            (Form::Shell, "p/ä \"'\\''<1>"),
        ] {
            assert!(has(value, form, text), "{text}");
        }
    }

    #[test]
    fn base64_is_seen_at_every_place() {
        let value = "hunter2hunter2?>";
        for (before, after) in [("", ""), ("a", "b"), ("ab", "cd"), ("abc", "d"), ("user:", "\n")] {
            for engine in [&STANDARD, &URL_SAFE] {
                let text = engine.encode(format!("{before}{value}{after}"));
                let found = forms(value).iter().any(|(form, bytes)| {
                    *form == Form::Base64 && text.contains(std::str::from_utf8(bytes).unwrap())
                });
                assert!(found, "{before}…{after}");
            }
        }
    }
}
