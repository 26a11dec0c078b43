//! What looks at a context's files while they are read.
//!
//! Given: the pieces of each file, in order. Gives: findings for those that must not be sent. Deliberately absent: what is
//! looked for (`guard`), and what is done about it (`build`).

use dashdeploy_contract::Finding;

/// Judges files. One inspector may look at several files at the same time.
pub trait Inspect: Send + Sync + std::fmt::Debug {
    /// Differs whenever the same file could be judged otherwise: by other rules, other values that are known, other exceptions.
    /// A file found clean under an edition is not read again for it. May depend on secret values, and therefore never leaves
    /// this machine, nor goes anywhere but into a file that only its user can read.
    fn edition(&self) -> [u8; 32];

    /// Begins to look at a file: its path in the context, its size in bytes.
    fn open<'a>(&'a self, path: &'a str, size: u64) -> Box<dyn Inspection + 'a>;
}

/// A look at one file.
pub trait Inspection {
    /// Takes the next piece; what stands across two pieces is seen.
    fn piece(&mut self, bytes: &[u8]);

    /// What was found; nothing where the file may be sent.
    fn end(self: Box<Self>) -> Vec<Finding>;
}
