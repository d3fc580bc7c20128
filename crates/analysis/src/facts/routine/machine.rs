//! Evaluates routines within a budget.

use std::rc::Rc;

use hashbrown::HashMap;
use oxc_allocator::Allocator;

use super::{Binary, Data, Function, Node, Statement};
use crate::facts::value::LIST_ITEMS;
use crate::facts::{Constant, Text, Value};

/// Bytes that all evaluations of one file may make: 48 MiB.
const MEMORY: usize = 48 << 20;
/// Calls and expressions inside each other.
const DEPTH: u32 = 300;
/// Stack that this depth needs; an unoptimised build needs more.
const STACK: usize = if cfg!(debug_assertions) { 8 << 20 } else { 2 << 20 };

/// Why an evaluation ended without a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// It does something that is not followed, or the budget is spent.
    Unknown,
    /// It throws, which a `try` may catch.
    Thrown,
}

pub(super) type Answer<T> = Result<T, Halt>;

/// A list, a record or a function; JavaScript lets each be the others too.
#[derive(Default)]
pub(super) struct Object {
    pub items: Vec<Data>,
    pub fields: HashMap<Rc<[u32]>, Data>,
    pub function: Option<(Rc<Function>, usize)>,
    pub record: bool,
}

/// The names of one call, and the scope around it.
pub(super) struct Scope {
    pub names: Vec<(Rc<str>, Data)>,
    pub parent: usize,
}

/// Where the routines of one file are evaluated, and what they leave behind.
pub(crate) struct Machine {
    pub(super) python: bool,
    pub(super) objects: Vec<Object>,
    pub(super) scopes: Vec<Scope>,
    globals: HashMap<Rc<str>, Data>,
    steps: u64,
    memory: usize,
    pub(super) depth: u32,
    /// Whether the evaluation turned numbers or an encoding into text.
    pub(super) decodes: bool,
    /// Letters and digits that it made of numbers so far.
    pub(super) letters: usize,
}

/// The scope of the file itself.
const GLOBAL: usize = usize::MAX;

impl Machine {
    /// A machine for one file, allowed this many steps in all.
    pub fn new(python: bool, steps: u64) -> Self {
        Self {
            python,
            objects: Vec::new(),
            scopes: Vec::new(),
            globals: HashMap::new(),
            steps,
            memory: MEMORY,
            depth: 0,
            decodes: false,
            letters: 0,
        }
    }

    /// True when nothing more will be evaluated.
    pub fn is_spent(&self) -> bool {
        self.steps == 0 || self.memory == 0
    }

    /// Whether the last evaluation turned numbers or an encoding into text, rather than only put texts together.
    pub fn has_decoded(&self) -> bool {
        self.decodes
    }

    /// Gives a name of the file a value.
    pub fn declare(&mut self, name: &str, value: Data) {
        self.globals.insert(name.into(), value);
    }

    /// A function of the file.
    pub fn function(&mut self, function: Rc<Function>) -> Data {
        self.instance(function, GLOBAL).unwrap_or_default()
    }

    /// A list of constants.
    pub fn list(&mut self, items: Vec<Data>) -> Data {
        self.new_list(items).unwrap_or_default()
    }

    /// The items of a list.
    pub fn items(&self, value: &Data) -> Option<&[Data]> {
        match value {
            Data::Object(id) => {
                self.objects.get(*id).filter(|o| !o.record && o.function.is_none()).map(|o| o.items.as_slice())
            }
            _ => None,
        }
    }

    /// Evaluates a call.
    pub fn call(&mut self, callee: &Data, arguments: Vec<Data>) -> Option<Data> {
        self.guarded(|machine| machine.invoke(callee, arguments))
    }

    /// Evaluates an operation.
    pub fn operate(&mut self, operator: Binary, left: &Data, right: &Data) -> Option<Data> {
        if self.is_spent() { None } else { self.binary(operator, left, right).ok() }
    }

    /// Evaluates a method.
    pub fn method(&mut self, object: &Data, name: &str, arguments: Vec<Data>) -> Option<Data> {
        self.guarded(|machine| machine.call_member(object, name, arguments))
    }

    /// Evaluates an expression in the scope of the file.
    pub fn evaluate(&mut self, node: &Node) -> Option<Data> {
        self.guarded(|machine| machine.eval(node, GLOBAL))
    }

    /// Runs statements in the scope of the file. True when all of them ended.
    pub fn run(&mut self, statements: &[Statement]) -> bool {
        self.guarded(|machine| machine.block(statements, GLOBAL)).is_some()
    }

    /// What a name of the file holds.
    pub fn global(&self, name: &str) -> Option<Data> {
        self.globals.get(name).cloned()
    }

    /// Whether the file gave this name a value.
    pub fn knows(&self, name: &str) -> bool {
        self.globals.contains_key(name)
    }

    /// A constant of facts as a value here; nothing where not all of it is known.
    pub fn adopt(&mut self, value: &Value<'_>) -> Option<Data> {
        match &value.constant {
            Constant::List(items) => {
                let items: Option<Vec<Data>> = items.iter().map(|item| self.adopt(item)).collect();
                Some(self.list(items?))
            }
            _ => Data::of(value, !self.python),
        }
    }

    /// What a value is to the facts: a dotted name or a constant.
    pub fn known<'a>(&mut self, arena: &'a Allocator, value: &Data) -> Option<Value<'a>> {
        if let Data::Path(path) = value {
            return self.affords(path.len()).then(|| Value::at_path(Text::made(arena, path)));
        }
        let constant = self.constant(arena, value);
        (!matches!(constant, Constant::Unknown)).then(|| Value { constant, ..Value::default() })
    }

    /// A value as a constant of facts; a text is paid for every time, since it stays in the arena.
    pub fn constant<'a>(&mut self, arena: &'a Allocator, value: &Data) -> Constant<'a> {
        let length = |value: &Data| if let Data::Text(text) = value { text.len() } else { 0 };
        let items = self.items(value).filter(|items| items.len() <= LIST_ITEMS);
        if !self.affords(items.map_or(length(value), |items| items.iter().map(length).sum())) {
            return Constant::Unknown;
        }
        let Some(items) = self.items(value).filter(|items| items.len() <= LIST_ITEMS) else {
            return value.constant(arena, !self.python);
        };
        let plain = |item: &Data| Value { constant: item.constant(arena, !self.python), ..Value::default() };
        Constant::List(items.iter().map(plain).collect())
    }

    fn guarded<T>(&mut self, evaluate: impl FnOnce(&mut Self) -> Answer<T>) -> Option<T> {
        if self.is_spent() {
            return None;
        }
        (self.depth, self.decodes, self.letters) = (0, false, 0);
        let answer = stacker::maybe_grow(STACK, STACK + (1 << 20), || evaluate(self));
        answer.ok()
    }

    /// Pays for work; every step costs something.
    pub(super) fn pay(&mut self, steps: usize) -> Answer<()> {
        self.steps = self.steps.saturating_sub(steps as u64 + 1);
        if self.steps == 0 { Err(Halt::Unknown) } else { Ok(()) }
    }

    fn affords(&mut self, bytes: usize) -> bool {
        self.memory = self.memory.saturating_sub(bytes);
        self.memory > 0
    }

    /// Pays for bytes that are made.
    pub(super) fn pay_memory(&mut self, bytes: usize) -> Answer<()> {
        if self.affords(bytes) { self.pay(bytes / 64) } else { Err(Halt::Unknown) }
    }

    pub(super) fn new_text(&mut self, text: Vec<u32>) -> Answer<Data> {
        self.pay_memory(text.len() * 4)?;
        Ok(Data::Text(Rc::new(text)))
    }

    pub(super) fn new_list(&mut self, items: Vec<Data>) -> Answer<Data> {
        self.pay_memory(size_of::<Object>() + items.len() * size_of::<Data>())?;
        self.objects.push(Object { items, ..Object::default() });
        Ok(Data::Object(self.objects.len() - 1))
    }

    pub(super) fn object(&self, id: usize) -> Answer<&Object> {
        self.objects.get(id).ok_or(Halt::Unknown)
    }

    pub(super) fn object_mut(&mut self, id: usize) -> Answer<&mut Object> {
        self.objects.get_mut(id).ok_or(Halt::Unknown)
    }

    pub(super) fn instance(&mut self, function: Rc<Function>, scope: usize) -> Answer<Data> {
        self.pay_memory(size_of::<Object>())?;
        self.objects.push(Object { function: Some((function, scope)), ..Object::default() });
        Ok(Data::Object(self.objects.len() - 1))
    }

    pub(super) fn lookup(&mut self, name: &Rc<str>, mut scope: usize) -> Answer<Data> {
        while scope != GLOBAL {
            let Scope { names, parent } = self.scopes.get(scope).ok_or(Halt::Unknown)?;
            if let Some((_, value)) = names.iter().rev().find(|(own, _)| own == name) {
                return Ok(value.clone());
            }
            scope = *parent;
        }
        if let Some(value) = self.globals.get(name) {
            return Ok(value.clone());
        }
        if &**name == "undefined" { Ok(Data::None) } else { Ok(Data::Path(name.clone())) }
    }

    pub(super) fn slot(&mut self, name: &Rc<str>, mut scope: usize) -> Answer<&mut Data> {
        while scope != GLOBAL {
            let Scope { names, parent } = self.scopes.get(scope).ok_or(Halt::Unknown)?;
            if let Some(at) = names.iter().rposition(|(own, _)| own == name) {
                return Ok(&mut self.scopes[scope].names[at].1);
            }
            scope = *parent;
        }
        if !self.globals.contains_key(name) {
            self.pay_memory(64)?;
        }
        Ok(self.globals.entry(name.clone()).or_default())
    }

    pub(super) fn deeper(&mut self) -> Answer<()> {
        self.depth += 1;
        if self.depth > DEPTH { Err(Halt::Unknown) } else { Ok(()) }
    }
}
