//! Pieces of code by section, and how they are put into each other.
//!
//! In: a text of sections (`===`) and pieces (`---`, name, modules, a word). Out: the same as records. A line that holds
//! nothing but a mark takes several lines, each as deep as the mark stood.

use std::collections::BTreeSet;

use data_encoding::BASE64;

/// A piece of code.
#[derive(Clone, Debug)]
pub struct Piece {
    pub name: &'static str,
    /// Modules that it imports, by space.
    pub modules: &'static str,
    /// A word about it.
    pub word: &'static str,
    pub code: String,
}

/// The pieces of one section.
pub fn section(text: &'static str, name: &str) -> Vec<Piece> {
    let head = format!("=== {name}");
    let start = text.find(&head).unwrap_or_else(|| panic!("no section {name}")) + head.len();
    let rest = &text[start..];
    let end = rest.find("\n=== ").unwrap_or(rest.len());
    let mut pieces: Vec<Piece> = Vec::new();
    for line in rest[..end].lines() {
        if let Some(head) = line.strip_prefix("--- ") {
            let mut parts = head.splitn(3, '|').map(str::trim);
            let (name, modules, word) = (parts.next(), parts.next(), parts.next());
            pieces.push(Piece {
                name: name.unwrap(),
                modules: modules.unwrap_or_else(|| panic!("{line}")),
                word: word.unwrap_or_else(|| panic!("{line}")),
                code: String::new(),
            });
        } else if let Some(piece) = pieces.last_mut() {
            piece.code.push_str(line);
            piece.code.push('\n');
        }
    }
    pieces.iter_mut().for_each(|piece| piece.code = piece.code.trim_end().to_owned());
    pieces
}

/// The text with `by` in the place of a mark.
pub fn put(text: &str, mark: &str, by: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if line.trim() == mark {
            let deep = &line[..line.len() - line.trim_start().len()];
            for inner in by.lines() {
                if !inner.is_empty() {
                    out.push_str(deep);
                }
                out.push_str(inner);
                out.push('\n');
            }
        } else {
            out.push_str(&line.replace(mark, by));
            out.push('\n');
        }
    }
    out
}

/// The same for marks that carry a text, `@SEND:text@`.
pub fn put_each(text: &str, mark: &str, by: impl Fn(&str) -> String) -> String {
    let start = format!("@{mark}:");
    let mut text = text.to_owned();
    while let Some(at) = text.find(&start) {
        let given = &text[at + start.len()..];
        let given = given[..given.find('@').unwrap()].to_owned();
        text = put(&text, &format!("{start}{given}@"), &by(&given));
    }
    text
}

/// Names that stand directly behind a module's in the code.
pub fn members(code: &str, module: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(&format!("{module}.")) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || "_.'/".contains(c)) {
            continue;
        }
        let rest = &code[at + module.len() + 1..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if end > 0 {
            found.insert(rest[..end].to_owned());
        }
    }
    found
}

/// The code with `by` in the place of `name` where it stands alone.
pub fn renamed(code: &str, name: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(name) {
        let before = rest[..at].chars().next_back().or(out.chars().next_back());
        let after = rest[at + name.len()..].chars().next();
        let alone = !before.is_some_and(|c| c.is_alphanumeric() || "_.'/-".contains(c))
            && !after.is_some_and(|c| c.is_alphanumeric() || "_':".contains(c));
        out.push_str(&rest[..at]);
        out.push_str(if alone { by } else { name });
        rest = &rest[at + name.len()..];
    }
    out + rest
}

/// The files of a piece: a line that is a path begins one.
pub fn files_of(piece: &Piece, ends: &[&str]) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in piece.code.lines() {
        let path = ends.iter().any(|end| line.ends_with(end)) && !line.contains([' ', '(', '@']);
        match files.last_mut() {
            Some((_, text)) if !path => *text += &format!("{line}\n"),
            _ => files.push((line.to_owned(), String::new())),
        }
    }
    files
}

/// A file with the code put in: as it is, in its two parts, as a text in quotes, in base 64.
pub fn put_code(text: &str, imports: &str, body: &str, quoted: fn(&str) -> String) -> String {
    let code = format!("{imports}{body}");
    let text = put(text, "@CODE@", &code);
    let text = put(&text, "@IMPORTS@", imports);
    let text = put(&text, "@BODY@", body);
    let text = put(&text, "@QUOTED@", &quoted(&code));
    put(&text, "@BASE64@", &format!("'{}'", BASE64.encode(code.as_bytes())))
}
