//! What a package's own ecosystem attests about where a release was built and published from: npm provenance, and the
//! attestations of PEP 740.
//!
//! In: the outcome of verifying them, distribution by distribution, and the last publisher that was known before. Out: one
//! status, and what changed. "Absent", "invalid" and "unavailable" are different values, and stay so.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Sha256, Timestamp};

/// What is known of the attestations of a distribution, or of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ProvenanceStatus {
    /// They were served, and every check held.
    Verified,
    /// Nothing is known: the ecosystem does not tell, did not answer, or serves what cannot be checked here.
    Unavailable,
    /// The ecosystem answered, and announces none.
    Absent,
    /// They were served, and do not verify.
    Invalid,
}

impl ProvenanceStatus {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unavailable => "unavailable",
            Self::Absent => "absent",
            Self::Invalid => "invalid",
        }
    }
}

impl fmt::Display for ProvenanceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who signed: the workload or account that a certificate authority vouches for. All of it is from the verified certificate,
/// printable and bounded; what the certificate does not say is `None`. The fields follow the extensions of Fulcio's
/// certificates (1.3.6.1.4.1.57264.1.8 to .24).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PublisherIdentity {
    /// `GitHub`, `GitLab`, `Google`, or `other`.
    pub kind: String,
    /// Who vouched for the identity to the certificate authority: the OpenID Connect issuer.
    pub issuer: String,
    /// The certificate's subject: the address of a workflow at a ref, or an e-mail address.
    pub subject: String,
    /// Address of the repository that it was built from.
    pub repository: Option<String>,
    /// The host's id of it, which stays when it is renamed or handed over.
    pub repository_id: Option<String>,
    /// Address of the repository's owner.
    pub owner: Option<String>,
    /// The host's id of the owner.
    pub owner_id: Option<String>,
    /// Path of the workflow in the repository.
    pub workflow: Option<String>,
    /// The ref that it was built from, such as `refs/tags/v1.0.0`.
    pub source_ref: Option<String>,
    /// The commit that it was built from.
    pub commit: Option<String>,
    /// What it was built on: `github-hosted`, `self-hosted`, ...
    pub builder: Option<String>,
    /// Where that run can be looked at.
    pub run: Option<String>,
}

impl PublisherIdentity {
    /// `github.com/owner/name (release.yml)` in a few words.
    pub fn words(&self) -> String {
        let bare = |address: &str| address.trim_start_matches("https://").to_owned();
        match (&self.repository, &self.workflow) {
            (Some(repository), Some(workflow)) => {
                let file = workflow.rsplit('/').next().unwrap_or(workflow);
                format!("{} ({file})", bare(repository))
            }
            (Some(repository), None) => bare(repository),
            (None, _) => self.subject.clone(),
        }
    }

    /// How far this is another publisher than an earlier one; `None` when it is the same. Ids count before names, so that a
    /// repository that was renamed is still itself.
    fn since(&self, earlier: &Self) -> Option<PublisherChange> {
        if self.issuer != earlier.issuer {
            return Some(PublisherChange::Owner);
        }
        if self.repository.is_none() || earlier.repository.is_none() {
            return (self.subject != earlier.subject).then_some(PublisherChange::Owner);
        }
        let other = |ids: (&Option<String>, &Option<String>), names: (&Option<String>, &Option<String>)| match ids {
            (Some(now), Some(before)) => now != before,
            _ => names.0.as_ref().map(|name| name.to_lowercase()) != names.1.as_ref().map(|name| name.to_lowercase()),
        };
        if other((&self.owner_id, &earlier.owner_id), (&self.owner, &earlier.owner)) {
            return Some(PublisherChange::Owner);
        }
        let ids = (&self.repository_id, &earlier.repository_id);
        if other(ids, (&self.repository, &earlier.repository)) {
            return Some(PublisherChange::Repository);
        }
        (self.workflow != earlier.workflow).then_some(PublisherChange::Workflow)
    }
}

/// How far a publisher is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum PublisherChange {
    /// Another workflow of the same repository.
    Workflow,
    /// Another repository of the same owner.
    Repository,
    /// There was one that verified, and now there is none.
    Lost,
    /// Another owner, or another account.
    Owner,
}

impl PublisherChange {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Repository => "repository",
            Self::Lost => "lost",
            Self::Owner => "owner",
        }
    }
}

/// What is known of one distribution's attestations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DistributionProvenance {
    /// The distribution's file name.
    pub filename: String,
    /// What came of it.
    pub status: ProvenanceStatus,
    /// Why they are not verified, in a sentence; `None` when they are.
    pub reason: Option<String>,
    /// Whether they are invalid only because they were signed under roots that are not among the pinned ones: then either
    /// somebody made them up, or the pinned ones are out of date.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown_roots: bool,
    /// Who published it; only of what is verified.
    pub publisher: Option<PublisherIdentity>,
    /// Predicate types of what was verified, sorted.
    pub predicates: Vec<String>,
    /// When the transparency log took the attestation in; only of what is verified.
    pub logged_at: Option<Timestamp>,
}

impl DistributionProvenance {
    /// One that is not verified, with the reason.
    pub fn without(filename: &str, status: ProvenanceStatus, reason: &str) -> Self {
        Self {
            filename: filename.to_owned(),
            status,
            reason: Some(crate::printable(reason, 400)),
            unknown_roots: false,
            publisher: None,
            predicates: Vec::new(),
            logged_at: None,
        }
    }
}

/// The last version below this one whose attestations verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KnownPublisher {
    /// The version.
    pub version: String,
    /// Who published it.
    pub publisher: PublisherIdentity,
}

/// What the ecosystem attests about a release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpstreamProvenance {
    /// One for each distribution that was read, in the same order. Empty when nobody was asked.
    pub distributions: Vec<DistributionProvenance>,
    /// SHA-256 of the roots that they were verified with.
    pub roots: Option<Sha256>,
    /// Who published the last version below whose attestations verified, as its certificate or an earlier one says.
    pub previous: Option<KnownPublisher>,
}

impl UpstreamProvenance {
    /// The status of the release: that of the distribution that is worst off. One that is attested does not speak for another
    /// that is not.
    pub fn status(&self) -> ProvenanceStatus {
        self.worst().map_or(ProvenanceStatus::Unavailable, |one| one.status)
    }

    /// The first distribution that has the status of the release.
    pub fn worst(&self) -> Option<&DistributionProvenance> {
        let mut all = self.distributions.iter();
        let first = all.next()?;
        Some(all.fold(first, |worst, one| if one.status > worst.status { one } else { worst }))
    }

    /// Who published it: the publisher of the distribution that an installer prefers, if that is verified.
    pub fn publisher(&self) -> Option<&PublisherIdentity> {
        self.distributions.first()?.publisher.as_ref()
    }

    /// How far the publisher is another one than before. `None` also when there is nobody to compare with, or when it is not
    /// known what this release has.
    pub fn change(&self) -> Option<PublisherChange> {
        let previous = &self.previous.as_ref()?.publisher;
        let one = |distribution: &DistributionProvenance| match (&distribution.publisher, distribution.status) {
            (Some(publisher), _) => publisher.since(previous),
            (None, ProvenanceStatus::Absent) => Some(PublisherChange::Lost),
            (None, _) => None,
        };
        self.distributions.iter().filter_map(one).max()
    }

    /// Who is known for the next version to be compared with.
    pub fn known(&self, version: &str) -> Option<KnownPublisher> {
        match (self.status(), self.publisher()) {
            (ProvenanceStatus::Verified, Some(publisher)) => {
                Some(KnownPublisher { version: version.to_owned(), publisher: publisher.clone() })
            }
            _ => self.previous.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher(repository: &str, ids: Option<(&str, &str)>, workflow: &str) -> PublisherIdentity {
        let owner = repository.split('/').next().unwrap_or_default();
        PublisherIdentity {
            kind: "GitHub".to_owned(),
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            subject: format!("https://github.com/{repository}/{workflow}@refs/tags/v1"),
            repository: Some(format!("https://github.com/{repository}")),
            repository_id: ids.map(|(id, _)| id.to_owned()),
            owner: Some(format!("https://github.com/{owner}")),
            owner_id: ids.map(|(_, id)| id.to_owned()),
            workflow: Some(workflow.to_owned()),
            source_ref: None,
            commit: None,
            builder: None,
            run: None,
        }
    }

    fn verified(publisher: PublisherIdentity) -> DistributionProvenance {
        let empty = DistributionProvenance::without("demo.tgz", ProvenanceStatus::Verified, "");
        DistributionProvenance { reason: None, publisher: Some(publisher), ..empty }
    }

    fn other(status: ProvenanceStatus) -> DistributionProvenance {
        DistributionProvenance::without("demo.tgz", status, "why")
    }

    fn release(distributions: Vec<DistributionProvenance>) -> UpstreamProvenance {
        let publisher = publisher("acme/demo", Some(("1", "9")), "release.yml");
        let previous = Some(KnownPublisher { version: "1.0.0".to_owned(), publisher });
        UpstreamProvenance { distributions, roots: None, previous }
    }

    #[test]
    fn ids_count_before_names() {
        let check = |now: PublisherIdentity, expect: Option<PublisherChange>| {
            assert_eq!(release(vec![verified(now.clone())]).change(), expect, "{now:?}");
        };
        check(publisher("acme/demo", Some(("1", "9")), "release.yml"), None);
        check(publisher("acme/renamed", Some(("1", "9")), "release.yml"), None);
        check(publisher("acme/demo", Some(("1", "9")), "other.yml"), Some(PublisherChange::Workflow));
        check(publisher("acme/demo", Some(("2", "9")), "release.yml"), Some(PublisherChange::Repository));
        check(publisher("acme/demo", Some(("1", "8")), "release.yml"), Some(PublisherChange::Owner));
        check(publisher("Acme/Demo", None, "release.yml"), None);
        check(publisher("evil/demo", None, "release.yml"), Some(PublisherChange::Owner));
        let mut elsewhere = publisher("acme/demo", Some(("1", "9")), "release.yml");
        elsewhere.issuer = "https://gitlab.com".to_owned();
        check(elsewhere, Some(PublisherChange::Owner));
    }

    #[test]
    fn one_distribution_does_not_speak_for_another() {
        let same = || verified(publisher("acme/demo", Some(("1", "9")), "release.yml"));
        let check = |all: Vec<DistributionProvenance>, status: &str, change: Option<PublisherChange>| {
            let release = release(all);
            assert_eq!((release.status().as_str(), release.change()), (status, change), "{release:?}");
        };
        check(vec![same(), same()], "verified", None);
        check(vec![same(), other(ProvenanceStatus::Absent)], "absent", Some(PublisherChange::Lost));
        check(vec![same(), other(ProvenanceStatus::Unavailable)], "unavailable", None);
        check(
            vec![other(ProvenanceStatus::Absent), other(ProvenanceStatus::Invalid)],
            "invalid",
            Some(PublisherChange::Lost),
        );
        check(vec![], "unavailable", None);
        let first = UpstreamProvenance { previous: None, ..release(vec![other(ProvenanceStatus::Absent)]) };
        assert_eq!((first.change(), first.known("2.0.0")), (None, None));
    }

    #[test]
    fn what_was_known_outlives_versions_that_say_nothing() {
        let silent = release(vec![other(ProvenanceStatus::Absent)]);
        assert_eq!(silent.known("1.1.0").map(|known| known.version).as_deref(), Some("1.0.0"));
        let new = release(vec![verified(publisher("evil/demo", None, "x.yml"))]);
        assert_eq!(new.known("1.2.0").map(|known| known.version).as_deref(), Some("1.2.0"));
    }
}
