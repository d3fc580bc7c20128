//! Text from strangers: made safe to print, and bytes that it spells.

use data_encoding::BASE64;

/// Bytes that base64 with padding spells (RFC 4648, section 4), in the one way there is: the library alone also takes padding
/// in the middle, which gives the same bytes a second text.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let inside = text.trim_end_matches('=');
    if inside.contains('=') { None } else { BASE64.decode(text.as_bytes()).ok() }
}

/// A copy of `text` that is safe on a terminal, in a log line and in a table cell: control characters, line breaks,
/// bidirectional and invisible characters are escaped, and the result holds at most `max` characters, ending in `…`
/// where something was cut.
pub fn printable(text: &str, max: usize) -> String {
    // Nearly every path and line of code.
    let head = text.get(..max).unwrap_or(text);
    if head.len() <= max && head.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return if head.len() < text.len() { [head, "…"].concat() } else { text.to_owned() };
    }
    let mut out = String::with_capacity(text.len().min(max));
    let mut count = 0;
    for c in text.chars() {
        let width = if is_plain(c) { 1 } else { c.escape_unicode().len() };
        if count + width > max {
            out.push('…');
            return out;
        }
        count += width;
        match width {
            1 => out.push(c),
            _ => out.extend(c.escape_unicode()),
        }
    }
    out
}

/// False for whatever moves the cursor, reorders text, or cannot be seen.
fn is_plain(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let hidden = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    !c.is_control() && !hidden
}

#[cfg(test)]
mod tests {
    use super::{base64, printable};

    #[test]
    fn nothing_reaches_the_terminal_unescaped() {
        assert_eq!(printable("ordinary – text é", 80), "ordinary – text é");
        assert_eq!(printable("\x1b[31mred\r\n\u{202e}", 80), "\\u{1b}[31mred\\u{d}\\u{a}\\u{202e}");
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("ab\n", 3), "ab…");
    }

    #[test]
    fn bytes_have_one_text() {
        let check = |text, bytes: Option<&[u8]>| assert_eq!(base64(text).as_deref(), bytes, "{text}");
        check("", Some(b""));
        check("YWJj", Some(b"abc"));
        check("YWI=", Some(b"ab"));
        // The same bytes in pieces, with stray bits, without padding, in another alphabet, between spaces.
        for other in ["YQ==YmM=", "YWI=Yw==", "YWJ=", "YWI", "YW_-", " YWJj", "YWJj\n", "=", "====", "YWJj===="] {
            check(other, None);
        }
    }
}
