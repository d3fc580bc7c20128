//! In which order the members of a package's answer stand.
//!
//! In: members by their name. Out: the same members, first those that the example of the specification shows, as it shows them, then
//! how the certificate stands and what its hash is, then everything else by name. No program may depend on that; people compare what
//! they get with what they have read.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

const FIRST: [&str; 21] = [
    // The specification's.
    "registrySource",
    "packageName",
    "packageVersion",
    "distributionSha256",
    "councilVerdict",
    "securityLevel",
    "retainedWarnings",
    "analysisType",
    "certifiedAt",
    "certificateId",
    "verifyEndpoint",
    "registryAdvisoryCount",
    "registryAdvisoryHighestSeverity",
    "registryAdvisorySummary",
    "registryAdvisories",
    // Ours.
    "status",
    "operatorDecision",
    "registryAdvisoryResolution",
    "payloadHash",
    "payloadHashAlgorithm",
    "onChain",
];

/// Writes members as an object.
pub(crate) fn in_order<S: Serializer>(
    members: &BTreeMap<&str, impl Serialize>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let first = FIRST.iter().filter_map(|name| members.get_key_value(name));
    let others = members.iter().filter(|(name, _)| !FIRST.contains(name));
    serializer.collect_map(first.chain(others))
}
