//! Bytes as JSON writes them: base64 with padding (RFC 4648, section 4), one spelling for one value.

use std::fmt;

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sigma_core::base64;

/// Bytes, base64 in JSON. Decoding refuses other alphabets, missing padding and stray trailing bits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Base64(pub Vec<u8>);

impl fmt::Display for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        base64(&text).map(Self).ok_or_else(|| serde::de::Error::custom("got other text, expected base64 with padding"))
    }
}
