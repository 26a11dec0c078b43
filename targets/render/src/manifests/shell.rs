//! Words of a command line that Render hands to a shell (`buildCommand`, `startCommand`).

/// A word as a POSIX shell reads it back.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@,+-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A whole command.
pub(super) fn line(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_has_them() {
        let words = ["sh", "-c", "echo 'a b' $HOME", ""].map(str::to_owned);
        assert_eq!(line(&words), r"sh -c 'echo '\''a b'\'' $HOME' ''");
    }
}
