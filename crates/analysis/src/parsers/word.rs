//! Keywords of both languages, by what they mean for the tokens around them.

/// What a word is, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(u16);

impl Word {
    /// No keyword.
    pub const NONE: Self = Self(0);
    /// A parser recurses on it.
    pub const PREFIX: Self = Self(1);
    /// It stands between two operands.
    pub const INFIX: Self = Self(1 << 1);
    /// An operand follows, so that `/` begins a regular expression and `-` is a sign.
    pub const OPERAND_FOLLOWS: Self = Self(1 << 2);
    /// `else`.
    pub const ELSE: Self = Self(1 << 3);
    /// It goes on with what a block ended.
    pub const GOES_ON: Self = Self(1 << 4);
    /// `case`, `default`.
    pub const LABEL: Self = Self(1 << 5);
    /// An expression or a type follows.
    pub const ASKS: Self = Self(1 << 6);
    /// What stands in the parentheses after it is no operand: `if (`.
    pub const TESTS: Self = Self(1 << 7);
    /// A block follows.
    pub const BLOCK: Self = Self(1 << 8);

    /// Both.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// As bits, of which the upper ones are free.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// True when it is one of `other`.
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The last letter but one of every keyword that is one of `of`, as bits, by its last letter.
    pub const fn endings(of: Self) -> [u32; 26] {
        let (mut endings, mut length) = ([0; 26], 2);
        while length < KEYWORDS.len() {
            let mut at = 0;
            while at < KEYWORDS[length].len() {
                let (word, means) = KEYWORDS[length][at];
                if means.any(of) {
                    endings[(word.as_bytes()[length - 1] - b'a') as usize] |= 1 << (word.as_bytes()[length - 2] & 31);
                }
                at += 1;
            }
            length += 1;
        }
        endings
    }

    /// What a word is.
    pub fn of(word: &[u8]) -> Self {
        match (word.len(), word) {
            // Most words are none: their length and first letter say so.
            (2..=11, [first @ b'a'..=b'y', ..]) if LETTERS[word.len()] >> (first - b'a') & 1 == 1 => KEYWORDS
                [word.len()]
            .iter()
            .find(|(known, _)| known.as_bytes()[0] == *first && known.as_bytes() == word)
            .map_or(Self::NONE, |known| known.1),
            _ => Self::NONE,
        }
    }
}

type Keywords = &'static [(&'static str, Word)];

const PREFIX: Word = Word::PREFIX;
const INFIX: Word = Word::INFIX;
const NEXT: Word = Word::OPERAND_FOLLOWS;

/// The keywords by their length.
const KEYWORDS: [Keywords; 12] = [
    &[],
    &[],
    &[
        ("if", PREFIX.with(Word::TESTS)),
        ("do", PREFIX.with(NEXT).with(Word::BLOCK)),
        ("in", INFIX.with(NEXT).with(Word::GOES_ON)),
        ("of", INFIX.with(NEXT).with(Word::GOES_ON)),
        ("as", INFIX.with(Word::GOES_ON).with(Word::ASKS)),
        ("is", INFIX),
        ("or", INFIX.with(NEXT)),
    ],
    &[
        ("for", PREFIX.with(Word::TESTS)),
        ("new", PREFIX.with(NEXT)),
        ("not", PREFIX.with(NEXT)),
        ("and", INFIX.with(NEXT)),
        ("try", Word::BLOCK),
    ],
    &[
        ("else", PREFIX.with(NEXT).with(Word::ELSE).with(Word::GOES_ON).with(Word::BLOCK)),
        ("with", PREFIX.with(Word::TESTS)),
        ("void", PREFIX.with(NEXT)),
        ("from", INFIX),
        ("case", NEXT.with(Word::LABEL)),
    ],
    &[
        ("while", PREFIX.with(Word::TESTS)),
        ("await", PREFIX.with(NEXT)),
        ("yield", PREFIX.with(NEXT)),
        ("async", PREFIX.with(Word::ASKS)),
        ("keyof", PREFIX),
        ("infer", PREFIX),
        ("throw", PREFIX.with(NEXT)),
        ("class", PREFIX),
    ],
    &[
        ("typeof", PREFIX.with(NEXT)),
        ("delete", PREFIX.with(NEXT)),
        ("lambda", PREFIX),
        ("unique", PREFIX),
        ("return", PREFIX.with(NEXT)),
        ("import", PREFIX),
    ],
    &[("extends", PREFIX), ("default", Word::LABEL), ("finally", Word::BLOCK)],
    &[("readonly", PREFIX), ("function", PREFIX)],
    &[("satisfies", INFIX.with(Word::ASKS))],
    &[("instanceof", INFIX.with(NEXT).with(Word::GOES_ON))],
    &[],
];

/// The first letters of the keywords of each length, as bits.
const LETTERS: [u32; 12] = {
    let mut letters = [0; 12];
    let mut length = 0;
    while length < 12 {
        let mut at = 0;
        while at < KEYWORDS[length].len() {
            letters[length] |= 1 << (KEYWORDS[length][at].0.as_bytes()[0] - b'a');
            at += 1;
        }
        length += 1;
    }
    letters
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_under_its_length() {
        for (length, keywords) in KEYWORDS.iter().enumerate() {
            for (word, means) in *keywords {
                assert_eq!((word.len(), Word::of(word.as_bytes())), (length, *means), "{word}");
            }
        }
        assert!(["", "iff", "Else", "defaults", "x"].into_iter().all(|word| Word::of(word.as_bytes()) == Word::NONE));
    }
}
