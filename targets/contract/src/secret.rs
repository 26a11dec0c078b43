//! Secret values: kept out of every printed, logged or serialised form.
//!
//! Given: names and values read by `io`. Gives: a store that only a target's writer opens, and fingerprints that may be
//! shown. Deliberately absent: where values come from, and any way to print one.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::Name;

/// The secret values of one environment, by service and variable name.
///
/// Its `Debug` form shows names only; it is never serialised.
#[derive(Default, Clone)]
pub struct SecretStore {
    values: BTreeMap<(String, String), SecretString>,
}

impl SecretStore {
    /// Puts a value under a service's variable name; a later value replaces an earlier one.
    pub fn insert(&mut self, service: &Name, variable: &str, value: SecretString) {
        self.values.insert((service.to_string(), variable.to_owned()), value);
    }

    /// The value a service gets for a variable, to be handed to the platform and nothing else.
    pub fn expose(&self, service: &Name, variable: &str) -> Option<&str> {
        self.values.get(&(service.to_string(), variable.to_owned())).map(SecretString::expose_secret)
    }

    /// True where a value is known for the service's variable.
    pub fn contains(&self, service: &Name, variable: &str) -> bool {
        self.values.contains_key(&(service.to_string(), variable.to_owned()))
    }

    /// Every value with at least four characters, longest first: what a redactor looks for. Shorter ones would black out
    /// ordinary text. Of values with several lines also every line with at least eight, since logs are looked at line by line.
    pub fn redactable(&self) -> Vec<&str> {
        let whole = self.values.values().map(|value| value.expose_secret().trim_end_matches(['\r', '\n']));
        let mut values: Vec<&str> = whole.collect();
        let lines = values.iter().filter(|value| value.contains('\n')).flat_map(|value| value.lines());
        let lines: Vec<&str> = lines.map(str::trim).filter(|line| line.chars().count() > 7).collect();
        values.extend(lines);
        values.retain(|value| value.chars().count() > 3);
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        values
    }

    /// The text with every known value replaced by `•••`.
    pub fn redact(&self, text: &str) -> String {
        self.redactable().iter().fold(text.to_owned(), |text, value| text.replace(value, "•••"))
    }
}

impl std::fmt::Debug for SecretStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Eight hex digits that tell whether a secret's value changed, without telling the value.
///
/// It is salted with the project, environment and name, and cut to 32 bits, so that equal values under two names do not
/// look equal and the value cannot be told from it, unless it is guessed from a short list.
pub fn fingerprint(project: &Name, environment: &Name, variable: &str, value: &str) -> String {
    let mut hash = Sha256::new();
    for part in ["dashdeploy secret v1", project.as_str(), environment.as_str(), variable, value] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_redaction_never_show_a_value() {
        let api = Name::parse("api").unwrap();
        let mut store = SecretStore::default();
        store.insert(&api, "KEY", SecretString::from("s3cr3t-value"));
        store.insert(&api, "SHORT", SecretString::from("yes"));

        assert!(!format!("{store:?}").contains("s3cr3t"));
        assert_eq!(store.redact("x s3cr3t-value y yes"), "x ••• y yes");
        assert_eq!(store.expose(&api, "KEY"), Some("s3cr3t-value"));
    }

    #[test]
    fn each_of_several_lines_is_hidden() {
        let api = Name::parse("api").unwrap();
        let mut store = SecretStore::default();
        store.insert(
            &api,
            "PEM",
            SecretString::from("-----BEGIN X-----\nMIIabcdefgh\nshort\n-----END X-----\n"),
        );
        assert_eq!(store.redact("read MIIabcdefgh, then short"), "read •••, then short");
    }

    #[test]
    fn fingerprints_depend_on_every_part() {
        let (a, b) = (Name::parse("a").unwrap(), Name::parse("b").unwrap());
        let one = fingerprint(&a, &b, "K", "v");
        assert_eq!(one.len(), 8);
        assert_ne!(one, fingerprint(&b, &a, "K", "v"));
        assert_ne!(one, fingerprint(&a, &b, "K2", "v"));
        assert_ne!(one, fingerprint(&a, &b, "K", "v2"));
    }
}
