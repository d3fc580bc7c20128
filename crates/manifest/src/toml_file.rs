//! TOML with line numbers: a file comes in, a document and rows of tables with offsets go out.

use sigma_core::toml_is_too_deep;
use toml_edit::{Document, Item, TableLike, Value};

use super::ManifestError;
use super::source_file::SourceFile;

/// Most separators (`,`, `=`, `.`, `[`, `{` and line breaks) in one file. Each value or table needs one, and a parsed
/// value takes some hundred bytes: this bounds memory. The largest known lockfiles have about 300,000.
const MOST_SEPARATORS: usize = 2_000_000;

/// Parses a file.
pub(super) fn parse(source: &SourceFile) -> Result<Document<&str>, ManifestError> {
    let separators = source.text.bytes().filter(|byte| b",=.[{\n".contains(byte)).count();
    if separators > MOST_SEPARATORS {
        return Err(source.syntax(
            1,
            "TOML",
            &format!("got {separators} separators, expected at most {MOST_SEPARATORS}"),
        ));
    }
    if toml_is_too_deep(&source.text) {
        return Err(source.syntax(1, "TOML", "it nests more than 128 levels deep"));
    }
    Document::parse(source.text.as_str()).map_err(|error| {
        let at = source.at(error.span().map_or(0, |span| span.start));
        source.syntax(at.line, "TOML", error.message())
    })
}

/// A table and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Row<'d> {
    pub table: &'d dyn TableLike,
    pub offset: usize,
}

impl<'d> Row<'d> {
    pub fn of(item: &'d Item) -> Option<Self> {
        let offset = item.span().map_or(0, |span| span.start);
        item.as_table_like().map(|table| Self { table, offset })
    }

    pub fn text(&self, key: &str) -> Option<&'d str> {
        self.table.get(key).and_then(Item::as_str)
    }

    pub fn child(&self, key: &str) -> Option<Row<'d>> {
        self.table.get(key).and_then(Row::of)
    }

    pub fn is_true(&self, key: &str) -> bool {
        self.table.get(key).and_then(Item::as_bool) == Some(true)
    }

    /// The tables of an array, however it is written.
    pub fn rows(&self, key: &str) -> Vec<Row<'d>> {
        self.table.get(key).map(rows).unwrap_or_default()
    }

    /// The values of an array with their offsets.
    pub fn values(&self, key: &str) -> Vec<(&'d Value, usize)> {
        self.table.get(key).map(values).unwrap_or_default()
    }

    /// Where a key stands.
    pub fn offset_of(&self, key: &str) -> usize {
        let key = self.table.get_key_value(key).and_then(|(key, _)| key.span());
        key.map_or(self.offset, |span| span.start)
    }
}

/// The tables of an array of tables, or of an array of inline tables; a single table counts as one row.
pub(super) fn rows(item: &Item) -> Vec<Row<'_>> {
    if let Some(tables) = item.as_array_of_tables() {
        let offset = |table: &toml_edit::Table| table.span().map_or(0, |span| span.start);
        return tables.iter().map(|table| Row { table, offset: offset(table) }).collect();
    }
    if let Some(array) = item.as_array() {
        let row = |value: &'_ Value| value.span().map_or(0, |span| span.start);
        return array.iter().filter_map(|v| v.as_inline_table().map(|table| Row { table, offset: row(v) })).collect();
    }
    Row::of(item).into_iter().collect()
}

/// The values of an array with their offsets.
pub(super) fn values(item: &Item) -> Vec<(&Value, usize)> {
    let Some(array) = item.as_array() else { return Vec::new() };
    array.iter().map(|value| (value, value.span().map_or(0, |span| span.start))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_overflow_the_stack_is_refused() {
        let deep = |times: usize| format!("{}=1{}", vec![["a"; 79].join("."); times].join("={"), "}".repeat(times - 1));
        let check = |text: &str, expect: Result<(), &str>| {
            let source = SourceFile::in_memory("x.toml", text);
            let got = parse(&source).map(drop).map_err(|error| error.to_string());
            assert_eq!(got.as_ref().map_err(String::as_str).copied(), expect);
        };
        check(&deep(1), Ok(()));
        check(&deep(2), Err("x.toml:1: not valid TOML: it nests more than 128 levels deep"));
        check(&deep(80), Err("x.toml:1: not valid TOML: it nests more than 128 levels deep"));
    }
}
