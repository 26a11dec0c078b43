//! Log frames to lines.
//!
//! Given: the frames of one container's log, each with the engine's timestamp in front. Gives: whole lines with their time.
//! The engine cuts lines after 16 KiB (moby `daemon/logger/copier.go`) and marks the cut by leaving the line end away; each
//! piece has a timestamp of its own. Of a terminal's log the pieces come glued together.

use dashdeploy_contract::{LogLine, LogStream, Name};

/// Where the engine cuts.
const PIECE: usize = 16 * 1024;

/// A line longer than this is given in parts, so that a log without line ends cannot fill the memory.
const LONGEST: usize = 1 << 20;

/// The length of `2006-01-02T15:04:05.000000000Z`.
const TIME: usize = 30;

/// Puts the frames of one container's log together.
pub(crate) struct Lines {
    service: Name,
    stdout: Open,
    stderr: Open,
}

/// A line whose end has not come yet.
#[derive(Default)]
struct Open {
    time: String,
    text: Vec<u8>,
    open: bool,
}

impl Lines {
    pub(crate) fn new(service: Name) -> Self {
        Self { service, stdout: Open::default(), stderr: Open::default() }
    }

    /// Takes a frame, gives the lines that are whole now.
    pub(crate) fn push(&mut self, stream: LogStream, frame: &[u8]) -> Vec<LogLine> {
        let mut lines = Vec::new();
        for part in frame.split_inclusive(|byte| *byte == b'\n') {
            self.part(stream, part, &mut lines);
        }
        lines
    }

    /// The lines whose end never came.
    pub(crate) fn finish(&mut self) -> Vec<LogLine> {
        let mut lines = Vec::new();
        for stream in [LogStream::Stdout, LogStream::Stderr] {
            if self.open(stream).open {
                lines.push(self.close(stream));
            }
        }
        lines
    }

    fn open(&mut self, stream: LogStream) -> &mut Open {
        match stream {
            LogStream::Stdout => &mut self.stdout,
            LogStream::Stderr => &mut self.stderr,
        }
    }

    fn part(&mut self, stream: LogStream, part: &[u8], lines: &mut Vec<LogLine>) {
        let (mut rest, ended) = match part.strip_suffix(b"\n") {
            Some(rest) => (rest, true),
            None => (part, false),
        };
        loop {
            let (time, text) = split_time(rest);
            let glued = text.len() > PIECE && split_time(&text[PIECE..]).0.is_some();
            let (text, after) = if glued { text.split_at(PIECE) } else { (text, &[][..]) };
            let open = self.open(stream);
            if !open.open {
                open.time = time.unwrap_or(&open.time).to_owned();
            }
            open.open = true;
            open.text.extend_from_slice(text);
            if open.text.len() >= LONGEST {
                lines.push(self.close(stream));
            }
            if !glued {
                break;
            }
            rest = after;
        }
        if ended && self.open(stream).open {
            lines.push(self.close(stream));
        }
    }

    fn close(&mut self, stream: LogStream) -> LogLine {
        let open = self.open(stream);
        open.open = false;
        let text = std::mem::take(&mut open.text);
        let text = text.strip_suffix(b"\r").unwrap_or(&text);
        let (time, text) = (open.time.clone(), String::from_utf8_lossy(text).into_owned());
        LogLine { service: self.service.clone(), time, stream, text }
    }
}

/// The timestamp in front, and the rest.
fn split_time(bytes: &[u8]) -> (Option<&str>, &[u8]) {
    let Some((time, after)) = bytes.split_at_checked(TIME) else {
        return (None, bytes);
    };
    let shape = time.iter().zip(b"dddd-dd-ddTdd:dd:dd.dddddddddZ");
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        other => byte == other,
    };
    let time = shape.into_iter().all(fits).then(|| str::from_utf8(time).ok()).flatten();
    match (time, after) {
        (Some(time), [b' ', text @ ..]) => (Some(time), text),
        (Some(time), []) => (Some(time), after),
        _ => (None, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "2024-05-01T10:00:00.000000001Z";
    const TWO: &str = "2024-05-01T10:00:00.000000002Z";

    fn lines(frames: &[(LogStream, Vec<u8>)]) -> Vec<(String, String)> {
        let mut lines = Lines::new(Name::parse("api").unwrap());
        let mut all: Vec<LogLine> =
            frames.iter().flat_map(|(stream, frame)| lines.push(*stream, frame)).collect();
        all.extend(lines.finish());
        all.into_iter().map(|line| (line.time, line.text)).collect()
    }

    fn frame(time: &str, text: &str) -> Vec<u8> {
        format!("{time} {text}").into_bytes()
    }

    #[test]
    fn a_line_cut_in_two_frames_is_one_again() {
        let long = "x".repeat(PIECE);
        let frames = [
            (LogStream::Stdout, frame(ONE, &long)),
            (LogStream::Stderr, frame(TWO, "between\n")),
            (LogStream::Stdout, frame(TWO, "end\n")),
        ];
        let found = lines(&frames);
        assert_eq!(found[0], (TWO.to_owned(), "between".to_owned()));
        assert_eq!(found[1], (ONE.to_owned(), format!("{long}end")));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_terminals_pieces_are_taken_apart() {
        let long = "x".repeat(PIECE);
        let glued = [frame(ONE, &long), frame(TWO, "end\r\n")].concat();
        assert_eq!(lines(&[(LogStream::Stdout, glued)]), [(ONE.to_owned(), format!("{long}end"))]);
    }

    #[test]
    fn bytes_that_are_no_text_and_lines_without_end_are_kept() {
        let mut bad = frame(ONE, "a");
        bad.extend([0xff, b'\n']);
        let frames = [(LogStream::Stdout, bad), (LogStream::Stdout, frame(TWO, "no end"))];
        assert_eq!(
            lines(&frames),
            [(ONE.to_owned(), "a\u{fffd}".to_owned()), (TWO.to_owned(), "no end".to_owned())]
        );
        assert_eq!(lines(&[(LogStream::Stdout, frame(ONE, "\n"))]), [(ONE.to_owned(), String::new())]);
    }

    #[test]
    fn an_endless_line_comes_in_parts() {
        let piece = frame(ONE, &"x".repeat(PIECE));
        let frames: Vec<_> = (0..65).map(|_| (LogStream::Stdout, piece.clone())).collect();
        let found = lines(&frames);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].1.len(), LONGEST);
    }
}
