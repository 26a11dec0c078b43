//! What Fly.io answers, as far as it is read (the schemas of api.machines.dev/v1).
//!
//! Given: JSON. Gives: what is in it. Unknown fields are passed over, missing ones and `null` are nothing, unknown words of an
//! enumeration are kept as text: the platform adds and leaves out as it likes. Deliberately absent: what follows from it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use dashdeploy_contract::ApiAnswer;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An app.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct App {
    pub(crate) organization: Organization,
}

/// What is said of an app's name.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    /// It is there, and the token may look at it.
    Here(App),
    /// Nobody has it.
    Free,
    /// Another organisation has it.
    Elsewhere,
}

/// An organisation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Organization {
    pub(crate) slug: String,
}

/// A machine.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) region: String,
    pub(crate) instance_id: String,
    pub(crate) image_ref: ImageRef,
    pub(crate) config: Option<Value>,
    /// What is known of the configuration where the machine's host does not answer.
    pub(crate) incomplete_config: Option<Value>,
    pub(crate) checks: Vec<Check>,
    pub(crate) events: Vec<Event>,
    pub(crate) host_status: Option<String>,
}

/// The image that a machine runs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct ImageRef {
    pub(crate) registry: String,
    pub(crate) repository: String,
    pub(crate) digest: Option<String>,
}

/// The last result of a check.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Check {
    pub(crate) status: String,
    pub(crate) output: Option<String>,
}

/// Something that happened to a machine.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) timestamp: i64,
    /// What it is about; each kind has a form of its own.
    pub(crate) request: Value,
}

/// How a machine's program ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) code: i64,
    pub(crate) out_of_memory: bool,
    /// How often it was started again before.
    pub(crate) restarts: u64,
}

/// A volume.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) region: String,
    pub(crate) size_gb: u64,
    pub(crate) attached_machine_id: Option<String>,
    pub(crate) snapshot_retention: Option<u32>,
}

/// What became of a volume that was made larger.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Extended {
    /// True where its machine sees that only after a start.
    pub(crate) needs_restart: bool,
}

/// A secret's name and the digest that Fly.io shows of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) digest: String,
}

/// Secrets, and the version of all of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Secrets {
    pub(crate) secrets: Vec<Secret>,
    pub(crate) version: Option<u64>,
    /// The same under its former name.
    #[serde(rename = "Version")]
    pub(crate) former_version: Option<u64>,
}

/// Addresses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ips {
    pub(crate) ips: Vec<Ip>,
}

/// An address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ip {
    pub(crate) ip: String,
}

/// A certificate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Certificate {
    pub(crate) configured: bool,
    pub(crate) status: String,
    pub(crate) dns_requirements: Dns,
    pub(crate) validation_errors: Vec<ValidationError>,
}

/// What the domain's name servers must say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Dns {
    pub(crate) a: Vec<String>,
    pub(crate) aaaa: Vec<String>,
    pub(crate) cname: String,
}

/// Why a certificate cannot be had.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ValidationError {
    pub(crate) message: String,
    pub(crate) remediation: String,
}

/// What the token may do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token>,
}

/// One of the tokens.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Token {
    pub(crate) org_slug: String,
}

/// A lease, which stands in `data` or by itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LeaseAnswer {
    pub(crate) data: Option<Lease>,
    #[serde(flatten)]
    pub(crate) flat: Lease,
}

/// A lease.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Lease {
    pub(crate) nonce: String,
    pub(crate) owner: String,
    pub(crate) description: String,
}

/// A page of logs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogPage {
    pub(crate) data: Vec<LogEntry>,
    pub(crate) meta: LogMeta,
}

/// One line.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogEntry {
    pub(crate) id: String,
    pub(crate) attributes: LogAttributes,
}

/// A line's facts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogAttributes {
    pub(crate) timestamp: String,
    pub(crate) message: String,
    pub(crate) level: String,
}

/// Where the next page begins.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LogMeta {
    pub(crate) next_token: Option<String>,
}

impl Machine {
    /// Its configuration, or as much of it as is known.
    pub(crate) fn known_config(&self) -> Option<&Value> {
        self.config.as_ref().or(self.incomplete_config.as_ref())
    }

    /// A mark of the machine's metadata.
    pub(crate) fn mark(&self, name: &str) -> Option<&str> {
        self.known_config()?.get("metadata")?.get(name)?.as_str()
    }

    /// True where it is there: neither gone nor going (fly.io/docs/machines/machine-states).
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self.state.as_str(), "destroyed" | "destroying" | "replaced" | "replacing" | "migrated")
    }

    /// True where its host answers.
    pub(crate) fn is_reachable(&self) -> bool {
        self.host_status.as_deref().is_none_or(|status| status == "ok")
    }

    /// The newest end of its program since it got its configuration, unless that was asked for.
    pub(crate) fn last_exit(&self) -> Option<Exit> {
        let anew = ["launch", "update", "replace", "migrate"];
        // Of one moment the newest stands first.
        let events =
            || self.events.iter().enumerate().map(|(at, event)| ((event.timestamp, Reverse(at)), event));
        let begun = events().filter(|(_, event)| anew.contains(&event.kind.as_str()));
        let begun = begun.map(|(moment, _)| moment).max();
        let exits = events().filter(|(moment, event)| event.kind == "exit" && Some(*moment) > begun);
        let request = &exits.max_by_key(|(moment, _)| *moment)?.1.request;
        let end = request.get("exit_event").filter(|end| end.is_object())?;
        let is = |name: &str| end.get(name).and_then(Value::as_bool).unwrap_or_default();
        (!is("requested_stop")).then(|| Exit {
            code: end.get("exit_code").and_then(Value::as_i64).unwrap_or_default(),
            out_of_memory: is("oom_killed"),
            restarts: request.get("restart_count").and_then(Value::as_u64).unwrap_or_default(),
        })
    }

    /// When it was started last, in seconds since 1970-01-01 UTC.
    pub(crate) fn started_at(&self) -> Option<i64> {
        let starts = self.events.iter().filter(|event| event.kind == "start" && event.timestamp > 0);
        starts.map(|event| event.timestamp / 1000).max()
    }

    /// The newest thing that happened to it, for people.
    pub(crate) fn last_event(&self) -> Option<&str> {
        self.events.iter().max_by_key(|event| event.timestamp).map(|event| event.kind.as_str())
    }
}

impl Ip {
    /// True for an address inside the organisation's private network (fly.io/docs/networking/private-networking: fdaa::/16).
    pub(crate) fn is_private(&self) -> bool {
        self.ip.starts_with("fdaa:")
    }
}

impl Volume {
    /// True where it can be used: neither gone nor going.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(
            self.state.as_str(),
            "scheduling_destroy"
                | "fork_cleanup"
                | "waiting_for_detach"
                | "pending_destroy"
                | "destroying"
                | "destroyed"
        )
    }
}

impl Certificate {
    /// `active`, or what is still missing.
    pub(crate) fn words(&self) -> String {
        if self.configured {
            return "active".to_owned();
        }
        if let Some(error) = self.validation_errors.first() {
            return format!("{} {}", error.message, error.remediation).trim().to_owned();
        }
        let dns = &self.dns_requirements;
        let wanted = match (dns.cname.as_str(), dns.a.first(), dns.aaaa.first()) {
            ("", Some(a), Some(aaaa)) => format!("an A record {a} and an AAAA record {aaaa}"),
            ("", _, Some(aaaa)) => format!("an AAAA record {aaaa}"),
            ("", ..) => return format!("it is {}", self.status),
            (cname, ..) => format!("a CNAME record {cname}"),
        };
        format!("its name server must have {wanted}")
    }
}

impl Secrets {
    /// The version that a machine has to wait for.
    pub(crate) fn latest(&self) -> Option<u64> {
        self.version.or(self.former_version)
    }

    /// Fly's digest of each, by name.
    pub(crate) fn digests(&self) -> BTreeMap<String, String> {
        self.secrets.iter().map(|secret| (secret.name.clone(), secret.digest.clone())).collect()
    }
}

impl LeaseAnswer {
    /// The lease.
    pub(crate) fn lease(self) -> Lease {
        self.data.unwrap_or(self.flat)
    }
}

/// Reads a body; `null` counts as not said.
///
/// # Errors
/// What is wrong with it, without showing it.
pub(crate) fn decode<T: DeserializeOwned>(answer: &ApiAnswer) -> Result<T, String> {
    let mut value: Value = answer.json()?;
    drop_nulls(&mut value);
    serde_json::from_value(value).map_err(|error| {
        // Of a wrong type serde_json names what was wanted and what came, which may be a value of somebody's.
        let kind = if error.is_data() { "a field has another type" } else { "it ends too early" };
        format!("its answer is not what it documents ({kind})")
    })
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
