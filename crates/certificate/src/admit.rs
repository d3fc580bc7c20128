//! Strict reading of JSON before it is hashed or its signature is believed.
//!
//! In: bytes of anybody. Out: a value that every conforming implementation reads alike, or the reason why there is none.
//! Ordinary parsers keep one of two equal keys, round large integers, or replace half a character; then two documents share
//! one hash, or one document has two meanings. Nothing here is repaired.

use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::canonical::{CanonicalError, MAX_SAFE_INTEGER, canonical_bytes};

/// Why bytes were not admitted.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// More bytes than the caller reads.
    #[error("got {got} bytes, expected at most {limit}")]
    TooLong {
        /// How many there were.
        got: usize,
        /// How many may be.
        limit: usize,
    },
    /// No JSON of the strict kind: duplicate keys, lone surrogates, a byte order mark, floats, integers beyond 2^53-1, more
    /// than 127 levels, or no JSON at all.
    #[error("not JSON as it may be hashed: {0}")]
    Json(#[from] serde_json::Error),
    /// It has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

/// Reads JSON of at most `limit` bytes: no duplicate keys (RFC 7493, section 2.3), no lone surrogates (2.1), no floats, no
/// integers beyond 2^53-1 (2.2), no byte order mark, nothing after the value.
///
/// # Errors
/// When the bytes are anything else.
pub fn admit(bytes: &[u8], limit: usize) -> Result<Value, AdmitError> {
    if bytes.len() > limit {
        return Err(AdmitError::TooLong { got: bytes.len(), limit });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let Strict(value) = Strict::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// The canonical bytes (RFC 8785) of JSON that somebody else wrote: what is hashed to compare with a `payloadHash`.
///
/// # Errors
/// When the bytes are not admitted.
pub fn admit_canonical(bytes: &[u8], limit: usize) -> Result<Vec<u8>, AdmitError> {
    Ok(canonical_bytes(&admit(bytes, limit)?)?)
}

struct Strict(Value);

impl<'de> serde::Deserialize<'de> for Strict {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

/// serde_json itself refuses lone surrogates, byte order marks, control characters in texts and deep nesting; what it lets
/// pass is refused here.
struct Reader;

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        if value > MAX_SAFE_INTEGER {
            return Err(E::custom(format_args!("got the integer {value}, expected at most 2^53-1")));
        }
        Ok(Value::from(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > MAX_SAFE_INTEGER {
            return Err(E::custom(format_args!("got the integer {value}, expected at least -(2^53-1)")));
        }
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Err(E::custom(format_args!("got the number {value}, expected an integer")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Reader)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(Reader)?;
            if object.contains_key(&key) {
                let key = sigma_core::printable(&key, 80);
                return Err(A::Error::custom(format_args!("got the key `{key}` twice, expected it once")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(input: &[u8], reason: &str) {
        let error = admit(input, 1 << 20).expect_err(&String::from_utf8_lossy(input)).to_string();
        assert!(error.contains(reason), "got `{error}`, expected `{reason}`");
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        refused(br#"{"a":1,"a":1}"#, "`a` twice");
        refused(br#"{"a":{"b":[{"c":1,"\u0063":2}]}}"#, "`c` twice");
        refused(br#"["\ud800"]"#, "hex escape");
        refused(br#"["\udc00x"]"#, "surrogate");
        refused(br#"{"\ud800":1}"#, "hex escape");
        refused(b"[\"\xed\xa0\x80\"]", "unicode");
        refused(b"[\"\xc0\x80\"]", "unicode");
        refused(b"\xef\xbb\xbf[]", "expected value");
        refused(b"[9007199254740992]", "2^53-1");
        refused(b"[-9007199254740992]", "2^53-1");
        refused(b"[18446744073709551616]", "expected an integer");
        refused(b"[1.0]", "expected an integer");
        refused(b"[1e2]", "expected an integer");
        refused(b"[-0]", "expected an integer");
        refused(b"[01]", "invalid number");
        refused(b"[NaN]", "expected value");
        refused(b"[1e999]", "out of range");
        refused(b"[1,]", "trailing comma");
        refused(b"[] []", "trailing characters");
        refused(b"[\"\n\"]", "control character");
        refused(b"", "EOF");
        refused(&vec![b'['; 100_000], "recursion limit");
        assert!(matches!(admit(b"[1]", 2), Err(AdmitError::TooLong { got: 3, limit: 2 })));
    }

    #[test]
    fn what_is_admitted_has_the_bytes_of_rfc_8785() {
        let read = |input: &[u8]| String::from_utf8(admit_canonical(input, 1 << 20).unwrap()).unwrap();
        assert_eq!(
            read(br#" { "b" : [ 9007199254740991 , -9007199254740991, 0 ] , "a" : "\u20ac\/" } "#),
            "{\"a\":\"€/\",\"b\":[9007199254740991,-9007199254740991,0]}"
        );
        // UTF-16 order: the emoji's first half sorts before U+FB33.
        assert_eq!(read("{\"\u{fb33}\":1,\"\u{1f600}\":2}".as_bytes()), "{\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }
}
