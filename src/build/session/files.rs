//! Built files, handed over by BuildKit's local exporter: FileSync's protocol with the roles exchanged. What comes is made into
//! a tar stream and unpacked by `io::unpack`, which trusts nothing in it.
//!
//! Files are asked for one at a time: BuildKit answers several requests at once with their pieces mixed, and a tar stream
//! holds them one after the other.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bollard::fsutil::types::packet::PacketType;
use bollard::fsutil::types::{Packet, Stat};
use bollard::moby::filesync::packet::file_send_server::FileSend;
use bytes::Bytes;
use futures_util::{Stream, stream};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status, Streaming};

use crate::io::chunks::Feed;

/// Bits of Go's `FileMode` for everything that is no plain file: folder, link, device, pipe, socket, irregular.
const GO_TYPE: u32 = (1 << 31) | (1 << 27) | (1 << 26) | (1 << 25) | (1 << 24) | (1 << 21) | (1 << 19);
const GO_DIRECTORY: u32 = 1 << 31;
const GO_SYMLINK: u32 = 1 << 27;

/// Takes the files of one build.
pub(in crate::build) struct Receiver {
    /// Where they are unpacked.
    pub(in crate::build) feed: Feed,
}

/// The service; it receives once.
pub(super) struct Served(Arc<Mutex<Option<Receiver>>>);

impl Served {
    pub(super) fn new(receiver: Option<Receiver>) -> Self {
        Self(Arc::new(Mutex::new(receiver)))
    }
}

#[tonic::async_trait]
impl FileSend for Served {
    type DiffCopyStream = Pin<Box<dyn Stream<Item = Result<Packet, Status>> + Send>>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let receiver = self.0.lock().ok().and_then(|mut receiver| receiver.take());
        let receiver = receiver.ok_or_else(|| Status::failed_precondition("no files are wanted"))?;
        let (answers, queue) = mpsc::channel(4);
        let incoming = request.into_inner();
        drop(tokio::spawn(async move {
            if let Err(status) = receive(incoming, &answers, receiver.feed).await {
                let _ = answers.send(Err(status)).await;
            }
        }));
        Ok(Response::new(Box::pin(stream::unfold(queue, |mut queue| async move {
            queue.recv().await.map(|packet| (packet, queue))
        }))))
    }
}

type Answers = mpsc::Sender<Result<Packet, Status>>;

async fn receive(mut incoming: Streaming<Packet>, answers: &Answers, mut feed: Feed) -> Result<(), Status> {
    let mut tar = Tar(Builder::new(Vec::new()));
    let mut listing = Listing::default();
    while let Some(packet) = incoming.message().await? {
        match packet.r#type() {
            PacketType::PacketStat => match packet.stat {
                Some(stat) => listing.add(stat),
                None => listing.complete = true,
            },
            PacketType::PacketData if packet.data.is_empty() => {
                if let Some((_, stat, content)) = listing.open.take() {
                    unpack(&mut feed, tar.entry(&stat, &content)?).await?;
                }
            }
            PacketType::PacketData => listing.take(&packet)?,
            PacketType::PacketErr => {
                return Err(Status::aborted(String::from_utf8_lossy(&packet.data).into_owned()));
            }
            PacketType::PacketFin => {
                unpack(&mut feed, tar.end()?).await?;
                feed.end();
                return Ok(());
            }
            PacketType::PacketReq => {}
        }
        step(&mut listing, &mut tar, &mut feed, answers).await?;
    }
    Err(Status::aborted("the files ended before their end"))
}

/// Writes what needs no content, and asks for the next file, or for the end.
async fn step(
    listing: &mut Listing,
    tar: &mut Tar,
    feed: &mut Feed,
    answers: &Answers,
) -> Result<(), Status> {
    while listing.open.is_none() {
        let Some((id, stat)) = listing.waiting.pop_front() else { break };
        if stat.mode & GO_TYPE != 0 {
            unpack(feed, tar.entry(&stat, &[])?).await?;
            continue;
        }
        listing.open = Some((id, stat, Vec::new()));
        ask(answers, PacketType::PacketReq, id).await?;
    }
    if listing.open.is_none() && listing.complete && !listing.ended {
        listing.ended = true;
        ask(answers, PacketType::PacketFin, 0).await?;
    }
    Ok(())
}

async fn ask(answers: &Answers, kind: PacketType, id: u32) -> Result<(), Status> {
    let packet = Packet { r#type: kind.into(), id, ..Packet::default() };
    answers.send(Ok(packet)).await.map_err(|_| Status::cancelled("the connection is gone"))
}

async fn unpack(feed: &mut Feed, bytes: Bytes) -> Result<(), Status> {
    feed.send(bytes).await.map_err(|_| Status::aborted("the files cannot be written"))
}

/// What was named and has not come yet.
#[derive(Default)]
struct Listing {
    next: u32,
    waiting: VecDeque<(u32, Stat)>,
    /// The file whose content comes now.
    open: Option<(u32, Stat, Vec<u8>)>,
    complete: bool,
    ended: bool,
}

impl Listing {
    fn add(&mut self, stat: Stat) {
        self.waiting.push_back((self.next, stat));
        self.next += 1;
    }

    fn take(&mut self, packet: &Packet) -> Result<(), Status> {
        match &mut self.open {
            Some((id, stat, content)) if *id == packet.id => {
                content.extend_from_slice(&packet.data);
                let announced = usize::try_from(stat.size).unwrap_or_default();
                if content.len() > announced {
                    return Err(Status::aborted(format!("{} is longer than announced", stat.path)));
                }
                Ok(())
            }
            _ => Err(Status::aborted("content came that nobody asked for")),
        }
    }
}

/// Writes entries and gives their bytes.
struct Tar(Builder<Vec<u8>>);

impl Tar {
    fn entry(&mut self, stat: &Stat, content: &[u8]) -> Result<Bytes, Status> {
        let failed = |error: std::io::Error| Status::aborted(error.to_string());
        let mut header = Header::new_gnu();
        header.set_mode(stat.mode & 0o777);
        header.set_mtime(u64::try_from(stat.mod_time / 1_000_000_000).unwrap_or_default());
        header.set_size(content.len() as u64);
        if stat.mode & GO_SYMLINK != 0 {
            header.set_entry_type(EntryType::Symlink);
            self.0.append_link(&mut header, &stat.path, &stat.linkname).map_err(failed)?;
        } else {
            let kind = match stat.mode & GO_TYPE {
                0 => EntryType::Regular,
                GO_DIRECTORY => EntryType::Directory,
                _ => EntryType::Fifo,
            };
            header.set_entry_type(kind);
            self.0.append_data(&mut header, &stat.path, content).map_err(failed)?;
        }
        Ok(std::mem::take(self.0.get_mut()).into())
    }

    fn end(&mut self) -> Result<Bytes, Status> {
        self.0.finish().map_err(|error| Status::aborted(error.to_string()))?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }
}
