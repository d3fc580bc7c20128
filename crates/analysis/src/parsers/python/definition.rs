//! Functions and classes of Python: what they are called with, and what stands in them.

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::computing::Definition;
use super::statement::is_setup_command;
use super::{Class, LONG_DEFAULT, MAX_LOOKS, MAX_MENTIONS, Walker};
use crate::facts::{Argument, Constant, Place, Taint, Value, makes_key};

impl<'a> Walker<'_, 'a> {
    pub(super) fn function(&mut self, function: &'a ast::StmtFunctionDef) {
        let mut ordered = false;
        let mut property = false;
        let mut fixed = false;
        let id = self.builder.declare_function(function.name.start().to_u32());
        for decorator in &function.decorator_list {
            let value = self.eval(&decorator.expression);
            ordered |= self.builder.takes_orders(&value);
            let name = decorator.expression.as_name_expr().map(|name| name.id.as_str());
            property |= matches!(name, Some("property" | "cached_property"));
            fixed |= name == Some("staticmethod");
            self.builder.decorates(&value, id);
            if value.path.as_deref().is_some_and(|path| !path.ends_with("()")) {
                let place = self.place(decorator);
                // `@atexit.register`
                let given = match self.builder.starts(&value) {
                    true => Value { function: Some(id), ..Value::default() },
                    false => Value::default(),
                };
                self.builder.call(value, vec![Argument { name: None, value: given }], Taint::NONE, place);
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
                if text || value.path.is_some() || value.function.is_some() || value.taint.any(Taint::HELD) {
                    defaults.push((parameter.name().as_str(), value));
                }
            }
        }
        let name = function.name.as_str();
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
        if self.builder.passes_over(id) {
            if let Some(class) = self.class.as_ref().filter(|_| property) {
                self.builder.property(class.id, name, id);
            }
            return self.decorated(function, id);
        }
        let outer = self.class.take();
        let base = outer.as_ref().and_then(|class| class.base.clone()).filter(|_| function.name.starts_with("on_"));
        ordered |= base.is_some_and(|base| self.builder.takes_orders(&Value::at_path(self.builder.made(&base))));
        let frame = self.builder.enter(id);
        for (index, parameter) in function.parameters.iter().enumerate() {
            let name = parameter.name().as_str();
            let value = match &outer {
                // A metaclass is given the classes that it makes.
                Some(class) if index == 0 && !fixed => {
                    let made = if name == "cls" { self.builder.parameter(id, 0, name).class } else { None };
                    Value { class: made.or(Some(class.id)), ..Value::default() }
                }
                // Callers count the object, which a static method is not given.
                _ => {
                    let index = index + usize::from(fixed && outer.is_some());
                    self.parameter(id, index, name, function.name.as_str(), outer.is_some())
                }
            };
            let default = defaults.iter().find(|(named, _)| *named == name).filter(|_| value.path.is_none());
            let value = match default {
                Some((_, default)) => Value { path: default.path, function: default.function, ..value },
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
        if let Some(options) = &function.parameters.kwarg {
            let named = |name: &str| function.parameters.iter().any(|parameter| parameter.name().as_str() == name);
            let known = self.builder.keywords(id, named);
            if let Some(mut value) = known {
                value.taint |= self.builder.name(options.name.as_str()).taint;
                self.builder.bind(options.name.as_str(), value);
            }
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
    pub(super) fn decorated(&mut self, function: &'a ast::StmtFunctionDef, id: u32) {
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
    pub(super) fn parameter(&self, id: u32, index: usize, name: &str, function: &str, method: bool) -> Value<'a> {
        let mut value = self.builder.parameter(id, index, name);
        self.builder.named_parameter(&mut value, name);
        if index == usize::from(method) && makes_key(function) {
            value.taint |= Taint::KEY;
        }
        value
    }

    pub(super) fn class(&mut self, class: &'a ast::StmtClassDef) {
        for decorator in &class.decorator_list {
            self.eval(&decorator.expression);
        }
        let (mut base, mut metaclass, mut above) = (None, None, None);
        if let Some(arguments) = &class.arguments {
            for argument in &arguments.args {
                let value = self.eval(argument);
                self.builder
                    .subclass(&value, self.builder.place(class.name.start().to_u32(), class.name.end().to_u32()));
                self.builder.runs_methods(&value, &["__init_subclass__"]);
                above = above.or(value.class.map(|_| value.clone()));
                base = base.or(value.path.map(|path| path.to_string()));
            }
            for keyword in &arguments.keywords {
                let value = self.eval(&keyword.value);
                self.builder.runs_methods(&value, &["__new__", "__init__", "__prepare__"]);
                metaclass = Some(value);
            }
        }
        let id = self.builder.declare_class(class.name.start().to_u32());
        if let Some(above) = above {
            self.builder.derives(id, &above);
        }
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
        // Methods may call those that stand below them.
        for statement in &class.body {
            if let Stmt::FunctionDef(method) = statement
                && method.decorator_list.is_empty()
            {
                let function = self.builder.declare_function(method.name.start().to_u32());
                self.builder.declare_method(id, method.name.as_str(), function);
            }
        }
        self.visit_body(&class.body);
        self.class = outer;
        self.builder.override_again(before);
    }

    /// True for a class that callers of its base may be given: one with a name of the module's own, or one that is put in
    /// the place of another or handed to somebody, as far as the text tells.
    pub(super) fn is_handed_out(&mut self, class: &'a ast::StmtClassDef) -> bool {
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

    pub(super) fn lambda(&mut self, lambda: &'a ast::ExprLambda) -> Value<'a> {
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
}
