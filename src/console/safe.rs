//! Text from outside, made safe for a terminal.

/// The text with control characters, escape sequences and direction marks shown instead of obeyed: `\x1b`, `\u{202e}`.
/// Tabs stay; line ends stay.
pub fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' => {}
            c if c.is_control() && u32::from(c) < 0x100 => {
                shown.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                shown.push_str(&c.escape_unicode().to_string());
            }
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_sequence_survives() {
        let hostile = "a\x1b]52;c;eA==\x07b\x1b[2J\u{9b}31m\rc\u{202e}d\u{7f}";
        let shown = safe(hostile);
        assert!(shown.chars().all(|c| !c.is_control()), "{shown:?}");
        assert_eq!(safe("ein\tTab\nZeile ✓"), "ein\tTab\nZeile ✓");
    }
}
