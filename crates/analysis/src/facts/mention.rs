//! Texts that mean something wherever they stand in code: credential files, places that start programs, addresses that
//! collect stolen data. In: a string literal. Out: which of them it names. The list is data: `mentions.txt`.

use std::sync::LazyLock;

use super::bits::{Signs, Taint};
use crate::literals::Literals;

/// One entry of the list.
pub(crate) struct Pattern {
    /// What a value that holds it is.
    pub taint: Taint,
    /// What it is a sign of.
    pub signs: Signs,
    /// Whether the entry matches only where no letter or digit is next to it.
    pub whole: bool,
    /// The text, in lower case.
    pub text: &'static str,
    /// What it is, for the message.
    pub what: &'static str,
}

/// The first entry that `text` names.
pub(crate) fn find(text: &str) -> Option<&'static Pattern> {
    find_all(text).next()
}

/// The entries that `text` names, in order of their place; the longest one where several begin together.
pub(crate) fn find_all(text: &str) -> impl Iterator<Item = &'static Pattern> {
    let bytes = text.as_bytes();
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    LIST.finder.find_iter(text).filter_map(move |(start, index)| {
        let pattern = &LIST.patterns[index];
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        (!pattern.whole || !(word(before) || word(bytes.get(start + pattern.text.len())))).then_some(pattern)
    })
}

struct List {
    patterns: Vec<Pattern>,
    finder: Literals<4>,
}

static LIST: LazyLock<List> = LazyLock::new(|| {
    let patterns: Vec<Pattern> = lines().filter_map(|line| line.ok()).collect();
    let finder = Literals::new(patterns.iter().map(|pattern| pattern.text));
    List { patterns, finder }
});

/// The entries: kinds joined by `+`, `whole` or `part`, text, `|`, what it is.
fn lines() -> impl Iterator<Item = Result<Pattern, &'static str>> {
    let text = include_str!("mentions.txt").lines().map(str::trim);
    text.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let (left, what) = line.split_once(" | ").ok_or(line)?;
        let mut words = left.splitn(3, ' ');
        let (kind, edge, text) = (words.next(), words.next(), words.next());
        let (mut taint, mut signs) = (Taint::NONE, Signs::NONE);
        for kind in kind.unwrap_or_default().split('+') {
            match (Taint::of_word(kind), Signs::of_word(kind)) {
                (Some(found), _) => taint |= found,
                (None, Some(found)) => signs |= found,
                (None, None) => return Err(line),
            }
        }
        let whole = match edge {
            Some("whole") => true,
            Some("part") => false,
            _ => return Err(line),
        };
        Ok(Pattern { taint, signs, whole, text: text.ok_or(line)?.trim(), what })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_understood() {
        assert_eq!(lines().find_map(Result::err), None);
        let texts: std::collections::BTreeSet<&str> =
            lines().filter_map(Result::ok).map(|pattern| pattern.text).collect();
        assert_eq!(texts.len(), lines().count(), "only the first of two equal texts is ever found");
        for pattern in lines().filter_map(Result::ok) {
            assert!(find(&format!("/{}/", pattern.text)).is_some(), "{} is never found", pattern.text);
        }
    }

    #[test]
    fn names_are_found_whole_where_they_must_be() {
        assert_eq!(find("~/.aws/credentials").unwrap().what, "AWS credentials");
        assert!(find("my.netrcfile").is_none());
        assert!(find("https://discord.com/api/webhooks/1/abc").is_some());
        assert!(find("https://discord.com/invite/x").is_none());
    }
}
