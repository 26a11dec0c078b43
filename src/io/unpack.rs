//! A tar stream becomes a folder, in one step or not at all.
//!
//! Given: chunks of a tar archive and the folder to make. Gives: what was written. Nothing in the archive is trusted: only
//! files and folders are written, only below the folder, within limits of number and size. Links are left out (a hard link
//! becomes a copy), so no entry can lead anywhere else. Every file can be looked at on its way; where one must not be there,
//! nothing is put in place.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use dashdeploy_contract::{Finding, Severity};
use tar::{Archive, Entry, EntryType};

use super::chunks::{self, Chunks, Feed};
use super::context::inspect::Inspect;

/// Entries an archive may have.
const ENTRY_LIMIT: u64 = 200_000;
/// Bytes of content an archive may have.
const SIZE_LIMIT: u64 = 8 << 30;
/// Bytes of a file that are looked at at once.
const PIECE: usize = 64 << 10;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries that are neither files nor folders.
    pub left_out: Vec<String>,
    /// What was found in the files. Where one is an error, nothing was put in place.
    pub findings: Vec<Finding>,
}

impl Unpacked {
    /// True where something was found that must not be there: the former folder is as it was.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Starts to unpack on a blocking thread; `inspect` looks at every file. Must be called within a Tokio runtime.
pub fn start(
    to: &Path,
    inspect: Option<Arc<dyn Inspect>>,
) -> (Feed, impl Future<Output = io::Result<Unpacked>> + use<>) {
    let (feed, chunks) = chunks::channel();
    let to = to.to_path_buf();
    let unpacking = tokio::task::spawn_blocking(move || unpack(chunks, &to, inspect.as_deref()));
    let result = async move { unpacking.await.map_err(io::Error::other)? };
    (feed, result)
}

/// Writes beside the folder, then puts it in place.
fn unpack(mut chunks: Chunks, to: &Path, inspect: Option<&dyn Inspect>) -> io::Result<Unpacked> {
    let parent = to.parent().ok_or_else(|| io::Error::other("the folder has no parent"))?;
    fs::create_dir_all(parent)?;
    let work = tempfile::Builder::new().prefix(".incoming-").tempdir_in(parent)?;
    let new = work.path().join("new");
    fs::create_dir(&new)?;
    let mut result = Unpacked::default();
    let mut archive = Archive::new(&mut chunks);
    for (index, entry) in archive.entries()?.enumerate() {
        if index as u64 >= ENTRY_LIMIT {
            return Err(io::Error::other(format!("more than {ENTRY_LIMIT} entries")));
        }
        write_entry(&mut entry?, &new, inspect, &mut result)?;
    }
    // The archive's end is found in its bytes; that they all came is known only from the sender.
    io::copy(&mut chunks, &mut io::sink())?;
    if result.is_refused() {
        return Ok(result);
    }
    let old = work.path().join("old");
    match fs::rename(to, &old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if let Err(error) = fs::rename(&new, to) {
        let _ = fs::rename(&old, to);
        return Err(error);
    }
    Ok(result)
}

fn write_entry(
    entry: &mut Entry<'_, &mut Chunks>,
    root: &Path,
    inspect: Option<&dyn Inspect>,
    result: &mut Unpacked,
) -> io::Result<()> {
    let name = entry.path()?.into_owned();
    let Some(target) = below(root, &name) else {
        return Err(io::Error::other(format!("the entry {} leads out of the folder", name.display())));
    };
    match entry.header().entry_type() {
        EntryType::Directory => fs::create_dir_all(&target),
        EntryType::Regular | EntryType::Continuous => {
            let size = entry.size();
            if result.bytes.saturating_add(size) > SIZE_LIMIT {
                return Err(io::Error::other(format!("more than {} GiB", SIZE_LIMIT >> 30)));
            }
            let mtime = entry.header().mtime()?;
            let mut file = create(&target)?;
            let written = copy(entry, &mut file, &shown(&target, root), inspect, &mut result.findings)?;
            file.set_modified(UNIX_EPOCH + Duration::from_secs(mtime))?;
            count(result, written);
            Ok(())
        }
        EntryType::Link => {
            let source = entry.link_name()?.and_then(|link| below(root, &link));
            match source.filter(|source| fs::symlink_metadata(source).is_ok_and(|found| found.is_file())) {
                Some(source) => {
                    drop(create(&target)?);
                    let written = fs::copy(source, &target)?;
                    count(result, written);
                }
                None => result.left_out.push(name.display().to_string()),
            }
            Ok(())
        }
        _ => {
            result.left_out.push(name.display().to_string());
            Ok(())
        }
    }
}

/// A path below the folder, with `/` between its parts.
fn shown(target: &Path, root: &Path) -> String {
    let parts = target.strip_prefix(root).unwrap_or(target).components();
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn copy(
    entry: &mut Entry<'_, &mut Chunks>,
    file: &mut File,
    path: &str,
    inspect: Option<&dyn Inspect>,
    findings: &mut Vec<Finding>,
) -> io::Result<u64> {
    let Some(inspect) = inspect else { return io::copy(entry, file) };
    let mut inspection = inspect.open(path, entry.size());
    let mut buffer = vec![0; PIECE];
    let mut written = 0;
    loop {
        let taken = entry.read(&mut buffer)?;
        if taken == 0 {
            break;
        }
        inspection.piece(&buffer[..taken]);
        file.write_all(&buffer[..taken])?;
        written += taken as u64;
    }
    findings.extend(inspection.end());
    Ok(written)
}

fn count(result: &mut Unpacked, bytes: u64) {
    result.files += 1;
    result.bytes += bytes;
}

fn create(target: &Path) -> io::Result<File> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    // A name that comes twice replaces the first, as in every tar program.
    File::create(target)
}

/// A path of the archive below a folder; none where it leads out of it.
fn below(root: &Path, name: &Path) -> Option<PathBuf> {
    let mut path = root.to_path_buf();
    for part in name.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    async fn unpacked(archive: Vec<u8>, to: &Path) -> io::Result<Unpacked> {
        let (mut feed, result) = start(to, None);
        for chunk in archive.chunks(700) {
            let _ = feed.send(Bytes::copy_from_slice(chunk)).await;
        }
        feed.end();
        result.await
    }

    fn archive(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (kind, name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            header.set_mtime(1_000_000_000);
            // Written raw: the library itself refuses names such as `../x`.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            let is_link = matches!(kind, EntryType::Link | EntryType::Symlink);
            if is_link {
                header.set_link_name_literal(content).unwrap();
            }
            let body = if is_link { "" } else { content };
            header.set_size(body.len() as u64);
            header.set_cksum();
            builder.append(&header, body.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[tokio::test]
    async fn a_folder_replaces_the_former_one() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("a/dist");
        fs::create_dir_all(&to).unwrap();
        fs::write(to.join("stale"), "x").unwrap();
        let tar = archive(&[
            (EntryType::Directory, "./", ""),
            (EntryType::Regular, "./index.html", "hello"),
            (EntryType::Regular, "deep/er/x.js", "12"),
            (EntryType::Link, "copy.js", "deep/er/x.js"),
            (EntryType::Symlink, "link", "/etc/passwd"),
        ]);
        let result = unpacked(tar, &to).await.unwrap();
        assert_eq!((result.files, result.bytes, result.left_out), (3, 9, vec!["link".to_owned()]));
        assert_eq!(fs::read_to_string(to.join("copy.js")).unwrap(), "12");
        assert!(!to.join("stale").exists());
        assert_eq!(fs::read_dir(dir.path().join("a")).unwrap().count(), 1, "nothing is left beside it");
    }

    #[tokio::test]
    async fn nothing_leads_out_and_nothing_half_is_put_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("in/dist");
        for bad in ["../evil", "/evil", "a/../../evil"] {
            let tar = archive(&[(EntryType::Regular, "ok", "1"), (EntryType::Regular, bad, "2")]);
            assert!(unpacked(tar, &to).await.is_err(), "{bad}");
            assert!(!to.exists() && !dir.path().join("evil").exists());
        }
        // Through a link that the archive itself brings.
        let tar = archive(&[(EntryType::Symlink, "d", "/tmp"), (EntryType::Regular, "d/evil", "2")]);
        unpacked(tar, &to).await.unwrap();
        assert!(to.join("d/evil").is_file() && !Path::new("/tmp/evil").exists());
        fs::remove_dir_all(&to).unwrap();
        let (mut feed, result) = start(&to, None);
        feed.send(Bytes::from(archive(&[(EntryType::Regular, "ok", "1")]))).await.unwrap();
        drop(feed);
        assert!(result.await.is_err());
        assert!(!to.exists());
    }
}
