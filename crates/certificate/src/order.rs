//! In which order the members of a package's answer stand.
//!
//! In: members by their name. Out: the same members, first those that the example of the specification shows, as it shows them, then
//! how the certificate stands and what its hash is, then everything else by name. No program may depend on that; people compare what
//! they get with what they have read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

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

/// The same by name, each with its place.
static BY_NAME: LazyLock<[(&str, usize); FIRST.len()]> = LazyLock::new(|| {
    let mut places = std::array::from_fn(|place| (FIRST[place], place));
    places.sort_unstable();
    places
});

/// Writes members as an object.
pub(crate) fn in_order<S: Serializer, T: Serialize>(
    members: &BTreeMap<&str, T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let (mut first, mut others) = ([None; FIRST.len()], Vec::with_capacity(members.len()));
    // Both are by name, so that one walk over both finds each place.
    let mut places = BY_NAME.iter().peekable();
    for member in members {
        while places.next_if(|(name, _)| name < member.0).is_some() {}
        match places.next_if(|(name, _)| name == member.0) {
            Some((_, place)) => first[*place] = Some(member),
            None => others.push(member),
        }
    }
    serializer.collect_map(first.into_iter().flatten().chain(others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_specification_shows_comes_first_as_it_shows_it_and_the_rest_by_name() {
        let check = |names: &[&str], expect: &str| {
            let members: BTreeMap<&str, u8> = names.iter().map(|name| (*name, 1)).collect();
            let mut json = Vec::new();
            in_order(&members, &mut serde_json::Serializer::new(&mut json)).unwrap();
            let text = String::from_utf8(json).unwrap();
            let got: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
            assert_eq!(got.join(" "), expect);
        };
        check(&[], "");
        check(&["zebra", "apple"], "apple zebra");
        check(&["status", "onChain", "certifiedAt"], "certifiedAt status onChain");
        check(
            &["aFirst", "verifyEndpoint", "zLast", "packageName", "package"],
            "packageName verifyEndpoint aFirst package zLast",
        );
        check(&[&["b", "a", "s", "z"], &FIRST[..]].concat(), &format!("{} a b s z", FIRST.join(" ")));
    }
}
