//! What one reading of a file learns of its functions, objects and outer variables, for the calls that come later and for
//! the second reading.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use hashbrown::{Equivalent, HashMap};

use super::again::MATTERS;
use super::api;
use super::bits::{Effects, Taint};
use super::builder::{Argument, Builder, MAX_FACTS};
use super::laid_out::Written;
use super::name::{file_name, names_file};
use super::names::Slot;
use super::personal;
use super::told::origin_of;
use super::value::{Text, Value};
use crate::language::Language;

/// Parameters of one function that are followed.
pub(super) const MAX_PARAMETERS: usize = 16;

/// Classes above a class in which a method is looked for.
const MAX_BASES: usize = 6;

/// Bytes of source for each function, about as many as bundles have.
const BYTES_OF_FUNCTION: usize = 256;

/// The name under which a class keeps what makes its instances; no method has it.
pub(super) const MADE_BY: &str = "()";

/// Paths that matter to whoever reads or writes them.
const PLACES: Taint = Taint::CREDENTIAL_PATH.with(Taint::PERSISTENCE_PATH);

/// A name as one bit of 64. Minifiers give every function the same one or two letters, which say nothing about another.
pub(super) fn bit(name: &str) -> u64 {
    match name.as_bytes() {
        [first, middle @ .., last] if !middle.is_empty() => {
            let hash =
                usize::from(*first) * 5 + usize::from(*last) * 3 + usize::from(middle[middle.len() / 2]) + middle.len();
            1 << (hash & 63)
        }
        _ => 0,
    }
}

/// What one caller gives, beside what others give: a name that stands before a domain of the code's own says something of
/// the machine only where one and the same caller tells it.
fn alone(taint: Taint) -> Taint {
    let plain = taint.concrete().without(Taint::FOLLOWED | Taint::JOINED).is_empty();
    if plain { taint.without(Taint::FOLLOWED) } else { taint }
}

/// What is known of a function of the file.
#[derive(Default)]
pub(super) struct Function<'a> {
    /// What it returns.
    pub result: Value<'a>,
    /// What callers give it, by position.
    pub parameters: Vec<Value<'a>>,
    /// What callers give it, by name.
    pub keywords: Vec<(Text<'a>, Value<'a>)>,
    /// Whether its body was read.
    pub read: bool,
    /// Whether somebody wanted to know what it returns before its body was read.
    pub asked: bool,
    /// The parameters that name a file which it writes what it fetched into.
    pub brings: Taint,
    /// The call that hands one of its parameters to a shell, whole, and which one.
    pub shell: Option<(Text<'a>, u32)>,
    /// Whether what it is given stays in a variable of the module or in an object, for other functions.
    pub keeps: bool,
    /// The function that it stands in.
    pub within: u32,
    /// Whether it was given something to call, or an object, after its body was read.
    pub handed: bool,
    /// Names that meant nothing when it asked for them, as bits.
    pub missed: u64,
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
    pub by_offset: HashMap<u32, u32>,
    pub classes: HashMap<u32, u32>,
    /// The function that a decorator of the file decorates, or no number of one where it decorates several.
    pub decorated: HashMap<u32, u32>,
    /// Classes without a constructor of their own whose instances are given their members by name.
    pub fields: HashSet<u32>,
    /// Functions that hear an event, by its name.
    pub listeners: HashMap<Box<str>, Vec<u32>>,
    /// Classes of the file that others are derived from.
    pub bases: HashMap<u32, u32>,
    /// Methods by class and name, and how many there are in all.
    pub methods: HashMap<u32, BTreeMap<Box<str>, u32>>,
    pub methods_kept: usize,
    /// Methods by class and name that stand further down, perhaps.
    pub coming: HashMap<(u32, &'a str), u32>,
    pub attributes: HashMap<(u32, Box<str>), Value<'a>>,
    /// Methods that are read like attributes.
    pub getters: HashMap<(u32, Box<str>), u32>,
    /// Those that are other names of executors and decoders, by class.
    pub executors: HashMap<u32, BTreeMap<Box<str>, Effects>>,
    /// What functions give to variables around them, by the place of the name.
    pub outer: HashMap<Slot, Value<'a>>,
    /// Files that were downloaded, by the variable or the file name, and what is known of where they came from.
    pub downloaded: HashMap<String, Taint>,
    /// Files that the code writes, by their names.
    pub written: BTreeMap<String, Written>,
    /// What the archives and repositories were made of that were laid out.
    pub unpacked: Taint,
    /// Folders that they were laid out in.
    pub unpacked_into: Vec<String>,
    /// Whether files were put into an archive that were found by looking through the user's folders.
    pub packed: bool,
    /// Functions that were put in the place of functions of other packages.
    pub standing_in: HashSet<u32>,
    /// Names of outer variables and members that came to mean something of an API, as bits.
    pub late: u64,
    /// Values kept so far.
    pub kept: usize,
    /// Whether a second reading would know more than the first.
    pub useful: bool,
    /// Whether a function that was read before is given something to call that matters.
    pub handed: bool,
    /// Whether the program gives the global object members of its own.
    pub has_globals: bool,
    /// Whether such a function is given the path of a store of credentials or of what starts programs by itself.
    pub placed: bool,
}

/// A member of a class, to look it up without a copy of its name; it hashes as `(u32, Box<str>)` does.
#[derive(Hash)]
pub(super) struct Member<'n>(pub u32, pub &'n str);

impl Equivalent<(u32, Box<str>)> for Member<'_> {
    fn equivalent(&self, key: &(u32, Box<str>)) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

impl<'a> Learned<'a> {
    /// Nothing but the function that the module itself is, with room for those that a source of so many bytes may hold:
    /// what is not used is never touched, and a table that grows is copied.
    pub fn of(bytes: usize) -> Self {
        let mut functions = Vec::with_capacity(1 + bytes / BYTES_OF_FUNCTION);
        functions.push(Function::default());
        Self { functions, ..Self::default() }
    }

    /// The method of a class of this file.
    pub fn method(&self, class: u32, name: &str) -> Option<u32> {
        let own = self.methods.get(&class).and_then(|methods| methods.get(name)).copied();
        if own.is_some() || self.bases.is_empty() {
            return own;
        }
        let mut class = class;
        for _ in 0..MAX_BASES {
            class = *self.bases.get(&class)?;
            if let Some(function) = self.methods.get(&class).and_then(|methods| methods.get(name)) {
                return Some(*function);
            }
        }
        None
    }

    /// The methods of all classes.
    pub fn all_methods(&self) -> impl Iterator<Item = u32> {
        self.methods.values().flat_map(|methods| methods.values().copied())
    }
}

impl<'a> Builder<'a> {
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

    /// A class that is derived from another of the file.
    pub fn derives(&mut self, class: u32, base: &Value<'a>) {
        if let Some(base) = base.class.filter(|base| *base != class) {
            self.learned.bases.insert(class, base);
        }
    }

    /// A method of a class.
    pub fn declare_method(&mut self, class: u32, name: &str, function: u32) {
        if self.learned.methods_kept >= MAX_FACTS {
            return;
        }
        let methods = self.learned.methods.entry(class).or_default();
        match methods.get_mut(name) {
            Some(known) => *known = function,
            None => {
                self.learned.methods_kept += 1;
                methods.insert(name.into(), function);
            }
        }
    }

    /// A method of a class that is read later. Until then it is known that who calls it runs it, and no more.
    pub fn expect_method(&mut self, class: u32, name: &'a str, function: u32) {
        if self.learned.coming.len() < MAX_FACTS {
            self.learned.coming.insert((class, name), function);
        }
    }

    /// Says that the function being read, or the module, runs a method that may be read later.
    pub(super) fn runs_coming(&mut self, class: u32, name: &str) {
        let coming: &HashMap<(u32, &str), u32> = &self.learned.coming;
        if let Some(function) = coming.get(&(class, name)).copied() {
            self.runs(function);
        }
    }

    /// A method that is read like an attribute: what it returns is what the attribute holds.
    pub fn property(&mut self, class: u32, name: &str, function: u32) {
        self.opens(&Value { function: Some(function), ..Value::default() });
        if self.learned.methods_kept < MAX_FACTS {
            self.learned.methods_kept += 1;
            let before = self.learned.getters.insert((class, name.into()), function);
            self.learned.useful |= before.is_none();
        }
        let Some(known) = self.learned.functions.get(function as usize) else { return };
        let value = known.result.clone();
        self.set_member(&Value { class: Some(class), ..Value::default() }, Some(name), &value);
    }

    /// What reading a member yields that a function makes.
    pub(super) fn read_by(&mut self, getter: u32) -> Value<'a> {
        self.runs(getter);
        let Some(function) = self.learned.functions.get_mut(getter as usize) else { return Value::default() };
        function.ask();
        function.result.clone()
    }

    /// `Note(data=text)`, of a class without a constructor of its own: its instances have these members.
    pub(super) fn fills(&mut self, class: &Value<'a>, arguments: &[Argument<'a>]) {
        let Some(id) = class.class.filter(|id| !self.has_constructor(*id)) else { return };
        let object = Value { class: Some(id), ..Value::default() };
        for argument in arguments.iter().take(MAX_PARAMETERS) {
            if let Some(name) = &argument.name {
                self.learned.fields.insert(id);
                self.set_member(&object, Some(name), &argument.value);
            }
        }
    }

    /// True for a class with a constructor of its own.
    pub(super) fn has_constructor(&self, class: u32) -> bool {
        let name = if self.language == Language::Python { "__init__" } else { "constructor" };
        self.learned.method(class, name).is_some()
    }

    /// What the language itself calls of an object that is used so: `await object` calls `then`, a template `toString`.
    pub fn calls_of_itself(&mut self, object: &Value<'a>, name: &str) {
        let of_class = || object.class.filter(|_| object.made).and_then(|class| self.learned.method(class, name));
        if let Some(function) = object.field(name).and_then(|field| field.function).or_else(of_class) {
            self.runs(function);
        }
    }

    /// True for an instance of a class of this file that has this method.
    pub fn has_method(&self, object: &Value<'a>, name: &str) -> bool {
        object.class.is_some_and(|class| self.learned.method(class, name).is_some())
    }

    /// A metaclass: its `__call__` is given the class and runs whenever an instance is made.
    pub fn made_by(&mut self, class: u32, metaclass: &Value<'a>) {
        let Some(calls) = metaclass.class.and_then(|of| self.learned.method(of, "__call__")) else { return };
        let value = Value { class: Some(class), ..Value::default() };
        self.give(calls, 0, &[Argument { name: None, value }]);
        self.declare_method(class, MADE_BY, calls);
    }

    /// Methods of these names run as soon as another class is made of this one: those of a metaclass, and hooks of bases.
    pub fn runs_methods(&mut self, class: &Value<'a>, names: &[&str]) {
        let Some(class) = class.class else { return };
        let methods: Vec<u32> = names.iter().filter_map(|name| self.learned.method(class, name)).collect();
        methods.into_iter().for_each(|function| self.runs(function));
    }

    /// `@decorator def function`: a decorator of this file runs where the function is defined. What it is given mostly runs
    /// later, whatever the decorator keeps it in.
    pub fn decorates(&mut self, decorator: &Value<'a>, function: u32) {
        let Some(index) = decorator.function else { return };
        self.runs(index);
        // One that decorates several is given any of them: who calls one of them does not call the others.
        let before = self.learned.decorated.get(&index).copied();
        match before {
            Some(only) if only == function => {}
            Some(_) => {
                self.learned.decorated.insert(index, u32::MAX);
                return;
            }
            None => {
                self.learned.decorated.insert(index, function);
                self.learned.useful = true;
                return;
            }
        }
        let given = Value { function: Some(function), ..Value::default() };
        self.give(index, 0, &[Argument { name: None, value: given }]);
        // Who calls the function then calls what the decorator made of it.
        let made = self.learned.functions.get(index as usize).and_then(|decorator| decorator.result.function);
        if let Some(made) = made.filter(|made| *made != function && self.calls_between.len() < MAX_FACTS) {
            self.calls_between.insert((function, made));
        }
    }

    /// Says that a value of which callers know more is told to somebody: another reading may know it.
    pub fn tells_later(&mut self, value: &Value<'a>) {
        self.learned.placed |= value.as_text().is_none();
    }

    /// What callers give a function as a parameter, as far as it is known.
    pub fn parameter(&self, function: u32, index: usize, name: &str) -> Value<'a> {
        let Some(known) = self.learned.functions.get(function as usize) else { return Value::default() };
        let mut value = known.parameters.get(index).cloned().unwrap_or_default();
        if let Some((_, given)) = known.keywords.iter().find(|(keyword, _)| &**keyword == name) {
            value.join(given.clone());
        }
        if self.learned.standing_in.contains(&function) {
            value.taint |= Taint::TAKEN;
        }
        // What a function of the module itself does with what it is given concerns the other files.
        if self.current == function && self.outermost {
            value.taint |= Taint::parameter(u32::try_from(index).unwrap_or(u32::MAX));
        }
        value
    }

    /// What callers give a function by name, as one record: `**options`.
    pub fn keywords(&mut self, function: u32, named: impl Fn(&str) -> bool) -> Option<Value<'a>> {
        let known = self.learned.functions.get(function as usize)?.keywords.iter();
        // What is handed on without a name may be anything, also what has a parameter of its own.
        let fields = known.filter(|(name, _)| &**name != "**" && !named(name)).cloned().collect::<Vec<_>>();
        (!fields.is_empty()).then(|| self.record(fields, Taint::NONE))
    }

    /// Remembers that the file of this name came over the network.
    pub(super) fn note_download(&mut self, name: &Text<'a>, from: Taint) {
        if from.any(Taint::REMOTE) {
            self.note_brought(name);
        }
        let key = self.download_key(name).into_owned();
        let files = &mut self.learned.downloaded;
        if files.len() < MAX_FACTS {
            let sure = if from.any(Taint::REMOTE) { Taint::DOWNLOADED } else { Taint::NONE };
            // A variable's name may be that of another function's file.
            let held = if names_file(name) { from.and(Taint::HELD) } else { Taint::NONE };
            let from = from
                .and(Taint::ADDRESS | Taint::DECODED | Taint::HIDDEN | Taint::NAMED_HOST | Taint::OWN | Taint::WATCHED)
                | from.without(from.concrete())
                | held
                | sure;
            let known = files.entry(key).or_default();
            self.learned.useful |= known.is_empty();
            *known |= from;
        }
    }

    /// What a function is given and leaves where other functions find it, as they see it: whatever any caller gives.
    pub(super) fn left_behind(&mut self, taint: Taint) -> Taint {
        if self.owner == 0 || !taint.is_given() {
            return taint;
        }
        if let Some(function) = self.learned.functions.get_mut(self.owner as usize) {
            function.keeps = true;
        }
        taint.as_built()
    }

    /// Remembers that the function being read writes what it fetches into a file that its callers name.
    fn note_brought(&mut self, name: &str) {
        let Some(named) = self.scope.get(name).map(|known| known.value.taint) else { return };
        let given = named.without(named.concrete()).without_symbols();
        if given.is_empty() || self.owner == 0 {
            return;
        }
        if let Some(function) = self.learned.functions.get_mut(self.owner as usize) {
            self.learned.useful |= function.brings.with(given) != function.brings;
            function.brings |= given;
        }
    }

    /// A call of a function that fetches into a file which it is told: `await fetchTo(url, file)`.
    pub(super) fn bring(&mut self, function: u32, arguments: &[Argument<'a>]) {
        let brings = self.learned.functions.get(function as usize).map_or(Taint::NONE, |known| known.brings);
        if brings.is_empty() {
            return;
        }
        let taint = arguments.iter().fold(Taint::REMOTE, |all, argument| all | argument.value.whole_taint());
        let host = if personal::names_host(arguments) { Taint::NAMED_HOST } else { Taint::NONE };
        for (index, argument) in arguments.iter().enumerate().take(MAX_PARAMETERS) {
            let named = brings.any(Taint::parameter(index as u32));
            if let Some(origin) = origin_of(&argument.value).filter(|_| named && argument.name.is_none()) {
                self.note_download(&origin, taint | host);
            }
        }
    }

    /// What is known of the file of this name: nothing, or that it came over the network and from where.
    pub(super) fn download(&self, name: &str) -> Taint {
        if self.has_no_downloads() {
            return Taint::NONE;
        }
        self.learned.downloaded.get(&*self.download_key(name)).copied().unwrap_or_default()
    }

    /// What a file is remembered by. Minifiers give every function the same one or two letters, which say nothing about
    /// another function.
    fn download_key<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let file = file_name(name);
        match self.language == Language::Python || file.len() > 2 {
            true => file.into(),
            false => format!("{file} {}", self.current).into(),
        }
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
                        let before = known.parameters[index].known();
                        let mut value = argument.value.clone();
                        value.taint = alone(value.taint);
                        known.parameters[index].join(value);
                        self.learned.kept += 1;
                        let more = known.read && known.parameters[index].known() != before;
                        known.handed |= more && argument.value.is_callable();
                        self.learned.useful |= more;
                        self.learned.placed |= known.read && argument.value.taint.any(PLACES);
                        let path = argument.value.path.as_deref().filter(|_| known.read && !self.learned.handed);
                        self.learned.handed |= path.is_some_and(|path| api::effects(path).any(MATTERS));
                    }
                    index += 1;
                }
                Some(name) if !argument.value.is_unknown() => {
                    let at = known.keywords.iter().position(|(keyword, _)| **keyword == **name);
                    let before = at.map(|at| known.keywords[at].1.known());
                    match at {
                        Some(at) => known.keywords[at].1.join(argument.value.clone()),
                        None if known.keywords.len() < MAX_PARAMETERS => {
                            known.keywords.push((*name, argument.value.clone()));
                        }
                        None => continue,
                    }
                    self.learned.kept += 1;
                    let at = at.unwrap_or(known.keywords.len() - 1);
                    let more = known.read && before != Some(known.keywords[at].1.known());
                    known.handed |= more && argument.value.is_callable();
                    self.learned.useful |= more;
                }
                _ => {}
            }
        }
    }

    /// A function that a helper makes hands this out, whatever it is given.
    pub fn hands_out(&mut self, function: u32, value: Value<'a>) {
        if let Some(known) = self.learned.functions.get_mut(function as usize) {
            known.read = true;
            known.result.join(value);
        }
    }

    /// A `return` of the function being read.
    pub fn returns(&mut self, mut value: Value<'a>) {
        self.opens(&value);
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
}
