//! The portability report: what of a project a platform carries, topic by topic.
//!
//! Given: a bound project and a target's answers. Gives: rows of data; each says whether a thing is carried exactly, roughly
//! or not at all, why, and which page of the vendor says so. Deliberately absent: any platform's facts, and the text that a
//! person reads.

use serde::{Deserialize, Serialize};

use crate::{Bound, Finding, HealthCheck, Name, Place, Service, ServiceKind, Severity, Source};

/// How much of a thing is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As dashdeploy.yaml says.
    Exact,
    /// Nearly, or by another way; the reason says what differs.
    Approximated,
    /// Not at all.
    Impossible,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The service as a whole: whether the platform runs containers, or serves files.
    Hosting,
    /// Its name on the platform.
    Name,
    /// Where it runs.
    Region,
    /// Memory and processors.
    Size,
    /// Where its image comes from, and whether a private one can be pulled.
    Image,
    /// The port it listens on.
    Port,
    /// Its public address, and whether that is known before the first deploy.
    Address,
    /// The user's own host name.
    Domain,
    /// How the platform tells that it works.
    Health,
    /// The command instead of the image's own.
    Command,
    /// Variables at run time.
    Variables,
    /// Variables that are built into a page.
    BuildVariables,
    /// Secrets, by name.
    Secrets,
    /// Data that outlives containers.
    Volumes,
    /// How locks of files behave on the volume: SQLite's data is lost without them.
    Locks,
    /// Whether requests are answered while a release takes the place of another.
    ZeroDowntime,
    /// More than one copy.
    Replicas,
    /// The order in which services start.
    Order,
    /// A root file system that cannot be written to.
    ReadOnly,
    /// Paths that a page hands on to a service.
    Proxy,
    /// The page for paths that are no file.
    Fallback,
    /// Response headers of a page.
    Headers,
    /// How long browsers and edges keep a page's files.
    Caching,
    /// Log level, access log, and where logs go.
    Logs,
    /// Built files that are sent without a repository.
    Upload,
}

/// One row of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portability {
    /// The service.
    pub service: Name,
    /// What it is about.
    pub topic: Topic,
    /// How much is carried.
    pub verdict: Verdict,
    /// The path of the key in dashdeploy.yaml that asks for it.
    pub key: String,
    /// Why, in one sentence without a full stop.
    pub reason: String,
    /// The vendor's page that says so.
    pub page: String,
    /// The edit that carries more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where the key stands, once known.
    #[serde(skip_deserializing)]
    pub place: Option<Place>,
}

impl Topic {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hosting => "hosting",
            Self::Name => "name",
            Self::Region => "region",
            Self::Size => "size",
            Self::Image => "image",
            Self::Port => "port",
            Self::Address => "address",
            Self::Domain => "domain",
            Self::Health => "health",
            Self::Command => "command",
            Self::Variables => "variables",
            Self::BuildVariables => "build-variables",
            Self::Secrets => "secrets",
            Self::Volumes => "volumes",
            Self::Locks => "locks",
            Self::ZeroDowntime => "zero-downtime",
            Self::Replicas => "replicas",
            Self::Order => "order",
            Self::ReadOnly => "read-only",
            Self::Proxy => "proxy",
            Self::Fallback => "fallback",
            Self::Headers => "headers",
            Self::Caching => "caching",
            Self::Logs => "logs",
            Self::Upload => "upload",
        }
    }

    /// The topics that a service raises: a target's report has a row for each, and for no other.
    pub fn raised(bound: &Bound, service: &Service) -> Vec<Self> {
        let is_page = service.kind() == ServiceKind::Static;
        let shared = [
            (Self::Hosting, true),
            (Self::Name, true),
            (Self::Region, bound.region_of(service).is_some()),
            (Self::Address, service.port.is_some()),
            (Self::Domain, bound.domains.contains_key(&service.name)),
            (Self::ZeroDowntime, service.port.is_some()),
            (Self::Logs, true),
        ];
        let page = [
            (Self::BuildVariables, !service.env.is_empty()),
            (Self::Proxy, !service.proxy.is_empty()),
            (Self::Fallback, service.is_spa()),
            (Self::Headers, true),
            (Self::Caching, true),
            (Self::Upload, true),
        ];
        let container = [
            (Self::Size, true),
            (Self::Image, true),
            (Self::Port, service.port.is_some()),
            (Self::Health, service.health != HealthCheck::None),
            (Self::Command, service.command.is_some()),
            (Self::Variables, !service.env.is_empty()),
            (Self::Secrets, !service.secrets.is_empty()),
            (Self::Volumes, !service.volumes.is_empty()),
            (Self::Locks, !service.volumes.is_empty()),
            (Self::Replicas, service.replicas > 1),
            (Self::Order, !bound.dependencies(service).is_empty()),
            (Self::ReadOnly, service.read_only),
        ];
        let own: &[(Self, bool)] = if is_page { &page } else { &container };
        shared.iter().chain(own).filter(|(_, raised)| *raised).map(|(topic, _)| *topic).collect()
    }

    /// The key of a service's part in dashdeploy.yaml that raises the topic.
    pub fn key(self, bound: &Bound, service: &Service) -> String {
        let base = format!("services.{}", service.name);
        let here = format!("environments.{}.services.{}", bound.environment, service.name);
        match self {
            Self::Region => bound.region_key(service),
            Self::Domain => format!("{here}.domain"),
            Self::Hosting | Self::Name | Self::Upload | Self::Fallback | Self::Caching => base,
            Self::Size => format!("{base}.memory"),
            Self::Image => match service.source {
                Source::Build(_) => format!("{base}.build"),
                Source::Image(_) => format!("{base}.image"),
            },
            Self::Port | Self::Address => format!("{base}.port"),
            Self::Health | Self::ZeroDowntime => format!("{base}.health"),
            Self::Command => format!("{base}.command"),
            Self::Variables | Self::BuildVariables => format!("{base}.env"),
            Self::Secrets => format!("{base}.secrets"),
            Self::Volumes | Self::Locks => format!("{base}.volumes"),
            Self::Replicas => format!("{base}.replicas"),
            Self::Order => format!("{base}.depends_on"),
            Self::ReadOnly => format!("{base}.read_only"),
            Self::Proxy => format!("{base}.proxy"),
            Self::Headers => format!("{base}.headers"),
            Self::Logs => format!("{base}.log"),
        }
    }
}

/// What a target says about one topic of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    verdict: Verdict,
    reason: String,
    page: String,
    hint: Option<String>,
    key: Option<String>,
}

impl Answer {
    /// Carried as dashdeploy.yaml says; `reason` says how, `page` is the vendor's.
    pub fn exact(reason: impl Into<String>, page: &str) -> Self {
        Self::new(Verdict::Exact, reason, page)
    }

    /// Carried nearly, or by another way.
    pub fn approximated(reason: impl Into<String>, page: &str) -> Self {
        Self::new(Verdict::Approximated, reason, page)
    }

    /// Not carried: `check` makes an error of it where an environment asks for it.
    pub fn impossible(reason: impl Into<String>, page: &str) -> Self {
        Self::new(Verdict::Impossible, reason, page)
    }

    fn new(verdict: Verdict, reason: impl Into<String>, page: &str) -> Self {
        Self { verdict, reason: reason.into(), page: page.to_owned(), hint: None, key: None }
    }

    /// The same answer with the edit that carries more.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same answer at another key than the topic's own.
    #[must_use]
    pub fn at(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

impl Portability {
    /// The report of a target: an answer for each topic that its services raise.
    pub fn report(bound: &Bound, target: &str, answer: &dyn Fn(&Service, Topic) -> Answer) -> Vec<Self> {
        let of = |service: &Service| {
            let topics = Topic::raised(bound, service).into_iter();
            topics.map(|topic| Self::row(bound, service, topic, answer(service, topic))).collect::<Vec<_>>()
        };
        bound.services_on(target).flat_map(of).collect()
    }

    fn row(bound: &Bound, service: &Service, topic: Topic, answer: Answer) -> Self {
        Self {
            service: service.name.clone(),
            topic,
            verdict: answer.verdict,
            key: answer.key.unwrap_or_else(|| topic.key(bound, service)),
            reason: answer.reason,
            page: answer.page,
            hint: answer.hint,
            place: None,
        }
    }

    /// The row as a finding of `check`: what is impossible is an error, what is approximated worth knowing.
    pub fn finding(&self, target: &str) -> Option<Finding> {
        let severity = match self.verdict {
            Verdict::Exact => return None,
            // Data may be lost.
            Verdict::Approximated if self.topic == Topic::Locks => Severity::Warning,
            Verdict::Approximated => Severity::Info,
            Verdict::Impossible => Severity::Error,
        };
        let message = format!("{target} and `{}`: {}", self.service, self.reason);
        let mut finding = Finding::info("portability", self.key.clone(), message);
        finding.code = format!("not-portable-{}", self.topic.as_str()).into();
        finding.severity = severity;
        finding.hint = Some(match &self.hint {
            Some(hint) => format!("{hint} ({})", self.page),
            None => format!("see {}", self.page),
        });
        finding.place.clone_from(&self.place);
        Some(finding)
    }
}
