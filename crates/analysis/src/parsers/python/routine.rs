//! Lowers functions, comprehensions and loops of Python to routines, where they only compute.
//!
//! In: ruff's nodes. Out: [`Node`]s and [`Function`]s, or nothing for code that does anything else. Names that mean
//! something outside of the routine are taken over as constants.

use std::rc::Rc;

use hashbrown::HashMap;
use ruff_python_ast::{self as ast, Expr, Number, Operator, Stmt};

use crate::facts::routine::{Binary, Data, Function, Machine, Node, Statement, Unary};
use crate::facts::{Builder, text_of};

/// Levels of a tree that is lowered.
const DEPTH: u32 = 60;

/// What lowering needs to know.
pub(super) struct Lower<'l, 'a> {
    pub builder: &'l Builder<'a>,
    pub machine: &'l mut Machine,
    /// Routines of the file, by function.
    pub routines: &'l HashMap<u32, Data>,
    /// Long lists of constants, by the name they were given.
    pub tables: &'l HashMap<&'a str, &'a Expr>,
    /// Nodes that may still be made.
    pub left: &'l mut usize,
    /// Names of the functions being lowered, from the outside in.
    pub locals: Vec<Vec<Rc<str>>>,
    pub depth: u32,
}

impl<'a> Lower<'_, 'a> {
    /// `def`.
    pub fn definition(&mut self, definition: &'a ast::StmtFunctionDef) -> Option<Rc<Function>> {
        if definition.is_async || definition.body.len() > 60 {
            return None;
        }
        self.function(Some(&definition.parameters), |lower| lower.statements(&definition.body))
    }

    /// `lambda`.
    pub fn lambda(&mut self, lambda: &'a ast::ExprLambda) -> Option<Rc<Function>> {
        self.function(lambda.parameters.as_deref(), |lower| {
            Some(vec![Statement::Return(Some(lower.node(&lambda.body)?))])
        })
    }

    /// What is around it must not be seen as its own: the names it may give values to are those of `inside`.
    pub fn with_locals<T>(&mut self, inside: impl FnOnce(&mut Self) -> Option<T>) -> Option<(T, Vec<Rc<str>>)> {
        self.locals.push(Vec::new());
        let answer = inside(self);
        let names = self.locals.pop().unwrap_or_default();
        Some((answer?, names))
    }

    fn function(
        &mut self,
        parameters: Option<&'a ast::Parameters>,
        body: impl FnOnce(&mut Self) -> Option<Vec<Statement>>,
    ) -> Option<Rc<Function>> {
        if self.locals.len() > 16 {
            return None;
        }
        let mut function = Function::default();
        let lowered = self.with_locals(|lower| {
            for parameter in parameters.iter().flat_map(|parameters| parameters.iter()) {
                if parameter.is_variadic() {
                    return None;
                }
                let default = match parameter.default() {
                    Some(default) => Some(lower.node(default)?),
                    None => None,
                };
                let name: Rc<str> = parameter.name().as_str().into();
                lower.locals.last_mut()?.push(name.clone());
                function.parameters.push((name, default));
            }
            body(lower)
        });
        let (body, names) = lowered?;
        function.locals = names[function.parameters.len()..].to_vec();
        function.body = body;
        Some(Rc::new(function))
    }

    /// Statements in a row.
    pub fn statements(&mut self, body: &'a [Stmt]) -> Option<Vec<Statement>> {
        let mut statements = Vec::with_capacity(body.len());
        for statement in body {
            self.statement(statement, &mut statements)?;
        }
        Some(statements)
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        *self.left = self.left.checked_sub(1)?;
        (self.depth <= DEPTH).then_some(())
    }

    /// A statement.
    pub fn statement(&mut self, statement: &'a Stmt, statements: &mut Vec<Statement>) -> Option<()> {
        self.deeper()?;
        match statement {
            Stmt::Expr(inner) if inner.value.is_string_literal_expr() => {}
            Stmt::Expr(inner) => statements.push(Statement::Node(self.node(&inner.value)?)),
            Stmt::Assign(inner) => {
                let value = self.node(&inner.value)?;
                let [target] = &*inner.targets else { return None };
                let place = self.place(target)?;
                statements.push(Statement::Node(Node::Assign(Box::new(place), None, Box::new(value))));
            }
            Stmt::AnnAssign(inner) => {
                let value = self.node(inner.value.as_ref()?)?;
                let place = self.place(&inner.target)?;
                statements.push(Statement::Node(Node::Assign(Box::new(place), None, Box::new(value))));
            }
            Stmt::AugAssign(inner) => {
                let value = self.node(&inner.value)?;
                let place = self.place(&inner.target)?;
                let operator = operator(inner.op)?;
                statements.push(Statement::Node(Node::Assign(Box::new(place), Some(operator), Box::new(value))));
            }
            Stmt::For(inner) if inner.orelse.is_empty() && !inner.is_async => {
                self.each(inner, statements)?;
            }
            Stmt::While(inner) if inner.orelse.is_empty() => {
                statements.push(Statement::While(self.node(&inner.test)?, self.statements(&inner.body)?, true));
            }
            Stmt::If(inner) => {
                let mut other = Vec::new();
                for clause in inner.elif_else_clauses.iter().rev() {
                    let body = self.statements(&clause.body)?;
                    other = match &clause.test {
                        Some(test) => vec![Statement::If(self.node(test)?, body, other)],
                        None => body,
                    };
                }
                statements.push(Statement::If(self.node(&inner.test)?, self.statements(&inner.body)?, other));
            }
            Stmt::Return(inner) => {
                let value = match &inner.value {
                    Some(value) => Some(self.node(value)?),
                    None => None,
                };
                statements.push(Statement::Return(value));
            }
            Stmt::Break(_) => statements.push(Statement::Break),
            Stmt::Continue(_) => statements.push(Statement::Continue),
            Stmt::Pass(_) => {}
            // Modules are known by their names wherever they were imported.
            Stmt::Import(_) | Stmt::ImportFrom(_) => {}
            _ => return None,
        }
        self.depth -= 1;
        Some(())
    }

    fn place(&mut self, target: &'a Expr) -> Option<Node> {
        Some(match target {
            Expr::Name(name) => {
                let name: Rc<str> = name.id.as_str().into();
                self.locals.last_mut()?.push(name.clone());
                Node::Name(name)
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                Node::List(elts.iter().map(|target| self.place(target)).collect::<Option<_>>()?)
            }
            Expr::Subscript(subscript) if !subscript.slice.is_slice_expr() => {
                Node::Member(self.boxed(&subscript.value)?, self.boxed(&subscript.slice)?)
            }
            _ => return None,
        })
    }

    fn name(&mut self, name: &'a str) -> Node {
        if self.locals.iter().any(|names| names.iter().any(|own| &**own == name)) {
            return Node::Name(name.into());
        }
        let value = self.builder.name(name);
        if let Some(routine) = value.function.and_then(|id| self.routines.get(&id)) {
            return Node::Data(routine.clone());
        }
        if let Some(table) = self.tables.get(name)
            && let Some(table) = self.node(table)
        {
            return table;
        }
        match self.machine.adopt(&value) {
            Some(data) => Node::Data(data),
            None => Node::Name(name.into()),
        }
    }

    /// An expression that stands in the file itself.
    pub fn whole(&mut self, lower: impl FnOnce(&mut Self) -> Option<Node>) -> Option<Node> {
        self.with_locals(lower).map(|(node, _)| node)
    }

    /// `for a in b`.
    pub fn each(&mut self, statement: &'a ast::StmtFor, statements: &mut Vec<Statement>) -> Option<()> {
        let source = self.node(&statement.iter)?;
        let place = self.place(&statement.target)?;
        statements.push(Statement::Each(place, source, self.statements(&statement.body)?));
        Some(())
    }

    fn nodes(&mut self, expressions: &'a [Expr]) -> Option<Vec<Node>> {
        expressions.iter().map(|expression| self.node(expression)).collect()
    }

    fn boxed(&mut self, expression: &'a Expr) -> Option<Box<Node>> {
        self.node(expression).map(Box::new)
    }

    fn text(&self, text: &str) -> Node {
        Node::Data(Data::text(text, false))
    }

    /// An expression.
    pub fn node(&mut self, expression: &'a Expr) -> Option<Node> {
        self.deeper()?;
        let node = self.expression(expression);
        self.depth -= 1;
        node
    }

    fn expression(&mut self, expression: &'a Expr) -> Option<Node> {
        Some(match expression {
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(int) => Node::Data(Data::Number(int.as_i64()? as f64)),
                Number::Float(float) => Node::Data(Data::Number(*float)),
                Number::Complex { .. } => return None,
            },
            Expr::StringLiteral(literal) => self.text(literal.value.to_str()),
            Expr::BytesLiteral(literal) => self.text(&text_of(literal.value.bytes().collect())),
            Expr::BooleanLiteral(literal) => Node::Data(Data::Bool(literal.value)),
            Expr::NoneLiteral(_) => Node::Data(Data::None),
            Expr::Name(name) => self.name(name.id.as_str()),
            Expr::List(ast::ExprList { elts, .. }) | Expr::Tuple(ast::ExprTuple { elts, .. }) => {
                Node::List(self.nodes(elts)?)
            }
            Expr::Dict(dict) => {
                let mut fields = Vec::new();
                for item in &dict.items {
                    fields.push((self.node(item.key.as_ref()?)?, self.node(&item.value)?));
                }
                Node::Record(fields)
            }
            Expr::BinOp(binary) => {
                Node::Binary(operator(binary.op)?, self.boxed(&binary.left)?, self.boxed(&binary.right)?)
            }
            Expr::UnaryOp(unary) => {
                let operator = match unary.op {
                    ast::UnaryOp::USub => Unary::Minus,
                    ast::UnaryOp::UAdd => Unary::Plus,
                    ast::UnaryOp::Not => Unary::Not,
                    ast::UnaryOp::Invert => Unary::Invert,
                };
                Node::Unary(operator, self.boxed(&unary.operand)?)
            }
            Expr::BoolOp(operation) => {
                let mut nodes = self.nodes(&operation.values)?.into_iter();
                let first = nodes.next()?;
                nodes.fold(first, |left, right| match operation.op {
                    ast::BoolOp::And => Node::And(Box::new(left), Box::new(right)),
                    ast::BoolOp::Or => Node::Or(Box::new(left), Box::new(right)),
                })
            }
            Expr::Compare(compare) => {
                let ([operator], [right]) = (&*compare.ops, &*compare.comparators) else { return None };
                let operator = match operator {
                    ast::CmpOp::Eq | ast::CmpOp::Is => Binary::Equal,
                    ast::CmpOp::NotEq | ast::CmpOp::IsNot => Binary::NotEqual,
                    ast::CmpOp::Lt => Binary::Less,
                    ast::CmpOp::LtE => Binary::LessOrEqual,
                    ast::CmpOp::Gt => Binary::Greater,
                    ast::CmpOp::GtE => Binary::GreaterOrEqual,
                    ast::CmpOp::In => Binary::In,
                    ast::CmpOp::NotIn => Binary::NotIn,
                };
                Node::Binary(operator, self.boxed(&compare.left)?, self.boxed(right)?)
            }
            Expr::If(inner) => Node::Conditional(Box::new([
                self.node(&inner.test)?,
                self.node(&inner.body)?,
                self.node(&inner.orelse)?,
            ])),
            Expr::Attribute(attribute) => {
                Node::Member(self.boxed(&attribute.value)?, Box::new(self.text(attribute.attr.as_str())))
            }
            Expr::Subscript(subscript) => match &*subscript.slice {
                Expr::Slice(slice) => {
                    let mut part = |part: &'a Option<Box<Expr>>| match part {
                        Some(part) => self.node(part).map(Some),
                        None => Some(None),
                    };
                    let bounds = [part(&slice.lower)?, part(&slice.upper)?, part(&slice.step)?];
                    let [lower, upper, step] = bounds;
                    Node::Slice(Box::new([Some(self.node(&subscript.value)?), lower, upper, step]))
                }
                key => Node::Member(self.boxed(&subscript.value)?, self.boxed(key)?),
            },
            Expr::Call(call) => self.call(call)?,
            Expr::Lambda(lambda) => Node::Function(self.lambda(lambda)?),
            Expr::ListComp(inner) => self.comprehension(&inner.elt, &inner.generators)?,
            Expr::Generator(inner) => self.comprehension(&inner.elt, &inner.generators)?,
            Expr::FString(text) => {
                let mut parts = Vec::new();
                for part in text.value.iter() {
                    match part {
                        ast::FStringPart::Literal(literal) => parts.push(self.text(&literal.value)),
                        ast::FStringPart::FString(text) => {
                            for element in &text.elements {
                                parts.push(match element {
                                    ast::InterpolatedStringElement::Literal(literal) => self.text(&literal.value),
                                    ast::InterpolatedStringElement::Interpolation(part) => {
                                        if part.format_spec.is_some() {
                                            return None;
                                        }
                                        self.node(&part.expression)?
                                    }
                                });
                            }
                        }
                    }
                }
                Node::Texts(parts)
            }
            _ => return None,
        })
    }

    /// A call.
    pub fn call(&mut self, call: &'a ast::ExprCall) -> Option<Node> {
        // A few keywords change nothing here; others would be lost.
        let known = |keyword: &ast::Keyword| {
            keyword.arg.as_ref().is_some_and(|name| matches!(name.as_str(), "encoding" | "errors" | "byteorder"))
        };
        if !call.arguments.keywords.iter().all(known) {
            return None;
        }
        // `__import__("zlib")`, the module itself.
        if let (Expr::Name(name), [Expr::StringLiteral(module)]) = (&*call.func, &*call.arguments.args)
            && name.id.as_str() == "__import__"
        {
            return Some(Node::Data(Data::Path(module.value.to_str().into())));
        }
        Some(Node::Call(self.boxed(&call.func)?, self.nodes(&call.arguments.args)?))
    }

    /// `[element for place in source if test]`.
    pub fn comprehension(&mut self, element: &'a Expr, generators: &'a [ast::Comprehension]) -> Option<Node> {
        let [generator] = generators else { return None };
        let source = self.node(&generator.iter)?;
        let place = self.place(&generator.target)?;
        let tests = self.nodes(&generator.ifs)?;
        Some(Node::Each(self.boxed(element)?, Box::new(place), Box::new(source), tests))
    }
}

/// The operator of a routine; nothing for `@`.
pub(super) fn operator(operator: Operator) -> Option<Binary> {
    Some(match operator {
        Operator::Add => Binary::Add,
        Operator::Sub => Binary::Subtract,
        Operator::Mult => Binary::Multiply,
        Operator::Div => Binary::Divide,
        Operator::Mod => Binary::Remainder,
        Operator::Pow => Binary::Power,
        Operator::LShift => Binary::ShiftLeft,
        Operator::RShift => Binary::ShiftRight,
        Operator::BitOr => Binary::Or,
        Operator::BitXor => Binary::Xor,
        Operator::BitAnd => Binary::And,
        Operator::FloorDiv => Binary::FloorDivide,
        Operator::MatMult => return None,
    })
}
