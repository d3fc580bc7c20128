//! A witness that is reached by nobody's network: what it is asked is carried there as text, and what it answers is carried back.
//!
//! The checkpoint that it was asked about is kept until it answers; the log may grow meanwhile.

use sigma_core::printable;
use sigma_ledger::Note;
use sigma_ledger::log::{Folder, Reader, Storage, keep_cosigned, witness_request};
use sigma_store::{Duty, Store};

use super::witnesses::{Quorum, gathered};
use super::{LedgerError, LedgerFolder};

/// How many witnesses signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosigned {
    /// Of the checkpoint that they were asked about.
    pub signed: usize,
    /// What the root asks for.
    pub wanted: usize,
    /// Whether that is enough, so that bundles are made for this checkpoint.
    pub kept: bool,
}

/// The checkpoint that was carried away.
const ASKED: &str = "checkpoint.asked";

impl LedgerFolder {
    /// The body of `add-checkpoint` (C2SP tlog-witness), for a witness that knows the log at `old` entries. It is about the checkpoint
    /// that was carried to another one already and that not enough have signed yet, unless `anew`; else about the newest one that
    /// somebody signed, so that all are under the same one; else about the newest of all.
    ///
    /// # Errors
    /// When the log cannot be read, or has less entries.
    pub fn ask_witness(&self, old: u64, anew: bool) -> Result<String, LedgerError> {
        let carried = if anew { None } else { self.asked()? };
        let note = match carried.map_or_else(|| gathered(self), |note| Ok(Some(note)))? {
            Some(note) => note,
            None => self.reader()?.log()?.note().clone(),
        };
        let asked = Reader::open_at(Folder::read_only(&self.file("log")), self.log_key()?, &note.to_string())?;
        let body = witness_request(&asked, old)?;
        self.write(ASKED, note.to_string().as_bytes())?;
        Ok(body)
    }

    /// Adds the answer of a witness to the checkpoint that it was asked about. Whoever writes the log takes it from there.
    ///
    /// # Errors
    /// When nobody was asked, or nothing of the answer is a signature of a known witness over that checkpoint.
    pub async fn witness_answered(&self, store: &Store, answer: &str) -> Result<Cosigned, LedgerError> {
        let wrong = || LedgerError::Witness(printable(answer, 200));
        let quorum = Quorum::of(self)?;
        let mut note = self.asked()?.ok_or_else(wrong)?;
        if quorum.known.add(&mut note, answer) == 0 {
            return Err(wrong());
        }
        self.write(ASKED, note.to_string().as_bytes())?;
        // Nobody writes the log: then it is for us to take it.
        if let Some(_claim) = store.try_claim(Duty::Log).await? {
            self.take_carried(&Folder::open(&self.file("log"))?)?;
        }
        let (signed, wanted) = (quorum.known.signed(&note)?.len(), quorum.root.threshold);
        Ok(Cosigned { signed, wanted, kept: quorum.is_met(&note)? })
    }

    /// Takes what was carried back, where enough have signed it.
    pub(super) fn take_carried<S: Storage>(&self, storage: &S) -> Result<(), LedgerError> {
        let Some(note) = self.asked()? else { return Ok(()) };
        if Quorum::of(self)?.is_met(&note)? {
            keep_cosigned(storage, &note)?;
            self.remove(ASKED)?;
        }
        Ok(())
    }

    fn asked(&self) -> Result<Option<Note>, LedgerError> {
        let Some(bytes) = self.read_if_there(ASKED)? else { return Ok(None) };
        let note = Note::parse(&String::from_utf8_lossy(&bytes))?;
        // Of a key that was exchanged since, it is of no use any more.
        Ok(note.signed_by(&self.log_key()?)?.map(|_| note))
    }
}
