//! What the distributions of one release tell when they are laid side by side.
//!
//! In: the analyses of a release's files, its wheels and its sdist. Out: findings, added to the reports of the wheels,
//! about source that a wheel holds and the sdist does not. A pure function of the analyses; it reads no bytes.

use std::collections::{BTreeMap, HashMap};

use sigma_core::{Category, Confidence, DistributionKind, Finding, Reach, Severity, Sha256, printable};

use crate::Analysis;
use crate::report::cited_digests;

/// The id of the findings about wheels that hold other source than the sdist.
pub const WHEEL_DIFFERS: &str = "wheel-differs";

/// Folders around the packages of an sdist that are looked through: `src/`, `sdk/python/demo/src/`.
const ROOTS: usize = 6;
/// Findings for one wheel.
const MAX_FINDINGS: usize = 40;

/// Lays every wheel of a release beside its sdist, and adds to the wheel's findings what only it holds.
///
/// A file that differs is INFO in all, for builds may change files. It is as much as the strongest finding in it that
/// the sdist's file of the same path does not have: up to HIGH, for the finding itself is counted on its own.
pub fn compare(analyses: &mut [Analysis]) {
    let sdist = analyses.iter().find(|analysis| analysis.report.kind == DistributionKind::Sdist);
    let Some(sdist) = sdist.map(Sdist::of) else { return };
    let found: Vec<Vec<Finding>> = analyses
        .iter()
        .map(|analysis| match analysis.report.kind {
            DistributionKind::Wheel => sdist.beside(analysis),
            DistributionKind::Sdist | DistributionKind::NpmTarball => Vec::new(),
        })
        .collect();
    for (analysis, found) in analyses.iter_mut().zip(found).filter(|(_, found)| !found.is_empty()) {
        analysis.report.rule_hits.insert(WHEEL_DIFFERS.to_owned(), found.len() as u64);
        analysis.report.findings.extend(found);
        analysis.report.findings.sort();
        let cited = cited_digests(&analysis.report.findings, &analysis.files.files);
        analysis.report.coverage.cited = cited;
    }
}

/// The source files of an sdist by their path inside the package, and what was found in them.
struct Sdist<'a> {
    files: HashMap<&'a str, Vec<Sha256>>,
    /// Rules that found something in a file, by that path.
    rules: HashMap<&'a str, Vec<&'a str>>,
    readable: bool,
}

impl<'a> Sdist<'a> {
    fn of(analysis: &'a Analysis) -> Self {
        let mut files: HashMap<&str, Vec<Sha256>> = HashMap::new();
        for entry in analysis.files.files.iter().filter(|entry| entry.path.ends_with(".py")) {
            for path in below(&entry.path) {
                files.entry(path).or_default().push(entry.sha256);
            }
        }
        let mut rules: HashMap<&str, Vec<&str>> = HashMap::new();
        for finding in &analysis.report.findings {
            for path in below(&finding.file) {
                rules.entry(path).or_default().push(&finding.rule);
            }
        }
        let readable = !files.is_empty() && !analysis.report.coverage.has_gaps();
        Self { files, rules, readable }
    }

    /// What a wheel holds beside this.
    fn beside(&self, wheel: &Analysis) -> Vec<Finding> {
        // "Not there" is known only of what was read, and of what has Python source at all.
        if !self.readable {
            return Vec::new();
        }
        let mut strongest: BTreeMap<&str, &Finding> = BTreeMap::new();
        for finding in wheel.report.findings.iter().filter(|finding| finding.file.ends_with(".py")) {
            let same =
                self.rules.get(finding.file.as_str()).is_some_and(|rules| rules.contains(&finding.rule.as_str()));
            let weight = |finding: &Finding| (finding.severity, finding.reach);
            if !same && strongest.get(finding.file.as_str()).is_none_or(|other| weight(finding) > weight(other)) {
                strongest.insert(&finding.file, finding);
            }
        }
        let (mut found, mut differ, mut alone) = (Vec::new(), 0_u64, 0_u64);
        for entry in wheel.files.files.iter().filter(|entry| entry.path.ends_with(".py") && !is_generated(&entry.path))
        {
            let others = self.files.get(installed(&entry.path));
            if others.is_some_and(|others| others.contains(&entry.sha256)) {
                continue;
            }
            match others {
                Some(_) => differ += 1,
                None => alone += 1,
            }
            if let Some(worst) = strongest.get(entry.path.as_str()).filter(|worst| worst.severity >= Severity::Low) {
                found.push(finding(entry.path.as_str(), worst, others.is_some()));
            }
        }
        found.sort_by(|a, b| (b.severity, &a.file).cmp(&(a.severity, &b.file)));
        found.truncate(MAX_FINDINGS);
        if differ + alone > 0 {
            let message = "Source in the wheel is not that of the source distribution.".to_owned();
            let evidence = format!("{differ} files differ, {alone} stand in the wheel only");
            found.push(Finding { evidence, message, ..blank(Severity::Info, Reach::Call, String::new()) });
        }
        found
    }
}

fn blank(severity: Severity, reach: Reach, file: String) -> Finding {
    Finding {
        rule: WHEEL_DIFFERS.to_owned(),
        category: Category::Integrity,
        capability: None,
        severity,
        confidence: Confidence::Medium,
        reach,
        file,
        line: 0,
        evidence: String::new(),
        message: String::new(),
        reached: None,
    }
}

fn finding(path: &str, worst: &Finding, changed: bool) -> Finding {
    let message = match changed {
        true => "A file of the wheel does what the same file of the source distribution does not.",
        false => "A file that stands in the wheel only does something that rules report.",
    };
    Finding {
        line: worst.line,
        evidence: worst.rule.clone(),
        message: message.to_owned(),
        ..blank(worst.severity.min(Severity::High), worst.reach, printable(path, 1024))
    }
}

/// The paths that a file of an sdist may have once it is installed: without the sdist's folder, and without folders
/// around the package.
fn below(path: &str) -> impl Iterator<Item = &str> {
    let inner = path.split_once('/').map(|(_, inner)| inner);
    std::iter::successors(inner, |path| path.split_once('/').map(|(_, rest)| rest)).take(ROOTS + 1)
}

/// The path at which a wheel's file is installed (binary distribution format, `.data`).
fn installed(path: &str) -> &str {
    let data = path.split_once('/').filter(|(top, _)| top.ends_with(".data"));
    data.and_then(|(_, rest)| rest.split_once('/')).map_or(path, |(_, rest)| rest)
}

/// Files that builds write or change: versions, build information, code made from a description.
fn is_generated(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let exact = ["_version.py", "version.py", "__version__.py", "__config__.py", "__about__.py", "about.py", "_git.py"];
    let ends = ["_pb2.py", "_pb2_grpc.py", "_generated.py", "_build_info.py", "_parser_tables.py", "_lextab.py"];
    let parts = ["build_info", "buildinfo", "_version", "gitversion", "parsetab", "lextab", "delvewheel"];
    exact.contains(&name.as_str())
        || ends.iter().any(|end| name.ends_with(end))
        || parts.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use sigma_core::{Digests, Sha1, Sha512};

    use super::*;
    use crate::{Analyser, Limits};

    fn analyse(kind: DistributionKind, files: &[(&str, &[u8])]) -> Analysis {
        let (sha512, sha1) = (Sha512::from_bytes([0; 64]), Sha1::from_bytes([0; 20]));
        let digests = Digests { sha256: Sha256::of(b""), sha512, sha1, size: 0 };
        Analyser::new(Limits::default()).analyse_files(None, kind, "demo", digests, files)
    }

    fn check(sdist: &[(&str, &[u8])], wheel: &[(&str, &[u8])], expect: &[(Severity, &str)]) {
        let mut both = [analyse(DistributionKind::Wheel, wheel), analyse(DistributionKind::Sdist, sdist)];
        compare(&mut both);
        let findings = both[0].report.findings.iter().filter(|finding| finding.rule == WHEEL_DIFFERS);
        let found: Vec<(Severity, &str)> = findings.map(|f| (f.severity, f.file.as_str())).collect();
        assert_eq!(found, expect);
        assert!(both[0].report.findings.is_sorted());
    }

    const PLAIN: &[u8] = b"VERSION = 1\n";
    const EVIL: &[u8] = b"import base64\nexec(base64.b64decode('cGFzcw=='))\n";

    #[test]
    fn the_same_source_in_another_folder_is_the_same() {
        check(&[("demo-1/src/demo/__init__.py", PLAIN)], &[("demo/__init__.py", PLAIN)], &[]);
        check(&[("demo-1/demo/__init__.py", EVIL)], &[("demo/__init__.py", EVIL)], &[]);
    }

    #[test]
    fn what_builds_write_is_quiet() {
        let sdist: &[(&str, &[u8])] = &[("demo-1/demo/__init__.py", PLAIN)];
        check(sdist, &[("demo/__init__.py", PLAIN), ("demo/_version.py", b"V = '1'\n")], &[]);
        check(sdist, &[("demo/__init__.py", b"VERSION = 2\n")], &[(Severity::Info, "")]);
        check(&[("demo-1/demo.c", b"int x;")], &[("demo/__init__.py", EVIL)], &[]);
    }

    #[test]
    fn what_only_the_wheel_does_counts() {
        let sdist: &[(&str, &[u8])] = &[("demo-1/demo/__init__.py", PLAIN)];
        let expect = [(Severity::Info, ""), (Severity::High, "demo/__init__.py")];
        check(sdist, &[("demo/__init__.py", EVIL)], &expect);
        let expect = [(Severity::Info, ""), (Severity::High, "demo/extra.py")];
        check(sdist, &[("demo/__init__.py", PLAIN), ("demo/extra.py", EVIL)], &expect);
        // A finding that both have is no difference.
        let both = [EVIL, b"# changed\n"].concat();
        check(&[("demo-1/demo/__init__.py", EVIL)], &[("demo/__init__.py", &both)], &[(Severity::Info, "")]);
    }
}
