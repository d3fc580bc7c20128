//! The names of a file and what they stand for while it is read.
//!
//! In: names and values. Out: the value of a name. A name keeps its place for as long as the file is read, so that a
//! function that ends puts back what its own names hid without looking for them again. Bounded by the source: every name
//! stands in it.

use hashbrown::HashMap;

use super::value::Value;

/// What a name stands for.
#[derive(Default)]
pub(super) struct Named<'a> {
    /// The function that declares it.
    pub declared: u32,
    pub value: Value<'a>,
}

/// What a name stood for before a function gave it another value.
pub(super) struct Hidden<'a> {
    slot: Slot,
    before: Option<Named<'a>>,
}

/// Bytes of source for each name that stood for something, about as many as bundles have: room that is not used is not free.
const BYTES_OF_NAME: usize = 512;

/// The place of a name that stood for something before, for as long as the file is read.
pub(super) type Slot = usize;

/// All names, with their values where they have one here.
pub(super) struct Names<'a> {
    slots: HashMap<&'a str, Slot>,
    values: Vec<Option<Named<'a>>>,
}

impl<'a> Names<'a> {
    /// None yet, with room for those that a source of so many bytes may have: a table that grows is copied.
    pub fn of(bytes: usize) -> Self {
        let names = bytes / BYTES_OF_NAME;
        Self { slots: HashMap::with_capacity(names), values: Vec::with_capacity(names) }
    }

    /// The place of a name; nothing where it never stood for anything. Most names are asked for more than one thing, and
    /// looking them up is what costs.
    pub fn find(&self, name: &str) -> Option<Slot> {
        self.slots.get(name).copied()
    }

    /// What the name at this place stands for here.
    pub fn at(&self, slot: Slot) -> Option<&Named<'a>> {
        self.values.get(slot)?.as_ref()
    }

    /// What a name stands for here.
    pub fn get(&self, name: &str) -> Option<&Named<'a>> {
        self.at(self.find(name)?)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Named<'a>> {
        let slot = self.find(name)?;
        self.values.get_mut(slot)?.as_mut()
    }

    /// What the name at this place stands for; one that stands for nothing is made known.
    pub fn at_or_default(&mut self, slot: Slot) -> &mut Named<'a> {
        self.values[slot].get_or_insert_default()
    }

    /// Gives the name at this place a value; answers what it stood for.
    pub fn set(&mut self, slot: Slot, named: Named<'a>) -> Hidden<'a> {
        Hidden { slot, before: self.values[slot].replace(named) }
    }

    /// Puts back what [`Names::set`] answered.
    pub fn put_back(&mut self, hidden: Hidden<'a>) {
        self.values[hidden.slot] = hidden.before;
    }

    /// Forgets every value and keeps the room.
    pub fn clear(&mut self) {
        self.values.iter_mut().for_each(|value| *value = None);
    }

    /// All that stand for something, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &Named<'a>)> {
        self.slots.iter().filter_map(|(name, slot)| Some((*name, self.values[*slot].as_ref()?)))
    }

    /// How many names there are, whether they stand for something or not.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// What all names stand for, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Named<'a>> {
        self.values.iter_mut().flatten()
    }

    /// The place of a name, which it has from now on.
    pub fn slot(&mut self, name: &'a str) -> Slot {
        *self.slots.entry(name).or_insert_with(|| {
            self.values.push(None);
            self.values.len() - 1
        })
    }
}
