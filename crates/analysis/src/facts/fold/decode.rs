//! Decoders without a key: what an encoded or compressed constant hides.
//!
//! In: a decoder's name, as the API or the codec is called, and a text. Out: the text it stands for, or nothing. Every
//! decoder is one pass over its input; what it may yield is bounded by [`MAX_DECODED`] whatever the input claims.
//!
//! Bytes that are not UTF-8 are held as text of the characters U+0000 to U+00FF, one for each byte, which is what
//! `latin-1` means; [`bytes_of`] and [`text_of`] are the two ways.

use std::borrow::Cow;
use std::io::Read;

use data_encoding::{BASE32_NOPAD, BASE32HEX_NOPAD, HEXLOWER_PERMISSIVE};

/// Bytes that one decoder may read or yield: 4 MiB. Payloads in packages have kilobytes.
pub(crate) const MAX_DECODED: usize = 4 << 20;
/// Memory that an LZMA decoder may take: 80 MiB, as in archives.
const LZMA_MEMORY: u64 = 80 << 20;

/// What `text` hides under the decoder called `name`: `base64.b64decode`, `zlib.inflateSync`, `rot13`.
pub(crate) fn decode(name: &str, text: &str) -> Option<String> {
    if text.len() > MAX_DECODED {
        return None;
    }
    if matches!(name, "zlib.unzipSync" | "zlib.inflateSync" | "zlib.decompress") {
        return inflate(&bytes_of(text)).map(text_of);
    }
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    let kind = last.replace(['-', '_'], "");
    let plain = |bytes: Option<Vec<u8>>| bytes.map(text_of);
    match kind.as_str() {
        "rot13" => Some(text.chars().map(rot13).collect()),
        "unicodeescape" | "rawunicodeescape" | "stringescape" => unescape(text, false),
        "unescape" | "decodeuricomponent" | "decodeuri" | "unquote" | "unquoteplus" => unescape(text, true),
        "unhexlify" | "a2bhex" | "fromhex" | "hex" | "hexcodec" | "b16decode" => plain(hex(text)),
        "b32decode" | "base32" => plain(base32(text, false)),
        "b32hexdecode" => plain(base32(text, true)),
        "b85decode" => plain(base85(text, &B85)),
        "a85decode" => plain(ascii85(text)),
        "atob" | "base64" | "base64codec" | "base64url" | "b64decode" | "standardb64decode" | "urlsafeb64decode"
        | "decodebytes" | "decodestring" | "a2bbase64" => plain(base64(text)),
        "decompress" if name.starts_with("gzip") => plain(bounded(flate2::read::MultiGzDecoder::new(&*bytes_of(text)))),
        "decompress" if name.starts_with("bz2") => plain(bounded(bzip2::read::MultiBzDecoder::new(&*bytes_of(text)))),
        "decompress" if name.starts_with("lzma") => plain(lzma(&bytes_of(text))),
        "zlib" | "zlibcodec" | "zip" => inflate(&bytes_of(text)).map(text_of),
        "cp037" | "cp273" | "cp424" | "cp500" | "cp1026" | "cp1140" => Some(ebcdic(&kind, text)),
        "bz2" | "bz2codec" => plain(bounded(bzip2::read::MultiBzDecoder::new(&*bytes_of(text)))),
        "gunzipsync" => plain(bounded(flate2::read::MultiGzDecoder::new(&*bytes_of(text)))),
        "inflaterawsync" => plain(bounded(flate2::read::DeflateDecoder::new(&*bytes_of(text)))),
        _ => None,
    }
}

/// The bytes that a text stands for: one for each character while all fit, else UTF-8.
pub(crate) fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    if !text.is_ascii() && text.chars().all(|character| u32::from(character) < 256) {
        return Cow::Owned(text.chars().map(|character| character as u8).collect());
    }
    Cow::Borrowed(text.as_bytes())
}

/// The text that bytes stand for: UTF-8, or one character for each byte.
pub(crate) fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

/// Reads at most [`MAX_DECODED`] bytes. A stream that breaks off still shows what came before.
fn bounded(reader: impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let whole = reader.take(MAX_DECODED as u64).read_to_end(&mut bytes).is_ok();
    (whole || !bytes.is_empty()).then_some(bytes)
}

/// zlib, gzip or bare deflate, by the first bytes.
fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    match bytes {
        [0x1f, 0x8b, ..] => bounded(flate2::read::MultiGzDecoder::new(bytes)),
        [first, second, ..] if first & 15 == 8 && (u16::from(*first) * 256 + u16::from(*second)) % 31 == 0 => {
            bounded(flate2::read::ZlibDecoder::new(bytes))
        }
        _ => bounded(flate2::read::DeflateDecoder::new(bytes)),
    }
}

/// xz or the older LZMA container, by the first bytes.
fn lzma(bytes: &[u8]) -> Option<Vec<u8>> {
    let stream = liblzma::stream::Stream::new_auto_decoder(LZMA_MEMORY, 0).ok()?;
    bounded(liblzma::read::XzDecoder::new_stream(bytes, stream))
}

fn rot13(character: char) -> char {
    let turn = |base: u8| char::from(base + (character as u8 - base + 13) % 26);
    match character {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        other => other,
    }
}

/// Text of IBM mainframes: letters, digits and most signs stand at the same places in all its tables, brackets do not.
fn ebcdic(table: &str, text: &str) -> String {
    const SIGNS: [(u8, &str); 5] =
        [(0x4b, ".<(+|&"), (0x5c, "*);^-/"), (0x6b, ",%_>?"), (0x7a, ":#@'=\""), (0x81, "abcdefghi")];
    let brackets = match table {
        "cp500" => [(0x4a, '['), (0x5a, ']'), (0xc0, '{'), (0xd0, '}'), (0x7f, '"'), (0x7d, '\'')],
        "cp1026" => [(0x68, '['), (0xac, ']'), (0x48, '{'), (0x8c, '}'), (0xfc, '"'), (0x7d, '\'')],
        _ => [(0xba, '['), (0xbb, ']'), (0xc0, '{'), (0xd0, '}'), (0x7f, '"'), (0x7d, '\'')],
    };
    let of = |byte: u8| -> char {
        if let Some((_, sign)) = brackets.iter().find(|(at, _)| *at == byte) {
            return *sign;
        }
        if let Some((at, signs)) = SIGNS.iter().find(|(at, signs)| (*at..*at + signs.len() as u8).contains(&byte)) {
            return char::from(signs.as_bytes()[usize::from(byte - at)]);
        }
        match byte {
            0x40 => ' ',
            0x15 | 0x25 | 0x0d => '\n',
            0x05 => '\t',
            0x60 => '-',
            0x61 => '/',
            0x91..=0x99 => char::from(byte - 0x91 + b'j'),
            0xa2..=0xa9 => char::from(byte - 0xa2 + b's'),
            0xc1..=0xc9 => char::from(byte - 0xc1 + b'A'),
            0xd1..=0xd9 => char::from(byte - 0xd1 + b'J'),
            0xe2..=0xe9 => char::from(byte - 0xe2 + b'S'),
            0xf0..=0xf9 => char::from(byte - 0xf0 + b'0'),
            _ => '\u{fffd}',
        }
    };
    bytes_of(text).iter().map(|byte| of(*byte)).collect()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    HEXLOWER_PERMISSIVE.decode(&digits).ok()
}

fn base32(text: &str, extended: bool) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches('=').to_ascii_uppercase();
    if extended { BASE32HEX_NOPAD } else { BASE32_NOPAD }.decode(text.as_bytes()).ok()
}

/// Base64 in either alphabet, padded or not, as the lenient decoders of both languages read it (RFC 4648).
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        buffer = (buffer << 6 | u32::from(digit)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    (!bytes.is_empty() || text.is_empty()).then_some(bytes)
}

/// The digits of Python's `b85encode`, which are git's.
const B85: [u8; 85] = *b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

fn base85(text: &str, digits: &[u8; 85]) -> Option<Vec<u8>> {
    let mut value_of = [u8::MAX; 256];
    for (value, digit) in digits.iter().enumerate() {
        value_of[*digit as usize] = value as u8;
    }
    let values = text.trim().bytes().map(|byte| value_of[byte as usize]);
    groups_of_five(values.map(|value| (value < 85).then_some(value)))
}

/// Ascii85 with `z` for four zeros; the brackets of Adobe's form are dropped.
fn ascii85(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = text.strip_prefix("<~").unwrap_or(text);
    let text = text.strip_suffix("~>").unwrap_or(text);
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).flat_map(|byte| {
        let (value, times) = if byte == b'z' { (Some(0), 5) } else { (byte.checked_sub(b'!').filter(|v| *v < 85), 1) };
        std::iter::repeat_n(value, times)
    });
    groups_of_five(digits)
}

/// Five digits of base 85 are four bytes; an unfinished group is padded with the highest digit.
fn groups_of_five(digits: impl Iterator<Item = Option<u8>>) -> Option<Vec<u8>> {
    let (mut bytes, mut group, mut held) = (Vec::new(), 0_u64, 0_usize);
    for digit in digits {
        group = group * 85 + u64::from(digit?);
        held += 1;
        if bytes.len() >= MAX_DECODED {
            return Some(bytes);
        }
        if held == 5 {
            bytes.extend_from_slice(&u32::try_from(group).ok()?.to_be_bytes());
            (group, held) = (0, 0);
        }
    }
    if held > 1 {
        let padded = (held..5).fold(group, |group, _| group * 85 + 84);
        bytes.extend_from_slice(&u32::try_from(padded).ok()?.to_be_bytes()[..held - 1]);
    }
    Some(bytes)
}

/// Escapes written out in the text itself: `%41`, `%u0041` where `percent`, else `\x41`, `\u0041`, `\101`.
fn unescape(text: &str, percent: bool) -> Option<String> {
    let mark = if percent { '%' } else { '\\' };
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let (skip, digits) = match (percent, rest.as_bytes().first()) {
            (true, Some(b'u')) | (false, Some(b'u')) => (1, 4),
            (false, Some(b'x')) => (1, 2),
            (true, _) => (0, 2),
            _ => (0, 0),
        };
        let code = rest.get(skip..skip + digits).filter(|_| digits > 0).and_then(|d| u32::from_str_radix(d, 16).ok());
        match code {
            // Bytes in percent form are put together to UTF-8 at the end.
            Some(byte) if percent && digits == 2 => out.push(byte as u8),
            Some(code) => {
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            None => out.push(mark as u8),
        }
        if code.is_some() {
            rest = &rest[skip + digits..];
        }
    }
    out.extend_from_slice(rest.as_bytes());
    Some(text_of(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expect: &str) {
        assert_eq!(decode(name, text).as_deref(), Some(expect), "{name} of {text}");
    }

    #[test]
    fn every_decoder_yields_what_was_hidden() {
        for (name, text) in [
            ("base64.b64decode", "aW1wb3J0IG9z"),
            ("base64.urlsafe_b64decode", "aW1wb3J0IG9z"),
            ("atob", "aW1w b3J0\nIG9z"),
            ("base64.b32decode", "NFWXA33SOQQG64Y="),
            ("base64.b16decode", "696D706F7274206F73"),
            ("binascii.unhexlify", "696d706f7274206f73"),
            ("base64.b85decode", "X>D+Ca&#bXa{"),
            ("base64.a85decode", "Bl.g-Ec`FBEr"),
            ("rot13", "vzcbeg bf"),
            ("unescape", "%69mport%20os"),
            ("decodeURIComponent", "import%20os"),
            ("unicode_escape", r"\x69mport\u0020os"),
        ] {
            check(name, text, "import os");
        }
        assert_eq!(decode("unknown", "x"), None);
        check("decodeURIComponent", "%C3%A9", "\u{e9}");
    }

    #[test]
    fn compressed_texts_are_unpacked_within_bounds() {
        use std::io::Write;
        let zlib = |bytes: &[u8]| {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        let packed = text_of(zlib(b"import os"));
        check("zlib.decompress", &packed, "import os");
        check("zlib.inflateSync", &packed, "import os");
        let bomb = text_of(zlib(&vec![b'a'; 64 << 20]));
        assert_eq!(decode("zlib.decompress", &bomb).unwrap().len(), MAX_DECODED);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"import os").unwrap();
        check("gzip.decompress", &text_of(gzip.finish().unwrap()), "import os");
        let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bz2.write_all(b"import os").unwrap();
        check("bz2.decompress", &text_of(bz2.finish().unwrap()), "import os");
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(b"import os").unwrap();
        check("lzma.decompress", &text_of(xz.finish().unwrap()), "import os");
    }

    proptest::proptest! {
        #[test]
        fn no_text_upsets_a_decoder(text in "\\PC{0,80}|[%\\\\xu0-9a-f<~z>!]{0,60}") {
            for name in ["base64.b64decode", "base64.b85decode", "base64.a85decode", "base64.b32decode", "unescape",
                "unicode_escape", "zlib.decompress", "lzma.decompress", "bz2.decompress", "gzip.decompress", "hex"] {
                let decoded = decode(name, &text).map_or(0, |decoded| decoded.len());
                proptest::prop_assert!(decoded <= 1 << 20);
            }
        }
    }
}
