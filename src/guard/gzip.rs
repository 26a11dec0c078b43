//! Files that servers hand out compressed.
//!
//! Given: the pieces of a `.gz` file beside a page's other files. Gives: what is found in it as it is, and in what a browser
//! makes of it. What cannot be unpacked is no such file, and was looked at as it is.

use std::io::{self, Write};

use dashdeploy_contract::Finding;
use flate2::write::MultiGzDecoder;

use super::scan::Scan;
use super::tell;
use crate::io::context::inspect::Inspection;

/// Bytes that a file may unpack to; more is told instead of unpacked.
const LARGEST: u64 = 1 << 30;

/// A look at one compressed file.
pub(super) struct Zipped<'a> {
    plain: Scan<'a>,
    path: &'a str,
    /// None once it turned out to be something else, or too large.
    inside: Option<MultiGzDecoder<Inside<'a>>>,
    too_large: bool,
}

/// Takes what was unpacked.
struct Inside<'a> {
    scan: Scan<'a>,
    bytes: u64,
}

impl Write for Inside<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        if self.bytes > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.scan.piece(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> Zipped<'a> {
    pub fn new(path: &'a str, plain: Scan<'a>, inside: Scan<'a>) -> Self {
        let inside = Some(MultiGzDecoder::new(Inside { scan: inside, bytes: 0 }));
        Self { plain, path, inside, too_large: false }
    }
}

impl Inspection for Zipped<'_> {
    fn piece(&mut self, bytes: &[u8]) {
        self.plain.piece(bytes);
        if let Some(inside) = &mut self.inside
            && let Err(error) = inside.write_all(bytes)
        {
            self.too_large = error.kind() == io::ErrorKind::FileTooLarge;
            self.inside = None;
        }
    }

    fn end(self: Box<Self>) -> Vec<Finding> {
        let mut found = Box::new(self.plain).end();
        if let Some(Ok(inside)) = self.inside.map(MultiGzDecoder::finish) {
            found.extend(Box::new(inside.scan).end());
        }
        if self.too_large {
            found.push(tell::broken(self.path, "it unpacks to more than 1 GiB"));
        }
        found
    }
}
