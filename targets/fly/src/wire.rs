//! What Fly.io answers, as far as it is read. Unknown fields are passed over, missing ones are nothing: the platform adds and leaves
//! out as it likes (the schemas of api.machines.dev/v1).

use serde::Deserialize;
use serde_json::Value;

/// An app.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct App {
    pub(crate) organization: Organization,
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

/// Something that happened to a machine; the newest stands first.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) request: Option<EventRequest>,
}

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct EventRequest {
    pub(crate) exit_event: Option<Exit>,
    pub(crate) restart_count: u32,
}

/// How a machine's program ended.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Exit {
    pub(crate) exit_code: i64,
    pub(crate) requested_stop: bool,
    pub(crate) oom_killed: bool,
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
    /// The API documents it with the capital letter in some answers.
    #[serde(alias = "Version")]
    pub(crate) version: Option<u64>,
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
    pub(crate) shared: bool,
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
    pub(crate) nonce: String,
}

/// A lease.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Lease {
    pub(crate) nonce: String,
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
    /// A mark of the machine's metadata.
    pub(crate) fn mark(&self, name: &str) -> Option<&str> {
        self.config.as_ref()?.get("metadata")?.get(name)?.as_str()
    }

    /// True where it is there: neither gone nor going.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self.state.as_str(), "destroyed" | "destroying" | "replaced" | "migrated")
    }

    /// The newest end of its program that nobody asked for.
    pub(crate) fn last_exit(&self) -> Option<(&Exit, u32)> {
        let exit = self.events.iter().find(|event| event.kind == "exit")?.request.as_ref()?;
        exit.exit_event.as_ref().filter(|end| !end.requested_stop).map(|end| (end, exit.restart_count))
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
        if self.configured && self.validation_errors.is_empty() {
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
