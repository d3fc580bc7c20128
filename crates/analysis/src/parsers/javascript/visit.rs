//! Statements and definitions of JavaScript, in the order in which they run.

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan;
use oxc_syntax::scope::ScopeFlags;

use super::function::Body;
use super::{ITERATES, Walker, leaves, private_name, unwrapped};
use crate::facts::{Value, makes_key};

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
        self.connects(declarator);
        let value = declarator.init.as_ref().map(|init| self.eval(init)).unwrap_or_default();
        self.bind(&declarator.id, value);
    }

    fn visit_expression_statement(&mut self, statement: &ExpressionStatement<'a>) {
        self.eval(&statement.expression);
        let span = match unwrapped(&statement.expression) {
            Expression::AwaitExpression(inner) => inner.argument.span(),
            Expression::UnaryExpression(inner) => inner.argument.span(),
            other => other.span(),
        };
        self.builder.discards(self.place(span));
    }

    fn visit_return_statement(&mut self, statement: &ReturnStatement<'a>) {
        if let Some(argument) = &statement.argument {
            let value = self.eval(argument);
            self.builder.returns(value);
        }
    }

    fn visit_function(&mut self, function: &Function<'a>, _: ScopeFlags) {
        let id = self.builder.declare_function(function.span.start);
        self.makes_key |= function.id.as_ref().is_some_and(|name| makes_key(name.name.as_str()));
        if let Some(body) = &function.body {
            let outer = self.class;
            // What `function Name() { this.a = .. }` makes, before there were classes.
            if let Some(class) = self.constructors.get(&id) {
                self.class = Some(*class);
            }
            self.function(id, &function.params, Body::Statements(&body.statements));
            self.class = outer;
        }
    }

    fn visit_for_statement(&mut self, statement: &ForStatement<'a>) {
        let counts = statement.test.as_ref().is_some_and(|test| {
            let text = self.builder.text(test.span().start, test.span().end);
            text.ends_with("< Infinity") || text.ends_with("<Infinity")
        });
        if counts || statement.test.is_none() {
            self.endless(statement.body.span(), counts);
        }
        walk::walk_for_statement(self, statement);
    }

    fn visit_while_statement(&mut self, statement: &WhileStatement<'a>) {
        if matches!(&statement.test, Expression::BooleanLiteral(literal) if literal.value) {
            self.endless(statement.body.span(), false);
        }
        walk::walk_while_statement(self, statement);
    }

    fn visit_if_statement(&mut self, statement: &IfStatement<'a>) {
        if is_main_guard(&statement.test) {
            let id = self.builder.declare_function(statement.span.start);
            self.builder.runs_as_program(id);
            let frame = self.builder.enter(id);
            self.visit_statement(&statement.consequent);
            self.builder.leave(frame);
            if let Some(alternate) = &statement.alternate {
                self.visit_statement(alternate);
            }
            return;
        }
        self.builder.asks();
        self.eval(&statement.test);
        let before = self.builder.waits();
        self.visit_statement(&statement.consequent);
        if let Some(alternate) = &statement.alternate {
            let outer = std::mem::replace(&mut self.builder.alternative, true);
            self.visit_statement(alternate);
            self.builder.alternative = outer;
        }
        // What ends here for others goes on for those that are meant.
        let last = match &statement.consequent {
            Statement::BlockStatement(block) => block.body.last(),
            other => Some(other),
        };
        if !last.is_some_and(leaves) {
            self.builder.goes_on(before);
        }
    }

    /// Who catches an error has what was put into it, and does something else instead.
    fn visit_try_statement(&mut self, statement: &TryStatement<'a>) {
        let thrown = std::mem::take(&mut self.builder.thrown);
        self.statements(&statement.block.body);
        let caught = std::mem::replace(&mut self.builder.thrown, thrown);
        if let Some(handler) = &statement.handler {
            let before = std::mem::replace(&mut self.builder.alternative, true);
            if let Some(parameter) = &handler.param {
                self.bind(&parameter.pattern, Value::tainted(caught));
            }
            self.statements(&handler.body.body);
            self.builder.alternative = before;
        }
        if let Some(finalizer) = &statement.finalizer {
            self.statements(&finalizer.body);
        }
    }

    fn visit_throw_statement(&mut self, statement: &ThrowStatement<'a>) {
        let value = self.eval(&statement.argument);
        self.builder.thrown |= value.whole_taint();
    }

    fn visit_switch_statement(&mut self, statement: &SwitchStatement<'a>) {
        let asked = self.eval(&statement.discriminant);
        for case in &statement.cases {
            let compared = self.builder.part_begins();
            if let Some(test) = &case.test {
                let known = self.eval(test);
                self.builder.compares(&asked, &known);
            }
            let before = self.builder.part_allows();
            self.statements(&case.consequent);
            self.builder.part_ends(compared, before);
        }
    }

    fn visit_for_of_statement(&mut self, statement: &ForOfStatement<'a>) {
        let source = self.eval(&statement.right);
        self.builder.calls_of_itself(&source, ITERATES);
        if let ForStatementLeft::VariableDeclaration(declaration) = &statement.left {
            for declarator in &declaration.declarations {
                self.bind(&declarator.id, source.each());
            }
        }
        self.visit_statement(&statement.body);
    }

    fn visit_for_in_statement(&mut self, statement: &ForInStatement<'a>) {
        let source = self.eval(&statement.right);
        // The names of an object's members say nothing of what they hold, unless the program made them.
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
        let name = match &method.key {
            PropertyKey::PrivateIdentifier(field) => Some(private_name(field).into()),
            key => key.static_name(),
        };
        if let (Some(class), Some(name)) = (self.class, name) {
            let id = self.builder.declare_function(method.value.span.start);
            if method.kind == MethodDefinitionKind::Get {
                walk::walk_method_definition(self, method);
                self.builder.property(class, &name, id);
                return;
            }
            self.builder.declare_method(class, &name, id);
            self.makes_key = makes_key(&name);
        }
        walk::walk_method_definition(self, method);
    }

    /// `name = value` and `#name = value` in the body of a class.
    fn visit_property_definition(&mut self, property: &PropertyDefinition<'a>) {
        let Some(value) = &property.value else { return };
        let value = self.eval(value);
        let name = match &property.key {
            PropertyKey::PrivateIdentifier(field) => Some(private_name(field)),
            key => key.static_name().map(|name| name.into_owned()),
        };
        if let (Some(class), Some(name)) = (self.class, name) {
            self.builder.set_member(&Value { class: Some(class), ..Value::default() }, Some(&name), &value);
        }
    }
}

/// True for `require.main === module`: what stands under it does not run when the module is loaded by another.
fn is_main_guard(test: &Expression<'_>) -> bool {
    let Expression::BinaryExpression(compare) = test else { return false };
    let named = |side: &Expression<'_>, name: &str| matches!(side, Expression::Identifier(it) if it.name == name);
    let main = |side: &Expression<'_>| match side {
        Expression::StaticMemberExpression(of) => of.property.name == "main" && named(&of.object, "require"),
        _ => false,
    };
    let sides = [(&compare.left, &compare.right), (&compare.right, &compare.left)];
    let equal = matches!(compare.operator, BinaryOperator::StrictEquality | BinaryOperator::Equality);
    equal && sides.into_iter().any(|(left, right)| main(left) && named(right, "module"))
}
