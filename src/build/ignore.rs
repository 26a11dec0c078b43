//! Ignore files with Docker's own rules, which differ from those of git.
//!
//! Given: the text of `<Dockerfile>.dockerignore` or `.dockerignore`. Gives: [`IgnoreRules`], which say for each path of a
//! context, parents first, whether it is sent. Rules as in <https://docs.docker.com/build/concepts/context/#dockerignore-files>
//! and in the matcher of BuildKit: patterns are anchored at the context's root, the last one that matches wins, a pattern that
//! matches a folder matches everything below it, and a later `!` pattern may bring back a part of an ignored folder.
//! Deliberately absent: reading the disk (`io::context` walks).

mod pattern;

use pattern::Pattern;

/// What an ignore file says.
#[derive(Debug, Clone, Default)]
pub struct IgnoreRules {
    patterns: Vec<Pattern>,
    /// True where every `!` pattern is a plain path, so that folders outside those paths need not be entered.
    plain_exceptions: bool,
}

/// A line of an ignore file that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the ignore file, `{pattern}`: {reason}")]
pub struct IgnoreError {
    /// The line, from 1.
    pub line: usize,
    /// The pattern as written.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What the rules say about one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Send,
    /// It is not sent, nor is anything below it.
    Skip,
    /// A folder that is not sent by itself; something below it may be, and then it is sent as well.
    Enter,
}

/// Which patterns matched a folder: what its children inherit.
#[derive(Debug, Clone, Default)]
pub struct Inherited(Vec<bool>);

impl IgnoreRules {
    /// Reads the text of an ignore file.
    ///
    /// # Errors
    /// [`IgnoreError`] for the first pattern that is none (`[` without its end, a lone `!`).
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut patterns = Vec::new();
        for (index, line) in text.split('\n').enumerate() {
            // A `#` after blanks is a pattern, as in Docker.
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let pattern = Pattern::parse(line.trim()).map_err(|reason| IgnoreError {
                line: index + 1,
                pattern: line.trim().to_owned(),
                reason,
            })?;
            patterns.push(pattern);
        }
        let plain_exceptions = patterns.iter().filter(|pattern| pattern.exception).all(Pattern::is_plain);
        Ok(Self { patterns, plain_exceptions })
    }

    /// True where nothing is ignored.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Judges a path (relative to the context, `/`-separated) below a folder whose [`Inherited`] is given; the default for
    /// the context's own entries.
    pub fn judge(&self, path: &str, is_dir: bool, parent: &Inherited) -> (Verdict, Inherited) {
        // Only what lies below a folder inherits from it.
        let mut matched = vec![false; if is_dir { self.patterns.len() } else { 0 }];
        let mut ignored = false;
        for (index, pattern) in self.patterns.iter().enumerate() {
            let inherited = parent.0.get(index).copied().unwrap_or(false);
            // A pattern that could not change the state is not tried: an exception to nothing, a second reason to ignore.
            if !inherited && pattern.exception != ignored {
                continue;
            }
            if inherited || pattern.matches(path) {
                if let Some(matched) = matched.get_mut(index) {
                    *matched = true;
                }
                ignored = !pattern.exception;
            }
        }
        let verdict = match (ignored, is_dir) {
            (false, _) => Verdict::Send,
            (true, true) if self.may_hold_exception(path) => Verdict::Enter,
            (true, _) => Verdict::Skip,
        };
        (verdict, Inherited(matched))
    }

    /// Judges a path alone, by walking down from the root as a walk of the context would.
    pub fn sends(&self, path: &str, is_dir: bool) -> bool {
        let mut inherited = Inherited::default();
        for (end, _) in path.match_indices('/') {
            let (verdict, next) = self.judge(&path[..end], true, &inherited);
            if verdict == Verdict::Skip {
                return false;
            }
            inherited = next;
        }
        self.judge(path, is_dir, &inherited).0 == Verdict::Send
    }

    fn may_hold_exception(&self, folder: &str) -> bool {
        let mut exceptions = self.patterns.iter().filter(|pattern| pattern.exception).peekable();
        if exceptions.peek().is_none() {
            return false;
        }
        !self.plain_exceptions || exceptions.any(|pattern| pattern.leads_below(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(rules: &str, path: &str) -> bool {
        IgnoreRules::parse(rules).unwrap().sends(path, false)
    }

    /// (ignore file, path of a file, sent)
    const TABLE: &[(&str, &str, bool)] = &[
        ("", "a", true),
        ("a", "a", false),
        ("a", "b/a", true),
        ("a", "a/b/c", false),
        ("/a", "a", false),
        ("./a/../b", "b", false),
        ("a/", "a/x", false),
        ("*", "x", false),
        ("*", ".x", false),
        ("*", "x/y", false),
        ("*.py", "x.py", false),
        ("*.py", "d/x.py", true),
        ("**/*.py", "x.py", false),
        ("**/*.py", "d/e/x.py", false),
        ("**", "a/b", false),
        ("**/node_modules", "node_modules/x", false),
        ("**/node_modules", "a/b/node_modules/c/d", false),
        ("**/node_modules", "a/my_node_modules", true),
        ("a/**", "a/x", false),
        ("a/**", "ab", true),
        ("a/**/z", "a/z", false),
        ("a/**/z", "a/b/c/z", false),
        ("a/**/z", "a/bz", true),
        ("**/a/**", "x/a/y", false),
        ("a**", "abc/d", false),
        ("**a", "ba", false),
        ("a?c", "abc", false),
        ("a?c", "a/c", true),
        ("a?c", "aéc", false),
        ("[a-c]x", "bx", false),
        ("[a-c]x", "dx", true),
        ("[^a-c]x", "dx", false),
        ("[^a-c]x", "ax", true),
        ("a\\*b", "a*b", false),
        ("a\\*b", "axb", true),
        ("a.b", "axb", true),
        ("a+(b)|{c}$", "a+(b)|{c}$", false),
        ("*\n!keep", "keep", true),
        ("*\n!keep", "keep/inner", true),
        ("*\n!a/b", "a/b/c", true),
        ("*\n!a/b", "a/c", false),
        ("*\n!a/b\na/b/c", "a/b/c", false),
        ("!a\na", "a", false),
        ("a\n!a/b", "a/b", true),
        ("a\n!a/b", "a/c", false),
        ("*\n!**/*.py", "d/e/x.py", true),
        ("*\n!**/*.py", "d/e/x.js", false),
        ("*.md\n!README*.md\nREADME-secret.md", "README.md", true),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", false),
        ("# a\na", "# a", true),
        (" # a", "# a", false),
        ("a\r\nb\r\n", "a", false),
        ("\u{feff}a", "a", false),
        ("  a  ", "a", false),
        ("! a\n", "a", true),
        ("a\n!  a", "a", true),
        (".", "a", true),
        ("/", "a", true),
        ("../a", "a", true),
    ];

    #[test]
    fn files_are_judged_as_docker_judges_them() {
        for (rules, path, expected) in TABLE {
            assert_eq!(sent(rules, path), *expected, "{rules:?} {path:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_named_with_its_line() {
        for (text, line) in
            [("a\n[", 2), ("!", 1), ("[]a]", 1), ("x[a-]", 1), ("[-x]", 1), ("a\\", 1), ("[a", 1), ("! ", 1)]
        {
            assert_eq!(IgnoreRules::parse(text).unwrap_err().line, line, "{text:?}");
        }
    }

    #[test]
    fn folders_are_entered_only_where_an_exception_can_be_below() {
        let judge = |rules: &str, folder: &str| {
            IgnoreRules::parse(rules).unwrap().judge(folder, true, &Inherited::default()).0
        };
        assert_eq!(judge("node_modules", "node_modules"), Verdict::Skip);
        assert_eq!(judge("*\n!src", "node_modules"), Verdict::Skip);
        assert_eq!(judge("*\n!src/a", "src"), Verdict::Enter);
        assert_eq!(judge("*\n!src/**", "src"), Verdict::Enter);
        assert_eq!(judge("*\n!**/x", "node_modules"), Verdict::Enter);
        assert_eq!(judge("*\n!src", "src"), Verdict::Send);
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "[ -~\n\u{e9}]{0,40}", path in "[a-z.*/\\[]{1,12}") {
            if let Ok(rules) = IgnoreRules::parse(&text) {
                rules.sends(&path, false);
            }
        }
    }
}
