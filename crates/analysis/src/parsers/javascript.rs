//! JavaScript and TypeScript: oxc's tree, walked once, told to the [`Builder`].
//!
//! The caller has bounded the nesting and provides the stack. Types are not walked: they never run.

mod routine;

use hashbrown::HashMap;
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, UnaryOperator};
use oxc_syntax::scope::ScopeFlags;

use crate::facts::routine::{Data, Machine};
use crate::facts::{Argument as FactArgument, Builder, Constant, Place, Taint, Text, Value};
use routine::{Lower, operator};

/// Walks a program.
pub(super) fn read<'a>(program: &Program<'a>, builder: &mut Builder<'a>) {
    let marks = Marks::of(program.source_text);
    let steps =
        if marks.obfuscated { (1_000_000 + program.source_text.len() as u64 * 40).min(12_000_000) } else { 300_000 };
    let left = if marks.obfuscated { 600_000 } else { 60_000 };
    let machine = Machine::new(false, steps);
    let mut walker = Walker {
        builder,
        class: None,
        given: Taint::NONE,
        marks,
        machine,
        routines: HashMap::new(),
        named: HashMap::new(),
        relays: HashMap::new(),
        handed: None,
        left,
    };
    walker.statements(&program.body);
}

struct Walker<'b, 'a> {
    builder: &'b mut Builder<'a>,
    /// The class being read, which `this` is an instance of.
    class: Option<u32>,
    /// What the call whose arguments are being read will give to a function among them.
    given: Taint,
    marks: Marks,
    machine: Machine,
    /// Functions that only compute, by their number.
    routines: HashMap<u32, Data>,
    /// The names of those that may replace themselves.
    named: HashMap<u32, Box<str>>,
    /// Functions that hand their arguments to the first of them: `(f, a) => f(a)`. Which parameter is called, with which.
    relays: HashMap<u32, (usize, Vec<usize>)>,
    /// What the function that is read next is given as its first parameter: the module of `import("x").then(...)`.
    handed: Option<Value<'a>>,
    /// Nodes that may still be lowered to routines.
    left: usize,
}

/// Where in the source texts are decoded: only functions around these are worth evaluating.
struct Marks {
    at: Vec<u32>,
    /// Whether the file looks like the output of a tool that hides every text.
    obfuscated: bool,
}

/// Bytes of a function that is evaluated.
const MAX_ROUTINE: u32 = 24 << 10;
/// Marks that are kept of one file.
const MAX_MARKS: usize = 20_000;

impl Marks {
    fn of(source: &str) -> Self {
        let bytes = source.as_bytes();
        let mut at = Vec::new();
        for word in ["CharCode", "CodePoint", "base64", "atob", ".reverse(", "'hex'", "\"hex\""] {
            at.extend(memchr::memmem::find_iter(bytes, word).take(MAX_MARKS).map(|at| at as u32));
        }
        at.sort_unstable();
        let named = memchr::memmem::find_iter(bytes, "_0x").take(12).count() == 12;
        // No minifier writes `true` so: obfuscators do in the loop that turns their table of texts.
        let turned = memchr::memmem::find(bytes, b"!![]").is_some() && memchr::memmem::find(bytes, b"shift").is_some();
        Self { at, obfuscated: named || turned }
    }

    /// Whether something in the span is decoded.
    fn within(&self, span: Span) -> bool {
        let first = self.at.partition_point(|at| *at < span.start);
        self.at.get(first).is_some_and(|at| *at < span.end)
    }
}

impl<'a> Walker<'_, 'a> {
    fn lower(&mut self) -> Lower<'_, 'a> {
        let Self { builder, machine, routines, left, .. } = self;
        Lower { builder, machine, routines, left, locals: Vec::new(), depth: 0 }
    }

    /// Remembers a function that only computes, if it is worth it.
    fn routine(
        &mut self,
        id: u32,
        name: Option<&str>,
        span: Span,
        parameters: &FormalParameters<'a>,
        statements: &[Statement<'a>],
        expression: Option<&Expression<'a>>,
    ) {
        let wanted = self.marks.obfuscated || self.marks.within(span);
        if !wanted || span.size() > MAX_ROUTINE || self.left == 0 || self.routines.contains_key(&id) {
            return;
        }
        let Some(function) = self.lower().function(None, parameters, statements, expression) else { return };
        let value = self.machine.function(function);
        if let Some(name) = name.filter(|_| self.marks.obfuscated) {
            self.machine.declare(name, value.clone());
            self.named.insert(id, name.into());
        }
        self.routines.insert(id, value);
    }

    /// The table of texts of an obfuscator, and the loop that turns it: both must be known before the first use.
    fn prepare(&mut self, statements: &[Statement<'a>]) {
        for statement in statements {
            match statement {
                Statement::VariableDeclaration(declaration) => {
                    for declarator in &declaration.declarations {
                        let (BindingPattern::BindingIdentifier(name), Some(init)) = (&declarator.id, &declarator.init)
                        else {
                            continue;
                        };
                        let table = matches!(unwrapped(init), Expression::ArrayExpression(_));
                        let function = matches!(
                            unwrapped(init),
                            Expression::FunctionExpression(_) | Expression::ArrowFunctionExpression(_)
                        );
                        let fits = table || init.span().size() <= MAX_ROUTINE;
                        if (table || function)
                            && fits
                            && let Some(node) = self.lower().node(init)
                            && let Some(value) = self.machine.evaluate(&node)
                        {
                            self.machine.declare(name.name.as_str(), value);
                        }
                    }
                }
                Statement::ExpressionStatement(inner) if inner.span.size() <= MAX_ROUTINE => {
                    let text = self.builder.text(inner.span.start, inner.span.end);
                    if text.contains("shift")
                        && text.contains("push")
                        && let Some(node) = self.lower().node(&inner.expression)
                    {
                        self.machine.evaluate(&node);
                    }
                }
                _ => {}
            }
        }
    }

    /// The routine that a function is by now: the one that makes an obfuscator's table replaces itself, and calling the
    /// first again would undo how the table was turned.
    fn current(&self, id: u32) -> Option<Data> {
        let replaced = self.named.get(&id).and_then(|name| self.machine.global(name));
        replaced.or_else(|| self.routines.get(&id).cloned())
    }

    /// What a routine yields for constant arguments.
    fn computed_call(&mut self, callee: &Value<'a>, arguments: &[FactArgument<'a>]) -> Option<Value<'a>> {
        let routine = self.current(callee.function?)?;
        let values = self.adopted(arguments)?;
        let value = self.machine.call(&routine, values)?;
        self.yields(&value)
    }

    fn yields(&mut self, value: &Data) -> Option<Value<'a>> {
        let constant = self.machine.constant(value);
        if let Data::Path(path) = value {
            return Some(Value::at_path(path.to_string()));
        }
        let decoded = self.machine.has_decoded() || self.marks.obfuscated;
        let taint = if decoded { Taint::DECODED } else { Taint::NONE };
        (!matches!(constant, Constant::Unknown)).then_some(Value { constant, taint, ..Value::default() })
    }

    fn adopted(&mut self, arguments: &[FactArgument<'a>]) -> Option<Vec<Data>> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let routine = argument.value.function.and_then(|id| self.current(id));
            values.push(match routine {
                Some(routine) => routine,
                None => self.machine.adopt(&argument.value)?,
            });
        }
        Some(values)
    }

    /// What a built-in function yields for constant arguments.
    #[inline(never)] // Keeps the frame of `eval` small.
    fn computed_path(&mut self, path: &str, arguments: &[FactArgument<'a>]) -> Option<Value<'a>> {
        let values = self.adopted(arguments)?;
        let value = self.machine.call(&Data::Path(path.into()), values)?;
        self.yields(&value)
    }

    /// What a whole call yields.
    #[inline(never)] // Keeps the frame of `eval` small.
    fn computed_whole(&mut self, call: &CallExpression<'a>) -> Option<Value<'a>> {
        let node = self.lower().whole_call(call)?;
        let value = self.machine.evaluate(&node)?;
        self.yields(&value)
    }

    /// A method of a constant that folding does not know: `"x".charCodeAt(0)`, `[1, 2].map(f)`.
    #[inline(never)] // Keeps the frame of `eval` small.
    fn computed_method(
        &mut self,
        receiver: &Value<'a>,
        name: &str,
        arguments: &[FactArgument<'a>],
    ) -> Option<Value<'a>> {
        let constant = matches!(receiver.constant, Constant::Text(_) | Constant::Number(_) | Constant::List(_));
        // What folding does by itself.
        let folded = matches!(name, "split" | "toLowerCase" | "toUpperCase" | "replace" | "concat" | "push");
        if !constant || folded || receiver.path.is_some() || self.machine.is_spent() {
            return None;
        }
        let values = self.adopted(arguments)?;
        let object = self.machine.adopt(receiver)?;
        let value = self.machine.method(&object, name, values)?;
        self.yields(&value)
    }

    fn place(&self, span: Span) -> Place {
        self.builder.place(span.start, span.end)
    }

    /// A list of statements: functions and imports exist before the first of them runs.
    fn statements(&mut self, statements: &[Statement<'a>]) {
        self.hoist_all(statements);
        if self.marks.obfuscated {
            self.prepare(statements);
        }
        for statement in statements {
            self.visit_statement(statement);
        }
    }

    fn hoist_all(&mut self, statements: &[Statement<'a>]) {
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

    fn hoist(&mut self, function: &Function<'a>) {
        if let Some(name) = &function.id {
            let id = self.builder.declare_function(function.span.start);
            let name = name.name.as_str();
            self.builder.bind(name, Value { function: Some(id), ..Value::default() });
            if let Some(body) = &function.body {
                self.routine(id, Some(name), function.span, &function.params, &body.statements, None);
                self.relay(id, &function.params, &body.statements, None);
            }
        }
    }

    /// Notes a function that only hands its arguments on.
    fn relay(
        &mut self,
        id: u32,
        parameters: &FormalParameters<'a>,
        statements: &[Statement<'a>],
        expression: Option<&Expression<'a>>,
    ) {
        let returned = match (statements, expression) {
            (_, Some(expression)) => expression,
            ([Statement::ReturnStatement(inner)], None) => match &inner.argument {
                Some(argument) => argument,
                None => return,
            },
            _ => return,
        };
        let Expression::CallExpression(call) = unwrapped(returned) else { return };
        let index = |expression: &Expression<'a>| {
            let Expression::Identifier(name) = expression else { return None };
            parameters.items.iter().position(|parameter| match &parameter.pattern {
                BindingPattern::BindingIdentifier(own) => own.name == name.name,
                _ => false,
            })
        };
        let Some(callee) = index(unwrapped(&call.callee)) else { return };
        let handed: Option<Vec<usize>> =
            call.arguments.iter().map(|argument| argument.as_expression().and_then(index)).collect();
        if let Some(handed) = handed {
            self.relays.insert(id, (callee, handed));
        }
    }

    fn import(&mut self, import: &ImportDeclaration<'a>) {
        if import.import_kind.is_type() {
            return;
        }
        let module = self.builder.import(import.source.value.as_str());
        for specifier in import.specifiers.iter().flatten() {
            match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(named) => {
                    let place = self.place(named.span);
                    let name = named.imported.name();
                    let value = self.builder.member(&module, name.as_str(), place);
                    self.builder.bind(named.local.name.as_str(), value);
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(whole) => {
                    self.builder.bind(whole.local.name.as_str(), module.clone());
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(whole) => {
                    self.builder.bind(whole.local.name.as_str(), module.clone());
                }
            }
        }
    }

    /// Gives the names of a pattern what stands on its right.
    fn bind(&mut self, pattern: &BindingPattern<'a>, value: Value<'a>) {
        match pattern {
            BindingPattern::BindingIdentifier(name) => self.builder.bind(name.name.as_str(), value),
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    let place = self.place(property.span);
                    let part = match &property.key {
                        PropertyKey::StaticIdentifier(name) => self.builder.member(&value, name.name.as_str(), place),
                        PropertyKey::PrivateIdentifier(_) => Value::default(),
                        key => {
                            let key = key.as_expression().map(|key| self.eval(key)).unwrap_or_default();
                            self.builder.index(&value, &key, place)
                        }
                    };
                    self.bind(&property.value, part);
                }
                if let Some(rest) = &object.rest {
                    self.bind(&rest.argument, value);
                }
            }
            BindingPattern::ArrayPattern(array) => {
                for (index, element) in array.elements.iter().enumerate() {
                    let item = value.items().get(index).cloned().unwrap_or_else(|| Value::tainted(value.taint));
                    if let Some(element) = element {
                        self.bind(element, item);
                    }
                }
                if let Some(rest) = &array.rest {
                    self.bind(&rest.argument, Value::tainted(value.taint));
                }
            }
            BindingPattern::AssignmentPattern(with_default) => {
                let default = self.eval(&with_default.right);
                let value = if value.is_unknown() { default } else { value };
                self.bind(&with_default.left, value);
            }
        }
    }

    /// A function: its parameters, its body.
    fn function(&mut self, id: u32, parameters: &FormalParameters<'a>, body: Body<'_, 'a>) {
        let given = std::mem::take(&mut self.given);
        let frame = self.builder.enter(id);
        for (index, parameter) in parameters.items.iter().enumerate() {
            let mut value = self.builder.parameter(id, index, "");
            if let Some(handed) = self.handed.take().filter(|_| index == 0) {
                value.join(handed);
            }
            value.taint |= given;
            if let Some(default) = &parameter.initializer {
                value.join(self.eval(default));
            }
            self.bind(&parameter.pattern, value);
        }
        if let Some(rest) = &parameters.rest {
            self.bind(&rest.rest.argument, Value::default());
        }
        match body {
            Body::Statements(statements) => self.statements(statements),
            Body::Expression(expression) => {
                let value = self.eval(expression);
                self.builder.returns(value);
            }
        }
        self.builder.leave(frame);
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn function_expression(&mut self, function: &Function<'a>) -> Value<'a> {
        let id = self.builder.declare_function(function.span.start);
        if let Some(body) = &function.body {
            self.function(id, &function.params, Body::Statements(&body.statements));
            self.routine(id, None, function.span, &function.params, &body.statements, None);
            self.relay(id, &function.params, &body.statements, None);
        }
        Value { function: Some(id), ..Value::default() }
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn class(&mut self, class: &Class<'a>) -> Value<'a> {
        if let Some(heritage) = &class.heritage {
            let base = self.eval(&heritage.expression);
            let place = self.place(heritage.expression.span());
            self.builder.subclass(&base, place);
        }
        for decorator in &class.decorators {
            self.eval(&decorator.expression);
        }
        let id = self.builder.declare_class(class.span.start);
        let value = Value { class: Some(id), ..Value::default() };
        if let Some(name) = &class.id {
            self.builder.bind(name.name.as_str(), value.clone());
        }
        let outer = self.class.replace(id);
        self.visit_class_body(&class.body);
        self.class = outer;
        value
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn arrow(&mut self, arrow: &ArrowFunctionExpression<'a>) -> Value<'a> {
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

    /// The arguments of a call; functions among them are given what the call yields.
    fn arguments(
        &mut self,
        arguments: &[Argument<'a>],
        callee: &Value<'a>,
        key: Option<&str>,
    ) -> Vec<FactArgument<'a>> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            if matches!(argument, Argument::FunctionExpression(_) | Argument::ArrowFunctionExpression(_)) {
                self.given = self.builder.given_to_callback(callee, key, &values);
                let module = key == Some("then") && callee.path.as_deref().is_some_and(|path| !path.contains('('));
                self.handed = module.then(|| callee.clone());
            }
            let value = match argument {
                Argument::SpreadElement(spread) => {
                    let list = self.eval(&spread.argument);
                    let copied = size_of_val(list.items());
                    if copied > 0 && self.builder.afford(copied) {
                        values.extend(list.items().iter().cloned().map(|value| FactArgument { name: None, value }));
                        continue;
                    }
                    Value::tainted(list.whole_taint())
                }
                other => other.as_expression().map(|expression| self.eval(expression)).unwrap_or_default(),
            };
            values.push(FactArgument { name: None, value });
        }
        values
    }

    fn call(&mut self, call: &CallExpression<'a>) -> Value<'a> {
        let place = self.place(call.span);
        let callee = unwrapped(&call.callee);
        let receiver = match callee {
            Expression::StaticMemberExpression(member)
                if Self::is_function_maker(&member.object, member.property.name.as_str()) =>
            {
                Some((Value::at_path("Function"), None))
            }
            Expression::StaticMemberExpression(member) => {
                Some((self.eval(&member.object), Some(Text::from(member.property.name.as_str()))))
            }
            Expression::ComputedMemberExpression(member) => {
                let object = self.eval(&member.object);
                let key = self.eval(&member.expression);
                match key.constant {
                    Constant::Text(text) if Self::is_function_maker(&member.object, &text) => {
                        Some((Value::at_path("Function"), None))
                    }
                    Constant::Text(text) => Some((object, Some(text))),
                    _ => Some((self.builder.index(&object, &key, place), None)),
                }
            }
            _ => None,
        };
        match receiver {
            Some((object, Some(name))) => {
                let arguments = self.arguments(&call.arguments, &object, Some(&name));
                if let Some(function) = object.field(&name).filter(|field| field.function.is_some()) {
                    let callee = function.clone();
                    return self.called(callee, arguments, place);
                }
                if let Some(value) = self.handed_on(&object, &name, &arguments, place) {
                    return value;
                }
                let computed = self.computed_method(&object, &name, &arguments);
                let value = self.builder.call_method(object, &name, arguments, place);
                let missing = computed.is_none() && matches!(value.constant, Constant::Unknown);
                // What stands between may be longer than what is kept of a list.
                let whole = missing && &*name == "join" && self.marks.within(call.span) && self.left > 0;
                let computed = if whole { self.computed_whole(call) } else { computed };
                better(value, computed)
            }
            Some((callee, None)) => {
                let arguments = self.arguments(&call.arguments, &callee, None);
                self.called(callee, arguments, place)
            }
            None => {
                let plain = match callee {
                    Expression::Identifier(name) => Some(name.name.as_str()),
                    _ => None,
                };
                let callee = self.eval(callee);
                let arguments = self.arguments(&call.arguments, &callee, None);
                let plain = plain.filter(|name| COMPUTING.contains(name) && callee.is_unknown());
                let computed = plain.and_then(|name| self.computed_path(name, &arguments));
                better(self.called(callee, arguments, place), computed)
            }
        }
    }

    /// Calls that call something they are given: `Reflect.apply(f, this, [a])`, `["a"].map(f)`.
    #[inline(never)] // Keeps the frame of `eval` small.
    fn handed_on(
        &mut self,
        object: &Value<'a>,
        name: &str,
        arguments: &[FactArgument<'a>],
        place: Place,
    ) -> Option<Value<'a>> {
        let inner = arguments.first().map(|argument| &argument.value).filter(|inner| inner.path.is_some())?.clone();
        let plain = |value: &Value<'a>| FactArgument { name: None, value: value.clone() };
        let handed: Vec<FactArgument<'a>> = match (object.path.as_deref(), name) {
            (Some("Reflect"), "apply") => arguments.get(2)?.value.items().iter().map(plain).collect(),
            (Some("Reflect"), "construct") => arguments.get(1)?.value.items().iter().map(plain).collect(),
            (_, "map" | "forEach") => object.items().iter().take(1).map(plain).collect(),
            _ => return None,
        };
        (!handed.is_empty()).then(|| self.builder.call(inner, handed, Taint::NONE, place))
    }

    /// `[]["filter"]["constructor"]`: what makes a method of anything makes functions.
    fn is_function_maker(object: &Expression<'a>, key: &str) -> bool {
        let of = match unwrapped(object) {
            Expression::StaticMemberExpression(member) => unwrapped(&member.object),
            Expression::ComputedMemberExpression(member) => unwrapped(&member.object),
            _ => return false,
        };
        key == "constructor" && (of.is_literal() || matches!(of, Expression::ArrayExpression(_)))
    }

    /// Gives what stands on the left of an assignment what stands on its right.
    fn assign_target(&mut self, target: &AssignmentTarget<'a>, value: Value<'a>) {
        match target {
            AssignmentTarget::AssignmentTargetIdentifier(name) => self.builder.assign(name.name.as_str(), value),
            AssignmentTarget::ArrayAssignmentTarget(array) => {
                for (index, element) in array.elements.iter().enumerate() {
                    let item = value.items().get(index).cloned().unwrap_or_else(|| Value::tainted(value.taint));
                    if let Some(element) = element {
                        self.assign_maybe(element, item);
                    }
                }
            }
            AssignmentTarget::ObjectAssignmentTarget(object) => {
                for property in &object.properties {
                    match property {
                        AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(name) => {
                            let place = self.place(name.span);
                            let part = self.builder.member(&value, name.binding.name.as_str(), place);
                            self.builder.assign(name.binding.name.as_str(), part);
                        }
                        AssignmentTargetProperty::AssignmentTargetPropertyProperty(property) => {
                            let place = self.place(property.span);
                            let key = match &property.name {
                                PropertyKey::StaticIdentifier(name) => Value::text(name.name.as_str()),
                                key => key.as_expression().map(|key| self.eval(key)).unwrap_or_default(),
                            };
                            let part = self.builder.index(&value, &key, place);
                            self.assign_maybe(&property.binding, part);
                        }
                    }
                }
            }
            target => self.visit_assignment_target(target),
        }
    }

    fn assign_maybe(&mut self, target: &AssignmentTargetMaybeDefault<'a>, value: Value<'a>) {
        match target {
            AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(inner) => {
                let default = self.eval(&inner.init);
                let value = if value.is_unknown() { default } else { value };
                self.assign_target(&inner.binding, value);
            }
            other => {
                if let Some(target) = other.as_assignment_target() {
                    self.assign_target(target, value);
                }
            }
        }
    }

    /// A call whose callee is known as far as it can be.
    fn called(&mut self, callee: Value<'a>, arguments: Vec<FactArgument<'a>>, place: Place) -> Value<'a> {
        if let Some((index, handed)) = callee.function.and_then(|id| self.relays.get(&id))
            && let Some(inner) = arguments.get(*index).map(|argument| argument.value.clone())
            && (inner.path.is_some() || inner.function.is_some())
        {
            let handed = handed.iter().filter_map(|index| arguments.get(*index).cloned()).collect();
            if let Some(id) = callee.function {
                self.builder.runs(id);
            }
            let computed = self.computed_call(&inner, &arguments);
            return better(self.builder.call(inner, handed, Taint::NONE, place), computed);
        }
        let computed = self.computed_call(&callee, &arguments);
        let text = computed.as_ref().and_then(|value| value.as_text()).map(str::to_owned);
        let mut value = better(self.builder.call(callee, arguments, Taint::NONE, place), computed);
        if let Some(text) = text {
            value.taint |= self.builder.taint_of_text(&text, place);
        }
        value
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn binary(&mut self, expression: &BinaryExpression<'a>) -> Value<'a> {
        // A long sum leans to the left: it is walked without recursion.
        let mut chain = vec![expression];
        while let Expression::BinaryExpression(inner) = &chain[chain.len() - 1].left {
            chain.push(inner);
        }
        let mut value = self.eval(&chain[chain.len() - 1].left);
        for part in chain.into_iter().rev() {
            let right = self.eval(&part.right);
            let place = self.place(part.span);
            value = match part.operator {
                BinaryOperator::Addition => self.builder.concat(value, right, place),
                other => {
                    let taint =
                        if other == BinaryOperator::BitwiseXOR { value.taint | right.taint } else { Taint::NONE };
                    let constant = match (&value.constant, &right.constant) {
                        (Constant::Number(a), Constant::Number(b)) => {
                            let (a, b) = (Data::Number(*a as f64), Data::Number(*b as f64));
                            let value = operator(other).and_then(|operator| self.machine.operate(operator, &a, &b));
                            value.map_or(Constant::Unknown, |value| value.constant(true))
                        }
                        _ => Constant::Unknown,
                    };
                    Value { constant, taint, ..Value::default() }
                }
            };
        }
        value
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn template(&mut self, template: &TemplateLiteral<'a>) -> Value<'a> {
        let mut value = Value::text("");
        for (index, quasi) in template.quasis.iter().enumerate() {
            let place = self.place(quasi.span);
            let text = quasi.value.cooked.as_ref().unwrap_or(&quasi.value.raw).as_str();
            let part = self.builder.literal(text, place);
            value = self.builder.concat(value, part, place);
            if let Some(expression) = template.expressions.get(index) {
                let part = self.eval(expression);
                value = self.builder.concat(value, part, place);
            }
        }
        value
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn object(&mut self, object: &ObjectExpression<'a>) -> Value<'a> {
        let (mut fields, mut rest) = (Vec::new(), Taint::NONE);
        for property in &object.properties {
            match property {
                ObjectPropertyKind::ObjectProperty(property) => {
                    let key = match &property.key {
                        PropertyKey::StaticIdentifier(name) => Some(Text::from(name.name.as_str())),
                        PropertyKey::PrivateIdentifier(_) => None,
                        key => match key.as_expression().map(|key| self.eval(key).constant) {
                            Some(Constant::Text(text)) => Some(text),
                            _ => None,
                        },
                    };
                    let value = self.eval(&property.value);
                    rest |= value.whole_taint();
                    if let Some(key) = key {
                        fields.push((key, value));
                    }
                }
                ObjectPropertyKind::SpreadProperty(spread) => rest |= self.eval(&spread.argument).whole_taint(),
            }
        }
        self.builder.record(fields, rest)
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn assignment(&mut self, assignment: &AssignmentExpression<'a>) -> Value<'a> {
        let right = self.eval(&assignment.right);
        let place = self.place(assignment.span);
        match &assignment.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => {
                let name = name.name.as_str();
                let value = match assignment.operator {
                    AssignmentOperator::Assign => right,
                    AssignmentOperator::Addition => {
                        let left = self.builder.name(name);
                        self.builder.concat(left, right, place)
                    }
                    _ => Value::tainted(right.taint),
                };
                self.builder.assign(name, value.clone());
                value
            }
            AssignmentTarget::StaticMemberExpression(member) => {
                let object = self.eval(&member.object);
                self.builder.set_member(&object, Some(member.property.name.as_str()), &right);
                right
            }
            AssignmentTarget::ComputedMemberExpression(member) => {
                let object = self.eval(&member.object);
                let key = self.eval(&member.expression);
                self.builder.set_member(&object, key.as_text(), &right);
                right
            }
            target => {
                self.assign_target(target, right.clone());
                right
            }
        }
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn list(&mut self, array: &ArrayExpression<'a>) -> Value<'a> {
        let mut items = Vec::with_capacity(array.elements.len());
        for element in &array.elements {
            match element {
                ArrayExpressionElement::SpreadElement(spread) => {
                    let value = self.eval(&spread.argument);
                    match (&value.constant, value.as_text()) {
                        (Constant::List(spread), _) => items.extend(spread.iter().cloned()),
                        (_, Some(text)) if text.len() <= 1024 => {
                            items.extend(text.chars().map(|character| Value::text(character.to_string())));
                        }
                        _ => items.push(Value::tainted(value.whole_taint())),
                    }
                }
                other => items.push(other.as_expression().map(|item| self.eval(item)).unwrap_or_default()),
            }
        }
        self.builder.list(items)
    }

    fn member(&mut self, object: &Expression<'a>, name: &'a str, span: Span) -> Value<'a> {
        let object = self.eval(object);
        let place = self.place(span);
        self.builder.member(&object, name, place)
    }

    fn computed(&mut self, member: &ComputedMemberExpression<'a>) -> Value<'a> {
        let object = self.eval(&member.object);
        let key = self.eval(&member.expression);
        let place = self.place(member.span);
        self.builder.index(&object, &key, place)
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn chain(&mut self, chain: &ChainExpression<'a>) -> Value<'a> {
        match &chain.expression {
            ChainElement::CallExpression(call) => self.call(call),
            ChainElement::TSNonNullExpression(inner) => self.eval(&inner.expression),
            ChainElement::StaticMemberExpression(member) => {
                self.member(&member.object, member.property.name.as_str(), member.span)
            }
            ChainElement::ComputedMemberExpression(member) => self.computed(member),
            ChainElement::PrivateFieldExpression(member) => self.eval(&member.object),
        }
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn assigned_or(&mut self, left: &Expression<'a>, right: &Expression<'a>) -> Value<'a> {
        let values = [self.eval(left), self.eval(right)];
        self.builder.any_of(&values)
    }

    /// What an expression is, having told everything inside of it.
    fn eval(&mut self, expression: &Expression<'a>) -> Value<'a> {
        match expression {
            Expression::Identifier(name) => self.builder.name(name.name.as_str()),
            Expression::StringLiteral(literal) => {
                let place = self.place(literal.span);
                self.builder.literal(literal.value.as_str(), place)
            }
            Expression::NumericLiteral(number) => number_of(number.value),
            Expression::BooleanLiteral(literal) => {
                Value { constant: Constant::Bool(literal.value), ..Value::default() }
            }
            Expression::TemplateLiteral(template) => self.template(template),
            Expression::StaticMemberExpression(member) => {
                self.member(&member.object, member.property.name.as_str(), member.span)
            }
            Expression::ComputedMemberExpression(member) => self.computed(member),
            Expression::CallExpression(call) => self.call(call),
            Expression::NewExpression(new) => {
                let callee = self.eval(&new.callee);
                let arguments = self.arguments(&new.arguments, &callee, None);
                let place = self.place(new.span);
                let computed = match &new.callee {
                    Expression::Identifier(name) if callee.is_unknown() && BYTES.contains(&name.name.as_str()) => {
                        self.computed_path(name.name.as_str(), &arguments)
                    }
                    _ => None,
                };
                better(self.builder.call(callee, arguments, Taint::NONE, place), computed)
            }
            Expression::ImportExpression(import) => {
                let value = self.eval(&import.source);
                let place = self.place(import.span);
                let arguments = vec![FactArgument { name: None, value }];
                self.builder.call(Value::at_path("import"), arguments, Taint::NONE, place)
            }
            Expression::ChainExpression(chain) => self.chain(chain),
            Expression::BinaryExpression(binary) => self.binary(binary),
            Expression::LogicalExpression(logical) => self.assigned_or(&logical.left, &logical.right),
            Expression::ConditionalExpression(condition) => {
                self.eval(&condition.test);
                self.assigned_or(&condition.consequent, &condition.alternate)
            }
            Expression::AssignmentExpression(assignment) => self.assignment(assignment),
            Expression::SequenceExpression(sequence) => {
                let mut last = Value::default();
                for part in &sequence.expressions {
                    last = self.eval(part);
                }
                last
            }
            Expression::ParenthesizedExpression(inner) => self.eval(&inner.expression),
            Expression::AwaitExpression(inner) => self.eval(&inner.argument),
            Expression::ArrayExpression(array) => self.list(array),
            Expression::ObjectExpression(object) => self.object(object),
            Expression::FunctionExpression(function) => self.function_expression(function),
            Expression::ThisExpression(_) => Value { class: self.class, ..Value::default() },
            Expression::ClassExpression(class) => self.class(class),
            Expression::ArrowFunctionExpression(arrow) => self.arrow(arrow),
            Expression::TSAsExpression(inner) => self.eval(&inner.expression),
            Expression::TSSatisfiesExpression(inner) => self.eval(&inner.expression),
            Expression::TSTypeAssertion(inner) => self.eval(&inner.expression),
            Expression::TSNonNullExpression(inner) => self.eval(&inner.expression),
            Expression::TaggedTemplateExpression(tagged) => {
                let callee = self.eval(&tagged.tag);
                let value = self.template(&tagged.quasi);
                let place = self.place(tagged.span);
                self.builder.call(callee, vec![FactArgument { name: None, value }], Taint::NONE, place)
            }
            Expression::UnaryExpression(unary) => match (unary.operator, self.eval(&unary.argument).constant) {
                (UnaryOperator::UnaryNegation, Constant::Number(number)) => Value::number(number.saturating_neg()),
                // The shapes of minifiers: `!0` and `!1`.
                (UnaryOperator::LogicalNot, Constant::Number(number)) => {
                    Value { constant: Constant::Bool(number == 0), ..Value::default() }
                }
                _ => Value::default(),
            },
            other => {
                walk::walk_expression(self, other);
                Value::default()
            }
        }
    }
}

/// Functions that yield a constant for constants.
const COMPUTING: [&str; 5] = ["parseInt", "decodeURIComponent", "decodeURI", "Number", "parseFloat"];

/// Classes whose instances stand for the bytes that they are given.
const BYTES: [&str; 3] = ["Uint8Array", "TextDecoder", "TextEncoder"];

/// What a call yields, or what computing it yields, where that is more.
fn better<'a>(value: Value<'a>, computed: Option<Value<'a>>) -> Value<'a> {
    match computed {
        Some(computed) => {
            let taint = value.taint | computed.taint;
            let path = computed.path.or(value.path.filter(|_| matches!(computed.constant, Constant::Unknown)));
            Value { path, constant: computed.constant, taint, ..value }
        }
        None => value,
    }
}

/// The body of a function.
enum Body<'s, 'a> {
    Statements(&'s [Statement<'a>]),
    Expression(&'s Expression<'a>),
}

/// An expression without the parentheses around it.
fn unwrapped<'e, 'a>(expression: &'e Expression<'a>) -> &'e Expression<'a> {
    let mut inner = expression;
    while let Expression::ParenthesizedExpression(parentheses) = inner {
        inner = &parentheses.expression;
    }
    inner
}

/// A whole number; others are not followed.
fn number_of<'a>(number: f64) -> Value<'a> {
    let whole = number.fract() == 0.0 && number.abs() < 9e15;
    if whole { Value::number(number as i64) } else { Value::default() }
}

impl<'a> Visit<'a> for Walker<'_, 'a> {
    fn visit_expression(&mut self, expression: &Expression<'a>) {
        self.eval(expression);
    }

    fn visit_statements(&mut self, statements: &oxc_allocator::ArenaVec<'a, Statement<'a>>) {
        self.statements(statements);
    }

    /// Told when the list of statements began.
    fn visit_import_declaration(&mut self, _: &ImportDeclaration<'a>) {}

    fn visit_export_from_declaration(&mut self, export: &ExportFromDeclaration<'a>) {
        self.builder.import(export.source.value.as_str());
    }

    fn visit_export_all_declaration(&mut self, export: &ExportAllDeclaration<'a>) {
        self.builder.import(export.source.value.as_str());
    }

    fn visit_export_default_declaration(&mut self, export: &ExportDefaultDeclaration<'a>) {
        if let Some(expression) = export.declaration.as_expression() {
            let value = self.eval(expression);
            self.builder.export("", &value);
            return;
        }
        walk::walk_export_default_declaration(self, export);
        if let ExportDefaultDeclarationKind::FunctionDeclaration(function) = &export.declaration {
            let id = self.builder.declare_function(function.span.start);
            self.builder.export("", &Value { function: Some(id), ..Value::default() });
        }
    }

    fn visit_ts_type(&mut self, _: &TSType<'a>) {}

    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        // A list too long to be a constant of facts, in a file that decodes something.
        if let (BindingPattern::BindingIdentifier(name), Some(Expression::ArrayExpression(array))) =
            (&declarator.id, &declarator.init)
            && array.elements.len() > 256
            && !self.marks.at.is_empty()
            && let Some(init) = &declarator.init
            && let Some(node) = self.lower().node(init)
            && let Some(value) = self.machine.evaluate(&node)
        {
            self.machine.declare(name.name.as_str(), value);
        }
        let value = declarator.init.as_ref().map(|init| self.eval(init)).unwrap_or_default();
        self.bind(&declarator.id, value);
    }

    fn visit_expression_statement(&mut self, statement: &ExpressionStatement<'a>) {
        self.eval(&statement.expression);
        self.builder.discards(self.place(statement.span));
    }

    fn visit_return_statement(&mut self, statement: &ReturnStatement<'a>) {
        if let Some(argument) = &statement.argument {
            let value = self.eval(argument);
            self.builder.returns(value);
        }
    }

    fn visit_function(&mut self, function: &Function<'a>, _: ScopeFlags) {
        let id = self.builder.declare_function(function.span.start);
        if let Some(body) = &function.body {
            self.function(id, &function.params, Body::Statements(&body.statements));
        }
    }

    fn visit_for_of_statement(&mut self, statement: &ForOfStatement<'a>) {
        let source = self.eval(&statement.right);
        if let ForStatementLeft::VariableDeclaration(declaration) = &statement.left {
            for declarator in &declaration.declarations {
                self.bind(&declarator.id, Value::tainted(source.whole_taint()));
            }
        }
        self.visit_statement(&statement.body);
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        self.class(class);
    }

    fn visit_method_definition(&mut self, method: &MethodDefinition<'a>) {
        if let (Some(class), Some(name)) = (self.class, method.key.static_name()) {
            let id = self.builder.declare_function(method.value.span.start);
            self.builder.declare_method(class, &name, id);
        }
        walk::walk_method_definition(self, method);
    }
}
