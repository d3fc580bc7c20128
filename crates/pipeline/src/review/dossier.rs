//! What the council is shown of a submission's dependencies.

use sigma_certificate::{CertificationStatus, PackageAnalysis, PackageEntry};
use sigma_core::{PackageFact, PackageFacts, PackageName};

use crate::BEYOND_DEPTH;

/// The dependencies as facts.
pub(super) fn packages(analysis: &PackageAnalysis) -> PackageFacts {
    let looked_at = |entry: &&PackageEntry| entry.reason.as_deref() != Some(BEYOND_DEPTH);
    let packages = analysis.packages.iter().filter(looked_at).map(fact).collect();
    PackageFacts { packages, beyond: analysis.transitive.beyond_depth + analysis.transitive.beyond_cap }
}

fn fact(entry: &PackageEntry) -> PackageFact {
    let id = entry.package_version.as_deref().and_then(|version| {
        let name = PackageName::new(entry.registry_source, &entry.package_name).ok()?;
        sigma_core::PackageId::new(name, version).ok()
    });
    let uncertified = match entry.status {
        CertificationStatus::CertifiedFromCache | CertificationStatus::AuditedThisSubmission => None,
        CertificationStatus::Uncertified | CertificationStatus::Refused => {
            Some(entry.reason.clone().unwrap_or_else(|| "no reason is known".to_owned()))
        }
    };
    PackageFact {
        package: id.as_ref().map_or_else(|| entry.package_name.clone(), ToString::to_string),
        id,
        depth: entry.dependency_type,
        level: entry.security_level,
        uncertified,
        warnings: entry.warnings.clone(),
    }
}
