//! BuildKit's FileSync protocol, the sending side: all entries are named, the content follows of those that are asked for.
//!
//! Packets as in fsutil: `STAT` for each entry in order (its place is its id) and an empty one at the end; `REQ id` answered
//! by `DATA` and an empty one; `FIN` by `FIN`. BuildKit asks under the name `dockerfile` for the Dockerfile and under
//! `context` for the rest, first perhaps for `.dockerignore` alone, whose rules have been applied here already.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bollard::fsutil::types::packet::PacketType;
use bollard::fsutil::types::{Packet, Stat};
use bollard::moby::filesync::packet::file_sync_server::FileSync;
use dashdeploy_contract::{Event, EventSink, Name};
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::build::context::{Context, Sent};
use crate::io::context::listing::{Content, Entry, Stamp};
use crate::io::context::{ContextError, ContextNews, ContextSource, Pace};

/// Packets that may wait for the connection: 8 MiB of content.
const PACKETS_AHEAD: usize = 64;
/// Bits of Go's `FileMode`.
const GO_DIRECTORY: u32 = 1 << 31;
const GO_SYMLINK: u32 = 1 << 27;

pub(super) type Packets = mpsc::Sender<Result<Packet, Status>>;
pub(in crate::build) type News = Arc<dyn Fn(ContextNews) + Send + Sync>;

/// The files of one build.
pub(in crate::build) struct Files {
    /// The context.
    pub(in crate::build) context: Arc<Context>,
    /// The Dockerfile's name and text.
    pub(in crate::build) dockerfile: (String, Vec<u8>),
    /// Where progress is told.
    pub(in crate::build) news: News,
    /// What came of the sending.
    pub(in crate::build) sent: Sent,
}

/// Tells of a context's progress and of what was left out as events.
pub(in crate::build) fn news(service: &Name, events: &Arc<dyn EventSink>) -> News {
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
        if let Asked::Unknown(name) = asked {
            return Err(Status::not_found(format!("there is no folder `{name}`")));
        }
        let (packets, receiver) = mpsc::channel(PACKETS_AHEAD);
        let (wishes, wished) = std::sync::mpsc::channel();
        drop(tokio::spawn(listen(request.into_inner(), wishes)));
        let sending = Sending {
            context: Arc::clone(&self.context),
            dockerfile: Entry::in_memory(&self.dockerfile.0, &self.dockerfile.1),
            packets: packets.clone(),
            news: Arc::clone(&self.news),
            sent: self.sent.clone(),
        };
        // It ends with the stream: the channels break when the connection does.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = sending.answer(&asked, &wished) {
                let _ = packets.blocking_send(Err(Status::aborted(error.to_string())));
                sending.sent.fail(error);
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

/// One answer to BuildKit.
struct Sending {
    context: Arc<Context>,
    dockerfile: Entry,
    packets: Packets,
    news: News,
    sent: Sent,
}

impl Sending {
    /// A connection that is gone ends it without an error.
    fn answer(&self, asked: &Asked, wished: &std::sync::mpsc::Receiver<Wish>) -> Result<(), ContextError> {
        let other;
        let mut narrow = ContextSource::default();
        let entries: Vec<&Entry> = match asked {
            Asked::Dockerfile => vec![&self.dockerfile],
            Asked::Nothing | Asked::Unknown(_) => Vec::new(),
            Asked::Context(only) => {
                narrow.only.clone_from(only);
                if self.context.source.covers(only) {
                    self.context.entries.iter().filter(|entry| narrow.wants(&entry.path)).collect()
                } else {
                    // More than the Dockerfile seemed to need: looked at now, before any of it is sent.
                    other = self.context.more(only, &self.sent, |told| (self.news)(told))?;
                    other.iter().collect()
                }
            }
        };
        for entry in &entries {
            if !post(&self.packets, PacketType::PacketStat, |packet| packet.stat = Some(stat(entry))) {
                return Ok(());
            }
        }
        post(&self.packets, PacketType::PacketStat, |_| {});
        let is_context = matches!(asked, Asked::Context(_));
        let mut pace = Pace::new(|told| {
            if is_context {
                (self.news)(told)
            }
        });
        while let Ok(wish) = wished.recv() {
            let Wish::Content(id) = wish else {
                post(&self.packets, PacketType::PacketFin, |_| {});
                break;
            };
            let entry = usize::try_from(id).ok().and_then(|id| entries.get(id));
            if let Some(entry) = entry.filter(|entry| entry.is_file()) {
                self.content(id, entry, &mut pace)?;
            }
        }
        pace.tell();
        Ok(())
    }

    fn content<N: FnMut(ContextNews)>(
        &self,
        id: u32,
        entry: &Entry,
        pace: &mut Pace<N>,
    ) -> Result<(), ContextError> {
        let root = &self.context.source.root;
        let listed = match &entry.content {
            Content::Disk(stamp) => Some((root.join(&entry.path), *stamp)),
            _ => None,
        };
        let changed = |listed: &Option<(PathBuf, Stamp)>| {
            listed.as_ref().is_some_and(|(path, stamp)| Stamp::now(path) != Some(*stamp))
        };
        if changed(&listed) {
            self.sent.another();
            // Not what was looked at: looked at again, before it is sent.
            self.context.inspect_again(entry, &self.sent)?;
        }
        entry.read(root, |piece| {
            pace.add(piece.len() as u64, 0);
            post(&self.packets, PacketType::PacketData, |packet| (packet.id, packet.data) = (id, piece))
        })?;
        if changed(&listed) {
            self.sent.another();
        }
        pace.add(0, 1);
        post(&self.packets, PacketType::PacketData, |packet| packet.id = id);
        Ok(())
    }
}

/// False where nobody reads any more.
pub(super) fn post(packets: &Packets, kind: PacketType, fill: impl FnOnce(&mut Packet)) -> bool {
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
