//! The name server of the sandbox: notes every name, and answers it with an address that stands for it (RFC 1035).

/// The longest name, as text.
const NAME: usize = 255;

/// The name and type of the first question.
pub fn question(packet: &[u8]) -> Option<(String, u16, usize)> {
    // Header of twelve bytes; a query has its first flag clear; exactly one question.
    if packet.get(2)? & 0x80 != 0 || packet.get(4..6)? != [0, 1] {
        return None;
    }
    let (mut at, mut name) = (12, String::new());
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        match length {
            0 => break,
            1..=63 => {
                let label = packet.get(at..at + length)?;
                at += length;
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(&String::from_utf8_lossy(label).to_lowercase());
                if at - 12 > NAME {
                    return None;
                }
            }
            _ => return None, // a pointer: there is nothing before it to point to
        }
    }
    let kind = u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?);
    Some((name, kind, at + 4))
}

/// The answer to a packet. `look_up` gets the name and whether it counts: a second question about the same name for the
/// other kind of address is the same look-up.
pub fn answer(packet: &[u8], mut look_up: impl FnMut(&str, bool) -> u32) -> Option<Vec<u8>> {
    const A: u16 = 1;
    const AAAA: u16 = 28;
    let (name, kind, end) = question(packet)?;
    let address = look_up(&name, kind != AAAA);
    let mut out = packet.get(..end)?.to_vec();
    out[2] = 0x81; // an answer, recursion desired
    out[3] = 0x80; // recursion available, no error
    out[6..12].copy_from_slice(&[0; 6]);
    if kind == A {
        out[7] = 1;
        out.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]); // the same name, A, IN, 60 s, four bytes
        out.extend(address.to_be_bytes());
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut out = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            out.push(label.len() as u8);
            out.extend(label.as_bytes());
        }
        out.push(0);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out
    }

    #[test]
    fn names_are_answered() {
        let mut asked = Vec::new();
        let answer = answer(&query("API.example.org", 1), |name, counts| {
            asked.push((name.to_owned(), counts));
            0xc612_0001
        });
        let answer = answer.expect("an answer");
        assert_eq!(asked, [("api.example.org".to_owned(), true)]);
        assert_eq!(answer[..2], [0xab, 0xcd]);
        assert_eq!(answer[answer.len() - 4..], [198, 18, 0, 1]);
        let none = super::answer(&query("example.org", 28), |_, counts| u32::from(counts)).expect("an answer");
        assert_eq!(none[6..8], [0, 0], "no IPv6");
    }

    #[test]
    fn rubbish_gets_no_answer() {
        let whole = query("a.example.org", 1);
        for end in 0..whole.len() - 4 {
            assert!(question(&whole[..end]).is_none() || end > whole.len() - 3, "cut at {end}");
        }
        let mut pointer = whole.clone();
        pointer[12] = 0xc0;
        assert!(question(&pointer).is_none());
        let long = vec!["a".repeat(63); 6].join(".");
        assert!(question(&query(&long, 1)).is_none());
    }
}
