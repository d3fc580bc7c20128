//! Follows names and values through one file while a front end walks its tree, and collects the facts.
//!
//! In: names, members, calls, literals, assignments and functions, in the order of the source. Out: [`Facts`]. Memory is
//! bounded whatever the source: names by the source itself, facts and folded text by the limits below.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use hashbrown::{Equivalent, HashMap};
use sigma_core::Confidence;

use super::address::has_raw_ip;
use super::bits::{Deeds, Effects, Signs, Taint};
use super::links::{LOCAL, Links};
use super::value::{Constant, LIST_ITEMS, Text, Value};
use super::{Deed, EnvironmentRead, Facts, Mention, Place, Subclass, command, fold, layer, mention, name};
use crate::language::Language;

/// Facts of one kind that are kept of one file.
pub(super) const MAX_FACTS: usize = 20_000;
/// Imports that are kept of one file.
const MAX_IMPORTS: usize = 2_000;
/// Bytes that folding may make for one file: 8 MiB.
const FOLD_BUDGET: usize = 8 << 20;
/// Names of interest that are looked for in one text.
const MAX_MENTIONS: usize = 64;
/// Bytes of text in the arguments of all calls of one file: 24 MiB, as much as the largest file that is read. One text
/// in many calls counts for each.
const ARGUMENT_BYTES: usize = 24 << 20;
/// An argument of a call.
#[derive(Clone, Debug)]
pub(crate) struct Argument<'a> {
    /// The keyword, if it has one.
    pub name: Option<Text<'a>>,
    /// The value.
    pub value: Value<'a>,
}

/// Parameters of one function that are followed.
const MAX_PARAMETERS: usize = 16;

/// What is known of a function of the file.
#[derive(Default)]
pub(super) struct Function<'a> {
    /// What it returns.
    pub result: Value<'a>,
    /// What callers give it, by position.
    parameters: Vec<Value<'a>>,
    /// What callers give it, by name.
    keywords: Vec<(Text<'a>, Value<'a>)>,
    /// Whether its body was read.
    read: bool,
    /// Whether somebody wanted to know what it returns before its body was read.
    asked: bool,
}

impl Function<'_> {
    /// Notes that somebody wants to know what it returns.
    pub fn ask(&mut self) {
        self.asked |= !self.read;
    }
}

/// What one reading of a file learns that helps the next: what functions are given and return, what is kept in objects
/// and outer variables. Everything is known by its place in the source, so both readings speak of the same.
#[derive(Default)]
pub(super) struct Learned<'a> {
    pub functions: Vec<Function<'a>>,
    by_offset: HashMap<u32, u32>,
    classes: HashMap<u32, u32>,
    /// Methods by class and name, and how many there are in all.
    methods: HashMap<u32, BTreeMap<Box<str>, u32>>,
    methods_kept: usize,
    attributes: HashMap<(u32, Box<str>), Value<'a>>,
    outer: HashMap<&'a str, Value<'a>>,
    /// Files that were downloaded, by the variable or the file name, and what is known of where they came from.
    downloaded: HashMap<String, Taint>,
    /// Values kept so far.
    kept: usize,
    /// Whether a second reading would know more than the first.
    useful: bool,
}

/// Collects the facts of one file.
pub(crate) struct Builder<'a> {
    pub(super) language: Language,
    scope: HashMap<&'a str, Named<'a>>,
    /// What a function's own names hid, to be put back when it ends.
    hidden: Vec<(&'a str, Option<Named<'a>>)>,
    pub(super) learned: Learned<'a>,
    /// Names that the function being read takes from around it.
    shared: HashSet<&'a str>,
    /// Whether the function being read stands in the module itself.
    outermost: bool,
    /// Who calls whom.
    pub(super) calls_between: HashSet<(u32, u32)>,
    current: u32,
    /// Whether a connection was made so far.
    pub(super) connected: bool,
    /// Modules of the same package that it imports, in order.
    pub(super) local_modules: Vec<String>,
    /// The symbols of other files so far, by dotted name.
    pub(super) symbols: HashMap<Box<str>, u32>,
    /// Exports that may still be noted, repeated ones too.
    pub(super) exports_left: usize,
    /// Whether the file is started as a program.
    program: bool,
    pub(super) budget: usize,
    /// Bytes of text that the arguments of calls may still hold.
    pub(super) weight: usize,
    pub(super) facts: Facts<'a>,
}

/// What a name stands for.
#[derive(Default)]
struct Named<'a> {
    /// The function that declares it.
    declared: u32,
    value: Value<'a>,
}

/// Marks where a function's names begin.
pub(crate) struct Frame<'a> {
    hidden: usize,
    outer: u32,
    shared: HashSet<&'a str>,
    outermost: bool,
}

/// A member of a class, to look it up without a copy of its name; it hashes as `(u32, Box<str>)` does.
#[derive(Hash)]
struct Member<'n>(u32, &'n str);

impl Equivalent<(u32, Box<str>)> for Member<'_> {
    fn equivalent(&self, key: &(u32, Box<str>)) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

impl<'a> Learned<'a> {
    /// The method of a class of this file.
    pub fn method(&self, class: u32, name: &str) -> Option<u32> {
        self.methods.get(&class)?.get(name).copied()
    }

    /// The methods of a class, in order.
    pub fn methods_of(&self, class: u32) -> Vec<(Box<str>, u32)> {
        let own = self.methods.get(&class).into_iter().flatten();
        own.map(|(name, function)| (name.clone(), *function)).collect()
    }
}

impl<'a> Builder<'a> {
    /// Starts on a source text.
    pub fn new(source: &'a str, language: Language, confidence: Confidence) -> Self {
        Self {
            language,
            scope: HashMap::new(),
            hidden: Vec::new(),
            learned: Learned { functions: vec![Function::default()], ..Learned::default() },
            shared: HashSet::new(),
            outermost: false,
            calls_between: HashSet::new(),
            current: 0,
            connected: false,
            local_modules: Vec::new(),
            symbols: HashMap::new(),
            exports_left: MAX_FACTS,
            program: false,
            budget: FOLD_BUDGET,
            weight: ARGUMENT_BYTES,
            facts: Facts {
                source,
                confidence,
                imports: BTreeSet::new(),
                local_imports: BTreeSet::new(),
                calls: Vec::new(),
                environment: Vec::new(),
                mentions: Vec::new(),
                signs: Signs::NONE,
                deeds: Vec::new(),
                subclasses: Vec::new(),
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
        let mut loaded = vec![false; self.learned.functions.len()];
        loaded[0] = true;
        let mut callees: HashMap<u32, Vec<u32>> = HashMap::new();
        for &(caller, callee) in &self.calls_between {
            callees.entry(caller).or_default().push(callee);
        }
        let mut queue = vec![0];
        while let Some(function) = queue.pop() {
            for &callee in callees.get(&function).map_or(&[][..], Vec::as_slice) {
                if let Some(seen) = loaded.get_mut(callee as usize).filter(|seen| !**seen) {
                    *seen = true;
                    queue.push(callee);
                }
            }
        }
        self.finish_links();
        self.facts.loaded = loaded;
        self.facts.calls.sort_by_key(|call| call.place);
        self.facts.deeds.extend(command::deeds_of_calls(&self.facts.calls));
        self.facts.layers = layer::collect(&self.facts.calls, self.language);
        self.facts.names =
            layer::names(self.scope.iter().map(|(name, named)| (*name, &named.value)), &self.facts.layers);
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

    /// The function of this file that begins at `offset`.
    pub fn declare_function(&mut self, offset: u32) -> u32 {
        let functions = &mut self.learned.functions;
        *self.learned.by_offset.entry(offset).or_insert_with(|| {
            functions.push(Function::default());
            functions.len() as u32 - 1
        })
    }

    /// The class of this file that begins at `offset`.
    pub fn declare_class(&mut self, offset: u32) -> u32 {
        let next = self.learned.classes.len() as u32;
        *self.learned.classes.entry(offset).or_insert(next)
    }

    /// A method of a class.
    pub fn declare_method(&mut self, class: u32, name: &str, function: u32) {
        if self.learned.methods_kept < MAX_FACTS {
            self.learned.methods_kept += 1;
            self.learned.methods.entry(class).or_default().insert(name.into(), function);
        }
    }

    /// Begins a function's body.
    pub fn enter(&mut self, function: u32) -> Frame<'a> {
        let shared = std::mem::take(&mut self.shared);
        let frame = Frame { hidden: self.hidden.len(), outer: self.current, shared, outermost: self.outermost };
        self.outermost = self.current == 0;
        self.current = function;
        frame
    }

    /// Ends a function's body: its own names are forgotten.
    pub fn leave(&mut self, frame: Frame<'a>) {
        for (name, value) in self.hidden.drain(frame.hidden..).rev() {
            match value {
                Some(value) => self.scope.insert(name, value),
                None => self.scope.remove(name),
            };
        }
        if let Some(function) = self.learned.functions.get_mut(self.current as usize) {
            function.read = true;
        }
        self.current = frame.outer;
        self.shared = frame.shared;
        self.outermost = frame.outermost;
    }

    /// Says that the function being read takes this name from around it: Python's `global` and `nonlocal`.
    pub fn share(&mut self, name: &'a str) {
        if self.current != 0 {
            self.shared.insert(name);
        }
    }

    /// What callers give a function as a parameter, as far as it is known.
    pub fn parameter(&self, function: u32, index: usize, name: &str) -> Value<'a> {
        let Some(known) = self.learned.functions.get(function as usize) else { return Value::default() };
        let mut value = known.parameters.get(index).cloned().unwrap_or_default();
        if let Some((_, given)) = known.keywords.iter().find(|(keyword, _)| &**keyword == name) {
            value.join(given.clone());
        }
        // What a function of the module itself does with what it is given concerns the other files.
        if self.current == function && self.outermost {
            value.taint |= Taint::parameter(u32::try_from(index).unwrap_or(u32::MAX));
        }
        value
    }

    /// Remembers that the file of this name came over the network.
    pub(super) fn note_download(&mut self, name: &Text<'a>, from: Taint) {
        let files = &mut self.learned.downloaded;
        if files.len() < MAX_FACTS {
            let sure = if from.any(Taint::REMOTE) { Taint::DOWNLOADED } else { Taint::NONE };
            let from =
                from.and(Taint::ADDRESS | Taint::DECODED) | from.without(Taint::from_bits(u32::MAX.into())) | sure;
            let known = files.entry(file_name(name).to_owned()).or_default();
            self.learned.useful |= known.is_empty();
            *known |= from;
        }
    }

    /// What is known of the file of this name: nothing, or that it came over the network and from where.
    pub(super) fn download(&self, name: &str) -> Taint {
        self.learned.downloaded.get(file_name(name)).copied().unwrap_or_default()
    }

    /// True when nothing was downloaded so far.
    pub(super) fn has_no_downloads(&self) -> bool {
        self.learned.downloaded.is_empty()
    }

    /// Remembers what a function is given. `skip` counts the parameters that the call does not write, such as `self`.
    pub(super) fn give(&mut self, function: u32, skip: usize, arguments: &[Argument<'a>]) {
        if self.learned.kept > MAX_FACTS {
            return;
        }
        let Some(known) = self.learned.functions.get_mut(function as usize) else { return };
        let mut index = skip;
        for argument in arguments {
            match &argument.name {
                None if index < MAX_PARAMETERS => {
                    if !argument.value.is_unknown() {
                        known.parameters.resize(known.parameters.len().max(index + 1), Value::default());
                        known.parameters[index].join(argument.value.clone());
                        self.learned.kept += 1;
                        self.learned.useful |= known.read;
                    }
                    index += 1;
                }
                Some(name) if !argument.value.is_unknown() && known.keywords.len() < MAX_PARAMETERS => {
                    known.keywords.push((name.clone(), argument.value.clone()));
                    self.learned.kept += 1;
                    self.learned.useful |= known.read;
                }
                _ => {}
            }
        }
    }

    /// True when reading the file a second time, knowing what this reading learned, can tell more: something that was
    /// learned late meets a call that runs, sends or loads something.
    pub fn is_worth_another(&self) -> bool {
        let sinks = Effects::NET | Effects::SPAWN | Effects::EVAL | Effects::NATIVE | Effects::DESERIALISE;
        self.learned.useful && self.facts.calls.iter().any(|call| call.effects.any(sinks))
    }

    /// Starts on the same source again, with what was learned.
    pub fn again(self) -> Self {
        let mut next = Self::new(self.facts.source, self.language, self.facts.confidence).started(self.program);
        next.learned = self.learned;
        next.learned.functions.iter_mut().for_each(|function| (function.read, function.asked) = (false, false));
        (next.learned.kept, next.learned.methods_kept) = (0, 0);
        next
    }

    /// Says that the function being read, or the module, runs `function`.
    pub fn runs(&mut self, function: u32) {
        if self.calls_between.len() < MAX_FACTS {
            self.calls_between.insert((self.current, function));
        }
    }

    /// Says that `function` runs when the file is started as a program, which an installer does with a `setup.py`.
    pub fn runs_as_program(&mut self, function: u32) {
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
        self.scope.extend(names.iter().map(|(name, path)| (&**name, named(path))));
        self
    }

    /// Says that `function` runs when the file is loaded, whoever calls it.
    pub fn runs_at_load(&mut self, function: u32) {
        self.calls_between.insert((0, function));
    }

    /// A `return` of the function being read.
    pub fn returns(&mut self, mut value: Value<'a>) {
        if let Some(origin) = &value.origin {
            value.taint |= self.download(origin);
        }
        let Some(function) = self.learned.functions.get_mut(self.current as usize) else { return };
        // Who called it before its body was read did not know.
        self.learned.useful |= function.asked && !value.is_unknown() && function.result.is_unknown();
        let taint = value.whole_taint();
        function.result.join(value);
        function.result.taint |= taint;
    }

    /// Gives a name a value. A name that means nothing to us is not remembered.
    pub fn bind(&mut self, name: &'a str, mut value: Value<'a>) {
        if name == "require" && value.is_unknown() {
            return; // Bundlers pass the real one as a parameter.
        }
        let known = self.scope.get(name);
        let file = value.origin.as_deref().is_some_and(names_file);
        if value.is_unknown() && value.taint.is_empty() && known.is_none() && !file && !self.is_global(name) {
            return;
        }
        if self.shared.contains(name) {
            return self.assign_outer(name, value);
        }
        // What stands for a file stays that file, whatever the variable is called.
        let file = value.origin.as_deref().is_some_and(|origin| {
            names_file(origin)
                || value.path.as_deref().is_some_and(|path| path.ends_with("()")) && value.taint.any(Taint::FILE)
        });
        if !file {
            value.origin = Some(name.into());
        }
        let before = self.scope.insert(name, Named { declared: self.current, value });
        if self.current != 0 {
            self.hidden.push((name, before));
        }
    }

    /// Gives a name that exists already another value, wherever it was declared.
    pub fn assign(&mut self, name: &'a str, value: Value<'a>) {
        let own = self.current == 0 || self.scope.get(name).is_some_and(|known| known.declared == self.current);
        if own { self.bind(name, value) } else { self.assign_outer(name, value) }
    }

    /// A function gives a variable around it a value: when it runs is not known, so the old value stays possible.
    fn assign_outer(&mut self, name: &'a str, value: Value<'a>) {
        if value.is_unknown() {
            return;
        }
        let learned = self.learned.outer.entry(name).or_default();
        self.learned.useful |= learned.is_unknown();
        learned.join(value.clone());
        let known = &mut self.scope.entry(name).or_default().value;
        known.join(value);
        known.origin = Some(name.into());
    }

    /// `object.name = value` or `object[key] = value`: what the object is made of grows.
    pub fn set_member(&mut self, object: &Value<'a>, key: Option<&str>, value: &Value<'a>) {
        let javascript = self.language != Language::Python;
        if let (true, Some(path @ ("exports" | "module")), Some(key)) = (javascript, object.path.as_deref(), key) {
            let name = if path == "module" || key == "default" { "" } else { key };
            self.export(name, value);
            return;
        }
        if let (Some(class), Some(key)) = (object.class, key) {
            if !value.is_unknown() && self.learned.kept <= MAX_FACTS {
                let known = self.learned.attributes.entry((class, key.into())).or_default();
                self.learned.useful |= known.is_unknown();
                self.learned.kept += 1;
                known.join(value.clone());
            }
            return;
        }
        if object.path.is_none() || object.path.as_deref().is_some_and(|path| path.ends_with("()")) {
            self.grow(object, value.whole_taint());
        }
    }

    /// What the variable that holds `object` is made of grows: `list.append(x)`, `record[key] = x`.
    pub(super) fn grow(&mut self, object: &Value<'a>, taint: Taint) {
        let Some(Text::Borrowed(name)) = object.origin.as_ref().filter(|_| !taint.is_empty()) else { return };
        if let Some(known) = self.scope.get_mut(name) {
            known.value.taint |= taint;
        } else {
            self.bind(name, Value::tainted(taint));
        }
    }

    /// The value of a name.
    pub fn name(&self, name: &'a str) -> Value<'a> {
        if let Some(known) = self.scope.get(name) {
            return known.value.clone();
        }
        if let Some(value) = self.learned.outer.get(name) {
            return Value { origin: Some(name.into()), ..value.clone() };
        }
        let mut value = if self.is_global(name) { Value::at_path(name) } else { Value::default() };
        value.origin = Some(name.into());
        value
    }

    /// The value of a name that is not written in the source.
    pub(super) fn name_of(&self, name: &str) -> Value<'a> {
        match self.scope.get::<str>(name) {
            Some(known) => known.value.clone(),
            None if self.is_global(name) => Value::at_path(name.to_owned()),
            None => Value::default(),
        }
    }

    /// By length first: most names are none of these. Modules are among them, which a star import or a lost line may have
    /// brought.
    fn is_global(&self, name: &str) -> bool {
        match self.language {
            Language::Python => match name.len() {
                2 => name == "os",
                3 => matches!(name, "chr" | "map" | "str" | "ord"),
                4 => matches!(name, "eval" | "exec" | "open" | "vars" | "dict" | "type"),
                5 => matches!(name, "bytes" | "tuple"),
                6 => matches!(name, "locals" | "urllib" | "socket" | "base64"),
                7 => matches!(name, "compile" | "getattr" | "setattr" | "globals"),
                8 => matches!(name, "execfile" | "requests"),
                9 => name == "bytearray",
                10 => matches!(name, "__import__" | "subprocess"),
                12 => name == "__builtins__",
                _ => false,
            },
            Language::Shell => false,
            Language::JavaScript | Language::TypeScript => match name.len() {
                3 => name == "Bun",
                4 => matches!(name, "eval" | "self" | "atob" | "Deno"),
                5 => matches!(name, "fetch" | "Array"),
                6 => matches!(name, "window" | "global" | "Buffer" | "String" | "module" | "Object"),
                7 => matches!(name, "require" | "process" | "exports" | "Reflect"),
                8 => matches!(name, "Function" | "unescape"),
                9 => matches!(name, "WebSocket" | "navigator"),
                10 => matches!(name, "globalThis" | "setTimeout" | "execScript"),
                11 => matches!(name, "EventSource" | "setInterval" | "constructor"),
                12 => name == "setImmediate",
                13 => name == "importScripts",
                14 => matches!(name, "XMLHttpRequest" | "queueMicrotask"),
                _ => false,
            },
        }
    }

    /// Imports a module: the value of the module itself.
    pub fn import(&mut self, module: &str) -> Value<'a> {
        if module.starts_with('.') || module.starts_with('/') {
            if self.facts.local_imports.len() < MAX_IMPORTS {
                self.facts.local_imports.insert(module.chars().take(300).collect());
            }
            return self.local_module(module);
        }
        let module = name::module(module);
        if self.facts.imports.len() < MAX_IMPORTS && module.len() <= 214 {
            self.facts.imports.insert(name::package_of(&module).to_owned());
        }
        Value::at_path(module)
    }

    /// The value of a module of the same package.
    fn local_module(&mut self, module: &str) -> Value<'a> {
        let modules = &mut self.local_modules;
        let known = modules.iter().position(|known| known == module);
        let index = known.or_else(|| {
            (modules.len() < 100 && module.len() <= 300).then(|| {
                modules.push(module.to_owned());
                modules.len() - 1
            })
        });
        index.map_or_else(Value::default, |index| Value::at_path(format!("{LOCAL}{index}")))
    }

    /// The names of the module itself, in order, and what they stand for.
    pub(super) fn module_names(&self) -> BTreeMap<&'a str, Value<'a>> {
        let own = self.scope.iter().filter(|(_, known)| known.declared == 0 && known.value.path.is_none());
        let matters = |value: &Value<'a>| value.function.is_some() || value.class.is_some() || !value.taint.is_empty();
        own.filter(|(_, known)| matters(&known.value)).map(|(name, known)| (*name, known.value.clone())).collect()
    }

    /// A member by a constant name: `object.name` or `object["name"]`.
    pub fn member(&mut self, object: &Value<'a>, key: &str, place: Place) -> Value<'a> {
        if let Some(field) = object.field(key) {
            return field.clone();
        }
        if let Some(class) = object.class {
            if let Some(function) = self.learned.method(class, key) {
                return Value { function: Some(function), class: Some(class), ..Value::default() };
            }
            return self.learned.attributes.get(&Member(class, key)).cloned().unwrap_or_default();
        }
        if key == "constructor" && (object.function.is_some() || object.path.as_deref() == Some("constructor")) {
            return Value::at_path("Function");
        }
        let Some(base) = object.path.as_deref() else {
            return match key {
                // `[].constructor.constructor` and its like: the function that makes functions.
                "constructor" => Value::at_path("constructor"),
                "length" => Value::default(),
                _ => Value { taint: object.taint, origin: object.origin.clone(), ..Value::default() },
            };
        };
        if matches!(base, "process.env" | "import.meta.env") {
            return self.environment(Some(key), place);
        }
        let mut taint = object.taint;
        let path = name::join(base, key);
        if let Some(path) = path.as_deref().filter(|path| path.starts_with(LOCAL) && !path.contains('(')) {
            taint |= self.symbol(path).map_or(Taint::NONE, Taint::symbol);
        }
        Value { path, taint, origin: object.origin.clone(), ..Value::default() }
    }

    /// A member by a computed key.
    pub fn index(&mut self, object: &Value<'a>, key: &Value<'a>, place: Place) -> Value<'a> {
        if matches!(object.path.as_deref(), Some("process.env" | "os.environ")) {
            return self.environment(key.as_text(), place);
        }
        if let Some(text) = key.as_text().filter(|text| text.len() <= 500) {
            let text = text.to_owned();
            return self.member(object, &text, place);
        }
        if let Constant::Number(number) = key.constant
            && let Some(item) = usize::try_from(number).ok().and_then(|number| object.items().get(number))
        {
            return item.clone();
        }
        Value { path: object.path.clone(), taint: object.taint | key.taint.without(Taint::FILE), ..Value::default() }
    }

    /// The value of one environment variable.
    pub(super) fn environment(&mut self, key: Option<&str>, place: Place) -> Value<'a> {
        let key = key.filter(|key| key.len() <= 500);
        let secret = key.is_some_and(name::is_secret);
        if self.facts.environment.len() < MAX_FACTS {
            self.facts.environment.push(EnvironmentRead { name: key.map(str::to_owned), secret, place });
        }
        Value::tainted(if secret { Taint::SECRET } else { Taint::ENV })
    }

    /// A literal text of the source.
    pub fn literal(&mut self, text: impl Into<Text<'a>>, place: Place) -> Value<'a> {
        let text = text.into();
        let taint = self.taint_of_text(&text, place);
        if let Some(harmful) = fold::hidden_code(&text).filter(|_| self.facts.encoded.len() < MAX_FACTS) {
            self.facts.encoded.push((place, harmful));
        }
        Value { constant: Constant::Text(text), taint, ..Value::default() }
    }

    /// What the text names, remembered as a mention.
    pub fn taint_of_text(&mut self, text: &str, place: Place) -> Taint {
        let mut taint = Taint::NONE;
        let mut seen = Signs::NONE;
        for pattern in mention::find_all(text).take(MAX_MENTIONS) {
            let kind =
                if pattern.taint.any(Taint::CATCHER) { pattern.taint | Taint::EXFIL_HOST } else { pattern.taint };
            // One text may name the same thing many times.
            if !pattern.signs.without(seen).is_empty() || kind.without(taint) != Taint::NONE {
                self.mention(Mention { taint: kind, signs: pattern.signs, what: pattern.what, place });
            }
            taint |= kind;
            seen |= pattern.signs;
        }
        if has_raw_ip(text) {
            taint |= Taint::RAW_IP;
            let what = "a public IP address in place of a host name";
            self.mention(Mention { taint: Taint::RAW_IP, signs: Signs::NONE, what, place });
        }
        taint
    }

    pub(super) fn mention(&mut self, mention: Mention) {
        if self.facts.mentions.len() < MAX_FACTS {
            self.facts.signs |= mention.signs;
            self.facts.mentions.push(mention);
        }
    }

    /// A command line in the source, beside those that calls hand to a shell.
    pub fn deed(&mut self, what: Deeds, place: Place) {
        if self.facts.deeds.len() < MAX_FACTS {
            self.facts.deeds.push(Deed { what, place });
        }
    }

    /// A constant that was computed; a text may name something new.
    pub fn put_together(&mut self, constant: Constant<'a>, taint: Taint, place: Place) -> Value<'a> {
        let constant = self.pay(|| constant);
        let found = match &constant {
            Constant::Text(text) => self.taint_of_text(&text.clone(), place),
            _ => Taint::NONE,
        };
        Value { constant, taint: taint | found, ..Value::default() }
    }

    /// Texts put together: `a + b`, templates, f-strings.
    pub fn concat(&mut self, left: Value<'a>, right: Value<'a>, place: Place) -> Value<'a> {
        let constant = self.pay(|| fold::concat(&left.constant, &right.constant));
        let mut taint = left.whole_taint() | right.whole_taint();
        let path = left.path.filter(|path| path.ends_with("()"));
        // A file goes by its name, whatever the folder.
        let origin = match &right.constant {
            Constant::Text(text) if text.len() <= 300 && names_file(text) => Some(text.clone()),
            _ => left
                .origin
                .or(right.origin)
                .filter(|origin| matches!(constant, Constant::Unknown) || names_file(origin)),
        };
        // A literal was looked at where it stood; only what was newly put together can name something new.
        if let (Constant::Text(Text::Shared(text)), true) = (&constant, taint.is_empty()) {
            let text = text.clone();
            taint |= self.taint_of_text(&text, place);
        }
        if !matches!(constant, Constant::Text(_)) && (has_text(&left.constant) || has_text(&right.constant)) {
            taint |= Taint::JOINED;
        }
        Value { path, constant, taint, origin, ..Value::default() }
    }

    /// A list or tuple.
    pub fn list(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        let taint = union(items.iter());
        let constant = if items.len() > LIST_ITEMS { Constant::Unknown } else { Constant::List(items.into()) };
        Value { constant, taint, ..Value::default() }
    }

    /// An object or dictionary.
    pub fn record(&mut self, fields: Vec<(Text<'a>, Value<'a>)>, rest: Taint) -> Value<'a> {
        let taint = union(fields.iter().map(|(_, value)| value)) | rest;
        let constant = if fields.len() > LIST_ITEMS { Constant::Unknown } else { Constant::Record(fields.into()) };
        Value { constant, taint, ..Value::default() }
    }

    /// A value that is one of several, or is made of all of them in a way that is not followed.
    pub fn any_of(&self, values: &[Value<'a>]) -> Value<'a> {
        let taint = union(values.iter());
        let path = values.iter().find_map(|value| value.path.clone());
        let constant = values.iter().map(|value| &value.constant).find(|c| !matches!(c, Constant::Unknown));
        Value { path, taint, constant: constant.cloned().unwrap_or_default(), ..Value::default() }
    }

    /// A text or list backwards.
    pub fn reversed(&mut self, value: &Value<'a>) -> Value<'a> {
        let constant = self.pay(|| fold::reversed(&value.constant));
        let mut taint = value.taint;
        if matches!(constant, Constant::Text(_)) {
            taint |= Taint::DECODED;
        }
        Value { constant, taint, ..Value::default() }
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
    }

    /// Folds while the budget lasts. Every try costs something, also one that yields nothing.
    pub(super) fn pay(&mut self, fold: impl FnOnce() -> Constant<'a>) -> Constant<'a> {
        if self.budget == 0 {
            return Constant::Unknown;
        }
        self.budget = self.budget.saturating_sub(16);
        let constant = fold();
        if let Constant::Text(Text::Shared(text)) | Constant::Prefix(Text::Shared(text)) = &constant {
            self.budget = self.budget.saturating_sub(text.len());
        }
        if let Constant::List(items) = &constant {
            self.budget = self.budget.saturating_sub(items.len() * size_of::<Value<'_>>());
        }
        constant
    }
}

/// True for a constant text, or one whose beginning is constant, that is not empty.
fn has_text(constant: &Constant<'_>) -> bool {
    matches!(constant, Constant::Text(text) | Constant::Prefix(text) if !text.is_empty())
}

/// The last part of a path, when it names a file; a variable's name otherwise.
pub(super) fn file_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    if name.len() > 2 { name } else { path }
}

/// True for a text that ends in a file's name: `\\setup.exe`.
fn names_file(text: &str) -> bool {
    let name = file_name(text);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    name.len() <= 200
        && (1..=5).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What any of the values is made of.
pub(super) fn union<'v, 'a: 'v>(values: impl Iterator<Item = &'v Value<'a>>) -> Taint {
    values.fold(Taint::NONE, |all, value| all | value.whole_taint())
}
