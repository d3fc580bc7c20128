//! What a SKILL.md declares, and where the code does otherwise.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Capability, Problem, Sha256};

/// A call to somebody else that a skill declares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ExternalCall {
    /// The address, printable.
    pub url: String,
    /// HTTP method in upper case; `GET` where none is declared.
    pub method: String,
    /// How it authenticates, as declared.
    pub auth: Option<String>,
    /// What for, as declared (`reason` or `purpose`).
    pub reason: Option<String>,
}

/// A SKILL.md, read. Every text in it is a claim of its author: printable and bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkillManifest {
    /// Path relative to the folder under review.
    pub path: String,
    /// SHA-256 of the file with its line ends normalised to LF: the source integrity of a skill.
    pub sha256_lf: Sha256,
    /// 1 to 64 characters of a-z, 0-9 and -.
    pub name: Option<String>,
    /// Version, as declared.
    pub version: Option<String>,
    /// 1 to 1,024 characters.
    pub description: Option<String>,
    /// Licence, as declared.
    pub license: Option<String>,
    /// Home page, as declared.
    pub homepage: Option<String>,
    /// Author, as declared.
    pub author: Option<String>,
    /// Entry point, as declared; the submission's own wins.
    pub entry: Option<String>,
    /// Runtime, as declared.
    pub runtime: Option<String>,
    /// Compatibility, as declared.
    pub compatibility: Option<String>,
    /// Tools that an agent may use for it without asking.
    pub allowed_tools: Vec<String>,
    /// Further texts by name.
    pub metadata: BTreeMap<String, String>,
    /// Capabilities, as declared.
    pub capabilities: Vec<String>,
    /// Calls to others, as declared.
    pub external_calls: Vec<ExternalCall>,
    /// What is wrong with it, with its line.
    pub problems: Vec<Problem>,
}

impl SkillManifest {
    /// One that says nothing yet.
    pub fn new(path: String, sha256_lf: Sha256) -> Self {
        Self {
            path,
            sha256_lf,
            name: None,
            version: None,
            description: None,
            license: None,
            homepage: None,
            author: None,
            entry: None,
            runtime: None,
            compatibility: None,
            allowed_tools: Vec::new(),
            metadata: BTreeMap::new(),
            capabilities: Vec::new(),
            external_calls: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// Where SKILL.md and code do not say the same, in both directions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ManifestDelta {
    /// Hosts in network calls of the code that SKILL.md does not declare.
    pub undeclared_hosts: BTreeSet<String>,
    /// Hosts that SKILL.md declares and the code does not name.
    pub unused_hosts: BTreeSet<String>,
    /// What the code is able to do and SKILL.md does not declare.
    pub undeclared_capabilities: BTreeSet<Capability>,
    /// Capabilities that SKILL.md declares, in its own words, and the code does not have.
    pub unused_capabilities: BTreeSet<String>,
}

impl ManifestDelta {
    /// True where both say the same.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
