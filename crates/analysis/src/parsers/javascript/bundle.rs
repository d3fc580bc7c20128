//! Bundles: many modules in one file, which call each other by number or by path.
//!
//! In: the table of functions that bundlers write, and the function beside it that runs one of them and hands out what it
//! offers. Out: the same values as if each module were a file of its own. What a module offers is kept as the members of
//! a class that stands for it. Nothing is followed beyond what the file holds.

use hashbrown::{HashMap, HashSet};
use oxc_ast::ast::*;
use oxc_span::GetSpan;

use super::{Walker, unwrapped};
use crate::facts::{Argument as FactArgument, Constant, Place, Taint, Text, Value};

/// What modules of a bundle are given to load others with.
const REQUIRE: &str = "bundle.require";
/// Modules of one bundle that are followed.
const MAX_MODULES: usize = 20_000;
/// Names by which one module calls others.
const MAX_NAMES: usize = 1_000;
/// Bytes of the function that loads modules.
const MAX_LOADER: u32 = 3_000;
/// Bytes of a module that does nothing but hand on another one.
const MAX_RELAY: u32 = 120;

/// A module: its function, and the classes that stand for `exports` and `module`.
#[derive(Clone, Copy)]
struct Packed {
    function: u32,
    exports: u32,
    module: u32,
}

/// The modules of a bundle.
#[derive(Default)]
pub(super) struct Bundle<'a> {
    /// Whether the source shows one.
    on: bool,
    modules: HashMap<Box<str>, Packed>,
    by_function: HashMap<u32, Packed>,
    /// What modules call others by, where each has names of its own (Browserify): by the function of the module.
    names: HashMap<u32, HashMap<Box<str>, Box<str>>>,
    /// The functions that load them.
    loaders: HashSet<u32>,
    /// Names that a function will give a value before it ends, and that its module offers.
    pending: Vec<(u32, u32, Text<'a>, &'a str)>,
}

impl Bundle<'_> {
    /// `on` says whether the source shows one.
    pub fn new(on: bool) -> Self {
        Self { on, ..Self::default() }
    }
}

impl<'a> Walker<'_, 'a> {
    /// Notes a function that loads modules: it makes an empty one for the number that it is given.
    pub(super) fn note_loader(&mut self, id: u32, function: &Function<'a>) {
        if self.bundle.on && function.params.items.len() == 1 && function.span.size() <= MAX_LOADER {
            let text = self.builder.text(function.span.start, function.span.end);
            if text.contains("exports:{}") || text.contains("exports: {}") {
                self.bundle.loaders.insert(id);
            }
        }
    }

    /// Notes the modules of a list.
    pub(super) fn note_list(&mut self, array: &ArrayExpression<'a>) {
        if !self.bundle.on || array.elements.is_empty() {
            return;
        }
        let module = |element: &ArrayExpressionElement<'a>| match element {
            ArrayExpressionElement::Elision(_) => true,
            other => other.as_expression().is_some_and(|one| parameters(one).is_some_and(|count| count <= 3)),
        };
        if array.elements.iter().all(module) {
            for (index, element) in array.elements.iter().enumerate() {
                if let Some(function) = element.as_expression() {
                    self.note_module(index.to_string().into(), function);
                }
            }
        }
    }

    /// Notes the modules of an object, by number or path.
    pub(super) fn note_object(&mut self, object: &ObjectExpression<'a>) {
        if !self.bundle.on || object.properties.is_empty() || self.note_pairs(object) {
            return;
        }
        let named: Option<Vec<(Box<str>, &Expression<'a>)>> = object
            .properties
            .iter()
            .map(|property| {
                let ObjectPropertyKind::ObjectProperty(property) = property else { return None };
                let key: Box<str> = match &property.key {
                    PropertyKey::NumericLiteral(number) if number.value >= 0.0 => {
                        (number.value as u64).to_string().into()
                    }
                    PropertyKey::StringLiteral(text) => text.value.as_str().into(),
                    PropertyKey::StaticIdentifier(name) => name.name.as_str().into(),
                    _ => return None,
                };
                parameters(&property.value).filter(|count| *count <= 3).map(|_| (key, &property.value))
            })
            .collect();
        let Some(named) = named else { return };
        // Objects of functions are common; those of modules are numbered, are paths, or take three things.
        let numbered = |key: &str| key.bytes().all(|byte| byte.is_ascii_digit()) || key.contains('/');
        if named.iter().any(|(key, function)| numbered(key) || parameters(function) == Some(3)) {
            for (key, function) in named {
                self.note_module(key, function);
            }
        }
    }

    /// Notes the modules of Browserify: `{1: [function (require, module, exports) {..}, {"./other": 2}], ..}`.
    fn note_pairs(&mut self, object: &ObjectExpression<'a>) -> bool {
        let pairs: Option<Vec<(Box<str>, &Expression<'a>, &ObjectExpression<'a>)>> = object
            .properties
            .iter()
            .map(|property| {
                let ObjectPropertyKind::ObjectProperty(property) = property else { return None };
                let Expression::ArrayExpression(pair) = &property.value else { return None };
                let [function, names] = &pair.elements[..] else { return None };
                let function =
                    function.as_expression().filter(|one| parameters(one).is_some_and(|count| count <= 3))?;
                let ArrayExpressionElement::ObjectExpression(names) = names else { return None };
                Some((property.key.static_name()?.into_owned().into(), function, &**names))
            })
            .collect();
        let Some(pairs) = pairs else { return false };
        for (key, function, names) in pairs {
            self.note_module(key, function);
            let id = self.builder.declare_function(unwrapped(function).span().start);
            let names = names.properties.iter().filter_map(|property| {
                let ObjectPropertyKind::ObjectProperty(property) = property else { return None };
                let module: Box<str> = match &property.value {
                    Expression::NumericLiteral(number) => (number.value as u64).to_string().into(),
                    Expression::StringLiteral(text) => text.value.as_str().into(),
                    _ => return None,
                };
                Some((property.key.static_name()?.into_owned().into(), module))
            });
            if self.bundle.names.len() < MAX_MODULES {
                self.bundle.names.insert(id, names.take(MAX_NAMES).collect());
                // What is packed is loaded by what the bundle begins with.
                self.builder.runs(id);
            }
        }
        true
    }

    fn note_module(&mut self, key: Box<str>, expression: &Expression<'a>) {
        if self.bundle.modules.len() >= MAX_MODULES {
            return;
        }
        let span = unwrapped(expression).span();
        let packed = Packed {
            function: self.builder.declare_function(span.start),
            exports: self.builder.declare_class(span.start),
            module: self.builder.declare_class(span.start + 1),
        };
        self.bundle.modules.insert(key, packed);
        self.bundle.by_function.insert(packed.function, packed);
        let exports = Value { class: Some(packed.exports), ..Value::default() };
        self.builder.set_member(&instance(packed.module), Some("exports"), &exports);
        // `e => { e.exports = require("https") }`
        if span.size() <= MAX_RELAY {
            let text = self.builder.text(span.start, span.end);
            let named = text.split_once("require(\"").and_then(|(before, rest)| {
                let (name, _) = rest.split_once("\")")?;
                before
                    .trim_end()
                    .ends_with("exports=")
                    .then_some(name)
                    .or_else(|| before.ends_with("exports = ").then_some(name))
            });
            if let Some(name) = named {
                let value = self.builder.import(name);
                self.builder.set_member(&instance(packed.module), Some("exports"), &value);
            }
        }
    }

    /// What a module's function is given as this parameter.
    pub(super) fn packed_parameter(&self, function: u32, index: usize) -> Option<Value<'a>> {
        let packed = self.bundle.by_function.get(&function)?;
        if self.bundle.names.contains_key(&function) {
            return match index {
                0 => Some(Value::at_path(self.builder.made(&format!("{REQUIRE}#{function}")))),
                1 => Some(instance(packed.module)),
                2 => Some(instance(packed.exports)),
                _ => None,
            };
        }
        match index {
            0 => Some(instance(packed.module)),
            1 => Some(instance(packed.exports)),
            2 => Some(Value::at_path(REQUIRE)),
            _ => None,
        }
    }

    /// True for what loads modules.
    pub(super) fn is_loader(&self, value: &Value<'a>) -> bool {
        self.bundle.on
            && (value.path.as_deref().is_some_and(|path| path.starts_with(REQUIRE) && !path.contains('('))
                || value.function.is_some_and(|function| self.bundle.loaders.contains(&function)))
    }

    /// The module that a loader is asked for.
    pub(super) fn loaded_module(
        &mut self,
        loader: &Value<'a>,
        arguments: &[FactArgument<'a>],
        place: Place,
    ) -> Option<Value<'a>> {
        let of =
            loader.path.as_deref().and_then(|path| path.strip_prefix(REQUIRE)?.strip_prefix('#')?.parse::<u32>().ok());
        if let Some(names) = of.and_then(|function| self.bundle.names.get(&function)) {
            let name = arguments.first()?.value.as_text()?.to_owned();
            // What is not packed is the machine's own.
            let Some(key) = names.get(name.as_str()) else { return Some(self.builder.import(&name)) };
            let packed = *self.bundle.modules.get(key)?;
            return Some(self.exports_of(packed, place));
        }
        let key = match &arguments.first()?.value.constant {
            Constant::Number(number) => self.bundle.modules.get(number.to_string().as_str()),
            Constant::Text(text) => self.bundle.modules.get(&**text),
            _ => None,
        };
        let packed = *key?;
        Some(self.exports_of(packed, place))
    }

    /// What a module offers, which runs when it is asked for.
    fn exports_of(&mut self, packed: Packed, place: Place) -> Value<'a> {
        self.builder.runs(packed.function);
        let mut value = self.builder.member(&instance(packed.module), "exports", place);
        if value.path.is_some() || value.function.is_some() {
            value.class = None;
        }
        value
    }

    /// What the helpers of a loader do: `t.d(exports, { name: () => value })`, `t.n(module)`.
    pub(super) fn loader_helper(&mut self, name: &str, call: &CallExpression<'a>) -> Option<Value<'a>> {
        let first = call.arguments.first()?.as_expression()?;
        match name {
            "d" => {
                let exports = self.eval(first).class?;
                match call.arguments.get(1)?.as_expression()? {
                    Expression::ObjectExpression(object) => {
                        for property in &object.properties {
                            if let ObjectPropertyKind::ObjectProperty(property) = property
                                && let Some(key) = property.key.static_name()
                            {
                                let key = self.builder.made(&key);
                                self.offers(exports, key, &property.value);
                            }
                        }
                    }
                    Expression::ArrayExpression(array) => self.offers_all(exports, array),
                    Expression::StringLiteral(key) => {
                        let getter = call.arguments.get(2)?.as_expression()?;
                        self.offers(exports, Text::from(key.value.as_str()), getter);
                    }
                    _ => return None,
                }
                Some(Value::default())
            }
            "n" => {
                let module = self.eval(first);
                let id = self.builder.declare_function(call.span.start);
                self.builder.hands_out(id, module.clone());
                let constant = Constant::Record([(Text::from("a"), module)].into());
                Some(Value { function: Some(id), constant, ..Value::default() })
            }
            _ => None,
        }
    }

    /// `["name", getter, "other", 0, value]`
    fn offers_all(&mut self, exports: u32, array: &ArrayExpression<'a>) {
        let mut elements = array.elements.iter().filter_map(|element| element.as_expression());
        while let Some(Expression::StringLiteral(key)) = elements.next() {
            match elements.next() {
                Some(Expression::NumericLiteral(_)) => {
                    let Some(value) = elements.next() else { return };
                    let value = self.eval(value);
                    self.builder.set_member(&instance(exports), Some(key.value.as_str()), &value);
                }
                Some(getter) => self.offers(exports, Text::from(key.value.as_str()), getter),
                None => return,
            }
        }
    }

    /// A module offers what a function yields. A name may get its value later, before the module's function ends.
    fn offers(&mut self, exports: u32, key: Text<'a>, getter: &Expression<'a>) {
        let function = self.eval(getter);
        let place = self.place(getter.span());
        match returned(unwrapped(getter)) {
            Some(Expression::Identifier(name)) => {
                self.bundle.pending.push((place.function, exports, key, name.name.as_str()));
            }
            _ => {
                let value = self.builder.call(function, Vec::new(), Taint::NONE, place);
                self.builder.set_member(&instance(exports), Some(&key), &value);
            }
        }
    }

    /// The function ends: the names that its module offers have their values.
    pub(super) fn offers_pending(&mut self, function: u32) {
        while self.bundle.pending.last().is_some_and(|(owner, ..)| *owner == function) {
            let Some((_, exports, key, name)) = self.bundle.pending.pop() else { return };
            let value = self.builder.name(name);
            self.builder.set_member(&instance(exports), Some(&key), &value);
        }
    }
}

fn instance<'a>(class: u32) -> Value<'a> {
    Value { class: Some(class), ..Value::default() }
}

/// How many parameters a function takes.
fn parameters(expression: &Expression<'_>) -> Option<usize> {
    match unwrapped(expression) {
        Expression::FunctionExpression(function) => Some(function.params.items.len()),
        Expression::ArrowFunctionExpression(arrow) => Some(arrow.params.items.len()),
        _ => None,
    }
}

/// What a function of one expression yields.
fn returned<'e, 'a>(getter: &'e Expression<'a>) -> Option<&'e Expression<'a>> {
    let of = |statements: &'e [Statement<'a>]| match statements {
        [Statement::ReturnStatement(inner)] => inner.argument.as_ref().map(unwrapped),
        _ => None,
    };
    match getter {
        Expression::FunctionExpression(function) => of(&function.body.as_ref()?.statements),
        Expression::ArrowFunctionExpression(arrow) => match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => of(&body.statements),
            body => body.as_expression().map(unwrapped),
        },
        _ => None,
    }
}
