//! Whether two databases hold the same.

use std::collections::BTreeMap;

/// The rows of each table, and the texts that define what belongs to it, all of them in order.
pub type Content = BTreeMap<String, Vec<String>>;

/// Stops at the first difference.
pub fn equal(expected: &Content, got: &Content) {
    let tables = |content: &Content| content.keys().cloned().collect::<Vec<_>>();
    assert_eq!(tables(got), tables(expected), "tables");
    let certificates = expected.get("certificate").map_or(0, Vec::len);
    assert_eq!(certificates, super::COMPARED, "there is something to compare");
    for (table, rows) in expected {
        let others = &got[table];
        assert_eq!(others.len(), rows.len(), "rows of {table}");
        for (row, other) in rows.iter().zip(others) {
            assert_eq!(other, row, "{table}");
        }
    }
}
