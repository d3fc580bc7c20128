//! What a certificate says about what is new in its package.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sigma_core::{Capability, Delta, DistributionDelta, SecurityLevel, Step};

/// What is new since the last version that was certified before, over all distributions. Lists are sorted, and bounded as
/// those of [`Delta`] are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeltaEntry {
    /// The version compared with.
    pub previous_version: String,
    /// Its certificate, whose report was compared with.
    pub previous_certificate: String,
    /// The ruleset of the report that was compared with: that of this certificate when the earlier distributions could be
    /// analysed again, an older one when they could not, and then what rules say was not compared.
    pub previous_ruleset_version: String,
    /// `patch`, `minor`, `major`, `downgrade` or `other`.
    pub step: Step,
    /// The level that only what is new asks for.
    pub security_level: SecurityLevel,
    /// All of it in a sentence.
    pub summary: String,
    /// What the code is able to do now, or does earlier.
    pub capabilities: Vec<Capability>,
    /// Static hosts in network calls.
    pub hosts: Vec<String>,
    /// What runs at installation.
    pub install_hooks: Vec<String>,
    /// Commands.
    pub entry_points: Vec<String>,
    /// Native and compiled files.
    pub binaries: Vec<String>,
    /// Rules that hit, or hit harder.
    pub rules: Vec<String>,
    /// Who published it and could not before; `null` also when the ecosystem does not say.
    pub newcomer: Option<String>,
    /// What could not be compared, in sentences.
    pub uncompared: Vec<String>,
}

impl DeltaEntry {
    /// Sums a delta up.
    pub fn new(delta: &Delta, previous_certificate: String, security_level: SecurityLevel) -> Self {
        fn all<T: Ord>(delta: &Delta, of: impl Fn(&DistributionDelta) -> Vec<T>) -> Vec<T> {
            let all: BTreeSet<T> = delta.distributions.iter().flat_map(of).collect();
            all.into_iter().collect()
        }
        let texts = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
        Self {
            previous_version: delta.previous.clone(),
            previous_certificate,
            previous_ruleset_version: delta.previous_ruleset.clone(),
            step: delta.step,
            security_level,
            summary: delta.summary(),
            capabilities: all(delta, |one| one.capabilities.iter().map(|gain| gain.capability).collect()),
            hosts: all(delta, |one| texts(&one.hosts)),
            install_hooks: all(delta, |one| texts(&one.install_hooks)),
            entry_points: all(delta, |one| texts(&one.entry_points)),
            binaries: all(delta, |one| one.binaries.iter().map(|binary| binary.path.clone()).collect()),
            rules: all(delta, |one| one.rules.iter().map(|rule| rule.rule.clone()).collect()),
            newcomer: delta.newcomer().map(str::to_owned),
            uncompared: delta.uncompared.clone(),
        }
    }
}
