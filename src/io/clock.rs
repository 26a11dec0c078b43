//! Time: the wall clock for people and query bounds, the steady clock for waiting.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01 UTC.
pub fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Waits on the steady clock.
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
