//! Which value a name stands for, at the place that is being read.

use hashbrown::HashSet;

use super::api;
use super::bits::{Taint, Waits};
use super::builder::{Builder, MAX_FACTS};
use super::learned::{Member, bit};
use super::links::stands_for;
use super::name::names_file;
use super::names::{Named, Names};
use super::value::{Text, Value};
use crate::language::Language;

/// Arguments of a function that are followed by their number.
const MAX_ARGUMENTS: usize = 4;

/// What a name may still hold where only an alternative gives it another value: `try { code = read() } catch { code = "" }`.
const EITHER: Taint =
    Taint::HELD.with(Taint::REMOTE).with(Taint::NAMED).with(Taint::NAMED_HOST).with(Taint::DOWNLOADED);

/// Marks where a function's names begin.
pub(crate) struct Frame<'a> {
    hidden: usize,
    outer: u32,
    shared: HashSet<&'a str>,
    outermost: bool,
    waits: Waits,
    missed: u64,
    alternative: bool,
}

impl<'a> Builder<'a> {
    /// Begins a function's body.
    pub fn enter(&mut self, function: u32) -> Frame<'a> {
        let shared = std::mem::take(&mut self.shared);
        let frame = Frame {
            hidden: self.hidden.len(),
            outer: self.current,
            shared,
            outermost: self.outermost,
            waits: self.waiting.now,
            missed: self.missed.take(),
            alternative: std::mem::take(&mut self.alternative),
        };
        // When a function runs is for its callers to say.
        self.waiting.now = Waits::NONE;
        self.outermost = self.current == 0;
        if self.outermost {
            self.owner = function;
        }
        if let Some(known) = self.learned.functions.get_mut(function as usize) {
            known.within = self.current;
        }
        if let Some(kept) = &mut self.kept {
            kept.note_read(function);
        }
        self.current = function;
        frame
    }

    /// Ends a function's body: its own names are forgotten.
    pub fn leave(&mut self, frame: Frame<'a>) {
        self.hidden.drain(frame.hidden..).rev().for_each(|hidden| self.scope.put_back(hidden));
        if let Some(function) = self.learned.functions.get_mut(self.current as usize) {
            function.read = true;
            function.missed |= self.missed.replace(frame.missed);
        }
        self.current = frame.outer;
        if self.current == 0 {
            self.owner = 0;
        }
        self.shared = frame.shared;
        self.outermost = frame.outermost;
        self.waiting.now = frame.waits;
        self.alternative = frame.alternative;
    }

    /// Says that the function being read takes this name from around it: Python's `global` and `nonlocal`.
    pub fn share(&mut self, name: &'a str) {
        if self.current != 0 {
            self.shared.insert(name);
        }
    }

    /// Gives a name a value. A name that means nothing to us is not remembered.
    pub fn bind(&mut self, name: &'a str, mut value: Value<'a>) {
        if name == "require" && value.is_unknown() {
            return; // Bundlers pass the real one as a parameter.
        }
        let file = value.origin.as_deref().is_some_and(|origin| names_file(origin) || origin.starts_with("?/"));
        let unknown = value.taint.is_empty() && !file && value.is_unknown();
        let slot = self.scope.find(name);
        let known = slot.and_then(|slot| self.scope.at(slot));
        if unknown && !self.is_global(name) && known.is_none() {
            return;
        }
        if self.shared.contains(name) {
            return self.assign_outer(name, value);
        }
        if self.alternative
            && let Some(before) = known
            && before.declared == self.current
        {
            // Python decodes bytes to text wherever it reads them: which of two texts was decoded says little there.
            let decoded = if self.language == Language::Python { Taint::NONE } else { Taint::DECODED };
            value.taint |= before.value.taint.and(EITHER | decoded);
        }
        // What functions make of it later.
        if let (0, Some(slot)) = (self.current, slot)
            && let Some(later) = self.learned.outer.get(&slot)
        {
            value.taint |= later.taint;
        }
        // What stands for a file stays that file, whatever the variable is called.
        let opened = value.taint.any(Taint::FILE)
            && value.origin.is_some()
            && value.path.as_deref().is_some_and(|path| path.ends_with("()"));
        if !file && !opened {
            value.origin = Some(name.into());
        }
        let slot = slot.unwrap_or_else(|| self.scope.slot(name));
        let hidden = self.scope.set(slot, Named { declared: self.current, value });
        if self.current != 0 {
            self.hidden.push(hidden);
        }
    }

    /// Gives a name that exists already another value, wherever it was declared.
    pub fn assign(&mut self, name: &'a str, value: Value<'a>) {
        let own = self.current == 0 || self.scope.get(name).is_some_and(|known| known.declared == self.current);
        if own { self.bind(name, value) } else { self.assign_outer(name, value) }
    }

    /// A function gives a variable around it a value: when it runs is not known, so the old value stays possible.
    fn assign_outer(&mut self, name: &'a str, mut value: Value<'a>) {
        if value.is_unknown() {
            return;
        }
        let slot = self.scope.slot(name);
        if self.scope.at(slot).is_some_and(|known| known.declared == 0) {
            value.taint = self.left_behind(value.taint);
        }
        let learned = self.learned.outer.entry(slot).or_default();
        if learned.is_unknown() {
            self.learned.useful = true;
            self.learned.late |= if value.is_of_api() { bit(name) } else { 0 };
        }
        learned.join(value.clone());
        let known = &mut self.scope.at_or_default(slot).value;
        known.join(value);
        known.origin = Some(name.into());
    }

    /// `object.name = value` or `object[key] = value`: what the object is made of grows.
    pub fn set_member(&mut self, object: &Value<'a>, key: Option<&str>, value: &Value<'a>) {
        let javascript = self.language != Language::Python;
        if let (true, Some(path @ ("exports" | "module")), Some(key)) = (javascript, object.path.as_deref(), key) {
            let name = if path == "module" || key == "default" { "" } else { key };
            if let Some(function) = value.function.filter(|_| self.exported.len() < MAX_FACTS) {
                self.exported.insert(name.into(), function);
            }
            self.export(name, value);
            return;
        }
        self.opens(value);
        let path = object.path.as_deref();
        // `global.r = require`: a name of every file from then on. What hooks a function of the host leaves it its name: what is done
        // with it is done with what the host has.
        let global = javascript && path.is_some_and(is_global_object);
        if let (true, Some(key)) = (global, key.filter(|key| is_own_global(key))) {
            if !value.is_unknown() && self.learned.kept <= MAX_FACTS {
                self.learned.kept += 1;
                let known = self.learned.attributes.entry((GLOBALS, key.into())).or_default();
                self.learned.useful |= known.is_unknown();
                known.join(value.clone());
                self.learned.has_globals = true;
            }
            return;
        }
        self.waiting.told_itself |= path == Some("sys.argv") || path == Some("sys") && key == Some("argv");
        if let (Some(class), Some(key)) = (object.class, key) {
            let told = !value.is_unknown() || value.taint != value.taint.concrete();
            if told && self.learned.kept <= MAX_FACTS {
                let constructor = if javascript { "constructor" } else { "__init__" };
                let mut kept = value.clone();
                if self.learned.method(class, constructor) == Some(self.current) {
                    kept.taint = kept.taint.as_built();
                } else {
                    kept.taint = self.left_behind(kept.taint);
                }
                let known = self.learned.attributes.entry((class, key.into())).or_default();
                if known.is_unknown() {
                    self.learned.useful = true;
                    self.learned.late |= if kept.is_of_api() { bit(key) } else { 0 };
                }
                self.learned.kept += 1;
                known.join(kept);
                let does = stands_for(value);
                if !does.is_empty() {
                    self.learned.executors.entry(class).or_default().insert(key.into(), does);
                }
            }
            return;
        }
        let foreign = |path: &str| self.imported.contains(path.split(['.', '/']).next().unwrap_or(path));
        if let Some(function) = value.function.filter(|_| object.path.as_deref().is_some_and(foreign)) {
            self.learned.useful |= self.learned.standing_in.insert(function);
            let path = object.path.as_deref().unwrap_or_default();
            self.stands_in_for(path.split(['.', '/']).next().unwrap_or(path));
        }
        if object.path.is_none() || object.path.as_deref().is_some_and(|path| path.ends_with("()")) {
            self.grow(object, value.whole_taint());
        }
    }

    /// What the variable that holds `object` is made of grows: `list.append(x)`, `record[key] = x`.
    pub(super) fn grow(&mut self, object: &Value<'a>, taint: Taint) {
        let Some(Text::Borrowed(name)) = object.origin.as_ref().filter(|_| !taint.is_empty()) else { return };
        let outer = self.current != 0 && self.scope.get(name).is_some_and(|known| known.declared == 0);
        let taint = if outer { self.left_behind(taint) } else { taint };
        if outer {
            // Functions that were read before find it there too.
            let later = self.learned.outer.entry(self.scope.slot(name)).or_default();
            self.learned.useful |= later.taint.with(taint) != later.taint;
            later.taint |= taint;
        }
        if let Some(known) = self.scope.get_mut(name) {
            known.value.taint |= taint;
        } else {
            self.bind(name, Value::tainted(taint));
        }
    }

    /// What the variable of this name holds was hidden before.
    pub fn unmasks(&mut self, name: &str) {
        if let Some(known) = self.scope.get_mut(name) {
            known.value.taint |= Taint::DECODED;
        }
    }

    /// The value of a name.
    pub fn name(&self, name: &'a str) -> Value<'a> {
        let slot = self.scope.find(name);
        if let Some(known) = slot.and_then(|slot| self.scope.at(slot)) {
            return known.value.clone();
        }
        // Where functions are passed over, what one of them made of a variable around it is not seen again. Of a name that every
        // function of a minified file has, another function's variable would be taken for it.
        let others = self.kept.is_some() && self.language != Language::Python && bit(name) == 0;
        if let Some(value) = slot.filter(|_| !others).and_then(|slot| self.learned.outer.get(&slot)) {
            return Value { origin: Some(name.into()), ..value.clone() };
        }
        if let Some(value) = self.of_global_object(name) {
            return value;
        }
        let global = self.is_global(name);
        let mut value = if global { Value::at_path(name) } else { Value::default() };
        if !global {
            self.misses(name);
        }
        if matches!(name, "__dirname" | "__filename" | "__file__") {
            value.taint |= Taint::OWN;
        }
        if name == "arguments" && self.language != Language::Python {
            let given = (0..MAX_ARGUMENTS).map(|index| self.parameter(self.current, index, "").taint);
            value.taint |= given.fold(Taint::NONE, |all, taint| all | taint);
        }
        value.origin = Some(name.into());
        value
    }

    /// Notes that the function being read asks for what means nothing so far.
    pub(super) fn misses(&self, name: &str) {
        self.missed.set(self.missed.get() | bit(name));
    }

    /// What the program itself made a member of the global object.
    pub(super) fn of_global_object(&self, name: &str) -> Option<Value<'a>> {
        // Few programs do, and every name asks.
        if !self.learned.has_globals {
            return None;
        }
        self.learned.attributes.get(&Member(GLOBALS, name)).cloned()
    }

    /// The value of a name that is not written in the source.
    pub fn name_in_scope(&self, name: &str) -> Value<'a> {
        self.name_of(name)
    }

    /// The same, for the facts themselves.
    pub(super) fn name_of(&self, name: &str) -> Value<'a> {
        match self.scope.get(name) {
            Some(known) => known.value.clone(),
            None if self.is_global(name) => Value::at_path(self.made(name)),
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
                11 => name == "classmethod",
                12 => matches!(name, "__builtins__" | "staticmethod"),
                _ => false,
            },
            Language::Shell => false,
            Language::JavaScript | Language::TypeScript => match name.len() {
                3 => name == "Bun",
                4 => matches!(name, "eval" | "self" | "atob" | "Deno" | "Date" | "Intl"),
                5 => matches!(name, "fetch" | "Array" | "Image" | "Proxy"),
                6 => matches!(
                    name,
                    "Worker" | "window" | "global" | "Buffer" | "String" | "module" | "Object" | "chrome"
                ),
                7 => matches!(name, "require" | "process" | "exports" | "Reflect"),
                8 => matches!(name, "Function" | "unescape" | "location" | "document"),
                9 => matches!(name, "WebSocket" | "navigator"),
                10 => matches!(name, "globalThis" | "setTimeout" | "execScript"),
                11 => matches!(name, "EventSource" | "setInterval" | "constructor" | "WebAssembly"),
                12 => matches!(name, "setImmediate" | "localStorage"),
                13 => name == "importScripts",
                14 => matches!(name, "XMLHttpRequest" | "queueMicrotask" | "sessionStorage"),
                _ => false,
            },
        }
    }

    /// The names of the module itself, in order, and what they stand for.
    pub(super) fn module_names<'n>(scope: &'n Names<'a>) -> Vec<(&'a str, &'n Value<'a>)> {
        let executor = |value: &Value<'_>| !stands_for(value).is_empty();
        // What a call yielded that matters to whoever imports it.
        let yielded = |value: &Value<'_>| {
            value.taint.any(Taint::HELD | Taint::REMOTE)
                && value.path.as_deref().is_some_and(|path| path.ends_with("()"))
        };
        let matters = |value: &Value<'a>| match value.path {
            None => value.function.is_some() || value.class.is_some() || !value.taint.is_empty(),
            Some(_) => executor(value) || yielded(value),
        };
        let own = scope.iter().filter(|(_, known)| known.declared == 0 && matters(&known.value));
        let mut names: Vec<(&'a str, &Value<'a>)> = own.map(|(name, known)| (name, &known.value)).collect();
        names.sort_unstable_by_key(|(name, _)| *name);
        names
    }
}

/// Stands for the global object among the classes; no file has so many.
const GLOBALS: u32 = u32::MAX;

/// True for a member of the global object that neither Node.js nor a browser has.
fn is_own_global(name: &str) -> bool {
    const HOST: [&str; 10] = [
        "XMLHttpRequest",
        "WebSocket",
        "ethereum",
        "solana",
        "navigator",
        "location",
        "localStorage",
        "sessionStorage",
        "process",
        "console",
    ];
    api::effects(name).is_empty() && !HOST.contains(&name)
}

/// True for a name of the global object of JavaScript.
pub(super) fn is_global_object(path: &str) -> bool {
    matches!(path, "global" | "globalThis" | "window" | "self")
}
