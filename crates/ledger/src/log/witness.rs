//! Witnesses: what they are asked (C2SP tlog-witness), what they answer, and when that is enough.

use data_encoding::BASE64;

use super::{LogError, Reader, Resource, Storage};
use crate::checkpoint::Checkpoint;
use crate::note::{Note, NoteError, NoteKey, NoteSignature};

/// Which witnesses there are, and how many of them have to have signed.
#[derive(Debug, Clone, Default)]
pub struct WitnessPolicy {
    /// Their keys.
    pub keys: Vec<NoteKey>,
    /// How many are enough; 0 asks for none.
    pub threshold: usize,
}

impl WitnessPolicy {
    /// The names and times (seconds since 1970) of the witnesses that signed a note.
    ///
    /// # Errors
    /// When a signature by a known witness does not verify.
    pub fn signed<'a>(&'a self, note: &Note) -> Result<Vec<(&'a str, u64)>, NoteError> {
        let mut signed = Vec::new();
        for key in &self.keys {
            // Two names for one key are one witness.
            if let Some(time) = note.signed_by(key)?
                && !self.keys.iter().take_while(|other| other != &key).any(|other| other.key() == key.key())
            {
                signed.push((key.name(), time));
            }
        }
        Ok(signed)
    }

    /// Adds the lines of an answer to a checkpoint's note: those of known witnesses that verify. How many were added.
    pub fn add(&self, note: &mut Note, answer: &str) -> usize {
        let mut added = 0;
        for signature in answer.lines().take(100).filter_map(|line| NoteSignature::parse(line).ok()) {
            let Some(key) = self.keys.iter().find(|key| key.name() == signature.name && key.id() == signature.id)
            else {
                continue;
            };
            let mut signed = Note::new(note.text().to_owned());
            signed.sign(signature.clone());
            if key.is_witness() && matches!(signed.signed_by(key), Ok(Some(_))) {
                note.sign(signature);
                added += 1;
            }
        }
        added
    }

    /// Whether as many have signed as this asks for.
    ///
    /// # Errors
    /// When a signature by a known witness does not verify.
    pub fn is_met(&self, note: &Note) -> Result<bool, NoteError> {
        Ok(self.signed(note)?.len() >= self.threshold)
    }
}

/// Keeps a checkpoint with its cosignatures as the newest one that enough have signed, unless one of a larger log is kept.
///
/// # Errors
/// When storage fails.
pub fn keep_cosigned<S: Storage>(storage: &S, note: &Note) -> Result<(), LogError> {
    let size = |text: &str| Note::parse(text).and_then(|note| Ok(Checkpoint::parse(note.text())?.size)).unwrap_or(0);
    let kept = storage.read(&Resource::Cosigned)?.map_or(0, |kept| size(&String::from_utf8_lossy(&kept)));
    if Checkpoint::parse(note.text())?.size >= kept {
        storage.cosign(&note.to_string())?;
    }
    Ok(())
}

/// The body of `add-checkpoint`: the witness's old size, the consistency proof from it, and the checkpoint.
///
/// # Errors
/// When the log has less entries than the witness says, or storage fails.
pub fn witness_request<S: Storage>(reader: &Reader<S>, old: u64) -> Result<String, LogError> {
    let mut body = format!("old {old}\n");
    for hash in reader.consistency(old)? {
        body.push_str(&BASE64.encode(&hash));
        body.push('\n');
    }
    body.push('\n');
    body.push_str(&reader.note().to_string());
    Ok(body)
}
