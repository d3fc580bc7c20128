//! What a witness answers to `add-checkpoint` (C2SP tlog-witness), read as the word of a stranger.
//!
//! In: a status, a body, the checkpoint that was sent, the witness's key. Out: its cosignature, verified; or the size that it knows; or
//! why there is neither.

use sigma_core::printable;

use crate::note::{Note, NoteKey, NoteSignature};

/// Bytes of an answer that are read. A line has 150; a witness may sign with more than one key.
pub const MAX_ANSWER: u64 = 16 << 10;
/// Seconds that a witness's clock may be ahead: verifiers do not count what was signed later than they look.
const AHEAD: u64 = 300;

/// An answer that one can go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// It cosigned the checkpoint.
    Signed(NoteSignature),
    /// It expected another old size: this one.
    Knows(u64),
}

/// Why a witness did not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// No answer.
    #[error("it cannot be asked: {0}")]
    Unreached(String),
    /// It says yes, and did not sign.
    #[error("got the status 200 without a signature of its key that verifies")]
    Unsigned,
    /// What it signed is of a time that has not come.
    #[error("it signed for {0} (seconds since 1970), which is still to come: its clock is wrong, or ours")]
    Time(u64),
    /// It knows another size, and does not say which.
    #[error("got the status 409 and `{0}`, expected the size that it knows")]
    Size(String),
    /// It saw more than there is.
    #[error("it saw {got} entries, and the log has {size}: this is an old copy of the log, or the witness is wrong")]
    Ahead {
        /// Its size.
        got: u64,
        /// The log's.
        size: u64,
    },
    /// It has the size that it was told, and does not take what follows from it.
    #[error(
        "it says that it knows {0} entries, was asked from there, and says so again: it saw another history, or is wrong"
    )]
    Stuck(u64),
    /// 403.
    #[error("it does not know the log's key (403)")]
    Key,
    /// 404.
    #[error("it does not know the log (404)")]
    Log,
    /// 422.
    #[error("it saw another history of this log: the proof does not lead to it (422)")]
    History,
    /// Anything else.
    #[error("got the status {0}, expected 200 or 409")]
    Status(u16),
}

impl WitnessAnswer {
    /// Reads an answer. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When it is neither a signature by this key over this note nor a size.
    pub fn read(key: &NoteKey, note: &Note, status: u16, body: &[u8], now: u64) -> Result<Self, WitnessError> {
        let text = std::str::from_utf8(body).unwrap_or_default();
        match status {
            200 => signature(key, note, text, now).map(Self::Signed),
            409 => {
                let number = text.strip_suffix('\n').unwrap_or(text);
                let size = number.parse::<u64>().ok().filter(|size| size.to_string() == number);
                size.map(Self::Knows).ok_or_else(|| WitnessError::Size(printable(text, 60)))
            }
            403 => Err(WitnessError::Key),
            404 => Err(WitnessError::Log),
            422 => Err(WitnessError::History),
            other => Err(WitnessError::Status(other)),
        }
    }
}

/// The line of this key. Those of others are none of our business, as the specification says.
fn signature(key: &NoteKey, note: &Note, text: &str, now: u64) -> Result<NoteSignature, WitnessError> {
    for signature in text.lines().take(100).filter_map(|line| NoteSignature::parse(line).ok()) {
        let mut signed = Note::new(note.text().to_owned());
        signed.sign(signature.clone());
        match signed.signed_by(key) {
            Ok(Some(time)) if time > now.saturating_add(AHEAD) => return Err(WitnessError::Time(time)),
            Ok(Some(_)) => return Ok(signature),
            Ok(None) | Err(_) => {}
        }
    }
    Err(WitnessError::Unsigned)
}
