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
    slot: usize,
    before: Option<Named<'a>>,
}

/// All names, with their values where they have one here.
#[derive(Default)]
pub(super) struct Names<'a> {
    slots: HashMap<&'a str, usize>,
    values: Vec<Option<Named<'a>>>,
}

impl<'a> Names<'a> {
    /// What a name stands for here.
    pub fn get(&self, name: &str) -> Option<&Named<'a>> {
        self.values.get(*self.slots.get(name)?)?.as_ref()
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Named<'a>> {
        self.values.get_mut(*self.slots.get(name)?)?.as_mut()
    }

    /// The same; a name that stands for nothing is made known.
    pub fn get_or_default(&mut self, name: &'a str) -> &mut Named<'a> {
        let slot = self.slot(name);
        self.values[slot].get_or_insert_default()
    }

    /// Gives a name a value; answers what it stood for.
    pub fn set(&mut self, name: &'a str, named: Named<'a>) -> Hidden<'a> {
        let slot = self.slot(name);
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

    fn slot(&mut self, name: &'a str) -> usize {
        *self.slots.entry(name).or_insert_with(|| {
            self.values.push(None);
            self.values.len() - 1
        })
    }
}
