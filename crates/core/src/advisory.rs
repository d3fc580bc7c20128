//! Security advisories as an ecosystem publishes them: registry facts, apart from what the council decides.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Severity as the ecosystem states it, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum AdvisorySeverity {
    /// The ecosystem states none that we can read.
    Unknown,
    /// Low.
    Low,
    /// Moderate, as npm and GitHub say; medium in CVSS.
    Moderate,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl AdvisorySeverity {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Low => "LOW",
            Self::Moderate => "MODERATE",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for AdvisorySeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One published advisory that covers the exact version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Advisory {
    /// The advisory's id: `GHSA-...`, `PYSEC-...`, `MAL-...`.
    pub id: String,
    /// Other ids of the same advisory, such as CVE numbers.
    pub aliases: Vec<String>,
    /// Its title or the beginning of its details, printable, at most 300 characters.
    pub title: String,
    /// Severity as published.
    pub severity: AdvisorySeverity,
    /// Where to read it.
    pub url: Option<String>,
    /// The affected range as published.
    pub vulnerable_versions: Option<String>,
    /// Versions that fix it, as published.
    pub fixed_in: Vec<String>,
}

/// What the ecosystem answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum AdvisoryState {
    /// It answered; an empty list means that none are known.
    Listed {
        /// The advisories, sorted.
        advisories: Vec<Advisory>,
    },
    /// It did not answer, or not with advisories: nothing is known, which is not "none known".
    Unavailable {
        /// Why, in a few words.
        reason: String,
    },
}

/// The advisories of one exact package at one point in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvisorySnapshot {
    /// Who was asked, such as `pypi release JSON` or `npm bulk advisories`.
    pub source: String,
    /// When.
    pub queried_at: Timestamp,
    /// What came back.
    #[serde(flatten)]
    pub state: AdvisoryState,
}

impl AdvisorySnapshot {
    /// The advisories, or `None` when they are unavailable.
    pub fn listed(&self) -> Option<&[Advisory]> {
        match &self.state {
            AdvisoryState::Listed { advisories } => Some(advisories),
            AdvisoryState::Unavailable { .. } => None,
        }
    }
}
