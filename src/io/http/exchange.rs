//! One request and its answer, within time and size limits.
//!
//! Given: a client, a [`Request`], the address of this hop, [`Limits`]. Gives: the [`Answer`], or an [`HttpError`] that knows
//! whether what was asked may have happened all the same. Deliberately absent: redirects and retries.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, Url};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::address::same_origin;
use super::{Answer, HttpError, Limits, Request};

/// How long an idle connection is kept: servers and balancers end theirs, and a request that meets that is a request whose
/// fate nobody knows.
const IDLE: Duration = Duration::from_secs(20);
/// How long a connection may take until it stands, with TLS.
const CONNECT: Duration = Duration::from_secs(10);

/// A client that follows nothing and repeats nothing by itself.
pub(in crate::io) fn client_builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("dashdeploy/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .pool_idle_timeout(IDLE)
        .connect_timeout(CONNECT)
}

pub(super) async fn once(
    client: &Client,
    request: &Request,
    url: &Url,
    limits: Limits,
) -> Result<Answer, HttpError> {
    let builder = prepared(client, request, url)?;
    let exchange = async {
        // A connection that does not come to stand has failed long before this limit, so that silence is the server's.
        let sent = timeout(limits.silence, builder.send()).await.map_err(|_| HttpError::silent(url))?;
        let response = sent.map_err(|error| HttpError::from_reqwest(url, &error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let whole = match body(response, limits, url).await {
            Ok((bytes, true)) => Ok(bytes),
            Ok((_, false)) => {
                let reason = format!("its answer is larger than {} MiB", limits.largest >> 20);
                Err(HttpError::unusable(url, reason))
            }
            Err(error) => Err(error),
        };
        let body = whole.map_err(|error| error.after_head(status))?;
        Ok(Answer { status, headers, body })
    };
    timeout(limits.whole, exchange).await.unwrap_or_else(|_| Err(HttpError::silent(url)))
}

fn prepared(client: &Client, request: &Request, url: &Url) -> Result<RequestBuilder, HttpError> {
    let mut builder = client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
    if let Some(value) = request.authorization.as_ref().filter(|_| same_origin(&request.url, url)) {
        let mut value = HeaderValue::from_str(value.expose_secret())
            .map_err(|_| HttpError::refused(url, "the login holds a character that cannot be sent"))?;
        value.set_sensitive(true);
        builder = builder.header(AUTHORIZATION, value);
    }
    if !request.body.is_empty() || request.method == Method::PUT || request.method == Method::POST {
        builder = builder.body(request.body.clone());
    }
    Ok(builder)
}

/// The body up to the largest size, and whether that is all of it.
pub(in crate::io) async fn body(
    mut response: Response,
    limits: Limits,
    url: &Url,
) -> Result<(Bytes, bool), HttpError> {
    let mut body = BytesMut::new();
    loop {
        let chunk = timeout(limits.silence, response.chunk()).await.map_err(|_| HttpError::silent(url))?;
        let Some(chunk) = chunk.map_err(|error| HttpError::from_reqwest(url, &error))? else {
            return Ok((body.freeze(), true));
        };
        let room = limits.largest - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((body.freeze(), false));
        }
    }
}
