//! Lowers functions and expressions of JavaScript to routines, where they only compute.
//!
//! In: oxc's nodes. Out: [`Node`]s and [`Function`]s, or nothing for code that does anything else. Names that mean
//! something outside of the routine are taken over as constants.

use std::rc::Rc;

use hashbrown::HashMap;
use oxc_ast::ast::*;
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, LogicalOperator, UnaryOperator, UpdateOperator};

use crate::facts::Builder;
use crate::facts::routine::{self, Binary, Data, Machine, Node, Statement as Step, Unary};

/// Levels of a tree that is lowered.
const DEPTH: u32 = 60;

/// What lowering needs to know.
pub(super) struct Lower<'l, 'a> {
    pub builder: &'l Builder<'a>,
    pub machine: &'l mut Machine,
    /// Routines of the file, by function.
    pub routines: &'l HashMap<u32, Data>,
    /// Nodes that may still be made.
    pub left: &'l mut usize,
    /// Names of the functions being lowered, from the outside in.
    pub locals: Vec<Vec<Rc<str>>>,
    pub depth: u32,
}

impl<'a> Lower<'_, 'a> {
    /// A function with these parameters and this body.
    pub fn function(
        &mut self,
        name: Option<&str>,
        parameters: &FormalParameters<'a>,
        statements: &[Statement<'a>],
        expression: Option<&Expression<'a>>,
    ) -> Option<Rc<routine::Function>> {
        if parameters.rest.is_some() || self.locals.len() > 16 {
            return None;
        }
        self.locals.push(vec!["arguments".into()]);
        let function = self.body(name, parameters, statements, expression);
        self.locals.pop();
        function.map(Rc::new)
    }

    fn body(
        &mut self,
        name: Option<&str>,
        parameters: &FormalParameters<'a>,
        statements: &[Statement<'a>],
        expression: Option<&Expression<'a>>,
    ) -> Option<routine::Function> {
        let mut function = routine::Function { name: name.map(Rc::from), ..routine::Function::default() };
        self.locals.last_mut()?.extend(function.name.clone());
        for parameter in &parameters.items {
            let BindingPattern::BindingIdentifier(name) = &parameter.pattern else { return None };
            let default = match &parameter.initializer {
                Some(default) => Some(self.node(default)?),
                None => None,
            };
            let name: Rc<str> = name.name.as_str().into();
            self.locals.last_mut()?.push(name.clone());
            function.parameters.push((name, default));
        }
        let own = self.locals.last()?.len();
        for statement in statements {
            if let Statement::FunctionDeclaration(inner) = statement {
                self.locals.last_mut()?.push(inner.id.as_ref()?.name.as_str().into());
            }
        }
        for statement in statements {
            if let Statement::FunctionDeclaration(inner) = statement {
                let lowered = self.function(None, &inner.params, &inner.body.as_ref()?.statements, None)?;
                function.functions.push((inner.id.as_ref()?.name.as_str().into(), lowered));
            }
        }
        function.body = match expression {
            Some(expression) => vec![Step::Return(Some(self.node(expression)?))],
            None => self.statements(statements)?,
        };
        function.locals = self.locals.last()?[own..].to_vec();
        Some(function)
    }

    /// A call that stands in the file itself.
    pub fn whole_call(&mut self, call: &CallExpression<'a>) -> Option<Node> {
        Some(Node::Call(self.boxed(&call.callee)?, self.nodes(&call.arguments)?))
    }

    /// Statements in a row.
    pub fn statements(&mut self, statements: &[Statement<'a>]) -> Option<Vec<Step>> {
        let mut steps = Vec::with_capacity(statements.len());
        for statement in statements {
            self.statement(statement, &mut steps)?;
        }
        Some(steps)
    }

    fn inside(&mut self, statement: &Statement<'a>) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        self.statement(statement, &mut steps)?;
        Some(steps)
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        *self.left = self.left.checked_sub(1)?;
        (self.depth <= DEPTH).then_some(())
    }

    fn statement(&mut self, statement: &Statement<'a>, steps: &mut Vec<Step>) -> Option<()> {
        self.deeper()?;
        match statement {
            Statement::ExpressionStatement(inner) => steps.push(Step::Node(self.node(&inner.expression)?)),
            Statement::VariableDeclaration(declaration) => self.declaration(declaration, steps)?,
            Statement::ReturnStatement(inner) => {
                let value = match &inner.argument {
                    Some(value) => Some(self.node(value)?),
                    None => None,
                };
                steps.push(Step::Return(value));
            }
            Statement::IfStatement(inner) => {
                let (test, then) = (self.node(&inner.test)?, self.inside(&inner.consequent)?);
                let other = match &inner.alternate {
                    Some(other) => self.inside(other)?,
                    None => Vec::new(),
                };
                steps.push(Step::If(test, then, other));
            }
            Statement::BlockStatement(block) => {
                for statement in &block.body {
                    self.statement(statement, steps)?;
                }
            }
            Statement::WhileStatement(inner) => {
                steps.push(Step::While(self.node(&inner.test)?, self.inside(&inner.body)?, true));
            }
            Statement::DoWhileStatement(inner) => {
                steps.push(Step::While(self.node(&inner.test)?, self.inside(&inner.body)?, false));
            }
            Statement::ForStatement(inner) => {
                match &inner.init {
                    Some(ForStatementInit::VariableDeclaration(declaration)) => self.declaration(declaration, steps)?,
                    Some(init) => steps.push(Step::Node(self.node(init.as_expression()?)?)),
                    None => {}
                }
                let test = match &inner.test {
                    Some(test) => Some(self.node(test)?),
                    None => None,
                };
                let step = match &inner.update {
                    Some(step) => Some(self.node(step)?),
                    None => None,
                };
                steps.push(Step::For(test, step, self.inside(&inner.body)?));
            }
            Statement::ForOfStatement(inner) => {
                let ForStatementLeft::VariableDeclaration(declaration) = &inner.left else { return None };
                let BindingPattern::BindingIdentifier(name) = &declaration.declarations.first()?.id else {
                    return None;
                };
                let place = self.local(name.name.as_str())?;
                steps.push(Step::Each(place, self.node(&inner.right)?, self.inside(&inner.body)?));
            }
            Statement::BreakStatement(inner) if inner.label.is_none() => steps.push(Step::Break),
            Statement::ContinueStatement(inner) if inner.label.is_none() => steps.push(Step::Continue),
            Statement::ThrowStatement(_) => steps.push(Step::Throw),
            Statement::TryStatement(inner) if inner.finalizer.is_none() => {
                let body = self.statements(&inner.block.body)?;
                let handler = inner.handler.as_ref()?;
                if let Some(parameter) = &handler.param
                    && let BindingPattern::BindingIdentifier(name) = &parameter.pattern
                {
                    self.local(name.name.as_str())?;
                }
                steps.push(Step::Try(body, self.statements(&handler.body.body)?));
            }
            Statement::SwitchStatement(inner) => {
                let value = self.node(&inner.discriminant)?;
                let mut cases = Vec::new();
                for case in &inner.cases {
                    let test = match &case.test {
                        Some(test) => Some(self.node(test)?),
                        None => None,
                    };
                    cases.push((test, self.statements(&case.consequent)?));
                }
                steps.push(Step::Switch(value, cases));
            }
            Statement::EmptyStatement(_) | Statement::FunctionDeclaration(_) => {}
            _ => return None,
        }
        self.depth -= 1;
        Some(())
    }

    fn local(&mut self, name: &str) -> Option<Node> {
        let name: Rc<str> = name.into();
        self.locals.last_mut()?.push(name.clone());
        Some(Node::Name(name))
    }

    fn declaration(&mut self, declaration: &VariableDeclaration<'a>, steps: &mut Vec<Step>) -> Option<()> {
        for declarator in &declaration.declarations {
            let BindingPattern::BindingIdentifier(name) = &declarator.id else { return None };
            let place = self.local(name.name.as_str())?;
            let value = match &declarator.init {
                Some(init) => self.node(init)?,
                None if declaration.kind.is_var() => continue,
                None => Node::Data(Data::None),
            };
            steps.push(Step::Node(Node::Assign(Box::new(place), None, Box::new(value))));
        }
        Some(())
    }

    fn name(&mut self, name: &'a str) -> Node {
        let local = self.locals.iter().any(|names| names.iter().any(|own| &**own == name));
        if local || self.machine.knows(name) {
            return Node::Name(name.into());
        }
        let value = self.builder.name(name);
        if let Some(routine) = value.function.and_then(|id| self.routines.get(&id)) {
            return Node::Data(routine.clone());
        }
        match self.machine.adopt(&value) {
            Some(data) => Node::Data(data),
            None => Node::Name(name.into()),
        }
    }

    fn text(&self, text: &str) -> Node {
        Node::Data(Data::text(text, true))
    }

    fn nodes(&mut self, arguments: &[Argument<'a>]) -> Option<Vec<Node>> {
        arguments.iter().map(|argument| self.node(argument.as_expression()?)).collect()
    }

    fn boxed(&mut self, expression: &Expression<'a>) -> Option<Box<Node>> {
        self.node(expression).map(Box::new)
    }

    /// An expression.
    pub fn node(&mut self, expression: &Expression<'a>) -> Option<Node> {
        self.deeper()?;
        let node = self.expression(expression);
        self.depth -= 1;
        node
    }

    fn expression(&mut self, expression: &Expression<'a>) -> Option<Node> {
        Some(match expression {
            Expression::NumericLiteral(number) => Node::Data(Data::Number(number.value)),
            Expression::StringLiteral(text) => self.text(text.value.as_str()),
            Expression::BooleanLiteral(truth) => Node::Data(Data::Bool(truth.value)),
            Expression::NullLiteral(_) => Node::Data(Data::None),
            Expression::Identifier(name) => self.name(name.name.as_str()),
            Expression::ParenthesizedExpression(inner) => self.node(&inner.expression)?,
            Expression::ArrayExpression(array) => {
                let items = array.elements.iter().map(|element| self.node(element.as_expression()?));
                Node::List(items.collect::<Option<_>>()?)
            }
            Expression::ObjectExpression(object) => {
                let mut fields = Vec::new();
                for property in &object.properties {
                    let ObjectPropertyKind::ObjectProperty(property) = property else { return None };
                    let key = match &property.key {
                        PropertyKey::StaticIdentifier(name) => self.text(name.name.as_str()),
                        key => self.node(key.as_expression()?)?,
                    };
                    fields.push((key, self.node(&property.value)?));
                }
                Node::Record(fields)
            }
            Expression::StaticMemberExpression(member) => {
                Node::Member(self.boxed(&member.object)?, Box::new(self.text(member.property.name.as_str())))
            }
            Expression::ComputedMemberExpression(member) => {
                Node::Member(self.boxed(&member.object)?, self.boxed(&member.expression)?)
            }
            Expression::CallExpression(call) => Node::Call(self.boxed(&call.callee)?, self.nodes(&call.arguments)?),
            Expression::NewExpression(call) => Node::Call(self.boxed(&call.callee)?, self.nodes(&call.arguments)?),
            Expression::BinaryExpression(binary) => {
                Node::Binary(operator(binary.operator)?, self.boxed(&binary.left)?, self.boxed(&binary.right)?)
            }
            Expression::LogicalExpression(logical) => match logical.operator {
                LogicalOperator::And => Node::And(self.boxed(&logical.left)?, self.boxed(&logical.right)?),
                _ => Node::Or(self.boxed(&logical.left)?, self.boxed(&logical.right)?),
            },
            Expression::UnaryExpression(unary) => {
                let operator = match unary.operator {
                    UnaryOperator::UnaryNegation => Unary::Minus,
                    UnaryOperator::UnaryPlus => Unary::Plus,
                    UnaryOperator::LogicalNot => Unary::Not,
                    UnaryOperator::BitwiseNot => Unary::Invert,
                    UnaryOperator::Typeof => Unary::TypeOf,
                    UnaryOperator::Void => Unary::Void,
                    UnaryOperator::Delete => return None,
                };
                Node::Unary(operator, self.boxed(&unary.argument)?)
            }
            Expression::UpdateExpression(update) => {
                let by = if update.operator == UpdateOperator::Increment { 1.0 } else { -1.0 };
                Node::Step(Box::new(self.simple_target(&update.argument)?), by, !update.prefix)
            }
            Expression::AssignmentExpression(assignment) => {
                let place = self.target(&assignment.left)?;
                let value = self.boxed(&assignment.right)?;
                Node::Assign(Box::new(place), assigning(assignment.operator)?, value)
            }
            Expression::ConditionalExpression(inner) => Node::Conditional(Box::new([
                self.node(&inner.test)?,
                self.node(&inner.consequent)?,
                self.node(&inner.alternate)?,
            ])),
            Expression::SequenceExpression(inner) => {
                Node::Sequence(inner.expressions.iter().map(|part| self.node(part)).collect::<Option<_>>()?)
            }
            Expression::TemplateLiteral(template) => {
                let mut parts = Vec::new();
                for (index, quasi) in template.quasis.iter().enumerate() {
                    parts.push(self.text(quasi.value.cooked.as_ref()?.as_str()));
                    if let Some(part) = template.expressions.get(index) {
                        parts.push(self.node(part)?);
                    }
                }
                Node::Texts(parts)
            }
            Expression::FunctionExpression(inner) => {
                let name = inner.id.as_ref().map(|name| name.name.as_str());
                Node::Function(self.function(name, &inner.params, &inner.body.as_ref()?.statements, None)?)
            }
            Expression::ArrowFunctionExpression(arrow) => Node::Function(match &arrow.body {
                ArrowFunctionBody::FunctionBody(body) => self.function(None, &arrow.params, &body.statements, None)?,
                body => self.function(None, &arrow.params, &[], Some(body.as_expression()?))?,
            }),
            _ => return None,
        })
    }

    fn target(&mut self, target: &AssignmentTarget<'a>) -> Option<Node> {
        self.simple_target(target.as_simple_assignment_target()?)
    }

    fn simple_target(&mut self, target: &SimpleAssignmentTarget<'a>) -> Option<Node> {
        Some(match target {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(name) => Node::Name(name.name.as_str().into()),
            SimpleAssignmentTarget::StaticMemberExpression(member) => {
                Node::Member(self.boxed(&member.object)?, Box::new(self.text(member.property.name.as_str())))
            }
            SimpleAssignmentTarget::ComputedMemberExpression(member) => {
                Node::Member(self.boxed(&member.object)?, self.boxed(&member.expression)?)
            }
            _ => return None,
        })
    }
}

/// The operator of a routine; nothing for those that only objects have.
pub(super) fn operator(operator: BinaryOperator) -> Option<Binary> {
    Some(match operator {
        BinaryOperator::Equality | BinaryOperator::StrictEquality => Binary::Equal,
        BinaryOperator::Inequality | BinaryOperator::StrictInequality => Binary::NotEqual,
        BinaryOperator::LessThan => Binary::Less,
        BinaryOperator::LessEqualThan => Binary::LessOrEqual,
        BinaryOperator::GreaterThan => Binary::Greater,
        BinaryOperator::GreaterEqualThan => Binary::GreaterOrEqual,
        BinaryOperator::Addition => Binary::Add,
        BinaryOperator::Subtraction => Binary::Subtract,
        BinaryOperator::Multiplication => Binary::Multiply,
        BinaryOperator::Division => Binary::Divide,
        BinaryOperator::Remainder => Binary::Remainder,
        BinaryOperator::Exponential => Binary::Power,
        BinaryOperator::ShiftLeft => Binary::ShiftLeft,
        BinaryOperator::ShiftRight => Binary::ShiftRight,
        BinaryOperator::ShiftRightZeroFill => Binary::ShiftRightUnsigned,
        BinaryOperator::BitwiseOR => Binary::Or,
        BinaryOperator::BitwiseXOR => Binary::Xor,
        BinaryOperator::BitwiseAnd => Binary::And,
        BinaryOperator::In | BinaryOperator::Instanceof => return None,
    })
}

/// The operator of `a += b`; none for `a = b`.
fn assigning(operator: AssignmentOperator) -> Option<Option<Binary>> {
    Some(Some(match operator {
        AssignmentOperator::Assign => return Some(None),
        AssignmentOperator::Addition => Binary::Add,
        AssignmentOperator::Subtraction => Binary::Subtract,
        AssignmentOperator::Multiplication => Binary::Multiply,
        AssignmentOperator::Division => Binary::Divide,
        AssignmentOperator::Remainder => Binary::Remainder,
        AssignmentOperator::BitwiseXOR => Binary::Xor,
        AssignmentOperator::BitwiseAnd => Binary::And,
        AssignmentOperator::BitwiseOR => Binary::Or,
        AssignmentOperator::ShiftLeft => Binary::ShiftLeft,
        AssignmentOperator::ShiftRight => Binary::ShiftRight,
        _ => return None,
    }))
}
