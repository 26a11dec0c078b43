//! How a release is made and put, as `plan`, `deploy`, `rollback` and the others are told.

use std::path::PathBuf;

use super::super::build_args::BuildArgs;
use super::super::push::PushArgs;
use crate::io::outside::ConnectTo;

/// How a release is made.
#[derive(Debug, clap::Args)]
pub struct ReleaseArgs {
    #[command(flatten)]
    pub build: BuildArgs,
    /// Use the images that are there
    #[arg(long, env = "DASHDEPLOY_NO_BUILD", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub no_build: bool,
    /// Take this image for a service instead of building it, such as api=ghcr.io/acme/api@sha256:… (repeatable)
    #[arg(long = "image", value_name = "SERVICE=IMAGE", value_parser = given_image)]
    pub images: Vec<GivenImage>,
    /// Only these services, and what they need (repeatable)
    #[arg(long = "service", value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Take over apps and services of these names that were made by hand
    #[arg(long, env = "DASHDEPLOY_ADOPT", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub adopt: bool,
    /// File with secrets, one NAME=value a line
    #[arg(long, env = "DASHDEPLOY_SECRETS_FILE", value_name = "FILE")]
    pub secrets_file: Option<PathBuf>,
    #[command(flatten)]
    pub registry: PushArgs,
}

/// How what was put is waited for and looked at.
#[derive(Debug, clap::Args)]
pub struct OutsideArgs {
    /// Send requests for a host elsewhere while its name does not lead there yet: HOST=ADDRESS[:PORT], or
    /// HOST=http://127.0.0.1:PORT without TLS on this machine (repeatable; `*.` stands for any name)
    #[arg(long, value_name = "HOST=ADDRESS", env = "DASHDEPLOY_CONNECT_TO", value_delimiter = ',')]
    pub connect_to: Vec<ConnectTo>,
    /// How long a service may take to become healthy: seconds, or with a unit
    #[arg(long, default_value = "300", env = "DASHDEPLOY_WAIT_TIMEOUT", value_name = "TIME", value_parser = seconds)]
    pub wait_timeout: u64,
    /// How long until the checks from outside must have passed: seconds, or with a unit
    #[arg(long, default_value = "60", env = "DASHDEPLOY_VERIFY_TIMEOUT", value_name = "TIME", value_parser = seconds)]
    pub verify_timeout: u64,
    /// How long everything must go on serving before the deploy counts as done: seconds, or with a unit
    #[arg(long, default_value = "5", env = "DASHDEPLOY_STABLE_FOR", value_name = "TIME", value_parser = seconds)]
    pub stable_for: u64,
}

/// Who may be at it at the same time, and where it is written down.
#[derive(Debug, clap::Args)]
pub struct LockArgs {
    /// How long to wait while somebody else is at it: seconds, or with a unit, such as 5m
    #[arg(long, default_value = "0", env = "DASHDEPLOY_LOCK_TIMEOUT", value_name = "TIME", value_parser = seconds)]
    pub lock_timeout: u64,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// Where it is written down.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LedgerArgs {
    /// Where the shared ledger lies, such as s3://bucket/prefix, before DASHDEPLOY_LEDGER and dashdeploy.yaml
    #[arg(long = "ledger", value_name = "URL")]
    pub url: Option<String>,
}

/// A length of time in whole seconds: a number of them, or with a unit, such as `90s`, `5m`, `1h`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let wrong = || "give seconds, such as 90, or a time with a unit, such as 5m".to_owned();
    let duration: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    u64::try_from(duration.as_secs()).map_err(|_| wrong())
}

/// An image given for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenImage {
    /// The service, as written.
    pub service: String,
    /// The image's reference.
    pub reference: String,
}

fn given_image(text: &str) -> Result<GivenImage, String> {
    let wrong = || "give SERVICE=IMAGE, such as api=ghcr.io/acme/api@sha256:…".to_owned();
    let (service, reference) = text.split_once('=').ok_or_else(wrong)?;
    let valid = !service.is_empty()
        && !reference.is_empty()
        && reference.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\' | '`' | '$'));
    if !valid {
        return Err(wrong());
    }
    Ok(GivenImage { service: service.to_owned(), reference: reference.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        for (text, wanted) in
            [("0", 0), (" 90 ", 90), ("90s", 90), ("5m", 300), ("1h 30m", 5400), ("1h30m", 5400)]
        {
            assert_eq!(seconds(text), Ok(wanted), "{text}");
        }
        for text in ["", "-1", "-5m", "soon", "5 apples", "1.5"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
