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
    Star(Star),
    Regex(Regex),
}

/// The commonest shapes, compared without a regular expression: a context of twenty thousand files is judged by dozens of
/// patterns before every build. `**/NAME`, `*.py`, `docs/*`, `**/docker-compose*.yml`.
#[derive(Debug, Clone)]
struct Star {
    /// The folder that the name must stand in; none for any.
    folder: Option<String>,
    /// How the name begins.
    prefix: String,
    /// How it ends, and that there may be something between; none where the beginning is all of it.
    suffix: Option<String>,
}

impl Star {
    /// None where the pattern has another shape.
    fn parse(text: &str) -> Option<Self> {
        let literal = |part: &str| !part.contains(['*', '?', '[', ']', '\\', '^']);
        let (folder, name) = match (text.strip_prefix("**/"), text.rsplit_once('/')) {
            (Some(name), _) => (None, name),
            (None, Some((folder, name))) => (Some(folder), name),
            (None, None) => (Some(""), text),
        };
        if name.contains('/') || !folder.is_none_or(literal) {
            return None;
        }
        let (prefix, suffix) = match name.split_once('*') {
            Some((prefix, suffix)) => (prefix, Some(suffix)),
            None => (name, None),
        };
        (literal(prefix) && suffix.is_none_or(literal)).then(|| Self {
            folder: folder.map(str::to_owned),
            prefix: prefix.to_owned(),
            suffix: suffix.map(str::to_owned),
        })
    }

    fn matches(&self, path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let fits = match &self.suffix {
            None => name == self.prefix,
            Some(suffix) => {
                name.len() >= self.prefix.len() + suffix.len()
                    && name.starts_with(&self.prefix)
                    && name.ends_with(suffix.as_str())
            }
        };
        fits && self.folder.as_ref().is_none_or(|wanted| wanted == folder)
    }
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
        let matcher = if let Some(star) = Star::parse(&text).filter(|_| text.contains('*')) {
            Matcher::Star(star)
        } else if text.contains(['*', '?', '[', '\\']) {
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
            Matcher::Star(star) => star.matches(path),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_way_and_the_expression_agree() {
        let patterns = [
            "**/a",
            "**/.env",
            "**/.env.*",
            "*",
            "*.py",
            "a*",
            "a*c",
            "d/*",
            "d/e/*.py",
            "**/*.py",
            "**/a*c",
            "**/docker-compose*.yml",
            "a*a",
            "**/*",
        ];
        let paths = [
            "a",
            "b/a",
            "ba",
            "a/b",
            ".env",
            "x/.env",
            ".env.",
            ".env.local",
            "x/.env.local",
            "x.py",
            "d/x.py",
            "d/e/x.py",
            ".py",
            "ac",
            "abc",
            "d/abc",
            "aba",
            "aa",
            "docker-compose.yml",
            "d/docker-compose.dev.yml",
            "",
        ];
        for pattern in patterns {
            let star = Star::parse(pattern).unwrap();
            let regex = Regex::new(&expression(pattern)).unwrap();
            for path in paths {
                assert_eq!(star.matches(path), regex.is_match(path), "{pattern:?} {path:?}");
            }
        }
        for other in ["a/**", "**", "**a", "a?*", "[a]*", "**/a/b*", "*/a", "a**", "\\*", "**/**/a"] {
            assert!(Star::parse(other).is_none(), "{other:?}");
        }
    }
}
