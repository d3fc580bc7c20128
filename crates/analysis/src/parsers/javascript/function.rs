//! Functions and classes: what they are given, and their bodies.

use oxc_ast::ast::*;
use oxc_ast_visit::Visit;
use oxc_span::GetSpan;

use super::Walker;
use crate::facts::{Taint, Value, makes_key};

/// Bytes of a function that are looked at for the members that it gives an instance.
const MAX_CONSTRUCTOR: u32 = 4_000;

/// Bytes of a source in which methods are known before they are read. In a bundle they belong to strangers: until they are
/// read it is only known that who calls one runs it.
pub(super) const MAX_HOISTED: usize = 256 << 10;

/// Arguments that are followed into `...rest`.
const MAX_REST: usize = 4;

/// The body of a function.
pub(super) enum Body<'s, 'a> {
    Statements(&'s [Statement<'a>]),
    Expression(&'s Expression<'a>),
}

impl<'a> Walker<'_, 'a> {
    pub(super) fn hoist_all(&mut self, statements: &[Statement<'a>]) {
        for statement in statements {
            match statement {
                Statement::ImportDeclaration(import) => self.import(import),
                Statement::FunctionDeclaration(function) => self.hoist(function),
                Statement::ExportDeclaration(export) => {
                    if let Declaration::FunctionDeclaration(function) = &export.declaration {
                        self.hoist(function);
                    }
                }
                Statement::ExportDefaultDeclaration(export) => {
                    if let ExportDefaultDeclarationKind::FunctionDeclaration(function) = &export.declaration {
                        self.hoist(function);
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn hoist(&mut self, function: &Function<'a>) {
        if let Some(name) = &function.id {
            let id = self.builder.declare_function(function.span.start);
            let name = name.name.as_str();
            let class = self.constructor(id, name, function);
            self.builder.bind(name, Value { function: Some(id), class, ..Value::default() });
            self.note_loader(id, function);
            if let Some(body) = &function.body {
                self.routine(id, Some(name), function.span, &function.params, &body.statements, None);
                self.relay(id, &function.params, &body.statements, None);
            }
        }
    }

    /// The class that a function of a capital name makes instances of, where it gives them members.
    fn constructor(&mut self, id: u32, name: &str, function: &Function<'a>) -> Option<u32> {
        if let Some(class) = self.constructors.get(&id) {
            return Some(*class);
        }
        let capital = name.trim_start_matches('_').starts_with(|letter: char| letter.is_ascii_uppercase());
        let span = function.body.as_ref().filter(|_| capital)?.span;
        let text = self.builder.text(span.start, span.end.min(span.start + MAX_CONSTRUCTOR));
        if memchr::memmem::find(text.as_bytes(), b"this.").is_none() {
            self.plain.insert(id, function.span.start);
            return None;
        }
        let class = self.builder.declare_class(function.span.start);
        self.builder.declare_method(class, "constructor", id);
        self.constructors.insert(id, class);
        Some(class)
    }

    /// A function: its parameters, its body.
    pub(super) fn function(&mut self, id: u32, parameters: &FormalParameters<'a>, body: Body<'_, 'a>) {
        let given = std::mem::take(&mut self.given);
        if self.builder.passes_over(id) {
            (self.handed, self.makes_key) = (None, false);
            return;
        }
        let frame = self.builder.enter(id);
        for (index, parameter) in parameters.items.iter().enumerate() {
            let name = match &parameter.pattern {
                BindingPattern::BindingIdentifier(name) => name.name.as_str(),
                _ => "",
            };
            let mut value = self.builder.parameter(id, index, name);
            if let Some(handed) = self.handed.take().filter(|_| index == 0) {
                value.join(handed);
            }
            value.taint |= given;
            if let Some(packed) = self.packed_parameter(id, index) {
                value = packed;
            }
            if let BindingPattern::BindingIdentifier(name) = &parameter.pattern {
                self.builder.named_parameter(&mut value, name.name.as_str());
                if index == 0 && self.makes_key {
                    value.taint |= Taint::KEY;
                }
            }
            if let Some(default) = &parameter.initializer {
                value.join(self.eval(default));
            }
            self.bind(&parameter.pattern, value);
        }
        if let Some(rest) = &parameters.rest {
            // All that follows is one list.
            let first = parameters.items.len();
            let all = (first..first + MAX_REST).map(|index| self.builder.parameter(id, index, "").taint);
            let taint = all.fold(Taint::NONE, |all, taint| all | taint);
            self.bind(&rest.rest.argument, Value::tainted(taint));
        }
        self.makes_key = false;
        match body {
            Body::Statements(statements) => self.statements(statements),
            Body::Expression(expression) => {
                let value = self.eval(expression);
                self.builder.returns(value);
            }
        }
        self.offers_pending(id);
        self.builder.leave(frame);
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    pub(super) fn function_expression(&mut self, function: &Function<'a>) -> Value<'a> {
        let id = self.builder.declare_function(function.span.start);
        self.makes_key |= function.id.as_ref().is_some_and(|name| makes_key(name.name.as_str()));
        if let Some(body) = &function.body {
            self.function(id, &function.params, Body::Statements(&body.statements));
            self.routine(id, None, function.span, &function.params, &body.statements, None);
            self.relay(id, &function.params, &body.statements, None);
        }
        Value { function: Some(id), ..Value::default() }
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    pub(super) fn class(&mut self, class: &Class<'a>) -> Value<'a> {
        let id = self.builder.declare_class(class.span.start);
        let mut base = None;
        if let Some(heritage) = &class.heritage {
            let value = self.eval(&heritage.expression);
            let place = self.place(heritage.expression.span());
            self.builder.subclass(&value, place);
            self.builder.derives(id, &value);
            base = value.path;
        }
        for decorator in &class.decorators {
            self.eval(&decorator.expression);
        }
        let value = Value { class: Some(id), ..Value::default() };
        if let Some(name) = &class.id {
            self.builder.bind(name.name.as_str(), value.clone());
        }
        let outer = self.class.replace(id);
        self.hoist_methods(id, &class.body);
        let before = self.builder.overriding(base.as_deref());
        self.visit_class_body(&class.body);
        self.builder.override_again(before);
        self.class = outer;
        value
    }

    /// Methods exist before the first of them is called, wherever they stand.
    fn hoist_methods(&mut self, class: u32, body: &ClassBody<'a>) {
        let known = self.builder.source().len() <= MAX_HOISTED;
        for element in &body.body {
            if let ClassElement::MethodDefinition(method) = element
                && method.kind == MethodDefinitionKind::Method
                && let PropertyKey::StaticIdentifier(name) = &method.key
            {
                let id = self.builder.declare_function(method.value.span.start);
                match known {
                    true => self.builder.declare_method(class, name.name.as_str(), id),
                    false => self.builder.expect_method(class, name.name.as_str(), id),
                }
            }
        }
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    pub(super) fn arrow(&mut self, arrow: &ArrowFunctionExpression<'a>) -> Value<'a> {
        let id = self.builder.declare_function(arrow.span.start);
        match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => {
                self.function(id, &arrow.params, Body::Statements(&body.statements));
                self.routine(id, None, arrow.span, &arrow.params, &body.statements, None);
                self.relay(id, &arrow.params, &body.statements, None);
            }
            body => {
                if let Some(expression) = body.as_expression() {
                    self.function(id, &arrow.params, Body::Expression(expression));
                    self.routine(id, None, arrow.span, &arrow.params, &[], Some(expression));
                    self.relay(id, &arrow.params, &[], Some(expression));
                }
            }
        }
        Value { function: Some(id), ..Value::default() }
    }
}
