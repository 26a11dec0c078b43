//! The stream of `docker save`, read once.
//!
//! Given: its bytes. Gives: what the guard found in layers and configurations. An archive that is cut off or malformed is an
//! error, never a shorter image. The memory that names and extended headers take is bounded by the engine, which refuses
//! layers whose headers are larger than 1 MiB.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use dashdeploy_contract::Finding;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType};

use crate::guard::{Border, Guard, unseen};
use crate::io::chunks::Chunks;
use crate::io::context::inspect::Inspect;

/// Entries that one layer may have.
const ENTRY_LIMIT: usize = 5_000_000;
/// Bytes of a configuration that are read.
const CONFIGURATION_LIMIT: u64 = 16 << 20;
/// Bytes of a file that are looked at at once.
const PIECE: usize = 64 << 10;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub findings: Vec<Finding>,
    /// Configurations of images.
    pub configurations: usize,
}

struct Look<'a> {
    guard: &'a Guard,
    inspect: Arc<dyn Inspect>,
    base: &'a BTreeSet<String>,
    /// Findings by the hash of the layer they are in.
    layers: Vec<(String, Vec<Finding>)>,
    configurations: Vec<Value>,
    others: Vec<Finding>,
}

/// Looks at a whole image.
///
/// # Errors
/// Where the stream breaks off or is no archive.
pub(super) fn look(mut chunks: Chunks, base: &BTreeSet<String>, guard: &Arc<Guard>) -> io::Result<Seen> {
    let mut look = Look {
        guard,
        inspect: guard.at(Border::Image),
        base,
        layers: Vec::new(),
        configurations: Vec::new(),
        others: Vec::new(),
    };
    let mut archive = Archive::new(&mut chunks);
    for entry in archive.entries()? {
        let entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        // A layer that is there twice is a link to the first.
        if entry.header().entry_type() == EntryType::Regular {
            look.part(&path, entry)?;
        }
    }
    io::copy(&mut chunks, &mut io::sink())?;
    Ok(look.finish())
}

impl Look<'_> {
    /// One file of the archive. What else is in it (`manifest.json`, `repositories`, `<id>/json`) is for the engine alone.
    fn part(&mut self, path: &str, mut file: impl Read) -> io::Result<()> {
        let blob = path.strip_prefix("blobs/sha256/");
        let configuration = path.ends_with(".json") && !path.contains('/') && path.len() > 60;
        if blob.is_some_and(|digest| self.base.contains(&format!("sha256:{digest}"))) {
            return Ok(());
        }
        if blob.is_none() && !configuration && !path.ends_with("/layer.tar") {
            return Ok(());
        }
        let mut head = Vec::new();
        file.by_ref().take(4).read_to_end(&mut head)?;
        let whole = io::Cursor::new(head.clone()).chain(file);
        match head.as_slice() {
            [b'{', ..] => self.configuration(whole),
            [0x1f, 0x8b, ..] => self.layer(MultiGzDecoder::new(whole)),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                self.others
                    .push(unseen(path, "this layer is compressed with zstd, which is not looked into"));
                Ok(())
            }
            _ => self.layer(whole),
        }
    }

    fn configuration(&mut self, file: impl Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        file.take(CONFIGURATION_LIMIT).read_to_end(&mut bytes)?;
        let value: Value = serde_json::from_slice(&bytes)?;
        self.strings("", &value);
        if value.get("rootfs").is_some() {
            self.configurations.push(value);
        }
        Ok(())
    }

    /// Looks at every text in a configuration, and at the names of its labels.
    fn strings(&mut self, path: &str, value: &Value) {
        match value {
            Value::String(text) => {
                let name = format!("{} of the image's configuration", path.trim_start_matches('.'));
                self.others.extend(self.guard.text(Border::Image, &name, text));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, item)| self.strings(&format!("{path}[{n}]"), item));
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| self.strings(&format!("{path}.{key}"), value));
            }
            _ => {}
        }
    }

    fn layer(&mut self, file: impl Read) -> io::Result<()> {
        let mut hashed = Hashed { inner: file, hash: Sha256::new() };
        let mut findings = Vec::new();
        let mut archive = Archive::new(&mut hashed);
        for (index, entry) in archive.entries()?.enumerate() {
            if index >= ENTRY_LIMIT {
                return Err(io::Error::other(format!("a layer has more than {ENTRY_LIMIT} entries")));
            }
            self.entry(entry?, &mut findings)?;
        }
        io::copy(&mut hashed, &mut io::sink())?;
        let digest = hashed.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        self.layers.push((format!("sha256:{digest}"), findings));
        Ok(())
    }

    fn entry(&self, mut entry: tar::Entry<'_, impl Read>, findings: &mut Vec<Finding>) -> io::Result<()> {
        let path = format!("/{}", String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./"));
        if let Some(target) = entry.link_name_bytes() {
            findings.extend(self.guard.text(Border::Image, &path, &String::from_utf8_lossy(&target)));
        }
        let size = entry.size();
        let mut inspection = self.inspect.open(&path, size);
        let mut buffer = vec![0; PIECE.min(usize::try_from(size).unwrap_or(PIECE)).max(1)];
        loop {
            match entry.read(&mut buffer)? {
                0 => break,
                taken => inspection.piece(&buffer[..taken]),
            }
        }
        findings.extend(inspection.end());
        Ok(())
    }

    fn finish(self) -> Seen {
        let mut findings = self.others;
        for (digest, found) in self.layers {
            if self.base.contains(&digest) {
                continue;
            }
            let origin = self.configurations.iter().find_map(|configuration| step(configuration, &digest));
            findings.extend(found.into_iter().map(|finding| match &origin {
                Some(origin) => {
                    let shown = self.guard.text(Border::Image, "", origin).is_empty();
                    let step =
                        if shown { shortened(origin) } else { "a step that is not to be shown".to_owned() };
                    Finding {
                        message: format!("{}; its layer was made by: {step}", finding.message),
                        ..finding
                    }
                }
                None => finding,
            }));
        }
        Seen { findings, configurations: self.configurations.len() }
    }
}

/// What made a layer, by the history of the image: the entries that are not empty, in the order of the layers.
fn step(configuration: &Value, digest: &str) -> Option<String> {
    let layers = configuration.pointer("/rootfs/diff_ids")?.as_array()?;
    let index = layers.iter().position(|layer| layer == digest)?;
    let history = configuration.get("history")?.as_array()?.iter();
    let mut made = history.filter(|entry| entry.get("empty_layer") != Some(&Value::Bool(true)));
    Some(made.nth(index)?.get("created_by")?.as_str()?.to_owned())
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(100).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

/// A reader that hashes what goes through it.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let taken = self.inner.read(buffer)?;
        self.hash.update(&buffer[..taken]);
        Ok(taken)
    }
}
