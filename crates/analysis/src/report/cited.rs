//! Which bytes a finding speaks of: the digests of the files that serious findings stand in.

use std::collections::{BTreeMap, BTreeSet};

use sigma_core::{FileEntry, Finding, Severity, Sha256, printable};

use super::MAX_PATH;

/// The digests of the files that findings of MEDIUM or more name, by path. Where two files have the same path, nobody
/// can say which one a finding means, and there is no digest.
pub(super) fn digests(findings: &[Finding], entries: &[FileEntry]) -> BTreeMap<String, Sha256> {
    let serious = findings.iter().filter(|finding| finding.severity >= Severity::Medium && !finding.file.is_empty());
    let cited: BTreeSet<&str> = serious.map(|finding| finding.file.as_str()).collect();
    if cited.is_empty() {
        return BTreeMap::new();
    }
    let mut digests: BTreeMap<String, Option<Sha256>> = BTreeMap::new();
    for entry in entries {
        let path = printable(&entry.path, MAX_PATH);
        if cited.contains(path.as_str()) {
            let same = |seen: &mut Option<Sha256>| *seen = seen.filter(|seen| *seen == entry.sha256);
            digests.entry(path).and_modify(same).or_insert(Some(entry.sha256));
        }
    }
    digests.into_iter().filter_map(|(path, digest)| Some((path, digest?))).collect()
}
