//! GitHub's API: which commit the newest release of an action is.
//!
//! Given: an action and its major version. Gives: tag and commit, or a [`GithubError`] with the mend. `GITHUB_API_URL` names
//! another server than github.com's, `GITHUB_TOKEN` or `GH_TOKEN` is shown to it. Deliberately absent: what is done with it.

use std::sync::Arc;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::env::Environment;
use super::http::{Answer, Http, Request};

/// Where github.com answers.
const USUAL: &str = "https://api.github.com";

/// GitHub, asked as somebody or as nobody.
#[derive(Debug)]
pub struct Github {
    http: Arc<Http>,
    base: String,
    token: Option<SecretString>,
}

/// Why GitHub gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GithubError {
    /// What happened.
    pub message: String,
    /// What mends it.
    pub hint: String,
}

/// <https://docs.github.com/rest/git/refs#list-matching-references>.
#[derive(Deserialize)]
struct Reference {
    r#ref: String,
    object: Object,
}

/// <https://docs.github.com/rest/git/tags#get-a-tag>.
#[derive(Deserialize)]
struct Tag {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
    r#type: String,
}

impl Github {
    /// The server that the environment names. Nothing is asked yet.
    pub fn new(http: Arc<Http>, environment: &Environment) -> Self {
        let base = environment.get("GITHUB_API_URL").unwrap_or(USUAL).trim_end_matches('/').to_owned();
        let token = environment.get("GITHUB_TOKEN").or_else(|| environment.get("GH_TOKEN"));
        Self { http, base, token: token.map(|token| SecretString::from(format!("Bearer {token}"))) }
    }

    /// The newest release `vMAJOR.x.y` of an action, as tag and commit; none where there is no such action or release.
    ///
    /// # Errors
    /// [`GithubError`].
    pub async fn newest(&self, action: &str, major: u64) -> Result<Option<(String, String)>, GithubError> {
        let path = format!("repos/{action}/git/matching-refs/tags/v{major}.");
        let Some(references) = self.get::<Vec<Reference>>(&path).await? else { return Ok(None) };
        let releases = references.into_iter().filter_map(|reference| {
            let tag = reference.r#ref.strip_prefix("refs/tags/")?.to_owned();
            Some((version(&tag).filter(|version| version[0] == major)?, tag, reference.object))
        });
        let Some((_, tag, object)) = releases.max_by_key(|(version, ..)| *version) else { return Ok(None) };
        let commit = if object.r#type == "tag" {
            let path = format!("repos/{action}/git/tags/{}", object.sha);
            let Some(tag) = self.get::<Tag>(&path).await? else { return Ok(None) };
            tag.object.sha
        } else {
            object.sha
        };
        if commit.len() != 40 || !commit.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(self.unexpected("what it calls a commit is none"));
        }
        Ok(Some((tag, commit)))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, GithubError> {
        let url = Url::parse(&format!("{}/{path}", self.base)).map_err(|_| {
            self.error("its address is none", "GITHUB_API_URL is like https://api.github.com")
        })?;
        let mut request = Request::new(Method::GET, url);
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        request.headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        request.authorization = self.token.clone();
        let sent = self.http.send(&request).await;
        let answer =
            sent.map_err(|error| GithubError { message: error.to_string(), hint: error.hint().to_owned() })?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => match serde_json::from_slice(&answer.body) {
                Ok(read) => Ok(Some(read)),
                Err(_) => Err(self.unexpected("it answers in another form than GitHub's")),
            },
            _ => Err(self.refused(&answer)),
        }
    }

    /// <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>.
    fn refused(&self, answer: &Answer) -> GithubError {
        let status = answer.status.as_u16();
        let spent = status == 429 || (status == 403 && answer.header("x-ratelimit-remaining") == Some("0"));
        match (status, self.token.is_some()) {
            (403 | 429, false) if spent => self.error(
                "it has answered enough for this hour",
                "set GITHUB_TOKEN to any token: without one it answers sixty times an hour",
            ),
            (403 | 429, _) if spent => self.error("it has answered enough for this hour", "try again later"),
            (401 | 403, true) => self
                .error("it does not take the token", "set GITHUB_TOKEN to a token that is good, or to none"),
            _ => self.unexpected(&format!("it answers with status {status}")),
        }
    }

    fn unexpected(&self, what: &str) -> GithubError {
        self.error(what, "check the address in GITHUB_API_URL; githubstatus.com says how GitHub is")
    }

    fn error(&self, what: &str, hint: &str) -> GithubError {
        GithubError { message: format!("{}: {what}", self.base), hint: hint.to_owned() }
    }
}

/// The three numbers of `v1.2.3`; none for anything else, such as `v1`, which moves, or `v1.2.3-rc1`.
pub fn version(tag: &str) -> Option<[u64; 3]> {
    let parts: Vec<u64> = tag.strip_prefix('v')?.split('.').map_while(|part| part.parse().ok()).collect();
    (tag.split('.').count() == 3).then_some(())?;
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_releases_are_versions() {
        assert_eq!(version("v6.0.2"), Some([6, 0, 2]));
        for other in ["v6", "6.0.2", "v6.0", "v6.0.2-rc1", "v6.0.2.1", "v6.x.1", "v"] {
            assert_eq!(version(other), None, "{other}");
        }
        assert!(version("v6.10.0") > version("v6.9.9"));
    }
}
