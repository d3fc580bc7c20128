//! Evaluates routines within a budget.

use std::rc::Rc;

use hashbrown::HashMap;

use super::value::{characters, string};
use super::{Binary, Data, Function, Node, Statement, Unary};
use crate::facts::value::LIST_ITEMS;
use crate::facts::{Constant, Value};

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

/// How a statement ended.
enum Flow {
    On,
    Break,
    Continue,
    Return(Data),
}

/// A list, a record or a function; JavaScript lets each be the others too.
#[derive(Default)]
pub(super) struct Object {
    pub items: Vec<Data>,
    pub fields: HashMap<Rc<[u32]>, Data>,
    pub function: Option<(Rc<Function>, usize)>,
    pub record: bool,
}

struct Scope {
    names: Vec<(Rc<str>, Data)>,
    parent: usize,
}

/// Where the routines of one file are evaluated, and what they leave behind.
pub(crate) struct Machine {
    pub(super) python: bool,
    pub(super) objects: Vec<Object>,
    scopes: Vec<Scope>,
    globals: HashMap<Rc<str>, Data>,
    steps: u64,
    memory: usize,
    depth: u32,
    /// Whether the evaluation turned numbers or an encoding into text.
    pub(super) decodes: bool,
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

    /// A value as a constant of facts.
    pub fn constant<'a>(&self, value: &Data) -> Constant<'a> {
        let Some(items) = self.items(value).filter(|items| items.len() <= LIST_ITEMS) else {
            return value.constant(!self.python);
        };
        let plain = |item: &Data| Value { constant: item.constant(!self.python), ..Value::default() };
        Constant::List(items.iter().map(plain).collect())
    }

    fn guarded<T>(&mut self, evaluate: impl FnOnce(&mut Self) -> Answer<T>) -> Option<T> {
        if self.is_spent() {
            return None;
        }
        (self.depth, self.decodes) = (0, false);
        let answer = stacker::maybe_grow(STACK, STACK + (1 << 20), || evaluate(self));
        answer.ok()
    }

    /// Pays for work; every step costs something.
    pub(super) fn pay(&mut self, steps: usize) -> Answer<()> {
        self.steps = self.steps.saturating_sub(steps as u64 + 1);
        if self.steps == 0 { Err(Halt::Unknown) } else { Ok(()) }
    }

    /// Pays for bytes that are made.
    pub(super) fn pay_memory(&mut self, bytes: usize) -> Answer<()> {
        self.memory = self.memory.saturating_sub(bytes);
        if self.memory == 0 { Err(Halt::Unknown) } else { self.pay(bytes / 64) }
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

    fn instance(&mut self, function: Rc<Function>, scope: usize) -> Answer<Data> {
        self.pay_memory(size_of::<Object>())?;
        self.objects.push(Object { function: Some((function, scope)), ..Object::default() });
        Ok(Data::Object(self.objects.len() - 1))
    }

    pub(super) fn object(&self, id: usize) -> Answer<&Object> {
        self.objects.get(id).ok_or(Halt::Unknown)
    }

    pub(super) fn object_mut(&mut self, id: usize) -> Answer<&mut Object> {
        self.objects.get_mut(id).ok_or(Halt::Unknown)
    }

    fn lookup(&mut self, name: &Rc<str>, mut scope: usize) -> Answer<Data> {
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

    fn slot(&mut self, name: &Rc<str>, mut scope: usize) -> Answer<&mut Data> {
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

    fn deeper(&mut self) -> Answer<()> {
        self.depth += 1;
        if self.depth > DEPTH { Err(Halt::Unknown) } else { Ok(()) }
    }

    /// Calls a function or something outside.
    pub(super) fn invoke(&mut self, callee: &Data, arguments: Vec<Data>) -> Answer<Data> {
        let id = match callee {
            Data::Object(id) => *id,
            Data::Path(path) => return self.outside(&path.clone(), arguments),
            _ => return Err(Halt::Thrown),
        };
        let Some((function, parent)) = self.object(id)?.function.clone() else { return Err(Halt::Thrown) };
        self.deeper()?;
        self.pay_memory(size_of::<Scope>() + (function.parameters.len() + function.locals.len()) * 32)?;
        let mut names: Vec<(Rc<str>, Data)> = function.locals.iter().map(|name| (name.clone(), Data::None)).collect();
        if !self.python {
            if let Some(name) = &function.name {
                names.insert(0, (name.clone(), callee.clone()));
            }
            let list = self.new_list(arguments.clone())?;
            names.push(("arguments".into(), list));
        }
        self.scopes.push(Scope { names, parent });
        let scope = self.scopes.len() - 1;
        let mut given = arguments.into_iter();
        for (name, default) in &function.parameters {
            let value = match (given.next(), default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.eval(default, scope)?,
                (None, None) => Data::None,
            };
            self.scopes[scope].names.push((name.clone(), value));
        }
        for (name, inner) in &function.functions {
            let value = self.instance(inner.clone(), scope)?;
            self.scopes[scope].names.push((name.clone(), value));
        }
        let flow = self.block(&function.body, scope)?;
        self.depth -= 1;
        Ok(if let Flow::Return(value) = flow { value } else { Data::None })
    }

    fn block(&mut self, statements: &[Statement], scope: usize) -> Answer<Flow> {
        for statement in statements {
            match self.statement(statement, scope)? {
                Flow::On => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::On)
    }

    /// A statement, or the body of a loop, one level deeper.
    fn inner(&mut self, statements: &[Statement], scope: usize) -> Answer<Flow> {
        self.deeper()?;
        let flow = self.block(statements, scope);
        self.depth -= u32::from(flow.is_ok());
        flow
    }

    fn statement(&mut self, statement: &Statement, scope: usize) -> Answer<Flow> {
        self.pay(1)?;
        match statement {
            Statement::Node(node) => {
                self.eval(node, scope)?;
            }
            Statement::If(test, then, other) => {
                let branch = if self.truth_of(test, scope)? { then } else { other };
                return self.inner(branch, scope);
            }
            Statement::While(test, body, first) => {
                while !*first || self.truth_of(test, scope)? {
                    match self.inner(body, scope)? {
                        Flow::Break => break,
                        flow @ Flow::Return(_) => return Ok(flow),
                        _ => self.pay(1)?,
                    }
                    if !*first && !self.truth_of(test, scope)? {
                        break;
                    }
                }
            }
            Statement::For(test, step, body) => loop {
                let goes_on = match test {
                    Some(test) => self.truth_of(test, scope)?,
                    None => true,
                };
                if !goes_on {
                    break;
                }
                match self.inner(body, scope)? {
                    Flow::Break => break,
                    flow @ Flow::Return(_) => return Ok(flow),
                    _ => self.pay(1)?,
                }
                if let Some(step) = step {
                    self.eval(step, scope)?;
                }
            },
            Statement::Each(place, source, body) => {
                let source = self.eval(source, scope)?;
                for item in self.each(&source)? {
                    self.pay(1)?;
                    self.assign(place, item, scope)?;
                    match self.inner(body, scope)? {
                        Flow::Break => break,
                        flow @ Flow::Return(_) => return Ok(flow),
                        _ => {}
                    }
                }
            }
            Statement::Return(value) => {
                let value = value.as_ref().map(|value| self.eval(value, scope)).transpose()?;
                return Ok(Flow::Return(value.unwrap_or_default()));
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Throw => return Err(Halt::Thrown),
            Statement::Try(body, handler) => {
                let depth = self.depth;
                match self.inner(body, scope) {
                    Err(Halt::Thrown) => {
                        self.depth = depth;
                        return self.inner(handler, scope);
                    }
                    other => return other,
                }
            }
            Statement::Switch(value, cases) => return self.switch(value, cases, scope),
        }
        Ok(Flow::On)
    }

    fn switch(&mut self, value: &Node, cases: &[(Option<Node>, Vec<Statement>)], scope: usize) -> Answer<Flow> {
        let value = self.eval(value, scope)?;
        let mut start = None;
        for (index, (test, _)) in cases.iter().enumerate() {
            if let Some(test) = test {
                let test = self.eval(test, scope)?;
                if self.equal(&value, &test) {
                    start = Some(index);
                    break;
                }
            }
        }
        let start = start.or_else(|| cases.iter().position(|(test, _)| test.is_none()));
        for (_, body) in cases.iter().skip(start.unwrap_or(cases.len())) {
            match self.inner(body, scope)? {
                Flow::On => {}
                Flow::Break => break,
                other => return Ok(other),
            }
        }
        Ok(Flow::On)
    }

    fn truth_of(&mut self, node: &Node, scope: usize) -> Answer<bool> {
        let value = self.eval(node, scope)?;
        Ok(self.truth(&value))
    }

    pub(super) fn truth(&self, value: &Data) -> bool {
        match value {
            Data::None => false,
            Data::Bool(truth) => *truth,
            Data::Number(number) => *number != 0.0 && !number.is_nan(),
            Data::Text(text) => !text.is_empty(),
            Data::Object(id) => {
                !self.python || self.objects.get(*id).is_some_and(|o| !o.items.is_empty() || !o.fields.is_empty())
            }
            Data::Path(_) => true,
        }
    }

    /// The items that a loop over a value sees.
    pub(super) fn each(&mut self, value: &Data) -> Answer<Vec<Data>> {
        let items = match value {
            Data::Text(text) => {
                let one = |character: &u32| Data::Text(Rc::new(vec![*character]));
                text.iter().map(one).collect()
            }
            Data::Object(id) => {
                let object = self.object(*id)?;
                if object.record {
                    return Err(Halt::Unknown);
                }
                object.items.clone()
            }
            _ => return Err(Halt::Thrown),
        };
        self.pay_memory(items.len() * 40)?;
        Ok(items)
    }

    fn eval(&mut self, node: &Node, scope: usize) -> Answer<Data> {
        self.deeper()?;
        self.pay(0)?;
        let value = self.node(node, scope)?;
        self.depth -= 1;
        Ok(value)
    }

    fn evals(&mut self, nodes: &[Node], scope: usize) -> Answer<Vec<Data>> {
        nodes.iter().map(|node| self.eval(node, scope)).collect()
    }

    fn node(&mut self, node: &Node, scope: usize) -> Answer<Data> {
        Ok(match node {
            Node::Data(data) => data.clone(),
            Node::Name(name) => self.lookup(name, scope)?,
            Node::List(items) => {
                let items = self.evals(items, scope)?;
                self.new_list(items)?
            }
            Node::Record(fields) => {
                let record = self.new_list(Vec::new())?;
                let Data::Object(id) = record else { return Err(Halt::Unknown) };
                self.object_mut(id)?.record = true;
                for (key, value) in fields {
                    let (key, value) = (self.eval(key, scope)?, self.eval(value, scope)?);
                    self.set_member(&record, &key, value)?;
                }
                record
            }
            Node::Unary(operator, value) => {
                let value = self.eval(value, scope)?;
                self.unary(*operator, &value)?
            }
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.eval(left, scope)?, self.eval(right, scope)?);
                self.binary(*operator, &left, &right)?
            }
            Node::And(left, right) => {
                let left = self.eval(left, scope)?;
                if self.truth(&left) { self.eval(right, scope)? } else { left }
            }
            Node::Or(left, right) => {
                let left = self.eval(left, scope)?;
                if self.truth(&left) { left } else { self.eval(right, scope)? }
            }
            Node::Conditional(parts) => {
                let [test, then, other] = &**parts;
                if self.truth_of(test, scope)? { self.eval(then, scope)? } else { self.eval(other, scope)? }
            }
            Node::Member(object, key) => {
                let (object, key) = (self.eval(object, scope)?, self.eval(key, scope)?);
                self.member(&object, &key)?
            }
            Node::Slice(parts) => {
                let [object, bounds @ ..] = &**parts;
                let object = object.as_ref().map(|object| self.eval(object, scope)).transpose()?.unwrap_or_default();
                let mut numbers = [None; 3];
                for (number, bound) in numbers.iter_mut().zip(bounds) {
                    if let Some(bound) = bound {
                        let bound = self.eval(bound, scope)?;
                        *number = if matches!(bound, Data::None) { None } else { Some(self.number(&bound)? as i64) };
                    }
                }
                self.slice(&object, numbers)?
            }
            Node::Call(callee, arguments) => return self.call_node(callee, arguments, scope),
            Node::Function(function) => self.instance(function.clone(), scope)?,
            Node::Assign(place, operator, value) => return self.assign_node(place, *operator, value, scope),
            Node::Step(place, by, old) => {
                let before = self.eval(place, scope)?;
                let before = Data::Number(self.number(&before)?);
                let after = self.binary(Binary::Add, &before, &Data::Number(*by))?;
                self.assign(place, after.clone(), scope)?;
                if *old { before } else { after }
            }
            Node::Sequence(nodes) => {
                let mut last = Data::None;
                for node in nodes {
                    last = self.eval(node, scope)?;
                }
                last
            }
            Node::Texts(nodes) => {
                let mut text = Vec::new();
                for node in nodes {
                    let part = self.eval(node, scope)?;
                    text.extend_from_slice(&self.text(&part)?);
                }
                self.new_text(text)?
            }
            Node::Each(element, place, source, tests) => {
                let source = self.eval(source, scope)?;
                let mut items = Vec::new();
                for item in self.each(&source)? {
                    self.pay(1)?;
                    self.assign(place, item, scope)?;
                    let mut kept = true;
                    for test in tests {
                        kept = kept && self.truth_of(test, scope)?;
                    }
                    if kept {
                        items.push(self.eval(element, scope)?);
                    }
                }
                self.new_list(items)?
            }
        })
    }

    fn call_node(&mut self, callee: &Node, arguments: &[Node], scope: usize) -> Answer<Data> {
        if let Node::Member(object, key) = callee {
            let (object, key) = (self.eval(object, scope)?, self.eval(key, scope)?);
            let arguments = self.evals(arguments, scope)?;
            let name = match &key {
                Data::Text(text) => string(text, !self.python),
                _ => {
                    let callee = self.member(&object, &key)?;
                    self.depth -= 1;
                    return self.invoke(&callee, arguments).inspect(|_| self.depth += 1);
                }
            };
            let value = self.call_member(&object, &name, arguments)?;
            self.depth = self.depth.saturating_sub(0);
            return Ok(value);
        }
        let callee = self.eval(callee, scope)?;
        let arguments = self.evals(arguments, scope)?;
        self.invoke(&callee, arguments)
    }

    fn assign_node(&mut self, place: &Node, operator: Option<Binary>, value: &Node, scope: usize) -> Answer<Data> {
        let right = self.eval(value, scope)?;
        let Some(operator) = operator else {
            self.assign(place, right.clone(), scope)?;
            return Ok(right);
        };
        // A text that grows in a loop is extended in place, or the loop would be quadratic.
        if let (Node::Name(name), Binary::Add, Data::Text(more)) = (place, operator, &right) {
            self.pay_memory(more.len() * 4)?;
            let slot = self.slot(name, scope)?;
            if let Data::Text(text) = slot
                && let Some(text) = Rc::get_mut(text)
            {
                text.extend_from_slice(more);
                return Ok(Data::None);
            }
        }
        let left = self.eval(place, scope)?;
        let value = self.binary(operator, &left, &right)?;
        self.assign(place, value.clone(), scope)?;
        Ok(value)
    }

    fn assign(&mut self, place: &Node, value: Data, scope: usize) -> Answer<()> {
        match place {
            Node::Name(name) => *self.slot(name, scope)? = value,
            Node::Member(object, key) => {
                let (object, key) = (self.eval(object, scope)?, self.eval(key, scope)?);
                self.set_member(&object, &key, value)?;
            }
            Node::List(places) => {
                let items = self.each(&value)?;
                for (place, item) in places.iter().zip(items) {
                    self.assign(place, item, scope)?;
                }
            }
            _ => return Err(Halt::Unknown),
        }
        Ok(())
    }

    fn unary(&mut self, operator: Unary, value: &Data) -> Answer<Data> {
        Ok(match operator {
            Unary::Minus => Data::Number(-self.number(value)?),
            Unary::Plus => Data::Number(self.number(value)?),
            Unary::Not => Data::Bool(!self.truth(value)),
            Unary::Invert if self.python => Data::Number(!(self.number(value)? as i64) as f64),
            Unary::Invert => Data::Number(f64::from(!to_i32(self.number(value)?))),
            Unary::Void => Data::None,
            Unary::TypeOf => {
                let name = match value {
                    Data::None => "undefined",
                    Data::Bool(_) => "boolean",
                    Data::Number(_) => "number",
                    Data::Text(_) => "string",
                    Data::Object(id) if self.object(*id)?.function.is_some() => "function",
                    Data::Object(_) => "object",
                    Data::Path(_) => return Err(Halt::Unknown),
                };
                Data::Text(characters(name))
            }
        })
    }

    pub(super) fn binary(&mut self, operator: Binary, left: &Data, right: &Data) -> Answer<Data> {
        let texts = matches!(left, Data::Text(_)) && matches!(right, Data::Text(_));
        match operator {
            Binary::Equal => return Ok(Data::Bool(self.equal(left, right))),
            Binary::NotEqual => return Ok(Data::Bool(!self.equal(left, right))),
            Binary::In | Binary::NotIn => {
                let found = self.contains(right, left)?;
                return Ok(Data::Bool(found == (operator == Binary::In)));
            }
            Binary::Add => {
                let any_text = matches!(left, Data::Text(_)) || matches!(right, Data::Text(_));
                let objects = matches!(left, Data::Object(_)) && matches!(right, Data::Object(_));
                if texts || (any_text && !self.python) {
                    let mut text = self.text(left)?.to_vec();
                    text.extend_from_slice(&self.text(right)?);
                    return self.new_text(text);
                }
                if objects && self.python {
                    let mut items = self.each(left)?;
                    items.extend(self.each(right)?);
                    return self.new_list(items);
                }
            }
            Binary::Multiply if self.python => {
                let (text, times) = if matches!(left, Data::Text(_)) { (left, right) } else { (right, left) };
                if let (Data::Text(text), Data::Number(times)) = (text, times) {
                    let times = times.max(0.0) as usize;
                    self.pay_memory(text.len().saturating_mul(times).saturating_mul(4))?;
                    return self.new_text(text.repeat(times));
                }
                if let (Data::Object(_), Data::Number(times)) = (left, right) {
                    let items = self.each(left)?;
                    let times = times.max(0.0) as usize;
                    self.pay_memory(items.len().saturating_mul(times).saturating_mul(24))?;
                    return self.new_list((0..times).flat_map(|_| items.iter().cloned()).collect());
                }
            }
            Binary::Remainder if self.python && matches!(left, Data::Text(text) if text.contains(&u32::from('%'))) => {
                return self.percent(left, right);
            }
            Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual if texts => {
                let (left, right) = (self.text(left)?, self.text(right)?);
                return Ok(Data::Bool(match operator {
                    Binary::Less => left < right,
                    Binary::LessOrEqual => left <= right,
                    Binary::Greater => left > right,
                    _ => left >= right,
                }));
            }
            _ => {}
        }
        let (a, b) = (self.number(left)?, self.number(right)?);
        self.arithmetic(operator, a, b)
    }

    fn arithmetic(&self, operator: Binary, a: f64, b: f64) -> Answer<Data> {
        let whole = |of: fn(i64, i64) -> i64| of(a as i64, b as i64) as f64;
        let words = |of: fn(i32, i32) -> i32| f64::from(of(to_i32(a), to_i32(b)));
        let python = self.python;
        if python && b == 0.0 && matches!(operator, Binary::Divide | Binary::FloorDivide | Binary::Remainder) {
            return Err(Halt::Thrown);
        }
        let number = match operator {
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            Binary::Divide => a / b,
            Binary::FloorDivide => (a / b).floor(),
            Binary::Remainder if python => a - b * (a / b).floor(),
            Binary::Remainder => a % b,
            Binary::Power => a.powf(b),
            Binary::Xor if python => whole(|a, b| a ^ b),
            Binary::And if python => whole(|a, b| a & b),
            Binary::Or if python => whole(|a, b| a | b),
            Binary::ShiftLeft if python => whole(|a, b| a.wrapping_shl(b as u32)),
            Binary::ShiftRight if python => whole(|a, b| a.wrapping_shr(b as u32)),
            Binary::Xor => words(|a, b| a ^ b),
            Binary::And => words(|a, b| a & b),
            Binary::Or => words(|a, b| a | b),
            Binary::ShiftLeft => words(|a, b| a.wrapping_shl(b as u32 & 31)),
            Binary::ShiftRight => words(|a, b| a.wrapping_shr(b as u32 & 31)),
            Binary::ShiftRightUnsigned => f64::from((to_i32(a) as u32).wrapping_shr(to_i32(b) as u32 & 31)),
            Binary::Less => return Ok(Data::Bool(a < b)),
            Binary::LessOrEqual => return Ok(Data::Bool(a <= b)),
            Binary::Greater => return Ok(Data::Bool(a > b)),
            Binary::GreaterOrEqual => return Ok(Data::Bool(a >= b)),
            Binary::Equal | Binary::NotEqual | Binary::In | Binary::NotIn => return Err(Halt::Unknown),
        };
        // Python counts without end; beyond this the answer would be wrong.
        if python && number.abs() > 9e15 { Err(Halt::Unknown) } else { Ok(Data::Number(number)) }
    }

    pub(super) fn equal(&self, left: &Data, right: &Data) -> bool {
        match (left, right) {
            (Data::None, Data::None) => true,
            (Data::Bool(a), Data::Bool(b)) => a == b,
            (Data::Number(a), Data::Number(b)) => a == b,
            (Data::Text(a), Data::Text(b)) => a == b,
            (Data::Object(a), Data::Object(b)) => a == b,
            (Data::Path(a), Data::Path(b)) => a == b,
            _ => false,
        }
    }

    /// A value as a number. A single character of bytes is its number in Python.
    pub(super) fn number(&self, value: &Data) -> Answer<f64> {
        Ok(match value {
            Data::Number(number) => *number,
            Data::Bool(truth) => f64::from(u8::from(*truth)),
            Data::Text(text) if self.python => match text[..] {
                [character] => f64::from(character),
                _ => return Err(Halt::Thrown),
            },
            Data::Text(text) => {
                let text = string(text, true);
                let text = text.trim();
                match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                    Some(digits) => i64::from_str_radix(digits, 16).map_or(f64::NAN, |number| number as f64),
                    None if text.is_empty() => 0.0,
                    None => text.parse().unwrap_or(f64::NAN),
                }
            }
            Data::None if self.python => return Err(Halt::Thrown),
            Data::None | Data::Object(_) => f64::NAN,
            Data::Path(_) => return Err(Halt::Unknown),
        })
    }

    /// A value as text.
    pub(super) fn text(&mut self, value: &Data) -> Answer<Rc<Vec<u32>>> {
        Ok(match value {
            Data::Text(text) => {
                self.pay(text.len() / 16)?;
                text.clone()
            }
            Data::Number(number) => characters(&number_text(*number)),
            Data::Bool(truth) => characters(match (truth, self.python) {
                (true, true) => "True",
                (false, true) => "False",
                (true, false) => "true",
                (false, false) => "false",
            }),
            Data::None => characters(if self.python { "None" } else { "undefined" }),
            Data::Object(_) if !self.python => {
                let items = self.each(value)?;
                let comma = Data::Text(characters(","));
                let joined = self.join(&items, &comma)?;
                return self.text(&joined);
            }
            Data::Object(_) | Data::Path(_) => return Err(Halt::Unknown),
        })
    }
}

/// ECMAScript ToInt32.
pub(super) fn to_i32(number: f64) -> i32 {
    if !number.is_finite() {
        return 0;
    }
    (number.trunc() % 4_294_967_296.0) as i64 as i32
}

pub(super) fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.fract() == 0.0 && number.abs() < 1e15 { format!("{}", number as i64) } else { format!("{number}") }
}
