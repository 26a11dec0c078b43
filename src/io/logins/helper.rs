//! Credential helpers: programs `docker-credential-NAME` that know logins.
//!
//! <https://github.com/docker/docker-credential-helpers#development>: `get`, the server's name on standard input, JSON on
//! standard output. Without the helper's output in any message but for the first line of a refusal.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Login;

/// How long a helper may take: some ask a cloud, some ask the user.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether it ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Bytes of output that are read.
const LARGEST: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    #[serde(default)]
    username: String,
    secret: SecretString,
}

/// What a helper knows of a server. `file` is what names the helper.
pub(super) fn ask(
    name: &str,
    server: &str,
    file: &Path,
    path: Option<&str>,
) -> Result<Option<Login>, String> {
    let program = format!("docker-credential-{name}");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.chars().all(plain) {
        return Err(format!(
            "{} names the credential helper `{name}`, which is no program's name",
            file.display()
        ));
    }
    let mut command = Command::new(&program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!(
            "{} wants the credential helper {program}, and it is not on PATH: install it, or remove its name from that file",
            file.display()
        ),
        _ => format!("the credential helper {program} cannot be started: {error}"),
    })?;
    let (success, out, err) =
        talk(child, server).map_err(|why| format!("the credential helper {program} {why}"))?;
    if !success {
        return refusal(&out, &err).map_or(Ok(None), |why| {
            Err(format!("the credential helper {program} fails for {server}: {why}"))
        });
    }
    let told: Told = serde_json::from_slice(&out)
        .map_err(|_| format!("the credential helper {program} does not answer with a login for {server}"))?;
    Ok(Some(told)
        .filter(|told| !told.secret.expose_secret().is_empty())
        .map(|told| Login { username: told.username, password: told.secret }))
}

/// Hands over the server's name and waits for the end: whether it succeeded, and what it said.
fn talk(mut child: Child, server: &str) -> Result<(bool, Vec<u8>, Vec<u8>), String> {
    if let Some(mut input) = child.stdin.take() {
        // A helper that ends without reading says why by its exit code.
        let _ = input.write_all(server.as_bytes());
    }
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let out = std::thread::spawn(move || read(out));
    let err = std::thread::spawn(move || read(err));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(LOOK_EVERY),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("did not answer within {} s", PATIENCE.as_secs()));
            }
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    };
    Ok((status.success(), out.join().unwrap_or_default(), err.join().unwrap_or_default()))
}

fn read(stream: Option<impl std::io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What was read until an error is what it said.
        let _ = stream.take(LARGEST).read_to_end(&mut bytes);
    }
    bytes
}

/// Why it refused; none where it only says that it knows no login. Helpers say so on standard output.
fn refusal(out: &[u8], err: &[u8]) -> Option<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let (out, err) = (text(out), text(err));
    if out.to_lowercase().contains("credentials not found")
        || err.to_lowercase().contains("credentials not found")
    {
        return None;
    }
    // An object might be a login after all.
    let said = [err, out].into_iter().find(|text| !text.is_empty() && !text.contains('{'));
    let line =
        said.as_deref().and_then(|text| text.lines().next()).unwrap_or("it gives no reason").to_owned();
    Some(line.chars().take(200).collect())
}
