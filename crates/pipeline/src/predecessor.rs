//! The last certified version before a release, and what is new since.
//!
//! In: packages to be audited, then their reports. Out: [`Delta`]s. A predecessor is a lower version of the same package
//! whose certificate is not BLOCKED and does not stand at CAUTION for what was new in it: what one hijacked version brought
//! must not be ordinary in the next. Without one there is no delta, which is disclosed.

use std::cmp::Ordering;
use std::collections::HashMap;

use sigma_analysis::analysis_type;
use sigma_certificate::{DistributionEntry, PackageCertificate};
use sigma_core::{Delta, ExpectedDigest, PackageId, People, Report, SecurityLevel, order_versions};
use sigma_ecosystem::Hashed;
use sigma_store::CertifiedVersion;

use crate::audit_package::Bytes;
use crate::{AuditError, Hall};

/// Versions that are looked at for a predecessor. A package whose last 40 certified versions all stand at CAUTION for what
/// was new in them has no state to compare with.
const MAX_LOOKED_AT: usize = 40;

impl Hall {
    /// The predecessor of each package. Taken for all of an audit before any of it is certified, so that the outcome does
    /// not depend on which of two versions in one project is finished first.
    pub(crate) async fn predecessors(
        &self,
        packages: &[PackageId],
    ) -> Result<HashMap<PackageId, PackageCertificate>, AuditError> {
        let mut found = HashMap::new();
        for package in packages {
            let certified = self.store.certified_versions(package.name()).await?;
            for candidate in below(package, certified, self.analyser.ruleset()).into_iter().take(MAX_LOOKED_AT) {
                let Ok(version) = PackageId::new(package.name().clone(), &candidate.version) else { continue };
                // Without their reports, which are large, and of which only the chosen one's is needed.
                let all = self.store.certificates_of(&version).await?;
                let Some(certificate) = all.into_iter().find(|one| one.id() == candidate.certificate) else { continue };
                let delta = certificate.payload().delta.as_ref();
                if delta.is_none_or(|delta| delta.security_level < SecurityLevel::Caution) {
                    found.insert(package.clone(), certificate);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// What is new in a report since its predecessor's.
    pub(crate) async fn delta(
        &self,
        predecessor: &PackageCertificate,
        report: &Report,
        people: &People,
    ) -> Result<Option<Delta>, AuditError> {
        let payload = predecessor.payload();
        let earlier = match self.again(predecessor).await? {
            Some(earlier) => Some(earlier),
            None => self.stored_report(predecessor).await?,
        };
        let earlier_people = People {
            publisher: payload.publisher.clone(),
            maintainers: payload.maintainers.as_ref().map(|names| names.iter().cloned().collect()),
        };
        Ok(earlier.map(|earlier| Delta::between((&earlier, &earlier_people), (report, people))))
    }

    /// The report that the certificate was sealed from.
    pub(crate) async fn stored_report(&self, certificate: &PackageCertificate) -> Result<Option<Report>, AuditError> {
        let Some(sealed) = self.store.certificate(certificate.id()).await? else { return Ok(None) };
        match serde_json::from_slice(&sealed.report) {
            Ok(report) => Ok(Some(report)),
            Err(error) => {
                tracing::warn!(certificate.id = certificate.id(), %error, "the stored report cannot be read");
                Ok(None)
            }
        }
    }

    /// The same distributions under today's ruleset, when they were certified under an older one and their bytes are still
    /// there: then everything can be compared, and a rule that is new does not make old code look new.
    async fn again(&self, certificate: &PackageCertificate) -> Result<Option<Report>, AuditError> {
        let payload = certificate.payload();
        let ruleset = self.analyser.ruleset();
        if payload.ruleset_version == ruleset {
            return Ok(None);
        }
        let Ok(package) = payload.package() else { return Ok(None) };
        let mut distributions = Vec::with_capacity(payload.distributions.len());
        for entry in &payload.distributions {
            let Some(bytes) = self.kept(entry).await? else { return Ok(None) };
            distributions.push(self.analyse_bytes(&package, bytes).await?.report);
        }
        let analysis_type = analysis_type(&distributions);
        Ok(Some(Report { package, ruleset: ruleset.to_owned(), analysis_type, distributions }))
    }

    /// The kept bytes of a certified distribution, if they still have its digest.
    async fn kept(&self, entry: &DistributionEntry) -> Result<Option<Bytes>, AuditError> {
        let Some(blob) = self.store.blobs().find(&[ExpectedDigest::from(entry.sha256)]).await? else { return Ok(None) };
        let path = blob.path.clone();
        let hashed = tokio::task::spawn_blocking(move || Hashed::read(&path)).await;
        let hashed = hashed.map_err(|error| AuditError::Internal(error.to_string()))?;
        let intact = hashed.ok().filter(|hashed| hashed.digests().sha256 == entry.sha256);
        Ok(intact.map(|hashed| Bytes {
            path: blob.path,
            filename: entry.filename.clone(),
            kind: entry.kind,
            digests: hashed.digests().clone(),
        }))
    }
}

/// The certified versions below a package's, highest first; of one version the certificate under today's ruleset first.
fn below(package: &PackageId, certified: Vec<CertifiedVersion>, ruleset: &str) -> Vec<CertifiedVersion> {
    let order = |a: &str, b: &str| order_versions(package.ecosystem(), a, b);
    let mut below: Vec<CertifiedVersion> =
        certified.into_iter().filter(|one| order(&one.version, package.version()) == Some(Ordering::Less)).collect();
    // The sort is stable: among equals the newest certificate stays first.
    below.sort_by(|a, b| {
        let current = |one: &CertifiedVersion| one.ruleset == ruleset;
        order(&b.version, &a.version).unwrap_or(Ordering::Equal).then(current(b).cmp(&current(a)))
    });
    below.dedup_by(|next, kept| next.version == kept.version);
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(package: &str, certified: &[(&str, &str)], expect: &[&str]) {
        let package: PackageId = package.parse().unwrap();
        let certified = certified.iter().map(|(version, ruleset)| CertifiedVersion {
            version: (*version).to_owned(),
            certificate: format!("{version} {ruleset}"),
            ruleset: (*ruleset).to_owned(),
        });
        let got: Vec<String> =
            below(&package, certified.collect(), "now").into_iter().map(|one| one.certificate).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn the_highest_lower_version_comes_first() {
        let all = [("1.9.0", "old"), ("1.10.0", "old"), ("2.0.0", "old"), ("1.9.0", "older")];
        check("npm:demo@1.11.0", &all, &["1.10.0 old", "1.9.0 old"]);
        check("npm:demo@1.9.0", &all, &[]);
        check("pypi:demo@1.10", &[("1.9", "old"), ("1.9", "now"), ("nonsense", "now")], &["1.9 now"]);
        check("npm:demo@1.0.0", &[("1.0.0-rc.1", "old"), ("1.0.0", "old")], &["1.0.0-rc.1 old"]);
    }
}
