//! `RECORD`: what an installer says that it installed (Recording installed projects; binary distribution format). Nothing of it
//! proves anything: whoever can change a file can change this one.

use data_encoding::BASE64URL_NOPAD;
use sigma_core::Sha256;

/// Lines that are read. 500,000.
const MAX_LINES: usize = 500_000;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The path as it stands there, relative to `site-packages`.
    pub path: String,
    /// Its SHA-256, where it names one.
    pub sha256: Option<Sha256>,
}

/// Reads the text. `None` for more lines than are read.
pub(crate) fn parse(text: &str) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if lines.len() >= MAX_LINES {
            return None;
        }
        let (path, rest) = first_field(line);
        let hash = rest.split(',').next().unwrap_or_default().strip_prefix("sha256=");
        let bytes = hash.and_then(|hash| BASE64URL_NOPAD.decode(hash.trim_end_matches('=').as_bytes()).ok());
        lines.push(Line { path, sha256: bytes.and_then(|bytes| bytes.try_into().ok()).map(Sha256::from_bytes) });
    }
    Some(lines)
}

/// The first field of a line of CSV, and what follows its comma.
fn first_field(line: &str) -> (String, &str) {
    let Some(quoted) = line.strip_prefix('"') else {
        let (field, rest) = line.split_once(',').unwrap_or((line, ""));
        return (field.to_owned(), rest);
    };
    let mut field = String::new();
    let mut rest = quoted;
    while let Some(at) = rest.find('"') {
        field.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return (field, rest.strip_prefix(',').unwrap_or(rest)),
        }
    }
    field.push_str(rest);
    (field, "")
}

/// Where a path leads from a folder that is `base` below some root; nothing where it leaves that root.
pub(crate) fn resolve(base: &[&str], path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains(['\\', '\0']) {
        return None;
    }
    let mut parts: Vec<&str> = base.to_vec();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_csv() {
        let digest = BASE64URL_NOPAD.encode(Sha256::of(b"x").as_bytes());
        let text =
            format!("a.py,sha256={digest},1\n\"b,\"\"c\"\".py\",sha256={digest},1\r\nd/RECORD,,\n\ne.py,md5=x,3\n\"f");
        let lines: Vec<_> = parse(&text).unwrap().into_iter().map(|line| (line.path, line.sha256)).collect();
        let some = Some(Sha256::of(b"x"));
        let expect = [("a.py", some), ("b,\"c\".py", some), ("d/RECORD", None), ("e.py", None), ("f", None)];
        assert_eq!(lines, expect.map(|(path, sha256)| (path.to_owned(), sha256)));
    }

    #[test]
    fn paths_do_not_leave_the_environment() {
        let base = ["lib", "python3.12", "site-packages"];
        let check = |path: &str, expect: Option<&str>| assert_eq!(resolve(&base, path).as_deref(), expect, "{path}");
        check("a/b.py", Some("lib/python3.12/site-packages/a/b.py"));
        check("../../../bin/run", Some("bin/run"));
        check("../../../../etc/passwd", None);
        check("/etc/passwd", None);
        check("a/../../../../../x", None);
        check("..\\..\\x", None);
    }
}
