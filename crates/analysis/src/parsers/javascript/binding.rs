//! Gives names values: imports, declarations with patterns, assignments.

use oxc_ast::ast::*;
use oxc_ast_visit::Visit;
use oxc_syntax::operator::AssignmentOperator;

use super::call::{PICTURE, SCRIPT};
use super::function::MAX_HOISTED;
use super::{Walker, private_name};
use crate::facts::{Argument, Place, Taint, Value};

impl<'a> Walker<'_, 'a> {
    pub(super) fn import(&mut self, import: &ImportDeclaration<'a>) {
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

    /// `const link = connect(port, () => link.write(text))`: the function runs when the name holds the connection.
    pub(super) fn connects(&mut self, declarator: &VariableDeclarator<'a>) {
        let (BindingPattern::BindingIdentifier(name), Some(Expression::CallExpression(call))) =
            (&declarator.id, &declarator.init)
        else {
            return;
        };
        let function = |argument: &oxc_ast::ast::Argument<'a>| {
            matches!(
                argument,
                oxc_ast::ast::Argument::ArrowFunctionExpression(_) | oxc_ast::ast::Argument::FunctionExpression(_)
            )
        };
        if self.builder.source().len() > MAX_HOISTED || !call.arguments.iter().any(function) {
            return;
        }
        let connection = self.path_of(&call.callee, 0).and_then(|path| self.builder.connection(&path));
        if let Some(connection) = connection {
            self.builder.bind(name.name.as_str(), connection);
        }
    }

    /// The dotted name of what is called, without telling anything about it.
    fn path_of(&self, callee: &Expression<'a>, depth: u32) -> Option<String> {
        match callee {
            _ if depth > 4 => None,
            Expression::Identifier(name) => {
                self.builder.name_in_scope(name.name.as_str()).path.map(|path| path.to_string())
            }
            Expression::StaticMemberExpression(member) if member.property.name == "default" => {
                self.path_of(&member.object, depth + 1)
            }
            Expression::StaticMemberExpression(member) => {
                Some(format!("{}.{}", self.path_of(&member.object, depth + 1)?, member.property.name.as_str()))
            }
            Expression::CallExpression(call) => match (&call.callee, &call.arguments[..]) {
                (Expression::Identifier(name), [oxc_ast::ast::Argument::StringLiteral(module)])
                    if name.name == "require" =>
                {
                    Some(module.value.trim_start_matches("node:").to_owned())
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Gives the names of a pattern what stands on its right.
    pub(super) fn bind(&mut self, pattern: &BindingPattern<'a>, value: Value<'a>) {
        match pattern {
            BindingPattern::BindingIdentifier(name) => self.builder.bind(name.name.as_str(), value),
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    let place = self.place(property.span);
                    let part = match &property.key {
                        PropertyKey::StaticIdentifier(name) => {
                            let mut part = self.builder.member(&value, name.name.as_str(), place);
                            if part.path.is_none() {
                                self.builder.named_parameter(&mut part, name.name.as_str());
                            }
                            part
                        }
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
                    let mut item = value.items().get(index).cloned().unwrap_or_else(|| item_of(&value));
                    // `const [password, setPassword] = useState("")`
                    if let Some(BindingPattern::BindingIdentifier(name)) = element
                        && item.is_unknown()
                    {
                        self.builder.named_parameter(&mut item, name.name.as_str());
                    }
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

    #[inline(never)] // Keeps the frame of `eval` small.
    pub(super) fn assignment(&mut self, assignment: &AssignmentExpression<'a>) -> Value<'a> {
        let outer = self.class;
        let method = self.prototype_method(assignment);
        if let Some((class, _)) = method {
            self.class = Some(class);
        }
        let right = self.eval(&assignment.right);
        self.class = outer;
        if let (Some((class, name)), Some(function)) = (method, right.function) {
            self.builder.declare_method(class, name, function);
            return right;
        }
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
                let name = member.property.name.as_str();
                let page = matches!(name, "href" | "location") && {
                    let path = object.path.as_deref();
                    matches!(path, Some("location" | "window.location" | "document.location" | "self.location"))
                        || name == "location" && matches!(path, Some("window" | "self" | "document"))
                };
                if page {
                    self.builder.redirect(Some(&right), place);
                    self.asks_for(&right, place);
                }
                self.builder.hears(&object, name, &right);
                self.builder.copied_to(name, &right, place);
                self.fills_element(&object, name, &right, place);
                self.builder.set_member(&object, Some(name), &right);
                right
            }
            AssignmentTarget::ComputedMemberExpression(member) => {
                let object = self.eval(&member.object);
                let key = self.eval(&member.expression);
                if let Some(key) = key.as_text() {
                    self.builder.copied_to(key, &right, place);
                }
                // `bytes[i] ^= key`: what a file or an answer holds was masked.
                let held = object.taint.any(Taint::FILE | Taint::REMOTE | Taint::HIDDEN | Taint::OWN);
                if let (AssignmentOperator::BitwiseXOR, true, Expression::Identifier(name)) =
                    (assignment.operator, held, &member.object)
                {
                    self.builder.unmasks(name.name.as_str());
                }
                self.builder.set_member(&object, key.as_text(), &right);
                right
            }
            AssignmentTarget::PrivateFieldExpression(member) => {
                let object = self.eval(&member.object);
                self.builder.set_member(&object, Some(&private_name(&member.field)), &right);
                right
            }
            target => {
                self.assign_target(target, right.clone());
                right
            }
        }
    }

    /// `Name.prototype.method = function ..`: the class and the method.
    fn prototype_method(&mut self, assignment: &AssignmentExpression<'a>) -> Option<(u32, &'a str)> {
        let AssignmentTarget::StaticMemberExpression(method) = &assignment.left else { return None };
        let Expression::StaticMemberExpression(of) = &method.object else { return None };
        let Expression::Identifier(name) = &of.object else { return None };
        if of.property.name != "prototype" || !matches!(assignment.right, Expression::FunctionExpression(_)) {
            return None;
        }
        let named = self.builder.name(name.name.as_str());
        let class = match named.class {
            Some(class) => class,
            None => {
                let start = self.plain.remove(&named.function?)?;
                let class = self.builder.declare_class(start);
                self.builder.bind(name.name.as_str(), Value { class: Some(class), ..named });
                class
            }
        };
        Some((class, method.property.name.as_str()))
    }

    /// A page asks for an address that carries what it knows.
    fn asks_for(&mut self, address: &Value<'a>, place: Place) {
        const TAKEN: Taint = Taint::PERSONAL.with(Taint::HELD);
        self.builder.tells_later(address);
        if address.whole_taint().any(TAKEN) {
            let arguments = vec![Argument { name: None, value: address.clone() }];
            self.builder.call(Value::at_path("navigator.sendBeacon"), arguments, Taint::NONE, place);
        }
    }

    /// A page runs the text of a script that it is given, and asks for the address of a picture.
    fn fills_element(&mut self, object: &Value<'a>, name: &str, value: &Value<'a>, place: Place) {
        const CODE: Taint = Taint::REMOTE.with(Taint::DECODED).with(Taint::HIDDEN);
        match (object.path.as_deref(), name) {
            (Some(SCRIPT), "text" | "textContent" | "innerText" | "innerHTML") if value.taint.any(CODE) => {
                let arguments = vec![Argument { name: None, value: value.clone() }];
                self.builder.call(Value::at_path("eval"), arguments, Taint::NONE, place);
            }
            (Some(PICTURE | SCRIPT | "Image()"), "src") => self.asks_for(value, place),
            _ => {}
        }
    }

    /// Gives what stands on the left of an assignment what stands on its right.
    pub(super) fn assign_target(&mut self, target: &AssignmentTarget<'a>, value: Value<'a>) {
        match target {
            AssignmentTarget::AssignmentTargetIdentifier(name) => self.builder.assign(name.name.as_str(), value),
            AssignmentTarget::ArrayAssignmentTarget(array) => {
                for (index, element) in array.elements.iter().enumerate() {
                    let item = value.items().get(index).cloned().unwrap_or_else(|| item_of(&value));
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

    pub(super) fn assign_maybe(&mut self, target: &AssignmentTargetMaybeDefault<'a>, value: Value<'a>) {
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
}

/// What is known of any item of a list that is not known as such: of the command line that it is one of its words.
pub(super) fn item_of<'a>(list: &Value<'a>) -> Value<'a> {
    let path = list.path.filter(|path| &**path == "process.argv");
    Value { path, ..Value::tainted(list.taint) }
}
