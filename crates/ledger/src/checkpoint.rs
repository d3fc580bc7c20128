//! Checkpoints: what a log says of itself (C2SP tlog-checkpoint).

use std::fmt;

use data_encoding::BASE64;
use sigma_core::{base64, printable};

use crate::note::{Note, NoteError};

/// Larger sizes are refused: JSON cannot carry them exactly, and no log gets there.
pub const MAX_SIZE: u64 = (1 << 53) - 1;

/// Name, size and root of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The Merkle tree hash over them (RFC 9162, section 2.1.1).
    pub root: [u8; 32],
}

impl Checkpoint {
    /// Reads the text of a checkpoint's note. Extension lines, which nobody could audit, are refused: our logs write none.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let lines: Vec<&str> = text.strip_suffix('\n').unwrap_or_default().split('\n').collect();
        let [origin, size, root] = lines[..] else {
            return Err(NoteError::Malformed("a checkpoint has three lines"));
        };
        let number = size.parse::<u64>().ok().filter(|number| number.to_string() == size && *number <= MAX_SIZE);
        let size = number.ok_or(NoteError::Malformed("the second line of a checkpoint is its size"))?;
        let root = base64(root).and_then(|root| root.try_into().ok());
        let root = root.ok_or(NoteError::Malformed("the third line of a checkpoint is its root hash"))?;
        if origin.is_empty() {
            return Err(NoteError::Malformed("the first line of a checkpoint is its origin"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Reads note and text.
    ///
    /// # Errors
    /// When it is no note, or its text no checkpoint of `origin`.
    pub fn of_note(text: &str, origin: &str) -> Result<(Note, Self), NoteError> {
        let note = Note::parse(text)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin != origin {
            let got = printable(&checkpoint.origin, 80);
            return Err(NoteError::Origin { got, expected: origin.to_owned() });
        }
        Ok((note, checkpoint))
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, BASE64.encode(&self.root))
    }
}
