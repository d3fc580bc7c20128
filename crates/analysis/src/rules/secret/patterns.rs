//! The secrets that are known by their form, from `patterns.txt`: a literal finds the place, a regular expression says
//! where it ends, a check keeps examples and placeholders quiet.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::{Regex, RegexBuilder};
use sigma_core::Severity;

/// A secret in a text.
pub(super) struct Secret<'a> {
    pub what: &'static str,
    pub severity: Severity,
    pub offset: usize,
    pub text: &'a str,
}

/// One entry of the list.
struct Pattern {
    what: &'static str,
    literal: &'static str,
    regex: Regex,
    check: Check,
    severity: Severity,
}

/// What a candidate must pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Nothing more than its form.
    Form,
    /// It looks random: no words, no repeats.
    Random,
    /// Its last six characters are the CRC-32 of the others, in base 62 (GitHub's format since 2021).
    Crc32,
}

/// Secrets of one text that are told.
const MAX_SECRETS: usize = 200;
/// Bytes that a regular expression looks at from where its literal stands.
const WINDOW: usize = 4096;

/// Tells `found` every secret in `text`.
pub(super) fn scan<'a>(text: &'a str, found: &mut dyn FnMut(Secret<'a>)) {
    let mut told = 0;
    let mut end_of_last = 0;
    let Some(finder) = &LIST.finder else { return };
    for hit in finder.find_iter(text) {
        let pattern = &LIST.patterns[hit.pattern().as_usize()];
        let start = hit.start();
        let before = text.as_bytes()[..start].last();
        if start < end_of_last || before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            continue;
        }
        let window = &text.as_bytes()[start..text.len().min(start + WINDOW)];
        let Some(found_here) = pattern.regex.find(window).filter(|found| found.start() == 0) else { continue };
        let Some(secret) = text.get(start..start + found_here.end()) else { continue };
        if !passes(pattern.check, secret, pattern.literal) {
            continue;
        }
        end_of_last = start + found_here.end();
        found(Secret { what: pattern.what, severity: pattern.severity, offset: start, text: secret });
        told += 1;
        if told >= MAX_SECRETS {
            return;
        }
    }
}

fn passes(check: Check, secret: &str, literal: &str) -> bool {
    let lower = secret.to_ascii_lowercase();
    let placeholder = ["example", "xxxx", "....", "your", "0000", "1234567", "abcdef", "test", "fake", "dummy"];
    if placeholder.iter().any(|word| lower.contains(word)) {
        return false;
    }
    match check {
        Check::Form => true,
        Check::Random => is_random(&secret[literal.len().min(secret.len())..]),
        Check::Crc32 => is_random(&secret[literal.len().min(secret.len())..]) && has_crc32(secret, literal),
    }
}

/// True when letters are spread as in a random text: at least 3 bits a character.
fn is_random(text: &str) -> bool {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = text.len() as f64;
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum();
    entropy >= 3.0
}

/// GitHub's token format: the CRC-32 of the random part, in base 62, stands at the end.
fn has_crc32(secret: &str, literal: &str) -> bool {
    let Some(body) = secret.strip_prefix(literal).filter(|body| body.len() > 6 && body.is_ascii()) else {
        return false;
    };
    let (random, sum) = body.split_at(body.len() - 6);
    let mut crc = flate2::Crc::new();
    crc.update(random.as_bytes());
    let mut rest = crc.sum();
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(rest % 62) as usize];
        rest /= 62;
    }
    sum.as_bytes() == digits
}

struct List {
    finder: Option<AhoCorasick>,
    patterns: Vec<Pattern>,
}

static LIST: LazyLock<List> = LazyLock::new(|| {
    let patterns: Vec<Pattern> = lines().filter_map(|line| line.ok()).collect();
    let finder = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(patterns.iter().map(|p| p.literal)).ok();
    List { finder, patterns }
});

/// The entries: literal, check, severity, regular expression, what it is.
fn lines() -> impl Iterator<Item = Result<Pattern, &'static str>> {
    let text = include_str!("patterns.txt").lines();
    text.filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(|line| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().ok_or(line);
        let (literal, check, severity, regex, what) = (field()?, field()?, field()?, field()?, field()?);
        let check = match check {
            "form" => Check::Form,
            "random" => Check::Random,
            "crc32" => Check::Crc32,
            _ => return Err(line),
        };
        let severity = match severity {
            "low" => Severity::Low,
            "medium" => Severity::Medium,
            _ => return Err(line),
        };
        let regex = RegexBuilder::new(&format!("^(?:{regex})")).unicode(false).build().map_err(|_| line)?;
        Ok(Pattern { what, literal, regex, check, severity })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&'static str> {
        let mut found = Vec::new();
        scan(text, &mut |secret| found.push(secret.what));
        found
    }

    #[test]
    fn every_line_of_the_list_is_understood() {
        assert_eq!(lines().find_map(|line| line.err()), None);
        assert!(lines().count() >= 10);
    }

    #[test]
    fn secrets_are_found_and_placeholders_are_not() {
        // Put together here, so that no scanner takes the test for a leak.
        let aws = format!("key = '{}{}'", "AKIA", "Q7RTYUWZ3MNB5VCX");
        assert_eq!(found(&aws), ["an AWS access key id"]);
        assert!(found("AKIAIOSFODNN7EXAMPLE").is_empty());
        let npm = format!("//registry.npmjs.org/:_authToken={}{}", "npm_", "Zq8vT3kLw9RbX2yNc5Hd7Jm4Pf6Gs1Ua0EiO");
        assert_eq!(found(&npm), ["an npm token"]);
        assert!(found("npm_config_user_agent and npm_package_name").is_empty());
    }

    #[test]
    fn a_github_token_must_have_its_checksum() {
        let random = "q8vT3kLw9RbX2yNc5Hd7Jm4Pf6Gs1U";
        let mut crc = flate2::Crc::new();
        crc.update(random.as_bytes());
        let mut rest = crc.sum();
        let mut sum = Vec::new();
        for _ in 0..6 {
            sum.insert(0, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(rest % 62) as usize]);
            rest /= 62;
        }
        let token = format!("ghp_{random}{}", String::from_utf8(sum).unwrap());
        assert_eq!(found(&token), ["a GitHub token"]);
        assert!(found(&format!("ghp_{random}AAAAAA")).is_empty());
    }
}
