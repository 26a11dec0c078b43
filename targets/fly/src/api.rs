//! Fly.io's calls, one function each.
//!
//! Given: ways out, the token, base addresses. Gives: what is answered, decoded, or an error with the platform's words. Deliberately
//! absent: what follows from an answer, and retries, which the layers behind [`Reads`] and [`Writes`] make.

use std::sync::Arc;
use std::time::Duration;

use dashdeploy_contract::{
    Access, ApiAnswer, Clock, ErrorKind, Method, Pace, ReadCall, Reads, Repeat, TargetError, WriteCall,
    Writes, no_writes,
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::{ours, refused, unanswered};
use crate::wire;

/// Where the Machines API is, without `/v1`, as flyctl has it.
pub(crate) const FLAPS: (&str, &str) = ("FLY_FLAPS_BASE_URL", "https://api.machines.dev");
/// Where logs are.
const API: (&str, &str) = ("FLY_API_BASE_URL", "https://api.fly.io");
/// Where images are.
const REGISTRY: (&str, &str) = ("FLY_REGISTRY_HOST", "registry.fly.io");
/// The variable with the token.
const TOKEN: &str = "FLY_API_TOKEN";

/// The way to Fly.io.
#[derive(Clone)]
pub(crate) struct Api {
    reads: Arc<dyn Reads>,
    writes: Arc<dyn Writes>,
    pub(crate) clock: Arc<dyn Clock>,
    flaps: String,
    api: String,
    authorization: SecretString,
}

/// The token without a scheme, as the registry takes it for a password.
pub(crate) fn bare_token(access: &Access) -> Option<SecretString> {
    let token = access.credentials.get(TOKEN)?.expose_secret().trim();
    let bare = ["FlyV1 ", "Bearer "].iter().find_map(|scheme| token.strip_prefix(scheme)).unwrap_or(token);
    Some(SecretString::from(bare.trim())).filter(|token| !token.expose_secret().is_empty())
}

/// The host of the registry.
pub(crate) fn registry(access: &Access) -> &str {
    access.setting(REGISTRY.0, REGISTRY.1)
}

impl Api {
    /// The way by an access, and one to write where that is given.
    ///
    /// # Errors
    /// `Denied` without a token.
    pub(crate) fn of(access: &Access, writes: Option<Arc<dyn Writes>>) -> Result<Self, TargetError> {
        let token = bare_token(access).ok_or_else(|| {
            ours(ErrorKind::Denied, "connect", format!("{TOKEN} is not set")).hint(format!(
                "make a token with `fly tokens create org` and give it: `{TOKEN}=… dashdeploy …`"
            ))
        })?;
        let base = |(variable, default): (&str, &str)| {
            access.setting(variable, default).trim_end_matches('/').to_owned()
        };
        Ok(Self {
            reads: Arc::clone(&access.reads),
            writes: writes.unwrap_or_else(no_writes),
            clock: Arc::clone(&access.clock),
            flaps: format!("{}/v1", base(FLAPS).trim_end_matches("/v1")),
            api: base(API),
            authorization: authorization(&token),
        })
    }

    fn read(&self, operation: &str, url: String) -> ReadCall {
        let mut call = ReadCall::new(operation, url);
        call.authorization = Some(self.authorization.clone());
        call.headers.push(("accept".to_owned(), "application/json".to_owned()));
        call
    }

    async fn get(&self, operation: &str, path: &str) -> Result<ApiAnswer, TargetError> {
        let call = self.read(operation, format!("{}{path}", self.flaps));
        self.reads.get(call).await.map_err(|error| unanswered(error, operation))
    }

    /// What is there; none for 404.
    async fn find<T: DeserializeOwned>(&self, operation: &str, path: &str) -> Result<Option<T>, TargetError> {
        let answer = self.get(operation, path).await?;
        if answer.status == 404 { Ok(None) } else { decoded(&answer, operation).map(Some) }
    }

    /// Sends a change; any status is an answer. `paced` is what shares the platform's limit of one a second.
    pub(crate) async fn send(&self, change: Change<'_>) -> Result<ApiAnswer, dashdeploy_contract::CallError> {
        let mut to = self.read(change.operation, format!("{}{}", self.flaps, change.path));
        to.pace = Some(Pace {
            shared_by: format!("{} {}", change.method.as_str(), change.path),
            per_second: 1.0,
            burst: 3,
        });
        if let Some(nonce) = change.nonce {
            to.headers.push(("fly-machine-lease-nonce".to_owned(), nonce.to_owned()));
        }
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

    /// The organisations that the token is for.
    pub(crate) async fn organisations(&self) -> Result<Vec<String>, TargetError> {
        let operation = "look whose the token is";
        let answer = self.get(operation, "/tokens/current").await?;
        let tokens: wire::Tokens = decoded(&answer, operation)?;
        let mut slugs: Vec<String> = tokens.tokens.into_iter().map(|token| token.org_slug).collect();
        slugs.retain(|slug| !slug.is_empty());
        slugs.sort();
        slugs.dedup();
        Ok(slugs)
    }

    /// An app; none where there is none.
    ///
    /// # Errors
    /// `Denied` where it is another organisation's.
    pub(crate) async fn app(&self, app: &str) -> Result<Option<wire::App>, TargetError> {
        self.find(&format!("look for app {app}"), &format!("/apps/{app}")).await
    }

    /// The machines of an app; none where there is no such app.
    pub(crate) async fn machines(&self, app: &str) -> Result<Option<Vec<wire::Machine>>, TargetError> {
        self.find(&format!("list the machines of {app}"), &format!("/apps/{app}/machines")).await
    }

    /// One machine; none where it is gone.
    pub(crate) async fn machine(&self, app: &str, id: &str) -> Result<Option<wire::Machine>, TargetError> {
        self.find(&format!("look at machine {id} of {app}"), &format!("/apps/{app}/machines/{id}")).await
    }

    /// The secrets of an app: names and digests.
    pub(crate) async fn secrets(&self, app: &str) -> Result<Option<wire::Secrets>, TargetError> {
        self.find(&format!("list the secrets of {app}"), &format!("/apps/{app}/secrets")).await
    }

    /// The volumes of an app that are there.
    pub(crate) async fn volumes(&self, app: &str) -> Result<Vec<wire::Volume>, TargetError> {
        let found: Option<Vec<wire::Volume>> =
            self.find(&format!("list the volumes of {app}"), &format!("/apps/{app}/volumes")).await?;
        Ok(found.unwrap_or_default().into_iter().filter(wire::Volume::is_there).collect())
    }

    /// The addresses of an app.
    pub(crate) async fn ips(&self, app: &str) -> Result<Vec<wire::Ip>, TargetError> {
        let found: Option<wire::Ips> = self
            .find(&format!("list the addresses of {app}"), &format!("/apps/{app}/ip_assignments"))
            .await?;
        Ok(found.unwrap_or_default().ips)
    }

    /// The certificate of a host name; none where none was asked for.
    pub(crate) async fn certificate(
        &self,
        app: &str,
        host: &str,
    ) -> Result<Option<wire::Certificate>, TargetError> {
        self.find(&format!("look at the certificate of {host}"), &format!("/apps/{app}/certificates/{host}"))
            .await
    }

    /// Waits up to `seconds` until a machine has a state; false where it has not yet.
    ///
    /// # Errors
    /// `Invalid` where it never will.
    pub(crate) async fn wait(
        &self,
        app: &str,
        machine: &wire::Machine,
        state: &str,
        seconds: u64,
    ) -> Result<bool, TargetError> {
        let operation = format!("wait until machine {} of {app} is {state}", machine.name);
        let query = format!("state={state}&version={}&timeout={seconds}", machine.instance_id);
        let path = format!("/apps/{app}/machines/{}/wait?{query}", machine.id);
        let mut call = self.read(&operation, format!("{}{path}", self.flaps));
        // 408 is the answer to a wait that was not long enough: it is asked again by the caller.
        call.patience = Some(Duration::from_secs(seconds + 15));
        let answer = self.reads.get(call).await.map_err(|error| unanswered(error, &operation))?;
        match answer.status {
            408 => Ok(false),
            _ if answer.is_success() => Ok(true),
            _ => Err(refused(&answer, &operation)),
        }
    }

    /// Takes a lease, so that nobody else changes the machine: its nonce.
    pub(crate) async fn lease(&self, app: &str, machine: &wire::Machine) -> Result<String, TargetError> {
        let operation = format!("take the lease of machine {}", machine.name);
        let path = format!("/apps/{app}/machines/{}/lease", machine.id);
        let body = json!({ "ttl": 120, "description": "dashdeploy" });
        let answer = self.change(Change::post(&operation, &path, body)).await?;
        let lease: wire::LeaseAnswer = decoded(&answer, &operation)?;
        Ok(lease.data.map_or(lease.nonce, |lease| lease.nonce))
    }

    /// Gives a lease back; one that ran out is none.
    pub(crate) async fn release(&self, app: &str, machine: &str, nonce: &str) {
        let path = format!("/apps/{app}/machines/{machine}/lease");
        let change = Change { nonce: Some(nonce), ..Change::delete("give a lease back", &path) };
        // It ends by itself after two minutes.
        let _ = self.send(change).await;
    }

    /// One page of logs.
    pub(crate) async fn logs(&self, app: &str, next: Option<&str>) -> Result<wire::LogPage, TargetError> {
        let operation = format!("read the logs of {app}");
        let query = next.map(|next| format!("?next_token={next}")).unwrap_or_default();
        let call = self.read(&operation, format!("{}/api/v1/apps/{app}/logs{query}", self.api));
        let answer = self.reads.get(call).await.map_err(|error| unanswered(error, &operation))?;
        decoded(&answer, &operation)
    }
}

/// A call that changes something.
pub(crate) struct Change<'a> {
    pub(crate) operation: &'a str,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) body: Option<Value>,
    pub(crate) repeat: Repeat,
    pub(crate) nonce: Option<&'a str>,
}

impl<'a> Change<'a> {
    /// A `POST` that may be repeated.
    pub(crate) fn post(operation: &'a str, path: &'a str, body: Value) -> Self {
        Self {
            operation,
            method: Method::Post,
            path,
            body: Some(body),
            repeat: Repeat::Harmless,
            nonce: None,
        }
    }

    /// A `POST` that makes something, and twice would make two.
    pub(crate) fn create(operation: &'a str, path: &'a str, body: Value) -> Self {
        Self { repeat: Repeat::Once, ..Self::post(operation, path, body) }
    }

    /// A `DELETE`.
    pub(crate) fn delete(operation: &'a str, path: &'a str) -> Self {
        Self { method: Method::Delete, body: None, ..Self::post(operation, path, Value::Null) }
    }
}

/// Macaroons have a scheme of their own (fly.io/docs/security/tokens).
fn authorization(token: &SecretString) -> SecretString {
    let text = token.expose_secret();
    let macaroon = text
        .split(',')
        .any(|part| ["fm1r_", "fm1a_", "fm2_"].iter().any(|start| part.trim().starts_with(start)));
    SecretString::from(format!("{} {text}", if macaroon { "FlyV1" } else { "Bearer" }))
}

/// The body of a success.
pub(crate) fn decoded<T: DeserializeOwned>(answer: &ApiAnswer, operation: &str) -> Result<T, TargetError> {
    if !answer.is_success() {
        return Err(refused(answer, operation));
    }
    answer.json().map_err(|why| ours(ErrorKind::Unexpected, operation, why))
}
