//! What sixty-four bytes of a source are, as bits.
//!
//! In: the bytes of a source, and where a block of them begins. Out: where a reader has to stop, and what may lie between. What the
//! tokens are it never tells.

use wide::u8x16;

use super::lexer::is_in_word;

/// Bytes of a block.
pub(super) const SIZE: usize = 64;

/// One bit for each byte, the lowest for the first.
pub(super) struct Block {
    /// Brackets, and what begins a text or a comment; of Python back slashes too.
    pub stops: u64,
    /// Commas and semicolons, of Python line ends too: what may end a statement or an item.
    pub ends: u64,
    /// Where tokens begin, and perhaps more.
    pub starts: u64,
    /// Open angles, not of Python.
    pub angles: u64,
    /// Bytes for which [`is_space`] holds; of Python blanks and tabulators alone.
    pub spaces: u64,
    /// What a text between quotes may not be passed over for: back slashes and line ends.
    pub breaks: u64,
}

/// True for what lies between tokens, line ends included.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

impl Block {
    /// The block that begins at `base`.
    #[inline(always)]
    pub fn at<const PYTHON: bool>(bytes: &[u8], base: usize) -> Self {
        let rest = &bytes[base..];
        match rest.first_chunk() {
            Some(block) => Self::of::<PYTHON>(block, base > 0 && is_in_word(bytes[base - 1])),
            None => {
                let mut block = [b' '; SIZE];
                block[..rest.len()].copy_from_slice(rest);
                Self::of::<PYTHON>(&block, base > 0 && is_in_word(bytes[base - 1]))
            }
        }
    }

    /// `within` says that the byte before may belong to the word at the beginning.
    #[inline(always)]
    fn of<const PYTHON: bool>(block: &[u8; SIZE], within: bool) -> Self {
        let (mut stops, mut ends, mut words, mut others) = (0, 0, 0, 0);
        let (mut spaces, mut angles, mut breaks) = (0, 0, 0);
        for (index, part) in block.as_chunks::<16>().0.iter().enumerate() {
            let bits = Bits::of::<PYTHON>(u8x16::new(*part));
            let place = index * 16;
            stops |= u64::from(bits.stops) << place;
            ends |= u64::from(bits.ends) << place;
            words |= u64::from(bits.words) << place;
            others |= u64::from(bits.others) << place;
            spaces |= u64::from(bits.spaces) << place;
            angles |= u64::from(bits.angles) << place;
            breaks |= u64::from(bits.breaks) << place;
        }
        let begins = words & !(words << 1 | u64::from(within));
        Self { stops, ends, starts: begins | others, angles, spaces, breaks }
    }
}

/// What sixteen bytes are, as bits.
struct Bits {
    stops: u32,
    ends: u32,
    /// Bytes of words and numbers.
    words: u32,
    /// Bytes that may be a token of their own, or begin one within what looks like a word: a number ends before a dollar
    /// sign. Line ends count among the tokens.
    others: u32,
    spaces: u32,
    angles: u32,
    breaks: u32,
}

impl Bits {
    #[inline(always)]
    fn of<const PYTHON: bool>(bytes: u8x16) -> Self {
        let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
        let within =
            |bytes: u8x16, first: u8, last: u8| (bytes - u8x16::splat(first)).simd_le(u8x16::splat(last - first));
        let small = bytes | u8x16::splat(0x20);
        let bracket = |byte: u8| small.simd_eq(u8x16::splat(byte));
        // A quote and the two parentheses are neighbours; braces are square brackets in small letters.
        let both = is(b'"') | within(bytes, b'\'', b')') | bracket(b'{') | bracket(b'}');
        let ends = is(b',') | is(b';');
        let (blank, line) = (is(b' '), is(b'\n'));
        let breaks = is(b'\\') | line;
        let own = if PYTHON { is(b'#') | is(b'\\') } else { is(b'/') | is(b'`') };
        let dollar = is(b'$');
        let words = within(small, b'a', b'z') | within(bytes, b'0', b'9') | is(b'_') | dollar | bytes;
        let controls = within(bytes, b'\t', b'\r') & !is(0x0b);
        let spaces = blank | controls;
        Self {
            stops: (both | own).to_bitmask(),
            ends: if PYTHON { ends | line } else { ends }.to_bitmask(),
            words: words.to_bitmask(),
            others: (dollar | bytes | line | !(words | spaces)).to_bitmask(),
            spaces: if PYTHON { blank | is(b'\t') } else { spaces }.to_bitmask(),
            angles: if PYTHON { 0 } else { is(b'<').to_bitmask() },
            breaks: breaks.to_bitmask(),
        }
    }
}
