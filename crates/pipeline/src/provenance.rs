//! What the ecosystem attests about a release: asked for, checked against the pinned roots, and laid beside what is known of
//! earlier versions.
//!
//! In: verified distributions, and the certificate of an earlier version. Out: [`UpstreamProvenance`]. It must never fail an
//! audit: what cannot be had is "unavailable", with its reason.

use std::sync::Arc;

use sigma_certificate::PackageCertificate;
use sigma_core::{Digests, Distribution, DistributionProvenance, PackageId, ProvenanceStatus, UpstreamProvenance};
use sigma_ecosystem::{Artifact, Attestations};
use sigma_provenance::{Attested, Roots};

use crate::Hall;

impl Hall {
    /// The provenance of the distributions that were fetched, in their order.
    pub(crate) async fn provenance(
        &self,
        package: &PackageId,
        artifacts: &[Artifact],
        predecessor: Option<&PackageCertificate>,
    ) -> UpstreamProvenance {
        let files: Vec<Distribution> = artifacts.iter().map(|artifact| artifact.distribution().clone()).collect();
        let served = self.ecosystems.attestations(package, &files).await;
        let mut distributions = Vec::with_capacity(artifacts.len());
        for (artifact, attestations) in artifacts.iter().zip(served) {
            let filename = &artifact.distribution().filename;
            let without = |status, reason: &str| DistributionProvenance::without(filename, status, reason);
            distributions.push(match attestations {
                Attestations::Served(document) => {
                    check(self.roots.clone(), package.clone(), filename.clone(), artifact.digests().clone(), document)
                        .await
                }
                Attestations::Absent => without(ProvenanceStatus::Absent, "the ecosystem announces none"),
                Attestations::Unavailable { reason } => without(ProvenanceStatus::Unavailable, &reason),
            });
        }
        let earlier = predecessor.map(PackageCertificate::payload);
        let previous =
            earlier.and_then(|payload| payload.upstream_provenance.as_ref()?.known(&payload.package_version));
        UpstreamProvenance { distributions, roots: Some(self.roots.digest()), previous }
    }
}

/// Checks a document on a thread that may compute: signatures take milliseconds. Certificates are read there that strangers
/// wrote: should that ever panic, one answer is missing and no audit.
async fn check(
    roots: Arc<Roots>,
    package: PackageId,
    filename: String,
    digests: Digests,
    document: Vec<u8>,
) -> DistributionProvenance {
    let name = filename.clone();
    let checked = tokio::task::spawn_blocking(move || {
        roots.verify(Attested { package: &package, filename: &filename, digests: &digests }, &document)
    });
    let broken = |_| {
        tracing::error!(distribution.filename = name, "checking the attestations broke down");
        DistributionProvenance::without(&name, ProvenanceStatus::Unavailable, "checking the attestations broke down")
    };
    checked.await.unwrap_or_else(broken)
}
