//! PyPI's provenance object (PEP 740): bundles of attestations, each with the publisher that the index knows.
//!
//! In: `{"version": 1, "attestation_bundles": [{"publisher", "attestations"}]}`. Out: who published. The attestations of PEP
//! 740 are no sigstore bundles: envelope, certificate and log entries are put together into one. The index's word on the
//! publisher must be that of the certificate.

use serde::Deserialize;
use serde_json::{Value, json};
use sigma_core::{PublisherIdentity, printable};
use sigstore_verify::types::HashAlgorithm;

use crate::bundle::{self, Signer, Verified};
use crate::filename::same_file;
use crate::identity::identity;
use crate::refusal::Refusal;
use crate::statement::same_digest;
use crate::{Attested, Holds, MAX_ATTESTATIONS, Roots};

/// The predicates that PyPI takes.
const PREDICATES: [&str; 2] = ["https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1"];

#[derive(Deserialize)]
struct Document {
    version: u32,
    attestation_bundles: Vec<PublisherBundle>,
}

#[derive(Deserialize)]
struct PublisherBundle {
    publisher: Publisher,
    attestations: Vec<Attestation>,
}

/// What the index says of the publisher; which fields there are follows from the kind.
#[derive(Deserialize)]
struct Publisher {
    kind: String,
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    workflow: Option<String>,
    #[serde(default)]
    workflow_filepath: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Deserialize)]
struct Attestation {
    version: u32,
    verification_material: Material,
    envelope: Envelope,
}

#[derive(Deserialize)]
struct Material {
    certificate: String,
    transparency_entries: Vec<Value>,
    /// RFC 3161 timestamps over the signature: PEP 740 allows further keys, and PyPI's attestations have these since 2025.
    #[serde(default)]
    timestamps: Vec<String>,
}

#[derive(Deserialize)]
struct Envelope {
    statement: String,
    signature: String,
}

pub(crate) fn verify(roots: &Roots, attested: Attested<'_>, document: &[u8]) -> Result<Holds, Refusal> {
    let document: Document = serde_json::from_slice(document)
        .map_err(|error| Refusal::invalid(format!("the answer is no provenance object: {error}")))?;
    if document.version != 1 {
        return Err(Refusal::Unsupported(format!("got a provenance object of version {}", document.version)));
    }
    let count: usize = document.attestation_bundles.iter().map(|bundle| bundle.attestations.len()).sum();
    if count > MAX_ATTESTATIONS {
        return Err(Refusal::invalid(format!("got {count} attestations, expected at most {MAX_ATTESTATIONS}")));
    }
    let mut holds: Option<Holds> = None;
    for PublisherBundle { publisher, attestations } in document.attestation_bundles {
        for attestation in attestations {
            let Verified { statement, signer, logged_at } = attestation.verify(roots, attested)?;
            if !PREDICATES.contains(&statement.predicate_type.as_str()) {
                let kind = printable(&statement.predicate_type, 120);
                return Err(Refusal::Unsupported(format!("got an attestation of type `{kind}`")));
            }
            if !same_file(&statement.name, attested.filename) {
                return Err(Refusal::invalid(format!(
                    "the statement is about `{}`, expected `{}`",
                    printable(&statement.name, 100),
                    attested.filename
                )));
            }
            same_digest(statement.sha256.as_deref(), &attested.digests.sha256.to_string())?;
            let Signer::Certificate(certificate) = signer else {
                return Err(Refusal::invalid("got a signature of a key, expected one with a certificate"));
            };
            let signer = identity(&certificate)?;
            publisher.agrees(&signer)?;
            match &mut holds {
                Some(holds) => holds.predicates.push(statement.predicate_type),
                None => {
                    holds = Some(Holds { publisher: signer, predicates: vec![statement.predicate_type], logged_at });
                }
            }
        }
    }
    holds.ok_or_else(|| Refusal::invalid("the provenance object holds no attestation"))
}

impl Attestation {
    /// As a sigstore bundle, which it is in other words.
    fn verify(self, roots: &Roots, attested: Attested<'_>) -> Result<Verified, Refusal> {
        if self.version != 1 {
            return Err(Refusal::Unsupported(format!("got an attestation of version {}", self.version)));
        }
        let timestamps: Vec<Value> =
            self.verification_material.timestamps.iter().map(|one| json!({"signedTimestamp": one})).collect();
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": self.verification_material.certificate},
                "tlogEntries": self.verification_material.transparency_entries,
                "timestampVerificationData": {"rfc3161Timestamps": timestamps},
            },
            "dsseEnvelope": {
                "payload": self.envelope.statement,
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": self.envelope.signature}],
            },
        });
        bundle::verify(roots, bundle, HashAlgorithm::Sha2256, attested.digests.sha256.as_bytes())
    }
}

impl Publisher {
    /// Refuses a certificate that names somebody else.
    fn agrees(&self, signer: &PublisherIdentity) -> Result<(), Refusal> {
        let host = match self.kind.as_str() {
            "GitHub" => "https://github.com/",
            "GitLab" => "https://gitlab.com/",
            "Google" => {
                let same = signer.kind == "Google" && self.email.as_deref() == Some(signer.subject.as_str());
                return if same { Ok(()) } else { Err(self.differs(signer)) };
            }
            kind => return Err(Refusal::Unsupported(format!("got a publisher of kind `{}`", printable(kind, 40)))),
        };
        let repository = self.repository.as_deref().map(|name| format!("{host}{name}"));
        let workflow = match self.kind.as_str() {
            "GitHub" => self.workflow.as_deref().map(|file| format!(".github/workflows/{file}")),
            _ => self.workflow_filepath.clone(),
        };
        // Hosts do not tell capitals apart in names of repositories; in names of files they do.
        let same_repository = match (&repository, &signer.repository) {
            (Some(said), Some(signed)) => said.eq_ignore_ascii_case(signed),
            _ => false,
        };
        if signer.kind == self.kind && same_repository && workflow.is_some() && workflow == signer.workflow {
            return Ok(());
        }
        Err(self.differs(signer))
    }

    fn differs(&self, signer: &PublisherIdentity) -> Refusal {
        let said = self.repository.as_ref().or(self.email.as_ref()).map_or("nobody", String::as_str);
        Refusal::invalid(format!(
            "the index names {} {} as the publisher, the certificate {}",
            printable(&self.kind, 20),
            printable(said, 100),
            signer.words()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: Value, signed: (&str, &str, Option<&str>, Option<&str>), expect: bool) {
        let (kind, subject, repository, workflow) = signed;
        let signer = PublisherIdentity {
            kind: kind.to_owned(),
            issuer: "https://issuer.example".to_owned(),
            subject: subject.to_owned(),
            repository: repository.map(str::to_owned),
            repository_id: None,
            owner: None,
            owner_id: None,
            workflow: workflow.map(str::to_owned),
            source_ref: None,
            commit: None,
            builder: None,
            run: None,
        };
        let publisher: Publisher = serde_json::from_value(said.clone()).unwrap();
        assert_eq!(publisher.agrees(&signer).is_ok(), expect, "{said} {signer:?}");
    }

    #[test]
    fn the_index_and_the_certificate_must_name_the_same_publisher() {
        let github =
            json!({"kind": "GitHub", "repository": "Acme/demo", "workflow": "release.yml", "environment": "pypi"});
        let (repository, workflow) = (Some("https://github.com/acme/demo"), Some(".github/workflows/release.yml"));
        check(github.clone(), ("GitHub", "s", repository, workflow), true);
        check(github.clone(), ("GitLab", "s", repository, workflow), false);
        check(github.clone(), ("GitHub", "s", Some("https://github.com/acme/other"), workflow), false);
        check(github.clone(), ("GitHub", "s", repository, Some(".github/workflows/Release.yml")), false);
        check(github, ("GitHub", "s", repository, None), false);
        check(json!({"kind": "GitHub"}), ("GitHub", "s", None, None), false);

        let gitlab = json!({"kind": "GitLab", "repository": "acme/group/demo", "workflow_filepath": "ci/release.yml"});
        let repository = Some("https://gitlab.com/acme/group/demo");
        check(gitlab.clone(), ("GitLab", "s", repository, Some("ci/release.yml")), true);
        check(gitlab, ("GitLab", "s", repository, Some(".gitlab-ci.yml")), false);

        let google = json!({"kind": "Google", "email": "ci@acme.example"});
        check(google.clone(), ("Google", "ci@acme.example", None, None), true);
        check(google.clone(), ("Google", "evil@acme.example", None, None), false);
        check(google, ("GitHub", "ci@acme.example", None, None), false);
        check(json!({"kind": "Google"}), ("Google", "", None, None), false);
    }
}
