//! Why attestations are not taken.

use sigma_core::printable;
use sigstore_verify::{CertificateError, Error, TransparencyLogError};

/// Why attestations are not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// They do not hold.
    #[error("{0}")]
    Invalid(String),
    /// They name a log, an authority or a key that is not among the pinned ones.
    #[error("{0}, which is not among the pinned roots")]
    UnknownRoot(String),
    /// They may hold, but of a kind that cannot be checked here.
    #[error("{0}: this cannot be checked here")]
    Unsupported(String),
}

impl Refusal {
    /// They do not hold, with text that may be a stranger's.
    pub fn invalid(why: impl AsRef<str>) -> Self {
        Self::Invalid(printable(why.as_ref(), 300))
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let text = printable(&error.to_string(), 300);
        match error {
            Error::UnsupportedBundle(_) => Self::Unsupported(text),
            Error::TransparencyLog(TransparencyLogError::UnknownLog { log_id }) => {
                Self::UnknownRoot(format!("it names the log {}", printable(&log_id, 60)))
            }
            // webpki's word for a chain that ends at nobody it knows.
            Error::Certificate(CertificateError::ChainInvalid(why)) if why.contains("UnknownIssuer") => {
                Self::UnknownRoot("its certificate is of an authority".to_owned())
            }
            _ => Self::Invalid(text),
        }
    }
}
