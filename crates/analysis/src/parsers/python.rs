//! Python: ruff's tree, walked once, told to the [`Builder`].
//!
//! The caller has bounded the nesting and provides the stack. The tree of a file with syntax errors is partial; what
//! it holds is still told.

mod call;
mod computing;
mod condition;
mod definition;
mod routine;
mod statement;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, InterpolatedStringElement, Number, Operator, Stmt};
use ruff_text_size::Ranged;

use crate::facts::{Argument, Builder, Constant, Items, LIST_ITEMS, Place, Taint, Value, filled, known_names, text_of};
use computing::{Computing, Definition};

/// Walks a module.
pub(super) fn read<'a>(module: &'a ast::ModModule, builder: &mut Builder<'a>) {
    let computing = Computing::new(builder.arena(), module.range().end().to_usize());
    let mut walker = Walker { builder, class: None, computing, stars: 0, looks: 0 };
    walker.hoist(&module.body);
    walker.visit_body(&module.body);
}

struct Walker<'b, 'a> {
    builder: &'b mut Builder<'a>,
    /// The class being read.
    class: Option<Class>,
    computing: Computing<'a>,
    /// How many star imports were followed.
    stars: u32,
    /// How many classes were looked for.
    looks: u32,
}

/// A class whose body is being read.
struct Class {
    id: u32,
    /// Its first base class.
    base: Option<String>,
}

/// Shortest text that a parameter holds when nobody gives one.
const LONG_DEFAULT: usize = 12;

/// Classes of one file whose names are looked for in its text, and how many places are looked at. What is beyond counts.
const MAX_LOOKS: u32 = 50;
const MAX_MENTIONS: usize = 1_000;

/// Star imports that are followed in one file: each looks through the whole table of APIs.
const MAX_STARS: u32 = 200;

impl<'a> Walker<'_, 'a> {
    /// Names that exist before the code that uses them is reached: functions of the module.
    fn hoist(&mut self, body: &'a [Stmt]) {
        for statement in body {
            if let Stmt::FunctionDef(function) = statement {
                let id = self.builder.declare_function(function.name.start().to_u32());
                if !function.decorator_list.is_empty() {
                    self.builder.opens(&Value { function: Some(id), ..Value::default() });
                }
                self.computing.note(id, Definition::Named(function));
                self.builder.bind(function.name.as_str(), Value { function: Some(id), ..Value::default() });
            }
        }
    }

    fn place(&self, node: &impl Ranged) -> Place {
        let range = node.range();
        self.builder.place(range.start().to_u32(), range.end().to_u32())
    }

    fn import(&mut self, statement: &'a ast::StmtImport) {
        for alias in &statement.names {
            let module = alias.name.as_str();
            let place = self.place(alias);
            self.builder.imports_fetched(module, place);
            let value = self.builder.import(module);
            match &alias.asname {
                Some(name) => self.builder.bind(name.as_str(), value),
                None => {
                    let top = module.split('.').next().unwrap_or(module);
                    let value = self.builder.import(top);
                    self.builder.bind(top, value);
                }
            }
        }
    }

    fn import_from(&mut self, statement: &'a ast::StmtImportFrom) {
        let module = statement.module.as_ref().map_or("", |module| module.as_str());
        let relative = statement.level > 0;
        let dots = ".".repeat((statement.level as usize).min(20));
        let object = self.builder.import(&format!("{dots}{module}"));
        for alias in &statement.names {
            let name = alias.name.as_str();
            if name == "*" {
                self.star_import(module, relative);
                continue;
            }
            let place = self.builder.place(alias.start().to_u32(), alias.end().to_u32());
            let value = match relative && module.is_empty() {
                true => self.builder.import(&format!("{dots}{name}")),
                false => {
                    // It may be a module inside that one.
                    self.builder.note_module(&format!("{dots}{module}.{name}"));
                    self.builder.member(&object, name, place)
                }
            };
            self.builder.bind(alias.asname.as_ref().unwrap_or(&alias.name).as_str(), value);
        }
    }

    /// `from module import *`: the names of the module that the table of APIs knows.
    fn star_import(&mut self, module: &str, relative: bool) {
        self.stars += 1;
        if !relative && self.stars <= MAX_STARS {
            for (path, name) in known_names(module) {
                self.builder.bind(name, Value::at_path(path));
            }
        }
    }

    /// Gives the names on the left of an assignment what stands on its right.
    fn assign(&mut self, target: &'a Expr, value: Value<'a>) {
        match target {
            Expr::Name(name) => {
                // `class A: run = exec`, `class A: base = "https://host/"`
                if self.class.is_some() {
                    self.builder.calls_of_itself(&value, "__set_name__");
                }
                if let Some(class) = self.class.as_ref().filter(|_| !value.is_unknown()) {
                    let object = Value { class: Some(class.id), ..Value::default() };
                    self.builder.set_member(&object, Some(name.id.as_str()), &value);
                }
                self.builder.bind(name.id.as_str(), value);
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                let place = self.place(target);
                self.builder.renames(value.items(), place);
                // `handle, name = mkstemp()`: both are the same file.
                let pair = value.path.as_deref() == Some("tempfile.mkstemp()");
                let file = pair.then(|| self.builder.made(&format!("?/mkstemp{}", target.start().to_u32())));
                // `reader, writer = await open_connection(..)`, `name, headers = urlretrieve(..)`
                let both = value
                    .path
                    .filter(|path| matches!(&**path, "asyncio.open_connection()" | "urllib.request.urlretrieve()"));
                for (index, target) in elts.iter().enumerate() {
                    let mut item = value.items().get(index).cloned().unwrap_or_else(|| Value::tainted(value.taint));
                    item.origin = file.or(item.origin);
                    item.path = item.path.or(both);
                    self.assign(target, item);
                }
            }
            Expr::Starred(starred) => self.assign(&starred.value, Value::tainted(value.taint)),
            Expr::Attribute(attribute) => {
                let object = self.eval(&attribute.value);
                let place = self.place(attribute);
                self.builder.copied_to(attribute.attr.as_str(), &value, place);
                self.builder.set_member(&object, Some(attribute.attr.as_str()), &value);
            }
            Expr::Subscript(subscript) => {
                let object = self.eval(&subscript.value);
                let key = self.eval(&subscript.slice);
                if let Some(key) = key.as_text() {
                    let place = self.place(subscript);
                    self.builder.copied_to(key, &value, place);
                }
                self.builder.set_member(&object, key.as_text(), &value);
            }
            other => {
                self.eval(other);
            }
        }
    }

    fn list(&mut self, elements: &'a [Expr]) -> Value<'a> {
        let mut items = Items::with_room(elements.len());
        for element in elements {
            items.push(self.eval(element));
        }
        self.builder.list(items)
    }

    fn binary(&mut self, expression: &'a ast::ExprBinOp) -> Value<'a> {
        if !expression.left.is_bin_op_expr() {
            let left = self.eval(&expression.left);
            return self.operation(left, expression);
        }
        // A long sum leans to the left: it is walked without recursion.
        let mut chain = vec![expression];
        while let Expr::BinOp(inner) = &*chain[chain.len() - 1].left {
            chain.push(inner);
        }
        let mut value = self.eval(&chain[chain.len() - 1].left);
        let pieces = chain.len() + 1;
        for part in chain.into_iter().rev() {
            value = self.operation(value, part);
        }
        self.builder.in_pieces(&mut value, pieces);
        value
    }

    /// One operation, of which the left side is known.
    fn operation(&mut self, value: Value<'a>, part: &'a ast::ExprBinOp) -> Value<'a> {
        let right = self.eval(&part.right);
        let place = self.place(part);
        match part.op {
            Operator::Add => self.builder.concat(value, right, place),
            Operator::Div if value.path.as_deref().is_some_and(|path| path.starts_with("pathlib.")) => {
                self.builder.below(&value, &right, place)
            }
            Operator::Div if value.path.is_some() => self.builder.concat(value, right, place),
            operator => {
                let constant = self.computing.operate(operator, &value, &right);
                match operator {
                    _ if constant.is_some() => {
                        self.builder.put_together(constant.unwrap_or_default(), value.taint | right.taint, place)
                    }
                    Operator::Mod => {
                        let filled = value.as_text().map_or(Taint::NONE, filled);
                        self.builder.any_of(&[value, Value::tainted(right.whole_taint() | filled)])
                    }
                    // What a file or an answer holds was masked.
                    Operator::BitXor => Value::tainted(unmasked(value.taint | right.taint)),
                    _ => Value::tainted(value.taint | right.taint),
                }
            }
        }
    }

    fn interpolated(
        &mut self,
        elements: impl Iterator<Item = &'a InterpolatedStringElement>,
        place: Place,
    ) -> Value<'a> {
        let mut value = Value::text("");
        for element in elements {
            let part = match element {
                InterpolatedStringElement::Literal(literal) => self.builder.literal(&*literal.value, place),
                InterpolatedStringElement::Interpolation(part) => {
                    if let Some(spec) = &part.format_spec {
                        self.interpolated(spec.elements.iter(), place);
                    }
                    self.eval(&part.expression)
                }
            };
            value = self.builder.concat(value, part, place);
        }
        value
    }

    fn comprehension(&mut self, generators: &'a [ast::Comprehension], parts: &[&'a Expr]) -> Value<'a> {
        let mut taint = Taint::NONE;
        let mut computed = None;
        for generator in generators {
            let source = self.eval(&generator.iter);
            taint |= source.whole_taint();
            if let ([_], [element]) = (generators, parts) {
                computed = self.computing.comprehension(element, generators, &source, self.builder);
            }
            // What stands in the list first stands for all of it.
            let first = source.items().first().filter(|item| item.path.is_some() || item.function.is_some());
            let item = first.cloned().unwrap_or_else(|| source.each());
            self.assign(&generator.target, item);
            for test in &generator.ifs {
                self.eval(test);
            }
        }
        for part in parts {
            taint |= self.eval(part).whole_taint();
        }
        // A text of the source that is rewritten letter by letter.
        let letters = generators
            .iter()
            .any(|generator| generator.iter.as_string_literal_expr().is_some_and(|text| text.value.len() >= 40));
        if letters {
            taint |= Taint::DECODED;
        }
        match computed {
            Some(value) => Value { taint: value.taint | taint, ..value },
            None => Value::tainted(taint),
        }
    }

    fn subscript(&mut self, subscript: &'a ast::ExprSubscript) -> Value<'a> {
        let object = self.eval(&subscript.value);
        if let Expr::Slice(slice) = &*subscript.slice {
            let bounds = [&slice.lower, &slice.upper, &slice.step];
            let bounds = bounds.map(|bound| bound.as_ref().map(|bound| self.eval(bound)));
            if let [None, None, Some(Value { constant: Constant::Number(-1), .. })] = bounds {
                return self.builder.reversed(&object);
            }
            let [lower, upper, step] = &bounds;
            let constant = self.computing.slice(&object, [lower.as_ref(), upper.as_ref(), step.as_ref()]);
            let texts = object.as_text().is_some() || object.items().iter().any(|item| item.as_text().is_some());
            let taken_apart = step.is_some() && constant.is_some() && texts;
            let taint = if taken_apart { object.taint | Taint::DECODED } else { object.taint };
            return Value { constant: constant.unwrap_or_default(), taint, ..Value::default() };
        }
        let key = self.eval(&subscript.slice);
        let place = self.place(subscript);
        // `object[key]` calls a method, where the class has one.
        if object.class.is_some() && self.builder.has_method(&object, "__getitem__") {
            let arguments = vec![Argument { name: None, value: key }];
            return self.builder.call_method(object, "__getitem__", arguments, place);
        }
        self.builder.index(&object, &key, place)
    }

    fn number(number: &Number) -> Value<'a> {
        match number {
            Number::Int(int) => int.as_i64().map_or_else(Value::default, Value::number),
            _ => Value::default(),
        }
    }

    /// What an expression is, having told everything inside of it.
    fn eval(&mut self, expression: &'a Expr) -> Value<'a> {
        match expression {
            Expr::Name(name) => self.builder.name(name.id.as_str()),
            Expr::StringLiteral(literal) => {
                let place = self.place(literal);
                self.builder.literal(literal.value.to_str(), place)
            }
            Expr::BytesLiteral(literal) => {
                let bytes: Vec<u8> = literal.value.bytes().collect();
                let place = self.place(literal);
                let text = self.builder.made(&text_of(bytes));
                self.builder.literal(text, place)
            }
            Expr::FString(text) => {
                let place = self.place(text);
                self.fstring(text, place)
            }
            Expr::NumberLiteral(number) => Self::number(&number.value),
            Expr::BooleanLiteral(literal) => Value { constant: Constant::Bool(literal.value), ..Value::default() },
            Expr::Attribute(attribute) => {
                let object = self.eval(&attribute.value);
                let place = self.place(attribute);
                let mut value = self.builder.member(&object, attribute.attr.as_str(), place);
                // Django's requests come as a parameter of this name.
                let asked = attribute.value.as_name_expr().is_some_and(|name| name.id.as_str() == "request");
                if asked && matches!(attribute.attr.as_str(), "POST" | "GET" | "COOKIES") {
                    value.taint |= Taint::VISITOR;
                }
                value
            }
            Expr::Call(call) => self.call(call),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::BinOp(binary) => self.binary(binary),
            Expr::BoolOp(operation) => self.one_of(&operation.values),
            Expr::UnaryOp(unary) => match (unary.op, self.eval(&unary.operand).constant) {
                (ast::UnaryOp::USub, Constant::Number(number)) => Value::number(number.saturating_neg()),
                _ => Value::default(),
            },
            Expr::If(condition) => self.either(condition),
            Expr::Named(named) => {
                let value = self.eval(&named.value);
                self.assign(&named.target, value.clone());
                value
            }
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::List(ast::ExprList { elts, .. }) | Expr::Tuple(ast::ExprTuple { elts, .. }) => self.list(elts),
            Expr::Set(set) => self.list(&set.elts),
            Expr::Dict(dict) => self.dict(dict),
            Expr::Await(inner) => self.eval(&inner.value),
            Expr::Starred(inner) => self.eval(&inner.value),
            // Whoever goes through a generator gets what it yields.
            Expr::YieldFrom(ast::ExprYieldFrom { value, .. }) => {
                let value = self.eval(value);
                self.builder.returns(Value::tainted(value.whole_taint()));
                value
            }
            Expr::Yield(inner) => {
                let value = inner.value.as_ref().map(|value| self.eval(value)).unwrap_or_default();
                self.builder.returns(Value::tainted(value.whole_taint()));
                Value::default()
            }
            Expr::ListComp(list) => self.comprehension(&list.generators, &[&list.elt]),
            Expr::SetComp(set) => self.comprehension(&set.generators, &[&set.elt]),
            Expr::Generator(generator) => self.comprehension(&generator.generators, &[&generator.elt]),
            Expr::DictComp(dict) => self.dict_comprehension(dict),
            Expr::Compare(compare) => {
                let mut left = self.eval(&compare.left);
                for right in &compare.comparators {
                    let right = self.eval(right);
                    self.builder.compares(&left, &right);
                    left = right;
                }
                Value::default()
            }
            other => {
                visitor::walk_expr(self, other);
                Value::default()
            }
        }
    }

    fn fstring(&mut self, text: &'a ast::ExprFString, place: Place) -> Value<'a> {
        let mut value = Value::text("");
        for part in text.value.iter() {
            let part = match part {
                ast::FStringPart::Literal(literal) => self.builder.literal(&*literal.value, place),
                ast::FStringPart::FString(text) => self.interpolated(text.elements.iter(), place),
            };
            value = self.builder.concat(value, part, place);
        }
        value
    }

    fn dict(&mut self, dict: &'a ast::ExprDict) -> Value<'a> {
        let (mut fields, mut rest) = (Vec::new(), Taint::NONE);
        for item in &dict.items {
            let key = item.key.as_ref().map(|key| self.eval(key));
            let value = self.eval(&item.value);
            rest |= value.whole_taint() | key.as_ref().map_or(Taint::NONE, |key| key.taint);
            // More than a record remembers need not be kept: what they are made of counts anyway.
            let kept = fields.len() <= LIST_ITEMS || value.function.is_some();
            if let (Some(Constant::Text(key)), true) = (key.map(|key| key.constant), kept) {
                fields.push((key, value));
            }
        }
        self.builder.record(fields, rest)
    }

    fn dict_comprehension(&mut self, dict: &'a ast::ExprDictComp) -> Value<'a> {
        match &dict.key {
            Some(key) => self.comprehension(&dict.generators, &[key, &dict.value]),
            None => self.comprehension(&dict.generators, &[&dict.value]),
        }
    }
}

/// The taint of an exclusive or: bytes of the package's own files, or hidden ones, come out as something else.
fn unmasked(taint: Taint) -> Taint {
    if taint.any(Taint::OWN | Taint::HIDDEN) { taint | Taint::DECODED } else { taint }
}
