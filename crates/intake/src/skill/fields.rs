//! Keys and values, whichever way the keys are spelt.

use super::yaml::Node;

/// The pairs of one map. Keys are compared without `-`, `_` and case.
pub(super) struct Fields {
    pairs: Vec<(String, Node)>,
    /// What is added to a node's line to have that of the file.
    pub(super) offset: usize,
}

impl Fields {
    pub(super) fn new(pairs: Vec<(String, Node)>, offset: usize) -> Self {
        let folded = |key: String| key.replace(['-', '_'], "").to_ascii_lowercase();
        Self { pairs: pairs.into_iter().map(|(key, node)| (folded(key), node)).collect(), offset }
    }

    /// Every value of a key, under all its spellings.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = &Node> {
        self.pairs.iter().filter(move |(other, _)| other == key).map(|(_, node)| node)
    }

    /// The first of them.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.all(key).next()
    }

    /// The line of the file on which it stands.
    pub(super) fn line(&self, key: &str) -> usize {
        self.get(key).map_or(1, |node| node.line) + self.offset
    }
}
