//! Lines for a POSIX shell, where a platform takes a command as one text.
//!
//! Given: words. Gives: a line that `sh -c` takes apart into exactly these words. Deliberately absent: running anything.

/// One word: bare where every shell takes it for itself, else in single quotes (POSIX, "Shell Command Language", 2.2.2).
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A command. Its first word never sets a variable, whatever it holds.
pub fn line(words: &[String]) -> String {
    words.iter().map(|text| word(text)).collect::<Vec<_>>().join(" ")
}

/// A variable set for the command that follows. The name must be a variable's name.
pub fn assignment(name: &str, value: &str) -> String {
    if value.is_empty() { format!("{name}=") } else { format!("{name}={}", word(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        let words = ["npm", "run", "build:x", "a b", "$HOME", "it's", "A=b", "", "~", "a\nb"];
        let line = line(&words.map(str::to_owned));
        assert_eq!(line, "npm run build:x 'a b' '$HOME' 'it'\\''s' 'A=b' '' '~' 'a\nb'");
        assert_eq!(assignment("A", "/."), "A=/.");
        assert_eq!(assignment("A", ""), "A=");
        assert_eq!(assignment("A", "`id`"), "A='`id`'");
    }
}
