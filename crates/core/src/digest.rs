//! Digests: what was computed over bytes, and what somebody else says they should be.

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The encoded length or alphabet is wrong.
    #[error("got `{got}`, expected {expected}")]
    Malformed {
        /// What stood there, made printable.
        got: String,
        /// What a digest of this kind looks like.
        expected: &'static str,
    },
    /// An algorithm that gives no security, or that nobody knows.
    #[error("got hash algorithm `{0}`, expected sha1, sha256, sha384 or sha512")]
    Algorithm(String),
}

macro_rules! digest {
    ($name:ident, $bytes:literal, $doc:literal, $expected:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Wraps raw digest bytes.
            pub fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The raw digest bytes.
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, DigestError> {
                let wrong = || DigestError::Malformed { got: crate::printable(text, 140), expected: $expected };
                let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| wrong())?;
                Ok(Self(bytes.try_into().map_err(|_| wrong())?))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

digest!(Sha1, 20, "A SHA-1 digest; npm's legacy `dist.shasum`. Never trusted alone.", "40 hexadecimal digits");
digest!(Sha256, 32, "A SHA-256 digest.", "64 hexadecimal digits");
digest!(Sha512, 64, "A SHA-512 digest.", "128 hexadecimal digits");

impl Sha256 {
    /// Hashes bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The first twelve hexadecimal digits, for tables.
    pub fn short(&self) -> String {
        HEXLOWER.encode(&self.0[..6])
    }
}

/// Everything we compute over the bytes of one distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// SHA-256, the one that certificates carry.
    pub sha256: Sha256,
    /// SHA-512, npm's integrity algorithm.
    pub sha512: Sha512,
    /// SHA-1, npm's `shasum`.
    pub sha1: Sha1,
    /// Length in bytes.
    pub size: u64,
}

/// A hash algorithm in which somebody may publish a digest, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashAlgorithm {
    /// SHA-1: collisions are practical, so it only ever accompanies a stronger one.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashAlgorithm {
    /// Digest length in bytes.
    pub fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Never true; digests have a length.
    pub fn is_empty(self) -> bool {
        false
    }

    /// The lower-case name used by pip's `--hash` and by SRI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

impl FromStr for HashAlgorithm {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or_else(|| DigestError::Algorithm(crate::printable(text, 40)))
    }
}

/// A digest that somebody published or pinned, in the algorithm of their choice.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExpectedDigest {
    algorithm: HashAlgorithm,
    bytes: Vec<u8>,
}

impl ExpectedDigest {
    /// Checks that the length fits the algorithm.
    pub fn new(algorithm: HashAlgorithm, bytes: Vec<u8>) -> Result<Self, DigestError> {
        if bytes.len() != algorithm.len() {
            return Err(DigestError::Malformed {
                got: format!("{} bytes of {}", bytes.len(), algorithm.as_str()),
                expected: "a digest of the algorithm's length",
            });
        }
        Ok(Self { algorithm, bytes })
    }

    /// Reads pip's `sha256:<hex>` (pip, "Hash-checking Mode").
    pub fn parse_pip(text: &str) -> Result<Self, DigestError> {
        let wrong =
            || DigestError::Malformed { got: crate::printable(text, 160), expected: "sha256:<64 hexadecimal digits>" };
        let (algorithm, hex) = text.split_once(':').ok_or_else(wrong)?;
        let algorithm: HashAlgorithm = algorithm.parse()?;
        let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_| wrong())?;
        Self::new(algorithm, bytes).map_err(|_| wrong())
    }

    /// Reads a Subresource Integrity list, `sha512-<base64> sha1-<base64>` (W3C SRI). Options after `?` are ignored,
    /// as the specification says; an entry in an unknown algorithm or of the wrong length is an error.
    pub fn parse_sri(text: &str) -> Result<Vec<Self>, DigestError> {
        text.split_ascii_whitespace()
            .map(|entry| {
                let wrong =
                    || DigestError::Malformed { got: crate::printable(entry, 160), expected: "sha512-<base64>" };
                let entry = entry.split('?').next().unwrap_or_default();
                let (algorithm, digest) = entry.split_once('-').ok_or_else(wrong)?;
                let algorithm: HashAlgorithm = algorithm.parse()?;
                let bytes = crate::base64(digest).ok_or_else(wrong)?;
                Self::new(algorithm, bytes).map_err(|_| wrong())
            })
            .collect()
    }

    /// The algorithm.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Sha256> for ExpectedDigest {
    fn from(digest: Sha256) -> Self {
        Self { algorithm: HashAlgorithm::Sha256, bytes: digest.0.to_vec() }
    }
}

impl From<Sha1> for ExpectedDigest {
    fn from(digest: Sha1) -> Self {
        Self { algorithm: HashAlgorithm::Sha1, bytes: digest.0.to_vec() }
    }
}

impl From<Sha512> for ExpectedDigest {
    fn from(digest: Sha512) -> Self {
        Self { algorithm: HashAlgorithm::Sha512, bytes: digest.0.to_vec() }
    }
}

impl fmt::Display for ExpectedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.as_str(), HEXLOWER.encode(&self.bytes))
    }
}

impl fmt::Debug for ExpectedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ExpectedDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExpectedDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse_pip(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Who says what the bytes should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authority {
    /// The ecosystem publishes it: other bytes are an incident of the package, for everybody to see.
    Ecosystem,
    /// The project pins it: other bytes are the project's business, and say nothing about the package.
    Project,
}

impl Authority {
    /// The word that the store keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ecosystem => "ecosystem",
            Self::Project => "project",
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ecosystem => "published by the ecosystem",
            Self::Project => "pinned by the project",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_digests_are_read_in_both_notations() {
        let hex = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let sri = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=?type=gzip";
        let pip = ExpectedDigest::parse_pip(hex).unwrap();
        assert_eq!(ExpectedDigest::parse_sri(sri).unwrap(), vec![pip.clone()]);
        assert_eq!(pip, Sha256::of(b"").into());
        assert_eq!(pip.to_string(), hex);
        assert!(ExpectedDigest::parse_pip("sha256:e3b0").is_err());
        assert!(ExpectedDigest::parse_pip("md5:d41d8cd98f00b204e9800998ecf8427e").is_err());
        assert!(ExpectedDigest::parse_sri("sha512-AAAA").is_err());
    }
}
