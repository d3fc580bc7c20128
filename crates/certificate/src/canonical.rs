//! RFC 8785 canonical JSON and the hashes over it.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::Serialize;
use serde_json::Value;
use sha2::Digest as _;

/// Integers beyond this magnitude have no exact JSON representation everywhere (RFC 8785, section 3.2.2.3; I-JSON).
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Why a value has no canonical bytes.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// It cannot be serialised as JSON.
    #[error("not representable as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A number that two implementations could write differently.
    #[error("got the number {0}, expected an integer of at most 2^53-1 in magnitude")]
    Number(String),
}

/// The RFC 8785 bytes of a value. Floats and integers beyond 2^53-1 are refused: implementations round them
/// differently, and two payloads could then share a hash.
pub fn canonical_bytes(value: &impl Serialize) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value)?;
    check_numbers(&value)?;
    Ok(serde_json_canonicalizer::to_vec(&value)?)
}

fn check_numbers(value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            match magnitude {
                Some(magnitude) if magnitude <= MAX_SAFE_INTEGER => Ok(()),
                _ => Err(CanonicalError::Number(number.to_string())),
            }
        }
        Value::Array(items) => items.iter().try_for_each(check_numbers),
        Value::Object(members) => members.values().try_for_each(check_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

/// `keccak256-canonical-json-v1`: keccak256 (as Ethereum uses it, not SHA3-256) of canonical bytes, as `0x` and 64
/// hexadecimal digits.
pub fn payload_hash(canonical: &[u8]) -> String {
    format!("0x{}", HEXLOWER.encode(&sha3::Keccak256::digest(canonical)))
}

/// An id that follows from content: `prefix_` and lower-case base32 of the first 20 bytes of
/// SHA-256(`domain` || 0x00 || canonical bytes).
pub fn content_id(prefix: &str, domain: &str, canonical: &[u8]) -> String {
    let mut hasher = sha2::Sha256::new();
    hasher.update(domain.as_bytes());
    hasher.update([0]);
    hasher.update(canonical);
    let digest = hasher.finalize();
    format!("{prefix}_{}", BASE32_NOPAD.encode(&digest[..20]).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_follow_rfc_8785() {
        let value = serde_json::json!({"\u{20ac}": 1, "a": [true, null, "\u{7}\n\"é"], "1": {"z": -1, "b": ""}});
        let bytes = String::from_utf8(canonical_bytes(&value).unwrap()).unwrap();
        assert_eq!(bytes, "{\"1\":{\"b\":\"\",\"z\":-1},\"a\":[true,null,\"\\u0007\\n\\\"é\"],\"€\":1}");
    }

    #[test]
    fn numbers_that_could_differ_are_refused() {
        assert!(canonical_bytes(&9_007_199_254_740_991_u64).is_ok());
        for wrong in [serde_json::json!(9_007_199_254_740_992_u64), serde_json::json!(1.5), serde_json::json!([-1e3])] {
            assert!(matches!(canonical_bytes(&wrong), Err(CanonicalError::Number(_))), "{wrong} was accepted");
        }
    }

    #[test]
    fn the_hash_is_keccak_and_not_sha3() {
        // Ethereum's well-known hash of the empty string.
        assert_eq!(payload_hash(b""), "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    }
}
