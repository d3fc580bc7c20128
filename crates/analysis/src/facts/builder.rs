//! Follows names and values through one file while a front end walks its tree, and collects the facts.
//!
//! In: names, members, calls, literals, assignments and functions, in the order of the source. Out: [`Facts`]. Memory is
//! bounded whatever the source: names by the source itself, facts and folded text by the limits below.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use hashbrown::{HashMap, HashSet};
use oxc_allocator::Allocator;
use sigma_core::Confidence;

use super::again::Kept;
use super::bits::{Deeds, Effects, Signs, Taint, Waits};
use super::learned::Learned;
use super::links::{LOCAL, Links, callees};
use super::names::{Hidden, Named, Names};
use super::value::{Constant, Text, Value};
use super::waits::Waiting;
use super::{Deed, Facts, Place, Subclass, command, layer, name};
use crate::language::Language;

/// Facts of one kind that are kept of one file.
pub(super) const MAX_FACTS: usize = 20_000;
/// Imports that are kept of one file.
const MAX_IMPORTS: usize = 2_000;
/// Bytes of a module's name.
const MAX_MODULE: usize = 300;
/// Bytes that folding may make for one file: 8 MiB.
const FOLD_BUDGET: usize = 8 << 20;
/// Bytes of text in the arguments of all calls of one file: 24 MiB, as much as the largest file that is read. One text
/// in many calls counts for each.
const ARGUMENT_BYTES: usize = 24 << 20;

/// Bytes of dotted names that are put together for one file: 32 MiB, more than the largest file that is read has in all.
const NAME_BYTES: usize = 32 << 20;

/// An argument of a call.
#[derive(Clone, Debug)]
pub(crate) struct Argument<'a> {
    /// The keyword, if it has one.
    pub name: Option<Text<'a>>,
    /// The value.
    pub value: Value<'a>,
}

/// Collects the facts of one file.
pub(crate) struct Builder<'a> {
    /// Where texts lie that are put together.
    pub(super) arena: &'a Allocator,
    /// Bytes of dotted names that may still be put together.
    names_left: Cell<usize>,
    pub(super) language: Language,
    pub(super) scope: Names<'a>,
    /// What a function's own names hid, to be put back when it ends.
    pub(super) hidden: Vec<Hidden<'a>>,
    pub(super) learned: Learned<'a>,
    /// Names that the function being read takes from around it.
    pub(super) shared: HashSet<&'a str>,
    /// Whether the function being read stands in the module itself.
    pub(super) outermost: bool,
    /// Who calls whom.
    pub(super) calls_between: HashSet<(u32, u32)>,
    /// What the code waits for.
    pub(super) waiting: Waiting,
    /// Functions that others may call without naming them.
    pub(super) open: HashSet<u32>,
    pub(super) current: u32,
    /// The function of the module itself that is being read, whatever functions stand in it.
    pub(super) owner: u32,
    /// Whether what is read runs in place of something that was read before: what names held then, they may hold still.
    pub alternative: bool,
    /// What is thrown in the part that is being read.
    pub thrown: Taint,
    /// Whether a connection was made so far.
    pub(super) connected: bool,
    /// Functions that the file offers, by name, which it may call by way of what it offers.
    pub(super) exported: HashMap<Box<str>, u32>,
    /// Whether the methods being read are those of a class derived from one of another package.
    pub(super) overrides: bool,
    /// Modules of the same package that it imports, in order.
    pub(super) local_modules: Vec<String>,
    /// The symbols of other files so far, by dotted name.
    pub(super) symbols: HashMap<Box<str>, u32>,
    /// The imports among the facts, to be asked often.
    pub(super) imported: HashSet<Box<str>>,
    /// Exports that may still be noted, repeated ones too.
    pub(super) exports_left: usize,
    /// Exports that others find under two names.
    pub(super) named_twice: usize,
    /// Whether something is exported under a name that looks like one of a member.
    pub(super) dotted: bool,
    /// Calls of names of other files that may be executors there.
    pub(super) named_sinks: usize,
    /// Whether the file is started as a program.
    pub(super) program: bool,
    pub(super) budget: usize,
    /// Bytes of text that the arguments of calls may still hold.
    pub(super) weight: usize,
    /// Names that meant nothing when the function being read asked for them, as bits.
    pub(super) missed: Cell<u64>,
    /// What a second reading takes over from the first, where it passes over functions.
    pub(super) kept: Option<Kept<'a>>,
    pub(super) facts: Facts<'a>,
}

impl<'a> Builder<'a> {
    /// Starts on a source text; what is put together on the way lies in the arena.
    pub fn new(arena: &'a Allocator, source: &'a str, language: Language, confidence: Confidence) -> Self {
        let (scope, learned) = (Names::of(source.len()), Learned::of(source.len()));
        Self::knowing(arena, source, language, confidence, scope, learned)
    }

    /// The same with names, and with what was learned.
    pub(super) fn knowing(
        arena: &'a Allocator,
        source: &'a str,
        language: Language,
        confidence: Confidence,
        scope: Names<'a>,
        learned: Learned<'a>,
    ) -> Self {
        Self {
            arena,
            names_left: Cell::new(NAME_BYTES),
            language,
            scope,
            hidden: Vec::new(),
            learned,
            shared: HashSet::new(),
            outermost: false,
            calls_between: HashSet::new(),
            open: HashSet::new(),
            waiting: Waiting::default(),
            current: 0,
            alternative: false,
            thrown: Taint::NONE,
            connected: false,
            overrides: false,
            exported: HashMap::new(),
            owner: 0,
            local_modules: Vec::new(),
            symbols: HashMap::new(),
            imported: HashSet::new(),
            exports_left: MAX_FACTS,
            named_twice: 0,
            dotted: false,
            named_sinks: 0,
            program: false,
            budget: FOLD_BUDGET,
            weight: ARGUMENT_BYTES,
            missed: Cell::new(0),
            kept: None,
            facts: Facts {
                source,
                confidence,
                imports: BTreeSet::new(),
                modules: BTreeSet::new(),
                calls: Vec::new(),
                environment: Vec::new(),
                mentions: Vec::new(),
                addresses: BTreeSet::new(),
                signs: Signs::NONE,
                deeds: Vec::new(),
                subclasses: Vec::new(),
                stood_in_for: BTreeSet::new(),
                language,
                encoded: Vec::new(),
                layers: Vec::new(),
                names: Vec::new(),
                links: Links::default(),
                overflow: false,
                renamed: None,
                loaded: Vec::new(),
            },
        }
    }

    /// Ends: works out which functions run when the file is loaded.
    pub fn finish(mut self) -> Facts<'a> {
        self.take_over();
        self.facts.overflow |= !self.has_names_left();
        let mut loaded = vec![false; self.learned.functions.len()];
        loaded[0] = true;
        let mut edges: Vec<(u32, u32)> = self.calls_between.iter().copied().collect();
        edges.sort_unstable();
        let mut queue = vec![0];
        while let Some(function) = queue.pop() {
            for (_, callee) in callees(&edges, function) {
                if let Some(seen) = loaded.get_mut(*callee as usize).filter(|seen| !**seen) {
                    *seen = true;
                    queue.push(*callee);
                }
            }
        }
        self.finish_waits(&edges);
        self.finish_links(edges);
        // What a function imports that runs when the file is loaded, the file imports.
        let runs = |function: u32| function != 0 && loaded.get(function as usize) == Some(&true);
        if self.facts.modules.iter().any(|(_, function)| runs(*function)) {
            let modules = std::mem::take(&mut self.facts.modules).into_iter();
            self.facts.modules =
                modules.map(|(module, function)| (module, if runs(function) { 0 } else { function })).collect();
        }
        self.facts.loaded = loaded;
        self.facts.calls.sort_by_key(|call| call.place);
        if self.facts.confidence == Confidence::Low {
            // A token scan reads what stands between brackets twice.
            self.facts.calls.dedup_by(|next, kept| next.place == kept.place && *next.path == *kept.path);
            self.facts.environment.sort_by_key(|read| read.place);
            self.facts.environment.dedup_by_key(|read| read.place);
        }
        let python = self.language == Language::Python;
        self.facts.deeds.extend(command::deeds_of_calls(&self.facts.calls, self.facts.source, python));
        self.facts.layers = layer::collect(&self.facts.calls, self.language);
        layer::pieced(self.learned.written.values(), &self.facts.calls, &mut self.facts.layers);
        self.facts.names =
            layer::names(self.scope.iter().map(|(name, named)| (name, &named.value)), &self.facts.layers);
        self.facts
    }

    /// The place from `start` to `end` in the function being read.
    pub fn place(&self, start: u32, end: u32) -> Place {
        Place { start, end, function: self.current }
    }

    /// The source from `start` to `end`.
    pub fn text(&self, start: u32, end: u32) -> &'a str {
        self.facts.source.get(start as usize..end as usize).unwrap_or_default()
    }

    /// True when the file imports this package.
    pub fn imports(&self, package: &str) -> bool {
        self.facts.imports.contains(package)
    }

    /// The whole source.
    pub fn source(&self) -> &'a str {
        self.facts.source
    }

    /// Says that the function being read, or the module, runs `function`.
    pub fn runs(&mut self, function: u32) {
        if self.calls_between.len() < MAX_FACTS {
            self.calls_between.insert((self.current, function));
            // A function that some command calls may be called without it too.
            let waits = self.waiting.now.without(Waits::COMMAND);
            if !waits.is_empty() {
                *self.waiting.functions.entry(function).or_default() |= waits;
            }
        }
    }

    /// Says that others may call the function that this value is, without naming it.
    pub fn opens(&mut self, value: &Value<'a>) {
        if let Some(function) = value.function.filter(|_| self.open.len() < MAX_FACTS) {
            self.open.insert(function);
        }
    }

    /// Says that `function` runs when the file is started as a program, which an installer does with a `setup.py`.
    pub fn runs_as_program(&mut self, function: u32) {
        if self.facts.links.main.len() < 16 {
            self.facts.links.main.push(function);
        }
        if self.program {
            self.runs(function);
        }
    }

    /// Says that the file is started as a program rather than imported.
    pub fn started(mut self, program: bool) -> Self {
        self.program = program;
        self
    }

    /// Tells what names mean from outside, for code that runs within other code.
    pub fn named(mut self, names: &'a [(Rc<str>, Rc<str>)]) -> Self {
        let named = |path: &'a str| Named { declared: 0, value: Value::at_path(path) };
        for (name, path) in names {
            let slot = self.scope.slot(name);
            self.scope.set(slot, named(path));
        }
        self
    }

    /// Says that `function` runs when the file is loaded, whoever calls it.
    pub fn runs_at_load(&mut self, function: u32) {
        self.calls_between.insert((0, function));
    }

    /// Imports a module: the value of the module itself.
    pub fn import(&mut self, module: &str) -> Value<'a> {
        self.note_module(module);
        if module.starts_with('.') || module.starts_with('/') {
            return self.local_module(module);
        }
        let module = name::module(module);
        if self.facts.imports.len() < MAX_IMPORTS && module.len() <= 214 {
            let package = name::package_of(&module);
            if !self.imported.contains(package) {
                self.imported.insert(package.into());
                self.facts.imports.insert(package.to_owned());
            }
        }
        Value::at_path(self.made(&module))
    }

    /// `import payload`, where a file of that name was fetched: it is run.
    pub fn imports_fetched(&mut self, module: &str, place: Place) {
        let from = self.download(&format!("{module}.py"));
        if from.any(Taint::DOWNLOADED) && self.has_room(Effects::EVAL) {
            let (path, effects) = (Text::from("import"), Effects::EVAL | Effects::IMPORT);
            let arguments = Vec::new();
            let (discarded, waits) = (false, self.waiting.now);
            self.facts.calls.push(super::Call { path, effects, arguments, taint: from, discarded, waits, place });
        }
    }

    /// Notes a module that may be one of the same package, and the function that imports it.
    pub fn note_module(&mut self, module: &str) {
        let local = module.starts_with('.') || module.starts_with('/') || self.language == Language::Python;
        if local && self.facts.modules.len() < MAX_IMPORTS && module.len() <= MAX_MODULE {
            self.facts.modules.insert((module.into(), self.current));
        }
    }

    /// The value of a module of the same package.
    fn local_module(&mut self, module: &str) -> Value<'a> {
        let modules = &mut self.local_modules;
        let known = modules.iter().position(|known| known == module);
        let index = known.or_else(|| {
            (modules.len() < 100 && module.len() <= MAX_MODULE).then(|| {
                modules.push(module.to_owned());
                modules.len() - 1
            })
        });
        index.map_or_else(Value::default, |index| Value::at_path(self.made(&format!("{LOCAL}{index}"))))
    }

    /// A command line in the source, beside those that calls hand to a shell.
    pub fn deed(&mut self, what: Deeds, place: Place) {
        if self.facts.deeds.len() < MAX_FACTS {
            self.facts.deeds.push(Deed { what, place });
        }
    }

    /// A class derived from another.
    pub fn subclass(&mut self, base: &Value<'a>, place: Place) {
        if let Some(path) = base.path.as_deref().filter(|_| self.facts.subclasses.len() < MAX_FACTS) {
            self.facts.subclasses.push(Subclass { base: path.to_owned(), place });
        }
    }

    /// Built-in functions get other names, many at once: nobody does so but to hide which are called.
    pub fn renames(&mut self, values: &[Value<'a>], place: Place) {
        let builtin = |value: &&Value<'a>| {
            matches!(
                value.path.as_deref(),
                Some(
                    "exec"
                        | "eval"
                        | "compile"
                        | "str"
                        | "tuple"
                        | "map"
                        | "ord"
                        | "chr"
                        | "globals"
                        | "type"
                        | "getattr"
                )
            )
        };
        let runs = values.iter().any(|value| matches!(value.path.as_deref(), Some("exec" | "eval" | "compile")));
        if runs && values.iter().filter(builtin).count() >= 4 {
            self.facts.renamed.get_or_insert(place);
        }
    }

    /// Where texts lie that are put together.
    pub fn arena(&self) -> &'a Allocator {
        self.arena
    }

    /// A text that is put together.
    pub(crate) fn made(&self, text: &str) -> Text<'a> {
        Text::made(self.arena, text)
    }

    /// `base.name` in its one spelling; nothing when it grows too long, or when the file has had too many.
    pub(super) fn joined(&self, base: &str, name: &str) -> Option<Text<'a>> {
        self.has_names_left().then(|| name::join(self.arena, base, name)).flatten().inspect(|name| self.count(name))
    }

    /// The name of what calling `path` returns, under the same conditions.
    pub(super) fn joined_call(&self, path: &str) -> Option<Text<'a>> {
        self.has_names_left().then(|| name::join_call(self.arena, path)).flatten().inspect(|name| self.count(name))
    }

    fn has_names_left(&self) -> bool {
        self.names_left.get() > 0
    }

    fn count(&self, name: &str) {
        self.names_left.set(self.names_left.get().saturating_sub(name.len()));
    }

    /// True when the budget pays for looking at `cost` bytes or copying as many; then it is charged for them.
    pub(crate) fn afford(&mut self, cost: usize) -> bool {
        let left = self.budget.checked_sub(cost);
        self.budget = left.unwrap_or(self.budget);
        left.is_some()
    }

    /// Says that nobody looks at what the expression at this place yields.
    pub fn discards(&mut self, place: Place) {
        // The calls of a chain, `get(url).read()`, begin where it begins.
        let chain = self.facts.calls.iter_mut().rev().take(8);
        chain.filter(|call| call.place.start == place.start).for_each(|call| call.discarded = true);
        // Who goes on with the answer waits for it.
        let text = self.facts.source.as_bytes().get(place.start as usize..place.end as usize).unwrap_or_default();
        let sinks = self.facts.links.sinks.iter().rev().take(8).any(|sink| sink.place.start == place.start);
        let calls = self.facts.calls.iter().rev().take(8).any(|call| call.place.start == place.start && is_sent(call));
        if !(sinks || calls) || memchr::memmem::find(&text[..text.len().min(2048)], b".then(").is_some() {
            return;
        }
        for call in self.facts.calls.iter_mut().rev().take(8).filter(|call| call.place.start == place.start) {
            call.effects |= Effects::DISCARDED;
        }
        for sink in self.facts.links.sinks.iter_mut().rev().take(8).filter(|sink| sink.place.start == place.start) {
            sink.effects |= Effects::DISCARDED;
        }
    }

    /// Folds while the budget lasts. Every try costs something, also one that yields nothing.
    pub(super) fn pay(&mut self, fold: impl FnOnce(&'a Allocator) -> Constant<'a>) -> Constant<'a> {
        if self.budget == 0 {
            return Constant::Unknown;
        }
        self.budget = self.budget.saturating_sub(16);
        let constant = fold(self.arena);
        if let Constant::Text(Text::Made(text)) | Constant::Prefix(Text::Made(text)) = &constant {
            self.budget = self.budget.saturating_sub(text.len());
        }
        if let Constant::List(items) = &constant {
            self.budget = self.budget.saturating_sub(items.len() * size_of::<Value<'_>>());
        }
        constant
    }
}

/// True for a call that sends something by name.
fn is_sent(call: &super::Call<'_>) -> bool {
    call.effects.any(Effects::NET) && call.taint.any(Taint::PERSONAL)
}
