//! Files of the project: read with limits, written whole or not at all, never through a link.
//!
//! Given: a project folder and paths relative to it. Gives: bytes, or an error that names the path. What is written goes to
//! a temporary file beside its place and is renamed, so that a full disk or a kill leaves the former file as it was.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

/// The largest configuration or generated file that is read: 2 MiB.
const LARGEST: u64 = 2 << 20;

/// A project's folder; every path given to it stays below it.
#[derive(Debug, Clone)]
pub struct ProjectDir {
    root: PathBuf,
}

impl ProjectDir {
    /// The folder, made absolute and free of links.
    ///
    /// # Errors
    /// When it is not there or no folder.
    pub fn open(path: &Path) -> Result<Self> {
        let root =
            fs::canonicalize(path).with_context(|| format!("cannot open the folder {}", path.display()))?;
        if !root.is_dir() {
            bail!("{} is not a folder", path.display());
        }
        Ok(Self { root })
    }

    /// The folder's absolute path.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The absolute path of a relative one, which may not leave the folder.
    pub fn join(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A file's bytes; none where it is not there.
    ///
    /// # Errors
    /// When it is no regular file, cannot be read, or is larger than 2 MiB.
    pub fn read(&self, relative: &str) -> Result<Option<Vec<u8>>> {
        read_limited(&self.root.join(relative), LARGEST)
    }

    /// True where something (a file, a folder, even a broken link) has this path.
    pub fn has(&self, relative: &str) -> bool {
        self.root.join(relative).symlink_metadata().is_ok()
    }

    /// The names of what lies in a folder, sorted; none where it is not there or cannot be listed.
    pub fn names_in(&self, relative: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(relative)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// The regular files below a folder, as paths relative to that folder with `/` between their parts, sorted; none where
    /// the folder is not there. Links are left out.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn files_below(&self, relative: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut folders = vec![(self.root.join(relative), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(anyhow!(error).context(format!("cannot list {}", folder.display()))),
            };
            for entry in entries {
                let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let kind = entry.file_type().with_context(|| format!("cannot look at {name}"))?;
                if kind.is_dir() {
                    folders.push((entry.path(), format!("{prefix}{name}/")));
                } else if kind.is_file() {
                    found.push(format!("{prefix}{name}"));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Writes a whole file, making its folders; what was there before stays until the new file is complete.
    ///
    /// # Errors
    /// When a folder on the way or the file itself is a link or no regular file, or the disk refuses.
    pub fn write(&self, relative: &str, bytes: &[u8]) -> Result<()> {
        let folder = self.folder_of(relative)?;
        let path = self.root.join(relative);
        match path.symlink_metadata() {
            Ok(there) if !there.is_file() => {
                bail!(
                    "{relative} is not a regular file: move it away, or choose another path in dashdeploy.yaml"
                )
            }
            _ => {}
        }
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::Builder::new().prefix(".dashdeploy-").tempfile_in(&folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            make_readable(file.path())?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {relative}"))
    }

    /// The folder of a file, made where it is missing; refuses to pass through a link.
    fn folder_of(&self, relative: &str) -> Result<PathBuf> {
        let mut folder = self.root.clone();
        let parent = Path::new(relative).parent().unwrap_or(Path::new(""));
        for part in parent.components() {
            let Component::Normal(name) = part else {
                bail!("{relative} does not stay below the project's folder");
            };
            folder.push(name);
            match fs::symlink_metadata(&folder) {
                Ok(there) if there.is_dir() => {}
                Ok(there) if there.is_symlink() => {
                    bail!("{} is a link, and nothing is written through links", folder.display())
                }
                Ok(_) => bail!("{} is not a folder", folder.display()),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir(&folder)
                        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
                }
                Err(error) => {
                    return Err(anyhow!(error).context(format!("cannot look at {}", folder.display())));
                }
            }
        }
        Ok(folder)
    }
}

// tempfile makes files for their owner alone; generated files are read by the whole team and by build tools.
#[cfg(unix)]
fn make_readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The bytes of a regular file; none where it is not there.
///
/// # Errors
/// When it is no regular file (a pipe would hang, a device never end), is larger than the limit, or cannot be read.
pub fn read_limited(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let there = match fs::metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(anyhow!(error).context(format!("cannot read {}", path.display()))),
    };
    if !there.is_file() {
        bail!("{} is not a regular file", path.display());
    }
    if there.len() > limit {
        bail!("{} is larger than {} MiB", path.display(), limit >> 20);
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(limit).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(bytes))
}

/// The nearest folder, from `start` upwards, that holds one of the files; and the file's name.
pub fn find_upwards(start: &Path, names: &[&str]) -> Option<(PathBuf, String)> {
    start.ancestors().find_map(|folder| {
        let found = names.iter().find(|name| folder.join(name).symlink_metadata().is_ok())?;
        Some((folder.to_owned(), (*found).to_owned()))
    })
}

/// True where others than the owner may read the file.
#[cfg(unix)]
pub fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|there| there.permissions().mode() & 0o077 != 0)
}

/// True where others than the owner may read the file: not known on this system.
#[cfg(not(unix))]
pub fn is_readable_by_others(_: &Path) -> bool {
    false
}

/// Bytes free on the file system that holds a folder; none where the system does not tell.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let report = std::process::Command::new("df").args(["-Pk", "--"]).arg(folder).output().ok()?;
    let text = String::from_utf8_lossy(&report.stdout).into_owned();
    let blocks = text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()?;
    Some(blocks * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, ProjectDir) {
        let folder = tempfile::tempdir().unwrap();
        let project = ProjectDir::open(folder.path()).unwrap();
        (folder, project)
    }

    #[test]
    fn writes_whole_files_below_the_project() {
        let (_keep, project) = project();
        project.write("deploy/api/Dockerfile", b"FROM x").unwrap();
        assert_eq!(project.read("deploy/api/Dockerfile").unwrap().unwrap(), b"FROM x");
        assert!(project.read("none").unwrap().is_none());
        assert!(project.write("../outside", b"x").is_err());
        assert!(project.write("/etc/outside", b"x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn never_writes_through_a_link() {
        let (_keep, project) = project();
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), project.join("deploy")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", project.join("Dockerfile")).unwrap();

        assert!(project.write("deploy/x", b"x").is_err());
        assert!(project.write("Dockerfile", b"x").is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_an_error() {
        let (_keep, project) = project();
        fs::create_dir(project.join("dashdeploy.yaml")).unwrap();
        assert!(project.read("dashdeploy.yaml").is_err());
    }
}
