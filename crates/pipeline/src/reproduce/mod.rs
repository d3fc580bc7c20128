//! The analysis behind a certificate, repeated: the same bytes, the same rules, and the hash of the report compared.
//!
//! In: what a certificate seals, and the report that it was sealed from, where somebody has it (it is believed where its hash is
//! the sealed one). Out: the same, or what differs. Nothing is stored but bytes that were fetched. What the council made of the
//! report, and runs in isolation, are not repeated.

mod difference;

use sigma_analysis::{analysis_type, compare};
use sigma_certificate::{
    CanonicalError, DistributionEntry, PackageCertificate, PackagePayload, SubmissionPayload, canonical_bytes,
    files_hash,
};
use sigma_core::{Distribution, ExpectedDigest, PackageId, Report, Sha256};
use sigma_ecosystem::FetchError;

use crate::audit_package::{Bytes, Shortfall};
use crate::review::{IntakeError, RepositoryRequest};
use crate::{AuditError, Hall, Silent};
use difference::{differences, files_between};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reproduced {
    /// The same report, to the byte.
    Same {
        /// Its hash.
        report_hash: Sha256,
    },
    /// Another one.
    Different {
        /// The hash of today's report.
        got: Sha256,
        /// The sealed one.
        expected: Sha256,
        /// What differs, in sentences; `None` where the sealed report is not at hand, or is not the one that was sealed.
        differences: Option<Vec<String>>,
    },
    /// These are other bytes than the certified ones: there is nothing to analyse.
    OtherBytes(String),
    /// The rules that made it are not the ones that this process runs.
    OtherRules {
        /// Those of the certificate.
        certificate: String,
        /// Those of this process.
        here: String,
    },
    /// The bytes are not to be had.
    Unavailable(String),
}

/// Sentences that a difference is told in, at most.
const MAX_LINES: usize = 200;

impl Hall {
    /// The version of the rules that this hall runs.
    pub fn ruleset(&self) -> &str {
        self.analyser.ruleset()
    }

    /// Repeats the analysis of a package.
    ///
    /// # Errors
    /// Our own faults only.
    pub async fn reproduce(
        &self,
        certificate: &PackageCertificate,
        sealed: Option<&[u8]>,
    ) -> Result<Reproduced, AuditError> {
        let payload = certificate.payload();
        if let Some(other) = self.runs_other_rules(&payload.ruleset_version) {
            return Ok(other);
        }
        let package = payload.package().map_err(|error| AuditError::Internal(error.to_string()))?;
        let mut analyses = Vec::new();
        for (distribution, entry) in
            self.certified(&package, certificate).await?.into_iter().zip(&payload.distributions)
        {
            let filename = sigma_core::printable(&entry.filename, 200);
            let artifact = match self.artifact(&distribution, &[], &Silent).await {
                Ok(Ok(artifact)) => artifact,
                Ok(Err(FetchError::Mismatch(mismatch))) => return Ok(Reproduced::OtherBytes(mismatch.to_string())),
                Ok(Err(error)) => return Ok(Reproduced::Unavailable(format!("{filename}: {error}"))),
                Err(Shortfall::Error(error)) => return Err(error),
                Err(Shortfall::Unavailable(error)) => {
                    return Ok(Reproduced::Unavailable(format!("{filename}: {error}")));
                }
                Err(Shortfall::Mismatch(incident)) => {
                    return Ok(Reproduced::OtherBytes(format!("{filename} has other bytes: got {}", incident.got)));
                }
            };
            analyses.push(self.analyse_bytes(&package, Bytes::of(&artifact)).await?);
        }
        compare(&mut analyses);
        let reports: Vec<_> = analyses.into_iter().map(|one| one.report).collect();
        let report = Report {
            package,
            ruleset: self.analyser.ruleset().to_owned(),
            analysis_type: analysis_type(&reports),
            distributions: reports,
        };
        outcome(&report, payload.report_hash, sealed)
    }

    /// The certified files, with the addresses at which the ecosystem has those that are not kept here.
    async fn certified(
        &self,
        package: &PackageId,
        certificate: &PackageCertificate,
    ) -> Result<Vec<Distribution>, AuditError> {
        let payload: &PackagePayload = certificate.payload();
        let published = |entry: &DistributionEntry| vec![entry.sha256.into(), ExpectedDigest::from(entry.sha512)];
        let mut missing = false;
        for entry in &payload.distributions {
            missing |= self.store.blobs().find(&published(entry)).await?.is_none();
        }
        let named = match missing {
            true => match self.release_again(package, certificate).await {
                Ok(found) => found.map(|package| package.release.distributions).unwrap_or_default(),
                // Then the files have no address, and the fetch says so.
                Err(AuditError::Resolve { .. }) => Vec::new(),
                Err(error) => return Err(error),
            },
            false => Vec::new(),
        };
        let distributions = payload.distributions.iter().map(|entry| {
            let of_name = named.iter().find(|one| one.filename == entry.filename);
            Distribution {
                filename: entry.filename.clone(),
                kind: entry.kind,
                url: of_name.map(|one| one.url.clone()).unwrap_or_default(),
                published: published(entry),
                size: Some(entry.size),
                uploaded_at: None,
            }
        });
        Ok(distributions.collect())
    }

    /// Repeats the first stage of a submission: its files at the certified commit, analysed.
    ///
    /// # Errors
    /// Our own faults only.
    pub async fn reproduce_submission(
        &self,
        payload: &SubmissionPayload,
        sealed: Option<&[u8]>,
    ) -> Result<Reproduced, AuditError> {
        if let Some(other) = self.runs_other_rules(&payload.ruleset_version) {
            return Ok(other);
        }
        let source = &payload.source;
        let request = RepositoryRequest {
            url: source.source_url.clone(),
            reference: Some(source.commit.clone()),
            category: payload.category,
            entry: source.entry.clone(),
            folder: (source.entry.is_none()).then(|| source.folder.clone()),
            note: None,
        };
        let intake = match self.take_in(&request).await {
            Ok(intake) => intake,
            Err(IntakeError::Io(error)) => return Err(AuditError::Internal(error.to_string())),
            Err(error) => return Ok(Reproduced::Unavailable(sigma_core::printable(&error.to_string(), 1000))),
        };
        if let Some(review) = &payload.code_review {
            let (files, integrity) = (intake.tree.file_set(), &review.source_integrity);
            if files_hash(&files) != integrity.code_files_hash {
                let certified = integrity.files.iter().map(|file| (file.path.as_str(), file.sha256));
                return Ok(Reproduced::OtherBytes(files_between(certified.collect(), &files)));
            }
        }
        let preprocess = self.preprocess(&intake).await?;
        outcome(&preprocess, payload.report_hash, sealed)
    }

    fn runs_other_rules(&self, ruleset: &str) -> Option<Reproduced> {
        (ruleset != self.analyser.ruleset()).then(|| Reproduced::OtherRules {
            certificate: sigma_core::printable(ruleset, 80),
            here: self.analyser.ruleset().to_owned(),
        })
    }
}

/// Compares a report with the sealed hash, and explains with the sealed report where that is the one it says.
fn outcome(report: &impl serde::Serialize, expected: Sha256, sealed: Option<&[u8]>) -> Result<Reproduced, AuditError> {
    let internal = |error: CanonicalError| AuditError::Internal(error.to_string());
    let bytes = canonical_bytes(report).map_err(internal)?;
    let got = Sha256::of(&bytes);
    if got == expected {
        return Ok(Reproduced::Same { report_hash: got });
    }
    let differences = sealed.filter(|sealed| Sha256::of(sealed) == expected).map(|sealed| {
        let mut lines = differences(sealed, &bytes);
        lines.truncate(MAX_LINES);
        lines
    });
    Ok(Reproduced::Different { got, expected, differences })
}
