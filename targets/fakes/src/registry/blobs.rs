//! Blobs: sent at once, in parts, or taken over from another repository; looked for and fetched.
//!
//! Given: requests below `/blobs`. Gives: answers; a blob is there once its digest is right. Deliberately absent: ranges of a blob.

use super::{Answer, Refused, Registry, digest};
use crate::{Call, Reply};

impl Registry {
    /// `/v2/{name}/blobs/uploads/{id}`.
    pub(super) fn upload(&mut self, call: &Call, name: &str, id: &str) -> Answer {
        match (call.method.as_str(), id) {
            ("POST", "") => self.begin(call, name),
            (_, "") => Err(unsupported(call)),
            ("GET", _) => {
                let length = self.part(name, id)?.len();
                Ok(at(name, id, 204, length))
            }
            ("PATCH", _) => {
                let length = self.take_part(call, name, id)?;
                Ok(at(name, id, 202, length))
            }
            ("PUT", _) => {
                self.take_part(call, name, id)?;
                let bytes = self.uploads.remove(id).map(|(_, bytes)| bytes).unwrap_or_default();
                self.finish(call, name, bytes)
            }
            ("DELETE", _) => {
                self.part(name, id)?;
                self.uploads.remove(id);
                Ok(Reply::empty(204))
            }
            _ => Err(unsupported(call)),
        }
    }

    /// Taken over, sent at once, or begun.
    fn begin(&mut self, call: &Call, name: &str) -> Answer {
        if let (Some(wanted), Some(from)) = (call.asked("mount"), call.asked("from"))
            && let Some(bytes) = self.options.store.blob(from, wanted)
        {
            self.options.store.keep(name, wanted, bytes);
            return Ok(kept(name, wanted));
        }
        if call.asked("digest").is_some() {
            self.room_for(call)?;
            return self.finish(call, name, call.body.clone());
        }
        self.count += 1;
        let id = format!("upload-{}", self.count);
        self.uploads.insert(id.clone(), (name.to_owned(), Vec::new()));
        Ok(at(name, &id, 202, 0))
    }

    fn part(&mut self, name: &str, id: &str) -> Result<&mut Vec<u8>, Refused> {
        let found = self.uploads.get_mut(id).filter(|(repository, _)| repository == name);
        found.map(|(_, bytes)| bytes).ok_or_else(|| Refused::missing("BLOB_UPLOAD_UNKNOWN", id))
    }

    /// Adds a part: where it says where it begins, it begins there. The length so far.
    fn take_part(&mut self, call: &Call, name: &str, id: &str) -> Result<usize, Refused> {
        self.room_for(call)?;
        let so_far = self.part(name, id)?;
        let begins =
            call.header("content-range").and_then(|range| range.trim_start_matches("bytes ").split_once('-'));
        if begins.is_some_and(|(first, _)| first.parse() != Ok(so_far.len())) {
            let words = format!("the part must begin at {}", so_far.len());
            return Err(Refused(416, "BLOB_UPLOAD_INVALID", words));
        }
        so_far.extend_from_slice(&call.body);
        Ok(so_far.len())
    }

    fn room_for(&self, call: &Call) -> Result<(), Refused> {
        let uploads: usize = self.uploads.values().map(|(_, bytes)| bytes.len()).sum();
        if self.options.store.bytes() + uploads + call.body.len() > self.options.room {
            return Err(Refused(413, "SIZE_INVALID", "the registry has no room for it".to_owned()));
        }
        Ok(())
    }

    fn finish(&mut self, call: &Call, name: &str, bytes: Vec<u8>) -> Answer {
        let named = call
            .asked("digest")
            .ok_or_else(|| Refused(400, "DIGEST_INVALID", "no digest is given".to_owned()))?;
        let is = digest(&bytes);
        if is != named {
            return Err(Refused(400, "DIGEST_INVALID", format!("what was sent is {is}")));
        }
        self.options.store.keep(name, &is, bytes);
        Ok(kept(name, &is))
    }

    /// `/v2/{name}/blobs/{digest}`.
    pub(super) fn blob(&self, call: &Call, name: &str, digest: &str) -> Answer {
        let missing = || Refused::missing("BLOB_UNKNOWN", digest);
        let body = match call.method.as_str() {
            "GET" => self.options.store.blob(name, digest).ok_or_else(missing)?,
            "HEAD" => {
                let size = self.options.store.size(name, digest).ok_or_else(missing)?;
                let reply = Reply::empty(200).with("content-length", size.to_string());
                return Ok(described(reply, digest, "application/octet-stream"));
            }
            _ => return Err(unsupported(call)),
        };
        Ok(described(Reply { status: 200, body, ..Reply::default() }, digest, "application/octet-stream"))
    }
}

/// Where an upload goes on, and how much of it is there.
fn at(name: &str, id: &str, status: u16, length: usize) -> Reply {
    Reply::empty(status)
        .with("location", format!("/v2/{name}/blobs/uploads/{id}"))
        .with("docker-upload-uuid", id)
        .with("range", format!("0-{}", length.saturating_sub(1)))
}

fn kept(name: &str, digest: &str) -> Reply {
    Reply::empty(201)
        .with("location", format!("/v2/{name}/blobs/{digest}"))
        .with("docker-content-digest", digest)
}

pub(super) fn described(reply: Reply, digest: &str, kind: &str) -> Reply {
    reply.with("content-type", kind).with("docker-content-digest", digest)
}

pub(super) fn unsupported(call: &Call) -> Refused {
    Refused(405, "UNSUPPORTED", format!("{} is not for {}", call.method, call.path))
}
