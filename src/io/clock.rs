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

/// Now, as RFC 3339 in UTC.
pub fn timestamp() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An id that no other process makes: 32 hex digits.
pub fn unique() -> String {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let random = || {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        hasher.write_u128(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos());
        hasher.finish()
    };
    format!("{:016x}{:016x}", random(), random())
}

/// The number of this process.
pub fn process_id() -> u32 {
    std::process::id()
}
