//! The secrets that are known by their form, from `patterns.txt`: a literal finds the place, a regular expression says
//! where it ends, a check keeps examples and placeholders quiet.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use regex::bytes::{Regex, RegexBuilder};
use sigma_core::Severity;

use crate::literals;

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
    source: &'static str,
    regex: OnceLock<Option<Regex>>,
    check: Check,
    severity: Severity,
}

impl Pattern {
    /// Its regular expression, made when its literal is first seen: most of them never are.
    fn regex(&self) -> Option<&Regex> {
        let make = || RegexBuilder::new(&format!("^(?:{})", self.source)).unicode(false).build().ok();
        self.regex.get_or_init(make).as_ref()
    }
}

/// What a candidate must pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Nothing more than its form.
    Form,
    /// It looks random: no words, no repeats.
    Random,
    /// Its last six characters are the CRC-32 of the others, in base 62 (GitHub's format since 2021, npm's too).
    Crc32,
    /// RFC 7519: its first two parts are JSON objects, and the first names an algorithm.
    Jwt,
    /// RFC 7468: base 64 of a DER sequence, or of OpenSSH's own format.
    Pem,
    /// Discord's bot tokens begin with the account's number in base 64.
    Discord,
    /// Telegram's bot tokens have the account's number before the literal.
    Telegram,
}

/// Secrets of one text that are told.
const MAX_SECRETS: usize = 200;
/// Bytes that a regular expression looks at from where its literal stands: a private key of 8,192 bits has 6,400.
const WINDOW: usize = 8192;

/// Tells `found` every secret in `text`.
pub(super) fn scan<'a>(text: &'a str, found: &mut dyn FnMut(Secret<'a>)) {
    let mut told = 0;
    let mut end_of_last = 0;
    let Some(finder) = &LIST.finder else { return };
    for hit in finder.find_iter(text) {
        let pattern = &LIST.patterns[hit.pattern().as_usize()];
        let start = hit.start();
        let before = text.as_bytes()[..start].last();
        let number = account(pattern.check, &text[..start]);
        let inside = number == 0 && before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        // `bot.run("…")` has its literal behind a name.
        if start < end_of_last || (inside && pattern.check != Check::Discord) {
            continue;
        }
        let window = &text.as_bytes()[start..text.len().min(start + WINDOW)];
        let here = pattern.regex().and_then(|regex| regex.find(window));
        let Some(found_here) = here.filter(|here| here.start() == 0) else { continue };
        let Some(secret) = text.get(start - number..start + found_here.end()) else { continue };
        if !passes(pattern.check, secret, pattern.literal) {
            continue;
        }
        let start = start - number;
        let found_here = number + found_here.end();
        end_of_last = start + found_here;
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
    // The key of the storage emulator, which Microsoft documents.
    if lower.contains("eby8vdm02xnocqfl") || placeholder.iter().any(|word| lower.contains(word)) {
        return false;
    }
    match check {
        Check::Form => true,
        Check::Random => is_random(&secret[literal.len().min(secret.len())..]),
        Check::Crc32 => is_random(&secret[literal.len().min(secret.len())..]) && has_crc32(secret, literal),
        Check::Jwt => is_jwt(secret),
        Check::Pem => is_pem(secret),
        Check::Discord => is_discord(secret),
        Check::Telegram => secret.starts_with(|c: char| c.is_ascii_digit()) && is_random(secret),
    }
}

/// Digits of the account's number right before a literal; 0 where the check wants none or there is none.
fn account(check: Check, before: &str) -> usize {
    if check != Check::Telegram {
        return 0;
    }
    let digits = before.bytes().rev().take(13).take_while(|byte| byte.is_ascii_digit()).count();
    if (8..=12).contains(&digits) { digits } else { 0 }
}

fn is_jwt(secret: &str) -> bool {
    let mut parts = secret.split('.');
    let mut object = || {
        let bytes = BASE64URL_NOPAD.decode(parts.next()?.as_bytes()).ok()?;
        serde_json::from_slice::<serde_json::Value>(&bytes).ok().filter(|json| json.is_object())
    };
    let (header, claims) = (object(), object());
    // The token of every tutorial is John Doe's.
    let tutorial = claims.as_ref().is_some_and(|claims| claims.get("name").is_some_and(|name| name == "John Doe"));
    header.is_some_and(|header| header.get("alg").is_some()) && claims.is_some() && !tutorial
}

fn is_pem(secret: &str) -> bool {
    let Some((_, body)) = secret.split_once("KEY-----") else { return false };
    let body = body.replace("\\n", "").replace("\\r", "");
    let body: String = body.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/')).collect();
    let whole = &body[..body.len() / 4 * 4];
    let Ok(bytes) = BASE64.decode(whole.as_bytes()) else { return false };
    let der = bytes.len() > 40 && bytes[0] == 0x30 && matches!(bytes[1], 0x20..=0x7f | 0x81 | 0x82);
    der || bytes.starts_with(b"openssh-key-v1\0")
}

fn is_discord(secret: &str) -> bool {
    let Some((_, token)) = secret.split_once(['"', '\'']) else { return false };
    let number = token.split('.').next().unwrap_or_default();
    let number = BASE64URL_NOPAD.decode(number.trim_end_matches('=').as_bytes()).unwrap_or_default();
    (17..=20).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
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
    let finder = literals::finder(patterns.iter().map(|pattern| pattern.literal));
    List { finder: finder.ok(), patterns }
});

/// The entries: literal, check, severity, regular expression, what it is; the examples behind them are for the tests.
fn lines() -> impl Iterator<Item = Result<Pattern, &'static str>> {
    let text = include_str!("patterns.txt").lines();
    text.filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(|line| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().ok_or(line);
        let (literal, check, severity, source, what) = (field()?, field()?, field()?, field()?, field()?);
        let check = match check {
            "form" => Check::Form,
            "random" => Check::Random,
            "crc32" => Check::Crc32,
            "jwt" => Check::Jwt,
            "pem" => Check::Pem,
            "discord" => Check::Discord,
            "telegram" => Check::Telegram,
            _ => return Err(line),
        };
        let severity = match severity {
            "low" => Severity::Low,
            "medium" => Severity::Medium,
            _ => return Err(line),
        };
        Ok(Pattern { what, literal, source, regex: OnceLock::new(), check, severity })
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
        assert!(lines().count() >= 40);
        assert!(lines().all(|line| line.is_ok_and(|pattern| pattern.regex().is_some())));
    }

    #[test]
    fn every_entry_finds_its_hit_and_leaves_its_miss() {
        let text = include_str!("patterns.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in text {
            let fields: Vec<&str> = line.split('\t').collect();
            let [literal, .., what, hit, miss] = fields[..] else { panic!("{line}") };
            let example = |text: &str| text.replace('~', "");
            assert!(example(hit).contains(literal), "{literal}: the hit shows something else");
            assert!(!hit.contains(literal) || literal.len() < 2, "{literal}: the hit is not cut");
            assert_eq!(found(&format!("key = '{}'", example(hit))), [what], "{literal}");
            assert_eq!(found(&format!("key = '{}'", example(miss))), [""; 0], "{literal}");
        }
    }

    #[test]
    fn a_secret_is_told_once_and_from_its_beginning() {
        let mut told = Vec::new();
        let token = format!("{}{}", "8234567019:A", "Aq8vT3kLw9RbX2yNc5Hd7Jm4Pf6Gs1Ua0E");
        let text = format!("x = 1\nTOKEN = '{token}'\n");
        scan(&text, &mut |secret| told.push((secret.offset, secret.text.to_owned())));
        assert_eq!(told, [(15, token)]);
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        for piece in ["eyJ.", "-----BEGIN PRIVATE KEY-----", "sk-", ".run(\"M", "1:AA", "SG.a"] {
            assert!(found(&piece.repeat(200_000)).is_empty());
        }
    }
}
