//! Sparse files in a tar: the stored pieces, and zeros between them.
//!
//! In: a map of pieces and a reader of the stored bytes. Out: a reader of the file as an installer writes it.

use std::io::{self, BufRead, Read};

const ZEROS: [u8; 16 << 10] = [0; 16 << 10];
/// Most pieces of one file. Real files have a few dozen.
pub(super) const MOST_PIECES: usize = 16 << 10;

/// A file with holes.
pub(super) struct Sparse<'r> {
    stored: &'r mut dyn BufRead,
    pieces: std::vec::IntoIter<(u64, u64)>,
    hole: u64,
    piece: u64,
    at: u64,
    size: u64,
}

impl<'r> Sparse<'r> {
    /// Offsets and lengths must rise, stay within `size`, and add up to `stored_bytes`.
    pub fn new(stored: &'r mut dyn BufRead, map: &[u64], size: u64, stored_bytes: u64) -> Result<Self, &'static str> {
        if !map.len().is_multiple_of(2) {
            return Err("the sparse map has an odd number of fields");
        }
        let (mut end, mut sum) = (0u64, 0u64);
        let mut pieces = Vec::with_capacity(map.len() / 2);
        for pair in map.chunks_exact(2) {
            let (offset, length) = (pair[0], pair[1]);
            if offset < end {
                return Err("the pieces of the sparse map overlap");
            }
            end = offset.checked_add(length).ok_or("the sparse map overflows")?;
            sum = sum.checked_add(length).ok_or("the sparse map overflows")?;
            pieces.push((offset, length));
        }
        if end > size || sum != stored_bytes {
            return Err("the sparse map does not fit the sizes");
        }
        Ok(Self { stored, pieces: pieces.into_iter(), hole: 0, piece: 0, at: 0, size })
    }
}

impl BufRead for Sparse<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.hole == 0 && self.piece == 0 && self.at < self.size {
            let (offset, length) = self.pieces.next().unwrap_or((self.size, 0));
            self.hole = offset - self.at;
            self.piece = length;
        }
        if self.hole > 0 {
            return Ok(&ZEROS[..clamp(self.hole, ZEROS.len())]);
        }
        if self.piece == 0 {
            return Ok(&[]);
        }
        let chunk = self.stored.fill_buf()?;
        Ok(&chunk[..clamp(self.piece, chunk.len())])
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes as u64;
        if self.hole > 0 {
            self.hole -= bytes as u64;
        } else {
            self.piece -= bytes as u64;
            self.stored.consume(bytes);
        }
    }
}

impl Read for Sparse<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

fn clamp(left: u64, most: usize) -> usize {
    usize::try_from(left).unwrap_or(most).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_zeros() {
        let mut stored: &[u8] = b"abcdef";
        let mut text = String::new();
        let mut sparse = Sparse::new(&mut stored, &[2, 3, 5, 1, 8, 2, 12, 0], 12, 6).unwrap();
        sparse.read_to_string(&mut text).unwrap();
        assert_eq!(text, "\0\0abcd\0\0ef\0\0");
    }

    #[test]
    fn a_map_that_does_not_fit_is_refused() {
        let check = |map: &[u64], size, stored, expect: &str| {
            assert_eq!(Sparse::new(&mut &b""[..], map, size, stored).err(), Some(expect));
        };
        check(&[1], 10, 0, "the sparse map has an odd number of fields");
        check(&[4, 2, 5, 1], 10, 3, "the pieces of the sparse map overlap");
        check(&[u64::MAX, 2], 10, 2, "the sparse map overflows");
        check(&[0, 20], 10, 20, "the sparse map does not fit the sizes");
        check(&[0, 2], 10, 3, "the sparse map does not fit the sizes");
    }
}
