//! Security levels and analysis types: the words a certificate ends in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The council's assessment of a package, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SecurityLevel {
    /// No security concerns found.
    Clear,
    /// Minor concerns noted; valid, carries warnings.
    Monitored,
    /// Significant concerns; valid, strong warnings apply.
    Caution,
    /// Rejected.
    Blocked,
}

impl SecurityLevel {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "CLEAR",
            Self::Monitored => "MONITORED",
            Self::Caution => "CAUTION",
            Self::Blocked => "BLOCKED",
        }
    }
}

impl fmt::Display for SecurityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SecurityLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_uppercase().as_str() {
            "CLEAR" => Ok(Self::Clear),
            "MONITORED" => Ok(Self::Monitored),
            "CAUTION" => Ok(Self::Caution),
            "BLOCKED" => Ok(Self::Blocked),
            _ => Err(format!(
                "got `{}`, expected one of: clear, monitored, caution, blocked",
                crate::printable(text, 40)
            )),
        }
    }
}

/// How much of a package was analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum AnalysisType {
    /// Complete source analysis performed.
    Full,
    /// Size limits, unreadable parts or binary components: the analysis covers what was accessible.
    Partial,
    /// No source: compiled extensions only.
    BinaryOnly,
}

impl AnalysisType {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Partial => "PARTIAL",
            Self::BinaryOnly => "BINARY_ONLY",
        }
    }
}

impl fmt::Display for AnalysisType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
