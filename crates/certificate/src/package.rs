//! Package certificates: payload, sealing, and the public view.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use sigma_core::{
    Advisory, AdvisorySeverity, AdvisorySnapshot, AdvisoryState, AnalysisType, Ballot, Capability, CouncilVerdict,
    Coverage, DistributionKind, Ecosystem, PackageId, PackageName, Phase, SecurityLevel, Sha1, Sha256, Sha512,
    SubmissionCategory, Timestamp, Vote, Warning,
};

use crate::{CanonicalError, DeltaEntry, PackageExecution, ProvenanceEntry, canonical_bytes, content_id, payload_hash};

/// How `payloadHash` is computed, as the public API names it.
pub const PAYLOAD_HASH_ALGORITHM: &str = "keccak256-canonical-json-v1";

/// The schema of a package certificate, and the domain that its id is hashed under.
pub const SCHEMA: &str = "sigma-package-certificate/1";

/// Why a payload cannot be sealed, or stored bytes are not a certificate.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It has no canonical bytes.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// The bytes are not a payload.
    #[error("not a package certificate: {0}")]
    Payload(#[from] serde_json::Error),
    /// The bytes are a payload, but not in canonical form: they were changed.
    #[error("the bytes are not the canonical form of their content")]
    NotCanonical,
    /// The bytes are not those that were sealed under an id.
    #[error("got the bytes of {got}, expected those of {expected}")]
    Other {
        /// Whose bytes they are.
        got: String,
        /// Whose they should be.
        expected: String,
    },
    /// An escalated round certifies nothing.
    #[error("the council escalated {0}; nothing may be certified before an operator decides")]
    Escalated(PackageId),
    /// The same for a submission.
    #[error("the council escalated {0}; nothing may be certified before an operator decides")]
    EscalatedSubmission(String),
    /// A submission's blocks are not those of its category.
    #[error("the blocks are not those of a certificate of {0}")]
    Blocks(SubmissionCategory),
}

/// What is sealed. Everything that is only known later (the id, endpoints, log position, chain receipt, revocation)
/// is outside, in the view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackagePayload {
    /// `sigma-package-certificate/1`.
    pub schema: String,
    /// `pypi` or `npm`.
    pub registry_source: Ecosystem,
    /// Normalised name.
    pub package_name: String,
    /// Exact version.
    pub package_version: String,
    /// SHA-256 of the distribution that an installer prefers.
    pub distribution_sha256: Sha256,
    /// APPROVED or REJECTED.
    pub council_verdict: CouncilVerdict,
    /// CLEAR, MONITORED, CAUTION or BLOCKED.
    pub security_level: SecurityLevel,
    /// Concerns that stay with the certificate, most serious first.
    pub retained_warnings: Vec<Warning>,
    /// FULL, PARTIAL or BINARY_ONLY.
    pub analysis_type: AnalysisType,
    /// When it was sealed.
    pub certified_at: Timestamp,
    /// `sha256-sorted-files-v1` over the files inside the preferred distribution.
    pub file_set_hash: Sha256,
    /// Every distribution that was read, the preferred one first.
    pub distributions: Vec<DistributionEntry>,
    /// Files of the same release that were not read (wheels for other platforms).
    pub unread_distributions: Vec<String>,
    /// What the code is able to do, over all distributions read.
    pub capabilities: Vec<Capability>,
    /// What runs when it is installed.
    pub install_hooks: Vec<String>,
    /// PEP 592: yanked, with the reason.
    pub yanked: Option<String>,
    /// npm: deprecated, with the message.
    pub deprecated: Option<String>,
    /// The account that uploaded this version; `null` when the ecosystem does not say.
    pub publisher: Option<String>,
    /// The accounts that could upload when this version appeared; `null` when the ecosystem does not say.
    pub maintainers: Option<Vec<String>>,
    /// What is new since the last version that was certified before; `null` when there was none, which is not "nothing".
    pub delta: Option<DeltaEntry>,
    /// `listed` or `unavailable`: whether the advisory source answered.
    pub registry_advisory_state: String,
    /// Who was asked for advisories, and why there is no answer if there is none.
    pub registry_advisory_source: String,
    /// When the advisories were asked for.
    pub registry_advisories_at: Timestamp,
    /// How many advisories cover this version; `null` when unavailable, which is not 0.
    pub registry_advisory_count: Option<u64>,
    /// The highest severity among them.
    pub registry_advisory_highest_severity: Option<AdvisorySeverity>,
    /// The same in a sentence.
    pub registry_advisory_summary: String,
    /// The advisories.
    pub registry_advisories: Vec<Advisory>,
    /// Id of the council round.
    pub round_id: String,
    /// How each validator voted.
    pub ballots: Vec<BallotLine>,
    /// How the verdict follows from the ballots.
    pub council_rationale: String,
    /// Version of the static rules.
    pub ruleset_version: String,
    /// SHA-256 of the report's canonical bytes: who repeats the analysis gets the same.
    pub report_hash: Sha256,
    /// Id of the certificate that this one replaces.
    pub supersedes: Option<String>,
    /// What was not checked, in sentences.
    pub disclosures: Vec<String>,
    /// What the ecosystem attests about where it comes from. Certificates from before this was looked at have no such field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_provenance: Option<ProvenanceEntry>,
    /// What the package's commands did in isolation. Absent where nobody asked for that: then nothing of it was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<PackageExecution>,
}

/// One distribution that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DistributionEntry {
    /// File name.
    pub filename: String,
    /// Wheel, sdist or npm tarball.
    pub kind: DistributionKind,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// SHA-512 of its bytes.
    pub sha512: Sha512,
    /// SHA-1 of its bytes (npm `shasum`).
    pub sha1: Sha1,
    /// `sha256-sorted-files-v1` over the files inside.
    pub file_set_hash: Sha256,
    /// What was read of it.
    pub coverage: CoverageSummary,
}

/// Coverage in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CoverageSummary {
    /// Files inside.
    pub files: u64,
    /// Their unpacked size in bytes.
    pub bytes: u64,
    /// Files in a language that is analysed.
    pub source_files: u64,
    /// Their size in bytes.
    pub source_bytes: u64,
    /// Source files parsed completely.
    pub parsed: u64,
    /// Source files read by the token scan.
    pub token_scanned: u64,
    /// Native and compiled files, flagged and not decompiled.
    pub binaries: u64,
    /// Places that were not read at all.
    pub gaps: u64,
}

impl From<&Coverage> for CoverageSummary {
    fn from(coverage: &Coverage) -> Self {
        let read = coverage.skipped.iter().filter(|skipped| !skipped.reason.is_gap()).count() as u64;
        Self {
            files: coverage.files,
            bytes: coverage.bytes,
            source_files: coverage.source_files,
            source_bytes: coverage.source_bytes,
            parsed: coverage.parsed,
            token_scanned: coverage.token_scanned,
            binaries: coverage.binaries.len() as u64,
            gaps: coverage.skipped_total.saturating_sub(read),
        }
    }
}

/// One validator's vote, without its reasons (those are in the warnings and in the stored round).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BallotLine {
    /// The validator.
    pub validator: String,
    /// Its panel.
    pub phase: Phase,
    /// Its vote.
    pub vote: Vote,
    /// The level it proposed.
    pub level: SecurityLevel,
}

impl From<&Ballot> for BallotLine {
    fn from(ballot: &Ballot) -> Self {
        Self { validator: ballot.validator.clone(), phase: ballot.phase, vote: ballot.vote, level: ballot.level }
    }
}

impl PackagePayload {
    /// The schema that this version writes.
    pub fn schema() -> String {
        SCHEMA.to_owned()
    }

    /// The certified package.
    pub fn package(&self) -> Result<PackageId, sigma_core::NameError> {
        PackageId::new(PackageName::new(self.registry_source, &self.package_name)?, &self.package_version)
    }

    /// Fills the seven advisory fields from a snapshot. `when` ends the sentences, such as `at certification time`.
    pub fn advisory_fields(snapshot: &AdvisorySnapshot, when: &str) -> AdvisoryFields {
        match &snapshot.state {
            AdvisoryState::Unavailable { reason } => AdvisoryFields {
                state: "unavailable".to_owned(),
                source: format!("{}: {reason}", snapshot.source),
                at: snapshot.queried_at,
                count: None,
                highest: None,
                summary: format!(
                    "Registry security advisories were unavailable {when}; nothing is known about this exact package \
                     version."
                ),
                advisories: Vec::new(),
            },
            AdvisoryState::Listed { advisories } => {
                let highest = advisories.iter().map(|advisory| advisory.severity).max();
                let summary = match (advisories.len(), highest) {
                    (0, _) | (_, None) => format!(
                        "No known registry security advisories were listed for this exact package version {when}."
                    ),
                    (1, Some(highest)) => format!(
                        "1 registry security advisory ({highest}) was listed for this exact package version {when}."
                    ),
                    (count, Some(highest)) => format!(
                        "{count} registry security advisories (highest severity {highest}) were listed for this exact \
                         package version {when}."
                    ),
                };
                AdvisoryFields {
                    state: "listed".to_owned(),
                    source: snapshot.source.clone(),
                    at: snapshot.queried_at,
                    count: Some(advisories.len() as u64),
                    highest,
                    summary,
                    advisories: advisories.clone(),
                }
            }
        }
    }
}

/// The advisory part of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvisoryFields {
    /// See [`PackagePayload::registry_advisory_state`].
    pub state: String,
    /// See [`PackagePayload::registry_advisory_source`].
    pub source: String,
    /// See [`PackagePayload::registry_advisories_at`].
    pub at: Timestamp,
    /// See [`PackagePayload::registry_advisory_count`].
    pub count: Option<u64>,
    /// See [`PackagePayload::registry_advisory_highest_severity`].
    pub highest: Option<AdvisorySeverity>,
    /// See [`PackagePayload::registry_advisory_summary`].
    pub summary: String,
    /// See [`PackagePayload::registry_advisories`].
    pub advisories: Vec<Advisory>,
}

/// A sealed certificate: the canonical bytes are the certificate, the rest follows from them.
#[derive(Debug, Clone)]
pub struct PackageCertificate {
    id: String,
    payload: PackagePayload,
    canonical: Vec<u8>,
    /// Made when somebody asks for it: most who open a certificate do not, and keccak is the dearest of all that opening takes.
    payload_hash: OnceLock<String>,
}

impl PartialEq for PackageCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for PackageCertificate {}

impl PackageCertificate {
    /// Seals a payload.
    pub fn seal(payload: PackagePayload) -> Result<Self, SealError> {
        if payload.council_verdict == CouncilVerdict::Escalated
            && let Ok(package) = payload.package()
        {
            return Err(SealError::Escalated(package));
        }
        let canonical = canonical_bytes(&payload)?;
        Ok(Self::from_parts(payload, canonical))
    }

    /// Reads stored bytes back, and refuses bytes that are not exactly what sealing their content would give.
    pub fn open(canonical: Vec<u8>) -> Result<Self, SealError> {
        let payload: PackagePayload = serde_json::from_slice(&canonical)?;
        if canonical_bytes(&payload)? != canonical {
            return Err(SealError::NotCanonical);
        }
        Ok(Self::from_parts(payload, canonical))
    }

    /// Reads back what was sealed under an id, from where only what was sealed is kept. Bytes that hash to the id are the very
    /// bytes that were sealed, and those are canonical: they are not written a second time to be compared.
    ///
    /// # Errors
    /// When the bytes are another certificate's, or none.
    pub fn reopen(id: &str, canonical: Vec<u8>) -> Result<Self, SealError> {
        let got = content_id("pkg", SCHEMA, &canonical);
        if got != id {
            return Err(SealError::Other { got, expected: id.to_owned() });
        }
        let payload = serde_json::from_slice(&canonical)?;
        Ok(Self { id: got, payload, canonical, payload_hash: OnceLock::new() })
    }

    fn from_parts(payload: PackagePayload, canonical: Vec<u8>) -> Self {
        let id = content_id("pkg", SCHEMA, &canonical);
        Self { id, payload, canonical, payload_hash: OnceLock::new() }
    }

    /// `pkg_` and 32 characters that follow from the canonical bytes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What was sealed.
    pub fn payload(&self) -> &PackagePayload {
        &self.payload
    }

    /// The bytes that were hashed.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// keccak256 of the canonical bytes, `0x...`.
    pub fn payload_hash(&self) -> &str {
        self.payload_hash.get_or_init(|| payload_hash(&self.canonical))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &str = include_str!("../../../docs/verify/vectors/bundle/certificate_bundle.json");

    #[test]
    fn what_was_sealed_is_reopened_and_nothing_else() {
        let bundle: serde_json::Value = serde_json::from_str(BUNDLE).unwrap();
        let bytes = canonical_bytes(&bundle["payload"]).unwrap();
        let opened = PackageCertificate::open(bytes.clone()).unwrap();
        let reopened = PackageCertificate::reopen(opened.id(), bytes.clone()).unwrap();
        assert_eq!((reopened.payload(), reopened.payload_hash()), (opened.payload(), opened.payload_hash()));
        assert_eq!((reopened.id(), reopened.canonical()), (opened.id(), opened.canonical()));

        let refused = |bytes: Vec<u8>| PackageCertificate::reopen(opened.id(), bytes).unwrap_err().to_string();
        let changed = String::from_utf8(bytes.clone()).unwrap().replacen("\"CLEAR\"", "\"BLOCKED\"", 1).into_bytes();
        let spaced = [bytes.as_slice(), b" "].concat();
        assert!(PackageCertificate::open(changed.clone()).is_ok_and(|other| other.id() != opened.id()));
        for other in [changed, spaced, bytes[..bytes.len() - 1].to_vec(), Vec::new()] {
            let expect =
                format!("got the bytes of {}, expected those of {}", content_id("pkg", SCHEMA, &other), opened.id());
            assert_eq!(refused(other), expect);
        }
        let no_payload = b"{}".to_vec();
        let id = content_id("pkg", SCHEMA, &no_payload);
        assert!(matches!(PackageCertificate::reopen(&id, no_payload), Err(SealError::Payload(_))));
    }
}
