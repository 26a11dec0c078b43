//! What was looked at before and found clean, by a key that changes with whatever it was judged by.
//!
//! Given: a file's path and keys. Gives: whether one is known. Only its user can read the file, since keys may depend on secret
//! values. A file that is damaged or not there knows nothing; two runs at once may lose one of the other's keys, and look again.

use std::fs;
use std::io;
use std::path::Path;

use crate::io::private;

/// One key.
pub type Key = [u8; 32];

/// Keys that are kept, the newest.
const MOST: usize = 1_000;

/// True where the key is in the file.
pub fn is_known(path: &Path, key: &Key) -> bool {
    read(path).contains(key)
}

/// Puts a key into the file.
///
/// # Errors
/// When the disk refuses; the former file stays.
pub fn remember(path: &Path, key: &Key) -> io::Result<()> {
    let mut keys = read(path);
    keys.retain(|known| known != key);
    let from = keys.len().saturating_sub(MOST - 1);
    let kept: Vec<u8> = keys[from..].iter().chain([key]).flatten().copied().collect();
    private::replace(path, &kept)
}

fn read(path: &Path) -> Vec<Key> {
    let sized = fs::metadata(path).is_ok_and(|there| there.is_file() && there.len() <= (MOST * 32) as u64);
    let bytes = if sized { fs::read(path).unwrap_or_default() } else { Vec::new() };
    let (keys, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() { keys.to_vec() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_again_and_a_damaged_file_knows_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/clean");
        assert!(!is_known(&path, &[1; 32]));
        for n in [1, 2, 1] {
            remember(&path, &[n; 32]).unwrap();
        }
        assert!(is_known(&path, &[1; 32]) && is_known(&path, &[2; 32]) && !is_known(&path, &[3; 32]));
        assert_eq!(fs::metadata(&path).unwrap().len(), 64);
        fs::write(&path, [7; 33]).unwrap();
        assert!(!is_known(&path, &[7; 32]));
    }
}
