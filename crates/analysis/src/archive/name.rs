//! What a member is called, and what is wrong with that.
//!
//! In: the raw bytes of a path. Out: the printable path under which it is reported, and the oddities. Nothing here ever
//! becomes a path on disk.

use std::borrow::Cow;

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use sha2::{Digest as _, Sha256};
use sigma_core::printable;

use super::OddityKind;

/// A judged path.
pub(super) struct Name {
    /// Printable, at most the limit, without the container's prefix.
    pub path: String,
    /// What is wrong, with details.
    pub wrong: Vec<(OddityKind, String)>,
}

/// Judges a raw path. It is cut at the first NUL, as Python's zipfile and C programs read it.
pub(super) fn judge(raw: &[u8], limit: usize) -> Name {
    let mut wrong = Vec::new();
    let mut bad = Vec::new();
    let shown = memchr::memchr(0, raw).map_or(raw, |nul| &raw[..nul]);
    if shown.len() < raw.len() {
        let all = String::from_utf8_lossy(&raw[..raw.len().min(limit)]);
        bad.push(format!("readers that stop at NUL see another name than `{}`", printable(&all, 200)));
    }
    let text = String::from_utf8_lossy(&shown[..shown.len().min(limit.saturating_mul(4))]);
    if std::str::from_utf8(shown).is_err() {
        bad.push("it is not UTF-8".to_owned());
    }
    let path = printable(&text, limit);
    if shown.len() > limit {
        wrong.push((OddityKind::LongPath, format!("{} bytes, limit {limit}", shown.len())));
    } else if path != text {
        bad.push("it holds characters that cannot be seen or that reorder text".to_owned());
    }
    if text.contains('\\') {
        bad.push("a backslash separates folders on Windows".to_owned());
    }
    if text.starts_with(['/', '\\']) {
        wrong.push((OddityKind::AbsolutePath, "it starts at the root".to_owned()));
    }
    if text.is_empty() {
        bad.push("it is empty".to_owned());
    }
    if text.split(['/', '\\']).any(|part| part == "..") {
        let detail = if escapes("", &text) { "it leaves the archive" } else { "it goes up and comes back" };
        wrong.push((OddityKind::PathTraversal, detail.to_owned()));
    }
    if let Some(part) = text.split(['/', '\\']).find(|part| means_more_on_windows(part)) {
        bad.push(format!("`{}` is not what it seems on Windows", printable(part, 80)));
    }
    if !bad.is_empty() {
        wrong.push((OddityKind::BadName, bad.join("; ")));
    }
    Name { path, wrong }
}

/// True when `target`, seen from the folder `base`, leaves the root, or starts at another one.
pub(super) fn escapes(base: &str, target: &str) -> bool {
    if target.starts_with(['/', '\\']) || is_drive(target) {
        return true;
    }
    let mut depth = 0i64;
    for part in base.split(['/', '\\']).chain(target.split(['/', '\\'])) {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

/// The paths of one archive, to find the same one twice. It keeps digests, so that long paths cost no memory.
#[derive(Default)]
pub(super) struct Seen {
    /// The first path of those that differ in case only, by what they have in common.
    first: HashMap<[u8; 16], [u8; 16]>,
    /// The others.
    others: HashSet<[u8; 16]>,
}

impl Seen {
    /// Notes a file's path, and says whether it repeats an earlier one.
    pub fn note(&mut self, raw: &[u8]) -> Option<OddityKind> {
        let text = String::from_utf8_lossy(memchr::memchr(0, raw).map_or(raw, |nul| &raw[..nul]));
        let counts = |part: &&str| !part.is_empty() && *part != ".";
        // Nearly every path is spelled so.
        let plain = match !text.contains('\\') && text.split('/').all(|part| counts(&part)) {
            true => text,
            false => Cow::Owned(text.split(['/', '\\']).filter(counts).collect::<Vec<_>>().join("/")),
        };
        let exact = digest(&plain);
        let lower = plain.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        let folded = if lower { exact } else { digest(&plain.to_lowercase()) };
        match self.first.entry(folded) {
            Entry::Vacant(vacant) => {
                vacant.insert(exact);
                None
            }
            Entry::Occupied(first) if *first.get() == exact => Some(OddityKind::DuplicateName),
            Entry::Occupied(_) if self.others.insert(exact) => Some(OddityKind::CaseCollision),
            Entry::Occupied(_) => Some(OddityKind::DuplicateName),
        }
    }
}

fn digest(text: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
    short
}

fn is_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Device names, drives and alternate streams, and ends that Windows drops (Microsoft, "Naming Files, Paths, and
/// Namespaces").
fn means_more_on_windows(part: &str) -> bool {
    if matches!(part, "" | "." | "..") {
        return false;
    }
    let stem = part.split('.').next().unwrap_or(part).trim_end();
    let is_one = |names: &[&str], stem: &str| names.iter().any(|name| stem.eq_ignore_ascii_case(name));
    let numbered =
        || stem.strip_suffix(|last: char| matches!(last, '1'..='9')).is_some_and(|stem| is_one(&["COM", "LPT"], stem));
    let device = is_one(&["CON", "PRN", "AUX", "NUL"], stem) || numbered();
    device || part.contains(':') || part.ends_with(['.', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_judged() {
        let check = |raw: &[u8], expect: &str| {
            let name = judge(raw, 40);
            let wrong: Vec<_> = name.wrong.iter().map(|(kind, detail)| format!("{kind:?}: {detail}")).collect();
            assert_eq!(format!("{} | {}", name.path, wrong.join(" | ")), expect);
        };
        check(b"pkg/__init__.py", "pkg/__init__.py | ");
        check("pkg/naïve – file.py".as_bytes(), "pkg/naïve – file.py | ");
        check(b"../../etc/passwd", "../../etc/passwd | PathTraversal: it leaves the archive");
        check(b"a/../b", "a/../b | PathTraversal: it goes up and comes back");
        check(b"/etc/passwd", "/etc/passwd | AbsolutePath: it starts at the root");
        check(b"a\\b", "a\\b | BadName: a backslash separates folders on Windows");
        check(b"a/NUL.js", "a/NUL.js | BadName: `NUL.js` is not what it seems on Windows");
        check(b"C:x", "C:x | BadName: `C:x` is not what it seems on Windows");
        check(b"\xffa", "\u{fffd}a | BadName: it is not UTF-8");
        check(b"", " | BadName: it is empty");
        check(
            "a\u{202e}b".as_bytes(),
            "a\\u{202e}b | BadName: it holds characters that cannot be seen or that reorder text",
        );
        check(b"a.py\0.txt", "a.py | BadName: readers that stop at NUL see another name than `a.py\\u{0}.txt`");
        check(&[b'a'; 50], &format!("{}… | LongPath: 50 bytes, limit 40", "a".repeat(40)));
    }

    #[test]
    fn links_that_leave_are_told_from_those_that_stay() {
        for (base, target, expect) in [
            ("a/b", "../c", false),
            ("a/b", "../../c", false),
            ("a", "../../c", true),
            ("", "/etc", true),
            ("", "c:\\x", true),
            ("", "a/../../b", true),
        ] {
            assert_eq!(escapes(base, target), expect, "{base} -> {target}");
        }
    }

    #[test]
    fn repeated_paths_are_found_however_they_are_written() {
        let mut seen = Seen::default();
        let mut note = |path: &str| seen.note(path.as_bytes());
        assert_eq!(note("a/b"), None);
        assert_eq!(note("./a//b"), Some(OddityKind::DuplicateName));
        assert_eq!(note("a\\b"), Some(OddityKind::DuplicateName));
        assert_eq!(note("A/b"), Some(OddityKind::CaseCollision));
        assert_eq!(note("A/b"), Some(OddityKind::DuplicateName));
        assert_eq!(note("a/c"), None);
    }
}
