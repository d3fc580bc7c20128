//! Core metadata (PEP 566, PEP 643) that strangers wrote, checked before uv parses it.
//!
//! In: the bytes of a METADATA or PKG-INFO file. Out: nothing, or why uv must not see it. The headers are taken apart by
//! the library that uv uses, so that what is checked is what uv will parse, unfolded. Encoded words (RFC 2047) could hide
//! any character, and decoding many takes minutes; no field that uv reads needs them.

use mailparse::MailHeaderMap as _;
use sigma_manifest::marker;

/// Largest metadata file in bytes. The largest real ones are about 1 MB of long description.
pub(super) const MAX_METADATA: u64 = 8 << 20;

/// Requirements of one file. The largest real packages have about 2,000.
const MAX_REQUIREMENTS: usize = 10_000;

/// Longest `Requires-Python` in bytes; real ones have below 100.
const MAX_PYTHON: usize = 2 << 10;

/// Nodes that all the markers of one file may need. uv keeps each for as long as the process lives; this is about
/// 100 MB at the worst, and a hundred times what real files come to.
const MAX_NODES: usize = 1 << 20;

/// The fields that uv reads.
const READ: [&str; 7] =
    ["Metadata-Version", "Name", "Version", "Requires-Dist", "Requires-Python", "Provides-Extra", "Dynamic"];

/// Why uv must not see a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum MetadataError {
    /// A field that is not plain text.
    #[error("its {0} holds an encoded word (RFC 2047), expected plain text")]
    Encoded(&'static str),
    /// One of the requirements.
    #[error("a requirement {0}")]
    Requirement(#[from] marker::MarkerError),
    /// uv replaces `${NAME}` in addresses by what our environment holds.
    #[error("a requirement names an environment variable")]
    Variable,
    /// Too many of them.
    #[error("it has more than {MAX_REQUIREMENTS} requirements")]
    TooMany,
    /// All of them together.
    #[error("its markers could need more than {MAX_NODES} nodes")]
    TooComplex,
    /// Longer than any real one.
    #[error("its Requires-Python has {0} bytes, expected at most {MAX_PYTHON}")]
    Python(usize),
}

/// Checks a METADATA or PKG-INFO file. One that is no metadata at all passes: uv says that better.
pub(super) fn check(metadata: &[u8]) -> Result<(), MetadataError> {
    let Ok((headers, _)) = mailparse::parse_headers(metadata) else { return Ok(()) };
    for header in &headers {
        let field = READ.into_iter().find(|field| header.get_key_ref().eq_ignore_ascii_case(field));
        if let Some(field) = field
            && header.get_value_raw().windows(2).any(|pair| pair == b"=?")
        {
            return Err(MetadataError::Encoded(field));
        }
    }
    let mut budget = Budget::default();
    for python in headers.get_all_values("Requires-Python") {
        budget.python(&python)?;
    }
    headers.get_all_values("Requires-Dist").iter().try_for_each(|requirement| budget.requirement(requirement))
}

/// What the requirements of one file may come to together.
#[derive(Default)]
pub(super) struct Budget {
    requirements: usize,
    nodes: usize,
}

impl Budget {
    /// Checks one requirement (PEP 508), and counts it.
    pub fn requirement(&mut self, requirement: &str) -> Result<(), MetadataError> {
        self.requirements += 1;
        if self.requirements > MAX_REQUIREMENTS {
            return Err(MetadataError::TooMany);
        }
        if requirement.contains("${") {
            return Err(MetadataError::Variable);
        }
        self.nodes += marker::check(requirement)?;
        match self.nodes > MAX_NODES {
            true => Err(MetadataError::TooComplex),
            false => Ok(()),
        }
    }

    /// Checks a specifier of Python versions.
    pub fn python(&self, specifier: &str) -> Result<(), MetadataError> {
        match specifier.len() > MAX_PYTHON {
            true => Err(MetadataError::Python(specifier.len())),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(headers: &str) -> String {
        let metadata = format!("Metadata-Version: 2.1\nName: x\nVersion: 1\n{headers}\n\nText (((((\n");
        check(metadata.as_bytes()).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn what_uv_will_parse_is_what_is_checked() {
        let check = |headers: &str, expect: &str| assert_eq!(outcome(headers), expect);
        let deep = "(".repeat(2000);
        let refused = "a requirement has 2000 opening parentheses, expected at most 64";
        check("Requires-Dist: a (>=1,<2) ; (os_name == 'nt')", "fine");
        check(&format!("Description: {deep}"), "fine");
        check(&format!("Requires-Dist: a ; {deep}"), refused);
        check(&format!("REQUIRES-DIST:a ; {deep}"), refused);
        check(&format!("Requires-Dist: a\n\t; {deep}"), refused);
        let hidden = data_encoding::BASE64.encode(format!("a ; {deep}").as_bytes());
        let encoded = "its Requires-Dist holds an encoded word (RFC 2047), expected plain text";
        check(&format!("Requires-Dist: =?utf-8?B?{hidden}?="), encoded);
        check(&format!("requires-dist: a ;\n =?utf-8?q?{}?=", "=28".repeat(2000)), encoded);
        // Decoding these would take minutes.
        check(&format!("Requires-Dist: {}", "=?utf-8?q?a?= ".repeat(500_000)), encoded);
        check("Author: =?utf-8?q?Zo=C3=AB?=", "fine");
        check(
            &format!("Requires-Python: >=3{}", ",>=3".repeat(2000)),
            "its Requires-Python has 8003 bytes, expected at most 2048",
        );
        check("Requires-Dist: a @ https://host.test/${HOME}", "a requirement names an environment variable");
        check(&"Requires-Dist: a\n".repeat(10_001), "it has more than 10000 requirements");
        let pairs: Vec<_> = (0..8).map(|at| format!("extra=='a{at}' and extra=='b{at}'")).collect();
        let costly = format!("Requires-Dist: a ; {}\n", pairs.join(" or "));
        check(&costly, "fine");
        check(&costly.repeat(1000), "its markers could need more than 1048576 nodes");
    }
}
