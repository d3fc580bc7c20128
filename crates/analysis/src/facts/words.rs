//! Fixed lists of words that are looked for in every call and every member of a file.
//!
//! In: a word. Out: whether the list holds it. Nearly all words of a source are in no list, which their length and their
//! first and last letter tell before any are compared.

/// Bits of the sieve; a list has a tenth of as many words at most.
const BITS: usize = 1024;

/// A list of words, none of which is empty.
pub(super) struct Words<const N: usize> {
    words: [&'static str; N],
    sieve: [u64; BITS / 64],
}

impl<const N: usize> Words<N> {
    /// These words.
    pub const fn new(words: [&'static str; N]) -> Self {
        let (mut sieve, mut at) = ([0; BITS / 64], 0);
        while at < N {
            let bit = bit(words[at].as_bytes());
            sieve[bit / 64] |= 1 << (bit % 64);
            at += 1;
        }
        Self { words, sieve }
    }

    /// True for a word of the list.
    pub fn contains(&self, word: &str) -> bool {
        if word.is_empty() {
            return false;
        }
        let bit = bit(word.as_bytes());
        self.sieve[bit / 64] >> (bit % 64) & 1 == 1 && self.words.contains(&word)
    }
}

/// Which bit stands for words of this length that begin and end so.
const fn bit(word: &[u8]) -> usize {
    (word.len() * 157 + word[0] as usize * 31 + word[word.len() - 1] as usize) % BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_its_words_and_no_others() {
        static LIST: Words<3> = Words::new(["join", "get", "x"]);
        assert!(["join", "get", "x"].iter().all(|word| LIST.contains(word)));
        assert!(["", "y", "jin", "joyn", "gat", "joining"].iter().all(|word| !LIST.contains(word)));
    }
}
