//! A version so high that it wins over any other.

use sigma_core::{Category, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "dependency-confusion-version",
    category: Category::Identity,
    capability: None,
    severity: Severity::Low,
    message: "The version is so high that an installer prefers it to any other of that name.",
    why: "An installer that sees a company's own index beside the public one takes the highest version. Whoever publishes \
          a company's internal name with version 99.0.0 is installed inside that company.",
    false_positives: "Calendar versions and long-lived packages have high versions too: years, dates and numbers that grew \
                      are left out. MEDIUM only for a tiny package that runs something at installation.",
    example: include_str!("dependency_confusion_version/hit-npm.txtar"),
    check: Check::Distribution(check),
};

/// Bytes of source below which a package does nothing but what its hook does.
const TINY: u64 = 20_000;

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let Some(package) = distribution.package().filter(|package| is_absurd(package.version())) else { return };
    let hit = hits.hit(package.version());
    let hooked = !distribution.manifests.scripts.is_empty() || distribution.has_setup();
    let severity = if hooked && distribution.source_bytes() < TINY { Severity::Medium } else { Severity::Low };
    hits.push(hit.severity(severity));
}

/// True for a version that nobody reaches by counting.
fn is_absurd(version: &str) -> bool {
    let numbers = version.trim_start_matches('v').split(['.', '-', '+']);
    let numbers: Vec<&str> = numbers.take(3).take_while(|part| part.bytes().all(|b| b.is_ascii_digit())).collect();
    let Some(major) = numbers.first().and_then(|major| major.parse::<u64>().ok()) else { return false };
    let nines = |part: &&str| part.len() > 1 && part.bytes().all(|byte| byte == b'9');
    let alike = numbers.len() == 3 && numbers.iter().all(|part| part == &numbers[0]);
    match major {
        // Years, and dates written with the year first or with two digits for it.
        1990..=2100 | 199_001..=210_012 | 19_900_101..=21_001_231 => false,
        100..1990 | 2101.. => {
            nines(&numbers[0]) || alike || (major >= 200 && numbers.len() > 1 && numbers[0].ends_with("00"))
        }
        90..100 => numbers.iter().any(nines) && (numbers[0] == "99" || alike),
        _ => numbers.iter().skip(1).all(|part| part.len() > 2 && nines(part)) && numbers.len() == 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_nobody_reaches_by_counting() {
        for version in ["99.0.0", "99.99.99", "999.9.9", "9999.0.0", "100.100.100", "1.999.999", "1000.0.0", "99.10.9"]
        {
            assert!(is_absurd(version), "{version}");
        }
        for version in
            ["1.0.0", "2024.8.30", "20240101.1", "131.0.3", "24.9.0", "0.99.9", "1.99.0", "250231.0.0", "98.1.0", ""]
        {
            assert!(!is_absurd(version), "{version}");
        }
    }
}
