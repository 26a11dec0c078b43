//! BuildKit's FileSync protocol, the sending side: all entries are named, the content follows of those that are asked for.
//!
//! Packets as in fsutil: `STAT` for each entry in order (its place is its id) and an empty one at the end; `REQ id` answered
//! by `DATA` and an empty one; `FIN` by `FIN`. BuildKit asks under the name `dockerfile` for the Dockerfile and under
//! `context` for the rest, first perhaps for `.dockerignore` alone, whose rules have been applied here already.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::fsutil::types::packet::PacketType;
use bollard::fsutil::types::{Packet, Stat};
use bollard::moby::filesync::packet::file_sync_server::FileSync;
use dashdeploy_contract::{Event, EventSink, Name};
use futures_util::{Stream, stream};
use std::pin::Pin;
use tokio::sync::mpsc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::io::context::listing::{Content, Entry, list};
use crate::io::context::{ContextError, ContextFailure, ContextNews, ContextSource};

/// Packets that may wait for the connection: 8 MiB of content.
const PACKETS_AHEAD: usize = 64;
const NEWS_EVERY: Duration = Duration::from_millis(100);
/// Bits of Go's `FileMode`.
const GO_DIRECTORY: u32 = 1 << 31;
const GO_SYMLINK: u32 = 1 << 27;

type Packets = mpsc::Sender<Result<Packet, Status>>;
type News = Arc<dyn Fn(ContextNews) + Send + Sync>;

/// The files of one build.
pub(super) struct Files {
    /// The context.
    pub(super) context: Arc<ContextSource>,
    /// The Dockerfile's name and text.
    pub(super) dockerfile: (String, Vec<u8>),
    /// Where progress is told.
    pub(super) news: News,
    /// Where an error is left.
    pub(super) failure: ContextFailure,
}

/// Tells of a context's progress and of what was left out as events.
pub(super) fn news(service: &Name, events: &Arc<dyn EventSink>) -> News {
    let (service, events) = (service.clone(), Arc::clone(events));
    Arc::new(move |news| {
        events.emit(match news {
            ContextNews::Sent { bytes, files } => {
                Event::BuildContext { service: service.clone(), bytes, files }
            }
            ContextNews::LeftOut { path, what } => Event::Warning {
                message: format!("`{path}` is {what}, and was left out of the image of `{service}`"),
            },
        });
    })
}

#[tonic::async_trait]
impl FileSync for Files {
    type DiffCopyStream = Pin<Box<dyn Stream<Item = Result<Packet, Status>> + Send>>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let asked = Asked::of(request.metadata());
        let source = match asked {
            Asked::Dockerfile => {
                Source::Given(vec![Entry::in_memory(&self.dockerfile.0, &self.dockerfile.1)])
            }
            Asked::Nothing => Source::Given(Vec::new()),
            Asked::Context(only) => {
                Source::Folder(ContextSource { only, ..ContextSource::clone(&self.context) })
            }
            Asked::Unknown(name) => return Err(Status::not_found(format!("there is no folder `{name}`"))),
        };
        let (packets, receiver) = mpsc::channel(PACKETS_AHEAD);
        let (wishes, wished) = std::sync::mpsc::channel();
        drop(tokio::spawn(listen(request.into_inner(), wishes)));
        let (news, failure) = (Arc::clone(&self.news), self.failure.clone());
        // It ends with the stream: the channels break when the connection does.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = send(source, &wished, &packets, &news) {
                let _ = packets.blocking_send(Err(Status::aborted(error.to_string())));
                failure.set(error);
            }
        }));
        Ok(Response::new(Box::pin(stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|packet| (packet, receiver))
        }))))
    }

    type TarStreamStream = Self::DiffCopyStream;

    async fn tar_stream(
        &self,
        _: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("contexts are sent by DiffCopy"))
    }
}

/// What BuildKit asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Dockerfile,
    Context(Vec<String>),
    Nothing,
    Unknown(String),
}

impl Asked {
    fn of(metadata: &MetadataMap) -> Self {
        let values = |key: &str| -> Vec<String> {
            let values = metadata.get_all(key).iter();
            values.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
        };
        let follow = values("followpaths");
        match values("dir-name").first().map(String::as_str) {
            Some("dockerfile") => Self::Dockerfile,
            Some("context") if follow == [".dockerignore"] => Self::Nothing,
            // Newer BuildKits escape what is not ASCII, and say so.
            Some("context") if metadata.contains_key("followpaths-encoded") => Self::Context(Vec::new()),
            Some("context") => Self::Context(plain(&follow)),
            other => Self::Unknown(other.unwrap_or_default().to_owned()),
        }
    }
}

/// The paths that COPY and ADD name, where all of them are plain; empty for everything.
fn plain(follow: &[String]) -> Vec<String> {
    let mut paths = Vec::new();
    for path in follow {
        let path = path.trim_start_matches("./").trim_matches('/');
        let odd = path.is_empty() || path == "." || path.contains(['*', '?', '[', '\\']);
        if odd || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Vec::new();
        }
        paths.push(path.to_owned());
    }
    paths
}

/// What BuildKit wishes.
enum Wish {
    Content(u32),
    End,
}

/// Takes the wishes as fast as they come: ones that wait are counted against the connection.
async fn listen(mut stream: Streaming<Packet>, wishes: std::sync::mpsc::Sender<Wish>) {
    while let Ok(Some(packet)) = stream.message().await {
        let wish = match packet.r#type() {
            PacketType::PacketReq => Wish::Content(packet.id),
            PacketType::PacketFin => Wish::End,
            _ => continue,
        };
        if wishes.send(wish).is_err() {
            return;
        }
    }
}

enum Source {
    Given(Vec<Entry>),
    Folder(ContextSource),
}

/// Names the entries, then answers the wishes. A connection that is gone ends it without an error.
fn send(
    source: Source,
    wished: &std::sync::mpsc::Receiver<Wish>,
    packets: &Packets,
    news: &News,
) -> Result<(), ContextError> {
    let is_context = matches!(source, Source::Folder(_));
    let entries = match source {
        Source::Given(entries) => entries,
        // What is on the disk is no news yet: told is what is sent.
        Source::Folder(folder) => list(&folder, |told| {
            if matches!(told, ContextNews::LeftOut { .. }) {
                news(told);
            }
        })?,
    };
    let mut files: HashMap<u32, Entry> = HashMap::new();
    for (id, entry) in (0_u32..).zip(entries) {
        if !post(packets, PacketType::PacketStat, |packet| packet.stat = Some(stat(&entry))) {
            return Ok(());
        }
        if matches!(entry.content, Content::Disk(..) | Content::Memory(_)) {
            files.insert(id, entry);
        }
    }
    post(packets, PacketType::PacketStat, |_| {});
    let mut sent = Sent { bytes: 0, files: 0, told: Instant::now(), news: is_context.then_some(news) };
    while let Ok(wish) = wished.recv() {
        let Wish::Content(id) = wish else {
            post(packets, PacketType::PacketFin, |_| {});
            break;
        };
        if let Some(entry) = files.get(&id) {
            content(id, entry, packets, &mut sent)?;
        }
    }
    sent.tell();
    Ok(())
}

fn content(id: u32, entry: &Entry, packets: &Packets, sent: &mut Sent<'_>) -> Result<(), ContextError> {
    entry.read(|piece| {
        sent.add(piece.len() as u64, 0);
        post(packets, PacketType::PacketData, |packet| (packet.id, packet.data) = (id, piece))
    })?;
    sent.add(0, 1);
    post(packets, PacketType::PacketData, |packet| packet.id = id);
    Ok(())
}

/// False where nobody reads any more.
fn post(packets: &Packets, kind: PacketType, fill: impl FnOnce(&mut Packet)) -> bool {
    let mut packet = Packet { r#type: kind.into(), ..Packet::default() };
    fill(&mut packet);
    packets.blocking_send(Ok(packet)).is_ok()
}

fn stat(entry: &Entry) -> Stat {
    let (kind, link) = match &entry.content {
        Content::Folder => (GO_DIRECTORY, String::new()),
        Content::Link(target) => (GO_SYMLINK, target.clone()),
        Content::Disk(..) | Content::Memory(_) => (0, String::new()),
    };
    Stat {
        path: entry.path.clone(),
        mode: kind | entry.mode,
        size: i64::try_from(entry.size()).unwrap_or(i64::MAX),
        mod_time: i64::try_from(entry.modified).unwrap_or(i64::MAX),
        linkname: link,
        ..Stat::default()
    }
}

struct Sent<'a> {
    bytes: u64,
    files: u64,
    told: Instant,
    news: Option<&'a News>,
}

impl Sent<'_> {
    fn add(&mut self, bytes: u64, files: u64) {
        self.bytes += bytes;
        self.files += files;
        if self.told.elapsed() >= NEWS_EVERY {
            self.told = Instant::now();
            self.tell();
        }
    }

    fn tell(&self) {
        if let Some(news) = self.news {
            news(ContextNews::Sent { bytes: self.bytes, files: self.files });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&'static str, &'static str)]) -> Asked {
        let mut metadata = MetadataMap::new();
        for (key, value) in pairs {
            metadata.append(*key, value.parse().unwrap());
        }
        Asked::of(&metadata)
    }

    #[test]
    fn only_plain_paths_narrow_what_is_named() {
        let context = |paths: &[&str]| Asked::Context(paths.iter().map(|path| (*path).to_owned()).collect());
        assert_eq!(asked(&[("dir-name", "dockerfile"), ("followpaths", "Dockerfile")]), Asked::Dockerfile);
        assert_eq!(asked(&[("dir-name", "context"), ("followpaths", ".dockerignore")]), Asked::Nothing);
        assert_eq!(asked(&[("dir-name", "context")]), context(&[]));
        let two = [("dir-name", "context"), ("followpaths", "a/"), ("followpaths", "/b/c")];
        assert_eq!(asked(&two), context(&["a", "b/c"]));
        for odd in ["*.json", ".", "", "a/../b", "a?"] {
            assert_eq!(
                asked(&[("dir-name", "context"), ("followpaths", "a"), ("followpaths", odd)]),
                context(&[])
            );
        }
        assert_eq!(asked(&[("dir-name", "secrets")]), Asked::Unknown("secrets".into()));
    }
}
