//! Lines for a POSIX shell, where a platform takes a command as one text.
//!
//! Given: words, or how an image is built. Gives: a line that `sh -c` takes apart into exactly these words. Deliberately
//! absent: running anything.

use crate::{Build, Recipe};

/// One word: bare where every shell takes it for itself, else in single quotes (POSIX, "Shell Command Language", 2.2.2).
pub fn word(text: &str) -> String {
    // A word with `=` sets a variable where it comes first, unless it is an option.
    let option = text.starts_with('-');
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+".contains(c) || (option && c == '=');
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

/// What `docker build` has to be told of a service's own build, word by word: secrets from variables of the shell, the stage
/// where it is not the last, the Dockerfile. The context and the image's name are not among it.
pub fn image_build(build: &Build) -> Vec<String> {
    let secrets = build.secrets.iter().map(|name| format!("--secret id={name},env={name}"));
    let stage = match &build.recipe {
        Recipe::Own { target } => target.as_ref().map(|stage| format!("--target {}", word(stage))),
        _ => None,
    };
    secrets.chain(stage).chain([format!("--file {}", word(&build.dockerfile))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        let words = ["npm", "run", "build:x", "a b", "$HOME", "it's", "A=b", "", "~", "a\nb"];
        let line = line(&words.map(str::to_owned));
        assert_eq!(line, "npm run build:x 'a b' '$HOME' 'it'\\''s' 'A=b' '' '~' 'a\nb'");
        assert_eq!(super::line(&["sh".to_owned(), "--x=y".to_owned()]), "sh --x=y");
        assert_eq!(word("echo 'a b' $HOME"), r"'echo '\''a b'\'' $HOME'");
        assert_eq!(assignment("A", "/."), "A=/.");
        assert_eq!(assignment("A", ""), "A=");
        assert_eq!(assignment("A", "`id`"), "A='`id`'");
    }
}
