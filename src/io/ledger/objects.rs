//! What a shared ledger asks of an object store: to create what is not there, and to replace what has not changed.
//!
//! Given: keys and bytes. Gives: [`Put::Refused`] where somebody else was first. Deliberately absent: which store it is.

use async_trait::async_trait;

/// What a store tells a version of an object by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// Its ETag.
    pub e_tag: Option<String>,
    /// Its version or generation.
    pub version: Option<String>,
}

/// What came of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// Written.
    Done(Version),
    /// The condition did not hold: it is there already, or is another version.
    Refused,
}

/// The store cannot be reached, or refuses.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {operation} {place}: {reason}")]
pub struct ObjectsError {
    /// What was being done.
    pub operation: &'static str,
    /// The object, as `s3://bucket/key`.
    pub place: String,
    /// What it says.
    pub reason: String,
    /// What mends it.
    pub hint: String,
}

/// A folder of an object store.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Where it is, for people: `s3://bucket/prefix`.
    fn shown(&self) -> String;

    /// The keys below a folder, sorted.
    ///
    /// # Errors
    /// [`ObjectsError`].
    async fn list(&self, folder: &str) -> Result<Vec<String>, ObjectsError>;

    /// An object; none where it is not there.
    ///
    /// # Errors
    /// [`ObjectsError`].
    async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, ObjectsError>;

    /// Writes an object that is not there yet. Where an answer is lost, it is sent again, so that a refusal may be due to the
    /// caller's own writing: who asks looks at what is there.
    ///
    /// # Errors
    /// [`ObjectsError`].
    async fn create(&self, key: &str, bytes: Vec<u8>) -> Result<Put, ObjectsError>;

    /// Writes an object that is this version. For lost answers as [`Objects::create`].
    ///
    /// # Errors
    /// [`ObjectsError`].
    async fn replace(&self, key: &str, bytes: Vec<u8>, version: &Version) -> Result<Put, ObjectsError>;
}
