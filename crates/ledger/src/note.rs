//! Signed notes (C2SP signed-note), the keys that sign them, and cosignatures of witnesses (C2SP tlog-cosignature, v1).
//!
//! In: texts of anybody. Out: notes, and which known keys signed them. The crate `signed_note` knows no cosignatures and
//! brings a second Ed25519; the format is a few lines.

use std::fmt;

use data_encoding::BASE64;
use sha2::Digest as _;
use sigma_core::{base64, printable};

use crate::keys::{Algorithm, PublicKey};

/// No note that anybody makes is longer.
const MAX_NOTE: usize = 1 << 20;
/// More signatures are refused, as Go's implementation does.
const MAX_SIGNATURES: usize = 100;

/// Why a text is no note, or a key no key of notes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is no signed note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// A key name has a space or a plus sign, or is empty.
    #[error("got the key name `{0}`, expected one without spaces and plus signs")]
    Name(String),
    /// A checkpoint of another log.
    #[error("got a checkpoint of the log `{got}`, expected `{expected}`")]
    Origin {
        /// Whose it is.
        got: String,
        /// Whose it should be.
        expected: String,
    },
    /// A text is no verifier key.
    #[error("got `{0}`, expected a verifier key: name+id+base64")]
    Key(String),
    /// A known key's signature does not verify: the text was changed.
    #[error("the signature of `{0}` does not verify")]
    Signature(String),
}

/// A text and the signatures under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The name of the key.
    pub name: String,
    /// The first four bytes of the key's hash.
    pub id: [u8; 4],
    /// The signature.
    pub bytes: Vec<u8>,
}

impl NoteSignature {
    /// Reads a line without its line break: `— name base64(id || signature)`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::Malformed("a signature line is `— name base64`");
        let (name, spelled) =
            line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or_else(|| wrong.clone())?;
        let decoded = base64(spelled).ok_or_else(|| wrong.clone())?;
        let (id, bytes) = decoded.split_first_chunk::<4>().ok_or_else(|| wrong.clone())?;
        if check_name(name).is_err() || bytes.is_empty() {
            return Err(wrong);
        }
        Ok(Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "— {} {}", self.name, BASE64.encode(&[&self.id[..], &self.bytes].concat()))
    }
}

impl Note {
    /// A note without signatures. The text ends with a line break.
    pub fn new(text: String) -> Self {
        Self { text, signatures: Vec::new() }
    }

    /// Reads a note. No signature is verified.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if text.len() > MAX_NOTE {
            return Err(NoteError::Malformed("longer than a mebibyte"));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteError::Malformed("control characters"));
        }
        let split = text.rfind("\n\n").ok_or(NoteError::Malformed("no empty line before the signatures"))?;
        let (body, lines) = (&text[..=split], &text[split + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed("no line break at the end"))?;
        let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("more than 100 signatures"));
        }
        Ok(Self { text: body.to_owned(), signatures })
    }

    /// The signed text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature, in the place of an earlier one by the same key.
    pub fn sign(&mut self, signature: NoteSignature) {
        self.signatures.retain(|other| (&other.name, other.id) != (&signature.name, signature.id));
        self.signatures.push(signature);
    }

    /// When this key signed it: `None` where it did not, `Some(0)` where its signature has no time.
    ///
    /// # Errors
    /// When there is a signature by this name and id that does not verify, or more than one.
    pub fn signed_by(&self, key: &NoteKey) -> Result<Option<u64>, NoteError> {
        let mut lines = self.signatures.iter().filter(|line| line.name == key.name && line.id == key.id());
        let Some(line) = lines.next() else { return Ok(None) };
        if lines.next().is_some() {
            return Err(NoteError::Malformed("two signatures by one key"));
        }
        key.verify(&self.text, &line.bytes).map(Some).ok_or_else(|| NoteError::Signature(printable(&key.name, 80)))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

fn check_name(name: &str) -> Result<(), NoteError> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
        return Err(NoteError::Name(printable(name, 80)));
    }
    Ok(())
}

/// What a key's signatures mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A plain Ed25519 signature of the text.
    Log = 1,
    /// A timestamped cosignature (`cosignature/v1`).
    Witness = 4,
}

/// An Ed25519 key that signs notes: a log's, or a witness's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    role: Role,
    key: PublicKey,
}

impl NoteKey {
    /// A log's key. The name is the log's origin.
    ///
    /// # Errors
    /// When the name cannot stand in a signature line, or it is no Ed25519 key.
    pub fn log(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        Self::new(name, Role::Log, key)
    }

    /// A witness's key.
    ///
    /// # Errors
    /// As [`NoteKey::log`].
    pub fn witness(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        Self::new(name, Role::Witness, key)
    }

    fn new(name: &str, role: Role, key: PublicKey) -> Result<Self, NoteError> {
        check_name(name)?;
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(NoteError::Key(key.id()));
        }
        Ok(Self { name: name.to_owned(), role, key })
    }

    /// Reads a verifier key: `name+id+base64(type || key)`, of type 1 (log) or 4 (witness).
    ///
    /// # Errors
    /// When it is none, or its id is not that of its key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = || NoteError::Key(printable(text, 200));
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(spelled)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let decoded = base64(spelled).ok_or_else(wrong)?;
        let (kind, raw) = decoded.split_first().ok_or_else(wrong)?;
        let raw: [u8; 32] = raw.try_into().map_err(|_| wrong())?;
        let role = match kind {
            1 => Role::Log,
            4 => Role::Witness,
            _ => return Err(wrong()),
        };
        let key = Self::new(name, role, PublicKey::ed25519(raw))?;
        if data_encoding::HEXLOWER.encode(&key.id()) != id { Err(wrong()) } else { Ok(key) }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether it is a witness's.
    pub fn is_witness(&self) -> bool {
        self.role == Role::Witness
    }

    /// SHA-256(name || LF || type || key): its first four bytes are the id in notes, all of it the log id in bundles.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = sha2::Sha256::new();
        hasher.update(self.name.as_bytes());
        hasher.update([b'\n', self.role as u8]);
        hasher.update(self.key.raw());
        hasher.finalize().into()
    }

    /// The id in signature lines.
    pub fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.hash();
        [a, b, c, d]
    }

    /// A signature line of this key.
    pub(crate) fn signature(&self, bytes: Vec<u8>) -> NoteSignature {
        NoteSignature { name: self.name.clone(), id: self.id(), bytes }
    }

    /// What a witness signs for a text at a time (seconds since 1970).
    pub fn cosigned_message(time: u64, text: &str) -> Vec<u8> {
        format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
    }

    /// The time of a signature that verifies, 0 for a log's.
    fn verify(&self, text: &str, signature: &[u8]) -> Option<u64> {
        match self.role {
            Role::Log => self.key.verify(text.as_bytes(), signature).then_some(0),
            Role::Witness => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                self.key.verify(&Self::cosigned_message(time, text), signature).then_some(time)
            }
        }
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = BASE64.encode(&[&[self.role as u8][..], self.key.raw()].concat());
        write!(f, "{}+{}+{material}", self.name, data_encoding::HEXLOWER.encode(&self.id()))
    }
}
