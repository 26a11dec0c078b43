//! Names as Azure and its languages want them.
//!
//! Given: names of dashdeploy.yaml. Gives: names of resources, of code in Bicep, of secrets. Deliberately absent: which
//! resource there is.

use dashdeploy_contract::derived_name;

/// A resource name of `a-z`, `0-9` and single `-`, at most `most` long. Two different inputs never give one name: where `-`
/// had to be taken out, a hash is put in.
pub(crate) fn dashed(words: &[&str], most: usize) -> String {
    let whole = words.join("-");
    let mut single = String::new();
    for c in whole.chars() {
        if c != '-' || !single.ends_with('-') {
            single.push(c);
        }
    }
    if single == whole && whole.len() <= most {
        return whole;
    }
    // A name that is too long by one is cut and gets its hash, whatever it holds; the hash is that of the whole.
    let padded = format!("{whole}{}", "-".repeat(most.saturating_sub(whole.len()) + 1));
    let hash = derived_name(&[&padded], most).rsplit('-').next().unwrap_or_default().to_owned();
    let kept: String = single.chars().take(most.saturating_sub(hash.len() + 1)).collect();
    format!("{}-{hash}", kept.trim_end_matches('-'))
}

/// A name of `a-z` and `0-9` alone, as registries and storage accounts have it. Where it is too long, the first words are cut
/// and the last is kept, with a hash of the whole between them.
pub(crate) fn compact(words: &[&str], last: &str, most: usize) -> String {
    let letters = |text: &str| -> String { text.chars().filter(char::is_ascii_alphanumeric).collect() };
    let (first, last) = (letters(&words.concat()), letters(last));
    if first.len() + last.len() <= most {
        return format!("{first}{last}");
    }
    let room = most.saturating_sub(last.len().min(most / 2));
    let whole = format!("{}-{last}{}", words.join("-"), "-".repeat(most));
    let hash = derived_name(&[&whole], most).rsplit('-').next().unwrap_or_default().to_owned();
    let kept: String = first.chars().take(room.saturating_sub(hash.len())).collect();
    let last: String = last.chars().take(most / 2).collect();
    format!("{kept}{hash}{last}")
}

/// A name in Bicep for a name of dashdeploy.yaml: `small-cap` is `smallCap`. Different names stay different: `-` before a
/// letter is that letter as a capital, which no name has, and any other `-` is `_`.
pub(crate) fn symbol(name: &str) -> String {
    let mut symbol = String::new();
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek().copied()) {
            ('-', Some(next)) if next.is_ascii_lowercase() => {
                symbol.push(next.to_ascii_uppercase());
                rest.next();
            }
            ('-', _) => symbol.push('_'),
            (c, _) => symbol.push(c),
        }
    }
    symbol
}

/// A variable's name as the name of a secret of a Container App: lower case letters, digits and `-`
/// (learn.microsoft.com, "Manage secrets in Azure Container Apps"). Several names may give one; see [`crate::findings`].
pub(crate) fn secret(variable: &str) -> String {
    let mut name = String::new();
    for c in variable.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    derived_name(&[name.trim_end_matches('-')], 63)
}

/// The parameter of Bicep that a service's secret comes in by. Bicep does not tell capitals apart; see
/// [`crate::findings`].
pub(crate) fn parameter(service: &str, variable: &str) -> String {
    format!("{}_{variable}", symbol(service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart() {
        assert_eq!(dashed(&["shop", "api"], 32), "shop-api");
        let doubled = dashed(&["shop-", "api"], 32);
        assert!(!doubled.contains("--") && doubled != "shop-api" && doubled.len() <= 32, "{doubled}");
        let long = dashed(&[&"p".repeat(63), "api"], 32);
        assert!(long.len() <= 32 && long != dashed(&[&"p".repeat(63), "web"], 32), "{long}");
        assert_eq!(compact(&["small-cap"], "data", 24), "smallcapdata");
        let long = compact(&[&"p".repeat(63)], "data", 24);
        assert!(long.len() == 24 && long.ends_with("data") && long.starts_with("ppp"), "{long}");
        assert_ne!(long, compact(&[&"p".repeat(62)], "data", 24));
        let longer = compact(&["p"], &"s".repeat(63), 24);
        assert!(longer.len() <= 24 && longer != compact(&["p"], &"s".repeat(62), 24), "{longer}");
        assert_eq!([symbol("small-cap"), symbol("a-1"), symbol("a1")], ["smallCap", "a_1", "a1"]);
    }

    #[test]
    fn secrets_have_lower_case_names() {
        assert_eq!(secret("JWT_SECRET"), "jwt-secret");
        assert_eq!(secret("TS_EMAIL__USERNAME"), "ts-email-username");
        assert_eq!(secret("_X_"), "x");
        assert!(secret(&"A".repeat(200)).len() <= 63);
    }
}
