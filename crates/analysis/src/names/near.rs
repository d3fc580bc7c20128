//! Names that differ in one letter, as a finger slips: left out, put in, changed, or swapped with its neighbour.

use super::{List, Lookalike, MIN_LETTERS};

/// The well-known name that is one slip away, the likeliest slip first.
pub(super) fn slip(list: &List, name: &str) -> Option<Lookalike> {
    // What is looked up are all names one slip away: about 80 for each letter, and no list is walked.
    if !name.is_ascii() || name.len() < MIN_LETTERS {
        return None;
    }
    let mut other: Option<Lookalike> = None;
    let mut found = |word: &[u8], how: &'static str, close: bool| {
        let known = std::str::from_utf8(word).ok().and_then(|word| list.names.get(word));
        let Some(known) = known.filter(|known| known.len() >= MIN_LETTERS) else { return };
        // In a short word one letter makes another word.
        let close = close && known.len() > MIN_LETTERS;
        if other.is_none_or(|other| close && !other.close) {
            other = Some(Lookalike { known, how, close });
        }
    };
    let bytes = name.as_bytes();
    let mut word = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(1) {
        if bytes[at] != bytes[at + 1] && !(bytes[at].is_ascii_digit() && bytes[at + 1].is_ascii_digit()) {
            word.swap(at, at + 1);
            found(&word, "two letters that changed places", true);
            word.swap(at, at + 1);
        }
    }
    for at in 0..bytes.len() {
        // A letter too many. One that doubles its neighbour or lies beside it on the keyboard is a slip.
        let mut shorter = bytes.to_vec();
        let extra = shorter.remove(at);
        let beside = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|at| bytes.get(at));
        let slipped = beside.into_iter().any(|next| *next == extra || neighbours(*next, extra));
        if !extra.is_ascii_digit() && at + 1 < bytes.len() {
            found(&shorter, "a letter too many", slipped);
        } else if slipped && !extra.is_ascii_digit() {
            found(&shorter, "a letter too many", true);
        }
    }
    for at in 0..=bytes.len() {
        // A letter too few, which is a slip anywhere but at the beginning.
        word.insert(at, 0);
        for letter in LETTERS {
            word[at] = *letter;
            found(&word, "a letter too few", at > 0);
        }
        word.remove(at);
    }
    for at in 0..bytes.len() {
        if bytes[at].is_ascii_digit() && !LEET.iter().any(|(digit, _)| *digit == bytes[at]) {
            continue;
        }
        for letter in LETTERS.iter().filter(|letter| **letter != bytes[at]) {
            word[at] = *letter;
            let leet = LEET.iter().any(|(digit, like)| *digit == bytes[at] && like == letter);
            let close = leet || (neighbours(bytes[at], *letter) && at > 0);
            if leet || !bytes[at].is_ascii_digit() {
                found(&word, "one letter", close);
            }
        }
        word[at] = bytes[at];
    }
    other
}

/// Letters of a name from which on one of them is a slip, and not another word.
const MIN_SLIP: usize = 8;

/// True when two names differ in one letter, or in two neighbours that changed places. What differs at the end makes a
/// plural, and digits and separators a family.
pub(crate) fn is_slip(name: &str, other: &str) -> bool {
    let (short, long) = if name.len() <= other.len() {
        (name.as_bytes(), other.as_bytes())
    } else {
        (other.as_bytes(), name.as_bytes())
    };
    let Some(at) = short.iter().zip(long).position(|(one, other)| one != other).filter(|_| short.len() >= MIN_SLIP)
    else {
        return false;
    };
    let (one, two) = (&short[at..], &long[at..]);
    let letters = one[0].is_ascii_lowercase() && two[0].is_ascii_lowercase();
    let swapped = one.len() > 1 && one.len() == two.len() && [one[1], one[0]] == two[..2] && one[2..] == two[2..];
    letters && (one == &two[1..] || one[1..] == two[1..] && one.len() > 1 || swapped)
}

/// What a well-known name can be made of, digits left out: names that differ in a digit are a family.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz-.";

/// Digits written for letters.
const LEET: [(u8, u8); 6] = [(b'0', b'o'), (b'1', b'l'), (b'1', b'i'), (b'3', b'e'), (b'4', b'a'), (b'5', b's')];

/// True for keys side by side in a row, and for letters above one another.
fn neighbours(a: u8, b: u8) -> bool {
    const ROWS: [&[u8]; 3] = [b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"];
    let place = |letter| {
        ROWS.iter().enumerate().find_map(|(row, keys)| Some((row, keys.iter().position(|key| *key == letter)?)))
    };
    let (Some((row_a, a)), Some((row_b, b))) = (place(a), place(b)) else { return false };
    match row_a.abs_diff(row_b) {
        0 => a.abs_diff(b) == 1,
        1 => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_of_letters_inside_of_long_names() {
        for other in ["alibabacloud-sdk", "aliabacloud-sdk", "alibabaclouds-sdk", "alibebacloud-sdk"] {
            assert_eq!(is_slip("alibabacloud-sdk", other), other != "alibabacloud-sdk", "{other}");
            assert_eq!(is_slip(other, "alibabacloud-sdk"), other != "alibabacloud-sdk", "{other}");
        }
        assert!(is_slip("aliababcloud-sdk", "alibabacloud-sdk"));
        for (name, other) in [
            ("alibabacloud-sdk", "alibabacloud_sdk"),
            ("alibabacloud-sdk", "alibabacloud-sdks"),
            ("alibabacloud-sd", "alibabacloud-sdk"),
            ("alibabacloud1", "alibabacloud2"),
            ("alibabacloud-sdk", "alibabacloudsdk"),
            ("alibabacloud", "alibabacolud-sdk"),
            ("attrs", "attar"),
        ] {
            assert!(!is_slip(name, other) && !is_slip(other, name), "{name} {other}");
        }
    }

    #[test]
    fn keys_have_neighbours() {
        assert!(neighbours(b'a', b's') && neighbours(b'q', b'a') && neighbours(b'n', b'm'));
        assert!(!neighbours(b'a', b'l') && !neighbours(b'-', b'a') && !neighbours(b'q', b'z'));
    }
}
