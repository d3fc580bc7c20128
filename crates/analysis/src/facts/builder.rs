//! Follows names and values through one file while a front end walks its tree, and collects the facts.
//!
//! In: names, members, calls, literals, assignments and functions, in the order of the source. Out: [`Facts`]. Memory is
//! bounded whatever the source: names by the source itself, facts and folded text by the limits below.

use std::collections::{BTreeSet, HashSet};

use hashbrown::HashMap;
use sigma_core::Confidence;

use super::bits::{Effects, Taint};
use super::value::{Constant, LIST_ITEMS, Text, Value};
use super::{Call, EnvironmentRead, Facts, Mention, Place, Subclass, api, fold, mention, name};
use crate::language::Language;

/// Facts of one kind that are kept of one file.
const MAX_FACTS: usize = 20_000;
/// Imports that are kept of one file.
const MAX_IMPORTS: usize = 2_000;
/// Bytes that folding may make for one file: 8 MiB.
const FOLD_BUDGET: usize = 8 << 20;
/// Arguments that are kept of one call.
const MAX_ARGUMENTS: usize = 16;

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
struct Function<'a> {
    /// What it returns.
    result: Value<'a>,
}

/// Collects the facts of one file.
pub(crate) struct Builder<'a> {
    language: Language,
    scope: HashMap<&'a str, Value<'a>>,
    /// What a function's own names hid, to be put back when it ends.
    hidden: Vec<(&'a str, Option<Value<'a>>)>,
    functions: Vec<Function<'a>>,
    /// Who calls whom.
    calls_between: HashSet<(u32, u32)>,
    current: u32,
    /// Files that were downloaded, by the variable or the literal that names them.
    downloaded: HashSet<String>,
    /// Whether a connection was made so far.
    connected: bool,
    /// Whether the file is started as a program.
    program: bool,
    budget: usize,
    facts: Facts<'a>,
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
    fn environment(&mut self, key: Option<&str>, place: Place) -> Value<'a> {
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
    fn taint_of_text(&mut self, text: &str, place: Place) -> Taint {
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

    /// Folds while the budget lasts. Every try costs something, also one that yields nothing.
    fn pay(&mut self, fold: impl FnOnce() -> Constant<'a>) -> Constant<'a> {
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

    /// `receiver.name(arguments)`.
    pub fn call_method(
        &mut self,
        receiver: Value<'a>,
        key: &str,
        arguments: Vec<Argument<'a>>,
        place: Place,
    ) -> Value<'a> {
        let plain: Vec<&Value<'a>> = arguments.iter().map(|argument| &argument.value).collect();
        let constant = match receiver.constant {
            Constant::Text(_) | Constant::List(_) => self.pay(|| fold::method(&receiver, key, &plain)),
            _ => Constant::Unknown,
        };
        if !matches!(constant, Constant::Unknown) {
            let mut taint = receiver.taint | union(plain.into_iter());
            if let (Constant::Text(text), "join" | "replace" | "replaceAll" | "concat") = (&constant, key) {
                let text = text.clone();
                taint |= self.taint_of_text(&text, place);
            }
            return Value { constant, taint, ..Value::default() };
        }
        if matches!(key, "then" | "catch" | "finally" | "forEach" | "map" | "on" | "once") {
            self.run_arguments(&arguments);
        }
        let javascript = self.language != Language::Python;
        if javascript && matches!(key, "call" | "apply" | "bind") && receiver.path.is_some() {
            let arguments = spread_apply(key, arguments);
            return match key {
                "bind" => receiver,
                _ => self.call(receiver, arguments, Taint::NONE, place),
            };
        }
        if key == "pipe" && self.connected {
            for argument in &arguments {
                if let Some(origin) = argument.value.origin.clone() {
                    self.downloaded.insert(origin.to_string());
                }
            }
        }
        let callee = self.member(&receiver, key, place);
        let taint = receiver.whole_taint();
        let writes = callee.path.as_deref().is_some_and(|path| api::effects(path).any(Effects::WRITE));
        let remote = union(arguments.iter().map(|argument| &argument.value)).any(Taint::REMOTE);
        if let Some(origin) = receiver.origin.as_ref().filter(|_| writes && remote) {
            self.downloaded.insert(origin.to_string());
        }
        let receiver_taint =
            if callee.path.is_some() && taint.any(Taint::ENV_ALL) { taint.without(Taint::ENV_ALL) } else { taint };
        let mut result = self.call(callee, arguments, receiver_taint, place);
        if result.origin.is_none() {
            result.origin = receiver.origin;
        }
        result
    }

    /// `callee(arguments)`; `receiver` is what the object it belongs to is made of.
    pub fn call(
        &mut self,
        callee: Value<'a>,
        mut arguments: Vec<Argument<'a>>,
        receiver: Taint,
        place: Place,
    ) -> Value<'a> {
        if let Some(function) = callee.function {
            self.runs(function);
        }
        let argument_taint = union(arguments.iter().map(|argument| &argument.value));
        let Some(path) = callee.path.clone() else {
            let mut result = Value::tainted(argument_taint | receiver | callee.taint);
            if let Some(function) = callee.function.and_then(|index| self.functions.get(index as usize)) {
                result.taint |= function.result.taint;
                result.path = function.result.path.clone();
                result.constant = function.result.constant.clone();
            }
            return result;
        };
        if let Some(value) = self.call_builtin(&path, &arguments, argument_taint, place) {
            return value;
        }
        let effects = api::effects(&path);
        if effects.any(Effects::RUNS | Effects::NET | Effects::LISTEN | Effects::SPAWN) {
            self.run_arguments(&arguments);
        }
        let mut taint = self.taint_of_result(&path, effects, &arguments, argument_taint, receiver, place);
        if effects.any(Effects::NET) {
            self.connected = true;
        }
        let called_taint = argument_taint | receiver | self.downloaded_among(&arguments);
        let origin = match effects.any(Effects::OPEN | Effects::WRITE) {
            true => arguments.first().and_then(|argument| origin_of(&argument.value)),
            false => None,
        };
        if effects.any(Effects::DOWNLOAD) || (effects.any(Effects::WRITE) && argument_taint.any(Taint::REMOTE)) {
            for argument in &arguments {
                if let Some(origin) = origin_of(&argument.value) {
                    self.downloaded.insert(origin.to_string());
                }
            }
        }
        let constant = match effects.any(Effects::DECODE) {
            true => self.decoded(&path, &arguments),
            false => Constant::Unknown,
        };
        if matches!(&*path, "socket.socket" | "net.Socket") {
            taint |= Taint::SOCKET;
        }
        if !effects.is_empty() && self.facts.calls.len() < MAX_FACTS {
            arguments.truncate(MAX_ARGUMENTS);
            let path = path.clone();
            self.facts.calls.push(Call { path, effects, arguments, taint: called_taint, place });
        }
        let path = name::join_call(&path);
        Value { path, constant, taint, origin, ..Value::default() }
    }

    /// Built-in functions that are followed rather than reported.
    fn call_builtin(
        &mut self,
        path: &str,
        arguments: &[Argument<'a>],
        taint: Taint,
        place: Place,
    ) -> Option<Value<'a>> {
        let value = |index: usize| arguments.get(index).map(|argument| &argument.value);
        let text = |index: usize| value(index).and_then(Value::as_text);
        let plain: Vec<&Value<'a>> = arguments.iter().map(|argument| &argument.value).collect();
        let result = match path {
            "require" | "__import__" | "importlib.import_module" | "importlib.__import__" | "import" => {
                let module = text(0).filter(|module| module.len() <= 500)?.to_owned();
                let value = self.import(&module);
                // `import a.b` in Python yields `a`, import_module yields `a.b`.
                let top = path == "__import__" && !module.starts_with('.');
                if top { Value::at_path(name::package_of(&module).to_owned()) } else { value }
            }
            "getattr" | "Reflect.get" => {
                let (object, key) = (value(0)?.clone(), value(1)?.clone());
                self.index(&object, &key, place)
            }
            "vars" | "util.promisify" | "functools.partial" | "str" | "String" | "shlex.quote" | "os.fspath"
            | "os.path.expanduser" | "os.path.expandvars" | "os.path.abspath" | "os.path.normpath"
            | "path.normalize" | "Object.freeze" => value(0)?.clone(),
            "dict" | "Object.assign" | "JSON.stringify" | "json.dumps" | "Object.entries" | "Object.fromEntries"
            | "Object.values" => Value::tainted(taint),
            "Object.keys" => Value::default(),
            "chr" | "String.fromCharCode" | "String.fromCodePoint" => {
                let constant = self.pay(|| fold::characters(&plain));
                Value { constant, taint: taint | Taint::DECODED, ..Value::default() }
            }
            "bytes" | "bytearray" | "Buffer.from" if value(0).is_some_and(|list| !list.items().is_empty()) => {
                let items: Vec<&Value<'a>> = value(0)?.items().iter().collect();
                let constant = self.pay(|| fold::characters(&items));
                Value { constant, taint: taint | Taint::DECODED, ..Value::default() }
            }
            "Buffer.from" | "Buffer" => match text(1) {
                Some(encoding @ ("base64" | "hex" | "base64url")) => {
                    let text = text(0).unwrap_or_default().to_owned();
                    let constant = self.pay(|| fold::decode(encoding, &text));
                    Value { constant, taint: taint | Taint::DECODED, ..Value::default() }
                }
                _ => value(0)?.clone(),
            },
            "os.path.join" | "path.join" | "path.resolve" | "pathlib.Path" | "path.posix.join" => {
                return Some(self.joined_path(path, &plain, taint, place));
            }
            _ => return None,
        };
        Some(result)
    }

    /// A path put together; parts that are not known stand as `?`, so that the rest is still recognised.
    fn joined_path(&mut self, path: &str, parts: &[&Value<'a>], taint: Taint, place: Place) -> Value<'a> {
        if self.budget < fold::MAX_TEXT {
            return Value::tainted(taint);
        }
        let known: Vec<&str> = parts.iter().take(32).map(|part| part.as_text().unwrap_or("?")).collect();
        let all = parts.iter().all(|part| part.as_text().is_some());
        let text = known.join("/");
        self.budget = self.budget.saturating_sub(text.len());
        let found =
            if taint.is_empty() && text.len() <= fold::MAX_TEXT { self.taint_of_text(&text, place) } else { taint };
        let constant = match all && text.len() <= fold::MAX_TEXT {
            true => self.pay(|| Constant::Text(text.into())),
            false => Constant::Unknown,
        };
        let path = (path == "pathlib.Path").then(|| Text::from("pathlib.Path()"));
        Value { path, constant, taint: taint | found, ..Value::default() }
    }

    fn decoded(&mut self, path: &str, arguments: &[Argument<'a>]) -> Constant<'a> {
        let Some(text) = arguments.first().and_then(|argument| argument.value.as_text()) else {
            return Constant::Unknown;
        };
        let decoder = match path {
            "codecs.decode" => arguments.get(1).and_then(|argument| argument.value.as_text()).unwrap_or_default(),
            _ => path.rsplit('.').next().unwrap_or_default(),
        };
        let (decoder, text) = (decoder.to_owned(), text.to_owned());
        self.pay(|| fold::decode(&decoder, &text))
    }

    fn taint_of_result(
        &mut self,
        path: &str,
        effects: Effects,
        arguments: &[Argument<'a>],
        taint: Taint,
        receiver: Taint,
        place: Place,
    ) -> Taint {
        if effects.any(Effects::ENV) {
            let key = arguments.first().and_then(|argument| argument.value.as_text()).map(str::to_owned);
            return self.environment(key.as_deref(), place).taint;
        }
        let from = taint | receiver;
        let mut result = Taint::NONE;
        if effects.any(Effects::READ | Effects::OPEN) && from.any(Taint::CREDENTIAL_PATH) {
            result |= Taint::CREDENTIAL;
        }
        for (effect, mark) in [
            (Effects::NET, Taint::REMOTE),
            (Effects::ENV_ALL, Taint::ENV_ALL),
            (Effects::CREDENTIAL, Taint::CREDENTIAL),
            (Effects::HOST_INFO, Taint::HOST_INFO),
            (Effects::READ, Taint::FILE),
            (Effects::OPEN, Taint::FILE),
        ] {
            if effects.any(effect) {
                result |= mark;
            }
        }
        if effects.any(Effects::DECODE) {
            result |= from | Taint::DECODED;
        }
        if effects.any(Effects::OPEN) {
            result |= from;
        }
        let silent = Effects::NET | Effects::SPAWN | Effects::READ | Effects::WRITE | Effects::DELETE;
        match effects.any(silent) || !result.is_empty() {
            true if path.starts_with("socket.") => result | Taint::SOCKET,
            true => result,
            false => from,
        }
    }

    /// The downloaded mark, when an argument names a file that was downloaded earlier.
    fn downloaded_among(&self, arguments: &[Argument<'a>]) -> Taint {
        if self.downloaded.is_empty() {
            return Taint::NONE;
        }
        let names = |value: &Value<'a>| origin_of(value).is_some_and(|origin| self.downloaded.contains(&*origin));
        let hit = arguments.iter().any(|argument| names(&argument.value) || argument.value.items().iter().any(names));
        if hit { Taint::DOWNLOADED } else { Taint::NONE }
    }

    fn run_arguments(&mut self, arguments: &[Argument<'a>]) {
        for argument in arguments {
            if let Some(function) = argument.value.function {
                self.runs(function);
            }
        }
    }
}

/// The name by which a file that is written is recognised when it is run.
fn origin_of<'a>(value: &Value<'a>) -> Option<Text<'a>> {
    match &value.constant {
        Constant::Text(text) if text.len() <= 200 => Some(text.clone()),
        _ => value.origin.clone(),
    }
}

/// `f.apply(this, [a, b])` and `f.call(this, a, b)` as the arguments of `f`.
fn spread_apply<'a>(key: &str, arguments: Vec<Argument<'a>>) -> Vec<Argument<'a>> {
    let mut rest = arguments.into_iter().skip(1);
    match key {
        "apply" => {
            let list = rest.next().map(|argument| argument.value).unwrap_or_default();
            let items = list.items().iter().cloned();
            let items: Vec<_> = items.map(|value| Argument { name: None, value }).collect();
            if items.is_empty() { vec![Argument { name: None, value: list }] } else { items }
        }
        _ => rest.collect(),
    }
}

fn union<'v, 'a: 'v>(values: impl Iterator<Item = &'v Value<'a>>) -> Taint {
    values.fold(Taint::NONE, |all, value| all | value.whole_taint())
}

/// True for a URL whose host is a public IPv4 address.
fn has_raw_ip(text: &str) -> bool {
    let Some(rest) = ["http://", "https://", "ws://", "tcp://", "ftp://"].iter().find_map(|s| text.strip_prefix(s))
    else {
        return false;
    };
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    is_public_ip(host)
}

/// True for a public IPv4 address. Addresses that documentation uses are not public.
pub(crate) fn is_public_ip(host: &str) -> bool {
    let Ok(address) = host.parse::<std::net::Ipv4Addr>() else {
        return false;
    };
    let [a, b, c, d] = address.octets();
    // Resolvers that everybody knows, and numbers that look like versions.
    let known =
        matches!((a, b, c, d), (8, 8, 8 | 4, 8 | 4) | (1, 1, 1, 1) | (1, 0, 0, 1) | (9, 9, 9, 9) | (1, 2, 3, 4));
    let shared = a == 100 && (64..128).contains(&b);
    !(address.is_private() || address.is_loopback() || address.is_link_local() || address.is_documentation())
        && !(a == 0 || a >= 224 || shared || known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_addresses_are_public_ones() {
        assert!(has_raw_ip("http://45.61.136.200:8080/x"));
        for quiet in ["http://127.0.0.1/", "http://10.0.0.1", "http://192.0.2.1", "https://1.1.1.1", "45.61.136.200"] {
            assert!(!has_raw_ip(quiet), "{quiet}");
        }
    }
}
