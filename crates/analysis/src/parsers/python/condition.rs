//! Conditions: what the code behind them waits for, and which command a program was told when it was started.

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{self as ast, BoolOp, CmpOp, Expr, Stmt};

use super::Walker;
use crate::facts::Value;

impl<'a> Walker<'_, 'a> {
    /// `if test: ... elif other: ... else: ...`
    pub(super) fn condition(&mut self, statement: &'a ast::StmtIf) {
        self.builder.asks();
        self.eval(&statement.test);
        let before = self.builder.waits();
        self.branch(Some(&*statement.test), &statement.body);
        for clause in &statement.elif_else_clauses {
            if let Some(test) = &clause.test {
                self.eval(test);
            }
            let before = std::mem::replace(&mut self.builder.alternative, true);
            self.branch(clause.test.as_ref(), &clause.body);
            self.builder.alternative = before;
        }
        // What ends here for others goes on for those that are meant.
        if !statement.body.last().is_some_and(leaves) {
            self.builder.goes_on(before);
        }
    }

    /// `try: .. except Error as error: ..`: who catches an error has what was put into it, and does something else instead.
    pub(super) fn tried(&mut self, statement: &'a ast::StmtTry) {
        let thrown = std::mem::take(&mut self.builder.thrown);
        self.visit_body(&statement.body);
        let caught = std::mem::replace(&mut self.builder.thrown, thrown);
        let before = std::mem::replace(&mut self.builder.alternative, true);
        for handler in &statement.handlers {
            let ast::ExceptHandler::ExceptHandler(handler) = handler;
            if let Some(kind) = &handler.type_ {
                self.eval(kind);
            }
            if let Some(name) = &handler.name {
                self.builder.bind(name.as_str(), Value::tainted(caught));
            }
            self.visit_body(&handler.body);
        }
        self.builder.alternative = before;
        self.visit_body(&statement.orelse);
        self.visit_body(&statement.finalbody);
    }

    /// `test and act()`: what follows runs only where what stands before allows it.
    pub(super) fn one_of(&mut self, parts: &'a [Expr]) -> Value<'a> {
        let compared = self.builder.part_begins();
        let mut before = None;
        let mut values = Vec::with_capacity(parts.len());
        for part in parts {
            values.push(self.eval(part));
            let now = self.builder.part_allows();
            before.get_or_insert(now);
        }
        self.builder.part_ends(compared, before.unwrap_or_default());
        self.builder.any_of(&values)
    }

    /// `act() if test else other()`
    pub(super) fn either(&mut self, condition: &'a ast::ExprIf) -> Value<'a> {
        let compared = self.builder.part_begins();
        self.eval(&condition.test);
        let before = self.builder.part_allows();
        let values = [self.eval(&condition.body), self.eval(&condition.orelse)];
        self.builder.part_ends(compared, before);
        self.builder.any_of(&values)
    }

    /// `match asked: case "word": ...`
    pub(super) fn cases(&mut self, statement: &'a ast::StmtMatch) {
        let asked = self.eval(&statement.subject);
        for case in &statement.cases {
            let compared = self.builder.part_begins();
            if let ast::Pattern::MatchValue(pattern) = &case.pattern {
                let known = self.eval(&pattern.value);
                self.builder.compares(&asked, &known);
            }
            if let Some(guard) = &case.guard {
                self.eval(guard);
            }
            let before = self.builder.part_allows();
            self.visit_body(&case.body);
            self.builder.part_ends(compared, before);
        }
    }

    /// `while test: ...`
    pub(super) fn repeats(&mut self, statement: &'a ast::StmtWhile) {
        let compared = self.builder.part_begins();
        self.eval(&statement.test);
        let before = self.builder.part_allows();
        self.visit_body(&statement.body);
        self.builder.part_ends(compared, before);
        self.visit_body(&statement.orelse);
    }

    fn branch(&mut self, test: Option<&'a Expr>, body: &'a [Stmt]) {
        let told = test.is_some_and(|test| self.asks_for_command(test));
        let before = self.builder.on_command(told);
        self.visit_body(body);
        self.builder.goes_on(before);
    }

    /// True for `argv[1] == "word"`, or such a comparison among others that must all hold.
    fn asks_for_command(&mut self, test: &'a Expr) -> bool {
        match test {
            Expr::BoolOp(all) if all.op == BoolOp::And => all.values.iter().any(|test| self.asks_for_command(test)),
            Expr::Compare(compare) => {
                let ([CmpOp::Eq | CmpOp::In], [right]) = (&*compare.ops, &*compare.comparators) else { return false };
                let word = matches!(&*compare.left, Expr::Subscript(of) if of.value.is_name_expr() || of.value.is_attribute_expr());
                word && {
                    let (left, right) = (self.eval(&compare.left), self.eval(right));
                    self.builder.names_command(&left, &right)
                }
            }
            _ => false,
        }
    }
}

/// True for a statement after which nothing of the block follows.
pub(super) fn leaves(statement: &Stmt) -> bool {
    let exits = |call: &Expr| match call {
        Expr::Name(name) => matches!(name.id.as_str(), "exit" | "quit"),
        Expr::Attribute(member) => matches!(member.attr.as_str(), "exit" | "_exit"),
        _ => false,
    };
    match statement {
        Stmt::Return(_) | Stmt::Raise(_) => true,
        Stmt::Expr(statement) => statement.value.as_call_expr().is_some_and(|call| exits(&call.func)),
        _ => false,
    }
}
