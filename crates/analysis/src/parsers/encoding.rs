//! From bytes to text, as the language's own runtime would read them.
//!
//! In: a file's bytes, and its language. Out: the text, and why it may be wrong. Byte order marks and PEP 263
//! declarations are followed, because what an interpreter decodes is what it runs: `# coding: utf-7` or
//! `unicode_escape` hide whole programs in what looks like a comment. Never fails, never takes longer than linear time.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::language::Language;

/// The text of a file.
pub(crate) struct Decoded<'a> {
    /// What could be read of it.
    pub text: Cow<'a, str>,
    /// The encoding that it declares and that is not read: its bytes were taken as latin-1.
    pub unknown: Option<String>,
}

/// The text of a source file: its byte order mark, then (Python) its declaration, then UTF-8, then latin-1.
pub(crate) fn decode_source(bytes: &[u8], language: Option<Language>) -> Decoded<'_> {
    let known = |text| Decoded { text, unknown: None };
    let marked = MARKS.iter().any(|mark| bytes.starts_with(mark));
    if language != Some(Language::Python) || marked {
        return known(decode(bytes));
    }
    let Some(label) = declared(bytes) else { return known(decode(bytes)) };
    let label = label.to_ascii_lowercase().replace('_', "-");
    match label.as_str() {
        "utf-7" | "utf7" | "u7" | "unicode-1-1-utf-7" => known(Cow::Owned(utf7(bytes))),
        "unicode-escape" | "raw-unicode-escape" => known(Cow::Owned(escapes(bytes, label.starts_with("raw")))),
        label if is_plain(label) => known(decode(bytes)),
        label => match encoding(label) {
            Some(encoding) => known(encoding.decode_without_bom_handling(bytes).0),
            None => Decoded { text: decode(bytes), unknown: Some(sigma_core::printable(label, 40)) },
        },
    }
}

/// The text of a file that declares nothing: by its byte order mark, as UTF-8, or byte for byte as latin-1.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(MARKS[0]).unwrap_or(bytes);
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        // UTF-16 without a mark is valid UTF-8 too, with a NUL at every other place.
        return match unmarked_utf16(bytes) {
            Some(unit) => Cow::Owned(wide(bytes, unit)),
            None => Cow::Borrowed(text),
        };
    }
    let utf32 = |bytes: &[u8], unit: fn([u8; 4]) -> u32| {
        let units = bytes.chunks_exact(4).map(|four| unit([four[0], four[1], four[2], four[3]]));
        Cow::Owned(units.map(|unit| char::from_u32(unit).unwrap_or('\u{fffd}')).collect::<String>())
    };
    match bytes {
        [0xff, 0xfe, 0, 0, rest @ ..] => utf32(rest, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, rest @ ..] => utf32(rest, u32::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => Cow::Owned(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(wide(rest, u16::from_be_bytes)),
        _ => match unmarked_utf16(bytes) {
            Some(unit) => Cow::Owned(wide(bytes, unit)),
            None => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
        },
    }
}

/// True for bytes that can be text: marked as such, or without a NUL among the first of them.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    memchr::memchr(0, head).is_none()
        || MARKS.iter().any(|mark| bytes.starts_with(mark))
        || unmarked_utf16(bytes).is_some()
}

/// The declaration that PEP 263 looks for: in a comment on the first line, or on the second when the first is blank or
/// a comment.
pub(crate) fn declared(bytes: &[u8]) -> Option<&str> {
    // A line of a declaration is short; what is longer holds no declaration that a person would see.
    let head = &bytes[..bytes.len().min(1024)];
    let mut lines = head.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    for line in lines.by_ref().take(2) {
        let line = line.trim_ascii_start();
        let comment = line.strip_prefix(b"#")?;
        let Some(at) = memchr::memmem::find_iter(comment, b"coding")
            .map(|at| at + 6)
            .find(|at| matches!(comment.get(*at), Some(b':' | b'=')))
        else {
            continue;
        };
        let rest = comment[at + 1..].trim_ascii_start();
        let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let end = rest.iter().position(|byte| !name(byte)).unwrap_or(rest.len());
        if end > 0 {
            return std::str::from_utf8(&rest[..end]).ok();
        }
    }
    None
}

/// Byte order marks: UTF-8, UTF-16 and UTF-32 in either order.
const MARKS: [&[u8]; 4] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"];

/// Encodings in which every ASCII byte means itself and no other byte does: reading them as UTF-8 or latin-1 changes
/// only what stands in texts and comments.
fn is_plain(label: &str) -> bool {
    const EBCDIC: [&str; 8] = ["cp037", "cp273", "cp424", "cp500", "cp864", "cp875", "cp1026", "cp1140"];
    const WIDE: [&str; 5] = ["cp932", "cp936", "cp949", "cp950", "cp1361"];
    let starts = |prefix: &str| label.starts_with(prefix);
    let page = starts("cp") && label[2..].bytes().all(|byte| byte.is_ascii_digit());
    matches!(label, "utf-8" | "utf8" | "u8" | "utf" | "utf-8-sig" | "ascii" | "us-ascii" | "646")
        || matches!(label, "mbcs" | "locale" | "binary" | "raw")
        || ["utf-8-", "latin", "l1", "iso-8859-", "iso8859", "windows-125", "koi8-", "mac-", "iso-latin"]
            .iter()
            .any(|prefix| starts(prefix))
        || (page && !EBCDIC.contains(&label) && !WIDE.contains(&label))
}

/// The encodings of the WHATWG standard under Python's names. What that standard replaces by nothing is unknown.
fn encoding(label: &str) -> Option<&'static Encoding> {
    let label = match label {
        "cp932" | "ms932" | "sjis" | "s-jis" | "shiftjis" => "shift-jis",
        "cp936" | "gb2312-80" | "euccn" | "eucgb2312-cn" => "gbk",
        "cp949" | "uhc" | "euckr" => "euc-kr",
        "cp950" | "big5-tw" => "big5",
        "eucjp" | "ujis" => "euc-jp",
        "gb18030-2000" => "gb18030",
        label => label,
    };
    let found =
        Encoding::for_label(label.as_bytes()).or_else(|| Encoding::for_label(label.replace('-', "_").as_bytes()));
    found.filter(|encoding| *encoding != encoding_rs::REPLACEMENT)
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect()
}

/// The order of UTF-16 without a mark: among the first 32 units every one is a printable ASCII character or white space.
fn unmarked_utf16(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    let head = &bytes[..bytes.len().min(64) & !1];
    if head.len() < 16 || !head.contains(&0) {
        return None;
    }
    let text = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let all = |high: usize| head.chunks_exact(2).all(|pair| pair[high] == 0 && text(pair[1 - high]));
    match () {
        _ if all(1) => Some(u16::from_le_bytes),
        _ if all(0) => Some(u16::from_be_bytes),
        _ => None,
    }
}

/// RFC 2152, as far as Python reads it: `+`, base 64 of UTF-16, and `-` where something follows.
fn utf7(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte != b'+' {
            text.push(char::from(byte));
            continue;
        }
        let rest = &bytes[at..];
        let end = rest.iter().position(|byte| sextet(*byte).is_none()).unwrap_or(rest.len());
        if end == 0 && rest.first() == Some(&b'-') {
            text.push('+');
        }
        let (mut bits, mut held) = (0_u32, 0);
        let units = rest[..end].iter().filter_map(|byte| {
            bits = bits << 6 | sextet(*byte)?;
            held += 6;
            if held < 16 {
                return None;
            }
            held -= 16;
            Some((bits >> held) as u16)
        });
        text.extend(char::decode_utf16(units.collect::<Vec<u16>>()).map(|unit| unit.unwrap_or('\u{fffd}')));
        at += end + usize::from(rest.get(end) == Some(&b'-'));
    }
    text
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// The escapes of a Python text, applied to the whole file; `raw` knows only `\u` and `\U`.
fn escapes(bytes: &[u8], raw: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        let next = bytes.get(at).copied();
        let (digits, radix) = match next {
            Some(b'x') if !raw => (2, 16),
            Some(b'u') => (4, 16),
            Some(b'U') => (8, 16),
            Some(b'0'..=b'7') if !raw => (3, 8),
            _ => (0, 0),
        };
        if byte != b'\\' {
            text.push(char::from(byte));
            continue;
        }
        let start = at + usize::from(radix == 16);
        let octal =
            bytes[start.min(bytes.len())..].iter().take(digits).take_while(|byte| byte.is_ascii_digit()).count();
        let length = if radix == 8 { octal } else { digits };
        let number = bytes.get(start..start + length).and_then(|digits| std::str::from_utf8(digits).ok());
        let number = number.filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if let Some(code) = number.and_then(|number| u32::from_str_radix(number, radix).ok()) {
            text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            at = start + length;
            continue;
        }
        let simple = match next {
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'f') => '\u{c}',
            Some(quote @ (b'\\' | b'\'' | b'"')) => char::from(quote),
            _ => '\0',
        };
        match simple {
            '\0' => text.push('\\'),
            _ if raw => text.push('\\'),
            simple => {
                text.push(simple);
                at += 1;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: &str) {
        let decoded = decode_source(bytes, Some(Language::Python));
        assert_eq!(decoded.text, expect);
        assert_eq!(decoded.unknown, None);
    }

    #[test]
    fn marks_decide_first() {
        check(b"\xef\xbb\xbfa = 1", "a = 1");
        check(b"\xff\xfea\0 \0=\0 \x001\0", "a = 1");
        check(b"\xfe\xff\0a\0 \0=\0 \x001", "a = 1");
        check(b"\xff\xfe\0\0a\0\0\0b\0\0\0", "ab");
        check(b"\0\0\xfe\xff\0\0\0a", "a");
        check(b"i\0m\0p\0o\0r\0t\0 \0o\0s\0", "import os");
        check("# caf\u{e9}".as_bytes(), "# caf\u{e9}");
        check(b"# caf\xe9", "# caf\u{e9}");
    }

    #[test]
    fn a_declaration_is_followed() {
        check(b"# coding: utf-7\n+AGU-val(1)", "# coding: utf-7\neval(1)");
        check(b"#!/usr/bin/python\n# -*- coding: unicode_escape -*-\n#\\x0aimport os\\012", {
            "#!/usr/bin/python\n# -*- coding: unicode_escape -*-\n#\nimport os\n"
        });
        check(b"# coding: raw_unicode_escape\n#\\u000aimport os\\n", {
            "# coding: raw_unicode_escape\n#\nimport os\\n"
        });
        // The second byte of the first character is a backslash in ASCII: read as latin-1, the text would not end.
        check(b"# coding: shift_jis\na = '\x83\x5c'", "# coding: shift_jis\na = '\u{30bd}'");
        check(b"# coding: gbk\na = '\xbf\x5c'", "# coding: gbk\na = '\u{7e17}'");
        check(b"# coding: latin-1\n# \xe9", "# coding: latin-1\n# \u{e9}");
    }

    #[test]
    fn what_is_not_read_is_told() {
        let unknown = |bytes| decode_source(bytes, Some(Language::Python)).unknown;
        assert_eq!(unknown(b"# coding: cp037\n").as_deref(), Some("cp037"));
        assert_eq!(unknown(b"# coding: rot13\n").as_deref(), Some("rot13"));
        assert_eq!(unknown(b"x = 1\n# coding: rot13\n"), None);
        assert_eq!(unknown(b"# encoding is important\n# coding: utf8\n"), None);
        assert!(decode_source(b"# coding: rot13\n", Some(Language::JavaScript)).unknown.is_none());
    }

    #[test]
    fn any_bytes_are_decoded() {
        for bytes in
            [&b"# coding: utf-7\n+"[..], b"# coding: utf-7\n+A", b"# coding: unicode_escape\n\\", b"\xff\xfe\0"]
        {
            decode_source(bytes, Some(Language::Python));
            for end in 0..bytes.len() {
                decode_source(&bytes[..end], Some(Language::Python));
            }
        }
        check(b"# coding: unicode_escape\n\\xz\\u12", "# coding: unicode_escape\n\\xz\\u12");
    }
}
