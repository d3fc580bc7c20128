//! What ties one file to the others of its package: what it offers them, and what it takes from them.
//!
//! In: the names and calls that the builder saw. Out: [`Links`], which is small, owned, and says nothing about the other
//! files: `report/link.rs` puts the links of all files together. Everything is bounded.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use super::bits::{Effects, Taint};
use super::builder::Builder;
use super::learned::Learned;
use super::names::Names;
use super::value::{Constant, Value};
use super::{Place, api, started};
use crate::language::Language;

/// Names that one file offers.
const MAX_EXPORTS: usize = 400;
/// Calls of other files, and calls that matter when somebody else's value reaches them.
pub(super) const MAX_CALLS: usize = 1_000;
/// Calls of names of other files that may be executors there.
const MAX_NAMED_SINKS: usize = 100;
/// Names of other files that one file uses.
const MAX_SYMBOLS: usize = 200;
/// Edges of the call graph that are kept of one file.
const MAX_EDGES: usize = 10_000;
/// Calls of functions of other files begin so in a dotted name: `~3.send` is `send` of the file's third local module.
pub(super) const LOCAL: char = '~';
/// Events that one file raises and another hears are names that begin so.
pub(crate) const EVENT: &str = "event:";

/// A name of another file, or of what may be another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    /// Index of the local module; nothing when `name` is a dotted name from the root.
    pub module: Option<u32>,
    /// The name inside of it; empty for the module itself.
    pub name: String,
}

/// What a file offers under a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Export {
    /// The function that it is.
    pub function: Option<u32>,
    /// What it is made of; for a function what it returns.
    pub taint: Taint,
    /// What calling it does, where it is another name of an executor or a decoder.
    pub does: Effects,
    /// Parameters that callers do not write: Python's `self`.
    pub skip: u32,
    /// Whether it is a class: what its constructor is given, its instances may keep.
    pub builds: bool,
    /// Whether what it is given stays in the module or in an object, for other functions.
    pub keeps: bool,
}

/// A call of a name of another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SymbolCall {
    /// Index of the symbol.
    pub symbol: u32,
    /// What is given, by position; nothing where all of it is nothing.
    pub arguments: Vec<Taint>,
    /// The function whose parameters these may be made of.
    pub owner: u32,
    /// Where.
    pub place: Place,
}

/// A call whose meaning depends on values of callers or of other files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sink {
    /// The name of another file that is called: what it stands for is said there.
    pub callee: Option<u32>,
    /// What it does.
    pub effects: Effects,
    /// What it is given.
    pub taint: Taint,
    /// The function whose parameters that may be made of.
    pub owner: u32,
    /// Where.
    pub place: Place,
}

/// What ties one file to the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// What it offers, by name.
    pub exports: HashMap<String, Export>,
    /// Local modules as they are imported: `./lib/net`, `.net`.
    pub modules: Vec<String>,
    /// Names of other files that it uses.
    pub symbols: Vec<Symbol>,
    /// Calls of these.
    pub calls: Vec<SymbolCall>,
    /// Calls that matter when a value from elsewhere reaches them.
    pub sinks: Vec<Sink>,
    /// Which function of the file calls which.
    pub edges: Vec<(u32, u32)>,
    /// Functions that others may call without naming them: methods, decorated ones, and those that are kept in objects.
    pub open: Vec<u32>,
    /// What stands under `if __name__ == "__main__"`.
    pub main: Vec<u32>,
    /// Modules whose classes or functions its own stand in for.
    pub stood_in_for: BTreeSet<String>,
    /// Names of files that calls start or run as code, and the functions of these calls.
    pub started: BTreeSet<(Box<str>, u32)>,
}

/// The edges of a function in a sorted list of all.
pub(crate) fn callees(edges: &[(u32, u32)], function: u32) -> impl Iterator<Item = &(u32, u32)> {
    let first = edges.partition_point(|(caller, _)| *caller < function);
    edges[first..].iter().take_while(move |(caller, _)| *caller == function)
}

impl Links {
    /// What is offered under a name. `Client.send` is found where `Client().send` stands.
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.get(name).or_else(|| {
            let (class, member) = name.rsplit_once('.')?;
            self.exports.get(&[class, "().", member].concat())
        })
    }

    /// Whether there is more than is kept, so that what is not there says nothing.
    pub fn is_cut(&self) -> bool {
        self.edges.len() >= MAX_EDGES || self.calls.len() >= MAX_CALLS || self.symbols.len() >= MAX_SYMBOLS
    }
}

impl<'a> Builder<'a> {
    /// The index of the symbol that a dotted name stands for, when it is one of another file.
    pub(super) fn symbol(&mut self, path: &str) -> Option<u32> {
        if let Some(known) = self.symbols.get(path) {
            return Some(*known);
        }
        // All that are kept are known by now.
        if self.facts.links.symbols.len() >= MAX_SYMBOLS {
            return None;
        }
        let symbol = match path.strip_prefix(LOCAL) {
            Some(local) => {
                // `~0.send`, and `~0().send` of an instance of what the module itself is.
                let digits = local.bytes().take_while(u8::is_ascii_digit).count();
                let (index, name) = local.split_at(digits);
                let name = name.strip_prefix('.').unwrap_or(name);
                let module = index.parse().ok().filter(|index| (*index as usize) < self.local_modules.len())?;
                Symbol { module: Some(module), name: name.to_owned() }
            }
            None if path.starts_with(EVENT) => Symbol { module: None, name: path.to_owned() },
            None => {
                let (root, _) = path.split_once('.')?;
                if !self.imported.contains(root) {
                    return None;
                }
                Symbol { module: None, name: path.to_owned() }
            }
        };
        let index = u32::try_from(self.facts.links.symbols.len()).ok()?;
        self.facts.links.symbols.push(symbol);
        self.symbols.insert(path.into(), index);
        Some(index)
    }

    /// Notes a call of a name of another file; what it yields.
    pub(super) fn call_symbol(&mut self, path: &str, arguments: impl FnOnce() -> Vec<Taint>, place: Place) -> Taint {
        if self.facts.links.calls.len() >= MAX_CALLS {
            return Taint::NONE;
        }
        let Some(symbol) = self.symbol(path) else { return Taint::NONE };
        // Most calls are given nothing that matters elsewhere.
        let arguments = Some(arguments()).filter(|all| all.iter().any(|taint| !taint.is_empty())).unwrap_or_default();
        self.facts.links.calls.push(SymbolCall { symbol, arguments, owner: self.owner, place });
        Taint::symbol(symbol)
    }

    /// Notes a call that matters when a value from elsewhere reaches it.
    pub(super) fn note_sink(&mut self, effects: Effects, taint: Taint, place: Place) {
        const MATTERS: Effects =
            Effects::NET.with(Effects::PREPARE).with(Effects::SPAWN).with(Effects::EVAL).with(Effects::DESERIALISE);
        let elsewhere = taint != taint.concrete();
        if elsewhere && effects.any(MATTERS) && self.facts.links.sinks.len() < MAX_CALLS {
            self.facts.links.sinks.push(Sink { callee: None, effects, taint, owner: self.owner, place });
        }
    }

    /// Notes a call of a name of another file that may be an executor there, with what it would run.
    pub(super) fn note_named_sink(&mut self, symbol: Taint, taint: Taint, place: Place) {
        const HIDDEN: Taint = Taint::DECODED.with(Taint::HIDDEN).with(Taint::REMOTE).with(Taint::DOWNLOADED);
        let Some(callee) = symbol.first_symbol().filter(|_| self.named_sinks < MAX_NAMED_SINKS) else { return };
        if taint.any(HIDDEN) || taint.first_symbol().is_some() {
            self.named_sinks += 1;
            let effects = Effects::NONE;
            self.facts.links.sinks.push(Sink { callee: Some(callee), effects, taint, owner: self.owner, place });
        }
    }

    /// Offers a value under a name.
    pub fn export(&mut self, name: &str, value: &Value<'a>) {
        let offered = self.facts.links.exports.len() + self.named_twice;
        if offered >= MAX_EXPORTS || name.len() > 120 || self.exports_left == 0 {
            return;
        }
        self.exports_left -= 1;
        let constructor = if self.language == Language::Python { "__init__" } else { "constructor" };
        let function = value.function.or_else(|| self.learned.method(value.class?, constructor));
        let returned = value.function.and_then(|function| self.learned.functions.get_mut(function as usize));
        let keeps = returned.as_ref().is_some_and(|function| function.keeps);
        let taint = value.taint
            | returned.map_or(Taint::NONE, |function| {
                function.ask();
                function.result.taint
            });
        let does = stands_for(value);
        let bound = u32::from(self.language == Language::Python);
        let builds = value.class.is_some();
        let skip = if value.function.is_none() { bound } else { 0 };
        let exports = &mut self.facts.links.exports;
        if function.is_some() || !taint.is_empty() || !does.is_empty() {
            self.dotted |= name.contains('.');
            exports
                .insert(name.to_owned(), Export { function, taint: taint | yields(does), does, skip, builds, keeps });
        }
        if let Some(class) = value.class {
            let runs = bound > 0 && self.learned.method(class, "start").is_none();
            let mut thread = None;
            let Learned { functions, methods, executors, .. } = &mut self.learned;
            // Members stand among those of instances, where `Links::export` finds them under the name of the class too,
            // unless something else may have that name.
            let mut offer = |member: &str, export: Export| {
                let twice = self.dotted || member.contains('.');
                if twice {
                    exports.insert([name, ".", member].concat(), export);
                }
                let new = exports.insert([name, "().", member].concat(), export).is_none();
                self.named_twice += usize::from(new && !twice);
            };
            let methods = methods.get(&class);
            self.exports_left = self.exports_left.saturating_sub(methods.map_or(0, BTreeMap::len));
            for (method, function) in methods.into_iter().flatten() {
                let known = functions.get_mut(*function as usize);
                let (taint, keeps) = known.map_or((Taint::NONE, false), |function| {
                    function.ask();
                    (function.result.taint, function.keeps)
                });
                let (function, does) = (Some(*function), Effects::NONE);
                let export = Export { function, taint, does, skip: bound, builds: false, keeps };
                offer(method, export);
                thread = thread.or((runs && &**method == "run").then_some(export));
            }
            for (attribute, does) in executors.get(&class).into_iter().flatten() {
                offer(attribute, Export { taint: yields(*does), does: *does, ..Export::default() });
            }
            // Who starts a thread of another file runs the method of that name; of instances only.
            if let Some(run) = thread {
                exports.insert([name, "()().start"].concat(), run);
            }
        }
        if let Constant::Record(fields) = &value.constant {
            for (field, value) in fields.clone().iter().take(MAX_EXPORTS) {
                let name = if name.is_empty() { field.to_string() } else { format!("{name}.{}", &**field) };
                if value.function.is_some() || value.class.is_some() || !value.taint.is_empty() {
                    self.export(&name, value);
                }
            }
        }
    }

    /// Notes the module's own names and who calls whom, `edges` in order.
    pub(super) fn finish_links(&mut self, mut edges: Vec<(u32, u32)>) {
        let scope = std::mem::replace(&mut self.scope, Names::of(0));
        for (name, value) in Self::module_names(&scope) {
            self.export(name, value);
        }
        self.scope = scope;
        self.facts.links.modules = std::mem::take(&mut self.local_modules);
        edges.truncate(MAX_EDGES);
        self.facts.links.edges = edges;
        let mut open: Vec<u32> = self.open.iter().copied().chain(self.learned.all_methods()).collect();
        open.sort_unstable();
        open.dedup();
        open.truncate(MAX_EDGES);
        self.facts.links.open = open;
        self.facts.links.stood_in_for = self.facts.stood_in_for.clone();
        self.facts.links.started = started::files(&self.facts.calls);
    }
}

/// What calling a value does that is another name of an executor or a decoder: `run = exec`.
pub(super) fn stands_for(value: &Value<'_>) -> Effects {
    let effects = value.path.as_deref().map_or(Effects::NONE, api::effects);
    if effects.any(Effects::EVAL | Effects::DECODE) { effects } else { Effects::NONE }
}

/// What a call of such a name yields.
fn yields(does: Effects) -> Taint {
    if does.any(Effects::DECODE) { Taint::DECODED } else { Taint::NONE }
}
