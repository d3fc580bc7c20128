//! Auditing again what is certified: asked for by an operator, done by a job.
//!
//! In: a certificate of a package or a submission, also one that was revoked. Out: a job, whose certificate replaces it. The bytes are
//! the same, and so is the report under the same rules; what may differ is what was known elsewhere: advisories, predecessors, who
//! published it, how packages stand; and of a submission, what its code did when it ran.

use sigma_certificate::{Action, DistributionEntry, PackageCertificate};
use sigma_core::{Depth, Distribution, ExpectedDigest, PackageId, People, Platform, Release, ResolvedPackage, Target};
use sigma_store::{JobId, JobState, ListedSubmission, NewEntry, NewJob, StoreError, first_audit};

use crate::{AuditError, Hall, Silent, jobs, manifest_of};

/// The targets that a release is looked at for, the most common first.
const PLATFORMS: [&str; 6] = ["linux-x64", "linux-arm64", "macos-arm64", "macos-x64", "windows-x64", "windows-arm64"];

/// Why a certificate is not audited again.
#[derive(Debug, thiserror::Error)]
pub enum ReauditError {
    /// There is none with this id.
    #[error("there is no certificate {0}")]
    Unknown(String),
    /// It is of a submission that came from a command line, whose files nobody kept.
    #[error(
        "{0} was certified on a command line, where no files are kept: submit it again, and the new one supersedes it"
    )]
    NotKept(String),
    /// An operator blocked it, and a new audit would not lift that.
    #[error("{0} is blocked by an operator, which a new audit does not lift: revoke or override its certificate first")]
    Blocked(String),
    /// Another certificate of the same bytes is newer.
    #[error("it was replaced by {0}: have that one audited again")]
    Replaced(String),
    /// It was made with rules of an operator, and this process has none, or the other way round: two lines of certificates.
    #[error("it was made under the rules {0}, which this process does not run")]
    OtherRules(String),
    /// Its job is dead.
    #[error("the job {0} that audits it again is dead: run that job again")]
    Dead(JobId),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hall {
    /// Asks for a new audit of the bytes that a certificate covers, and records who asked and why. The job, new or already
    /// open.
    ///
    /// # Errors
    /// When there is nothing to be audited again, or the store refuses.
    pub async fn request_reaudit(&self, id: &str, reason: &str, operator: &str) -> Result<JobId, ReauditError> {
        let unknown = || ReauditError::Unknown(sigma_core::printable(id, 80));
        if let Some(listed) = self.store.submission_certificate(id).await? {
            return self.request_submission_reaudit(&listed, reason, operator).await;
        }
        let certificate = self.store.certificate(id).await?.ok_or_else(unknown)?.certificate;
        let damaged = |why: String| StoreError::Damaged { what: format!("certificate {id}"), why };
        let package = certificate.payload().package().map_err(|error| damaged(error.to_string()))?;
        if self.other_rules(&certificate) {
            return Err(ReauditError::OtherRules(certificate.payload().ruleset_version.clone()));
        }
        let standing = self.store.standings(&[id]).await?.remove(id);
        if standing.is_some_and(|standing| standing.action == Action::Block) {
            return Err(ReauditError::Blocked(package.to_string()));
        }
        if let Some(newer) = self.replaced_by(&package, &certificate).await? {
            return Err(ReauditError::Replaced(newer.id().to_owned()));
        }
        let job = jobs::reaudit_package::job(&certificate, reason, operator, self.now());
        self.ask_again(job, id, &package.to_string(), reason, operator).await
    }

    /// The same of a submission's certificate: its files, as they were kept, and its packages, as they stand now.
    async fn request_submission_reaudit(
        &self,
        listed: &ListedSubmission,
        reason: &str,
        operator: &str,
    ) -> Result<JobId, ReauditError> {
        let (id, payload) = (listed.certificate.id(), listed.certificate.payload());
        if payload.ruleset_version.contains('+') != self.analyser.ruleset().contains('+') {
            return Err(ReauditError::OtherRules(payload.ruleset_version.clone()));
        }
        if listed.decision.as_ref().is_some_and(|decision| decision.action == Action::Block) {
            return Err(ReauditError::Blocked(id.to_owned()));
        }
        let source = &payload.source;
        let entry = source.entry.as_deref().unwrap_or_default();
        let newest = self.store.newest_of_source(&source.source_url, &source.folder, entry).await?;
        if let Some(newer) = newest.filter(|newest| newest != id) {
            return Err(ReauditError::Replaced(newer));
        }
        let sealed_for = self.store.submission_of_certificate(id).await?.unwrap_or_default();
        let submission = first_audit(&sealed_for);
        if self.store.submission(submission).await?.is_none() {
            return Err(ReauditError::NotKept(id.to_owned()));
        }
        let job = jobs::reaudit_submission::job(id, reason, operator, self.now());
        self.ask_again(job, id, submission, reason, operator).await
    }

    async fn ask_again(
        &self,
        job: NewJob,
        id: &str,
        subject: &str,
        reason: &str,
        operator: &str,
    ) -> Result<JobId, ReauditError> {
        let now = self.now();
        let job_id = JobId::of_key(&job.key);
        if self.store.job(&job_id).await?.is_some_and(|job| job.state == JobState::Dead) {
            return Err(ReauditError::Dead(job_id));
        }
        let mut writing = self.store.begin().await?;
        let detail = format!("{id} {job_id}");
        let detail = detail.as_str();
        let entry = NewEntry { action: "reaudit", subject, level: "", detail, reason, operator, at: now };
        writing.record(&entry).await?;
        writing.enqueue(&[job], now).await?;
        writing.commit(now).await?;
        Ok(job_id)
    }

    /// Whether a certificate was made with rules of an operator and this process has none, or the other way round.
    pub(crate) fn other_rules(&self, certificate: &PackageCertificate) -> bool {
        certificate.payload().ruleset_version.contains('+') != self.analyser.ruleset().contains('+')
    }

    /// The certificate that stands in the place of this one: of the same bytes, and newer.
    pub(crate) async fn replaced_by(
        &self,
        package: &PackageId,
        certificate: &PackageCertificate,
    ) -> Result<Option<PackageCertificate>, StoreError> {
        let payload = certificate.payload();
        // What was made under an operator's own rules and what was not are two lines of certificates.
        let local = payload.ruleset_version.contains('+');
        let newest = self.store.certificates_of(package).await?.into_iter().find(|one| {
            let other = one.payload();
            other.distribution_sha256 == payload.distribution_sha256 && other.ruleset_version.contains('+') == local
        });
        Ok(newest.filter(|newest| newest.id() != certificate.id()))
    }

    /// The release that a certificate covers, as the ecosystem describes it today, with the very files that were read then.
    /// Files that it does not name for the common targets are taken from where their bytes are kept. `None` when neither has the
    /// one that is certified.
    pub(crate) async fn release_again(
        &self,
        package: &PackageId,
        certificate: &PackageCertificate,
    ) -> Result<Option<ResolvedPackage>, AuditError> {
        let payload = certificate.payload();
        let Some(preferred) = payload.distributions.first() else { return Ok(None) };
        let kept = self.store.blobs().find(&[ExpectedDigest::from(preferred.sha256)]).await?.is_some();
        let manifest = manifest_of(package, "re-audit");
        let mut described = None;
        for platform in PLATFORMS {
            let platform: Platform = platform.parse().map_err(|error| AuditError::Internal(format!("{error}")))?;
            let target = Target { platform, ..Target::default() };
            let (graph, _) = self.resolve(&manifest, &target, true, &Silent).await?;
            let found = graph.packages.into_iter().find(|found| found.id == *package);
            let Some(release) = found.map(|found| found.release) else { break };
            if release.distributions.first().is_some_and(|first| is(first, preferred)) {
                return Ok(Some(resolved(package, preferred, release)));
            }
            described.get_or_insert(release);
            if kept {
                break;
            }
        }
        if !kept {
            return Ok(None);
        }
        let mut distributions = Vec::new();
        let mut unread = payload.unread_distributions.clone();
        for entry in &payload.distributions {
            let published = ExpectedDigest::from(entry.sha256);
            let named = described.iter().flat_map(|release| &release.distributions).find(|one| is(one, entry));
            let url = named.map(|named| named.url.clone());
            if url.is_none() && self.store.blobs().find(std::slice::from_ref(&published)).await?.is_none() {
                unread.push(format!("{} (its bytes are no longer there)", entry.filename));
                continue;
            }
            distributions.push(Distribution {
                filename: entry.filename.clone(),
                kind: entry.kind,
                url: url.unwrap_or_default(),
                published: vec![published],
                size: Some(entry.size),
                uploaded_at: None,
            });
        }
        let people = People {
            publisher: payload.publisher.clone(),
            maintainers: payload.maintainers.as_ref().map(|names| names.iter().cloned().collect()),
        };
        let described = described.map_or((payload.yanked.clone(), payload.deprecated.clone(), people), |release| {
            (release.yanked, release.deprecated, release.people)
        });
        let (yanked, deprecated, people) = described;
        let release = Release { distributions, unread, yanked, deprecated, people };
        Ok(Some(resolved(package, preferred, release)))
    }
}

/// Whether a published file is the one that was certified.
fn is(published: &Distribution, entry: &DistributionEntry) -> bool {
    let of = [ExpectedDigest::from(entry.sha256), ExpectedDigest::from(entry.sha512)];
    published.published.iter().any(|digest| of.contains(digest))
}

/// The package, with the bytes pinned that were certified: no others are audited in their place.
fn resolved(package: &PackageId, preferred: &DistributionEntry, release: Release) -> ResolvedPackage {
    ResolvedPackage {
        id: package.clone(),
        depth: Depth::Direct,
        parents: Vec::new(),
        pinned: vec![ExpectedDigest::from(preferred.sha256)],
        release,
    }
}
