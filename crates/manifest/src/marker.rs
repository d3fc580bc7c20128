//! PEP 508 markers that strangers wrote, and what uv's parser may see of them.
//!
//! In: the text of a marker, or of a whole requirement. Out: the parsed marker, or what is wrong with it. uv's parser
//! recurses once per opening parenthesis, where an overflow ends the process, and builds a decision diagram that some
//! markers make grow exponentially. No text may reach it that did not pass [`check`].
//!
//! The bounds are counted over the whole text, quoted or not: whoever tells quotes apart can be deceived about them, and
//! counting too much only refuses what no project writes.

use std::str::FromStr as _;

use sigma_core::printable;
use uv_pep508::MarkerTree;

/// Longest text in bytes. Real requirements stay below 500, the longest markers of lockfiles below 8,000.
const LONGEST: usize = 16 << 10;
/// Opening parentheses. The parser cannot be deeper than there are; 64 fit a stack of 1 MiB in a build without
/// optimisation, which a test holds to.
const MOST_PARENTHESES: usize = 64;
/// Comparisons in a marker that mixes `and` and `or`; a marker of a real project has about ten.
const MOST_COMPARISONS: usize = 48;
/// `extra` and `in` comparisons in such a marker: each is a variable of its own in the decision diagram.
const MOST_VARIABLES: usize = 16;

/// What is wrong with a marker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkerError {
    /// Longer than any real one.
    #[error("has {0} bytes, expected at most {LONGEST}")]
    TooLong(usize),
    /// It could overflow the parser's stack.
    #[error("has {0} opening parentheses, expected at most {MOST_PARENTHESES}")]
    TooDeep(usize),
    /// It could take for ever.
    #[error(
        "has {comparisons} comparisons, {variables} of them of extras or lists, expected at most {MOST_COMPARISONS} \
         and {MOST_VARIABLES} where `and` and `or` are mixed"
    )]
    TooComplex {
        /// Comparisons of any kind.
        comparisons: usize,
        /// Comparisons that are variables of their own.
        variables: usize,
    },
    /// Not a marker at all.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// Whether uv's parser may see a marker, or a requirement with its marker. Returns an upper bound of the nodes that its
/// decision diagram can have.
pub fn check(text: &str) -> Result<usize, MarkerError> {
    if text.len() > LONGEST {
        return Err(MarkerError::TooLong(text.len()));
    }
    let parentheses = text.bytes().filter(|&byte| byte == b'(').count();
    if parentheses > MOST_PARENTHESES {
        return Err(MarkerError::TooDeep(parentheses));
    }
    let (mut ands, mut ors, mut variables) = (0, 0, 0);
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        ands += usize::from(word == "and");
        ors += usize::from(word == "or");
        variables += usize::from(word.ends_with("extra") || word.ends_with("in") || word.ends_with("extras"));
    }
    let comparisons = ands + ors + 1;
    // A chain of one connective is a chain in the diagram too, however long it is.
    if ands == 0 || ors == 0 {
        return Ok(comparisons);
    }
    if comparisons > MOST_COMPARISONS || variables > MOST_VARIABLES {
        return Err(MarkerError::TooComplex { comparisons, variables });
    }
    // The worst is a list of pairs, `(a and b) or (c and d)`: each pair that is cut apart doubles a level.
    Ok(comparisons << variables.div_ceil(2))
}

/// Reads a marker that may be read.
pub fn parse(text: &str) -> Result<MarkerTree, MarkerError> {
    check(text)?;
    // Only the message: the library's own rendering slices the text at places that need not be characters.
    MarkerTree::from_str(text).map_err(|error| MarkerError::Unreadable(printable(&error.message.to_string(), 200)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> String {
        match parse(text) {
            Ok(marker) => marker.try_to_string().unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn real_markers_are_read() {
        let check = |text: &str, expect: &str| assert_eq!(outcome(text), expect, "{text}");
        check("os_name == 'nt'", "os_name == 'nt'");
        check("((os_name == 'nt'))", "os_name == 'nt'");
        check(
            "(extra == 'a' or extra == 'b') and os_name == 'nt'",
            "(os_name == 'nt' and extra == 'a') or (os_name == 'nt' and extra == 'b')",
        );
        let chain: Vec<_> = (0..200).map(|at| format!("extra == 'e{at}'")).collect();
        assert!(parse(&chain.join(" or ")).is_ok());
        assert!(parse(&chain.join(" and ")).is_ok());
    }

    #[test]
    fn what_would_overflow_or_never_end_is_refused() {
        let check = |text: &str, expect: &str| assert_eq!(outcome(text), expect);
        let deep = |count: usize| format!("{}os_name=='x'{}", "(".repeat(count), ")".repeat(count));
        check(&deep(64), "os_name == 'x'");
        check(&deep(65), "has 65 opening parentheses, expected at most 64");
        check(&deep(100_000), "has 200012 bytes, expected at most 16384");
        // Closing parentheses in quotes close nothing.
        let hidden = "(')'==os_name and ".repeat(800);
        check(&hidden, "has 800 opening parentheses, expected at most 64");
        let pairs: Vec<_> = (0..9).map(|at| format!("extra=='a{at}' and extra=='b{at}'")).collect();
        check(
            &pairs.join(" or "),
            "has 18 comparisons, 18 of them of extras or lists, expected at most 48 and 16 where `and` and `or` are \
             mixed",
        );
        check("nonsense", "cannot be read: Expected a quoted string or a valid marker name, found `nonsense`");
    }

    #[test]
    fn the_deepest_marker_needs_little_stack() {
        let text = format!("{}os_name=='x'{}", "(".repeat(MOST_PARENTHESES), ")".repeat(MOST_PARENTHESES));
        let small = std::thread::Builder::new().stack_size(1 << 20);
        assert!(small.spawn(move || parse(&text).is_ok()).unwrap().join().unwrap());
    }
}
