//! setuptools' `requires.txt`: requirements in sections `[extra]`, `[:marker]` or `[extra:marker]`.
//!
//! In: the text as an sdist holds it. Out: the requirements with their markers, or `None` when a line cannot be read:
//! half a list of dependencies would be worse than none.

use std::str::FromStr as _;

use uv_pep508::Requirement;
use uv_pypi_types::{LenientRequirement, VerbatimParsedUrl};

use super::metadata::Budget;

/// Lines that are read. The largest real files have a few hundred.
const MAX_LINES: usize = 10_000;

/// Reads a whole file.
pub(super) fn requirements(text: &str) -> Option<Vec<Requirement<VerbatimParsedUrl>>> {
    let mut found = Vec::new();
    let mut budget = Budget::default();
    let mut condition = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if number >= MAX_LINES {
            return None;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            condition = section_marker(section.strip_suffix(']')?)?;
            continue;
        }
        let marked = match (line.split_once(';'), condition.as_str()) {
            (_, "") => line.to_owned(),
            (None, condition) => format!("{line} ; {condition}"),
            (Some((requirement, marker)), condition) => format!("{requirement} ; ({marker}) and {condition}"),
        };
        budget.requirement(&marked).ok()?;
        found.push(LenientRequirement::from_str(&marked).ok()?.into());
    }
    Some(found)
}

/// `extra:marker` as a PEP 508 marker.
fn section_marker(section: &str) -> Option<String> {
    let (extra, marker) = section.split_once(':').unwrap_or((section, ""));
    let plain = extra.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    match (extra.trim(), marker.trim()) {
        _ if !plain => None,
        ("", "") => Some(String::new()),
        ("", marker) => Some(format!("({marker})")),
        (extra, "") => Some(format!("extra == '{extra}'")),
        (extra, marker) => Some(format!("({marker}) and extra == '{extra}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        let lines = requirements(text).map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
        lines.map_or("cannot be read".to_owned(), |lines| lines.join("\n"))
    }

    #[test]
    fn sections_become_markers() {
        let text = "six>=1.9\n\n[:python_version < \"3\"]\nfutures\n\n[socks]\nPySocks>=1.5.6\n\n\
                    [tls:sys_platform == 'win32']\nwincertstore ; python_version > '3.5'\n";
        insta::assert_snapshot!(check(text), @r"
        six>=1.9
        futures ; python_full_version < '3'
        pysocks>=1.5.6 ; extra == 'socks'
        wincertstore ; python_full_version >= '3.6' and sys_platform == 'win32' and extra == 'tls'
        ");
    }

    #[test]
    fn what_cannot_be_read_is_not_half_read() {
        assert_eq!(check(""), "");
        assert_eq!(check("six\n???"), "cannot be read");
        assert_eq!(check("[a' or 'b]\nsix"), "cannot be read");
        assert_eq!(check(&format!("six ; {}", "(".repeat(100_000))), "cannot be read");
    }
}
