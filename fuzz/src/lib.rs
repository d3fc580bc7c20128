//! Programs made of bytes, for the target `fold`.

/// A program whose statements the bytes choose: literals, operators, methods, decoders, calls of what is assigned before.
pub fn program(bytes: &[u8], python: bool) -> String {
    let mut bytes = Bytes(bytes);
    let mut source = String::from(match python {
        true => "import os, base64, codecs, binascii, zlib, marshal, subprocess\n",
        false => "const fs = require('fs'), cp = require('child_process');\n",
    });
    for _ in 0..64 {
        let Some(choice) = bytes.next() else { break };
        let value = expression(&mut bytes, python, 0);
        let name = char::from(b'a' + choice % 8);
        match (choice >> 3) % 6 {
            0..3 => source.push_str(&format!("{name} = {value}\n")),
            3 => source.push_str(&format!("{name} += {value}\n")),
            4 => source.push_str(&format!("eval({value})\n")),
            _ if python => source.push_str(&format!("os.system({value})\n")),
            _ => source.push_str(&format!("cp.exec({value})\n")),
        }
    }
    source
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next bytes as a literal: printable ones as they are, others as escapes.
    fn text(&mut self) -> String {
        let length = usize::from(self.next().unwrap_or_default()).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        let escape = |byte: &u8| match byte {
            b'\'' | b'\\' | 0..0x20 | 0x7f.. => format!("\\x{byte:02x}"),
            byte => char::from(*byte).to_string(),
        };
        format!("'{}'", text.iter().map(escape).collect::<String>())
    }
}

const METHODS: [&str; 14] = [
    "join", "split", "replace", "replaceAll", "reverse", "concat", "lower", "toUpperCase", "strip", "decode", "toString",
    "rstrip", "encode", "charCodeAt",
];

const PYTHON: [&str; 12] = [
    "base64.b64decode", "base64.b32decode", "base64.b16decode", "bytes.fromhex", "codecs.decode", "binascii.unhexlify",
    "chr", "str", "bytes", "getattr", "os.path.join", "__import__",
];

const JAVASCRIPT: [&str; 8] = [
    "atob", "Buffer.from", "String.fromCharCode", "unescape", "require", "Reflect.get", "decodeURIComponent", "String",
];

fn expression(bytes: &mut Bytes<'_>, python: bool, depth: u32) -> String {
    let Some(choice) = bytes.next() else { return "1".into() };
    if depth > 6 {
        return bytes.text();
    }
    let mut inner = || expression(bytes, python, depth + 1);
    match choice % 16 {
        0 | 1 => bytes.text(),
        2 => char::from(b'a' + (choice >> 4) % 8).to_string(),
        3 => (i32::from(choice) - 128).to_string(),
        4 | 5 => format!("{} + {}", inner(), inner()),
        6 => format!("[{}, {}, {}]", inner(), inner(), inner()),
        7 => format!("({})[{}]", inner(), inner()),
        8 if python => format!("({})[::-1]", inner()),
        8 => format!("`x${{{}}}y${{{}}}`", inner(), inner()),
        9 if python => format!("f'{{{}}}'", inner().replace('\'', "\"")),
        9 => format!("f(...[{}], ...{})", inner(), inner()),
        10 => format!("{{'a': {}, 'b': {}}}", inner(), inner()),
        11 => format!("({}).{}({})", inner(), METHODS[usize::from(choice >> 4) % METHODS.len()], inner()),
        12 => format!("({}).{}({}, {})", inner(), METHODS[usize::from(choice >> 4) % METHODS.len()], inner(), inner()),
        13 if python => format!("{}({})", PYTHON[usize::from(choice >> 4) % PYTHON.len()], inner()),
        13 => format!("{}({})", JAVASCRIPT[usize::from(choice >> 4) % JAVASCRIPT.len()], inner()),
        14 if python => format!("{}({}, {})", PYTHON[usize::from(choice >> 4) % PYTHON.len()], inner(), inner()),
        14 => format!("{}({}, {})", JAVASCRIPT[usize::from(choice >> 4) % JAVASCRIPT.len()], inner(), inner()),
        _ => format!("{} * {}", inner(), inner()),
    }
}
