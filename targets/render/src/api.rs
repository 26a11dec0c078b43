//! Render's calls, one function each.
//!
//! Given: ways out, the key, the base address. Gives: what is answered, decoded, or an error with Render's words. Deliberately absent:
//! what follows from an answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use dashdeploy_contract::{
    Access, ApiAnswer, CallError, Clock, ErrorKind, Method, Pace, ReadCall, Reads, Repeat, TargetError,
    WriteCall, Writes, no_writes,
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{ours, refused, unanswered};
use crate::wire;

/// Where the API is.
const HOST: (&str, &str) = ("RENDER_HOST", "https://api.render.com/v1/");
/// The variable with the workspace.
const WORKSPACE: &str = "RENDER_WORKSPACE";
/// The variable with the key.
const KEY: &str = "RENDER_API_KEY";
/// Items of a page, the most there are.
const PAGE: usize = 100;

/// The way to Render.
#[derive(Clone)]
pub(crate) struct Api {
    reads: Arc<dyn Reads>,
    writes: Arc<dyn Writes>,
    pub(crate) clock: Arc<dyn Clock>,
    base: String,
    authorization: SecretString,
    workspace: Option<String>,
    /// The workspaces that were looked for, by what was asked for.
    found: Arc<Mutex<BTreeMap<Option<String>, String>>>,
}

/// A call that changes something.
pub(crate) struct Change<'a> {
    pub(crate) operation: &'a str,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) body: Option<Value>,
    pub(crate) repeat: Repeat,
}

impl<'a> Change<'a> {
    /// A call that may be repeated.
    pub(crate) fn of(method: Method, operation: &'a str, path: &'a str, body: Option<Value>) -> Self {
        Self { operation, method, path, body, repeat: Repeat::Harmless }
    }

    /// A `POST` that makes something, and twice would make two.
    pub(crate) fn create(operation: &'a str, path: &'a str, body: Value) -> Self {
        Self { repeat: Repeat::Once, ..Self::of(Method::Post, operation, path, Some(body)) }
    }
}

impl Api {
    /// The way by an access, and one to write where that is given.
    ///
    /// # Errors
    /// `Denied` without a key.
    pub(crate) fn of(access: &Access, writes: Option<Arc<dyn Writes>>) -> Result<Self, TargetError> {
        let key = access.credentials.get(KEY).filter(|key| !key.expose_secret().trim().is_empty()).ok_or_else(|| {
            ours(ErrorKind::Denied, "connect", format!("{KEY} is not set"))
                .hint(format!("make a key at dashboard.render.com/u/settings#api-keys and give it: `{KEY}=… dashdeploy …`"))
        })?;
        let key = key.expose_secret().trim();
        let key = key.strip_prefix("Bearer ").unwrap_or(key);
        Ok(Self {
            reads: Arc::clone(&access.reads),
            writes: writes.unwrap_or_else(no_writes),
            clock: Arc::clone(&access.clock),
            base: base(access.setting(HOST.0, HOST.1)),
            authorization: SecretString::from(format!("Bearer {key}")),
            workspace: access.settings.get(WORKSPACE).filter(|name| !name.is_empty()).cloned(),
            found: Arc::default(),
        })
    }

    fn read(&self, operation: &str, path: &str) -> ReadCall {
        let mut call = ReadCall::new(operation, format!("{}{path}", self.base));
        call.authorization = Some(self.authorization.clone());
        call.headers.push(("accept".to_owned(), "application/json".to_owned()));
        // 400 in any minute: 280 at once, so that many services are looked at together, and 120 in the minute after.
        call.pace = Some(Pace { shared_by: "GET".to_owned(), per_second: 2.0, burst: 280 });
        call
    }

    async fn get<T: DeserializeOwned>(&self, operation: &str, path: &str) -> Result<T, TargetError> {
        let answer =
            self.reads.get(self.read(operation, path)).await.map_err(|error| unanswered(error, operation))?;
        decoded(&answer, operation)
    }

    /// All items of a list, page by page.
    async fn list<T: DeserializeOwned>(&self, operation: &str, path: &str) -> Result<Vec<T>, TargetError> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let join = if path.contains('?') { '&' } else { '?' };
            let page: Vec<wire::Item<T>> =
                self.get(operation, &format!("{path}{join}limit={PAGE}{cursor}")).await?;
            let last = page.len() < PAGE;
            let next = page.last().map(|item| item.cursor.clone()).unwrap_or_default();
            all.extend(page.into_iter().map(|item| item.thing));
            if last || next.is_empty() || cursor == format!("&cursor={next}") {
                return Ok(all);
            }
            cursor = format!("&cursor={}", encoded(&next));
        }
    }

    /// Sends a change; any status is an answer.
    pub(crate) async fn send(&self, change: Change<'_>) -> Result<ApiAnswer, CallError> {
        let mut to = self.read(change.operation, change.path);
        to.pace = Some(pace(change.method, change.path));
        self.writes
            .send(WriteCall { to, method: change.method, body: change.body, repeat: change.repeat })
            .await
    }

    /// The same where only a success will do.
    pub(crate) async fn change(&self, change: Change<'_>) -> Result<ApiAnswer, TargetError> {
        let operation = change.operation.to_owned();
        let answer = self.send(change).await.map_err(|error| unanswered(error, &operation))?;
        if answer.is_success() { Ok(answer) } else { Err(refused(&answer, &operation)) }
    }

    /// The workspace: the one asked for, else that of the variable, else the only one.
    ///
    /// # Errors
    /// `Invalid` with the choices.
    pub(crate) async fn workspace(&self, asked: Option<&str>) -> Result<String, TargetError> {
        let asked = asked.or(self.workspace.as_deref());
        if let Some(id) = asked.filter(|id| id.starts_with("tea-") || id.starts_with("usr-")) {
            return Ok(id.to_owned());
        }
        let known =
            self.found.lock().unwrap_or_else(PoisonError::into_inner).get(&asked.map(str::to_owned)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let operation = "look for the workspace";
        let owners: Vec<wire::Owner> = self.list(operation, "owners").await?;
        let found: Vec<&wire::Owner> =
            owners.iter().filter(|owner| asked.is_none_or(|name| owner.name == name)).collect();
        if let [only] = found.as_slice() {
            let mut known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(asked.map(str::to_owned), only.id.clone());
            return Ok(only.id.clone());
        }
        let names: Vec<String> =
            owners.iter().map(|owner| format!("{} ({})", owner.name, owner.id)).collect();
        let message = match asked {
            Some(name) => format!("{} workspaces are called `{name}`", found.len()),
            None => format!("the key sees {} workspaces", owners.len()),
        };
        Err(ours(ErrorKind::Invalid, operation, message).hint(format!(
            "name one by `options: {{ workspace: … }}` of the environment, or {WORKSPACE}: {}",
            names.join(", ")
        )))
    }

    /// The services of some names, previews left out.
    pub(crate) async fn services(
        &self,
        names: &[String],
        owner: &str,
    ) -> Result<Vec<wire::Service>, TargetError> {
        let wanted: String = names.iter().map(|name| format!("name={}&", encoded(name))).collect();
        let path = format!("services?{wanted}ownerId={}&includePreviews=false", encoded(owner));
        let found: Vec<wire::Service> = self.list("look for the services", &path).await?;
        Ok(found.into_iter().filter(|service| names.contains(&service.name)).collect())
    }

    /// A service by its id.
    pub(crate) async fn service(&self, id: &str) -> Result<wire::Service, TargetError> {
        self.get(&format!("look at service {id}"), &format!("services/{id}")).await
    }

    /// A service's variables.
    pub(crate) async fn variables(&self, id: &str) -> Result<Vec<wire::Variable>, TargetError> {
        self.list(&format!("read the variables of {id}"), &format!("services/{id}/env-vars")).await
    }

    /// A service's newest deploys, newest first.
    pub(crate) async fn deploys(&self, id: &str) -> Result<Vec<wire::Deploy>, TargetError> {
        let operation = format!("list the deploys of {id}");
        let page: Vec<wire::Item<wire::Deploy>> =
            self.get(&operation, &format!("services/{id}/deploys?limit=20")).await?;
        Ok(page.into_iter().map(|item| item.thing).collect())
    }

    /// A service's own host names.
    pub(crate) async fn domains(&self, id: &str) -> Result<Vec<wire::Domain>, TargetError> {
        self.list(&format!("list the host names of {id}"), &format!("services/{id}/custom-domains")).await
    }

    /// A static site's rules: `routes` or `headers`.
    pub(crate) async fn rules(&self, id: &str, what: &str) -> Result<Vec<Map<String, Value>>, TargetError> {
        self.list(&format!("list the {what} of {id}"), &format!("services/{id}/{what}")).await
    }

    /// The registry credential of a name.
    pub(crate) async fn credential(
        &self,
        name: &str,
        owner: &str,
    ) -> Result<Option<wire::Credential>, TargetError> {
        let path = format!("registrycredentials?ownerId={}&name={}", encoded(owner), encoded(name));
        let operation = "look for the registry credential";
        let answer = self.reads.get(self.read(operation, &path)).await;
        let answer = answer.map_err(|error| unanswered(error, operation))?;
        let value: Vec<Value> = decoded(&answer, operation)?;
        // The list's items are wrapped like all others in some answers and bare in others.
        let bare = value.into_iter().map(|item| item.get("registryCredential").cloned().unwrap_or(item));
        let all = bare.filter_map(|item| serde_json::from_value::<wire::Credential>(item).ok());
        Ok(all.into_iter().find(|credential| credential.name == name))
    }

    /// One page of a service's logs.
    pub(crate) async fn logs(&self, query: &str) -> Result<wire::LogPage, TargetError> {
        self.get("read the logs", &format!("logs?{query}")).await
    }
}

/// The platform's documented limits of writes (<https://api-docs.render.com/reference/rate-limiting>).
fn pace(method: Method, path: &str) -> Pace {
    let minute = |calls: f64, burst| (calls / 60.0, burst);
    let (per_second, burst) = match (method, path) {
        (Method::Post, "services") => (20.0 / 3600.0, 20),
        (Method::Patch, _) => minute(10.0, 10),
        (_, path)
            if path.ends_with("/deploys") || path.ends_with("/resume") || path.ends_with("/suspend") =>
        {
            minute(10.0, 10)
        }
        _ => minute(30.0, 30),
    };
    let shared = match per_second {
        ordinary if (ordinary - 0.5).abs() < f64::EPSILON => "writes".to_owned(),
        _ => format!("{} {path}", method.as_str()),
    };
    Pace { shared_by: shared, per_second, burst }
}

/// The base address with `/v1/`, however it was written.
fn base(host: &str) -> String {
    let host = host.trim().trim_end_matches('/');
    let host = host.strip_suffix("/v1").unwrap_or(host);
    let scheme = if host.contains("://") { "" } else { "https://" };
    format!("{scheme}{host}/v1/")
}

/// A value as a part of a query (RFC 3986, section 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The body of a success.
pub(crate) fn decoded<T: DeserializeOwned>(answer: &ApiAnswer, operation: &str) -> Result<T, TargetError> {
    if !answer.is_success() {
        return Err(refused(answer, operation));
    }
    answer.json().map_err(|why| ours(ErrorKind::Unexpected, operation, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_taken_in_every_form() {
        for form in [
            "https://api.render.com/v1/",
            "https://api.render.com",
            "api.render.com/v1",
            "https://api.render.com/",
        ] {
            assert_eq!(base(form), "https://api.render.com/v1/", "{form}");
        }
        assert_eq!(base("http://127.0.0.1:4281"), "http://127.0.0.1:4281/v1/");
        assert_eq!(encoded("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }

    #[test]
    fn items_are_unwrapped_by_whatever_name() {
        let item: wire::Item<wire::Deploy> =
            serde_json::from_str(r#"{"deploy": {"id": "dep-1", "status": "live", "image": {"ref": "a/b@sha256:1"}}, "cursor": "c"}"#).unwrap();
        assert_eq!((item.thing.digest().as_deref(), item.cursor.as_str()), (Some("sha256:1"), "c"));
        let item: wire::Item<wire::Variable> =
            serde_json::from_str(r#"{"envVar": {"key": "A", "value": "1"}, "cursor": ""}"#).unwrap();
        assert_eq!(item.thing.key, "A");
    }
}
