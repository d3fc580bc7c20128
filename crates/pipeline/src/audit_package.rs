//! One package, from its published files to a sealed certificate.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use sigma_analysis::{Analysis, Input, Named, analysis_type, compare};
use sigma_certificate::PackageCertificate;
use sigma_core::{
    AdvisorySnapshot, CouncilVerdict, Digests, DistributionKind, Dossier, EntryPointRuns, ExpectedDigest, PackageId,
    Report, ResolvedPackage, Timestamp, Warning,
};
use sigma_ecosystem::{Artifact, FetchError, Hashed, HttpError};
use sigma_store::{Incident, NewEscalation, Sealed, StoreError, Wanted};
use tokio::sync::oneshot;

use crate::seal::{Links, compose};
use crate::{AuditError, Hall, Outage, Progress, Step};

/// How the audit of one package ended.
#[derive(Debug, Clone)]
pub enum PackageOutcome {
    /// Sealed now.
    Audited(Box<PackageCertificate>),
    /// Somebody else sealed one for the same bytes in the meantime.
    Cached(Box<PackageCertificate>),
    /// The panels do not agree: nothing is certified before an operator decides.
    Escalated {
        /// How the votes fell.
        rationale: String,
        /// What the ballots hold against it.
        warnings: Vec<Warning>,
    },
    /// The bytes are not the ones that were published or pinned. Blocks, and is remembered.
    Mismatch(Incident),
    /// The ecosystem did not give the bytes.
    Unavailable {
        /// Why.
        why: String,
        /// Where that may pass by itself.
        outage: Option<Outage>,
    },
}

/// What an examination came to.
pub(crate) enum Examined {
    /// Without certificate.
    Settled(PackageOutcome),
    /// A certificate that is not stored yet.
    Sealed(Box<Sealed>),
}

/// The outcome of a certificate that was stored now, or found to be there already.
pub(crate) fn sealed_outcome(sealed: &Sealed, stored: PackageCertificate) -> PackageOutcome {
    let payload = stored.payload();
    tracing::info!(
        package.id = format!("{}:{}@{}", payload.registry_source, payload.package_name, payload.package_version),
        certificate.id = stored.id(),
        certificate.level = payload.security_level.as_str(),
        "the certificate is stored"
    );
    match stored.id() == sealed.certificate.id() {
        true => PackageOutcome::Audited(Box::new(stored)),
        false => PackageOutcome::Cached(Box::new(stored)),
    }
}

/// Where the verified bytes of a distribution are, and what they are.
pub(crate) struct Bytes {
    pub path: PathBuf,
    pub filename: String,
    pub kind: DistributionKind,
    pub digests: Digests,
}

impl Bytes {
    pub fn of(artifact: &Artifact) -> Self {
        let (distribution, digests) = (artifact.distribution(), artifact.digests().clone());
        let filename = distribution.filename.clone();
        Self { path: artifact.path().to_owned(), filename, kind: distribution.kind, digests }
    }
}

/// Why the distributions could not be collected.
pub(crate) enum Shortfall {
    Mismatch(Incident),
    Unavailable(FetchError),
    Error(AuditError),
}

impl From<StoreError> for Shortfall {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl Hall {
    /// Audits one package, as the successor of a certified version where there is one. Idempotent: whoever comes second,
    /// in this process or another, gets the first one's certificate.
    pub async fn audit_package(
        &self,
        package: &ResolvedPackage,
        advisories: AdvisorySnapshot,
        predecessor: Option<PackageCertificate>,
        progress: &dyn Progress,
    ) -> Result<PackageOutcome, AuditError> {
        let _claim = self.store.claim(&package.id).await?;
        if let Some(known) = self.known(package).await? {
            return Ok(known);
        }
        match self.examine(package, advisories, predecessor, None, None, progress).await? {
            Examined::Settled(outcome) => Ok(outcome),
            Examined::Sealed(sealed) => Ok(sealed_outcome(&sealed, self.store.insert(&sealed).await?)),
        }
    }

    /// Fetches, analyses, judges and seals one package of which nothing is known. The certificate is not stored yet: it may
    /// belong into a transaction of the caller's, who holds the claim until then. A new audit names the certificate that it
    /// replaces. `entry_points` is what the package's commands did, where they were run.
    pub(crate) async fn examine(
        &self,
        package: &ResolvedPackage,
        advisories: AdvisorySnapshot,
        predecessor: Option<PackageCertificate>,
        replacing: Option<&PackageCertificate>,
        entry_points: Option<EntryPointRuns>,
        progress: &dyn Progress,
    ) -> Result<Examined, AuditError> {
        let name = package.id.to_string();
        progress.step(Step::Fetching { package: &name });
        let (artifacts, unread) = match self.collect(package, progress).await {
            Ok(collected) => collected,
            Err(Shortfall::Mismatch(incident)) => {
                self.store.record_incident(&package.id, &incident).await?;
                tracing::warn!(
                    package.id = name,
                    distribution.filename = incident.filename,
                    "the bytes are not the ones that were {}",
                    incident.authority
                );
                return Ok(Examined::Settled(PackageOutcome::Mismatch(incident)));
            }
            Err(Shortfall::Unavailable(error)) => {
                let outage = match &error {
                    FetchError::Http(error) => Outage::of(package.id.ecosystem(), error),
                    _ => None,
                };
                return Ok(Examined::Settled(PackageOutcome::Unavailable { why: error.to_string(), outage }));
            }
            Err(Shortfall::Error(error)) => return Err(error),
        };

        // The ecosystem is asked while processors are busy.
        let analysing = async {
            let mut analyses = Vec::with_capacity(artifacts.len());
            for artifact in &artifacts {
                progress.step(Step::Analysing { package: &name });
                analyses.push(self.analyse_bytes(&package.id, Bytes::of(artifact)).await?);
            }
            Ok::<_, AuditError>(analyses)
        };
        let provenance = self.provenance(&package.id, &artifacts, predecessor.as_ref());
        let (analyses, provenance) = tokio::join!(analysing, provenance);
        let mut analyses = analyses?;
        compare(&mut analyses);

        progress.step(Step::Council { package: &name });
        let (reports, file_sets): (Vec<_>, Vec<_>) = analyses.into_iter().map(|one| (one.report, one.files)).unzip();
        let report = Report {
            package: package.id.clone(),
            ruleset: self.analyser.ruleset().to_owned(),
            analysis_type: analysis_type(&reports),
            distributions: reports,
        };
        let release = package.release.clone();
        let delta = match &predecessor {
            Some(predecessor) => self.delta(predecessor, &report, &release.people).await?,
            None => None,
        };
        let package_id = package.id.clone();
        let dossier = Dossier { package: package_id, release, report, advisories, delta, provenance, entry_points };
        let ruling = self.keep_round(self.review.council.round(&dossier).await).await?;
        let supersedes = match replacing {
            Some(replaced) => Some(replaced.id().to_owned()),
            None => self.older_certificate(&package.id, &dossier).await?,
        };
        let links = Links { supersedes, predecessor: predecessor.map(|earlier| earlier.id().to_owned()) };
        let (rationale, warnings) = (ruling.rationale.clone(), ruling.warnings.clone());
        let composed = compose(&dossier, &file_sets, unread, ruling, links, self.later_than(replacing))?;
        if composed.payload.council_verdict == CouncilVerdict::Escalated {
            let new = NewEscalation {
                payload: &composed.payload,
                replaces: replacing
                    .filter(|replaced| replaced.payload().ruleset_version == composed.payload.ruleset_version)
                    .map(PackageCertificate::id),
                report: &composed.report,
                round: &composed.round,
            };
            self.store.escalate(&new).await?;
            tracing::warn!(package.id = name, "the council escalated: {rationale}");
            return Ok(Examined::Settled(PackageOutcome::Escalated { rationale, warnings }));
        }
        Ok(Examined::Sealed(Box::new(composed.seal()?)))
    }

    /// Now, but after a certificate that is replaced: the newest one answers, and a clock that was set back must not let what
    /// was replaced answer again.
    fn later_than(&self, replaced: Option<&PackageCertificate>) -> Timestamp {
        let now = self.now();
        replaced.map_or(now, |replaced| {
            now.max(Timestamp::from_millis(replaced.payload().certified_at.as_millis().saturating_add(1)))
        })
    }

    /// What the store already says about exactly these bytes.
    pub(crate) async fn known(&self, package: &ResolvedPackage) -> Result<Option<PackageOutcome>, AuditError> {
        let digests = wanted_digests(package);
        let wanted = Wanted { package: &package.id, digests: &digests };
        if let Some(escalation) = self.store.escalation_of(&wanted, self.analyser.ruleset()).await? {
            let (rationale, warnings) = (escalation.payload.council_rationale, escalation.payload.retained_warnings);
            return Ok(Some(PackageOutcome::Escalated { rationale, warnings }));
        }
        let found = self.store.lookup(&[wanted], self.analyser.ruleset()).await?.remove(&0);
        Ok(found.map(|certificate| PackageOutcome::Cached(Box::new(certificate))))
    }

    /// Every distribution to be read, verified, in the release's order. What cannot be read and is not the preferred
    /// one is named as unread.
    async fn collect(
        &self,
        package: &ResolvedPackage,
        progress: &dyn Progress,
    ) -> Result<(Vec<Artifact>, Vec<String>), Shortfall> {
        let mut artifacts = Vec::new();
        let mut unread = package.release.unread.clone();
        for (index, distribution) in package.release.distributions.iter().enumerate() {
            // What the project pins is what it installs: the preferred file. The sdist beside it is read for what it
            // tells, and need not be pinned.
            let pinned: &[ExpectedDigest] = if index == 0 { &package.pinned } else { &[] };
            match self.artifact(distribution, pinned, progress).await? {
                Ok(artifact) => artifacts.push(artifact),
                Err(FetchError::Mismatch(mismatch)) => {
                    return Err(Shortfall::Mismatch(Incident {
                        filename: mismatch.filename,
                        expected: mismatch.expected,
                        got: mismatch.got,
                        authority: mismatch.authority,
                        seen_at: self.now(),
                    }));
                }
                Err(FetchError::Io { path, source }) => {
                    return Err(Shortfall::Error(StoreError::Io { path, source }.into()));
                }
                Err(error) if index > 0 && stays_away(&error) => {
                    unread.push(format!("{} ({error})", distribution.filename));
                }
                Err(error) => return Err(Shortfall::Unavailable(error)),
            }
        }
        Ok((artifacts, unread))
    }

    /// The verified bytes of one distribution: from the blob folder when they are there and still intact, otherwise
    /// from the ecosystem.
    pub(crate) async fn artifact(
        &self,
        distribution: &sigma_core::Distribution,
        pinned: &[ExpectedDigest],
        progress: &dyn Progress,
    ) -> Result<Result<Artifact, FetchError>, Shortfall> {
        let blobs = self.store.blobs();
        if let Some(blob) = blobs.find(&distribution.published).await? {
            let path = blob.path.clone();
            let hashed = tokio::task::spawn_blocking(move || Hashed::read(&path)).await;
            let hashed = hashed.map_err(|error| Shortfall::Error(AuditError::Internal(error.to_string())))?;
            // A blob that no longer has its digest is our disk's fault: fetch it again.
            if let Ok(hashed) = hashed
                && hashed.digests().sha256 == blob.sha256
            {
                return Ok(Artifact::verified(distribution.clone(), pinned, hashed));
            }
        }
        let staging = self.store.staging();
        let count = |bytes| progress.step(Step::Fetched { bytes });
        let artifact = match self.ecosystems.fetch(distribution, pinned, &staging, &count).await {
            Ok(artifact) => artifact,
            Err(error) => return Ok(Err(error)),
        };
        let blob = blobs.adopt(artifact.path(), artifact.digests()).await?;
        Ok(Ok(artifact.moved_to(blob.path)))
    }

    /// Analyses verified bytes on a thread of their own.
    pub(crate) async fn analyse_bytes(&self, package: &PackageId, bytes: Bytes) -> Result<Analysis, AuditError> {
        let (analyser, name, package) = (self.analyser.clone(), package.to_string(), package.clone());
        let (tell, told) = oneshot::channel();
        self.analyses.spawn(move || {
            let analysis = File::open(&bytes.path).map(|file| {
                analyser.analyse(Input {
                    package: Named::Published(&package),
                    filename: &bytes.filename,
                    kind: bytes.kind,
                    digests: bytes.digests,
                    bytes: &mut BufReader::with_capacity(64 << 10, file),
                })
            });
            // Nobody waits any more when the audit was dropped.
            let _ = tell.send(analysis);
        });
        let finished = told.await.map_err(|_| AuditError::Internal(format!("the analysis of {name} panicked")))?;
        finished.map_err(|error| AuditError::Internal(format!("analysis of {name}: {error}")))
    }

    /// The newest certificate of the same bytes under an older ruleset, which the new one replaces.
    async fn older_certificate(&self, package: &PackageId, dossier: &Dossier) -> Result<Option<String>, AuditError> {
        let bytes = dossier.report.distributions.first().map(|distribution| distribution.digests.sha256);
        let older = self.store.certificates_of(package).await?;
        // What was made under an operator's own rules and what was not are two lines of certificates.
        let local = dossier.report.ruleset.contains('+');
        let same = older.into_iter().find(|certificate| {
            let payload = certificate.payload();
            // One of the same rules is replaced only by whoever was asked to.
            Some(payload.distribution_sha256) == bytes
                && payload.ruleset_version != dossier.report.ruleset
                && payload.ruleset_version.contains('+') == local
        });
        Ok(same.map(|certificate| certificate.id().to_owned()))
    }
}

/// The digests by which the store knows the file that would be installed: those the ecosystem publishes for it.
/// When the project pins digests and none of them can be that file, nothing is wanted, and the fetch will say why.
pub(crate) fn wanted_digests(package: &ResolvedPackage) -> Vec<ExpectedDigest> {
    let published = package.release.distributions.first().map_or(&[][..], |preferred| &preferred.published);
    let comparable = |pin: &&ExpectedDigest| published.iter().any(|digest| digest.algorithm() == pin.algorithm());
    let contradicts = !package.pinned.is_empty()
        && package.pinned.iter().any(|pin| comparable(&pin))
        && !package.pinned.iter().any(|pin| published.contains(pin));
    if contradicts { Vec::new() } else { published.to_vec() }
}

/// Failures after which a distribution that is not the preferred one is left unread, and named. Anything that may
/// succeed a minute later is not among them.
fn stays_away(error: &FetchError) -> bool {
    match error {
        FetchError::Unverifiable { .. } => true,
        FetchError::Http(error) => {
            error.is_not_found() || matches!(error, HttpError::TooLarge { .. } | HttpError::Forbidden { .. })
        }
        FetchError::Mismatch(_) | FetchError::Io { .. } => false,
    }
}
