//! Public keys as SubjectPublicKeyInfo (RFC 5280), and what they verify.

use std::fmt;

use data_encoding::HEXLOWER;
use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};
use sha2::Digest as _;

/// SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480), without the point.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410), without the key.
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The kinds of keys there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256, signatures in DER.
    P256,
    /// Ed25519 (RFC 8032).
    Ed25519,
}

impl Algorithm {
    /// The name in sigstore's `PublicKeyDetails`.
    pub fn key_details(self) -> &'static str {
        match self {
            Self::P256 => "PKIX_ECDSA_P256_SHA_256",
            Self::Ed25519 => "PKIX_ED25519",
        }
    }
}

/// Why bytes are no public key.
#[derive(Debug, thiserror::Error)]
#[error("got {0} bytes that are no such key, expected the SubjectPublicKeyInfo of a P-256 or Ed25519 key")]
pub struct PublicKeyError(usize);

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    spki: Vec<u8>,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.algorithm, self.id())
    }
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER. Only the one encoding of each kind that everybody writes is read. Whether the
    /// point is on the curve shows when a signature is verified.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_spki(spki: &[u8]) -> Result<Self, PublicKeyError> {
        let is = |prefix: &[u8], length: usize| spki.len() == prefix.len() + length && spki.starts_with(prefix);
        let algorithm = if is(&P256_PREFIX, 65) && spki[P256_PREFIX.len()] == 4 {
            Algorithm::P256
        } else if is(&ED25519_PREFIX, 32) {
            Algorithm::Ed25519
        } else {
            return Err(PublicKeyError(spki.len()));
        };
        Ok(Self { algorithm, spki: spki.to_vec() })
    }

    /// From the bytes of a key as its algorithm writes them: 65 of an uncompressed point, or 32.
    pub(super) fn from_raw(algorithm: Algorithm, raw: &[u8]) -> Result<Self, PublicKeyError> {
        let prefix: &[u8] = match algorithm {
            Algorithm::P256 => &P256_PREFIX,
            Algorithm::Ed25519 => &ED25519_PREFIX,
        };
        Self::from_spki(&[prefix, raw].concat())
    }

    /// An Ed25519 key from its 32 bytes.
    pub fn ed25519(raw: [u8; 32]) -> Self {
        Self { algorithm: Algorithm::Ed25519, spki: [&ED25519_PREFIX[..], &raw].concat() }
    }

    /// Its kind.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The SubjectPublicKeyInfo in DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key as its algorithm writes it.
    pub fn raw(&self) -> &[u8] {
        match self.algorithm {
            Algorithm::P256 => &self.spki[P256_PREFIX.len()..],
            Algorithm::Ed25519 => &self.spki[ED25519_PREFIX.len()..],
        }
    }

    /// The key's id: lower-case hexadecimal SHA-256 of its SubjectPublicKeyInfo.
    pub fn id(&self) -> String {
        HEXLOWER.encode(&sha2::Sha256::digest(&self.spki))
    }

    /// Whether `signature` over `message` is this key's.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::P256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.raw()).verify(message, signature),
            Algorithm::Ed25519 => UnparsedPublicKey::new(&ED25519, self.raw()).verify(message, signature),
        }
        .is_ok()
    }

    /// Reads a SubjectPublicKeyInfo as PEM (RFC 7468).
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PublicKeyError> {
        match pem_rfc7468::decode_vec(pem) {
            Ok(("PUBLIC KEY", spki)) => Self::from_spki(&spki),
            _ => Err(PublicKeyError(pem.len())),
        }
    }

    /// SubjectPublicKeyInfo as PEM (RFC 7468).
    pub fn to_pem(&self) -> String {
        pem_rfc7468::encode_string("PUBLIC KEY", pem_rfc7468::LineEnding::LF, &self.spki).unwrap_or_default()
    }
}
