//! What is written into a ledger, one entry a line.
//!
//! Given: nothing; these are the shapes. Deliberately absent: secret values. A [`Release`] holds fingerprints of them, an
//! operation and an address hold none by the rules of [`dashdeploy_contract::WriteCall`], and evidence goes through
//! [`Ending::redacted`].

use dashdeploy_contract::{GitSource, Release, SecretStore};
use serde::{Deserialize, Serialize};

/// Lines of evidence that an ending keeps, and characters of each.
const EVIDENCE: (usize, usize) = (200, 500);

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The first line of a ledger.
    Header(Header),
    /// A run begins; nothing has been changed yet.
    Begin(Box<Begun>),
    /// A call that changes something is about to be sent.
    Intent(Intended),
    /// What came of it.
    Result(Called),
    /// The run ended.
    End(Ended),
}

/// Which ledger this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`super::SCHEMA`] of the version that began it.
    pub schema: u32,
    /// Told apart from every other ledger by this: 32 hex digits.
    pub lineage: String,
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
}

/// Why a run is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A release is put there.
    Deploy,
    /// A former release's content is put there again, as a release of its own.
    Rollback {
        /// The former release's number.
        of: u32,
    },
    /// The environment is taken away.
    Destroy,
    /// Secrets are set or unset where the platform keeps them.
    Secrets,
}

/// Who does it, from where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    /// The user's name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The version of dashdeploy.
    pub version: String,
    /// The page of the CI run, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci: Option<String>,
}

/// What a run is begun with.
#[derive(Debug, Clone, PartialEq)]
pub struct Begin {
    /// Why.
    pub kind: RunKind,
    /// What is put there; none where nothing is. Its number is the ledger's next, or none for the ledger to give it.
    pub release: Option<Release>,
    /// The commit, where the release does not tell it.
    pub git: Option<GitSource>,
    /// Who.
    pub actor: Actor,
}

/// A run that began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    /// The run's id, made once.
    pub run: String,
    /// Seconds since 1970-01-01 UTC.
    pub at: i64,
    /// Why.
    pub kind: RunKind,
    /// What is put there, with its number; none where nothing is.
    #[serde(default)]
    pub release: Option<Release>,
    /// The commit.
    #[serde(default)]
    pub git: Option<GitSource>,
    /// Who.
    pub actor: Actor,
}

/// A call that is about to be sent. Its line's number is what [`Called::intent`] names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intended {
    /// The run.
    pub run: String,
    /// Seconds since 1970-01-01 UTC.
    pub at: i64,
    /// What is being done: `create the machine shop-api`.
    pub operation: String,
    /// To what: method and address without a query.
    pub address: String,
}

/// How a call came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Done.
    Ok,
    /// Surely not done.
    Failed,
    /// It may have been done.
    Unknown,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it came out.
    pub status: Status,
    /// The platform's id of what was made or changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// The platform's name for the request, for its operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What came of an intended call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// The run.
    pub run: String,
    /// Seconds since 1970-01-01 UTC.
    pub at: i64,
    /// The number of the intent's line.
    pub intent: u64,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Final {
    /// The release serves.
    Deployed,
    /// It failed before anything that serves was touched.
    Failed,
    /// It failed, and what served before serves again.
    RolledBack,
    /// The user ended it, and what served before serves.
    Interrupted,
    /// The environment is gone.
    Destroyed,
    /// Something has to be done by hand.
    Partial,
    /// What was to be changed beside a release (secrets) is changed.
    Changed,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// How.
    pub outcome: Final,
    /// A sentence for people.
    pub message: String,
    /// The build ids of the pages that are served, by service.
    #[serde(default, skip_serializing_if = "indexmap::IndexMap::is_empty")]
    pub pages: indexmap::IndexMap<String, String>,
    /// The images that were pushed on the way, by service: `repository@sha256:…`.
    #[serde(default, skip_serializing_if = "indexmap::IndexMap::is_empty")]
    pub images: indexmap::IndexMap<String, String>,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Lines that show why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The run.
    pub run: String,
    /// Seconds since 1970-01-01 UTC.
    pub at: i64,
    /// How.
    #[serde(flatten)]
    pub ending: Ending,
}

impl Actor {
    /// The page of the CI run that the variables tell of: GitHub Actions
    /// (<https://docs.github.com/actions/reference/workflows-and-actions/variables>), GitLab CI
    /// (<https://docs.gitlab.com/ci/variables/predefined_variables/>).
    pub fn ci_run<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        let github = || {
            let server = variable("GITHUB_SERVER_URL")?;
            let (repository, run) = (variable("GITHUB_REPOSITORY")?, variable("GITHUB_RUN_ID")?);
            let attempt =
                variable("GITHUB_RUN_ATTEMPT").map(|n| format!("/attempts/{n}")).unwrap_or_default();
            Some(format!("{server}/{repository}/actions/runs/{run}{attempt}"))
        };
        let gitlab = || variable("CI_JOB_URL").or_else(|| variable("CI_PIPELINE_URL")).map(str::to_owned);
        github().or_else(gitlab).filter(|url| url.starts_with("http") && url.len() <= 500)
    }

    /// Who and from where, for people: `ann@laptop, process 4711`, or with the page of the CI run.
    pub fn words(&self) -> String {
        let from = match &self.ci {
            Some(url) => url.clone(),
            None => format!("process {}", self.pid),
        };
        let text = format!("{}@{}, {from}", self.user, self.host);
        text.chars().filter(|c| !c.is_control()).take(600).collect()
    }
}

impl Outcome {
    /// An outcome of which nothing else is known.
    pub fn new(status: Status) -> Self {
        Self { status, remote_id: None, request_id: None }
    }
}

impl Ending {
    /// An ending with a sentence and nothing else.
    pub fn new(outcome: Final, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            pages: indexmap::IndexMap::new(),
            images: indexmap::IndexMap::new(),
            millis: 0,
            evidence: Vec::new(),
        }
    }

    /// The same without any known secret value, and short enough to be kept: the last 200 lines of 500 characters.
    #[must_use]
    pub fn redacted(mut self, secrets: &SecretStore) -> Self {
        self.message = secrets.redact(&self.message);
        // Redacted as one text too: a value of several lines is known as a whole and line by line.
        let whole = secrets.redact(&self.evidence.join("\n"));
        let lines: Vec<String> = whole.lines().map(|line| secrets.redact(line)).collect();
        let skipped = lines.len().saturating_sub(EVIDENCE.0);
        self.evidence = lines.into_iter().skip(skipped).collect();
        self.bounded()
    }

    /// The same with evidence and message cut to what is kept.
    #[must_use]
    pub(crate) fn bounded(mut self) -> Self {
        let cut = |text: &str| text.chars().take(EVIDENCE.1).collect::<String>();
        self.message = self.message.chars().take(4 * EVIDENCE.1).collect();
        let skipped = self.evidence.len().saturating_sub(EVIDENCE.0);
        self.evidence = self.evidence.iter().skip(skipped).map(|line| cut(line)).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dashdeploy_contract::Name;
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn ci_runs_are_named_by_their_page() {
        let of = |pairs: &[(&str, &'static str)]| {
            let all: BTreeMap<String, &'static str> =
                pairs.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
            Actor::ci_run(|name| all.get(name).copied())
        };
        let github = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_RUN_ATTEMPT", "2"),
        ];
        assert_eq!(of(&github).unwrap(), "https://github.com/acme/shop/actions/runs/7/attempts/2");
        assert_eq!(
            of(&[("CI_JOB_URL", "https://gitlab.com/a/-/jobs/1")]).unwrap(),
            "https://gitlab.com/a/-/jobs/1"
        );
        assert_eq!(of(&[("CI_JOB_URL", "javascript:x")]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn no_secret_value_gets_into_an_ending() {
        let mut secrets = SecretStore::default();
        let api = Name::from_any("api", "api");
        secrets.insert(&api, "KEY", SecretString::from("canary-1\ncanary-2-long"));
        secrets.insert(&api, "OTHER", SecretString::from("canary-3"));
        let mut ending = Ending::new(Final::Failed, "said canary-3");
        ending.evidence = vec!["a canary-1".into(), "canary-2-long b".into(), "x".repeat(900)];
        let kept = ending.redacted(&secrets);
        let text = serde_json::to_string(&kept).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(kept.evidence.last().unwrap().chars().count(), 500);
    }
}
