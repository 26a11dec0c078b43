//! What a platform answered.
//!
//! Given: status, headers, body of an answer. Gives: its body read as JSON, its words made safe for an error, the name it has at the
//! platform, how long it asks to wait. Deliberately absent: asking ([`Reads`](crate::Reads)), and what a platform's errors mean.

use std::time::Duration;

use serde::de::DeserializeOwned;

/// What a platform answered; any status is an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAnswer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl ApiAnswer {
    /// True for 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body read as JSON. Depth is limited by the reader (128 levels), size by whoever took the answer.
    ///
    /// # Errors
    /// What is wrong with it, without showing it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| {
            format!("its answer is not what it documents (line {}, column {})", error.line(), error.column())
        })
    }

    /// What it says in words, for an error: at most 200 characters, never a control character; after them how long it asks to
    /// wait, where it does.
    pub fn words(&self) -> String {
        self.told(&String::from_utf8_lossy(&self.body), 200)
    }

    /// The same of the words that stand in its body, where some do: at most 400 characters.
    pub fn words_or(&self, said: Option<String>) -> String {
        said.map_or_else(|| self.words(), |said| self.told(&said, 400))
    }

    fn told(&self, text: &str, most: usize) -> String {
        let safe: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect();
        let said = safe.trim().to_owned();
        match self.asks_to_wait() {
            None => said,
            Some(wait) if said.is_empty() => format!("the platform asks to wait {}", in_words(wait)),
            Some(wait) => format!("{said} (the platform asks to wait {})", in_words(wait)),
        }
    }

    /// How long it asks to wait, where it asks for a wait that was too long to be waited for here. Whoever took the answer has
    /// put every form of `Retry-After` into seconds.
    pub fn asks_to_wait(&self) -> Option<Duration> {
        let seconds =
            self.header("retry-after").filter(|_| matches!(self.status, 429 | 503))?.parse().ok()?;
        Some(Duration::from_secs(seconds)).filter(|wait| !wait.is_zero())
    }

    /// The name that the platform gave to the request, for its support: the first of the headers that platforms use for it
    /// that holds one, at most 200 visible characters.
    pub fn request_id(&self) -> Option<&str> {
        let fit = |id: &&str| (1..=200).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        REQUEST_IDS.iter().filter_map(|name| self.header(name)).find(fit)
    }
}

/// Headers that hold a request's name, the platform's own before those of what stands before it: Fly.io, most, AWS, Azure,
/// Render, Netlify, Vercel, Railway, GitHub, Cloudflare.
const REQUEST_IDS: [&str; 12] = [
    "fly-request-id",
    "x-request-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "rndr-id",
    "x-nf-request-id",
    "x-vercel-id",
    "x-railway-request-id",
    "x-github-request-id",
    "cf-ray",
];

/// A length of time for people, never shorter than it is: `90 s`, `15 min`, `2 h`, `3 days`.
pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    let (unit, word) = match seconds {
        0..120 => (1, "s"),
        120..7_200 => (60, "min"),
        7_200..172_800 => (3_600, "h"),
        172_800..63_072_000 => (86_400, "days"),
        63_072_000..3_153_600_000 => (31_536_000, "years"),
        _ => return "more than 100 years".to_owned(),
    };
    format!("{} {word}", seconds.div_ceil(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_short_and_harmless() {
        let answer = ApiAnswer {
            status: 500,
            headers: Vec::new(),
            body: format!("\u{1b}[2J{}", "x".repeat(900)).into_bytes(),
        };
        assert_eq!(answer.words().chars().count(), 199);
        assert!(!answer.words().contains('\u{1b}'));
    }

    #[test]
    fn an_answer_tells_its_request_and_the_wait_it_asks_for() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut answer = ApiAnswer { status: 429, headers: Vec::new(), body: Vec::new() };
        assert_eq!((answer.request_id(), answer.asks_to_wait()), (None, None));
        answer.headers = vec![header("cf-ray", "8f-LHR"), header("retry-after", "7200")];
        assert_eq!(answer.request_id(), Some("8f-LHR"));
        assert_eq!(answer.words(), "the platform asks to wait 2 h");
        answer.headers.insert(0, header("x-request-id", ""));
        answer.headers.push(header("rndr-id", "abc"));
        answer.body = b"slow down".to_vec();
        assert_eq!(answer.request_id(), Some("abc"));
        assert_eq!(answer.words(), "slow down (the platform asks to wait 2 h)");
        let own = answer.words_or(Some("too many\u{1b}[2J".to_owned()));
        assert_eq!(own, "too many [2J (the platform asks to wait 2 h)");
        answer.status = 200;
        assert_eq!(answer.words(), "slow down");
    }

    #[test]
    fn lengths_of_time_are_never_told_too_short() {
        let told = [0.0, 1.2, 119.0, 121.0, 7_199.0, 7_201.0, 200_000.0, 63_072_000.0, 1e12]
            .map(|seconds| in_words(Duration::from_secs_f64(seconds)));
        let expected =
            ["0 s", "2 s", "119 s", "3 min", "120 min", "3 h", "3 days", "2 years", "more than 100 years"];
        assert_eq!(told, expected);
    }

    #[test]
    fn deep_json_is_refused_and_never_overflows_the_stack() {
        let deep = |levels: usize| ApiAnswer {
            status: 200,
            headers: Vec::new(),
            body: format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes(),
        };
        assert!(deep(100).json::<serde_json::Value>().is_ok());
        for levels in [200, 1_000_000] {
            let refused = deep(levels).json::<serde_json::Value>();
            assert!(refused.is_err_and(|error| error.contains("column 128")), "{levels}");
        }
        #[derive(serde::Deserialize)]
        struct Known {}
        let unknown = format!("{{\"unknown\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let answer = ApiAnswer { status: 200, headers: Vec::new(), body: unknown.into_bytes() };
        let _ = answer.json::<Known>();
    }
}
