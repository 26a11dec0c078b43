//! The terminal as a device: raw mode, size, standard input as a stream of bytes.

use std::io::Read;

use anyhow::Result;
use tokio::sync::mpsc;

/// Bytes that a value on standard input may have: 64 KiB, as platforms take them.
const LARGEST_VALUE: u64 = 64 << 10;

/// Standard input as one value: all of it, without the line end that `echo` adds.
///
/// # Errors
/// Input that is no UTF-8 text, or longer than 64 KiB.
pub fn read_secret() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(LARGEST_VALUE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_VALUE {
        anyhow::bail!("a value has at most 64 KiB");
    }
    let value = text.strip_suffix('\n').unwrap_or(&text);
    Ok(value.strip_suffix('\r').unwrap_or(value).to_owned())
}

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
