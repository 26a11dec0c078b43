//! Logs of several services as one stream.
//!
//! Given: a query. Gives: without `follow`, the lines of all services merged by time, holding one line of each at a time;
//! with it, lines as they come, also from a container that is started again or replaced.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bollard::container::LogOutput;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{LogsOptions, LogsOptionsBuilder};
use dashdeploy_contract::{ErrorKind, LogFeed, LogLine, LogQuery, LogStream, Name, TargetError};
use futures_util::future::try_join_all;
use futures_util::{Stream, StreamExt};
use std::collections::VecDeque;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::api::Engine;
use crate::config::Stack;
use crate::error::{engine as engine_error, ours};
use crate::lines::Lines;

/// How long a container that ended is waited for: it may be replaced or started again.
const PATIENCE: Duration = Duration::from_secs(5);

type Frames = Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>;

/// Opens the logs of the services asked for.
pub(crate) async fn open(
    engine: &Engine,
    stack: &Stack<'_>,
    query: &LogQuery,
) -> Result<Box<dyn LogFeed>, TargetError> {
    let all = || stack.services().into_iter().map(|service| service.name.clone()).collect();
    let services: Vec<Name> = if query.services.is_empty() { all() } else { query.services.clone() };
    let asked = services.iter().map(|service| async move {
        Ok::<_, TargetError>((service.clone(), engine.container(&stack.container(service)).await?))
    });
    let mut found = Vec::new();
    for (service, container) in try_join_all(asked).await? {
        if container.is_some() {
            found.push(service);
        } else if !query.services.is_empty() {
            return Err(nothing(&format!("service `{service}` has no container")));
        }
    }
    if found.is_empty() {
        return Err(nothing("no service has a container"));
    }
    let sources = found.into_iter().map(|service| {
        let container = stack.container(&service);
        Source::new(engine.clone(), container, service, query)
    });
    if query.follow {
        return Ok(Box::new(Followed::new(sources)));
    }
    Ok(Box::new(Merged { sources: sources.map(|source| (source, None)).collect(), started: false }))
}

fn nothing(message: &str) -> TargetError {
    ours(ErrorKind::NotFound, "read logs", message).hint("start the services: `dashdeploy up`")
}

/// The log of one container.
struct Source {
    engine: Engine,
    container: String,
    service: Name,
    options: LogsOptions,
    frames: Frames,
    lines: Lines,
    ready: VecDeque<LogLine>,
    ended: bool,
    /// The time of the last line given: after the stream was opened again, nothing up to here is given twice.
    last: String,
    resumed: Option<String>,
}

impl Source {
    fn new(engine: Engine, container: String, service: Name, query: &LogQuery) -> Self {
        let seconds = |moment: i64| i32::try_from(moment).unwrap_or(if moment < 0 { 0 } else { i32::MAX });
        let tail = query.tail.map_or_else(|| "all".to_owned(), |tail| tail.to_string());
        let mut options = LogsOptionsBuilder::new().stdout(true).stderr(true).timestamps(true);
        options = options.follow(query.follow).tail(&tail);
        if let Some(since) = query.since {
            options = options.since(seconds(since));
        }
        if let Some(until) = query.until {
            options = options.until(seconds(until));
        }
        let options = options.build();
        let frames = frames(&engine, &container, options.clone());
        let lines = Lines::new(service.clone());
        let (ready, last) = (VecDeque::new(), String::new());
        Self { engine, container, service, options, frames, lines, ready, ended: false, last, resumed: None }
    }

    /// The next line; none at the end of the stream.
    async fn next(&mut self) -> Result<Option<LogLine>, TargetError> {
        loop {
            while let Some(line) = self.ready.pop_front() {
                if self.resumed.as_ref().is_none_or(|resumed| line.time > *resumed) {
                    self.last.clone_from(&line.time);
                    return Ok(Some(line));
                }
            }
            if self.ended {
                return Ok(None);
            }
            match self.frames.next().await {
                Some(Ok(frame)) => {
                    let stream = match &frame {
                        LogOutput::StdErr { .. } => LogStream::Stderr,
                        _ => LogStream::Stdout,
                    };
                    self.ready.extend(self.lines.push(stream, frame.as_ref()));
                }
                // A container that was removed while its log was read has no more lines.
                Some(Err(error)) if crate::error::is_missing(&error) => self.end(),
                Some(Err(error)) => {
                    return Err(engine_error(format!("read the log of {}", self.container), &error));
                }
                None => self.end(),
            }
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.ready.extend(self.lines.finish());
    }

    /// Opens the stream again where it broke off, on whatever container holds the name now.
    fn reopen(&mut self) {
        self.options.tail = "all".to_owned();
        self.resumed = Some(self.last.clone());
        self.frames = frames(&self.engine, &self.container, self.options.clone());
        self.lines = Lines::new(self.service.clone());
        self.ended = false;
    }

    /// True once the container runs again; false where it stays ended.
    async fn runs_again(&mut self) -> Result<bool, TargetError> {
        let mut waited = Duration::ZERO;
        loop {
            let found = self.engine.container(&self.container).await?;
            if found.as_ref().is_some_and(is_running) {
                return Ok(true);
            }
            let comes_back = found.as_ref().is_some_and(is_restarting);
            if !comes_back && waited >= PATIENCE {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            waited += Duration::from_millis(250);
        }
    }
}

fn is_running(container: &ContainerInspectResponse) -> bool {
    container.state.as_ref().and_then(|state| state.running) == Some(true) && !is_restarting(container)
}

fn is_restarting(container: &ContainerInspectResponse) -> bool {
    container.state.as_ref().and_then(|state| state.restarting) == Some(true)
}

fn frames(engine: &Engine, container: &str, options: LogsOptions) -> Frames {
    Box::pin(engine.docker.logs(container, Some(options)))
}

/// Lines of all services, merged by time.
struct Merged {
    sources: Vec<(Source, Option<LogLine>)>,
    started: bool,
}

#[async_trait]
impl LogFeed for Merged {
    async fn next(&mut self) -> Result<Option<LogLine>, TargetError> {
        if !self.started {
            self.started = true;
            let first = self.sources.iter_mut().map(|(source, head)| async move {
                *head = source.next().await?;
                Ok::<_, TargetError>(())
            });
            try_join_all(first).await?;
        }
        let heads = self.sources.iter_mut().filter(|(_, head)| head.is_some());
        let earliest = heads.min_by(|(_, one), (_, other)| {
            let time = |line: &Option<LogLine>| line.as_ref().map(|line| line.time.clone());
            time(one).cmp(&time(other))
        });
        let Some((source, head)) = earliest else {
            return Ok(None);
        };
        let line = head.take();
        *head = source.next().await?;
        Ok(line)
    }
}

/// Lines of all services as they come.
struct Followed {
    lines: mpsc::Receiver<Result<LogLine, TargetError>>,
    // Dropped with the feed, which ends the readers.
    _readers: JoinSet<()>,
}

impl Followed {
    fn new(sources: impl Iterator<Item = Source>) -> Self {
        let (sender, lines) = mpsc::channel(256);
        let mut readers = JoinSet::new();
        for source in sources {
            readers.spawn(follow(source, sender.clone()));
        }
        Self { lines, _readers: readers }
    }
}

#[async_trait]
impl LogFeed for Followed {
    async fn next(&mut self) -> Result<Option<LogLine>, TargetError> {
        self.lines.recv().await.transpose()
    }
}

async fn follow(mut source: Source, sender: mpsc::Sender<Result<LogLine, TargetError>>) {
    loop {
        match source.next().await {
            Ok(Some(line)) => {
                if sender.send(Ok(line)).await.is_err() {
                    return;
                }
            }
            Ok(None) => match source.runs_again().await {
                Ok(true) => source.reopen(),
                Ok(false) => return,
                Err(error) => drop(sender.send(Err(error)).await),
            },
            Err(error) => {
                let _ = sender.send(Err(error)).await;
                return;
            }
        }
        if sender.is_closed() {
            return;
        }
    }
}
