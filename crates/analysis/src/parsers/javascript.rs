//! JavaScript and TypeScript: oxc's tree, walked once, told to the [`Builder`].
//!
//! The caller has bounded the nesting and provides the stack. Types are not walked: they never run.

mod binding;
mod bundle;
mod call;
mod computing;
mod function;
mod routine;
mod visit;

use hashbrown::{HashMap, HashSet};
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::Span;
use oxc_syntax::operator::{BinaryOperator, UnaryOperator};

use crate::facts::routine::{Data, Machine};
use crate::facts::{Argument as FactArgument, Builder, Constant, Items, LIST_ITEMS, Place, Taint, Text, Value};
use bundle::Bundle;
use call::outside;
pub(super) use computing::Marks;
use computing::better;
use routine::operator;

/// Walks a program. `marks` are those of its source.
pub(super) fn read<'a>(program: &Program<'a>, marks: &Marks, builder: &mut Builder<'a>) {
    let steps =
        if marks.obfuscated { (1_000_000 + program.source_text.len() as u64 * 40).min(12_000_000) } else { 300_000 };
    let left = if marks.obfuscated { 600_000 } else { 60_000 };
    let machine = Machine::new(false, steps);
    let mut walker = Walker {
        builder,
        class: None,
        given: Taint::NONE,
        makes_key: false,
        marks,
        machine,
        routines: HashMap::new(),
        named: HashMap::new(),
        relays: HashMap::new(),
        wrappers: HashSet::new(),
        handed: None,
        left,
        bundle: Bundle::new(marks.bundle),
        constructors: HashMap::new(),
        plain: HashMap::new(),
    };
    walker.statements(&program.body);
}

struct Walker<'b, 'a> {
    builder: &'b mut Builder<'a>,
    /// The class being read, which `this` is an instance of.
    class: Option<u32>,
    /// What the call whose arguments are being read will give to a function among them.
    given: Taint,
    /// Whether the function that is read next makes a key out of what it is given first, by its name.
    makes_key: bool,
    marks: &'b Marks,
    machine: Machine,
    /// Functions that only compute, by their number.
    routines: HashMap<u32, Data>,
    /// The names of those that may replace themselves.
    named: HashMap<u32, Box<str>>,
    /// Functions that hand their arguments to the first of them: `(f, a) => f(a)`. Which parameter is called, with which.
    relays: HashMap<u32, (usize, Vec<usize>)>,
    /// Functions that hand on a module as it is, or as the `default` of an object: what compilers put around `require`.
    wrappers: HashSet<u32>,
    /// What the function that is read next is given as its first parameter: the module of `import("x").then(...)`.
    handed: Option<Value<'a>>,
    /// Nodes that may still be lowered to routines.
    left: usize,
    /// The modules of a bundle.
    bundle: Bundle<'a>,
    /// Functions that make instances of a class, and the class: what there was before `class`.
    constructors: HashMap<u32, u32>,
    /// Functions of a capital name that give their instances nothing, and where they begin.
    plain: HashMap<u32, u32>,
}

impl<'a> Walker<'_, 'a> {
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

    #[inline(never)] // Keeps the frame of `eval` small.
    fn binary(&mut self, expression: &BinaryExpression<'a>) -> Value<'a> {
        if !matches!(expression.left, Expression::BinaryExpression(_)) {
            let left = self.eval(&expression.left);
            return self.operation(left, expression);
        }
        // A long sum leans to the left: it is walked without recursion.
        let mut chain = vec![expression];
        while let Expression::BinaryExpression(inner) = &chain[chain.len() - 1].left {
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
    fn operation(&mut self, value: Value<'a>, part: &BinaryExpression<'a>) -> Value<'a> {
        let right = self.eval(&part.right);
        let place = self.place(part.span);
        if part.operator.is_equality() || part.operator.is_compare() {
            self.builder.compares(&value, &right);
        }
        match part.operator {
            BinaryOperator::Addition => self.builder.concat(value, right, place),
            other => {
                let taint = if other == BinaryOperator::BitwiseXOR { value.taint | right.taint } else { Taint::NONE };
                let constant = match (&value.constant, &right.constant) {
                    (Constant::Number(a), Constant::Number(b)) => {
                        let (a, b) = (Data::Number(*a as f64), Data::Number(*b as f64));
                        let value = operator(other).and_then(|operator| self.machine.operate(operator, &a, &b));
                        value.map_or(Constant::Unknown, |value| value.constant(self.builder.arena(), true))
                    }
                    _ => Constant::Unknown,
                };
                Value { constant, taint, ..Value::default() }
            }
        }
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
                self.builder.calls_of_itself(&part, "toString");
                value = self.builder.concat(value, part, place);
            }
        }
        value
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn object(&mut self, object: &ObjectExpression<'a>) -> Value<'a> {
        self.note_object(object);
        let (mut fields, mut rest) = (Vec::new(), Taint::NONE);
        for property in &object.properties {
            match property {
                ObjectPropertyKind::ObjectProperty(property) => {
                    let key = match &property.key {
                        PropertyKey::StaticIdentifier(name) => Some(Text::from(name.name.as_str())),
                        PropertyKey::PrivateIdentifier(_) => None,
                        key => match key.as_expression().map(|key| self.eval(key)) {
                            Some(Value { constant: Constant::Text(text), .. }) => Some(text),
                            _ => self.symbol_key(&property.key),
                        },
                    };
                    let mut value = self.eval(&property.value);
                    value.made |= property.kind == PropertyKind::Get && value.function.is_some();
                    rest |= value.whole_taint();
                    if let Some(key) = &key {
                        let place = self.place(property.span);
                        self.builder.copied_to(key, &value, place);
                    }
                    // More than a record remembers need not be kept: what they are made of counts anyway.
                    let kept = fields.len() <= LIST_ITEMS || value.function.is_some();
                    if let Some(key) = key.filter(|_| kept) {
                        fields.push((key, value));
                    }
                }
                ObjectPropertyKind::SpreadProperty(spread) => rest |= self.eval(&spread.argument).whole_taint(),
            }
        }
        self.builder.record(fields, rest)
    }

    /// `[Symbol.iterator]` as a name.
    fn symbol_key(&self, key: &PropertyKey<'a>) -> Option<Text<'a>> {
        let PropertyKey::StaticMemberExpression(member) = key else { return None };
        let text = self.builder.text(member.span.start, member.span.end);
        text.starts_with("Symbol.").then(|| Text::from(text))
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn list(&mut self, array: &ArrayExpression<'a>) -> Value<'a> {
        self.note_list(array);
        let mut items = Items::with_room(array.elements.len());
        for element in &array.elements {
            match element {
                ArrayExpressionElement::SpreadElement(spread) => {
                    let value = self.eval(&spread.argument);
                    self.builder.calls_of_itself(&value, ITERATES);
                    match (&value.constant, value.as_text()) {
                        // What it is made of was put in later.
                        (Constant::List(spread), _) if spread.is_empty() => items.push(Value::tainted(value.taint)),
                        (Constant::List(spread), _) => spread.iter().for_each(|item| items.push(item.clone())),
                        (_, Some(text)) if text.len() <= 1024 && self.builder.afford(text.len()) => {
                            for character in text.chars() {
                                let character = self.builder.made(character.encode_utf8(&mut [0; 4]));
                                items.push(Value::text(character));
                            }
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
        let told = outside(object, name);
        let object = self.eval(object);
        let place = self.place(span);
        let mut value = self.builder.member(&object, name, place);
        value.taint |= told;
        value
    }

    fn computed(&mut self, member: &ComputedMemberExpression<'a>) -> Value<'a> {
        let object = self.eval(&member.object);
        let key = self.eval(&member.expression);
        if key.as_text().is_some_and(|key| Self::is_function_maker(&member.object, key)) {
            return call::function_maker(&member.expression);
        }
        let place = self.place(member.span);
        self.builder.index(&object, &key, place)
    }

    /// `object.#name`: no other member has a name that begins so.
    #[inline(never)] // Keeps the frame of `eval` small.
    fn private(&mut self, member: &PrivateFieldExpression<'a>) -> Value<'a> {
        let object = self.eval(&member.object);
        let place = self.place(member.span);
        self.builder.member(&object, &private_name(&member.field), place)
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
            ChainElement::PrivateFieldExpression(member) => self.private(member),
        }
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn logical(&mut self, logical: &LogicalExpression<'a>) -> Value<'a> {
        let compared = self.builder.part_begins();
        let left = self.eval(&logical.left);
        let before = self.builder.part_allows();
        let right = self.eval(&logical.right);
        self.builder.part_ends(compared, before);
        self.builder.any_of(&[left, right])
    }

    #[inline(never)] // Keeps the frame of `eval` small.
    fn conditional(&mut self, condition: &ConditionalExpression<'a>) -> Value<'a> {
        let compared = self.builder.part_begins();
        self.eval(&condition.test);
        let before = self.builder.part_allows();
        let values = [self.eval(&condition.consequent), self.eval(&condition.alternate)];
        self.builder.part_ends(compared, before);
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
            Expression::PrivateFieldExpression(member) => self.private(member),
            Expression::CallExpression(call) => self.call(call),
            Expression::NewExpression(new) => {
                if let Some(promised) = self.promise(new) {
                    return promised;
                }
                let callee = self.eval(&new.callee);
                let arguments = self.arguments(&new.arguments, &callee, None);
                let place = self.place(new.span);
                let computed = match &new.callee {
                    Expression::Identifier(name) if callee.is_unknown() && BYTES.contains(&name.name.as_str()) => {
                        self.computed_path(name.name.as_str(), &arguments)
                    }
                    _ => None,
                };
                let class = callee.class.filter(|_| callee.function.is_some());
                let typed = call::is_form(new);
                let mut made = better(self.builder.call(callee, arguments, Taint::NONE, place), computed);
                made.taint |= typed;
                made.class = made.class.or(class);
                made
            }
            Expression::ImportExpression(import) => {
                let value = self.eval(&import.source);
                let place = self.place(import.span);
                let arguments = vec![FactArgument { name: None, value }];
                self.builder.call(Value::at_path("import"), arguments, Taint::NONE, place)
            }
            Expression::ChainExpression(chain) => self.chain(chain),
            Expression::BinaryExpression(binary) => self.binary(binary),
            Expression::LogicalExpression(logical) => self.logical(logical),
            Expression::ConditionalExpression(condition) => self.conditional(condition),
            Expression::AssignmentExpression(assignment) => self.assignment(assignment),
            Expression::SequenceExpression(sequence) => {
                let mut last = Value::default();
                for part in &sequence.expressions {
                    last = self.eval(part);
                }
                last
            }
            Expression::ParenthesizedExpression(inner) => self.eval(&inner.expression),
            Expression::YieldExpression(inner) => {
                // Whoever goes through a generator gets what it yields.
                let value = inner.argument.as_ref().map(|argument| self.eval(argument)).unwrap_or_default();
                self.builder.returns(Value::tainted(value.whole_taint()));
                Value::default()
            }
            Expression::AwaitExpression(inner) => {
                let value = self.eval(&inner.argument);
                self.builder.calls_of_itself(&value, "then");
                value
            }
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
                let parts = tagged.quasi.expressions.iter().take(MAX_TAGGED).map(|part| match part {
                    Expression::Identifier(name) => self.builder.name(name.name.as_str()),
                    _ => Value::default(),
                });
                let parts = std::iter::once(value).chain(parts.collect::<Vec<_>>());
                let arguments = parts.map(|value| FactArgument { name: None, value }).collect();
                self.builder.call(callee, arguments, Taint::NONE, place)
            }
            Expression::RegExpLiteral(literal) => {
                // What a pattern looks for tells what the code is after.
                let text = literal.regex.pattern.text.as_str();
                if text.len() >= 12 && text.contains('[') {
                    let place = self.place(literal.span);
                    self.builder.taint_of_text(text, place);
                }
                Value::default()
            }
            Expression::UnaryExpression(unary) => match (unary.operator, self.eval(&unary.argument).constant) {
                (UnaryOperator::UnaryNegation, Constant::Number(number)) => Value::number(number.saturating_neg()),
                // The shapes of minifiers: `!0` and `!1`.
                (UnaryOperator::LogicalNot, Constant::Number(number)) => {
                    Value { constant: Constant::Bool(number == 0), ..Value::default() }
                }
                // The shapes of code that is written in signs: `![]`, `!![]`.
                (UnaryOperator::LogicalNot, Constant::Bool(is)) => {
                    Value { constant: Constant::Bool(!is), ..Value::default() }
                }
                (UnaryOperator::LogicalNot, Constant::List(_)) => {
                    Value { constant: Constant::Bool(false), ..Value::default() }
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

/// Parts of a tagged template that are followed into its function.
const MAX_TAGGED: usize = 8;

/// What a loop over an object calls.
pub(super) const ITERATES: &str = "Symbol.iterator";

/// The name of a private member as other members' names are kept.
fn private_name(field: &PrivateIdentifier<'_>) -> String {
    format!("#{}", field.name.as_str())
}

/// Classes whose instances stand for the bytes that they are given.
const BYTES: [&str; 3] = ["Uint8Array", "TextDecoder", "TextEncoder"];

/// An expression without the parentheses around it.
fn unwrapped<'e, 'a>(expression: &'e Expression<'a>) -> &'e Expression<'a> {
    let mut inner = expression;
    while let Expression::ParenthesizedExpression(parentheses) = inner {
        inner = &parentheses.expression;
    }
    inner
}

/// True for a statement after which nothing of its block runs.
fn leaves(statement: &Statement<'_>) -> bool {
    let exits = |call: &CallExpression<'_>| match &call.callee {
        Expression::StaticMemberExpression(member) => member.property.name == "exit",
        _ => false,
    };
    match statement {
        Statement::ReturnStatement(_) | Statement::ThrowStatement(_) => true,
        Statement::ExpressionStatement(statement) => {
            matches!(&statement.expression, Expression::CallExpression(call) if exits(call))
        }
        _ => false,
    }
}

/// A whole number; others are not followed.
fn number_of<'a>(number: f64) -> Value<'a> {
    let whole = number.fract() == 0.0 && number.abs() < 9e15;
    if whole { Value::number(number as i64) } else { Value::default() }
}
