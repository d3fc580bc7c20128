//! Private keys in files: PKCS#8 as PEM (RFC 5958, RFC 7468), as OpenSSL writes and reads them.
//!
//! A key file may be read by its owner alone; one that others can read is refused, not repaired, because somebody may have
//! read it already. New keys come from the operating system's randomness and never replace a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use zeroize::Zeroizing;

use super::{Issuer, LogKey};

/// A key is a few hundred bytes; what is longer is no key.
const MAX_FILE: u64 = 16 << 10;
const LABEL: &str = "PRIVATE KEY";
/// PKCS#8 version 1 of an Ed25519 key (RFC 8410, section 7), without the seed: what OpenSSL reads too.
const ED25519_PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
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
    #[error("{}: expected {expected}, as PKCS#8 in PEM", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// Makes a new P-256 key for an issuer in a file that does not exist yet.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn generate_issuer_key(path: &Path) -> Result<Issuer, KeyFileError> {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
        .map_err(|_| KeyFileError::Random)?;
    write(path, key.as_ref())?;
    Issuer::from_file(path)
}

/// Makes a new Ed25519 key for the log `origin` in a file that does not exist yet.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn generate_log_key(path: &Path, origin: &str) -> Result<LogKey, KeyFileError> {
    let mut der = Zeroizing::new([0; 48]);
    der[..16].copy_from_slice(&ED25519_PKCS8_PREFIX);
    SystemRandom::new().fill(&mut der[16..]).map_err(|_| KeyFileError::Random)?;
    write(path, &der[..])?;
    LogKey::from_file(path, origin)
}

fn write(path: &Path, der: &[u8]) -> Result<(), KeyFileError> {
    let wrong = |error| KeyFileError::Io { path: path.to_owned(), error };
    let pem = pem_rfc7468::encode_string(LABEL, pem_rfc7468::LineEnding::LF, der).map_err(|_| KeyFileError::Random)?;
    let pem = Zeroizing::new(pem);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(wrong)?;
    file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)
}

/// The DER of the key in a file.
pub(super) fn read(path: &Path, expected: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let wrong = |error| KeyFileError::Io { path: path.to_owned(), error };
    let file = File::open(path).map_err(wrong)?;
    #[cfg(unix)]
    {
        // Of the open file, not of the path: nobody can exchange it in between.
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(wrong)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Mode { path: path.to_owned(), mode });
        }
    }
    let mut pem = Zeroizing::new(Vec::new());
    file.take(MAX_FILE).read_to_end(&mut pem).map_err(wrong)?;
    match pem_rfc7468::decode_vec(&pem) {
        Ok((LABEL, der)) => Ok(Zeroizing::new(der)),
        _ => Err(KeyFileError::Content { path: path.to_owned(), expected }),
    }
}
