//! The engine sends an image: `POST /images/{name}/push`, with what it says about each layer and the digest at the end.
//!
//! Given: the engine's address, a name and a [`Login`]. Gives: [`PushNews`] as they come, then the digest. Deliberately
//! absent: when to send and when to try again (`push`). bollard's own push drops the layers' ids and the digest.
//! <https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImagePush>

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::{Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::task::JoinSet;

use super::raw;
use crate::io::logins::Login;

/// How long the engine may say nothing. It waits for minutes itself before it tries a layer again.
const SILENCE: Duration = Duration::from_mins(10);
/// Bytes that one message may have.
const LARGEST_MESSAGE: usize = 1 << 20;

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct PushOrder<'a> {
    /// The repository, as `ghcr.io/acme/shop-api`.
    pub repository: &'a str,
    /// The tag, which the engine must have.
    pub tag: &'a str,
    /// The registry's name in docker's own words.
    pub server: &'a str,
    /// Who sends it; none for nobody.
    pub login: Option<&'a Login>,
}

/// What the engine says while it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushNews {
    /// The layer, twelve hex digits.
    pub layer: String,
    /// The engine's word: `Waiting`, `Pushing`, `Pushed`, `Layer already exists`, ….
    pub status: String,
    /// Bytes sent and bytes in all, while they are.
    pub bytes: Option<(u64, u64)>,
}

/// Why an image was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The engine or the registry says so.
    #[error("{0}")]
    Said(String),
    /// The connection to the engine broke.
    #[error("the connection to the engine broke: {0}")]
    Broken(String),
}

/// One line of the engine's answer.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Message {
    id: Option<String>,
    status: Option<String>,
    #[serde(rename = "progressDetail")]
    progress: Option<Amount>,
    #[serde(rename = "errorDetail")]
    detail: Option<Detail>,
    error: Option<String>,
    aux: Option<Aux>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Amount {
    current: i64,
    total: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Detail {
    message: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Aux {
    #[serde(rename = "Digest")]
    digest: String,
}

/// Has the engine at an address of the form that [`super::Engine`] has send an image; gives the digest of its manifest, where
/// the engine tells it. Dropping the future ends the transfer.
///
/// # Errors
/// [`PushError`].
pub async fn push(
    address: &str,
    order: &PushOrder<'_>,
    news: &mut (dyn FnMut(PushNews) + Send),
) -> Result<Option<String>, PushError> {
    // Ends the connection when this future is dropped.
    let mut connection = JoinSet::new();
    let broken = |error: &dyn std::fmt::Display| PushError::Broken(error.to_string());
    let response = begin(address, order, &mut connection).await.map_err(|error| broken(&error))?;
    let success = response.status().is_success();
    let mut body = response.into_body();
    let (mut buffer, mut digest) = (BytesMut::new(), None);
    loop {
        let frame = tokio::time::timeout(SILENCE, body.frame()).await;
        let frame = frame.map_err(|_| broken(&"it has said nothing for ten minutes"))?;
        let ended = frame.is_none();
        if let Some(frame) = frame {
            let frame = frame.map_err(|error| broken(&error))?;
            buffer.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
        }
        while let Some(line) = next_line(&mut buffer, ended) {
            take(&line, success, &mut digest, news)?;
        }
        if buffer.len() > LARGEST_MESSAGE {
            return Err(broken(&"a message of it has no end"));
        }
        if ended {
            return if success { Ok(digest) } else { Err(broken(&"it refuses without a reason")) };
        }
    }
}

async fn begin(
    address: &str,
    order: &PushOrder<'_>,
    connection: &mut JoinSet<()>,
) -> io::Result<Response<Incoming>> {
    let mut login = hyper::header::HeaderValue::from_str(authorization(order).expose_secret())
        .map_err(io::Error::other)?;
    login.set_sensitive(true);
    let request = Request::post(format!("/v1.41/images/{}/push?tag={}", order.repository, order.tag))
        .header("Host", "docker")
        .header("X-Registry-Auth", login)
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    raw::send(address, request, SILENCE, connection).await
}

/// The login as the engine wants it: JSON in Base64 for URLs. Nobody is an empty object.
fn authorization(order: &PushOrder<'_>) -> SecretString {
    let json = order.login.map(|login| {
        let password = login.password.expose_secret();
        if login.is_identity_token() {
            serde_json::json!({ "identitytoken": password, "serveraddress": order.server })
        } else {
            let user = &login.username;
            serde_json::json!({ "username": user, "password": password, "serveraddress": order.server })
        }
    });
    let json = SecretString::from(json.unwrap_or_else(|| serde_json::json!({})).to_string());
    SecretString::from(URL_SAFE.encode(json.expose_secret()))
}

/// The next whole line; at the end also the rest.
fn next_line(buffer: &mut BytesMut, ended: bool) -> Option<BytesMut> {
    match buffer.iter().position(|byte| *byte == b'\n') {
        Some(at) => {
            let line = buffer.split_to(at);
            buffer.advance(1);
            Some(line)
        }
        None => (ended && !buffer.is_empty()).then(|| buffer.split()),
    }
}

fn take(
    line: &[u8],
    success: bool,
    digest: &mut Option<String>,
    news: &mut (dyn FnMut(PushNews) + Send),
) -> Result<(), PushError> {
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    if !success {
        // Outside the stream the engine says `{"message": …}`.
        let said: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
        let said = said["message"].as_str().unwrap_or("it refuses without a reason");
        return Err(PushError::Said(said.to_owned()));
    }
    let message: Message = serde_json::from_slice(line)
        .map_err(|error| PushError::Broken(format!("it says what is no message ({error})")))?;
    if let Some(said) =
        message.detail.map(|detail| detail.message).filter(|said| !said.is_empty()).or(message.error)
    {
        return Err(PushError::Said(said));
    }
    if let Some(aux) = message.aux.filter(|aux| !aux.digest.is_empty()) {
        *digest = Some(aux.digest);
    }
    if let Some((layer, status)) = message.id.zip(message.status) {
        news(PushNews { layer, status, bytes: message.progress.and_then(amount) });
    }
    Ok(())
}

/// Bytes sent of bytes in all; the engine counts more than there are, and sometimes knows no total.
fn amount(amount: Amount) -> Option<(u64, u64)> {
    let (current, total) = (u64::try_from(amount.current).ok()?, u64::try_from(amount.total).ok()?);
    (current > 0).then_some(if total > 0 { (current.min(total), total) } else { (current, current) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> (Result<(), PushError>, Vec<PushNews>, Option<String>) {
        let (mut buffer, mut digest, mut all) = (BytesMut::from(text), None, Vec::new());
        while let Some(line) = next_line(&mut buffer, true) {
            if let Err(error) = take(&line, true, &mut digest, &mut |news| all.push(news)) {
                return (Err(error), all, digest);
            }
        }
        (Ok(()), all, digest)
    }

    #[test]
    fn messages_are_layers_digests_and_errors() {
        let (result, news, digest) = taken(concat!(
            "{\"status\":\"The push refers to repository [x]\"}\r\n",
            "{\"status\":\"Pushing\",\"progressDetail\":{\"current\":203,\"total\":198},\"id\":\"aa\"}\n\n",
            "{\"status\":\"Pushed\",\"progressDetail\":{},\"id\":\"aa\"}\n",
            "{\"status\":\"dd-1: digest: sha256:1 size: 5\"}\n",
            "{\"progressDetail\":{},\"aux\":{\"Tag\":\"dd-1\",\"Digest\":\"sha256:1\",\"Size\":5}}",
        ));
        assert_eq!(result, Ok(()));
        assert_eq!(digest.as_deref(), Some("sha256:1"));
        assert_eq!(news[0].bytes, Some((198, 198)));
        assert_eq!((news.len(), news[1].bytes), (2, None));
        let (result, ..) = taken("{\"errorDetail\":{\"message\":\"denied\"},\"error\":\"denied\"}\n");
        assert_eq!(result, Err(PushError::Said("denied".into())));
        assert!(matches!(taken("not json\n").0, Err(PushError::Broken(_))));
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        let mut buffer = BytesMut::from("{\"a\"");
        assert_eq!(next_line(&mut buffer, false), None);
        buffer.extend_from_slice(b":1}\n{");
        assert_eq!(next_line(&mut buffer, false).unwrap(), "{\"a\":1}");
        assert_eq!(next_line(&mut buffer, false), None);
    }

    #[test]
    fn logins_are_json_in_base64() {
        let of = |login: Option<&Login>| {
            let order = PushOrder { repository: "r", tag: "t", server: "s", login };
            String::from_utf8(URL_SAFE.decode(authorization(&order).expose_secret()).unwrap()).unwrap()
        };
        assert_eq!(of(None), "{}");
        assert_eq!(of(Some(&Login::new("u", "p"))), r#"{"username":"u","password":"p","serveraddress":"s"}"#);
        assert_eq!(of(Some(&Login::identity("i"))), r#"{"identitytoken":"i","serveraddress":"s"}"#);
    }
}
