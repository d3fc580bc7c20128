//! The key that signs transactions: secp256k1, in a file that its owner alone may read.
//!
//! PKCS#8 as PEM, as OpenSSL writes it (`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1`), or 64 hexadecimal
//! digits, as wallets export it. A file that others can read is refused, not repaired: somebody may have read it already.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, hex, keccak256};
use k256::SecretKey;
use k256::ecdsa::SigningKey;
use k256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use zeroize::Zeroizing;

/// A key is a few hundred bytes; what is longer is no key.
const MAX_FILE: u64 = 16 << 10;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum ChainKeyError {
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("{}: got the mode {mode:o}, expected 600: others can read or change this key", path.display())]
    Mode {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds no key of the kind.
    #[error("{}: expected a secp256k1 key, as PKCS#8 in PEM or as 64 hexadecimal digits", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// A key that signs transactions. It is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct ChainKey {
    signing: SigningKey,
    address: Address,
}

impl std::fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChainKey({})", self.address)
    }
}

impl ChainKey {
    /// Reads a key.
    ///
    /// # Errors
    /// When it cannot be read, others can read it too, or it is none.
    pub fn from_file(path: &Path) -> Result<Self, ChainKeyError> {
        let wrong = |error| ChainKeyError::Io { path: path.to_owned(), error };
        let file = File::open(path).map_err(wrong)?;
        #[cfg(unix)]
        {
            // Of the open file, not of the path: nobody can exchange it in between.
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().map_err(wrong)?.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(ChainKeyError::Mode { path: path.to_owned(), mode });
            }
        }
        // As large as it can get: a buffer that grows leaves copies.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize));
        file.take(MAX_FILE).read_to_end(&mut bytes).map_err(wrong)?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
        parse(text).map(|secret| Self::of(&secret)).ok_or_else(|| ChainKeyError::Content { path: path.to_owned() })
    }

    /// Makes a new key in a file that does not exist yet.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn generate(path: &Path) -> Result<Self, ChainKeyError> {
        let wrong = |error| ChainKeyError::Io { path: path.to_owned(), error };
        let secret = loop {
            let mut bytes = Zeroizing::new([0_u8; 32]);
            getrandom::fill(&mut bytes[..]).map_err(|_| ChainKeyError::Random)?;
            // Zero and what is beyond the order of the curve are no keys: about never.
            if let Ok(secret) = SecretKey::from_slice(&bytes[..]) {
                break secret;
            }
        };
        let pem = secret.to_pkcs8_pem(LineEnding::LF).map_err(|_| ChainKeyError::Random)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(wrong)?;
        file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)?;
        Ok(Self::of(&secret))
    }

    fn of(secret: &SecretKey) -> Self {
        let signing = SigningKey::from(secret);
        // The last 20 bytes of the hash of both coordinates.
        let point = signing.verifying_key().to_sec1_point(false);
        let address = Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..]);
        Self { signing, address }
    }

    /// Who it signs for.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Signs a hash: r, s, and which of the two points with that r it is. The same hash gives the same signature (RFC 6979).
    pub(crate) fn sign(&self, hash: &B256) -> ([u8; 32], [u8; 32], bool) {
        let (signature, recovery) = self.signing.sign_prehash_recoverable(&hash[..]);
        let (r, s) = signature.split_bytes();
        (r.into(), s.into(), recovery.is_y_odd())
    }
}

fn parse(text: &str) -> Option<SecretKey> {
    if text.starts_with("-----BEGIN") {
        return SecretKey::from_pkcs8_pem(text).ok();
    }
    let mut bytes = Zeroizing::new([0_u8; 32]);
    hex::decode_to_slice(text, &mut bytes[..]).ok()?;
    SecretKey::from_slice(&bytes[..]).ok()
}
