//! Python: ruff's tree, walked once, told to the [`Builder`].
//!
//! The caller has bounded the nesting and provides the stack. The tree of a file with syntax errors is partial; what
//! it holds is still told.

mod computing;
mod condition;
mod routine;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, InterpolatedStringElement, Number, Operator, Stmt};
use ruff_text_size::Ranged;

use crate::facts::{
    Argument, Builder, Constant, Items, LIST_ITEMS, Place, Taint, Text, Value, filled, known_names, makes_key,
    takes_in, text_of,
};
use computing::{Computing, Definition};

/// Walks a module.
pub(super) fn read<'a>(module: &'a ast::ModModule, builder: &mut Builder<'a>) {
    let mut walker =
        Walker { builder, class: None, computing: Computing::new(module.range().end().to_usize()), stars: 0, looks: 0 };
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

    fn function(&mut self, function: &'a ast::StmtFunctionDef) {
        let mut ordered = false;
        let mut property = false;
        for decorator in &function.decorator_list {
            let value = self.eval(&decorator.expression);
            ordered |= self.builder.takes_orders(&value);
            let name = decorator.expression.as_name_expr().map(|name| name.id.as_str());
            property |= matches!(name, Some("property" | "cached_property"));
            self.builder.decorates(&value);
            if value.path.as_deref().is_some_and(|path| !path.ends_with("()")) {
                let place = self.place(decorator);
                self.builder.call(value, vec![Argument { name: None, value: Value::default() }], Taint::NONE, place);
            }
        }
        // `def f(text, run=exec)`: what hides in a default is called by the name of the parameter.
        let mut defaults: Vec<(&str, Value<'a>)> = Vec::new();
        for parameter in function.parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                let value = self.eval(default);
                // Whoever leaves it out gets this text. The service that a client is for is no collector of its author.
                let service = value.taint.any(Taint::EXFIL_HOST);
                let text = value.as_text().is_some_and(|text| text.len() >= LONG_DEFAULT) && !service;
                if text || value.path.is_some() || value.function.is_some() {
                    defaults.push((parameter.name().as_str(), value));
                }
            }
        }
        let name = function.name.as_str();
        let id = self.builder.declare_function(function.name.start().to_u32());
        // A build front end calls these by name (PEP 517), pytest those.
        let called =
            name.starts_with("get_requires_for_build_") || name.starts_with("pytest_session") || name == "__getattr__";
        if called && self.class.is_none() {
            self.builder.runs_at_load(id);
        }
        self.computing.note(id, Definition::Named(function));
        match &self.class {
            None => self.builder.bind(name, Value { function: Some(id), ..Value::default() }),
            Some(class) => {
                if !property {
                    self.builder.declare_method(class.id, name, id);
                }
                // setuptools runs commands when the package is built or installed, and commands run their methods.
                if class.base.as_deref().is_some_and(is_setup_command) {
                    self.builder.runs_at_load(id);
                }
            }
        }
        let outer = self.class.take();
        let base = outer.as_ref().and_then(|class| class.base.clone()).filter(|_| function.name.starts_with("on_"));
        ordered |= base.is_some_and(|base| self.builder.takes_orders(&Value::at_path(base)));
        let frame = self.builder.enter(id);
        for (index, parameter) in function.parameters.iter().enumerate() {
            let name = parameter.name().as_str();
            let value = match &outer {
                // A metaclass is given the classes that it makes.
                Some(class) if index == 0 => {
                    let made = if name == "cls" { self.builder.parameter(id, 0, name).class } else { None };
                    Value { class: made.or(Some(class.id)), ..Value::default() }
                }
                _ => self.parameter(id, index, name, function.name.as_str(), outer.is_some()),
            };
            let default = defaults.iter().find(|(named, _)| *named == name).filter(|_| value.path.is_none());
            let value = match default {
                Some((_, default)) => Value { path: default.path.clone(), function: default.function, ..value },
                None => value,
            };
            let value = match defaults.iter().find(|(given, _)| *given == name) {
                Some((_, default)) if matches!(value.constant, Constant::Unknown) => {
                    Value { constant: default.constant.clone(), taint: value.taint | default.taint, ..value }
                }
                _ => value,
            };
            let heard = ordered && (outer.is_none() || index > 0);
            self.builder.bind(name, if heard { self.builder.ordered(value) } else { value });
        }
        self.visit_body(&function.body);
        self.builder.leave(frame);
        self.class = outer;
        if let Some(class) = self.class.as_ref().filter(|_| property) {
            self.builder.property(class.id, name, id);
        }
        self.decorated(function, id);
    }

    /// `@g @f def name` is `name = g(f(name))`, whatever `f` and `g` are: also `exec`.
    fn decorated(&mut self, function: &'a ast::StmtFunctionDef, id: u32) {
        if function.decorator_list.len() < 2 {
            return;
        }
        let mut value = Value { function: Some(id), ..Value::default() };
        self.builder.opens(&value);
        let callees: Vec<(Value<'a>, Place)> = function
            .decorator_list
            .iter()
            .rev()
            .map(|decorator| (self.eval(&decorator.expression), self.place(decorator)))
            .collect();
        // Others only register it: commands, routes, fixtures.
        if !callees.iter().any(|(callee, _)| callee.function.is_some() || self.builder.acts(callee)) {
            return;
        }
        for (callee, place) in callees {
            // A decorator of this file mostly keeps the function: only what it makes of it goes on to the next.
            if callee.function.is_some() {
                value.function = None;
            }
            value = self.builder.call(callee, vec![Argument { name: None, value }], Taint::NONE, place);
        }
    }

    /// What a function is given as a parameter, by callers that are known and by its name.
    fn parameter(&self, id: u32, index: usize, name: &str, function: &str, method: bool) -> Value<'a> {
        let mut value = self.builder.parameter(id, index, name);
        self.builder.named_parameter(&mut value, name);
        if index == usize::from(method) && makes_key(function) {
            value.taint |= Taint::KEY;
        }
        value
    }

    fn class(&mut self, class: &'a ast::StmtClassDef) {
        for decorator in &class.decorator_list {
            self.eval(&decorator.expression);
        }
        let (mut base, mut metaclass) = (None, None);
        if let Some(arguments) = &class.arguments {
            for argument in &arguments.args {
                let value = self.eval(argument);
                self.builder
                    .subclass(&value, self.builder.place(class.name.start().to_u32(), class.name.end().to_u32()));
                self.builder.runs_methods(&value, &["__init_subclass__"]);
                base = base.or(value.path.map(|path| path.to_string()));
            }
            for keyword in &arguments.keywords {
                let value = self.eval(&keyword.value);
                self.builder.runs_methods(&value, &["__new__", "__init__", "__prepare__"]);
                metaclass = Some(value);
            }
        }
        let id = self.builder.declare_class(class.name.start().to_u32());
        if let Some(metaclass) = metaclass {
            self.builder.made_by(id, &metaclass);
        }
        self.builder.bind(class.name.as_str(), Value { class: Some(id), ..Value::default() });
        // `def hooked(base): class Hooked(base)`, for the commands of setuptools.
        let given = class.arguments.as_ref().and_then(|arguments| arguments.args.first());
        let of_parameter = base.is_none() && given.is_some_and(Expr::is_name_expr) && self.place(class).function != 0;
        let runs = |statement: &Stmt| matches!(statement, Stmt::FunctionDef(method) if method.name.as_str() == "run");
        if of_parameter && class.body.iter().any(runs) && self.builder.imports("setuptools") {
            base = Some("setuptools.Command".to_owned());
        }
        let meant = base.as_deref().filter(|_| self.is_handed_out(class));
        let before = self.builder.overriding(meant);
        let outer = self.class.replace(Class { id, base });
        self.visit_body(&class.body);
        self.class = outer;
        self.builder.override_again(before);
    }

    /// True for a class that callers of its base may be given: one with a name of the module's own, or one that is put in
    /// the place of another or handed to somebody, as far as the text tells.
    fn is_handed_out(&mut self, class: &'a ast::StmtClassDef) -> bool {
        let name = class.name.as_str();
        if self.place(class).function == 0 && !name.starts_with('_') || self.looks == MAX_LOOKS {
            return true;
        }
        self.looks += 1;
        let source = self.builder.source();
        let mut left = MAX_MENTIONS;
        memchr::memmem::find_iter(source.as_bytes(), name).any(|at| {
            left -= 1;
            let before = source[..at].trim_end_matches(' ');
            let after = source[at + name.len()..].chars().next();
            let goes_on =
                after.is_some_and(|next| next.is_alphanumeric() || matches!(next, '_' | '(' | '.' | ':' | '='));
            left == 0 || (before.ends_with(['=', ',']) && !goes_on)
        })
    }

    /// Gives the names on the left of an assignment what stands on its right.
    fn assign(&mut self, target: &'a Expr, value: Value<'a>) {
        match target {
            Expr::Name(name) => {
                // `class A: run = exec`, `class A: base = "https://host/"`
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
                let file = pair.then(|| Text::from(format!("?/mkstemp{}", target.start().to_u32())));
                for (index, target) in elts.iter().enumerate() {
                    let mut item = value.items().get(index).cloned().unwrap_or_else(|| Value::tainted(value.taint));
                    item.origin = file.clone().or(item.origin);
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
            let item = first.cloned().unwrap_or_else(|| Value::tainted(source.whole_taint()));
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

    fn call(&mut self, call: &'a ast::ExprCall) -> Value<'a> {
        let place = self.place(call);
        let receiver = match &*call.func {
            Expr::Attribute(attribute) => Some((self.eval(&attribute.value), attribute.attr.as_str())),
            _ => None,
        };
        let callee = if receiver.is_none() { self.eval(&call.func) } else { Value::default() };
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments.args {
            let value = match argument {
                Expr::Starred(starred) => Value::tainted(self.eval(&starred.value).whole_taint()),
                other => self.eval(other),
            };
            arguments.push(Argument { name: None, value });
        }
        for keyword in &call.arguments.keywords {
            let name = keyword.arg.as_ref().map_or("**", |name| name.as_str());
            arguments.push(Argument { name: Some(name.into()), value: self.eval(&keyword.value) });
        }
        if let Some(value) = self.handed_on(&receiver, &callee, &arguments, place) {
            return value;
        }
        if receiver.as_ref().is_some_and(|(_, name)| takes_in(name)) {
            self.grow_attribute(&call.func, &arguments);
        }
        let computed = match &receiver {
            Some((receiver, name)) => self.computing.method(receiver, name, &arguments, self.builder),
            None => self.computing.call(&callee, &arguments, self.builder).or_else(|| match &callee.path {
                Some(path) => self.computing.built_in(path, &arguments, self.builder),
                None => match &*call.func {
                    Expr::Name(name) if callee.is_unknown() => {
                        self.computing.built_in(name.id.as_str(), &arguments, self.builder)
                    }
                    _ => None,
                },
            }),
        };
        let relayed = if receiver.is_none() { self.computing.relayed(&callee, &arguments) } else { None };
        let value = match (receiver, relayed) {
            (Some((receiver, name)), _) => self.builder.call_method(receiver, name, arguments, place),
            (None, Some((inner, handed))) => self.builder.call(inner, handed, Taint::NONE, place),
            (None, None) => self.builder.call(callee, arguments, Taint::NONE, place),
        };
        let missing = matches!(value.constant, Constant::Unknown);
        let whole = if missing && computed.is_none() { self.computing.whole_call(call, self.builder) } else { None };
        match computed.or(whole) {
            Some(computed) => {
                let taint = value.taint | computed.taint;
                let path = computed.path.or(value.path);
                Value { path, ..self.builder.put_together(computed.constant, taint, place) }
            }
            None => value,
        }
    }

    /// `self.all.append(value)`: what the attribute is made of grows.
    fn grow_attribute(&mut self, method: &Expr, arguments: &[Argument<'a>]) {
        let Some(attribute) = method.as_attribute_expr().and_then(|method| method.value.as_attribute_expr()) else {
            return;
        };
        let Expr::Name(name) = &*attribute.value else { return };
        let object = self.builder.name_in_scope(name.id.as_str());
        let taint = arguments.iter().fold(Taint::NONE, |all, argument| all | argument.value.whole_taint());
        if object.class.is_some() && !taint.is_empty() {
            self.builder.set_member(&object, Some(attribute.attr.as_str()), &Value::tainted(taint));
        }
    }

    /// Calls that call or look up something they are given: `map(f, [a])`, `attrgetter("a")(b)`.
    fn handed_on(
        &mut self,
        receiver: &Option<(Value<'a>, &'a str)>,
        callee: &Value<'a>,
        arguments: &[Argument<'a>],
        place: Place,
    ) -> Option<Value<'a>> {
        let given = |index: usize| arguments.get(index).map(|argument| argument.value.clone());
        if let Some((receiver, name)) = receiver {
            return match (*name, receiver.path.as_deref()) {
                ("__getattribute__" | "__getattr__", Some(_)) => {
                    let key = given(0)?;
                    Some(self.builder.index(receiver, &key, place))
                }
                ("__call__", Some(_)) => {
                    Some(self.builder.call(receiver.clone(), arguments.to_vec(), Taint::NONE, place))
                }
                ("attrgetter" | "methodcaller", Some("operator")) => {
                    let mut values = Items::default();
                    arguments.iter().for_each(|argument| values.push(argument.value.clone()));
                    let list = self.builder.list(values);
                    Some(Value { path: Some(format!("operator.{name}()").into()), ..list })
                }
                _ => None,
            };
        }
        match callee.path.as_deref()? {
            "operator.attrgetter()" => {
                let key = callee.items().first()?.clone();
                let object = given(0)?;
                Some(self.builder.index(&object, &key, place))
            }
            "operator.methodcaller()" => {
                let (key, rest) = callee.items().split_first()?;
                let (key, object) = (key.as_text()?.to_owned(), given(0)?);
                let rest = rest.iter().map(|value| Argument { name: None, value: value.clone() }).collect();
                Some(self.builder.call_method(object, &key, rest, place))
            }
            "map" => {
                let (inner, list) = (given(0)?, given(1)?);
                let known = inner.path.as_deref().is_some_and(|path| !matches!(path, "chr" | "str" | "bytes"));
                let first = list.items().first().filter(|_| known)?.clone();
                let result = self.builder.call(inner, vec![Argument { name: None, value: first }], Taint::NONE, place);
                Some(Value::tainted(result.taint | list.taint))
            }
            _ => None,
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

    fn lambda(&mut self, lambda: &'a ast::ExprLambda) -> Value<'a> {
        let id = self.builder.declare_function(lambda.start().to_u32());
        self.computing.note(id, Definition::Lambda(lambda));
        let frame = self.builder.enter(id);
        for (index, parameter) in lambda.parameters.iter().flat_map(|parameters| parameters.iter()).enumerate() {
            let name = parameter.name().as_str();
            let value = self.builder.parameter(id, index, name);
            self.builder.bind(name, value);
        }
        let result = self.eval(&lambda.body);
        self.builder.returns(result);
        self.builder.leave(frame);
        Value { function: Some(id), ..Value::default() }
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
                self.builder.literal(text_of(bytes), place)
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
                self.builder.member(&object, attribute.attr.as_str(), place)
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

/// True for `__name__ == "__main__"`: what stands under it does not run when the module is imported.
fn is_main_guard(test: &Expr) -> bool {
    let Expr::Compare(compare) = test else { return false };
    let named = |side: &Expr| side.as_name_expr().is_some_and(|name| name.id.as_str() == "__name__");
    let main = |side: &Expr| side.as_string_literal_expr().is_some_and(|text| text.value.to_str() == "__main__");
    let [right] = &*compare.comparators else { return false };
    let left = &*compare.left;
    matches!(&*compare.ops, [ast::CmpOp::Eq]) && (named(left) && main(right) || main(left) && named(right))
}

/// True for the classes whose methods setuptools runs while it builds or installs.
fn is_setup_command(base: &str) -> bool {
    base.starts_with("setuptools.") || base.starts_with("distutils.") || base.contains(".command.")
}

impl<'a> Visitor<'a> for Walker<'_, 'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        self.eval(expression);
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Assign(assign) => {
                let value = self.eval(&assign.value);
                for target in &assign.targets {
                    if let Expr::Name(name) = target {
                        // `except ImportError: module = None` does not make the module another.
                        let none = assign.value.is_none_literal_expr();
                        if none && self.builder.name(name.id.as_str()).path.is_some() {
                            continue;
                        }
                        self.computing.note_table(name.id.as_str(), &assign.value);
                    }
                    self.assign(target, value.clone());
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.eval(value);
                    self.assign(&assign.target, value);
                }
            }
            Stmt::AugAssign(assign) => {
                let left = self.eval(&assign.target);
                let right = self.eval(&assign.value);
                let place = self.place(assign);
                let value = self.builder.concat(left, right, place);
                self.assign(&assign.target, value);
            }
            Stmt::Global(statement) => statement.names.iter().for_each(|name| self.builder.share(name.as_str())),
            Stmt::Nonlocal(statement) => statement.names.iter().for_each(|name| self.builder.share(name.as_str())),
            Stmt::Return(statement) => {
                if let Some(value) = &statement.value {
                    let value = self.eval(value);
                    self.builder.returns(value);
                }
            }
            Stmt::For(statement) => {
                let source = self.eval(&statement.iter);
                let grown = self.computing.each(statement, &source, self.builder);
                self.assign(&statement.target, source.each());
                self.visit_body(&statement.body);
                self.visit_body(&statement.orelse);
                for (name, value) in grown {
                    self.builder.bind(name, value);
                }
            }
            Stmt::With(statement) => {
                for item in &statement.items {
                    let value = self.eval(&item.context_expr);
                    if let Some(target) = &item.optional_vars {
                        self.assign(target, value);
                    }
                }
                self.visit_body(&statement.body);
            }
            Stmt::If(statement) if is_main_guard(&statement.test) => {
                let id = self.builder.declare_function(statement.start().to_u32());
                self.builder.runs_as_program(id);
                let frame = self.builder.enter(id);
                self.visit_body(&statement.body);
                self.builder.leave(frame);
                for clause in &statement.elif_else_clauses {
                    self.visit_elif_else_clause(clause);
                }
            }
            Stmt::If(statement) => self.condition(statement),
            Stmt::Match(statement) => self.cases(statement),
            Stmt::While(statement) => self.repeats(statement),
            // A text that stands alone is documentation.
            Stmt::Expr(statement) if statement.value.is_string_literal_expr() => {}
            Stmt::Expr(statement) => {
                self.eval(&statement.value);
                self.builder.discards(self.place(&*statement.value));
            }
            other => visitor::walk_stmt(self, other),
        }
    }
}

/// The taint of an exclusive or: bytes of the package's own files, or hidden ones, come out as something else.
fn unmasked(taint: Taint) -> Taint {
    if taint.any(Taint::OWN | Taint::HIDDEN) { taint | Taint::DECODED } else { taint }
}
