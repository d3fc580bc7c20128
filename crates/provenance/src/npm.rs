//! npm's attestations of a tarball: the build's provenance (SLSA), signed by the workload that built it, and the registry's
//! own publish attestation, signed with the registry's key.
//!
//! In: `{"attestations": [{"predicateType", "bundle"}]}`, as `/-/npm/v1/attestations/<name>@<version>` answers. Out: who
//! published. Both must be there and hold, and everything else that is there must hold too.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use sigma_core::printable;
use sigstore_verify::types::HashAlgorithm;

use crate::bundle::{self, Signer, Verified};
use crate::identity::identity;
use crate::refusal::Refusal;
use crate::statement::{Statement, same_digest};
use crate::{Attested, Holds, MAX_ATTESTATIONS, Roots};

const PROVENANCE: &str = "https://slsa.dev/provenance/v";
const PUBLISH: &str = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";

#[derive(Deserialize)]
struct Document {
    attestations: Vec<Attestation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attestation {
    predicate_type: String,
    bundle: Value,
}

pub(crate) fn verify(roots: &Roots, attested: Attested<'_>, document: &[u8]) -> Result<Holds, Refusal> {
    let document: Document = serde_json::from_slice(document)
        .map_err(|error| Refusal::invalid(format!("the answer is no list of attestations: {error}")))?;
    if document.attestations.len() > MAX_ATTESTATIONS {
        return Err(Refusal::invalid(format!("got more than {MAX_ATTESTATIONS} attestations")));
    }
    let (mut publisher, mut published) = (None, false);
    let (mut predicates, mut logged_at) = (Vec::new(), None);
    for Attestation { predicate_type, bundle } in document.attestations {
        let Verified { statement, signer, logged_at: at } =
            bundle::verify(roots, bundle, HashAlgorithm::Sha2512, attested.digests.sha512.as_bytes())?;
        about(&statement, attested)?;
        if statement.predicate_type != predicate_type {
            return Err(Refusal::invalid("the registry announces another predicate than the statement has"));
        }
        match signer {
            Signer::Certificate(certificate) if predicate_type.starts_with(PROVENANCE) => {
                let signer = identity(&certificate)?;
                if publisher.replace(signer).is_some() {
                    return Err(Refusal::invalid("got two provenance attestations, expected one"));
                }
                logged_at = at;
            }
            Signer::Npm if predicate_type == PUBLISH => {
                names(&statement, attested)?;
                published = true;
            }
            Signer::Npm => return Err(Refusal::invalid("the registry signed what is no publish attestation")),
            Signer::Certificate(_) if predicate_type == PUBLISH => {
                return Err(Refusal::invalid("the publish attestation is not signed by the registry"));
            }
            Signer::Certificate(_) => {}
        }
        predicates.push(printable(&predicate_type, 200));
    }
    let publisher = publisher.ok_or_else(|| Refusal::invalid("there is no provenance attestation"))?;
    if !published {
        return Err(Refusal::invalid("there is no publish attestation of the registry"));
    }
    Ok(Holds { publisher, predicates, logged_at })
}

/// The subject is the package's purl and the tarball's SHA-512. Scopes are written `%40scope` or `@scope`.
fn about(statement: &Statement, attested: Attested<'_>) -> Result<(), Refusal> {
    let decoded = percent_decode_str(&statement.name).decode_utf8_lossy();
    let expected = format!("pkg:npm/{}@{}", attested.package.name(), attested.package.version());
    if decoded != expected {
        return Err(Refusal::invalid(format!("the statement is about `{decoded}`, expected `{expected}`")));
    }
    same_digest(statement.sha512.as_deref(), &attested.digests.sha512.to_string())
}

/// The registry says which name and version it published.
fn names(statement: &Statement, attested: Attested<'_>) -> Result<(), Refusal> {
    let is = |field: &str, expected: &str| statement.predicate[field].as_str() == Some(expected);
    if is("name", attested.package.name().as_str()) && is("version", attested.package.version()) {
        return Ok(());
    }
    Err(Refusal::invalid("the registry's publish attestation is about another package or version"))
}
