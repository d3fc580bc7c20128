//! What a Python file computes from constants alone, asked for where the walk meets it.

use std::rc::Rc;

use hashbrown::{HashMap, HashSet};
use oxc_allocator::Allocator;
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::routine::{Lower, operator};
use crate::facts::routine::{Data, Machine, Node, Statement};
use crate::facts::{Argument, Builder, Constant, Taint, Value};

/// Steps that all evaluations of one file may take, and how many of them there are whatever its size.
const STEPS: u64 = 3_000_000;
const FEWEST_STEPS: u64 = 600_000;
/// Steps for each byte of the file: a decoder takes some for every byte that it decodes.
const STEPS_A_BYTE: u64 = 40;
/// Nodes that one file may have lowered.
const NODES: usize = 200_000;
/// Bytes of a function that is evaluated.
const MAX_ROUTINE: u32 = 8 << 10;

/// A function that may turn out to compute only.
#[derive(Clone, Copy)]
pub(super) enum Definition<'a> {
    Named(&'a ast::StmtFunctionDef),
    Lambda(&'a ast::ExprLambda),
}

/// The routines of one file.
pub(super) struct Computing<'a> {
    /// Where texts lie that are put together.
    arena: &'a Allocator,
    machine: Machine,
    definitions: HashMap<u32, Definition<'a>>,
    routines: HashMap<u32, Data>,
    refused: HashSet<u32>,
    /// Long lists of constants, by the name they were given.
    tables: HashMap<&'a str, &'a Expr>,
    left: usize,
}

impl<'a> Computing<'a> {
    /// Nothing is known yet of a file with this many bytes.
    pub fn new(arena: &'a Allocator, bytes: usize) -> Self {
        let steps = (FEWEST_STEPS + bytes as u64 * STEPS_A_BYTE).min(STEPS);
        Self {
            arena,
            machine: Machine::new(true, steps),
            definitions: HashMap::new(),
            routines: HashMap::new(),
            refused: HashSet::new(),
            tables: HashMap::new(),
            left: NODES,
        }
    }

    /// A function of the file.
    pub fn note(&mut self, id: u32, definition: Definition<'a>) {
        self.definitions.insert(id, definition);
    }

    /// A name that is given a list too long to be a constant of facts.
    pub fn note_table(&mut self, name: &'a str, value: &'a Expr) {
        if let Expr::List(ast::ExprList { elts, .. }) | Expr::Tuple(ast::ExprTuple { elts, .. }) = value
            && elts.len() > 256
            && elts.iter().all(Expr::is_literal_expr)
        {
            self.tables.insert(name, value);
        }
    }

    fn lower<'l>(&'l mut self, builder: &'l Builder<'a>) -> Lower<'l, 'a> {
        let Self { machine, routines, tables, left, .. } = self;
        Lower { builder, machine, routines, tables, left, locals: Vec::new(), depth: 0 }
    }

    /// The routine that a function is; lowered when it is first asked for.
    fn routine(&mut self, id: u32, builder: &Builder<'a>) -> Option<Data> {
        if let Some(routine) = self.routines.get(&id) {
            return Some(routine.clone());
        }
        if self.left == 0 || self.machine.is_spent() || !self.refused.insert(id) {
            return None;
        }
        let function = match *self.definitions.get(&id)? {
            Definition::Lambda(lambda) if lambda.range().len().to_u32() <= MAX_ROUTINE => {
                self.lower(builder).lambda(lambda)
            }
            Definition::Named(named) if named.range().len().to_u32() <= MAX_ROUTINE => {
                let (start, end) = (named.start().to_u32(), named.end().to_u32());
                let text = builder.text(start, end);
                if !MARKS.iter().any(|mark| text.contains(mark)) {
                    return None;
                }
                self.lower(builder).definition(named)
            }
            _ => None,
        }?;
        let routine = self.machine.function(function);
        self.routines.insert(id, routine.clone());
        Some(routine)
    }

    fn adopt(&mut self, value: &Value<'a>, builder: &Builder<'a>) -> Option<Data> {
        match value.function {
            Some(id) => self.routine(id, builder),
            None => self.machine.adopt(value),
        }
    }

    fn adopt_all(&mut self, arguments: &[Argument<'a>], builder: &Builder<'a>) -> Option<Vec<Data>> {
        let known = |name: &str| matches!(name, "encoding" | "errors" | "byteorder");
        let arguments = arguments.iter().filter(|argument| !argument.name.as_deref().is_some_and(known));
        let plain = |argument: &Argument<'a>| argument.name.is_none().then(|| argument.value.clone());
        arguments.map(|argument| self.adopt(&plain(argument)?, builder)).collect()
    }

    fn yields(&mut self, value: &Data) -> Option<Value<'a>> {
        let mut value = self.machine.known(self.arena, value)?;
        if value.path.is_none() && self.machine.has_decoded() {
            value.taint = Taint::DECODED;
        }
        Some(value)
    }

    /// A call of a function of the file with constants.
    pub fn call(&mut self, callee: &Value<'a>, arguments: &[Argument<'a>], builder: &Builder<'a>) -> Option<Value<'a>> {
        if arguments.is_empty() {
            return None;
        }
        let id = callee.function?;
        let arguments = self.adopt_all(arguments, builder)?;
        let routine = self.routine(id, builder)?;
        let value = self.machine.call(&routine, arguments)?;
        self.yields(&value)
    }

    /// A lambda that only hands its arguments on, `lambda f, a: f(a)`: what is called, and with what.
    pub fn relayed(&self, callee: &Value<'a>, arguments: &[Argument<'a>]) -> Option<(Value<'a>, Vec<Argument<'a>>)> {
        let Definition::Lambda(lambda) = *self.definitions.get(&callee.function?)? else { return None };
        let Expr::Call(call) = &*lambda.body else { return None };
        let parameters = lambda.parameters.as_deref()?;
        let given = |expression: &Expr| {
            let name = expression.as_name_expr()?;
            let index = parameters.iter().position(|parameter| parameter.name().as_str() == name.id.as_str())?;
            arguments.get(index).cloned()
        };
        let inner = given(&call.func)?.value;
        let handed: Option<Vec<Argument<'a>>> = call.arguments.args.iter().map(given).collect();
        inner.path.is_some().then_some((inner, handed?))
    }

    /// A call of a built-in function with constants.
    pub fn built_in(&mut self, name: &str, arguments: &[Argument<'a>], builder: &Builder<'a>) -> Option<Value<'a>> {
        if arguments.is_empty() || !is_built_in(name) || self.machine.is_spent() {
            return None;
        }
        let arguments = self.adopt_all(arguments, builder)?;
        let value = self.machine.call(&Data::Path(name.into()), arguments)?;
        self.yields(&value)
    }

    /// A method of a constant.
    pub fn method(
        &mut self,
        receiver: &Value<'a>,
        name: &str,
        arguments: &[Argument<'a>],
        builder: &Builder<'a>,
    ) -> Option<Value<'a>> {
        let class = receiver.path.as_deref() == Some("str") && name == "maketrans";
        let constant = matches!(receiver.constant, Constant::Text(_) | Constant::Number(_) | Constant::List(_));
        // What folding does by itself.
        let folded = matches!(name, "split" | "lower" | "upper" | "encode" | "decode" | "replace" | "append");
        if !(constant || class) || folded || self.machine.is_spent() {
            return None;
        }
        let arguments = self.adopt_all(arguments, builder)?;
        let object = if class { Data::text("", false) } else { self.machine.adopt(receiver)? };
        let value = self.machine.method(&object, name, arguments)?;
        self.yields(&value)
    }

    /// An operation on constants.
    pub fn operate(&mut self, kind: ast::Operator, left: &Value<'a>, right: &Value<'a>) -> Option<Constant<'a>> {
        let known = |value: &Value<'a>| !matches!(value.constant, Constant::Unknown | Constant::Prefix(_));
        if !known(left) || !known(right) {
            return None;
        }
        let (left, right) = (self.machine.adopt(left)?, self.machine.adopt(right)?);
        let value = self.machine.operate(operator(kind)?, &left, &right)?;
        Some(self.machine.constant(self.arena, &value))
    }

    /// `value[a:b:c]`.
    pub fn slice(&mut self, object: &Value<'a>, bounds: [Option<&Value<'a>>; 3]) -> Option<Constant<'a>> {
        if !matches!(object.constant, Constant::Text(_) | Constant::List(_)) {
            return None;
        }
        let mut node = |value: &Value<'a>| self.machine.adopt(value).map(Node::Data);
        let mut parts = [Some(node(object)?), None, None, None];
        for (part, bound) in parts[1..].iter_mut().zip(bounds) {
            if let Some(bound) = bound {
                *part = Some(node(bound)?);
            }
        }
        let value = self.machine.evaluate(&Node::Slice(Box::new(parts)))?;
        Some(self.machine.constant(self.arena, &value))
    }

    /// `"".join(chr(c) for c in ...)` and its like, as a whole: what stands between may be longer than what is kept.
    pub fn whole_call(&mut self, call: &'a ast::ExprCall, builder: &Builder<'a>) -> Option<Value<'a>> {
        let computes = match &*call.func {
            Expr::Attribute(attribute) => {
                matches!(attribute.attr.as_str(), "join" | "translate") && attribute.value.is_literal_expr()
            }
            Expr::Name(name) => matches!(name.id.as_str(), "bytes" | "bytearray"),
            _ => false,
        };
        let [argument] = &*call.arguments.args else { return None };
        let listed = !matches!(argument, Expr::StringLiteral(_) | Expr::NumberLiteral(_) | Expr::FString(_));
        if !computes || !listed || self.left == 0 {
            return None;
        }
        // Functions that it names must be known before.
        self.functions_of(argument, builder);
        let node = self.lower(builder).whole(|lower| lower.call(call))?;
        let value = self.machine.evaluate(&node)?;
        self.yields(&value)
    }

    /// Lowers the functions that an argument names: `map(f, ...)`, `f(c) for c in ...`.
    fn functions_of(&mut self, argument: &'a Expr, builder: &Builder<'a>) {
        let named = match argument {
            Expr::Call(call) => call.arguments.args.first(),
            Expr::ListComp(inner) => Some(&*inner.elt),
            Expr::Generator(inner) => Some(&*inner.elt),
            _ => None,
        };
        let named = match named {
            Some(Expr::Call(call)) => Some(&*call.func),
            other => other,
        };
        if let Some(Expr::Name(name)) = named
            && let Some(id) = builder.name(name.id.as_str()).function
        {
            self.routine(id, builder);
        }
    }

    /// `[a for b in c]` over constants.
    pub fn comprehension(
        &mut self,
        element: &'a Expr,
        generators: &'a [ast::Comprehension],
        source: &Value<'a>,
        builder: &Builder<'a>,
    ) -> Option<Value<'a>> {
        let iter = &generators.first()?.iter;
        let known = matches!(source.constant, Constant::Text(_) | Constant::List(_)) || iter.is_call_expr();
        if !known || self.left == 0 {
            return None;
        }
        let node = self.lower(builder).whole(|lower| lower.comprehension(element, generators))?;
        let value = self.machine.evaluate(&node)?;
        self.yields(&value)
    }

    /// A loop over constants: the names it gives values to, and those values.
    pub fn each(
        &mut self,
        statement: &'a ast::StmtFor,
        source: &Value<'a>,
        builder: &Builder<'a>,
    ) -> Vec<(&'a str, Value<'a>)> {
        let known = matches!(source.constant, Constant::Text(_) | Constant::List(_)) || statement.iter.is_call_expr();
        if !known || statement.body.len() > 8 || self.left == 0 || self.machine.is_spent() {
            return Vec::new();
        }
        let grown = |statement: &'a Stmt| match statement {
            Stmt::AugAssign(inner) => inner.target.as_name_expr().map(|name| name.id.as_str()),
            _ => None,
        };
        let names: Vec<&'a str> = statement.body.iter().filter_map(grown).collect();
        if names.is_empty() {
            return Vec::new();
        }
        let Some((lowered, _)) = self.lower(builder).with_locals(|lower| {
            let mut lowered = Vec::new();
            // What grows in the loop is what it was before.
            for name in &names {
                let value = lower.machine.adopt(&builder.name(name))?;
                lowered.push(Statement::Node(Node::Assign(
                    Box::new(Node::Name(Rc::from(*name))),
                    None,
                    Box::new(Node::Data(value)),
                )));
                lower.locals.last_mut()?.push(Rc::from(*name));
            }
            lower.each(statement, &mut lowered)?;
            Some(lowered)
        }) else {
            return Vec::new();
        };
        if !self.machine.run(&lowered) {
            return Vec::new();
        }
        let value = |name: &&'a str| {
            let value = self.machine.global(name)?;
            Some((*name, self.yields(&value)?))
        };
        names.iter().filter_map(value).collect()
    }
}

/// A function without any of these decodes nothing.
const MARKS: [&str; 12] = [
    "chr(",
    "ord(",
    "^",
    "[::",
    "decode",
    "decompress",
    "join",
    "replace",
    "bytes",
    "fromhex",
    "translate",
    "unhexlify",
];

/// True for built-in functions that yield a constant for constants.
fn is_built_in(name: &str) -> bool {
    matches!(
        name,
        "int"
            | "str"
            | "bytes"
            | "bytearray"
            | "chr"
            | "ord"
            | "len"
            | "list"
            | "tuple"
            | "reversed"
            | "map"
            | "filter"
            | "hex"
            | "codecs.encode"
            | "urllib.parse.unquote"
            | "urllib.parse.unquote_plus"
    )
}
