//! Names and paths with `*`, as operators write them.

/// Patterns of one kind, compared whole.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Patterns(Vec<String>);

impl Patterns {
    /// Patterns of paths: `*` and `?` stay within a folder, `**` crosses folders.
    pub fn new(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when one of them is the whole path.
    pub fn matches(&self, path: &str) -> bool {
        self.0.iter().any(|pattern| glob(pattern, path))
    }

    /// True when one of them is the whole name: `*` stands for anything, dots included.
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| wildcard(pattern.as_bytes(), name.as_bytes()))
    }
}

/// `a/**/b` also means `a/b`, and `**/x` also `x`.
fn glob(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    // The usual two cursors: on a mismatch the last `**` takes one folder more. Time is the product of the lengths.
    let (mut p, mut t, mut back) = (0, 0, None);
    while t < path.len() {
        match pattern.get(p) {
            Some(&"**") => {
                back = Some((p, t));
                p += 1;
            }
            Some(part) if wildcard(part.as_bytes(), path[t].as_bytes()) => (p, t) = (p + 1, t + 1),
            _ => match back {
                Some((star, taken)) => {
                    back = Some((star, taken + 1));
                    (p, t) = (star + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|part| *part == "**")
}

/// `*` stands for any bytes, `?` for one.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut back) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] || *byte == b'?' => (p, t) = (p + 1, t + 1),
            _ => match back {
                Some((star, taken)) => {
                    back = Some((star, taken + 1));
                    (p, t) = (star + 1, taken + 1);
                }
                _ => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_whole() {
        let cases = [
            ("setup.py", "setup.py", true),
            ("setup.py", "a/setup.py", false),
            ("*.py", "a/b.py", false),
            ("**/*.py", "a/b.py", true),
            ("**/*.py", "b.py", true),
            ("a/**/z.js", "a/z.js", true),
            ("a/**/z.js", "a/b/c/z.js", true),
            ("a/**", "a/b/c", true),
            ("a?c", "abc", true),
            ("**/x/**/x/**/y", "x/x/x/x/x/z", false),
        ];
        for (pattern, path, expect) in cases {
            assert_eq!(Patterns::new(vec![pattern.into()]).matches(path), expect, "{pattern} {path}");
        }
    }

    #[test]
    fn names_are_matched_across_dots() {
        let patterns = Patterns::new(vec!["requests.*".into(), "os.system".into()]);
        assert!(patterns.names("requests.Session().post") && patterns.names("os.system"));
        assert!(!patterns.names("os.systems") && !patterns.names("my.requests.get"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!wildcard(pattern.as_bytes(), "a".repeat(10_000).as_bytes()));
    }
}
