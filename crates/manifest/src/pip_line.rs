//! Lines of a requirements file as pip makes them: the text of a file comes in, logical lines go out. What pip does in
//! `preprocess` of `req_file.py` is done here in the same order: split, join continuations, cut comments, expand
//! variables.

use std::collections::BTreeMap;

/// Longest logical line in bytes. 256 KiB: a requirement with a thousand hashes is about 80 KiB.
pub(super) const LONGEST: usize = 256 << 10;

/// A logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogicalLine {
    /// The first physical line it stands on, counted from 1.
    pub line: u32,
    /// The text without comment and surrounding space, before variables are expanded.
    pub text: String,
    /// It is longer than [`LONGEST`]; the text is only its beginning.
    pub too_long: bool,
}

/// Python's `str.splitlines`, with line numbers as an editor shows them.
struct PhysicalLines<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Iterator for PhysicalLines<'a> {
    type Item = (u32, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let breaks =
            |c: char| matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let Some(end) = self.rest.find(breaks) else {
            return Some((line, std::mem::take(&mut self.rest)));
        };
        let text = &self.rest[..end];
        let after = &self.rest[end..];
        let width = match after.as_bytes() {
            [b'\r', b'\n', ..] => 2,
            _ => after.chars().next().map_or(0, char::len_utf8),
        };
        if after.starts_with(['\n', '\r']) {
            self.line = self.line.saturating_add(1);
        }
        self.rest = &after[width..];
        Some((line, text))
    }
}

/// Python's idea of white space, which holds the separators U+001C to U+001F.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// The logical lines of a file; empty ones and comments are left out.
pub(super) fn logical_lines(text: &str) -> impl Iterator<Item = LogicalLine> {
    let mut physical = PhysicalLines { rest: text, line: 1 };
    std::iter::from_fn(move || {
        let mut joined: Option<LogicalLine> = None;
        loop {
            let Some((line, text)) = physical.next() else {
                return joined.take().map(finish);
            };
            let is_comment = text.trim_start_matches(is_space).starts_with('#');
            let continues = text.ends_with('\\') && !is_comment;
            let target = joined.get_or_insert(LogicalLine { line, text: String::new(), too_long: false });
            if is_comment {
                // As pip does: a comment stays a comment when it is joined to something.
                append(target, " ");
            }
            append(target, if continues { text.trim_matches('\\') } else { text });
            if !continues {
                return joined.take().map(finish);
            }
        }
    })
    .filter(|line| !line.text.is_empty())
}

fn append(line: &mut LogicalLine, text: &str) {
    if line.text.len() + text.len() <= LONGEST {
        line.text.push_str(text);
        return;
    }
    line.too_long = true;
    let mut room = (LONGEST - line.text.len()).min(text.len());
    while !text.is_char_boundary(room) {
        room -= 1;
    }
    line.text.push_str(&text[..room]);
}

/// Cuts the comment: from a `#` at the beginning or after white space to the end.
fn finish(mut line: LogicalLine) -> LogicalLine {
    let mut before = None;
    let comment = line.text.char_indices().find(|&(_, c)| {
        let begins = c == '#' && before.is_none_or(is_space);
        before = Some(c);
        begins
    });
    if let Some((at, _)) = comment {
        line.text.truncate(at);
    }
    line.text = line.text.trim_matches(is_space).to_owned();
    line
}

/// Replaces `${NAME}` by its value; only upper-case letters, digits and `_` make a name, and a variable that is not
/// set or empty stays as it is, both as in pip. `None` when the result is longer than [`LONGEST`].
pub(super) fn expand(text: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let name_end = after[2..].find(|c: char| !matches!(c, 'A'..='Z' | '0'..='9' | '_')).map(|end| end + 2);
        let value = name_end.filter(|&end| end > 2 && after[end..].starts_with('}')).and_then(|end| {
            let value = variables.get(&after[2..end]).filter(|value| !value.is_empty())?;
            Some((value, end + 1))
        });
        match value {
            Some((value, width)) => {
                out.push_str(value);
                rest = &after[width..];
            }
            None => {
                out.push_str("${");
                rest = &after[2..];
            }
        }
        if out.len() > LONGEST {
            return None;
        }
    }
    out.push_str(rest);
    (out.len() <= LONGEST).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(u32, &str)]) {
        let lines: Vec<_> = logical_lines(text).map(|line| (line.line, line.text)).collect();
        let expect: Vec<_> = expect.iter().map(|&(line, text)| (line, text.to_owned())).collect();
        assert_eq!(lines, expect, "{text:?}");
    }

    #[test]
    fn lines_are_joined_and_cut_as_pip_does() {
        check("a\n\n  b  \r\nc\rd", &[(1, "a"), (3, "b"), (4, "c"), (5, "d")]);
        check("a \\\n  b \\\n c\nd", &[(1, "a   b  c"), (4, "d")]);
        check("a#b #c", &[(1, "a#b")]);
        check("a\t# c", &[(1, "a")]);
        check("# a \\\nb", &[(2, "b")]);
        check("a \\\n# c \\\nb", &[(1, "a"), (3, "b")]);
        check("a \\\n b # c \\\n d", &[(1, "a  b")]);
        check("a\\", &[(1, "a")]);
        check("\\\na", &[(1, "a")]);
        check("a\u{2028}b\x0cc\u{85}d\ne", &[(1, "a"), (1, "b"), (1, "c"), (1, "d"), (2, "e")]);
        check("", &[]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_marked() {
        let text = "é\\\n".repeat(LONGEST);
        let lines: Vec<_> = logical_lines(&text).collect();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].too_long && lines[0].text.len() <= LONGEST);
    }

    #[test]
    fn variables_are_expanded_as_pip_does() {
        let variables = BTreeMap::from([("TOKEN".to_owned(), "x${TOKEN}".to_owned()), ("E".to_owned(), String::new())]);
        let check = |text: &str, expect: &str| assert_eq!(expand(text, &variables).as_deref(), Some(expect), "{text}");
        check("a${TOKEN}b", "ax${TOKEN}b");
        check("${lower} ${E} ${NONE} $TOKEN ${} ${TOKEN", "${lower} ${E} ${NONE} $TOKEN ${} ${TOKEN");
        check("${${TOKEN}}", "${x${TOKEN}}");
        let long = BTreeMap::from([("A".to_owned(), "x".repeat(LONGEST))]);
        assert_eq!(expand("${A}${A}", &long), None);
    }
}
