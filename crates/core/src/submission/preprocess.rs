//! What the deterministic first stage says about submitted code.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DistributionReport, ManifestDelta, SkillManifest};

/// The language that a submission runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum CodeLanguage {
    /// Python 3.
    Python,
    /// JavaScript or TypeScript on Node.js.
    Node,
}

impl CodeLanguage {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
        }
    }
}

/// How much there is to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ComplexityTier {
    /// Little.
    Standard,
    /// Much, or native code.
    Complex,
    /// Very much.
    HighComplex,
}

impl fmt::Display for ComplexityTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "standard",
            Self::Complex => "complex",
            Self::HighComplex => "high-complex",
        })
    }
}

/// The outcome of the first stage: a pure function of the files, the entry point and the ruleset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preprocess {
    /// Version of the ruleset.
    pub ruleset: String,
    /// The language of the code; nothing where there is none.
    pub language: Option<CodeLanguage>,
    /// The declared entry point, relative to the folder under review.
    pub entry: Option<String>,
    /// How much there is to look at.
    pub tier: ComplexityTier,
    /// Whether every declared dependency is pinned to one exact version; nothing where none is declared.
    pub dependencies_pinned: Option<bool>,
    /// What static analysis says of the files; findings tell whether the entry point reaches them.
    pub report: DistributionReport,
    /// The skill, where there is one.
    pub skill: Option<SkillManifest>,
    /// Where skill and code do not say the same; empty where there is no skill or no code.
    pub delta: ManifestDelta,
    /// Modules of others that the code imports and no manifest declares.
    pub undeclared_imports: BTreeSet<String>,
    /// Packages that a manifest declares and the code does not import.
    pub unused_packages: BTreeSet<String>,
}
