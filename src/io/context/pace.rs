//! News of a transfer, not more often than anybody can read them.

use std::time::{Duration, Instant};

use super::ContextNews;

const NEWS_EVERY: Duration = Duration::from_millis(100);

/// Counts what was sent and tells it, at most ten times a second and once at the end.
pub struct Pace<N> {
    bytes: u64,
    files: u64,
    told: Instant,
    news: N,
}

impl<N: FnMut(ContextNews)> Pace<N> {
    /// Nothing sent so far.
    pub fn new(news: N) -> Self {
        Self { bytes: 0, files: 0, told: Instant::now(), news }
    }

    /// So much more was sent.
    pub fn add(&mut self, bytes: u64, files: u64) {
        self.bytes += bytes;
        self.files += files;
        if self.told.elapsed() >= NEWS_EVERY {
            self.told = Instant::now();
            self.tell();
        }
    }

    /// Tells how much it is by now.
    pub fn tell(&mut self) {
        (self.news)(ContextNews::Sent { bytes: self.bytes, files: self.files });
    }
}
