//! Statements of Python, in the order in which they run.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::Walker;

impl<'a> Visitor<'a> for Walker<'_, 'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        self.eval(expression);
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Assign(assign) => {
                let value = self.eval(&assign.value);
                for target in &assign.targets {
                    if let Expr::Name(name) = target {
                        // `except ImportError: module = None` does not make the module another.
                        let none = assign.value.is_none_literal_expr();
                        if none && self.builder.name(name.id.as_str()).path.is_some() {
                            continue;
                        }
                        self.computing.note_table(name.id.as_str(), &assign.value);
                    }
                    self.assign(target, value.clone());
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.eval(value);
                    self.assign(&assign.target, value);
                }
            }
            Stmt::AugAssign(assign) => {
                let left = self.eval(&assign.target);
                let right = self.eval(&assign.value);
                let place = self.place(assign);
                let value = self.builder.concat(left, right, place);
                self.assign(&assign.target, value);
            }
            Stmt::Global(statement) => statement.names.iter().for_each(|name| self.builder.share(name.as_str())),
            Stmt::Nonlocal(statement) => statement.names.iter().for_each(|name| self.builder.share(name.as_str())),
            Stmt::Return(statement) => {
                if let Some(value) = &statement.value {
                    let value = self.eval(value);
                    self.builder.returns(value);
                }
            }
            Stmt::For(statement) => {
                let source = self.eval(&statement.iter);
                let grown = self.computing.each(statement, &source, self.builder);
                self.assign(&statement.target, source.each());
                self.visit_body(&statement.body);
                self.visit_body(&statement.orelse);
                for (name, value) in grown {
                    self.builder.bind(name, value);
                }
            }
            Stmt::With(statement) => {
                for item in &statement.items {
                    let mut value = self.eval(&item.context_expr);
                    self.builder.calls_of_itself(&value, "__exit__");
                    if self.builder.has_method(&value, "__enter__") {
                        let place = self.place(&item.context_expr);
                        let entered = self.builder.call_method(value.clone(), "__enter__", Vec::new(), place);
                        if !entered.is_unknown() {
                            value = entered;
                        }
                    }
                    if let Some(target) = &item.optional_vars {
                        self.assign(target, value);
                    }
                }
                self.visit_body(&statement.body);
            }
            Stmt::If(statement) if is_main_guard(&statement.test) => {
                let id = self.builder.declare_function(statement.start().to_u32());
                self.builder.runs_as_program(id);
                let frame = self.builder.enter(id);
                self.visit_body(&statement.body);
                self.builder.leave(frame);
                for clause in &statement.elif_else_clauses {
                    self.visit_elif_else_clause(clause);
                }
            }
            Stmt::If(statement) => self.condition(statement),
            Stmt::Try(statement) => self.tried(statement),
            Stmt::Raise(statement) => {
                for part in [&statement.exc, &statement.cause].into_iter().flatten() {
                    let value = self.eval(part);
                    self.builder.thrown |= value.whole_taint();
                }
            }
            Stmt::Match(statement) => self.cases(statement),
            Stmt::While(statement) => self.repeats(statement),
            // A text that stands alone is documentation.
            Stmt::Expr(statement) if statement.value.is_string_literal_expr() => {}
            Stmt::Expr(statement) => {
                self.eval(&statement.value);
                self.builder.discards(self.place(&*statement.value));
            }
            other => visitor::walk_stmt(self, other),
        }
    }
}

/// True for `__name__ == "__main__"`: what stands under it does not run when the module is imported.
fn is_main_guard(test: &Expr) -> bool {
    let Expr::Compare(compare) = test else { return false };
    let named = |side: &Expr| side.as_name_expr().is_some_and(|name| name.id.as_str() == "__name__");
    let main = |side: &Expr| side.as_string_literal_expr().is_some_and(|text| text.value.to_str() == "__main__");
    let [right] = &*compare.comparators else { return false };
    let left = &*compare.left;
    matches!(&*compare.ops, [ast::CmpOp::Eq]) && (named(left) && main(right) || main(left) && named(right))
}

/// True for the classes whose methods setuptools runs while it builds or installs.
pub(super) fn is_setup_command(base: &str) -> bool {
    base.starts_with("setuptools.") || base.starts_with("distutils.") || base.contains(".command.")
}
