//! What a build gives, shows and leaves behind.

use std::fs;
use std::time::{Duration, Instant};

use bollard::query_parameters::ListContainersOptionsBuilder;
use dashdeploy::build::dist::{Export, export_static};
use dashdeploy::build::pull::pull_if_missing;
use dashdeploy::build::{BuildOptions, BuildRequest, KEY_LABEL};
use dashdeploy::io::docker::{EngineSettings, connect};
use dashdeploy_contract::{Event, Name, NoEvents, StepState};

use super::{Lab, MARK};

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_says_what_it_is() {
    let Some(_lab) = Lab::new("info").await else { return };
    let info = connect(&EngineSettings::from_env()).await.unwrap().info().await.unwrap();
    assert!(info.buildkit && !info.version.is_empty() && info.cpus > 0 && info.memory > 0, "{info:?}");
    assert!(info.storage_free.is_none_or(|free| free > 0) && info.server_time.is_some(), "{info:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_sources_give_the_same_image_and_arguments_another() {
    let Some(lab) = Lab::new("same").await else { return };
    lab.write("ctx/run.sh", "#!/bin/sh\necho hello\n");
    // Different in every run: results of former runs must not be found.
    lab.write("ctx/sub/data.txt", format!("{:?}", std::time::SystemTime::now()));
    executable(&lab.path().join("ctx/run.sh"));
    std::os::unix::fs::symlink("/nowhere/at/all", lab.path().join("ctx/link")).unwrap();
    let request = || {
        let text = "FROM debian:bookworm-slim\nARG WORD\nCOPY . /app/\nRUN /app/run.sh && test -L /app/link && \
                    test \"$(readlink /app/link)\" = /nowhere/at/all && test \"$(stat -c %u:%a /app/sub/data.txt)\" = 0:644 && \
                    echo \"word=$WORD\" > /word\n";
        let mut request = lab.request("api", text);
        request.args.insert("WORD".into(), "one two".into());
        request
    };
    let first = lab.build(vec![request()]).await.unwrap().remove(0);
    assert!(!first.cached && first.size > 1_000_000);
    assert_eq!(first.content_tag, format!("{}-api:dd-{}", lab.name, &first.id.0[7..23]));
    let second = lab.build(vec![request()]).await.unwrap().remove(0);
    assert!(second.cached);
    assert_eq!(first.id, second.id);
    for name in [&first.reference, &first.content_tag] {
        assert_eq!(lab.engine.inspect_image(name).await.unwrap().id.unwrap(), first.id.0);
    }
    let labels = lab.engine.inspect_image(&first.id.0).await.unwrap().config.unwrap().labels.unwrap();
    assert_eq!(labels[MARK], lab.name);
    let mut other = request();
    other.args.insert("WORD".into(), "three".into());
    assert_ne!(lab.build(vec![other]).await.unwrap()[0].id, first.id);
    let again =
        lab.build_with(vec![request()], &BuildOptions { no_cache: true, ..lab.options() }).await.unwrap();
    assert!(!again[0].cached);
    let steps = |state| {
        lab.events.count(|event| matches!(event, Event::BuildStep { state: found, .. } if *found == state))
    };
    assert!(steps(StepState::Cached) >= 2 && steps(StepState::Done) >= 4 && steps(StepState::Running) >= 4);
    let sent = |wanted| {
        lab.events.count(|event| matches!(event, Event::BuildContext { files, .. } if *files == wanted))
    };
    assert_eq!((sent(2), sent(0)), (1, 2), "only the first build sends the files, and the second is not run");
    assert_eq!((&first.key, first.key.is_some()), (&second.key, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_step_shows_its_own_output_and_stops_the_others() {
    let Some(lab) = Lab::new("fail").await else { return };
    let bad = "FROM debian:bookworm-slim\nRUN echo fine\nRUN echo first; echo second >&2; printf 'no newline'; exit 7\n";
    let requests = vec![lab.request("good", SLOW), lab.request("bad", bad)];
    let begun = Instant::now();
    let failure = lab.build(requests).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(60), "the other build was waited for");
    assert_eq!(failure.service.as_str(), "bad");
    assert_eq!(failure.exit_code, Some(7));
    // The two streams of a step are not ordered between each other.
    let mut log = failure.log.clone();
    log.sort();
    assert_eq!(log, ["first", "no newline", "second"]);
    assert!(failure.instruction.as_ref().unwrap().starts_with("RUN echo first"), "{failure:?}");
    assert!(failure.message.ends_with("ended with exit code 7"), "{failure:?}");
    assert_eq!(failure.stopped, [Name::parse("good").unwrap()]);
    assert_eq!(lab.events.count(|event| matches!(event, Event::BuildFailed { .. })), 2);
    assert!(gone(&lab.name, Duration::from_secs(3)), "the other build's step still runs");
}

const SLOW: &str = "FROM debian:bookworm-slim\nARG WHO\nRUN echo ${WHO} && sleep 120\n";

/// True once no process of a step that sleeps 120 s is there.
fn gone(_: &str, within: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < within {
        if !sleeper() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

fn sleeper() -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line == b"sleep\x00120\x00")
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_build_ends_the_running_step() {
    let Some(lab) = Lab::new("drop").await else { return };
    let request = lab.request("api", "FROM debian:bookworm-slim\nRUN exec sleep 121\n");
    let runs = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
            .any(|line| line == b"sleep\x00121\x00")
    };
    let running = async {
        while !runs() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        result = lab.build(vec![request]) => panic!("it ended by itself: {result:?}"),
        () = running => {}
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("the step never ran"),
    }
    let dropped = Instant::now();
    while runs() {
        assert!(dropped.elapsed() < Duration::from_secs(1), "the step still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eprintln!("the step ended {:?} after the build was dropped", dropped.elapsed());
}

/// (Dockerfile, part of the message, part of the hint)
const KNOWN_FAILURES: &[(&str, &str, &str)] = &[
    ("FROM debian:bookworm-slim\nCOPY missing.txt /\n", "missing.txt", "create the file"),
    ("FROM debian:bookworm-slim\nCOPY secret.txt /\n", "secret.txt", "!secret.txt"),
    ("FROM registry.invalid/no/such:1\n", "registry.invalid/no/such:1", "cannot be reached"),
    ("# syntax=registry.invalid/docker/dockerfile:1\nFROM scratch\n", "# syntax=", "remove the line"),
    ("FROM debian:bookworm-slim\nRUNN x\n", "RUNN", "correct the Dockerfile"),
    (
        "FROM debian:bookworm-slim\nRUN echo 'no space left on device' && false\n",
        "exit code 1",
        "disk is full",
    ),
    (
        "FROM node:20-alpine\nWORKDIR /w\nCOPY web/ ./\nRUN npm ci\n",
        "npm ci",
        "npm install --package-lock-only",
    ),
    (
        "FROM python:3.11-slim\nRUN pip install --no-cache-dir 'click==99.9'\n",
        "pip install",
        "package or version that does not exist",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn known_failures_name_their_mend() {
    let Some(lab) = Lab::new("hints").await else { return };
    lab.write(
        "ctx/web/package.json",
        r#"{"name":"x","version":"1.0.0","dependencies":{"left-pad":"1.3.0"}}"#,
    );
    lab.write(
        "ctx/web/package-lock.json",
        r#"{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}"#,
    );
    lab.write("ctx/.dockerignore", "secret.txt\n");
    lab.write("ctx/secret.txt", "x");
    for (dockerfile, message, hint) in KNOWN_FAILURES {
        let failure = lab.build(vec![lab.request("api", dockerfile)]).await.unwrap_err();
        assert!(failure.message.contains(message), "{failure:#?}");
        assert!(failure.hint.as_ref().is_some_and(|found| found.contains(hint)), "{failure:#?}");
        assert!(
            !failure.message.contains("rpc error") && !failure.message.contains("failed to solve"),
            "{failure:#?}"
        );
        assert!(!failure.message.contains(".dashdeploy"), "{failure:#?}");
        eprintln!("{}\n  = {}", failure.message, failure.hint.unwrap());
    }
    let mut staged = lab.request("api", "FROM scratch\n");
    staged.target = Some("nope".into());
    let failure = lab.build(vec![staged]).await.unwrap_err();
    assert!(failure.hint.as_ref().is_some_and(|hint| hint.contains("`stage`")), "{failure:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_named_and_what_cannot_be_kept_is_left_out() {
    let Some(lab) = Lab::new("odd").await else { return };
    lab.write("ctx/a", "a");
    let status = std::process::Command::new("mkfifo").arg(lab.path().join("ctx/pipe")).status().unwrap();
    assert!(status.success());
    let socket = std::os::unix::net::UnixListener::bind(lab.path().join("ctx/socket")).unwrap();
    lab.build(vec![lab.request("api", "FROM scratch\nCOPY . /\n")]).await.unwrap();
    for what in ["`pipe` is a named pipe", "`socket` is a socket"] {
        let told =
            lab.events.count(|event| matches!(event, Event::Warning { message } if message.contains(what)));
        assert_eq!(told, 1, "{what}");
    }
    drop(socket);
    let mut missing = lab.request("api", "FROM scratch\n");
    missing.context = lab.path().join("none");
    let failure = lab.build(vec![missing]).await.unwrap_err();
    assert!(
        failure.message.contains("none") && failure.hint.unwrap().contains("build.context"),
        "{}",
        failure.message
    );
    use std::os::unix::ffi::OsStringExt as _;
    let name = std::ffi::OsString::from_vec(b"bad\xff".to_vec());
    fs::write(lab.path().join("ctx").join(&name), "x").unwrap();
    let failure = lab.build(vec![lab.request("api", "FROM scratch\nCOPY . /\n")]).await.unwrap_err();
    assert!(failure.message.contains("not UTF-8"), "{}", failure.message);
    let mut ignoring = lab.request("api", "FROM scratch\nCOPY . /\n");
    ignoring.ignore_text = Some("bad*".into());
    lab.build(vec![ignoring]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_files_arrive() {
    let Some(lab) = Lab::new("many").await else { return };
    for index in 0..20_000 {
        if index % 200 == 0 {
            fs::create_dir_all(lab.path().join(format!("ctx/d{}", index / 200))).unwrap();
        }
        fs::write(lab.path().join(format!("ctx/d{}/f{index}", index / 200)), format!("{index}")).unwrap();
    }
    let text = "FROM debian:bookworm-slim\nCOPY . /ctx/\nRUN test \"$(find /ctx -name 'f*' -type f | wc -l)\" = 20000\n";
    let begun = Instant::now();
    lab.build(vec![lab.request("api", text)]).await.unwrap();
    let cold = begun.elapsed();
    let again = lab.build(vec![lab.request("api", text)]).await.unwrap();
    assert!(again[0].cached);
    eprintln!("20,000 files: {cold:?}, again {:?}", begun.elapsed() - cold);
    let sent = |wanted| {
        lab.events.count(|event| matches!(event, Event::BuildContext { files, .. } if *files == wanted))
    };
    assert_eq!(sent(1), 0);
    lab.write("ctx/d7/f1400", "same1");
    lab.build(vec![lab.request("api", text)]).await.unwrap();
    assert_eq!(sent(1), 1, "one file changed, and one is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_docker_command_gives_the_same_image() {
    let Some(lab) = Lab::new("peers").await else { return };
    lab.write("ctx/deep/er/file", format!("{:?}", std::time::SystemTime::now()));
    lab.write("ctx/run", "x");
    executable(&lab.path().join("ctx/run"));
    std::os::unix::fs::symlink("run", lab.path().join("ctx/link")).unwrap();
    let text =
        "FROM debian:bookworm-slim\nCOPY . /ctx/\nCOPY run deep/er/file /two/\nRUN test -x /ctx/link\n";
    lab.write("Dockerfile", text);
    let request = lab.request("api", text);
    let session = lab.build(vec![request.clone()]).await.unwrap().remove(0);
    let docker = std::process::Command::new("/usr/bin/docker")
        .args(["build", "-q", "--label", &format!("{MARK}={}", lab.name)])
        .args(["--label", &format!("{KEY_LABEL}={}", session.key.as_ref().unwrap()), "-f", "Dockerfile"])
        // Absolute: the docker command takes relative contexts of the same name for one and the same.
        .arg(lab.path().join("ctx"))
        .current_dir(lab.path())
        .env("DOCKER_BUILDKIT", "1")
        .output();
    match docker {
        Ok(output) if output.status.success() => {
            assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), session.id.0);
        }
        other => eprintln!("SKIPPED: the comparison with the docker command: {other:?}"),
    }
    // As one stream, for engines without sessions: an image of its own, and the same one every time.
    let by_stream =
        |name: &str| BuildRequest { reference: format!("{}-{name}:latest", lab.name), ..request.clone() };
    let stream = lab.build_with(vec![by_stream("one")], &BuildOptions::default()).await.unwrap().remove(0);
    let again = lab.build_with(vec![by_stream("two")], &BuildOptions::default()).await.unwrap().remove(0);
    assert_eq!((&again.id, again.cached), (&stream.id, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_context_needs_little_memory() {
    let Some(lab) = Lab::new("large").await else { return };
    lab.write("ctx/small", "x");
    let mut large = fs::File::create(lab.path().join("ctx/large")).unwrap();
    std::io::Write::write_all(&mut large, format!("{:?}", std::time::SystemTime::now()).as_bytes()).unwrap();
    large.set_len(300 << 20).unwrap();
    let before = peak_memory();
    let request = || lab.request("api", "FROM scratch\nCOPY . /\n");
    for (way, options) in [("session", lab.options()), ("stream", BuildOptions::default())] {
        let options = BuildOptions { no_cache: true, ..options };
        lab.build_with(vec![request()], &options).await.unwrap();
        let grown = peak_memory() - before;
        eprintln!("300 MB by {way}: peak memory grew by {grown} KiB from {before} KiB");
        assert!(grown < 60 << 10, "{grown} KiB");
    }
    let sent =
        lab.events.count(|event| matches!(event, Event::BuildContext { bytes, .. } if *bytes > 300 << 20));
    // At least the last news of each way; more where the last file takes its time.
    assert!(sent >= 2, "{sent}");
}

/// KiB of memory that this process had at most.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn built_files_come_out_and_the_container_goes() {
    let Some(lab) = Lab::new("dist").await else { return };
    lab.write("ctx/index.html", "<div id=\"root\"></div>");
    lab.write("ctx/assets/app.js", "1");
    std::os::unix::fs::symlink("index.html", lab.path().join("ctx/link")).unwrap();
    let image = lab.build(vec![lab.request("web", "FROM scratch\nCOPY . /html/\n")]).await.unwrap().remove(0);
    let labels = indexmap::IndexMap::from([(MARK.to_owned(), lab.name.clone())]);
    let service = Name::parse("web").unwrap();
    let mut export = Export {
        service: &service,
        image: &image.id,
        from: "/html",
        project_dir: lab.path(),
        labels: &labels,
        cache_dir: None,
        inspect: None,
    };
    for _ in 0..2 {
        let exported = export_static(&lab.engine, &export, lab.events.as_ref()).await.unwrap();
        assert_eq!((exported.path.as_str(), exported.files), (".dashdeploy/dist/web", 2));
    }
    assert_eq!(fs::read_to_string(lab.path().join(".dashdeploy/dist/web/assets/app.js")).unwrap(), "1");
    assert!(!lab.path().join(".dashdeploy/dist/web/link").exists());
    export.from = "/nowhere";
    let error = export_static(&lab.engine, &export, &NoEvents).await.unwrap_err();
    assert!(error.reason.contains("/nowhere"), "{error}");
    assert!(lab.path().join(".dashdeploy/dist/web/index.html").exists(), "the former files stay");
    let filters = std::collections::HashMap::from([("label", vec![format!("{MARK}={}", lab.name)])]);
    let list = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    assert!(lab.engine.list_containers(Some(list)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_there_is_not_fetched_and_one_that_is_nowhere_says_so() {
    let Some(lab) = Lab::new("pull").await else { return };
    let id =
        pull_if_missing(&lab.engine, "debian:bookworm-slim", None, None, lab.events.as_ref()).await.unwrap();
    assert!(id.0.starts_with("sha256:"));
    assert_eq!(lab.events.count(|_| true), 0);
    let error =
        pull_if_missing(&lab.engine, "registry.invalid/no/such:1", None, None, &NoEvents).await.unwrap_err();
    assert!(error.to_string().contains("registry.invalid/no/such:1") && !error.hint.is_empty(), "{error:?}");
    eprintln!("{error}\n  = {}", error.hint);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_platforms_are_refused_and_one_is_passed_on() {
    let Some(lab) = Lab::new("platform").await else { return };
    let options = |platform: &str| BuildOptions { platform: Some(platform.into()), ..lab.options() };
    let request: BuildRequest = lab.request("api", "FROM scratch\nCOPY . /\n");
    let failure =
        lab.build_with(vec![request.clone()], &options("linux/amd64,linux/arm64")).await.unwrap_err();
    assert!(failure.message.contains("several platforms"), "{failure}");
    let image = lab.build_with(vec![request], &options("linux/arm64")).await.unwrap().remove(0);
    assert_eq!(lab.engine.inspect_image(&image.id.0).await.unwrap().architecture.unwrap(), "arm64");
}

fn executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
