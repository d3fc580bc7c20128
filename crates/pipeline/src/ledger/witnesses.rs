//! What witnesses are asked, and what they answered: text that somebody else carries.

use sigma_core::printable;
use sigma_ledger::Note;
use sigma_ledger::log::{Folder, Reader, witness_request};
use sigma_store::Store;

use super::{LedgerError, LedgerFolder};

/// How many witnesses signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosigned {
    /// Of the newest checkpoint.
    pub signed: usize,
    /// What the root asks for.
    pub wanted: usize,
    /// Whether that is enough, so that bundles are made for this checkpoint.
    pub kept: bool,
}

/// The newest checkpoint with the signatures that came so far, until enough have signed.
const GATHERED: &str = "checkpoint.gathered";

impl LedgerFolder {
    /// The body of `add-checkpoint` (C2SP tlog-witness), for a witness that knows the log at `old` entries.
    ///
    /// # Errors
    /// When the log cannot be read, or has less entries.
    pub fn ask_witness(&self, old: u64) -> Result<String, LedgerError> {
        Ok(witness_request(&self.reader()?.log()?, old)?)
    }

    /// Adds the answer of a witness.
    ///
    /// # Errors
    /// When another process writes the log, or nothing of the answer is a signature of a known witness over the newest checkpoint.
    pub async fn witness_answered(&self, store: &Store, answer: &str) -> Result<Cosigned, LedgerError> {
        let Some(_claim) = store.try_claim_log().await? else { return Err(LedgerError::Busy) };
        let folder = Folder::open(&self.file("log"))?;
        let log = Reader::open(&folder, self.log_key()?)?;
        let root = self.root()?;
        let policy = root.witnesses();
        let mut note = log.note().clone();
        // Of the same checkpoint only: the log may have grown since.
        if let Some(before) = self.read_if_there(GATHERED)?
            && let Ok(before) = Note::parse(&String::from_utf8_lossy(&before))
            && before.text() == note.text()
        {
            note = before;
        }
        if policy.add(&mut note, answer) == 0 {
            return Err(LedgerError::Witness(printable(answer, 200)));
        }
        self.write(GATHERED, note.to_string().as_bytes())?;
        let kept = policy.keep(&folder, &mut note, "")?;
        Ok(Cosigned { signed: policy.signed(&note)?.len(), wanted: policy.threshold, kept })
    }
}
