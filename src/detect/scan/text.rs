//! Bytes to text: the encodings that source files really have.
//!
//! Given: bytes. Gives: text with `\n` line ends, or nothing for binary files. Deliberately absent: guessing languages.

/// Reads UTF-8 with or without a byte order mark, UTF-16 with one (what Windows PowerShell writes with `>`), and takes
/// anything else without NUL bytes for Latin-1.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ if bytes.contains(&0) => return None,
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8_or_latin1(rest),
        _ => utf8_or_latin1(bytes),
    };
    Some(if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text })
}

fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn utf8_or_latin1(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_editors_and_shells_write() {
        assert_eq!(decode(b"\xef\xbb\xbfa\r\nb\rc").as_deref(), Some("a\nb\nc"));
        assert_eq!(decode(b"\xff\xfef\0l\0a\0s\0k\0").as_deref(), Some("flask"));
        assert_eq!(decode(b"# caf\xe9\n").as_deref(), Some("# caf\u{e9}\n"));
        assert_eq!(decode(b"\x7fELF\0\0"), None);
    }
}
