//! Amazon's registries: a password for twelve hours, for a key of AWS.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html>, signed by Signature Version 4.
//! Deliberately absent: profiles, roles and single sign-on; the AWS command and its credential helper know those.

use std::sync::LazyLock;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::Login;
use super::platform::Get;
use crate::io::http::{Http, Request};

/// Where a registry's passwords are asked for.
#[derive(Debug, PartialEq, Eq)]
struct Service {
    endpoint: String,
    region: String,
    name: &'static str,
    operation: &'static str,
}

#[allow(clippy::expect_used)] // a constant pattern, read by the tests
static PRIVATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[0-9]{12}\.dkr\.(ecr|ecr-fips)\.([a-z0-9-]+)\.(amazonaws\.com(?:\.cn)?)$")
        .expect("a constant pattern")
});

/// True for a private registry of Amazon.
pub(super) fn is_private(host: &str) -> bool {
    PRIVATE.is_match(host)
}

/// The login at one of Amazon's registries; none for other registries, and without a key in the environment.
pub(super) fn login(host: &str, get: &Get, http: &Http) -> Result<Option<Login>, String> {
    let Some(service) = service(host) else { return Ok(None) };
    let Some((id, secret)) = get("AWS_ACCESS_KEY_ID").zip(get("AWS_SECRET_ACCESS_KEY")) else {
        return Ok(None);
    };
    let endpoint =
        get("AWS_ENDPOINT_URL_ECR").or_else(|| get("AWS_ENDPOINT_URL")).unwrap_or(&service.endpoint);
    let session = get("AWS_SESSION_TOKEN").map(str::to_owned);
    let key = Credentials::new(id, secret, session, None, "environment");
    let request = signed(&service, endpoint, key)?;
    ask(http, &request).map(Some)
}

fn service(host: &str) -> Option<Service> {
    if host == "public.ecr.aws" {
        return Some(Service {
            endpoint: "https://api.ecr-public.us-east-1.amazonaws.com/".to_owned(),
            region: "us-east-1".to_owned(),
            name: "ecr-public",
            operation: "SpencerFrontendService.GetAuthorizationToken",
        });
    }
    let parts = PRIVATE.captures(host)?;
    let (region, domain) = (&parts[2], &parts[3]);
    let endpoint = match &parts[1] {
        "ecr-fips" => format!("https://ecr-fips.{region}.{domain}/"),
        _ => format!("https://api.ecr.{region}.{domain}/"),
    };
    Some(Service {
        endpoint,
        region: region.to_owned(),
        name: "ecr",
        operation: "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
    })
}

fn signed(service: &Service, endpoint: &str, key: Credentials) -> Result<Request, String> {
    const BODY: &str = "{}";
    const FORM: &str = "application/x-amz-json-1.1";
    let url = Url::parse(endpoint).map_err(|_| format!("`{endpoint}` is no address of AWS"))?;
    let unsigned = || "the key in AWS_ACCESS_KEY_ID cannot sign a request".to_owned();
    let identity = key.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&service.region)
        .name(service.name)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| unsigned())?
        .into();
    let headers = [("content-type", FORM), ("x-amz-target", service.operation)];
    let body = SignableBody::Bytes(BODY.as_bytes());
    let signable =
        SignableRequest::new("POST", url.as_str(), headers.into_iter(), body).map_err(|_| unsigned())?;
    let (instructions, _) = sign(signable, &parameters).map_err(|_| unsigned())?.into_parts();
    let mut request = Request::new(Method::POST, url.clone());
    request.body = BODY.into();
    request.repeatable = true;
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    request.headers.insert("x-amz-target", HeaderValue::from_static(service.operation));
    for (name, value) in instructions.headers() {
        if name.eq_ignore_ascii_case("authorization") {
            request.authorization = Some(value.into());
            continue;
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsigned())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| unsigned())?;
        value.set_sensitive(true);
        request.headers.insert(name, value);
    }
    Ok(request)
}

/// Asks from a thread of its own, since whoever looks up a login may stand on a runtime that must not be blocked on.
fn ask(http: &Http, request: &Request) -> Result<Login, String> {
    let failed = |why: String| format!("AWS gives no password: {why}");
    let answer = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            let sent = runtime.block_on(http.send(request));
            sent.map_err(|error| format!("{error} ({})", error.hint()))
        });
        thread.join().map_err(|_| "the request was not made".to_owned())
    });
    let answer = answer.and_then(|answer| answer).map_err(failed)?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if !answer.status.is_success() {
        let kind = body["__type"].as_str().unwrap_or_default();
        let said = body["message"].as_str().or_else(|| body["Message"].as_str()).unwrap_or_default();
        let said: String =
            format!("status {} {kind} {said}", answer.status.as_u16()).chars().take(300).collect();
        return Err(failed(format!("{} (check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)", said.trim())));
    }
    let data = &body["authorizationData"];
    let data = if data.is_array() { &data[0] } else { data };
    let token = data["authorizationToken"].as_str().and_then(|text| STANDARD.decode(text).ok());
    let token = token.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = token.as_deref().and_then(|text| text.split_once(':'));
    let (user, password) = pair.ok_or_else(|| failed("the answer holds none".to_owned()))?;
    Ok(Login::new(user, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_lead_to_their_region() {
        let endpoint = |host: &str| service(host).map(|service| service.endpoint);
        assert_eq!(
            endpoint("123456789012.dkr.ecr.eu-west-1.amazonaws.com").unwrap(),
            "https://api.ecr.eu-west-1.amazonaws.com/"
        );
        assert_eq!(
            endpoint("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn").unwrap(),
            "https://api.ecr.cn-north-1.amazonaws.com.cn/"
        );
        assert_eq!(
            endpoint("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com").unwrap(),
            "https://ecr-fips.us-east-1.amazonaws.com/"
        );
        assert!(endpoint("public.ecr.aws").is_some());
        for other in
            ["ghcr.io", "x.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr.ecr.a.amazonaws.com.evil.com"]
        {
            assert!(endpoint(other).is_none(), "{other}");
        }
    }

    #[test]
    fn requests_are_signed_and_show_no_key() {
        let service = service("123456789012.dkr.ecr.eu-west-1.amazonaws.com").unwrap();
        let key = Credentials::new(
            "AKIDEXAMPLE",
            "very-secret-key",
            Some("session-token".to_owned()),
            None,
            "test",
        );
        let request = signed(&service, &service.endpoint, key).unwrap();
        let shown = format!("{request:?}");
        assert!(!shown.contains("very-secret-key") && !shown.contains("session-token"), "{shown}");
        let authorization = secrecy::ExposeSecret::expose_secret(request.authorization.as_ref().unwrap());
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
        assert!(authorization.contains("/eu-west-1/ecr/aws4_request"), "{authorization}");
        assert!(
            request.headers.contains_key("x-amz-date")
                && request.headers.contains_key("x-amz-security-token")
        );
    }
}
