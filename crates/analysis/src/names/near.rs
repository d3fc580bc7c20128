//! Names that differ in one letter, as a finger slips: left out, put in, changed, or swapped with its neighbour.

use super::{List, Lookalike, MAX_NAME, MIN_LETTERS};

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

/// Letters of a name from which on one of them is a slip, and not another word, and from which on two of them are.
const MIN_SLIP: usize = 8;
const MIN_TWO_SLIPS: usize = 14;

/// True when two names differ by a slip of a finger, long ones by two. What is only added at the end makes a plural or a part,
/// and digits and separators a family.
pub(crate) fn is_slip(name: &str, other: &str) -> bool {
    let letters = |name: &str| name.chars().filter(char::is_ascii_alphabetic).collect::<String>();
    let digits = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    let (one, two) = (letters(name), letters(other));
    let length = one.len().min(two.len());
    let slips = if length >= MIN_TWO_SLIPS { 2 } else { 1 };
    // What compares them takes the product of their lengths.
    let fits = (MIN_SLIP..=MAX_NAME).contains(&length) && one.len().abs_diff(two.len()) <= slips;
    let part = one.starts_with(&two) || two.starts_with(&one);
    fits && !part && digits(name) == digits(other) && strsim::osa_distance(&one, &two) <= slips
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
        let check = |name: &str, other: &str, expect: bool| {
            assert_eq!((is_slip(name, other), is_slip(other, name)), (expect, expect), "{name} {other}");
        };
        for slipped in ["aliabacloud-sdk", "alibabaclouds-sdk", "alibebacloud-sdk", "aliababcloud-sdk", "exampelcloud"]
        {
            let other = if slipped.starts_with('e') { "examplecloud" } else { "alibabacloud-sdk" };
            check(slipped, other, true);
        }
        for other in
            ["alibabacloud-sdk", "alibabacloud_sdk", "alibabacloud-sdks", "alibabacloudsdk", "alibabacloud2-sdk"]
        {
            check("alibabacloud-sdk", other, false);
        }
        check("alibabacloud1", "alibabacloud2", false);
        check("examplcluod", "examplecloud", false);
        check("attrs", "attar", false);
    }

    #[test]
    fn keys_have_neighbours() {
        assert!(neighbours(b'a', b's') && neighbours(b'q', b'a') && neighbours(b'n', b'm'));
        assert!(!neighbours(b'a', b'l') && !neighbours(b'-', b'a') && !neighbours(b'q', b'z'));
    }
}
