//! Compiled Python: what it names, and whether the source beside it is the one that it was compiled from.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use sigma_core::{Capability, SkipReason};

use super::binary::{self, Bytecode, Compiled};
use super::{Distribution, File, FileRecord, Outcome};
use crate::language::Language;
use crate::parsers;

/// Bytes of compiled Python in one distribution that are compared with their source: 32 MiB.
const MAX_BYTECODE: u64 = 32 << 20;

impl Distribution<'_> {
    /// Reads what a compiled file of Python names, and its texts as those of any other text.
    pub(super) fn add_bytecode(&mut self, file: &File<'_>, path: &str, inner: &str) -> BTreeSet<Capability> {
        let compiled = Compiled::read(file.bytes);
        if !compiled.whole || !file.whole {
            let detail = "got bytecode that could be read in part only";
            self.skip(path.to_owned(), SkipReason::Unsupported, detail.to_owned());
        }
        let imports = compiled.capabilities();
        let mut outcome = Outcome::of_text(&compiled.texts.join("\n"));
        outcome.hits.iter_mut().for_each(|hit| hit.line = 0);
        let (outcome, inner) = (Arc::new(outcome), inner.to_owned());
        self.files.push(FileRecord::of(path.to_owned(), inner, None, outcome));
        let suspicion = compiled.suspicion();
        self.bytecode_bytes += file.size;
        if self.bytecode_bytes <= MAX_BYTECODE {
            let (path, source) = (path.to_owned(), binary::source_of(file.path));
            self.bytecode.push(Bytecode { path, source, compiled, suspicion, differs: None, has_source: false });
        } else {
            let detail = format!("more than {MAX_BYTECODE} bytes of bytecode are not compared with their source");
            self.skip(path.to_owned(), SkipReason::OverBudget, detail);
        }
        imports
    }

    /// Paths of sources that stand beside their compiled files and have to be read once more, to compare them.
    pub(super) fn sources_to_compare(&mut self) -> HashSet<String> {
        if self.bytecode.is_empty() {
            return HashSet::new();
        }
        let paths: HashSet<&str> = self.entries.iter().map(|entry| entry.path.as_str()).collect();
        self.bytecode.iter_mut().for_each(|one| one.has_source = paths.contains(one.source.as_str()));
        self.bytecode.iter().filter(|one| one.has_source).map(|one| one.source.clone()).collect()
    }

    /// Compares the source at `path` with the files that were compiled from it.
    pub(super) fn compare(&mut self, path: &str, bytes: &[u8]) {
        for one in self.bytecode.iter_mut().filter(|one| one.source == path) {
            let source = parsers::decode_source(bytes, Some(Language::Python)).text;
            let missing = one.compiled.missing_from(&source);
            // A path may stand in an archive twice, and an innocent source behind the other one must not take it back.
            if missing.as_ref().is_some_and(|(_, acts)| *acts) || one.differs.is_none() {
                one.differs = missing;
            }
        }
    }
}
