//! A project in a folder of its own, the program run in it, and what it printed.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program under test.
pub fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dashdeploy"))
}

/// The repository's folder.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Notes aloud that a test was skipped.
pub fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED: {test}: {reason}");
    if let Some(file) = std::env::var_os("DASHDEPLOY_SKIPPED") {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        // One write: other tests write into the same file.
        file.write_all(format!("{test}: {reason}\n").as_bytes()).unwrap();
    }
}

/// A figure that a test came to, shown by the test and at the end of `make test`.
pub fn figure(line: &str) {
    eprintln!("{line}");
    if let Some(file) = std::env::var_os("DASHDEPLOY_FIGURES") {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// True where tests may use a Docker Engine; says so where not, and fails where one is required.
pub fn engine(test: &str) -> bool {
    let wish = std::env::var("DASHDEPLOY_TEST_ENGINE").unwrap_or_default();
    if wish == "off" {
        skip(test, "DASHDEPLOY_TEST_ENGINE=off");
        return false;
    }
    let answers = docker(&["version", "--format", "{{.Server.Version}}"]).status.success();
    assert!(answers || wish != "required", "no Docker Engine answers, and one is required");
    if !answers {
        skip(test, "no Docker Engine answers");
    }
    answers
}

/// A program that the environment names; says so where it does not.
pub fn tool(test: &str, variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    if path.is_none() {
        skip(test, &format!("{variable} is not set"));
    }
    path
}

/// The docker program, for looking at things from outside; the product never uses it.
pub fn docker(arguments: &[&str]) -> Output {
    let program = if Path::new("/usr/bin/docker").exists() { "/usr/bin/docker" } else { "docker" };
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// What a docker command printed.
pub fn docker_text(arguments: &[&str]) -> String {
    let output = docker(arguments);
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A project in a temporary folder; what it ran is taken away when it is dropped.
pub struct Project {
    /// The project's name, different in every test.
    pub name: String,
    dir: tempfile::TempDir,
    started: std::cell::Cell<bool>,
}

/// What the program did.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The same, after the exit code was found to be this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The last JSON line.
    #[track_caller]
    pub fn json(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// Everything printed.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl Project {
    /// An empty project folder.
    pub fn empty(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name = format!("t{}-{name}", std::process::id());
        Self { name, dir, started: std::cell::Cell::new(false) }
    }

    /// A copy of an example's sources, without what dashdeploy generates.
    pub fn sources_of(example: &str) -> Self {
        let project = Self::empty(example);
        copy(&repository().join("examples").join(example), project.path(), &|path| !is_generated(path));
        project
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "`{from}` is not in {path}:\n{text}");
        self.write(path, &text.replace(from, to));
    }

    /// Gives dashdeploy.yaml a project name and host ports of this test's own; returns the ports by the former ones.
    pub fn make_own(&self, published: &[u16]) -> Vec<u16> {
        let text = self.read("dashdeploy.yaml");
        let line = text.lines().find(|line| line.starts_with("project:")).unwrap().to_owned();
        let mut text = text.replace(&line, &format!("project: {}", self.name));
        let ports: Vec<u16> = published.iter().map(|_| free_port()).collect();
        for (former, own) in published.iter().zip(&ports) {
            // A service that is published on its own port does not say so.
            let (said, implied) = (format!("publish: {former}"), format!("    port: {former}"));
            assert!(text.contains(&said) || text.contains(&implied), "port {former} is not in:\n{text}");
            text = if text.contains(&said) {
                text.replace(&said, &format!("publish: {own}"))
            } else {
                text.replace(&implied, &format!("    publish: {own}\n{implied}"))
            };
        }
        self.write("dashdeploy.yaml", &text);
        ports
    }

    /// The program in this project, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.started.set(true);
        let mut command = binary();
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("CI").env("NO_COLOR", "1").env_remove("TS_ALPHA_VANTAGE_KEY");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let output = self.command(arguments).envs(variables.iter().copied()).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The id of a service's container.
    pub fn container(&self, service: &str) -> String {
        docker_text(&["ps", "-aq", "--no-trunc", "--filter", &format!("name=^{}-{service}-1$", self.name)])
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if !self.started.get() || !self.path().join("dashdeploy.yaml").exists() {
            return;
        }
        let label = format!("label=dev.dashdeploy.project={}", self.name);
        for (list, remove) in [
            (&["ps", "-aq", "--filter"][..], &["rm", "-f"][..]),
            (&["network", "ls", "-q", "--filter"], &["network", "rm"]),
            (&["volume", "ls", "-q", "--filter"], &["volume", "rm"]),
        ] {
            remove_all(list, &label, remove);
        }
        remove_all(
            &["images", "--format", "{{.Repository}}:{{.Tag}}", "--filter"],
            &format!("reference={}-*", self.name),
            &["rmi"],
        );
    }
}

fn remove_all(list: &[&str], filter: &str, remove: &[&str]) {
    let found = docker(&[list, &[filter]].concat());
    let ids = String::from_utf8_lossy(&found.stdout).into_owned();
    let ids: Vec<&str> = ids.split_whitespace().collect();
    if !ids.is_empty() {
        docker(&[remove, &ids].concat());
    }
}

/// True for what `dashdeploy` writes, and for what building and running leaves behind.
fn is_generated(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    let left = ["node_modules", "dist", "__pycache__", ".venv", ".dashdeploy", ".env", ".pytest_cache"];
    let ours = fs::read_to_string(path)
        .is_ok_and(|text| text.lines().take(12).any(|l| l.contains("dashdeploy render")));
    left.contains(&name.as_ref()) || name == "dashdeploy.yaml" || (path.is_file() && ours)
}

fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if !wanted(&path) {
            continue;
        }
        if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&path, &target, wanted);
            // A folder that held only generated files is not part of the sources.
            let _ = fs::remove_dir(&target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// One request to a port of this machine, over a connection of its own.
pub fn http(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// A GET that must be answered.
#[track_caller]
pub fn get(port: u16, path: &str) -> Answer {
    http(port, "GET", path, "").unwrap_or_else(|error| panic!("GET :{port}{path}: {error}"))
}

/// Waits until something holds.
#[track_caller]
pub fn eventually(what: &str, seconds: u64, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
