//! What a certificate says about a run by a harness that a model wrote.

use serde::{Deserialize, Serialize};
use sigma_core::{Exercise, NetworkAttempt, Sha256, SpawnAttempt};

/// Which model was asked for a harness, and what running it showed. The generated harness was run in any case; the counts here
/// are of this run alone, and are the harness's as much as the code's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HarnessSummary {
    /// `model` where the model's harness ran, `generated` where only the generated one did.
    pub used: String,
    /// Why the model's was not run.
    pub reason: Option<String>,
    /// The model, as its vendor names it.
    pub model: String,
    /// Its family.
    pub family: String,
    /// SHA-256 of what it was asked; `null` where it was not asked after all.
    pub prompt_sha256: Option<Sha256>,
    /// SHA-256 of the source that it wrote.
    pub source_sha256: Option<Sha256>,
    /// Network connection attempts intercepted; `null` where it was not run.
    pub network_attempts: Option<u64>,
    /// The first of them.
    pub network: Vec<NetworkAttempt>,
    /// Process spawn attempts intercepted; `null` where it was not run.
    pub spawn_attempts: Option<u64>,
    /// The first of them.
    pub spawns: Vec<SpawnAttempt>,
    /// Files written, created, changed or removed; `null` where it was not run.
    pub files_written: Option<u64>,
    /// How it ended.
    pub exercised: Vec<Exercise>,
    /// What was seen, in plain language; `null` where it was not run.
    pub description: Option<String>,
}
