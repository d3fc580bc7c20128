//! Pieces of code by section, and how they are put into each other.
//!
//! In: a text of sections (`===`) and pieces (`---`, name, modules, a word). Out: the same as records. A line that holds
//! nothing but a mark takes several lines, each as deep as the mark stood.

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
