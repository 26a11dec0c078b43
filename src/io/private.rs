//! Files that only their user can read: what may depend on secret values, and is made again when it is lost.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Replaces a file whole, in a folder that is made where it is missing: 0600 in 0700.
///
/// # Errors
/// When the disk refuses; the former file stays.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    self::folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes a folder that only its user can read, with those above it; one that is there stays as it is.
///
/// # Errors
/// When the disk refuses.
#[cfg(unix)]
pub fn folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a folder, with those above it.
///
/// # Errors
/// When the disk refuses.
#[cfg(not(unix))]
pub fn folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// A folder of its own that only its user can read; it goes with what it gives.
///
/// # Errors
/// When the disk refuses.
pub fn temporary_folder() -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("dashdeploy-").tempdir()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn nobody_else_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/file");
        for text in ["one", "two"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read(&path).unwrap(), text.as_bytes());
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }
}
