//! How a certificate stands today: what it was sealed with, and what an operator decided since. The sealed bytes never
//! change; what the public sees does.

use serde::{Deserialize, Serialize};
use sigma_core::{CouncilVerdict, SecurityLevel, Timestamp};

/// What an operator can decide about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It vouches for nothing any more.
    Revoke,
    /// The package is rejected, whatever the council found.
    Block,
    /// The package has this level, whatever the council found.
    Override(SecurityLevel),
}

/// An operator's decision, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its place in the log of operators' decisions.
    pub seq: u64,
    /// What was decided.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Whether a certificate is what it was sealed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum CertificateStatus {
    /// It is.
    Active,
    /// An operator withdrew it: it vouches for nothing.
    Revoked,
    /// An operator rejected the package.
    Blocked,
    /// An operator gave the package another level.
    Overridden,
}

impl CertificateStatus {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Revoked => "REVOKED",
            Self::Blocked => "BLOCKED",
            Self::Overridden => "OVERRIDDEN",
        }
    }
}

impl Action {
    /// What the certificate's status becomes.
    pub fn status(self) -> CertificateStatus {
        match self {
            Self::Revoke => CertificateStatus::Revoked,
            Self::Block => CertificateStatus::Blocked,
            Self::Override(_) => CertificateStatus::Overridden,
        }
    }

    /// The level that holds now. One that is revoked counts as BLOCKED: whoever reads nothing but the level must not take
    /// what was withdrawn for cleared.
    pub fn level(self) -> SecurityLevel {
        match self {
            Self::Revoke | Self::Block => SecurityLevel::Blocked,
            Self::Override(level) => level,
        }
    }

    /// The verdict that goes with the level.
    pub fn verdict(self) -> CouncilVerdict {
        match self.level() {
            SecurityLevel::Blocked => CouncilVerdict::Rejected,
            SecurityLevel::Clear | SecurityLevel::Monitored | SecurityLevel::Caution => CouncilVerdict::Approved,
        }
    }
}

/// The status of a certificate about which this was decided last.
pub fn status(decision: Option<&Decision>) -> CertificateStatus {
    decision.map_or(CertificateStatus::Active, |decision| decision.action.status())
}

/// The level that holds, for one that was sealed with `sealed`.
pub fn effective_level(sealed: SecurityLevel, decision: Option<&Decision>) -> SecurityLevel {
    decision.map_or(sealed, |decision| decision.action.level())
}

/// What an operator decided, beside what was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OperatorDecision {
    /// REVOKED, BLOCKED or OVERRIDDEN.
    pub status: CertificateStatus,
    /// Why.
    pub reason: String,
    /// When.
    pub decided_at: Timestamp,
    /// The verdict that was sealed, and still is in the certificate's bytes.
    pub sealed_council_verdict: CouncilVerdict,
    /// The level that was sealed.
    pub sealed_security_level: SecurityLevel,
}
