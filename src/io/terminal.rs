//! The terminal as a device: raw mode, size, standard input as a stream of bytes.

use std::io::Read;

use anyhow::Result;
use tokio::sync::mpsc;

/// The terminal in raw mode; as before when dropped.
pub struct RawMode {
    #[cfg(unix)]
    former: rustix::termios::Termios,
}

#[cfg(unix)]
impl RawMode {
    /// Hands every key on as it is pressed, until dropped.
    ///
    /// # Errors
    /// When standard input is no terminal.
    pub fn enter() -> Result<Self> {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let former = tcgetattr(std::io::stdin())?;
        let mut raw = former.clone();
        raw.make_raw();
        tcsetattr(std::io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self { former })
    }
}

#[cfg(unix)]
impl Drop for RawMode {
    fn drop(&mut self) {
        let _ =
            rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &self.former);
    }
}

#[cfg(not(unix))]
impl RawMode {
    /// Not available on this system: lines are sent when they are complete.
    ///
    /// # Errors
    /// Never.
    pub fn enter() -> Result<Self> {
        Ok(Self {})
    }
}

/// The terminal's size in columns and rows; none where there is no terminal.
pub fn size() -> Option<(u16, u16)> {
    console::Term::stdout().size_checked().map(|(rows, columns)| (columns, rows))
}

/// Standard input, read by a thread of its own, since a read cannot be given up.
pub struct StandardInput {
    bytes: mpsc::Receiver<Vec<u8>>,
}

impl StandardInput {
    /// Begins to read.
    pub fn open() -> Self {
        let (sender, bytes) = mpsc::channel(16);
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = std::io::stdin().lock().read(&mut buffer) {
                if sender.blocking_send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { bytes }
    }

    /// What was typed; none at the end.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.bytes.recv().await
    }
}
