//! What a pickle imports when it is loaded, by its instructions alone.
//!
//! In: the bytes of a file. Out: the names that its instructions fetch, `module.name`, or nothing for a file that is no
//! pickle. Nothing is unpickled: the instructions are walked, texts are remembered, everything else is skipped.

/// Bytes of instructions that are walked: 1 MiB. Weights come after the names that make their objects.
const MAX_WALKED: usize = 1 << 20;
/// Names that are kept.
const MAX_NAMES: usize = 500;
/// Longest part of a name.
const MAX_PART: usize = 200;

/// The pickle in a file of numpy's that holds an array of objects: it stands behind the header (NEP 1).
pub(crate) fn in_array(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (width, length) = match rest {
        [1, _, low, high, ..] => (2, usize::from(u16::from_le_bytes([*low, *high]))),
        [_, _, a, b, c, d, ..] => (4, u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        _ => return None,
    };
    rest.get(2 + width + length..).filter(|pickle| pickle.first() == Some(&0x80))
}

/// The names that a pickle fetches; nothing for a file that is none.
pub(crate) fn names(bytes: &[u8]) -> Vec<String> {
    let (mut names, mut texts, mut at) = (Vec::new(), Vec::<String>::new(), 0);
    // The first protocol has no mark of its own.
    let old = matches!(bytes, [b'c' | b'(', .., b'.'] | [b'c' | b'(', .., b'.', b'\n']);
    if !matches!(bytes, [0x80, 2..=5, ..]) && !old {
        return names;
    }
    while at < bytes.len().min(MAX_WALKED) && names.len() < MAX_NAMES {
        let code = bytes[at];
        at += 1;
        let sized = |width: usize| -> Option<usize> {
            let digits = bytes.get(at..at + width)?;
            Some(digits.iter().rev().fold(0_u64, |all, byte| all << 8 | u64::from(*byte)) as usize)
        };
        let line = |at: usize| memchr::memchr(b'\n', bytes.get(at..)?).map(|length| at + length);
        // Texts with their length before them, of one, four or eight bytes.
        let text = match code {
            0x8c | b'U' | b'C' => sized(1).map(|length| (1, length)),
            b'X' | b'T' | b'B' => sized(4).map(|length| (4, length)),
            0x8d | 0x8e | 0x96 => sized(8).map(|length| (8, length)),
            _ => None,
        };
        if let Some((width, length)) = text {
            let Some(text) = bytes.get(at + width..).and_then(|rest| rest.get(..length)) else { break };
            if length <= MAX_PART {
                texts.push(String::from_utf8_lossy(text).into_owned());
            }
            at += width + length;
            continue;
        }
        at += match code {
            // A frame, and numbers of fixed width.
            0x95 | b'G' => 8,
            b'J' | b'j' | b'r' | 0x84 => 4,
            b'M' | 0x83 => 2,
            b'K' | b'h' | b'q' | 0x80 | 0x82 => 1,
            0x8a => 1 + sized(1).unwrap_or(0),
            0x8b => 4usize.saturating_add(sized(4).unwrap_or(0)),
            b'I' | b'L' | b'F' | b'S' | b'V' | b'p' | b'g' | b'P' => match line(at) {
                Some(end) => {
                    let text = String::from_utf8_lossy(&bytes[at..end]);
                    if matches!(code, b'S' | b'V') && text.len() <= MAX_PART {
                        texts.push(text.trim_matches(['\'', '"']).to_owned());
                    }
                    end + 1 - at
                }
                None => break,
            },
            b'c' | b'i' => {
                let Some(first) = line(at) else { break };
                let Some(second) = line(first + 1) else { break };
                let part = |from: usize, to: usize| String::from_utf8_lossy(&bytes[from..to.min(from + MAX_PART)]);
                names.push(format!("{}.{}", part(at, first), part(first + 1, second)));
                second + 1 - at
            }
            0x93 => {
                if let [.., module, name] = texts.as_slice() {
                    names.push(format!("{module}.{name}"));
                }
                0
            }
            _ => 0,
        };
        if texts.len() > 64 {
            texts.drain(..32);
        }
    }
    names
}

/// True for a function that runs a command or code: no data needs it.
pub(crate) fn acts(name: &str) -> bool {
    let (module, function) = name.rsplit_once('.').unwrap_or(("", name));
    match module.split('.').next().unwrap_or(module) {
        "os" | "posix" | "nt" => {
            matches!(function, "system" | "popen") || function.starts_with("exec") || function.starts_with("spawn")
        }
        "subprocess" | "pty" | "commands" | "webbrowser" | "runpy" | "requests" => true,
        "socket" => matches!(function, "socket" | "create_connection"),
        "builtins" | "__builtin__" => {
            matches!(function, "exec" | "eval" | "compile" | "__import__" | "open" | "execfile")
        }
        "importlib" => true,
        "urllib" => function == "urlopen" || function == "urlretrieve",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_old_and_new_pickles() {
        assert_eq!(names(b"\x80\x02cposix\nsystem\nX\x02\0\0\0lsq\0\x85R."), ["posix.system"]);
        let new =
            b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02ls\x94\x85\x94R\x94.";
        assert_eq!(names(new), ["posix.system"]);
        assert_eq!(names(b"cos\nsystem\n(S'ls'\ntR."), ["os.system"]);
        assert!(names(b"cos\nsystem\n").is_empty() && names(b"\x80\x04X\xff\xff\xff\xff").is_empty());
        assert!(acts("posix.system") && acts("builtins.exec") && !acts("numpy.core.multiarray._reconstruct"));
    }
}
