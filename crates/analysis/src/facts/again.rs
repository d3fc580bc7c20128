//! Reading a source again, knowing what was learned by reading it before: functions are called before they are read, and
//! given what stands further down.
//!
//! In: what one reading learned and found. Out: a [`Builder`] for the next. A small source is read whole, up to four times. Of a
//! larger one, most functions compute and touch nothing: the second reading passes over them, and what the first found in
//! them is taken over. It goes to those in which something was found, to those that call these or are called by these, and
//! to those that were handed something to call; what further functions make of what was learned is not followed.

use super::bits::Effects;
use super::builder::{Builder, MAX_FACTS};
use super::links::MAX_CALLS;
use super::{Facts, Place};

/// What a call does that is worth a second reading: it runs, sends or loads something.
pub(super) const MATTERS: Effects =
    Effects::NET.with(Effects::SPAWN).with(Effects::EVAL).with(Effects::NATIVE).with(Effects::DESERIALISE);
/// Bytes of a source that is read more than twice, and always whole.
const READ_OFTEN: usize = 16 << 10;

/// What the first reading found, for a second one that passes over functions.
pub(super) struct Kept<'a> {
    facts: Facts<'a>,
    /// Functions that are read again, by number.
    wanted: Vec<bool>,
    /// Functions that were read again.
    read: Vec<bool>,
}

impl Kept<'_> {
    /// Notes that a function is read again: what was found in it is found anew.
    pub fn note_read(&mut self, function: u32) {
        if let Some(read) = self.read.get_mut(function as usize) {
            *read = true;
        }
    }
}

impl<'a> Builder<'a> {
    /// True when reading the file a second time, knowing what this reading learned, can tell more: something that was
    /// learned late meets a call that runs, sends or loads something.
    pub fn is_worth_another(&self) -> bool {
        let calls = || self.facts.calls.iter().any(|call| call.effects.any(MATTERS));
        let hands_on = !self.learned.standing_in.is_empty() && !self.facts.links.calls.is_empty();
        self.learned.useful && (self.learned.handed || self.learned.placed || hands_on || calls())
    }

    /// Readings of one source: what functions hand to functions goes one step further with each.
    pub fn readings(&self) -> usize {
        if self.facts.source.len() <= READ_OFTEN { 4 } else { 2 }
    }

    /// Starts on the same source again, with what was learned. `whole` says that no function is passed over.
    pub fn again(mut self, whole: bool) -> Self {
        let whole = whole || self.facts.source.len() <= READ_OFTEN;
        let wanted = if whole { Vec::new() } else { self.worth_reading() };
        // The same names and calls come again: what was made for them is kept.
        self.scope.clear();
        let Facts { source, confidence, .. } = self.facts;
        let mut next = Self::knowing(self.arena, source, self.language, confidence, self.scope, self.learned);
        next.program = self.program;
        (next.learned.useful, next.learned.late) = (false, 0);
        (next.learned.kept, next.learned.methods_kept) = (0, 0);
        for (index, function) in next.learned.functions.iter_mut().enumerate() {
            function.read &= wanted.get(index).is_some_and(|wanted| !wanted);
            (function.asked, function.handed, function.missed) = (false, false, 0);
        }
        next.hidden = self.hidden;
        if whole {
            next.learned.written.clear();
            self.calls_between.clear();
            next.calls_between = self.calls_between;
            return next;
        }
        (next.calls_between, next.open, next.exported) = (self.calls_between, self.open, self.exported);
        next.waiting.functions = self.waiting.functions;
        // Values name other files by these numbers.
        (next.local_modules, next.symbols) = (self.local_modules, self.symbols);
        next.facts.links.symbols = std::mem::take(&mut self.facts.links.symbols);
        (next.imported, next.facts.imports) = (self.imported, std::mem::take(&mut self.facts.imports));
        let read = vec![false; wanted.len()];
        next.kept = Some(Kept { facts: self.facts, wanted, read });
        next
    }

    /// True for a function whose body need not be read again.
    pub fn passes_over(&self, function: u32) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.wanted.get(function as usize) == Some(&false))
    }

    /// The functions that a second reading goes to, and all that they stand in.
    fn worth_reading(&self) -> Vec<bool> {
        let functions = &self.learned.functions;
        let mut found = vec![false; functions.len()];
        let links = &self.facts.links;
        let calls = self.facts.calls.iter().map(|call| call.place);
        let places =
            calls.chain(links.calls.iter().map(|call| call.place)).chain(links.sinks.iter().map(|sink| sink.place));
        for place in places {
            if let Some(found) = found.get_mut(place.function as usize) {
                *found = true;
            }
        }
        let late = self.learned.late;
        let worth =
            functions.iter().zip(&found).map(|(known, found)| *found || known.handed || known.missed & late != 0);
        let mut wanted: Vec<bool> = worth.collect();
        for &(caller, callee) in &self.calls_between {
            let (caller, callee) = (caller as usize, callee as usize);
            let near = found.get(caller) == Some(&true) || found.get(callee) == Some(&true);
            for function in [caller, callee] {
                if let Some(wanted) = wanted.get_mut(function) {
                    *wanted |= near;
                }
            }
        }
        for function in 0..functions.len() {
            let mut inner = function;
            // Whoever was reached before has reached all around it.
            while wanted[inner] && inner != 0 && !std::mem::replace(&mut wanted[functions[inner].within as usize], true)
            {
                inner = functions[inner].within as usize;
            }
        }
        wanted[0] = true;
        wanted
    }

    /// Takes over what the first reading found in the functions that the second passed over.
    pub(super) fn take_over(&mut self) {
        let Some(Kept { facts: kept, read, .. }) = self.kept.take() else { return };
        let over = |place: Place| place.function != 0 && read.get(place.function as usize) == Some(&false);
        let facts = &mut self.facts;
        facts.calls.extend(kept.calls.into_iter().filter(|call| over(call.place)));
        facts.environment.extend(kept.environment.into_iter().filter(|read| over(read.place)));
        facts.mentions.extend(kept.mentions.into_iter().filter(|mention| over(mention.place)));
        facts.deeds.extend(kept.deeds.into_iter().filter(|deed| over(deed.place)));
        facts.subclasses.extend(kept.subclasses.into_iter().filter(|class| over(class.place)));
        facts.encoded.extend(kept.encoded.into_iter().filter(|(place, _)| over(*place)));
        facts.environment.sort_by_key(|read| read.place);
        facts.mentions.sort_by_key(|mention| mention.place);
        facts.deeds.sort_by_key(|deed| deed.place);
        facts.subclasses.sort_by_key(|class| class.place);
        facts.encoded.sort_by_key(|(place, _)| *place);
        facts.mentions.truncate(MAX_FACTS);
        facts.environment.truncate(MAX_FACTS);
        facts.deeds.truncate(MAX_FACTS);
        facts.modules.extend(kept.modules);
        facts.addresses.extend(kept.addresses);
        facts.stood_in_for.extend(kept.stood_in_for);
        facts.signs |= kept.signs;
        facts.overflow |= kept.overflow;
        facts.renamed = facts.renamed.or(kept.renamed.filter(|place| over(*place)));
        let links = &mut facts.links;
        links.calls.extend(kept.links.calls.into_iter().filter(|call| over(call.place)));
        links.sinks.extend(kept.links.sinks.into_iter().filter(|sink| over(sink.place)));
        links.calls.sort_by_key(|call| call.place);
        links.sinks.sort_by_key(|sink| sink.place);
        links.calls.truncate(MAX_CALLS);
        links.sinks.truncate(MAX_CALLS);
        links.main.extend(kept.links.main);
        links.main.sort_unstable();
        links.main.dedup();
        // All are held against what the second reading offers, not against each other: a table has no order.
        let missing = kept.links.exports.into_iter().filter(|(name, _)| links.export(name).is_none());
        let missing: Vec<_> = missing.collect();
        links.exports.extend(missing);
    }
}
