//! A package file that was built, with what an ecosystem would know about it.

use data_encoding::{BASE64, HEXLOWER};
use sha2::Digest as _;
use sigma_core::{Distribution, DistributionKind, Sha1, Sha256, Sha512};

/// A distribution's bytes and metadata. The fields are open, so that a test can spoil them:
/// `Built { bytes: zip_of([...]), ..Wheel::new("demo", "1.0").build() }`.
#[derive(Debug, Clone)]
pub struct Built {
    /// What kind of file it is.
    pub kind: DistributionKind,
    /// The project's name as its author spells it.
    pub name: String,
    /// The version.
    pub version: String,
    /// The file's name.
    pub filename: String,
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// PyPI: the text of METADATA or PKG-INFO. Served as the `.metadata` file (PEP 658) of a wheel.
    pub metadata: String,
    /// PyPI: the `Requires-Python` of the metadata.
    pub requires_python: Option<String>,
    /// npm: package.json, which the packument repeats.
    pub manifest: serde_json::Value,
}

impl Built {
    /// The SHA-256 of the bytes.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.bytes)
    }

    /// The SHA-1 of the bytes, npm's `dist.shasum`.
    pub fn sha1(&self) -> Sha1 {
        Sha1::from_bytes(sha1::Sha1::digest(&self.bytes).into())
    }

    /// The SHA-512 of the bytes.
    pub fn sha512(&self) -> Sha512 {
        Sha512::from_bytes(sha2::Sha512::digest(&self.bytes).into())
    }

    /// npm's `dist.integrity`: `sha512-<base64>`.
    pub fn integrity(&self) -> String {
        format!("sha512-{}", BASE64.encode(self.sha512().as_bytes()))
    }

    /// The hexadecimal SHA-256 of a text, for `.metadata` files.
    pub(crate) fn sha256_hex(text: &str) -> String {
        HEXLOWER.encode(Sha256::of(text.as_bytes()).as_bytes())
    }

    /// The distribution as its ecosystem publishes it: PyPI with sha256 and size, npm with sha512 and sha1.
    pub fn distribution(&self, url: String) -> Distribution {
        let (published, size) = match self.kind {
            DistributionKind::NpmTarball => (vec![self.sha512().into(), self.sha1().into()], None),
            DistributionKind::Wheel | DistributionKind::Sdist => {
                (vec![self.sha256().into()], Some(self.bytes.len() as u64))
            }
        };
        let filename = self.filename.clone();
        Distribution { filename, kind: self.kind, url, published, size, uploaded_at: None }
    }
}
