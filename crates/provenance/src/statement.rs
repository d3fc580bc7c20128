//! In-toto statements (v0.1 and v1): which file they are about, and what they say.

use serde::Deserialize;
use serde_json::Value;

use crate::refusal::Refusal;

const TYPES: [&str; 2] = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"];

/// A statement about exactly one file.
pub(crate) struct Statement {
    pub name: String,
    pub sha256: Option<String>,
    pub sha512: Option<String>,
    pub predicate_type: String,
    pub predicate: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    #[serde(default)]
    predicate: Value,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: Digest,
}

#[derive(Deserialize)]
struct Digest {
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    sha512: Option<String>,
}

impl Statement {
    /// Reads a payload. One that is about several files is refused: it would let one of them stand for another.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let wire: Wire = serde_json::from_slice(bytes)
            .map_err(|error| Refusal::invalid(format!("the payload is no in-toto statement: {error}")))?;
        if !TYPES.contains(&wire.kind.as_str()) {
            return Err(Refusal::invalid(format!("got a statement of type `{}`", wire.kind)));
        }
        let count = wire.subject.len();
        let Ok([subject]) = <[Subject; 1]>::try_from(wire.subject) else {
            return Err(Refusal::invalid(format!("got a statement about {count} files, expected one")));
        };
        let Subject { name, digest: Digest { sha256, sha512 } } = subject;
        Ok(Self { name, sha256, sha512, predicate_type: wire.predicate_type, predicate: wire.predicate })
    }
}

/// Refuses a digest that is not the expected one, in hexadecimal.
pub(crate) fn same_digest(got: Option<&str>, expected: &str) -> Result<(), Refusal> {
    match got {
        Some(got) if got.eq_ignore_ascii_case(expected) => Ok(()),
        Some(_) => Err(Refusal::invalid("the statement is about other bytes: its digest is not that of the file")),
        None => Err(Refusal::invalid("the statement has no digest of the kind that this ecosystem uses")),
    }
}
