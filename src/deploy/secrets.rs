//! Which value each secret of an environment has, and where it came from.
//!
//! Given: sources in the order they count, already read. Gives: a store, and every required secret that has no value.
//! Deliberately absent: reading files and asking people.

use std::collections::BTreeMap;

use dashdeploy_contract::{Bound, Finding, Name, Requirement, SecretStore, Service};
use secrecy::SecretString;

/// One place that secrets come from.
pub struct SecretSource {
    /// Its name for people: `the environment`, `.env.local`.
    pub name: String,
    /// What it holds.
    pub values: BTreeMap<String, String>,
}

/// The secrets of an environment.
#[derive(Default)]
pub struct Gathered {
    /// The values.
    pub store: SecretStore,
    /// Required secrets without a value: service and variable.
    pub missing: Vec<(Name, String)>,
    /// Things worth a warning, such as a value that looks like a placeholder.
    pub warnings: Vec<Finding>,
    /// Where each value came from: service, variable, source.
    pub origins: Vec<(Name, String, String)>,
}

/// Looks every secret up in the sources, the first that has it wins. A required secret that is set to nothing counts as
/// missing; an optional one that is set to nothing is left unset, so that it does not override a default.
pub fn gather(bound: &Bound, sources: &[SecretSource]) -> Gathered {
    let mut gathered = Gathered::default();
    for service in bound.services.values() {
        for (variable, requirement) in &service.secrets {
            let key = format!("services.{}.secrets.{variable}", service.name);
            let found = gathered.take(service, variable, &key, sources);
            if !found && *requirement == Requirement::Required {
                gathered.missing.push((service.name.clone(), variable.clone()));
            }
        }
    }
    gathered
}

/// Looks up what the builds of the wanted services may read as a secret, in the same way; all of it is required. Kept apart
/// from [`gather`]'s, so that no container can get one.
pub fn gather_build(bound: &Bound, sources: &[SecretSource], wanted: &dyn Fn(&Service) -> bool) -> Gathered {
    let mut gathered = Gathered::default();
    for service in bound.services.values().filter(|service| wanted(service)) {
        for variable in service.build().map_or(&[][..], |build| &build.secrets) {
            let key = format!("services.{}.build.secrets", service.name);
            if !gathered.take(service, variable, &key, sources) {
                gathered.missing.push((service.name.clone(), variable.clone()));
            }
        }
    }
    gathered
}

impl Gathered {
    /// Takes the value from the first source that has the variable; false where there is none, or it is set to nothing.
    fn take(&mut self, service: &Service, variable: &str, key: &str, sources: &[SecretSource]) -> bool {
        let found = sources.iter().find_map(|source| Some((source, source.values.get(variable)?)));
        let Some((source, value)) = found.filter(|(_, value)| !value.trim().is_empty()) else { return false };
        self.warnings.extend(doubts(key, variable, value));
        self.origins.push((service.name.clone(), variable.to_owned(), source.name.clone()));
        self.store.insert(&service.name, variable, SecretString::from(value.clone()));
        true
    }
}

fn doubts(key: &str, variable: &str, value: &str) -> Option<Finding> {
    let plain = value.trim().to_ascii_lowercase();
    let placeholder =
        ["changeme", "change-me", "secret", "password", "xxx", "todo", "your-key", "replace-me"];
    (placeholder.contains(&plain.as_str()) || plain == variable.to_ascii_lowercase()).then(|| {
        Finding::warning(
            "placeholder-secret",
            key,
            format!("the value of `{variable}` looks like a placeholder"),
        )
    })
}

#[cfg(test)]
mod tests {
    use dashdeploy_contract::{Bound, Name};
    use indexmap::IndexMap;

    use super::*;

    fn bound() -> Bound {
        let service = serde_json::json!({
            "name": "api", "source": { "image": "x" }, "port": null, "publish": "no", "health": "none", "env": {},
            "secrets": { "KEY": "required", "MAIL": "optional" }, "volumes": {}, "proxy": {}, "depends_on": [],
            "command": null, "resources": { "memory": 1, "cpu_millis": 1 }, "read_only": false, "headers": {}, "replicas": 1, "log": { "level": null, "access": true }
        });
        let name = |text| Name::parse(text).unwrap();
        Bound {
            project: name("p"),
            environment: name("local"),
            target: name("docker"),
            region: None,
            regions: IndexMap::new(),
            domains: IndexMap::new(),
            options: IndexMap::new(),
            own_options: IndexMap::new(),
            registry: None,
            ledger: None,
            services: IndexMap::from([(name("api"), serde_json::from_value(service).unwrap())]),
            targets: IndexMap::new(),
            volumes: IndexMap::new(),
            smoke: Vec::new(),
            hooks: Default::default(),
        }
    }

    fn source(name: &str, pairs: &[(&str, &str)]) -> SecretSource {
        let values = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        SecretSource { name: name.to_owned(), values }
    }

    #[test]
    fn the_first_source_wins_and_nothing_counts_as_missing() {
        let api = Name::parse("api").unwrap();
        let gathered =
            gather(&bound(), &[source("a", &[("KEY", "one")]), source("b", &[("KEY", "two"), ("MAIL", "")])]);
        assert_eq!(gathered.store.expose(&api, "KEY"), Some("one"));
        assert!(!gathered.store.contains(&api, "MAIL"));
        assert!(gathered.missing.is_empty());

        let gathered = gather(&bound(), &[source("a", &[("KEY", "  ")])]);
        assert_eq!(gathered.missing, [(api, "KEY".to_owned())]);
    }

    #[test]
    fn secrets_of_builds_are_all_required_and_kept_apart() {
        let mut bound = bound();
        let api = Name::parse("api").unwrap();
        let build = serde_json::json!({ "build": {
            "kind": "dockerfile", "context": ".", "dockerfile": "Dockerfile", "ignore": [], "links": {},
            "secrets": ["KEY", "TOKEN", "BLANK"], "recipe": { "recipe": "own", "target": null }
        } });
        bound.services[&api].source = serde_json::from_value(build).unwrap();
        let sources = [source("a", &[("TOKEN", "t"), ("KEY", "k"), ("BLANK", " ")])];
        let gathered = gather_build(&bound, &sources, &|_| true);
        assert_eq!(
            (gathered.store.expose(&api, "TOKEN"), gathered.store.expose(&api, "KEY")),
            (Some("t"), Some("k"))
        );
        assert_eq!(gathered.missing, [(api.clone(), "BLANK".to_owned())]);
        assert!(gather_build(&bound, &sources, &|_| false).missing.is_empty());
        assert!(!gather(&bound, &sources).store.contains(&api, "TOKEN"));
    }

    #[test]
    fn placeholders_are_doubted_without_being_shown() {
        let gathered = gather(&bound(), &[source("a", &[("KEY", "changeme")])]);
        assert_eq!(gathered.warnings.len(), 1);
        assert!(!gathered.warnings[0].message.contains("changeme"));
    }
}
