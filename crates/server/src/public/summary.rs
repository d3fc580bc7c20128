//! A certificate in a list.

use serde::Serialize;
use sigma_certificate::{
    CertificateStatus, Endpoints, PackageCertificate, PackagePayload, Since, effective_level, status,
};
use sigma_core::{AnalysisType, CouncilVerdict, Ecosystem, SecurityLevel, Sha256, Timestamp};
use sigma_store::{Listed, StoreError};
use utoipa::ToSchema;

/// What lists tell of a certificate.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    /// `pypi` or `npm`.
    registry_source: Ecosystem,
    /// Normalised name.
    package_name: String,
    /// Exact version.
    package_version: String,
    /// SHA-256 of the distribution that an installer prefers.
    distribution_sha256: Sha256,
    /// The verdict that holds now.
    council_verdict: CouncilVerdict,
    /// The level that holds now.
    security_level: SecurityLevel,
    /// ACTIVE, REVOKED, BLOCKED or OVERRIDDEN.
    status: CertificateStatus,
    /// FULL, PARTIAL or BINARY_ONLY.
    analysis_type: AnalysisType,
    /// When it was sealed.
    certified_at: Timestamp,
    /// The certificate's id.
    certificate_id: String,
    /// Where to verify it.
    verify_endpoint: String,
}

impl Summary {
    pub(crate) fn of(listed: &Listed, endpoints: &Endpoints) -> Result<Self, StoreError> {
        let record = &listed.record;
        let payload: PackagePayload = serde_json::from_slice(&record.payload).map_err(|error| StoreError::Damaged {
            what: format!("certificate {}", record.id),
            why: error.to_string(),
        })?;
        let decision = record.decision.as_ref();
        Ok(Self {
            registry_source: payload.registry_source,
            verify_endpoint: endpoints.verify(payload.registry_source, &payload.package_name, &payload.package_version),
            package_name: payload.package_name,
            package_version: payload.package_version,
            distribution_sha256: payload.distribution_sha256,
            council_verdict: decision.map_or(payload.council_verdict, |decision| decision.action.verdict()),
            security_level: effective_level(payload.security_level, decision),
            status: status(decision),
            analysis_type: payload.analysis_type,
            certified_at: payload.certified_at,
            certificate_id: record.id.clone(),
        })
    }
}

/// Opens a stored certificate, and refuses changed bytes.
pub(crate) fn open(listed: &Listed) -> Result<PackageCertificate, StoreError> {
    let record = &listed.record;
    let damaged = |why: String| StoreError::Damaged { what: format!("certificate {}", record.id), why };
    PackageCertificate::reopen(&record.id, record.payload.clone()).map_err(|error| damaged(error.to_string()))
}

/// What became known since it was sealed.
pub(crate) fn since(listed: &Listed) -> Since<'_> {
    let record = &listed.record;
    let (decision, advisories) = (record.decision.as_ref(), record.advisories.as_ref());
    Since { decision, advisories, flags: 0, on_chain: None }
}
