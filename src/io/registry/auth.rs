//! Being let in: what a registry asks for with status 401, and what it is given.
//!
//! Basic, or a token fetched where the challenge says (<https://distribution.github.io/distribution/spec/auth/token/>, with
//! an identity token: <https://distribution.github.io/distribution/spec/auth/oauth/>). The login is shown to the registry
//! itself and to token servers of the same owner; any other place that a challenge names is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{Registry, RegistryError, RegistryErrorKind};
use crate::io::http::{Answer, Request, is_loopback};
use crate::io::logins::Login;

/// The token's answer.
#[derive(Deserialize)]
struct Granted {
    token: Option<SecretString>,
    access_token: Option<SecretString>,
}

/// What a challenge asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Basic,
    Token { realm: String, service: Option<String>, scope: Option<String> },
}

/// The value of `Authorization` that a refused answer asks for; none where nothing more can be shown.
pub(super) async fn authorization(
    registry: &Registry,
    refused: &Answer,
) -> Result<Option<SecretString>, RegistryError> {
    match wanted(refused) {
        Some(Wanted::Basic) => Ok(registry.login.as_ref().map(basic)),
        Some(Wanted::Token { realm, service, scope }) => {
            let realm = Url::parse(&realm).map_err(|_| {
                RegistryError::unexpected(&registry.host, "it names no valid address for tokens")
            })?;
            may_ask(registry, &realm)?;
            token(registry, realm, service, scope).await.map(Some)
        }
        None => Ok(None),
    }
}

/// `Basic` with user and password.
fn basic(login: &Login) -> SecretString {
    let pair = format!("{}:{}", login.username, login.password.expose_secret());
    SecretString::from(format!("Basic {}", STANDARD.encode(pair)))
}

fn wanted(answer: &Answer) -> Option<Wanted> {
    let headers = answer.headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
    let challenges: Vec<_> =
        headers.filter_map(|text| http_auth::parse_challenges(text).ok()).flatten().collect();
    let token = challenges.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"));
    if let Some(challenge) = token {
        let parameter = |wanted: &str| {
            let found = challenge.params.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.to_unescaped())
        };
        let realm = parameter("realm")?;
        return Some(Wanted::Token { realm, service: parameter("service"), scope: parameter("scope") });
    }
    let basic = challenges.iter().any(|challenge| challenge.scheme.eq_ignore_ascii_case("basic"));
    basic.then_some(Wanted::Basic)
}

/// Tokens come over TLS, or from this machine for a registry of this machine; a login goes to the registry's owner alone.
fn may_ask(registry: &Registry, realm: &Url) -> Result<(), RegistryError> {
    let own = registry.base.host_str().unwrap_or_default();
    let other = realm.host_str().unwrap_or_default();
    let refuse = |why: &str| {
        let message = format!("it sends to {other} for a token, and {why}");
        Err(RegistryError::unexpected(&registry.host, &message))
    };
    if is_loopback(own) && is_loopback(other) {
        return Ok(());
    }
    if realm.scheme() != "https" {
        return refuse("that is an address without TLS");
    }
    if is_loopback(other) {
        return refuse("that is this machine");
    }
    if registry.login.is_some() && !same_owner(own, other) {
        return refuse("the login is not shown to another owner's server");
    }
    Ok(())
}

/// True where two hosts are one, or are registered as one domain (<https://publicsuffix.org>).
fn same_owner(one: &str, other: &str) -> bool {
    let is_address = |host: &str| host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
    if is_address(one) || is_address(other) {
        return one == other;
    }
    let domain = |host: &str| psl::domain_str(host).map(str::to_owned);
    one == other || domain(one).is_some_and(|own| domain(other).as_deref() == Some(&own))
}

async fn token(
    registry: &Registry,
    realm: Url,
    service: Option<String>,
    scope: Option<String>,
) -> Result<SecretString, RegistryError> {
    let request = match registry.login.as_ref() {
        Some(login) if login.is_identity_token() => by_identity(realm, login, service, scope),
        login => by_basic(realm, login, service, scope),
    };
    let sent = registry.http.send(&request).await;
    let answer = sent.map_err(|error| RegistryError::from_http(&registry.host, &error))?;
    if !answer.status.is_success() {
        let mut error = registry.failed(&answer);
        // Token servers say 400 too where a login is no good.
        if answer.status.as_u16() == 400 && error.kind == RegistryErrorKind::Unexpected {
            error = RegistryError::denied(&registry.host, "status 400", registry.login.is_some());
        }
        return Err(error);
    }
    let granted: Granted = serde_json::from_slice(&answer.body).map_err(|_| {
        RegistryError::unexpected(&registry.host, "its token server does not answer with a token")
    })?;
    let token = granted.token.or(granted.access_token).filter(|token| !token.expose_secret().is_empty());
    let token = token
        .ok_or_else(|| RegistryError::unexpected(&registry.host, "its token server gives an empty token"))?;
    Ok(SecretString::from(format!("Bearer {}", token.expose_secret())))
}

fn by_basic(
    mut realm: Url,
    login: Option<&Login>,
    service: Option<String>,
    scope: Option<String>,
) -> Request {
    {
        let mut query = realm.query_pairs_mut();
        if let Some(service) = &service {
            query.append_pair("service", service);
        }
        // Several scopes stand in one text, and are asked for one by one.
        for scope in scope.iter().flat_map(|scope| scope.split(' ')).filter(|scope| !scope.is_empty()) {
            query.append_pair("scope", scope);
        }
    }
    let mut request = Request::new(Method::GET, realm);
    request.authorization = login.map(basic);
    request
}

fn by_identity(realm: Url, login: &Login, service: Option<String>, scope: Option<String>) -> Request {
    let mut form = Url::parse("form:").ok();
    let body = form.as_mut().map(|form| {
        let mut fields = form.query_pairs_mut();
        fields.append_pair("grant_type", "refresh_token").append_pair("client_id", "dashdeploy");
        fields.append_pair("refresh_token", login.password.expose_secret());
        for (name, value) in [("service", service), ("scope", scope)] {
            if let Some(value) = value {
                fields.append_pair(name, &value);
            }
        }
        drop(fields);
        form.query().unwrap_or_default().to_owned()
    });
    let mut request = Request::new(Method::POST, realm);
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    request.body = body.unwrap_or_default().into();
    request.repeatable = true;
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(challenges: &[&str]) -> Answer {
        let mut headers = reqwest::header::HeaderMap::new();
        for text in challenges {
            headers.append("www-authenticate", text.parse().unwrap());
        }
        Answer { status: reqwest::StatusCode::UNAUTHORIZED, headers, body: bytes::Bytes::new() }
    }

    #[test]
    fn challenges() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        let Some(Wanted::Token { realm, service, scope }) = wanted(&refused(&[hub])) else { panic!() };
        assert_eq!(realm, "https://auth.docker.io/token");
        assert_eq!(service.as_deref(), Some("registry.docker.io"));
        assert_eq!(scope.as_deref(), Some("repository:a/b:pull,push"));
        assert_eq!(wanted(&refused(&["Basic realm=\"x\""])), Some(Wanted::Basic));
        assert!(matches!(
            wanted(&refused(&["Basic realm=\"x\"", "bearer realm=\"https://x\""])),
            Some(Wanted::Token { .. })
        ));
        for none in [&[][..], &["Negotiate"], &["Bearer service=\"x\""], &["\""]] {
            assert_eq!(wanted(&refused(none)), None, "{none:?}");
        }
    }

    #[test]
    fn a_login_stays_with_its_owner() {
        for (own, other) in [
            ("ghcr.io", "ghcr.io"),
            ("registry-1.docker.io", "auth.docker.io"),
            ("registry.gitlab.com", "gitlab.com"),
            ("registry.example.co.uk", "auth.example.co.uk"),
        ] {
            assert!(same_owner(own, other), "{own} {other}");
        }
        for (own, other) in [
            ("ghcr.io", "ghcr.io.evil.com"),
            ("a.co.uk", "b.co.uk"),
            ("a.github.io", "b.github.io"),
            ("10.0.0.1", "9.9.0.1"),
            ("localhost", "x.localhost"),
            ("registry.example.com", "evil.com"),
        ] {
            assert!(!same_owner(own, other), "{own} {other}");
        }
    }
}
