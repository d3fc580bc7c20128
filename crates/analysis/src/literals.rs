//! Finds many short texts in one text at once, without regard to the case of ASCII letters.
//!
//! In: a list of texts. Out: where one of them begins, the longest of those that begin together; what was found is not
//! looked at again. Most places of a text are passed after a look at one bit, and the table costs next to nothing to
//! make, which is what counts for a process that reads one small package.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

/// What finds texts in whole files with regard to case, the longest of those that begin together. Few places are more than the beginning
/// of one, which a search by vectors finds, where a machine has them: the table that runs fastest would cost more to make than it
/// saves.
pub(crate) fn finder(texts: impl IntoIterator<Item = &'static str>) -> Result<AhoCorasick, BuildError> {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(texts)
}

/// Bits of the hash of how a text begins.
const BITS: u32 = 15;

/// A list of texts, by their first `N` bytes, at most eight; none is shorter.
pub(crate) struct Literals<const N: usize> {
    texts: Vec<&'static str>,
    /// One bit for each hash of a beginning.
    begins: Vec<u64>,
    /// Beginnings and which texts begin so, the longest first.
    by_begin: Vec<(u64, usize)>,
}

impl<const N: usize> Literals<N> {
    /// The table of these texts. What is shorter than `N` bytes is never found.
    pub fn new(texts: impl IntoIterator<Item = &'static str>) -> Self {
        let texts: Vec<&'static str> = texts.into_iter().collect();
        let mut begins = vec![0; 1 << (BITS - 6)];
        let mut by_begin: Vec<(u64, usize)> = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            let Some(begin) = text.as_bytes().first_chunk::<N>() else { continue };
            let begin = folded(begin);
            let bit = hash(begin);
            begins[bit >> 6] |= 1 << (bit & 63);
            by_begin.push((begin, index));
        }
        by_begin.sort_by_key(|(begin, index)| (*begin, usize::MAX - texts[*index].len(), *index));
        Self { texts, begins, by_begin }
    }

    /// Where a text of the list stands, and which.
    pub fn find_iter<'t>(&self, text: &'t str) -> impl Iterator<Item = (usize, usize)> + use<'_, 't, N> {
        let bytes = text.as_bytes();
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                let rest = bytes.get(at..)?;
                at += rest.array_windows().position(|begin| self.may_begin(folded::<N>(begin)))?;
                let begin = folded::<N>(bytes[at..].first_chunk()?);
                if let Some(index) = self.longest(begin, &bytes[at..]) {
                    let start = at;
                    at += self.texts[index].len();
                    return Some((start, index));
                }
                at += 1;
            }
        })
    }

    /// False when no text begins so.
    fn may_begin(&self, begin: u64) -> bool {
        let bit = hash(begin);
        self.begins[bit >> 6] >> (bit & 63) & 1 == 1
    }

    /// The longest text that `rest` begins with.
    fn longest(&self, begin: u64, rest: &[u8]) -> Option<usize> {
        let from = self.by_begin.partition_point(|(other, _)| *other < begin);
        let same = self.by_begin[from..].iter().take_while(|(other, _)| *other == begin);
        let here = |index: &usize| {
            let text = self.texts[*index].as_bytes();
            rest.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text))
        };
        same.map(|(_, index)| *index).find(here)
    }
}

/// The first bytes as one number, in which the two cases of a letter are one. So are some other bytes: it only says where
/// to look closer.
fn folded<const N: usize>(begin: &[u8; N]) -> u64 {
    let mut eight = [0; 8];
    eight[..N].copy_from_slice(begin);
    u64::from_le_bytes(eight) | 0x2020_2020_2020_2020
}

/// Fibonacci hashing: the upper bits of a product with the golden ratio.
fn hash(begin: u64) -> usize {
    (begin.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use aho_corasick::{AhoCorasick, MatchKind};
    use proptest::prelude::*;

    use super::*;

    const TEXTS: [&str; 7] = ["abab", "ababc", "BAbab", "c.cc", "[aaa", "aaaa", "aaaab"];

    proptest! {
        #[test]
        fn it_finds_what_an_automaton_finds(text in "[abABc.\\[{é]{0,40}") {
            let automaton =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).ascii_case_insensitive(true).build(TEXTS);
            let expect: Vec<(usize, usize)> =
                automaton.unwrap().find_iter(&text).map(|hit| (hit.start(), hit.pattern().as_usize())).collect();
            prop_assert_eq!(Literals::<4>::new(TEXTS).find_iter(&text).collect::<Vec<_>>(), expect.clone());
            prop_assert_eq!(Literals::<3>::new(TEXTS).find_iter(&text).collect::<Vec<_>>(), expect);
        }
    }
}
