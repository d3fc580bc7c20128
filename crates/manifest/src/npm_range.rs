//! Which npm ranges are eligible: exact versions, `^`, `~`, comparators and hyphen ranges, and `||` between them.
//!
//! Refused as wildcards: `*`, `x`, the empty range, `1`, `1.x`, `1.2` and `=1.2` (which mean the same), and an operator
//! before a wildcard (`>=*`). With an operator a version may be partial: `^1`, `~1.2`, `>=1`, `1.2 - 2`. Everything
//! else that npm accepts is a dist-tag: refused as floating. What npm would not accept either cannot be read.

use deno_semver::VersionReq;
use sigma_core::{Ecosystem, Refusal};

use super::draft::Rejection;

/// Longest range in bytes; semver itself stops at 256 for a version.
const LONGEST: usize = 1024;

/// Checks a range as it stands in a manifest.
pub(super) fn check(range: &str) -> Result<(), Rejection> {
    let range = range.trim();
    if range.len() > LONGEST {
        return Err(Rejection::unparsable(format!("got a range of {} bytes, expected at most {LONGEST}", range.len())));
    }
    let mut wildcard = false;
    for alternative in range.split("||") {
        match comparators(alternative.trim()) {
            Some(has_wildcard) => wildcard |= has_wildcard,
            None => return Err(not_a_range(range)),
        }
    }
    if wildcard {
        return Err(Rejection::new(Ecosystem::Npm, Refusal::Wildcard));
    }
    match VersionReq::parse_from_npm(range) {
        Ok(parsed) if parsed.tag().is_none() => Ok(()),
        _ => Err(not_a_range(range)),
    }
}

fn not_a_range(range: &str) -> Rejection {
    let tag_like = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if range.starts_with(|c: char| c.is_ascii_alphabetic()) && range.chars().all(tag_like) {
        return Rejection::new(Ecosystem::Npm, Refusal::FloatingTag);
    }
    Rejection::unparsable("this is not a version range; expected one such as `^1.2.3` (node-semver)")
}

/// Whether one alternative holds a wildcard; `None` when it is not a range.
fn comparators(text: &str) -> Option<bool> {
    if let Some((low, high)) = text.split_once(" - ") {
        return Some(partial(low.trim())?.any || partial(high.trim())?.any);
    }
    let mut wildcard = text.is_empty();
    let mut rest = text;
    while !rest.is_empty() {
        let version = rest.trim_start_matches(['<', '>', '=', '~', '^']);
        let operator = &rest[..rest.len() - version.len()];
        if !["", "=", "<", ">", "<=", ">=", "~", "~>", "^"].contains(&operator) {
            return None;
        }
        let version = version.trim_start();
        let end = version.find(char::is_whitespace).unwrap_or(version.len());
        let part = partial(&version[..end])?;
        wildcard |= part.any || (!part.complete && matches!(operator, "" | "="));
        rest = version[end..].trim_start();
    }
    Some(wildcard)
}

struct Partial {
    /// The major version is a wildcard: every version fits.
    any: bool,
    /// Major, minor and patch are numbers.
    complete: bool,
}

/// `1.2.3-rc.1+build`, `1.2`, `1.x`, `*`.
fn partial(text: &str) -> Option<Partial> {
    let text = text.strip_prefix(['v', '=']).unwrap_or(text);
    let core_end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, qualifier) = text.split_at(core_end);
    if !qualifier.chars().all(|c| c.is_ascii_alphanumeric() || "-+.".contains(c)) {
        return None;
    }
    let parts: Vec<&str> = core.split('.').collect();
    let is_wild = |part: &&str| matches!(*part, "x" | "X" | "*");
    let is_number = |part: &&str| !part.is_empty() && part.len() <= 16 && part.bytes().all(|b| b.is_ascii_digit());
    if !qualifier.is_empty() && parts.len() != 3 {
        return None;
    }
    if parts.len() > 3 || !parts.iter().all(|part| is_wild(part) || is_number(part)) {
        return None;
    }
    Some(Partial { any: is_wild(&parts[0]), complete: parts.len() == 3 && parts.iter().all(is_number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sorted_as_documented() {
        let outcome = |text: &str| check(text).err().map(|rejection| rejection.reason);
        for good in [
            "1.2.3",
            "v1.2.3",
            "=1.2.3",
            "^1.2.3",
            "~1.2.3",
            ">=1.2.3",
            "> 1.2.3 < 2",
            "<2",
            "^1",
            "~1.2",
            "^1.x",
            ">=1",
            "1.2.3 - 2.3.4",
            "1.2 - 2",
            "^1.0.0 || ^2.0.0",
            "1.2.3-beta.1",
            ">=1.0.0-0 <2.0.0",
            "~> 1.2",
            "1.2.3+build",
            " ^1.2.3 ",
            ">=1.2.3 <2 || 3.0.0",
        ] {
            assert_eq!(outcome(good), None, "{good}");
        }
        for wild in [
            "", " ", "*", "x", "X", "1", "1.2", "1.x", "1.2.*", "=1", "=1.x", ">=*", "^*", "~x", "^1 ||", "1 || 2",
            "v1",
        ] {
            assert_eq!(outcome(wild), Some(Refusal::Wildcard), "{wild}");
        }
        for tag in ["latest", "next", "beta-1", "alpha.2", "v2-latest"] {
            assert_eq!(outcome(tag), Some(Refusal::FloatingTag), "{tag}");
        }
        for wrong in [
            "^1.2.3.4",
            ">=1,<2",
            "1.2.3 foo",
            "foo || 1.0.0",
            "!1",
            "1..2",
            ">",
            "^",
            "%20",
            "99999999999999999999.0.0",
            "\u{202e}1.0.0",
            "=>1",
            "latest latest",
        ] {
            assert_eq!(outcome(wrong), Some(Refusal::Unparsable), "{wrong}");
        }
        assert_eq!(outcome(&"^1 ".repeat(10_000)), Some(Refusal::Unparsable));
    }
}
