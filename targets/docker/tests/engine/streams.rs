//! Health events, logs and commands as they come.

use std::time::Duration;

use crate::lab::{Lab, name, request, run};
use bollard::query_parameters::{StartContainerOptions, StopContainerOptions};
use dashdeploy_contract::{ErrorKind, ExecRequest, Health, LogFeed, LogLine, LogQuery};

async fn all(feed: &mut dyn LogFeed) -> Vec<LogLine> {
    let mut lines = Vec::new();
    while let Some(line) = feed.next().await.unwrap() {
        lines.push(line);
    }
    lines
}

async fn logs(lab: &Lab, query: LogQuery) -> Vec<LogLine> {
    all(&mut *lab.reader.logs(&lab.release.bound, &query).await.unwrap()).await
}

#[test]
fn health_comes_as_events_from_start_to_end() {
    run("events", |lab| async move {
        let once = lab.edited(|release| {
            let script = "touch /tmp/ok; sleep 4; exit 3".to_owned();
            release.bound.services["api"].command = Some(vec!["sh".to_owned(), "-c".to_owned(), script]);
        });
        let mut watch = lab.reader.watch(&once.bound).await.unwrap().unwrap();
        let plan = lab.plan(&once).await;
        for change in &plan.changes[..3] {
            lab.writer.apply(&once.bound, change, &lab.secrets()).await.unwrap();
        }
        let mut seen = Vec::new();
        let ended = async {
            loop {
                let sample = watch.next().await.unwrap();
                if sample.service.as_str() == "api" {
                    let done = matches!(sample.health, Health::Exited { code: 3, .. });
                    seen.push(sample.health);
                    if done {
                        return;
                    }
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap();
        let words: Vec<&str> = seen.iter().map(Health::word).collect();
        assert!(words.windows(2).any(|pair| pair == ["starting", "healthy"]), "{words:?}");
        assert_eq!(words.last(), Some(&"exited"));
    });
}

#[test]
fn logs_of_all_services_come_merged_by_time() {
    run("logs", |lab| async move {
        let talking = lab.edited(|release| {
            for (service, offset) in [("api", "0"), ("web", "0.1")] {
                let script = format!(
                    "sleep {offset}; for i in 1 2 3; do echo {service} out $i; echo {service} err $i >&2; sleep 0.3; done; \
                     head -c 40000 /dev/zero | tr '\\0' x; echo; printf 'bad \\377 byte\\nno end'; touch /tmp/ok; \
                     trap 'exit 0' TERM; while :; do sleep 0.1 & wait $!; done"
                );
                let command = vec!["sh".to_owned(), "-c".to_owned(), script];
                release.bound.services[service].command = Some(command);
            }
            release.bound.services["web"].proxy.clear();
        });
        lab.up(&talking).await;
        let lines = logs(&lab, LogQuery::default()).await;
        assert!(lines.windows(2).all(|pair| pair[0].time <= pair[1].time), "{lines:#?}");
        let of =
            |service: &str| lines.iter().filter(|line| line.service.as_str() == service).collect::<Vec<_>>();
        assert_eq!(of("api").iter().filter(|line| line.text.starts_with("api out")).count(), 3);
        assert!(of("web").iter().any(|line| line.text.len() == 40_000), "a long line was cut");
        assert!(of("web").iter().any(|line| line.text == "bad \u{fffd} byte"));

        let tail =
            logs(&lab, LogQuery { services: vec![name("api")], tail: Some(1), ..LogQuery::default() }).await;
        assert_eq!(tail.len(), 1);
        let late = LogQuery { since: Some(4_000_000_000), ..LogQuery::default() };
        assert_eq!(logs(&lab, late).await, []);
        let missing = LogQuery { services: vec![name("nobody")], ..LogQuery::default() };
        let error = lab.reader.logs(&lab.release.bound, &missing).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::NotFound);
    });
}

#[test]
fn a_followed_log_goes_on_after_a_restart() {
    run("follow", |lab| async move {
        lab.up(&lab.release).await;
        let query = LogQuery { services: vec![name("api")], follow: true, ..LogQuery::default() };
        let mut feed = lab.reader.logs(&lab.release.bound, &query).await.unwrap();
        let next = async |feed: &mut Box<dyn LogFeed>| {
            tokio::time::timeout(Duration::from_secs(20), feed.next())
                .await
                .unwrap()
                .unwrap()
                .map(|line| line.text)
        };
        assert_eq!(next(&mut feed).await.as_deref(), Some("started"));
        let container = lab.container("api");
        lab.docker.stop_container(&container, None::<StopContainerOptions>).await.unwrap();
        assert_eq!(next(&mut feed).await.as_deref(), Some("bye"));
        lab.docker.start_container(&container, None::<StartContainerOptions>).await.unwrap();
        assert_eq!(next(&mut feed).await.as_deref(), Some("started"));
        lab.docker.stop_container(&container, None::<StopContainerOptions>).await.unwrap();
        assert_eq!(next(&mut feed).await.as_deref(), Some("bye"));
        assert_eq!(next(&mut feed).await, None, "the feed does not end with its container");
    });
}

#[test]
fn commands_have_streams_input_terminal_and_exit_code() {
    run("exec", |lab| async move {
        lab.up(&lab.release).await;
        let (out, err, code) = lab.exec("api", &["sh", "-c", "echo out; echo err >&2; exit 7"]).await;
        assert_eq!((out.as_str(), err.as_str(), code), ("out\n", "err\n", 7));

        let fed = ExecRequest { interactive: true, ..request("api", &["cat"]) };
        let (out, _, code) = lab.exec_with(fed, Some(b"fed\n")).await;
        assert_eq!((out.as_str(), code), ("fed\n", 0));

        let command = ["sh", "-c", "sleep 0.5; stty size; pwd; id -u"];
        let terminal = ExecRequest {
            terminal: true,
            size: Some((91, 33)),
            user: Some("33".to_owned()),
            workdir: Some("/etc".to_owned()),
            ..request("api", &command)
        };
        let (out, _, code) = lab.exec_with(terminal, None).await;
        assert_eq!((out.as_str(), code), ("33 91\r\n/etc\r\n33\r\n", 0));

        let (out, err, code) = lab.exec("api", &["no-such-program"]).await;
        assert!(matches!(code, 126 | 127), "{out}{err}{code}");
        lab.docker.stop_container(&lab.container("api"), None::<StopContainerOptions>).await.unwrap();
        let error = lab.writer.exec(&lab.release.bound, &request("api", &["true"])).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(error.hint.unwrap().contains("dashdeploy up"));
    });
}
