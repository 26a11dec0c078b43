//! Interruption: Ctrl-C, termination and hang-up as one thing that work can wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Tells whether the user wants the work to end. The first signal asks for an orderly end, the second ends the process.
#[derive(Clone, Default)]
pub struct Interrupt {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    count: AtomicUsize,
    changed: Notify,
}

impl Interrupt {
    /// Starts listening for signals; needs a runtime.
    pub fn listen() -> Self {
        let interrupt = Self::default();
        let listener = interrupt.clone();
        tokio::spawn(async move {
            loop {
                next_signal().await;
                listener.raise();
            }
        });
        interrupt
    }

    /// Counts one signal.
    pub fn raise(&self) {
        self.state.count.fetch_add(1, Ordering::SeqCst);
        self.state.changed.notify_waiters();
    }

    /// True once a signal came.
    pub fn is_raised(&self) -> bool {
        self.state.count.load(Ordering::SeqCst) > 0
    }

    /// Waits for the first signal.
    pub async fn raised(&self) {
        self.at_least(1).await;
    }

    /// Waits for the second signal, after which nobody wants to wait for an orderly end.
    pub async fn raised_twice(&self) {
        self.at_least(2).await;
    }

    async fn at_least(&self, count: usize) {
        loop {
            let changed = self.state.changed.notified();
            if self.state.count.load(Ordering::SeqCst) >= count {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(unix)]
async fn next_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

#[cfg(not(unix))]
async fn next_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
