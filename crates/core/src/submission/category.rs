//! What a submission consists of.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The eight categories of submissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SubmissionCategory {
    /// A SKILL.md and nothing that runs.
    #[serde(rename = "SKILL")]
    Skill,
    /// A SKILL.md that declares endpoints.
    #[serde(rename = "SKILL+API")]
    SkillApi,
    /// Code whose dependencies are not reviewed.
    #[serde(rename = "CODE")]
    Code,
    /// Code and its dependencies.
    #[serde(rename = "CODE+PACKAGES")]
    CodePackages,
    /// A skill with code.
    #[serde(rename = "SKILL+CODE")]
    SkillCode,
    /// A skill with code and declared endpoints.
    #[serde(rename = "SKILL+API+CODE")]
    SkillApiCode,
    /// A skill with code and its dependencies.
    #[serde(rename = "SKILL+CODE+PACKAGES")]
    SkillCodePackages,
    /// All of it.
    #[serde(rename = "SKILL+API+CODE+PACKAGES")]
    SkillApiCodePackages,
}

impl SubmissionCategory {
    /// Every category.
    pub const ALL: [Self; 8] = [
        Self::Skill,
        Self::SkillApi,
        Self::Code,
        Self::CodePackages,
        Self::SkillCode,
        Self::SkillApiCode,
        Self::SkillCodePackages,
        Self::SkillApiCodePackages,
    ];

    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skill => "SKILL",
            Self::SkillApi => "SKILL+API",
            Self::Code => "CODE",
            Self::CodePackages => "CODE+PACKAGES",
            Self::SkillCode => "SKILL+CODE",
            Self::SkillApiCode => "SKILL+API+CODE",
            Self::SkillCodePackages => "SKILL+CODE+PACKAGES",
            Self::SkillApiCodePackages => "SKILL+API+CODE+PACKAGES",
        }
    }

    /// Whether a SKILL.md belongs to it.
    pub fn has_skill(self) -> bool {
        self.as_str().starts_with("SKILL")
    }

    /// Whether it declares endpoints that are looked at.
    pub fn has_api(self) -> bool {
        self.as_str().contains("API")
    }

    /// Whether it has code with an entry point, which is reviewed and run.
    pub fn has_code(self) -> bool {
        self.as_str().contains("CODE")
    }

    /// Whether its dependencies are reviewed.
    pub fn has_packages(self) -> bool {
        self.as_str().contains("PACKAGES")
    }

    /// `certificateSchemaVersion`: 2 without code, 3 with code, 4 with packages.
    pub fn schema_version(self) -> u64 {
        match (self.has_code(), self.has_packages()) {
            (_, true) => 4,
            (true, false) => 3,
            (false, false) => 2,
        }
    }
}

impl fmt::Display for SubmissionCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SubmissionCategory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        Self::ALL.into_iter().find(|category| category.as_str() == upper).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            format!("got `{}`, expected one of: {words}", crate::printable(text, 40))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_follows_from_the_parts() {
        let all: Vec<_> = SubmissionCategory::ALL.iter().map(|one| (one.as_str(), one.schema_version())).collect();
        assert_eq!(
            all,
            [
                ("SKILL", 2),
                ("SKILL+API", 2),
                ("CODE", 3),
                ("CODE+PACKAGES", 4),
                ("SKILL+CODE", 3),
                ("SKILL+API+CODE", 3),
                ("SKILL+CODE+PACKAGES", 4),
                ("SKILL+API+CODE+PACKAGES", 4),
            ]
        );
        assert_eq!("skill+api+code".parse(), Ok(SubmissionCategory::SkillApiCode));
        assert!("API".parse::<SubmissionCategory>().is_err());
    }
}
