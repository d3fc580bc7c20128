//! How far one version is from another, in the order of its ecosystem.
//!
//! In: two versions as an ecosystem spells them. Out: their order, and the kind of step between them. A version that its
//! ecosystem's rules do not cover has no order: nothing is guessed.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Ecosystem;

/// The kind of step from one version to another, smallest first. What a maintainer says with it, and what users expect:
/// a patch release repairs, so whatever is new in one stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Step {
    /// Only the third number or a later one differs, or a pre-release, post-release or build mark.
    Patch,
    /// The second number differs.
    Minor,
    /// The first number or the epoch differs.
    Major,
    /// The newer one is lower.
    Downgrade,
    /// The same version, or one that has no order.
    Other,
}

impl Step {
    /// The step from `old` to `new`.
    pub fn between(ecosystem: Ecosystem, old: &str, new: &str) -> Self {
        let Some((order, old, new)) = compare(ecosystem, old, new) else { return Self::Other };
        match order {
            Ordering::Equal => Self::Other,
            Ordering::Greater => Self::Downgrade,
            Ordering::Less if old[..2] != new[..2] => Self::Major,
            Ordering::Less if old[2] != new[2] => Self::Minor,
            Ordering::Less => Self::Patch,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Downgrade => "downgrade",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which of two versions is lower: PEP 440 for PyPI, Semantic Versioning 2.0 (section 11) for npm. `None` when one of them
/// does not follow these rules.
pub fn order_versions(ecosystem: Ecosystem, a: &str, b: &str) -> Option<Ordering> {
    compare(ecosystem, a, b).map(|(order, ..)| order)
}

/// The order of two versions; epoch, first and second number of each. npm has no epoch.
fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Option<(Ordering, [u64; 3], [u64; 3])> {
    match ecosystem {
        Ecosystem::Pypi => {
            let read = |text| uv_pep440::Version::from_str(text).ok();
            let numbers = |version: &uv_pep440::Version| {
                let release = version.release();
                let at = |index| release.get(index).copied().unwrap_or(0);
                [version.epoch(), at(0), at(1)]
            };
            let (a, b) = (read(a)?, read(b)?);
            Some((a.cmp(&b), numbers(&a), numbers(&b)))
        }
        Ecosystem::Npm => {
            let read = |text| semver::Version::parse(text).ok();
            let numbers = |version: &semver::Version| [0, version.major, version.minor];
            let (a, b) = (read(a)?, read(b)?);
            Some((a.cmp_precedence(&b), numbers(&a), numbers(&b)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ecosystem: Ecosystem, old: &str, new: &str, expect: Step) {
        assert_eq!(Step::between(ecosystem, old, new), expect, "{old} -> {new}");
    }

    #[test]
    fn python_steps_follow_pep_440() {
        use Ecosystem::Pypi;
        check(Pypi, "1.2.3", "1.2.4", Step::Patch);
        check(Pypi, "1.2", "1.2.0.1", Step::Patch);
        check(Pypi, "1.2.3", "1.2.3.post1", Step::Patch);
        check(Pypi, "1.2.3rc1", "1.2.3", Step::Patch);
        check(Pypi, "1.2.3", "1.2.3+local", Step::Patch);
        check(Pypi, "1.2.3", "1.3.0a1", Step::Minor);
        check(Pypi, "1", "1.1", Step::Minor);
        check(Pypi, "2025.1.31", "2026.4.26", Step::Major);
        check(Pypi, "99.0", "1!1.0", Step::Major);
        check(Pypi, "1.10", "1.9", Step::Downgrade);
        check(Pypi, "1.0", "1.0.0", Step::Other);
        check(Pypi, "1.0", "banana", Step::Other);
    }

    #[test]
    fn npm_steps_follow_semantic_versioning() {
        use Ecosystem::Npm;
        check(Npm, "0.7.28", "0.7.29", Step::Patch);
        check(Npm, "1.0.0-rc.1", "1.0.0-rc.10", Step::Patch);
        check(Npm, "1.0.0-rc.1", "1.0.0", Step::Patch);
        check(Npm, "1.9.0", "1.10.0", Step::Minor);
        check(Npm, "1.9.0", "2.0.0-beta.1", Step::Major);
        check(Npm, "2.0.0", "2.0.0-rc.1", Step::Downgrade);
        check(Npm, "1.0.0+a", "1.0.0+b", Step::Other);
        check(Npm, "1.0", "1.0.1", Step::Other);
        check(Npm, "1.0.0", "99999999999999999999.0.0", Step::Other);
    }
}
