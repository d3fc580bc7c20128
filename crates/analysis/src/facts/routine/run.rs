//! Runs the statements and expressions of routines.

use std::rc::Rc;

use super::machine::{Answer, Halt, Machine, Object, Scope};
use super::value::string;
use super::{Binary, Data, Node, Statement};

/// How a statement ended.
pub(super) enum Flow {
    On,
    Break,
    Continue,
    Return(Data),
}

impl Machine {
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

    pub(super) fn block(&mut self, statements: &[Statement], scope: usize) -> Answer<Flow> {
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
                for item in self.each_of(source, scope)? {
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

    pub(super) fn eval(&mut self, node: &Node, scope: usize) -> Answer<Data> {
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
                let mut items = Vec::new();
                for item in self.each_of(source, scope)? {
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

    /// The items that a loop over an expression sees. Those of a `range` are made as they are wanted: it costs what its list
    /// would, but makes none.
    fn each_of(&mut self, source: &Node, scope: usize) -> Answer<Box<dyn Iterator<Item = Data>>> {
        if let Node::Call(callee, arguments) = source
            && let Node::Name(name) = &**callee
            && self.python
            && &**name == "range"
            && matches!(self.lookup(name, scope), Ok(Data::Path(_)))
        {
            self.deeper()?;
            self.pay(0)?;
            self.eval(callee, scope)?;
            let arguments = self.evals(arguments, scope)?;
            self.pay(4)?;
            let range = self.range(&arguments)?;
            let count = range.len();
            self.pay_memory(size_of::<Object>() + count * size_of::<Data>())?;
            self.depth -= 1;
            self.pay_memory(count * 40)?;
            return Ok(Box::new(range));
        }
        let value = self.eval(source, scope)?;
        Ok(Box::new(self.each(&value)?.into_iter()))
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
}
