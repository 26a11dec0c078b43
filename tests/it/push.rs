//! Pushes: a real registry behind a real engine, and servers that play a registry, an engine or AWS and misbehave.

mod engine;
pub mod fake;
mod logins;
mod registry;
mod transfer;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dashdeploy::io::http::Http;
use dashdeploy::io::logins::{Login, Logins};

use crate::support::{Ran, eventually, tool};

/// The password that tests look for where it must not be.
pub const PASSWORD: &str = "correct horse battery";
/// `me` with that password, as `htpasswd -B` writes it.
const HTPASSWD: &str = "me:$2y$04$yPFSxxi8aM0f7iuyWkK0o.osMM38c27KT9V5u8GGciIcij9RO3v0C\n";

/// Debian's registry as a program of its own, on a port that the kernel chose.
pub struct RealRegistry {
    child: Child,
    _dir: tempfile::TempDir,
    log: Arc<Mutex<String>>,
    pub port: u16,
}

impl RealRegistry {
    /// A registry; with `login` it wants `me` and [`PASSWORD`]. None where the program is not there, said aloud.
    pub fn start(test: &str, login: bool) -> Option<Self> {
        let program = tool(test, "DOCKER_REGISTRY")?;
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let auth = if login {
            std::fs::write(path("htpasswd"), HTPASSWD).unwrap();
            format!("auth: {{ htpasswd: {{ realm: test, path: {} }} }}\n", path("htpasswd"))
        } else {
            String::new()
        };
        let config = format!(
            "version: 0.1\nlog: {{ level: info }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
             http: {{ addr: \"127.0.0.1:0\" }}\n{auth}",
            path("store")
        );
        std::fs::write(path("config.yml"), config).unwrap();
        let mut command = Command::new(program);
        command.args(["serve", &path("config.yml")]).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stdout.take().unwrap(), &log);
        keep(child.stderr.take().unwrap(), &log);
        let mut port = 0;
        eventually("the registry listens", 20, || {
            let log = log.lock().unwrap();
            let after = log.split("listening on 127.0.0.1:").nth(1);
            let digits = after.map(|text| text.chars().take_while(char::is_ascii_digit).collect::<String>());
            port = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            port != 0
        });
        Some(Self { child, _dir: dir, log, port })
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The requests since the last call, as `HEAD /v2/…`.
    pub fn requests(&self) -> Vec<String> {
        // The line is written after the answer.
        std::thread::sleep(Duration::from_millis(100));
        let text = std::mem::take(&mut *self.log.lock().unwrap());
        let lines =
            text.lines().filter_map(|line| line.split('"').nth(1)).filter(|part| part.contains(" /v2/"));
        lines.map(|part| part.trim_end_matches(" HTTP/1.1").to_owned()).collect()
    }
}

impl Drop for RealRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(stream: impl std::io::Read + Send + 'static, log: &Arc<Mutex<String>>) {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

/// One login for every registry, or none.
#[derive(Debug)]
pub struct Fixed(pub Option<Login>);

impl Logins for Fixed {
    fn login(&self, _: &str) -> Result<Option<Login>, String> {
        Ok(self.0.clone())
    }
}

pub fn me() -> Login {
    Login::new("me", PASSWORD)
}

pub fn http() -> Arc<Http> {
    Arc::new(Http::default())
}

/// The password is nowhere in what the program printed, plain or in Base64.
#[track_caller]
pub fn silent(ran: &Ran) {
    for form in [PASSWORD, "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5", "bWU6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"] {
        assert!(!ran.all().contains(form), "{}", ran.all());
    }
}
