//! A witness of the tests, written after the specification alone (C2SP tlog-witness, tlog-cosignature).

use data_encoding::BASE64;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sigma_ledger::keys::PublicKey;
use sigma_ledger::{Checkpoint, Note, NoteKey, NoteSignature};
use tlog_tiles::tlog::{Hash, check_tree};

/// A witness of the tests, written after the specification alone.
pub struct Witness {
    pair: Ed25519KeyPair,
    pub key: NoteKey,
    log: NoteKey,
    pub seen: Option<Checkpoint>,
}

impl Witness {
    pub fn new(name: &str, seed: u8, log: &NoteKey) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let key = PublicKey::ed25519(pair.public_key().as_ref().try_into().unwrap());
        Self { pair, key: NoteKey::witness(name, key).unwrap(), log: log.clone(), seen: None }
    }

    /// Answers `add-checkpoint`: the cosignature line, or the status.
    pub fn add_checkpoint(&mut self, body: &str, time: u64) -> Result<String, u16> {
        let (head, note) = body.split_once("\n\n").ok_or(400_u16)?;
        let mut lines = head.lines();
        let old: u64 =
            lines.next().and_then(|line| line.strip_prefix("old ")).and_then(|old| old.parse().ok()).ok_or(400_u16)?;
        let proof: Vec<Hash> =
            lines.map(|line| Hash(BASE64.decode(line.as_bytes()).unwrap().try_into().unwrap())).collect();
        let (note, checkpoint) = Checkpoint::of_note(note, self.log.name()).map_err(|_| 404_u16)?;
        if !matches!(note.signed_by(&self.log), Ok(Some(_))) {
            return Err(403);
        }
        if old != self.seen.as_ref().map_or(0, |seen| seen.size) {
            return Err(409);
        }
        if let Some(seen) = self.seen.as_ref().filter(|seen| seen.size > 0) {
            check_tree(&proof, checkpoint.size, Hash(checkpoint.root), seen.size, Hash(seen.root))
                .map_err(|_| 422_u16)?;
        }
        self.seen = Some(checkpoint);
        Ok(self.sign(&note, time))
    }

    /// Its line under a checkpoint, whatever it saw before.
    pub fn cosign(&self, checkpoint: &str, time: u64) -> String {
        self.sign(&Note::parse(checkpoint).unwrap(), time)
    }

    fn sign(&self, note: &Note, time: u64) -> String {
        let signature = self.pair.sign(&NoteKey::cosigned_message(time, note.text()));
        let bytes = [&time.to_be_bytes()[..], signature.as_ref()].concat();
        let line = NoteSignature { name: self.key.name().to_owned(), id: self.key.id(), bytes };
        format!("{line}\n")
    }
}
