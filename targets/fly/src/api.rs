//! Fly.io's calls, one function each.
//!
//! Given: ways out, the token, base addresses. Gives: what is answered, decoded, or an error with the platform's words.
//! Deliberately absent: what follows from an answer, and retries, which the layers behind [`Reads`] and [`Writes`] make.

use std::sync::Arc;
use std::time::Duration;

use dashdeploy_contract::{
    Access, ApiAnswer, CallError, Clock, ErrorKind, Method, Pace, ReadCall, Reads, Repeat, TargetError,
    WriteCall, Writes, no_writes,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::{ours, refused, unanswered};
use crate::wire::{self, Named};

/// Where the Machines API is, without `/v1`, as flyctl has it.
const FLAPS: (&str, &str) = ("FLY_FLAPS_BASE_URL", "https://api.machines.dev");
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
    let bare = match token.split_once(char::is_whitespace) {
        Some(("FlyV1" | "Bearer", bare)) => bare,
        _ => token,
    };
    Some(bare.trim()).filter(|bare| !bare.is_empty()).map(SecretString::from)
}

/// The host of the registry.
pub(crate) fn registry(access: &Access) -> &str {
    access.setting(REGISTRY.0, REGISTRY.1).trim_end_matches('/')
}

/// Macaroons have a scheme of their own (fly.io/docs/security/tokens; the prefixes are flyctl's).
fn authorization(token: &SecretString) -> SecretString {
    let text = token.expose_secret();
    let is_macaroon =
        |part: &str| ["fm1r_", "fm1a_", "fm2_"].iter().any(|start| part.trim().starts_with(start));
    let scheme = if text.split(',').any(is_macaroon) { "FlyV1" } else { "Bearer" };
    SecretString::from(format!("{scheme} {text}"))
}

impl Api {
    /// The way by an access, and one to write where that is given.
    ///
    /// # Errors
    /// `Denied` without a token.
    pub(crate) fn of(access: &Access, writes: Option<Arc<dyn Writes>>) -> Result<Self, TargetError> {
        let token = bare_token(access).ok_or_else(|| {
            ours(ErrorKind::Denied, "connect", format!("{TOKEN} is not set"))
                .hint("`fly tokens create org` makes a token: give it in the environment, or in a CI secret")
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

    async fn ask(&self, call: ReadCall) -> Result<ApiAnswer, TargetError> {
        let operation = call.operation.clone();
        self.reads.get(call).await.map_err(|error| unanswered(error, &operation))
    }

    async fn get(&self, operation: &str, path: &str) -> Result<ApiAnswer, TargetError> {
        self.ask(self.read(operation, format!("{}{path}", self.flaps))).await
    }

    /// What is there; none for 404.
    async fn find<T: DeserializeOwned>(&self, operation: &str, path: &str) -> Result<Option<T>, TargetError> {
        let answer = self.get(operation, path).await?;
        if answer.status == 404 { Ok(None) } else { decoded(&answer, operation).map(Some) }
    }

    /// What belongs to an app; none where there is no such app for the token: 403 is the answer where another organisation has it.
    async fn of_app<T: DeserializeOwned>(
        &self,
        operation: &str,
        path: &str,
    ) -> Result<Option<T>, TargetError> {
        let answer = self.get(operation, path).await?;
        if matches!(answer.status, 403 | 404) { Ok(None) } else { decoded(&answer, operation).map(Some) }
    }

    /// Sends a change; any status is an answer. One a second and three at once is Fly.io's limit for each action on each app
    /// or machine (fly.io/docs/machines/api/working-with-machines-api, "Rate limits": "per action, per machine", scoped by the
    /// identifier): calls for several apps do not wait for each other.
    ///
    /// # Errors
    /// [`CallError`] where there is no answer.
    pub(crate) async fn send(&self, change: &Send<'_>) -> Result<ApiAnswer, CallError> {
        let mut to = self.read(change.operation, format!("{}{}", self.flaps, change.path));
        let path = change.path.split('?').next().unwrap_or_default();
        let of = change.of.map(|of| format!(" {of}")).unwrap_or_default();
        let shared_by = format!("fly {} {path}{of}", change.method.as_str());
        to.pace = Some(Pace { shared_by, per_second: 1.0, burst: 3 });
        if let Some(nonce) = change.nonce {
            to.headers.push(("fly-machine-lease-nonce".to_owned(), nonce.to_owned()));
        }
        let (method, body, repeat) = (change.method, change.body.clone(), change.repeat);
        self.writes.send(WriteCall { to, method, body, repeat }).await
    }

    /// The same where only a success will do.
    pub(crate) async fn change(&self, change: &Send<'_>) -> Result<ApiAnswer, TargetError> {
        let answer = self.send(change).await.map_err(|error| unanswered(error, change.operation))?;
        if answer.is_success() { Ok(answer) } else { Err(refused(&answer, change.operation)) }
    }

    /// The same where a thing that is gone is as good.
    pub(crate) async fn take_away(&self, change: &Send<'_>) -> Result<(), TargetError> {
        let answer = self.send(change).await.map_err(|error| unanswered(error, change.operation))?;
        if answer.is_success() || answer.status == 404 {
            Ok(())
        } else {
            Err(refused(&answer, change.operation))
        }
    }

    /// The organisations that the token is for.
    pub(crate) async fn organisations(&self) -> Result<Vec<String>, TargetError> {
        let operation = "look whose the token is";
        let tokens: wire::Tokens = decoded(&self.get(operation, "/tokens/current").await?, operation)?;
        let mut slugs: Vec<String> = tokens.tokens.into_iter().map(|token| token.org_slug).collect();
        slugs.retain(|slug| !slug.is_empty());
        slugs.sort();
        slugs.dedup();
        Ok(slugs)
    }

    /// What is said of an app's name: 403 is the answer where another organisation has it.
    pub(crate) async fn app(&self, app: &str) -> Result<Named, TargetError> {
        let operation = format!("look for app {app}");
        let answer = self.get(&operation, &format!("/apps/{app}")).await?;
        match answer.status {
            404 => Ok(Named::Free),
            403 => Ok(Named::Elsewhere),
            _ => decoded(&answer, &operation).map(Named::Here),
        }
    }

    /// The machines of an app; none where there is no such app for the token.
    pub(crate) async fn machines(&self, app: &str) -> Result<Option<Vec<wire::Machine>>, TargetError> {
        let operation = format!("list the machines of {app}");
        let mut call = self.read(&operation, format!("{}/apps/{app}/machines", self.flaps));
        call.pace = Some(Pace { shared_by: format!("fly GET machines of {app}"), per_second: 1.0, burst: 3 });
        let answer = self.ask(call).await?;
        let found: Option<Vec<wire::Machine>> =
            if matches!(answer.status, 403 | 404) { None } else { Some(decoded(&answer, &operation)?) };
        Ok(found.map(|all| all.into_iter().filter(wire::Machine::is_there).collect()))
    }

    /// One machine; none where it is gone.
    pub(crate) async fn machine(&self, app: &str, id: &str) -> Result<Option<wire::Machine>, TargetError> {
        let operation = format!("look at machine {id} of {app}");
        let mut call = self.read(&operation, format!("{}/apps/{app}/machines/{id}", self.flaps));
        call.pace = Some(Pace { shared_by: format!("fly GET {id}"), per_second: 5.0, burst: 10 });
        let answer = self.ask(call).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        decoded::<wire::Machine>(&answer, &operation)
            .map(|machine| Some(machine).filter(wire::Machine::is_there))
    }

    /// The secrets of an app, names and digests, not older than a version; none where there is no such app for the token.
    pub(crate) async fn secrets(
        &self,
        app: &str,
        least: Option<u64>,
    ) -> Result<Option<wire::Secrets>, TargetError> {
        let query = least.map(|version| format!("?min_version={version}")).unwrap_or_default();
        self.of_app(&format!("list the secrets of {app}"), &format!("/apps/{app}/secrets{query}")).await
    }

    /// The volumes of an app that are there.
    pub(crate) async fn volumes(&self, app: &str) -> Result<Vec<wire::Volume>, TargetError> {
        let found: Option<Vec<wire::Volume>> =
            self.find(&format!("list the volumes of {app}"), &format!("/apps/{app}/volumes")).await?;
        Ok(found.unwrap_or_default().into_iter().filter(wire::Volume::is_there).collect())
    }

    /// The addresses of an app.
    pub(crate) async fn ips(&self, app: &str) -> Result<Vec<wire::Ip>, TargetError> {
        let path = format!("/apps/{app}/ip_assignments");
        let found: Option<wire::Ips> = self.find(&format!("list the addresses of {app}"), &path).await?;
        Ok(found.unwrap_or_default().ips)
    }

    /// The certificate of a host name; none where none was asked for.
    pub(crate) async fn certificate(
        &self,
        app: &str,
        host: &str,
    ) -> Result<Option<wire::Certificate>, TargetError> {
        let path = format!("/apps/{app}/certificates/{host}");
        self.find(&format!("look at the certificate of {host}"), &path).await
    }

    /// Waits up to `seconds` (60 at most) until a machine has a state; false where it has not yet.
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
        let url = format!("{}/apps/{app}/machines/{}/wait?{query}", self.flaps, machine.id);
        let mut call = self.read(&operation, url);
        call.patience = Some(Duration::from_secs(seconds + 15));
        let answer = self.ask(call).await?;
        // 408 says that the time was too short, no more.
        if answer.status == 408 {
            return Ok(false);
        }
        if answer.is_success() { Ok(true) } else { Err(refused(&answer, &operation)) }
    }

    /// The lease of a machine, whoever has it; none where nobody has.
    pub(crate) async fn lease(&self, app: &str, machine: &str) -> Result<Option<wire::Lease>, TargetError> {
        let path = format!("/apps/{app}/machines/{machine}/lease");
        let answer: Option<wire::LeaseAnswer> =
            self.find(&format!("look who has the lease of machine {machine}"), &path).await?;
        Ok(answer.map(wire::LeaseAnswer::lease))
    }

    /// One page of logs, from `next` on.
    pub(crate) async fn logs(&self, app: &str, next: Option<&str>) -> Result<wire::LogPage, TargetError> {
        let operation = format!("read the logs of {app}");
        let encoded = next.map(|next| utf8_percent_encode(next, NON_ALPHANUMERIC).to_string());
        let query = encoded.map(|next| format!("?next_token={next}")).unwrap_or_default();
        let call = self.read(&operation, format!("{}/api/v1/apps/{app}/logs{query}", self.api));
        decoded(&self.ask(call).await?, &operation)
    }
}

/// A call that changes something.
pub(crate) struct Send<'a> {
    /// What is being done, for people.
    pub(crate) operation: &'a str,
    /// The method.
    pub(crate) method: Method,
    /// The path after `/v1`.
    pub(crate) path: &'a str,
    /// The body; it may hold secret values, so that no form of this type shows it.
    pub(crate) body: Option<Value>,
    /// How often it may be sent.
    pub(crate) repeat: Repeat,
    /// The lease it is sent under.
    pub(crate) nonce: Option<&'a str>,
    /// What it is for, where the path does not say so: the limit counts by it.
    pub(crate) of: Option<&'a str>,
}

impl<'a> Send<'a> {
    /// A `POST` that may be repeated.
    pub(crate) fn post(operation: &'a str, path: &'a str, body: Value) -> Self {
        Self {
            operation,
            method: Method::Post,
            path,
            body: Some(body),
            repeat: Repeat::Harmless,
            nonce: None,
            of: None,
        }
    }

    /// A `POST` that makes something, and twice would make two.
    pub(crate) fn create(operation: &'a str, path: &'a str, body: Value) -> Self {
        Self { repeat: Repeat::Once, ..Self::post(operation, path, body) }
    }

    /// A `POST` without anything to say.
    pub(crate) fn bare(operation: &'a str, path: &'a str) -> Self {
        Self { body: None, ..Self::post(operation, path, Value::Null) }
    }

    /// A `PUT`.
    pub(crate) fn put(operation: &'a str, path: &'a str, body: Value) -> Self {
        Self { method: Method::Put, ..Self::post(operation, path, body) }
    }

    /// A `DELETE`.
    pub(crate) fn delete(operation: &'a str, path: &'a str) -> Self {
        Self { method: Method::Delete, ..Self::bare(operation, path) }
    }

    /// The body of a mark of a machine's metadata.
    pub(crate) fn mark(operation: &'a str, path: &'a str, value: &str) -> Self {
        Self::post(operation, path, json!({ "value": value }))
    }
}

/// The body of a success.
///
/// # Errors
/// What the platform complains of, or `Unexpected` where the body makes no sense.
pub(crate) fn decoded<T: DeserializeOwned>(answer: &ApiAnswer, operation: &str) -> Result<T, TargetError> {
    if !answer.is_success() {
        return Err(refused(answer, operation));
    }
    wire::decode(answer).map_err(|why| ours(ErrorKind::Unexpected, operation, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(token: &str) -> Access {
        let mut access = Access::none();
        access.credentials.insert(TOKEN.to_owned(), SecretString::from(token));
        access
    }

    #[test]
    fn tokens_of_every_kind_get_their_scheme() {
        for (given, bare, sent) in [
            ("FlyV1 fm2_abc,fo1_x", "fm2_abc,fo1_x", "FlyV1 fm2_abc,fo1_x"),
            ("fm1r_abc", "fm1r_abc", "FlyV1 fm1r_abc"),
            ("Bearer fo1_abc", "fo1_abc", "Bearer fo1_abc"),
            (" fo1_abc\n", "fo1_abc", "Bearer fo1_abc"),
        ] {
            let token = bare_token(&access(given)).unwrap();
            assert_eq!(token.expose_secret(), bare);
            assert_eq!(authorization(&token).expose_secret(), sent);
        }
        for empty in ["", "  ", "\n"] {
            assert!(bare_token(&access(empty)).is_none(), "{empty:?}");
        }
        assert!(Api::of(&Access::none(), None).err().is_some_and(|error| error.hint.is_some()));
    }

    #[test]
    fn addresses_are_taken_with_or_without_a_slash_and_a_version() {
        for given in
            ["http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/"]
        {
            let mut access = access("t");
            access.settings.insert(FLAPS.0.to_owned(), given.to_owned());
            assert_eq!(Api::of(&access, None).ok().unwrap().flaps, "http://127.0.0.1:1/v1");
        }
        assert_eq!(Api::of(&access("t"), None).ok().unwrap().flaps, "https://api.machines.dev/v1");
    }
}
