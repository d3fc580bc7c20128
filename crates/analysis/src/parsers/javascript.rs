//! JavaScript and TypeScript: oxc's tree, walked once, told to the [`Builder`].
//!
//! The caller has bounded the nesting and provides the stack. Types are not walked: they never run.

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, UnaryOperator};
use oxc_syntax::scope::ScopeFlags;

use crate::facts::{Argument as FactArgument, Builder, Constant, Place, Taint, Text, Value};

/// Walks a program.
pub(super) fn read<'a>(program: &Program<'a>, builder: &mut Builder<'a>) {
    let mut walker = Walker { builder, class: None, given: Taint::NONE };
    walker.statements(&program.body);
}

struct Walker<'b, 'a> {
    builder: &'b mut Builder<'a>,
    /// The class being read, which `this` is an instance of.
    class: Option<u32>,
    /// What the call whose arguments are being read will give to a function among them.
    given: Taint,
}

impl<'a> Walker<'_, 'a> {
    fn place(&self, span: Span) -> Place {
        self.builder.place(span.start, span.end)
    }

    /// A list of statements: functions and imports exist before the first of them runs.
    fn statements(&mut self, statements: &[Statement<'a>]) {
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
        for statement in statements {
            self.visit_statement(statement);
        }
    }

    fn hoist(&mut self, function: &Function<'a>) {
        if let Some(name) = &function.id {
            let id = self.builder.declare_function(function.span.start);
            self.builder.bind(name.name.as_str(), Value { function: Some(id), ..Value::default() });
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

    fn function_expression(&mut self, function: &Function<'a>) -> Value<'a> {
        let id = self.builder.declare_function(function.span.start);
        if let Some(body) = &function.body {
            self.function(id, &function.params, Body::Statements(&body.statements));
        }
        Value { function: Some(id), ..Value::default() }
    }

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

    fn arrow(&mut self, arrow: &ArrowFunctionExpression<'a>) -> Value<'a> {
        let id = self.builder.declare_function(arrow.span.start);
        match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => {
                self.function(id, &arrow.params, Body::Statements(&body.statements));
            }
            body => {
                if let Some(expression) = body.as_expression() {
                    self.function(id, &arrow.params, Body::Expression(expression));
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
            }
            let value = match argument {
                Argument::SpreadElement(spread) => {
                    let list = self.eval(&spread.argument);
                    let copied = list.items().len() * size_of::<Value<'_>>();
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
            Expression::StaticMemberExpression(member) => {
                Some((self.eval(&member.object), Some(Text::from(member.property.name.as_str()))))
            }
            Expression::ComputedMemberExpression(member) => {
                let object = self.eval(&member.object);
                let key = self.eval(&member.expression);
                match key.constant {
                    Constant::Text(text) => Some((object, Some(text))),
                    _ => Some((self.builder.index(&object, &key, place), None)),
                }
            }
            _ => None,
        };
        match receiver {
            Some((object, Some(name))) => {
                let arguments = self.arguments(&call.arguments, &object, Some(&name));
                self.builder.call_method(object, &name, arguments, place)
            }
            Some((callee, None)) => {
                let arguments = self.arguments(&call.arguments, &callee, None);
                self.builder.call(callee, arguments, Taint::NONE, place)
            }
            None => {
                let callee = self.eval(callee);
                let arguments = self.arguments(&call.arguments, &callee, None);
                self.builder.call(callee, arguments, Taint::NONE, place)
            }
        }
    }

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
                BinaryOperator::BitwiseXOR => Value::tainted(value.taint | right.taint),
                _ => Value::default(),
            };
        }
        value
    }

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
                self.visit_assignment_target(target);
                right
            }
        }
    }

    fn list(&mut self, array: &ArrayExpression<'a>) -> Value<'a> {
        let mut items = Vec::with_capacity(array.elements.len());
        for element in &array.elements {
            items.push(match element {
                ArrayExpressionElement::SpreadElement(spread) => {
                    Value::tainted(self.eval(&spread.argument).whole_taint())
                }
                other => other.as_expression().map(|expression| self.eval(expression)).unwrap_or_default(),
            });
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
                self.builder.call(callee, arguments, Taint::NONE, place)
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
