//! Follows names and values through one file while a front end walks its tree, and collects the facts.
//!
//! In: names, members, calls, literals, assignments and functions, in the order of the source. Out: [`Facts`]. Memory is
//! bounded whatever the source: names by the source itself, facts and folded text by the limits below.

use std::collections::{BTreeSet, HashSet};

use hashbrown::HashMap;
use sigma_core::Confidence;

use super::address::has_raw_ip;
use super::bits::Taint;
use super::value::{Constant, LIST_ITEMS, Text, Value};
use super::{EnvironmentRead, Facts, Mention, Place, Subclass, fold, mention, name};
use crate::language::Language;

/// Facts of one kind that are kept of one file.
pub(super) const MAX_FACTS: usize = 20_000;
/// Imports that are kept of one file.
const MAX_IMPORTS: usize = 2_000;
/// Bytes that folding may make for one file: 8 MiB.
const FOLD_BUDGET: usize = 8 << 20;
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

/// What is known of a function of the file.
#[derive(Default)]
pub(super) struct Function<'a> {
    /// What it returns.
    pub result: Value<'a>,
}

/// Collects the facts of one file.
pub(crate) struct Builder<'a> {
    pub(super) language: Language,
    scope: HashMap<&'a str, Value<'a>>,
    /// What a function's own names hid, to be put back when it ends.
    hidden: Vec<(&'a str, Option<Value<'a>>)>,
    pub(super) functions: Vec<Function<'a>>,
    /// Who calls whom.
    calls_between: HashSet<(u32, u32)>,
    current: u32,
    /// Files that were downloaded, by the variable or the literal that names them.
    pub(super) downloaded: HashSet<String>,
    /// Whether a connection was made so far.
    pub(super) connected: bool,
    /// Whether the file is started as a program.
    program: bool,
    pub(super) budget: usize,
    /// Bytes of text that the arguments of calls may still hold.
    pub(super) weight: usize,
    pub(super) facts: Facts<'a>,
}

/// Marks where a function's names begin.
pub(crate) struct Frame {
    hidden: usize,
    outer: u32,
}

impl<'a> Builder<'a> {
    /// Starts on a source text.
    pub fn new(source: &'a str, language: Language, confidence: Confidence) -> Self {
        Self {
            language,
            scope: HashMap::new(),
            hidden: Vec::new(),
            functions: vec![Function::default()],
            calls_between: HashSet::new(),
            current: 0,
            downloaded: HashSet::new(),
            connected: false,
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
                subclasses: Vec::new(),
                loaded: Vec::new(),
            },
        }
    }

    /// Ends: works out which functions run when the file is loaded.
    pub fn finish(mut self) -> Facts<'a> {
        let mut loaded = vec![false; self.functions.len()];
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
        self.facts.loaded = loaded;
        self.facts.calls.sort_by_key(|call| call.place);
        self.facts
    }

    /// The place from `start` to `end` in the function being read.
    pub fn place(&self, start: u32, end: u32) -> Place {
        Place { start, end, function: self.current }
    }

    /// A new function of this file.
    pub fn declare_function(&mut self) -> u32 {
        self.functions.push(Function::default());
        self.functions.len() as u32 - 1
    }

    /// Begins a function's body.
    pub fn enter(&mut self, function: u32) -> Frame {
        let frame = Frame { hidden: self.hidden.len(), outer: self.current };
        self.current = function;
        frame
    }

    /// Ends a function's body: its own names are forgotten.
    pub fn leave(&mut self, frame: Frame) {
        for (name, value) in self.hidden.drain(frame.hidden..).rev() {
            match value {
                Some(value) => self.scope.insert(name, value),
                None => self.scope.remove(name),
            };
        }
        self.current = frame.outer;
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

    /// Says that `function` runs when the file is loaded, whoever calls it.
    pub fn runs_at_load(&mut self, function: u32) {
        self.calls_between.insert((0, function));
    }

    /// A `return` of the function being read.
    pub fn returns(&mut self, value: Value<'a>) {
        let result = &mut self.functions[self.current as usize].result;
        result.taint |= value.whole_taint();
        if result.path.is_none() {
            result.path = value.path;
        }
        if matches!(result.constant, Constant::Unknown) {
            result.constant = value.constant;
        }
    }

    /// Gives a name a value. A name that means nothing to us is not remembered.
    pub fn bind(&mut self, name: &'a str, mut value: Value<'a>) {
        if name == "require" && value.is_unknown() {
            return; // Bundlers pass the real one as a parameter.
        }
        let known = self.scope.get(name);
        if value.is_unknown() && known.is_none() && !self.is_global(name) {
            return;
        }
        value.origin = Some(name.into());
        let before = self.scope.insert(name, value);
        if self.current != 0 {
            self.hidden.push((name, before));
        }
    }

    /// The value of a name.
    pub fn name(&self, name: &'a str) -> Value<'a> {
        if let Some(value) = self.scope.get(name) {
            return value.clone();
        }
        let mut value = if self.is_global(name) { Value::at_path(name) } else { Value::default() };
        value.origin = Some(name.into());
        value
    }

    fn is_global(&self, name: &str) -> bool {
        match self.language {
            Language::Python => matches!(
                name,
                "eval"
                    | "exec"
                    | "execfile"
                    | "compile"
                    | "open"
                    | "__import__"
                    | "getattr"
                    | "setattr"
                    | "vars"
                    | "globals"
                    | "locals"
                    | "__builtins__"
                    | "chr"
                    | "bytes"
                    | "bytearray"
                    | "map"
                    | "dict"
                    | "str"
            ),
            Language::JavaScript | Language::TypeScript => matches!(
                name,
                "eval"
                    | "Function"
                    | "require"
                    | "process"
                    | "globalThis"
                    | "window"
                    | "global"
                    | "self"
                    | "fetch"
                    | "XMLHttpRequest"
                    | "WebSocket"
                    | "EventSource"
                    | "navigator"
                    | "importScripts"
                    | "atob"
                    | "unescape"
                    | "Buffer"
                    | "String"
                    | "module"
                    | "setTimeout"
                    | "setInterval"
                    | "setImmediate"
                    | "queueMicrotask"
                    | "Deno"
                    | "Bun"
                    | "execScript"
                    | "Object"
                    | "Reflect"
                    | "Array"
                    | "constructor"
            ),
        }
    }

    /// Imports a module: the value of the module itself.
    pub fn import(&mut self, module: &str) -> Value<'a> {
        if module.starts_with('.') || module.starts_with('/') {
            if self.facts.local_imports.len() < MAX_IMPORTS {
                self.facts.local_imports.insert(module.chars().take(300).collect());
            }
            return Value::default();
        }
        let module = name::module(module);
        if self.facts.imports.len() < MAX_IMPORTS && module.len() <= 214 {
            self.facts.imports.insert(name::package_of(&module).to_owned());
        }
        Value::at_path(module)
    }

    /// A member by a constant name: `object.name` or `object["name"]`.
    pub fn member(&mut self, object: &Value<'a>, key: &str, place: Place) -> Value<'a> {
        if let Some(field) = object.field(key) {
            return field.clone();
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
        let taint = object.taint;
        Value { path: name::join(base, key), taint, origin: object.origin.clone(), ..Value::default() }
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
        Value { constant: Constant::Text(text), taint, ..Value::default() }
    }

    /// What the text names, remembered as a mention.
    pub(super) fn taint_of_text(&mut self, text: &str, place: Place) -> Taint {
        let mut taint = Taint::NONE;
        if let Some(pattern) = mention::find(text) {
            taint |= pattern.taint;
            self.mention(pattern.taint, pattern.what, place);
        }
        if has_raw_ip(text) {
            taint |= Taint::RAW_IP;
            self.mention(Taint::RAW_IP, "a public IP address in place of a host name", place);
        }
        taint
    }

    fn mention(&mut self, taint: Taint, what: &'static str, place: Place) {
        if self.facts.mentions.len() < MAX_FACTS {
            self.facts.mentions.push(Mention { taint, what, place });
        }
    }

    /// Texts put together: `a + b`, templates, f-strings.
    pub fn concat(&mut self, left: Value<'a>, right: Value<'a>, place: Place) -> Value<'a> {
        let constant = self.pay(|| fold::concat(&left.constant, &right.constant));
        let mut taint = left.whole_taint() | right.whole_taint();
        let path = left.path.filter(|path| path.ends_with("()"));
        // A literal was looked at where it stood; only what was newly put together can name something new.
        if let (Constant::Text(Text::Shared(text)), true) = (&constant, taint.is_empty()) {
            let text = text.clone();
            taint |= self.taint_of_text(&text, place);
        }
        Value { path, constant, taint, ..Value::default() }
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

    /// True while the budget pays for looking at `cost` bytes or copying as many; it is charged for them.
    pub(crate) fn afford(&mut self, cost: usize) -> bool {
        let paid = self.budget >= cost;
        self.budget = self.budget.saturating_sub(cost);
        paid
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

/// What any of the values is made of.
pub(super) fn union<'v, 'a: 'v>(values: impl Iterator<Item = &'v Value<'a>>) -> Taint {
    values.fold(Taint::NONE, |all, value| all | value.whole_taint())
}
