//! The values that are known to be secret.
//!
//! Given: variables with their values. Gives: those that are worth looking for, each once with all its names, and those that
//! are not, with the reason. Deliberately absent: where the variables come from (`cli`).

use secrecy::{ExposeSecret as _, SecretString};

use super::fingerprint::{Mark, mark};
use super::words::{may_be_secret_name, password_in_address, too_plain};

/// A variable that may hold a secret.
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: SecretString,
    /// True where dashdeploy.yaml says that it is secret; otherwise its name and value must.
    pub declared: bool,
}

/// A value that is looked for.
pub(super) struct Known {
    /// What it is, one or more: "the value of `TS_KEY`", "the password in `DATABASE_URL`".
    pub names: Vec<String>,
    pub value: SecretString,
    /// True where so simple a word is meant only when it stands alone.
    pub whole_word: bool,
}

impl Known {
    /// The mark of the value, in whatever form and place it is found.
    pub fn mark(&self, project: &str) -> Mark {
        mark(project, "value", self.value.expose_secret().as_bytes())
    }
}

/// A secret that is not looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsought {
    /// The variable.
    pub name: String,
    /// Why: `it has fewer than 8 characters`.
    pub reason: &'static str,
}

/// Sorts variables into what is looked for and what is not. Values that only a name hints at are left out silently where
/// they are too plain: every other setting is called a key.
pub(super) fn known(variables: Vec<Variable>) -> (Vec<Known>, Vec<Unsought>) {
    let (mut found, mut unsought) = (Vec::<Known>::new(), Vec::<Unsought>::new());
    for variable in variables {
        let value = variable.value.expose_secret().trim();
        let address = password_in_address(value);
        if !variable.declared && !may_be_secret_name(&variable.name) && address.is_none() {
            continue;
        }
        match too_plain(value) {
            Some(reason) if variable.declared => {
                unsought.push(Unsought { name: variable.name.clone(), reason });
            }
            // An address is what it is; only its password is a secret.
            None if variable.declared || address.is_none() => {
                add(&mut found, format!("the value of `{}`", variable.name), value)
            }
            _ => {}
        }
        if let Some((password, _)) = address
            && too_plain(&value[password.clone()]).is_none()
        {
            add(&mut found, format!("the password in `{}`", variable.name), &value[password]);
        }
    }
    unsought.sort_by(|a, b| a.name.cmp(&b.name));
    unsought.dedup();
    (found, unsought)
}

fn add(found: &mut Vec<Known>, name: String, value: &str) {
    if let Some(known) = found.iter_mut().find(|known| known.value.expose_secret() == value) {
        if !known.names.contains(&name) {
            known.names.push(name);
        }
        return;
    }
    let simple = value.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_' | '.' | '@'));
    let whole_word = value.len() < 12 && value.chars().all(|c| c.is_ascii_alphanumeric()) || simple;
    found.push(Known { names: vec![name], value: SecretString::from(value), whole_word });
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Known").field(&self.names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: &str, declared: bool) -> Variable {
        Variable { name: name.to_owned(), value: SecretString::from(value), declared }
    }

    #[test]
    fn what_is_secret_is_sought_and_what_is_trivial_is_not() {
        let (found, unsought) = known(vec![
            variable("KEY", "k3y-of-the-house", true),
            variable("OTHER_TOKEN", "k3y-of-the-house", false),
            variable("DEMO_KEY", "demo", true),
            variable("SHORT_KEY", "short", false),
            variable("LOG_LEVEL", "information", false),
            variable("VITE_MAPS_KEY", "p7blic-by-its-name", false),
            variable("SSH_AUTH", "/tmp/ssh-abc/agent.1", false),
            variable("DATABASE_URL", "postgres://app:Tr0ub4dor@db/x", false),
        ]);
        let names: Vec<_> = found.iter().map(|known| known.names.join(",")).collect();
        assert_eq!(
            names,
            ["the value of `KEY`,the value of `OTHER_TOKEN`", "the password in `DATABASE_URL`"]
        );
        assert_eq!(
            unsought,
            [Unsought { name: "DEMO_KEY".into(), reason: "it has fewer than 8 characters" }]
        );
        assert!(!format!("{found:?}").contains("k3y"));
    }
}
