//! One pattern of an ignore file: Go's `filepath.Match` plus `**`, as a regular expression or as a plain comparison.

use regex::Regex;

/// One pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// True for `!pattern`.
    pub(super) exception: bool,
    /// Cleaned: no `./`, no `//`, no `..` that can be resolved, no leading or trailing `/`.
    text: String,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact(String),
    Regex(Regex),
}

impl Pattern {
    /// Reads a trimmed line; the error says what is wrong with it.
    pub(super) fn parse(line: &str) -> Result<Self, &'static str> {
        let (exception, text) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        if text.is_empty() {
            return Err("`!` needs a pattern after it");
        }
        let text = clean(text);
        check(&text)?;
        let matcher = if text.contains(['*', '?', '[', '\\']) {
            let regex = Regex::new(&expression(&text)).map_err(|_| "it is no pattern")?;
            Matcher::Regex(regex)
        } else {
            Matcher::Exact(text.clone())
        };
        Ok(Self { exception, text, matcher })
    }

    /// True where it matches this very path (not a parent).
    pub(super) fn matches(&self, path: &str) -> bool {
        match &self.matcher {
            Matcher::Exact(text) => text == path,
            Matcher::Regex(regex) => regex.is_match(path),
        }
    }

    /// True where, apart from a trailing `/*` or `/**`, it is the path of something.
    pub(super) fn is_plain(&self) -> bool {
        !self.stem().contains(['*', '[', ']', '?', '^', '\\'])
    }

    /// True where the path that a plain pattern names is this folder or below it.
    pub(super) fn leads_below(&self, folder: &str) -> bool {
        self.stem().strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn stem(&self) -> &str {
        let text = &self.text;
        text.strip_suffix("/**").or_else(|| text.strip_suffix("/*")).unwrap_or(text)
    }
}

/// The shortest path that means the same, in the manner of Go's `path.Clean`, without a leading `/`.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match parts.is_empty() {
        true if rooted => "/".to_owned(),
        true => ".".to_owned(),
        false => parts.join("/"),
    }
}

/// The syntax that Go's `filepath.Match` refuses: a `[` without members or end, a `\` at the end.
fn check(pattern: &str) -> Result<(), &'static str> {
    let mut chars = pattern.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            '\\' if chars.next().is_none() => return Err("`\\` at the end escapes nothing"),
            '[' => check_class(&mut chars)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<(), &'static str> {
    const UNFINISHED: &str =
        "`[` begins a class of characters that is not well formed; write `\\[` for the character";
    let member = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| match chars.next() {
        None | Some('-' | ']') => Err(UNFINISHED),
        Some('\\') => chars.next().map(|_| ()).ok_or(UNFINISHED),
        Some(_) => Ok(()),
    };
    chars.next_if_eq(&'^');
    member(chars)?;
    loop {
        match chars.peek() {
            None => return Err(UNFINISHED),
            Some(']') => {
                chars.next();
                return Ok(());
            }
            Some('-') => {
                chars.next();
                member(chars)?;
            }
            Some(_) => member(chars)?,
        }
    }
}

/// `*` and `?` stop at `/`; `**/` is any number of folders; a trailing `**` is everything.
fn expression(pattern: &str) -> String {
    let mut result = String::from(r"(?s)\A");
    // A leading `**` before plain text is a suffix, also in the middle of a name: `**a` matches `ba`.
    if let Some(suffix) = pattern.strip_prefix("**")
        && !suffix.starts_with('/')
        && !suffix.contains(['*', '?', '[', ']', '\\'])
    {
        return format!(r"{result}.*{}\z", regex::escape(suffix));
    }
    let mut chars = pattern.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            '*' if chars.next_if_eq(&'*').is_some() => {
                // `**/` and `**` mean the same.
                chars.next_if_eq(&'/');
                result.push_str(if chars.peek().is_none() { ".*" } else { "(?:.*/)?" });
            }
            '*' => result.push_str("[^/]*"),
            '?' => result.push_str("[^/]"),
            '[' => class(&mut chars, &mut result),
            '\\' => push_literal(chars.next().unwrap_or('\\'), &mut result),
            other => push_literal(other, &mut result),
        }
    }
    result.push_str(r"\z");
    result
}

fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, result: &mut String) {
    result.push('[');
    if chars.next_if_eq(&'^').is_some() {
        result.push('^');
    }
    while let Some(next) = chars.next() {
        match next {
            ']' => break,
            '-' => result.push('-'),
            '\\' => push_literal(chars.next().unwrap_or('\\'), result),
            other => push_literal(other, result),
        }
    }
    result.push(']');
}

fn push_literal(literal: char, result: &mut String) {
    result.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
}
