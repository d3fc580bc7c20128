//! Whether a long literal is code in disguise, judged by how it begins.
//!
//! In: a literal. Out: nothing, or whether the code that it hides starts or fetches something. It looks at the first
//! [`HEAD`] bytes only, so that a file of literals costs no more than its length.

use super::decode::{bytes_of, decode};

/// Shortest literal that is looked at.
const SHORTEST: usize = 240;
/// Bytes of it that are decoded.
const HEAD: usize = 1024;

/// Whether `text` decodes to code: `Some(true)` where that code starts or fetches something.
pub(in crate::facts) fn hidden_code(text: &str) -> Option<bool> {
    if text.len() < SHORTEST {
        return None;
    }
    if let Some(blanks) = of_blanks(text) {
        return (!blanks.is_empty()).then_some(true);
    }
    let head = text.as_bytes();
    let head = &head[..head.len().min(HEAD) & !3];
    let decoder = if head.iter().all(u8::is_ascii_hexdigit) {
        "hex"
    } else if head
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=' | b'\n'))
    {
        "base64"
    } else {
        return None;
    };
    let decoded = decode(decoder, std::str::from_utf8(head).ok()?)?;
    let bytes = bytes_of(&decoded);
    match &*bytes {
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => judge(&decode("zlib.decompress", &decoded)?),
        [0x1f, 0x8b, 8, ..] => judge(&decode("gzip.decompress", &decoded)?),
        _ => judge(&decoded),
    }
}

/// What a row of nothing but blanks and tabs spells, eight of them a letter: nobody writes one for its looks.
fn of_blanks(text: &str) -> Option<String> {
    let bytes = &text.as_bytes()[..text.len().min(8 * HEAD)];
    if !bytes.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
        return None;
    }
    [b' ', b'\t'].into_iter().find_map(|one| {
        let letter = |bits: &[u8]| bits.iter().fold(0u8, |all, bit| all << 1 | u8::from(*bit == one));
        let letters: Vec<u8> = bytes.chunks_exact(8).map(letter).collect();
        let plain = letters.iter().filter(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()).count();
        let text = String::from_utf8(letters).ok()?;
        (plain * 20 >= text.len() * 19).then_some(text)
    })
}

/// Whether a text is code at all, and whether it starts or fetches something.
fn judge(text: &str) -> Option<bool> {
    let text = &text.as_bytes()[..text.len().min(4 * HEAD)];
    let plain = text.iter().filter(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()).count();
    if text.is_empty() || plain * 20 < text.len() * 19 {
        return None;
    }
    let has = |word: &&str| memchr::memmem::find(text, word.as_bytes()).is_some();
    let harmful =
        ["exec(", "subprocess", "os.system", "child_process", "socket.", "powershell", "urlopen(", "__import__("];
    let starts = harmful.iter().filter(|word| has(word)).count() >= 1;
    let code = ["import ", "def ", "function", "require(", "return ", "class ", "= ", "=>"];
    (code.iter().filter(|word| has(word)).count() >= 2).then_some(starts)
}
