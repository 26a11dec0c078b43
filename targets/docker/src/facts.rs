//! What makes two containers the same: one flat table of fields, made of the desired state and of an inspected container.
//!
//! Given: a [`DesiredContainer`], or the engine's answers about a container and its image. Gives: [`Facts`] and how they
//! differ. A container that Compose started from the generated file has the same facts as one of ours, because fields are
//! compared and not a hash. Deliberately absent: fields that nothing of ours sets, such as the MAC address.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{EnvValue, FieldChange, ImageId, Name, fingerprint};
use serde::{Deserialize, Serialize};

use crate::desired::DesiredContainer;
use crate::tmpfs;

/// The fields of a container, as text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Each field that is set.
    pub(crate) fields: BTreeMap<String, String>,
    /// The fields that are as the image itself says: equal to not setting them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) inherited: BTreeSet<String>,
}

/// Who a variable's fingerprint is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Salt<'a> {
    pub(crate) project: &'a Name,
    pub(crate) environment: &'a Name,
}

impl Salt<'_> {
    /// How a value is written that must not be shown.
    pub(crate) fn hidden(self, variable: &str, value: &str) -> String {
        hidden(&fingerprint(self.project, self.environment, variable, value))
    }
}

fn hidden(fingerprint: &str) -> String {
    format!("secret {fingerprint}")
}

impl Facts {
    /// The facts of a container as it shall be.
    pub(crate) fn wanted(desired: &DesiredContainer) -> Self {
        let spec = &desired.spec;
        let mut facts = Self::default();
        facts.set("image", &desired.image_id);
        if let Some(command) = &spec.command {
            facts.set("command", list(command));
        }
        if let Some(user) = &spec.user {
            facts.set("user", user);
        }
        for (variable, value) in &spec.env {
            match (value, desired.secrets.get(variable)) {
                (EnvValue::Plain(text), _) => facts.set(format!("env.{variable}"), text),
                (EnvValue::Secret(_), Some(print)) => facts.set(format!("env.{variable}"), hidden(print)),
                (EnvValue::Secret(_), None) => {}
            }
        }
        facts.wanted_surroundings(desired);
        facts.wanted_limits(desired);
        facts
    }

    fn wanted_surroundings(&mut self, desired: &DesiredContainer) {
        let spec = &desired.spec;
        let mut ports: BTreeMap<u16, Vec<String>> = BTreeMap::new();
        for port in &spec.ports {
            let host = std::net::SocketAddr::new(port.address, port.host);
            ports.entry(port.container).or_default().push(host.to_string());
        }
        for (container, mut hosts) in ports {
            hosts.sort();
            self.set(format!("ports.{container}/tcp"), hosts.join(" "));
        }
        for mount in &spec.mounts {
            if let Some(volume) = desired.volumes.get(&mount.volume) {
                self.set(format!("mounts.{}", mount.path), volume);
            }
        }
        for folder in &spec.tmpfs {
            self.set(format!("tmpfs.{}", folder.path), tmpfs::normal(&format!("size={}", folder.size)));
        }
        self.set(format!("networks.{}", desired.network), &spec.service);
        if let Some(probe) = &spec.probe {
            self.set("health.test", list(&probe.test));
            self.set("health.interval", seconds(i64::from(probe.interval_seconds) * NANOS));
            self.set("health.timeout", seconds(i64::from(probe.timeout_seconds) * NANOS));
            self.set("health.start_period", seconds(i64::from(probe.start_period_seconds) * NANOS));
            self.set("health.retries", probe.retries);
        }
        for (label, value) in &spec.labels {
            self.set(format!("labels.{label}"), value);
        }
    }

    fn wanted_limits(&mut self, desired: &DesiredContainer) {
        let spec = &desired.spec;
        self.set("security.read_only", spec.read_only);
        self.set("security.options", "no-new-privileges");
        if spec.drop_capabilities {
            self.set("security.cap_drop", "ALL");
        }
        self.set("limits.memory", spec.limits.memory);
        self.set("limits.cpus", cpus(i64::from(spec.limits.cpu_millis)));
        self.set("limits.pids", spec.limits.pids);
        self.set("limits.nofile", format!("{0}:{0}", spec.limits.open_files));
        self.set("init", true);
        self.set("restart", "unless-stopped");
        let log = spec.log;
        self.set("log", format!("json-file max-file={} max-size={}m", log.max_files, log.max_size_mb));
        self.set("stop_grace", format!("{}s", spec.stop_grace_seconds));
    }

    /// Sets a field.
    pub(crate) fn set(&mut self, field: impl Into<String>, value: impl ToString) {
        self.fields.insert(field.into(), value.to_string());
    }

    /// Sets a field and tells whether the image says the same.
    pub(crate) fn set_or_inherit(&mut self, field: &str, value: Option<String>, image: Option<String>) {
        let Some(value) = value else {
            return;
        };
        if image.as_ref() == Some(&value) {
            self.inherited.insert(field.to_owned());
        }
        self.set(field, value);
    }

    /// How these facts differ from the wanted ones, by field.
    pub(crate) fn difference(&self, wanted: &Self, salt: Salt<'_>) -> Vec<FieldChange> {
        let fields: BTreeSet<&String> = self.fields.keys().chain(wanted.fields.keys()).collect();
        let differs = |field: &&String| match (self.fields.get(*field), wanted.fields.get(*field)) {
            (Some(is), Some(shall)) => is != shall && !hides(field, is, shall, salt),
            (Some(_), None) => !self.inherited.contains(*field),
            (None, shall) => shall.is_some(),
        };
        let change = |field: &String| FieldChange {
            field: field.clone(),
            from: self.fields.get(field).map(|value| shown(field, value)),
            to: wanted.fields.get(field).map(|value| shown(field, value)),
        };
        fields.into_iter().filter(differs).map(change).collect()
    }
}

/// True where a value that is hidden is the value wanted: what was a secret once may be a plain variable now.
fn hides(field: &str, is: &str, shall: &str, salt: Salt<'_>) -> bool {
    field.strip_prefix("env.").is_some_and(|variable| salt.hidden(variable, shall) == is)
}

fn shown(field: &str, value: &str) -> String {
    match field {
        "image" => ImageId(value.to_owned()).short().to_owned(),
        _ => value.to_owned(),
    }
}

/// The value of a network's field where the container is not found there by its service's name.
pub(crate) const UNNAMED: &str = "without the service's name";

/// Nanoseconds of a second.
pub(crate) const NANOS: i64 = 1_000_000_000;

/// Nanoseconds as seconds.
pub(crate) fn seconds(nanos: i64) -> String {
    match nanos % NANOS {
        0 => format!("{}s", nanos / NANOS),
        _ => format!("{}ms", nanos / 1_000_000),
    }
}

/// Thousandths of a processor as processors.
pub(crate) fn cpus(millis: i64) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A list as JSON, so that no two lists look the same.
pub(crate) fn list(items: &[String]) -> String {
    serde_json::Value::from(items.to_vec()).to_string()
}

/// Why a container is replaced, for the reader.
pub(crate) fn reason(fields: &[FieldChange]) -> String {
    let names: Vec<&str> = fields.iter().map(|change| change.field.as_str()).collect();
    match names.as_slice() {
        [] => "nothing changed".to_owned(),
        some if some.len() <= 3 => format!("{} changed", some.join(", ")),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more changed", rest.len()),
        [one] => format!("{one} changed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(fields: &[(&str, &str)]) -> Facts {
        let fields = fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned()));
        Facts { fields: fields.collect(), inherited: BTreeSet::new() }
    }

    #[test]
    fn what_the_image_sets_is_no_difference_but_what_it_does_not_is() {
        let (project, environment) = (Name::parse("shop").unwrap(), Name::parse("local").unwrap());
        let salt = Salt { project: &project, environment: &environment };
        let mut is = facts(&[("env.PATH", "/bin"), ("env.OLD", "1"), ("env.LOG_LEVEL", "info")]);
        is.inherited.insert("env.PATH".to_owned());
        let changes = is.difference(&facts(&[("env.LOG_LEVEL", "debug"), ("user", "1")]), salt);
        let names: Vec<_> = changes.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(names, ["env.LOG_LEVEL", "env.OLD", "user"]);
        assert_eq!(changes[0].from.as_deref(), Some("info"));
        assert_eq!(reason(&changes), "env.LOG_LEVEL, env.OLD, user changed");
        assert!(is.difference(&facts(&[("env.LOG_LEVEL", "info"), ("env.OLD", "1")]), salt).is_empty());
        // Written out, although the image says the same.
        let spelled = facts(&[("env.PATH", "/bin"), ("env.LOG_LEVEL", "info"), ("env.OLD", "1")]);
        assert!(is.difference(&spelled, salt).is_empty());
    }

    #[test]
    fn a_hidden_value_is_recognised_without_being_shown() {
        let (project, environment) = (Name::parse("shop").unwrap(), Name::parse("local").unwrap());
        let salt = Salt { project: &project, environment: &environment };
        let is = facts(&[("env.MODE", &salt.hidden("MODE", "fast"))]);
        assert!(is.difference(&facts(&[("env.MODE", "fast")]), salt).is_empty());
        assert_eq!(is.difference(&facts(&[("env.MODE", "slow")]), salt).len(), 1);
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!(cpus(1000), "1");
        assert_eq!(cpus(250), "0.25");
        assert_eq!(cpus(1500), "1.5");
        assert_eq!(seconds(2 * NANOS), "2s");
        assert_eq!(seconds(500_000_000), "500ms");
    }
}
