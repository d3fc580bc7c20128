//! Names and specs of a tree, each kept once.
//!
//! In: texts. Out: small numbers that stand for them, and the way back. A number means nothing to another tree.

use std::collections::HashMap;

use super::super::spec::Spec;

/// A name in a `node_modules` folder. Folders may be case-insensitive, so npm looks names up without case and then
/// insists on the exact one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::npm) struct Name {
    pub(super) exact: u32,
    pub(super) folded: u32,
}

/// An interned spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::npm) struct SpecId(u32);

/// The texts of one tree.
#[derive(Debug, Default)]
pub(in crate::npm) struct Texts {
    names: Vec<String>,
    name_ids: HashMap<String, u32>,
    specs: Vec<(String, Spec)>,
    spec_ids: HashMap<String, SpecId>,
}

impl Texts {
    /// The number of a name.
    pub(in crate::npm) fn name(&mut self, text: &str) -> Name {
        let mut intern = |text: &str| -> u32 {
            if let Some(&id) = self.name_ids.get(text) {
                return id;
            }
            let id = self.names.len() as u32;
            self.names.push(text.to_owned());
            self.name_ids.insert(text.to_owned(), id);
            id
        };
        let exact = intern(text);
        // Only ASCII names pass the check of package names.
        let folded = intern(&text.to_ascii_lowercase());
        Name { exact, folded }
    }

    /// A name as it was first given.
    pub(in crate::npm) fn name_text(&self, name: Name) -> &str {
        &self.names[name.exact as usize]
    }

    /// The number of a spec, which is read once.
    pub(in crate::npm) fn spec(&mut self, text: &str) -> SpecId {
        if let Some(&id) = self.spec_ids.get(text) {
            return id;
        }
        let id = SpecId(self.specs.len() as u32);
        self.specs.push((text.to_owned(), Spec::parse(text)));
        self.spec_ids.insert(text.to_owned(), id);
        id
    }

    /// A spec as it was first given.
    pub(in crate::npm) fn spec_text(&self, id: SpecId) -> &str {
        &self.specs[id.0 as usize].0
    }

    /// A spec, read.
    pub(in crate::npm) fn parsed(&self, id: SpecId) -> &Spec {
        &self.specs[id.0 as usize].1
    }

    /// The same by its text, if it was given before.
    pub(super) fn known(&self, text: &str) -> Option<&Spec> {
        self.spec_ids.get(text).map(|&id| self.parsed(id))
    }
}
