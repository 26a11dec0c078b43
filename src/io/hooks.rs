//! Commands of the user's own around a deploy.
//!
//! Given: a line for a shell, a folder, variables. Gives: what it printed, line by line as it prints it, and whether it succeeded.
//! Deliberately absent: which lines there are and what a failure means.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// What is sent first to what does not end by itself, and how long it then has.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// A command that runs. It is told to end, with all that it started, when this is dropped.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

/// Starts a line of `sh` in a folder, with variables beside those of this process. It reads nothing, and is in a group of its own, so
/// that a signal of the terminal reaches it through [`Running::stop`] alone.
///
/// # Errors
/// There is no `sh`, or it cannot be started.
pub fn start(line: &str, folder: &Path, variables: &BTreeMap<String, String>) -> std::io::Result<Running> {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).envs(variables);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let (sender, lines) = mpsc::channel(64);
    if let Some(out) = child.stdout.take() {
        tokio::spawn(read(out, sender.clone()));
    }
    if let Some(err) = child.stderr.take() {
        tokio::spawn(read(err, sender));
    }
    Ok(Running { child, lines })
}

async fn read(from: impl AsyncRead + Unpin, to: mpsc::Sender<String>) {
    let mut reader = BufReader::new(from);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).await.is_ok_and(|count| count > 0) {
        let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
        if to.send(line).await.is_err() {
            return;
        }
        bytes.clear();
    }
}

impl Running {
    /// The next line that it prints; none once it has closed both outputs.
    pub async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// How it ended.
    ///
    /// # Errors
    /// The system does not tell.
    pub async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to end, with all that it started, and kills it where it has not after five seconds.
    pub async fn stop(&mut self) {
        self.signal("TERM").await;
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            self.signal("KILL").await;
        }
    }

    async fn signal(&self, name: &str) {
        let Some(id) = self.child.id() else { return };
        // The group: a shell does not hand signals on. `unsafe` is forbidden here, so that the program does it.
        let _ = Command::new("kill").args([&format!("-{name}"), "--", &format!("-{id}")]).status().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn all(line: &str) -> (Vec<String>, Option<i32>) {
        let variables = BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]);
        let mut running = start(line, Path::new("/"), &variables).expect("the system runs it");
        let mut lines = Vec::new();
        while let Some(line) = running.line().await {
            lines.push(line);
        }
        (lines, running.ended().await.expect("the system runs it").code())
    }

    #[tokio::test]
    async fn what_it_prints_and_how_it_ends_is_told() {
        let (mut lines, code) = all("echo $GREETING; pwd; echo oops >&2; exit 3").await;
        lines.sort();
        assert_eq!((lines, code), (vec!["/".to_owned(), "hello".to_owned(), "oops".to_owned()], Some(3)));
    }

    #[tokio::test]
    async fn what_it_started_ends_with_it() {
        let begun = std::time::Instant::now();
        let mut running =
            start("sleep 60 & sleep 60", Path::new("/"), &BTreeMap::new()).expect("the system runs it");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        running.stop().await;
        assert_eq!(running.line().await, None, "nobody has the pipe any more");
        assert!(begun.elapsed().as_secs() < 5);
    }
}
