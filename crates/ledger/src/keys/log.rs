//! The key of a log.

use std::fmt;
use std::path::Path;

use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::{KeyFileError, PublicKey, file};
use crate::note::{NoteKey, NoteSignature};

/// The Ed25519 key that signs checkpoints and log times, and the log's name (its origin).
pub struct LogKey {
    pair: Ed25519KeyPair,
    public: NoteKey,
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.public.fmt(f)
    }
}

impl LogKey {
    /// Reads the key of the log `origin`: a URL without scheme, such as `log.example.org/sigma` (C2SP tlog-checkpoint).
    ///
    /// # Errors
    /// When others than its owner may read the file, or it holds no such key.
    pub fn from_file(path: &Path, origin: &str) -> Result<Self, KeyFileError> {
        const EXPECTED: &str = "an Ed25519 key, and an origin without spaces and plus signs";
        let wrong = || KeyFileError::Content { path: path.to_owned(), expected: EXPECTED };
        let der = file::read(path, EXPECTED)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| wrong())?;
        let raw = pair.public_key().as_ref().try_into().map_err(|_| wrong())?;
        let public = NoteKey::log(origin, PublicKey::ed25519(raw)).map_err(|_| wrong())?;
        Ok(Self { pair, public })
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        self.public.name()
    }

    /// The public half.
    pub fn public(&self) -> &NoteKey {
        &self.public
    }

    /// The signature line of a note.
    pub(crate) fn sign_note(&self, text: &str) -> NoteSignature {
        self.public.signature(self.sign(text.as_bytes()))
    }

    /// Signs bytes. The caller keeps the kinds of what is signed apart: notes start with the origin, log times with `{`.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}
