//! Files of variables (`.env`), in one documented dialect.
//!
//! Given: text. Gives: names and values, or the line that cannot be read. The dialect: one `NAME=value` a line, `export `
//! before it is passed over, spaces around name and value are too; `#` starts a comment at the line's beginning or after a
//! space; `'…'` is taken as it is; `"…"` may span lines and knows `\n \r \t \\ \" \$`. Deliberately absent: `$NAME` and
//! command substitution, which other readers of such files do in different ways; a value holds what is written.

/// A line that cannot be read; the message never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DotenvError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The variables of a file, in order; a name that stands twice has its last value.
///
/// # Errors
/// [`DotenvError`] for the first line that cannot be read.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, DotenvError> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let (entry, after) = entry(rest, line)?;
        line += rest[..rest.len() - after.len()].matches('\n').count();
        if let Some((name, value)) = entry {
            found.retain(|(known, _)| *known != name);
            found.push((name, value));
        }
        rest = after;
    }
    Ok(found)
}

type Entry<'a> = (Option<(String, String)>, &'a str);

fn entry(text: &str, line: usize) -> Result<Entry<'_>, DotenvError> {
    let fail = |message: &str| DotenvError { line, message: message.to_owned() };
    let end = text.find('\n').unwrap_or(text.len());
    let first = text[..end].trim();
    let after = text.get(end + 1..).unwrap_or_default();
    if first.is_empty() || first.starts_with('#') {
        return Ok((None, after));
    }
    let start = text.len() - text.trim_start().len();
    let body = text[start..].strip_prefix("export ").unwrap_or(&text[start..]);
    let name_end = body.find(['=', '\n']).unwrap_or(body.len());
    let name = body[..name_end].trim();
    if !is_name(name) {
        return Err(fail(
            "expected NAME=value; a name has letters, digits and _ and does not start with a digit",
        ));
    }
    if !body[name_end..].starts_with('=') {
        return Err(fail(&format!("`{name}` has no `=`")));
    }
    let value = body[name_end + 1..].trim_start_matches([' ', '\t']);
    let (value, after) = match value.chars().next() {
        Some('\'') => single_quoted(&value[1..]).ok_or_else(|| fail("a ' is not closed"))?,
        Some('"') => double_quoted(&value[1..]).ok_or_else(|| fail("a \" is not closed"))?,
        _ => return plain(name, value).map_err(fail),
    };
    let end = after.find('\n').unwrap_or(after.len());
    let tail = after[..end].trim();
    if !tail.is_empty() && !tail.starts_with('#') {
        return Err(fail("there is text after the closing quote"));
    }
    checked(name, value, after.get(end + 1..).unwrap_or_default()).map_err(fail)
}

fn plain<'a>(name: &str, text: &'a str) -> Result<Entry<'a>, &'static str> {
    let end = text.find('\n').unwrap_or(text.len());
    let written = &text[..end];
    let comment =
        written.find(" #").or_else(|| written.find("\t#")).or_else(|| written.starts_with('#').then_some(0));
    let value = written[..comment.unwrap_or(end)].trim().to_owned();
    checked(name, value, text.get(end + 1..).unwrap_or_default())
}

fn checked<'a>(name: &str, value: String, after: &'a str) -> Result<Entry<'a>, &'static str> {
    if value.contains('\0') {
        return Err("a value holds a NUL character, which no process can be given");
    }
    Ok((Some((name.to_owned(), value)), after))
}

fn single_quoted(text: &str) -> Option<(String, &str)> {
    let end = text.find('\'')?;
    Some((text[..end].to_owned(), &text[end + 1..]))
}

fn double_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                c @ ('\\' | '"' | '$') => value.push(c),
                other => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> String {
        parse(text).unwrap().pop().unwrap().1
    }

    #[test]
    fn reads_the_documented_dialect() {
        for (text, value) in [
            ("export A=1", "1"),
            (" A = 1 ", "1"),
            ("A=x # y", "x"),
            ("A=x#y", "x#y"),
            ("A=\"x # y\" # z", "x # y"),
            ("A='$B'", "$B"),
            ("A=\"$B\"", "$B"),
            ("A=$(id)`id`", "$(id)`id`"),
            ("A=\"a\\nb\"", "a\nb"),
            ("A='a\\nb'", "a\\nb"),
            ("A=\"a\nb\"\n", "a\nb"),
            ("A=", ""),
            ("A=#c", ""),
            ("\u{feff}A=1\r\n", "1"),
            ("A=1\nA=2", "2"),
            ("A=a=b", "a=b"),
        ] {
            assert_eq!(one(text), value, "{text:?}");
        }
    }

    #[test]
    fn names_the_line_of_what_it_cannot_read_and_never_the_value() {
        for (text, line) in [
            ("A=1\n=v", 2),
            ("1A=x", 1),
            ("A-B=x", 1),
            ("\n\nA", 3),
            ("A=\"x\ny", 1),
            ("A='x' y", 1),
            ("B=\"1\n2\"\nA.B=s3cret", 3),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text:?}");
            assert!(!error.to_string().contains("s3cret"));
        }
    }
}
