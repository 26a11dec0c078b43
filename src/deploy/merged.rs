//! The logs of several platforms as one.
//!
//! Given: a feed of each. Gives: their lines by time; while they are followed, as they come.

use async_trait::async_trait;
use dashdeploy_contract::{LogFeed, LogLine, TargetError};
use tokio::sync::mpsc;

/// Lines of several feeds.
pub(super) enum Merged {
    /// All end, so that the earliest of their next lines can be told.
    ByTime { feeds: Vec<Box<dyn LogFeed>>, heads: Vec<Option<LogLine>>, begun: bool },
    /// They go on for ever; each is read by a task of its own.
    AsTheyCome(mpsc::Receiver<Result<LogLine, TargetError>>),
}

impl Merged {
    pub(super) fn of(feeds: Vec<Box<dyn LogFeed>>, follow: bool) -> Self {
        if !follow {
            return Self::ByTime { heads: feeds.iter().map(|_| None).collect(), feeds, begun: false };
        }
        let (sender, receiver) = mpsc::channel(64);
        for mut feed in feeds {
            let sender = sender.clone();
            tokio::spawn(async move {
                loop {
                    let line = feed.next().await.transpose();
                    let Some(line) = line else { return };
                    let lost = line.is_err();
                    if sender.send(line).await.is_err() || lost {
                        return;
                    }
                }
            });
        }
        Self::AsTheyCome(receiver)
    }
}

#[async_trait]
impl LogFeed for Merged {
    async fn next(&mut self) -> Result<Option<LogLine>, TargetError> {
        match self {
            Self::AsTheyCome(receiver) => receiver.recv().await.transpose(),
            Self::ByTime { feeds, heads, begun } => {
                if !*begun {
                    for (feed, head) in feeds.iter_mut().zip(heads.iter_mut()) {
                        *head = feed.next().await?;
                    }
                    *begun = true;
                }
                let there =
                    heads.iter().enumerate().filter_map(|(at, head)| Some((at, &head.as_ref()?.time)));
                let Some((at, _)) = there.min_by(|one, other| one.1.cmp(other.1)) else { return Ok(None) };
                let next = feeds[at].next().await?;
                Ok(std::mem::replace(&mut heads[at], next))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use dashdeploy_contract::{LogStream, Name};

    use super::*;

    struct Lines(Vec<LogLine>);

    #[async_trait]
    impl LogFeed for Lines {
        async fn next(&mut self) -> Result<Option<LogLine>, TargetError> {
            Ok(if self.0.is_empty() { None } else { Some(self.0.remove(0)) })
        }
    }

    fn feed(service: &str, times: &[&str]) -> Box<dyn LogFeed> {
        let line = |time: &&str| LogLine {
            service: Name::parse(service).unwrap(),
            time: (*time).to_owned(),
            stream: LogStream::Stdout,
            text: format!("{service}{time}"),
        };
        Box::new(Lines(times.iter().map(line).collect()))
    }

    #[tokio::test]
    async fn lines_come_by_time_whatever_feed_has_them() {
        for follow in [false, true] {
            let mut merged = Merged::of(vec![feed("a", &["1", "4"]), feed("b", &["2", "3"])], follow);
            let mut seen = Vec::new();
            while let Some(line) = merged.next().await.unwrap() {
                seen.push(line.text);
            }
            if follow {
                seen.sort_by_key(|text| text[1..].to_owned());
            }
            assert_eq!(seen, ["a1", "b2", "b3", "a4"]);
        }
    }
}
