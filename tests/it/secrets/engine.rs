//! With an engine: the value reaches the step, and then is nowhere.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::project;
use crate::support::{Project, docker, docker_text, engine};

/// A value that no other run has.
fn canary() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    ["c4n4ry-", "Xq7z-"].concat() + &format!("{now}-{}-0fThEm1ne", std::process::id())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value plain, in hex, and in base64 at each of the three places where it can begin.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec(), hex(value.as_bytes()).into_bytes()];
    for shift in 0..3 {
        let encoded = STANDARD.encode(["x".repeat(shift).as_bytes(), value.as_bytes()].concat());
        // Characters at both ends also depend on the neighbours.
        forms.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
    }
    forms
}

#[track_caller]
fn assert_absent(value: &str, what: &str, bytes: &[u8]) {
    for form in forms(value) {
        let found = memchr::memmem::find(bytes, &form);
        assert!(found.is_none(), "{} is in {what}", String::from_utf8_lossy(&form));
    }
}

/// Looks into every file below a folder; how many there were.
fn sweep(value: &str, folder: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_absent(value, "a name", path.to_string_lossy().as_bytes());
        if path.is_dir() {
            count += sweep(value, &path);
        } else {
            assert_absent(value, &path.display().to_string(), &fs::read(&path).unwrap());
            count += 1;
        }
    }
    count
}

/// Looks at the command lines of all processes until told to stop; how often it saw one of `dashdeploy build`.
fn watch(value: &str, own: &str, stop: &AtomicBool, seen: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(line) = fs::read(entry.path().join("cmdline")) else { continue };
            assert_absent(value, "a command line", &line);
            if memchr::memmem::find(&line, own.as_bytes()).is_some() {
                seen.fetch_add(1, Ordering::Relaxed);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// A Dockerfile whose step wants this value, known to it by its hash, and prints what it got.
fn wants(value: &str) -> String {
    let hash = hex(&Sha256::digest(value.as_bytes()));
    format!(
        "FROM debian:bookworm-slim\nRUN --mount=type=secret,id=TOKEN echo \"got <$(cat /run/secrets/TOKEN)>\" && sleep 1 && \\\n    \
         test \"$(sha256sum < /run/secrets/TOKEN | cut -c1-64)\" = {hash}\n"
    )
}

/// Runs the program with a cache folder of the test's own, while command lines are watched.
fn watched(project: &Project, arguments: &[&str], value: &str, cache: &Path) -> (i32, Vec<u8>, Vec<u8>) {
    let (stop, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    let own = arguments.join("\0");
    let output = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(value, &own, &stop, &seen));
        let mut command: Command = project.command(arguments);
        let output = command.env("TOKEN", value).env("XDG_CACHE_HOME", cache).output().unwrap();
        stop.store(true, Ordering::Relaxed);
        watching.join().unwrap();
        output
    });
    assert!(seen.load(Ordering::Relaxed) > 3, "the command line of the build was not watched");
    (output.status.code().unwrap(), output.stdout, output.stderr)
}

#[test]
fn a_secret_reaches_its_step_and_is_nowhere_afterwards() {
    if !engine("a secret reaches its step and is nowhere afterwards") {
        return;
    }
    let value = canary();
    let project = project("build-secret", &wants(&value));
    let cache = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = watched(&project, &["build", "--json", "-v"], &value, cache.path());
    let printed = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    assert_absent(&value, "what was printed", printed.as_bytes());
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("got <•••>"), "the step's output is told without the value: {printed}");

    let image = format!("{}-api:latest", project.name);
    let saved = docker(&["save", &image]);
    assert!(saved.status.success() && saved.stdout.len() > 1_000_000);
    assert_absent(&value, "docker save", &saved.stdout);
    assert_absent(&value, "inspect", docker_text(&["image", "inspect", &image]).as_bytes());
    let history = docker_text(&["history", "--no-trunc", "--format", "{{json .}}", &image]);
    assert!(history.contains("/run/secrets/TOKEN"), "{history}");
    assert_absent(&value, "history", history.as_bytes());
    assert!(sweep(&value, project.path()) >= 2 && sweep(&value, cache.path()) >= 1);

    // No container gets it.
    project.run_with(&["up"], &[("TOKEN", &value)]).exits(0);
    let container = docker_text(&["inspect", &project.container("api")]);
    assert!(!container.contains("TOKEN="), "{container}");
    assert_absent(&value, "the container", container.as_bytes());

    // A value of `.env` counts, and a new one alone rebuilds nothing, as the documentation says.
    project.write(".env", "TOKEN='another value, of some length'\n");
    let ran = project.run(&["build"]).exits(0);
    assert!(ran.stdout.contains("unchanged"), "{}", ran.all());
    let ran = project.run(&["build", "--no-cache"]).exits(1);
    assert!(!ran.all().contains("another value"), "{}", ran.all());
    assert!(ran.all().contains("got <•••>"), "the failing step's output is shown: {}", ran.all());
}

#[test]
fn a_generated_dockerfile_gives_the_secret_to_the_step_that_installs() {
    if !engine("a generated Dockerfile gives the secret to the step that installs") {
        return;
    }
    let project = Project::empty("pip-secret");
    let text = format!(
        "project: {}\nservices:\n  job:\n    build: {{ kind: python, context: job, secrets: [PIP_CONSTRAINT] }}\n    command: [python, -V]\n",
        project.name
    );
    project.write("dashdeploy.yaml", &text);
    project.write("job/requirements.txt", "six\n");
    // pip says at once that it cannot read the file: so the variable was there.
    let value = format!("/nowhere/{}", canary());
    let ran = project.run_with(&["build"], &[("PIP_CONSTRAINT", &value)]).exits(1);
    assert!(ran.all().contains("'•••'"), "{}", ran.all());
    assert_absent(&value, "what was printed", ran.all().as_bytes());
    let dockerfile = project.read("deploy/job/Dockerfile");
    assert!(dockerfile.contains("--mount=type=secret,id=PIP_CONSTRAINT"), "{dockerfile}");
    assert_absent(&value, "the Dockerfile", dockerfile.as_bytes());
}
