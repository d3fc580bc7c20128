//! npm's order of names and paths: `Intl.Collator("en")`, as far as package names need it.
//!
//! In: two names or two `node_modules` paths. Out: which one npm looks at first. The order decides which version of a
//! package is hoisted, so it has to be npm's own. Package names are ASCII; anything else sorts after it, by code point.

/// Printable ASCII in the order of the Unicode root collation (punctuation, symbols, digits, letters).
const ORDER: &[u8] =
    b"_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ";

/// A sortable form of a name: all characters without their case first, then the case of each, small before capital.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CollationKey {
    letters: Vec<u32>,
    cases: Vec<bool>,
}

impl CollationKey {
    /// The key of a name or path.
    pub(super) fn new(text: &str) -> Self {
        let letters = text.chars().map(|c| weight(c.to_ascii_lowercase())).collect();
        let cases = text.chars().map(|c| c.is_ascii_uppercase()).collect();
        Self { letters, cases }
    }
}

fn weight(c: char) -> u32 {
    let rank = u8::try_from(c).ok().and_then(|byte| ORDER.iter().position(|&known| known == byte));
    match rank {
        Some(rank) => rank as u32,
        None => 1000 + u32::from(c),
    }
}

#[cfg(test)]
mod tests {
    use super::CollationKey;

    fn check(names: &[&str], expect: &[&str]) {
        let mut sorted = names.to_vec();
        sorted.sort_by_key(|name| CollationKey::new(name));
        assert_eq!(sorted, expect);
    }

    // The expected orders were printed by Node's own Intl.Collator("en").
    #[test]
    fn names_sort_as_node_sorts_them() {
        check(
            &["a-b", "ab", "a_b", "a/b", "A", "a", "aB", "Ab", "a@b", "a.b", "@a/b"],
            &["@a/b", "a", "A", "a_b", "a-b", "a.b", "a@b", "a/b", "ab", "aB", "Ab"],
        );
    }

    #[test]
    fn a_nested_path_sorts_after_a_longer_sibling_with_a_dash() {
        check(&["a/node_modules/b", "a-x/node_modules/b"], &["a-x/node_modules/b", "a/node_modules/b"]);
    }
}
