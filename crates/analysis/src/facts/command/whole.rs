//! A command line as it is written, past what is not known of it.
//!
//! In: the source of a call, `execSync("cd " + dir + " && sh run.sh")`. Out: the texts of its first argument one after the
//! other, `x` for each part that is worked out: `cd x && sh run.sh`. Nothing is resolved, and little is read.

/// Bytes of a call that are looked at: 8 KiB.
const MAX_CALL: usize = 8 << 10;

/// What stands for a part that is not known.
const HOLE: char = 'x';

/// The first argument of a call with a hole where something is worked out; nothing where it has no text at all.
pub(in crate::facts) fn whole(call: &str, python: bool) -> Option<String> {
    let bytes = &call.as_bytes()[..call.len().min(MAX_CALL)];
    // `require("child_process").exec(..)`
    let loads = if call.starts_with("require(") { memchr::memchr(b')', bytes)? } else { 0 };
    let mut at = loads + memchr::memchr(b'(', &bytes[loads..])? + 1;
    let (mut out, mut depth, mut hole, mut texts) = (Vec::new(), 0u32, false, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' | b'\'' | b'`' => {
                if std::mem::take(&mut hole) {
                    out.push(HOLE as u8);
                }
                let filled = byte == b'`' || python && matches!(bytes.get(at.wrapping_sub(2)), Some(b'f' | b'F'));
                at = text(bytes, at, byte, filled, &mut out);
                texts += 1;
            }
            b'(' | b'[' | b'{' => (depth, hole) = (depth + 1, true),
            b')' | b']' | b'}' if depth == 0 => break,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => break,
            b'+' => {}
            _ if byte.is_ascii_whitespace() => {}
            // The letter before an f-string.
            b'f' | b'F' | b'r' if matches!(bytes.get(at), Some(b'"' | b'\'')) => {}
            _ => hole = true,
        }
    }
    (texts > 0).then(|| String::from_utf8_lossy(&out).into_owned())
}

/// Reads a text that begins at `at`; where what follows it begins.
fn text(bytes: &[u8], mut at: usize, quote: u8, filled: bool, out: &mut Vec<u8>) -> usize {
    let long = bytes.get(at..at + 2) == Some(&[quote, quote]);
    if long {
        at += 2;
    }
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                out.push(if bytes.get(at) == Some(&b'n') { b'\n' } else { *bytes.get(at).unwrap_or(&b' ') });
                at += 1;
            }
            b'{' if filled && (quote != b'`' || bytes.get(at.wrapping_sub(2)) == Some(&b'$')) => {
                if quote == b'`' {
                    out.pop();
                }
                out.push(HOLE as u8);
                let mut depth = 1;
                while let Some(&inner) = bytes.get(at) {
                    at += 1;
                    depth = match inner {
                        b'{' => depth + 1,
                        b'}' => depth - 1,
                        _ => depth,
                    };
                    if depth == 0 {
                        break;
                    }
                }
            }
            _ if byte == quote && (!long || bytes.get(at..at + 2) == Some(&[quote, quote])) => {
                return if long { at + 2 } else { at };
            }
            _ => out.push(byte),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_joined_past_what_is_not_known() {
        let check =
            |call: &str, python, expect: Option<&str>| assert_eq!(whole(call, python).as_deref(), expect, "{call}");
        check("run(`a ${b({})} c`, { cwd })", false, Some("a x c"));
        check("exec('cd \"' + dir + '\" && node x.js', f)", false, Some("cd \"x\" && node x.js"));
        check("os.system(f\"rm -rf {home}/x\")", true, Some("rm -rf x/x"));
        check("os.system(\"\"\"a {b}\"\"\" % c)", true, Some("a {b}"));
        check("run(command, 'x')", false, None);
        check("run(`a ${b", false, Some("a x"));
        check("run", false, None);
    }
}
