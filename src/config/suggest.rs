//! "Did you mean": the nearest of the words that would have been right.

/// The nearest known word, where one is near enough that it may have been meant: by its letters, or by its beginning
/// (`healthcheck` for `health`).
pub(crate) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    by_letters(written, known.clone()).or_else(|| {
        known.into_iter().find(|word| word.len() >= 3 && written.to_lowercase().starts_with(word))
    })
}

fn by_letters<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.is_empty() || written.chars().count() > 64 {
        return None;
    }
    let lower = written.to_lowercase().replace('_', "-");
    let allowed = |word: &str| (word.len().max(written.len()) / 3).max(1);
    let distance = |word: &str| strsim::damerau_levenshtein(&lower, &word.to_lowercase().replace('_', "-"));
    known
        .into_iter()
        .map(|word| (distance(word), word))
        .filter(|(distance, word)| *distance <= allowed(word))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// The hint for a word that is none of the known ones: the nearest, else all of them.
pub(crate) fn hint(written: &str, known: &[&str]) -> Option<String> {
    match nearest(written, known.iter().copied()) {
        Some(word) => Some(format!("did you mean `{word}`?")),
        None if known.is_empty() => None,
        None => {
            let words: Vec<_> = known.iter().take(30).map(|word| format!("`{word}`")).collect();
            Some(format!("known here: {}", words.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["dockerfile", "port", "depends_on", "env"];
        assert_eq!(nearest("dockerfle", known), Some("dockerfile"));
        assert_eq!(nearest("Port", known), Some("port"));
        assert_eq!(nearest("dependsOn", known), Some("depends_on"));
        assert_eq!(nearest("depends-on", known), Some("depends_on"));
        assert_eq!(nearest("environment", known), Some("env"));
        assert_eq!(nearest("zebra", known), None);
    }
}
