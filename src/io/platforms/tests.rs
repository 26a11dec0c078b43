//! The layers together: by a platform in memory under paused time, and by connections on loopback.

mod fates;
mod loopback;
mod simulated;

use std::sync::Mutex;

use dashdeploy_contract::{Pace, ReadCall};
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::*;

type Plays = dyn FnMut(&Request, usize) -> (Duration, Result<Answer, HttpError>) + Send;

/// A platform in memory: what each attempt meets, and when it was made.
struct Fake {
    plays: Mutex<Box<Plays>>,
    made: Mutex<Vec<Instant>>,
}

impl Fake {
    fn new(
        plays: impl FnMut(&Request, usize) -> (Duration, Result<Answer, HttpError>) + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { plays: Mutex::new(Box::new(plays)), made: Mutex::default() })
    }

    /// Plays results one after the other, the last for ever, each at once.
    fn script(results: Vec<Result<Answer, HttpError>>) -> Arc<Self> {
        Self::new(move |_, nth| (Duration::ZERO, results[nth.min(results.len() - 1)].clone()))
    }

    fn count(&self) -> usize {
        self.made.lock().unwrap().len()
    }

    fn gaps(&self) -> Vec<Duration> {
        self.made.lock().unwrap().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

#[async_trait]
impl Attempts for Fake {
    async fn attempt(&self, request: &Request, _: Limits) -> Result<Answer, HttpError> {
        let nth = {
            let mut made = self.made.lock().unwrap();
            made.push(Instant::now());
            made.len() - 1
        };
        let (takes, result) = (self.plays.lock().unwrap())(request, nth);
        tokio::time::sleep(takes).await;
        result
    }
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    Answer { status: status.try_into().unwrap(), headers: map, body: body.to_owned().into() }
}

fn status(status: u16) -> Result<Answer, HttpError> {
    Ok(answer(status, &[], ""))
}

fn waits(status: u16, after: &str) -> Result<Answer, HttpError> {
    Ok(answer(status, &[("retry-after", after)], ""))
}

fn lost() -> Result<Answer, HttpError> {
    Err(HttpError::silent(&Url::parse("https://api.example.com/x").unwrap()))
}

fn read(url: &str) -> ReadCall {
    ReadCall::new("look", url)
}

fn write(url: &str, repeat: Repeat) -> WriteCall {
    let body = Some(serde_json::json!({ "value": "canary" }));
    WriteCall { to: read(url), method: Method::Post, body, repeat }
}
