//! What Git ignores, as far as it tells whether something is shipped with the repository.
//!
//! Given: the `.gitignore` files of a tree. Gives: yes or no for a path, and the patterns that speak of one folder. Deliberately
//! absent: the user's global ignore file and `.git/info/exclude`, which differ from machine to machine.

use super::index::{folder_of, is_within, join, relative};
use super::model::Evidence;

/// The rules in order; the last that matches decides (gitignore(5)).
#[derive(Debug, Default)]
pub(crate) struct Gitignore {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// The folder of the `.gitignore`.
    base: String,
    line: usize,
    written: String,
    pattern: String,
    negated: bool,
    folders_only: bool,
    anchored: bool,
}

impl Gitignore {
    /// Adds one file's rules; files nearer to the root come first.
    pub fn add(&mut self, base: &str, text: &str) {
        for (at, line) in text.lines().enumerate() {
            let written = line.trim_end();
            let (negated, rest) = match written.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, written),
            };
            if rest.is_empty() || rest.starts_with('#') {
                continue;
            }
            let folders_only = rest.ends_with('/');
            let rest = rest.trim_end_matches('/');
            let anchored = rest.contains('/');
            self.rules.push(Rule {
                base: base.to_owned(),
                line: at + 1,
                written: written.to_owned(),
                pattern: rest.trim_start_matches('/').trim_start_matches('\\').to_owned(),
                negated,
                folders_only,
                anchored,
            });
        }
    }

    /// True when a file is ignored, itself or by one of its folders.
    pub fn ignores(&self, path: &str) -> bool {
        if self.rules.is_empty() {
            return false;
        }
        let mut ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
        ends.push(path.len());
        ends.iter().any(|end| self.verdict(&path[..*end], *end < path.len()))
    }

    fn verdict(&self, path: &str, folder: bool) -> bool {
        let decides = |rule: &&Rule| (folder || !rule.folders_only) && rule.matches(path);
        self.rules.iter().rev().find(decides).is_some_and(|rule| !rule.negated)
    }

    /// The anchored or plain rules about the folder `top` directly below `base`, in Docker's syntax relative to `base`.
    pub fn patterns_for(&self, base: &str, top: &str) -> Vec<(String, Evidence)> {
        let mut patterns = Vec::new();
        for rule in self.rules.iter().filter(|rule| is_within(base, &rule.base)) {
            let full = join(&rule.base, &rule.pattern);
            let inside = if rule.anchored { relative(&full, base) } else { rule.pattern.as_str() };
            if rule.anchored && !is_within(&full, base) {
                continue;
            }
            if inside == top || inside.strip_prefix(top).is_some_and(|rest| rest.starts_with('/')) {
                let file = join(&rule.base, ".gitignore");
                let pattern = if rule.negated { format!("!{inside}") } else { inside.to_owned() };
                patterns.push((pattern, Evidence::new(rule.written.as_str(), &file, rule.line)));
            }
        }
        patterns
    }
}

impl Rule {
    fn matches(&self, path: &str) -> bool {
        if !is_within(path, &self.base) || path == self.base {
            return false;
        }
        let below = relative(path, &self.base);
        if self.anchored {
            glob(self.pattern.as_bytes(), below.as_bytes())
        } else {
            let name = below.strip_prefix(folder_of(below)).unwrap_or(below).trim_start_matches('/');
            glob(self.pattern.as_bytes(), name.as_bytes())
        }
    }
}

/// `*` and `?` stay within a folder, `**` crosses them, `[a-z]` is a class. Linear in practice: a pattern with more stars than
/// any honest one has matches nothing.
fn glob(pattern: &[u8], path: &[u8]) -> bool {
    if pattern.iter().filter(|b| **b == b'*').count() > 8 {
        return false;
    }
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', b'/', rest @ ..] => {
            glob(rest, path)
                || path.iter().enumerate().any(|(at, b)| *b == b'/' && glob(rest, &path[at + 1..]))
        }
        [b'*', b'*'] => true,
        [b'*', rest @ ..] => {
            let folder_end = path.iter().position(|b| *b == b'/').unwrap_or(path.len());
            (0..=folder_end).any(|at| glob(rest, &path[at..]))
        }
        [b'?', rest @ ..] => path.first().is_some_and(|b| *b != b'/') && glob(rest, &path[1..]),
        [b'[', rest @ ..] => match (rest.iter().position(|b| *b == b']'), path) {
            (Some(close), [first, after @ ..]) => {
                in_class(&rest[..close], *first) && glob(&rest[close + 1..], after)
            }
            _ => false,
        },
        [b'\\', escaped, rest @ ..] => path.first() == Some(escaped) && glob(rest, &path[1..]),
        [first, rest @ ..] => path.first() == Some(first) && glob(rest, &path[1..]),
    }
}

fn in_class(class: &[u8], byte: u8) -> bool {
    let (negated, class) = match class {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, class),
    };
    let mut found = false;
    let mut at = 0;
    while at < class.len() {
        if let [from, b'-', to, ..] = &class[at..] {
            found |= (*from..=*to).contains(&byte);
            at += 3;
        } else {
            found |= class[at] == byte;
            at += 1;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Gitignore {
        let mut git = Gitignore::default();
        git.add("", "# x\n*.py[co]\ndata/*\n!data/universe/\n/build\nlogs/\n**/tmp\n.env.*\n!.env.example\n");
        git.add("web", "/dist\n");
        git
    }

    #[test]
    fn tells_what_a_clone_lacks() {
        let git = rules();
        for gone in ["a/b.pyc", "data/x.db", "build/a", "a/logs/b", "a/tmp/c", ".env.local", "web/dist/a.js"]
        {
            assert!(git.ignores(gone), "{gone}");
        }
        for kept in ["b.py", "data/universe/a.csv", "a/build/b", "logs", ".env.example", "dist/a.js"] {
            assert!(!git.ignores(kept), "{kept}");
        }
    }

    #[test]
    fn gives_the_rules_about_one_folder() {
        let patterns: Vec<_> =
            rules().patterns_for("", "data").into_iter().map(|(p, e)| (p, e.line)).collect();
        assert_eq!(patterns, [("data/*".to_owned(), 3), ("!data/universe".to_owned(), 4)]);
    }
}
